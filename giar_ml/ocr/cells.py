"""The lines of text inside the cells of ruled tables, by their ink."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from giar_ml.document import BBox
from giar_ml.geometry import runs
from giar_ml.levels import Levels, paper_level
from giar_ml.ocr.doubt import is_struck, tell_apart
from giar_ml.ocr.ink import (
    FAINT_CONTRAST,
    MIN_CONTRAST,
    MIN_CONTRAST_TO_NOISE,
    MIN_DEPTH,
    MIN_INK_IN,
    SPECK_IN,
    find_print,
    is_made_of_specks,
)
from giar_ml.ocr.lines import Line
from giar_ml.ocr.remnants import REMNANT_IN

COLUMN_GAP_IN = 0.2
"""What stands further apart in one line is read apart: the rule between may have been lost."""
FULL_WIDTH, OFF_GRID = (0.9, 1.9), 0.2
"""From digit to digit of a figure in full width, in heights of its line, and how far that is off, in steps,
as fonts have them. A point takes the place of a digit, and may be too pale to be ink."""
EDGE_IN = 0.03
"""How far from the edge of a cell its rules may reach."""
DARKEST_PAPER = 128
ROOM_IN = 0.2
"""Width of a cell in which a figure would stand; of a narrower one a part was cut off."""
STUB_IN, LEVEL_STUB_IN = 0.06, 0.15
"""Length of what is left of an upright rule on another at most: digits are higher; and of a level one."""
STEM_OFF_IN, STEM_IN = 0.008, 0.06
"""How far below a stub the ripples of JPEG end, and how far what hangs there may begin."""
LOW_IN = 0.05
"""Height of specks beside each other that are no print: of digits more is left."""
MIN_LINE_IN = 0.06
THICK_STUB, STUB_ASPECT = 1.8, 2
"""Thickness of a stub in remnants' at most, and length of those that are thicker than a remnant."""
LINE_IN = 0.1
"""A lower line (a dash, a 一) is cropped as if it had the height of a figure."""


def find_cell_lines(gray: np.ndarray, bbox: BBox, *, dpi: float) -> list[Line]:
    """The text lines in a cell of the page, top to bottom; none when it holds no ink.

    Text stacked in a narrow cell becomes one line: its characters side by side.
    """
    left, top = math.ceil(bbox.left) + 1, math.ceil(bbox.top) + 1
    right, bottom = math.floor(bbox.right) - 1, math.floor(bbox.bottom) - 1
    left, top = max(0, left), max(0, top)
    cell = gray[top:bottom, left:right]
    if min(cell.shape) < 4:
        return []
    cleaned, ink, contrast = find_print(cell, dpi=dpi)
    if not ink.any():
        return []
    faint = contrast < FAINT_CONTRAST
    rows = _text_rows(ink)
    columns = np.flatnonzero(ink.any(axis=0))
    width = int(columns[-1] + 1 - columns[0])
    if _is_stacked(rows, width):
        characters = _stacked_characters(rows, width)
        crop = _side_by_side(cleaned, ink, characters)
        box = BBox(
            left + int(columns[0]), top + rows[0][0], left + int(columns[0]) + width, top + rows[-1][1]
        )
        return [Line(crop, box, faint)]
    lines = []
    merged = _merge_rows(rows, width, dpi=dpi)
    for i, (start, stop) in enumerate(merged):
        # A margin that reaches into the next line would show its figures twice.
        free = merged[i - 1][1] if i else 0, merged[i + 1][0] if i + 1 < len(merged) else len(ink)
        for first, last, has_gap in _split_columns(ink[start:stop], dpi=dpi):
            # What stands apart may be higher, as the arc of a seal is.
            own = np.flatnonzero(ink[start:stop, first:last].any(axis=1))
            above, below = start + int(own[0]), start + int(own[-1]) + 1
            high, wide = below - above, last - first
            if (high if faint else max(high, wide)) < MIN_INK_IN * dpi:
                continue  # pale and low: JPEG's ripples along a rule
            is_upright_stub = _is_stub((above, below), wide, size=len(ink), longest=STUB_IN, dpi=dpi)
            is_stub = is_upright_stub or _is_stub(
                (first, last), high, size=ink.shape[1], longest=LEVEL_STUB_IN, dpi=dpi
            )
            if is_stub and not _has_stem(cell[below:, first:last], paper_level(cell), dpi=dpi):
                continue
            own_ink = ink[above:below, first:last]
            is_specks = is_made_of_specks(own_ink, dpi=dpi)
            if is_specks and high < LOW_IN * dpi:
                continue
            crop = crop_line(cleaned, first, above, last, below, free=free, dpi=dpi)
            is_doubtful = faint or is_specks or is_stub
            box = BBox(left + first, top + above, left + last, top + below)
            is_doubted = (not has_gap and tell_apart(own_ink)) or is_struck(own_ink)
            lines.append(Line(crop, box, is_doubtful, has_gap, is_doubted))
    return lines


def _split_columns(ink: np.ndarray, *, dpi: float) -> list[tuple[int, int, bool]]:
    """What stands apart in a line of ink, (h, w) bool: its first column, the one behind its last, and whether
    there is room for a point between its digits."""
    parts: list[tuple[int, int]] = []
    for start, stop in runs(np.asarray(ink.any(axis=0)), gap=round(COLUMN_GAP_IN * dpi)):
        if parts and _has_room(ink[:, parts[-1][0] : stop]):
            parts[-1] = parts[-1][0], stop
        else:
            parts.append((start, stop))
    return [(start, stop, _has_room(ink[:, start:stop])) for start, stop in parts]


def _has_room(ink: np.ndarray) -> bool:
    """Whether ink, (h, w) bool, is digits in full width with room for a point between two of them, be there
    one or not."""
    marks = runs(np.asarray(ink.any(axis=0)))
    digits = [(a, b) for a, b in marks if np.ptp(np.flatnonzero(ink[:, a:b].any(axis=1))) > len(ink) / 2]
    *steps, widest = sorted(np.diff([(a + b) / 2 for a, b in digits]).tolist()) or [0.0]
    if not steps or any(b - a > len(ink) for a, b in digits):
        return False  # such as touch
    step = sum(steps) / len(steps)
    low, high = (share * len(ink) for share in FULL_WIDTH)
    off = max(steps[-1] - step, step - steps[0], abs(widest - 2 * step))
    return low <= step <= high and off <= OFF_GRID * step


def _is_stub(extent: tuple[int, int], thick: int, *, size: int, longest: float, dpi: float) -> bool:
    """Whether a mark is what is left of a rule where it ended on another: a dash stands off the rules.

    Args:
        extent: where it begins and ends in a cell of this size.
        longest: in inches.
    """
    start, stop = extent
    is_on_rule = min(start, size - stop) <= REMNANT_IN * dpi
    is_thin = thick <= 1.2 * REMNANT_IN * dpi
    is_long = stop - start >= STUB_ASPECT * thick
    is_thick = is_long and thick <= THICK_STUB * REMNANT_IN * dpi and min(start, size - stop) == 0
    return is_on_rule and (is_thin or is_thick) and stop - start <= longest * dpi


def _has_stem(below: np.ndarray, paper: float, *, dpi: float) -> bool:
    """Whether something pale hangs below a mark, as the stem of a 7 does: below what is left of a rule there
    is paper.

    Args:
        below: what of the cell is below the mark.
    """
    start, stop = round(STEM_OFF_IN * dpi), round(STEM_OFF_IN * dpi) + round(STEM_IN * dpi)
    return bool(np.count_nonzero(below[start:stop] < paper - MIN_DEPTH) >= (SPECK_IN * dpi) ** 2)


def is_spotless(gray: np.ndarray, bbox: BBox, *, dpi: float) -> bool:
    """Whether there is nothing darker or lighter than paper, but along the rules, in a cell of the page that
    has room for a figure."""
    edge = round(EDGE_IN * dpi)
    left, top, right, bottom = (max(0, round(side)) for side in bbox)
    inner = gray[top + edge : max(0, bottom - edge), left + edge : max(0, right - edge)]
    if not inner.size or bbox.width < ROOM_IN * dpi:
        return False
    levels = Levels(inner)
    paper = levels.paper
    noise = min(MIN_CONTRAST_TO_NOISE * levels.spread(paper), FAINT_CONTRAST)
    return paper >= DARKEST_PAPER and max(levels.contrast, levels.glare) < max(MIN_CONTRAST, noise)


def _text_rows(ink: np.ndarray) -> list[tuple[int, int]]:
    return runs(np.asarray(ink.any(axis=1)))


def _is_stacked(rows: Sequence[tuple[int, int]], width: int) -> bool:
    """Whether the ink is one column of characters about as high as the column is wide."""
    total = rows[-1][1] - rows[0][0]
    if total < 2.6 * width or len(rows) < 3:
        return False
    tall = [stop - start for start, stop in rows if stop - start > 0.35 * width]
    return bool(tall) and float(np.median(tall)) > 0.65 * width


def _stacked_characters(rows: Sequence[tuple[int, int]], width: int) -> list[tuple[int, int]]:
    """Rows of ink joined to characters: the strokes of 三 or 二 stand apart."""
    characters: list[tuple[int, int]] = []
    for start, stop in rows:
        if (
            characters
            and stop - characters[-1][0] <= 1.1 * width
            and start - characters[-1][1] <= 0.4 * width
        ):
            characters[-1] = (characters[-1][0], stop)
        else:
            characters.append((start, stop))
    return characters


def _side_by_side(cleaned: np.ndarray, ink: np.ndarray, characters: Sequence[tuple[int, int]]) -> np.ndarray:
    columns = np.flatnonzero(ink.any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    em = max(right - left, max(stop - start for start, stop in characters))
    paper = int(paper_level(cleaned))
    pad = max(2, round(0.08 * em))
    tiles = []
    for start, stop in characters:
        tile = np.full((em + 2 * pad, right - left + 2 * pad), paper, np.uint8)
        y = pad + (em - (stop - start)) // 2
        tile[y : y + stop - start, pad : pad + right - left] = cleaned[start:stop, left:right]
        tiles.append(tile)
    return _to_rgb(np.hstack(tiles))


def _merge_rows(rows: Sequence[tuple[int, int]], width: int, *, dpi: float) -> list[tuple[int, int]]:
    """Rows of ink joined to text lines: low ones (dots, the strokes of 二) go to their neighbours."""
    merged = list(rows)
    # A lone 二 or 三 has no high row: its strokes together are about as high as wide.
    total = rows[-1][1] - rows[0][0]
    stroke = min(0.35 * width, 0.3 * total, MIN_LINE_IN * dpi)
    is_lone = 0.6 * width <= total <= 1.2 * width and all(b - a < stroke for a, b in rows)
    # The em of the smallest print (7.5 pt) is LINE_IN: a faint 5 may come in a bar and a bowl.
    high = total if is_lone else LINE_IN * dpi
    while len(merged) > 1:
        em = high if is_lone else max(high, *(stop - start for start, stop in merged))
        candidates = []
        for i, ((a, b), (c, d)) in enumerate(pairwise(merged)):
            is_low = min(b - a, d - c) < 0.6 * em
            if is_low and d - a <= 1.3 * em and c - b <= 0.4 * em:
                candidates.append((c - b, i))
        if not candidates:
            break
        _, i = min(candidates)
        merged[i : i + 2] = [(merged[i][0], merged[i + 1][1])]
    return merged


def crop_line(
    cleaned: np.ndarray,
    left: int,
    top: int,
    right: int,
    bottom: int,
    *,
    free: tuple[int, int],
    dpi: float,
    paper: float | None = None,
) -> np.ndarray:
    """The line with a margin, as (h, w, 3); paper where the margin leaves the rows `free` of other lines.

    Args:
        paper: its level in `cleaned`, see `paper_level`, where it is known.
    """
    if bottom - top < MIN_LINE_IN * dpi:
        missing = round(LINE_IN * dpi) - (bottom - top)
        top, bottom = top - missing // 2, bottom + missing - missing // 2
    pad = max(2, round(0.12 * (bottom - top)))
    paper = paper_level(cleaned) if paper is None else paper
    width = cleaned.shape[1]
    crop = np.full((bottom - top + 2 * pad, right - left + 2 * pad), int(paper), np.uint8)
    y0, y1 = max(free[0], top - pad), min(free[1], bottom + pad)
    x0, x1 = max(0, left - pad), min(width, right + pad)
    crop[y0 - top + pad : y1 - top + pad, x0 - left + pad : x1 - left + pad] = cleaned[y0:y1, x0:x1]
    return _to_rgb(crop)


def _to_rgb(gray: np.ndarray) -> np.ndarray:
    return np.repeat(gray[:, :, None], 3, axis=2)
