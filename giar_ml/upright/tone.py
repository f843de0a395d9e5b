"""Paper brought to one level of white."""

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

STREAK_IN = 0.04
"""Streaks are thinner."""
STREAK_STEP = 4
STREAK_PERCENTILE = 15
"""A streak is seen in all rows but this share."""
STREAK_DEPTH = (4, 70)
"""Levels by which it is darker there: paper differs from pixel to pixel, but not always to the same side.
A rule of a table that fills its picture is darker."""
STREAK_END_DEPTH = 2
"""The same at an edge of the page, where a streak may fade, but not at both; rules have none there."""
STREAK_BLOCK_IN = 0.4


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
    even = np.empty_like(image)
    # One after another: the gains of all three would be the largest picture that a page needs.
    for channel, gain in enumerate(cv2.split(gains)):
        fine = cv2.resize(gain, size, interpolation=cv2.INTER_LINEAR)
        even[:, :, channel] = cv2.multiply(cv2.extractChannel(image, channel), fine, dtype=cv2.CV_8U)
    if sheet is not None:
        even[~sheet] = round(WHITE)
    return even


def remove_streaks(image: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page, (H, W, 3) uint8, without the lines that dirt on a scanner's glass draws from edge to edge.

    Nothing on paper is a little darker than what is beside it all along a column of pixels. Each such column
    is made lighter by as much as it is darker nearby, in the median: print that crosses it stays.
    """
    clean = image
    for turned in (False, True):
        view = clean.swapaxes(0, 1) if turned else clean
        part = clean[:, ::STREAK_STEP] if turned else clean[::STREAK_STEP]
        gray = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY)
        gray = np.ascontiguousarray(gray.T) if turned else gray
        across = max(3, round(STREAK_IN * dpi)) | 1
        depth = cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, np.ones((1, across), np.uint8))
        is_deep = (depth >= STREAK_DEPTH[0]).view(np.uint8)
        n_deep = cv2.reduce(is_deep, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0]
        # A percentile may lie between two levels, the lower of which is that of another pixel.
        columns = np.flatnonzero(n_deep >= (1 - STREAK_PERCENTILE / 100) * (len(depth) - 1) - 1)
        darker = np.percentile(depth[:, columns], STREAK_PERCENTILE, axis=0)
        columns = columns[(darker >= STREAK_DEPTH[0]) & (darker <= STREAK_DEPTH[1])]
        if not columns.size:
            continue
        n_blocks = max(1, len(depth) * STREAK_STEP // round(STREAK_BLOCK_IN * dpi))
        blocks = np.array_split(np.arange(len(depth)), n_blocks)
        centers = [STREAK_STEP * float(block.mean()) for block in blocks]
        grain = float(np.median(depth))  # is darker than what is beside it, too, here and there
        for column in columns:
            typical = [np.median(depth[block, column]) - grain for block in blocks]
            # A rule, and grain beyond its ends, are no streak.
            if np.percentile(typical, STREAK_PERCENTILE) < STREAK_DEPTH[0]:
                continue
            # Nor is a rule nearly as long as the page is wide.
            if max(typical[0], typical[-1]) < STREAK_END_DEPTH:
                continue
            typical = np.clip(typical, 0, STREAK_DEPTH[1]).tolist()
            if clean is image:
                clean = image.copy()
                view = clean.swapaxes(0, 1) if turned else clean
            add = np.interp(np.arange(len(view)), centers, typical)[:, None]
            view[:, column] = np.minimum(255, view[:, column] + add).astype(np.uint8)
    return clean
