"""Grey levels of small pictures by their histograms: a page has hundreds."""

from __future__ import annotations

import cv2
import numpy as np

PAPER_SHARE = 0.6
"""Share of a cell's pixels that are darker than its paper at most."""


def paper_level(gray: np.ndarray) -> float:
    return quantile(gray, PAPER_SHARE)


def quantile(gray: np.ndarray, share: float) -> float:
    """np.quantile of uint8 levels without its cost: the next lower value, no mean of two."""
    return float(nth_level(gray, int(share * (gray.size - 1))))


def nth_level(gray: np.ndarray, n: int) -> int:
    """The level at place `n`, from 0, of (h, w) uint8 in order."""
    return int(_histogram(gray).cumsum().searchsorted(n, side="right"))


def spread(gray: np.ndarray, level: float) -> float:
    """The median distance of (h, w) uint8 from a level."""
    distances = np.abs(np.arange(256) - level)
    order = np.argsort(distances)
    ends = _histogram(gray)[order].cumsum()
    middle = ends.searchsorted([(gray.size - 1) // 2, gray.size // 2], side="right")
    return float(distances[order[middle]].mean())


def _histogram(gray: np.ndarray) -> np.ndarray:
    return cv2.calcHist([gray], [0], None, [256], [0, 256])[:, 0].astype(np.intp)
