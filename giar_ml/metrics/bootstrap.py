"""Intervals around measured rates.

Cells of one report fail together, so reports are what is drawn again: one value per report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")


class Interval(NamedTuple):
    """A measured figure and the interval around it."""

    estimate: float
    low: float
    high: float


def bootstrap_interval(
    values: Sequence[T],
    statistic: Callable[[Sequence[T]], float | None],
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """Percentile bootstrap (Efron, 1979) of a statistic.

    Where nothing varies, the interval has no width: for 0 errors take `wilson_interval`.

    Args:
        values: one per report, such as its counts.
        statistic: from as many values to a figure; None where undefined. Such draws are left out.
        n: how often to draw.

    Returns:
        None when the statistic of `values` is None or there are no values.
    """
    estimate = statistic(values) if len(values) else None
    if estimate is None:
        return None
    drawn = (statistic([values[i] for i in row]) for row in _draw(len(values), n, seed))
    return _interval(estimate, np.array([s for s in drawn if s is not None]), level)


def ratio_interval(
    numerators: Sequence[float] | np.ndarray,
    denominators: Sequence[float] | np.ndarray,
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """The same for a ratio of sums, fast: (N,) numerators and denominators, one of each per report.

    Returns:
        None when the denominators add up to 0.

    Raises:
        ValueError: the lengths differ.
    """
    above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if above.ndim != 1 or above.shape != below.shape:
        raise ValueError(f"one numerator per denominator, not {above.shape} for {below.shape}")
    if not below.sum():
        return None
    rows = _draw(len(above), n, seed)
    tops, bottoms = above[rows].sum(axis=1), below[rows].sum(axis=1)
    defined = bottoms != 0
    return _interval(float(above.sum() / below.sum()), tops[defined] / bottoms[defined], level)


def wilson_interval(k: int, n: int, *, level: float = 0.95) -> Interval | None:
    """Wilson's (1927) score interval for `k` of `n` independent cases; None for no cases.

    Unlike the bootstrap it says something about 0 of n: the upper end is near 3.84 / n at 95 percent.

    Raises:
        ValueError: `k` is not in 0..n.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    if not n:
        return None
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = k / n
    scale = 1 + z * z / n
    center = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends the formula gives 0 and 1 but for rounding.
    return Interval(share, 0.0 if k == 0 else center - half, 1.0 if k == n else center + half)


def _draw(n_values: int, n: int, seed: int) -> np.ndarray:
    """(n, n_values) indices, each row drawn with replacement."""
    return np.random.default_rng(seed).integers(0, n_values, size=(n, n_values), dtype=np.int32)


def _interval(estimate: float, drawn: np.ndarray, level: float) -> Interval:
    if not len(drawn):
        return Interval(estimate, estimate, estimate)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high))
