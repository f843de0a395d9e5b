"""Pictures of single cells, cut out of the pages they stand on."""

from __future__ import annotations

import base64
import io
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pypdfium2
from PIL import Image, ImageDraw, UnidentifiedImageError

from eval.run import Case
from giar_ml.annotations.gold import Place
from giar_ml.errors import GiarError
from giar_ml.load.text import decode_text

WIDTH_PX = 680
HEIGHT_PX = 208
_JPEG_QUALITY = 78
_AROUND = 2.4
"""Height of the picture in heights of the cell: its neighbours help to find it."""
_MIN_HEIGHT_PX = 48
_MARK = (214, 69, 47)
_MAX_LINE = 90
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def crop_cell(case: Case, place: Place) -> str | None:
    """The cell framed in its surroundings, turned upright, as a data URI; None where the place is no page's
    or the page cannot be drawn."""
    gold_page = next((page for page in case.gold.pages if page.number == place.page), None)
    if place.poly is None or gold_page is None:
        return None
    page = _render(case.path, gold_page.number, round(gold_page.width), round(gold_page.height))
    if page is None:
        return None
    corners = np.array(place.poly)
    along, down = corners[1] - corners[0], corners[3] - corners[0]
    width, height = (max(float(np.linalg.norm(side)), 1.0) for side in (along, down))
    # Page pixels per pixel of the picture, and its axes as they lie on the page: text comes out upright.
    scale = max(height * _AROUND, _MIN_HEIGHT_PX, width * 1.15 * HEIGHT_PX / WIDTH_PX) / HEIGHT_PX
    axes = np.stack([along / width, down / height], axis=1) * scale
    origin = corners.mean(axis=0) - axes @ (WIDTH_PX / 2, HEIGHT_PX / 2)
    picture = page.transform(
        (WIDTH_PX, HEIGHT_PX),
        Image.Transform.AFFINE,
        (*axes[0], origin[0], *axes[1], origin[1]),
        resample=Image.Resampling.BICUBIC,
        fillcolor="white",
    )
    points = [tuple(point) for point in (corners - origin) @ np.linalg.pinv(axes).T]
    ImageDraw.Draw(picture).line([*points, points[0]], fill=_MARK, width=3)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def quote_line(case: Case, line: int) -> str | None:
    """The line (1-based) of a text, tabs shown; None where the document is no text or has no such line."""
    try:
        lines = _LINE_BREAK.split(decode_text(case.path.read_bytes(), case.name).text)
    except (OSError, GiarError):
        return None
    if not 1 <= line <= len(lines):
        return None
    text = lines[line - 1].replace("\t", " ⇥ ").strip()
    return text if len(text) <= _MAX_LINE else text[: _MAX_LINE - 1] + "…"


@lru_cache(maxsize=4)
def _render(path: Path, number: int, width: int, height: int) -> Image.Image | None:
    """The page (1-based) in the gold's pixels; None for a file that is no pages or not there."""
    try:
        if path.suffix.lower() == ".pdf":
            with pypdfium2.PdfDocument(path) as document:
                page = document[number - 1]
                picture = page.render(scale=width / page.get_width()).to_pil()
        else:
            with Image.open(path) as image:
                image.seek(number - 1)
                picture = image.copy()
    except (OSError, EOFError, IndexError, UnidentifiedImageError, pypdfium2.PdfiumError):
        return None
    picture = picture.convert("RGB")
    return picture if picture.size == (width, height) else picture.resize((width, height))
