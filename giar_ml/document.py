"""The shared types: what a stage takes and gives. One frame: pixels of the upright page, origin top-left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from layoutparser import Layout

    from giar_ml.tables.ruling import Rules
    from giar_ml.upright.warp import PageWarp

PageKind = Literal["scan", "digital", "text"]
SourceKind = Literal["scan", "digital", "text", "word", "html", "image"]

SUFFIXES = (
    ".pdf",
    ".png",
    ".jpg",
    ".jpeg",
    ".tif",
    ".tiff",
    ".bmp",
    ".webp",
    ".docx",
    ".html",
    ".htm",
    ".txt",
    ".md",
)
"""Endings of the files that are taken of a folder; a file that is named may have any."""


class BBox(NamedTuple):
    """Page pixels at the analysed resolution; for text inputs, columns and lines."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def center(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


Labels = Mapping[str, float]
"""Label (see `giar_ml.label.names`) to probability; those of one token add up to at most 1."""


class Reading(NamedTuple):
    """One way to read a token, with its probability (0..1)."""

    text: str
    probability: float


UNREAD = "\ufffd"
"""Text of a token for ink that could not be read: not the same as a blank."""


@dataclass(frozen=True)
class Token:
    """A run of text read together: an OCR line, a line of PDF characters, a field of a text dump."""

    text: str
    bbox: BBox
    confidence: float = 1.0
    readings: tuple[Reading, ...] = ()
    """The k best readings, best first, where an engine gives them; empty when `text` is certain."""
    line: int | None = None
    """1-based source line, for inputs without pages."""
    labels: Labels = field(default_factory=dict, hash=False, repr=False)
    """What the token is in the form, once a labeller has seen it."""

    @property
    def is_likely_nothing(self) -> bool:
        """Whether its best reading is that there is no print: a rest of a rule, dirt."""
        return bool(self.readings) and not self.readings[0].text

    def with_text(self, text: str, bbox: BBox, labels: Labels) -> Token:
        """A piece of the token; `replace` takes three times as long, and a dump has thousands."""
        return Token(text, bbox, self.confidence, self.readings, self.line, labels)


@dataclass(frozen=True)
class Cell:
    """A table cell. Spans are half open: rows `row_start` to `row_stop - 1`."""

    row_start: int
    row_stop: int
    column_start: int
    column_stop: int
    bbox: BBox
    tokens: tuple[Token, ...] = ()
    spotless: bool = False
    """Of a scan: nothing dark is in it, not even dirt."""

    @cached_property
    def text(self) -> str:
        """The tokens in reading order, joined without spaces (Chinese has none)."""
        return "".join(token.text for token in self.tokens)


@dataclass(frozen=True)
class Table:
    """Cells in reading order.

    `gridded` says that column numbers are places on the paper (rules, Word, HTML). In a text dump
    they only count the fields of a line, and a lost field shifts all that follow. `aligned` says that it
    has no rules: its cells are made of tokens that stand in columns.
    """

    page: int
    bbox: BBox
    n_rows: int
    n_columns: int
    cells: tuple[Cell, ...]
    gridded: bool = True
    aligned: bool = False


class Before(NamedTuple):
    """A page before seals and streaks were taken off it, (H, W) uint8, and which pixels of it are print as
    likely as a seal's, (H, W) bool; `has_seal` says whether there was one."""

    gray: np.ndarray
    doubtful: np.ndarray
    has_seal: bool = False


@dataclass(frozen=True)
class Page:
    """One page. `image` is (H, W, 3) uint8 RGB, (H, W) grey of digital pages, None for text inputs; `tokens`
    lie outside tables too, `tables` hold their own; `number` is 1-based. All boxes are in the pixels of the
    page as it is here; where it was made upright, `warp` says where they were before. `before` is the page
    before seals and streaks were taken off it."""

    number: int
    kind: PageKind
    width: float
    height: float
    image: np.ndarray | None = field(default=None, compare=False, repr=False)
    dpi: float | None = None
    tokens: tuple[Token, ...] = ()
    layout: Layout | None = field(default=None, compare=False, repr=False)
    tables: tuple[Table, ...] = ()
    problems: tuple[Problem, ...] = ()
    warp: PageWarp | None = None
    before: Before | None = field(default=None, compare=False, repr=False)
    rules: Rules | None = field(default=None, compare=False, repr=False)
    """In pixels, as a digital page draws them; None where its image must tell, and of scans and texts."""


@dataclass(frozen=True)
class Problem:
    """Something a person should know, in words; `code` is stable and documented in the README."""

    code: str
    message: str
    cells: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True)
class Document:
    path: Path
    sha256: str
    kind: SourceKind
    pages: tuple[Page, ...]
