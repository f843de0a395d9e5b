"""From the pixels that a reader analysed to those of the gold: other resolutions, pages turned upright."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from giar_ml.annotations.gold import Gold, Poly
from giar_ml.document import BBox, Page
from giar_ml.upright.warp import PageWarp

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


def upright_gold(gold: Gold) -> Gold:
    """The gold on pages turned by quarters so that most of what stands there is read from left to right."""
    quarters: dict[int, Counter[int]] = {}
    for token in gold.tokens:
        if token.place.page is not None and token.place.poly:
            quarters.setdefault(token.place.page, Counter())[_quarters(token.place.poly)] += 1
    warps = []
    for page in gold.pages:
        votes = quarters.get(page.number)
        warps.append(PageWarp(page.width, page.height, votes.most_common(1)[0][0] if votes else 0))
    if not any(warp.quarters for warp in warps):
        return gold
    pages = [
        replace(page, width=page.height, height=page.width) if warp.quarters % 2 else page
        for page, warp in zip(gold.pages, warps, strict=True)
    ]
    return gold.moved(pages, [warp.to_upright for warp in warps])


def _quarters(poly: Poly) -> int:
    """By how many quarters clockwise what stands in a quadrilateral must be turned to be upright."""
    (x0, y0), (x1, y1) = poly[:2]
    return round(-math.degrees(math.atan2(y1 - y0, x1 - x0)) / 90) % 4
