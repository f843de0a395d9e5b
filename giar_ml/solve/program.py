"""The figures that are not settled, as a program over integers for CP-SAT."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from giar_ml.solve.evidence import Explanation, Statement

if TYPE_CHECKING:
    from giar_ml.forms import Sum


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
class Problem:
    """What is to be explained: per cell its first figure (None: none was read) and all explanations; `top` is
    a bound that no lawful figure passes."""

    first: Mapping[str, int | None]
    explanations: Mapping[str, Sequence[Explanation]]
    sums: Sequence[Sum]
    statements: Sequence[Statement]
    statement_cost: int
    top: int


class _Option(NamedTuple):
    """When the literal is true, the cell is explained so."""

    literal: Any
    explanation: Explanation


class Program:
    """CP-SAT over the open cells; all others keep their first figure. Solve a `copy`, so that constraints
    never pile up.

    Args:
        open_cells: whose lawful figures are to be found.
    """

    def __init__(self, problem: Problem, open_cells: Collection[str]) -> None:
        from ortools.sat.python import cp_model

        self._cp = cp_model
        self._model = model = cp_model.CpModel()
        self._problem = problem
        self._charges: list[tuple[int, Any]] = []
        self._fixed_cost = 0
        self._fixed: dict[str, int | None] = {}
        self._options: dict[str, list[_Option]] = {}
        self._free: dict[str, Any] = {}
        """Figures of open cells where no reading tells them, else 0."""
        self._lawful: dict[str, Any] = {}
        for key, explanations in problem.explanations.items():
            if key in open_cells:
                self._explain(key, explanations)
            else:
                self._settle(key, explanations)
        for s in problem.sums:
            left, right = (sum(self._lawful[key] for key in side) for side in (s.left, s.right))
            if isinstance(left, int) and isinstance(right, int):
                if left != right:
                    model.add_bool_or([])
                continue
            model.add(left == right)
            self._add_parity(s)
        for statement in problem.statements:
            self._state(statement)

    def _settle(self, key: str, explanations: Sequence[Explanation]) -> None:
        """The cheapest explanation by which the first figure is lawful."""
        first = self._problem.first[key]
        assert first is not None, "a cell without a figure is never settled"
        best = min(
            (e for e in explanations if e.kind == "read" and (e.shown or 0) == first), key=lambda e: e.cost
        )
        self._fixed_cost += best.cost
        self._fixed[key] = best.shown
        self._lawful[key] = first

    def _explain(self, key: str, explanations: Sequence[Explanation]) -> None:
        """Exactly one of the explanations is true."""
        model, top = self._model, self._problem.top
        options = [_Option(model.new_bool_var(e.kind), e) for e in explanations]
        self._options[key] = options
        model.add_exactly_one(option.literal for option in options)
        self._charges += [(e.cost, literal) for literal, e in options if e.cost]
        free = self._free[key] = model.new_int_var(0, top, f"free {key}")
        model.add(free <= top * sum(literal for literal, e in options if e.kind != "read"))
        read = [(literal, e) for literal, e in options if e.kind == "read"]
        self._lawful[key] = free + sum((e.shown or 0) * literal for literal, e in read)
        for literal, e in options:
            # What is cheaper to read is never explained so.
            for figure in {r.shown or 0 for _, r in read if r.cost >= e.cost} if e.kind == "unread" else ():
                model.add(free != figure).only_enforce_if(literal)

    def _add_parity(self, s: Sum) -> None:
        """Say about a sum what follows anyway, but would be found only by trying figures: where the first
        readings add up, never does one alone change; where they do not, one changes that mends the sum, or
        two."""
        first = {key: self._problem.first[key] for key in (*s.left, *s.right)}
        figures = {key: figure for key, figure in first.items() if figure is not None}
        if len(figures) < len(first):
            return
        lack = sum(figures[key] for key in s.right) - sum(figures[key] for key in s.left)
        if not lack:
            others = [self._options[key][0].literal.negated() for key in first if key in self._options]
            for i, other in enumerate(others):
                self._model.add_bool_or(other.negated(), *others[:i], *others[i + 1 :])
            return
        alone, beside = [], []
        for key, figure in figures.items():
            mends = figure + (lack if key in s.left else -lack)
            for literal, explanation in self._options.get(key, ()):
                if explanation.lawful in (None, mends):
                    alone.append(literal)
                elif explanation.lawful != figure:
                    beside.append(literal)
        self._model.add(2 * sum(alone) + sum(beside) >= 2)

    def _state(self, statement: Statement) -> None:
        stated = sum(self._lawful[key] for key in statement.cells)
        if isinstance(stated, int):
            self._fixed_cost += self._problem.statement_cost * (stated != statement.figure)
            return
        agrees = self._model.new_bool_var("agrees")
        self._model.add(stated == statement.figure).only_enforce_if(agrees)
        self._charges.append((self._problem.statement_cost, agrees.negated()))

    def copy(self) -> Program:
        """The same, to add constraints to."""
        found = Program.__new__(Program)
        found.__dict__.update(self.__dict__)
        found._model = self._model.clone()
        return found

    @property
    def n_options(self) -> int:
        """How many explanations are chosen from."""
        return sum(map(len, self._options.values()))

    # Constraints

    def minimize_cost(self) -> None:
        self._model.minimize(self._cost())

    def limit_cost(self, limit: int) -> None:
        self._model.add(self._cost() <= limit)

    def keep(self, output: Mapping[str, int]) -> None:
        """Outputs as in an answer."""
        for key, options in self._options.items():
            for literal, explanation in options:
                told = explanation.output
                if told is None:
                    self._model.add(self._free[key] == output[key]).only_enforce_if(literal)
                elif told != output[key]:
                    self._model.add_bool_or(literal.negated())

    def differ(self, output: Mapping[str, int], cells: Iterable[str]) -> list[Any]:
        """One of the cells has another output; literals of which that is true, one of a cell at most."""
        return self._differ({cell: output[cell] for cell in cells}, lambda e: e.output)

    def differ_in_law(self, lawful: Mapping[str, int], cells: Iterable[str]) -> list[Any]:
        """As `differ`, of lawful figures."""
        return self._differ({cell: lawful[cell] for cell in cells}, lambda e: e.lawful)

    def _differ(self, values: Mapping[str, int], tell: Callable[[Explanation], int | None]) -> list[Any]:
        literals = []
        for cell, value in values.items():
            if cell not in self._options:
                if self._lawful[cell] != value:
                    literals.append(self._model.new_constant(1))
                continue
            for literal, explanation in self._options[cell]:
                told = tell(explanation)
                if told is None:
                    other = self._model.new_bool_var("differs")
                    self._model.add_implication(other, literal)
                    self._model.add(self._free[cell] != value).only_enforce_if(other)
                    literals.append(other)
                elif told != value:
                    literals.append(literal)
        self._model.add_bool_or(literals)
        return literals

    def maximize(self, literals: Sequence[Any]) -> None:
        self._model.maximize(sum(literals))

    def _cost(self) -> Any:
        return self._fixed_cost + sum(cost * literal for cost, literal in self._charges)

    def solve(self, time_limit: float) -> tuple[Answer | None, float]:
        """The answer, None where there is none, and the time that it took.

        Args:
            time_limit: in units of deterministic time: about seconds, but the same on every machine.

        Raises:
            TimeoutError: nothing was found or refuted.
        """
        solver = self._cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        # Of the few cells that are left open the relaxed sums refute most: twenty times faster than without.
        solver.parameters.linearization_level = 2
        solver.parameters.max_deterministic_time = time_limit
        status = solver.solve(self._model)
        taken = solver.response_proto.deterministic_time
        if status == self._cp.UNKNOWN:
            raise TimeoutError
        if status not in (self._cp.OPTIMAL, self._cp.FEASIBLE):
            return None, taken
        chosen = {
            key: next(option.explanation for option in options if solver.value(option.literal))
            for key, options in self._options.items()
        }
        lawful = {key: solver.value(figure) for key, figure in self._lawful.items()}
        unread = {key for key, e in chosen.items() if e.kind == "unread"}
        misprints = frozenset(key for key, e in chosen.items() if e.kind == "misprint")
        return Answer(
            cost=self._fixed_cost + sum(cost for cost, literal in self._charges if solver.value(literal)),
            optimal=status == self._cp.OPTIMAL,
            lawful=lawful,
            shown={
                **self._fixed,
                **{key: lawful[key] if key in unread else e.shown for key, e in chosen.items()},
            },
            output={**lawful, **{key: chosen[key].shown or 0 for key in misprints}},
            misprints=misprints,
        ), taken
