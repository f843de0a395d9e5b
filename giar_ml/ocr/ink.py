"""What is print in a cell, and what is dirt, dust or the rest of a rule."""

from __future__ import annotations

import cv2
import numpy as np

from giar_ml.geometry import runs
from giar_ml.levels import Levels, paper_level
from giar_ml.ocr.pale import in_line, palest_depth
from giar_ml.ocr.remnants import (
    REMNANT_IN,
    erase_border_rules,
    erase_inner_rules,
    without_border_rules,
)

MIN_CONTRAST = 18
FAINT_CONTRAST = 45
"""Grey levels between paper and ink: less than the first is blank, less than the second is doubtful."""
MIN_CONTRAST_TO_NOISE = 6.0
MIN_INK_IN = 0.045
"""A cell whose largest mark is smaller is blank: a dash has 0.06 in, a speck of dust 0.02 in."""
STROKE_GAP_IN = 0.02
MIN_DEPTH = 24.0
"""Grey levels below the paper of the palest ink: JPEG noise has about 10."""
DEPTH_TO_NOISE = 4.5
"""The same in median distances of pixels from the level of the paper, of which grain has few more."""
CORE = 1.6
"""Depth of the core of print, in depths at which ink begins."""
STROKE_IN = 0.045
"""Thickness of strokes at most: what is pale and thicker is a stain, a shadow."""
AROUND_CORE_IN = 0.06
"""Of a mark that has a core nothing is print that lies further off: the stroke of a pen through a figure."""
SPECK_IN = 0.011
GRAIN_IN = 0.0075
"""How far grain is spread to tell it from print."""
DUST_IN = 0.026
"""Side of the largest speck: what is printed has more dark pixels in all."""
PALER, DARKEST = 0.6, 0.02
"""Depth of print beside dust that is darker, in depths of the dust; share of print that tells its depth."""
MAX_BESIDE_POINT = (1.0, 1.8)
"""Gaps between a point and the digits on its sides, in heights of a digit: on one side, and on the other. In
full width it has the room of a digit."""
MIDDLE_OF_GAP, ROOM_OF_DIGIT = 0.6, 1.3
"""Of a point half as high as the digits: its gaps are alike, and together so many heights of a digit."""
DUST_AWAY_IN = 0.08
"""Distance from the print at which a small mark is dust: the points of a figure stand closer."""
SIGN_ASPECT, SIGN_HEIGHT, SIGN_AWAY = 1.4, 0.3, 1.1
"""Width of a minus in its heights; its height, and distance at most, in those of the digit behind it: in full
width both have room around them. A blurred one is 8 pixels wide and 5 high beside digits of 20."""
SIGN_WIDTH, SIGN_MIDDLE = (0.25, 0.8), (0.4, 0.8)
"""Its width, and how far below the top of that digit it is, in heights of it."""
SOLID_PX = 1.9
"""Half the thickness of strokes beside which thinner marks tell as such."""
THIN, LOW, OFF_PRINT, MANY = 0.75, 0.6, 0.5, 5
"""Thickness and height of marks that are no print, in those of print; how many of its heights off they stand;
and how many there are."""
BY_EDGE_IN = 0.015
"""So near to the edge of a cell with a figure in it a bar is the rest of a rule, and no 1."""
BAR = 1.35
"""Height of the rest of a rule, in heights of the highest print in the cell: no character is so thin."""
HANGING = 0.35
"""The same of what of it goes on beyond the print to the edge of the cell: its end on another rule."""
PIECE = 0.8
"""Height of a piece of one at most, in the same."""


def find_print(cell: np.ndarray, *, dpi: float) -> tuple[np.ndarray, np.ndarray, float]:
    """What is printed in a cell of a scan, (h, w) uint8.

    Returns:
        the cell with what is left of rules and specks painted over; its ink, (h, w) bool; the grey levels
        between paper and ink.
    """
    cleaned, ink, contrast = _clean(cell, dpi=dpi)
    return *_with_paler(cell, cleaned, ink, dpi=dpi), contrast


def is_made_of_specks(ink: np.ndarray, *, dpi: float) -> bool:
    """Whether no mark of (h, w) ink alone is large enough for print: a fax sets dots for pale print, and for
    what is none."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    return bool(stats[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(initial=0) < MIN_INK_IN * dpi)


def _clean(cell: np.ndarray, *, dpi: float) -> tuple[np.ndarray, np.ndarray, float]:
    blank = np.zeros(cell.shape, bool)
    levels = Levels(cell)
    paper, contrast = levels.paper, levels.contrast
    least = max(MIN_DEPTH, DEPTH_TO_NOISE * levels.spread(paper))
    cleaned, ink = _clean_at(cell, max(least, 0.4 * contrast), paper, dpi=dpi)
    of_print = _print_contrast(levels, dpi=dpi)
    depth = max(least, 0.4 * of_print)
    is_most = 2 * ink.sum() >= (cell < paper - depth).sum()
    if of_print < PALER * contrast and (not is_most or _is_paler(cell, ink, paper - PALER * contrast)):
        # Dust is darker than the print, some of which was left out.
        cleaned, ink = _clean_at(cell, depth, paper, dpi=dpi)
    if not ink.any():
        within = without_border_rules(cell, 0.4 * contrast, dpi=dpi)
        if Levels(within).contrast < PALER * contrast:
            return _clean(within, dpi=dpi)  # they were darker than the print
    is_pale = contrast < 2 * FAINT_CONTRAST
    if contrast >= FAINT_CONTRAST and ink.any() and not (is_pale and _is_stain(ink, dpi=dpi)):
        return cleaned, ink, contrast
    # Specks and rule remnants may be all that is dark: look again at what is left without them.
    paper = paper_level(cleaned)
    cleaned = _without_stains(cleaned, paper, size=round(STROKE_IN * dpi))
    levels = Levels(cleaned)
    noise = 1.5 * levels.spread(paper)
    # A speck may be darker than all of the print.
    for contrast in (levels.contrast, _print_contrast(levels, dpi=dpi)):
        if contrast < max(MIN_CONTRAST, MIN_CONTRAST_TO_NOISE * noise):
            break
        found, ink = _clean_at(cleaned, 0.5 * contrast, levels.paper, dpi=dpi)
        if ink.any():
            return found, ink, min(contrast, FAINT_CONTRAST - 1)
    # Grain may be as dark as pale print, but its pixels stand alone.
    smooth = cv2.GaussianBlur(cleaned, (0, 0), GRAIN_IN * dpi)
    levels = Levels(smooth)
    contrast = _print_contrast(levels, dpi=dpi)
    if contrast >= max(MIN_CONTRAST, MIN_CONTRAST_TO_NOISE * 1.5 * levels.spread(levels.paper)):
        _, ink = _clean_at(smooth, 0.5 * contrast, levels.paper, dpi=dpi)
        return cell, ink, min(contrast, FAINT_CONTRAST - 1)
    return cell, blank, contrast


def _is_paler(cell: np.ndarray, ink: np.ndarray, level: float) -> bool:
    """Whether all ink of a cell is paler than a grey level, but for single pixels."""
    return bool(ink.any()) and float(np.quantile(cell[ink], DARKEST)) > level


def _with_paler(
    cell: np.ndarray, cleaned: np.ndarray, ink: np.ndarray, *, dpi: float
) -> tuple[np.ndarray, np.ndarray]:
    """The cleaned cell and its ink, with the paler characters in line with what was seen."""
    depth = palest_depth(cleaned, ink)
    if depth is None:
        return cleaned, ink
    cleaned_at, paler = _clean_at(cell, depth, paper_level(cell), dpi=dpi)
    found = in_line(paler, ink, dpi=dpi)
    return (cleaned_at, found) if found.any() else (cleaned, ink)


def _print_contrast(levels: Levels, *, dpi: float) -> float:
    """The grey levels between paper and print, where what is darker than print has the size of dust."""
    return levels.paper - levels.nth(min(round((DUST_IN * dpi) ** 2), levels.size - 1))


def _clean_at(cell: np.ndarray, depth: float, paper: float, *, dpi: float) -> tuple[np.ndarray, np.ndarray]:
    """The cell and its ink where that is darker than its paper by `depth`."""
    # Dark marks with the paler strokes that join them: thin print falls to pieces without.
    pale = (cell < paper - min(depth, max(MIN_DEPTH, depth / 2))).astype(np.uint8)
    erase_border_rules(pale, dpi=dpi)
    erase_inner_rules(pale, dpi=dpi)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(pale, connectivity=8)
    dark = np.bincount(labels[cell < paper - depth], minlength=count)
    ink = pale * (dark > 0)[labels]
    speck, remnant, min_ink = (SPECK_IN * dpi) ** 2, REMNANT_IN * dpi, MIN_INK_IN * dpi
    height, width = cell.shape
    lefts, tops, widths, heights, _ = stats.T
    on_row = (tops == 0) | (tops + heights == height)
    on_column = (lefts == 0) | (lefts + widths == width)
    drop = (
        (dark < speck)
        | (on_row & (heights <= remnant / 2 + 1))
        | (on_column & (widths <= remnant / 2 + 1))
        | (on_row & (widths >= 0.75 * width) & (heights <= 3 * remnant))
        | (on_column & (heights >= 0.75 * height) & (widths <= 3 * remnant))
    )
    drop[0] = True
    _drop_thin(drop, stats, labels, pale, min_height=min_ink)
    is_point = _find_points(drop, stats, dark)
    is_point |= _find_signs(stats, dark)
    drop &= ~is_point
    by_edge = np.minimum(lefts, width - lefts - widths) <= BY_EDGE_IN * dpi
    is_small = (stats[:, 2:4].max(axis=1) < min_ink) | (by_edge & (widths <= 1.2 * remnant))
    _drop_dust(drop, stats, is_small & ~is_point, distance=DUST_AWAY_IN * dpi)
    stroke_gap = max(1, round(STROKE_GAP_IN * dpi))
    _drop_bars(drop, stats, thickness=1.2 * remnant, height=min_ink, gap=stroke_gap, size=height)
    kept = ~drop
    is_kept = kept[labels]
    core = is_kept & (cell < paper - CORE * depth)
    has_core = np.zeros(count, bool)
    has_core[labels[core]] = True
    is_kept &= ~(has_core[labels] & ~_around(core, AROUND_CORE_IN * dpi))
    removed = ~is_kept & (ink > 0)
    cleaned = cell
    if removed.any():
        wide = cv2.dilate(removed.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        cleaned = cell.copy()
        cleaned[wide & ~is_kept] = round(paper)
    # Marks too small for print may be the darkest bits of pale print.
    if not _holds_mark(is_kept, min_ink, gap=stroke_gap):
        is_kept = np.zeros(cell.shape, bool)
    return cleaned, is_kept


def _is_stain(ink: np.ndarray, *, dpi: float) -> bool:
    """Whether there is ink, grainy though it may be, thicker than strokes are."""
    closed = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    size = round(STROKE_IN * dpi)
    return bool(cv2.erode(closed, np.ones((size, size), np.uint8)).any())


def _without_stains(cell: np.ndarray, paper: float, *, size: int) -> np.ndarray:
    """The strokes of a cell as dark below `paper` as they are below what is around them."""
    around = cv2.morphologyEx(cell, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    return np.asarray(np.clip(paper - (around.astype(np.float32) - cell), 0, 255), np.uint8)


def _around(ink: np.ndarray, distance: float) -> np.ndarray:
    far = (~ink).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(far, cv2.DIST_L2, 5) <= distance)


def _holds_mark(ink: np.ndarray, size: float, *, gap: int) -> bool:
    """Whether pieces of ink no further apart than `gap` make up a mark of some size: the thin strokes of
    small print fall apart."""
    joined = cv2.dilate(ink.astype(np.uint8), np.ones((gap + 1, gap + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    return any(max(width, height) - gap >= size for _, _, width, height, _ in stats[1:])


def _drop_thin(
    drop: np.ndarray, stats: np.ndarray, labels: np.ndarray, ink: np.ndarray, *, min_height: float
) -> None:
    """Drop what is thinner and lower than the print in a cell and stands off it, where there is much of it,
    but less than print: what dithering leaves of a seal.

    Args:
        ink: (h, w) uint8, what has `labels`.
        min_height: of print.
    """
    if np.count_nonzero(~drop) <= MANY:
        return
    depths = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    thickness = np.zeros(len(stats), np.float32)
    np.maximum.at(thickness, labels.ravel(), depths.ravel())
    heights = stats[:, cv2.CC_STAT_HEIGHT]
    is_print = ~drop & (heights >= min_height) & (thickness >= SOLID_PX)
    if not is_print.any():
        return
    height = float(np.median(heights[is_print]))
    is_thin = ~drop & (thickness < THIN * np.median(thickness[is_print])) & (heights < LOW * height)
    thin = [
        i
        for i in np.flatnonzero(is_thin)
        if distances_to(stats[i], stats[is_print]).min() > OFF_PRINT * height
    ]
    areas = stats[:, cv2.CC_STAT_AREA]
    if len(thin) >= MANY and areas[thin].sum() <= areas[is_print].sum():
        drop[thin] = True


def distances_to(mark: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N,) pixels between the box of a mark and those of others, (N, 5) as `cv2` gives them."""
    x, y, w, h, _ = mark
    across = np.maximum(others[:, 0] - (x + w), x - (others[:, 0] + others[:, 2]))
    down = np.maximum(others[:, 1] - (y + h), y - (others[:, 1] + others[:, 3]))
    return np.asarray(np.maximum(across, down))


def _find_points(drop: np.ndarray, stats: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """The dark specks that are decimal points: at the foot of the print on both sides, or in the middle of a
    gap in it that has the room of a digit."""
    is_point = np.zeros(len(drop), bool)
    marks = stats[~drop]
    lefts, tops, widths, heights = (marks[:, column] for column in range(4))
    small = heights.max(initial=0) / 2
    specks = np.flatnonzero((dark[1:] > 0) & (drop[1:] | (stats[1:, 3] < small))) + 1
    if not len(marks) or not len(specks):
        return is_point
    # Specks below each other, marks side by side.
    x, y, w, h = stats[specks, :4].T[:, :, None]
    middle = y + h / 2
    is_small = h <= 0.4 * heights
    gaps = x - (lefts + widths), lefts - (x + w)
    # How far off the nearest digit is, on each side.
    at_foot, in_middle = (
        np.stack(
            [np.where(beside & (gap >= -1) & is_small, gap / heights, np.inf).min(axis=1) for gap in gaps]
        )
        for beside in (
            (tops + 0.6 * heights <= middle) & (middle <= tops + 1.2 * heights),
            (tops + 0.35 * heights <= middle) & (middle <= tops + 0.65 * heights),
        )
    )
    on_one_side, on_both = MAX_BESIDE_POINT
    is_at_foot = (at_foot.min(axis=0) <= on_one_side) & (at_foot.max(axis=0) <= on_both)
    nearer, further = in_middle.min(axis=0), in_middle.max(axis=0)
    is_central = (MIDDLE_OF_GAP * further <= nearer) & (nearer <= on_one_side)
    is_point[specks] = is_at_foot | (is_central & (nearer + further >= ROOM_OF_DIGIT))
    return is_point


def _find_signs(stats: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """The dashes in the middle of the height of the digit behind them: a minus has fewer dark pixels
    than many a speck."""
    is_sign = np.zeros(len(stats), bool)
    lefts, tops, widths, heights = (stats[:, column] for column in range(4))
    for i in np.flatnonzero((dark > 0) & (widths >= SIGN_ASPECT * heights)):
        x, y, w, h, _ = stats[i]
        wide = w / heights
        is_behind = (lefts - (x + w) >= -1) & (lefts - (x + w) <= SIGN_AWAY * heights)
        middle = (y + h / 2 - tops) / heights
        is_sign[i] = np.any(
            is_behind
            & (h <= SIGN_HEIGHT * heights)
            & (SIGN_WIDTH[0] <= wide)
            & (wide <= SIGN_WIDTH[1])
            & (SIGN_MIDDLE[0] <= middle)
            & (middle <= SIGN_MIDDLE[1])
        )
    return is_sign


def _drop_dust(drop: np.ndarray, stats: np.ndarray, is_small: np.ndarray, *, distance: float) -> None:
    """Drop small marks that stand alone in a cell with print: they would stretch its line."""
    print_ = stats[~drop & ~is_small]
    if not len(print_):
        return
    for i in np.flatnonzero(~drop & is_small):
        drop[i] = distances_to(stats[i], print_).min() > distance


def _drop_bars(
    drop: np.ndarray, stats: np.ndarray, *, thickness: float, height: float, gap: int, size: int
) -> None:
    """Drop thin upright lines that are higher than the print beside them, whole or in pieces off the print,
    or go on from it to the edge of the cell: what is left of a rule.

    Args:
        height: less print than that says nothing.
        gap: print may have fallen to pieces that are so far apart at most.
        size: the height of the cell.
    """
    _, tops, widths, heights, _ = stats.T
    rows = np.zeros(int((tops + heights).max()), bool)
    for i in np.flatnonzero(~drop & (widths > thickness)):
        rows[tops[i] : tops[i] + heights[i]] = True
    if not rows.any():
        return
    lines = runs(rows, gap=gap)
    highest = max(stop - start for start, stop in lines)
    if highest < height:
        return
    drop |= (widths <= thickness) & (heights >= BAR * highest)
    bottoms = tops + heights
    for start, stop in lines:
        hangs = (bottoms >= size - thickness) & (bottoms - stop >= HANGING * highest)
        rises = (tops <= thickness) & (start - tops >= HANGING * highest)
        is_beside = (widths <= thickness) & (heights > widths) & (tops < stop) & (bottoms > start)
        drop |= is_beside & (hangs | rises)
    _drop_pieces(drop, stats, thickness=thickness, highest=highest)


def _drop_pieces(drop: np.ndarray, stats: np.ndarray, *, thickness: float, highest: float) -> None:
    """Drop the pieces of such a line that stand in line with each other, off the print."""
    lefts, tops, widths, heights, _ = stats.T
    is_piece = (widths <= thickness) & (heights <= PIECE * highest)
    print_ = stats[~drop & ~is_piece]
    pieces, middles = np.flatnonzero(is_piece), lefts + widths / 2
    for i in np.flatnonzero(~drop & is_piece) if len(print_) else ():
        in_line = pieces[np.abs(middles[pieces] - middles[i]) <= thickness / 2]
        extent = (tops + heights)[in_line].max() - tops[in_line].min()
        is_off = min(distances_to(stats[k], print_).min() for k in in_line) > OFF_PRINT * highest
        drop[i] = len(in_line) > 1 and extent >= BAR * highest and is_off
