"""Figures that stand alone outside tables: text detection loses an isolated 0 or puts its box beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import cv2
import numpy as np

from giar_ml.document import UNREAD, BBox, Token
from giar_ml.figures import is_figure, plain
from giar_ml.geometry import intersection_area, overlap, runs, union
from giar_ml.layout import INK_LEVEL
from giar_ml.levels import page_paper_level, paper_level
from giar_ml.ocr.cells import crop_line
from giar_ml.ocr.ink import MAX_BESIDE_POINT, MIN_INK_IN, SIGN_MIDDLE
from giar_ml.ocr.lines import Line

GAP_IN = 0.08
"""Between the characters of one figure: 11 has the widest. Columns stand further apart."""
HEIGHT_IN = (0.05, 0.25)
COVERED = 0.5
"""Share of a mark's ink inside a token that has read it."""
IN_LINE = 0.5
"""Share of its height that a mark has in common with other print beside it."""
PALEST = 0.5
"""Grey levels below the paper of the palest strokes of a mark, in those of ink."""
MAX_ASPECT = 8.0
"""Width by height of the longest: 12,345,678.90 has about 6."""
MAX_FULL_WIDTH_GAP = 1.15
"""Gap between two digits in full width, in heights of them: 11 has the widest. Columns of single digits
stand twice as far apart."""
EVEN = 1.5
"""The longest step from one digit of a figure to the next, in shortest ones: between columns it is twice as
long as in a figure."""
PIECE_GAP = 0.25
"""Gap between the pieces of a digit at most, in heights of it."""
SIGN_REACH = 1.8
"""How far before a digit its sign begins, in heights of it: in full width both have room around them."""


def find_marks(gray: np.ndarray, ink: np.ndarray, tokens: Sequence[Token], *, dpi: float) -> list[Line]:
    """Marks as high as figures that stand in one line with other print and that no word has read.

    Args:
        gray: (H, W) uint8.
        ink: (H, W) bool, what is dark outside tables.
        tokens: what was read there. Words stand for their ink, figures do not: theirs is found anew.
        dpi: resolution.
    """
    read = np.zeros(ink.shape, bool)
    for token in tokens:
        if not _is_figure(token):
            left, top, right, bottom = (max(0, round(x)) for x in token.bbox)
            read[top:bottom, left:right] = True
    marks = _find_boxes(ink, read, dpi=dpi)
    # Of pale print some strokes alone are as dark as ink is.
    for box in _find_boxes(_with_pale_strokes(ink, gray), read, dpi=dpi):
        parts = [mark for mark in marks if intersection_area(box, mark)]
        if len(parts) <= 1:
            marks = [*(mark for mark in marks if mark not in parts), union([box, *parts])]
    marks = _join_as_read(marks, tokens, ink)
    words = [token.bbox for token in tokens if token.text != UNREAD]
    if not marks:
        return []
    paper = paper_level(gray)
    return [
        Line(_crop(gray, mark, dpi=dpi, paper=paper), BBox(*map(float, mark)))
        for mark in marks
        if any(_is_beside(mark, other) for other in (*words, *marks) if other is not mark)
    ]


def _with_pale_strokes(ink: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """The ink with the paler strokes that hang together with it."""
    paper = page_paper_level(gray)
    pale = (gray < paper - PALEST * INK_LEVEL).view(np.uint8)
    count, labels = cv2.connectedComponents(pale, connectivity=8)
    # By the few pixels that are pale at least: nine in ten are paper.
    flat = labels.ravel()
    has_ink = np.zeros(count, bool)
    has_ink[flat[np.flatnonzero(ink)]] = True
    has_ink[0] = False
    places = np.flatnonzero(pale)
    found = ink.flatten()
    found[places] |= has_ink[flat[places]]
    return found.reshape(ink.shape)


def _find_boxes(ink: np.ndarray, read: np.ndarray, *, dpi: float) -> list[BBox]:
    """The boxes of marks as high as figures, most of them not `read`; (H, W) bool each."""
    gap = max(1, round(GAP_IN * dpi))
    # Tables and white are most of a page: of rows without ink one is left between others.
    has_ink = np.asarray(ink.any(axis=1))
    rows = np.flatnonzero(has_ink | np.append(False, has_ink[:-1]))
    if not len(rows):
        return []
    joined = cv2.morphologyEx(ink[rows].view(np.uint8), cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    low, high = (x * dpi for x in HEIGHT_IN)
    marks = []
    for left, row, width, height, _ in stats[1:count].tolist():
        top = int(rows[row])
        if not (low <= height <= high and width <= MAX_ASPECT * height):
            continue
        if max(width, height) < MIN_INK_IN * dpi:
            continue
        own = ink[top : top + height, left : left + width]
        if (own & read[top : top + height, left : left + width]).sum() < COVERED * own.sum():
            marks.append(BBox(left, top, left + width, top + height))
    return marks


def _join_as_read(marks: Sequence[BBox], tokens: Sequence[Token], ink: np.ndarray) -> list[BBox]:
    """The marks with those made one that were read as one figure: digits in full width, and points, which
    have the room of one there. A sign in front, which is no mark by itself, goes with its digits."""
    joined = list(marks)
    for token in tokens:
        text = plain(token.text)
        if not is_figure(text):
            continue
        inside = sorted(m for m in joined if intersection_area(m, token.bbox) >= COVERED * m.width * m.height)
        if not inside or not _is_one_figure(inside, text, ink):
            continue
        box = union(inside)
        if text[0] in "-+":
            box = _with_sign(box, token.bbox, ink)
        joined = [*(m for m in joined if m not in inside), box]
    return joined


def _is_one_figure(marks: Sequence[BBox], text: str, ink: np.ndarray) -> bool:
    """Whether marks side by side are the figure that was read there: with a point between, each of them one
    of its characters, or its digits at even steps, some of which are so near that they are one mark."""
    # Pieces of one digit lie below each other.
    rights = accumulate((mark.right for mark in marks), max)
    gaps = [mark.left - right for mark, right in zip(marks[1:], rights, strict=False)]
    gap = max(gaps, default=0.0) / max(mark.height for mark in marks)
    if len(marks) == 1 or ("." in text and gap <= MAX_BESIDE_POINT[1]):
        return True
    # The words behind a figure may be one mark with its last digit.
    n_digits, n_characters = sum(map(str.isdecimal, text)), len(text.lstrip("-+"))
    if len(marks) > n_characters or gap > MAX_FULL_WIDTH_GAP:
        return False
    return n_digits <= len(marks) or (n_digits == n_characters and _are_even(union(marks), n_digits, ink))


def _are_even(box: BBox, n_digits: int, ink: np.ndarray) -> bool:
    """Whether so many digits stand in a box, all as far from the next."""
    left, top, right, bottom = (round(side) for side in box)
    # Pale digits are in pieces.
    digits = runs(np.asarray(ink[top:bottom, left:right].any(axis=0)), gap=round(PIECE_GAP * box.height))
    steps = [sum(b) - sum(a) for a, b in pairwise(digits)]
    return len(digits) == n_digits and max(steps) <= EVEN * min(steps)


def _with_sign(box: BBox, read: BBox, ink: np.ndarray) -> BBox:
    """The box of digits with the sign before them, in the middle of their height, that was read there."""
    left, top, _, bottom = (round(side) for side in box)
    first = max(0, round(read.left), left - round(SIGN_REACH * box.height))
    low, high = (round(top + share * (bottom - top)) for share in SIGN_MIDDLE)
    columns = np.flatnonzero(ink[low:high, first:left].any(axis=0))
    return box._replace(left=first + int(columns[0])) if len(columns) else box


def drop_found(tokens: Sequence[Token], marks: Sequence[Token]) -> list[Token]:
    """The tokens without the figures whose ink was found anew as `marks`."""
    return [
        token
        for token in tokens
        if not _is_figure(token) or all(intersection_area(token.bbox, mark.bbox) == 0 for mark in marks)
    ]


def _is_figure(token: Token) -> bool:
    """Whether a token is a figure, or nothing: its box may lie beside its ink."""
    return bool(token.readings) or token.text == UNREAD or is_figure(token.text)


def _is_beside(mark: BBox, other: BBox) -> bool:
    shared = overlap(mark.top, mark.bottom, other.top, other.bottom)
    apart = overlap(mark.left, mark.right, other.left, other.right) == 0
    return apart and shared >= IN_LINE * max(mark.height, min(other.height, 2 * mark.height))


def _crop(gray: np.ndarray, mark: BBox, *, dpi: float, paper: float) -> np.ndarray:
    left, top, right, bottom = (int(x) for x in mark)
    return crop_line(gray, left, top, right, bottom, free=(0, len(gray)), dpi=dpi, paper=paper)
