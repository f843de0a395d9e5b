"""Level lines that run through figures: scratches on a glass, what a fax doubles. No rule does."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from giar_ml.levels import page_paper_level
from giar_ml.tables.ruling import TOUCH_IN, Rule, is_on_rule

NEAR_IN, FAR_IN = 0.015, 0.04
"""What is dark between these, above a line and below it, crosses it: so near to a rule stands no figure."""
HAIRLINE, THIN = 0.6, 0.8
"""Thickness of a scratch at most, in thicknesses of rules, and where an end of it is on none."""
SOLID, INK = 0.75, 60
"""Share of that which is dark, and grey levels below paper from which something is."""
FEWEST_STRUCK, MOSTLY_STRUCK = 2, 0.6
"""Cells with a figure through which a scratch runs, and their share in the cells that it is in."""


def find_scratches(
    rules: tuple[Rule, ...],
    crossing: tuple[Rule, ...],
    gray: np.ndarray,
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> tuple[Rule, ...]:
    """The level lines that strike figures out, in at least two cells and most of those that they are in, and
    are thinner than the rules.

    Args:
        gray: (H, W) uint8, the page.
        slopes: of level rules, and of upright ones.
    """
    paper = page_paper_level(gray)
    # Thin strokes lean, and break.
    is_dark = cv2.dilate((gray < paper - INK).astype(np.uint8), np.ones((1, 3), np.uint8)) > 0
    usual = float(np.median([rule.thickness for rule in rules])) if rules else 0.0
    return tuple(
        rule
        for rule in rules
        if rule.thickness <= (HAIRLINE if _ends_on(rule, crossing, dpi=dpi) else THIN) * usual
        and _strikes(_cells_of(rule, crossing, dpi=dpi), rule, is_dark, slopes=slopes, dpi=dpi)
    )


def _ends_on(rule: Rule, crossing: tuple[Rule, ...], *, dpi: float) -> bool:
    return all(is_on_rule(rule, end, crossing, TOUCH_IN * dpi) for end in (rule.start, rule.stop))


def _cells_of(rule: Rule, crossing: tuple[Rule, ...], *, dpi: float) -> list[tuple[float, float]]:
    """The left and right of the cells that a level line is in, whole."""
    touch = TOUCH_IN * dpi
    at = sorted({c.position for c in crossing if c.start - touch <= rule.position <= c.stop + touch})
    sides = [(a, b) for a, b in pairwise(at) if b - a > 2 * touch]
    return [(a, b) for a, b in sides if min(b, rule.stop) - max(a, rule.start) > touch]


def _strikes(
    cells: list[tuple[float, float]],
    rule: Rule,
    is_dark: np.ndarray,
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> bool:
    if len(cells) < FEWEST_STRUCK:
        return False
    struck = sum(_is_struck(*cell, rule, is_dark, slopes=slopes, dpi=dpi) for cell in cells)
    return struck >= max(FEWEST_STRUCK, MOSTLY_STRUCK * len(cells))


def _is_struck(
    left: float,
    right: float,
    rule: Rule,
    is_dark: np.ndarray,
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> bool:
    """Whether something in a cell, off its sides, crosses a level line there."""
    height, width = is_dark.shape
    margin = TOUCH_IN * dpi
    xs = np.arange(round(left + margin), round(right - margin)) + slopes[1] * rule.position
    ys = np.rint(rule.position + slopes[0] * xs).astype(np.intp)
    columns = np.clip(np.rint(xs), 0, width - 1).astype(np.intp)
    near, far = (round(side * dpi + rule.thickness / 2) for side in (NEAR_IN, FAR_IN))
    off = np.arange(near, far + 1)[:, None]
    above, below = (
        is_dark[np.clip(ys + way * off, 0, height - 1), columns].mean(axis=0) >= SOLID for way in (-1, 1)
    )
    return bool((above & below).any())
