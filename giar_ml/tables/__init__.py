"""Page -> Page with tables: by their ruling lines, and where there are none by their labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from giar_ml.document import BBox, Before, Cell, Page, Table, Token
from giar_ml.geometry import contains_center, intersection_area, split_into_lines, union
from giar_ml.tables.align import add_aligned_tables
from giar_ml.tables.grid import Grid, lines_to_cells
from giar_ml.tables.rules import estimate_dpi, find_rules, group_rules, to_gray
from giar_ml.tables.ruling import TOUCH_IN, Rules, extent
from giar_ml.tables.stacked import split_stacked_rows
from giar_ml.tables.streaks import erase_streaks
from giar_ml.tables.unread import mark_unread_cells

__all__ = [
    "add_aligned_tables",
    "cells_to_tables",
    "fill_cells",
    "find_tables",
    "lines_to_cells",
    "split_stacked_rows",
]

MIN_CELL_IN = 0.06
"""Narrower or lower cells are the space between double lines."""
MIN_TORN_IN, MAX_TORN_IN = 3.0, 1.0
"""Width and height of a single row of two cells that is a table: a label and its figure. A frame around the
page with a line beside the binding is higher."""
REGION_MARGIN_IN = 0.15
"""A detector's box may cut the outer rules of a table."""


def find_tables(page: Page) -> Page:
    """Tables of the page's table regions, of the whole page where no layout was detected.

    On digital pages the tokens that lie in a cell move into it, and what is printed in a cell without them
    is an unread one; on scans the cells stay empty
    until they are read, and lines that are no rules go from the picture. A table torn at a page end stays one
    table per page.
    """
    if page.image is None or page.kind == "text":
        return page
    dpi = page.dpi or estimate_dpi(page.image)
    rules = page.rules or find_rules(page.image, dpi=dpi)
    groups = group_rules(rules, dpi=dpi)
    tables = cells_to_tables(groups, page=page.number, dpi=dpi)
    regions = _table_regions(page)
    if regions is not None:
        margin = REGION_MARGIN_IN * dpi
        tables = [t for t in tables if any(_belongs(t.bbox, region, margin) for region in regions)]
    if page.kind == "scan":
        return _without_streaks(replace(page, tables=tuple(tables)), page.image, rules, dpi=dpi)
    tokens = list(page.tokens)
    gray = to_gray(page.image)
    filled = []
    for table in tables:
        table, tokens = fill_cells(table, tokens)
        filled.append(mark_unread_cells(table, gray, page.tokens, dpi=dpi))
    return replace(page, tables=tuple(filled), tokens=tuple(tokens))


def cells_to_tables(groups: Iterable[Rules], *, page: int, dpi: float) -> list[Table]:
    """The groups of rules that are tables, top to bottom: not frames, boxes or crossed lines.

    What lies in a cell of a table is none, but for tables with more cells than what they lie in: that is a
    frame around a page.
    """
    tables = []
    for group in groups:
        grid = lines_to_cells(
            group.horizontal,
            group.vertical,
            tolerance=TOUCH_IN * dpi,
            row_pieces=group.row_pieces,
            column_pieces=group.column_pieces,
        )
        if not _is_table(grid, dpi=dpi):
            continue
        cells = tuple(replace(cell, bbox=group.bbox_to_page(cell.bbox)) for cell in grid.cells)
        bbox = _clip(_page_extent(group), union(cell.bbox for cell in cells), reach=TOUCH_IN * dpi)
        tables.append(Table(page, bbox, grid.n_rows, grid.n_columns, cells))
    tables = [t for t in tables if not _is_frame(t, tables)]
    return [
        table
        for table in tables
        if not any(_is_inside(table, cell) for other in tables if other is not table for cell in other.cells)
    ]


def _clip(bbox: BBox, cells: BBox, *, reach: float) -> BBox:
    """A box no further than so far around the cells: some rules may go on where no cell is."""
    return BBox(
        max(bbox.left, cells.left - reach),
        max(bbox.top, cells.top - reach),
        min(bbox.right, cells.right + reach),
        min(bbox.bottom, cells.bottom + reach),
    )


def fill_cells(table: Table, tokens: Sequence[Token]) -> tuple[Table, list[Token]]:
    """The table with the tokens that lie in its cells, in reading order, and the other tokens."""
    inside: dict[int, list[Token]] = {}
    outside = []
    for token, row in zip(tokens, _cells_beside(tokens, table), strict=True):
        pieces = _split_at_rules(token, table, row) if contains_center(table.bbox, token.bbox) else None
        if pieces is None:
            outside.append(token)
            continue
        for index, piece in pieces:
            inside.setdefault(index, []).append(piece)
    cells = tuple(
        replace(cell, tokens=_reading_order(inside[i])) if i in inside else cell
        for i, cell in enumerate(table.cells)
    )
    return replace(table, cells=cells), outside


def _without_streaks(page: Page, image: np.ndarray, rules: Rules, *, dpi: float) -> Page:
    clean = erase_streaks(image, rules, dpi=dpi)
    if clean is image:
        return page
    gray = to_gray(image)
    return replace(page, image=clean, before=page.before or Before(gray, np.zeros(gray.shape, bool)))


def _table_regions(page: Page) -> list[BBox] | None:
    if page.layout is None:
        return None
    return [BBox(*map(float, block.coordinates)) for block in page.layout if block.type == "table"]


def _belongs(bbox: BBox, region: BBox, margin: float) -> bool:
    wide = BBox(region.left - margin, region.top - margin, region.right + margin, region.bottom + margin)
    return intersection_area(bbox, wide) > 0.5 * bbox.width * bbox.height


def _is_table(grid: Grid, *, dpi: float) -> bool:
    """Two rows and two columns at least; one row may be torn off a table."""
    real = [cell.bbox for cell in grid.cells if min(cell.bbox.width, cell.bbox.height) >= MIN_CELL_IN * dpi]
    if grid.n_rows >= 2 and grid.n_columns >= 2:
        return len(real) >= 3
    is_wide = sum(bbox.width for bbox in real) >= MIN_TORN_IN * dpi
    is_low = all(bbox.height <= MAX_TORN_IN * dpi for bbox in real)
    return grid.n_rows == 1 and (len(real) >= 3 or (len(real) == 2 and is_wide and is_low))


def _page_extent(group: Rules) -> BBox:
    left, top, right, bottom = extent(group)
    corners = [group.to_page(u, v) for u in (left, right) for v in (top, bottom)]
    xs, ys = zip(*corners, strict=True)
    return BBox(min(xs), min(ys), max(xs), max(ys))


def _is_frame(table: Table, tables: Sequence[Table]) -> bool:
    """Whether one of its cells holds tables that have more cells together."""
    return any(
        sum(len(t.cells) for t in tables if t is not table and _is_inside(t, cell)) > len(table.cells)
        for cell in table.cells
    )


def _is_inside(table: Table, cell: Cell) -> bool:
    return intersection_area(table.bbox, cell.bbox) > 0.9 * table.bbox.width * table.bbox.height


def _cells_beside(tokens: Sequence[Token], table: Table) -> list[list[int]]:
    """For each token the cells of its row that it lies in or reaches into."""
    lefts, tops, rights, bottoms = np.array([cell.bbox for cell in table.cells]).reshape(-1, 4).T
    boxes = np.array([token.bbox for token in tokens]).reshape(-1, 4)
    left, top, right, bottom = boxes.T[:, :, None]
    y = (top + bottom) / 2
    is_beside = (tops <= y) & (y < bottoms) & (np.minimum(rights, right) > np.maximum(lefts, left))
    return [np.flatnonzero(found).tolist() for found in is_beside]


def _split_at_rules(token: Token, table: Table, beside: Sequence[int]) -> list[tuple[int, Token]] | None:
    """The cell indices of a token and its part in each; None when it is in no cell."""
    row = [(i, table.cells[i]) for i in beside]
    if not row:
        nearest = min(
            enumerate(table.cells),
            key=lambda item: -intersection_area(item[1].bbox, token.bbox),
            default=None,
        )
        if nearest is None or intersection_area(nearest[1].bbox, token.bbox) <= 0:
            return None
        return [(nearest[0], token)]
    if len(row) == 1:
        return [(row[0][0], token)]
    return _split_by_characters(token, sorted(row, key=lambda item: item[1].bbox.left))


def _split_by_characters(token: Token, row: Sequence[tuple[int, Cell]]) -> list[tuple[int, Token]]:
    edges = [(a[1].bbox.right + b[1].bbox.left) / 2 for a, b in pairwise(row)]
    weights = [1.0 if ord(c) > 0x2E80 else 0.5 for c in token.text]
    scale = token.bbox.width / (sum(weights) or 1)
    pieces: list[tuple[str, float, float]] = [("", 0.0, 0.0)] * len(row)
    x = token.bbox.left
    for character, weight in zip(token.text, weights, strict=True):
        stop = x + weight * scale
        place = sum(edge <= (x + stop) / 2 for edge in edges)
        text, start, _ = pieces[place]
        pieces[place] = (text + character, start if text else x, stop)
        x = stop
    split = []
    for (index, _), (text, start, stop) in zip(row, pieces, strict=True):
        bbox = BBox(start, token.bbox.top, stop, token.bbox.bottom)
        stripped = re.sub(r"^\s+|\s+$", "", text)
        if stripped == token.text.strip():
            return [(index, token)]
        if stripped:
            split.append((index, replace(token, text=stripped, bbox=bbox, readings=())))
    return split


def _reading_order(tokens: Sequence[Token]) -> tuple[Token, ...]:
    return tuple(token for line in split_into_lines(tokens, lambda t: t.bbox) for token in line)
