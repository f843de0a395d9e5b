"""Documents before any label, as pages of tokens: read once, kept, labelled as often as needed."""

from __future__ import annotations

import hashlib
import os
import pickle
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from giar_ml.document import BBox, Document, Page, Token
from giar_ml.dumps import split_words
from giar_ml.label.frame import Placed, place
from giar_ml.label.pages import page_tokens, token_cells
from giar_ml.load import load
from giar_ml.load.sniff import Format, sniff_format
from giar_ml.pipeline import Extractor
from giar_ml.upright import as_scanned

CACHE_VERSION = 4
"""Of the kept documents: another one when the types of `giar_ml.document` change."""

_OF_ANOTHER_VERSION = (ValueError, LookupError, TypeError, AttributeError, ImportError)


@dataclass(frozen=True)
class ReadPage:
    """A page (`number` from 1) or a whole text: its tokens where they stand on the page as scanned.

    `upright` are their boxes on the upright page, one per token, where it lay otherwise; `cells` are the
    numbers of the cells they stand in, one per token, where tables were found; `lines` are the source lines
    of a text.
    """

    number: int
    paper: bool
    width: float
    height: float
    tokens: tuple[Token, ...]
    lines: tuple[str, ...] = ()
    upright: tuple[BBox, ...] = ()
    cells: tuple[int | None, ...] = ()

    @property
    def boxes(self) -> tuple[BBox, ...]:
        """Where the tokens stand on the upright page."""
        return self.upright or tuple(token.bbox for token in self.tokens)

    def placed(self) -> list[Placed]:
        """The tokens as a labeller sees them."""
        return place(
            [token.text for token in self.tokens],
            np.array(self.boxes, float).reshape(-1, 4),
            paper=self.paper,
            confidences=[token.confidence for token in self.tokens],
            cells=self.cells or None,
        )


def read_pages(path: Path) -> list[ReadPage]:
    """The pages of a document with their tokens; raises as `read_document`."""
    return to_read_pages(read_document(path))


def read_document(path: Path) -> Document:
    """A document with every token that the reader finds in it, on its upright pages.

    Raises:
        GiarError: the file cannot be read.
    """
    return _extractor().read(path)


def read_document_once(path: Path, folder: Path, *, fresh: bool = False) -> Document:
    """The same; what takes OCR comes from `folder` where the same file was read before, unless `fresh`. What
    lies there is unpickled, which can run code: name a folder of your own.

    Raises:
        GiarError: as `read_document`.
    """
    if is_text(path):
        return read_document(path)
    kept = folder / f"{hashlib.sha256(path.read_bytes()).hexdigest()}.pickle"
    if not fresh:
        # Not there, cut short by an interruption, of another version: then it is read again.
        with suppress(OSError, EOFError, pickle.UnpicklingError, *_OF_ANOTHER_VERSION):
            version, document = pickle.loads(kept.read_bytes())
            if version == CACHE_VERSION and isinstance(document, Document):
                return document
    document = read_document(path)
    folder.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(pickle.dumps((CACHE_VERSION, document)))
    part.replace(kept)
    return document


def is_text(path: Path) -> bool:
    """Whether a file is a plain text."""
    return path.is_file() and sniff_format(path.read_bytes(), path.name) is Format.TEXT


def read_text_pages(path: Path) -> list[ReadPage]:
    """The words of a plain text as one page; nothing where the file is another kind of document."""
    if not is_text(path):
        return []
    document = load(path)
    return to_read_pages(document) if document.kind == "text" else []


def to_read_pages(document: Document) -> list[ReadPage]:
    """The pages with their tokens; of a text its words."""
    return [
        _to_read_text(page) if document.kind == "text" else _to_read_page(page) for page in document.pages
    ]


def _to_read_text(page: Page) -> ReadPage:
    return ReadPage(
        page.number,
        False,
        page.width,
        page.height,
        tuple(word.token for word in split_words(page)),
        tuple(line.text for line in page.tokens),
    )


def _to_read_page(page: Page) -> ReadPage:
    scanned = as_scanned(page)
    upright = tuple(token.bbox for token in page_tokens(page)) if page.warp else ()
    tokens = tuple(page_tokens(scanned))
    return ReadPage(
        page.number,
        page.kind != "text",
        scanned.width,
        scanned.height,
        tokens,
        upright=upright,
        cells=tuple(token_cells(page)) if page.tables else (),
    )


@cache
def _extractor() -> Extractor:
    """Made once: engines are loaded when first needed."""
    return Extractor(prose=True)
