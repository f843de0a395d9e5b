"""Page pictures with their gold: what the writers for tools that annotate pictures start from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from giar_ml.annotations.gold import Gold, GoldPage, GoldTable, GoldToken, Poly
from giar_ml.document import BBox

Pictured = tuple[Gold, Sequence[str]]
"""A document and the names of its page pictures in the order of its pages, with `/` between folders. The
pictures are as large as the gold says."""


@dataclass(frozen=True)
class PicturedPage:
    """One page with what stands on it. `tokens` are those whose place is known, each with that place."""

    gold: Gold
    page: GoldPage
    image: str
    tokens: tuple[tuple[GoldToken, Poly], ...]
    tables: tuple[GoldTable, ...]


def pictured_pages(documents: Iterable[Pictured]) -> Iterator[PicturedPage]:
    """All pages in order; none of a text, which has no pages.

    Raises:
        ValueError: a document has more or fewer pictures than pages.
    """
    for gold, images in documents:
        if len(images) != len(gold.pages):
            raise ValueError(f"{gold.file}: {len(images)} pictures of {len(gold.pages)} pages")
        for page, image in zip(gold.pages, images, strict=True):
            tokens = tuple(
                (token, token.place.poly)
                for token in gold.tokens
                if token.place.page == page.number and token.place.poly
            )
            tables = tuple(table for table in gold.tables if table.page == page.number)
            yield PicturedPage(gold, page, image, tokens, tables)


def pixel_box(bbox: BBox) -> list[int]:
    """Left, top, right, bottom in whole pixels."""
    return [round(number) for number in bbox]
