"""A page of a PDF as a picture, and how its space lies on it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pypdfium2 as pdfium

from giar_ml.errors import InputError
from giar_ml.load.resolution import is_sheet
from giar_ml.tables.rules import A4_SHORT_SIDE_IN

DIGITAL_DPI = 144
"""The image of a digital page serves to tell whether its text is what one sees, and to find its rules where
more is drawn than rules: half a point is one pixel."""
MAX_PAGE_PIXELS = 100_000_000
"""A larger page is rendered at a lower resolution, down to `MIN_DPI`."""
MIN_DPI = 30
PT_PER_INCH = 72


class Frame(NamedTuple):
    """Page space (points, origin bottom-left) -> pixels of the rendered, upright page."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int
    """Clockwise, of everything together."""
    scale: float

    def to_pixels(self, bboxes: np.ndarray) -> np.ndarray:
        """(N, 4) left, top, right, bottom in pixels of (N, 4) left, bottom, right, top in page space."""
        x0, y0, x1, y1 = bboxes.T
        left, bottom, right, top, rotation, scale = self
        if rotation == 90:
            edges = y0 - bottom, x0 - left, y1 - bottom, x1 - left
        elif rotation == 180:
            edges = right - x1, y0 - bottom, right - x0, y1 - bottom
        elif rotation == 270:
            edges = top - y1, right - x1, top - y0, right - x0
        else:
            edges = x0 - left, top - y1, x1 - left, top - y0
        return np.stack(edges, axis=1) * scale


def paper_scale(page: pdfium.PdfPage) -> float:
    """Inches of paper to an inch of the page: 1 where a sheet may be as large as the file says, else what
    makes it A4."""
    width, height = (side_pt / PT_PER_INCH for side_pt in _size_pt(page))
    return 1.0 if is_sheet(width, height) else A4_SHORT_SIDE_IN / min(width, height)


def render(
    page: pdfium.PdfPage, dpi: float, name: str, *, turn: int = 0, grayscale: bool = False
) -> tuple[np.ndarray, Frame]:
    """(H, W, 3) uint8 RGB, or (H, W) grey, and how page space lies on it; coarser than asked for when the
    page is huge."""
    width_pt, height_pt = _size_pt(page)
    finest = math.sqrt(MAX_PAGE_PIXELS / (width_pt * height_pt)) * 0.999
    if finest < MIN_DPI / PT_PER_INCH:
        raise InputError(
            f"{name}: a page of {width_pt / PT_PER_INCH:,.0f} x {height_pt / PT_PER_INCH:,.0f} inches;"
            " save it at its paper size",
            code="image_too_large",
        )
    scale = min(dpi / PT_PER_INCH, finest)
    bitmap = page.render(scale=scale, rotation=turn, rev_byteorder=True, grayscale=grayscale)
    image = bitmap.to_numpy().copy()
    bitmap.close()
    left, bottom, right, top = page.get_bbox()
    rotation = (page.get_rotation() + turn) % 360
    return image, Frame(left, bottom, right, top, rotation, scale)


def _size_pt(page: pdfium.PdfPage) -> tuple[float, float]:
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        raise pdfium.PdfiumError("page without a size")
    return width, height
