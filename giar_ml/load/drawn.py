"""The rules of a digital page as its file draws them: strokes and thin areas."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from giar_ml.document import BBox
from giar_ml.geometry import cluster
from giar_ml.tables.ruling import Rule, Rules
from giar_ml.tables.traces import MAX_RULE_IN

IN_LINE_IN, GAP_IN = 0.01, 0.025
"""How far off each other, across and along, pieces of one rule are: word processors draw cell by cell."""
STRAIGHT_IN = 0.005
"""How far the ends of a level or upright stroke are off each other."""
MIN_RULE_IN = 0.05
"""Shorter strokes are dots and marks."""
LIGHTEST = 225
"""Grey level of the palest rules; what is paler is not seen in a picture either."""
BLACK = 64
"""Level of shading as black as the rules are."""
MAX_SEGMENTS = 100_000
"""Drawings have more."""

Point = tuple[float, float]
ToPixels = Callable[[tuple[float, float, float, float]], BBox]


class _Area(NamedTuple):
    """An area filled evenly, `order` in the order of painting."""

    bbox: BBox
    order: int


class _Pieces(NamedTuple):
    """Level and upright pieces of rules with the order in which they were painted, and areas."""

    level: list[tuple[Rule, int]]
    upright: list[tuple[Rule, int]]
    areas: list[_Area]


class _NotSimpleError(Exception):
    """What is drawn is more than strokes and rectangles: its picture tells better."""


def find_drawn_rules(page: pdfium.PdfPage, to_pixels: ToPixels, *, dpi: float) -> Rules | None:
    """The rules of a page in pixels of its picture; None where its picture must tell: shapes that are no
    rectangles, shading as black as rules, areas painted over rules.

    Args:
        to_pixels: from left, bottom, right, top in page space to the box in the picture.
        dpi: resolution of the picture.
    """
    pieces = _Pieces([], [], [])
    n_segments = 0
    try:
        for order, path in enumerate(page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_PATH])):
            n_segments += pdfium_c.FPDFPath_CountSegments(path)
            if n_segments > MAX_SEGMENTS:
                return None
            _add(path, order, pieces, to_pixels, dpi=dpi)
    except _NotSimpleError:
        return None
    drawn = [(BBox(r.start, r.position, r.stop, r.position), order) for r, order in pieces.level]
    drawn += [(BBox(r.position, r.start, r.position, r.stop), order) for r, order in pieces.upright]
    if any(_covers(area, line, order) for area in pieces.areas for line, order in drawn):
        return None
    _, _, width, height = to_pixels(page.get_bbox())
    level = _join([rule for rule, _ in pieces.level], (height, width), dpi=dpi)
    upright = _join([rule for rule, _ in pieces.upright], (width, height), dpi=dpi)
    return Rules(tuple(level), tuple(upright))


def _covers(area: _Area, line: BBox, order: int) -> bool:
    """Whether an area was painted over a part of a line, beyond its own edges."""
    box = area.bbox
    is_inside = box.left + 2 < line.right and line.left < box.right - 2
    return area.order > order and is_inside and box.top + 2 < line.bottom and line.top < box.bottom - 2


def _add(
    path: pdfium.PdfObject,
    order: int,
    pieces: _Pieces,
    to_pixels: ToPixels,
    *,
    dpi: float,
) -> None:
    fill_mode, is_stroked = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDFPath_GetDrawMode(path, fill_mode, is_stroked)
    matrix = path.get_matrix()
    container = path.container
    while container is not None:
        matrix = matrix.multiply(container.get_matrix())
        container = container.container
    outlines = list(_outlines(path, matrix))
    if fill_mode.value != pdfium_c.FPDF_FILLMODE_NONE:
        level = _level(path, pdfium_c.FPDFPageObj_GetFillColor)
        for outline in outlines if level is not None else ():
            _add_area(outline, order, pieces, to_pixels, level=level or 0, n=len(outlines), dpi=dpi)
    if is_stroked.value:
        level = _level(path, pdfium_c.FPDFPageObj_GetStrokeColor)
        width = ctypes.c_float()
        pdfium_c.FPDFPageObj_GetStrokeWidth(path, width)
        scale = (abs(matrix.a * matrix.d - matrix.b * matrix.c)) ** 0.5
        thickness = max(1.0, width.value * scale * dpi / 72)
        if level is None or level > LIGHTEST:
            return
        for outline in outlines:
            for start, stop in pairwise(outline):
                _add_line(_box_around((start, stop), to_pixels), thickness, order, pieces, dpi=dpi)


def _outlines(path: pdfium.PdfObject, matrix: pdfium.PdfMatrix) -> Iterator[list[Point]]:
    """The corners of each part of a path, in page space; curves become what joins their ends."""
    x, y = ctypes.c_float(), ctypes.c_float()
    outline: list[Point] = []
    for index in range(pdfium_c.FPDFPath_CountSegments(path)):
        segment = pdfium_c.FPDFPath_GetPathSegment(path, index)
        kind = pdfium_c.FPDFPathSegment_GetType(segment)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        point = matrix.on_point(x.value, y.value)
        if kind == pdfium_c.FPDF_SEGMENT_MOVETO:
            if len(outline) > 1:
                yield outline
            outline = [point]
        elif kind == pdfium_c.FPDF_SEGMENT_LINETO:
            outline.append(point)
        else:
            raise _NotSimpleError
        if pdfium_c.FPDFPathSegment_GetClose(segment) and outline:
            outline.append(outline[0])
    if len(outline) > 1:
        yield outline


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
    outline: Sequence[Point],
    order: int,
    pieces: _Pieces,
    to_pixels: ToPixels,
    *,
    level: float,
    n: int,
    dpi: float,
) -> None:
    box = _box_around(outline, to_pixels)
    short = min(box.width, box.height)
    if short <= MAX_RULE_IN * dpi:
        if level <= LIGHTEST:
            _add_line(box, max(1.0, short), order, pieces, dpi=dpi)
        return
    is_rectangle = len({(round(x, 2), round(y, 2)) for x, y in outline}) == 4
    if n > 1 or not is_rectangle or level < BLACK:
        raise _NotSimpleError
    pieces.areas.append(_Area(box, order))


def _add_line(box: BBox, thickness: float, order: int, pieces: _Pieces, *, dpi: float) -> None:
    """Dots may be of level rules, or of upright ones."""
    if thickness > MAX_RULE_IN * dpi:
        return
    (x, y), thin = box.center, max(STRAIGHT_IN * dpi, thickness + 0.01)
    if box.height <= thin:
        pieces.level.append((Rule(y, box.left, box.right, thickness), order))
    if box.width <= thin:
        pieces.upright.append((Rule(x, box.top, box.bottom, thickness), order))


def _join(rules: Sequence[Rule], page: tuple[float, float], *, dpi: float) -> list[Rule]:
    """Pieces in line made one; shorter ones are marks, or corners.

    Args:
        page: its size, across the rules and along them.
    """
    across, along = page
    inside = [
        rule._replace(start=max(0.0, rule.start), stop=min(along, rule.stop))
        for rule in rules
        if 0 <= rule.position <= across and rule.start < along and rule.stop > 0
    ]
    return [rule for rule in _runs(inside, dpi=dpi) if rule.stop - rule.start >= MIN_RULE_IN * dpi]


def _runs(rules: Sequence[Rule], *, dpi: float) -> Iterator[Rule]:
    for indices in cluster([rule.position for rule in rules], gap=IN_LINE_IN * dpi):
        in_line = sorted((rules[i] for i in indices), key=lambda rule: rule.start)
        run = [in_line[0]]
        for rule in in_line[1:]:
            if rule.start - max(r.stop for r in run) > GAP_IN * dpi:
                yield _union(run)
                run = []
            run.append(rule)
        yield _union(run)


def _union(run: Sequence[Rule]) -> Rule:
    lengths = [max(rule.stop - rule.start, 1e-3) for rule in run]
    return Rule(
        sum(rule.position * length for rule, length in zip(run, lengths, strict=True)) / sum(lengths),
        min(rule.start for rule in run),
        max(rule.stop for rule in run),
        max(rule.thickness for rule in run),
    )
