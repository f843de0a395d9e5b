"""The figures of one layout: what cannot change is settled by bounds, the rest is found by CP-SAT."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from giar_ml.solve.bounds import FAR, NEVER, Bounds, OpenFigures
from giar_ml.solve.changes import Prices
from giar_ml.solve.evidence import DEFAULT_COSTS, SCALE, Costs, Evidence, Explanation, Statement, explain
from giar_ml.solve.problem import Answer, Problem
from giar_ml.solve.program import Program, Ways, find_ways

if TYPE_CHECKING:
    from giar_ml.forms import Sum

_QUICK = 0.05
"""Time to spend on a wide answer where any would do."""
_PER_RUN = 0.0015
_PER_OPTION = 0.00006
"""What a run takes that the solver does not count, building the model and loading it: by itself, and for
each explanation to choose from."""
_PER_DEMAND = 0.00002
"""What bounds take for each demand in each round of the linear program."""


class SolverTimeoutError(Exception):
    """The time limit passed before anything was found or refuted; answers cost `least` at least."""

    def __init__(self, message: str, least: int = 0) -> None:
        super().__init__(message)
        self.least = least


@dataclass
class Budget:
    """Time that all solves of one report share, as it is counted the same on every machine: about seconds of
    one core."""

    left: float = 0.33


_STEPS = (700, 2_000, 4_000, 7_000, 10_000, 13_000, 17_000)
"""How much more than the least an answer may cost, one after the other, while none is found."""


class FigureModel:
    """One layout: the evidence of its cells, and the sums.

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
        if unknown := {key for s in sums for key in (*s.left, *s.right)} - set(cells):
            raise ValueError(f"no row holds the cells {sorted(unknown)}")
        totals = {key for s in sums if len(s.right) == 1 for key in s.right}
        explained = {key: _explain(e, costs, key in totals) for key, e in cells.items()}
        self.cells = list(cells)
        self._problem = Problem(
            first={key: cell.prices.first for key, cell in explained.items()},
            kept={key: cell.kept for key, cell in explained.items() if cell.kept is not None},
            explanations={key: cell.explanations for key, cell in explained.items()},
            sums=sums,
            statements=statements,
            statement_cost=round(costs.statement * SCALE),
            # No lawful figure passes all that was seen, added up.
            top=max(10, sum(cell.largest for cell in explained.values()), *(s.figure for s in statements)),
        )
        self._bounds = Bounds({key: cell.prices for key, cell in explained.items()}, sums)
        self._budget = budget or Budget()
        self._others: dict[tuple[str, int], Bounds] = {}
        self._program: tuple[Ways, int, Program] | None = None
        """The last one, without what was asked of it; limits near each other leave the same cells open."""
        self._pay_for_bounds()

    def minimize(
        self, *, different_from: Mapping[str, int] | None = None, limit: int | None = None, least: int = 0
    ) -> Answer | None:
        """The cheapest answer, in thousandths of a nat; None when there is none (in time).

        Args:
            different_from: outputs of all cells or some, in one of which the answer must differ.
            limit: the most that the answer may cost. To show that nothing is that cheap is far easier
                than to find what is cheapest.
            least: what it is known to cost at least.
        """
        least = max(least, self._bounds.least())
        if limit is not None and (limit < least or not self._may_differ(different_from, limit)):
            return None
        for most in self._limits(limit, least):
            try:
                answer = self._minimize(self._bounds, different_from, most)
            except SolverTimeoutError as error:
                raise SolverTimeoutError(str(error), least) from error
            if answer is not None:
                return answer if answer.optimal else replace(answer, least=least)
            least = least if most is None else most + 1
        return None

    def minimize_with_another(self, cell: str, figure: int, *, limit: int) -> Answer | None:
        """The cheapest answer that costs `limit` at most and has another output than this one in a cell."""
        bounds = self._bounds_with_another(cell, figure)
        return self._minimize(bounds, {cell: figure}, limit) if bounds.least() <= limit else None

    def _minimize(
        self, bounds: Bounds, different_from: Mapping[str, int] | None, limit: int | None
    ) -> Answer | None:
        if not self._may_differ(different_from, limit, bounds):
            return None
        program = self._make_program(limit, bounds)
        program.minimize_cost()
        if different_from is not None:
            program.differ(different_from, different_from)
        return self._run(program)

    def _may_differ(
        self, output: Mapping[str, int] | None, limit: int | None, bounds: Bounds | None = None
    ) -> bool:
        """Whether bounds let an answer within the limit differ from these outputs in one of their cells."""
        if output is None:
            return True
        open_figures, first = self._open_figures(limit, bounds or self._bounds), self._problem.first
        return any(cell in open_figures or figure != first[cell] for cell, figure in output.items())

    def n_open(self, limit: int) -> int:
        """How many changes answers within the limit may be made of."""
        return sum(map(len, self._open_figures(limit, self._bounds).values()))

    def least_with_another(self, cell: str, figure: int) -> int:
        """What answers with another output than this one in a cell cost at least."""
        return self._bounds_with_another(cell, figure).least()

    def _bounds_with_another(self, cell: str, figure: int) -> Bounds:
        if (cell, figure) not in self._others:
            self._check_time()
            prices = _price_another(self._problem.explanations[cell], self._problem.first[cell], figure)
            self._others[cell, figure] = self._bounds.otherwise(cell, prices)
            self._pay_for_bounds()
        return self._others[cell, figure]

    def _limits(self, limit: int | None, least: int) -> Iterator[int | None]:
        """Limits to look within one after the other: the lower, the more cells are settled."""
        for step in _STEPS:
            if limit is not None and limit <= least + step:
                break
            yield least + step
        yield limit

    def spread(self, output: Mapping[str, int], cells: Sequence[str], limit: int) -> Answer | None:
        """An answer within the limit that differs from `output` in one of `cells`, and in many of them
        if such a one is quickly found."""
        program = self._make_program(limit)
        literals = program.differ(output, cells)
        wide = program.copy()
        wide.maximize(literals)
        try:
            return self._run(wide, time_limit=_QUICK)
        except SolverTimeoutError:
            return self._run(program)

    def tied_corrections(self, best: Answer) -> set[str]:
        """Cells whose lawful figure differs in another answer of the same cost and output."""
        found: set[str] = set()
        while True:
            program = self._make_program(best.cost)
            program.keep(best.output)
            rest = [cell for cell in self.cells if cell not in found]
            program.differ_in_law(best.lawful, rest)
            answer = self._run(program)
            if answer is None:
                return found
            found.update(cell for cell in rest if answer.lawful[cell] != best.lawful[cell])

    def _open_figures(self, limit: int | None, bounds: Bounds) -> OpenFigures:
        return bounds.open_figures(FAR if limit is None else limit)

    def _make_program(self, limit: int | None, bounds: Bounds | None = None) -> Program:
        """A program for answers that cost so much at most, to add constraints to."""
        self._check_time()
        open_figures = self._open_figures(limit, bounds or self._bounds)
        ways, n_demands = find_ways(self._problem, open_figures), self._bounds.n_demands
        if self._program is None or self._program[:2] != (ways, n_demands):
            self._program = ways, n_demands, Program(self._problem, ways, self._bounds.demands())
        program = self._program[2].copy()
        if limit is not None:
            program.limit_cost(limit)
        return program

    def _check_time(self) -> None:
        if self._budget.left <= 0:
            raise SolverTimeoutError("the time for this report is used up")

    def _pay_for_bounds(self) -> None:
        self._budget.left -= _PER_DEMAND * self._bounds.take_work()

    def _run(self, program: Program, *, time_limit: float = math.inf) -> Answer | None:
        self._check_time()
        self._budget.left -= _PER_RUN + _PER_OPTION * program.n_options
        most = min(max(self._budget.left, 0.0), time_limit)
        try:
            answer, taken = program.solve(most)
        except TimeoutError as error:
            self._budget.left -= most
            raise SolverTimeoutError("neither found nor refuted in time") from error
        self._budget.left -= taken
        return answer


class _Explained(NamedTuple):
    """The explanations of a cell, the cheapest by which its first figure is lawful, what its figures cost,
    and the largest of those seen."""

    explanations: Sequence[Explanation]
    kept: Explanation | None
    prices: Prices
    largest: int


@lru_cache(maxsize=10_000)
def _explain(evidence: Evidence | None, costs: Costs, is_total: bool) -> _Explained:
    first = None if evidence is None else evidence.first
    explanations = explain(evidence, costs, is_total=is_total)
    lawful = [e for e in explanations if first is not None and e.lawful == first]
    seen = [figure or 0 for figure, _ in evidence.readings] if evidence else []
    return _Explained(
        explanations,
        kept=min(lawful, key=lambda e: e.cost, default=None),
        prices=_price(explanations, first),
        largest=max(seen, default=0),
    )


def _price(explanations: Sequence[Explanation], first: int | None) -> Prices:
    """What it costs that the cell has another lawful figure than the first."""
    least = min(e.cost for e in explanations if first is None or e.lawful == first)
    # A figure that was read may as well be lawful where another is printed.
    printed = min((e.cost for e in explanations if e.kind in ("misprint", "unfilled")), default=NEVER)
    others: dict[int | None, int] = {}
    for e in explanations:
        if e.lawful is None or e.lawful != first:
            cost = e.cost if e.lawful is None else min(e.cost, printed)
            others[e.lawful] = min(cost - least, others.get(e.lawful, NEVER))
    return Prices(first, least, others)


def _price_another(
    explanations: Sequence[Explanation], first: int | None, output: int
) -> dict[int | None, int]:
    """What each other lawful figure costs, where the output is another than this one."""
    least = min(e.cost for e in explanations if first is None or e.lawful == first)
    found: dict[int | None, int] = {}
    for figure in {output, *(e.lawful for e in explanations)} - {first}:
        costs = [
            e.cost - least
            for e in explanations
            if e.lawful in (None, figure) and (_shown(e) if e.kind == "misprint" else figure) != output
        ]
        if costs or figure == output:
            found[figure] = min(costs, default=NEVER)
    return found


def _shown(explanation: Explanation) -> int:
    return explanation.shown or 0
