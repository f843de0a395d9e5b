"""Tables without rules: text that stands in columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from giar_ml.document import BBox, Cell, Table, Token
from giar_ml.geometry import cluster, overlap, split_into_lines, union

MIN_ROWS = 3
MIN_FIGURES = 3
"""Rows and figures in a row from which text in columns is taken for a table."""
_FIGURE = re.compile(r"[-+减增]?[\d０-９]+(?:[.,．，][\d０-９]+)*")


def align_tokens(tokens: Sequence[Token], *, page: int = 1) -> Table | None:
    """The table that the tokens form by standing in columns; None when there is none.

    Rows are text lines, columns come from the figures: a row of the table has at least three, and
    there are at least three such rows. Lines between two such rows belong to the table (labels,
    headers that have no figures), as do the lines above as far as they stand over the columns.
    """
    lines = split_into_lines(tokens, lambda token: token.bbox)
    figures = [[token for token in line if is_figure(token.text)] for line in lines]
    full = [i for i, line in enumerate(figures) if len(line) >= MIN_FIGURES]
    if len(full) < MIN_ROWS:
        return None
    columns = _columns([token for i in full for token in figures[i]])
    if len(columns) < MIN_FIGURES:
        return None
    first = _first_header_line(lines, full[0], left=columns[0][0])
    table_lines = lines[first : full[-1] + 1]
    edges = _column_edges(columns, table_lines)
    cells = []
    for row, line in enumerate(table_lines):
        placed: dict[tuple[int, int], list[Token]] = {}
        for token in line:
            placed.setdefault(_columns_under(token.bbox, edges), []).append(token)
        for (start, stop), members in placed.items():
            cells.append(Cell(row, row + 1, start, stop, union(t.bbox for t in members), tuple(members)))
    cells.sort(key=lambda cell: (cell.row_start, cell.column_start))
    bbox = union(cell.bbox for cell in cells)
    return Table(page, bbox, len(table_lines), len(edges) - 1, tuple(cells))


def is_figure(text: str) -> bool:
    return _FIGURE.fullmatch(text.strip()) is not None


def _columns(figures: Sequence[Token]) -> list[tuple[float, float]]:
    """Left and right of the columns of figures, left to right; centred or right-aligned alike."""
    width = median(token.bbox.width / max(1, len(token.text)) for token in figures)
    groups: list[list[BBox]] = []
    for indices in cluster([t.bbox.center[0] for t in figures], gap=2 * width):
        bboxes = [figures[i].bbox for i in indices]
        if groups:
            last = union(groups[-1])
            here = union(bboxes)
            if overlap(last.left, last.right, here.left, here.right) > 0.5 * min(last.width, here.width):
                groups[-1].extend(bboxes)
                continue
        groups.append(bboxes)
    return [(union(group).left, union(group).right) for group in groups if len(group) >= 2]


def _first_header_line(lines: Sequence[Sequence[Token]], first_full: int, *, left: float) -> int:
    first = first_full
    height = median(token.bbox.height for token in lines[first_full])
    for i in range(first_full - 1, max(-1, first_full - 8), -1):
        bbox, below = union(t.bbox for t in lines[i]), union(t.bbox for t in lines[i + 1])
        over_columns = sum(t.bbox.right > left for t in lines[i])
        if below.top - bbox.bottom > 2.5 * height or over_columns == 0:
            break
        if over_columns == 1 and len(lines[i]) == 1 and len(lines[i][0].text) > 12:
            break
        first = i
    return first


def _column_edges(columns: Sequence[tuple[float, float]], lines: Sequence[Sequence[Token]]) -> list[float]:
    left = min(token.bbox.left for line in lines for token in line)
    right = max(token.bbox.right for line in lines for token in line)
    middles = [(a[1] + b[0]) / 2 for a, b in pairwise(columns)]
    labels = [t.bbox.right for line in lines for t in line if t.bbox.right <= columns[0][0]]
    edges = [*middles, max(right, columns[-1][1]) + 1]
    if labels:
        return [left, (max(labels) + columns[0][0]) / 2, *edges]
    return [min(left, columns[0][0]), *edges]


def _columns_under(bbox: BBox, edges: Sequence[float]) -> tuple[int, int]:
    """The columns of which the box takes a good part of the box's or the column's width."""
    under = [
        i
        for i, (start, stop) in enumerate(pairwise(edges))
        if overlap(bbox.left, bbox.right, start, stop) > 0.3 * min(bbox.width, stop - start)
    ]
    if not under:
        x = bbox.center[0]
        nearest = min(range(len(edges) - 1), key=lambda i: abs((edges[i] + edges[i + 1]) / 2 - x))
        under = [nearest]
    return under[0], under[-1] + 1
