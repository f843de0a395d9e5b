"""Cells in which no print is seen, read where the figures of their row stand: it may have been taken off with
a seal, or be too pale."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from giar_ml.document import BBox, Before, Token
from giar_ml.geometry import runs
from giar_ml.levels import Levels
from giar_ml.ocr.cells import EDGE_IN, crop_line
from giar_ml.ocr.digits import DIGIT, LOW, NOTHING, ROUNDED, ROW, Recognize, find_digits, inside
from giar_ml.ocr.lines import Line, mix_readings

TAKEN, MIN_TAKEN = 45, 0.15
"""Levels by which a place was darker before ink was taken off, and how much of it may have been a digit, in
squares of its height."""
PALE_DEPTH, PALE_TO_NOISE = 12.0, 6.0
"""Grey levels of what is paler than print below the paper; the same in median deviations of that."""
MISSED_DIGIT, MIN_MISSED = 0.8, 0.07
"""Height of such a digit, in others', and how much of its square is dark at least."""


def read_emptied(
    bboxes: Sequence[BBox],
    tokens: Sequence[Token],
    gray: np.ndarray,
    before: Before,
    recognize: Recognize,
    *,
    dpi: float,
) -> dict[int, Token]:
    """What may have stood in cells that are blank since ink was taken where the figures of their
    row stand, by the index of the cell.

    Args:
        bboxes: the blank cells.
        tokens: of the other cells.
        gray: (H, W) uint8, the page without seals and streaks.
    """
    digits = find_digits(tokens)
    if digits is None:
        return {}
    again: dict[int, Line] = {}
    for i, bbox in enumerate(bboxes):
        middle = digits.middle(bbox)
        if middle is None:
            continue
        rows, columns = inside(bbox)
        rows = slice(round(middle - digits.high / 2), round(middle + digits.high / 2) + 1)
        was = before.gray[rows, columns].astype(np.int16)
        taken = was < gray[rows, columns].astype(np.int16) - TAKEN
        if taken.sum() < MIN_TAKEN * digits.high**2 or taken.any(axis=1).sum() < LOW * digits.high:
            continue
        at = np.flatnonzero(taken.any(axis=0))
        left, right = columns.start + int(at[0]), columns.start + int(at[-1]) + 1
        line = BBox(left, rows.start, right, rows.stop)
        free = max(0, round(bbox.top)), round(bbox.bottom)
        crop = crop_line(before.gray, left, rows.start, right, rows.stop, free=free, dpi=dpi)
        again[i] = Line(crop, line)
    found = recognize(list(again.values()), before.gray)
    return {
        i: mix_readings(Token("", line.bbox, 1.0, (NOTHING,)), token.readings or (NOTHING,))
        for (i, line), token in zip(again.items(), found, strict=True)
    }


def read_missed(
    bboxes: Sequence[BBox], tokens: Sequence[Token], gray: np.ndarray, recognize: Recognize, *, dpi: float
) -> dict[int, Token]:
    """What may stand in cells in which no print is seen, by the index of the cell: marks as high as the
    figures of their row, where these stand, but paler.

    Args:
        bboxes: the cells in which none is seen.
        tokens: of the other cells.
        gray: (H, W) uint8, the page.
    """
    digits = find_digits(tokens)
    if digits is None:
        return {}
    edge = round(EDGE_IN * dpi)
    again: dict[int, Line] = {}
    for i, bbox in enumerate(bboxes):
        middle = digits.middle(bbox)
        rows, columns = inside(bbox)
        cell = gray[rows, columns.start + edge : max(0, columns.stop - edge)]
        if middle is None or not cell.size:
            continue
        levels = Levels(cell)
        depth = max(PALE_DEPTH, PALE_TO_NOISE * levels.spread(levels.paper))
        pale = (cell < levels.paper - depth).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(pale, connectivity=8)
        lefts, tops, widths, heights, areas = stats.T
        is_digit = (MISSED_DIGIT * digits.high <= heights) & (heights <= DIGIT[1] * digits.high + ROUNDED)
        is_digit &= (widths <= digits.high) & (areas >= MIN_MISSED * digits.high**2)
        is_digit &= np.abs(rows.start + tops + heights / 2 - middle) <= ROW * digits.high
        is_digit[0] = False
        if not is_digit.any():
            continue
        first, last = int(tops[is_digit].min()), int((tops + heights)[is_digit].max())
        left, right = int(lefts[is_digit].min()), int((lefts + widths)[is_digit].max())
        line = runs(np.asarray(pale[first:last].any(axis=0)), gap=round(digits.high))
        start, stop = next(run for run in line if run[0] <= left < run[1])
        if stop < right:
            continue  # what stands so far apart is no figure
        left, right = (columns.start + edge + at for at in (start, stop))
        top, bottom = rows.start + first, rows.start + last
        free = max(0, round(bbox.top)), round(bbox.bottom)
        crop = crop_line(gray, left, top, right, bottom, free=free, dpi=dpi)
        again[i] = Line(crop, BBox(left, top, right, bottom))
    found = recognize(list(again.values()), gray)
    return {
        i: mix_readings(Token("", token.bbox, 1.0, (NOTHING,)), token.readings)
        for i, token in zip(again, found, strict=True)
        if token.readings and not token.is_likely_nothing
    }
