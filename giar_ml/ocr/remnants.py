"""What the rules around a cell, and rules that were not seen, leave in it."""

from __future__ import annotations

import cv2
import numpy as np

from giar_ml.geometry import runs
from giar_ml.levels import paper_level

REMNANT_IN = 0.02
"""Thickness of what a rule leaves along the edge of a cell."""
SLANT = 4
"""Length of what a slanting one leaves beside that, in its heights."""
MOSTLY_INK, ALL_INK = 0.6, 0.9
"""Share of a row or column of pixels that is ink: of a rule along the edge of a cell, and of one off it,
where a 1 may stand."""
INNER_RULE_CELL_IN = 0.24
INNER_RULE_END_IN = 0.02
"""A rule comes as near to both edges of its cell; in one that is high enough print does not."""
INNER_RULE_COVER = 0.4
DOT_GAP_IN = 0.04
"""Between the dots of a rule; lines of text stand further apart."""
BESIDE_IN = 0.012
MAX_BESIDE = 0.15
"""Beside a rule hardly anything stands so near: the strokes of a character do."""


def erase_border_rules(ink: np.ndarray, *, dpi: float) -> None:
    """Clear rules along the edges of a cell, (h, w) uint8: straight ones, and level ones that slant."""
    whole = ink.copy()
    _erase_straight(ink, depth=round(3 * REMNANT_IN * dpi))
    ink[_beside_rules(whole - ink, ink, dpi=dpi)] = 0


def without_border_rules(cell: np.ndarray, depth: float, *, dpi: float) -> np.ndarray:
    """The cell with paper where rules along its edges are darker than that by `depth`."""
    paper = paper_level(cell)
    dark = (cell < paper - depth).astype(np.uint8)
    others = dark.copy()
    erase_border_rules(others, dpi=dpi)
    wide = cv2.dilate(dark - others, np.ones((3, 3), np.uint8)) > others
    return np.where(wide, np.uint8(round(paper)), cell)


def erase_inner_rules(ink: np.ndarray, *, dpi: float) -> None:
    """Clear thin upright lines, whole or dotted, from edge to edge of the cell with nothing beside them: a
    rule that was not seen as one."""
    height = len(ink)
    if height < INNER_RULE_CELL_IN * dpi:
        return
    end, beside = max(2, round(INNER_RULE_END_IN * dpi)), max(2, round(BESIDE_IN * dpi))
    is_rule = ink[:end].any(axis=0) & ink[-end:].any(axis=0) & (ink.mean(axis=0) >= INNER_RULE_COVER)
    for start, stop in runs(is_rule, gap=1):
        if stop - start > 2 * REMNANT_IN * dpi:
            continue
        dark = np.asarray(ink[:, start:stop].any(axis=1))
        sides = ink[:, max(0, start - 1 - beside) : max(0, start - 1)], ink[:, stop + 1 : stop + 1 + beside]
        is_alone = all(side.any(axis=1).mean() <= MAX_BESIDE for side in sides)
        gap = max((b - a for a, b in runs(~dark)), default=0)
        if is_alone and gap <= DOT_GAP_IN * dpi:
            ink[:, max(0, start - 1) : stop + 1] = 0


def _erase_straight(ink: np.ndarray, *, depth: int) -> None:
    """Clear, from each edge of the cell inwards, the rows and columns that are mostly ink, and all up to one
    that is ink from end to end: the inner line of a double frame."""
    for side in (ink, ink[::-1], ink.T, ink.T[::-1]):
        near = side[: min(depth, side.shape[0] // 4)]
        covered = near.mean(axis=1)
        is_clear = covered < MOSTLY_INK
        near[: int(is_clear.argmax()) if is_clear.any() else len(near)] = 0
        lines = np.flatnonzero(covered >= ALL_INK)
        near[: int(lines[-1]) + 1 if len(lines) else 0] = 0


def _beside_rules(rules: np.ndarray, ink: np.ndarray, *, dpi: float) -> np.ndarray:
    """What of (h, w) ink is the rest of slanting level rules along its edges, (h, w) bool."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    is_flat = (heights <= REMNANT_IN * dpi) & (widths >= SLANT * heights)
    touched = np.zeros(len(stats), bool)
    touched[labels[cv2.dilate(rules, np.ones((3, 3), np.uint8)) > 0]] = True
    touched[0] = False
    return np.asarray((is_flat & touched)[labels])
