"""Rules between columns that were lost in one row, told by print on both sides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

import numpy as np

from giar_ml.document import UNREAD, BBox, Cell, Table, Token
from giar_ml.geometry import runs, union
from giar_ml.ocr.cells import find_cell_lines
from giar_ml.ocr.ink import find_print
from giar_ml.ocr.lines import Line

MIN_GAP = 1.0
"""Between the print of two columns, in heights of it; the digits of one figure are nearer."""

MARGIN_IN, FAR_GAP = 0.02, 3.0
"""What is printed so near to a rule that was lost may go on behind it, unless all else is so far off."""
LEAN = 1.0
"""The same where what is printed on both sides stands so far off the middle, in heights of it, towards the
other, and nothing of a rule is between: 1．4 in full width."""
MIN_RULE = 0.3
"""Share of the height of print that a piece of a rule beside it takes; a point takes less. There are others
above it or below it, too: a lone one may be a 1."""
EDGE_IN, OFF_RULE_PX = 0.025, 2
"""How far from a rule that was lost ink is of it, and how far its place may be from its nearest piece."""
SMALLEST_PX = 4
READ = 0.5
"""Confidence of what is print, and no dirt that looks like it."""
_LONE_WORD = re.compile(r"[\u4e00-\u9fff]")
"""No label is so short: it is torn from one."""


def part_spanning_cells(table: Table, gray: np.ndarray, *, dpi: float) -> Table:
    """The table with cells parted that span columns which are parted in other rows, and have print in each
    part, far apart at every border.

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
    same_rows = (cell.row_start, cell.row_stop) == (whole.row_start, whole.row_stop)
    return same_rows and _is_within(cell, whole)


def _is_read(token: Token) -> bool:
    if _LONE_WORD.fullmatch(token.text.strip()):
        return False
    return token.text != UNREAD and token.confidence >= READ and not token.is_likely_nothing


def _part(cell: Cell, table: Table, gray: np.ndarray, *, dpi: float) -> list[Cell]:
    """The cell parted as another row of the table is, where its print stands so; into most pieces first."""
    partitions = _partitions(cell, table)
    if not partitions:
        return [cell]
    left, top, right, bottom = (max(0, round(side)) for side in cell.bbox)
    if min(bottom - top, right - left) < SMALLEST_PX:
        return [cell]
    _, ink, _ = find_print(gray[top:bottom, left:right], dpi=dpi)
    for spans in partitions:
        pieces = _pieces(cell, spans, table, ink, edge=EDGE_IN * dpi)
        if _stand_apart(pieces, cell, gray, ink, dpi=dpi):
            return pieces
    return [cell]


_Span = tuple[int, int]
"""First column and the one after the last."""


def _partitions(cell: Cell, table: Table) -> list[tuple[_Span, ...]]:
    """How the columns of a cell are parted in other rows; all of them alone, where each is so in some row."""
    if cell.column_stop - cell.column_start < 2:
        return []
    columns = range(cell.column_start, cell.column_stop)
    inside = [c for c in table.cells if c is not cell and _is_within(c, cell)]
    spans = {(c.column_start, c.column_stop) for c in inside}
    alone = tuple((column, column + 1) for column in columns)
    found = {alone} if spans.issuperset(alone) else set()
    for row in range(table.n_rows):
        parts = sorted((c.column_start, c.column_stop) for c in inside if c.row_start <= row < c.row_stop)
        if len(parts) > 1 and sum(stop - start for start, stop in parts) == len(columns):
            found.add(tuple(parts))
    return sorted(found, key=lambda parts: (-len(parts), parts))


def _is_within(cell: Cell, whole: Cell) -> bool:
    return whole.column_start <= cell.column_start and cell.column_stop <= whole.column_stop


def _pieces(cell: Cell, spans: Sequence[_Span], table: Table, ink: np.ndarray, *, edge: float) -> list[Cell]:
    """The parts of a cell, without the pixels of the rules between them that were lost.

    Args:
        ink: of the cell, (h, w) bool.
    """
    start, *_ = left, top, right, bottom = cell.bbox
    edges = []
    for before, behind in pairwise(spans):
        lefts = [c.bbox.left for c in table.cells if (c.column_start, c.column_stop) == behind]
        rights = [c.bbox.right for c in table.cells if (c.column_start, c.column_stop) == before]
        at = (median(lefts) + median(rights)) / 2 - round(left)
        edges.append(_around_rule(np.asarray(ink.any(axis=0)), at, edge=edge))
    pieces = []
    for span, (stop, behind_at) in zip(spans, [*edges, (0, 0)], strict=True):
        until = right if span is spans[-1] else round(left) + stop
        bbox = BBox(start, top, until, bottom)
        pieces.append(replace(cell, column_start=span[0], column_stop=span[1], bbox=bbox))
        start = round(left) + behind_at
    return pieces


def _around_rule(is_ink: np.ndarray, at: float, *, edge: float) -> tuple[int, int]:
    """Where the ink of a rule begins and ends that stood at a column of pixels, `edge` off it at most."""
    first, last, middle = max(0, round(at - edge)), max(0, round(at + edge)), round(at)
    near = [
        (first + start, first + stop)
        for start, stop in runs(is_ink[first:last])
        if first + start - OFF_RULE_PX <= middle <= first + stop + OFF_RULE_PX
    ]
    return (near[0][0], near[-1][1]) if near else (middle, middle)


def _stand_apart(
    pieces: Sequence[Cell], cell: Cell, gray: np.ndarray, ink: np.ndarray, *, dpi: float
) -> bool:
    """Whether there is print in each of the pieces of a cell, its lines below each other, far from that in
    the next piece, and nothing between but what is left of the rule: the point of 0．3 in full width is
    none."""
    found: list[list[Line]] = []
    for piece in pieces:
        lines = find_cell_lines(gray, piece.bbox, dpi=dpi)
        if not lines or not _are_stacked(lines):
            return False
        found.append(lines)
    print_ = [union(line.bbox for line in lines) for lines in found]
    margin = MARGIN_IN * dpi
    left, top = (max(0, round(side)) for side in cell.bbox[:2])
    for i, (before, behind) in enumerate(pairwise(print_)):
        high = max(line.bbox.height for line in (*found[i], *found[i + 1]))
        start, stop = pieces[i].bbox.right, pieces[i + 1].bbox.left
        rule = slice(round(start - before.right), round(stop - before.right))
        between = ink[:, round(before.right) - left : round(behind.left) - left]
        rows = slice(round(min(before.top, behind.top)) - top, round(max(before.bottom, behind.bottom)) - top)
        is_near = before.right > start - margin or behind.left < stop + margin
        lean = before.center[0] - pieces[i].bbox.center[0], pieces[i + 1].bbox.center[0] - behind.center[0]
        is_whole = min(lean) > LEAN * high and not between[:, rule].any()
        gap = (FAR_GAP if is_near or is_whole else MIN_GAP) * high
        if behind.left - before.right < gap or not _is_free(between, rule, rows):
            return False
    return True


def _is_free(between: np.ndarray, rule: slice, rows: slice) -> bool:
    """Whether the ink between two columns is none, or what is left of the rule that stood there.

    Args:
        rule: the columns of pixels where it stood.
        rows: those of the print on both sides, which has points, but none that are as high.
    """
    on_rule = np.asarray(between[rows, rule].any(axis=1))
    off_print = np.delete(between[:, rule], rows, axis=0).any()
    is_print = on_rule.any() and (on_rule.mean() < MIN_RULE or not off_print)
    return not is_print and not np.delete(between, rule, axis=1).any()


def _are_stacked(lines: Sequence[Line]) -> bool:
    """Whether lines lie below each other; marks of a seal are scattered."""
    return max(line.bbox.left for line in lines) < min(line.bbox.right for line in lines)
