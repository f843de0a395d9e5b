"""Shading that a fax has turned into dots, taken off the print on it."""

from __future__ import annotations

import cv2
import numpy as np

from giar_ml.upright.masks import find_straight

DARK = 128
WINDOW_IN, CLOSE_IN = 0.15, 0.04
DOT_DEPTH, AROUND_PX = 25, 5
"""Grey levels by which a dot is darker than the mean of the square around it, and the side of that."""
MIN_DOTS, SHADED_IN = 0.055, (0.16, 0.6)
"""Share of dots in what is shaded, and height and width of the smallest area. On 140 pages of all severities
shading has 0.07 to 0.25, grey scans, print and rules of dots 0.04 at most, however grainy."""
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
    ink = (gray < DARK).astype(np.uint8)
    is_rule = find_straight(ink, round(RULE_IN * dpi))
    is_shaded = _find_shaded(_find_dots(gray), dpi=dpi)
    if not is_shaded.any():
        return gray
    window = round(WINDOW_IN * dpi) | 1
    is_dense = cv2.boxFilter(ink.astype(np.float32), -1, (window, window)) >= DENSE
    around = cv2.boxFilter(ink, cv2.CV_8U, (3, 3), normalize=False)
    solid = cv2.dilate((around >= 8).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    is_print = _without_dots((ink > 0) & (solid | ~is_dense), DOT_IN * dpi)
    clean = gray.copy()
    clean[is_shaded & ~is_rule] = 255
    clean[is_shaded & ~is_rule & is_print] = PALE
    return clean


def _find_dots(gray: np.ndarray) -> np.ndarray:
    """Single pixels darker, or lighter, than what is around them, whatever the page was made of."""
    off = gray.astype(np.int16) - cv2.blur(gray, (AROUND_PX, AROUND_PX))
    return _alone(off < -DOT_DEPTH) | _alone(off > DOT_DEPTH)


def _alone(marks: np.ndarray) -> np.ndarray:
    """The marks with one other around them at most, or with none but at their corners: a chequerboard's."""
    pixels = marks.astype(np.uint8)
    around = cv2.boxFilter(pixels, cv2.CV_8U, (3, 3), normalize=False)
    beside = cv2.filter2D(pixels, -1, np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.uint8))
    return np.asarray(marks & ((around <= 2) | (beside == 0)), bool)


def _find_shaded(is_dot: np.ndarray, *, dpi: float) -> np.ndarray:
    """What is shaded, (H, W) bool."""
    window = round(WINDOW_IN * dpi) | 1
    dots = cv2.boxFilter(is_dot.astype(np.float32), -1, (window, window))
    smallest = np.ones([max(3, round(side * dpi)) for side in SHADED_IN], np.uint8)
    shaded = cv2.morphologyEx((dots > MIN_DOTS).astype(np.uint8), cv2.MORPH_OPEN, smallest)
    if not shaded.any():
        return np.zeros(is_dot.shape, bool)
    # Looked at more closely, it ends where the rows beside it begin.
    close = round(CLOSE_IN * dpi) | 1
    is_near = cv2.boxFilter(is_dot.astype(np.float32), -1, (close, close)) > MIN_DOTS / 2
    square = np.ones((window, window), np.uint8)
    near = cv2.morphologyEx(is_near.astype(np.uint8), cv2.MORPH_CLOSE, square)
    return np.asarray((cv2.dilate(shaded, square) > 0) & (near > 0))


def _without_dots(ink: np.ndarray, size: float) -> np.ndarray:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    is_kept = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1) >= size
    is_kept[0] = False
    return np.asarray(is_kept[labels])
