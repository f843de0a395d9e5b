"""What changing a cell costs at least, by the sums it stands in. Pure.

Whoever changes the figure of a cell breaks its sums, and must change another cell in each of them; and in
every sum that the first readings break some cell changes. Of such demands those that share no cell are paid
one by one. This is reduced-cost fixing with a bound by disjoint demands, the packing bound of set covering.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from giar_ml.forms import Sum


class Prices(NamedTuple):
    """Of a cell, in thousandths of a nat: its first figure (None: none was read), what it costs at least, and
    how much more where its lawful figure is another than the first."""

    first: int | None
    least: int
    change: int


class _Demand(NamedTuple):
    """In one of these open cells the figure must change, for so much at least; `second` where it is not the
    cheapest of them, `cheapest`."""

    cost: int
    second: int
    cheapest: str | None
    cells: frozenset[str]

    def without(self, key: str) -> _Demand:
        cost = self.second if key == self.cheapest else self.cost
        return _Demand(cost, self.second, None, self.cells - {key})


class Bounds:
    """Lower bounds on the cost of answers, in thousandths of a nat.

    Args:
        prices: of every cell of the sums.
    """

    def __init__(self, prices: Mapping[str, Prices], sums: Sequence[Sum]) -> None:
        self._prices = prices
        self._sums = [frozenset((*s.left, *s.right)) for s in sums]
        self._is_broken = [_is_broken(s, prices) for s in sums]
        self._broken = [i for i, is_broken in enumerate(self._is_broken) if is_broken]
        self._sums_of: dict[str, list[int]] = {key: [] for key in prices}
        for i, cells in enumerate(self._sums):
            for key in cells:
                self._sums_of[key].append(i)
        self._unchanged = sum(p.least for p in prices.values())

    def least(self) -> int:
        """What every answer costs at least."""
        return self._unchanged + _pack([self._demand(i, self._prices) for i in self._broken])

    def open_cells(self, limit: int) -> set[str]:
        """Cells whose lawful figure may differ from the first reading in an answer that costs `limit` at
        most; all others have it in every such answer."""
        left = limit - self._unchanged
        open_ = {key for key, price in self._prices.items() if price.first is None or price.change <= left}
        while True:
            demands = [self._demand(i, open_) for i in range(len(self._sums))]
            still = {key for key in open_ if self._least_with(key, demands) <= left}
            if still == open_:
                return open_
            open_ = still

    def _demand(self, i: int, open_: Collection[str]) -> _Demand:
        cells = [key for key in self._sums[i] if key in open_]
        costs = sorted((self._prices[key].change, key) for key in cells)
        (cost, cheapest), (second, _) = [*costs, (NEVER, ""), (NEVER, "")][:2]
        return _Demand(cost, second, cheapest, frozenset(cells))

    def _least_with(self, key: str, demands: Sequence[_Demand]) -> int:
        """What changing the cell costs at least over the first readings: in each of its sums that held
        another cell changes, and in each broken one that it is not in, some cell."""
        price = self._prices[key]
        if price.first is None:
            return 0
        own = self._sums_of[key]
        wanted = [demands[i].without(key) for i in own if self._is_broken[i] is False]
        wanted += [demands[i] for i in self._broken if i not in own]
        return price.change + _pack(wanted)


NEVER = 10**9
"""The cost of what cannot be."""


def _is_broken(s: Sum, prices: Mapping[str, Prices]) -> bool | None:
    """Whether the first readings do not add up; None where some figure was not read."""
    sides = [[prices[key].first for key in side] for side in (s.left, s.right)]
    if any(figure is None for side in sides for figure in side):
        return None
    left, right = (sum(figure or 0 for figure in side) for side in sides)
    return left != right


def _pack(demands: Sequence[_Demand]) -> int:
    """What demands cost that share no cell, the dearest taken first."""
    used: set[str] = set()
    cost = 0
    for demand in sorted(demands, key=lambda d: -d.cost):
        if demand.cost and used.isdisjoint(demand.cells):
            used |= demand.cells
            cost += demand.cost
    return cost
