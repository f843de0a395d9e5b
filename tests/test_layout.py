from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from layoutparser.elements import Layout, Rectangle, TextBlock

from giar_ml.document import Page
from giar_ml.errors import EngineError
from giar_ml.geometry import runs
from giar_ml.layout import detect_layout, find_ink, load_detector
from giar_ml.tables import find_tables


def page_with_table() -> Page:
    image = np.full((900, 1000, 3), 255, np.uint8)
    for y in (300, 360, 420):
        cv2.line(image, (100, y), (900, y), (0, 0, 0), 2)
    for x in (100, 500, 900):
        cv2.line(image, (x, 300), (x, 420), (0, 0, 0), 2)
    for y in (60, 100, 260, 520):
        cv2.putText(image, "mmmmmmmm", (100, y), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 3)
    return Page(1, "scan", 1000, 900, image, 200)


class FakeDetector:
    def __init__(self, *blocks: TextBlock) -> None:
        self.blocks = blocks

    def detect(self, image: np.ndarray) -> Layout:
        return Layout(list(self.blocks))


def test_rules_detector_tells_table_title_and_text() -> None:
    page = detect_layout(page_with_table(), load_detector())
    assert page.layout is not None
    assert [block.type for block in page.layout] == ["text", "title", "table", "text"]
    assert page.layout[2].coordinates == pytest.approx((100, 300, 900, 420), abs=4)


def test_names_of_other_detectors_become_ours() -> None:
    detector = FakeDetector(
        TextBlock(Rectangle(90, 290, 910, 430), type="TableRegion"),
        TextBlock(Rectangle(90, 20, 910, 110), type="Paragraph"),
    )
    page = detect_layout(page_with_table(), detector)
    assert page.layout is not None
    assert [block.type for block in page.layout] == ["text", "table"]
    assert len(find_tables(page).tables) == 1


def test_only_table_regions_are_searched() -> None:
    page = detect_layout(page_with_table(), FakeDetector(TextBlock(Rectangle(0, 0, 900, 200), type="table")))
    assert find_tables(page).tables == ()


def test_the_layout_by_rules_has_the_tables_that_rules_make() -> None:
    page = page_with_table()
    assert find_tables(detect_layout(page, load_detector())) == find_tables(page)


def test_detectors_are_given_colours() -> None:
    class Picky(FakeDetector):
        def detect(self, image: np.ndarray) -> Layout:
            assert image.ndim == 3
            return super().detect(image)

    page = page_with_table()
    assert page.image is not None
    gray = replace(page, image=page.image[:, :, 0].copy())
    block = TextBlock(Rectangle(90, 290, 910, 430), type="Table")
    assert len(find_tables(detect_layout(gray, Picky(block))).tables) == 1


def test_unknown_model_raises() -> None:
    with pytest.raises(EngineError, match="nonsense"):
        load_detector("nonsense")


def test_missing_backend_raises() -> None:
    with pytest.raises(EngineError, match="lp://"):
        load_detector("lp://PubLayNet/mask_rcnn_X_101_32x8d_FPN_3x/config")


def test_runs_join_small_gaps() -> None:
    flags = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], bool)
    assert runs(flags) == [(1, 3), (4, 5), (8, 9)]
    assert runs(flags, gap=1) == [(1, 5), (8, 9)]


@pytest.mark.parametrize(("dpi", "seen"), [(100, True), (200, False)])
def test_strokes_one_pixel_wide_are_ink_of_coarse_pages_alone(dpi: float, seen: bool) -> None:
    gray = np.full((60, 60), 230, np.uint8)
    gray[20:29, 30] = 60
    gray[45, 45] = 60
    ink = find_ink(gray, [], margin=0, dpi=dpi)
    assert ink[20:29, 30].all() == seen
    assert not ink[45, 45]
