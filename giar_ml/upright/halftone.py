"""Shading that a fax has turned into dots, taken off the print on it.

A fax knows black and white only: where paper is shaded, or lit unevenly, it sets dots, the more the darker.
"""

from __future__ import annotations

import cv2
import numpy as np

from giar_ml.masks import find_filled, find_straight

DARK = 128
WINDOW_IN = 0.15
DOT_DEPTH, AROUND_PX = 25, 5
"""Grey levels by which a dot is darker than the mean of the square around it, and the side of that."""
ONE_LEVEL, NEAR = 0.65, 3
"""Share of a black-and-white page that has the level of its paper, and how near to that: faxes, resampled or
not, have 0.73 at least, photographs, whose grain may look like dots where they are dark, 0.54 at most."""
EXACTLY = 0.93
"""Share of these that have that very level: 382 pages of faxes have 0.966 at least, grey scans whose small
print looked like dots 0.88 at most."""
MIN_DOTS, SHADED_IN = 0.055, (0.16, 0.6)
"""Share of dots in what is shaded, and height and width of the smallest area. On 140 pages of all severities
shading has 0.07 to 0.25, grey scans, print and rules of dots 0.04 at most, however grainy."""
FEW_DOTS = 0.02
"""Share of dots where shading goes on that begins with more: light that fades over the page."""
COVER_IN, PATCH_IN = 0.05, (0.16, 0.3)
DENSE = 0.06
"""Share of ink that every square of `COVER_IN` has in patches of `PATCH_IN`: print has paper between. Rows
that an office shades have 0.08 to 0.5, uneven light up to 0.04."""
CLOSE = 0.25
"""Share of ink, print and all, from which dots hang together."""
DOT_IN = 0.035
"""Marks that are smaller both ways are dots; a figure is twice as high."""
POINT_PX, POINT_IN = 3, 0.05
"""Pixels of the smallest decimal point, and how far from print it may be."""
RULE_IN = 0.3
DOTTED_PX, DOTTED, PIECE_IN, DOTTED_IN = 4, 0.3, 0.2, 0.6
"""Widest gap in a piece of a dotted rule, its least share of ink and length, and the least length of a rule
of such pieces less than `RULE_IN` apart."""
THICKEST_IN, WIDEST_GAP_IN = 0.07, 0.04
"""Of a rule in shading: what is higher and wider is a character. So far apart are its dots."""
LONE = 0.1
"""Share of the pixels around it that one such rule takes at most: dots of shading lie in row after row. Where
these are gone, rules are known without it, however thick."""
PALE = 212
"""Level of the print that is found among dense dots: so pale that readers take it for unsure, as it is."""


def clear_halftone(gray: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page, (H, W) uint8, with white where a black-and-white one has shading; `gray` where it has none.

    Shading differs from print in its grain: single pixels unlike those around them. Where dots are few, small
    marks go and print stays as it is. Where they are dense, the print that is found becomes pale; where they
    hang together, all goes but what is dark all over: strokes, and long thin lines.
    """
    if not is_black_and_white(gray):
        return gray
    dots = share_around(find_dots(gray), WINDOW_IN * dpi)
    smallest = _rectangle(SHADED_IN, dpi)
    has_dots = (dots > MIN_DOTS).view(np.uint8)
    # An area at a corner of the page may lie beyond it by half of its sides.
    if cv2.countNonZero(has_dots) < smallest.size // 4:
        return gray
    core = cv2.morphologyEx(has_dots, cv2.MORPH_OPEN, smallest) > 0
    if not core.any():
        return gray
    ink = (gray < DARK).astype(np.uint8)
    patches = cv2.morphologyEx(share_around(ink, COVER_IN * dpi), cv2.MORPH_OPEN, _rectangle(PATCH_IN, dpi))
    dense = cv2.morphologyEx((patches > DENSE).astype(np.uint8), cv2.MORPH_OPEN, smallest)
    is_dense = _touching(dense > 0, core)
    # Print has few dots of its own: what stands amid shading is shaded.
    around_print = np.ones([2 * round(WINDOW_IN * dpi)] * 2, np.uint8)
    few = cv2.morphologyEx((dots > FEW_DOTS).astype(np.uint8), cv2.MORPH_CLOSE, around_print)
    is_sparse = _touching(few > 0, core) & ~is_dense

    is_rule = find_straight(ink, round(RULE_IN * dpi))
    clean = gray.copy()
    stays = cv2.dilate(_find_print(ink, dpi=dpi).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    clean[is_sparse & ~is_rule & ~stays & ~find_dotted(ink, dpi=dpi)] = 255
    solid = _find_solid(ink)
    is_rule |= _find_dotted_in_dense(solid, dpi=dpi)
    clean[is_dense & ~is_rule] = 255
    clean[is_dense & ~is_rule & _find_print_in_dense(ink, solid, dpi=dpi)] = PALE
    return clean


def is_black_and_white(gray: np.ndarray) -> bool:
    counts = np.bincount(gray[::4, ::4].ravel(), minlength=256)
    paper = int(counts.argmax())
    near = counts[max(0, paper - NEAR) : paper + NEAR + 1].sum()
    return bool(near >= ONE_LEVEL * counts.sum() and counts[paper] >= EXACTLY * near)


def find_dots(gray: np.ndarray) -> np.ndarray:
    """Single pixels darker, or lighter, than what is around them, whatever the page was made of."""
    off = gray.astype(np.int16) - cv2.blur(gray, (AROUND_PX, AROUND_PX))
    return find_alone(off < -DOT_DEPTH) | find_alone(off > DOT_DEPTH)


def find_alone(marks: np.ndarray) -> np.ndarray:
    """The marks with one other around them at most, or with none but at their corners: a chequerboard's."""
    pixels = marks.astype(np.uint8)
    around = cv2.boxFilter(pixels, cv2.CV_8U, (3, 3), normalize=False)
    beside = cv2.filter2D(pixels, -1, np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.uint8))
    return np.asarray(marks & ((around <= 2) | (beside == 0)), bool)


def share_around(marks: np.ndarray, side: float) -> np.ndarray:
    """Share of marks, (H, W) bool or uint8 of 0 and 1, in the square of `side` pixels around each, (H, W)
    float32."""
    odd = round(side) | 1
    return cv2.boxFilter(marks.view(np.uint8), cv2.CV_32F, (odd, odd))


def _rectangle(sides_in: tuple[float, float], dpi: float) -> np.ndarray:
    return np.ones([max(3, round(side * dpi)) for side in sides_in], np.uint8)


def _touching(area: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The connected parts of an area that `core` lies in, (H, W) bool."""
    n, labels = cv2.connectedComponents(area.astype(np.uint8), connectivity=8)
    is_kept = np.zeros(n, bool)
    is_kept[np.unique(labels[core])] = True
    is_kept[0] = False
    return np.asarray(is_kept[labels])


def _find_print(ink: np.ndarray, *, dpi: float) -> np.ndarray:
    """Ink that is not dots, where these stand alone: large marks, solid ones, and points beside them."""
    n, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    solid = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
    is_print = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1) >= DOT_IN * dpi
    is_print |= np.bincount(labels[solid], minlength=n) > 0
    is_print[0] = False
    reach = np.ones((1, 2 * round(POINT_IN * dpi) + 1), np.uint8)
    near = cv2.dilate(is_print[labels].astype(np.uint8), reach) > 0
    is_print |= (stats[:, cv2.CC_STAT_AREA] >= POINT_PX) & (np.bincount(labels[near], minlength=n) > 0)
    is_print[0] = False
    return np.asarray(is_print[labels])


def _find_solid(ink: np.ndarray) -> np.ndarray:
    """The ink that is no grain: dark all around, or beside such."""
    around = cv2.boxFilter(ink, cv2.CV_8U, (3, 3), normalize=False)
    return np.asarray((ink > 0) & (cv2.dilate((around >= 8).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0))


def _find_dotted_in_dense(solid: np.ndarray, *, dpi: float) -> np.ndarray:
    """The dots of rules, (H, W) bool, however thick these are: no shading is in their way."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), connectivity=8)
    is_thin = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].min(axis=1) <= THICKEST_IN * dpi
    is_thin[0] = False
    dots = is_thin[labels]
    gap = max(DOTTED_PX, round(WIDEST_GAP_IN * dpi))
    return np.asarray(dots & find_dotted(dots.astype(np.uint8), dpi=dpi, gap=gap, lone=1.0))


def _find_print_in_dense(ink: np.ndarray, solid: np.ndarray, *, dpi: float) -> np.ndarray:
    found = solid | ((ink > 0) & (share_around(ink, WINDOW_IN * dpi) < CLOSE))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    is_kept = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1) >= DOT_IN * dpi
    is_kept[0] = False
    return np.asarray(is_kept[labels])


def find_dotted(ink: np.ndarray, *, dpi: float, gap: int = DOTTED_PX, lone: float = LONE) -> np.ndarray:
    """Level and upright rules of dots, (H, W) bool.

    Args:
        gap: pixels between two dots at most.
        lone: share of the pixels around it that a rule takes at most.
    """
    piece, lost, length = (round(x * dpi) for x in (PIECE_IN, RULE_IN, DOTTED_IN))
    found = np.zeros(ink.shape, bool)
    # Seen as level ones, of the page and of the page on its side.
    for level, side in ((ink, found), (ink.T, found.T)):
        closed = cv2.morphologyEx(
            np.ascontiguousarray(level), cv2.MORPH_CLOSE, np.ones((1, gap + 1), np.uint8)
        )
        runs = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((1, piece), np.uint8))
        is_full = cv2.boxFilter(level.astype(np.float32), -1, (piece, 1)) >= DOTTED
        runs = ((runs > 0) & is_full & (share_around(runs, WINDOW_IN * dpi) <= lone)).astype(np.uint8)
        # A slanting rule changes lines where it is cut.
        thick = cv2.dilate(runs, np.ones((3, 1), np.uint8))
        joined = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((1, lost), np.uint8))
        side |= find_filled(joined, 1, length)
    return found
