"""Rows without rules that slant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from giar_ml.document import BBox, Page, Token
from giar_ml.tables import add_aligned_tables
from giar_ml.tables.level import FEWEST_PAIRS, MIN_PAIRS, find_level

PITCH, N_ROWS, XS = 40, 12, (500, 600, 700, 800, 900, 1000)


def rows_of(offset: Callable[[float, float], float]) -> list[list[BBox]]:
    """Boxes of figures in rows that are as much lower as a function of x and y says."""
    rows = []
    for i in range(N_ROWS):
        y = 100 + PITCH * i
        rows.append([BBox(x, y + offset(x, y), x + 10, y + 16 + offset(x, y)) for x in XS])
    return rows


SHAPES = {
    "level": lambda x, y: 0.0,
    "slanting": lambda x, y: -0.04 * (x - 500),
    "fanning out": lambda x, y: -0.0001 * (x - 500) * (y - 100),
    "bent": lambda x, y: 0.0001 * (x - 600) ** 2,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_are_level_again(shape: str) -> None:
    rows = rows_of(SHAPES[shape])
    move = find_level([bbox for row in rows for bbox in row])
    assert move is not None
    for row in rows:
        tops = [move(bbox).top for bbox in row]
        assert np.ptp(tops) < 1
        assert [move(bbox).left for bbox in row] == [bbox.left for bbox in row]


def test_figures_off_their_rows_do_not_count() -> None:
    rows = rows_of(SHAPES["slanting"])
    crooked = [bbox._replace(top=bbox.top + 7, bottom=bbox.bottom + 7) for bbox in (rows[2][1], rows[5][3])]
    move = find_level(
        [*crooked, *(bbox for row in rows for bbox in row if bbox not in (rows[2][1], rows[5][3]))]
    )
    assert move is not None
    assert np.ptp([move(bbox).top for bbox in rows[0]]) < 1


def test_a_single_row_does_not_say_how_lines_above_it_slant() -> None:
    # Once the headers of a table of reviews were scattered: its figures stood a pixel up or down.
    row = [BBox(100 + 60 * i, 400 + i % 2, 110 + 60 * i, 416 + i % 2) for i in range(15)]
    move = find_level(row)
    assert move is not None
    above = [BBox(100 + 60 * i, 240, 140 + 60 * i, 262) for i in range(15)]
    assert np.ptp([move(bbox).top for bbox in above]) < 3


def test_few_figures_tell_nothing() -> None:
    assert find_level([]) is None
    assert find_level(rows_of(SHAPES["slanting"])[0][:FEWEST_PAIRS]) is None


def test_the_figures_of_one_row_tell_how_it_slants() -> None:
    # Once the last three figures of a table of reviews without rules were a row of their own.
    row = [
        BBox(x, 400 - 0.03 * x + i % 2, x + 12, 416 - 0.03 * x + i % 2)
        for i, x in enumerate(range(230, 1500, 140))
    ]
    assert FEWEST_PAIRS <= len(row) - 1 < MIN_PAIRS
    move = find_level(row)
    assert move is not None
    assert np.ptp([move(bbox).top for bbox in row]) < 2


@pytest.mark.parametrize("shape", ["slanting", "fanning out"])
def test_rows_of_a_table_without_rules_that_slant(shape: str) -> None:
    # Once the right half of a row was a row of its own, and the left half went on with blank cells.
    offset = SHAPES[shape]
    tokens = [
        Token(f"{i}", bbox, labels={"figure": 0.9}) for i, row in enumerate(rows_of(offset)) for bbox in row
    ]
    for i in range(N_ROWS):
        y = 100 + PITCH * i + offset(100, 100 + PITCH * i)
        tokens.append(Token("甲", BBox(100, y, 400, y + 20), labels={"row:requests.new": 0.9}))
    (table,) = add_aligned_tables(Page(1, "scan", 1200, 800, tokens=tuple(tokens))).tables
    assert (table.n_rows, table.n_columns) == (N_ROWS, len(XS) + 1)
    for row in range(N_ROWS):
        texts = [cell.text for cell in table.cells if cell.row_start == row]
        assert texts == ["甲", *[str(row)] * len(XS)]
