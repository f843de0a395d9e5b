"""How sure each changed cell is: what answers with another figure there cost at least. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from giar_ml.solve.model import FigureModel, SolverTimeoutError
from giar_ml.solve.problem import Answer

_FEW = 150
"""Changes among which it is faster to look for other answers at once than for each cell by itself."""


def find_gaps(
    rivals: Sequence[tuple[int, FigureModel]],
    best: Answer,
    cells: Collection[str],
    *,
    known: Iterable[tuple[int, Answer]],
    least: int,
    far: int,
) -> dict[str, int]:
    """Per cell what answers with another figure there cost at least, `far` at most.

    Args:
        rivals: prices of layouts, and their figures.
        known: other answers, and what they cost.
        least: what every other answer costs at least.
    """
    gaps = dict.fromkeys(cells, least)
    most = dict.fromkeys(cells, far)

    def learn(cost: int, other: Answer) -> None:
        for cell in cells:
            if other.output[cell] != best.output[cell]:
                most[cell] = min(most[cell], cost)

    for cost, other in known:
        learn(cost, other)
    few = sum(model.n_open(far - price) for price, model in rivals) <= _FEW
    with suppress(SolverTimeoutError):
        while few and (rest := {cell: best.output[cell] for cell in cells if gaps[cell] < most[cell]}):
            # Whoever differs in another of these cells costs as much at least.
            least, answer = _cheapest(rivals, far, partial(_minimize_other, rest, least))
            gaps.update(dict.fromkeys(rest, least))
            if answer is not None:
                learn(least, answer)
        for cell in () if few else cells:
            bounds = (price + model.least_with_another(cell, best.output[cell]) for price, model in rivals)
            gaps[cell] = max(least, min(bounds))
        for cell in sorted(cells, key=lambda cell: gaps[cell]):
            if gaps[cell] < most[cell]:
                another = partial(_minimize_another, cell, best.output[cell])
                cost, answer = _cheapest(rivals, most[cell], another)
                gaps[cell] = cost
                if answer is not None:
                    learn(cost, answer)
    return {cell: min(gap, most[cell]) for cell, gap in gaps.items()}


def _minimize_other(
    output: Mapping[str, int], least: int, price: int, model: FigureModel, limit: int
) -> Answer | None:
    return model.minimize(different_from=output, limit=limit, least=least - price)


def _minimize_another(cell: str, figure: int, price: int, model: FigureModel, limit: int) -> Answer | None:
    return model.minimize_with_another(cell, figure, limit=limit)


def _cheapest(
    rivals: Sequence[tuple[int, FigureModel]],
    far: int,
    minimize: Callable[[int, FigureModel, int], Answer | None],
) -> tuple[int, Answer | None]:
    """The cheapest answer of all layouts, and its cost; `far` where none costs less.

    Raises:
        SolverTimeoutError: it was not proven in time.
    """
    best = None
    for price, model in rivals:
        answer = minimize(price, model, far - 1 - price)
        if answer is None:
            continue
        if not answer.optimal:
            raise SolverTimeoutError("not proven to be the cheapest")
        best, far = answer, answer.cost + price
    return far, best
