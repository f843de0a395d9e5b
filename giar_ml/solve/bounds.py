"""What changing a cell costs at least, by the sums it stands in. Pure.

In every sum that the first readings break some cell changes: to a figure that mends the sum alone, or else
another one with it. What these sums demand is charged to the changes that could meet it, as much as the
cheapest of them can bear; what a change costs beyond that comes on top for whoever makes it. (A dual ascent
on the linear relaxation, and fixing by reduced costs.) And whoever changes the figure of a cell breaks its
other sums, and must change another cell in each of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from giar_ml.forms import Sum


class Prices(NamedTuple):
    """Of a cell, in thousandths of a nat: its first figure (None: none was read), what it costs at least, and
    how much more with each other lawful figure; None is any figure."""

    first: int | None
    least: int
    others: Mapping[int | None, int]


class Bounds:
    """Lower bounds on the cost of answers, in thousandths of a nat.

    Args:
        prices: of every cell of the sums.
    """

    def __init__(self, prices: Mapping[str, Prices], sums: Sequence[Sum]) -> None:
        self._unread = {key for key, price in prices.items() if price.first is None}
        self._rest = {key: dict(price.others) for key, price in prices.items()}
        self._kept: list[frozenset[str]] = []
        """The cells of sums that the first readings keep, no two of them with two cells in common."""
        self._least = sum(price.least for price in prices.values())
        broken = []
        for s in sums:
            cells = frozenset((*s.left, *s.right))
            if not self._unread.isdisjoint(cells):
                continue
            lack = _add(s.right, prices) - _add(s.left, prices)
            if lack:
                wanted = dict.fromkeys(s.left, lack) | dict.fromkeys(s.right, -lack)
                broken.append({key: (prices[key].first or 0) + change for key, change in wanted.items()})
            elif all(len(cells & other) < 2 for other in self._kept):
                self._kept.append(cells)
        for mending in sorted(broken, key=len):
            self._least += self._charge(mending)

    def _charge(self, mending: Mapping[str, int]) -> int:
        """What a broken sum demands beyond what other sums have charged to its cells.

        Args:
            mending: the figure of each of its cells that mends it alone.
        """
        rest = [(self._rest[key], figure) for key, figure in mending.items()]
        alone = [cost for costs, mends in rest for figure, cost in costs.items() if figure in (None, mends)]
        beside = [
            cost for costs, mends in rest for figure, cost in costs.items() if figure not in (None, mends)
        ]
        # Each of those that do not mend it alone bears one half.
        half = min(min(alone, default=NEVER) // 2, min(beside, default=NEVER))
        for costs, mends in rest:
            for figure in costs:
                costs[figure] -= 2 * half if figure in (None, mends) else half
        return 2 * half

    def least(self) -> int:
        """What every answer costs at least."""
        return self._least

    def open_cells(self, limit: int) -> set[str]:
        """Cells whose lawful figure may differ from the first reading in an answer that costs `limit` at
        most; all others have it in every such answer."""
        left = limit - self._least
        changes = {key: min(rest.values(), default=NEVER) for key, rest in self._rest.items()}
        open_ = {key for key, change in changes.items() if change <= left} | self._unread
        while True:
            least = {key: changes[key] for key in open_}
            for cells in self._kept:
                still = [key for key in cells if key in open_]
                for key in still:
                    least[key] += min((changes[other] for other in still if other != key), default=NEVER)
            found = {key for key in open_ if least[key] <= left} | self._unread
            if found == open_:
                return open_
            open_ = found


NEVER = 10**9
"""The cost of what cannot be."""


def _add(keys: Collection[str], prices: Mapping[str, Prices]) -> int:
    return sum(prices[key].first or 0 for key in keys)
