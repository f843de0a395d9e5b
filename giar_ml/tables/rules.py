"""Ruling lines on a page image."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np

from giar_ml.document import BBox

A4_SHORT_SIDE_IN = 8.27

MAX_RULE_IN = 0.045
"""Thicker dark bars are shading or pictures; the borders of these forms have at most 2.25 pt."""
MIN_STROKE_IN = 0.11
"""Shorter straight runs are strokes of characters. The lowest rows of these forms have 0.13 in."""
LONG_RULE_IN = 1.0
"""Not even the joined strokes of a blurred title are this long."""
MEDIUM_RULE_IN = 0.5
"""No character has a stroke this long: it counts if it meets a long rule, a shorter one if both ends do."""
SHORT_RULE_IN = 0.3
"""So long are strokes of a character in a row that is no higher: their ends must lie closer to the rules."""
CLOSE_IN = 0.015
"""What scanning leaves between a rule and the rule it ends on; a character keeps more distance."""
GAP_IN = 0.025
"""Gaps that a worn copy leaves in a rule."""
MIN_CLEAR = 0.5
"""Share of a rule's two sides that is clear of other dark marks; strokes in a line of text have less."""
TOUCH_IN = 0.045
"""Rules that come this near to each other meet."""


class Rule(NamedTuple):
    """A straight rule in the upright frame: `position` across it, `start` to `stop` along it."""

    position: float
    start: float
    stop: float
    thickness: float = 1.0


class Rules(NamedTuple):
    """The rules of a page in an upright frame, u = x - vertical_slope * y, v = y - horizontal_slope * x."""

    horizontal: tuple[Rule, ...]
    vertical: tuple[Rule, ...]
    horizontal_slope: float = 0.0
    vertical_slope: float = 0.0

    def to_page(self, u: float, v: float) -> tuple[float, float]:
        """Page pixels of a point of the upright frame."""
        scale = 1 - self.horizontal_slope * self.vertical_slope
        return (u + self.vertical_slope * v) / scale, (v + self.horizontal_slope * u) / scale

    def bbox_to_page(self, bbox: BBox) -> BBox:
        """The upright box of the same size around the same centre, in page pixels."""
        x, y = self.to_page(*bbox.center)
        return BBox(x - bbox.width / 2, y - bbox.height / 2, x + bbox.width / 2, y + bbox.height / 2)


def estimate_dpi(image: np.ndarray) -> float:
    """The resolution of `image` if it shows a whole A4 page."""
    return float(max(72.0, min(image.shape[:2]) / A4_SHORT_SIDE_IN))


def to_gray(image: np.ndarray) -> np.ndarray:
    """(H, W) uint8 of an RGB or grey image."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def find_rules(image: np.ndarray, *, dpi: float) -> Rules:
    """The ruling lines of `image`, (H, W[, 3]) uint8; those that meet no others may be strokes.

    A grey-scale black-hat across the rule finds thin dark lines whatever is behind them: shaded
    header cells and uneven light leave no edges of their own, as they do in a threshold.
    """
    gray = to_gray(image)
    level = _response_level(gray)
    horizontal = _find_segments(gray, dpi=dpi, level=level)
    vertical = _find_segments(np.ascontiguousarray(gray.T), dpi=dpi, level=level)
    horizontal_slope = _main_slope(horizontal, dpi=dpi)
    vertical_slope = _main_slope(vertical, dpi=dpi)
    rows, columns = _meeting(
        _upright(horizontal, slope=horizontal_slope, cross_slope=vertical_slope),
        _upright(vertical, slope=vertical_slope, cross_slope=horizontal_slope),
        dpi=dpi,
    )
    return Rules(rows, columns, horizontal_slope, vertical_slope)


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
    found = [
        Rules(tuple(h), tuple(v), rules.horizontal_slope, rules.vertical_slope)
        for h, v in groups.values()
        if h and v
    ]
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

    def at(self, x: float) -> float:
        return self.offset + self.slope * x


def _response_level(gray: np.ndarray) -> float:
    """How much darker than its surroundings a rule must be, in grey levels.

    An eighth of the page's contrast: a hairline that scans to a light grey passes, JPEG noise
    (about 10 levels beside black text) does not.
    """
    dark, paper = np.percentile(gray[::4, ::4], (1, 60))
    return float(np.clip((paper - dark) / 8, 14, 32))


def find_curves(gray: np.ndarray, *, dpi: float, min_length: float) -> list[np.ndarray]:
    """Thin dark lines across the page that are `min_length` pixels or longer, bent or not.

    Returns:
        (N, 2) points along each, in continuous pixel coordinates.
    """
    traces, _ = _trace_lines(gray, dpi=dpi, level=_response_level(gray))
    return [
        np.stack([trace.xs + 0.5, trace.ys + 0.5], axis=1)
        for trace in traces
        if trace.xs[-1] - trace.xs[0] + 1 >= min_length
    ]


class _Trace(NamedTuple):
    """The pixels of a thin dark line: columns, the mean row in each, the mean thickness."""

    xs: np.ndarray
    ys: np.ndarray
    thickness: float


def _trace_lines(gray: np.ndarray, *, dpi: float, level: float) -> tuple[list[_Trace], np.ndarray]:
    """Lines along the first axis, and a mask of all that is thin and dark."""
    across = _max_thickness(dpi)
    along = max(8, round(MIN_STROKE_IN * dpi))
    gap = max(2, round(GAP_IN * dpi))
    # A border of paper, so that a rule on the edge of a crop is still a thin dark line.
    response = cv2.morphologyEx(
        gray,
        cv2.MORPH_BLACKHAT,
        np.ones((across, 1), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=(255,),
    )
    mask: Any = (response >= level).astype(np.uint8)
    # Three pixels across, so that the steps of a slightly skewed hairline hang together.
    dark = mask
    mask = cv2.dilate(mask, np.ones((3, 1), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, along), np.uint8))
    # At a crossing the response breaks off for the thickness of the other rule, which is dark itself.
    crossed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, across + 4), np.uint8))
    is_dark = gray < np.percentile(gray[::4, ::4], 60) - 4 * level
    mask = np.where(is_dark, crossed, mask).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    traces = []
    for component in range(1, count):
        left, top, width, height, area = stats[component]
        thickness = area / width - 2
        if thickness > across:
            continue
        piece = (labels[top : top + height, left : left + width] == component).astype(np.float32)
        weights = piece.sum(axis=0)
        centers = (piece * np.arange(height, dtype=np.float32)[:, None]).sum(axis=0) / np.maximum(weights, 1)
        seen = weights > 0
        traces.append(_Trace(left + np.arange(width)[seen], top + centers[seen], float(thickness)))
    return traces, dark


def _max_thickness(dpi: float) -> int:
    return max(3, round(MAX_RULE_IN * dpi)) | 1


def _find_segments(gray: np.ndarray, *, dpi: float, level: float) -> list[_Segment]:
    traces, dark = _trace_lines(gray, dpi=dpi, level=level)
    segments = []
    for xs, ys, thickness in traces:
        left, stop = int(xs[0]), int(xs[-1]) + 1
        if stop - left >= dpi:
            slope, offset = np.polyfit(xs - left, ys, 1)
        else:
            slope, offset = 0.0, float(np.median(ys))
        if abs(slope) > 0.05:
            continue
        line = np.round(offset + slope * (xs - left)).astype(int)
        if _clear_share(dark, xs, line, distance=_max_thickness(dpi) // 2 + 1) < MIN_CLEAR:
            continue
        segments.append(
            _Segment(
                float(left),
                float(stop),
                float(offset + 0.5 - slope * left),
                float(slope),
                max(1.0, thickness),
            )
        )
    return segments


def _clear_share(dark: np.ndarray, xs: np.ndarray, ys: np.ndarray, *, distance: int) -> float:
    """Share of the stretches beside a line, `distance` to twice that off, that hold nothing dark."""
    offsets = range(distance, 2 * distance + 1)
    sides = [
        np.any([dark[np.clip(ys + sign * d, 0, len(dark) - 1), xs] for d in offsets], axis=0)
        for sign in (-1, 1)
    ]
    return 1.0 - float(np.mean(sides))


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
    return tuple(kept_h + more_h), tuple(kept_v + more_v)


def _is_held(rule: Rule, crossing: list[Rule], parallel: list[Rule], touch: float) -> bool:
    def is_on_rule(end: float) -> bool:
        return any(
            abs(c.position - end) <= touch + c.thickness / 2
            and c.start - touch <= rule.position <= c.stop + touch
            for c in crossing
        )

    def is_torn(end: float, ends: list[float]) -> bool:
        return sum(abs(end - other) <= touch for other in ends) >= 2

    start, stop = is_on_rule(rule.start), is_on_rule(rule.stop)
    if start and stop:
        return True
    if start:
        return is_torn(rule.stop, [p.stop for p in parallel])
    return stop and is_torn(rule.start, [p.start for p in parallel])
