"""A form's tables as grids of cells with spans: what Word, HTML and text dumps print."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from giar_ml.forms import FormTable, Header, Section
from training.figures import Figure

Role = Literal["caption", "corner", "header", "label", "figure"]
Show = Callable[[str], str]
"""The printed text of a cell, by its key."""


@dataclass(frozen=True)
class GridCell:
    """A printed cell; spans are half open. `key` is set for figures."""

    row_start: int
    row_stop: int
    column_start: int
    column_stop: int
    text: str
    role: Role
    key: str | None = None


@dataclass(frozen=True)
class Grid:
    """Cells in reading order. `n_label_columns` columns stand before the figures'."""

    n_rows: int
    n_columns: int
    n_label_columns: int
    n_header_rows: int
    cells: tuple[GridCell, ...]


def show_figure(figure: Figure | None) -> str:
    """As offices print it: nothing for a blank, signed nowhere but below zero."""
    return "" if figure is None else str(figure)


def build_grid(table: FormTable, show: Show) -> Grid:
    """The table with the merges of the official form; a table's sections stand below one another."""
    n_labels = max((len(row.under) + 1 for s in table.sections for row in s.rows if row.labels), default=0)
    n_figures = max(len(section.columns) for section in table.sections)
    cells: list[GridCell] = []
    top = 0
    for section in table.sections:
        cells += _section_cells(section, show, top=top, n_labels=n_labels, n_figures=n_figures)
        top = max(cell.row_stop for cell in cells)
    cells.sort(key=lambda cell: (cell.row_start, cell.column_start))
    n_header_rows = min(cell.row_start for cell in cells if cell.role in ("figure", "label"))
    return Grid(top, n_labels + n_figures, n_labels, n_header_rows, tuple(cells))


def _section_cells(
    section: Section, show: Show, *, top: int, n_labels: int, n_figures: int
) -> list[GridCell]:
    cells = []
    for caption in section.caption[:1]:
        cells.append(GridCell(top, top + 1, 0, n_labels + n_figures, caption, "caption"))
        top += 1
    n_levels = max(len(column.under) + 1 for column in section.columns)
    if n_labels:
        corner = section.corner[0] if section.corner else ""
        cells.append(GridCell(top, top + n_levels, 0, n_labels, corner, "corner"))
    # Few columns share the width of many: the last takes what is left.
    edges = [n_labels + i for i in range(len(section.columns))] + [n_labels + n_figures]
    cells += [
        GridCell(top + level, top + level_stop, edges[start], edges[stop], text, "header")
        for level, level_stop, start, stop, text in _merge_headers(section.columns, n_levels)
    ]
    top += n_levels
    cells += [
        GridCell(top + start, top + stop, level, level_stop, text, "label")
        for level, level_stop, start, stop, text in _merge_headers(section.rows, n_labels)
    ]
    for i, row in enumerate(section.rows):
        for j, column in enumerate(section.columns):
            key = section.cell_key(row, column)
            cells.append(GridCell(top + i, top + i + 1, edges[j], edges[j + 1], show(key), "figure", key))
    return cells


def _merge_headers(headers: Sequence[Header], n_levels: int) -> list[tuple[int, int, int, int, str]]:
    """(level, level_stop, start, stop, text): groups span their members, a label the levels below it."""
    merged = []
    for level in range(n_levels):
        position = 0
        for (_, _), members in itertools.groupby(
            enumerate(headers), key=lambda item: _group_at(item[0], item[1], level)
        ):
            group = [header for _, header in members]
            start, position = position, position + len(group)
            if level < len(group[0].under):
                merged.append((level, level + 1, start, position, group[0].under[level]))
            elif level == len(group[0].under) and group[0].labels:
                merged.append((level, n_levels, start, position, group[0].labels[0]))
    return merged


def _group_at(index: int, header: Header, level: int) -> tuple[object, int]:
    return (header.under[: level + 1], -1) if level < len(header.under) else ((), index)
