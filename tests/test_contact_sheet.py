import numpy as np
import pytest

from giar_ml.annotations.gold import (
    Gold,
    GoldCell,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    box_poly,
)
from giar_ml.document import BBox
from training.contact_sheet import (
    CAPTION_PX,
    CELL_COLOR,
    FIGURE_CELL_COLOR,
    GAP_PX,
    KIND_COLORS,
    MISPRINT_COLOR,
    contact_sheet,
    gold_overlay,
)


def page(height, width, color=(10, 200, 30)):
    return np.full((height, width, 3), color, np.uint8)


def test_sheet_is_as_large_as_its_rows():
    sheet = contact_sheet([("a", page(80, 40))] * 3 + [("b", page(20, 40))], columns=3, width_px=20)
    # Rows of 40 and 10 pixels, three columns of 20.
    assert sheet.shape == (3 * GAP_PX + 2 * CAPTION_PX + 40 + 10, 4 * GAP_PX + 3 * 20, 3)
    assert sheet.dtype == np.uint8
    top, left = GAP_PX + CAPTION_PX, GAP_PX
    assert (sheet[top : top + 40, left : left + 20] == (10, 200, 30)).all()
    assert (sheet[:GAP_PX] == 255).all()
    assert (sheet[-GAP_PX - 10 :, 2 * GAP_PX + 20 :] == 255).all()  # no second picture in the last row


def test_few_pictures_make_a_narrow_sheet_and_small_ones_stay_small():
    sheet = contact_sheet([("", page(5, 8))], columns=8, width_px=20)
    assert sheet.shape == (2 * GAP_PX + CAPTION_PX + 5, 2 * GAP_PX + 20, 3)
    assert (sheet != 255).any(axis=2).sum() == 5 * 8


def test_a_caption_is_drawn_and_stays_over_its_picture():
    sheet = contact_sheet([("scan office 2021 " * 9, page(9, 90, 255)), ("", page(9, 90, 255))], width_px=90)
    dark = np.nonzero((sheet < 128).any(axis=2))
    assert dark[0].size
    assert dark[0].max() < GAP_PX + CAPTION_PX
    assert dark[1].max() <= GAP_PX + 90


def test_thumbnails_average_and_the_sheet_is_the_same_each_time():
    stripes = page(64, 64, 255)
    stripes[::2] = 0
    first, second = (contact_sheet([("a", stripes)], width_px=16) for _ in range(2))
    assert (first == second).all()
    thumbnail = first[GAP_PX + CAPTION_PX : -GAP_PX, GAP_PX:-GAP_PX]
    assert thumbnail.min() >= 126
    assert thumbnail.max() <= 129


def test_no_pictures_are_refused():
    with pytest.raises(ValueError, match="no pictures"):
        contact_sheet([])


def test_overlay_draws_each_kind_in_its_colour_at_the_scale_of_the_picture():
    gold = Gold(
        file="a.pdf",
        sha256="0",
        kind="scan",
        form="2021",
        organisation=None,
        year=None,
        cells={
            "a": GoldCell(1, "1", (Place(2, box_poly(BBox(10, 10, 20, 20))),)),
            "b": GoldCell(2, "2", (Place(2, box_poly(BBox(30, 10, 40, 20))),)),
            "c": GoldCell(3, "3", (Place(1, box_poly(BBox(70, 70, 80, 80))),)),
        },
        misprints={"b": 3},
        pages=(GoldPage(1, 100, 100), GoldPage(2, 100, 100)),
        tokens=(GoldToken("1", "figure", Place(2, box_poly(BBox(13, 13, 17, 17)))),),
        tables=(GoldTable(2, 1, 1, (GoldTableCell(0, 1, 0, 1, box_poly(BBox(5, 5, 50, 50))),)),),
    )
    picture = page(200, 300, 255)
    drawn = gold_overlay(picture, gold, 2)
    assert drawn.shape == picture.shape
    assert (picture == 255).all()
    assert tuple(drawn[10, 30]) == CELL_COLOR
    assert tuple(drawn[20, 45]) == FIGURE_CELL_COLOR
    assert tuple(drawn[20, 105]) == MISPRINT_COLOR
    assert tuple(drawn[30, 39]) == KIND_COLORS["figure"]
    assert (drawn[130:, :] == 255).all()  # page 1 is not drawn
    assert (drawn == gold_overlay(picture, gold, 2)).all()
    with pytest.raises(KeyError):
        gold_overlay(picture, gold, 3)
