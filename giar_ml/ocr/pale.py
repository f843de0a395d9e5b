"""Pale print: characters of a line that thin toner has left paler than their neighbours."""

from __future__ import annotations

import numpy as np

from giar_ml.geometry import runs
from giar_ml.levels import Levels

PALE = 50.0
"""Grey levels between paper and most of the ink: where there are more, what is much paler is dirt."""
MIN_DEPTH = 12.0
NOISE = 6.0
"""Grey levels below the paper that the palest ink has at least; the same in median deviations of paper."""
LINE_IN = 0.1
"""Height of the lowest line; what is seen of it may be a stroke."""
REACH = 1.0
"""Gap to the next character, in heights of the line."""
HIGHER = 1.3
"""Height of a character beside its line, in heights of the line."""


def palest_depth(cell: np.ndarray, ink: np.ndarray) -> float | None:
    """Grey levels below the paper where the palest characters beside `ink` begin; None where print is dark.

    Args:
        cell: (h, w) uint8.
        ink: what is surely print, (h, w) bool.
    """
    levels = Levels(cell)
    paper = levels.paper
    if not ink.any() or paper - float(np.median(cell[ink])) >= PALE:
        return None
    return max(MIN_DEPTH, NOISE * levels.spread(paper))


def in_line(paler: np.ndarray, ink: np.ndarray, *, dpi: float) -> np.ndarray:
    """What of `paler` stands in one line with ink; (h, w) bool each."""
    found = np.zeros_like(ink)
    for top, bottom in runs(np.asarray(ink.any(axis=1))):
        height = max(bottom - top, round(LINE_IN * dpi))
        for first, last in runs(np.asarray(paler.any(axis=1))):
            is_beside = top <= (first + last) / 2 < bottom and last - first <= HIGHER * height
            if not is_beside:
                continue
            line = paler[first:last]
            for start, stop in runs(np.asarray(line.any(axis=0)), gap=round(REACH * height)):
                if ink[top:bottom, start:stop].any():
                    found[first:last, start:stop] |= line[:, start:stop]
    return found
