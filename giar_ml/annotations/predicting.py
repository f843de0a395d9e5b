"""What the current model sees on the pages of a document -> gold for a person to correct, with pictures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image

from giar_ml import __version__
from giar_ml.annotations.checking import guess_form
from giar_ml.annotations.gold import Gold, GoldPage, GoldToken, Place, Point, box_poly
from giar_ml.document import BBox, Document, Page
from giar_ml.errors import UsageError
from giar_ml.label import best_label
from giar_ml.label.pages import page_tokens
from giar_ml.models import current_version
from giar_ml.prose import read_title
from giar_ml.upright import as_scanned

_JPEG_QUALITY = 92
_MIN_SIDE_PX = 1.0
"""A token without ink to see, a space of a PDF say, cannot be clicked at."""


def model_version() -> str:
    """The program and the label model whose word it is."""
    return f"giar-{__version__}, labels {current_version()}"


def predicted_gold(document: Document) -> Gold:
    """Every token of every page with the label the model gives it, in the pixels of the pages as scanned.

    Nobody has confirmed it, which its origin says. It has no cells: a person corrects labels.

    Args:
        document: with labels, see `giar_ml.pipeline.Extractor.label`.
    """
    tokens = []
    pages = [as_scanned(page) for page in document.pages]
    for page in pages:
        for token in sorted(page_tokens(page), key=lambda token: (token.bbox.top, token.bbox.left)):
            box = _clip(token.bbox, page)
            if min(box.width, box.height) >= _MIN_SIDE_PX:
                place = Place(page.number, box_poly(box))
                tokens.append(GoldToken(token.text, best_label(token.labels), place))
    organisation, year = read_title(document.pages)
    return Gold(
        file=document.path.name,
        sha256=document.sha256,
        kind=document.kind,
        form=guess_form(token.label for token in tokens).name,
        organisation=organisation,
        year=year,
        cells={},
        pages=tuple(GoldPage(page.number, page.width, page.height, page.dpi) for page in pages),
        tokens=tuple(tokens),
        origin={"annotator": model_version(), "confirmed": False},
    )


def _clip(box: BBox, page: Page) -> BBox:
    return BBox(
        min(max(box.left, 0.0), page.width),
        min(max(box.top, 0.0), page.height),
        min(max(box.right, 0.0), page.width),
        min(max(box.bottom, 0.0), page.height),
    )


def save_pictures(
    pages: Sequence[Page],
    folder: Path,
    stem: str,
    *,
    dpi: float | None = None,
    replaceable: Collection[Path] = (),
) -> list[Path]:
    """Write the pages as `<stem>-<number>`: PNG of those that a program made, JPEG of scans.

    Args:
        dpi: resolution of the pictures; pages without one of their own stay as they are. The default is
            the resolution at which the pages are analysed.
        replaceable: files that may be replaced, as `folder` has them.

    Raises:
        UsageError: another file is there already; then nothing was written.
        OSError: a file cannot be written.
    """
    paths = [folder / f"{stem}-{page.number}{'.png' if page.kind == 'digital' else '.jpg'}" for page in pages]
    for path in paths:
        if path.exists() and path not in replaceable:
            raise UsageError(
                f"{path}: already there, an input or from no earlier export; choose another folder with -o"
            )
    for page, path in zip(pages, paths, strict=True):
        if page.image is None:
            raise ValueError(f"{stem}: page {page.number} has no picture")
        picture = Image.fromarray(page.image).convert("RGB")
        size = picture_size(GoldPage(page.number, *picture.size, page.dpi), dpi)
        if size != picture.size:
            picture = picture.resize(size, Image.Resampling.LANCZOS)
        tag = dpi if dpi and page.dpi else page.dpi
        picture.save(path, quality=_JPEG_QUALITY, dpi=(tag or 0, tag or 0))
    return paths


def picture_size(page: GoldPage, dpi: float | None) -> tuple[int, int]:
    """Width and height of the picture of a page, in pixels."""
    scale = dpi / page.dpi if dpi and page.dpi else 1.0
    return max(round(page.width * scale), 1), max(round(page.height * scale), 1)


def fit_to_pictures(gold: Gold, dpi: float | None) -> Gold:
    """The gold in the pixels of the pictures that `save_pictures` writes."""
    pages, warps = [], []
    for page in gold.pages:
        width, height = picture_size(page, dpi)
        new_dpi = dpi if dpi and page.dpi else page.dpi
        pages.append(replace(page, width=float(width), height=float(height), dpi=new_dpi))
        warps.append(partial(_scale, x_scale=width / page.width, y_scale=height / page.height))
    return gold.moved(pages, warps)


def _scale(points: Sequence[Point], *, x_scale: float, y_scale: float) -> list[Point]:
    return [(x * x_scale, y * y_scale) for x, y in points]
