"""What answers cost at least, and each change in them, by linear programming. Pure.

Whole changes are relaxed to shares of them, and of every sum it is demanded what whole changes meet anyway:
where it does not add up, one change that mends it alone, or two, three or four that do so together; where
each change that leaves it broken is made, as much beside it. Of the latter only what the shares found do not
meet is demanded (cutting planes), as in the decoding of parity codes by linear programming (Feldman,
Wainwright and Karger 2005; Taghavi and Siegel 2008). The dual solution, rounded, is a bound that is exact in
integers: what the demands charge to each change, and what each costs beyond that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from giar_ml.solve.changes import Changes, Place

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
    """The linear program of all changes; what is demanded once stays for later bounds."""

    def __init__(self, changes: Changes) -> None:
        from ortools.linear_solver import pywraplp

        self._changes = changes
        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        self._infinity = self._solver.infinity()
        self._shares = [self._solver.NumVar(0.0, self._infinity, "") for _ in changes.all]
        self._objective = self._solver.Objective()
        for share, change in zip(self._shares, changes.all, strict=True):
            self._objective.SetCoefficient(share, change.cost)
        self._rows: list[Any] = []
        self.work = 0
        """Demands of all rounds, which is what takes time."""
        self._known: set[tuple[int | None, int, bool]] = set()
        self._pairs: dict[int, frozenset[int]] = {}
        self.demands: list[Demand] = []
        for at, lack in enumerate(changes.lack):
            if lack:
                self._add(self._demand(None, at, lack, False))
        for ns in changes.of_cell.values():
            if any(changes.all[n].cost < 0 for n in ns):
                self._add(Demand(dict.fromkeys(ns, -1), -1))

    def bound(self, prices: Mapping[int, int | None] | None = None) -> Relaxed:
        """The bounds where some changes cost otherwise than they do, or cannot be made (None)."""
        costs = [change.cost for change in self._changes.all]
        shut = set()
        for n, price in (prices or {}).items():
            if price is None:
                self._shares[n].SetUb(0.0)
                shut.add(n)
            else:
                costs[n] = price
                self._objective.SetCoefficient(self._shares[n], price)
        if not self._rows:
            return self._round(costs, shut)
        for _ in range(_MOST_ROUNDS):
            self.work += len(self._rows)
            if self._solver.Solve() != self._solver.OPTIMAL:
                break
            found = self._unmet([share.solution_value() for share in self._shares])
            for demand in found:
                self._add(demand)
            if not found:
                break
        relaxed = self._round(costs, shut)
        for n in prices or {}:
            self._shares[n].SetUb(self._infinity)
            self._objective.SetCoefficient(self._shares[n], self._changes.all[n].cost)
        return relaxed

    def _add(self, demand: Demand) -> None:
        row = self._solver.Constraint(demand.least, self._infinity)
        for n, weight in demand.weights.items():
            row.SetCoefficient(self._shares[n], weight)
        self.demands.append(demand)
        self._rows.append(row)

    def _round(self, costs: list[int], shut: set[int]) -> Relaxed:
        """Bounds by the duals, in integers."""
        beyond = [cost * _FINE for cost in costs]
        least = 0
        for demand, row in zip(self.demands, self._rows, strict=True):
            dual = int(max(0.0, row.dual_value()) * _FINE)
            if dual:
                least += dual * demand.least
                for n, weight in demand.weights.items():
                    beyond[n] -= dual * weight
        for n in shut:
            beyond[n] = 10**9 * _FINE
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

        def try_(n: int | None, at: int, left: int | None, together: bool) -> None:
            if (n, at, together) not in self._known:
                demand = self._demand(n, at, left, together)
                if sum(shares[m] * weight for m, weight in demand.weights.items()) < demand.least - _EPSILON:
                    self._known.add((n, at, together))
                    found.append(demand)

        for at, lack in enumerate(changes.lack):
            if lack:
                try_(None, at, lack, True)
        for n, share in enumerate(shares):
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
        beside = [(m, effect) for m, effect in changes.in_sum[at] if changes.all[m].key != key]
        if left is None:
            weights = {m: 1 for m, _ in beside}
            whole = 1
        elif together:
            effects = {effect for _, effect in beside}
            pairs = self._pairs_of(at)
            weights = {}
            for m, effect in beside:
                if effect is None or effect == -left:
                    weights[m] = 12
                elif -left - effect in effects:
                    weights[m] = 6
                else:
                    weights[m] = 4 if -left - effect in pairs else 3
            whole = 12
        else:
            weights = {}
            for m, effect in beside:
                if effect is None:
                    # Demanded by the sum itself, a figure that mends it alone is another change.
                    alone = n is not None and changes.mends(m, self._place(m, at), None, left)
                else:
                    alone = effect == -left
                weights[m] = 2 if alone else 1
            whole = 2
        if n is None:
            return Demand(weights, whole)
        weights[n] = -whole
        return Demand(weights, 0)

    def _place(self, n: int, at: int) -> Place:
        return next(p for p in self._changes.places[self._changes.all[n].key] if p.sum == at)

    def _pairs_of(self, at: int) -> frozenset[int]:
        """What two changes of a sum add to it."""
        if at not in self._pairs:
            effects: dict[int, set[str]] = {}
            for m, effect in self._changes.in_sum[at]:
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
