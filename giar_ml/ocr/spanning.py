"""Rules between columns that were lost in one row, told by print on both sides."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from statistics import median

import numpy as np

from giar_ml.document import BBox, Cell, Table
from giar_ml.geometry import union
from giar_ml.ocr.cells import find_cell_lines

MIN_GAP = 1.0
"""Between the print of two columns, in heights of it; the digits of one figure are nearer."""


def part_spanning_cells(table: Table, gray: np.ndarray, *, dpi: float) -> Table:
    """The table with cells parted that span columns and have print in each, far apart at every border.

    Args:
        gray: the page, (H, W) uint8.
    """
    cells = [piece for cell in table.cells for piece in _part(cell, table, gray, dpi=dpi)]
    return replace(table, cells=tuple(cells)) if len(cells) > len(table.cells) else table


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
    is_apart = all(
        b.left - a.right >= MIN_GAP * max(line.bbox.height for line in (*left, *right))
        for (a, b), (left, right) in zip(pairwise(print_), pairwise(found), strict=True)
    )
    return pieces if is_apart else [cell]
