"""Figures read again in another picture of them: before seals and streaks were taken off, and without what is
no digit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from giar_ml.document import UNREAD, BBox, Before, Token
from giar_ml.figures import digits_of, has_misread_word, is_figure
from giar_ml.geometry import intersection_area
from giar_ml.levels import paper_level
from giar_ml.ocr.cells import crop_line, find_cell_lines
from giar_ml.ocr.digits import DIGIT, LOW, NOTHING, ROUNDED, ROW, SURE, Recognize, find_digits, inside
from giar_ml.ocr.ink import distances_to, find_print
from giar_ml.ocr.lines import Line, mix_readings

BESIDE_IN = 0.1
"""How far beside a figure a digit of it may stand that was taken off."""
BEFORE_IS_RIGHT = 0.85
"""Probability that the picture before a seal was taken off is, where the two differ: of 487 figures below
seals of office scans 20 were read otherwise in it, 17 of them rightly, and 2 rightly without the seal."""
WORDED = 1.2
"""Width of figures with words at least, in heights of their line."""
UNSURE, NEARLY_SURE, MUCH_HIGHER = 0.9, 0.999, 1.5
"""Less probable figures are read again, and what is likelier no figure at all; nearly sure ones only where a
mark is so many times as high as the digits of the page."""
DIRT_IS_READ_AS = 2
"""Digits, at most, such as the stroke of a pen beside a figure, or across its first digit."""
NEAR = 0.5
"""What is lower than a digit may be a point or a sign of one that is so near, in heights of it."""


def read_before(
    tokens: Sequence[Token],
    lines: Sequence[Line],
    bboxes: Sequence[BBox],
    gray: np.ndarray,
    before: Before,
    recognize: Recognize,
    *,
    dpi: float,
) -> list[Token]:
    """The tokens, those of figures from which ink was taken with the readings of both pictures.

    Args:
        lines: what the tokens were read from.
        bboxes: the cells of the tokens.
        gray: (H, W) uint8, the page without seals and streaks.
    """
    changed = gray != before.gray
    kept = np.where(before.doubtful, before.gray, gray)
    again: dict[int, Line] = {}
    for i, (token, line) in enumerate(zip(tokens, lines, strict=True)):
        if token.readings and _around(changed, token.bbox, BESIDE_IN * dpi).any():
            found = _lines_at(kept, bboxes[i], token, dpi=dpi)
            if len(found) == 1:
                again[i] = found[0]._replace(faint=line.faint)
    seconds = dict(zip(again, recognize(list(again.values()), before.gray), strict=True))
    return _with_second(tokens, seconds, share=BEFORE_IS_RIGHT if before.has_seal else 0.5)


def read_words(tokens: Sequence[Token], gray: np.ndarray, recognize: Recognize, *, dpi: float) -> list[Token]:
    """The tokens, doubtful figures, and those with misread words, as they are read in the page itself where
    that shows words with them: what is taken off around print may be the pale strokes of a unit.

    Args:
        gray: (H, W) uint8, the page.
    """
    again: dict[int, Line] = {}
    for i, token in enumerate(tokens):
        is_doubtful = (token.readings and token.confidence < SURE) or has_misread_word(token.text)
        if is_doubtful and token.bbox.width > WORDED * token.bbox.height:
            left, top, right, bottom = (round(side) for side in token.bbox)
            crop = crop_line(gray, left, top, right, bottom, free=(top, bottom), dpi=dpi)
            again[i] = Line(crop, token.bbox)
    tokens = list(tokens)
    for i, token in zip(again, recognize(list(again.values()), gray), strict=True):
        has_words = any(map(str.isalpha, token.text)) and is_figure(token.text)
        is_better = token.confidence > tokens[i].confidence or not tokens[i].readings
        if has_words and token.readings and is_better:
            tokens[i] = token
    return tokens


def read_paler(
    tokens: Sequence[Token], bboxes: Sequence[BBox], gray: np.ndarray, recognize: Recognize, *, dpi: float
) -> list[Token]:
    """The tokens, with what is read in cells that hold but marks that are no print, once these are gone: dirt
    that is darker than print hides it.

    Args:
        bboxes: the cells of the tokens.
        gray: (H, W) uint8, the page.
    """
    of_cell: dict[BBox, list[int]] = {}
    for i, bbox in enumerate(bboxes):
        of_cell.setdefault(bbox, []).append(i)
    dirty = {bbox: own for bbox, own in of_cell.items() if not any(tokens[i].text for i in own)}
    if not dirty:
        return list(tokens)
    page = gray.copy()
    again: dict[int, Line] = {}
    for bbox, own in dirty.items():
        paper = round(paper_level(gray[inside(bbox)]))
        for left, top, right, bottom in (map(round, tokens[i].bbox) for i in own):
            page[max(0, top - 1) : bottom + 2, max(0, left - 1) : right + 2] = paper
        found = find_cell_lines(page, bbox, dpi=dpi)
        if len(found) == 1:
            again[own[0]] = found[0]
    found_tokens = dict(zip(again, recognize(list(again.values()), page), strict=True))
    return [found_tokens.get(i, token) for i, token in enumerate(tokens)]


def read_digits(
    tokens: Sequence[Token], bboxes: Sequence[BBox], gray: np.ndarray, recognize: Recognize, *, dpi: float
) -> list[Token]:
    """The tokens, unsure figures also with the readings of those marks alone that are as high as the digits
    of the page: others are dirt, strokes of a pen, rests of a seal.

    Args:
        bboxes: the cells of the tokens.
        gray: (H, W) uint8, the page.
    """
    digits = find_digits(tokens)
    if digits is None:
        return list(tokens)
    page = gray
    again: dict[int, Line] = {}
    tokens = list(tokens)
    for i, token in enumerate(tokens):
        is_sure = token.confidence >= NEARLY_SURE and not token.is_likely_nothing
        has_words = any(map(str.isalpha, token.text))  # 减少 is higher than digits
        if is_sure or has_words or not (token.readings or token.text == UNREAD):
            continue
        box = inside(bboxes[i])
        cell = gray[box]
        if not cell.size:
            continue
        middle = digits.middle(bboxes[i])
        middle = None if middle is None else middle - box[0].start
        least = MUCH_HIGHER if token.confidence >= UNSURE and not token.is_likely_nothing else 0.0
        other = _find_other(cell, high=digits.high, middle=middle, least=least, dpi=dpi)
        if other is None:
            continue
        if page is gray:
            page = gray.copy()
        page[box][other] = round(paper_level(cell))
        found = _lines_at(page, bboxes[i], token, dpi=dpi)
        if len(found) == 1:
            again[i] = found[0]
        elif not found:
            tokens[i] = mix_readings(token, (NOTHING,))
    seconds = zip(again, recognize(list(again.values()), page), strict=True)
    return _with_second(tokens, {i: token for i, token in seconds if not _is_torn(tokens[i], token)})


def _is_torn(token: Token, second: Token) -> bool:
    """Whether a likely figure has lost more digits than dirt is read as with what was taken for none of it:
    such as touch are higher than a digit where a figure slants."""
    n_lost = len(digits_of(token.text)) - len(digits_of(second.text))
    return token.confidence >= UNSURE and not token.is_likely_nothing and n_lost > DIRT_IS_READ_AS


def _lines_at(page: np.ndarray, bbox: BBox, token: Token, *, dpi: float) -> list[Line]:
    """The lines of a cell of a page that are where a token is."""
    return [line for line in find_cell_lines(page, bbox, dpi=dpi) if intersection_area(line.bbox, token.bbox)]


def _find_other(
    cell: np.ndarray, *, high: float, middle: float | None, least: float = 0.0, dpi: float
) -> np.ndarray | None:
    """The ink of a cell that is none of a figure's, (h, w) bool; None where all of it may be, or none.

    Args:
        high: height of digits, in pixels.
        middle: where figures of this row have theirs.
        least: height of what is looked for, in digits'.
    """
    _, ink, _ = find_print(cell, dpi=dpi)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    heights = stats[:, cv2.CC_STAT_HEIGHT]
    is_digit = (DIGIT[0] * high - ROUNDED <= heights) & (heights <= DIGIT[1] * high + ROUNDED)
    is_digit[0] = False
    middles = stats[:, cv2.CC_STAT_TOP] + heights / 2
    if middle is not None:
        is_digit &= np.abs(middles - middle) <= ROW * high
    elif is_digit.any():
        is_near = np.abs(middles[:, None] - middles[None, is_digit]) <= ROW * high
        is_digit &= is_near[:, is_near[is_digit].sum(axis=0).argmax()]
    if is_digit.any():
        # Of a pale digit a part may be lost: the rest begins, or ends, where the others do.
        tops, stops = stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_TOP] + heights
        ends = (np.abs(at - np.median(at[is_digit])) <= ROUNDED for at in (tops, stops))
        is_high = (heights > LOW * high) & (heights <= DIGIT[1] * high + ROUNDED)
        is_narrow = stats[:, cv2.CC_STAT_WIDTH] <= high
        is_digit |= is_high & is_narrow & np.logical_or(*ends)
        is_digit[0] = False
        small = (stats[:, 2:4].max(axis=1) <= LOW * high) & ~is_digit
        for k in np.flatnonzero(small):
            is_digit[k] = distances_to(stats[k], stats[is_digit]).min() <= NEAR * high
    elif (heights[1:] > LOW * high).any():
        return None  # digits that touch something
    is_digit |= heights < least * high
    is_digit[0] = True
    if is_digit.all():
        return None
    other = (~is_digit)[labels]
    wide = cv2.dilate(other.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return np.asarray(wide & ~(ink & ~other))


def _with_second(tokens: Sequence[Token], seconds: Mapping[int, Token], *, share: float = 0.5) -> list[Token]:
    """The tokens, those read again with both readings; `share` is how likely the second one is right, unless
    the first is likely nothing."""
    tokens = list(tokens)
    for i, second in seconds.items():
        own = 0.5 if tokens[i].is_likely_nothing else share
        tokens[i] = mix_readings(tokens[i], second.readings, share=own)
    return tokens


def _around(page: np.ndarray, bbox: BBox, beside: float) -> np.ndarray:
    """The page where a line is, and beside it."""
    left, right = max(0, round(bbox.left - beside)), round(bbox.right + beside)
    return page[max(0, round(bbox.top)) : round(bbox.bottom) + 1, left:right]
