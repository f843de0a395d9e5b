"""The lines of text outside tables, by text detection, and which of them are prose."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from giar_ml.document import BBox, Page
from giar_ml.geometry import runs
from giar_ml.layout import INK_LEVEL, find_ink
from giar_ml.ocr.engine import OcrEngine
from giar_ml.ocr.levels import paper_level
from giar_ml.ocr.lines import Line

DETECTION_DPI = 130.0
"""Resolution for text detection: small print (9 pt) is 16 px high, an A4 page 1,520 px."""


TABLE_MARGIN_IN = 0.03
PROSE_ASPECT = 14.0
"""Width by height of the shortest line that fills a paragraph: headers and titles of tables are shorter."""
PROSE_LEADING = 2.5
"""From one line of a paragraph to the next, in heights of a line."""
PROSE_GAP = 1.2
"""White in a line of prose at most, in heights of it: a full stop and an opening quotation mark. Columns of a
table without rules stand further apart."""


def outside_ink(page: Page, gray: np.ndarray, *, dpi: float) -> np.ndarray:
    """(H, W) bool: what is dark outside the tables."""
    return find_ink(gray, [table.bbox for table in page.tables], margin=round(TABLE_MARGIN_IN * dpi))


def find_outside_lines(page: Page, ink: np.ndarray, engine: OcrEngine, *, dpi: float) -> list[Line]:
    """Lines of text outside the tables. The detector sees only the bands of the page that have `ink`."""
    assert page.image is not None
    margin = round(TABLE_MARGIN_IN * dpi)
    pad = round(0.15 * dpi)
    bands = [
        (max(0, start - pad), min(ink.shape[0], stop + pad))
        for start, stop in runs(np.asarray(ink.any(axis=1)), gap=2 * pad)
        if stop - start >= 0.03 * dpi
    ]
    if not bands:
        return []
    columns = np.flatnonzero(ink.any(axis=0))
    left, right = max(0, int(columns[0]) - pad), min(ink.shape[1], int(columns[-1]) + 1 + pad)
    packed = np.concatenate(
        [_without_tables(page, top, bottom, margin)[:, left:right] for top, bottom in bands]
    )
    scale = min(1.0, DETECTION_DPI / dpi)
    seen = cv2.resize(packed, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else packed
    starts = np.cumsum([0] + [bottom - top for top, bottom in bands])
    lines = []
    for polygon in engine.detect(seen):
        polygon = np.asarray(polygon, np.float32) / scale
        found = int(np.searchsorted(starts, polygon[:, 1].mean(), side="right")) - 1
        band = min(max(found, 0), len(bands) - 1)
        crop = crop_polygon(packed, polygon)
        polygon = polygon + np.array([left, bands[band][0] - int(starts[band])], np.float32)
        (x0, y0), (x1, y1) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
        if min(crop.shape[:2]) >= 3:
            lines.append(Line(crop, BBox(x0, y0, x1, y1)))
    return lines


def find_prose(lines: Sequence[Line]) -> list[Line]:
    """The lines outside tables that fill paragraphs: long ones without gaps, and another such right above or
    below. The last line of a paragraph is seldom one."""
    long = [line for line in lines if line.bbox.width >= PROSE_ASPECT * line.bbox.height]
    full = [line for line in long if not _has_gap(line.crop)]
    return [
        line
        for line in full
        if any(
            abs(other.bbox.center[1] - line.bbox.center[1]) < PROSE_LEADING * line.bbox.height
            and abs(other.bbox.right - line.bbox.right) < 0.5 * line.bbox.width
            for other in full
            if other is not line
        )
    ]


def _has_gap(crop: np.ndarray) -> bool:
    """Whether there is white in a line, (h, w, 3), as wide as between columns."""
    gray = crop.min(axis=2)
    is_dark = (gray < paper_level(gray) - INK_LEVEL).any(axis=0)
    dark = np.flatnonzero(is_dark)
    return dark.size > 0 and int(np.diff(dark).max(initial=0)) > PROSE_GAP * len(gray)


def _without_tables(page: Page, top: int, bottom: int, margin: int) -> np.ndarray:
    assert page.image is not None
    band = page.image[top:bottom].copy()
    for table in page.tables:
        y0, y1 = int(table.bbox.top) - margin - top, int(table.bbox.bottom) + margin + 1 - top
        if y1 > 0 and y0 < bottom - top:
            x0 = max(0, int(table.bbox.left) - margin)
            band[max(0, y0) : y1, x0 : int(table.bbox.right) + margin + 1] = 255
    return band


def crop_polygon(image: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """The image inside a (4, 2) polygon, made upright; lines that stand on end are laid down."""
    tl, tr, br, bl = np.asarray(polygon, np.float32)
    width = round(max(np.linalg.norm(tr - tl), np.linalg.norm(br - bl)))
    height = round(max(np.linalg.norm(bl - tl), np.linalg.norm(br - tr)))
    if min(width, height) < 3:
        return np.zeros((0, 0, 3), np.uint8)
    if max(abs(tl[1] - tr[1]), abs(bl[0] - tl[0])) <= 2:
        (x0, y0), (x1, y1) = np.floor(polygon.min(axis=0)), np.ceil(polygon.max(axis=0))
        crop = image[max(0, int(y0)) : int(y1), max(0, int(x0)) : int(x1)]
    else:
        target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        transform = cv2.getPerspectiveTransform(np.array([tl, tr, br, bl], np.float32), target)
        crop = cv2.warpPerspective(
            image, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    return np.rot90(crop) if crop.shape[0] >= 1.5 * crop.shape[1] else crop
