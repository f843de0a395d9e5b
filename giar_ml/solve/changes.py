"""The ways in which cells can change, and what each leaves of the sums it stands in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
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


class _Layer(NamedTuple):
    """Which cells stand where in sums."""

    places: Mapping[str, Sequence[Place]]
    meet_once: bool


@lru_cache(maxsize=64)
def _lay_out(sums: tuple[Sum, ...]) -> _Layer:
    places: dict[str, list[Place]] = {}
    for n, s in enumerate(sums):
        for side, sign in ((s.left, 1), (s.right, -1)):
            for key in side:
                places.setdefault(key, []).append(Place(n, sign))
    pairs = [(one.sum, other.sum) for found in places.values() for one, other in combinations(found, 2)]
    return _Layer(places, len(set(pairs)) == len(pairs))


class Changes:
    """All changes of the cells in sums whose cells were all read.

    Any figure is taken apart: those that mend one of the cell's sums alone, and all others as one.

    Args:
        prices: of every cell of the sums.
    """

    def __init__(self, prices: Mapping[str, Prices], sums: Sequence[Sum]) -> None:
        first = self.first = {key: price.first for key, price in prices.items()}
        lost = {key for key, figure in first.items() if figure is None}
        if lost:
            sums = [s for s in sums if lost.isdisjoint(s.left) and lost.isdisjoint(s.right)]
        self.lack = [self._add(s.left) - self._add(s.right) for s in sums]
        """Per sum, by how much the left side of first figures exceeds the right."""
        self.places, self.meet_once = _lay_out(tuple(sums))
        """Where each cell stands; whether no two sums have two cells in common."""
        self.all: list[Change] = []
        self.of_cell: dict[str, range] = {}
        for key in self.places:
            start = len(self.all)
            self.all += [Change(key, figure, cost) for figure, cost in self._split(key, prices[key].others)]
            self.of_cell[key] = range(start, len(self.all))
        self._figures: dict[str, set[int | None]] = {}
        self._effects: dict[int, list[tuple[str, Place, int | None]]] = {}
        self._in_sum: dict[int, list[tuple[int, int | None]]] = {}
        self._sums = sums

    def _add(self, keys: Collection[str]) -> int:
        return sum(self.first[key] or 0 for key in keys)

    def _split(self, key: str, others: Mapping[int | None, int]) -> Iterable[tuple[int | None, int]]:
        broken = [place for place in self.places[key] if self.lack[place.sum]]
        if None not in others or not broken:
            return others.items()
        found = dict(others)
        cost = found.pop(None)
        for at, sign in broken:
            figure = (self.first[key] or 0) - self.lack[at] * sign
            if figure >= 0:
                found[figure] = min(cost, found.get(figure, cost))
        found[None] = cost
        return found.items()

    def in_sum(self, at: int) -> list[tuple[int, int | None]]:
        """The changes of a sum, and by how much each raises the left side over the right."""
        if at not in self._in_sum:
            keys = {*self._sums[at].left, *self._sums[at].right}
            self._in_sum[at] = [
                (n, self.effect(self.all[n], place))
                for n in sorted(n for key in keys for n in self.of_cell[key])
                for place in self.places[self.all[n].key]
                if place.sum == at
            ]
        return self._in_sum[at]

    def effects_of(self, n: int) -> list[tuple[str, Place, int | None]]:
        """The cell of a change, once for each of its places with the effect there."""
        if n not in self._effects:
            change = self.all[n]
            places = self.places[change.key]
            self._effects[n] = [(change.key, place, self.effect(change, place)) for place in places]
        return self._effects[n]

    def effect(self, change: Change, place: Place) -> int | None:
        """By how much it raises the left side of the sum over the right."""
        if change.figure is None:
            return None
        return (change.figure - (self.first[change.key] or 0)) * place.sign

    def can_mend(self, key: str, sign: int, left: int) -> bool:
        """Whether any figure of a cell, but for those told apart, makes good what is left of a sum where it
        stands with this sign."""
        if key not in self._figures:
            self._figures[key] = {self.all[n].figure for n in self.of_cell[key]}
        figure = (self.first[key] or 0) - left * sign
        return figure >= 0 and figure not in self._figures[key]
