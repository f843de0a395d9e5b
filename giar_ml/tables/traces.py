"""Thin dark lines on a page image, pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np

from giar_ml.levels import page_levels, page_paper_level

MAX_RULE_IN = 0.045
"""Thicker dark bars are shading or pictures; the borders of these forms have at most 2.25 pt."""
MIN_STROKE_IN = 0.11
"""Shorter straight runs are strokes of characters. The lowest rows of these forms have 0.13 in."""
MIN_CLEAR = 0.5
"""Share of a rule's two sides that is clear of other dark marks; strokes in a line of text have less."""
DOT_GAP_IN = 0.03
DOTTED_IN = 0.4
"""Space between the dots of a rule, and the shortest row of dots that is one."""
LOST_DOT_IN, DOT_IN = 0.055, 0.025
"""Space between dots where some were lost, both sides are clear and none is higher than the second, nor twice
as wide."""
FAINT_SHARE = 0.5
"""Depth of the dots of a rule, in depths of other rules, where both of its sides are clear."""
DOT_PERIOD_IN = 0.04
MIN_DOTTED = 0.45
"""By how much the depth of dots goes up and down within a period, in mean depths: rules that shine through
the paper, as pale, have 0.2, dotted ones 0.7."""
NOISE = 4.0
"""A rule is so many times as dark as the grain around it, in the median."""
GRAIN_STEP = 8
GRAIN_IN = 0.5
MIN_LOOSE = 0.2
"""Share of such rows of dots in all that is in rows, on pages whose rules are dotted; on those with streaks
of a fax it was 0.02 at most."""
GAP_IN = 0.025
"""Gaps that a worn copy leaves in a rule."""


MIN_DOUBLE = 0.15
"""Share of a line's columns in which it is two."""
MIN_DOUBLE_IN = 0.5
"""Length of the shortest lines of a double frame."""
CORE = 0.7
"""Share of its median depth below which a double line is what lies between the two."""
THICKENED = np.ones((3, 1), np.uint8)
"""By what lines are thickened, so that the steps of a slightly skewed hairline hang together."""
MAX_CROSSING, CROSSING_STEP = 0.03, 0.002
"""Slopes of the lines that may be there."""


class Marks(NamedTuple):
    """What is thin and dark on a page, and where something dark lies above, and below, a little off; (H, W)
    uint8 each."""

    dark: np.ndarray
    above: np.ndarray
    below: np.ndarray

    @property
    def beside(self) -> np.ndarray:
        """Where something dark lies on either side."""
        return self.above | self.below


@dataclass(frozen=True, eq=False)
class Traces:
    """Thin dark lines, T of them; a page has thousands, so that what is asked is asked of all at once.

    Args:
        xs: (N,) columns of the first line from left to right, of the next one, and so on.
        ys: (N,) the mean row of the line in each.
        starts: (T,) where each line begins in these.
        thickness: (T,) mean thickness in pixels.
        depth: (T,) by how many grey levels each is darker than what is around it.
        unevenness: (T,) by how much that goes up and down, see `MIN_DOTTED`.
    """

    xs: np.ndarray
    ys: np.ndarray
    starts: np.ndarray
    thickness: np.ndarray
    depth: np.ndarray
    unevenness: np.ndarray

    @property
    def stops(self) -> np.ndarray:
        return np.append(self.starts, len(self.xs))[1:].astype(np.intp)

    def parts(self) -> Iterator[slice]:
        """The part of `xs` that each line has."""
        yield from map(slice, self.starts.tolist(), self.stops.tolist())

    def spread(self, of_lines: np.ndarray) -> np.ndarray:
        """(N,) what (T,) lines have, for each of their columns."""
        return np.repeat(of_lines, self.stops - self.starts)

    def tilts_and_bends(self) -> tuple[np.ndarray, np.ndarray]:
        """(T,) the slope of each line, and how far it lies off a straight one, root mean square in pixels."""
        across, along = (v - self.spread(_means(v, self.starts)) for v in (self.ys, self.xs))
        squares = np.maximum(_sums(along * along, self.starts), 1e-9)
        slopes = _sums(across * along, self.starts) / squares
        return slopes, np.sqrt(_means((across - self.spread(slopes) * along) ** 2, self.starts))

    def are_seen(self, level: float) -> np.ndarray:
        """(T,) bool: whether each line is as dark as `level`, or made of dots."""
        return np.asarray((self.depth >= level) | (self.unevenness >= MIN_DOTTED))

    def are_clear(self, ys: np.ndarray, marks: Marks) -> np.ndarray:
        """(T,) bool: whether what is beside each line, at the rows (N,), is mostly clear of other marks."""
        rows = np.clip(np.round(ys), 0, len(marks.dark) - 1).astype(np.intp)
        taken = np.sum([side[rows, self.xs] for side in (marks.above, marks.below)], axis=0, dtype=float)
        return np.asarray(1 - _means(taken, self.starts) / 2 >= MIN_CLEAR)


def group_medians(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(T,) medians of the parts of (N,) values that begin at (T,) `starts`, none of them empty."""
    sizes = np.diff(starts, append=len(values))
    ordered = values[np.lexsort((values, np.repeat(np.arange(len(starts)), sizes)))].astype(float)
    return np.asarray((ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2)


def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.asarray(np.add.reduceat(values, starts) if len(starts) else np.zeros(0))


def _means(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return _sums(values, starts) / np.diff(starts, append=len(values))


def trace_lines(
    gray: np.ndarray, *, dpi: float, level: float, min_length: float = 0.0
) -> tuple[Traces, Marks]:
    """Lines along the first axis, `min_length` pixels or longer, and all that is thin and dark."""
    across = max_thickness(dpi)
    along = max(8, round(MIN_STROKE_IN * dpi))
    gap = max(2, round(GAP_IN * dpi))
    response = find_response(gray, dpi=dpi)
    least = _above_grain(response, dpi=dpi)
    mask: Any = _reaches(response, level, least)
    dark = mask
    mask = cv2.dilate(mask, THICKENED)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, along), np.uint8))
    in_rows = _find_dotted(dark, dpi=dpi)
    mask |= in_rows
    marks = _with_sides(dark, distance=across // 2 + 1)
    loose = _find_loose_dots(marks, dpi=dpi)
    if cv2.countNonZero(loose) >= MIN_LOOSE * cv2.countNonZero(in_rows):
        mask |= loose
    pale = _reaches(response, FAINT_SHARE * level, least)
    # Along the foot of text is what JPEG leaves; between rules is what their ends leave.
    pale &= 1 - (marks.beside | mask)
    mask |= _find_dotted(pale, dpi=dpi)
    # At a crossing the response breaks off for the thickness of the other rule, which is dark itself.
    crossed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, across + 4), np.uint8))
    is_dark = gray < math.ceil(page_paper_level(gray) - 4 * level)
    mask |= crossed & is_dark.view(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    # Few rows have any of it: of the others one is left between these.
    has_any = np.asarray(mask.any(axis=1))
    rows = np.flatnonzero(has_any | np.append(False, has_any[:-1]))
    if not len(rows):
        return _no_traces(), marks
    mask, response = mask[rows], response[rows]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    widths, heights, areas = (stats[:, i] for i in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    is_thin = areas <= (across + 2) * widths
    is_line = is_thin & (widths >= min_length)
    is_line[0] = False
    # High ones may be several lines that meet, thick ones two so close that they hang together.
    may_be_double = ~is_thin & (widths >= MIN_DOUBLE_IN * dpi)
    may_be_double[0] = False
    number = stats.shape[0]
    for component in np.flatnonzero((is_line & (heights > 2 * across)) | may_be_double).tolist():
        left, top, width, height, _ = stats[component]
        window = labels[top : top + height, left : left + width]
        whole = (window == component).astype(np.uint8)
        if may_be_double[component]:
            pieces = _part_double(whole, response[top : top + height, left : left + width])
        else:
            pieces = _part_crossing(whole, across=across)
        for piece in pieces if len(pieces) > 1 else ():
            xs = np.flatnonzero(piece.any(axis=0))
            length = xs[-1] - xs[0] + 1 if xs.size else 0
            is_long = length >= max(min_length, along) and piece.sum() <= (across + 2) * length
            window[piece > 0] = number if is_long else 0
            is_line = np.append(is_line, is_long)
            number += 1
    return _to_traces(labels, is_line, response, rows, period=round(DOT_PERIOD_IN * dpi) | 1), marks


def _find_dotted(dark: np.ndarray, *, dpi: float, gap_in: float = DOT_GAP_IN) -> np.ndarray:
    """Dotted rules closed: dots in runs longer than any stroke."""
    dots = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((1, max(3, round(gap_in * dpi))), np.uint8))
    return _long_runs(dots, round(DOTTED_IN * dpi))


def _find_loose_dots(marks: Marks, *, dpi: float) -> np.ndarray:
    """The same of rules of which dots were lost: of small marks alone, clear on both sides."""
    high, wide = (
        cv2.morphologyEx(marks.dark, cv2.MORPH_OPEN, np.ones(size, np.uint8))
        for size in ((round(DOT_IN * dpi) + 1, 1), (1, round(2 * DOT_IN * dpi) + 1))
    )
    return _find_dotted(marks.dark & (1 - (marks.beside | high | wide)), dpi=dpi, gap_in=LOST_DOT_IN)


def _long_runs(mask: np.ndarray, length: int) -> np.ndarray:
    """What an opening by (1, length) leaves of a mask, (H, W) uint8 of 0 and 1. Few rows have such runs: they
    are told by their bytes of eight ones first."""
    found = np.zeros_like(mask)
    bits = (np.packbits(mask, axis=1) == 255).view(np.uint8)
    n_whole = max(1, (length - 7) // 8)
    rows = np.flatnonzero(cv2.erode(bits, np.ones((1, n_whole), np.uint8)).any(axis=1))
    if len(rows):
        found[rows] = cv2.morphologyEx(mask[rows], cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    return found


def _no_traces() -> Traces:
    return Traces(*(np.zeros(0, np.intp) for _ in range(3)), *(np.zeros(0) for _ in range(3)))


def _to_traces(
    labels: np.ndarray, is_line: np.ndarray, response: np.ndarray, of_page: np.ndarray, *, period: int
) -> Traces:
    """The lines among the numbered areas of some rows of a page, (h, W), in the order of their numbers.

    Args:
        of_page: (h,) the numbers of the rows.
    """
    pixels = cv2.findNonZero((labels > 0).view(np.uint8))
    columns, rows = np.zeros((2, 0), np.intp) if pixels is None else pixels[:, 0].T
    numbers = labels[rows, columns]
    kept = is_line[numbers]
    columns, rows, numbers = columns[kept], rows[kept], numbers[kept]
    # Pixels of one line in one column, by lines and columns.
    width = labels.shape[1]
    places = (np.cumsum(is_line) - 1)[numbers] * width + columns
    counts = np.bincount(places)
    found = np.flatnonzero(counts)
    weights = counts[found]
    ys = np.bincount(places, weights=of_page[rows])[found] / weights
    lines, xs = np.divmod(found, width)
    darkest = np.zeros(len(counts), np.uint8)
    np.maximum.at(darkest, places, response[rows, columns])
    depths = darkest[found].astype(float)
    starts = np.flatnonzero(np.diff(lines, prepend=-1))
    up_and_down = depths - cv2.blur(depths[None], (period, 1))[0] if len(depths) else depths
    uneven = np.sqrt(_means(up_and_down**2, starts)) / np.maximum(_means(depths, starts), 1e-9)
    thickness = _means(weights.astype(float), starts) - 2
    return Traces(xs, ys, starts, thickness, group_medians(depths, starts), uneven)


def _part_crossing(mask: np.ndarray, *, across: int) -> list[np.ndarray]:
    """The lines of a connected mask, (H, W) uint8, in which several run side by side: a fold meets a rule.

    The straightest line of all is taken off first; what is left falls apart. A single line, however bent,
    stays whole.
    """
    starts = np.diff(mask, axis=0, prepend=0) == 1
    if float(np.mean(starts.sum(axis=0) > 1)) < MIN_DOUBLE:
        return [mask]
    ys, xs = np.nonzero(mask)
    reach = across // 2 + 1
    best = (0.0, 0.0, 0.0)
    for slope in np.arange(-MAX_CROSSING, MAX_CROSSING + 1e-9, CROSSING_STEP).tolist():
        off = ys - slope * xs
        counts = np.convolve(np.bincount(np.round(off - off.min()).astype(np.intp)), np.ones(across), "same")
        at = int(np.argmax(counts))
        best = max(best, (float(counts[at]), slope, at + float(off.min())))
    _, slope, offset = best
    is_line = np.abs(ys - slope * xs - offset) <= reach
    line, rest = np.zeros_like(mask), np.zeros_like(mask)
    line[ys[is_line], xs[is_line]] = 1
    rest[ys[~is_line], xs[~is_line]] = 1
    count, labels = cv2.connectedComponents(rest, connectivity=8)
    return [line, *((labels == i).astype(np.uint8) for i in range(1, count))]


def _part_double(mask: np.ndarray, response: np.ndarray) -> list[np.ndarray]:
    """The lines of a connected mask, (H, W) uint8, between which it is less dark: those of a double frame."""
    core = mask * (response >= CORE * np.median(response[mask > 0]))
    count, labels = cv2.connectedComponents(core, connectivity=8)
    return [cv2.dilate((labels == i).astype(np.uint8), THICKENED) for i in range(1, count)]


def _reaches(response: np.ndarray, level: float, least: np.ndarray) -> np.ndarray:
    """(H, W) uint8, 0 or 1: where the response is at least `level` and at least `least`."""
    floor: Any = math.ceil(level)
    reached: Any = cv2.compare(response, cv2.max(least, floor), cv2.CMP_GE)
    return np.asarray(reached & 1)


def _above_grain(response: np.ndarray, *, dpi: float) -> np.ndarray:
    """(H, W) uint8: the least response that is not grain, which a shadow that was made lighter leaves. It is
    told by the median around each pixel: print and rules take less than half of any place."""
    small = np.ascontiguousarray(response[::GRAIN_STEP, ::GRAIN_STEP])
    around = round(GRAIN_IN * dpi / GRAIN_STEP) | 1
    height, width = response.shape
    grain = cv2.resize(cv2.medianBlur(small, around), (width, height))
    return np.asarray(cv2.convertScaleAbs(grain, alpha=NOISE))


def find_response(gray: np.ndarray, *, dpi: float) -> np.ndarray:
    """(H, W) uint8: by how much what is thin is darker than what lies above and below it, in grey levels."""
    # A border of paper, so that a rule on the edge of a crop is still a thin dark line.
    return cv2.morphologyEx(
        gray,
        cv2.MORPH_BLACKHAT,
        np.ones((max_thickness(dpi), 1), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=(255,),
    )


def max_thickness(dpi: float) -> int:
    return max(3, round(MAX_RULE_IN * dpi)) | 1


def find_curves(gray: np.ndarray, *, dpi: float, min_length: float) -> list[np.ndarray]:
    """Thin dark lines across the page that are `min_length` pixels or longer, bent or not.

    Returns:
        (N, 2) points along each, in continuous pixel coordinates.
    """
    level = response_level(gray)
    traces, marks = trace_lines(gray, dpi=dpi, level=level, min_length=min_length)
    clear = traces.are_clear(traces.ys, marks) & traces.are_seen(level)
    return [
        np.stack([traces.xs[part] + 0.5, traces.ys[part] + 0.5], axis=1)
        for part, is_clear in zip(traces.parts(), clear.tolist(), strict=True)
        if is_clear
    ]


def response_level(gray: np.ndarray) -> float:
    """How much darker than its surroundings a rule must be, in grey levels.

    An eighth of the page's contrast: a hairline that scans to a light grey passes, JPEG noise
    (about 10 levels beside black text) does not.
    """
    levels = page_levels(gray)
    dark, paper = levels.percentile(1), levels.percentile(60)
    return float(np.clip((paper - dark) / 8, 14, 32))


def _with_sides(dark: np.ndarray, *, distance: int) -> Marks:
    """The marks, and what lies `distance` to twice that off them."""
    kernel = np.zeros((4 * distance + 1, 1), np.uint8)
    kernel[: distance + 1] = 1
    return Marks(dark, cv2.dilate(dark, kernel), cv2.dilate(dark, np.ascontiguousarray(kernel[::-1])))
