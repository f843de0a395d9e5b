"""The printed layout of a form table: where each label and figure stands, with spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from giar_ml.forms import FormTable, Header, Section

Role = Literal["caption", "corner", "header", "label", "value"]


@dataclass(frozen=True)
class GridCell:
    """A cell of the printed form. Spans are half open; `key` is set for a figure, `text` for a label.

    `label` is the name that a labeller gives to what stands in the cell, see `giar_ml.label`.
    """

    row_start: int
    row_stop: int
    column_start: int
    column_stop: int
    role: Role
    label: str
    text: str = ""
    key: str | None = None


@dataclass(frozen=True)
class Grid:
    """Cells in reading order; together they cover every place of the grid once."""

    n_rows: int
    n_columns: int
    n_label_columns: int
    cells: tuple[GridCell, ...]


def form_grid(table: FormTable) -> Grid:
    """Lay the table out as on the official form.

    Sections stand one above the other. Group headers span what stands under them, a label with fewer
    groups than its neighbours spans the places left, and in a section with fewer columns than the
    widest the last column takes the rest of the width.
    """
    n_label_columns = max(_depth(section.rows) for section in table.sections)
    n_columns = n_label_columns + max(len(section.columns) for section in table.sections)
    cells: list[GridCell] = []
    top = 0
    for section in table.sections:
        section_cells = _place_section(section, n_label_columns, n_columns, top)
        cells.extend(section_cells)
        top = max(cell.row_stop for cell in section_cells)
    cells.sort(key=lambda cell: (cell.row_start, cell.column_start))
    return Grid(top, n_columns, n_label_columns, tuple(cells))


def _place_section(section: Section, n_label_columns: int, n_columns: int, top: int) -> list[GridCell]:
    cells = []
    if section.caption:
        caption = section.caption[0]
        cells.append(GridCell(top, top + 1, 0, n_columns, "caption", f"caption:{caption}", caption))
        top += 1
    body = top + _depth(section.columns)
    if n_label_columns:
        corner = "".join(section.corner[:1])
        cells.append(GridCell(top, body, 0, n_label_columns, "corner", "corner", corner))
    column_edges = [*range(n_label_columns, n_label_columns + len(section.columns)), n_columns]
    for span in _spans(section.columns):
        rows = top + span.level, top + span.level_stop
        columns = column_edges[span.start], column_edges[span.stop]
        label = span.name("column", section.table)
        cells.append(GridCell(*rows, *columns, "header", label, span.text))
    for span in _spans(section.rows):
        label = span.name("row", section.table)
        rows = body + span.start, body + span.stop
        cells.append(GridCell(*rows, span.level, span.level_stop, "label", label, span.text))
    for i, row in enumerate(section.rows):
        for j, column in enumerate(section.columns):
            key = section.cell_key(row, column)
            edges = column_edges[j], column_edges[j + 1]
            cells.append(GridCell(body + i, body + i + 1, *edges, "value", "figure", key=key))
    return cells


def _path(header: Header) -> tuple[str, ...]:
    return (*header.under, *header.labels[:1])


def _depth(headers: Sequence[Header]) -> int:
    return max(len(_path(header)) for header in headers)


class _Span(NamedTuple):
    """A group header over several headers, or one header's own label (`header` is set)."""

    level: int
    level_stop: int
    start: int
    stop: int
    text: str
    header: Header | None

    def name(self, kind: str, table: str) -> str:
        return f"{kind}:{table}.{self.header.key}" if self.header else f"under:{self.text}"


def _spans(headers: Sequence[Header]) -> list[_Span]:
    depth = _depth(headers)
    spans = []
    for level in range(depth):
        start = 0
        while start < len(headers):
            path = _path(headers[start])
            stop = start + 1
            if level < len(path) - 1:  # a group: its neighbours under the same groups join it
                while stop < len(headers) and _shares_group(headers[stop], path, level):
                    stop += 1
            if level < len(path):
                is_last = level == len(path) - 1
                header = headers[start] if is_last and headers[start].labels else None
                spans.append(_Span(level, depth if is_last else level + 1, start, stop, path[level], header))
            start = stop
    return spans


def _shares_group(header: Header, path: tuple[str, ...], level: int) -> bool:
    return len(header.under) > level and header.under[: level + 1] == path[: level + 1]
