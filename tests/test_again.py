"""Figures read again: what was under a seal, and what stands among marks that are no digits."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from giar_ml.document import BBox, Before, Reading, Token
from giar_ml.ocr.again import _find_other, read_before, read_digits, read_paler, read_words
from giar_ml.ocr.blanks import read_emptied, read_missed
from giar_ml.ocr.cells import find_cell_lines
from giar_ml.ocr.lines import Line, mix_readings

DPI = 200
FONT = cv2.FONT_HERSHEY_SIMPLEX
WIDTH, HEIGHT = 120, 60
N_ROWS = 10


class Reading12:
    """Reads 1 or 12 by the width of a line, and keeps what it was given."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.page: np.ndarray | None = None

    def __call__(self, lines: Sequence[Line], page: np.ndarray) -> list[Token]:
        self.lines, self.page = list(lines), page
        return [figure("12" if line.bbox.width > 15 else "1", line.bbox, 0.98) for line in lines]


def figure(text: str, bbox: BBox, probability: float) -> Token:
    return Token(text, bbox, probability, (Reading(text, probability),))


def cells() -> list[BBox]:
    return [BBox(0, row * HEIGHT, WIDTH, (row + 1) * HEIGHT) for row in range(N_ROWS)]


def write(page: np.ndarray, text: str, row: int, *, x: int = 40, grey: int = 20) -> None:
    cv2.putText(page, text, (x, row * HEIGHT + 38), FONT, 0.6, (grey,), 2, cv2.LINE_AA)


def page_of_figures() -> np.ndarray:
    """A column of figures, the last cell of which is empty."""
    page = np.full((N_ROWS * HEIGHT, WIDTH), 250, np.uint8)
    for row in range(N_ROWS - 1):
        write(page, "12", row)
    return page


def read_tokens(page: np.ndarray, *last: tuple[str, float]) -> tuple[list[Line], list[BBox], list[Token]]:
    """The lines of the page, their cells, and tokens: sure ones, but for those of the last cell."""
    lines, bboxes = [], []
    for bbox in cells():
        found = find_cell_lines(page, bbox, dpi=DPI)
        lines += found
        bboxes += [bbox] * len(found)
    n_sure = len(lines) - len(last)
    sure = [figure("12", line.bbox, 0.999) for line in lines[:n_sure]]
    unsure = [figure(text, line.bbox, p) for (text, p), line in zip(last, lines[n_sure:], strict=True)]
    return lines, bboxes, [*sure, *unsure]


@pytest.mark.parametrize(
    ("has_seal", "first", "expected"),
    [
        (True, ("1", 0.99), {"12": 0.833, "1": 0.1485}),
        pytest.param(False, ("1", 0.99), {"12": 0.49, "1": 0.495}, id="a streak"),
        pytest.param(True, ("", 0.99), {"12": 0.49, "": 0.495}, id="nothing is left"),
    ],
)
def test_a_digit_that_went_with_the_seal_is_one_of_the_readings(has_seal, first, expected) -> None:
    # Once the 6 of 126 was taken for ink of the seal around it: 12 was read, beyond doubt.
    sealed = page_of_figures()
    write(sealed, "12", N_ROWS - 1)
    gray = sealed.copy()
    doubtful = np.zeros(gray.shape, bool)
    doubtful[-HEIGHT:, 52:] = gray[-HEIGHT:, 52:] < 200
    gray[doubtful] = 225
    lines, bboxes, tokens = read_tokens(gray, first)
    reader = Reading12()
    before = Before(sealed, doubtful, has_seal)
    found = read_before(tokens, lines, bboxes, gray, before, reader, dpi=DPI)
    assert found[:-1] == tokens[:-1]
    assert reader.page is sealed
    assert dict(found[-1].readings) == pytest.approx(expected)


def test_a_faint_mark_alone_stays_in_doubt() -> None:
    sealed = page_of_figures()
    write(sealed, "1", N_ROWS - 1)
    gray = sealed.copy()
    gray[-HEIGHT:][gray[-HEIGHT:] < 200] = 220
    lines, bboxes, tokens = read_tokens(gray, ("1", 0.7))
    assert lines[-1].faint
    doubtful = gray != sealed
    reader = Reading12()
    found = read_before(tokens, lines, bboxes, gray, Before(sealed, doubtful), reader, dpi=DPI)
    assert found[:-1] == tokens[:-1]
    assert [line.faint for line in reader.lines] == [True]


def two_columns() -> tuple[np.ndarray, list[Token], list[BBox]]:
    """A page of figures and an empty column beside them; the tokens, and the cells of that column."""
    page = np.hstack([page_of_figures(), np.full((N_ROWS * HEIGHT, WIDTH), 250, np.uint8)])
    _, _, tokens = read_tokens(page[:, :WIDTH])
    return page, tokens, [bbox._replace(left=WIDTH, right=2 * WIDTH) for bbox in cells()]


def test_a_figure_that_went_with_the_seal_altogether_may_stand_in_its_blank_cell() -> None:
    # Once 13 was joined to a character of a seal and taken off with it: the cell was blank beyond doubt.
    page, tokens, blank = two_columns()
    sealed = page.copy()
    write(sealed, "12", 3, x=WIDTH + 40)
    cv2.line(sealed, (WIDTH + 20, 3 * HEIGHT + 20), (WIDTH + 50, 3 * HEIGHT + 40), (90,), 5)
    reader = Reading12()
    none = np.zeros(page.shape, bool)
    found = read_emptied(blank, tokens, page, Before(sealed, none), reader, dpi=DPI)
    assert list(found) == [3]
    assert reader.page is sealed
    assert dict(found[3].readings) == {"": 0.5, "12": 0.49}
    assert found[3].is_likely_nothing


@pytest.mark.parametrize(
    ("text", "grey", "rise", "is_read"),
    [("12", 205, 0, True), ("12", 241, 0, False), ("12", 205, 14, False), ("-", 205, 0, False)],
)
def test_pale_marks_where_the_figures_of_their_row_stand_may_be_print(
    text: str, grey: int, rise: int, is_read: bool
) -> None:
    # Once a thin pale 7 among zeros was no print at all, and its cell surely blank.
    page, tokens, blank = two_columns()
    cv2.putText(page, text, (WIDTH + 40, 3 * HEIGHT + 38 - rise), FONT, 0.6, (grey,), 1, cv2.LINE_AA)
    reader = Reading12()
    found = read_missed(blank, tokens, page, reader, dpi=DPI)
    assert list(found) == ([3] if is_read else [])
    assert not read_missed(blank, tokens[:2], page, reader, dpi=DPI)
    if is_read:
        assert dict(found[3].readings) == {"": 0.5, "12": 0.49}


def test_a_seal_off_the_row_of_figures_empties_no_cell() -> None:
    page, tokens, blank = two_columns()
    sealed = page.copy()
    cv2.line(sealed, (WIDTH + 20, 3 * HEIGHT + 6), (2 * WIDTH - 20, 3 * HEIGHT + 12), (90,), 5)
    none = np.zeros(page.shape, bool)
    assert not read_emptied(blank, tokens, page, Before(sealed, none), Reading12(), dpi=DPI)
    assert not read_emptied(blank, tokens[:2], page, Before(sealed, none), Reading12(), dpi=DPI)


def test_a_streak_along_the_figures_empties_no_cell() -> None:
    page, tokens, blank = two_columns()
    streaked = page.copy()
    middle = round(np.median([token.bbox.center[1] for token in tokens[3:4]]))
    cv2.line(streaked, (WIDTH + 5, middle), (2 * WIDTH - 5, middle), (90,), 3)
    none = np.zeros(page.shape, bool)
    assert not read_emptied(blank, tokens, page, Before(streaked, none), Reading12(), dpi=DPI)


def ring(page: np.ndarray) -> None:
    cv2.ellipse(page, (170, (N_ROWS - 1) * HEIGHT + 20), (140, 140), 0, 150, 200, (60,), 6)


def dirt(page: np.ndarray) -> None:
    y = (N_ROWS - 1) * HEIGHT
    cv2.line(page, (62, y + 22), (88, y + 29), (90,), 2)
    cv2.line(page, (62, y + 36), (88, y + 42), (90,), 2)


@pytest.mark.parametrize("add_marks", [ring, dirt])
def test_what_is_not_as_high_as_digits_is_left_out_of_an_unsure_figure(add_marks) -> None:
    # Once an arc of a seal and 0 were read as 10, and 0 beside rests of its characters as 4.
    page = page_of_figures()
    write(page, "1", N_ROWS - 1)
    add_marks(page)
    _, bboxes, tokens = read_tokens(page, ("4", 0.4))
    reader = Reading12()
    found = read_digits(tokens, bboxes, page, reader, dpi=DPI)
    assert found[:-1] == tokens[:-1]
    assert reader.lines[0].bbox.width < 15
    assert found[-1].readings[0] == Reading("1", pytest.approx(0.49))


@pytest.mark.parametrize(
    ("top", "bottom", "width", "is_digit"),
    [(14, 25, 8, True), (14, 23, 8, True), (18, 27, 8, True), (16, 25, 8, False), (14, 23, 18, False)],
)
def test_a_digit_may_be_a_pixel_lower_than_others_or_lack_its_foot(top, bottom, width, is_digit) -> None:
    # Once .71 was left out of 3,523.71, whose digits are 13 pixels high and two of them 11; and the 7 of 3167
    # whose foot is pale.
    cell = np.full((40, 120), 250, np.uint8)
    for left, first, last, wide in ((20, 14, 27, 8), (50, 14, 27, 8), (80, top, bottom, width)):
        cell[first:last, left : left + wide] = 20
    cell[14:18, 105:115] = 20  # dirt
    other = _find_other(cell, high=13, middle=None, dpi=100)
    assert other is not None
    assert bool(other[:, 80:88].any()) is not is_digit
    assert not other[:, :75].any()


@pytest.mark.parametrize(
    ("add_marks", "p", "is_read"), [(ring, 0.9995, False), (ring, 0.95, True), (dirt, 0.95, False)]
)
def test_a_nearly_sure_figure_is_read_again_beside_a_high_mark(add_marks, p: float, is_read: bool) -> None:
    # Once the stroke of a pen and 231 were read as 7231, with 0.988, and the report was accepted.
    page = page_of_figures()
    write(page, "1", N_ROWS - 1)
    add_marks(page)
    _, bboxes, tokens = read_tokens(page, ("41", p))
    reader = Reading12()
    found = read_digits(tokens, bboxes, page, reader, dpi=DPI)
    assert bool(reader.lines) is is_read
    assert (found == tokens) is not is_read


@pytest.mark.parametrize(("text", "is_torn"), [("12776992", True), ("231", False)])
def test_digits_that_touch_in_a_slanting_figure_are_no_dirt(text: str, is_torn: bool) -> None:
    # Once 127769.92 of a photograph was .92 with half of the probability: its first digits had run together.
    page = page_of_figures()
    write(page, "1", N_ROWS - 1)
    ring(page)
    _, bboxes, tokens = read_tokens(page, (text, 0.995))
    assert (read_digits(tokens, bboxes, page, Reading12(), dpi=DPI) == tokens) is is_torn


def test_the_sign_of_a_figure_in_words_is_left_where_it_is() -> None:
    page = page_of_figures()
    write(page, "1", N_ROWS - 1)
    ring(page)
    _, bboxes, tokens = read_tokens(page, ("减1", 0.6))
    assert read_digits(tokens, bboxes, page, Reading12(), dpi=DPI) == tokens


def test_marks_lower_than_digits_may_be_nothing() -> None:
    page = page_of_figures()
    dirt(page)
    y = (N_ROWS - 1) * HEIGHT
    page[y + 33 : y + HEIGHT] = 250
    _, bboxes, tokens = read_tokens(page, ("7", 0.6))
    found = read_digits(tokens, bboxes, page, Reading12(), dpi=DPI)
    assert dict(found[-1].readings) == {"": 0.5, "7": 0.3}
    assert found[-1].is_likely_nothing


def test_a_digit_that_touches_a_seal_may_be_one() -> None:
    page = page_of_figures()
    write(page, "1", N_ROWS - 1)
    y = (N_ROWS - 1) * HEIGHT
    cv2.line(page, (30, y + 4), (60, y + 56), (60,), 5)
    _, bboxes, tokens = read_tokens(page, ("7", 0.6))
    assert read_digits(tokens, bboxes, page, Reading12(), dpi=DPI) == tokens


@pytest.mark.parametrize(
    ("p", "seen", "read"),
    [
        (0.4, ("减8项", 0.999), "减8项"),
        (0.4, ("减8项", 0.3), "8"),
        (0.4, ("8.", 0.999), "8"),
        (0.4, ("第8项", 0.999), "8"),
        (0.999, ("减8项", 0.999), "8"),
    ],
    ids=["words", "unsure ones", "no words", "no figure", "no doubt"],
)
def test_doubtful_figures_are_looked_at_for_words(p: float, seen: tuple[str, float], read: str) -> None:
    # Once 减8项 was read as 减8., 减85 or 减83: the pale strokes of 项 were taken off as dirt.
    def recognize(lines: Sequence[Line], page: np.ndarray) -> list[Token]:
        return [Token(seen[0], line.bbox, seen[1], (Reading(*seen),)) for line in lines]

    token = Token("8", BBox(20, 20, 60, 36), p, (Reading("8", p),))
    (found,) = read_words([token], np.full((60, 120), 255, np.uint8), recognize, dpi=DPI)
    assert found.text == read


def test_print_that_dirt_hides_is_read_once_the_dirt_is_gone() -> None:
    # Once a bit of a seal, dark and read as nothing, hid a pale 24, and the report was accepted.
    page = page_of_figures()
    write(page, "12", N_ROWS - 1, grey=205)
    y = (N_ROWS - 1) * HEIGHT
    page[y + 5 : y + 9, 60:90] = 20
    _, bboxes, tokens = read_tokens(page, ("", 0.9995))
    assert tokens[-1].bbox.height < 10
    found = read_paler(tokens, bboxes, page, Reading12(), dpi=DPI)
    assert found[:-1] == tokens[:-1]
    assert found[-1].text == "12"
    page[y + 20 : y + HEIGHT] = 250
    assert read_paler(tokens, bboxes, page, Reading12(), dpi=DPI) == tokens


def test_either_of_two_pictures_may_be_right() -> None:
    token = Token("1", BBox(0, 0, 9, 9), 0.9, (Reading("1", 0.9), Reading("7", 0.1)))
    mixed = mix_readings(token, (Reading("7", 1.0),))
    assert mixed.text == "7"
    assert mixed.confidence == pytest.approx(0.55)
    assert dict(mixed.readings) == {"7": pytest.approx(0.55), "1": pytest.approx(0.45)}
    assert mix_readings(token, ()) is token
