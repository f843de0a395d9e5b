"""Which lines are rules: strokes of characters, folds and dirt on glass are thin and dark, too."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from giar_ml.geometry import cluster, overlap
from giar_ml.levels import page_paper_level
from giar_ml.tables.ruling import (
    CLOSE_IN,
    FIGURE_IN,
    IN_LINE_IN,
    LONG_RULE_IN,
    MEDIUM_RULE_IN,
    SHORT_RULE_IN,
    TOUCH_IN,
    Rule,
    gap_between,
    is_on_rule,
    touches,
)

MIN_RULE_SHARE = 0.4
MAX_BREAK_IN = 0.25
"""Gap between the pieces of one rule, and how much of it must be left."""
MOSTLY = 0.7
MIN_ENDS = 3
"""Of a rule, hanging on others in line, that show that it was there."""
MIN_BELOW = 0.25
"""Share of such ends that go on behind the rule on which they hang: figures that stand on it end there."""
HAIRLINE = 0.5
"""Thickness of a level line that is no rule unless it goes from rule to rule, in thicknesses of the rules."""
BESIDE_IN, INK = 0.06, 40
"""So near to a level line stands what stands on it, so many grey levels darker than the page."""
DARKER = 2.0
"""Depth of a rule, in depths of a fold in line with it."""
BEYOND_FIGURE = 1.3
"""Length of an upright line that is none of a figure's, in heights of the highest."""
EDGE_IN = 0.15
"""Nothing is printed so near to the edge of a page."""


def join_pieces(rules: list[Rule], crossing: list[Rule], *, dpi: float) -> list[Rule]:
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
            crossed = sorted(
                (c for c in long if c.start <= position <= c.stop), key=lambda rule: rule.position
            )
            kept = _without_loose_ends(chain, [c.position for c in crossed], close=max(2.0, CLOSE_IN * dpi))
            joined += [rule for rule in chain if rule not in kept]
            if len(kept) > 1 and _are_one(kept, crossed, dpi=dpi):
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
    start, stop = chain[0].start - close, max(rule.stop for rule in chain) + close
    cells = [(left, right) for left, right in pairwise(crossed_at) if right > start and left < stop]
    for left, right in (*cells, *reversed(cells)):
        is_first = all(rule.start > left - close for rule in chain)
        is_last = all(rule.stop < right + close for rule in chain)
        covered = sum(overlap(rule.start, rule.stop, left, right) for rule in chain)
        if is_first != is_last and covered < MIN_RULE_SHARE * (right - left):
            inside = [rule for rule in chain if left - close < rule.start and rule.stop < right + close]
            chain = [rule for rule in chain if rule not in inside]
    return chain


def _are_one(chain: list[Rule], crossing: list[Rule], *, dpi: float) -> bool:
    """Whether rules in line are pieces of one.

    A good part of it is left, and it is left where long rules cross it as well: the strokes of zeros in a
    column lie in line, too, but between the rules, or stand on them.
    """
    close = max(2.0, CLOSE_IN * dpi)
    start, stop = chain[0].start, max(rule.stop for rule in chain)
    left = sum(rule.stop - rule.start for rule in chain)
    if stop - start < MEDIUM_RULE_IN * dpi or left < MIN_RULE_SHARE * (stop - start):
        return False
    crossed = [c for c in crossing if start < c.position < stop]
    met = [c for c in crossed if any(r.start - close <= c.position <= r.stop + close for r in chain)]
    if len(met) < 0.5 * len(crossed) or not (met or left >= MOSTLY * (stop - start)):
        return False
    n_below = sum(
        any(r.start <= c.position + close and r.stop > c.position + _reach(c) for r in chain) for c in met
    )
    return n_below >= MIN_BELOW * len(met)


def keep_meeting(
    horizontal: list[Rule], vertical: list[Rule], *, dpi: float
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Drop short segments unless both their ends lie on a crossing rule: they are strokes of text.

    An end on the torn edge of a table, where the long crossing rules end too, also counts.
    """
    touch, long = TOUCH_IN * dpi, LONG_RULE_IN * dpi
    close, short = max(2.0, CLOSE_IN * dpi), SHORT_RULE_IN * dpi
    kept_h = [r for r in horizontal if r.stop - r.start >= long]
    kept_v = [r for r in vertical if r.stop - r.start >= long]
    beyond_figure = BEYOND_FIGURE * FIGURE_IN * dpi

    def counts(rule: Rule, crossing: list[Rule], parallel: list[Rule], hanging: Sequence[Rule] = ()) -> bool:
        length = rule.stop - rule.start
        if length >= long or (length < MEDIUM_RULE_IN * dpi and not crossing):
            return False
        if length >= MEDIUM_RULE_IN * dpi and (
            any(touches(rule, c, touch) for c in crossing)
            or any(
                abs(rule.position - p.position) <= close and gap_between(rule, p) <= IN_LINE_IN * dpi
                for p in parallel
            )
        ):
            return True
        # No stroke goes through a rule, and on to the next, nor far to both of its sides; one that a pen has
        # struck out may come near the next.
        inner = rule._replace(start=rule.start + 2 * touch, stop=rule.stop - 2 * touch)
        reach = touch if length > beyond_figure else close
        ends = (is_on_rule(rule, end, crossing, reach) for end in (rule.start, rule.stop))
        if any(touches(inner, c, touch) for c in crossing) and any(ends):
            return True
        if length >= short and any(touches(inner, c, 0.0) for c in crossing):
            return True
        in_line = any(
            abs(rule.position - p.position) <= close
            and p.start - short <= rule.stop
            and rule.start <= p.stop + short
            for p in parallel
        ) or any(
            abs(rule.position - p.position) <= close and 0 < gap_between(rule, p) <= MEDIUM_RULE_IN * dpi
            for p in hanging
        )
        return _is_held(rule, crossing, parallel, close if length < short and not in_line else touch)

    def that_count(
        rules: list[Rule], crossing: list[Rule], parallel: list[Rule], hanging: Sequence[Rule] = ()
    ) -> list[Rule]:
        near = _find_near(rules, crossing, touch=max(touch, close))
        # One stroke does not vouch for another: figures stand in line, and end where those beside them do.
        longer = [p for p in parallel if p.stop - p.start >= MEDIUM_RULE_IN * dpi]
        return [
            r
            for r, c in zip(rules, near, strict=True)
            if counts(r, c, parallel if r.stop - r.start > beyond_figure else longer, hanging)
        ]

    more_h = that_count(horizontal, kept_v, kept_h)
    # Low tables have no long vertical rules; those between two horizontal ones are held by these. What hangs
    # on one of these in the row above or below vouches for them as a long one does.
    hanging = [
        r
        for r in vertical
        if beyond_figure <= r.stop - r.start < long
        and any(is_on_rule(r, end, kept_h + more_h, close) for end in (r.start, r.stop))
    ]
    more_v = that_count(vertical, kept_h + more_h, kept_v, hanging)
    # And so does the end where those end, of rules that begin on the same one: the other was lost there.
    held = kept_v + more_v
    more_v += that_count([r for r in vertical if r not in held], kept_h + more_h, held, hanging)
    if not kept_v:
        more_h = that_count(horizontal, more_v, kept_h)
    rows, columns = kept_h + more_h, kept_v + more_v
    # Only upright ones: the feet of figures that fill their cells run from rule to rule, too.
    return tuple(rows), tuple(columns + _ends_in_line(vertical, columns, rows, touch=close))


def _find_near(rules: Sequence[Rule], crossing: Sequence[Rule], *, touch: float) -> list[list[Rule]]:
    """Those of the crossing rules that may touch each rule, by their thickness too: of most strokes none."""
    if not rules or not crossing:
        return [[] for _ in rules]
    starts, stops, positions = (
        np.array([[getattr(rule, name)] for rule in rules]) for name in ("start", "stop", "position")
    )
    at, lefts, rights = (
        np.array([getattr(c, name) for c in crossing]) for name in ("position", "start", "stop")
    )
    reach = touch + max(c.thickness for c in crossing) / 2
    is_near = (starts - reach <= at) & (at <= stops + reach)
    is_near &= (lefts - reach <= positions) & (positions <= rights + reach)
    return [[crossing[k] for k in np.flatnonzero(row)] for row in is_near]


def _ends_in_line(rules: list[Rule], kept: list[Rule], crossing: list[Rule], *, touch: float) -> list[Rule]:
    """Further rules of which only ends are left: they hang on most of the rules that cross there, in line.

    A stroke of a character hangs on none; that one does, and another in line, happens by chance in a long
    table, but not rule by rule; figures at the feet of their cells all stand on theirs.
    """

    def hangs_on(rule: Rule) -> list[Rule]:
        return [
            c
            for c in crossing
            if c.start <= rule.position <= c.stop
            and rule.start <= c.position + _reach(c)
            and rule.stop >= c.position - _reach(c)
        ]

    hanging = [(rule, at) for rule in rules if rule not in kept and (at := hangs_on(rule))]
    found = []
    for indices in cluster([rule.position for rule, _ in hanging], gap=touch / 2):
        in_line = [hanging[i] for i in indices]
        middle = float(np.median([rule.position for rule, _ in in_line]))
        met = {c.position for _, at in in_line for c in at}
        n_below = sum(any(rule.stop > c.position + _reach(c) for c in at) for rule, at in in_line)
        if n_below < MIN_BELOW * len(in_line):
            continue
        crossed = {
            c.position for c in crossing if c.start <= middle <= c.stop and min(met) <= c.position <= max(met)
        }
        if len(met) >= 2 and len(in_line) >= MIN_ENDS and len(met) >= MOSTLY * len(crossed):
            found += [rule for rule, _ in in_line]
    return found


def _reach(rule: Rule) -> float:
    """How far from its middle a line still hangs on a rule."""
    return rule.thickness / 2 + 2


def _is_held(rule: Rule, crossing: list[Rule], parallel: list[Rule], touch: float) -> bool:
    start, stop = (is_on_rule(rule, end, crossing, touch) for end in (rule.start, rule.stop))
    if start and stop:
        return True
    if start:
        return _is_torn(rule.stop, [p.stop for p in parallel], touch)
    return stop and _is_torn(rule.start, [p.start for p in parallel], touch)


def _is_torn(end: float, ends: list[float], touch: float) -> bool:
    """Whether at least two rules end where this one does, or one besides itself."""
    return sum(abs(end - other) <= touch for other in ends) >= 2


def clip_to_edge_rules(
    rules: tuple[Rule, ...], crossing: tuple[Rule, ...], *, length: float, dpi: float
) -> tuple[Rule, ...]:
    """Rules that begin on another one, or where others begin, and go on to the edge of the page, where dirt
    joins them, cut off behind the last that they meet."""
    touch, edge = TOUCH_IN * dpi, EDGE_IN * dpi
    starts, stops = [rule.start for rule in rules], [rule.stop for rule in rules]
    clipped = []
    for rule in rules:
        met = [c.position for c in crossing if touches(rule, c, touch)]
        if len(met) > 1 and rule.stop >= length - edge and _is_torn(rule.start, [min(met), *starts], touch):
            rule = rule._replace(stop=max(met))
        elif len(met) > 1 and rule.start <= edge and _is_torn(rule.stop, [max(met), *stops], touch):
            rule = rule._replace(start=min(met))
        clipped.append(rule)
    return tuple(clipped)


def clip_to_darker(
    rules: tuple[Rule, ...],
    crossing: tuple[Rule, ...],
    gray: np.ndarray,
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> tuple[Rule, ...]:
    """Rules that run to both edges of the page cut off at the outermost that they meet, where they are much
    darker between these: a fold goes on in line with them.

    Args:
        gray: (H, W) uint8, the page, the rules lying across.
        slopes: of the rules, and of those that cross them.
    """
    touch, edge = TOUCH_IN * dpi, EDGE_IN * dpi
    height, width = gray.shape
    clipped = []
    for rule in rules:
        met = [c.position for c in crossing if touches(rule, c, touch)]
        if len(met) > 1 and rule.start <= edge and rule.stop >= width - edge:
            along = np.arange(round(rule.start), round(rule.stop))
            xs = np.clip(np.rint(along + slopes[1] * rule.position), 0, width - 1).astype(np.intp)
            ys = np.rint(rule.position + slopes[0] * xs).astype(np.intp)
            rows = [np.clip(ys + d, 0, height - 1) for d in (-2, -1, 0, 1, 2)]
            paper = page_paper_level(gray)
            depth = paper - np.min([gray[y, xs] for y in rows], axis=0).astype(float)
            is_inside = (along >= min(met)) & (along <= max(met))
            outside = float(np.median(depth[~is_inside])) if not is_inside.all() else 0.0
            if outside and float(np.median(depth[is_inside])) >= DARKER * outside:
                rule = rule._replace(start=min(met), stop=max(met))
        clipped.append(rule)
    return tuple(clipped)


def find_streaks(
    rules: tuple[Rule, ...], crossing: tuple[Rule, ...], *, length: float, dpi: float
) -> tuple[Rule, ...]:
    """Lines that run to the edge of the page and meet no other there: dirt on the scanner's glass."""
    touch, edge = TOUCH_IN * dpi, EDGE_IN * dpi
    return tuple(
        rule
        for rule in rules
        if (rule.start <= edge and not is_on_rule(rule, rule.start, crossing, touch))
        or (rule.stop >= length - edge and not is_on_rule(rule, rule.stop, crossing, touch))
    )


def find_sheet_edges(
    rules: tuple[Rule, ...], crossing: tuple[Rule, ...], *, side: float, dpi: float
) -> tuple[Rule, ...]:
    """Lines along the edge of the page that begin and end on no other: where a sheet ends on the glass.

    Args:
        side: of the page, across the lines.
    """
    touch, edge = TOUCH_IN * dpi, EDGE_IN * dpi
    return tuple(
        rule
        for rule in rules
        if not edge <= rule.position <= side - edge
        and not any(is_on_rule(rule, end, crossing, touch) for end in (rule.start, rule.stop))
    )


def find_hairlines(
    rules: list[Rule], crossing: list[Rule], gray: np.ndarray, *, slope: float, dpi: float
) -> tuple[Rule, ...]:
    """Level lines much thinner than the rules of a page, with an end on no rule, nor where one ends.

    They are lines that a fax has lost or doubled, and folds. Upright ones are what is left of rules.

    Args:
        gray: (H, W) uint8, the page.
        slope: of the rules.
    """
    touch, long, medium = TOUCH_IN * dpi, LONG_RULE_IN * dpi, MEDIUM_RULE_IN * dpi
    lengths = np.array([rule.stop - rule.start for rule in rules if rule.stop - rule.start >= long])
    if not len(lengths):
        return ()
    thickness = np.array([rule.thickness for rule in rules if rule.stop - rule.start >= long])
    order = np.argsort(thickness)
    usual = thickness[order][np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)]
    thick = [rule for rule in rules if rule.thickness >= HAIRLINE * usual]
    crossing = [rule for rule in crossing if rule.stop - rule.start >= long]
    starts, stops = [rule.start for rule in thick], [rule.stop for rule in thick]

    def is_loose(rule: Rule, end: float, ends: list[float]) -> bool:
        return not is_on_rule(rule, end, crossing, touch) and min(abs(end - e) for e in ends) > touch

    def is_sure(rule: Rule) -> bool:
        length = rule.stop - rule.start
        return length >= long or (length >= medium and _is_alone(rule, gray, slope=slope, dpi=dpi))

    thin = [
        rule
        for rule in rules
        if rule.stop - rule.start >= SHORT_RULE_IN * dpi
        and rule.thickness < HAIRLINE * usual
        and (is_loose(rule, rule.start, starts) or is_loose(rule, rule.stop, stops))
    ]
    sure = [rule for rule in thin if is_sure(rule)]
    return tuple(rule for rule in thin if any(abs(rule.position - other.position) <= touch for other in sure))


def _is_alone(rule: Rule, gray: np.ndarray, *, slope: float, dpi: float) -> bool:
    """Whether there is little on either side of a level line: figures stand on their feet."""
    height, width = gray.shape
    xs = np.arange(max(0, round(rule.start)), min(width, round(rule.stop)))
    ys = np.rint(rule.position + slope * xs).astype(np.intp)
    offsets = np.arange(3, max(4, round(BESIDE_IN * dpi)))[:, None]
    ink = page_paper_level(gray) - INK
    sides = (gray[np.clip(ys + way * offsets, 0, height - 1), xs] for way in (-1, 1))
    return all((side > ink).all(axis=0).mean() >= MOSTLY for side in sides)
