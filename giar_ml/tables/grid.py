"""Ruling lines to table cells: no image, no text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox, Cell
from giar_ml.geometry import cluster, overlap
from giar_ml.tables.ruling import Rule

MIN_COVER = 0.35
"""Share of a cell's side that a rule must cover to divide it from its neighbour: rules of worn copies are
broken, those of merged cells are not there at all."""
MIN_OVERRUN = 2.0
"""What a broken rule covers of one side between two that it divides, in tolerances: rules that end on a
merged cell run into it by one at most."""


COVER_ON, MIN_RUN = 0.2, 4.0
"""The same for one that goes on from a side that it divides: share of the side, and tolerances."""
COVER_ALONE = 0.8
"""The same for pieces of an upright rule that divides neither the row above nor the one below: strokes of
characters in line with it take up to three quarters of a low row."""
FEWEST_SHARED, MOST_ALONE = 3, 0.2
"""Upright rules that a row has in common with those around, and share of the rows of a table, so that one
more, which stands in so few of them, is none."""


class Grid(NamedTuple):
    """Cells in reading order."""

    cells: tuple[Cell, ...]
    n_rows: int
    n_columns: int


def lines_to_cells(
    horizontal: Sequence[Rule],
    vertical: Sequence[Rule],
    *,
    tolerance: float,
    row_pieces: Sequence[Rule] = (),
    column_pieces: Sequence[Rule] = (),
) -> Grid:
    """The cells between the rules, merged cells as spans; empty without rules in both directions.

    The outer border is closed where the rules end: a table torn at a page end has no bottom rule,
    some styles have no side rules.

    Args:
        horizontal: rules along x, upright.
        vertical: rules along y, upright.
        tolerance: rules nearer than this are one (double lines, slips of the pen), in pixels.
        row_pieces: what is left of horizontal rules elsewhere on the edges that `horizontal` make.
        column_pieces: the same of vertical ones.

    Returns:
        Cells with their inner box, inside the rules.
    """
    if not horizontal or not vertical:
        return Grid((), 0, 0)
    rows = _edges(horizontal, vertical, row_pieces, tolerance)
    columns = _edges(vertical, horizontal, column_pieces, tolerance)
    if len(rows) < 2 or len(columns) < 2:
        return Grid((), 0, 0)
    # below[r, c]: a rule between (r, c) and (r + 1, c); beside[r, c]: between (r, c) and (r, c + 1).
    below = _divided(rows, columns, tolerance=tolerance)
    # In a row of figures a rule goes on between two cells that it divides, whatever is left of it.
    below[:, 1:-1] |= below[:, :-2] & below[:, 2:]
    beside = _without_lone(_divided(columns, rows, tolerance=tolerance, alone=COVER_ALONE).T)
    spans = [piece for area in _connected_areas(below, beside) for piece in _rectangles(area)]
    spans, row_edges, column_edges = _drop_unused(spans)
    cells = [
        Cell(
            span.row_start,
            span.row_stop,
            span.column_start,
            span.column_stop,
            _interior(
                rows[row_edges[span.row_start]],
                rows[row_edges[span.row_stop]],
                columns[column_edges[span.column_start]],
                columns[column_edges[span.column_stop]],
            ),
        )
        for span in spans
    ]
    cells.sort(key=lambda cell: (cell.row_start, cell.column_start))
    return Grid(tuple(cells), len(row_edges) - 1, len(column_edges) - 1)


class _Edge(NamedTuple):
    """A place where rows (or columns) may meet: the rules on it, none on a closed outer border, and what is
    left of others."""

    position: float
    rules: tuple[Rule, ...] = ()
    pieces: tuple[Rule, ...] = ()


class _Span(NamedTuple):
    row_start: int
    row_stop: int
    column_start: int
    column_stop: int


def _edges(
    rules: Sequence[Rule], crossing: Sequence[Rule], pieces: Sequence[Rule], tolerance: float
) -> list[_Edge]:
    edges = []
    for indices in cluster([rule.position for rule in rules], gap=tolerance):
        members = tuple(rules[i] for i in indices)
        lengths = np.array([rule.stop - rule.start for rule in members])
        position = float((np.array([rule.position for rule in members]) * lengths).sum() / lengths.sum())
        beside = tuple(piece for piece in pieces if abs(piece.position - position) <= tolerance)
        edges.append(_Edge(position, members, beside))
    first = _torn_end([r.start for r in crossing], edges[0].position, slip=2 * tolerance)
    last = _torn_end([-r.stop for r in crossing], -edges[-1].position, slip=2 * tolerance)
    if first is not None:
        edges.insert(0, _Edge(first))
    if last is not None:
        edges.append(_Edge(-last))
    return edges


def _torn_end(starts: Sequence[float], edge: float, *, slip: float) -> float | None:
    """Where the crossing rules start when they run on before the first edge, so that it is missing.

    Most of those that reach the edge must run on: a stroke of a title may touch one or two.
    """
    reaching = [start for start in starts if start <= edge + slip]
    beyond = sorted(start for start in reaching if start < edge - slip)
    if len(beyond) < 2 or 2 * len(beyond) < len(reaching):
        return None
    # Of the two rules of a lone row one may be broken.
    return beyond[len(beyond) // 2] if len(beyond) > 2 else beyond[0]


def _divided(
    edges: Sequence[_Edge], crossing: Sequence[_Edge], *, tolerance: float, alone: float = MIN_COVER
) -> np.ndarray:
    """Which inner edges part the cells on their sides, (edges - 2, crossing - 1) bool.

    Args:
        alone: share of a side that pieces must cover to divide it where they divide neither side next to it.
    """
    sides = [(start.position, stop.position) for start, stop in pairwise(crossing)]

    def cover(rules: Iterable[Sequence[Rule]]) -> np.ndarray:
        return np.array([_covered_lengths(of, sides) for of in rules]).reshape(len(edges) - 2, len(sides))

    covered = cover([(*edge.rules, *edge.pieces) for edge in edges[1:-1]])
    lengths = np.diff([edge.position for edge in crossing])
    divided = covered >= MIN_COVER * lengths
    before, behind = (np.zeros_like(divided) for _ in range(2))
    before[:, 1:], behind[:, :-1] = divided[:, :-1], divided[:, 1:]
    goes_on = (before | behind) & (covered >= np.maximum(COVER_ON * lengths, MIN_RUN * tolerance))
    by_rules = cover([edge.rules for edge in edges[1:-1]]) >= MIN_COVER * lengths
    divided &= by_rules | before | behind | (covered >= alone * lengths)
    return np.asarray(divided | goes_on | (before & behind & (covered >= MIN_OVERRUN * tolerance)))


def _without_lone(beside: np.ndarray) -> np.ndarray:
    """(rows, inner edges) bool: what divides the columns of each row, without what does so in few rows alone,
    side by side, the other columns of which are those of the row above or below: the stroke of a seal."""
    lone = (beside.sum(axis=0) > 0) & (beside.sum(axis=0) <= MOST_ALONE * len(beside))
    found = beside & ~lone
    for edge in np.flatnonzero(lone).tolist():
        rows = np.flatnonzero(beside[:, edge])
        first, last = int(rows[0]), int(rows[-1])
        around = [beside[n] for n in (first - 1, last + 1) if 0 <= n < len(beside)]
        is_none = last - first + 1 == len(rows) and all(
            found[row].sum() >= FEWEST_SHARED and any((found[row] == other).all() for other in around)
            for row in rows
        )
        if not is_none:
            found[rows, edge] = True
    return found


def _covered_lengths(rules: Iterable[Rule], sides: Iterable[tuple[float, float]]) -> list[float]:
    """Length of each side, from start to stop, under at least one rule."""
    ordered = sorted(rules, key=lambda r: r.start)
    lengths = []
    for start, stop in sides:
        total, reached = 0.0, start
        for rule in ordered:
            total += overlap(max(reached, rule.start), rule.stop, start, stop)
            reached = max(reached, rule.stop)
        lengths.append(total)
    return lengths


def _connected_areas(below: np.ndarray, beside: np.ndarray) -> list[set[tuple[int, int]]]:
    """Grid squares with no rule between them, together."""
    n_rows, n_columns = below.shape[0] + 1, beside.shape[1] + 1
    seen: set[tuple[int, int]] = set()
    areas = []
    for start in np.ndindex(n_rows, n_columns):
        if start in seen:
            continue
        area, stack = set(), [start]
        seen.add(start)
        while stack:
            r, c = stack.pop()
            area.add((r, c))
            for square, is_open in (
                ((r + 1, c), r + 1 < n_rows and not below[min(r, n_rows - 2), c]),
                ((r - 1, c), r > 0 and not below[r - 1, c]),
                ((r, c + 1), c + 1 < n_columns and not beside[r, min(c, n_columns - 2)]),
                ((r, c - 1), c > 0 and not beside[r, c - 1]),
            ):
                if is_open and square not in seen:
                    seen.add(square)
                    stack.append(square)
        areas.append(area)
    return areas


def _rectangles(area: set[tuple[int, int]]) -> list[_Span]:
    """Cut an area into rectangles: itself, or where a rule is partly lost, the fewer of bands or columns."""
    rows, columns = zip(*area, strict=True)
    whole = _Span(min(rows), max(rows) + 1, min(columns), max(columns) + 1)
    if len(area) == (whole.row_stop - whole.row_start) * (whole.column_stop - whole.column_start):
        return [whole]
    by_rows = _bands(area)
    by_columns = [_Span(*span[2:], *span[:2]) for span in _bands({(c, r) for r, c in area})]
    return min(by_rows, by_columns, key=len)


def _bands(area: set[tuple[int, int]]) -> list[_Span]:
    bands: list[_Span] = []
    for row in sorted({r for r, _ in area}):
        columns = sorted(c for r, c in area if r == row)
        breaks = [0, *(i for i in range(1, len(columns)) if columns[i] != columns[i - 1] + 1), len(columns)]
        for first, stop in pairwise(breaks):
            span = _Span(row, row + 1, columns[first], columns[stop - 1] + 1)
            above = next((b for b in bands if b.row_stop == row and b[2:] == span[2:]), None)
            if above is not None:
                bands.remove(above)
                span = span._replace(row_start=above.row_start)
            bands.append(span)
    return bands


def _drop_unused(spans: list[_Span]) -> tuple[list[_Span], list[int], list[int]]:
    """Spans counted over the edges that some cell ends on, and those edges."""
    row_edges = sorted({edge for span in spans for edge in span[:2]})
    column_edges = sorted({edge for span in spans for edge in span[2:]})
    renumbered = [
        _Span(
            row_edges.index(span.row_start),
            row_edges.index(span.row_stop),
            column_edges.index(span.column_start),
            column_edges.index(span.column_stop),
        )
        for span in spans
    ]
    return renumbered, row_edges, column_edges


def _interior(top: _Edge, bottom: _Edge, left: _Edge, right: _Edge) -> BBox:
    def inner(edge: _Edge, start: float, stop: float, *, is_first: bool) -> float:
        near = [r for r in (*edge.rules, *edge.pieces) if min(r.stop, stop) > max(r.start, start)]
        if not near:
            return edge.position
        if is_first:
            return max(r.position + r.thickness / 2 for r in near)
        return min(r.position - r.thickness / 2 for r in near)

    return BBox(
        inner(left, top.position, bottom.position, is_first=True),
        inner(top, left.position, right.position, is_first=True),
        inner(right, top.position, bottom.position, is_first=False),
        inner(bottom, left.position, right.position, is_first=False),
    )
