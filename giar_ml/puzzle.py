"""What is known of the figures of a report, and its layouts in the order of what they cost at least. Pure.

A broken dump leaves open which field stood in which column. Rows that were broken together share one
explanation, so there are few layouts in all; the hopeless ones are refuted by counting broken sums.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from operator import itemgetter

import numpy as np

from giar_ml.forms import Sum
from giar_ml.solve import DEFAULT_COSTS, SCALE, Budget, Costs, Evidence, Statement

_MOST_LAYOUTS = 5_000
"""Layouts beyond these are not tried: at some 9 nats for each lost column they are hopeless."""
_PER_LAYOUT = 0.0002
"""What it takes to tell what a layout costs at least."""


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


def least_cost(puzzle: Puzzle) -> float:
    """What every explanation costs at least, in nats, by the sums that do not hold: told without solving."""
    bound, _ = next(layouts_by_bound(puzzle, Budget()))
    return bound / SCALE


@dataclass(frozen=True)
class _Group:
    """Rows that follow one pattern, and the patterns with their prices, the cheapest first."""

    name: Hashable
    rows: tuple[Row, ...]
    options: tuple[tuple[int, Hashable], ...]


@dataclass
class Choice:
    """A layout of the whole report: one pattern for each group, by its number."""

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


def layouts_by_bound(puzzle: Puzzle, budget: Budget) -> Iterator[tuple[int, Choice | None]]:
    """The layouts with a lower bound on what they cost with their figures, the lowest bound first, as many as
    there is time for. None stands for all that are not told, which cost at least its bound."""
    groups = _group_rows(puzzle)
    errors = _Errors(groups, puzzle.sums, puzzle.costs)
    waiting: list[tuple[int, int, Choice | None]] = []
    for n, layout in enumerate(_combine(groups, puzzle.rows)):
        # No layout that is still to come costs less than this one does without its figures.
        while waiting and waiting[0][0] <= layout.price:
            bound, _, best = heapq.heappop(waiting)
            yield bound, best
        budget.left -= _PER_LAYOUT
        if n == _MOST_LAYOUTS or (budget.left <= 0 and waiting):
            heapq.heappush(waiting, (layout.price, n, None))
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


def _combine(groups: Sequence[_Group], rows: Sequence[Row]) -> Iterator[Choice]:
    """All combinations of the groups' patterns, the cheapest first."""
    steps = [[after[0] - before[0] for before, after in pairwise(group.options)] for group in groups]
    queue = [(sum(group.options[0][0] for group in groups), (0,) * len(groups), 0)]
    while queue:
        cost, choice, last = heapq.heappop(queue)
        yield Choice(cost, choice, groups, rows)
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
