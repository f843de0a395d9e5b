"""Rules between columns of which hardly anything is left, told by how regular the columns are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from giar_ml.geometry import cluster, overlap
from giar_ml.tables.ruling import CLOSE_IN, TOUCH_IN, Rule
from giar_ml.tables.traces import find_sides, max_thickness

ALIKE = 0.15
"""Columns of figures are as wide as each other, but for so much."""
MIN_ALIKE = 3
MAX_LOST = 2
"""Rules side by side that may be lost."""
MIN_LEFT = 0.25
"""Share of a lost rule that is left between two rules across it; less next to where so much is."""
MIN_TRACE = 0.08


def find_lost_columns(
    marks: np.ndarray,
    rows: tuple[Rule, ...],
    columns: tuple[Rule, ...],
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> tuple[Rule, ...]:
    """Upright rules where a row has columns alike and one that is just so many times as wide, and something
    dark and clear on both sides stands where they would be.

    A column of ones is as wide as the others; a cell that is merged has nothing there.

    Args:
        marks: (W, H), what is thin and dark, seen from the side.
        slopes: of `columns`, and of `rows`.
    """
    touch, close = TOUCH_IN * dpi, max(2.0, CLOSE_IN * dpi)
    beside = find_sides(marks, distance=max_thickness(dpi) // 2 + 1)
    clear = (marks > 0) & ~np.any(beside, axis=0)
    bands = [(top, bottom) for top, bottom in pairwise(_positions(rows, touch)) if bottom - top > 2 * touch]
    left: list[list[tuple[float, float]]] = []
    for top, bottom in bands:
        places = _expected(_positions([c for c in columns if _covers(c, top, bottom)], touch))
        left.append(
            [
                _seen(clear, place, reach, (top + touch / 2, bottom - touch / 2), slopes)
                for place, reach in places
            ]
        )
    found: set[tuple[int, float]] = set()
    for order in (range(len(bands)), range(len(bands) - 1, -1, -1)):
        above: list[float] = []
        for i in order:
            here = [
                position
                for position, share in left[i]
                if share >= MIN_LEFT
                or (share >= MIN_TRACE and any(abs(position - a) <= close for a in above))
            ]
            found |= {(i, position) for position in here}
            above = here
    return tuple(Rule(position, *bands[i]) for i, position in sorted(found))


def _positions(rules: tuple[Rule, ...] | list[Rule], touch: float) -> list[float]:
    positions = [rule.position for rule in rules]
    return [float(np.median([positions[i] for i in indices])) for indices in cluster(positions, gap=touch)]


def _covers(rule: Rule, top: float, bottom: float) -> bool:
    return overlap(rule.start, rule.stop, top, bottom) >= 0.5 * (bottom - top)


def _expected(positions: list[float]) -> list[tuple[float, float]]:
    """Where rules are missing between columns alike, and how far off they may be."""
    gaps = np.diff(positions)
    if len(gaps) <= MIN_ALIKE:
        return []
    alike = np.abs(gaps[:, None] - gaps) <= ALIKE * gaps
    usual = float(np.median(gaps[alike[:, int(alike.sum(axis=0).argmax())]]))
    is_usual = np.abs(gaps - usual) <= ALIKE * usual
    if is_usual.sum() < MIN_ALIKE:
        return []
    places: list[tuple[float, float]] = []
    follows = False
    for i, gap in enumerate(gaps.tolist()):
        n = max(1, round(gap / usual))
        is_multiple = 2 <= n <= MAX_LOST + 1 and abs(gap / n - usual) <= ALIKE / 2 * usual
        if follows and is_multiple:
            places += [(positions[i] + k * gap / n, ALIKE / 2 * usual) for k in range(1, n)]
        follows = bool(is_usual[i]) or (follows and is_multiple)
    return places


def _seen(
    clear: np.ndarray, place: float, reach: float, band: tuple[float, float], slopes: tuple[float, float]
) -> tuple[float, float]:
    """The position near a place along which most is left of a rule in a band, and how much of it is."""
    positions = np.arange(round(place - reach), round(place + reach) + 1)
    along = np.arange(round(band[0]), max(round(band[0]) + 1, round(band[1])))
    xs = along[None, :] + slopes[1] * positions[:, None]
    ys = positions[:, None] + slopes[0] * xs
    width, height = clear.shape
    rows = np.clip(np.round(ys), 1, width - 2).astype(np.intp)
    columns = np.clip(np.round(xs), 0, height - 1).astype(np.intp)
    shares = np.any([clear[rows + d, columns] for d in (-1, 0, 1)], axis=0).mean(axis=1)
    best = np.flatnonzero(shares >= shares.max() - 1e-9)
    return float(positions[best].mean()), float(shares.max())
