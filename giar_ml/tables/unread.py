"""Cells of digital pages that show print, as outlines or a picture, of which the file has no characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from giar_ml.document import UNREAD, BBox, Cell, Table, Token
from giar_ml.geometry import intersection_area

_DARK = 160
"""Grey level: print is darker, most shading lighter."""
_EDGE_IN = 0.02
"""How far the rules around a cell reach into it."""
_TOKEN_EDGE_PX = 2
_MIN_FIGURE_IN = 0.05
"""Height of the smallest figures; dashes and the lines that some fields are filled in on are lower."""


def mark_unread_cells(table: Table, gray: np.ndarray, tokens: Sequence[Token], *, dpi: float) -> Table:
    """The table with an unread token in each cell without tokens that is not blank.

    Args:
        gray: (H, W) uint8, the page.
        tokens: all that were read on the page.
        dpi: resolution of the page.
    """
    cells = tuple(
        replace(cell, tokens=(Token(UNREAD, bbox),))
        if not cell.tokens and (bbox := _find_print(cell, gray, tokens, dpi=dpi))
        else cell
        for cell in table.cells
    )
    return replace(table, cells=cells)


def _find_print(cell: Cell, gray: np.ndarray, tokens: Sequence[Token], *, dpi: float) -> BBox | None:
    """The box around all marks in a cell that may be print."""
    edge = _EDGE_IN * dpi
    left, top, right, bottom = (
        round(max(side + more, 0)) for side, more in zip(cell.bbox, (edge, edge, -edge, -edge), strict=True)
    )
    patch = gray[top:bottom, left:right]
    if not patch.size or int(patch.min()) >= _DARK:
        return None
    ink = (patch < _DARK).astype(np.uint8)
    for token in tokens:
        if intersection_area(token.bbox, cell.bbox) > 0:
            x0, y0, x1, y1 = token.bbox
            rows = slice(max(int(y0) - _TOKEN_EDGE_PX - top, 0), max(int(y1) + _TOKEN_EDGE_PX + 1 - top, 0))
            columns = slice(
                max(int(x0) - _TOKEN_EDGE_PX - left, 0), max(int(x1) + _TOKEN_EDGE_PX + 1 - left, 0)
            )
            ink[rows, columns] = 0
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    x, y, width, height, _ = stats[1:].T
    # A rule, a diagonal through the cell and shading go from one of its sides to another.
    n_sides = sum(
        side.astype(int)
        for side in (x <= 1, y <= 1, x + width >= ink.shape[1] - 1, y + height >= ink.shape[0] - 1)
    )
    is_print = (n_sides < 2) & (height >= _MIN_FIGURE_IN * dpi)
    if not is_print.any():
        return None
    x, y, width, height = (values[is_print] for values in (x, y, width, height))
    return BBox(
        float(left + x.min()),
        float(top + y.min()),
        float(left + (x + width).max()),
        float(top + (y + height).max()),
    )
