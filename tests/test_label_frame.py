"""The common frame: the same page at any resolution, with any margins, looks the same to a labeller."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from giar_ml.document import BBox
from giar_ml.label.frame import UNITS_PER_LINE, WIDTH, Placed, character_size, place, reading_order

lefts = st.floats(0, 2000)
tokens = st.tuples(lefts, st.floats(0, 3000), st.floats(10, 500), st.floats(10, 60))
pages = st.lists(tokens, min_size=1, max_size=12).map(
    lambda found: np.array([[x, y, x + width, y + height] for x, y, width, height in found])
)


def boxes_of(placed: list[Placed]) -> np.ndarray:
    return np.array([token.bbox for token in placed])


def put(*boxes: tuple[float, float, float, float]) -> list[Placed]:
    """Tokens in the frame, each named by its place in the list."""
    return [Placed(str(i), BBox(*box)) for i, box in enumerate(boxes)]


# Pages


def test_a_page_by_hand():
    """Print from 100 to 600 pixels, lines of 20: two units to a pixel across, a fifth of one down."""
    boxes = np.array([(100, 50, 300, 70), (500, 90, 600, 110), (120, 92, 220, 112)])
    placed = place(["甲", "乙", "丙"], boxes, paper=True)
    assert [token.text for token in placed] == ["甲", "乙", "丙"]
    expected = [(0, 0, 400, 4), (800, 8, 1000, 12), (40, 8.4, 240, 12.4)]
    np.testing.assert_allclose(boxes_of(placed), expected)


@given(pages, st.floats(0.1, 10), st.floats(-500, 5000), st.floats(-500, 5000))
def test_neither_resolution_nor_margins_matter(boxes, scale, x, y):
    texts = [str(i) for i in range(len(boxes))]
    once = place(texts, boxes, paper=True)
    again = place(texts, boxes * scale + np.array([x, y, x, y]), paper=True)
    np.testing.assert_allclose(boxes_of(once), boxes_of(again), atol=1e-4)


@given(pages, st.randoms(use_true_random=False))
def test_the_order_of_tokens_does_not_matter(boxes, random):
    order = list(range(len(boxes)))
    random.shuffle(order)
    texts = [str(i) for i in order]
    shuffled = place(texts, boxes[order], paper=True)
    placed = place([str(i) for i in range(len(boxes))], boxes, paper=True)
    assert [token.text for token in shuffled] == texts
    np.testing.assert_allclose(boxes_of(shuffled), boxes_of(placed)[order])


@given(pages)
def test_print_reaches_from_left_to_right_and_begins_at_the_top(boxes):
    placed = boxes_of(place([""] * len(boxes), boxes, paper=True))
    assert placed[:, 0].min() == 0
    assert placed[:, 2].max() == pytest.approx(WIDTH)
    assert placed[:, 1].min() == 0
    assert (placed[:, 2] >= placed[:, 0]).all()


def test_a_line_of_upright_text_does_not_stretch_the_page():
    """The short side of a token tells how high a line is, so a column of characters counts as narrow."""
    flat = [(0, 20.0 * i, 100, 20.0 * i + 20) for i in range(3)]
    placed = place(["字"] * 6, np.array([*flat, *((110 + 30 * i, 0, 130 + 30 * i, 200) for i in range(3))]),
                   paper=True)  # fmt: skip
    assert placed[1].bbox.height == pytest.approx(UNITS_PER_LINE)


def test_boxes_of_ink_and_of_lines_give_the_same_frame():
    """A printed line is as high as its font says, what OCR boxes is ink: figures are half as wide as high,
    a 一 is low. The length of a label by its characters is the same in both."""
    texts = ["自然人", "总计", "结果纠正", "0", "1", "0", "一"]
    words = [(0, 60), (100, 140), (200, 280)]
    lines = [(a, 0, b, 26) for a, b in words] + [(a, 40, a + 10, 66) for a in (0, 100, 200)]
    ink = [(a, 3, b, 23) for a, b in words] + [(a, 45, a + 8, 61) for a in (0, 100, 200)]
    lines, ink = [*lines, (300, 40, 320, 66)], [*ink, (302, 52, 318, 54)]
    sizes = {character_size(texts, np.array(boxes, float)) for boxes in (lines, ink)}
    assert sizes == {20.0}


def test_a_page_without_characters_goes_by_the_short_side_of_its_tokens():
    assert character_size(["12", "0"], np.array([(0, 0, 20, 12), (0, 20, 6, 32)], float)) == 9
    assert character_size(["总计", "0", "0"], np.array([(0, 0, 20, 12), *[(0, 20, 6, 32)] * 2], float)) == 6


def test_confidences_stay_with_their_tokens():
    boxes = np.array([(0, 0, 10, 10), (20, 0, 30, 10)])
    assert [t.confidence for t in place(["1", "2"], boxes, paper=True, confidences=[0.3, 0.9])] == [0.3, 0.9]
    assert [t.confidence for t in place(["1", "2"], boxes, paper=False)] == [1, 1]


@pytest.mark.parametrize("paper", [True, False])
def test_an_empty_page(paper):
    assert place([], np.array([]), paper=paper) == []
    assert place([], np.zeros((0, 4)), paper=paper) == []
    assert reading_order([]) == []


@pytest.mark.parametrize("box", [(5, 5, 5, 5), (0, 0, 0, 10), (0, 0, 10, 0)])
def test_a_token_without_extent(box):
    [token] = place(["字"], np.array([box]), paper=True)
    assert np.isfinite(token.bbox).all()
    assert 0 <= token.bbox.left <= token.bbox.right <= WIDTH


# Texts


def test_a_text_by_hand():
    """160 columns are as wide as a page; its first line is the top, its margin stays."""
    boxes = np.array([(0, 7, 16, 8), (80, 7, 96, 8), (16, 9, 240, 10)])
    placed = place(["甲", "乙", "丙"], boxes, paper=False)
    np.testing.assert_allclose(boxes_of(placed), [(0, 0, 100, 4), (500, 0, 600, 4), (100, 8, 1000, 12)])


@given(pages, st.integers(0, 500))
def test_what_stands_above_in_a_text_does_not_matter(boxes, lines):
    down = boxes + np.array([0, lines, 0, lines])
    texts = [""] * len(boxes)
    np.testing.assert_allclose(
        boxes_of(place(texts, boxes, paper=False)), boxes_of(place(texts, down, paper=False)), atol=1e-6
    )


# Order of reading


@pytest.mark.parametrize(
    ("boxes", "order"),
    [
        pytest.param([(500, 0, 600, 4), (0, 0, 100, 4)], [1, 0], id="from left to right"),
        pytest.param([(0, 8, 100, 12), (0, 0, 100, 4)], [1, 0], id="from top to bottom"),
        pytest.param([(0, 1.5, 100, 5.5), (500, 0, 600, 4)], [0, 1], id="a line that is not quite level"),
        pytest.param([(0, 2.5, 100, 6.5), (500, 0, 600, 4)], [1, 0], id="more than half a line lower"),
        pytest.param(
            [(0, 3, 100, 7), (300, 1.5, 400, 5.5), (600, 0, 700, 4)], [1, 2, 0], id="from the line's first on"
        ),
        pytest.param([(200, 0, 300, 8), (0, 0, 100, 4), (0, 4, 100, 8)], [1, 0, 2], id="a cell of two lines"),
    ],
)
def test_reading_order(boxes, order):
    assert reading_order(put(*boxes)) == order


@given(pages)
def test_every_token_is_read_once(boxes):
    placed = place([""] * len(boxes), boxes, paper=True)
    assert sorted(reading_order(placed)) == list(range(len(boxes)))
