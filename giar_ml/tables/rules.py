"""Ruling lines on a page image."""

from __future__ import annotations

import threading
import weakref

import cv2
import numpy as np

from giar_ml.geometry import cluster
from giar_ml.masks import find_filled
from giar_ml.tables.broken import find_broken_columns
from giar_ml.tables.choosing import (
    MOSTLY,
    clip_to_darker,
    clip_to_edge_rules,
    find_hairlines,
    find_sheet_edges,
    find_streaks,
    join_pieces,
    keep_meeting,
)
from giar_ml.tables.corners import find_last_columns
from giar_ml.tables.lost import find_interrupted_columns, find_lost_columns
from giar_ml.tables.ruling import (
    CLOSE_IN,
    IN_LINE_IN,
    LONG_RULE_IN,
    TOUCH_IN,
    Rule,
    Rules,
    extent,
    gap_between,
    touches,
)
from giar_ml.tables.scratches import find_scratches
from giar_ml.tables.segments import (
    find_pieces,
    find_segments,
    main_slope,
    split_at_crossings,
    split_hairs,
    split_slanted,
    to_rules,
    without_hairs,
    without_pale_marks,
    without_strokes,
)
from giar_ml.tables.traces import response_level

RULES = "rules"
"""The layout that needs no detector: a table is what its rules make one."""
A4_SHORT_SIDE_IN = 8.27
SLIP_IN = 0.08
"""By how much the ends of a table's rules differ."""
BREAK_IN = 0.2
"""An upright rule that goes on so far off is the same one; a title between two tables takes more."""
MAX_ROW_IN = 0.6
"""Height of a row whose outer rule stands apart."""
BLACK, BLACK_IN = 64, (0.1, 0.5)
"""Level of shading as black as the rules, and height and width of what is shaded, at least."""
OUTLINE_IN = 0.02
"""Thickness of what is left of it."""


class _Last(threading.local):
    """What `find_rules` found last in this thread."""

    image: weakref.ref[np.ndarray] | None = None
    dpi: float = 0.0
    rules: Rules


_last = _Last()


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
    the last image are remembered: layout and tables ask for the same, in the same thread.
    """
    if _last.image is None or _last.image() is not image or _last.dpi != dpi:
        _last.rules = _find_rules(to_gray(image), dpi=dpi)
        _last.image, _last.dpi = weakref.ref(image), dpi
    return _last.rules


def _find_rules(gray: np.ndarray, *, dpi: float) -> Rules:
    gray = _outline_black(gray, dpi=dpi)
    level = response_level(gray)
    horizontal, row_marks = find_segments(gray, dpi=dpi, level=level)
    vertical, column_marks = find_segments(np.ascontiguousarray(gray.T), dpi=dpi, level=level)
    vertical, hairs = split_hairs(vertical, horizontal, dpi=dpi)
    column_marks = without_hairs(column_marks, hairs)
    horizontal_slope = main_slope(horizontal, dpi=dpi)
    vertical_slope = main_slope(vertical, dpi=dpi)
    height, width = gray.shape
    across, row_folds = (
        to_rules(segments, slope=horizontal_slope, cross_slope=vertical_slope)
        for segments in split_slanted(horizontal, slope=horizontal_slope, dpi=dpi)
    )
    down, column_folds = (
        to_rules(segments, slope=vertical_slope, cross_slope=horizontal_slope)
        for segments in split_slanted(vertical, slope=vertical_slope, dpi=dpi)
    )
    slopes = horizontal_slope, vertical_slope
    down = split_at_crossings(down, across, column_marks, slopes=slopes[::-1], dpi=dpi)
    across = join_pieces(across, down, dpi=dpi)
    # Level rules are often broken where upright ones cross them.
    down = join_pieces(down, across, dpi=dpi)
    hairlines = find_hairlines(across, down, gray, slope=horizontal_slope, dpi=dpi)
    rows, columns = keep_meeting([rule for rule in across if rule not in hairlines], down, dpi=dpi)
    rows, columns = (
        clip_to_darker(rows, columns, gray, slopes=slopes, dpi=dpi),
        clip_to_darker(columns, rows, gray.T, slopes=slopes[::-1], dpi=dpi),
    )
    rows, columns = (
        clip_to_edge_rules(rows, columns, length=width, dpi=dpi),
        clip_to_edge_rules(columns, rows, length=height, dpi=dpi),
    )
    # What runs from a table to the edge of the sheet is no rule either.
    edges = find_sheet_edges(columns, rows, side=width, dpi=dpi)
    columns = tuple(rule for rule in columns if rule not in edges)
    row_streaks = find_streaks(rows, columns, length=width, dpi=dpi)
    column_streaks = find_streaks(columns, rows, length=height, dpi=dpi)
    row_streaks += find_scratches(rows, columns, gray, slopes=slopes, dpi=dpi)
    rows = tuple(rule for rule in rows if rule not in row_streaks)
    columns = tuple(rule for rule in columns if rule not in column_streaks)
    rows, last = find_last_columns(rows, columns, down, dpi=dpi)
    columns += last
    row_streaks += (*row_folds, *hairlines)
    column_streaks += tuple(column_folds)
    column_streaks += tuple(to_rules(hairs, slope=vertical_slope, cross_slope=horizontal_slope))
    strong = without_pale_marks(column_marks, gray.T, [*horizontal, *vertical], dpi=dpi)
    columns += find_broken_columns(strong, rows, columns, column_streaks, slopes=slopes[::-1], dpi=dpi)
    columns += find_lost_columns(column_marks, rows, columns, slopes=slopes[::-1], dpi=dpi)
    interrupted = find_interrupted_columns(column_marks, rows, columns, slopes=slopes[::-1], dpi=dpi)
    columns += interrupted
    if interrupted:
        found = find_lost_columns(column_marks, rows, columns, slopes=slopes[::-1], dpi=dpi)
        columns += _beside(interrupted, found)
    row_pieces = find_pieces(row_marks, rows, columns, slopes=slopes, dpi=dpi)
    column_pieces = find_pieces(column_marks, columns, rows, slopes=slopes[::-1], dpi=dpi)
    column_pieces = without_strokes(column_pieces, columns, rows, dpi=dpi)
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


def _beside(known: tuple[Rule, ...], rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules that stand in the row of a known one."""
    rows = [(rule.start, rule.stop) for rule in known]
    return tuple(
        rule for rule in rules if any(start < (rule.start + rule.stop) / 2 < stop for start, stop in rows)
    )


def _outline_black(gray: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page, (H, W) uint8, with paper inside what is shaded as black as the rules are: these are its
    edges. `gray` itself where nothing is."""
    black = (gray[::2, ::2] < BLACK).astype(np.uint8)
    height, width = (max(3, round(side * dpi / 2)) for side in BLACK_IN)
    solid = find_filled(cv2.morphologyEx(black, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), height, width)
    if not solid.any():
        return gray
    whole = cv2.resize(solid.astype(np.uint8), gray.shape[::-1], interpolation=cv2.INTER_NEAREST)
    size = 2 * max(2, round(OUTLINE_IN * dpi)) + 1
    inside = cv2.erode(whole, np.ones((size, size), np.uint8)) > 0
    return np.where(inside, np.uint8(255), gray)


def group_rules(rules: Rules, *, dpi: float) -> list[Rules]:
    """The rules that meet, or go on in line, in reading order: one table, frame or drawing each."""
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
            if touches(h, v, touch):
                parent[find(i)] = find(j)
    # Where the rules that they meet are broken, too.
    for first, parallel, gap in ((0, horizontal, IN_LINE_IN), (len(horizontal), vertical, BREAK_IN)):
        for i, rule in enumerate(parallel):
            for j, other in enumerate(parallel[:i]):
                is_in_line = abs(rule.position - other.position) <= CLOSE_IN * dpi
                if is_in_line and gap_between(rule, other) <= gap * dpi:
                    parent[find(first + i)] = find(first + j)
    groups: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for i, h in enumerate(horizontal):
        groups.setdefault(find(i), ([], []))[0].append(h)
    for j, v in enumerate(vertical, len(horizontal)):
        groups.setdefault(find(j), ([], []))[1].append(v)
    lone = [rule for h, v in groups.values() if not v for rule in h]
    found = []
    for rows, columns in groups.values():
        if rows and columns:
            rows = [*rows, *_find_outer(rows, lone, dpi=dpi), *_find_in_line(rows, lone, dpi=dpi)]
            found.append(rules._replace(horizontal=tuple(rows), vertical=tuple(columns)))
    return sorted(found, key=lambda group: (extent(group).top, extent(group).left))


def _find_in_line(rules: list[Rule], lone: list[Rule], *, dpi: float) -> list[Rule]:
    """The long rules inside a table in line with a piece of its own, however far from it: the rules that
    crossed them are broken there."""
    left, right = min(rule.start for rule in rules), max(rule.stop for rule in rules)
    touch = TOUCH_IN * dpi
    return [
        rule
        for rule in lone
        if rule.stop - rule.start >= LONG_RULE_IN * dpi
        and left - touch <= rule.start
        and rule.stop <= right + touch
        and any(abs(rule.position - other.position) <= CLOSE_IN * dpi for other in rules)
    ]


def _find_outer(rules: list[Rule], lone: list[Rule], *, dpi: float) -> list[Rule]:
    """The next rule above and below a table that is as long as its own and stands where they stand: the rules
    that crossed it are broken there."""
    left, right = min(rule.start for rule in rules), max(rule.stop for rule in rules)
    top, bottom = min(rule.position for rule in rules), max(rule.position for rule in rules)
    above, below = [], []
    for indices in cluster([rule.position for rule in lone], gap=TOUCH_IN * dpi):
        pieces = [lone[i] for i in indices]
        ends = min(rule.start for rule in pieces) - left, max(rule.stop for rule in pieces) - right
        covered = sum(rule.stop - rule.start for rule in pieces)
        if max(map(abs, ends)) > SLIP_IN * dpi or covered < MOSTLY * (right - left):
            continue
        if 0 < top - pieces[0].position <= MAX_ROW_IN * dpi:
            above.append(pieces)
        if 0 < pieces[0].position - bottom <= MAX_ROW_IN * dpi:
            below.append(pieces)
    nearest = [*above[-1:], *below[:1]]  # clusters are in order of their positions
    return [rule for pieces in nearest for rule in pieces]
