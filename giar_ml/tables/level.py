"""Rows of a table without rules that still slant, or fan out, told by the figures side by side in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from giar_ml.document import BBox

MIN_PAIRS, FEWEST_PAIRS = 12, 5
"""Figures side by side that tell how the slant of their rows changes, and that tell a slant at all."""
OFF_LEVEL = 0.5
"""How much lower than its neighbour a figure stands, in heights of it, at most."""
STEEPEST = 0.1
LEAST_SPREAD = 8.0
"""Spread of figures over the page that says how slopes change over it, in heights of them."""
OUTLIER = 3.0
"""How far off what the others say a slope is that counts, in median deviations."""


def find_level(figures: Sequence[BBox]) -> Callable[[BBox], BBox] | None:
    """A function that moves boxes up or down to where they were if the rows of figures were level; None where
    too few figures tell.

    The slope of a row is taken to change evenly from top to bottom and along it, as by perspective and curl.
    """
    at, slopes, across = _slopes(figures)
    if len(slopes) < FEWEST_PAIRS:
        return None
    if len(slopes) < MIN_PAIRS:
        # Added up along a row, it is the ends that tell: no figure that stands a pixel up or down.
        slope, start = float(np.average(slopes, weights=across)), float(at[:, 0].mean())
        return lambda bbox: _lift(bbox, slope * (bbox.center[0] - start))
    # Pixels make poor units: (x, y) by their spread, which a single row has none of.
    height = float(np.median([bbox.height for bbox in figures]))
    middle, unit = at.mean(axis=0), np.maximum(at.std(axis=0), LEAST_SPREAD * height)
    terms = np.column_stack([np.ones(len(at)), (at - middle) / unit])
    kept = np.ones(len(at), bool)
    for _ in range(3):
        weights = _fit(terms[kept], slopes[kept])
        off = np.abs(slopes - terms @ weights)
        kept = off <= OUTLIER * max(float(np.median(off)), 1e-4)
        if kept.sum() < MIN_PAIRS:
            return None

    first, last = ((at[:, 0].min() - middle[0]) / unit[0], (at[:, 0].max() - middle[0]) / unit[0])

    def move(bbox: BBox) -> BBox:
        x, y = (np.array(bbox.center) - middle) / unit
        seen = min(max(x, first), last)  # beyond the figures rows go on straight
        # The slope along a row, added up from the middle of the page to the box.
        bend = weights[1] * (seen * seen / 2 + seen * (x - seen))
        down = float((weights[0] + weights[2] * y) * x + bend) * float(unit[0])
        return _lift(bbox, down)

    return move


def _lift(bbox: BBox, up: float) -> BBox:
    return BBox(bbox.left, bbox.top - up, bbox.right, bbox.bottom - up)


def _fit(terms: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """(3,) weights of (N, 3) terms: where little tells how slopes change, they do not (ridge regression)."""
    penalty = np.diag([0.0, 1.0, 1.0])
    return np.asarray(np.linalg.solve(terms.T @ terms + penalty, terms.T @ slopes))


def _slopes(figures: Sequence[BBox]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 2) points between figures and their next ones to the right, (N,) the slopes there, and (N,) how far
    apart they are."""
    if len(figures) < 2:
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0)
    boxes = np.array(figures)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    heights = boxes[:, 3] - boxes[:, 1]
    across = centers[None, :, 0] - centers[:, None, 0]
    down = centers[None, :, 1] - centers[:, None, 1]
    is_beside = (boxes[None, :, 0] > boxes[:, None, 2]) & (np.abs(down) <= OFF_LEVEL * heights[:, None])
    across = np.where(is_beside, across, np.inf)
    nearest = across.argmin(axis=1)
    rows = np.flatnonzero(np.isfinite(across.min(axis=1)))
    ends = nearest[rows]
    slopes = down[rows, ends] / across[rows, ends]
    kept = np.abs(slopes) <= STEEPEST
    return ((centers[rows] + centers[ends]) / 2)[kept], slopes[kept], across[rows, ends][kept]
