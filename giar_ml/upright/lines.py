"""Long lines of text on a page, found by their ink alone."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from giar_ml.document import BBox
from giar_ml.upright.warp import turn_image

WORK_DPI = 100.0
"""At half the usual resolution rules and lines of text are still seen, at a quarter of the cost."""
MIN_LENGTH_IN = 1.2
HEIGHT_IN = (0.06, 0.3)
GAP_IN = 0.12
"""Space between the characters of one line."""
PIECE_IN = 0.4
MAX_SLOPE = 0.15
MAX_TEXT_SLOPE = 0.1
TEXT_SLOPE_STEP = 0.001
SLOPE_COLUMNS = 8
AROUND_IN = 0.35
MIN_CONTRAST = 45
"""Levels by which print is darker than what is around it, at this resolution: shaded cells are no print."""
MIN_PRINT_PX = 500
STROKE_LENGTH_IN = 0.35
STROKE_WIDTH_IN = 0.05
"""Straight marks that are longer than a character and no wider: staples, scratches, strokes of a pen."""


class TextLine(NamedTuple):
    """`curve` is (N, 2): points in the middle of the line, left to right."""

    bbox: BBox
    curve: np.ndarray


class Sketch(NamedTuple):
    """A page at `WORK_DPI`, or as it is where it has less.

    `page` is (H, W) uint8 at its own resolution `page_dpi`, `gray` (h, w) uint8 at `dpi`, `ink` its
    `find_text_ink`; `scale` is what the page shrank by.
    """

    page: np.ndarray
    page_dpi: float
    gray: np.ndarray
    ink: np.ndarray
    scale: float

    @property
    def dpi(self) -> float:
        return self.page_dpi * self.scale

    def turned(self) -> Sketch:
        """The same of the page turned clockwise by a quarter."""
        page, gray, ink = (turn_image(image, 1) for image in (self.page, self.gray, self.ink))
        return self._replace(page=page, gray=gray, ink=ink)


def sketch(page: np.ndarray, *, dpi: float) -> Sketch:
    """The sketch of a page, (H, W) uint8."""
    scale = min(1.0, WORK_DPI / dpi)
    gray = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else page
    return Sketch(page, dpi, gray, find_text_ink(gray, dpi=dpi * scale), scale)


def find_text_slope(ink: np.ndarray) -> float | None:
    """By how much text sinks per pixel to the right, by its `find_text_ink`; None without text, or where the
    steepest slope is the best: lines of a bent page, or of figures in a grid, may join others so.

    The slope at which the ink of lines is told best from the white between them: the differences between
    neighbouring rows of the projection are largest (Postl, "Detection of linear oblique structures and skew
    scan in digitized documents", ICPR 1986).
    """
    if np.count_nonzero(ink) < MIN_PRINT_PX:
        return None
    # Columns side by side sink by less than a row.
    starts = np.arange(0, ink.shape[1], SLOPE_COLUMNS)
    counts = np.add.reduceat(ink, starts, axis=1, dtype=np.uint8)
    ys, blocks = np.nonzero(counts)
    weights = counts[ys, blocks]
    off_middle = starts[blocks] + (SLOPE_COLUMNS - ink.shape[1]) / 2
    slopes = np.arange(-MAX_TEXT_SLOPE, MAX_TEXT_SLOPE + 1e-9, TEXT_SLOPE_STEP)
    contrasts = []
    for slope in slopes:
        # All of a column moves alike: rounded row by row, some rows would come upon others.
        at = np.clip(ys - np.rint(slope * off_middle).astype(np.intp), 0, len(ink) - 1)
        contrasts.append(float((np.diff(np.bincount(at, weights)) ** 2).sum()))
    # Slopes that move no row are told alike.
    best = float(slopes[np.array(contrasts) == max(contrasts)].mean())
    return best if abs(best) < MAX_TEXT_SLOPE - TEXT_SLOPE_STEP else None


def find_text_ink(gray: np.ndarray, *, dpi: float) -> np.ndarray:
    """(H, W) uint8: dark pixels that are no part of a rule, nor of a straight stroke in any direction."""
    reach = round(AROUND_IN * dpi) | 1
    around = cv2.medianBlur(gray, min(reach, 255)) if reach > 1 else gray
    ink = (gray < around - np.minimum(MIN_CONTRAST, 0.5 * around)).astype(np.uint8)
    for shape in ((1, round(0.5 * dpi)), (round(0.5 * dpi), 1)):
        ink[cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(shape, np.uint8)) > 0] = 0
    _erase_strokes(ink, dpi=dpi)
    return ink


def _erase_strokes(ink: np.ndarray, *, dpi: float) -> None:
    """A slanted stroke has a sharper projection than all the text of a short page."""
    length, width = STROKE_LENGTH_IN * dpi, STROKE_WIDTH_IN * dpi
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink)
    diagonals = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    is_thin = stats[:, cv2.CC_STAT_AREA] <= width * diagonals
    for i in 1 + np.flatnonzero((diagonals >= length)[1:] & is_thin[1:]):
        x, y, w, h, _ = (int(value) for value in stats[i])
        piece = labels[y : y + h, x : x + w] == i
        # A bar of length L has the variance L^2 / 12 along itself.
        across, along = np.sqrt(12 * np.linalg.eigvalsh(np.cov(np.nonzero(piece))).clip(0))
        if along >= length and across <= width:
            ink[y : y + h, x : x + w][piece] = 0


def find_text_lines(ink: np.ndarray, *, dpi: float, min_length_in: float = MIN_LENGTH_IN) -> list[TextLine]:
    """Lines of text that run across, by their `find_text_ink`; bent ones too, and only long ones.

    The curve of a line shorter than three pieces is empty.
    """
    smeared = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, round(GAP_IN * dpi) | 1), np.uint8))
    smeared = cv2.morphologyEx(smeared, cv2.MORPH_OPEN, np.ones((1, round(HEIGHT_IN[0] * dpi) | 1), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(smeared, connectivity=4)
    step = max(1, round(PIECE_IN * dpi))
    low, high = (x * dpi for x in HEIGHT_IN)
    lines = []
    for i in range(1, count):
        left, top, width, height, _ = (int(x) for x in stats[i])
        if width < min_length_in * dpi or not low <= height <= high + MAX_SLOPE * width:
            continue
        piece = labels[top : top + height, left : left + width] == i
        points = []
        for start in range(0, width - step + 1, step):
            rows = np.flatnonzero(piece[:, start : start + step].sum(axis=1) >= 0.25 * step)
            if rows.size and low <= rows[-1] + 1 - rows[0] <= high:
                points.append((left + start + step / 2, top + (rows[0] + rows[-1] + 1) / 2))
        if len(points) >= 3 or width < MIN_LENGTH_IN * dpi:
            bbox = BBox(float(left), float(top), float(left + width), float(top + height))
            lines.append(TextLine(bbox, np.array(points).reshape(-1, 2)))
    return lines
