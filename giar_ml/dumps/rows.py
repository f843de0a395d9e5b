"""The rows of a dump, made whole: figures one a line, empty lines for blank cells, figures in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, pairwise

from giar_ml.document import Token
from giar_ml.dumps.fields import numbered
from giar_ml.figures import is_empty, is_figure
from giar_ml.geometry import cluster
from giar_ml.label import best_label
from giar_ml.label.names import n_columns

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

    That it is so is seen by the lines behind each label: in most rows as many as the form has columns,
    whatever is blank.
    """
    runs = [(start, stop, _n_places(rows[start - 1])) for start, stop in _runs_of_items(rows)]
    several = [run for run in runs if run[2] > 1 and run[0] < len(rows)]
    alike = [run for run in several if _is_whole(rows, *run)]
    [(usual, _)] = Counter(width for *_, width in alike).most_common(1) or [(0, 0)]
    whole = {
        start: (stop, width or usual)
        for start, stop, width in runs
        if (width or stop > start) and _fits(rows, start, stop, width or usual)
    }
    steps = [b.line - a.line for start, stop, _ in alike for a, b in pairwise(rows[start - 1 : stop])]
    if len(alike) < _LEAST_ALIKE or 2 * len(alike) < len(several) or steps.count(1) < steps.count(2):
        return list(rows)
    taken = {i for start, (stop, _) in whole.items() for i in range(start, stop)}
    done: list[Row] = []
    for i, row in enumerate([*rows, None]):
        if i in whole:
            done.append(_with_all_places(rows, i, *whole[i]))
        if row and i not in taken:
            done.append(row)
    return done


def _runs_of_items(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """The rows of one figure each that follow one with a label, half open; none where it has empty lines
    behind it instead."""
    i = 1
    while i <= len(rows):
        start = i
        while i < len(rows) and _is_figures(rows[i]) and len(rows[i].fields) == 1:
            i += 1
        has_label = rows[start - 1].kind == "line" and not _is_figures(rows[start - 1])
        if has_label and (i > start or i == len(rows) or rows[i].line > rows[i - 1].line + 1):
            yield start, i
        i = max(i, start + 1)


def _n_places(row: Row) -> int:
    """How many figures belong behind a label, or behind the headers of the table whose row has none."""
    return max((n_columns().get(best_label(field.labels), 0) for field in row.fields), default=0)


def _is_whole(rows: Sequence[Row], start: int, stop: int, width: int) -> bool:
    """Whether so many lines stand from a label to its last figure; to the next row where it has none."""
    label = rows[start - 1].line
    return rows[stop - 1].line - label == width if stop > start else rows[stop].line - label > width


def _fits(rows: Sequence[Row], start: int, stop: int, width: int) -> bool:
    """Whether the figures are a row of so many cells, the last of which may be blank."""
    label = rows[start - 1].line
    room = rows[stop].line - label - 1 if stop < len(rows) else width
    return rows[stop - 1].line - label <= width <= room


def _with_all_places(rows: Sequence[Row], start: int, stop: int, width: int) -> Row:
    label = rows[start - 1]
    items = {row.line: row.fields[0] for row in rows[start:stop]}
    blank = replace(label.fields[0], text="", labels={}, readings=())
    ahead = (blank.line or 0) - label.last_line
    lines = range(label.line + 1, label.line + 1 + width)
    places = [items.get(line, replace(blank, line=line + ahead)) for line in lines]
    return Row(lines[0], lines[-1], tuple(numbered(t, t.text, k) for k, t in enumerate(places)), "cells")


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
    return row.kind == "line" and all(map(_is_figure_or_dash, row.fields))


def _is_figure_or_dash(token: Token) -> bool:
    """Whether a cell shows a figure, or what stands for one that is zero: a dash, a stroke, 无."""
    return is_figure(token.text) or (bool(token.text) and is_empty(token.text))


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
