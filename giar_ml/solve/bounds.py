"""Which changes no answer within a limit can make. Pure.

Beyond what all sums together demand (`relax`), whoever makes a change that leaves a sum broken pays for
another change that mends it, or for two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy

from giar_ml.forms import Sum
from giar_ml.solve.changes import Changes, Place, Prices
from giar_ml.solve.relax import Relaxation

NEVER = 10**9
"""The cost of what cannot be."""
FAR = 10**8
"""More than any answer costs."""


OpenFigures = dict[str, dict[int | None, int]]
"""Per cell other lawful figures than its first, and what the cell may cost with each, beyond what it does
with its first; None is any figure but those that mend a sum of the cell alone."""


class Bounds:
    """Lower bounds on the cost of answers, in thousandths of a nat.

    Args:
        prices: of every cell of the sums.
    """

    def __init__(self, prices: Mapping[str, Prices], sums: Sequence[Sum]) -> None:
        self._changes = Changes(prices, sums)
        self._relaxation = Relaxation(self._changes)
        self._relaxed = self._relaxation.bound()
        self._costs = [change.cost for change in self._changes.all]
        self._open: dict[int, OpenFigures] = {}
        self._alone = {key: price for key, price in prices.items() if key not in self._changes.places}
        """Cells in no sum that tells anything."""
        self._base = sum(price.least for price in prices.values())
        self._base += sum(map(_least_change, self._alone.values()))

    def otherwise(self, key: str, prices: Mapping[int | None, int]) -> Bounds:
        """The bounds where other figures of a cell have these prices, and those that have none cannot be."""
        if key in self._alone:
            return self
        costs = {}
        for n in self._changes.of_cell[key]:
            figure = self._changes.all[n].figure
            costs[n] = prices.get(figure, prices.get(None, NEVER))
        found = copy(self)
        found._relaxed = self._relaxation.bound(costs)
        found._open = {}
        found._costs = [costs.get(n, cost) for n, cost in enumerate(self._costs)]
        return found

    def take_work(self) -> int:
        """How many demands were looked at, all rounds together, since this was last asked."""
        work, self._relaxation.work = self._relaxation.work, 0
        return work

    def least(self) -> int:
        """What every answer costs at least."""
        return self._base + self._relaxed.least

    def open_figures(self, limit: int) -> OpenFigures:
        """What answers that cost `limit` at most may change. A cell whose figure was not read is always
        among them."""
        if limit not in self._open:
            self._open[limit] = self._find_open(limit - self.least())
        return self._open[limit]

    def _find_open(self, left: int) -> OpenFigures:
        beyond = self._relaxed.beyond
        open_ = [n for n, cost in enumerate(beyond) if cost <= left]
        costs: Mapping[int, int] = {}
        for _ in range(3):
            costs = self._with_others(open_, self._relaxed.beyond)
            still = [n for n in open_ if costs[n] <= left]
            if len(still) == len(open_):
                break
            open_ = still
        found: OpenFigures = {}
        for n in open_:
            change = self._changes.all[n]
            found.setdefault(change.key, {})[change.figure] = self._costs[n] + left - costs[n]
        for key, price in self._alone.items():
            most = left + _least_change(price)
            figures = {figure: most for figure, cost in price.others.items() if cost <= most}
            if price.first is None:
                found[key] = dict.fromkeys(price.others, FAR)
            elif figures:
                found[key] = figures
        return found

    @property
    def n_demands(self) -> int:
        return len(self._relaxation.demands)

    def demands(self) -> list[tuple[dict[tuple[str, int | None], int], int]]:
        """What answers were found to meet, by cell and figure."""
        names = [(change.key, change.figure) for change in self._changes.all]
        return [
            ({names[n]: weight for n, weight in demand.weights.items()}, demand.least)
            for demand in self._relaxation.demands
        ]

    def _with_others(self, open_: Sequence[int], beyond: Sequence[int]) -> dict[int, int]:
        """What each change costs with those that it takes beside it in each of its sums."""
        changes = self._changes
        tables: dict[int, _SumTable] = defaultdict(_SumTable)
        placed = [(n, *found) for n in open_ for found in changes.effects_of(n)]
        for n, key, place, effect in placed:
            tables[place.sum].add(key, effect, beyond[n], place)
        for table in tables.values():
            table.close()
        others: dict[int, int] = dict.fromkeys(open_, 0)
        for n, key, place, effect in placed:
            cost = 0
            if effect is None:
                cost = tables[place.sum].any_beside(key)
            elif left := changes.lack[place.sum] + effect:
                cost = tables[place.sum].mend_beside(key, left, changes)
            others[n] = others[n] + cost if changes.meet_once else max(others[n], cost)
        return {n: beyond[n] + cost for n, cost in others.items()}


def _least_change(price: Prices) -> int:
    return min(0, *price.others.values(), 0)


class _SumTable:
    """The cheapest changes of one sum."""

    def __init__(self) -> None:
        self._cells: dict[str, int] = {}
        self._by_effect: dict[int, list[tuple[int, str]]] = {}
        self._any: list[tuple[int, str, int]] = []
        self._cheapest: list[tuple[int, str]] = []

    def add(self, key: str, effect: int | None, cost: int, place: Place) -> None:
        if cost < self._cells.get(key, NEVER):
            self._cells[key] = cost
        if effect is None:
            self._any.append((cost, key, place.sign))
        else:
            self._by_effect.setdefault(effect, []).append((cost, key))

    def close(self) -> None:
        self._cheapest = sorted((cost, key) for key, cost in self._cells.items())[:3]
        self._any.sort()

    def _beside(self, key: str) -> list[int]:
        return [cost for cost, other in self._cheapest if other != key]

    def any_beside(self, key: str) -> int:
        return next((cost for cost, other in self._cheapest if other != key), NEVER)

    def mend_beside(self, key: str, left: int, changes: Changes) -> int:
        costs = self._beside(key)
        best = costs[0] + costs[1] if len(costs) > 1 else NEVER
        for cost, other in self._by_effect.get(-left, ()):
            if other != key and cost < best:
                best = cost
        for cost, other, sign in self._any:
            if cost >= best:
                break
            if other != key and changes.can_mend(other, sign, left):
                return cost
        return best
