"""Figures and sums to the most probable reading, with proof. Pure: no files, no pictures.

Every cell of a sum has two values: what the paper shows, and the lawful figure t that makes all sums
hold. The paper shows t unless the office misprinted it, and the reader saw what the paper shows unless
it misread it. The most probable explanation of all readings together is found exactly, as a minimum of
summed costs (negative natural logarithms of probabilities) over integers by CP-SAT, in the manner of
Fellegi and Holt (1976): change as little as possible, weighted by how likely each change is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from giar_ml.forms import Sum

SCALE = 1000
"""CP-SAT wants integers: costs are counted in thousandths of a nat."""


@dataclass(frozen=True)
class Evidence:
    """What was seen in one place of the paper.

    `readings` are (figure, cost in nats), the first reading first; None is a blank. `other_cost` is
    the cost of the paper showing some figure that is not among them; None when that cannot be, as in
    a digital text.
    """

    readings: tuple[tuple[int | None, float], ...]
    other_cost: float | None = None


@dataclass(frozen=True)
class Statement:
    """The prose states that `cells` add up to `figure`."""

    cells: tuple[str, ...]
    figure: int


@dataclass(frozen=True)
class Costs:
    """Prices in nats, each minus the logarithm of a probability."""

    misprint: float = 10.0
    """The office printed a certain wrong figure in this cell: about 1 in 2,000, and one of some ten."""
    misprinted_total: float = 5.5
    """The same for a total (about 1 in 250): totals are what offices forget, so that the wrong figure is
    mostly a certain one, 0."""
    unfilled: float = 9.0
    """The office left a cell blank that is not zero."""
    unfilled_total: float = 3.0
    statement: float = 1.5
    """The prose speaks of something else than the cell."""


DEFAULT_COSTS = Costs()


_QUICK = 0.3
"""Solver time to spend on a wide answer where any would do."""
_LEAST_RUN = 0.02
"""What a run takes that the solver does not count: building the model and presolving it."""


class SolverTimeoutError(Exception):
    """The time limit passed before anything was found or refuted."""


@dataclass
class Budget:
    """Solver time that all solves of one report share, in units of deterministic time: about seconds, but
    the same on every machine."""

    left: float = 12.0


@dataclass(frozen=True)
class Answer:
    """One lawful explanation of all readings.

    Per cell: `lawful` is the figure that satisfies the sums; `shown` what the paper shows (None: blank,
    or nothing was there to read); `output` the figure to use: as shown for a misprint, else the lawful.
    """

    cost: int
    optimal: bool
    lawful: Mapping[str, int]
    shown: Mapping[str, int | None]
    output: Mapping[str, int]
    misprints: frozenset[str]


@dataclass(frozen=True)
class _Option:
    """One way to explain a cell: literal true, then the paper shows `shown` there."""

    literal: Any
    shown: int | None
    unread: bool
    """The paper shows the lawful figure, and it was not among the readings."""
    misprint: bool


class FigureModel:
    """The CP-SAT model of one layout; each solve works on a copy, so that constraints never pile up.

    Args:
        cells: per cell, what was seen there; None where nothing was, and any figure may have stood.
        sums: the sums that the lawful figures satisfy; all their cells must be among `cells`.
        statements: figures that the prose states of cells.
        budget: solver time, shared with other models; when it is used up, SolverTimeoutError is raised.

    Raises:
        ValueError: a sum has a cell that is not among `cells`.
    """

    def __init__(
        self,
        cells: Mapping[str, Evidence | None],
        sums: Sequence[Sum],
        *,
        statements: Sequence[Statement] = (),
        costs: Costs = DEFAULT_COSTS,
        budget: Budget | None = None,
    ) -> None:
        from ortools.sat.python import cp_model

        if unknown := {key for s in sums for key in (*s.left, *s.right)} - set(cells):
            raise ValueError(f"no row holds the cells {sorted(unknown)}")
        self._cp = cp_model
        self._budget = budget or Budget()
        self._model = model = cp_model.CpModel()
        self._charges: list[tuple[int, Any]] = []
        self.cells = list(cells)
        top = _largest_figure(cells.values(), statements)
        self._lawful = {key: model.new_int_var(0, top, f"lawful {key}") for key in cells}
        self._output = {key: model.new_int_var(0, top, f"output {key}") for key in cells}
        totals = {key for s in sums if len(s.right) == 1 for key in s.right}
        self._options = {
            key: self._explain(key, evidence, costs, is_total=key in totals)
            for key, evidence in cells.items()
        }
        for s in sums:
            left, right = (sum(self._lawful[key] for key in side) for side in (s.left, s.right))
            model.add(left == right)
            self._add_parity(s, cells)
        for statement in statements:
            agrees = model.new_bool_var("agrees")
            stated = sum(self._lawful[key] for key in statement.cells)
            model.add(stated == statement.figure).only_enforce_if(agrees)
            self._charge(costs.statement, agrees.negated())

    def _add_parity(self, s: Sum, cells: Mapping[str, Evidence | None]) -> None:
        """Say about a sum what follows anyway, but would be found only by trying figures: where the first
        readings do not add up, one of them is not what stands there; where they do, never one alone."""
        keys = (*s.left, *s.right)
        evidence = [cells[key] for key in keys]
        if any(e is None or not e.readings for e in evidence):
            return
        first = {key: e.readings[0][0] or 0 for key, e in zip(keys, evidence, strict=True) if e}
        other = {key: self._options[key][0].literal.negated() for key in keys}
        if sum(first[key] for key in s.left) != sum(first[key] for key in s.right):
            self._model.add_bool_or(other.values())
            return
        for key in keys:
            self._model.add_bool_or(other[key].negated(), *(other[k] for k in keys if k != key))

    def _charge(self, cost: float, literal: Any) -> None:
        if cost:
            self._charges.append((round(cost * SCALE), literal))

    def _explain(self, key: str, evidence: Evidence | None, costs: Costs, *, is_total: bool) -> list[_Option]:
        """The ways in which this evidence can have come about; exactly one of them is true."""
        model, lawful, output = self._model, self._lawful[key], self._output[key]
        options: list[_Option] = []

        def add(cost: float, shown: int | None, kind: str) -> None:
            literal = model.new_bool_var(kind)
            self._charge(cost, literal)
            if kind == "read":
                model.add(lawful == (shown or 0)).only_enforce_if(literal)
            if kind == "misprint":
                model.add(lawful != (shown or 0)).only_enforce_if(literal)
            model.add(output == ((shown or 0) if kind == "misprint" else lawful)).only_enforce_if(literal)
            options.append(_Option(literal, shown, kind == "unread", kind == "misprint"))

        if evidence is None:
            add(0.0, None, "lost")
        else:
            for figure, cost in evidence.readings:
                add(cost, figure, "read")
            first, cost = evidence.readings[0] if evidence.readings else (None, 0.0)
            if first is not None:
                price = costs.misprinted_total if is_total else costs.misprint
                add(cost + price, first, "misprint")
            elif evidence.readings:
                add(cost + (costs.unfilled_total if is_total else costs.unfilled), None, "unfilled")
            if evidence.other_cost is not None:
                add(evidence.other_cost, None, "unread")
        model.add_exactly_one(option.literal for option in options)
        return options

    def minimize(
        self, *, different_from: Mapping[str, int] | None = None, limit: int | None = None
    ) -> Answer | None:
        """The cheapest answer, in thousandths of a nat; None when there is none (in time).

        Args:
            different_from: outputs from which the answer must differ in some cell.
            limit: the most that the answer may cost. To show that nothing is that cheap is far easier
                than to find what is cheapest.
        """
        model = self._model.clone()
        model.minimize(self._objective())
        if limit is not None:
            model.add(self._objective() <= limit)
        if different_from is not None:
            model.add_bool_or(self._differ(model, different_from, self.cells, self._output))
        return self._run(model)

    def spread(self, output: Mapping[str, int], cells: Sequence[str], limit: int) -> Answer | None:
        """An answer within the limit that differs from `output` in one of `cells`, and in many of them
        if such a one is quickly found."""
        model = self._model.clone()
        model.add(self._objective() <= limit)
        literals = self._differ(model, output, cells, self._output)
        model.add_bool_or(literals)
        wide = model.clone()
        wide.maximize(sum(literals))
        try:
            return self._run(wide, time_limit=_QUICK)
        except SolverTimeoutError:
            return self._run(model)

    def tied_corrections(self, best: Answer) -> set[str]:
        """Cells whose lawful figure differs in another answer of the same cost and output."""
        found: set[str] = set()
        while True:
            model = self._model.clone()
            model.add(self._objective() <= best.cost)
            for cell in self.cells:
                model.add(self._output[cell] == best.output[cell])
            rest = [cell for cell in self.cells if cell not in found]
            model.add_bool_or(self._differ(model, best.lawful, rest, self._lawful))
            answer = self._run(model)
            if answer is None:
                return found
            found.update(cell for cell in rest if answer.lawful[cell] != best.lawful[cell])

    def _objective(self) -> Any:
        return sum(cost * literal for cost, literal in self._charges)

    def _differ(
        self,
        model: cp_model.CpModel,
        values: Mapping[str, int],
        cells: Iterable[str],
        variables: Mapping[str, Any],
    ) -> list[Any]:
        literals = []
        for cell in cells:
            literal = model.new_bool_var("differs")
            model.add(variables[cell] != values[cell]).only_enforce_if(literal)
            literals.append(literal)
        return literals

    def _run(self, model: cp_model.CpModel, *, time_limit: float | None = None) -> Answer | None:
        if self._budget.left <= 0:
            raise SolverTimeoutError("the time for this report is used up")
        solver = self._cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        # The costs hang on few literals and on bounds that no linear relaxation sees: five times faster.
        solver.parameters.linearization_level = 0
        solver.parameters.optimize_with_core = True
        solver.parameters.max_deterministic_time = min(self._budget.left, time_limit or math.inf)
        status = solver.solve(model)
        self._budget.left -= _LEAST_RUN + solver.response_proto.deterministic_time
        if status == self._cp.UNKNOWN:
            raise SolverTimeoutError("neither found nor refuted in time")
        if status not in (self._cp.OPTIMAL, self._cp.FEASIBLE):
            return None
        chosen = {
            key: next(option for option in options if solver.value(option.literal))
            for key, options in self._options.items()
        }
        lawful = {key: solver.value(self._lawful[key]) for key in self.cells}
        return Answer(
            cost=sum(cost for cost, literal in self._charges if solver.value(literal)),
            optimal=status == self._cp.OPTIMAL,
            lawful=lawful,
            shown={key: lawful[key] if o.unread else o.shown for key, o in chosen.items()},
            output={key: solver.value(self._output[key]) for key in self.cells},
            misprints=frozenset(key for key, option in chosen.items() if option.misprint),
        )


def _largest_figure(evidence: Iterable[Evidence | None], statements: Sequence[Statement]) -> int:
    """A bound that no lawful figure of this report passes: all that was seen, added up."""
    seen = sum(max((figure or 0 for figure, _ in e.readings), default=0) for e in evidence if e is not None)
    return max(10, seen, *(statement.figure for statement in statements))
