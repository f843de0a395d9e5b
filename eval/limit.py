"""Whether any lawful answer explains the readings better than the print: the limit of what can be restored.

A plain program over all cells at once, made without the product's solver and run until proven: it shares the
prices of explanations with it, and nothing else. Whoever looks for the cheapest answer cannot restore a
report whose print is not the cheapest one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ortools.sat.python import cp_model

from giar_ml.puzzle import Puzzle
from giar_ml.solve import Evidence
from giar_ml.solve.evidence import explain

TIME_LIMIT = 30.0
"""Seconds for one report."""
Standing = Literal["cheapest", "tied", "dearer", "unknown"]
"""Of the print: cheaper than every other lawful answer, as cheap as the cheapest other one, dearer, or not
told in time."""


def stand_of_print(puzzle: Puzzle, printed: Mapping[str, int]) -> Standing:
    """How the print stands among the lawful answers; `printed` has 0 for a blank."""
    fixed = _Plain(puzzle, printed)
    fixed.model.add_bool_and(fixed.same.values())
    cost = fixed.solve()
    if cost is None:
        return "unknown" if fixed.timed_out else "dearer"
    other = _Plain(puzzle, printed)
    other.model.add_bool_or(same.negated() for same in other.same.values())
    other.model.add(other.cost <= cost)
    found = other.solve()
    if found is None:
        return "unknown" if other.timed_out else "cheapest"
    return "tied" if found == cost else "dearer"


class _Plain:
    """All cells and sums; `same` tells of each cell whether the answer has what is printed."""

    def __init__(self, puzzle: Puzzle, printed: Mapping[str, int]) -> None:
        self.model = cp_model.CpModel()
        self.same: dict[str, Any] = {}
        self.timed_out = False
        cells: dict[str, Evidence | None] = {}
        for row in puzzle.rows:
            cells |= next(iter(row.layouts.values()))
        totals = {key for s in puzzle.sums if len(s.right) == 1 for key in s.right}
        read = (e.readings for e in cells.values() if e is not None)
        top = 10 + sum(max((figure or 0 for figure, _ in readings), default=0) for readings in read)
        lawful = {key: self.model.new_int_var(0, top, key) for key in cells}
        charges = []
        for key, evidence in cells.items():
            self.same[key] = same = self.model.new_bool_var(f"same {key}")
            ways = []
            figures = {figure or 0 for figure, _ in evidence.readings} if evidence else set()
            for way in explain(evidence, puzzle.costs, is_total=key in totals):
                chosen = self.model.new_bool_var(way.kind)
                ways.append(chosen)
                charges.append(way.cost * chosen)
                if way.kind == "read":
                    self.model.add(lawful[key] == (way.shown or 0)).only_enforce_if(chosen)
                for figure in figures if way.kind == "unread" else ():
                    self.model.add(lawful[key] != figure).only_enforce_if(chosen)
                if way.kind in ("read", "misprint"):
                    if (way.shown or 0) == printed[key]:
                        self.model.add_implication(chosen, same)
                    else:
                        self.model.add_implication(chosen, same.negated())
                else:
                    self.model.add(lawful[key] == printed[key]).only_enforce_if(chosen, same)
                    self.model.add(lawful[key] != printed[key]).only_enforce_if(chosen, same.negated())
            self.model.add_exactly_one(ways)
        for s in puzzle.sums:
            self.model.add(sum(lawful[k] for k in s.left) == sum(lawful[k] for k in s.right))
        for statement in puzzle.statements:
            agrees = self.model.new_bool_var("agrees")
            self.model.add(sum(lawful[k] for k in statement.cells) == statement.figure).only_enforce_if(
                agrees
            )
            charges.append(round(puzzle.costs.statement * 1000) * (1 - agrees))
        self.cost = sum(charges)

    def solve(self) -> int | None:
        self.model.minimize(self.cost)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.linearization_level = 2
        solver.parameters.max_time_in_seconds = TIME_LIMIT
        status = solver.solve(self.model)
        self.timed_out = status not in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
        return round(solver.objective_value) if status == cp_model.OPTIMAL else None
