"""What answers cost at least, and each change in them, by linear programming. Pure.

Whole changes are relaxed to shares of them, and of every sum it is demanded what whole changes meet anyway:
where it does not add up, one change that mends it alone, or two, three or four that do so together; where
each change that leaves it broken is made, as much beside it. Of the latter only what the shares found do not
meet is demanded (cutting planes), as in the decoding of parity codes by linear programming (Feldman,
Wainwright and Karger 2005; Taghavi and Siegel 2008). The dual solution, rounded, is a bound that is exact in
integers: what the demands charge to each change, and what each costs beyond that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from giar_ml.solve.changes import Changes

_MOST_ROUNDS = 20
_EPSILON = 1e-6
_FINE = 1 << 20
"""Duals are rounded to such parts of a thousandth of a nat."""
_WHOLE = 12
"""The weight of what meets a demand alone: 1, 1/2, 1/3 and 1/4 of it are whole numbers."""


class Demand(NamedTuple):
    """The shares, times these weights, add up to so much at least."""

    weights: dict[int, int]
    least: int


class Relaxed(NamedTuple):
    """`least`: what changes cost at least in all; `beyond`: per change what comes on top when it is made."""

    least: int
    beyond: list[int]


class Relaxation:
    """The linear program of all changes; what is demanded once stays for later bounds.

    The bounds come within 1 nat of the best answer for half of the reports with 16 misread cells, and reach
    it for nearly all with 8, in 20 and 5 ms.
    """

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self.work = 0
        """Demands of all rounds, which is what takes time."""
        self._known: set[tuple[int | None, int, bool]] = set()
        self._asked: dict[tuple[int | None, int, bool], Demand] = {}
        """What was looked at, demanded or not: later bounds ask much the same."""
        self._pairs: dict[int, frozenset[int]] = {}
        self.demands: list[Demand] = []
        for at, lack in enumerate(changes.lack):
            if lack:
                self.demands.append(self._demand(None, at, lack, False))
        for ns in changes.of_cell.values():
            if any(changes.all[n].cost < 0 for n in ns):
                self.demands.append(Demand(dict.fromkeys(ns, -1), -1))
        # Where nothing is demanded at first, nothing ever is.
        if self.demands:
            self._build()

    def _build(self) -> None:
        from ortools.linear_solver import pywraplp

        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        self._infinity = self._solver.infinity()
        self._shares = [self._solver.NumVar(0.0, self._infinity, "") for _ in self._changes.all]
        self._objective = self._solver.Objective()
        for share, change in zip(self._shares, self._changes.all, strict=True):
            self._objective.SetCoefficient(share, change.cost)
        self._rows = [self._make_row(demand) for demand in self.demands]

    def bound(self, prices: Mapping[int, int] | None = None) -> Relaxed:
        """The bounds where some changes cost otherwise than they do."""
        prices = prices or {}
        costs = [change.cost for change in self._changes.all]
        for n, price in prices.items():
            costs[n] = price
        if not self.demands:
            return self._charge(costs, [])
        for n, price in prices.items():
            self._objective.SetCoefficient(self._shares[n], price)
        duals = self._solve()
        for n in prices:
            self._objective.SetCoefficient(self._shares[n], self._changes.all[n].cost)
        return self._charge(costs, duals)

    def _solve(self) -> list[float]:
        """The duals of all demands, after adding those that matter; 0 bounds nothing, but wrongly neither."""
        for _ in range(_MOST_ROUNDS):
            self.work += len(self.demands)
            if self._solver.Solve() != self._solver.OPTIMAL:
                return [0.0] * len(self.demands)
            duals = [row.dual_value() for row in self._rows]
            found = self._unmet([share.solution_value() for share in self._shares])
            self.demands += found
            self._rows += map(self._make_row, found)
            if not found:
                break
        return duals + [0.0] * (len(self.demands) - len(duals))

    def _make_row(self, demand: Demand) -> Any:
        row = self._solver.Constraint(demand.least, self._infinity)
        for n, weight in demand.weights.items():
            row.SetCoefficient(self._shares[n], weight)
        return row

    def _charge(self, costs: Sequence[int], duals: Sequence[float]) -> Relaxed:
        """What the demands charge to changes, in integers, and what is left of the costs."""
        beyond = [cost * _FINE for cost in costs]
        least = 0
        for demand, value in zip(self.demands, duals, strict=True):
            dual = int(max(0.0, value) * _FINE)
            if dual:
                least += dual * demand.least
                for n, weight in demand.weights.items():
                    beyond[n] -= dual * weight
        for ns in self._changes.of_cell.values():
            cheapest = min((beyond[n] for n in ns), default=0)
            if cheapest < 0:
                least += cheapest
                for n in ns:
                    beyond[n] -= cheapest
        return Relaxed(-(-least // _FINE), [cost // _FINE for cost in beyond])

    def _unmet(self, shares: list[float]) -> list[Demand]:
        """What these shares do not meet, beyond what is demanded."""
        changes = self._changes
        found = []
        made = [(n, share) for n, share in enumerate(shares) if share]
        made_in: list[list[tuple[int, float]]] = [[] for _ in changes.lack]
        for n, share in made:
            for place in changes.places[changes.all[n].key]:
                made_in[place.sum].append((n, share))

        def try_(n: int | None, at: int, left: int | None, together: bool) -> None:
            name = (n, at, together)
            if name not in self._known:
                demand = self._asked.get(name)
                if demand is None:
                    demand = self._asked[name] = self._demand(n, at, left, together)
                weights = demand.weights
                if sum(share * weights.get(m, 0) for m, share in made_in[at]) < demand.least - _EPSILON:
                    self._known.add(name)
                    found.append(demand)

        for at, lack in enumerate(changes.lack):
            if lack:
                try_(None, at, lack, True)
        for n, share in made:
            if share <= _EPSILON:
                continue
            change = changes.all[n]
            for place in changes.places[change.key]:
                effect = changes.effect(change, place)
                if effect is None:
                    try_(n, place.sum, None, False)
                elif left := changes.lack[place.sum] + effect:
                    try_(n, place.sum, left, False)
                    try_(n, place.sum, left, True)
            ns = changes.of_cell[change.key]
            if (-1, ns.start, False) not in self._known and sum(shares[m] for m in ns) > 1 + _EPSILON:
                self._known.add((-1, ns.start, False))
                found.append(Demand(dict.fromkeys(ns, -1), -1))
        return found

    def _demand(self, n: int | None, at: int, left: int | None, together: bool) -> Demand:
        """What a sum wants, of which `left` is left: by itself, or beside change `n`.

        Args:
            left: None: any other change will do.
            together: look which changes mend it together; any figure then counts in full.
        """
        changes = self._changes
        key = None if n is None else changes.all[n].key
        beside = [(m, effect) for m, effect in changes.in_sum(at) if changes.all[m].key != key]
        whole = 2
        if left is None:
            whole = 1
            weights = {m: 1 for m, _ in beside}
        elif together:
            whole = _WHOLE
            weights = self._weigh_together(beside, at, left)
        else:
            weights = {}
            for m, effect in beside:
                # A figure that mends a sum of first figures alone is another change.
                any_mends = effect is None and n is not None and self._can_mend(m, at, left)
                weights[m] = 2 if effect == -left or any_mends else 1
        if n is None:
            return Demand(weights, whole)
        return Demand({**weights, n: -whole}, 0)

    def _weigh_together(self, beside: Sequence[tuple[int, int | None]], at: int, left: int) -> dict[int, int]:
        """Weights such that all changes that mend a sum together weigh as much as one that does so alone."""
        effects = {effect for _, effect in beside}
        pairs = self._pairs_of(at)
        weights = {}
        for m, effect in beside:
            if effect is None or effect == -left:
                n_together = 1
            elif -left - effect in effects:
                n_together = 2
            else:
                n_together = 3 if -left - effect in pairs else 4
            weights[m] = _WHOLE // n_together
        return weights

    def _can_mend(self, n: int, at: int, left: int) -> bool:
        key = self._changes.all[n].key
        sign = next(place.sign for place in self._changes.places[key] if place.sum == at)
        return self._changes.can_mend(key, sign, left)

    def _pairs_of(self, at: int) -> frozenset[int]:
        """What two changes of a sum add to it."""
        if at not in self._pairs:
            effects: dict[int, set[str]] = {}
            for m, effect in self._changes.in_sum(at):
                if effect is not None:
                    effects.setdefault(effect, set()).add(self._changes.all[m].key)
            known = list(effects.items())
            self._pairs[at] = frozenset(
                one + other
                for i, (one, keys) in enumerate(known)
                for other, others in known[i:]
                if len(keys | others) > 1
            )
        return self._pairs[at]
