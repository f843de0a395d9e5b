"""The lines of a dump: their words, and what of them belongs together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from giar_ml.document import BBox, Page, Token
from giar_ml.figures import is_figure
from giar_ml.text import display_column, display_width

_PAGE_MARK = re.compile(r"^\s*[-—–]\s*\d+\s*[-—–]\s*$|^\s*第\s*\d+\s*页.*$")
_BARE_NUMBER = re.compile(r"^\s*\d{1,3}\s*$")
_RULE = re.compile(r"^(?=.*[=-])[\s|:+=-]+$")
_WORD = re.compile(r"[^\s|]+")
_FEWEST_DIVIDED = 5
"""Rows divided by tabs or pipes that tell how a dump writes its rows."""


class Word(NamedTuple):
    """A word of a source line, and where in the line it stands."""

    token: Token
    start: int
    stop: int


def split_words(page: Page) -> list[Word]:
    """The words of a page of raw source lines: what spaces, tabs and pipes divide. Their boxes are display
    columns and lines."""
    words = []
    for line in page.tokens:
        place = column = 0
        for match in _WORD.finditer(line.text):
            start, stop = match.span()
            left = display_column(line.text[place:start], column)
            place, column = stop, left + display_width(match[0])
            bbox = BBox(left, line.bbox.top, column, line.bbox.bottom)
            words.append(Word(line.with_text(match[0], bbox, line.labels), start, stop))
    return words


@dataclass(frozen=True)
class Block:
    kind: str  # "row": one cell per line; "pipes", "fields": one row per line; "line": anything else
    lines: tuple[Token, ...]


def split_blocks(lines: tuple[Token, ...]) -> Iterator[Block]:
    """The lines that hold something, those of one row together: no marks of pages, no rules, and none of the
    blank headers that a table of Markdown must have."""
    marks = page_marks(lines)
    i = 0
    while i < len(lines):
        line = lines[i]
        if _is_cell_line(line.text):
            start = i
            i += 1
            while i < len(lines) and lines[i].text.strip("\r\n") != "" and lines[i].text.count("\t") <= 1:
                i += 1
            yield Block("row", lines[start:i])
            continue
        i += 1
        text = line.text
        if not text.strip() and "\t" not in text:
            continue
        is_no_header = _is_bare(text) and i < len(lines) and _is_rule(lines[i].text)
        if _is_rule(text) or is_no_header or i - 1 in marks:
            continue
        yield Block("pipes" if is_piped(text) else "fields" if "\t" in text else "line", (line,))


def _is_rule(text: str) -> bool:
    return bool(_RULE.match(text)) and len(text.strip()) > 2 and "\t" not in text


def _is_bare(text: str) -> bool:
    return is_piped(text) and not text.replace("|", "").strip()


def number_lines(lines: Sequence[Token]) -> dict[int | None, int]:
    """Numbers of the lines, by their source lines, as they were before pages were marked: a mark does not
    count, nor do the empty lines around it where it stands between figures, which may be of one row."""
    texts = [line.text.strip() for line in lines]
    added: set[int] = set()
    for mark in page_marks(lines):
        start, stop = mark, mark + 1
        while start > 0 and not texts[start - 1]:
            start -= 1
        while stop < len(texts) and not texts[stop]:
            stop += 1
        around = texts[max(start - 1, 0) : start] + texts[stop : stop + 1]
        added.update(range(start, stop) if all(map(is_figure, around)) else [mark])
    numbers, number = {}, 0
    for i, line in enumerate(lines):
        number += i not in added
        numbers[line.line] = number
    return numbers


def page_marks(lines: Sequence[Token]) -> set[int]:
    """The lines that number pages: those that look like it, all that have a bare number below an empty line,
    counting up by one, or a single such line between the rows of a dump whose rows are divided by marks; and
    bare numbers at the ends of pages that a form feed parts."""
    texts = ["", *(line.text.strip() for line in lines), ""]
    alone = [
        i
        for i, line in enumerate(lines)
        if _BARE_NUMBER.match(line.text) and "\t" not in line.text and not texts[i]
    ]
    numbers = [int(lines[i].text) for i in alone]
    marks = {i for i, line in enumerate(lines) if _PAGE_MARK.match(line.text)}
    marks |= _marks_at_form_feeds(lines)
    if len(alone) == 1 and not texts[alone[0] + 2] and _has_divided_rows(lines):
        return marks.union(alone)
    if len(alone) < 2 or numbers[0] > 2 or numbers != list(range(numbers[0], numbers[0] + len(alone))):
        return marks
    return marks.union(alone)


def _has_divided_rows(lines: Sequence[Token]) -> bool:
    """Whether tabs or pipes divide the rows of a dump: a bare number is none of their figures."""
    return sum("\t" in line.text or is_piped(line.text) for line in lines) >= _FEWEST_DIVIDED


def _marks_at_form_feeds(lines: Sequence[Token]) -> set[int]:
    """The bare numbers that stand first or last on the pages that form feeds part and count them all alike;
    other such numbers are figures."""
    pages: list[list[tuple[int, str]]] = [[]]
    for i, line in enumerate(lines):
        first, *others = line.text.split("\f")
        pages[-1].append((i, first))
        pages += [[(i, part)] for part in others]
    found: dict[int, int] = {}
    for n, page in enumerate(pages):
        inwards = [page] if n > 0 else []
        inwards += [page[::-1]] if n < len(pages) - 1 else []
        for parts in inwards:
            mark = _find_number_apart(parts)
            if mark is not None and _BARE_NUMBER.match(lines[mark].text):
                found[mark] = int(lines[mark].text) - n
    return set(found) if len(set(found.values())) == 1 else set()


def _find_number_apart(parts: Sequence[tuple[int, str]]) -> int | None:
    """The line of the bare number that the lines of a page begin with, an empty line and no other number
    behind it."""
    written = [k for k, (_, text) in enumerate(parts) if text.strip()]
    if len(written) < 2 or written[1] == written[0] + 1:
        return None
    (i, number), (_, following) = (parts[k] for k in written[:2])
    is_apart = _BARE_NUMBER.match(number) and "\t" not in number and not _BARE_NUMBER.match(following)
    return i if is_apart else None


def is_piped(text: str) -> bool:
    """Whether pipes divide the line, or stand around it too."""
    stripped = text.strip()
    return (stripped.startswith("|") and stripped.endswith("|")) or (" | " in text and "\t" not in text)


def _is_cell_line(text: str) -> bool:
    return text.startswith("\t") and text.count("\t") == 1
