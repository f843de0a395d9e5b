"""The rules of a digital page as its file draws them: strokes and thin areas."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from giar_ml.document import BBox
from giar_ml.geometry import cluster
from giar_ml.tables.ruling import Rule, Rules
from giar_ml.tables.traces import DOT_GAP_IN, MAX_RULE_IN, THICKENED, find_response

IN_LINE_IN, GAP_IN = 0.01, 0.025
"""How far off each other, across and along, pieces of one rule are: word processors draw cell by cell."""
STRAIGHT_IN = 0.005
"""How far the ends of a level or upright stroke are off each other."""
MIN_RULE_IN = 0.05
"""Shorter strokes are dots and marks."""
LIGHTEST = 243
"""Grey level of the palest rules."""
LEAST_SEEN = 10
"""Levels by which a rule is darker than what is beside it."""
MOSTLY_SEEN = 0.8
"""Share of a rule that is seen in the picture, the gaps between dots filled."""
OTHER_LEVEL, OTHER_IN = 30, 0.6
"""Levels and length of what else looks like a rule: the feet of a line of text come near to it."""
RUN_STEP = 4
"""Pixels from one to the next by which rows without long runs are told."""
MOST_NESTED = 14
"""Forms in forms that are looked into."""
BLACK = 64
"""Level of shading as black as the rules are."""
MAX_SEGMENTS = 100_000
"""Drawings have more."""

Point = tuple[float, float]
ToPixels = Callable[[tuple[float, float, float, float]], BBox]


class _Pieces(NamedTuple):
    """Level and upright pieces of rules."""

    level: list[Rule]
    upright: list[Rule]


class _NotSimpleError(Exception):
    """More is drawn than strokes and rectangles."""


def find_drawn_rules(
    page: pdfium.PdfPage, to_pixels: ToPixels, gray: np.ndarray, *, dpi: float
) -> Rules | None:
    """The rules of a page in pixels of its picture.

    Args:
        to_pixels: from left, bottom, right, top in page space to the box in the picture.
        gray: the picture, (H, W) uint8.
        dpi: its resolution.

    Returns:
        None where the picture must tell: more is drawn than strokes and rectangles, or the picture shows
        other rules than these: some are hidden, or were drawn by other means.
    """
    pieces = _Pieces([], [])
    n_segments = 0
    try:
        for path in objects_of(page, pdfium_c.FPDF_PAGEOBJ_PATH):
            n_segments += pdfium_c.FPDFPath_CountSegments(path)
            if n_segments > MAX_SEGMENTS:
                return None
            _add(path, pieces, to_pixels, dpi=dpi)
    except (_NotSimpleError, pdfium.PdfiumError):
        return None
    height, width = gray.shape
    level = _join(pieces.level, (height, width), dpi=dpi)
    upright = _join(pieces.upright, (width, height), dpi=dpi)
    if not _are_seen(level, gray, dpi=dpi) or not _are_seen(upright, gray.T, dpi=dpi):
        return None
    return Rules(tuple(level), tuple(upright))


def _are_seen(rules: Sequence[Rule], gray: np.ndarray, *, dpi: float) -> bool:
    """Whether a picture in which they lie across shows these rules, and no others.

    Args:
        gray: (H, W) uint8.
    """
    response = find_response(np.ascontiguousarray(gray), dpi=dpi)
    dark = (response >= LEAST_SEEN).view(np.uint8)
    near = cv2.dilate(dark, np.ones((3, round(DOT_GAP_IN * dpi) | 1), np.uint8))
    length = round(OTHER_IN * dpi)
    others = cv2.dilate((response >= OTHER_LEVEL).view(np.uint8), THICKENED)
    at, long = _find_runs(others, length)
    for rule in rules:
        reach = math.ceil(rule.thickness / 2) + 3
        row, start, stop = round(rule.position - 0.5), math.floor(rule.start), math.ceil(rule.stop)
        row = min(max(row, 0), len(gray) - 1)
        if near[row, start:stop].mean() < MOSTLY_SEEN:
            return False
        first, last = np.searchsorted(at, (row - reach, row + reach + 1))
        long[first:last, max(0, start - reach) : stop + reach] = 0
    return not long.any() or not _open(long, length).any()


def _find_runs(mask: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a mask, (H, W) uint8 of 0 and 1, in which so many pixels may be set on end: their numbers
    (N,), and (N, W) what is left of them without shorter runs. What reaches the edge may go on beyond it."""
    at = np.flatnonzero(_may_have_runs(mask, length // 2))
    return at, _open(mask[at], length) if len(at) else mask[at]


def _open(rows: np.ndarray, length: int) -> np.ndarray:
    return np.asarray(cv2.morphologyEx(rows, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)))


def _may_have_runs(mask: np.ndarray, length: int) -> np.ndarray:
    """(H,) bool: the rows in which so many pixels may be set on end, told by every fourth of them: lines of
    text have none, and most of a page is text."""
    if mask.shape[1] < 2 * length:
        return np.ones(len(mask), bool)
    found = np.ascontiguousarray(mask[:, ::RUN_STEP])
    left = length // RUN_STEP - 1
    step = 1
    while left > 0:
        step = min(step, left)
        found = found[:, step:] & found[:, : found.shape[1] - step]
        left, step = left - step, 2 * step
    return np.asarray(found.any(axis=1))


def _add(path: pdfium.PdfObject, pieces: _Pieces, to_pixels: ToPixels, *, dpi: float) -> None:
    raw = path.raw
    fill_mode, is_stroked = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDFPath_GetDrawMode(raw, fill_mode, is_stroked)
    matrix = page_matrix(path)
    outlines = list(_outlines(raw, matrix))
    if fill_mode.value != pdfium_c.FPDF_FILLMODE_NONE:
        level = _level(raw, pdfium_c.FPDFPageObj_GetFillColor)
        if level is not None:
            for outline in outlines:
                _add_area(outline, pieces, to_pixels, level=level, n=len(outlines), dpi=dpi)
    level = _level(raw, pdfium_c.FPDFPageObj_GetStrokeColor) if is_stroked.value else None
    if level is not None and level <= LIGHTEST:
        width = ctypes.c_float()
        pdfium_c.FPDFPageObj_GetStrokeWidth(raw, width)
        # A matrix may scale the two directions otherwise.
        sides = width.value * math.hypot(matrix.a, matrix.c), width.value * math.hypot(matrix.b, matrix.d)
        pen = to_pixels((0.0, 0.0, *sides))
        for outline in outlines:
            for ends in pairwise(outline):
                box = _box_around(ends, to_pixels)
                _add_line(box, max(1.0, pen.width), max(1.0, pen.height), pieces, dpi=dpi)


def _outlines(path: pdfium_c.FPDF_PAGEOBJECT, matrix: pdfium.PdfMatrix) -> Iterator[list[Point]]:
    """The corners of each part of a path, in page space.

    Raises:
        _NotSimpleError: there is a curve.
    """
    x, y = ctypes.c_float(), ctypes.c_float()
    to_x, to_y = ctypes.byref(x), ctypes.byref(y)
    outline: list[Point] = []
    for index in range(pdfium_c.FPDFPath_CountSegments(path)):
        segment = pdfium_c.FPDFPath_GetPathSegment(path, index)
        kind = pdfium_c.FPDFPathSegment_GetType(segment)
        pdfium_c.FPDFPathSegment_GetPoint(segment, to_x, to_y)
        point = matrix.on_point(x.value, y.value)
        if kind == pdfium_c.FPDF_SEGMENT_LINETO:
            outline.append(point)
        elif kind == pdfium_c.FPDF_SEGMENT_MOVETO:
            if len(outline) > 1:
                yield outline
            outline = [point]
        else:
            raise _NotSimpleError
        if pdfium_c.FPDFPathSegment_GetClose(segment) and outline:
            outline.append(outline[0])
    if len(outline) > 1:
        yield outline


def objects_of(page: pdfium.PdfPage, kind: int) -> Iterator[pdfium.PdfObject]:
    """The objects of one kind on a page, those in nested forms too. As `PdfPage.get_objects`, which makes an
    object of every piece of text before it tells its kind."""
    yield from _objects_in(
        page, None, pdfium_c.FPDFPage_CountObjects, pdfium_c.FPDFPage_GetObject, kind, level=0
    )


def _objects_in(
    page: pdfium.PdfPage,
    form: pdfium.PdfObject | None,
    count: Callable[..., int],
    get: Callable[..., pdfium_c.FPDF_PAGEOBJECT],
    kind: int,
    *,
    level: int,
) -> Iterator[pdfium.PdfObject]:
    holder = page.raw if form is None else form.raw
    for index in range(count(holder)):
        raw = get(holder, index)
        if not raw:
            raise pdfium.PdfiumError("an object of the page cannot be read")
        found = pdfium_c.FPDFPageObj_GetType(raw)
        if found not in (kind, pdfium_c.FPDF_PAGEOBJ_FORM):
            continue
        item = pdfium.PdfObject(raw, page=page, container=form, level=level)
        if found == kind:
            yield item
        elif level < MOST_NESTED:
            yield from _objects_in(
                page,
                item,
                pdfium_c.FPDFFormObj_CountObjects,
                pdfium_c.FPDFFormObj_GetObject,
                kind,
                level=level + 1,
            )


def page_matrix(item: pdfium.PdfObject) -> pdfium.PdfMatrix:
    """From the space of an object, which may lie in nested forms, to that of its page."""
    matrix, container = item.get_matrix(), item.container
    while container is not None:
        matrix = matrix.multiply(container.get_matrix())
        container = container.container
    return matrix


def _box_around(points: Sequence[Point], to_pixels: ToPixels) -> BBox:
    xs, ys = zip(*points, strict=True)
    return to_pixels((min(xs), min(ys), max(xs), max(ys)))


def _level(path: pdfium.PdfObject, get: Callable[..., int]) -> float | None:
    """Grey level on white paper; None for what is not seen."""
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not get(path, red, green, blue, alpha) or alpha.value == 0:
        return None
    level = 0.299 * red.value + 0.587 * green.value + 0.114 * blue.value
    return 255 - (255 - level) * alpha.value / 255


def _add_area(
    outline: Sequence[Point], pieces: _Pieces, to_pixels: ToPixels, *, level: float, n: int, dpi: float
) -> None:
    box = _box_around(outline, to_pixels)
    short = min(box.width, box.height)
    if short <= MAX_RULE_IN * dpi:
        if level <= LIGHTEST:
            _add_line(box, max(1.0, short), max(1.0, short), pieces, dpi=dpi)
        return
    corners = [to_pixels((x, y, x, y))[:2] for x, y in outline]
    is_rectangle = all(
        min(abs(x - box.left), abs(x - box.right)) < 0.5 and min(abs(y - box.top), abs(y - box.bottom)) < 0.5
        for x, y in corners
    )
    if n > 1 or not is_rectangle or level < BLACK:
        raise _NotSimpleError


def _add_line(box: BBox, wide: float, high: float, pieces: _Pieces, *, dpi: float) -> None:
    """A line from corner to corner of a box, by a pen so wide and high. Dots may be of level rules, or of
    upright ones."""
    (x, y), straight, thickest = box.center, STRAIGHT_IN * dpi, MAX_RULE_IN * dpi
    if high <= thickest and box.height <= max(straight, high + 0.01):
        pieces.level.append(Rule(y, box.left, box.right, high))
    if wide <= thickest and box.width <= max(straight, wide + 0.01):
        pieces.upright.append(Rule(x, box.top, box.bottom, wide))


def _join(rules: Sequence[Rule], page: tuple[float, float], *, dpi: float) -> list[Rule]:
    """Pieces in line made one; shorter ones are marks, or corners.

    Args:
        page: its size, across the rules and along them.
    """
    across, along = page
    inside = [
        rule if rule.start >= 0 and rule.stop <= along else _clip(rule, along)
        for rule in rules
        if 0 <= rule.position <= across and rule.start < along and rule.stop > 0
    ]
    return [rule for rule in _runs(inside, dpi=dpi) if rule.stop - rule.start >= MIN_RULE_IN * dpi]


def _clip(rule: Rule, along: float) -> Rule:
    return rule._replace(start=max(0.0, rule.start), stop=min(along, rule.stop))


def _runs(rules: Sequence[Rule], *, dpi: float) -> Iterator[Rule]:
    for indices in cluster([rule.position for rule in rules], gap=IN_LINE_IN * dpi):
        in_line = sorted((rules[i] for i in indices), key=lambda rule: rule.start)
        run, stop = [in_line[0]], in_line[0].stop
        for rule in in_line[1:]:
            if rule.start - stop > GAP_IN * dpi:
                yield _union(run)
                run = []
            run.append(rule)
            stop = max(stop, rule.stop)
        yield _union(run)


def _union(run: Sequence[Rule]) -> Rule:
    if len(run) == 1:
        return run[0]
    lengths = [max(rule.stop - rule.start, 1e-3) for rule in run]
    return Rule(
        sum(rule.position * length for rule, length in zip(run, lengths, strict=True)) / sum(lengths),
        min(rule.start for rule in run),
        max(rule.stop for rule in run),
        max(rule.thickness for rule in run),
    )
