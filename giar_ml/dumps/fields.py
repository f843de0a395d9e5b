"""The fields of a line of a dump: what tabs, pipes or wide gaps divide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from giar_ml.document import BBox, Labels, Token
from giar_ml.dumps.lines import Block, Word, is_piped
from giar_ml.figures import COUNT_UNITS, is_figure
from giar_ml.label import best_label, mix_labels
from giar_ml.label.names import is_header, normalize_label

_GAP = re.compile(r" {2,}|\u3000{2,}|\t+")
_BEFORE_UNIT = re.compile(rf"(?<=\d)\s+(?=(?:[万亿]?元|[{COUNT_UNITS}])(?:\s|$))")
"""A gap between a figure and its unit divides nothing: 73729000 元 are 7372.9 万元, and no 73729000."""
_SIGNS = ("增", "增加", "减", "减少")
"""Words that say of the figure behind them, if only one space divides them, that it is a change."""


def split_fields(line: Token, words: Sequence[Word]) -> Iterator[Token]:
    """The fields of one line, empty ones too. Left and right of a field's bbox are its number where marks
    divide the line, and its characters where gaps do."""
    text = line.text
    if is_piped(text):
        start, inner = 0, text
        if text.strip().startswith("|"):
            start = text.index("|") + 1
            inner = text.rstrip().removesuffix("|")[start:]
        yield from _divided(line, inner, start, "|", words)
    elif "\t" in text:
        yield from _split_figures(_divided(line, text, 0, "\t", words))
    else:
        for start, stop in _split_at_gaps(text, words):
            raw = text[start:stop]
            # Tools that keep the layout count characters, however wide.
            left = start + len(raw) - len(raw.lstrip())
            right = left + len(raw.strip())
            bbox = BBox(left, line.bbox.top, right, line.bbox.bottom)
            yield line.with_text(raw.strip(), bbox, labels_of(words, start, stop))


def cells_of_block(block: Block, words: Mapping[int | None, Sequence[Word]]) -> list[Token]:
    """One token per cell: a line that does not begin with a tab goes on the cell before it."""
    cells: list[tuple[Token, str, list[Word]]] = []
    for line in block.lines:
        own = list(words.get(line.line, ()))
        if not cells or line.text.startswith("\t"):
            cells.append((line, line.text.strip(), own))
        else:
            first, text, before = cells[-1]
            cells[-1] = (first, text + line.text.strip(), before + own)
    return [numbered(line, text, number, labels_of(own)) for number, (line, text, own) in enumerate(cells)]


def labels_of(words: Iterable[Word], start: int = 0, stop: int | None = None) -> Labels:
    """Of what stands between two places of a line."""
    return mix_labels(
        (w.token.labels, len(w.token.text))
        for w in words
        if w.stop > start and (stop is None or w.start < stop)
    )


def is_row_like(text: str) -> bool:
    """Inside the tables: not a sentence, not a heading."""
    stripped = text.strip().strip("#* ")
    return bool(stripped) and len(normalize_label(stripped)) <= 60 and not stripped.endswith(("。", "；"))


def _divided(line: Token, text: str, start: int, mark: str, words: Sequence[Word]) -> Iterator[Token]:
    """The fields between marks; `text` begins at place `start` of the line."""
    for number, raw in enumerate(text.split(mark)):
        stop = start + len(raw)
        yield numbered(line, raw, number, labels_of(words, start, stop))
        start = stop + 1


def _split_figures(fields: Iterable[Token]) -> Iterator[Token]:
    """The fields numbered anew where several figures stand in one: a tool put tabs into the widest gaps
    only."""
    number = 0
    for field in fields:
        words = field.text.split()
        if len(words) < 2:
            yield numbered(field, field.text, number)
            number += 1
            continue
        n_figures = next((n for n, word in enumerate(reversed(words)) if not is_figure(word)), len(words))
        split = len(words) - n_figures if n_figures > 1 else len(words)
        for part in ([" ".join(words[:split])] if split or not words else []) + words[split:]:
            yield numbered(field, part, number)
            number += 1


def numbered(line: Token, text: str, number: int, labels: Labels | None = None) -> Token:
    """The field with its number for its place, and other labels if they are given."""
    bbox = BBox(number, line.bbox.top, number + 1, line.bbox.bottom)
    return line.with_text(text.strip(), bbox, line.labels if labels is None else labels)


def _split_at_gaps(text: str, words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """Fields divided by wide gaps; by any space between the labels of two rows or columns, and between
    figures at the end of a field."""
    position = 0
    within = {m.start() for m in _BEFORE_UNIT.finditer(text)}
    edges = [(m.start(), m.end()) for m in _GAP.finditer(text) if m.start() not in within]
    for start, stop in [*edges, (len(text), len(text))]:
        part = _with_signs([word for word in words if word.start >= position and word.stop <= start])
        position = stop
        while part:
            n = _first_field(part)
            yield part[0].start, part[n - 1].stop
            part = part[n:]


def _with_signs(words: Sequence[Word]) -> list[Word]:
    """The words, those that are a sign and its figure as one."""
    joined: list[Word] = []
    for word in words:
        token = word.token
        if joined and joined[-1].token.text in _SIGNS and is_figure(token.text):
            sign = joined.pop()
            word = word._replace(token=replace(token, text=sign.token.text + token.text), start=sign.start)
        joined.append(word)
    return joined


def _first_field(words: Sequence[Word]) -> int:
    """How many of the words are the first field: one figure where only figures follow, else the words up to
    these figures or to the label of another row or column."""
    n_figures = len(words)
    while n_figures and is_figure(words[n_figures - 1].token.text):
        n_figures -= 1
    if n_figures == 0:
        return 1
    named = None
    for n, word in enumerate(words[:n_figures]):
        best = best_label(word.token.labels)
        if is_header(best):
            if named is not None and best != named:
                return n
            named = best
    return n_figures
