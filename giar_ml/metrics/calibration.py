"""Whether confidences can be believed, and how well they sort right from wrong.

All functions take `confidence`, (N,) floats in 0..1, and `right`, (N,) booleans, in any order. They raise
ValueError when the lengths differ or a confidence lies outside 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Floats = Sequence[float] | np.ndarray
Bools = Sequence[bool] | np.ndarray


class Bin(NamedTuple):
    """Cases of similar confidence: their mean confidence and the share that is right, both 0..1."""

    confidence: float
    accuracy: float
    n: int


class RiskCoverage(NamedTuple):
    """Accepting the surest cases first. Three (K,) float arrays, one point per distinct confidence:
    at `threshold`, the share of cases accepted and the share of those that is wrong."""

    threshold: np.ndarray
    coverage: np.ndarray
    risk: np.ndarray


def reliability_curve(
    confidence: Floats, right: Bools, *, n_bins: int = 10, equal_mass: bool = False
) -> list[Bin]:
    """Bins by ascending confidence, empty ones left out; none for no cases.

    Args:
        equal_mass: bins between quantiles, with about as many cases each, in place of bins of equal width.
            Equal confidences always share a bin, so many ties make fewer bins.
    """
    p, y = _check(confidence, right)
    if not len(p):
        return []
    steps = np.linspace(0.0, 1.0, n_bins + 1)
    edges = np.quantile(p, steps) if equal_mass else steps
    index = np.searchsorted(edges[1:-1], p)
    count = np.bincount(index, minlength=n_bins)
    confidences = np.bincount(index, weights=p, minlength=n_bins)
    rights = np.bincount(index, weights=y, minlength=n_bins)
    return [
        Bin(float(c / n), float(r / n), int(n))
        for c, r, n in zip(confidences, rights, count, strict=True)
        if n
    ]


def ece(confidence: Floats, right: Bools, *, n_bins: int = 10, equal_mass: bool = False) -> float | None:
    """Expected calibration error: the gap between confidence and accuracy of each bin, weighted by its
    cases (Naeini, Cooper and Hauskrecht, 2015; equal mass: Nguyen and O'Connor, 2015); None for no cases."""
    bins = reliability_curve(confidence, right, n_bins=n_bins, equal_mass=equal_mass)
    total = sum(b.n for b in bins)
    return sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / total if total else None


def brier(confidence: Floats, right: Bools) -> float | None:
    """Mean squared gap between confidence and outcome (Brier, 1950); None for no cases."""
    p, y = _check(confidence, right)
    return float(np.mean((p - y) ** 2)) if len(p) else None


def risk_coverage(confidence: Floats, right: Bools) -> RiskCoverage:
    """The risk-coverage curve (El-Yaniv and Wiener, 2010), by ascending coverage; the last point accepts
    all. Cases of equal confidence are accepted together: they are one point. Empty for no cases."""
    p, y = _check(confidence, right)
    order = np.argsort(-p, kind="stable")
    p, wrong = p[order], 1.0 - y[order]
    last = np.flatnonzero(np.append(p[1:] != p[:-1], True)) if len(p) else np.zeros(0, dtype=np.intp)
    accepted = last + 1
    return RiskCoverage(p[last], accepted / max(len(p), 1), np.cumsum(wrong)[last] / accepted)


def aurc(confidence: Floats, right: Bools) -> float | None:
    """Area under the risk-coverage curve, 0 (best) to 1: the mean risk over all coverages (Geifman, Uziel
    and El-Yaniv, 2019); tied cases count with the risk of their common point. None for no cases."""
    curve = risk_coverage(confidence, right)
    if not len(curve.coverage):
        return None
    return float(np.sum(np.diff(curve.coverage, prepend=0.0) * curve.risk))


def _check(confidence: Floats, right: Bools) -> tuple[np.ndarray, np.ndarray]:
    p, y = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if p.ndim != 1 or p.shape != y.shape:
        raise ValueError(f"one confidence per outcome, not {p.shape} for {y.shape}")
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("confidences lie in 0..1")
    return p, y
