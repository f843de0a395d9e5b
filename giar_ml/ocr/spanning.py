"""Rules between columns that were lost in one row, told by print on both sides."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from statistics import median

import numpy as np

from giar_ml.document import UNREAD, BBox, Cell, Table, Token
from giar_ml.geometry import union
from giar_ml.ocr.cells import find_cell_lines

MIN_GAP = 1.0
"""Between the print of two columns, in heights of it; the digits of one figure are nearer."""

MARGIN_IN = 0.02
"""What is printed so near to the edge of a column may go on behind it."""
READ = 0.5
"""Confidence of what is print, and no dirt that looks like it."""


def part_spanning_cells(table: Table, gray: np.ndarray, *, dpi: float) -> Table:
    """The table with cells parted that span columns and have print in each, far apart at every border.

    Args:
        gray: the page, (H, W) uint8.
    """
    cells = [piece for cell in table.cells for piece in _part(cell, table, gray, dpi=dpi)]
    return replace(table, cells=tuple(cells)) if len(cells) > len(table.cells) else table


def join_unread(table: Table, parted: Table) -> Table:
    """The parted table, once it is read, with cells whole again in a piece of which nothing is read."""
    whole = [cell for cell in table.cells if cell.column_stop - cell.column_start > 1]
    cells = list(parted.cells)
    for cell in whole:
        pieces = [c for c in cells if _is_piece(c, cell)]
        if len(pieces) > 1 and not all(any(map(_is_read, piece.tokens)) for piece in pieces):
            at = cells.index(pieces[0])
            cells = [c for c in cells if c not in pieces]
            cells.insert(at, replace(cell, tokens=tuple(t for piece in pieces for t in piece.tokens)))
    return replace(parted, cells=tuple(cells))


def _is_piece(cell: Cell, whole: Cell) -> bool:
    return (
        (cell.row_start, cell.row_stop) == (whole.row_start, whole.row_stop)
        and whole.column_start <= cell.column_start
        and cell.column_stop <= whole.column_stop
    )


def _is_read(token: Token) -> bool:
    return token.text != UNREAD and token.confidence >= READ and not token.is_likely_nothing


def _part(cell: Cell, table: Table, gray: np.ndarray, *, dpi: float) -> list[Cell]:
    columns = range(cell.column_start, cell.column_stop)
    if len(columns) < 2:
        return [cell]
    pieces = []
    for column in columns:
        beside = [c.bbox for c in table.cells if (c.column_start, c.column_stop) == (column, column + 1)]
        if not beside:
            return [cell]
        left, right = median(bbox.left for bbox in beside), median(bbox.right for bbox in beside)
        bbox = BBox(left, cell.bbox.top, right, cell.bbox.bottom)
        pieces.append(replace(cell, column_start=column, column_stop=column + 1, bbox=bbox))
    found = [find_cell_lines(gray, piece.bbox, dpi=dpi) for piece in pieces]
    if not all(found):
        return [cell]
    print_ = [union(line.bbox for line in lines) for lines in found]
    margin = MARGIN_IN * dpi
    if any(
        box.left < piece.bbox.left + margin or box.right > piece.bbox.right - margin
        for piece, box in zip(pieces, print_, strict=True)
    ):
        return [cell]
    is_apart = all(
        b.left - a.right >= MIN_GAP * max(line.bbox.height for line in (*left, *right))
        for (a, b), (left, right) in zip(pairwise(print_), pairwise(found), strict=True)
    )
    return pieces if is_apart else [cell]
