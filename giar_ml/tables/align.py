"""Tables without rules: rows and figures, told by their labels, that stand in columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from giar_ml.document import BBox, Cell, Page, Table, Token
from giar_ml.geometry import cluster, overlap, split_into_lines, union
from giar_ml.label import best_label
from giar_ml.label.names import FIGURE, is_header
from giar_ml.tables.level import find_level

MAX_GAP = 1
"""Lines inside a table that may bear no label of it: a note, a label that was not understood."""
SHORTEST_LABEL = 2
"""Characters of 其他, the shortest label of a row: a figure beside one alone makes no table."""
FIGURES_IN_ROW = 3
"""Figures side by side that are a row of a table even without its label."""
APART = 1.3
"""From the last row of a table to the number of the page, in the longest steps from one of its lines to the
next."""


def add_aligned_tables(page: Page) -> Page:
    """The page with the tables that its labelled tokens outside the ruled ones form, in their order.

    What stands above, between and below ruled tables is looked at apart; so are the tables of a form, each
    under its title. The tokens of a table move into its cells.
    """
    if page.kind == "text":
        return page
    found: list[Table] = []
    taken: set[int] = set()
    for band in _bands_between(page.tables, page.tokens):
        for lines in _table_lines(_split_into_lines(band)):
            table = align_lines(lines, page=page.number)
            found.append(table)
            taken.update(id(token) for line in lines for token in line)
    if not found:
        return page
    tables = sorted([*page.tables, *found], key=lambda t: (t.bbox.top, t.bbox.left))
    rest = tuple(token for token in page.tokens if id(token) not in taken)
    return replace(page, tables=tuple(tables), tokens=rest)


def _bands_between(tables: Sequence[Table], tokens: Sequence[Token]) -> list[list[Token]]:
    """Tokens above, between and below the tables."""
    middles = sorted(table.bbox.center[1] for table in tables)
    bands: list[list[Token]] = [[] for _ in range(len(middles) + 1)]
    for token in tokens:
        bands[sum(middle < token.bbox.center[1] for middle in middles)].append(token)
    return bands


def _split_into_lines(tokens: Sequence[Token]) -> list[list[Token]]:
    """Tokens in reading order, in lines that may slant."""
    figures = [token.bbox for token in tokens if best_label(token.labels) == FIGURE]
    move = find_level(figures)
    return split_into_lines(tokens, lambda token: move(token.bbox) if move else token.bbox)


def _table_lines(lines: Sequence[list[Token]]) -> list[list[list[Token]]]:
    """The runs of lines that have headers or figures, and enough of them."""
    runs: list[list[list[Token]]] = []
    between: list[list[Token]] = []
    gap = MAX_GAP + 1
    for line in lines:
        labels = {best_label(token.labels) for token in line}
        if any(label.startswith("title:") for label in labels):
            gap = MAX_GAP + 1
            continue
        if FIGURE in labels or any(map(is_header, labels)):
            if gap > MAX_GAP:
                runs.append([])
            elif gap:
                runs[-1].extend(between)
            runs[-1].append(line)
            gap, between = 0, []
        else:
            gap += 1
            between = [line] if gap == 1 else []
    return [run for run in map(_without_page_number, runs) if _is_table(run)]


def _without_page_number(lines: list[list[Token]]) -> list[list[Token]]:
    """The lines of a table without those at its end that are lone marks further off than its lines are from
    each other: the number of the page, and dirt beside it."""
    n_kept = len(lines)
    while n_kept and len(lines[n_kept - 1]) == 1 and not is_header(best_label(lines[n_kept - 1][0].labels)):
        n_kept -= 1
    if n_kept < 2:
        return lines
    middles = [median(token.bbox.center[1] for token in line) for line in lines]
    reach = APART * max(below - above for above, below in pairwise(middles[:n_kept]))
    return [
        line for line, middle in zip(lines, middles, strict=True) if middle <= middles[n_kept - 1] + reach
    ]


def _is_table(lines: Sequence[Sequence[Token]]) -> bool:
    """A row with figures, or what a page end left of a table: figures side by side, or the headers."""
    labels = {best_label(token.labels) for line in lines for token in line}
    n_columns = sum(label.startswith("column:") for label in labels)
    n_figures = max(sum(best_label(token.labels) == FIGURE for token in line) for line in lines)
    rows = "".join(t.text for line in lines for t in line if best_label(t.labels).startswith("row:"))
    has_row = len(re.findall(r"\w", rows)) >= SHORTEST_LABEL
    return n_columns >= 2 or n_figures >= FIGURES_IN_ROW or (n_figures > 0 and has_row)


def align_lines(lines: Sequence[Sequence[Token]], *, page: int) -> Table:
    """Lines as rows; the figures say where the columns are, and the headers where those without any. In a
    line with figures, columns of figures without one have a blank cell."""
    tokens = [token for line in lines for token in line]
    figures = [token for token in tokens if best_label(token.labels) == FIGURE]
    headers = [token.bbox for token in tokens if best_label(token.labels).startswith("column:")]
    columns = _add_blank_columns(_columns(figures), _join(headers)) if figures else _columns(tokens)
    edges = _column_edges(columns, lines)
    n_label_columns = len(edges) - 1 - len(columns)
    cells = []
    for row, line in enumerate(lines):
        placed: dict[tuple[int, int], list[Token]] = {}
        for token in line:
            placed.setdefault(_columns_under(token.bbox, edges), []).append(token)
        for (start, stop), members in placed.items():
            cells.append(Cell(row, row + 1, start, stop, union(t.bbox for t in members), tuple(members)))
        if any(best_label(token.labels) == FIGURE for token in line):
            top, bottom = min(t.bbox.top for t in line), max(t.bbox.bottom for t in line)
            filled = {column for start, stop in placed for column in range(start, stop)}
            cells += [
                Cell(row, row + 1, i, i + 1, BBox(left, top, right, bottom))
                for i, (left, right) in enumerate(pairwise(edges))
                if i >= n_label_columns and i not in filled
            ]
    cells.sort(key=lambda cell: (cell.row_start, cell.column_start))
    bbox = union(cell.bbox for cell in cells)
    return Table(page, bbox, len(lines), len(edges) - 1, tuple(cells), aligned=True)


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
    return [(union(group).left, union(group).right) for group in groups]


def _join(bboxes: Sequence[BBox]) -> list[tuple[float, float]]:
    """Left and right of the columns that words stand in, one above the other, left to right."""
    spans: list[tuple[float, float]] = []
    for bbox in sorted(bboxes, key=lambda bbox: bbox.center[0]):
        here = bbox.left, bbox.right
        if spans and overlap(*spans[-1], *here) > 0.5 * min(spans[-1][1] - spans[-1][0], bbox.width):
            here = min(spans[-1][0], here[0]), max(spans.pop()[1], here[1])
        spans.append(here)
    return spans


def _add_blank_columns(
    columns: Sequence[tuple[float, float]], headers: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The columns of figures, and those of headers that no column of figures is nearest to: none of their
    figures is printed."""
    if len(headers) < 2:
        return list(columns)
    centers = [(left + right) / 2 for left, right in headers]

    def nearest(column: tuple[float, float]) -> int:
        return min(range(len(headers)), key=lambda i: abs(2 * centers[i] - column[0] - column[1]))

    taken = set(map(nearest, columns))
    blank = [header for i, header in enumerate(headers) if i not in taken]
    apart = [header for header in blank if not any(overlap(*header, *column) > 0 for column in columns)]
    return sorted([*columns, *apart])


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
