"""Documents as pages of tokens, before any label: read once, kept as JSON, labelled as often as needed."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from giar_ml import dumps
from giar_ml.document import BBox, Page, Token
from giar_ml.label.frame import Placed, place
from giar_ml.load import load
from giar_ml.load.sniff import Format, sniff_format
from giar_ml.pipeline import Extractor
from giar_ml.text import display_width

CACHE_VERSION = 1


@dataclass(frozen=True)
class ReadPage:
    """A page (`number` from 1) or a whole text: its tokens in the frame of its kind, see `Token.bbox`.

    `lines` are the source lines of a text.
    """

    number: int
    paper: bool
    width: float
    height: float
    tokens: tuple[Token, ...]
    lines: tuple[str, ...] = ()

    def placed(self) -> list[Placed]:
        """The tokens as a labeller sees them."""
        boxes = np.array([token.bbox for token in self.tokens], float).reshape(-1, 4)
        return place([token.text for token in self.tokens], boxes, paper=self.paper)


def read_pages(path: Path) -> list[ReadPage]:
    """The pages of a document with every token that the reader finds in it.

    Raises:
        GiarError: the file cannot be read, or it is a scan without a table of a report.
    """
    if path.is_file() and sniff_format(path.read_bytes(), path.name) is Format.TEXT:
        document = load(path)
        if document.kind == "text":
            return [_read_text(page) for page in document.pages]
    return [
        ReadPage(page.number, page.kind != "text", page.width, page.height, tuple(page_tokens(page)))
        for page in _extractor().analyse(path).pages
    ]


def read_pages_once(path: Path, folder: Path, *, fresh: bool = False) -> list[ReadPage]:
    """The same, from `folder` where the same file was read before; `fresh` reads again.

    Raises:
        GiarError: as `read_pages`.
    """
    kept = folder / f"{hashlib.sha256(path.read_bytes()).hexdigest()}.json"
    if kept.is_file() and not fresh:
        data = json.loads(kept.read_text(encoding="utf-8"))
        if data["version"] == CACHE_VERSION:
            return [_from_plain(page) for page in data["pages"]]
    pages = read_pages(path)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"version": CACHE_VERSION, "pages": [_to_plain(page) for page in pages]})
    kept.write_text(text, encoding="utf-8")
    return pages


def page_tokens(page: Page) -> list[Token]:
    """The tokens outside and inside tables."""
    return [*page.tokens, *(token for table in page.tables for cell in table.cells for token in cell.tokens)]


def locate_tokens(tokens: Sequence[Token], lines: Sequence[str]) -> list[tuple[int, int] | None]:
    """Where each token of a text stands in its line, as half-open character offsets; None where its text
    does not stand there as it is. Tokens of one line are found one after another."""
    by_line: dict[int, list[int]] = defaultdict(list)
    for index, token in enumerate(tokens):
        if token.line is not None and 0 < token.line <= len(lines) and token.text:
            by_line[token.line].append(index)
    places: list[tuple[int, int] | None] = [None] * len(tokens)
    for number, indices in by_line.items():
        cursor = 0
        for index in sorted(indices, key=lambda i: tokens[i].bbox.left):
            text = tokens[index].text
            if (start := lines[number - 1].find(text, cursor)) >= 0:
                cursor = start + len(text)
                places[index] = start, cursor
    return places


def _read_text(page: Page) -> ReadPage:
    lines = tuple(token.text for token in page.tokens)
    return ReadPage(page.number, False, page.width, page.height, tuple(_split_fields(page)), lines)


def _split_fields(page: Page) -> list[Token]:
    if hasattr(dumps, "split_fields"):
        return list(dumps.split_fields(page))
    tokens = page_tokens(dumps.find_dumped_tables(page))
    lines = [token.text for token in page.tokens]
    placed = []
    for token, found in zip(tokens, locate_tokens(tokens, lines), strict=True):
        line = lines[(token.line or 1) - 1]
        left = display_width(line[: found[0]]) if found else 0
        row = (token.line or 1) - 1
        placed.append(replace(token, bbox=BBox(left, row, left + display_width(token.text), row + 1)))
    return placed


@cache
def _extractor() -> Extractor:
    """Made once: engines are loaded when first needed."""
    return Extractor()


def _to_plain(page: ReadPage) -> dict[str, Any]:
    tokens = [[t.text, [round(x, 2) for x in t.bbox], round(t.confidence, 4), t.line] for t in page.tokens]
    return {**asdict(replace(page, tokens=())), "tokens": tokens}


def _from_plain(data: dict[str, Any]) -> ReadPage:
    tokens = tuple(
        Token(text, BBox(*bbox), confidence, line=line) for text, bbox, confidence, line in data["tokens"]
    )
    return ReadPage(**{**data, "tokens": tokens, "lines": tuple(data["lines"])})
