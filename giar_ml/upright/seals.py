"""The ink of round seals taken off what it covers: red by its colour, grey by its ring."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from giar_ml.document import Before
from giar_ml.masks import find_filled, find_straight

RED = 40
"""Levels by which red exceeds green and blue in the ink of a seal."""
EDGE_RED = 5
"""The same at its edges, mixed with paper."""
RED_DPI = 50.0
SEAL_IN = (0.9, 2.4)
"""Width and height of seals: those of offices have 1.5 to 1.8 in. Red headlines are longer or lower."""
SEAL_GAP_IN = 0.15
SEAL_LIGHT = 0.85
"""Share of red light that the ink of a seal lets through."""
PAPER_PERCENT = 75
"""Percentile of red light around a seal that is the paper's: less than half of the place is ink."""

RING_DPI = 60.0
"""Resolution at which rings are looked for."""
RADIUS_IN = (0.5, 1.1)
MAX_RINGS = 12
MIN_VOTES = 28
STROKE_IN = 0.02
"""Thickness of the strokes of print, and of most rules; rings have twice as much."""
SHIFT_IN, SHIFTS = 0.04, 9
"""How far a ring is moved and widened, in so many steps, to lie where it is darkest."""
MIN_RING = 0.55
"""Share of a ring that is seen; lines of text have up to a third of one."""
INK = 45
"""Levels below the paper at which something is ink."""
MARGIN_IN = 0.06
MIN_APART, MAX_GRAIN, GRAIN_SHARE = 50, 30, 0.4
"""Levels between the print and a seal that can be told from it, and deviation of the seal's own: at most so
much, or such a share of what is between."""
PRINT_SHARE = (0.25, 0.5)
"""Of these levels, by the grain of the seal: what is so much darker than the seal is print."""
SPECK_IN = 0.011
REACH_IN = 0.012
"""So far around dark print its own paler edges and thin strokes lie."""
DIGIT_IN, FIGURE_IN = (0.05, 0.14), 0.42
"""Height of digits, which are no wider, and width of some that run together. The characters of a seal are
larger, its strokes hang together."""
POINT_IN, BESIDE_IN = 0.035, 0.04
"""Size of points at most, and how near to print they stand."""
MOSTLY = 0.7
FAINT = 40
"""Levels below the paper of what may be a pale figure or a bit of the seal."""
RULE_IN, MAX_RULE_IN = 0.25, 0.04
"""Length of straight lines that are rules, however pale, and their thickness: a star has more."""


def fade_red_seals(image: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page, (H, W, 3) uint8, as seen through red glass where round red seals are."""
    scale = min(1.0, RED_DPI / dpi)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    red = _redness(small) > RED / 2  # at this size strokes are mixed with paper
    if not red.any():
        return image
    gap = round(SEAL_GAP_IN * dpi * scale) | 1
    joined = cv2.morphologyEx(red.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    faded = image
    for left, top, width, height, _ in stats[1:count]:
        low, high = (side * dpi * scale for side in SEAL_IN)
        if not (low <= width <= high and low <= height <= high):
            continue
        if faded is image:
            faded = image.copy()
        margin = gap
        y0, y1 = (max(0, round(y / scale)) for y in (top - margin, top + height + margin))
        x0, x1 = (max(0, round(x / scale)) for x in (left - margin, left + width + margin))
        part = faded[y0:y1, x0:x1]
        redness = _redness(part)
        is_red = redness > EDGE_RED
        paper = np.percentile(part[:, :, 0], PAPER_PERCENT)
        share = np.clip(redness / RED, 0, 1)
        light = np.minimum(paper, part[:, :, 0] / (1 - (1 - SEAL_LIGHT) * share)).astype(np.uint8)
        part[is_red] = light[is_red][:, None]
    return faded


def _redness(image: np.ndarray) -> np.ndarray:
    """Levels by which red exceeds the two others."""
    others = np.maximum(image[:, :, 1], image[:, :, 2]).astype(np.int16)
    return np.asarray(image[:, :, 0] - others)


class Ring(NamedTuple):
    """A circle of ink, in pixels; `levels` are the grey levels around it."""

    x: float
    y: float
    radius: float
    levels: np.ndarray


def fade_grey_seals(gray: np.ndarray, *, dpi: float) -> tuple[np.ndarray, Before | None]:
    """The page, (H, W) uint8, without the ink of round seals that is paler than print, and what it was.

    Inside a ring stays what is darker than the ring, with what is close around it, and straight lines. What
    is as pale as the ring, but stands alone like a figure, stays as a faint mark: for the reader to doubt.
    `gray` itself and None where there is no such seal: on a fax it is as dark as print.
    """
    seen = gray[::2, ::2]
    paper = float(np.percentile(seen, 60))
    faded, before = gray, None
    for ring in find_rings(gray, dpi=dpi, paper=paper):
        seal = float(np.median(ring.levels))
        grain = 1.5 * float(np.median(np.abs(ring.levels - seal)))
        apart = seal - float(np.percentile(seen[seen < paper - INK], 10))
        if apart < MIN_APART or grain > max(MAX_GRAIN, GRAIN_SHARE * apart):
            continue
        low, high = (share * apart for share in PRINT_SHARE)
        level = seal - min(max(low, 2.5 * grain), high)
        reach = ring.radius + MARGIN_IN * dpi
        top, left = max(0, round(ring.y - reach)), max(0, round(ring.x - reach))
        part = faded[top : round(ring.y + reach) + 1, left : round(ring.x + reach) + 1]
        rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        distance = np.hypot(columns - ring.x, rows - ring.y)
        removed = _find_seal_ink(part, ring, distance, level=level, dpi=dpi, paper=paper)
        if before is None:
            faded, before = gray.copy(), Before(gray, np.zeros(gray.shape, bool), has_seal=True)
            part = faded[top : top + part.shape[0], left : left + part.shape[1]]
        ink = part < paper - INK
        removed &= ~_find_points(ink, removed, dpi=dpi)
        removed &= ~_find_alone(ink, ~removed, heights=DIGIT_IN, width=FIGURE_IN, least=1 - MOSTLY, dpi=dpi)
        faint = _find_alone(ink, removed, heights=DIGIT_IN, width=DIGIT_IN[1], least=MOSTLY, dpi=dpi)
        depth = np.clip((paper - part) / (paper - seal), 0, 1)
        part[removed] = _paper_below(part, removed, dpi=dpi, paper=paper)[removed]
        part[faint] = (paper - FAINT * depth)[faint]
        before.doubtful[top : top + part.shape[0], left : left + part.shape[1]] |= faint
    return faded, before


def find_rings(gray: np.ndarray, *, dpi: float, paper: float) -> list[Ring]:
    """Circles of ink of a seal's size, most of which is seen. They are wider than the strokes of print, which
    make up more circles than a seal where there is much of it: first they are looked for without these."""
    size = round(STROKE_IN * dpi)
    wide = cv2.morphologyEx(gray, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    rings: list[Ring] = []
    for seen in (wide, gray):
        for circle in _find_circles(seen, dpi=dpi):
            ring = _fit(gray, *circle, dpi=dpi)
            is_new = all(np.hypot(ring.x - other.x, ring.y - other.y) > other.radius / 2 for other in rings)
            if is_new and float(np.mean(ring.levels < paper - INK)) >= MIN_RING:
                rings.append(ring)
    return rings


def _find_circles(gray: np.ndarray, *, dpi: float) -> list[tuple[float, float, float]]:
    """The middles and radii of what is likely a circle, the likeliest first."""
    scale = min(1.0, RING_DPI / dpi)
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    low, high = (round(radius * dpi * scale) for radius in RADIUS_IN)
    circles = cv2.HoughCircles(
        small, cv2.HOUGH_GRADIENT, 1, low, param1=80, param2=MIN_VOTES, minRadius=low, maxRadius=high
    )
    if circles is None:
        return []
    return [(float(x) / scale, float(y) / scale, float(r) / scale) for x, y, r in circles[0][:MAX_RINGS]]


def _fit(gray: np.ndarray, x: float, y: float, radius: float, *, dpi: float) -> Ring:
    """The darkest circle near to one."""
    angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    shifts = np.linspace(-SHIFT_IN * dpi, SHIFT_IN * dpi, SHIFTS)
    xs = x + shifts[:, None, None, None] + (radius + shifts)[:, None] * np.cos(angles)
    ys = y + shifts[:, None, None] + (radius + shifts)[:, None] * np.sin(angles)
    levels = gray[
        np.clip(ys, 0, gray.shape[0] - 1).astype(np.intp), np.clip(xs, 0, gray.shape[1] - 1).astype(np.intp)
    ]
    i, j, k = np.unravel_index(int(levels.mean(axis=-1).argmin()), levels.shape[:3])
    return Ring(x + shifts[i], y + shifts[j], radius + shifts[k], levels[i, j, k])


def _find_seal_ink(
    part: np.ndarray, ring: Ring, distance: np.ndarray, *, level: float, dpi: float, paper: float
) -> np.ndarray:
    """Which pixels in and on a ring are its seal's alone, (h, w) bool; what is darker than `level` is print,
    but for the grain of the seal."""
    ink = part < paper - INK
    inside = distance <= ring.radius + MARGIN_IN * dpi
    _, labels, stats, _ = cv2.connectedComponentsWithStats((inside & (part < level)).astype(np.uint8))
    stats[0, cv2.CC_STAT_AREA] = 0
    is_print = (stats[:, cv2.CC_STAT_AREA] >= max(3.0, (SPECK_IN * dpi) ** 2))[labels]
    reach = 2 * max(1, round(REACH_IN * dpi)) + 1
    kept = cv2.dilate(is_print.astype(np.uint8), np.ones((reach, reach), np.uint8)).astype(bool)
    kept &= ~find_filled(ink & ~is_print, reach // 2 + 1, reach // 2 + 1)
    # The ring itself has straight parts.
    thin = ink & (np.abs(distance - ring.radius) > MARGIN_IN * dpi)
    thick = round(MAX_RULE_IN * dpi)
    thin &= ~find_filled(ink, thick, thick)
    kept |= find_straight(thin, round(RULE_IN * dpi))
    return np.asarray(inside & (part < paper - INK / 2) & ~kept)


def _find_points(ink: np.ndarray, removed: np.ndarray, *, dpi: float) -> np.ndarray:
    """Small marks beside print that touch no other ink: they are pale for being small."""
    reach = 2 * round(BESIDE_IN * dpi) + 1
    beside = cv2.dilate((ink & ~removed).astype(np.uint8), np.ones((reach, reach), np.uint8)).astype(bool)
    points = _find_alone(ink, removed, heights=(0.0, POINT_IN), width=POINT_IN, least=MOSTLY, dpi=dpi)
    return points & beside


def _find_alone(
    ink: np.ndarray,
    marked: np.ndarray,
    *,
    heights: tuple[float, float],
    width: float,
    least: float,
    dpi: float,
) -> np.ndarray:
    """The pixels of marks that touch no other ink, (h, w) bool, of such heights and at most such a width, in
    inches, of which at least this share is marked."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    is_marked = np.bincount(labels[marked], minlength=count) >= least * stats[:, cv2.CC_STAT_AREA]
    low, high = (inches * dpi for inches in heights)
    is_high = (low <= stats[:, cv2.CC_STAT_HEIGHT]) & (stats[:, cv2.CC_STAT_HEIGHT] <= high)
    alone = is_marked & is_high & (stats[:, cv2.CC_STAT_WIDTH] <= width * dpi)
    alone[0] = False
    return np.asarray(alone[labels])


def _paper_below(part: np.ndarray, removed: np.ndarray, *, dpi: float, paper: float) -> np.ndarray:
    """What lies below the ink: shaded rows, or paper. The ink may be wider than a stroke: then what is around
    it tells, where it is near."""
    size = round(MARGIN_IN * dpi) | 1
    closed = cv2.morphologyEx(part, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    below = np.where(closed < paper - INK, np.uint8(paper), closed)
    # Between its dark pixels a seal is paler, and so is its edge.
    of_seal = cv2.dilate(removed.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    near = np.ones((size + 4, size + 4), np.uint8)
    around = cv2.dilate(np.where(of_seal | (part < paper - INK), 0, part).astype(np.uint8), near)
    is_seen = around > 0
    around = cv2.erode(np.where(is_seen, around, 255).astype(np.uint8), near)
    return np.asarray(np.where(is_seen, np.maximum(below, around), below))
