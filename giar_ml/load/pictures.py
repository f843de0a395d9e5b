"""Pictures on a PDF page, and print that no character of its text layer accounts for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from giar_ml.load.characters import Chars
from giar_ml.load.drawn import Placed, objects_of
from giar_ml.load.glyphs import MIN_LAYER_CHARS, Glyphs, widen
from giar_ml.load.rendering import PT_PER_INCH

_MIN_PICTURE_PX = 64  # smaller ones are backgrounds of one colour, stretched
_MIN_PICTURE_COVERAGE = 0.02  # of the page; a table is larger
_DARK = 160  # gray level: print is darker, the coloured head rows of forms are lighter
_UNREAD_MARKS = 150  # glyph-like marks outside all characters: a seal in vectors has fewer, a table more
_UNREAD_MARKS_BARE = 20  # the same on a page with next to no text
_MARK_PX = (6, 60)  # a character or a part of it, at DIGITAL_DPI
_MIN_RULES = 3  # of each direction, in the picture of a table
_BLANK_DARK_SHARE = 0.0005  # of the pixels; one printed line has more


class Picture(NamedTuple):
    """A picture as it lies on the page: the share of the page it covers, and its resolution there."""

    bbox: tuple[float, float, float, float]  # page space
    coverage: float
    dpi: float
    raw: pdfium.PdfImage


def find_objects(page: pdfium.PdfPage) -> tuple[list[Placed], list[Placed]]:
    """The paths and the images of a page."""
    found: dict[int, list[Placed]] = {pdfium_c.FPDF_PAGEOBJ_PATH: [], pdfium_c.FPDF_PAGEOBJ_IMAGE: []}
    for kind, item in objects_of(page, *found):
        found[kind].append(item)
    return found[pdfium_c.FPDF_PAGEOBJ_PATH], found[pdfium_c.FPDF_PAGEOBJ_IMAGE]


def find_pictures(page: pdfium.PdfPage, images: Sequence[Placed]) -> list[Picture]:
    """The pictures that may hold print."""
    left, bottom, right, top = page.get_bbox()
    area = max((right - left) * (top - bottom), 1e-6)
    pictures = []
    for item in images:
        image = pdfium.PdfImage(item.raw, page=page)
        width_px, height_px = image.get_px_size()
        if min(width_px, height_px) < _MIN_PICTURE_PX and width_px * height_px < 100 * _MIN_PICTURE_PX**2:
            continue
        matrix = item.matrix
        corners = [matrix.on_point(x, y) for x, y in ((0, 0), (1, 0), (0, 1), (1, 1))]
        bbox = (
            max(min(x for x, _ in corners), left),
            max(min(y for _, y in corners), bottom),
            min(max(x for x, _ in corners), right),
            min(max(y for _, y in corners), top),
        )
        coverage = max(bbox[2] - bbox[0], 0.0) * max(bbox[3] - bbox[1], 0.0) / area
        width_pt, height_pt = math.hypot(matrix.a, matrix.b), math.hypot(matrix.c, matrix.d)
        if coverage < _MIN_PICTURE_COVERAGE or not width_pt or not height_pt:
            continue
        dpi = max(width_px / width_pt, height_px / height_pt) * PT_PER_INCH
        pictures.append(Picture(bbox, coverage, dpi, image))
    return pictures


def covered_share(pictures: Sequence[Picture], page: pdfium.PdfPage) -> float:
    """Share of the page under pictures together: scanners also write strips."""
    left, bottom, right, top = page.get_bbox()
    grid = np.zeros((100, 100), bool)
    for x0, y0, x1, y1 in (picture.bbox for picture in pictures):
        columns = slice(*(round((x - left) / (right - left) * 100) for x in (x0, x1)))
        rows = slice(*(round((y - bottom) / (top - bottom) * 100) for y in (y0, y1)))
        grid[rows, columns] = True
    return float(grid.mean())


def is_plain(levels: np.ndarray) -> bool:
    """Whether a picture, (H, W) uint8, shows next to no print."""
    return float((levels < _DARK).mean()) < _BLANK_DARK_SHARE


def is_backdrop(pictures: Sequence[Picture], glyphs: Glyphs) -> bool:
    """Whether the pictures are plain paper behind drawn text, as in some letterheads."""
    if glyphs.are_drawn.sum() < MIN_LAYER_CHARS:
        return False
    for picture in pictures:
        try:
            bitmap = picture.raw.get_bitmap()
        except pdfium.PdfiumError:  # a compression that PDFium only knows while drawing
            return False
        values = bitmap.to_numpy()
        plane = values if values.ndim == 2 else values[:, :, :3].min(axis=2)
        shows_print = not is_plain(plane)
        bitmap.close()
        if shows_print:
            return False
    return True


def count_unread_marks(gray: np.ndarray, chars: Chars, pictures: np.ndarray) -> int:
    """Marks of the size of print that no character of the layer accounts for.

    Args:
        pictures: (N, 4) their boxes in whole pixels.
    """
    ink = (gray < _DARK).view(np.uint8)
    boxes = np.vstack([chars.ink.astype(int), pictures])
    for left, top, right, bottom in widen(boxes, 2).tolist():
        ink[top:bottom, left:right] = 0
    # Next to nothing is left, as a rule: its outlines are found sooner than all pixels are given a number.
    outlines, nesting = cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return 0
    points = np.concatenate(outlines)[:, 0]
    starts = np.cumsum([0, *map(len, outlines[:-1])])
    sizes = np.maximum.reduceat(points, starts) - np.minimum.reduceat(points, starts) + 1
    is_whole = nesting[0][:, 3] < 0  # the outline of a mark, not of a hole in one
    low, high = _MARK_PX
    longest = sizes.max(axis=1)
    return int((is_whole & (longest >= low) & (longest <= high)).sum())


def unread_limit(n_chars: int) -> float:
    """How many such marks a sound text layer of so many characters may leave."""
    if n_chars < MIN_LAYER_CHARS:
        return _UNREAD_MARKS_BARE
    return max(_UNREAD_MARKS, n_chars / 2)


def holds_table(gray: np.ndarray, box: np.ndarray) -> bool:
    """Whether a picture on the page shows rules both ways; (4,) its box in whole pixels."""
    left, top, right, bottom = np.maximum(box, 0).tolist()
    ink = (gray[top:bottom, left:right] < _DARK).astype(np.uint8)
    if min(ink.shape) < _MIN_PICTURE_PX:
        return False
    height, width = ink.shape
    for kernel in (np.ones((1, width // 3), np.uint8), np.ones((height // 3, 1), np.uint8)):
        opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
        n_parts, _, stats, _ = cv2.connectedComponentsWithStats(opened)
        thin = np.minimum(stats[1:n_parts, cv2.CC_STAT_WIDTH], stats[1:n_parts, cv2.CC_STAT_HEIGHT]) <= 8
        if int(thin.sum()) < _MIN_RULES:
            return False
    return True
