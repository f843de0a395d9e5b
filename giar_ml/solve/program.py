"""The figures that are not settled, as a program over integers for CP-SAT."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from giar_ml.solve.evidence import Explanation, Statement
from giar_ml.solve.problem import Answer, Problem

if TYPE_CHECKING:
    from giar_ml.forms import Sum


class _Option(NamedTuple):
    """When the literal is true, the cell is explained so, and has this lawful figure; None is any."""

    literal: Any
    explanation: Explanation
    lawful: int | None

    @property
    def output(self) -> int | None:
        """The figure to use, where it is told."""
        return (self.explanation.shown or 0) if self.explanation.kind == "misprint" else self.lawful


@cache
def _model_class() -> type[Any]:
    from ortools.sat.python import cp_model

    class Model(cp_model.CpModel):
        """Without the names that methods had before: to make these takes as long as to solve a program."""

        def _add_pre_pep8_methods(self) -> None:
            pass

        def clone(self) -> Model:
            found = Model()
            found.proto.copy_from(self.proto)
            found.rebuild_constant_map()
            return found

    return Model


Ways = dict[str, list[tuple[Explanation, int | None]]]
"""Per open cell its explanations, and the lawful figure of each; None is any."""


def find_ways(problem: Problem, open_figures: Mapping[str, Mapping[int | None, int]]) -> Ways:
    """The explanations of open cells, in the order of all cells.

    Args:
        open_figures: per open cell the other lawful figures that are to be tried, and what the cell may cost
            then; None is any.
    """
    return {
        key: _explain(problem, key, open_figures[key]) for key in problem.explanations if key in open_figures
    }


def _explain(
    problem: Problem, key: str, figures: Mapping[int | None, int]
) -> list[tuple[Explanation, int | None]]:
    first, kept, explanations = problem.first[key], problem.kept.get(key), problem.explanations[key]
    ways: list[tuple[Explanation, int | None]] = []
    base = 0
    if kept is not None:
        ways.append((kept, first))
        base = kept.cost
    read = {e.lawful for e in explanations if e.kind == "read"}
    for e in explanations:
        lawful = e.lawful
        if lawful is not None:
            if lawful != first and e.cost - base <= figures.get(lawful, -1):
                ways.append((e, lawful))
            continue
        for figure, most in figures.items():
            if (first is not None and e.cost - base > most) or (e.kind == "unread" and figure in read):
                continue
            ways.append((e, figure))
    return ways


class Program:
    """CP-SAT over the open cells; all others keep their first figure. Solve a `copy`, so that constraints
    never pile up.

    Args:
        ways: of the open cells, see `find_ways`.
        demands: what is known of the changes, by cell and figure.
    """

    def __init__(
        self,
        problem: Problem,
        ways: Ways,
        demands: Sequence[tuple[Mapping[tuple[str, int | None], int], int]] = (),
    ) -> None:
        from ortools.sat.python import cp_model

        self._cp = cp_model
        self._model = _model_class()()
        self._problem = problem
        self._costs: list[int] = []
        self._literals: list[Any] = []
        settled = {key: kept for key, kept in problem.kept.items() if key not in ways}
        self._fixed_cost = sum(kept.cost for kept in settled.values())
        self._fixed = {key: kept.shown for key, kept in settled.items()}
        """What the paper shows in cells whose first figure is lawful."""
        self._options: dict[str, list[_Option]] = {}
        self._of_figure: dict[tuple[str, int | None], list[Any]] = {}
        self._free: dict[str, Any] = {}
        """How far figures of open cells are from the first where no explanation tells them, else 0."""
        for key, own in ways.items():
            self._choose(key, own)
        for s, lack in zip(problem.sums, problem.lacks, strict=True):
            literals, weights = self._weigh(s.left, s.right)
            if literals:
                self._model.add(self._sum(literals, weights) == lack)
                self._add_parity(s, lack)
            elif lack:
                self._model.add_bool_or([])
        for weights_of, least in demands:
            self._demand(weights_of, least)
        for statement in problem.statements:
            self._state(statement)

    def _sum(self, variables: Sequence[Any], weights: Sequence[int]) -> Any:
        return self._cp.LinearExpr.weighted_sum(variables, weights)

    def _choose(self, key: str, ways: Sequence[tuple[Explanation, int | None]]) -> None:
        """Exactly one of the explanations is true."""
        model, first = self._model, self._problem.first[key]
        options = [_Option(model.new_bool_var(""), e, figure) for e, figure in ways]
        self._options[key] = options
        model.add_exactly_one([option.literal for option in options])
        anything = []
        for option in options:
            literal, e, figure = option
            if e.cost:
                self._costs.append(e.cost)
                self._literals.append(literal)
            self._of_figure.setdefault((key, figure), []).append(literal)
            if figure is None:
                anything.append(option)
        if anything:
            self._let_free(key, first or 0, anything)

    def _let_free(self, key: str, first: int, options: Sequence[_Option]) -> None:
        """The figure is any where one of these explains the cell."""
        model, top = self._model, self._problem.top
        free = self._free[key] = model.new_int_var(-first, top - first, "")
        literals = [option.literal for option in options]
        if first:
            model.add(self._sum([free, *literals], [1, *[first] * len(literals)]) >= 0)
        model.add(self._sum([free, *literals], [1, *[first - top] * len(literals)]) <= 0)
        for literal, e, _ in options:
            # What was read is never explained as not read.
            for r in self._problem.explanations[key] if e.kind == "unread" else ():
                if r.kind == "read" and r.cost >= e.cost:
                    model.add(free != (r.shown or 0) - first).only_enforce_if(literal)

    def _weigh(self, left: Collection[str], right: Collection[str]) -> tuple[list[Any], list[int]]:
        """Variables and weights that are what the left side has more than the right, beside first figures."""
        variables: list[Any] = []
        weights: list[int] = []
        for side, sign in ((left, 1), (right, -1)):
            for key in side:
                if key not in self._options:
                    continue
                first = self._problem.first[key] or 0
                for literal, _, figure in self._options[key]:
                    if figure is not None and figure != first:
                        variables.append(literal)
                        weights.append(sign * (figure - first))
                if key in self._free:
                    variables.append(self._free[key])
                    weights.append(sign)
        return variables, weights

    def _add_parity(self, s: Sum, lack: int) -> None:
        """Say about a sum what follows anyway, but would be found only by trying figures: where the first
        readings add up, never does one alone change; where they do not, one changes that mends the sum, or
        two."""
        first = {key: self._problem.first[key] for key in (*s.left, *s.right)}
        figures = {key: figure for key, figure in first.items() if figure is not None}
        if len(figures) < len(first):
            return
        if not lack:
            literals = [self._options[key][0].literal for key in first if key in self._options]
            others = [literal.negated() for literal in literals]
            for i, literal in enumerate(literals):
                self._model.add_bool_or(literal, *others[:i], *others[i + 1 :])
            return
        alone, beside = [], []
        for key, figure in figures.items():
            mends = figure + (lack if key in s.left else -lack)
            for option in self._options.get(key, ()):
                if option.lawful == mends:
                    alone.append(option.literal)
                elif option.lawful != figure:
                    beside.append(option.literal)
        self._model.add(
            self._sum([*alone, *beside], [*[2] * len(alone), *[1] * len(beside)]) >= 2
            if alone or beside
            else False
        )

    def _demand(self, weights_of: Mapping[tuple[str, int | None], int], least: int) -> None:
        literals: list[Any] = []
        weights: list[int] = []
        for change, weight in weights_of.items():
            found = self._of_figure.get(change, ())
            literals += found
            weights += [weight] * len(found)
            if not found and weight < 0:
                return
        self._model.add(self._sum(literals, weights) >= least)

    def _state(self, statement: Statement) -> None:
        variables, weights = self._weigh(statement.cells, ())
        constant = sum(self._problem.first[key] or 0 for key in statement.cells)
        if not variables:
            self._fixed_cost += self._problem.statement_cost * (constant != statement.figure)
            return
        agrees = self._model.new_bool_var("agrees")
        self._model.add(self._sum(variables, weights) == statement.figure - constant).only_enforce_if(agrees)
        self._costs.append(self._problem.statement_cost)
        self._literals.append(agrees.negated())

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
            for option in options:
                if option.output is None:
                    self._set_free(key, output[key], option.literal)
                elif option.output != output[key]:
                    self._model.add_bool_or(option.literal.negated())

    def _set_free(self, key: str, figure: int, literal: Any, *, other: bool = False) -> None:
        free, far = self._free[key], figure - (self._problem.first[key] or 0)
        self._model.add(free != far if other else free == far).only_enforce_if(literal)

    def differ(self, output: Mapping[str, int], cells: Iterable[str]) -> list[Any]:
        """One of the cells has another output; literals of which that is true, one of a cell at most."""
        return self._differ({cell: output[cell] for cell in cells}, lambda option: option.output)

    def differ_in_law(self, lawful: Mapping[str, int], cells: Iterable[str]) -> list[Any]:
        """As `differ`, of lawful figures."""
        return self._differ({cell: lawful[cell] for cell in cells}, lambda option: option.lawful)

    def _differ(self, values: Mapping[str, int], tell: Callable[[_Option], int | None]) -> list[Any]:
        literals = []
        for cell, value in values.items():
            if cell not in self._options:
                if self._problem.first[cell] != value:
                    literals.append(self._model.new_constant(1))
                continue
            for option in self._options[cell]:
                told = tell(option)
                if told is None:
                    other = self._model.new_bool_var("differs")
                    self._model.add_implication(other, option.literal)
                    self._set_free(cell, value, other, other=True)
                    literals.append(other)
                elif told != value:
                    literals.append(option.literal)
        self._model.add_bool_or(literals)
        return literals

    def maximize(self, literals: Sequence[Any]) -> None:
        self._model.maximize(sum(literals))

    def _cost(self) -> Any:
        return self._sum(self._literals, self._costs) + self._fixed_cost

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
        solver.parameters.cp_model_presolve = False
        solver.parameters.max_deterministic_time = time_limit
        status = solver.solve(self._model)
        taken = solver.response_proto.deterministic_time
        if status == self._cp.UNKNOWN:
            raise TimeoutError
        if status not in (self._cp.OPTIMAL, self._cp.FEASIBLE):
            return None, taken
        chosen = {
            key: next(option for option in options if solver.value(option.literal))
            for key, options in self._options.items()
        }
        lawful = {key: first or 0 for key, first in self._problem.first.items()}
        for key, option in chosen.items():
            lawful[key] = (
                lawful[key] + solver.value(self._free[key]) if option.lawful is None else option.lawful
            )
        unread = {key for key, option in chosen.items() if option.explanation.kind == "unread"}
        misprints = frozenset(key for key, option in chosen.items() if option.explanation.kind == "misprint")
        costs = zip(self._costs, self._literals, strict=True)
        cost = self._fixed_cost + sum(cost for cost, literal in costs if solver.value(literal))
        optimal = status == self._cp.OPTIMAL
        return Answer(
            cost=cost,
            least=cost if optimal else 0,
            optimal=optimal,
            lawful=lawful,
            shown={
                **self._fixed,
                **{
                    key: lawful[key] if key in unread else option.explanation.shown
                    for key, option in chosen.items()
                },
            },
            output={**lawful, **{key: chosen[key].explanation.shown or 0 for key in misprints}},
            misprints=misprints,
        ), taken
