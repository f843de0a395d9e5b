"""The lines of text outside tables, by text detection, and which of them are prose."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from giar_ml.document import BBox, Page
from giar_ml.geometry import runs
from giar_ml.layout import INK_LEVEL, find_ink
from giar_ml.levels import paper_level
from giar_ml.ocr.engine import OcrEngine
from giar_ml.ocr.lines import Line

DETECTION_DPI = 130.0
"""Resolution for text detection: small print (9 pt) is 16 px high, an A4 page 1,520 px."""


TABLE_MARGIN_IN = 0.03
ONE_CHARACTER_IN = 0.25
"""Height of a line with one character: a box of a detector has some room around it."""
PROSE_ASPECT = 14.0
"""Width by height of the shortest line that fills a paragraph: headers and titles of tables are shorter."""
PROSE_INK_ASPECT = 20.0
"""The same by the ink alone, which is a quarter lower than the box of a detector."""
TEXT_HEIGHT_IN = (0.07, 0.3)
PROSE_LEADING = 2.5
"""From one line of a paragraph to the next, in heights of a line."""
PROSE_HEIGHTS = 1.5
"""From the lowest line of a paragraph to the highest, at most: a title is higher than the note below it."""
PROSE_GAP = 1.2
"""White in a line of prose at most, in heights of it: a full stop and an opening quotation mark. Columns of a
table without rules stand further apart."""


def outside_ink(page: Page, gray: np.ndarray, *, dpi: float) -> np.ndarray:
    """(H, W) bool: what is dark outside the tables."""
    tables = [table.bbox for table in page.tables]
    return find_ink(gray, tables, margin=round(TABLE_MARGIN_IN * dpi), dpi=dpi)


def find_outside_lines(
    page: Page, ink: np.ndarray, engine: OcrEngine, *, dpi: float, without: Sequence[BBox] = ()
) -> list[Line]:
    """Lines of text outside the tables. The detector sees only the bands of the page that have `ink`, and
    nothing of what lies in the boxes `without`."""
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
    left_out = [*(table.bbox for table in page.tables), *without]
    packed = np.concatenate(
        [_paint_over(page.image[top:bottom], top, left_out, margin)[:, left:right] for top, bottom in bands]
    )
    scale = min(1.0, DETECTION_DPI / dpi)
    seen = cv2.resize(packed, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else packed
    starts = np.cumsum([0] + [bottom - top for top, bottom in bands])
    lines = []
    for polygon in engine.detect(seen):
        polygon = np.asarray(polygon, np.float32) / scale
        found = int(np.searchsorted(starts, polygon[:, 1].mean(), side="right")) - 1
        band = min(max(found, 0), len(bands) - 1)
        crop = crop_polygon(packed, polygon, highest=ONE_CHARACTER_IN * dpi)
        polygon = polygon + np.array([left, bands[band][0] - int(starts[band])], np.float32)
        (x0, y0), (x1, y1) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
        if min(crop.shape[:2]) >= 3:
            lines.append(Line(crop, BBox(x0, y0, x1, y1)))
    return lines


def find_prose(lines: Sequence[Line]) -> list[Line]:
    """The lines outside tables that fill paragraphs: long ones without gaps, and another such right above or
    below. The last line of a paragraph is seldom one."""
    long = [line for line in lines if line.bbox.width >= PROSE_ASPECT * line.bbox.height]
    filling = {*_in_paragraphs([line.bbox for line in long if not _has_gap(line.crop)])}
    return [line for line in long if line.bbox in filling]


def find_prose_ink(ink: np.ndarray, *, dpi: float, n_head: int) -> list[BBox]:
    """The same by the ink of an upright page, (H, W) bool, alone: what stands beside other text is left out,
    and so are the first `n_head` lines."""
    low, high = (x * dpi for x in TEXT_HEIGHT_IN)
    full = []
    high_enough = [run for run in runs(np.asarray(ink.any(axis=1))) if run[1] - run[0] >= low]
    for top, bottom in high_enough[n_head:]:
        columns = np.flatnonzero(ink[top:bottom].any(axis=0))
        height, width = bottom - top, int(columns[-1] + 1 - columns[0])
        is_long = height <= high and width >= PROSE_INK_ASPECT * height
        if is_long and np.diff(columns).max() <= PROSE_GAP * height:
            full.append(BBox(float(columns[0]), float(top), float(columns[-1] + 1), float(bottom)))
    return _in_paragraphs(full)


def _in_paragraphs(lines: Sequence[BBox]) -> list[BBox]:
    return [
        line
        for line in lines
        if any(
            abs(other.center[1] - line.center[1]) < PROSE_LEADING * line.height
            and abs(other.right - line.right) < 0.5 * line.width
            and max(other.height, line.height) <= PROSE_HEIGHTS * min(other.height, line.height)
            for other in lines
            if other is not line
        )
    ]


def _has_gap(crop: np.ndarray) -> bool:
    """Whether there is white in a line, (h, w, 3), as wide as between columns."""
    gray = crop.min(axis=2)
    is_dark = (gray < paper_level(gray) - INK_LEVEL).any(axis=0)
    dark = np.flatnonzero(is_dark)
    return dark.size > 0 and int(np.diff(dark).max(initial=0)) > PROSE_GAP * len(gray)


def _paint_over(band: np.ndarray, start: int, bboxes: Sequence[BBox], margin: int) -> np.ndarray:
    """The rows of a page from `start` on with paper in place of the boxes."""
    band = band.copy()
    for bbox in bboxes:
        top, bottom = int(bbox.top) - margin - start, int(bbox.bottom) + margin + 1 - start
        if bottom > 0 and top < len(band):
            band[max(0, top) : bottom, max(0, int(bbox.left) - margin) : int(bbox.right) + margin + 1] = 255
    return band


def crop_polygon(image: np.ndarray, polygon: np.ndarray, *, highest: float = 0.0) -> np.ndarray:
    """The image inside a (4, 2) polygon, made upright; lines that stand on end are laid down, but for what is
    no higher than one character: a 1."""
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
    stands = crop.shape[0] >= 1.5 * crop.shape[1] and crop.shape[0] > highest
    return np.rot90(crop) if stands else crop
