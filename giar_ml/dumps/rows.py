"""The rows of a dump, made whole: figures one a line, empty lines for blank cells, figures in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, pairwise

from giar_ml.document import Token
from giar_ml.dumps.fields import numbered
from giar_ml.figures import is_figure
from giar_ml.geometry import cluster
from giar_ml.label import best_label

_LEAST_ALIKE = 5
"""Rows that must be alike for empty lines to be blank cells."""
_MOST_ALIKE = 0.6
"""Share of the rows with as many figures as each other from which blank cells are rare."""
_MOST_COLUMNS = 15
"""The widest table of a form has so many."""


@dataclass(frozen=True)
class Row:
    """Fields side by side, the first and the last line that they stand on (of the lines without marks of
    pages, see `number_lines`), and what divides them: the kind of their block, or "cells" where each was a
    line."""

    line: int
    last_line: int
    fields: tuple[Token, ...]
    kind: str


def _is_title(row: Row) -> bool:
    return any(best_label(field.labels).startswith("title:") for field in row.fields)


def split_parts(rows: Sequence[Row]) -> Iterator[tuple[bool, list[Row]]]:
    """The rows from one title to the next, and whether their places tell the columns: they do in all tables
    of a dump where the figures of one stand in columns with blanks among them."""
    parts: list[list[Row]] = [[]]
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


def _stands_in_columns(rows: Sequence[Row]) -> bool:
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


def with_blank_cells(rows: Sequence[Row]) -> list[Row]:
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
    done: list[Row] = []
    i = 0
    while i < len(rows):
        if i not in whole:
            done.append(rows[i])
            i += 1
            continue
        label, items = rows[i - 1].line, {row.line: row.fields[0] for row in rows[i : whole[i]]}
        first = rows[i].fields[0]
        blank = replace(first, text="", labels={})
        ahead = (first.line or 0) - rows[i].line
        lines = range(label + 1, label + 1 + width)
        places = [items.get(line, replace(blank, line=line + ahead)) for line in lines]
        fields = tuple(numbered(t, t.text, k) for k, t in enumerate(places))
        done.append(Row(rows[i].line, lines[-1], fields, "cells"))
        i = whole[i]
    return done


def _runs_of_items(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """The rows of one figure each that follow one with a label, half open."""
    i = 1
    while i < len(rows):
        start = i
        while i < len(rows) and _is_figures(rows[i]) and len(rows[i].fields) == 1:
            i += 1
        if i > start and rows[start - 1].kind == "line" and not _is_figures(rows[start - 1]):
            yield start, i
        i = max(i, start + 1)


def _fits(rows: Sequence[Row], start: int, stop: int, width: int) -> bool:
    """Whether the figures are a row of so many cells, the last of which may be blank."""
    label = rows[start - 1].line
    room = rows[stop].line - label - 1 if stop < len(rows) else width
    return rows[stop - 1].line - label <= width <= room


def join_items(rows: list[Row]) -> Iterator[Row]:
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


def _is_figures(row: Row) -> bool:
    return row.kind == "line" and all(is_figure(token.text) for token in row.fields)


def _rows_of_items(items: list[Row]) -> Iterator[Row]:
    """Figures that follow each other, one a line, as rows: a run of single ones is one row (or several,
    which only the form can tell). pdftotext puts empty lines between the blocks that it sees, and where
    rows lie close, a block is what stands in one column."""
    blocks: list[list[Row]] = []
    for item in items:
        if blocks and item.line == blocks[-1][-1].line + 1:
            blocks[-1].append(item)
        else:
            blocks.append([item])
    columns: list[tuple[tuple[int, Token], ...]] = []
    for block in blocks:
        placed = [[(item.line, token) for token in item.fields] for item in block]
        if len(set(map(len, placed))) == 1:
            columns += zip(*placed, strict=True)
        else:
            columns.append(tuple(chain(*placed)))
    for height, group in groupby(columns, key=len):
        alike = list(group)
        is_one_row = height == 1 or len(alike) == 1
        for row in [tuple(chain(*alike))] if is_one_row else zip(*alike, strict=True):
            lines, fields = zip(*row, strict=True)
            yield Row(lines[0], max(lines), fields, "line")
