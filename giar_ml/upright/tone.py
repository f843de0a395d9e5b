"""Paper brought to one level of white, and the red ink of seals taken off what they cover."""

from __future__ import annotations

import cv2
import numpy as np

WORK_DPI = 25.0
"""Light changes slowly: this shows it."""
SHADED_IN = 0.7
"""Shaded rows are lower: the paper above and below tells of the light on them."""
SMOOTH_IN = 0.2
WHITE = 250.0
MIN_LIGHT = 40.0
"""Darker paper is not made white: there is nothing on it to be seen."""
UNEVEN = 0.06
"""Share by which the light varies over a page that is worth evening."""

RED = 40
"""Levels by which red exceeds green and blue in the ink of a seal."""
SEAL_IN = (0.9, 2.4)
"""Width and height of seals: those of offices have 1.5 to 1.8 in. Red headlines are longer or lower."""
SEAL_GAP_IN = 0.15
SEAL_LIGHT = 0.85
"""Share of red light that the ink of a seal lets through."""


def even_light(image: np.ndarray, *, dpi: float, sheet: np.ndarray | None = None) -> np.ndarray:
    """The page with its paper at one level of white; what is not sheet becomes paper too.

    Args:
        image: (H, W, 3) uint8.
        dpi: its resolution.
        sheet: (H, W) bool, see `giar_ml.upright.paper.find_sheet`; None where all is sheet.

    Returns:
        (H, W, 3) uint8; `image` itself where it is evenly lit and all sheet.
    """
    scale = min(1.0, WORK_DPI / dpi)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    inside = None
    if sheet is not None:
        size = small.shape[1], small.shape[0]
        inside = cv2.resize(sheet.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
        inside = cv2.erode(inside, np.ones((3, 3), np.uint8))
        small *= inside[:, :, None]
    reach = max(3, round(SHADED_IN * WORK_DPI)) | 1
    light = cv2.dilate(small, np.ones((reach, reach), np.uint8))
    light = cv2.GaussianBlur(cv2.medianBlur(light, 5), (0, 0), SMOOTH_IN * WORK_DPI)
    seen = light[inside > 0] if inside is not None else light.reshape(-1, 3)
    low, high = np.percentile(seen, (3, 97), axis=0)
    if sheet is None and float(np.max(1 - low / np.maximum(high, 1))) < UNEVEN:
        return image
    gains = WHITE / np.maximum(light, MIN_LIGHT)
    size = image.shape[1], image.shape[0]
    even = cv2.multiply(image, cv2.resize(gains, size, interpolation=cv2.INTER_LINEAR), dtype=cv2.CV_8U)
    if sheet is not None:
        even[~sheet] = round(WHITE)
    return even


def fade_seals(image: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page, (H, W, 3) uint8, as seen through red glass where round red seals are."""
    scale = min(1.0, 2 * WORK_DPI / dpi)
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
        is_red = _redness(part) > RED / 2
        light = np.minimum(255, part[:, :, 0] / SEAL_LIGHT).astype(np.uint8)
        part[is_red] = light[is_red][:, None]
    return faded


def _redness(image: np.ndarray) -> np.ndarray:
    """Levels by which red exceeds the two others."""
    others = np.maximum(image[:, :, 1], image[:, :, 2]).astype(np.int16)
    return np.asarray(image[:, :, 0] - others)
