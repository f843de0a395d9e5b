"""Straight thin dark lines of a page image: what may be a rule, or a piece of one."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np

from giar_ml.geometry import cluster, overlap, runs
from giar_ml.levels import page_paper_level
from giar_ml.tables.ruling import CLOSE_IN, FIGURE_IN, LONG_RULE_IN, MEDIUM_RULE_IN, TOUCH_IN, Rule
from giar_ml.tables.traces import GAP_IN, Marks, group_medians, trace_lines

PALE, PALE_PIECE = 0.4, 0.25
"""How dark a rule is at least, beside others of its direction, and a short piece of one."""
HAIR, PALE_HAIR, HAIR_IN = 0.65, 0.55, 0.3
"""Thickness and depth of an upright line that is no rule, in those of the rules of its direction, and length
of its shortest piece, in line with a long one that goes on beyond all rows."""
BEYOND_IN = 0.5
"""Off the next level rule: a rule that is broken ends in a row."""
FEWEST_LONG = 3
MAX_BEND_IN = 0.003
MAX_TILT = 0.12
"""The ring of a seal is bent or tilted more."""
MAX_SLOPE = 0.05
MIN_PIECE_IN = 0.02
SLANTED_IN = 2.0
"""So long a line shows its slope, however rough it is."""
MIN_SLANT = 0.004
PLAIN_IN = 2.5
"""So long a line is a rule, whatever stands beside it."""
MIN_GAP_IN = 0.01
"""Of paper between a rule and a figure."""
N_FITS, FAR_OFF = 4, 3.0
"""How often a line is fitted, each time without what lies so many times as far off as the median point."""


Along = TypeVar("Along", float, np.ndarray)


class Segment(NamedTuple):
    """A run of pixels along the first axis: y = offset + slope * x for x in start..stop."""

    start: float
    stop: float
    offset: float
    slope: float
    thickness: float
    depth: float

    def at(self, x: Along) -> Along:
        return self.offset + self.slope * x


def find_segments(gray: np.ndarray, *, dpi: float, level: float) -> tuple[list[Segment], Marks]:
    """Segments of rules, and all that is thin and dark."""
    traces, marks = trace_lines(gray, dpi=dpi, level=level)
    lefts, stops = traces.xs[traces.starts], traces.xs[traces.stops - 1] + 1
    slopes, offsets = np.zeros(len(lefts)), group_medians(traces.ys, traces.starts)
    fitted = traces.spread(offsets)
    is_long = stops - lefts >= dpi
    parts = list(traces.parts())
    for i in np.flatnonzero(is_long).tolist():
        xs = traces.xs[parts[i]] - lefts[i]
        slopes[i], offsets[i] = fit_line(xs, traces.ys[parts[i]])
        fitted[parts[i]] = offsets[i] + slopes[i] * xs
    tilts, bends = traces.tilts_and_bends()
    is_straight = (np.abs(tilts) <= MAX_TILT) & (bends <= max(0.6, MAX_BEND_IN * dpi))
    kept = (is_long | is_straight) & (np.abs(slopes) <= MAX_SLOPE) & traces.are_seen(level)
    # Beside the rule of a double frame stands another.
    kept &= traces.are_clear(fitted, marks) | (stops - lefts >= PLAIN_IN * dpi)
    columns = (
        lefts.astype(float),
        stops.astype(float),
        offsets + 0.5 - slopes * lefts,
        slopes,
        np.maximum(1.0, traces.thickness),
        traces.depth,
    )
    rows = zip(*(column[kept].tolist() for column in columns), strict=True)
    segments = [Segment(*row) for row in rows]
    return _without_pale(segments, dpi=dpi), marks


def fit_line(xs: np.ndarray, ys: np.ndarray) -> tuple[float, float]:
    """Slope and offset of most of a line's points: it may have a branch, where a pen or a fold meets it."""
    kept = np.ones(len(xs), bool)
    for _ in range(N_FITS):
        slope, offset = np.polyfit(xs[kept], ys[kept], 1)
        off = np.abs(ys - slope * xs - offset)
        kept = off <= max(1.0, FAR_OFF * float(np.median(off)))
    return float(slope), float(offset)


def _without_pale(segments: list[Segment], *, dpi: float) -> list[Segment]:
    """Without those much paler than most: dirt on the glass, folds, what shines through the paper."""
    depths = [s.depth for s in segments if s.stop - s.start >= LONG_RULE_IN * dpi]
    if not depths:
        return segments
    usual, long = float(np.median(depths)), MEDIUM_RULE_IN * dpi
    return [s for s in segments if s.depth >= usual * (PALE if s.stop - s.start >= long else PALE_PIECE)]


def without_pale_marks(marks: Marks, gray: np.ndarray, segments: list[Segment], *, dpi: float) -> Marks:
    """The marks of a page, (H, W) uint8, without what is much paler than its long segments."""
    depths = [s.depth for s in segments if s.stop - s.start >= LONG_RULE_IN * dpi]
    if not depths:
        return marks
    palest = page_paper_level(gray) - PALE * float(np.median(depths))
    return marks._replace(dark=marks.dark & (gray <= palest))


def split_hairs(
    segments: list[Segment], level: list[Segment], *, dpi: float
) -> tuple[list[Segment], list[Segment]]:
    """The upright segments, and those among them that are much thinner and paler than rules are, and go on
    beyond the tables: dirt on the glass of a scanner draws them through figures.

    Args:
        level: the segments that lie across.
    """
    long = [s for s in segments if s.stop - s.start >= LONG_RULE_IN * dpi]
    if len(long) < FEWEST_LONG:
        return segments, []
    thickness = _median_by_length(long, [s.thickness for s in long])
    depth = _median_by_length(long, [s.depth for s in long])
    thin = [
        s
        for s in segments
        if s.stop - s.start >= HAIR_IN * dpi
        and s.thickness < HAIR * thickness
        and s.depth < PALE_HAIR * depth
    ]
    sure = [s for s in thin if s.stop - s.start >= LONG_RULE_IN * dpi and _goes_beyond(s, level, dpi=dpi)]
    middles = [(s, (s.start + s.stop) / 2) for s in thin]
    touch = TOUCH_IN * dpi
    hairs = [s for s, at in middles if any(abs(s.at(at) - other.at(at)) <= touch for other in sure)]
    return [s for s in segments if s not in hairs], hairs


def _goes_beyond(upright: Segment, level: list[Segment], *, dpi: float) -> bool:
    """Whether an upright segment has an end far off the next level one, or beyond all."""
    touch = TOUCH_IN * dpi
    for end, way in ((upright.start, -1), (upright.stop, 1)):
        x = upright.at(end)
        ys = [s.at(x) for s in level if s.start - touch <= x <= s.stop + touch]
        if min((off for y in ys if (off := way * (y - end)) >= -touch), default=np.inf) > BEYOND_IN * dpi:
            return True
    return False


def without_hairs(marks: Marks, hairs: list[Segment]) -> Marks:
    """The marks of a page, (H, W) uint8, without what lies on hairs, and on their lines for as long again."""
    if not hairs:
        return marks
    dark = marks.dark.copy()
    height, width = dark.shape
    for hair in hairs:
        length, reach = hair.stop - hair.start, round(hair.thickness / 2) + 1
        xs = np.arange(max(0, round(hair.start - length)), min(width, round(hair.stop + length)))
        ys = np.rint(hair.at(xs)).astype(np.intp)
        for y in range(-reach, reach + 1):
            dark[np.clip(ys + y, 0, height - 1), xs] = 0
    return marks._replace(dark=dark)


def main_slope(segments: list[Segment], *, dpi: float) -> float:
    """The median slope by length of the segments long enough to have one; 0 when there is none."""
    long = [s for s in segments if s.stop - s.start >= dpi]
    if not long:
        return 0.0
    return _median_by_length(long, [s.slope for s in long])


def _median_by_length(segments: list[Segment], values: list[float]) -> float:
    """The value at which half of the length of all segments, which have them, is reached."""
    lengths = np.array([s.stop - s.start for s in segments])
    order = np.argsort(values)
    half = np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)
    return float(values[order[min(int(half), len(order) - 1)]])


def split_slanted(
    segments: list[Segment], *, slope: float, dpi: float
) -> tuple[list[Segment], list[Segment]]:
    """The segments, and the long ones among them that lie aslant to the others: folds."""
    long = [s for s in segments if s.stop - s.start >= SLANTED_IN * dpi]
    spread = float(np.median([abs(s.slope - slope) for s in long])) if long else 0.0
    slanted = [s for s in long if abs(s.slope - slope) > MIN_SLANT + 4 * spread]
    return [s for s in segments if s not in slanted], slanted


def to_rules(segments: list[Segment], *, slope: float, cross_slope: float) -> list[Rule]:
    rules = []
    for segment in segments:
        middle = (segment.start + segment.stop) / 2
        # A short segment has no slope of its own: it has that of the page.
        own_slope = segment.slope or slope
        at = segment.at(middle)
        start_at = at + own_slope * (segment.start - middle)
        stop_at = at + own_slope * (segment.stop - middle)
        rules.append(
            Rule(
                at - slope * middle,
                segment.start - cross_slope * start_at,
                segment.stop - cross_slope * stop_at,
                segment.thickness,
            )
        )
    return rules


def split_at_crossings(
    rules: list[Rule], crossing: list[Rule], marks: Marks, *, slopes: tuple[float, float], dpi: float
) -> list[Rule]:
    """The rules, and the parts of short ones that break off on both sides of a long one that they cross: gaps
    are closed in what may be a rule, but in low rows figures stand as near to theirs.

    Args:
        marks: of the page, the rules lying across.
        slopes: of the rules, and of those that cross them.
    """
    long, gap = LONG_RULE_IN * dpi, max(2, round(MIN_GAP_IN * dpi))
    crossing = sorted((c for c in crossing if c.stop - c.start >= long), key=lambda c: c.position)
    at = np.array([c.position for c in crossing])
    starts, stops = np.array([c.start for c in crossing]), np.array([c.stop for c in crossing])
    height, width = marks.dark.shape
    found = []
    for rule in rules:
        along = np.arange(round(rule.start), round(rule.stop))
        is_crossed = (starts <= rule.position) & (rule.position <= stops)
        is_crossed &= (rule.start + gap < at) & (at < rule.stop - gap)
        if rule.stop - rule.start >= long or not is_crossed.any():
            found.append(rule)
            continue
        xs = np.clip(np.round(along + slopes[1] * rule.position), 0, width - 1).astype(np.intp)
        ys = np.round(rule.position + slopes[0] * xs).astype(np.intp)
        dark = along[np.any([marks.dark[np.clip(ys + d, 0, height - 1), xs] for d in (-1, 0, 1)], axis=0)]
        start = rule.start
        for k in np.flatnonzero(is_crossed).tolist():
            half = crossing[k].thickness / 2
            before, behind = dark[dark < at[k] - half], dark[dark > at[k] + half]
            if len(before) and len(behind) and min(at[k] - half - before[-1], behind[0] - at[k] - half) > gap:
                found.append(rule._replace(start=start, stop=float(before[-1] + 1)))
                start = float(behind[0])
        found.append(rule._replace(start=start))
    return found


def find_pieces(
    marks: Marks,
    rules: tuple[Rule, ...],
    crossing: tuple[Rule, ...],
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> tuple[Rule, ...]:
    """What else is dark in line with the rules, as far as they are crossed, and clear on both sides.

    Args:
        marks: of the page, the rules lying across.
        slopes: of the rules, and of those that cross them.
    """
    touch, gap = TOUCH_IN * dpi, max(1, round(GAP_IN * dpi))
    height, width = marks.dark.shape
    beside = marks.beside
    pieces = []
    positions = [rule.position for rule in rules]
    for indices in cluster(positions, gap=CLOSE_IN * dpi):
        position = float(np.median([positions[i] for i in indices]))
        ends = [c.position for c in crossing if c.start - touch <= position <= c.stop + touch]
        if not ends:
            continue
        along = np.arange(max(0, round(min(ends))), round(max(ends)) + 1)
        xs = np.clip(np.round(along + slopes[1] * position), 0, width - 1).astype(np.intp)
        ys = np.round(position + slopes[0] * xs).astype(np.intp)

        rows = [np.clip(ys + d, 0, height - 1) for d in (-1, 0, 1)]
        is_dark = np.any([marks.dark[y, xs] for y in rows], axis=0)
        is_clear = beside[rows[1], xs] == 0
        for start, stop in runs(is_dark & is_clear, gap=gap):
            if stop - start >= MIN_PIECE_IN * dpi:
                pieces.append(Rule(position, float(along[start]), float(along[stop - 1] + 1)))
    return tuple(pieces)


def without_strokes(
    pieces: tuple[Rule, ...], rules: tuple[Rule, ...], crossing: tuple[Rule, ...], *, dpi: float
) -> tuple[Rule, ...]:
    """The pieces of rules but those that may be a stroke of a figure in line with them: no higher than one,
    alone between two crossing rules, and meeting neither."""
    touch, close = TOUCH_IN * dpi, max(2.0, CLOSE_IN * dpi)
    in_line: dict[float, list[Rule]] = {}
    for piece in pieces:
        in_line.setdefault(piece.position, []).append(piece)

    def is_stroke(piece: Rule) -> bool:
        ends = [c.position for c in crossing if c.start - touch <= piece.position <= c.stop + touch]
        top = max((end for end in ends if end <= piece.start + touch), default=piece.start)
        bottom = min((end for end in ends if end >= piece.stop - touch), default=piece.stop)
        # A rule that ends on one that it meets may run over it.
        near = (rule for rule in rules if abs(rule.position - piece.position) <= close)
        return (
            piece.stop - piece.start <= FIGURE_IN * dpi
            and min(piece.start - top, bottom - piece.stop) > close
            and all(overlap(rule.start, rule.stop, top, bottom) <= touch for rule in near)
            and not any(p != piece and top < p.stop and p.start < bottom for p in in_line[piece.position])
        )

    return tuple(piece for piece in pieces if not is_stroke(piece))
