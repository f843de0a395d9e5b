"""How high the digits of a page are, and where the figures of a row stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox, Reading, Token
from giar_ml.ocr.lines import Line

SURE = 0.99
"""Probability of figures that tell how high digits are."""
MIN_SURE = 3
"""So many of them are needed."""
DIGIT, ROUNDED = (0.85, 1.2), 1.0
"""Height of digits of a page, in their median, and the pixels by which it is less or more."""
ROW = 0.25
"""How far the middles of digits of one figure lie apart, in heights."""
LOW = 0.6
"""What is lower is no digit, nor hid one, in heights of one."""
NOTHING = Reading("", 1.0)

Recognize = Callable[[Sequence[Line], np.ndarray], list[Token]]
"""The tokens of lines of a page, (H, W) uint8."""


class Digits(NamedTuple):
    """The sure figures of a page, (N, 4), and how high their digits are."""

    bboxes: np.ndarray
    high: float

    def middle(self, bbox: BBox) -> float | None:
        """Where the figures of the row of a cell have theirs."""
        tops, bottoms = self.bboxes[:, 1], self.bboxes[:, 3]
        beside = (tops >= bbox.top) & (bottoms <= bbox.bottom)
        return float(np.median((tops + bottoms)[beside]) / 2) if beside.any() else None


def find_digits(tokens: Sequence[Token]) -> Digits | None:
    """None where too few figures are sure."""
    sure = np.array([t.bbox for t in tokens if t.text.isdecimal() and t.confidence >= SURE])
    return Digits(sure, float(np.median(sure[:, 3] - sure[:, 1]))) if len(sure) >= MIN_SURE else None


def inside(bbox: BBox) -> tuple[slice, slice]:
    """The rows and columns of pixels in a cell, without its rules."""
    left, top, right, bottom = (round(side) for side in bbox)
    return slice(max(0, top + 2), max(0, bottom - 1)), slice(max(0, left + 2), max(0, right - 1))
