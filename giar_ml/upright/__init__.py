"""Page -> Page that lies upright, flat and evenly lit; its `warp` leads back to the page as scanned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from giar_ml.document import Page, Table, Token
from giar_ml.ocr.captions import CaptionReader
from giar_ml.ocr.engine import OcrEngine
from giar_ml.tables.rules import estimate_dpi, to_gray
from giar_ml.upright.dithered import clear_dithered_seals
from giar_ml.upright.flatten import find_field
from giar_ml.upright.halftone import clear_halftone
from giar_ml.upright.lines import sketch
from giar_ml.upright.paper import find_sheet
from giar_ml.upright.seals import fade_grey_seals, fade_red_seals
from giar_ml.upright.tone import even_light, remove_streaks
from giar_ml.upright.turning import find_quarters
from giar_ml.upright.warp import PageWarp, flatten_image, turn_image

__all__ = ["as_scanned", "make_upright"]

ENOUGH_DPI, WORTH_IT = 250.0, 1.5
"""Resolution that print needs, and how many times finer a page is at least that is made as coarse. Of pages a
little finer pale strokes are lost between pixels: in one of 266 dpi, of 2552 and 14184 all but 52 and 8."""


def make_upright(page: Page, engine: OcrEngine, captions: CaptionReader | None = None) -> Page:
    """The scan as if it were a print: no desk around it, no shadows, streaks or seals, upright and flat.

    What is in order stays as it is; the page keeps its size but for quarter turns, and where it is far
    finer than print needs. Comes before any token or table is found.

    Args:
        engine: tells which way up text is.
        captions: tells it sooner, where a page shows what the forms print.
    """
    if page.kind != "scan" or page.image is None:
        return page
    own_dpi = page.dpi or estimate_dpi(page.image)
    scanned = _no_finer(page.image, dpi=own_dpi)
    scale = scanned.shape[1] / page.image.shape[1]
    dpi = scale * own_dpi
    image, seen, gray = _clean(scanned, dpi=dpi)
    page_sketch = sketch(gray, dpi=dpi)
    quarters = find_quarters(page_sketch, engine, captions)
    if quarters:
        # Cleaned anew, so that whichever way a page lay, the same is read.
        image, seen, gray = _clean(turn_image(scanned, quarters), dpi=dpi)
        page_sketch = sketch(gray, dpi=dpi)
    field = find_field(page_sketch)
    if field:
        gray = flatten_image(gray, field)
    gray, before = fade_grey_seals(gray, dpi=dpi)
    if gray is not seen:
        image = np.repeat(gray[:, :, None], 3, axis=2)
    height, width = image.shape[:2]
    is_moved = quarters or field or scale < 1
    warp = PageWarp(page.width, page.height, quarters, field, scale) if is_moved else None
    seen_dpi = page.dpi and scale * page.dpi
    return replace(page, image=image, width=width, height=height, dpi=seen_dpi, warp=warp, before=before)


def _no_finer(image: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page as fine as print needs; itself where it is not much finer."""
    share = ENOUGH_DPI / dpi
    if share * WORTH_IT >= 1:
        return image
    height, width = image.shape[:2]
    return cv2.resize(image, (round(share * width), round(share * height)), interpolation=cv2.INTER_AREA)


def _clean(image: np.ndarray, *, dpi: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The page, (H, W, 3) uint8, without desk, shadows, streaks and red seals; the same as (H, W) uint8; and
    that without dots and dotted seals, the same array where there are none."""
    image = remove_streaks(image, dpi=dpi)
    image = even_light(image, dpi=dpi, sheet=find_sheet(image))
    image = fade_red_seals(image, dpi=dpi)
    seen = to_gray(image)
    return image, seen, clear_dithered_seals(clear_halftone(seen, dpi=dpi), dpi=dpi)


def as_scanned(page: Page) -> Page:
    """The page with every box where it is on the page as scanned; `layout` is dropped where that matters."""
    warp = page.warp
    if warp is None:
        return page

    cells = [cell for table in page.tables for cell in table.cells]
    tokens = [*page.tokens, *(token for cell in cells for token in cell.tokens)]
    bboxes = [*(t.bbox for t in page.tables), *(c.bbox for c in cells), *(t.bbox for t in tokens)]
    scanned = dict(zip(bboxes, warp.bboxes_to_scanned(bboxes), strict=True))

    def move_tokens(tokens: Iterable[Token]) -> tuple[Token, ...]:
        return tuple(replace(token, bbox=scanned[token.bbox]) for token in tokens)

    def move_table(table: Table) -> Table:
        cells = tuple(
            replace(cell, bbox=scanned[cell.bbox], tokens=move_tokens(cell.tokens)) for cell in table.cells
        )
        return replace(table, bbox=scanned[table.bbox], cells=cells)

    return replace(
        page,
        width=warp.width,
        height=warp.height,
        dpi=page.dpi and page.dpi / warp.scale,
        image=None,
        tokens=move_tokens(page.tokens),
        layout=None,
        tables=tuple(map(move_table, page.tables)),
        warp=None,
    )
