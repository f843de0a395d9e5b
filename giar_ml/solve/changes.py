"""The ways in which cells can change, and what each leaves of the sums it stands in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from giar_ml.forms import Sum


class Prices(NamedTuple):
    """Of a cell, in thousandths of a nat: its first figure (None: none was read), what that costs, and how
    much more (or less) each other lawful figure does; None is any figure."""

    first: int | None
    least: int
    others: Mapping[int | None, int]


class Change(NamedTuple):
    """A cell gets another lawful figure than its first; None: one that mends none of its sums alone."""

    key: str
    figure: int | None
    cost: int


class Place(NamedTuple):
    """A cell in a sum: +1 on the left, -1 on the right."""

    sum: int
    sign: int


class Changes:
    """All changes of the cells in sums whose cells were all read.

    Any figure is taken apart: those that mend one of the cell's sums alone, and all others as one.

    Args:
        prices: of every cell of the sums.
    """

    def __init__(self, prices: Mapping[str, Prices], sums: Sequence[Sum]) -> None:
        self.first = {key: price.first for key, price in prices.items()}
        self.lack: list[int] = []
        """Per sum, by how much the left side of first figures exceeds the right."""
        self.places: dict[str, list[Place]] = {}
        for s in sums:
            if any(self.first[key] is None for key in (*s.left, *s.right)):
                continue
            n = len(self.lack)
            for side, sign in ((s.left, 1), (s.right, -1)):
                for key in side:
                    self.places.setdefault(key, []).append(Place(n, sign))
            self.lack.append(self._add(s.left) - self._add(s.right))
        pairs = [
            (one.sum, other.sum) for places in self.places.values() for one, other in combinations(places, 2)
        ]
        self.meet_once = len(set(pairs)) == len(pairs)
        """Whether no two sums have two cells in common."""
        self.all: list[Change] = []
        self.of_cell: dict[str, range] = {}
        for key in self.places:
            start = len(self.all)
            self.all += self._split(key, prices[key].others)
            self.of_cell[key] = range(start, len(self.all))
        self.figures = {key: {self.all[n].figure for n in ns} for key, ns in self.of_cell.items()}
        self.in_sum: list[list[tuple[int, int | None]]] = [[] for _ in self.lack]
        """Per sum, its changes, and by how much each raises the left side over the right."""
        for n, change in enumerate(self.all):
            for place in self.places[change.key]:
                self.in_sum[place.sum].append((n, self.effect(change, place)))

    def _add(self, keys: Collection[str]) -> int:
        return sum(self.first[key] or 0 for key in keys)

    def _split(self, key: str, others: Mapping[int | None, int]) -> list[Change]:
        found = {figure: cost for figure, cost in others.items() if figure is not None}
        if None in others:
            first, cost = self.first[key] or 0, others[None]
            for place in self.places[key]:
                figure = first - self.lack[place.sum] * place.sign
                if figure >= 0 and figure != first:
                    found[figure] = min(cost, found.get(figure, cost))
            return [Change(key, figure, cost) for figure, cost in (*found.items(), (None, cost))]
        return [Change(key, figure, cost) for figure, cost in found.items()]

    def effect(self, change: Change, place: Place) -> int | None:
        """By how much it raises the left side of the sum over the right."""
        if change.figure is None:
            return None
        return (change.figure - (self.first[change.key] or 0)) * place.sign

    def can_mend(self, key: str, sign: int, left: int) -> bool:
        """Whether any figure of a cell, but for those told apart, makes good what is left of a sum where it
        stands with this sign."""
        figure = (self.first[key] or 0) - left * sign
        return figure >= 0 and figure not in self.figures[key]
