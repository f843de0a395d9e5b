"""Which changes no answer within a limit can make. Pure.

Beyond what all sums together demand (`relax`), whoever makes a change that leaves a sum broken pays for another
change that mends it, or for two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from giar_ml.forms import Sum
from giar_ml.solve.changes import Changes, Place, Prices
from giar_ml.solve.relax import Relaxed, relax

NEVER = 10**9
"""The cost of what cannot be."""
FAR = 10**8
"""More than any answer costs."""


class Bounds:
    """Lower bounds on the cost of answers, in thousandths of a nat.

    Args:
        prices: of every cell of the sums.
    """

    def __init__(self, prices: Mapping[str, Prices], sums: Sequence[Sum]) -> None:
        self._prices = prices
        self.changes = Changes(prices, sums)
        self._relaxed: Relaxed | None = None
        self._base = sum(
            price.least + (min(0, *price.others.values(), 0) if key not in self.changes.places else 0)
            for key, price in prices.items()
        )
        self._beyond: list[int] = []

    @property
    def relaxed(self) -> Relaxed:
        if self._relaxed is None:
            self._relaxed = relax(self.changes)
            everything = range(len(self.changes.all))
            self._beyond = self._with_others(everything, self._relaxed.beyond)
        return self._relaxed

    def least(self) -> int:
        """What every answer costs at least."""
        return self._base + self.relaxed.least

    def open_figures(self, limit: int) -> dict[str, dict[int | None, int]]:
        """Other lawful figures than the first that answers may have which cost `limit` at most, and what is
        left of the limit when a cell has it, beyond its price; None is any figure but those of the cell's
        that mend a sum alone."""
        left = limit - self.least()
        relaxed, changes = self.relaxed, self.changes
        open_ = [n for n, cost in enumerate(self._beyond) if cost <= left]
        for _ in range(2):
            costs = self._with_others(open_, relaxed.beyond)
            still = [n for n in open_ if costs[n] <= left]
            if len(still) == len(open_):
                break
            open_ = still
        found: dict[str, dict[int | None, int]] = {}
        for n in open_:
            change = changes.all[n]
            found.setdefault(change.key, {})[change.figure] = change.cost + left - costs[n]
        for key, price in self._prices.items():
            if key not in changes.places:
                cheapest = min(0, *price.others.values(), 0)
                rest = {
                    figure: left + cheapest
                    for figure, cost in price.others.items()
                    if price.first is None or cost - cheapest <= left
                }
                if rest or price.first is None:
                    found[key] = rest
        return found

    def demands(self) -> list[tuple[dict[tuple[str, int | None], int], int]]:
        """What the relaxation found to matter, by cell and figure."""
        found = []
        for demand in self.relaxed.demands:
            weights = {
                (self.changes.all[n].key, self.changes.all[n].figure): w for n, w in demand.weights.items()
            }
            found.append((weights, demand.least))
        return found

    def _with_others(self, open_: Sequence[int], beyond: Sequence[int]) -> list[int]:
        """What each change costs with those that it takes beside it in each of its sums."""
        changes = self.changes
        tables = [_SumTable() for _ in changes.lack]
        for n in open_:
            change = changes.all[n]
            for place in changes.places[change.key]:
                tables[place.sum].add(change.key, changes.effect(change, place), beyond[n], place)
        for table in tables:
            table.close()
        costs = [NEVER] * len(changes.all)
        for n in open_:
            change = changes.all[n]
            cost = beyond[n]
            for place in changes.places[change.key]:
                effect = changes.effect(change, place)
                table = tables[place.sum]
                if effect is None:
                    cost += table.any_beside(change.key)
                elif changes.lack[place.sum] + effect:
                    cost += table.mend_beside(change.key, changes.lack[place.sum] + effect, changes)
            costs[n] = cost
        return costs


class _SumTable:
    """The cheapest changes of one sum."""

    def __init__(self) -> None:
        self._cells: dict[str, int] = {}
        self._by_effect: dict[int, list[tuple[int, str]]] = {}
        self._any: list[tuple[int, str, int]] = []
        self._cheapest: list[tuple[int, str]] = []

    def add(self, key: str, effect: int | None, cost: int, place: Place) -> None:
        self._cells[key] = min(cost, self._cells.get(key, cost))
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
        return next(iter(self._beside(key)), NEVER)

    def mend_beside(self, key: str, left: int, changes: Changes) -> int:
        costs = self._beside(key)
        best = costs[0] + costs[1] if len(costs) > 1 else NEVER
        for cost, other in self._by_effect.get(-left, ()):
            if other != key and cost < best:
                best = cost
        for cost, other, sign in self._any:
            if cost >= best:
                break
            figure = (changes.first[other] or 0) - left * sign
            if other != key and figure >= 0 and figure not in changes.figures[other]:
                best = cost
                break
        return best
