"""The ways to lay the fields of a line into columns, against all ways there are."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from giar_ml.fields.columns import _MARGIN, _MOST_ALTERNATIVES, _k_best_places


def all_ways(
    skip: list[float], lost: list[float], match: list[list[float]]
) -> dict[tuple[int | None, ...], float]:
    ways = {}
    for n in range(min(len(skip), len(lost)) + 1):
        for fields in combinations(range(len(skip)), n):
            for columns in combinations(range(len(lost)), n):
                places: list[int | None] = [None] * len(lost)
                cost = sum(price for k, price in enumerate(skip) if k not in fields)
                cost += sum(price for c, price in enumerate(lost) if c not in columns)
                for k, c in zip(fields, columns, strict=True):
                    places[c] = k
                    cost += match[k][c]
                ways[tuple(places)] = cost
    return ways


@pytest.mark.parametrize("seed", range(60))
def test_the_cheapest_ways_are_found(seed: int) -> None:
    rng = random.Random(seed)
    n, m = rng.randint(0, 6), rng.choice([2, 3, 5])
    price = [0.0, 0.1, 2.5, 4.0, 6.0, 9.0]
    skip, lost = rng.choices(price, k=n), [rng.choice(price) + 0.3 for _ in range(m)]
    match = [rng.choices(price, k=m) for _ in range(n)]
    ways = all_ways(skip, lost, match)
    found = _k_best_places(skip, lost, match)
    assert [cost for cost, _ in found] == sorted(cost for cost, _ in found)
    for cost, places in found:
        assert cost == pytest.approx(ways[places])
    assert found[0][0] == pytest.approx(min(ways.values()))
    near = sum(cost <= found[0][0] + _MARGIN - 1e-6 for cost in ways.values())
    assert len(found) >= min(near, _MOST_ALTERNATIVES)
