"""Shading that a fax has turned into dots, taken off the print on it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from giar_ml.upright.masks import find_straight

DARK = 128
WINDOW_IN, CLOSE_IN = 0.15, 0.04


class Shading(NamedTuple):
    """What is shading.

    `grey` is the largest share of pixels between black and white on a page that was black and white once,
    `dots` the least share of pixels that differ from most around them (print has 0.02, shading 0.1 to 0.2),
    `size_in` height and width of the smallest shaded area.
    """

    grey: float
    dots: float
    size_in: tuple[float, float]


FINE = Shading(0.06, 0.06, (0.08, 0.6))
COARSE, COARSE_DPI = Shading(0.12, 0.08, (0.15, 0.6)), 140.0
"""On a coarser page small print is as grainy as shading, but not over the height of two lines: on 51 pages of
faxes 0.05 at most."""
DENSE = 0.25
"""Share of ink from which dots hang together; fewer stand alone."""
DOT_IN = 0.035
"""Marks that are smaller both ways are dots; a figure is twice as high."""
RULE_IN = 0.3
PALE = 212
"""Level of the print that is found among dots: so pale that readers take it for unsure, as it is."""


def clear_halftone(gray: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page, (H, W) uint8, with white where a black-and-white one has shading; `gray` where it has none.

    Shading differs from print in its grain: single pixels unlike those around them. Where dots stand alone,
    small marks go; where they hang together, all but what is dark all over: strokes, and long thin lines.
    """
    shading = FINE if dpi >= COARSE_DPI else COARSE
    if float(np.mean((gray[::4, ::4] > 60) & (gray[::4, ::4] < 195))) > shading.grey:
        return gray
    ink = (gray < DARK).astype(np.uint8)
    is_rule = find_straight(ink, round(RULE_IN * dpi))
    # Thin double rules are as grainy as shading.
    loose = np.where(is_rule, 0, ink).astype(np.uint8)
    beside = cv2.boxFilter(loose, cv2.CV_8U, (3, 3), normalize=False)
    is_dot = ((loose > 0) & (beside <= 3)) | ((ink == 0) & (beside >= 6))
    window = round(WINDOW_IN * dpi) | 1
    dots = cv2.boxFilter(is_dot.astype(np.float32), -1, (window, window))
    smallest = np.ones([max(3, round(side * dpi)) for side in shading.size_in], np.uint8)
    shaded = cv2.morphologyEx((dots > shading.dots).astype(np.uint8), cv2.MORPH_OPEN, smallest)
    if not shaded.any():
        return gray
    # Looked at more closely, it ends where the rows beside it begin.
    close = round(CLOSE_IN * dpi) | 1
    is_near = cv2.boxFilter(is_dot.astype(np.float32), -1, (close, close)) > shading.dots / 2
    is_near = cv2.morphologyEx(is_near.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((window, window), np.uint8))
    is_shaded = (cv2.dilate(shaded, np.ones((window, window), np.uint8)) > 0) & (is_near > 0)
    is_dense = cv2.boxFilter(ink.astype(np.float32), -1, (window, window)) >= DENSE
    around = cv2.boxFilter(ink, cv2.CV_8U, (3, 3), normalize=False)
    solid = cv2.dilate((around >= 8).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    is_print = _without_dots((ink > 0) & (solid | ~is_dense), DOT_IN * dpi)
    clean = gray.copy()
    clean[is_shaded & ~is_rule] = 255
    clean[is_shaded & ~is_rule & is_print] = PALE
    return clean


def _without_dots(ink: np.ndarray, size: float) -> np.ndarray:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    is_kept = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1) >= size
    is_kept[0] = False
    return np.asarray(is_kept[labels])
