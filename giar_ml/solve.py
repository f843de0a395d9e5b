"""Candidates and sums to one consistent reading, proven or flagged. Pure: no files, no pictures.

Every cell of a sum has two values: what the paper shows, and the lawful figure t that makes all sums
hold. The paper shows t unless the office misprinted it, and the reader saw what the paper shows unless
it misread it. The most probable explanation of all readings together is found exactly, as a minimum of
summed costs (negative natural logarithms of probabilities) over integers by CP-SAT, in the manner of
Fellegi and Holt (1976): change as little as possible, weighted by how likely each change is. A second
solve asks for the best explanation that reads some cell differently: the gap between the two costs
proves the answer or refutes it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
class Alternative:
    """One way to lay what a row shows into cells. A cell without evidence was lost on the way.

    Rows of one group that follow the same `pattern` share one explanation.
    """

    cells: Mapping[str, Evidence | None]
    pattern: Hashable = None
    cost: float = 0.0


@dataclass(frozen=True)
class Row:
    """Cells that are read together, and the alternatives for how, at least one."""

    alternatives: tuple[Alternative, ...]
    group: Hashable = None


@dataclass(frozen=True)
class Statement:
    """The prose states that `cells` add up to `figure`."""

    cells: tuple[str, ...]
    figure: int


@dataclass(frozen=True)
class Costs:
    """Prices in nats, each minus the logarithm of a probability."""

    misprint: float = 7.5
    """The office printed a wrong figure in this cell (about 1 in 2,000)."""
    misprinted_total: float = 5.5
    """The same for a total (about 1 in 250): totals are what offices forget or leave stale."""
    unfilled: float = 8.0
    """The office left a cell blank that is not zero."""
    unfilled_total: float = 3.0
    deviation: float = 5.0
    """A row was broken in another way than its neighbours."""
    statement: float = 1.5
    """The prose speaks of something else than the cell."""


@dataclass(frozen=True)
class Problem:
    """All that the solver needs. `patterns` prices each pattern once per group."""

    rows: tuple[Row, ...]
    sums: tuple[Sum, ...]
    patterns: Mapping[tuple[Hashable, Hashable], float] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    costs: Costs = Costs()


@dataclass(frozen=True)
class Decision:
    """How one cell was decided.

    `shown` is the figure that the paper shows (None: blank, or lost), `lawful` the one that satisfies
    the sums; they differ for a misprint. `evidence` is what the chosen alternative puts here.
    """

    shown: int | None
    lawful: int
    evidence: Evidence | None
    misprint: bool = False
    alternatives: tuple[int, ...] = ()
    """Other figures that answers within the margin give here; empty when the figure is proven."""
    open_correction: bool = False
    """Other equally good corrections exist, so `lawful` is only one of them."""


@dataclass(frozen=True)
class Solution:
    """`cost` of the answer and `gap` to the best different one, in nats; `optimal` when proven."""

    decisions: Mapping[str, Decision]
    cost: float
    gap: float
    optimal: bool


class NoAnswerError(Exception):
    """The time limit passed before any answer was found."""


def solve(problem: Problem, *, margin: float = 7.0, time_limit_s: float = 10.0) -> Solution:
    """The most probable explanation of all readings, and which cells it leaves open.

    Args:
        margin: an answer counts as an alternative when it costs at most this many nats more;
            7 nats is odds of 1,000 to 1.
        time_limit_s: for each of the solves, in deterministic solver time; when it passes, the
            solution is not `optimal`.

    Raises:
        NoAnswerError: nothing was found in time.
    """
    model = _Model(problem)
    best = model.minimize(time_limit_s)
    if best is None:
        raise NoAnswerError(f"no answer in {time_limit_s} s")
    optimal = best.optimal

    second = model.minimize(time_limit_s, different_from=best, cells=model.cells)
    gap = (second.cost - best.cost) / SCALE if second else math.inf
    optimal &= second is None or second.optimal

    others: dict[str, set[int]] = {}
    answer = second
    limit = best.cost + round(margin * SCALE)
    while answer is not None and answer.cost <= limit:
        for cell in model.cells:
            if answer.output[cell] != best.output[cell]:
                others.setdefault(cell, set()).add(answer.output[cell])
        undecided = [cell for cell in model.cells if cell not in others]
        if not undecided:
            break
        answer = model.spread(time_limit_s, best, undecided, limit)

    corrections = model.tied_corrections(time_limit_s, best) if best.misprints else {}
    decisions = {}
    for cell in model.cells:
        misprint = cell in best.misprints or cell in corrections
        decisions[cell] = Decision(
            shown=best.shown[cell],
            lawful=best.lawful[cell],
            evidence=best.evidence[cell],
            misprint=misprint,
            alternatives=tuple(sorted(others.get(cell, ()))),
            open_correction=cell in corrections,
        )
    return Solution(decisions, best.cost / SCALE, gap, optimal)


@dataclass(frozen=True)
class _Answer:
    cost: int
    optimal: bool
    lawful: dict[str, int]
    shown: dict[str, int | None]
    output: dict[str, int]
    evidence: dict[str, Evidence | None]
    misprints: frozenset[str]


@dataclass(frozen=True)
class _Option:
    """One way to explain a cell: literal true, then the paper shows `shown` there."""

    literal: Any
    evidence: Evidence | None
    shown: int | None
    unread: bool = False
    """The paper shows the lawful figure, and it was not among the readings."""
    misprint: bool = False


class _Model:
    """The CP-SAT model; each solve works on a copy, so that constraints never pile up."""

    def __init__(self, problem: Problem) -> None:
        from ortools.sat.python import cp_model

        self._cp = cp_model
        self._model = cp_model.CpModel()
        self._costs: list[tuple[int, Any]] = []
        self._options: dict[str, list[_Option]] = {}
        self._patterns: dict[Hashable, dict[Hashable, Any]] = {}
        totals = {key for s in problem.sums if len(s.right) == 1 for key in s.right}
        self._top = _largest_figure(problem)
        self.cells = list(
            dict.fromkeys(key for row in problem.rows for a in row.alternatives for key in a.cells)
        )
        summed = {key for s in problem.sums for key in (*s.left, *s.right)}
        if unknown := summed - set(self.cells):
            raise ValueError(f"no row holds the cells {sorted(unknown)}")
        self._lawful = {key: self._model.new_int_var(0, self._top, f"t {key}") for key in self.cells}
        self._output = {key: self._model.new_int_var(0, self._top, f"o {key}") for key in self.cells}
        for row in problem.rows:
            self._add_row(row, problem, totals)
        for s in problem.sums:
            left, right = (sum(self._lawful[key] for key in side) for side in (s.left, s.right))
            self._model.add(left == right)
        for statement in problem.statements:
            agrees = self._model.new_bool_var("agrees")
            stated = sum(self._lawful[key] for key in statement.cells)
            self._model.add(stated == statement.figure).only_enforce_if(agrees)
            self._charge(problem.costs.statement, agrees.negated())

    def _charge(self, cost: float, literal: Any) -> None:
        if cost:
            self._costs.append((round(cost * SCALE), literal))

    def _add_row(self, row: Row, problem: Problem, totals: set[str]) -> None:
        model = self._model
        if len(row.alternatives) == 1 and row.group is None:
            chosen = [model.new_constant(1)]
        else:
            chosen = [model.new_bool_var("alternative") for _ in row.alternatives]
            model.add_exactly_one(chosen)
        for alternative, literal in zip(row.alternatives, chosen, strict=True):
            self._charge(alternative.cost, literal)
        if row.group is not None:
            self._join_group(row, chosen, problem)
        for key in row.alternatives[0].cells:
            shown: dict[int, tuple[Evidence | None, list[Any]]] = {}
            for alternative, literal in zip(row.alternatives, chosen, strict=True):
                evidence = alternative.cells[key]
                shown.setdefault(id(evidence), (evidence, []))[1].append(literal)
            self._options[key] = [
                option
                for evidence, literals in shown.values()
                for option in self._explain(key, evidence, sum(literals), problem.costs, key in totals)
            ]

    def _join_group(self, row: Row, chosen: list[Any], problem: Problem) -> None:
        model = self._model
        patterns = self._patterns.setdefault(row.group, {})
        for alternative in row.alternatives:
            if alternative.pattern not in patterns:
                literal = model.new_bool_var("pattern")
                patterns[alternative.pattern] = literal
                self._charge(problem.patterns.get((row.group, alternative.pattern), 0.0), literal)
        for alternative, literal in zip(row.alternatives, chosen, strict=True):
            # A row of its own kind pays for its layout itself, and for being so.
            deviates = model.new_bool_var("deviates")
            price = problem.patterns.get((row.group, alternative.pattern), 0.0)
            self._charge(price + problem.costs.deviation, deviates)
            model.add_bool_or(literal.negated(), patterns[alternative.pattern], deviates)

    def _explain(
        self, key: str, evidence: Evidence | None, active: Any, costs: Costs, is_total: bool
    ) -> list[_Option]:
        """The ways in which this evidence can have come about; exactly one is true when active."""
        model, lawful, output = self._model, self._lawful[key], self._output[key]
        options: list[_Option] = []

        def add(cost: float, shown: int | None, kind: str) -> None:
            literal = model.new_bool_var(kind)
            self._charge(cost, literal)
            if kind == "read":
                model.add(lawful == (shown or 0)).only_enforce_if(literal)
            model.add(output == ((shown or 0) if kind == "misprint" else lawful)).only_enforce_if(literal)
            options.append(_Option(literal, evidence, shown, kind == "unread", kind == "misprint"))

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
        model.add(sum(option.literal for option in options) == active)
        return options

    def minimize(
        self, time_limit_s: float, *, different_from: _Answer | None = None, cells: Iterable[str] = ()
    ) -> _Answer | None:
        """The cheapest answer; with `different_from`, the cheapest whose output differs in a cell."""
        model = self._model.clone()
        model.minimize(self._objective())
        if different_from is not None:
            model.add_bool_or(self._differ(model, different_from.output, cells, self._output))
        else:
            self._hint(model)
        return self._run(model, time_limit_s)

    def spread(self, time_limit_s: float, best: _Answer, cells: Sequence[str], limit: int) -> _Answer | None:
        """An answer within the limit that differs from the best in as many of `cells` as it can."""
        model = self._model.clone()
        model.add(self._objective() <= limit)
        literals = self._differ(model, best.output, cells, self._output)
        model.add_bool_or(literals)
        model.maximize(sum(literals))
        return self._run(model, time_limit_s)

    def tied_corrections(self, time_limit_s: float, best: _Answer) -> dict[str, int]:
        """Cells whose lawful figure differs in another answer of the same cost and output."""
        found: dict[str, int] = {}
        while True:
            model = self._model.clone()
            model.add(self._objective() <= best.cost)
            cells = [cell for cell in self.cells if cell not in found]
            for cell in self.cells:
                model.add(self._output[cell] == best.output[cell])
            literals = self._differ(model, best.lawful, cells, self._lawful)
            model.add_bool_or(literals)
            model.maximize(sum(literals))
            answer = self._run(model, time_limit_s)
            if answer is None:
                return found
            for cell in cells:
                if answer.lawful[cell] != best.lawful[cell]:
                    found[cell] = answer.lawful[cell]

    def _objective(self) -> Any:
        return sum(cost * literal for cost, literal in self._costs)

    def _hint(self, model: cp_model.CpModel) -> None:
        for key, options in self._options.items():
            first = options[0]
            if first.evidence is not None and first.evidence.readings:
                model.add_hint(self._lawful[key], first.shown or 0)

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

    def _run(self, model: cp_model.CpModel, time_limit_s: float) -> _Answer | None:
        solver = self._cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.max_deterministic_time = time_limit_s
        status = solver.solve(model)
        if status not in (self._cp.OPTIMAL, self._cp.FEASIBLE):
            return None
        chosen = {
            key: next(option for option in options if solver.value(option.literal))
            for key, options in self._options.items()
        }
        lawful = {key: solver.value(self._lawful[key]) for key in self.cells}
        return _Answer(
            cost=sum(cost for cost, literal in self._costs if solver.value(literal)),
            optimal=status == self._cp.OPTIMAL,
            lawful=lawful,
            shown={key: lawful[key] if option.unread else option.shown for key, option in chosen.items()},
            output={key: solver.value(self._output[key]) for key in self.cells},
            evidence={key: option.evidence for key, option in chosen.items()},
            misprints=frozenset(
                key for key, option in chosen.items() if option.misprint and lawful[key] != option.shown
            ),
        )


def _largest_figure(problem: Problem) -> int:
    """A bound that no lawful figure of this report passes: all that was seen, added up."""
    seen = sum(
        max((figure or 0 for figure, _ in evidence.readings), default=0)
        for row in problem.rows
        for evidence in {
            id(e): e for a in row.alternatives for e in a.cells.values() if e is not None
        }.values()
    )
    stated = max((statement.figure for statement in problem.statements), default=0)
    return max(10, seen, stated)
