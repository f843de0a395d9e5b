"""Order-keeping ways to lay fields into columns, the cheapest first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

_MARGIN = 12.0
"""Alternatives that cost this much more than the best are dropped: odds of 160,000 to 1."""
_MOST_ALTERNATIVES = 40


Places = tuple[int | None, ...]


def k_best_places(
    skip: Sequence[float], lost: Sequence[float], match: Sequence[Sequence[float]]
) -> list[tuple[float, Places]]:
    """Order-keeping layouts of fields into columns with their costs, cheapest first.

    Args:
        skip: per field, the cost of leaving it out.
        lost: per column, the cost of leaving it empty.
        match: per field and column, the cost of laying the one into the other.
    """
    to_come = _costs_to_come(skip, lost, match)
    limit = to_come[0][0] + _MARGIN + 1e-6
    states: list[list[tuple[float, Places]]] = [[(0.0, ())]]
    for c, price in enumerate(lost):
        states.append([(cost + price, (*places, None)) for cost, places in states[c]])
    for k, price in enumerate(skip):
        after: list[list[tuple[float, Places]]] = []
        for c in range(len(lost) + 1):
            most = limit - to_come[k + 1][c]
            options = [(cost + price, places) for cost, places in states[c]]
            if c:
                options += [(cost + match[k][c - 1], (*places, k)) for cost, places in states[c - 1]]
                options += [(cost + lost[c - 1], (*places, None)) for cost, places in after[c - 1]]
            best: dict[Places, float] = {}
            for cost, places in options:
                if cost <= most and cost < best.get(places, math.inf):
                    best[places] = cost
            ordered = sorted(((cost, places) for places, cost in best.items()), key=itemgetter(0))
            after.append([o for o in ordered if o[0] <= ordered[0][0] + _MARGIN][:_MOST_ALTERNATIVES])
        states = after
    return states[-1]


best_places = lru_cache(maxsize=2_000)(k_best_places)
"""Most rows of a table are as wide as the others, and lie below the same headers."""


def _costs_to_come(
    skip: Sequence[float], lost: Sequence[float], match: Sequence[Sequence[float]]
) -> list[list[float]]:
    """What the fields and columns from each on cost at least: (fields + 1) lists of (columns + 1)."""
    n, m = len(skip), len(lost)
    costs = [[0.0] * (m + 1) for _ in range(n + 1)]
    for k in range(n, -1, -1):
        for c in range(m, -1, -1):
            options = []
            if k < n:
                options.append(skip[k] + costs[k + 1][c])
            if c < m:
                options.append(lost[c] + costs[k][c + 1])
            if k < n and c < m:
                options.append(match[k][c] + costs[k + 1][c + 1])
            costs[k][c] = min(options, default=0.0)
    return costs
