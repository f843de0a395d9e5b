"""What the ink of a figure says against it, whatever is read: two figures side by side, or one that is struck
out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from giar_ml.document import Reading, Token
from giar_ml.geometry import runs
from giar_ml.ocr.lines import Line

HIGH = 0.5
"""Height of a digit at least, in heights of its line: of two figures side by side one may be smaller."""
WIDE, WIDER = 0.6, 0.35
"""Width of the white between two figures at least, in heights of their line, and how much wider it is than
any between digits of one: next to a 1 it is wider than elsewhere, and in full width than in usual one."""
LONE_WIDE = 1.5
"""The same between two digits alone, which may be of one figure in full width."""
OUT, THIN, LEVEL = 0.3, 0.3, 0.15
"""How far a stroke stands out at both sides of what it strikes out, how thick it is at most, and how
straight, in heights of the line."""
THROUGH = 0.97
"""Share of its columns in which a stroke has ink: there is white between digits."""
IS_ALL = 0.5
"""Probability that a figure is what is printed, where its ink says that it may be two, or struck out."""


def tell_apart(ink: np.ndarray) -> bool:
    """Whether ink, (h, w) bool, of a line of digits is two figures, or one that lost something: white much
    wider than elsewhere."""
    high = len(ink)
    marks = runs(np.asarray(ink.any(axis=0)))
    is_digit = [np.ptp(np.flatnonzero(ink[:, a:b].any(axis=1))) >= HIGH * high for a, b in marks]
    gaps = [marks[i + 1][0] - marks[i][1] for i in range(len(marks) - 1) if is_digit[i] and is_digit[i + 1]]
    if not gaps:
        return False
    *others, widest = sorted(gaps)
    if others:
        return widest >= WIDE * high and widest - others[-1] >= WIDER * high
    are_figures = all(b - a > high for a, b in marks)
    return widest >= (WIDE if are_figures else LONE_WIDE) * high


def is_struck(ink: np.ndarray) -> bool:
    """Whether a straight stroke runs through all of the ink, (h, w) bool, of a line and stands out at both
    sides."""
    high, width = ink.shape
    out = round(OUT * high)
    if out < 2 or width < 4 * out:
        return False
    ends = []
    for end in (ink[:, :out], ink[:, width - out :]):
        strokes = [np.flatnonzero(column) for column in end.T]
        if any(not len(own) or np.ptp(own) + 1 > THIN * high for own in strokes):
            return False
        ends.append(float(np.mean([own.mean() for own in strokes])))
    # Their middles are `out / 2` from the sides.
    places = ends[0] + (ends[1] - ends[0]) * (np.arange(width) - out / 2) / (width - out)
    reach = LEVEL * high
    rows = np.arange(high)[:, None]
    is_near = (rows >= places - reach) & (rows <= places + reach)
    return bool((ink & is_near).any(axis=0).mean() >= THROUGH)


def with_doubts(tokens: Sequence[Token], lines: Sequence[Line]) -> list[Token]:
    """The tokens, figures of which the ink says that they may not be all as surely as this allows.

    Args:
        lines: what they were read from.
    """
    return [_with_doubt(token, line) for token, line in zip(tokens, lines, strict=True)]


def _with_doubt(token: Token, line: Line) -> Token:
    # Words beside a figure stand apart from it, and are no less its own.
    if not line.is_doubted or not token.readings or any(map(str.isalpha, token.text)):
        return token
    readings = tuple(Reading(text, IS_ALL * p) for text, p in token.readings)
    return replace(token, confidence=readings[0].probability, readings=readings)
