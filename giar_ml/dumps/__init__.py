"""Text dumps to tables: the lines that an extraction tool left of a report, back to rows of fields.

A dump keeps the order of fields, and few keep their places. Five ways of writing a row are understood, and
may be mixed in one file: fields divided by tabs, by pipes, by wide gaps (pdftotext -layout),
one cell per line with an empty line between rows (word processors' text export), and one item per line
without anything between rows (pdftotext). Only inside the statutory tables are plain lines taken for
rows of a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from giar_ml.document import Page, Table, Token
from giar_ml.dumps.fields import cells_of_block, is_row_like, labels_of, split_fields
from giar_ml.dumps.lines import Word, number_lines, page_marks, split_blocks, split_words
from giar_ml.dumps.rows import Row, split_parts, with_blank_cells
from giar_ml.dumps.tables import rows_to_tables
from giar_ml.figures import is_empty, is_figure
from giar_ml.label import best_label
from giar_ml.label.names import FIGURE, is_header
from giar_ml.tables.align import align_lines

__all__ = ["Word", "find_dumped_tables", "split_words"]

_NEAR_LINES = 25
"""A table has a label in every so many lines, however it was broken."""


def find_dumped_tables(page: Page, words: Sequence[Word]) -> Page:
    """Turn a page whose tokens are raw source lines into tables and prose tokens.

    Tables written with pipes, and those whose figures stand in columns among blanks, come out `gridded`:
    elsewhere column numbers only count fields.

    Args:
        words: `split_words(page)` with labels, which tell where tables are and what their fields mean.
    """
    line_words = {number: list(group) for number, group in groupby(words, key=lambda word: word.token.line)}
    inside = _lines_of_tables(page.tokens, line_words)
    numbers = number_lines(page.tokens)
    rows: list[Row] = []
    prose: list[Token] = []
    for block in split_blocks(page.tokens):
        first, last = block.lines[0], block.lines[-1]
        own = line_words.get(first.line, [])
        if block.kind == "row":
            fields = cells_of_block(block, line_words)
        elif block.kind in ("fields", "pipes") or (first.line in inside and is_row_like(first.text)):
            fields = list(split_fields(first, own))
        else:
            prose.append(replace(first, text=first.text.strip(), labels=labels_of(own)))
            continue
        rows.append(Row(numbers[first.line], numbers[last.line], tuple(fields), block.kind))
    tables: list[Table] = []
    for is_aligned, part in split_parts(rows):
        if is_aligned:
            tables.append(align_lines([row.fields for row in part], page=page.number))
        else:
            tables += rows_to_tables(page, with_blank_cells(part))
    return replace(page, tokens=tuple(prose), tables=tuple(tables))


def _lines_of_tables(lines: Sequence[Token], words: Mapping[int | None, Sequence[Word]]) -> set[int | None]:
    """The lines from the first label of a table to the figures behind the last, be they on the next page. A
    label with no other near it is none, but for a title."""
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
    marks = page_marks(lines)
    stop = inside[-1] + 1
    while stop < len(lines) and (
        stop in marks or all(_may_be_field(w.token) for w in words.get(lines[stop].line, ()))
    ):
        stop += 1
    return {line.line for line in lines[inside[0] : stop]}


def _may_be_field(token: Token) -> bool:
    return is_figure(token.text) or is_empty(token.text) or best_label(token.labels) == FIGURE
