"""From the pixels that a reader analysed to those of the gold: it may render pages at another resolution."""

from __future__ import annotations

from collections.abc import Sequence

from giar_ml.annotations.gold import Gold
from giar_ml.document import BBox, Page

Scale = tuple[float, float]
"""Gold pixels per analysed pixel, across and down."""


def page_scales(gold: Gold, pages: Sequence[Page]) -> dict[int, Scale]:
    """The scale of each page, by its number, that the gold knows and the reader saw."""
    seen = {page.number: page for page in pages}
    return {
        page.number: (page.width / seen[page.number].width, page.height / seen[page.number].height)
        for page in gold.pages
        if page.number in seen and seen[page.number].width and seen[page.number].height
    }


def scale_bbox(bbox: BBox, scale: Scale) -> BBox:
    x, y = scale
    return BBox(bbox.left * x, bbox.top * y, bbox.right * x, bbox.bottom * y)
