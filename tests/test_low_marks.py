"""Marks lower than the figures around them are hardly figures."""

from __future__ import annotations

import pytest

from giar_ml.document import BBox, Cell, Reading, Table, Token
from giar_ml.fields.low_marks import doubt_low_marks


def mark(text: str, height: float, p: float) -> Token:
    return Token(text, BBox(0, 0, 10, height), p, (Reading(text, p), Reading("", 1 - p)))


def doubt(*rows: list[Token]) -> list[list[Token]]:
    cells = tuple(
        Cell(i, i + 1, j, j + 1, BBox(0, 0, 1, 1), (token,))
        for i, row in enumerate(rows)
        for j, token in enumerate(row)
    )
    table = doubt_low_marks(Table(1, BBox(0, 0, 9, 9), len(rows), max(map(len, rows)), cells))
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


def test_a_row_in_small_print_has_a_height_of_its_own() -> None:
    small = [mark(text, 11, 0.998) for text in "123"]
    assert doubt([mark("7", 18, 0.999) for _ in range(5)], small)[1] == small


def test_few_figures_tell_no_height() -> None:
    row = [mark("7", 18, 0.999), mark("4", 8, 0.998)]
    assert doubt(row) == [row]
