"""Labels for all tokens of a document's pages; those of a text dump are found on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from giar_ml.document import BBox, Labels, Page, Token
from giar_ml.dumps import Word, find_dumped_tables, split_words
from giar_ml.label import PageLabeller
from giar_ml.label.frame import TEXT_COLUMNS, Placed, place


def label_pages(pages: Sequence[Page], labeller: PageLabeller) -> list[Page]:
    """The pages with labels on every token. A text dump comes with its tables found, see `giar_ml.dumps`."""
    words = [split_words(page) if is_dump(page) else [] for page in pages]
    placed = [_place(page, own) for page, own in zip(pages, words, strict=True)]
    found = labeller.label_pages(placed)
    return [_give(page, own, labels) for page, own, labels in zip(pages, words, found, strict=True)]


def place_page(page: Page) -> list[Placed]:
    """What a labeller sees of a page: its tokens outside tables, then those of each table's cells; of a text
    dump its words."""
    return _place(page, split_words(page) if is_dump(page) else [])


def _place(page: Page, words: Sequence[Word]) -> list[Placed]:
    tokens = [word.token for word in words] if is_dump(page) else page_tokens(page)
    boxes = [token.bbox for token in tokens]
    if page.kind == "text" and page.tables:
        boxes = [*(token.bbox for token in page.tokens), *_flow_boxes(page)]
    return place(
        [token.text for token in tokens],
        np.array(boxes),
        paper=page.kind != "text",
        confidences=[token.confidence for token in tokens],
        cells=None if is_dump(page) else token_cells(page),
    )


def page_tokens(page: Page) -> list[Token]:
    """All tokens of a page: those outside tables, then those of each table's cells."""
    return [*page.tokens, *(t for table in page.tables for cell in table.cells for t in cell.tokens)]


def token_cells(page: Page) -> list[int | None]:
    """For each of the `page_tokens` the number of its cell on the page, None outside of tables."""
    cells = [cell for table in page.tables for cell in table.cells]
    return [*[None] * len(page.tokens), *(i for i, cell in enumerate(cells) for _ in cell.tokens)]


def is_dump(page: Page) -> bool:
    """Whether the page is raw source lines, with no table found in it yet."""
    return page.kind == "text" and not page.tables


def _flow_boxes(page: Page) -> list[BBox]:
    """Boxes of the cells' tokens where columns are counted: spread over the width of a text."""
    return [
        BBox(
            token.bbox.left / table.n_columns * TEXT_COLUMNS,
            token.bbox.top,
            token.bbox.right / table.n_columns * TEXT_COLUMNS,
            token.bbox.bottom,
        )
        for table in page.tables
        for cell in table.cells
        for token in cell.tokens
    ]


def _give(page: Page, words: Sequence[Word], labels: Sequence[Labels]) -> Page:
    if is_dump(page):
        return find_dumped_tables(
            page,
            [
                Word(token.with_text(token.text, token.bbox, found), start, stop)
                for (token, start, stop), found in zip(words, labels, strict=True)
            ],
        )
    return with_labels(page, labels)


def with_labels(page: Page, labels: Sequence[Labels]) -> Page:
    """The page with labels on its tokens, in the order of `page_tokens`."""
    rest = iter(labels)

    def labelled(tokens: Sequence[Token]) -> tuple[Token, ...]:
        return tuple(replace(token, labels=next(rest)) for token in tokens)

    return replace(
        page,
        tokens=labelled(page.tokens),
        tables=tuple(
            replace(table, cells=tuple(replace(cell, tokens=labelled(cell.tokens)) for cell in table.cells))
            for table in page.tables
        ),
    )
