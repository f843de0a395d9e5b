"""Other ways to repair figures by sums, to measure the solver beside: each gives an answer, and no proof.

The same evidence and costs are given to all but `uniform`, which knows only what is read first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from giar_ml.forms import Sum
from giar_ml.puzzle import Puzzle
from giar_ml.solve import SCALE, Budget, Evidence, FigureModel, SolverTimeoutError
from giar_ml.solve.evidence import Explanation, explain

Figures = Mapping[str, int]
"""What a rival takes to be printed in every cell."""
TIME_LIMIT = 10.0
"""Seconds."""


def cells_of(puzzle: Puzzle) -> dict[str, Evidence]:
    """The evidence of a puzzle without alternatives."""
    layouts = (next(iter(row.layouts.values())) for row in puzzle.rows)
    return {key: e for layout in layouts for key, e in layout.items() if e is not None}


def uniform(puzzle: Puzzle) -> Figures | None:
    """The fewest changes, whatever they are, in the manner of Fellegi and Holt (1976)."""
    cells: dict[str, Evidence | None] = {}
    for key, evidence in cells_of(puzzle).items():
        readings = tuple((figure, float(i > 0)) for i, (figure, _) in enumerate(evidence.readings))
        cells[key] = Evidence(readings, 1.0)
    costs = replace(puzzle.costs, misprint=2.0, misprinted_total=2.0, unfilled=2.0, unfilled_total=2.0)
    try:
        answer = FigureModel(cells, puzzle.sums, costs=costs, budget=Budget(TIME_LIMIT)).minimize()
    except SolverTimeoutError:
        return None
    return None if answer is None else answer.output


def greedy(puzzle: Puzzle) -> Figures | None:
    """One cell after the other: the change that leaves the fewest broken sums, of these the cheapest; until
    all sums hold, or no change helps."""
    cells = cells_of(puzzle)
    figures = {key: evidence.first or 0 for key, evidence in cells.items()}
    while True:
        broken = [s for s in puzzle.sums if _excess(s, figures)]
        if not broken:
            return figures
        best: tuple[int, float, str, int] | None = None
        for s in broken:
            excess = _excess(s, figures)
            for key in (*s.left, *s.right):
                figure = figures[key] + (-excess if key in s.left else excess)
                if figure < 0:
                    continue
                cost = _cost_of(figure, cells[key])
                left = sum(1 for other in puzzle.sums if _excess(other, {**figures, key: figure}))
                if cost is not None and (best is None or (left, cost, key, figure) < best):
                    best = left, cost, key, figure
        if best is None or best[0] >= len(broken):
            return None
        figures[best[2]] = best[3]


def _excess(s: Sum, figures: Figures) -> int:
    return sum(figures[key] for key in s.left) - sum(figures[key] for key in s.right)


def _cost_of(figure: int, evidence: Evidence) -> float | None:
    costs = [cost for value, cost in evidence.readings if (value or 0) == figure]
    return min(costs) if costs else evidence.other_cost


def highs(puzzle: Puzzle) -> Figures | None:
    """The same problem as the solver's, as a mixed-integer program with a bound per cell, by HiGHS."""
    cells = cells_of(puzzle)
    totals = {key for s in puzzle.sums if len(s.right) == 1 for key in s.right}
    ways = {key: explain(e, puzzle.costs, is_total=key in totals) for key, e in cells.items()}
    tops = _tops(cells, puzzle.sums)
    columns: list[tuple[str, Explanation | None]] = []
    for key, explanations in ways.items():
        columns += [(key, explanation) for explanation in explanations]
        columns.append((key, None))  # the lawful figure where it is free
    index = {column: i for i, column in enumerate(columns)}
    costs = np.array([0 if e is None else e.cost / SCALE for _, e in columns])
    upper = np.array([tops[key] if e is None else 1 for key, e in columns], float)

    rows: list[tuple[dict[int, float], float, float]] = []
    for key, explanations in ways.items():
        rows.append(({index[key, e]: 1.0 for e in explanations}, 1.0, 1.0))
        free = {index[key, e]: -float(tops[key]) for e in explanations if e.kind != "read"}
        rows.append(({index[key, None]: 1.0, **free}, -np.inf, 0.0))
    for s in puzzle.sums:
        row: dict[int, float] = {}
        for sign, side in ((1.0, s.left), (-1.0, s.right)):
            for key in side:
                row[index[key, None]] = sign
                row.update({index[key, e]: sign * (e.shown or 0) for e in ways[key] if e.kind == "read"})
        rows.append((row, 0.0, 0.0))
    triples = [(value, i, j) for i, (row, _, _) in enumerate(rows) for j, value in row.items()]
    values, at, across = zip(*triples, strict=True)
    matrix = coo_array((values, (at, across)), shape=(len(rows), len(columns))).tocsr()
    found = milp(
        costs,
        integrality=np.ones(len(columns)),
        bounds=Bounds(0, upper),
        constraints=LinearConstraint(matrix, [low for _, low, _ in rows], [high for _, _, high in rows]),
        options={"time_limit": TIME_LIMIT, "mip_rel_gap": 0},
    )
    if found.x is None:
        return None
    chosen = np.round(found.x).astype(int)
    figures = {}
    for key, explanations in ways.items():
        explanation = next(e for e in explanations if chosen[index[key, e]])
        is_free = explanation.kind in ("unread", "unfilled", "lost")
        figures[key] = int(chosen[index[key, None]]) if is_free else explanation.shown or 0
    return figures


def _tops(cells: Mapping[str, Evidence], sums: Sequence[Sum]) -> dict[str, int]:
    """A bound per cell: twice the largest figure read in one of its sums."""
    largest = {key: max((figure or 0 for figure, _ in e.readings), default=0) for key, e in cells.items()}
    tops = dict.fromkeys(cells, 10)
    for s in sums:
        keys = (*s.left, *s.right)
        most = 2 * max(largest[key] for key in keys) + 10
        for key in keys:
            tops[key] = max(tops[key], most)
    return tops


RIVALS: Mapping[str, Callable[[Puzzle], Figures | None]] = {
    "uniform costs": uniform,
    "one cell at a time": greedy,
    "HiGHS": highs,
}
