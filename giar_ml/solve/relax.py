"""What answers cost at least, and each change in them, by linear programming. Pure.

Whole changes are relaxed to shares of them. In every sum that the first figures break a change mends it alone,
or two are made; and whoever makes a change that leaves a sum broken makes in it another one that mends it, or
two. Of the latter only those are looked at that the shares found break (cutting planes). The dual solution,
rounded, is a bound that is exact in integers: what the demands charge to each change, and what each costs
beyond that.
"""

from __future__ import annotations

from typing import NamedTuple

from giar_ml.solve.changes import Changes

_MOST_ROUNDS = 12
_EPSILON = 1e-6


class Demand(NamedTuple):
    """The shares, times these weights, add up to so much at least."""

    weights: dict[int, int]
    least: int


class Relaxed(NamedTuple):
    """`least`: what changes cost at least in all; `beyond`: per change what comes on top when it is made;
    `unchanged`: the same where a cell keeps its first figure though another were cheaper; `demands` that
    were found to matter."""

    least: int
    beyond: list[int]
    demands: list[Demand]


def relax(changes: Changes) -> Relaxed:
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    infinity = solver.infinity()
    variables = [solver.NumVar(0.0, infinity, "") for _ in changes.all]
    objective = solver.Objective()
    for variable, change in zip(variables, changes.all, strict=True):
        objective.SetCoefficient(variable, change.cost)
    demands: list[Demand] = []
    rows = []

    def add(demand: Demand) -> None:
        row = solver.Constraint(demand.least, infinity)
        for n, weight in demand.weights.items():
            row.SetCoefficient(variables[n], weight)
        demands.append(demand)
        rows.append(row)

    for n, lack in enumerate(changes.lack):
        if lack:
            add(Demand({m: 2 if effect == -lack else 1 for m, effect in changes.in_sum[n]}, 2))
    for ns in changes.of_cell.values():
        if any(changes.all[n].cost < 0 for n in ns):
            add(Demand(dict.fromkeys(ns, -1), -1))
    known: set[tuple[int, int]] = set()
    for _ in range(_MOST_ROUNDS):
        solver.Solve()
        shares = [variable.solution_value() for variable in variables]
        found = _broken(changes, shares, known)
        if not found:
            break
        for demand in found:
            add(demand)
    else:
        solver.Solve()
    beyond = [change.cost for change in changes.all]
    least = 0
    for demand, row in zip(demands, rows, strict=True):
        dual = int(max(0.0, row.dual_value()))
        if dual:
            least += dual * demand.least
            for n, weight in demand.weights.items():
                beyond[n] -= dual * weight
    for ns in changes.of_cell.values():
        cheapest = min((beyond[n] for n in ns), default=0)
        if cheapest < 0:
            least += cheapest
            for n in ns:
                beyond[n] -= cheapest
    return Relaxed(least, beyond, demands)


def _broken(changes: Changes, shares: list[float], known: set[tuple[int, int]]) -> list[Demand]:
    """Demands that these shares do not meet, beyond those known."""
    found = []
    made = [n for n, share in enumerate(shares) if share > _EPSILON]
    for n in made:
        change = changes.all[n]
        for place in changes.places[change.key]:
            if (n, place.sum) in known:
                continue
            effect = changes.effect(change, place)
            left = changes.lack[place.sum] + (effect or 0)
            if effect is not None and not left:
                continue
            weights = demand_beside(changes, n, place.sum, None if effect is None else left)
            if sum(shares[m] * weight for m, weight in weights.items()) < -_EPSILON:
                known.add((n, place.sum))
                found.append(Demand(weights, 0))
        ns = changes.of_cell[change.key]
        if (-1, ns.start) not in known and sum(shares[m] for m in ns) > 1 + _EPSILON:
            known.add((-1, ns.start))
            found.append(Demand(dict.fromkeys(ns, -1), -1))
    return found


def demand_beside(changes: Changes, n: int, at: int, left: int | None) -> dict[int, int]:
    """Weights of what change `n` wants of the other changes in a sum, of which it leaves `left`; None: any."""
    key = changes.all[n].key
    weights = {n: -1 if left is None else -2}
    for m, effect in changes.in_sum[at]:
        other = changes.all[m].key
        if other != key:
            weights[m] = 1
            if left is not None and (
                effect == -left
                if effect is not None
                else changes.mends(m, next(p for p in changes.places[other] if p.sum == at), None, left)
            ):
                weights[m] = 2
    return weights
