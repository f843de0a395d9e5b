"""Text dumps to tables: the lines that an extraction tool left of a report, back to rows of fields.

A dump keeps the order of fields but not their places. Five ways of writing a row are understood, and
may be mixed in one file: fields divided by tabs, by pipes (markdown), by wide gaps (pdftotext -layout),
one cell per line with an empty line between rows (word processors' text export), and one item per line
without anything between rows (pdftotext). Only inside the statutory tables are plain lines taken for
rows of a table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import NamedTuple

from giar_ml.document import BBox, Cell, Labels, Page, Table, Token
from giar_ml.figures import is_empty, is_figure
from giar_ml.geometry import cluster
from giar_ml.label import best_label, mix_labels
from giar_ml.label.names import FIGURE, is_header, normalize_label
from giar_ml.tables.align import align_lines
from giar_ml.text import display_column, display_width

_PAGE_MARK = re.compile(r"^\s*[-—–]\s*\d+\s*[-—–]\s*$|^\s*第\s*\d+\s*页.*$")
_BARE_NUMBER = re.compile(r"^\s*\d{1,3}\s*$")
_RULE = re.compile(r"^(?=.*[=-])[\s|:+=-]+$")
_GAP = re.compile(r" {2,}|\u3000{2,}|\t+")
_WORD = re.compile(r"[^\s|]+")
_LEAST_ALIKE = 5
"""Rows that must be alike for empty lines to be blank cells."""
_MOST_ALIKE = 0.6
"""Share of the rows with as many figures as each other from which blank cells are rare."""
_MOST_COLUMNS = 15
_NEAR_LINES = 25
"""A table has a label in every so many lines, however it was broken."""


def find_dumped_tables(page: Page, words: Sequence[Word]) -> Page:
    """Turn a page whose tokens are raw source lines into tables and prose tokens.

    Only tables written with pipes come out `gridded`: elsewhere column numbers only count fields.

    Args:
        words: `split_words(page)` with labels, which tell where tables are and what their fields mean.
    """
    line_words = {number: list(group) for number, group in groupby(words, key=lambda word: word.token.line)}
    inside = _lines_of_tables(page.tokens, line_words)
    rows: list[_Row] = []
    prose: list[Token] = []
    for block in _blocks(page.tokens):
        first = block.lines[0]
        own = line_words.get(first.line, [])
        if block.kind == "row":
            rows.append(_Row(first.line or 0, tuple(_cells_of_block(block, line_words)), block.kind))
        elif block.kind in ("fields", "pipes") or (first.line in inside and _is_row_like(first.text)):
            rows.append(_Row(first.line or 0, tuple(_fields(first, own)), block.kind))
        else:
            prose.append(replace(first, text=first.text.strip(), labels=_labels_of(own)))
    tables: list[Table] = []
    for is_aligned, part in _parts(rows):
        if is_aligned:
            tables.append(align_lines([row.fields for row in part], page=page.number))
        else:
            tables += _tables(page, _with_blank_cells(part))
    return replace(page, tokens=tuple(prose), tables=tuple(tables))


def _lines_of_tables(lines: Sequence[Token], words: Mapping[int | None, Sequence[Word]]) -> set[int | None]:
    """The lines from the first label of a table to the figures behind the last. A label with no other near
    it is none, but for a title."""
    labels = [[best_label(w.token.labels) for w in words.get(line.line, ())] for line in lines]
    named = [i for i, found in enumerate(labels) if any(map(is_header, found))]
    inside = [
        i
        for k, i in enumerate(named)
        if any(label.startswith("title:") for label in labels[i])
        or any(abs(i - other) <= _NEAR_LINES for other in (*named[max(0, k - 1) : k], *named[k + 1 : k + 2]))
    ]
    if not inside:
        return set()
    stop = inside[-1] + 1
    while stop < len(lines) and all(_may_be_field(w.token) for w in words.get(lines[stop].line, ())):
        stop += 1
    return {line.line for line in lines[inside[0] : stop]}


def _may_be_field(token: Token) -> bool:
    return is_figure(token.text) or is_empty(token.text) or best_label(token.labels) == FIGURE


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
        for match in _WORD.finditer(line.text):
            left = display_column(line.text[: match.start()])
            right = left + display_width(match[0])
            bbox = BBox(left, line.bbox.top, right, line.bbox.bottom)
            words.append(Word(replace(line, text=match[0], bbox=bbox), match.start(), match.end()))
    return words


@dataclass(frozen=True)
class _Block:
    kind: str  # "row": one cell per line; "pipes", "fields": one row per line; "line": anything else
    lines: tuple[Token, ...]


@dataclass(frozen=True)
class _Row:
    line: int
    fields: tuple[Token, ...]
    kind: str


def _blocks(lines: tuple[Token, ...]) -> Iterator[_Block]:
    page_numbers = _page_numbers(lines)
    i = 0
    while i < len(lines):
        line = lines[i]
        if _is_cell_line(line.text):
            start = i
            i += 1
            while i < len(lines) and lines[i].text.strip("\r\n") != "" and lines[i].text.count("\t") <= 1:
                i += 1
            yield _Block("row", lines[start:i])
            continue
        i += 1
        text = line.text
        if not text.strip() and "\t" not in text:
            continue
        is_rule = _RULE.match(text) and len(text.strip()) > 2 and "\t" not in text
        if is_rule or _PAGE_MARK.match(text) or i - 1 in page_numbers:
            continue
        yield _Block("pipes" if _is_piped(text) else "fields" if "\t" in text else "line", (line,))


def _page_numbers(lines: Sequence[Token]) -> set[int]:
    """The lines that number pages: all that have a bare number below an empty line, counting up by one."""
    texts = ["", *(line.text.strip() for line in lines)]
    alone = [
        i
        for i, line in enumerate(lines)
        if _BARE_NUMBER.match(line.text) and "\t" not in line.text and not texts[i]
    ]
    numbers = [int(lines[i].text) for i in alone]
    if len(alone) < 2 or numbers[0] > 2 or numbers != list(range(numbers[0], numbers[0] + len(alone))):
        return set()
    return set(alone)


def _is_piped(text: str) -> bool:
    """Whether pipes divide the line, or stand around it too."""
    stripped = text.strip()
    return (stripped.startswith("|") and stripped.endswith("|")) or (" | " in text and "\t" not in text)


def _is_cell_line(text: str) -> bool:
    return text.startswith("\t") and text.count("\t") == 1


def _cells_of_block(block: _Block, words: Mapping[int | None, Sequence[Word]]) -> list[Token]:
    """One token per cell: a line that does not begin with a tab goes on the cell before it."""
    cells: list[tuple[Token, str, list[Word]]] = []
    for line in block.lines:
        own = list(words.get(line.line, ()))
        if not cells or line.text.startswith("\t"):
            cells.append((line, line.text.strip(), own))
        else:
            first, text, before = cells[-1]
            cells[-1] = (first, text + line.text.strip(), before + own)
    return [
        replace(_numbered(line, text, number), labels=_labels_of(own))
        for number, (line, text, own) in enumerate(cells)
    ]


def _labels_of(words: Iterable[Word], start: int = 0, stop: int | None = None) -> Labels:
    """Of what stands between two places of a line."""
    return mix_labels(
        (w.token.labels, len(w.token.text))
        for w in words
        if w.stop > start and (stop is None or w.start < stop)
    )


def _is_row_like(text: str) -> bool:
    """Inside the tables: not a sentence, not a heading."""
    stripped = text.strip().strip("#* ")
    return bool(stripped) and len(normalize_label(stripped)) <= 60 and not stripped.endswith(("。", "；"))


def _fields(line: Token, words: Sequence[Word]) -> Iterator[Token]:
    """The fields of one line, empty ones too. Left and right of a field's bbox are its number where marks
    divide the line, and its characters where gaps do."""
    text = line.text
    if _is_piped(text):
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
            yield replace(line, text=raw.strip(), bbox=bbox, labels=_labels_of(words, start, stop))


def _divided(line: Token, text: str, start: int, mark: str, words: Sequence[Word]) -> Iterator[Token]:
    """The fields between marks; `text` begins at place `start` of the line."""
    for number, raw in enumerate(text.split(mark)):
        stop = start + len(raw)
        yield replace(_numbered(line, raw, number), labels=_labels_of(words, start, stop))
        start = stop + 1


def _split_figures(fields: Iterable[Token]) -> Iterator[Token]:
    """The fields numbered anew where several figures stand in one: a tool put tabs into the widest gaps
    only."""
    number = 0
    for field in fields:
        words = field.text.split()
        n_figures = next((n for n, word in enumerate(reversed(words)) if not is_figure(word)), len(words))
        split = len(words) - n_figures if n_figures > 1 else len(words)
        for part in ([" ".join(words[:split])] if split or not words else []) + words[split:]:
            yield _numbered(field, part, number)
            number += 1


def _numbered(line: Token, text: str, number: int) -> Token:
    return replace(line, text=text.strip(), bbox=BBox(number, line.bbox.top, number + 1, line.bbox.bottom))


def _split_at_gaps(text: str, words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """Fields divided by wide gaps; by any space between the labels of two rows or columns, and between
    figures at the end of a field."""
    position = 0
    edges = [(m.start(), m.end()) for m in _GAP.finditer(text)]
    for start, stop in [*edges, (len(text), len(text))]:
        part = [word for word in words if word.start >= position and word.stop <= start]
        position = stop
        while part:
            n = _first_field(part)
            yield part[0].start, part[n - 1].stop
            part = part[n:]


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


def _tables(page: Page, rows: list[_Row]) -> Iterator[Table]:
    """Rows to tables: a gap of lines without rows begins a new one, and another way of writing."""
    pieces: list[list[_Row]] = []
    stop = -1
    for row in _join_items(rows):
        if not pieces or row.line > stop or (row.kind == "pipes") != (pieces[-1][-1].kind == "pipes"):
            pieces.append([])
        pieces[-1].append(row)
        # Between rows of cells stands an empty line, below the first row of a markdown table a rule.
        step = 2 if row.kind in ("row", "pipes") else 1
        stop = max((t.line or 0 for t in row.fields), default=row.line) + step
    for piece in pieces:
        # Converters that write pipes give every row all its places, a merged cell in each of its own.
        gridded = all(row.kind == "pipes" for row in piece) and len({len(row.fields) for row in piece}) == 1
        cells = tuple(
            Cell(i, i + 1, j, k, token.bbox, (token,) if token.text else ())
            for i, places in enumerate(_merge_repeats(piece) if gridded else map(_one_place_each, piece))
            for j, k, token in places
        )
        yield Table(
            page=page.number,
            bbox=BBox(
                min((c.bbox.left for c in cells), default=0),
                piece[0].line - 1,
                max((c.bbox.right for c in cells), default=0),
                stop,
            ),
            n_rows=len(piece),
            n_columns=max((len(row.fields) for row in piece), default=0),
            cells=cells,
            gridded=gridded,
        )


_Place = tuple[int, int, Token]
"""A field and the places that it takes, half open."""


def _one_place_each(row: _Row) -> list[_Place]:
    return [(j, j + 1, token) for j, token in enumerate(row.fields)]


def _merge_repeats(piece: list[_Row]) -> Iterator[list[_Place]]:
    """Each row with the places of a merged cell together. Words repeat only there; figures also by chance,
    so theirs are one cell where all headers above are one too."""
    same: set[int] | None = None
    closed = False
    for row in piece:
        texts = [token.text for token in row.fields]
        repeats = {j for j in range(1, len(texts)) if texts[j] and texts[j] == texts[j - 1]}
        if any(is_figure(text) for text in texts):
            joined = repeats & same if same is not None else set()
            joined |= {j for j in repeats if not is_figure(texts[j])}
            closed = True
        else:
            same = repeats if same is None or closed else same & repeats
            joined, closed = repeats, False
        places: list[_Place] = []
        for j, token in enumerate(row.fields):
            if j in joined:
                start, _, first = places[-1]
                bbox = first.bbox._replace(right=token.bbox.right)
                places[-1] = (start, j + 1, replace(first, bbox=bbox))
            else:
                places.append((j, j + 1, token))
        yield places


def _parts(rows: Sequence[_Row]) -> Iterator[tuple[bool, list[_Row]]]:
    """The rows from one title to the next, and whether their places tell the columns: they do in all tables
    of a dump where the figures of one stand in columns with blanks among them."""
    parts: list[list[_Row]] = [[]]
    for row in rows:
        if _is_title(row):
            parts.append([])
        parts[-1].append(row)
    keeps_layout = any(map(_stands_in_columns, parts))
    for is_aligned, group in groupby(
        parts, key=lambda part: keeps_layout and all(row.kind == "line" for row in part)
    ):
        if not is_aligned:
            yield False, [row for part in group for row in part]
            continue
        for part in group:
            n_title = next((i for i, row in enumerate(part) if not _is_title(row)), len(part))
            yield False, part[:n_title]
            if part[n_title:]:
                yield True, part[n_title:]


def _is_title(row: _Row) -> bool:
    return any(best_label(field.labels).startswith("title:") for field in row.fields)


def _stands_in_columns(rows: Sequence[_Row]) -> bool:
    lines = [[field.bbox for field in row.fields if is_figure(field.text)] for row in rows]
    lines = [line for line in lines if line]
    if any(row.kind != "line" for row in rows) or sum(len(line) > 1 for line in lines) < _LEAST_ALIKE:
        return False
    if max(Counter(map(len, lines)).values()) > _MOST_ALIKE * len(lines):
        return False  # Where hardly a cell is blank, counting figures is surer.
    columns = cluster([bbox.center[0] for line in lines for bbox in line], gap=2.0)
    of_line = [i for i, line in enumerate(lines) for _ in line]
    stands_alone = all(len({of_line[k] for k in column}) == len(column) for column in columns)
    return stands_alone and len(columns) <= _MOST_COLUMNS


def _with_blank_cells(rows: Sequence[_Row]) -> list[_Row]:
    """The rows, with those whole that are written one cell a line and have empty lines for blank cells.

    That it is so is seen by the lines behind each label: as many in nearly all rows, whatever is blank.
    """
    runs = list(_runs_of_items(rows))
    spans = Counter(rows[stop - 1].line - rows[start - 1].line for start, stop in runs if stop - start > 1)
    (width, n_alike), *_ = spans.most_common(1) or [(0, 0)]
    alike = [run for run in runs if rows[run[1] - 1].line - rows[run[0] - 1].line == width]
    steps = [b.line - a.line for start, stop in alike for a, b in pairwise(rows[start - 1 : stop])]
    if n_alike < _LEAST_ALIKE or 2 * n_alike < spans.total() or 2 * steps.count(1) < len(steps):
        return list(rows)
    whole = {start: stop for start, stop in runs if _fits(rows, start, stop, width)}
    done: list[_Row] = []
    i = 0
    while i < len(rows):
        if i not in whole:
            done.append(rows[i])
            i += 1
            continue
        label, items = rows[i - 1].line, {row.line: row.fields[0] for row in rows[i : whole[i]]}
        blank = replace(rows[i].fields[0], text="", labels={})
        places = [items.get(line, replace(blank, line=line)) for line in range(label + 1, label + 1 + width)]
        done.append(_Row(rows[i].line, tuple(_numbered(t, t.text, k) for k, t in enumerate(places)), "cells"))
        i = whole[i]
    return done


def _runs_of_items(rows: Sequence[_Row]) -> Iterator[tuple[int, int]]:
    """The rows of one figure each that follow one with a label, half open."""
    i = 1
    while i < len(rows):
        start = i
        while i < len(rows) and _is_figures(rows[i]) and len(rows[i].fields) == 1:
            i += 1
        if i > start and rows[start - 1].kind == "line" and not _is_figures(rows[start - 1]):
            yield start, i
        i = max(i, start + 1)


def _fits(rows: Sequence[_Row], start: int, stop: int, width: int) -> bool:
    """Whether the figures are a row of so many cells, the last of which may be blank."""
    label = rows[start - 1].line
    room = rows[stop].line - label - 1 if stop < len(rows) else width
    return rows[stop - 1].line - label <= width <= room


def _join_items(rows: list[_Row]) -> Iterator[_Row]:
    """Join lines that hold one figure each into the rows that they are."""
    for only_figures, group in groupby(rows, key=_is_figures):
        run = list(group)
        if not only_figures:
            yield from run
            continue
        # Among lines of one figure, pdftotext leaves two on a line where they stand close.
        n_single = sum(len(row.fields) == 1 for row in run)
        if 2 * n_single > len(run):
            yield from _rows_of_items(run)
            continue
        for single, part in groupby(run, key=lambda row: len(row.fields) == 1):
            lines = list(part)
            yield from _rows_of_items(lines) if single else lines


def _is_figures(row: _Row) -> bool:
    return row.kind == "line" and all(is_figure(token.text) for token in row.fields)


def _rows_of_items(items: list[_Row]) -> Iterator[_Row]:
    """Figures that follow each other, one a line, as rows: a run of single ones is one row (or several,
    which only the form can tell). pdftotext puts empty lines between the blocks that it sees, and where
    rows lie close, a block is what stands in one column."""
    blocks: list[list[_Row]] = []
    for item in items:
        if blocks and item.line == blocks[-1][-1].line + 1:
            blocks[-1].append(item)
        else:
            blocks.append([item])
    columns: list[tuple[Token, ...]] = []
    for block in blocks:
        if len({len(item.fields) for item in block}) == 1:
            columns += zip(*(item.fields for item in block), strict=True)
        else:
            columns.append(tuple(token for item in block for token in item.fields))
    for height, group in groupby(columns, key=len):
        alike = list(group)
        if height == 1 or len(alike) == 1:
            lines = [tuple(token for column in alike for token in column)]
        else:
            lines = list(zip(*alike, strict=True))
        for line in lines:
            yield _Row(line[0].line or 0, line, "line")
