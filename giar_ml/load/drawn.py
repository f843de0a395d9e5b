"""The rules of a digital page as its file draws them: strokes and thin areas."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from giar_ml.geometry import cluster
from giar_ml.tables.ruling import Rule, Rules
from giar_ml.tables.traces import DOT_GAP_IN, MAX_RULE_IN, THICKENED, find_response, max_thickness

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
MOST_NESTED = 14
"""Forms in forms that are looked into."""
BLACK = 64
"""Level of shading as black as the rules are."""
MAX_SEGMENTS = 100_000
"""Drawings have more."""
MAX_OBJECTS = 200_000
"""On a page, those in its forms counted each time that they are drawn; dotted rules are ten thousand."""

ToPixels = Callable[[np.ndarray], np.ndarray]
"""From (N, 4) left, bottom, right, top in page space to left, top, right, bottom in the picture."""


class Placed(NamedTuple):
    """An object of a page, and how the form that it lies in is placed on the page."""

    raw: pdfium_c.FPDF_PAGEOBJECT
    form: pdfium.PdfMatrix | None

    @property
    def matrix(self) -> pdfium.PdfMatrix:
        """From the space of the object to that of its page."""
        raw = pdfium_c.FS_MATRIX()
        if not pdfium_c.FPDFPageObj_GetMatrix(self.raw, raw):
            raise pdfium.PdfiumError("an object of the page has no place")
        matrix = pdfium.PdfMatrix.from_raw(raw)
        return matrix if self.form is None else matrix.multiply(self.form)


class _NotSimpleError(Exception):
    """More is drawn than strokes and rectangles."""


class TooManyObjectsError(Exception):
    """More is on a page than MAX_OBJECTS."""


def find_drawn_rules(
    paths: Sequence[Placed], to_pixels: ToPixels, gray: np.ndarray, *, dpi: float
) -> Rules | None:
    """The rules of a page in pixels of its picture.

    Args:
        paths: all that are drawn on the page.
        gray: the picture, (H, W) uint8.
        dpi: its resolution.

    Returns:
        None where the picture must tell: more is drawn than strokes and rectangles, or the picture shows
        other rules than these: some are hidden, or were drawn by other means.
    """
    try:
        lines = _find_lines(_read_paths(paths), to_pixels, dpi=dpi)
    except (_NotSimpleError, pdfium.PdfiumError):
        return None
    height, width = gray.shape
    level = _join(lines.level(dpi=dpi), (height, width), dpi=dpi)
    upright = _join(lines.upright(dpi=dpi), (width, height), dpi=dpi)
    if not _are_seen(level, gray, dpi=dpi) or not _are_seen(upright, cv2.transpose(gray), dpi=dpi):
        return None
    return Rules(tuple(level), tuple(upright))


def _are_seen(rules: Sequence[Rule], gray: np.ndarray, *, dpi: float) -> bool:
    """Whether a picture in which they lie across shows these rules, and no others.

    Args:
        gray: (H, W) uint8.
    """
    height, length = len(gray), round(OTHER_IN * dpi)
    is_shown = _may_have_runs(gray <= 255 - OTHER_LEVEL, length // 2)
    places = [min(max(round(rule.position - 0.5), 0), height - 1) for rule in rules]
    is_shown[places] = True
    if not is_shown.any():
        return True
    # The response of a row is that of the rows around it.
    is_near = _spread(is_shown, 2 * (max_thickness(dpi) // 2) + 1)
    n_before = [0, *np.cumsum(is_near).tolist()]
    response = find_response(gray[is_near], dpi=dpi)
    is_dark = (response >= LEAST_SEEN).view(np.uint8)
    dark = cv2.dilate(is_dark, np.ones((3, round(DOT_GAP_IN * dpi) | 1), np.uint8))
    others = cv2.dilate((response >= OTHER_LEVEL).view(np.uint8), THICKENED)
    for rule, row in zip(rules, places, strict=True):
        reach = math.ceil(rule.thickness / 2) + 3
        start, stop = math.floor(rule.start), math.ceil(rule.stop)
        along = dark[n_before[row], start:stop]
        if np.count_nonzero(along) / along.size < MOSTLY_SEEN:
            return False
        first, last = n_before[max(row - reach, 0)], n_before[min(row + reach + 1, height)]
        others[first:last, max(0, start - reach) : stop + reach] = 0
    left = others[_may_have_runs(others, length // 2) & is_shown[is_near]]
    return not len(left) or not cv2.morphologyEx(left, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)).any()


def _may_have_runs(mask: np.ndarray, length: int) -> np.ndarray:
    """(H,) bool: the rows beside or at which so many pixels may be set on end, told by their bytes of eight:
    lines of text have none, and most of a page is text.

    Args:
        mask: (H, W) bool, or of 0 and 1.
    """
    n_whole = (length - 7) // 8
    if n_whole < 1 or mask.shape[1] < 2 * length:
        return np.ones(len(mask), bool)
    bits = np.packbits(mask, axis=1)
    beside = bits.copy()
    beside[1:] |= bits[:-1]
    beside[:-1] |= bits[1:]
    whole = (beside == 255).view(np.uint8)
    return np.asarray(cv2.erode(whole, np.ones((1, n_whole), np.uint8)).any(axis=1))


def _spread(flags: np.ndarray, reach: int) -> np.ndarray:
    """(N,) bool: the flags, and what is so near to one of them."""
    whole = np.convolve(flags, np.ones(2 * reach + 1))
    return np.asarray(whole[reach : reach + len(flags)] > 0.5)


class _Outlines(NamedTuple):
    """What the P paths of a page are drawn by, in page space: O lines from corner to corner."""

    corners: np.ndarray
    """(N, 2) of one outline after the other."""
    starts: np.ndarray
    """(O,) where each begins."""
    paths: np.ndarray
    """(O,) the path that each is of."""
    fills: np.ndarray
    """(P,) grey levels, NaN of paths that are not filled."""
    strokes: np.ndarray
    """(P,) the same of their lines."""
    pens: np.ndarray
    """(P, 2) width and height of what the lines are drawn with."""


def _read_paths(paths: Sequence[Placed]) -> _Outlines:
    """
    Raises:
        _NotSimpleError: there is a curve, or more than rules.
        PdfiumError: a path cannot be read.
    """
    # A page of dotted rules has ten thousand paths: what is called for each is looked up once.
    get_segment, get_point = pdfium_c.FPDFPath_GetPathSegment, pdfium_c.FPDFPathSegment_GetPoint
    get_kind, get_close = pdfium_c.FPDFPathSegment_GetType, pdfium_c.FPDFPathSegment_GetClose
    move, line = pdfium_c.FPDF_SEGMENT_MOVETO, pdfium_c.FPDF_SEGMENT_LINETO
    x, y, width = ctypes.c_float(), ctypes.c_float(), ctypes.c_float()
    fill_mode, is_stroked = ctypes.c_int(), ctypes.c_int()
    color = tuple(ctypes.c_uint() for _ in range(4))
    xs: list[float] = []
    ys: list[float] = []
    starts, owners, ends = [], [], []
    matrices, fills, strokes, pens = [], [], [], []
    for number, path in enumerate(paths):
        raw = path.raw
        n_segments = pdfium_c.FPDFPath_CountSegments(raw)
        if len(xs) + n_segments > MAX_SEGMENTS:
            raise _NotSimpleError
        pdfium_c.FPDFPath_GetDrawMode(raw, fill_mode, is_stroked)
        is_open = is_stroked.value != 0
        for index in range(n_segments):
            segment = get_segment(raw, index)
            kind = get_kind(segment)
            if kind == move or index == 0:
                starts.append(len(xs))
                owners.append(number)
            if kind != move and kind != line:
                raise _NotSimpleError
            get_point(segment, x, y)
            xs.append(x.value)
            ys.append(y.value)
            if is_open and get_close(segment):
                xs.append(xs[starts[-1]])
                ys.append(ys[starts[-1]])
        ends.append(len(xs))
        matrix = path.matrix
        matrices.append(matrix.get())
        is_filled = fill_mode.value != pdfium_c.FPDF_FILLMODE_NONE
        fills.append(_level(raw, pdfium_c.FPDFPageObj_GetFillColor, color) if is_filled else math.nan)
        strokes.append(_level(raw, pdfium_c.FPDFPageObj_GetStrokeColor, color) if is_open else math.nan)
        if is_open:
            pdfium_c.FPDFPageObj_GetStrokeWidth(raw, width)
            # A matrix may scale the two directions otherwise.
            sides = math.hypot(matrix.a, matrix.c), math.hypot(matrix.b, matrix.d)
            pens.append((width.value * sides[0], width.value * sides[1]))
        else:
            pens.append((0.0, 0.0))
    return _Outlines(
        _place(np.array([xs, ys], float), matrices, np.diff(np.array(ends, np.intp), prepend=0)),
        np.array(starts, np.intp),
        np.array(owners, np.intp),
        np.array(fills, float),
        np.array(strokes, float),
        np.array(pens, float).reshape(-1, 2),
    )


def _place(points: np.ndarray, matrices: Sequence[tuple[float, ...]], counts: np.ndarray) -> np.ndarray:
    """(N, 2) in page space of (2, N) points, so many for each matrix."""
    xs, ys = points
    a, b, c, d, e, f = np.repeat(np.array(matrices, float).reshape(-1, 6), counts, axis=0).T
    return np.stack([a * xs + c * ys + e, b * xs + d * ys + f], axis=1)


class _Lines(NamedTuple):
    """Lines from corner to corner of L boxes in the picture, which may be level, upright, or neither."""

    boxes: np.ndarray
    """(L, 4) left, top, right, bottom."""
    pens: np.ndarray
    """(L, 2) width and height of what each is drawn with."""

    def level(self, *, dpi: float) -> np.ndarray:
        """(N, 4) position, start, stop and thickness of those that lie. Dots may be of level rules, or of
        upright ones."""
        left, top, right, bottom = self.boxes.T
        return _straight((top, bottom), (left, right), self.pens[:, 1], dpi=dpi)

    def upright(self, *, dpi: float) -> np.ndarray:
        left, top, right, bottom = self.boxes.T
        return _straight((left, right), (top, bottom), self.pens[:, 0], dpi=dpi)


def _straight(
    across: tuple[np.ndarray, np.ndarray],
    along: tuple[np.ndarray, np.ndarray],
    thickness: np.ndarray,
    *,
    dpi: float,
) -> np.ndarray:
    first, last = across
    is_thin = thickness <= MAX_RULE_IN * dpi
    is_straight = last - first <= np.maximum(STRAIGHT_IN * dpi, thickness + 0.01)
    return np.stack([(first + last) / 2, *along, thickness], axis=1)[is_thin & is_straight]


def _find_lines(outlines: _Outlines, to_pixels: ToPixels, *, dpi: float) -> _Lines:
    """The strokes and thin areas in the order in which they are drawn.

    Raises:
        _NotSimpleError: there are other areas than rectangles, or black ones.
    """
    corners, starts, paths, fills, strokes, pens = outlines
    sizes = np.diff(starts, append=len(corners))
    is_outline = np.repeat(sizes > 1, sizes)
    corners, paths, sizes = corners[is_outline], paths[sizes > 1], sizes[sizes > 1]
    starts = np.cumsum(sizes) - sizes
    if not len(starts):
        return _Lines(np.zeros((0, 4)), np.zeros((0, 2)))
    areas, area_paths = _find_areas(corners, starts, paths, fills, to_pixels, dpi=dpi)
    short = np.maximum(1.0, np.minimum(areas[:, 2] - areas[:, 0], areas[:, 3] - areas[:, 1]))

    firsts = np.delete(np.arange(len(corners)), starts + sizes - 1)
    stroke_paths = np.repeat(paths, sizes - 1)
    is_seen = strokes[stroke_paths] <= LIGHTEST
    firsts, stroke_paths = firsts[is_seen], stroke_paths[is_seen]
    ends = corners[firsts], corners[firsts + 1]
    boxes = to_pixels(np.hstack([np.minimum(*ends), np.maximum(*ends)]))
    left, top, right, bottom = to_pixels(np.hstack([np.zeros_like(pens), pens])).T
    wide_and_high = np.maximum(1.0, np.stack([right - left, bottom - top], axis=1))

    order = np.argsort(np.concatenate([2 * area_paths, 2 * stroke_paths + 1]), kind="stable")
    return _Lines(
        np.vstack([areas, boxes])[order],
        np.vstack([np.stack([short, short], axis=1), wide_and_high[stroke_paths]])[order],
    )


def _find_areas(
    corners: np.ndarray,
    starts: np.ndarray,
    paths: np.ndarray,
    fills: np.ndarray,
    to_pixels: ToPixels,
    *,
    dpi: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The boxes of the thin areas that are seen, and the paths that they are of; raises as `_find_lines`."""
    levels = fills[paths]
    boxes = to_pixels(np.hstack([np.minimum.reduceat(corners, starts), np.maximum.reduceat(corners, starts)]))
    left, top, right, bottom = boxes.T
    is_thin = np.minimum(right - left, bottom - top) <= MAX_RULE_IN * dpi
    is_wide = ~np.isnan(levels) & ~is_thin
    n_outlines = np.bincount(paths)[paths]
    sizes = np.diff(starts, append=len(corners))
    xs, ys = to_pixels(np.hstack([corners, corners])).T[:2]
    off = np.maximum(
        np.minimum(np.abs(xs - np.repeat(left, sizes)), np.abs(xs - np.repeat(right, sizes))),
        np.minimum(np.abs(ys - np.repeat(top, sizes)), np.abs(ys - np.repeat(bottom, sizes))),
    )
    is_rectangle = np.maximum.reduceat(off, starts) < 0.5
    if (is_wide & ((n_outlines > 1) | ~is_rectangle | (levels < BLACK))).any():
        raise _NotSimpleError
    is_seen = is_thin & (levels <= LIGHTEST)
    return boxes[is_seen], paths[is_seen]


def _level(
    path: pdfium_c.FPDF_PAGEOBJECT, get: Callable[..., int], color: tuple[ctypes.c_uint, ...]
) -> float:
    """Grey level on white paper; NaN for what is not seen. `color` is filled in."""
    if not get(path, *color):
        return math.nan
    red, green, blue, alpha = (part.value for part in color)
    level = 0.299 * red + 0.587 * green + 0.114 * blue
    return 255 - (255 - level) * alpha / 255 if alpha else math.nan


def objects_of(page: pdfium.PdfPage, *kinds: int) -> Iterator[tuple[int, Placed]]:
    """The objects of some kinds on a page with their kinds, those in nested forms too. As
    `PdfPage.get_objects`, which makes an object of every piece of text before it tells its kind.

    Raises:
        PdfiumError: an object cannot be read.
        TooManyObjectsError: forms in forms draw more than a page has.
    """
    n_objects, get = pdfium_c.FPDFPage_CountObjects(page), pdfium_c.FPDFPage_GetObject
    yield from _objects_in(page.raw, n_objects, get, kinds, form=None, level=0, numbers=count())


def _objects_in(
    holder: pdfium_c.FPDF_PAGE | pdfium_c.FPDF_PAGEOBJECT,
    n_objects: int,
    get: Callable[..., pdfium_c.FPDF_PAGEOBJECT],
    kinds: Sequence[int],
    *,
    form: pdfium.PdfMatrix | None,
    level: int,
    numbers: Iterator[int],
) -> Iterator[tuple[int, Placed]]:
    """
    Args:
        numbers: of the objects that are still to come, on the whole page.
    """
    for index in range(n_objects):
        if next(numbers) >= MAX_OBJECTS:
            raise TooManyObjectsError
        raw = get(holder, index)
        if not raw:
            raise pdfium.PdfiumError("an object of the page cannot be read")
        kind = pdfium_c.FPDFPageObj_GetType(raw)
        if kind in kinds:
            yield kind, Placed(raw, form)
        elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and level < MOST_NESTED:
            yield from _objects_in(
                raw,
                pdfium_c.FPDFFormObj_CountObjects(raw),
                pdfium_c.FPDFFormObj_GetObject,
                kinds,
                form=Placed(raw, form).matrix,
                level=level + 1,
                numbers=numbers,
            )


def _join(pieces: np.ndarray, page: tuple[float, float], *, dpi: float) -> list[Rule]:
    """Pieces in line made one; shorter ones are marks, or corners.

    Args:
        pieces: (N, 4) position, start, stop and thickness of each.
        page: its size, across the rules and along them.
    """
    across, along = page
    positions, starts, stops, _ = pieces.T
    pieces = pieces[(positions >= 0) & (positions <= across) & (starts < along) & (stops > 0)]
    pieces[:, 1:3] = pieces[:, 1:3].clip(0, along)
    return [rule for rule in _runs(pieces, dpi=dpi) if rule.stop - rule.start >= MIN_RULE_IN * dpi]


def _runs(pieces: np.ndarray, *, dpi: float) -> Iterator[Rule]:
    # Of dotted rules, thousands of pieces are on the very same line.
    positions, places = np.unique(pieces[:, 0], return_inverse=True)
    lines = np.zeros(len(positions), np.intp)
    for number, indices in enumerate(cluster(positions.tolist(), gap=IN_LINE_IN * dpi)):
        lines[indices] = number
    order = np.lexsort((pieces[:, 0], pieces[:, 1], lines[places]))
    pieces, lines = pieces[order], lines[places][order]
    first = 0
    line, reached = -1, -math.inf
    for index, (other, start, stop) in enumerate(
        zip(lines.tolist(), pieces[:, 1].tolist(), pieces[:, 2].tolist(), strict=True)
    ):
        if other != line or start - reached > GAP_IN * dpi:
            if index:
                yield _union(pieces[first:index])
            first, line, reached = index, other, stop
        elif stop > reached:
            reached = stop
    if len(pieces):
        yield _union(pieces[first:])


def _union(run: np.ndarray) -> Rule:
    if len(run) == 1:
        return Rule(*run[0].tolist())
    positions, starts, stops, thickness = run.T
    lengths = np.maximum(stops - starts, 1e-3)
    return Rule(
        float(np.cumsum(positions * lengths)[-1] / np.cumsum(lengths)[-1]),
        float(starts.min()),
        float(stops.max()),
        float(thickness.max()),
    )
