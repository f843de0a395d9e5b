"""Alternatives, candidates and sums to one consistent reading, proven or flagged. Pure.

The layouts of a report are tried cheapest first, and the solver finds the most probable figures of each.
Whatever answers within a margin of the best do not agree on stays open.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from giar_ml.puzzle import Choice, Puzzle, layouts_by_bound
from giar_ml.solve import SCALE, Answer, Budget, Evidence, FigureModel, SolverTimeoutError
from giar_ml.solve.gaps import find_gaps

_PROVEN = 7.0
"""Odds of 1,000 to 1, in nats: how much surer than that a changed cell is beside others is not looked for."""
_PER_TRIED_LAYOUT = 0.003
"""Time to make a model of the figures of a layout."""
_FOR_FIGURES = 0.1
"""Time that is left for the figures of the first layout, however many layouts there are."""


@dataclass(frozen=True)
class Decision:
    """How one cell was decided.

    `shown` is the figure that the paper shows (None: blank, or lost), `lawful` the one that satisfies
    the sums; they differ for a misprint. `alternatives` are other figures that answers almost as good
    give here: empty unless the cell is open. `open_correction` says that other corrections are
    as good, so that `lawful` is only one of them. `gap` is what answers with another figure here cost
    more at least, in nats, at most the margin.
    """

    pattern: Hashable
    evidence: Evidence | None
    shown: int | None
    lawful: int
    misprint: bool
    alternatives: tuple[int, ...]
    open_correction: bool
    gap: float


@dataclass(frozen=True)
class Solution:
    """`gap` is what every different answer costs more at least, in nats, at most the margin: what the best
    one does, unless the time was too short to find it; `proven` says that none costs less than this one, and
    that none left untold is so near that it leaves a cell open."""

    decisions: Mapping[str, Decision]
    cost: float
    gap: float
    proven: bool


def decode(
    puzzle: Puzzle, *, margin: float = 7.0, open_margin: float = 3.0, budget: Budget | None = None
) -> Solution:
    """The most probable explanation of all that was seen, and which cells it leaves open.

    Args:
        margin: the answer is proven when every different one costs more than this on top, in nats;
            7 nats is odds of 1,000 to 1.
        open_margin: a cell is left open when an answer gives it another figure for at most so much more;
            3 nats is odds of 20 to 1.
        budget: what time there is; what is used of it is taken off.

    Raises:
        SolverTimeoutError: the figures of the cheapest layout could not be found in time.
    """
    solution = decode_within(puzzle, math.inf, margin=margin, open_margin=open_margin, budget=budget)
    assert solution is not None, "figures may be lost, so that there always is an answer"
    return solution


def decode_within(
    puzzle: Puzzle,
    limit: float,
    *,
    margin: float = 7.0,
    open_margin: float = 3.0,
    budget: Budget | None = None,
) -> Solution | None:
    """As `decode`; None when every explanation costs more than `limit`, in nats, which is soon found."""
    solved, is_optimal, untold = _solve_layouts(puzzle, limit, margin=margin, budget=budget or Budget())
    if not solved:
        return None
    best = min(solved, key=lambda item: item.cost)
    far = int(best.cost) + round(margin * SCALE)
    rivals = _find_rivals(solved, best, far=far, open_margin=open_margin)
    second = max(best.cost, min(rivals.second, untold))
    corrections, corrections_told = _find_corrections(best)
    gaps = _find_gaps(solved, best, rivals.known, second=second, far=far)
    decisions = {
        cell: Decision(
            pattern=best.layout.patterns[row.group],
            evidence=best.layout.cells[cell],
            shown=best.answer.shown[cell],
            lawful=best.answer.lawful[cell],
            misprint=cell in best.answer.misprints or cell in corrections,
            alternatives=tuple(sorted(rivals.others.get(cell, ()))),
            open_correction=cell in corrections,
            gap=(max(second, min(gaps.get(cell, second), untold)) - best.cost) / SCALE,
        )
        for row in puzzle.rows
        for cell in next(iter(row.layouts.values()))
    }
    is_told = untold > best.cost + open_margin * SCALE
    proven = is_optimal and is_told and rivals.all_told and corrections_told
    return Solution(decisions, best.cost / SCALE, (second - best.cost) / SCALE, proven)


class _Solved(NamedTuple):
    """A layout with its cheapest figures, and what both cost together."""

    cost: float
    layout: Choice
    model: FigureModel
    answer: Answer


def _solve_layouts(
    puzzle: Puzzle, limit: float, *, margin: float, budget: Budget
) -> tuple[list[_Solved], bool, float]:
    """The layouts that cost at most the margin more than the best, whether that is surely the best of those
    that were told, and what the others cost at least.

    Raises:
        SolverTimeoutError: none was told that may cost so little.
    """
    untold = math.inf
    solved: list[_Solved] = []
    least = math.inf
    is_optimal = True
    for bound, layout in layouts_by_bound(puzzle, budget):
        most = min(least + margin * SCALE, limit * SCALE)
        if bound > most:
            break
        if layout is None:
            untold = bound
            continue
        if budget.left <= 0:
            is_optimal = False
            if solved:
                untold = min(untold, bound)
                break
            budget.left = _FOR_FIGURES
        budget.left -= _PER_TRIED_LAYOUT
        model = FigureModel(
            layout.cells, puzzle.sums, statements=puzzle.statements, costs=puzzle.costs, budget=budget
        )
        allowed = most - layout.price
        try:
            answer = model.minimize(limit=None if math.isinf(allowed) else int(allowed))
        except SolverTimeoutError:
            if not solved:
                raise
            is_optimal, untold = False, min(untold, bound)
            break
        if answer is not None:
            solved.append(_Solved(layout.price + answer.cost, layout, model, answer))
            least = min(least, layout.price + answer.cost)
            is_optimal &= answer.optimal
            solved = [item for item in solved if item.cost <= least + margin * SCALE]
    if not solved and not math.isinf(untold):
        raise SolverTimeoutError("no layout told in time", round(untold))
    return solved, is_optimal, untold


class _Rivals(NamedTuple):
    """The answers that differ from the best one.

    Args:
        second: what each of them costs at least, at most the margin more than the best.
        others: per open cell the figures that near ones give there.
        known: the cheapest of each layout, with its cost.
        all_told: whether the time was enough to tell all that are so near that they leave a cell open.
    """

    second: float
    others: Mapping[str, set[int]]
    known: Sequence[tuple[int, Answer]]
    all_told: bool


def _find_rivals(solved: Sequence[_Solved], best: _Solved, *, far: int, open_margin: float) -> _Rivals:
    """The answers that cost at most `far`, layout by layout."""
    second: float = far
    others: dict[str, set[int]] = {}
    known: list[tuple[int, Answer]] = []
    all_told = True
    for cost, layout, model, _ in solved:
        if cost > far:
            continue
        near = int(best.cost) + round(open_margin * SCALE) - layout.price
        try:
            rival = model.minimize(
                different_from=best.answer.output, limit=far - layout.price, least=int(cost) - layout.price
            )
            if rival is None:
                continue
            known.append((rival.cost + layout.price, rival))
            least, is_told = rival.least, rival.optimal
        except SolverTimeoutError as error:
            least, is_told = max(error.least, int(cost) - layout.price), False
        second = min(second, least + layout.price)
        if least <= near:
            all_told &= is_told
            try:
                _collect_open(model, best.answer, near, others)
            except SolverTimeoutError:
                all_told = False
    return _Rivals(second, others, known, all_told)


def _find_corrections(best: _Solved) -> tuple[set[str], bool]:
    """The cells of which other corrections are as good, and whether the time was enough to tell."""
    if not best.answer.misprints:
        return set(), True
    try:
        return best.model.tied_corrections(best.answer), True
    except SolverTimeoutError:
        return set(), False


def _find_gaps(
    solved: Sequence[_Solved],
    best: _Solved,
    known: Sequence[tuple[int, Answer]],
    *,
    second: float,
    far: int,
) -> Mapping[str, float]:
    """Per cell that was changed, or misprinted, what answers with another figure there cost at least.

    Args:
        known: the cheapest other answer of each layout, with its cost.
        second: what every other answer costs at least.
    """
    output = best.answer.output
    changed = [
        cell
        for cell, e in best.layout.cells.items()
        if e is None or output[cell] != e.first or cell in best.answer.misprints
    ]
    enough = min(far, int(best.cost) + round(_PROVEN * SCALE))
    models = [(item.layout.price, item.model) for item in solved]
    return find_gaps(
        models,
        best.answer,
        changed if second < enough else [],
        known=known,
        least=int(second),
        far=enough,
    )


def _collect_open(model: FigureModel, best: Answer, limit: int, others: dict[str, set[int]]) -> None:
    """Add the figures that answers within the limit give other than the best one does, at least one for
    each cell that has any."""
    while rest := [cell for cell in model.cells if cell not in others]:
        answer = model.spread(best.output, rest, limit)
        if answer is None:
            return
        for cell, figure in answer.output.items():
            if figure != best.output[cell]:
                others.setdefault(cell, set()).add(figure)
