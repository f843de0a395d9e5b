"""Seals that a fax has turned into dots, taken off what they cover."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from giar_ml.document import BBox
from giar_ml.geometry import intersection_area, union
from giar_ml.masks import find_straight
from giar_ml.tables.rules import find_rules
from giar_ml.tables.ruling import Rules
from giar_ml.upright.halftone import (
    DARK,
    find_alone,
    find_dots,
    find_dotted,
    is_black_and_white,
    share_around,
)

STROKE_IN = 0.05
"""Width of the ring of a seal, and of its strokes."""
MIN_DOTS = 0.06
"""Share of dots where a seal is."""
GAP_IN = 0.2
"""Between the strokes of a seal."""
SEAL_IN, MAX_ASPECT = (0.8, 2.2), 1.5
"""Width and height of what is left of a seal, and how much longer one of them is."""
MARGIN_IN = 0.08
OF_DOTS = 0.25
"""Share of the pixels of a mark that are dots: print has a tenth of it, a mark of a seal half."""
OF_RULES = 0.5
"""Share of the dots that lie on rules, beyond which these are what is dotted."""
POINT_PX, POINT_IN = 3, 0.06
"""Side of the largest decimal point that is one dot, and how far from print it stands."""
RULE_IN = 0.25
STEP = 4
"""Seals are looked for in every fourth row and column."""


def clear_dithered_seals(gray: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page, (H, W) uint8, without the marks of dots that a black-and-white one has for a seal.

    Print below is solid, dots are single pixels: a mark of both stays whole. Dotted rules are no seals.
    `gray` itself where there is no seal.
    """
    if not is_black_and_white(gray):
        return gray
    dots = find_dots(gray)
    boxes = _find_seals(share_around(dots, STROKE_IN * dpi) > MIN_DOTS, dpi=dpi)
    if not boxes:
        return gray
    is_rule = _draw_rules(find_rules(gray, dpi=dpi), *gray.shape)
    cleared = gray
    margin = round(MARGIN_IN * dpi)
    for left, top, right, bottom in (map(round, box) for box in boxes):
        part = slice(max(0, top - margin), bottom + margin), slice(max(0, left - margin), right + margin)
        if dots[part][is_rule[part]].sum() > OF_RULES * dots[part].sum():
            continue
        if cleared is gray:
            cleared = gray.copy()
        _clear(cleared[part], is_rule[part], dpi=dpi)
    return cleared


def _draw_rules(rules: Rules, height: int, width: int) -> np.ndarray:
    """The pixels of rules and beside them, (H, W) bool."""
    drawn = np.zeros((height, width), np.uint8)
    ends = [((r.start, r.position), (r.stop, r.position), r.thickness) for r in rules.horizontal]
    ends += [((r.position, r.start), (r.position, r.stop), r.thickness) for r in rules.vertical]
    for start, stop, thickness in ends:
        (x0, y0), (x1, y1) = rules.to_page(*start), rules.to_page(*stop)
        cv2.line(drawn, (round(x0), round(y0)), (round(x1), round(y1)), (1,), round(thickness) + 2)
    return drawn > 0


def _find_seals(is_dotted: np.ndarray, *, dpi: float) -> list[BBox]:
    """The boxes of what is dotted, (H, W) bool, and has the size of a seal; rules may part it."""
    low, high = (side * dpi / STEP for side in SEAL_IN)
    small = np.ascontiguousarray(is_dotted[::STEP, ::STEP]).astype(np.uint8)
    size = max(3, round(GAP_IN * dpi / STEP))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    joined = cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc)
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    parts = [BBox(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:count].tolist()]
    seals = []
    for box in _join(parts, longest=high):
        short, long = sorted((box.width, box.height))
        if low <= short and long <= min(high, MAX_ASPECT * short):
            seals.append(box)
    return [BBox(*(STEP * side for side in box)) for box in seals]


def _join(boxes: Sequence[BBox], *, longest: float) -> list[BBox]:
    """Boxes that overlap made one, where it is no longer than that."""
    joined: list[BBox] = []
    for box in boxes:
        for other in [other for other in joined if intersection_area(box, other) > 0]:
            both = union((box, other))
            if max(both.width, both.height) <= longest:
                joined.remove(other)
                box = both
        joined.append(box)
    return joined


def _near(marks: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.dilate(marks.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def _clear(part: np.ndarray, is_rule: np.ndarray, *, dpi: float) -> None:
    """Whiten the marks of dots in a part of the page, (h, w) uint8, but for rules."""
    ink = (part < DARK).astype(np.uint8)
    is_rule = is_rule | _near(find_straight(ink, round(RULE_IN * dpi)) | find_dotted(ink, dpi=dpi))
    ink[is_rule] = 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    n_dots = np.bincount(labels[find_alone(ink > 0)], minlength=count)
    is_seal = n_dots >= OF_DOTS * stats[:, cv2.CC_STAT_AREA]
    is_seal[0] = False
    is_print = ~is_seal
    is_print[0] = False
    reach = 2 * round(POINT_IN * dpi) + 1
    near = cv2.dilate(is_print[labels].astype(np.uint8), np.ones((3, reach), np.uint8)) > 0
    is_point = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1) <= POINT_PX
    is_seal &= ~(is_point & (np.bincount(labels[near], minlength=count) > 0))
    # What lies between dots of a page that has been resampled is grey.
    is_near = _near(is_seal[labels]) & ~is_rule
    part[is_near & ((part >= DARK) | is_seal[labels])] = int(np.bincount(part.ravel()).argmax())
