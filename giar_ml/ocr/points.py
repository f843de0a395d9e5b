"""Decimal points by their ink: where the readings of a figure differ by one, whether a mark stands there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from giar_ml.document import BBox, Reading, Token
from giar_ml.figures import digits_of
from giar_ml.levels import Levels

INK, CORE = (0.3, 0.4), 0.6
"""How dark ink is, from the paper to the darkest of a figure: at the first blurred marks touch, at the second
thin digits are in pieces. The last parts blurred points from their digits."""
DIGIT = 0.6
"""Height of digits at least, in heights of the highest."""
FOOT = (0.82, 1.15)
"""How far below the top of the digits the middle of a point is, in their heights."""
SIZE = (0.11, 0.45)
"""Its width and height at least and at most, in the same; what is smaller is a speck."""
DARK = 0.7
"""How dark it is, in depths of the figure's darkest ink: dirt of its size is mostly paler."""
ODDS = 100.0
"""How many times likelier a reading is that has its points where such marks are, and no others. Of 404
figures without a point or comma 356 clearly had none, and one had dirt that looked like one; of 117 with one
62 clearly had it, and none clearly had not."""
_SEPARATOR = re.compile(r"(?<=\d)[.,]+(?=\d)")


class Mark(NamedTuple):
    """Of a mark at the foot of a figure, how many digits stand before it and behind it: at least, as digits
    that touch are seen as one."""

    before: int
    behind: int


def weigh_points(token: Token, gray: np.ndarray) -> Token:
    """The token, of its readings with the same digits those likelier that have points where the ink has marks
    for them; as it is where the ink is not clear: a digit in pieces, a speck.

    Args:
        gray: (H, W) uint8, the page.
    """
    if len(token.readings) < 2:
        return token
    digits = digits_of(token.readings[0].text)
    places = [_places(text) if digits_of(text) == digits else None for text, _ in token.readings]
    if not digits or len({place for place in places if place is not None}) < 2:
        return token
    marks = find_points(gray, token.bbox, n_digits=len(digits))
    if marks is None:
        return token
    fits = [place is not None and _fit(marks, place, len(digits)) for place in places]
    if not any(fits):
        return token
    weights = [
        p if fit or place is None else p / ODDS
        for (_, p), place, fit in zip(token.readings, places, fits, strict=True)
    ]
    own = [i for i, place in enumerate(places) if place is not None]
    share = sum(token.readings[i].probability for i in own) / sum(weights[i] for i in own)
    weighed = (
        Reading(text, w if place is None else share * w)
        for (text, _), place, w in zip(token.readings, places, weights, strict=True)
    )
    readings = tuple(sorted(weighed, key=lambda reading: -reading.probability))
    text = next((text for text, _ in readings if text), token.text)
    return replace(token, text=text, confidence=readings[0].probability, readings=readings)


def find_points(gray: np.ndarray, bbox: BBox, *, n_digits: int) -> tuple[Mark, ...] | None:
    """The points of a figure by its ink, from left to right; None where it does not tell.

    Args:
        gray: (H, W) uint8, the page.
        bbox: of the figure.
    """
    left, top, right, bottom = (max(0, round(side)) for side in bbox)
    part = gray[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1]
    levels = Levels(part)
    paper = levels.paper
    depth = paper - levels.quantile(0.01)
    if depth <= 0:
        return None
    darkness = (paper - part.astype(np.float32)) / depth
    found = {_find_marks(darkness, ink, n_digits) for ink in INK}
    shown = found - {None, ()}
    if not shown and () in found and not _find_marks(darkness, CORE, n_digits):
        return ()
    return shown.pop() if len(shown) == 1 else None


def _find_marks(darkness: np.ndarray, ink: float, n_digits: int) -> tuple[Mark, ...] | None:
    _, labels, stats, _ = cv2.connectedComponentsWithStats((darkness > ink).astype(np.uint8), connectivity=8)
    lefts, tops, widths, heights, _ = stats[1:].T
    is_digit = heights >= DIGIT * heights.max(initial=0)
    n_seen = np.count_nonzero(is_digit)
    if not 0 < n_seen <= n_digits:
        return None
    high = float(np.median(heights[is_digit]))
    line_top = float(np.median(tops[is_digit]))
    starts, stops = lefts[is_digit], (lefts + widths)[is_digit]
    least, most = (share * high for share in SIZE)
    marks: list[Mark] = []
    n_specks = 0
    for i in np.flatnonzero(~is_digit)[np.argsort(lefts[~is_digit], kind="stable")]:
        before = int(np.count_nonzero(stops <= lefts[i] + 1))
        behind = int(np.count_nonzero(starts >= lefts[i] + widths[i] - 1))
        if before == 0 or behind == 0:
            continue  # beside the figure
        middle = (tops[i] + heights[i] / 2 - line_top) / high
        size = max(widths[i], heights[i])
        is_point = before + behind == n_seen and FOOT[0] <= middle <= FOOT[1]
        is_point &= least <= min(widths[i], heights[i]) and size <= most
        if is_point and darkness[labels == i + 1].max() >= DARK:
            marks.append(Mark(before, behind))
        elif size < least:
            n_specks += 1
        else:
            return None
    is_clear = len(set(marks)) == len(marks) and (marks or not n_specks)
    return tuple(marks) if is_clear and (marks or n_seen == n_digits) else None


def _fit(marks: Sequence[Mark], places: Sequence[int], n_digits: int) -> bool:
    """Whether a reading has its separators where marks are."""
    return len(marks) == len(places) and all(
        mark.before <= place and mark.behind <= n_digits - place
        for mark, place in zip(marks, places, strict=True)
    )


def _places(text: str) -> tuple[int, ...]:
    """How many digits stand before each separator of a reading."""
    return tuple(len(digits_of(text[: match.start()])) for match in _SEPARATOR.finditer(text))
