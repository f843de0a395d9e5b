"""Figures that stand alone outside tables: text detection loses an isolated 0 or puts its box beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from giar_ml.document import UNREAD, BBox, Token
from giar_ml.figures import is_figure, plain
from giar_ml.geometry import intersection_area, overlap, union
from giar_ml.layout import INK_LEVEL
from giar_ml.levels import page_paper_level
from giar_ml.ocr.cells import crop_line
from giar_ml.ocr.ink import MAX_BESIDE_POINT, MIN_INK_IN
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
    marks = _join_at_points(marks, tokens)
    words = [token.bbox for token in tokens if token.text != UNREAD]
    return [
        Line(_crop(gray, mark, dpi=dpi), BBox(*map(float, mark)))
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
    joined = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    low, high = (x * dpi for x in HEIGHT_IN)
    marks = []
    for left, top, width, height, _ in stats[1:count].tolist():
        if not (low <= height <= high and width <= MAX_ASPECT * height):
            continue
        if max(width, height) < MIN_INK_IN * dpi:
            continue
        own = ink[top : top + height, left : left + width]
        if (own & read[top : top + height, left : left + width]).sum() < COVERED * own.sum():
            marks.append(BBox(left, top, left + width, top + height))
    return marks


def _join_at_points(marks: Sequence[BBox], tokens: Sequence[Token]) -> list[BBox]:
    """The marks with those made one that were read as one figure with a point: in full width it has the room
    of a digit."""
    joined = list(marks)
    for token in tokens:
        text = plain(token.text)
        if "." not in text or not is_figure(text):
            continue
        inside = sorted(m for m in joined if intersection_area(m, token.bbox) >= COVERED * m.width * m.height)
        gaps = [b.left - a.right for a, b in pairwise(inside)]
        if len(inside) > 1 and max(gaps) <= MAX_BESIDE_POINT[1] * max(mark.height for mark in inside):
            joined = [*(m for m in joined if m not in inside), union(inside)]
    return joined


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


def _crop(gray: np.ndarray, mark: BBox, *, dpi: float) -> np.ndarray:
    left, top, right, bottom = (int(x) for x in mark)
    return crop_line(gray, left, top, right, bottom, free=(0, len(gray)), dpi=dpi)
