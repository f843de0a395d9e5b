"""Marks lower than the figures around them are hardly figures."""

from __future__ import annotations

import pytest

from giar_ml.document import BBox, Cell, Reading, Table, Token
from giar_ml.fields.low_marks import doubt_low_marks


def mark(text: str, height: float, p: float) -> Token:
    return Token(text, BBox(0, 0, 10, height), p, (Reading(text, p), Reading("", 1 - p)))


def doubt(*rows: list[Token], aligned: bool = False) -> list[list[Token]]:
    cells = tuple(
        Cell(i, i + 1, j, j + 1, BBox(0, 0, 1, 1), (token,))
        for i, row in enumerate(rows)
        for j, token in enumerate(row)
    )
    n_columns = max(map(len, rows))
    table = doubt_low_marks(Table(1, BBox(0, 0, 9, 9), len(rows), n_columns, cells, aligned=aligned))
    return [[c.tokens[0] for c in table.cells if c.row_start == i] for i in range(len(rows))]


def test_a_low_mark_is_likelier_dirt_than_a_figure() -> None:
    # Once a fleck of a seal was read as 4 with 0.998, and the figure beside it dropped for its size.
    figures = [mark("7", 18, 0.999) for _ in range(3)]
    *kept, low = doubt([*figures, mark("4", 8, 0.998)])[0]
    assert kept == figures
    assert low.is_likely_nothing
    assert low.confidence == pytest.approx(2 / 2.998)
    assert sum(reading.probability for reading in low.readings) == pytest.approx(1)


def test_a_low_figure_that_is_read_beyond_doubt_stays_one() -> None:
    figures = [mark("7", 18, 0.999) for _ in range(3)]
    low = doubt([*figures, mark("25", 10, 1 - 1e-7)])[0][-1]
    assert low.readings[0].text == "25"
    assert low.confidence == pytest.approx(1 - 1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "height", "aligned", "is_doubted"),
    [("1124", 31, True, False), ("1124", 31, False, True), ("1124", 20, True, True), ("1", 31, True, True)],
)
def test_a_figure_found_by_its_ink_is_not_low_beside_boxes_of_a_detector(text, height, aligned, is_doubted):
    # Once 1124.65 was nothing with 0.27: the three other figures of its table were found by a detector.
    figures = [mark("7", 48, 0.999) for _ in range(3)]
    found = doubt([*figures, mark(text, height, 0.998)], aligned=aligned)[0][-1]
    assert (found.confidence < 0.99) is is_doubted


def test_a_row_in_small_print_has_a_height_of_its_own() -> None:
    small = [mark(text, 11, 0.998) for text in "123"]
    assert doubt([mark("7", 18, 0.999) for _ in range(5)], small)[1] == small


def test_few_figures_tell_no_height() -> None:
    row = [mark("7", 18, 0.999), mark("4", 8, 0.998)]
    assert doubt(row) == [row]
