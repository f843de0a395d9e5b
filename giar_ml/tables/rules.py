"""Ruling lines on a page image."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from giar_ml.document import BBox
from giar_ml.geometry import cluster, overlap, runs
from giar_ml.tables.traces import GAP_IN, find_sides, is_clear, max_thickness, response_level, trace_lines

A4_SHORT_SIDE_IN = 8.27

LONG_RULE_IN = 1.0
"""Not even the joined strokes of a blurred title are this long."""
MEDIUM_RULE_IN = 0.5
"""No character has a stroke this long: it counts if it meets a long rule, a shorter one if both ends do."""
SHORT_RULE_IN = 0.3
"""So long are strokes of a character in a row that is no higher: their ends must lie closer to the rules."""
CLOSE_IN = 0.015
"""What scanning leaves between a rule and the rule it ends on; a character keeps more distance."""
MIN_RULE_SHARE = 0.4
MAX_BREAK_IN = 0.25
"""Gap between the pieces of one rule, and how much of it must be left."""
MAX_BEND_IN = 0.003
MOSTLY = 0.7
PALE = 0.4
"""How dark a rule is at least, beside others of its direction."""
MIN_ENDS = 3
"""Of a rule, hanging on others in line, that show that it was there."""
MAX_TILT = 0.12
"""The ring of a seal is bent or tilted more."""
EDGE_IN = 0.15
"""Nothing is printed so near to the edge of a page."""
OVERHANG_IN = 0.3
FEW = 0.2
"""Of the rules of a page, those that may stick out of their table and be dropped."""
MIN_PIECE_IN = 0.02
TOUCH_IN = 0.045
"""Rules that come this near to each other meet."""


class Rule(NamedTuple):
    """A straight rule in the upright frame: `position` across it, `start` to `stop` along it."""

    position: float
    start: float
    stop: float
    thickness: float = 1.0


class Rules(NamedTuple):
    """The rules of a page in an upright frame, u = x - vertical_slope * y, v = y - horizontal_slope * x.

    `row_pieces` and `column_pieces` are what is left of broken rules where whole ones stand in line with
    them: too short to say by themselves that there is a rule. `row_streaks` and `column_streaks` are lines
    that are none.
    """

    horizontal: tuple[Rule, ...]
    vertical: tuple[Rule, ...]
    horizontal_slope: float = 0.0
    vertical_slope: float = 0.0
    row_pieces: tuple[Rule, ...] = ()
    column_pieces: tuple[Rule, ...] = ()
    row_streaks: tuple[Rule, ...] = ()
    column_streaks: tuple[Rule, ...] = ()

    def to_page(self, u: float, v: float) -> tuple[float, float]:
        """Page pixels of a point of the upright frame."""
        scale = 1 - self.horizontal_slope * self.vertical_slope
        return (u + self.vertical_slope * v) / scale, (v + self.horizontal_slope * u) / scale

    def bbox_to_page(self, bbox: BBox) -> BBox:
        """The upright box of the same size around the same centre, in page pixels."""
        x, y = self.to_page(*bbox.center)
        return BBox(x - bbox.width / 2, y - bbox.height / 2, x + bbox.width / 2, y + bbox.height / 2)


_LAST: tuple[weakref.ref[np.ndarray], float, Rules] | None = None


def estimate_dpi(image: np.ndarray) -> float:
    """The resolution of `image` if it shows a whole A4 page."""
    return float(max(72.0, min(image.shape[:2]) / A4_SHORT_SIDE_IN))


def to_gray(image: np.ndarray) -> np.ndarray:
    """(H, W) uint8 of an RGB or grey image."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def find_rules(image: np.ndarray, *, dpi: float) -> Rules:
    """The ruling lines of `image`, (H, W[, 3]) uint8; those that meet no others may be strokes.

    A grey-scale black-hat across the rule finds thin dark lines whatever is behind them: shaded
    header cells and uneven light leave no edges of their own, as they do in a threshold. The rules of
    the last image are remembered: layout and tables ask for the same.
    """
    global _LAST
    if _LAST is not None and _LAST[0]() is image and _LAST[1] == dpi:
        return _LAST[2]
    rules = _find_rules(to_gray(image), dpi=dpi)
    _LAST = weakref.ref(image), dpi, rules
    return rules


def _find_rules(gray: np.ndarray, *, dpi: float) -> Rules:
    level = response_level(gray)
    horizontal, row_marks = _find_segments(gray, dpi=dpi, level=level)
    vertical, column_marks = _find_segments(np.ascontiguousarray(gray.T), dpi=dpi, level=level)
    horizontal_slope = _main_slope(horizontal, dpi=dpi)
    vertical_slope = _main_slope(vertical, dpi=dpi)
    height, width = gray.shape
    across = _upright(horizontal, slope=horizontal_slope, cross_slope=vertical_slope)
    down = _upright(vertical, slope=vertical_slope, cross_slope=horizontal_slope)
    rows, columns = _meeting(_join(across, down, dpi=dpi), _join(down, across, dpi=dpi), dpi=dpi)
    row_streaks = _find_streaks(rows, columns, length=width, dpi=dpi)
    column_streaks = _find_streaks(columns, rows, length=height, dpi=dpi)
    rows = tuple(rule for rule in rows if rule not in row_streaks)
    columns = tuple(rule for rule in columns if rule not in column_streaks)
    row_pieces = _find_pieces(row_marks, rows, columns, slopes=(horizontal_slope, vertical_slope), dpi=dpi)
    column_pieces = _find_pieces(
        column_marks, columns, rows, slopes=(vertical_slope, horizontal_slope), dpi=dpi
    )
    return Rules(
        rows,
        columns,
        horizontal_slope,
        vertical_slope,
        row_pieces,
        column_pieces,
        row_streaks,
        column_streaks,
    )


def group_rules(rules: Rules, *, dpi: float) -> list[Rules]:
    """The rules that hang together, in reading order: one table, frame or drawing each."""
    touch = TOUCH_IN * dpi
    horizontal, vertical = rules.horizontal, rules.vertical
    parent = list(range(len(horizontal) + len(vertical)))

    def find(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for i, h in enumerate(horizontal):
        for j, v in enumerate(vertical, len(horizontal)):
            if _touches(h, v, touch):
                parent[find(i)] = find(j)
    groups: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for i, h in enumerate(horizontal):
        groups.setdefault(find(i), ([], []))[0].append(h)
    for j, v in enumerate(vertical, len(horizontal)):
        groups.setdefault(find(j), ([], []))[1].append(v)
    found = [rules._replace(horizontal=tuple(h), vertical=tuple(v)) for h, v in groups.values() if h and v]
    return sorted(found, key=lambda group: (extent(group).top, extent(group).left))


def extent(rules: Rules) -> BBox:
    """The box around the rules in the upright frame; needs at least one of each direction."""
    return BBox(
        min(min(r.start for r in rules.horizontal), min(r.position for r in rules.vertical)),
        min(min(r.position for r in rules.horizontal), min(r.start for r in rules.vertical)),
        max(max(r.stop for r in rules.horizontal), max(r.position for r in rules.vertical)),
        max(max(r.position for r in rules.horizontal), max(r.stop for r in rules.vertical)),
    )


class _Segment(NamedTuple):
    """A run of pixels along the first axis: y = offset + slope * x for x in start..stop."""

    start: float
    stop: float
    offset: float
    slope: float
    thickness: float
    depth: float

    def at(self, x: float) -> float:
        return self.offset + self.slope * x


def _find_segments(gray: np.ndarray, *, dpi: float, level: float) -> tuple[list[_Segment], np.ndarray]:
    """Segments of rules, and a mask of all that is thin and dark."""
    traces, dark = trace_lines(gray, dpi=dpi, level=level)
    beside = find_sides(dark, distance=max_thickness(dpi) // 2 + 1)
    segments = []
    for xs, ys, thickness, depth in traces:
        left, stop = int(xs[0]), int(xs[-1]) + 1
        if stop - left >= dpi:
            slope, offset = np.polyfit(xs - left, ys, 1)
        else:
            slope, offset = 0.0, float(np.median(ys))
            tilt, bend = _tilt_and_bend(xs, ys)
            if abs(tilt) > MAX_TILT or bend > max(0.6, MAX_BEND_IN * dpi):
                continue
        if abs(slope) > 0.05:
            continue
        if not is_clear(xs, np.round(offset + slope * (xs - left)), beside):
            continue
        segments.append(
            _Segment(
                float(left),
                float(stop),
                float(offset + 0.5 - slope * left),
                float(slope),
                max(1.0, thickness),
                depth,
            )
        )
    return _without_pale(segments, dpi=dpi), dark


def _without_pale(segments: list[_Segment], *, dpi: float) -> list[_Segment]:
    """Without long ones much paler than most: dirt on the scanner's glass, what shines through the paper."""
    depths = [s.depth for s in segments if s.stop - s.start >= LONG_RULE_IN * dpi]
    if not depths:
        return segments
    least = PALE * float(np.median(depths))
    return [s for s in segments if s.depth >= least or s.stop - s.start < MEDIUM_RULE_IN * dpi]


def _tilt_and_bend(xs: np.ndarray, ys: np.ndarray) -> tuple[float, float]:
    """The slope of a line's points, and how far they lie off a straight one, root mean square in pixels."""
    across, along = ys - ys.mean(), xs - xs.mean()
    slope = float(across @ along) / max(float(along @ along), 1e-9)
    return slope, float(np.sqrt(np.mean((across - slope * along) ** 2)))


def _find_streaks(
    rules: tuple[Rule, ...], crossing: tuple[Rule, ...], *, length: float, dpi: float
) -> tuple[Rule, ...]:
    """Lines that run to the edge of the page and meet no other there, and those that alone go on where the
    others end: dirt on the scanner's glass, folds."""
    touch, edge = TOUCH_IN * dpi, EDGE_IN * dpi
    sticking = [_sticks_out(rule, crossing, touch=touch, far=OVERHANG_IN * dpi) for rule in rules]
    usual = sum(sticking) > FEW * len(rules)
    return tuple(
        rule
        for rule, sticks in zip(rules, sticking, strict=True)
        if (rule.start <= edge and not _is_on_rule(rule, rule.start, crossing, touch))
        or (rule.stop >= length - edge and not _is_on_rule(rule, rule.stop, crossing, touch))
        or (sticks and not usual)
    )


def _sticks_out(rule: Rule, crossing: Iterable[Rule], *, touch: float, far: float) -> bool:
    """Whether a rule goes far beyond the first or the last of several rules that it crosses."""
    met = [c.position for c in crossing if _touches(rule, c, touch)]
    return len(met) > 1 and (min(met) - rule.start > far or rule.stop - max(met) > far)


def _find_pieces(
    marks: np.ndarray,
    rules: tuple[Rule, ...],
    crossing: tuple[Rule, ...],
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> tuple[Rule, ...]:
    """What else is dark in line with the rules, as far as they are crossed, and clear on both sides.

    Args:
        marks: (H, W), what is thin and dark, the rules lying across.
        slopes: of the rules, and of those that cross them.
    """
    touch, gap = TOUCH_IN * dpi, max(1, round(GAP_IN * dpi))
    beside = find_sides(marks, distance=max_thickness(dpi) // 2 + 1)
    height, width = marks.shape
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
        is_dark = np.any([marks[y, xs] for y in rows], axis=0)
        is_clear = ~np.any([side[rows[1], xs] for side in beside], axis=0)
        for start, stop in runs(is_dark & is_clear, gap=gap):
            if stop - start >= MIN_PIECE_IN * dpi:
                pieces.append(Rule(position, float(along[start]), float(along[stop - 1] + 1)))
    return tuple(pieces)


def _main_slope(segments: list[_Segment], *, dpi: float) -> float:
    """The median slope by length of the segments long enough to have one; 0 when there is none."""
    long = [s for s in segments if s.stop - s.start >= dpi]
    if not long:
        return 0.0
    slopes = np.array([s.slope for s in long])
    lengths = np.array([s.stop - s.start for s in long])
    order = np.argsort(slopes)
    half = np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)
    return float(slopes[order][min(half, len(order) - 1)])


def _upright(segments: list[_Segment], *, slope: float, cross_slope: float) -> list[Rule]:
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


def _join(rules: list[Rule], crossing: list[Rule], *, dpi: float) -> list[Rule]:
    """The rules with those that lie in line made one: what a worn copy left of a long rule."""
    long = [rule for rule in crossing if rule.stop - rule.start >= LONG_RULE_IN * dpi]
    joined = []
    for indices in cluster([rule.position for rule in rules], gap=max(1.5, CLOSE_IN * dpi / 2)):
        chains: list[list[Rule]] = []
        for rule in sorted((rules[i] for i in indices), key=lambda rule: rule.start):
            if chains and rule.start - max(r.stop for r in chains[-1]) <= MAX_BREAK_IN * dpi:
                chains[-1].append(rule)
            else:
                chains.append([rule])
        for chain in chains:
            position = float(
                np.average([r.position for r in chain], weights=[r.stop - r.start for r in chain])
            )
            crossed_at = sorted(c.position for c in long if c.start <= position <= c.stop)
            kept = _without_loose_ends(chain, crossed_at, close=max(2.0, CLOSE_IN * dpi))
            joined += [rule for rule in chain if rule not in kept]
            if len(kept) > 1 and _are_one(kept, crossed_at, dpi=dpi):
                thickness = max(rule.thickness for rule in kept)
                joined.append(Rule(position, kept[0].start, max(rule.stop for rule in kept), thickness))
            else:
                joined += kept
    return joined


def _without_loose_ends(chain: list[Rule], crossed_at: list[float], *, close: float) -> list[Rule]:
    """The chain without pieces in a cell at either end that has little of it: strokes of what is printed.

    Args:
        chain: rules in line, by their start.
        crossed_at: where rules cross it, in order.
    """
    cells = list(pairwise(crossed_at))
    for left, right in (*cells, *reversed(cells)):
        is_first = all(rule.start > left - close for rule in chain)
        is_last = all(rule.stop < right + close for rule in chain)
        covered = sum(overlap(rule.start, rule.stop, left, right) for rule in chain)
        if is_first != is_last and covered < MIN_RULE_SHARE * (right - left):
            inside = [rule for rule in chain if left - close < rule.start and rule.stop < right + close]
            chain = [rule for rule in chain if rule not in inside]
    return chain


def _are_one(chain: list[Rule], crossed_at: list[float], *, dpi: float) -> bool:
    """Whether rules in line are pieces of one.

    A good part of it is left, and it is left where long rules cross it as well: the strokes of zeros in a
    column lie in line, too, but between the rules.
    """
    close = max(2.0, CLOSE_IN * dpi)
    start, stop = chain[0].start, max(rule.stop for rule in chain)
    left = sum(rule.stop - rule.start for rule in chain)
    if stop - start < MEDIUM_RULE_IN * dpi or left < MIN_RULE_SHARE * (stop - start):
        return False
    met = [
        any(rule.start - close <= at <= rule.stop + close for rule in chain)
        for at in crossed_at
        if start < at < stop
    ]
    return sum(met) >= 0.5 * len(met) and (any(met) or left >= MOSTLY * (stop - start))


def _touches(rule: Rule, crossing: Rule, touch: float) -> bool:
    return (
        rule.start - touch <= crossing.position <= rule.stop + touch
        and crossing.start - touch <= rule.position <= crossing.stop + touch
    )


def _meeting(
    horizontal: list[Rule], vertical: list[Rule], *, dpi: float
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Drop short segments unless both their ends lie on a crossing rule: they are strokes of text.

    An end on the torn edge of a table, where the long crossing rules end too, also counts.
    """
    touch, long = TOUCH_IN * dpi, LONG_RULE_IN * dpi
    close, short = max(2.0, CLOSE_IN * dpi), SHORT_RULE_IN * dpi
    kept_h = [r for r in horizontal if r.stop - r.start >= long]
    kept_v = [r for r in vertical if r.stop - r.start >= long]

    def counts(rule: Rule, crossing: list[Rule], parallel: list[Rule]) -> bool:
        length = rule.stop - rule.start
        if length >= long:
            return False
        if length >= MEDIUM_RULE_IN * dpi and any(_touches(rule, c, touch) for c in crossing):
            return True
        # No stroke goes through a rule, and on to the next.
        inner = rule._replace(start=rule.start + 2 * touch, stop=rule.stop - 2 * touch)
        ends = (_is_on_rule(rule, end, crossing, touch) for end in (rule.start, rule.stop))
        if any(_touches(inner, c, touch) for c in crossing) and any(ends):
            return True
        in_line = any(
            abs(rule.position - p.position) <= close
            and p.start - short <= rule.stop
            and rule.start <= p.stop + short
            for p in parallel
        )
        return _is_held(rule, crossing, parallel, close if length < short and not in_line else touch)

    more_h = [r for r in horizontal if counts(r, kept_v, kept_h)]
    # Low tables have no long vertical rules; those between two horizontal ones are held by these.
    more_v = [r for r in vertical if counts(r, kept_h + more_h, kept_v)]
    if not kept_v:
        more_h = [r for r in horizontal if counts(r, more_v, kept_h)]
    rows, columns = kept_h + more_h, kept_v + more_v
    # Only upright ones: the feet of figures that fill their cells run from rule to rule, too.
    return tuple(rows), tuple(columns + _ends_in_line(vertical, columns, rows, touch=close))


def _ends_in_line(rules: list[Rule], kept: list[Rule], crossing: list[Rule], *, touch: float) -> list[Rule]:
    """Further rules of which only ends are left: they hang on most of the rules that cross there, in line.

    A stroke of a character hangs on none; that one does, and another in line, happens by chance in a long
    table, but not rule by rule.
    """

    def hangs_on(rule: Rule) -> list[float]:
        return [
            c.position
            for c in crossing
            if c.start <= rule.position <= c.stop
            and rule.start <= c.position + c.thickness / 2 + 2
            and rule.stop >= c.position - c.thickness / 2 - 2
        ]

    hanging = [(rule, at) for rule in rules if rule not in kept and (at := hangs_on(rule))]
    found = []
    for indices in cluster([rule.position for rule, _ in hanging], gap=touch / 2):
        in_line = [hanging[i] for i in indices]
        middle = float(np.median([rule.position for rule, _ in in_line]))
        met = {position for _, at in in_line for position in at}
        crossed = {
            c.position for c in crossing if c.start <= middle <= c.stop and min(met) <= c.position <= max(met)
        }
        if len(met) >= 2 and len(in_line) >= MIN_ENDS and len(met) >= MOSTLY * len(crossed):
            found += [rule for rule, _ in in_line]
    return found


def _is_held(rule: Rule, crossing: list[Rule], parallel: list[Rule], touch: float) -> bool:
    start, stop = (_is_on_rule(rule, end, crossing, touch) for end in (rule.start, rule.stop))
    if start and stop:
        return True
    if start:
        return _is_torn(rule.stop, [p.stop for p in parallel], touch)
    return stop and _is_torn(rule.start, [p.start for p in parallel], touch)


def _is_on_rule(rule: Rule, end: float, crossing: Iterable[Rule], touch: float) -> bool:
    return any(
        abs(c.position - end) <= touch + c.thickness / 2
        and c.start - touch <= rule.position <= c.stop + touch
        for c in crossing
    )


def _is_torn(end: float, ends: list[float], touch: float) -> bool:
    """Whether at least two rules end where this one does, or one besides itself."""
    return sum(abs(end - other) <= touch for other in ends) >= 2
