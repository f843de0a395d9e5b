"""Lines of scans with what the OCR engine reads in them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from giar_ml.errors import GiarError
from giar_ml.ocr.captions import (
    OTHER,
    CaptionReader,
    caption_alphabet,
    caption_crop,
    is_part_of_form,
    may_be_caption,
)
from giar_ml.ocr.engine import Recognition
from giar_ml.ocr.lines import Line
from giar_ml.pipeline import Extractor

LEAST_SURE = 0.9
"""Confidence of the engine from which it is learnt from; what a form prints is learnt from whatever it is."""


@dataclass(frozen=True)
class CaptionLine:
    """(32, W) uint8 as `caption_crop` gives it, and what it says in the alphabet of captions."""

    image: np.ndarray
    text: str


@dataclass
class _Recorder:
    """Takes the place of the reader, reads nothing and keeps what it was asked about."""

    lines: list[Line] = field(default_factory=list)

    def read(self, lines: Sequence[Line]) -> list[Recognition | None]:
        self.lines += filter(may_be_caption, lines)
        return [None] * len(lines)


def read_lines(paths: Iterable[Path]) -> Iterator[list[CaptionLine]]:
    """The lines of each scan that are learnt from; none of one that cannot be read."""
    recorder = _Recorder()
    extractor = Extractor(device="cpu", threads=1)  # the lines in one order
    extractor._caption_reader = cast(CaptionReader, recorder)
    for path in paths:
        recorder.lines.clear()
        try:
            pages = extractor.read(path).pages
        except GiarError:
            yield []
            continue
        tokens = [
            *(token for page in pages for token in page.tokens),
            *(t for page in pages for table in page.tables for cell in table.cells for t in cell.tokens),
        ]
        read = {token.bbox: token for token in tokens if not token.readings}
        asked = Counter(line.bbox for line in recorder.lines)
        yield [
            CaptionLine(caption_crop(line.crop), text)
            for line in recorder.lines
            if asked[line.bbox] == 1 and line.bbox in read
            for text in [to_target(read[line.bbox].text, read[line.bbox].confidence)]
            if text
        ]


def to_target(text: str, confidence: float) -> str:
    """What is learnt of a line; empty where the engine may have misread it."""
    if confidence < LEAST_SURE and not is_part_of_form(text):
        return ""
    known = frozenset(caption_alphabet())
    found = ""
    for character in "".join(unicodedata.normalize("NFKC", text).split()):
        character = character if character in known else OTHER
        if not (character == OTHER and found.endswith(OTHER)):
            found += character
    return found
