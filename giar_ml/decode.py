"""Alternatives, candidates and sums to one consistent reading, proven or flagged. Pure.

A broken dump leaves open which field stood in which column. Rows that were broken together share one
explanation, so there are few layouts in all; they are tried cheapest first, the hopeless ones refuted by
counting broken sums, and for the others the solver finds the most probable figures. Whatever answers
within a margin of the best do not agree on stays open.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from operator import itemgetter

import numpy as np

from giar_ml.forms import Sum
from giar_ml.solve import (
    DEFAULT_COSTS,
    SCALE,
    Answer,
    Budget,
    Costs,
    Evidence,
    FigureModel,
    SolverTimeoutError,
    Statement,
)
from giar_ml.solve.gaps import find_gaps

_PROVEN = 7.0
"""Odds of 1,000 to 1, in nats: how much surer than that a changed cell is beside others is not looked for."""
_MOST_LAYOUTS = 5_000
"""Layouts beyond these are not tried: at some 9 nats for each lost column they are hopeless."""
_PER_LAYOUT, _PER_TRIED_LAYOUT = 0.0002, 0.003
"""What it takes to tell what a layout costs at least, and to make a model of its figures."""
_FOR_FIGURES = 0.1
"""Time that is left for the figures of the first layout, however many layouts there are."""


@dataclass(frozen=True)
class Row:
    """Cells that are read together: per pattern, what each shows (None: nothing was there).

    Rows of one `group` follow the same pattern.
    """

    group: Hashable
    layouts: Mapping[Hashable, Mapping[str, Evidence | None]]


@dataclass(frozen=True)
class Puzzle:
    """All that is known. `prices` are the costs of a group's patterns, in nats."""

    rows: tuple[Row, ...]
    sums: tuple[Sum, ...]
    prices: Mapping[Hashable, Mapping[Hashable, float]] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    costs: Costs = DEFAULT_COSTS


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
    found: list[tuple[int, _Layout, FigureModel, Answer]] = []
    budget = budget or Budget()
    best_cost = math.inf
    proven = True
    for bound, layout in _by_bound(puzzle, budget):
        most = min(best_cost + margin * SCALE, limit * SCALE)
        if bound > most:
            break
        if budget.left <= 0:
            proven = False
            if found:
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
            if not found:
                raise
            proven = False
            break
        if answer is not None:
            found.append((layout.price + answer.cost, layout, model, answer))
            best_cost = min(best_cost, layout.price + answer.cost)
            proven &= answer.optimal
            found = [item for item in found if item[0] <= best_cost + margin * SCALE]
    if not found:
        return None
    best_cost, layout, model, best = min(found, key=lambda item: item[0])
    far = int(best_cost) + round(margin * SCALE)
    second: float = far
    others: dict[str, set[int]] = {}
    known: list[tuple[int, Answer]] = []
    for cost, other, rival_model, _ in found:
        if cost > far:
            continue
        near = int(best_cost) + round(open_margin * SCALE) - other.price
        try:
            rival = rival_model.minimize(
                different_from=best.output, limit=far - other.price, least=int(cost) - other.price
            )
            if rival is None:
                continue
            known.append((rival.cost + other.price, rival))
            least, is_told = rival.least, rival.optimal
        except SolverTimeoutError as error:
            least, is_told = max(error.least, int(cost) - other.price), False
        second = min(second, least + other.price)
        if least <= near:
            proven &= is_told
            try:
                _collect_open(rival_model, best, near, others)
            except SolverTimeoutError:
                proven = False
    corrections: set[str] = set()
    if best.misprints:
        try:
            corrections = model.tied_corrections(best)
        except SolverTimeoutError:
            proven = False
    changed = [cell for cell, e in layout.cells.items() if e is None or best.output[cell] != e.first]
    rivals = [(other.price, rival_model) for _, other, rival_model, _ in found]
    enough = min(far, int(best_cost) + round(_PROVEN * SCALE))
    changed = changed if second < enough else []
    gaps = find_gaps(rivals, best, changed, known=known, least=int(second), far=enough)
    decisions = {
        cell: Decision(
            pattern=layout.patterns[row.group],
            evidence=layout.cells[cell],
            shown=best.shown[cell],
            lawful=best.lawful[cell],
            misprint=cell in best.misprints or cell in corrections,
            alternatives=tuple(sorted(others.get(cell, ()))),
            open_correction=cell in corrections,
            gap=(gaps.get(cell, second) - best_cost) / SCALE,
        )
        for row in puzzle.rows
        for cell in next(iter(row.layouts.values()))
    }
    gap = (second - best_cost) / SCALE
    return Solution(decisions, best_cost / SCALE, gap, proven)


def least_cost(puzzle: Puzzle) -> float:
    """What every explanation costs at least, in nats, by the sums that do not hold: told without solving."""
    bound, _ = next(_by_bound(puzzle, Budget()))
    return bound / SCALE


@dataclass(frozen=True)
class _Group:
    """Rows that follow one pattern, and the patterns with their prices, the cheapest first."""

    name: Hashable
    rows: tuple[Row, ...]
    options: tuple[tuple[int, Hashable], ...]


@dataclass
class _Layout:
    """One pattern for each group, by its number."""

    price: int
    choice: tuple[int, ...]
    groups: Sequence[_Group]
    rows: Sequence[Row]

    @cached_property
    def patterns(self) -> dict[Hashable, Hashable]:
        choices = zip(self.groups, self.choice, strict=True)
        return {group.name: group.options[k][1] for group, k in choices}

    @cached_property
    def cells(self) -> dict[str, Evidence | None]:
        found: dict[str, Evidence | None] = {}
        for row in self.rows:
            found.update(row.layouts[self.patterns[row.group]])
        return found


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


def _by_bound(puzzle: Puzzle, budget: Budget) -> Iterator[tuple[int, _Layout]]:
    """The layouts with a lower bound on what they cost with their figures, the lowest bound first, as many as
    there is time for."""
    groups = _group_rows(puzzle)
    errors = _Errors(groups, puzzle.sums, puzzle.costs)
    waiting: list[tuple[int, int, _Layout]] = []
    for n, layout in enumerate(itertools.islice(_layouts(groups, puzzle.rows), _MOST_LAYOUTS)):
        # No layout that is still to come costs less than this one does without its figures.
        while waiting and waiting[0][0] <= layout.price:
            bound, _, best = heapq.heappop(waiting)
            yield bound, best
        budget.left -= _PER_LAYOUT
        if budget.left <= 0 and waiting:
            break
        heapq.heappush(waiting, (layout.price + errors.least_cost(layout.choice), n, layout))
    while waiting:
        bound, _, best = heapq.heappop(waiting)
        yield bound, best


def _group_rows(puzzle: Puzzle) -> list[_Group]:
    rows: dict[Hashable, list[Row]] = {}
    for row in puzzle.rows:
        rows.setdefault(row.group, []).append(row)
    groups = []
    for name, own in rows.items():
        prices = puzzle.prices.get(name, {})
        options = [(round(prices.get(p, 0.0) * SCALE), p) for p in own[0].layouts]
        groups.append(_Group(name, tuple(own), tuple(sorted(options, key=itemgetter(0)))))
    return groups


def _layouts(groups: Sequence[_Group], rows: Sequence[Row]) -> Iterator[_Layout]:
    """All combinations of the groups' patterns, the cheapest first."""
    steps = [[after[0] - before[0] for before, after in pairwise(group.options)] for group in groups]
    queue = [(sum(group.options[0][0] for group in groups), (0,) * len(groups), 0)]
    while queue:
        cost, choice, last = heapq.heappop(queue)
        yield _Layout(cost, choice, groups, rows)
        # Each choice follows from the one that has less of the last group in which it is not the cheapest.
        for i in range(last, len(groups)):
            k = choice[i]
            if k < len(steps[i]):
                heapq.heappush(queue, (cost + steps[i][k], (*choice[:i], k + 1, *choice[i + 1 :]), i))


class _Errors:
    """What the errors cost at least that broken sums of first readings prove.

    Layouts differ in few groups, so that what each group says by a pattern is told once: what its cells add
    to each sum, by how much they raise the left side over the right, and how many are lost; the least that an
    error in one of those that were read costs; and the cells that are lost, a bit for each.
    """

    def __init__(self, groups: Sequence[_Group], sums: Sequence[Sum], costs: Costs) -> None:
        self._costs = costs
        self._signs = [{**dict.fromkeys(s.right, -1), **dict.fromkeys(s.left, 1)} for s in sums]
        self._bits: dict[str, int] = {}
        self._places: dict[str, list[tuple[int, int]]] = {}
        for n, s in enumerate(sums):
            for side, sign in ((s.left, 1), (s.right, -1)):
                for key in side:
                    self._bits.setdefault(key, 1 << len(self._bits))
                    self._places.setdefault(key, []).append((n, sign))
        self._cells = [sum(self._bits[key] for key in signs) for signs in self._signs]
        self._options = [(group.rows, pattern) for group in groups for _, pattern in group.options]
        n_options = [len(group.options) for group in groups]
        self._first = np.cumsum([0, *n_options[:-1]])[: len(groups)]
        self._sides = np.zeros((len(self._options), 2, len(sums)), np.int64)
        self._errors = np.full((len(self._options), len(sums)), math.inf)
        self._keys: dict[tuple[int, int], list[str]] = {}
        self._lost: list[int | None] = [None] * len(self._options)

    def least_cost(self, choice: Sequence[int]) -> int:
        """A lower bound on the cost of the errors in a layout.

        Cells that were lost are filled from sums that lack only them; a sum that then does not hold, or
        wants a negative figure, is broken. Broken sums that share no cell need an error each.

        Args:
            choice: per group the number of its pattern.
        """
        filled: dict[str, int] = {}
        # What it rests on, and the least that an error there costs: the cells of the sum that filled it.
        basis: dict[str, tuple[int, float]] = {}
        broken: list[tuple[int, float]] = []
        open_sums = self._open_sums(choice)
        while True:
            waiting = []
            for open_sum in open_sums:
                number, excess, lost, cells, error = open_sum
                unknown = None
                for key in lost:
                    if key not in filled:
                        if unknown is not None:
                            waiting.append(open_sum)
                            break
                        unknown = key
                else:
                    signs = self._signs[number]
                    for key in lost:
                        if key in filled:
                            excess += signs[key] * filled[key]
                            cells, error = cells | basis[key][0], min(error, basis[key][1])
                    if unknown is not None:
                        missing = -signs[unknown] * excess
                        filled[unknown], basis[unknown] = max(0, missing), (cells, error)
                    if excess if unknown is None else missing < 0:
                        broken.append((cells, error))
            if len(waiting) == len(open_sums):
                break
            open_sums = waiting
        used = 0
        cost = 0.0
        for cells, error in sorted(broken, key=lambda rests_on: rests_on[0].bit_count()):
            if not used & cells:
                used |= cells
                cost += error if cells else 0.0
        return round(cost * SCALE)

    def _open_sums(self, choice: Sequence[int]) -> list[tuple[int, int, list[str], int, float]]:
        """The sums that do not hold by first readings, or in which some are lost, in the order of the form:
        number, by how much the left side exceeds the right without these, their cells, and what the sum rests
        on: a bit for each cell that was read, and the least that an error in one of these costs."""
        told = self._first + np.asarray(choice, np.intp)
        lost = 0
        for n in told.tolist():
            own = self._lost[n]
            lost |= self._tell(n) if own is None else own
        excess, n_lost = np.add.reduce(self._sides[told])
        (open_,) = (excess | n_lost).nonzero()
        errors = np.minimum.reduce(self._errors[told[:, None], open_], initial=math.inf)
        return [
            (n, left, self._lost_keys(n, lost), self._cells[n] & ~lost, error)
            for n, left, error in zip(open_.tolist(), excess[open_].tolist(), errors.tolist(), strict=True)
        ]

    def _lost_keys(self, number: int, lost: int) -> list[str]:
        name = number, self._cells[number] & lost
        if name not in self._keys:
            self._keys[name] = [key for key in self._signs[number] if self._bits[key] & lost]
        return self._keys[name]

    def _tell(self, option: int) -> int:
        """Fill in what a group says by one of its patterns; the cells that are lost, a bit for each."""
        n_sums = len(self._signs)
        excess, n_lost, errors, lost = [0] * n_sums, [0] * n_sums, [math.inf] * n_sums, 0
        rows, pattern = self._options[option]
        for row in rows:
            for key, evidence in row.layouts[pattern].items():
                if key not in self._places:
                    continue
                figure = None if evidence is None else evidence.first
                if evidence is None or figure is None:
                    lost |= self._bits[key]
                    for n, _ in self._places[key]:
                        n_lost[n] += 1
                    continue
                error = _cheapest_error(evidence, self._costs)
                for n, sign in self._places[key]:
                    excess[n] += sign * figure
                    errors[n] = min(errors[n], error)
        self._sides[option], self._errors[option], self._lost[option] = (excess, n_lost), errors, lost
        return lost


def _cheapest_error(evidence: Evidence, costs: Costs) -> float:
    """The least that it costs to explain the cell by anything but its first reading."""
    first = evidence.readings[0][1] if evidence.readings else 0.0
    blank = bool(evidence.readings) and evidence.readings[0][0] is None
    options = [cost - first for _, cost in evidence.readings[1:]]
    options += [costs.unfilled_total if blank else costs.misprinted_total]
    options += [] if evidence.other_cost is None else [evidence.other_cost - first]
    return max(0.0, min(options))
