"""Documents as pages of tokens, before any label: read once, kept as JSON, labelled as often as needed."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from giar_ml.document import BBox, Page, Token
from giar_ml.dumps import split_words
from giar_ml.label.frame import Placed, place
from giar_ml.label.pages import page_tokens, token_cells
from giar_ml.load import load
from giar_ml.load.sniff import Format, sniff_format
from giar_ml.pipeline import Extractor
from giar_ml.upright import as_scanned

CACHE_VERSION = 3


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
    """The pages of a document with every token that the reader finds in it.

    Raises:
        GiarError: the file cannot be read.
    """
    return read_text_pages(path) or _read(path)


def read_pages_once(path: Path, folder: Path, *, fresh: bool = False) -> list[ReadPage]:
    """The same; what takes OCR comes from `folder` where the same file was read before, unless `fresh`.

    Raises:
        GiarError: as `read_pages`.
    """
    if pages := read_text_pages(path):
        return pages
    kept = folder / f"{hashlib.sha256(path.read_bytes()).hexdigest()}.json"
    if not fresh:
        # Not there, cut short by an interruption, of another version: then it is read again.
        with suppress(OSError, ValueError, LookupError, TypeError):
            data = json.loads(kept.read_text(encoding="utf-8"))
            if data["version"] == CACHE_VERSION:
                return [_from_plain(page) for page in data["pages"]]
    pages = _read(path)
    folder.mkdir(parents=True, exist_ok=True)
    data = {"version": CACHE_VERSION, "pages": [_to_plain(page) for page in pages]}
    part = kept.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(data), encoding="utf-8")
    part.replace(kept)
    return [_from_plain(page) for page in data["pages"]]  # as they will be read from there: rounded


def read_text_pages(path: Path) -> list[ReadPage]:
    """The words of a plain text as one page; nothing where the file is another kind of document."""
    if not path.is_file() or sniff_format(path.read_bytes(), path.name) is not Format.TEXT:
        return []
    document = load(path)
    if document.kind != "text":
        return []
    return [
        ReadPage(
            page.number,
            False,
            page.width,
            page.height,
            tuple(word.token for word in split_words(page)),
            tuple(line.text for line in page.tokens),
        )
        for page in document.pages
    ]


def _read(path: Path) -> list[ReadPage]:
    return [_to_read_page(page) for page in _extractor().read(path).pages]


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
    return Extractor()


def _to_plain(page: ReadPage) -> dict[str, Any]:
    tokens = [[t.text, [round(x, 2) for x in t.bbox], round(t.confidence, 4), t.line] for t in page.tokens]
    upright = [[round(x, 2) for x in bbox] for bbox in page.upright]
    return {**asdict(replace(page, tokens=(), upright=())), "tokens": tokens, "upright": upright}


def _from_plain(data: dict[str, Any]) -> ReadPage:
    tokens = tuple(
        Token(text, BBox(*bbox), confidence, line=line) for text, bbox, confidence, line in data["tokens"]
    )
    upright = tuple(BBox(*bbox) for bbox in data["upright"])
    rest = {"lines": tuple(data["lines"]), "cells": tuple(data["cells"])}
    return ReadPage(**{**data, **rest, "tokens": tokens, "upright": upright})
