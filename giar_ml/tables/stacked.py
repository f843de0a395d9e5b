"""Rules between rows that were lost, whole or in one cell, told by figures below each other or a header, and
streaks through a row that were taken for one."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from statistics import median

from giar_ml.document import BBox, Cell, Page, Table, Token
from giar_ml.figures import is_figure
from giar_ml.geometry import contains, contains_center

MIN_CELLS = 2
"""With two figures each: one alone may be a figure that was wrapped."""
MIN_APART = 1.15
"""Between two figures of different rows, in heights of a figure; lines of one cell are nearer."""


def split_stacked_rows(page: Page) -> Page:
    """The scan, once it is read, with rows of its tables split where several cells hold two figures each, and
    cells that span rows, and perhaps columns, where they hold one for each, or a figure below a header; and
    with two rows as one where several figures span them and nothing stands in both."""
    if page.kind != "scan":
        return page
    return replace(page, tables=tuple(map(_split_rows, page.tables)))


def _split_rows(table: Table) -> Table:
    for row in reversed(range(table.n_rows - 1)):
        blank = _find_blank_part(table, row)
        if blank is not None:
            table = _drop_row(table, blank, row)
    for split in (_split_spanning, _split_below_header):
        table = replace(table, cells=tuple(piece for cell in table.cells for piece in split(cell, table)))
    for row in reversed(range(table.n_rows)):
        y = _find_lost_rule([c for c in table.cells if (c.row_start, c.row_stop) == (row, row + 1)])
        if y is not None:
            table = _split_row(table, row, y)
    return table


def _split_spanning(cell: Cell, table: Table) -> list[Cell]:
    """The cell, or one for each row that it spans, and each column, where it holds a figure in each place, or
    in some of them and no figure between two rows. Marks between the places are what is left of the rules."""
    rows = range(cell.row_start, cell.row_stop)
    columns = range(cell.column_start, cell.column_stop)
    tokens = _figures(cell)
    n_figures = sum(map(_has_digit, tokens))
    if len(rows) < 2 or not 0 < n_figures <= len(rows) * len(columns):
        return [cell]
    is_full = n_figures == len(rows) * len(columns)
    pieces, n_placed = [], 0
    for row, column in product(rows, columns):
        bbox = _place(cell, row, column, table)
        own = tuple(token for token in tokens if bbox and contains_center(bbox, token.bbox))
        if not bbox or sum(map(_has_digit, own)) > 1:
            return [cell]
        if not is_full and not all(contains(bbox, token.bbox) for token in own):
            return [cell]
        n_placed += sum(map(_has_digit, own))
        marks = tuple(token for token in cell.tokens if contains_center(bbox, token.bbox))
        pieces.append(Cell(row, row + 1, column, column + 1, bbox, own or marks))
    return pieces if n_placed == n_figures else [cell]


def _split_below_header(cell: Cell, table: Table) -> list[Cell]:
    """The cell, or two of them where it spans rows and holds words above and a figure in its last row, which
    holds figures: the rule below the header was lost there."""
    last = cell.row_stop - 1
    if last == cell.row_start or len(cell.tokens) < 2 or cell.column_stop - cell.column_start > 1:
        return [cell]
    beside = [c for c in table.cells if (c.row_start, c.row_stop) == (last, last + 1)]
    n_figures = sum(map(_is_lone_figure, beside))
    if n_figures < MIN_CELLS or 2 * n_figures < sum(bool(c.tokens) for c in beside):
        return [cell]
    top = median(c.bbox.top for c in beside)
    above = tuple(token for token in cell.tokens if token.bbox.center[1] < top)
    below = tuple(token for token in cell.tokens if token.bbox.center[1] >= top)
    if len(below) != 1 or not _is_figure(below[0]) or any(map(_is_figure, above)):
        return [cell]
    left, _, right, bottom = cell.bbox
    return [
        replace(cell, row_stop=last, bbox=cell.bbox._replace(bottom=top), tokens=above),
        replace(cell, row_start=last, bbox=BBox(left, top, right, bottom), tokens=below),
    ]


def _find_blank_part(table: Table, row: int) -> int | None:
    """Which of a row and the next is blank, where both are one row through which a streak goes."""
    crossing = [c for c in table.cells if c.row_start < row + 2 and c.row_stop > row and c.tokens]
    spanning = [c for c in crossing if (c.row_start, c.row_stop) == (row, row + 2)]
    own = [[c for c in crossing if (c.row_start, c.row_stop) == (r, r + 1)] for r in (row, row + 1)]
    is_all = len(crossing) == len(spanning) + sum(map(len, own))
    if not is_all or len(spanning) < MIN_CELLS or all(own) or not all(map(_is_lone_figure, crossing)):
        return None
    return row if not own[0] else row + 1


def _drop_row(table: Table, blank: int, row: int) -> Table:
    """The table with a row and the next as one, of which one is blank."""
    spans = [c.bbox for c in table.cells if (c.row_start, c.row_stop) == (row, row + 2)]
    top, bottom = min(bbox.top for bbox in spans), max(bbox.bottom for bbox in spans)
    cells = []
    for cell in table.cells:
        if (cell.row_start, cell.row_stop) == (blank, blank + 1):
            continue
        is_part = row <= cell.row_start and cell.row_stop <= row + 2
        if is_part:  # where the streak was is dirt
            cell = replace(cell, bbox=cell.bbox._replace(top=top, bottom=bottom), spotless=False)
        start, stop = cell.row_start - (cell.row_start > row), cell.row_stop - (cell.row_stop > row + 1)
        cells.append(replace(cell, row_start=start, row_stop=stop))
    cells.sort(key=lambda cell: (cell.row_start, cell.column_start))
    return replace(table, n_rows=table.n_rows - 1, cells=tuple(cells))


def _is_lone_figure(cell: Cell) -> bool:
    return len(cell.tokens) == 1 and _is_figure(cell.tokens[0])


def _has_digit(token: Token) -> bool:
    return any(character.isdecimal() for character in token.text)


def _place(cell: Cell, row: int, column: int, table: Table) -> BBox | None:
    """Where a row and a column of the cell cross, as other cells say; None where none does."""
    in_row = [c.bbox for c in table.cells if (c.row_start, c.row_stop) == (row, row + 1)]
    in_column = [c.bbox for c in table.cells if (c.column_start, c.column_stop) == (column, column + 1)]
    if cell.column_stop - cell.column_start == 1:
        in_column = [cell.bbox]
    if not in_row or not in_column:
        return None
    left, right = (median(getattr(bbox, side) for bbox in in_column) for side in ("left", "right"))
    top, bottom = (median(getattr(bbox, side) for bbox in in_row) for side in ("top", "bottom"))
    return BBox(left, top, right, bottom)


def _find_lost_rule(cells: list[Cell]) -> float | None:
    """Where a rule divided the cells of a row; None where nothing says so."""
    pairs = [pair for cell in cells if (pair := _stacked_figures(cell))]
    if len(pairs) < MIN_CELLS:
        return None
    low = max(upper.bbox.bottom for upper, _ in pairs)
    high = min(lower.bbox.top for _, lower in pairs)
    lone = [cell.tokens[0].bbox for cell in cells if _is_lone_figure(cell)]
    # Between two lines of a long figure others stand in the middle.
    if low >= high or any(bbox.bottom > low and bbox.top < high for bbox in lone):
        return None
    # Figures stand in the middle of their rows, which may differ in height.
    centers = [median(pair[side].bbox.center[1] for pair in pairs) for side in (0, 1)]
    edges = [median(getattr(cell.bbox, side) for cell in cells) for side in ("top", "bottom")]
    middle = sum(centers) - sum(edges) / 2
    return middle if low < middle < high else (low + high) / 2


def _stacked_figures(cell: Cell) -> tuple[Token, Token] | None:
    figures = _figures(cell)
    if len(figures) != 2:
        return None
    upper, lower = figures
    gap = lower.bbox.top - upper.bbox.bottom
    is_apart = gap >= MIN_APART * max(upper.bbox.height, lower.bbox.height)
    return (upper, lower) if is_apart else None


def _figures(cell: Cell) -> list[Token]:
    """The figures of a cell from above, where there is nothing else but marks that are likely nothing."""
    tokens = [token for token in cell.tokens if not token.is_likely_nothing]
    return sorted(tokens, key=lambda token: token.bbox.top) if all(map(_is_figure, tokens)) else []


def _is_figure(token: Token) -> bool:
    return bool(token.readings and token.readings[0].text) or is_figure(token.text)


def _split_row(table: Table, row: int, y: float) -> Table:
    cells = []
    for cell in table.cells:
        if (cell.row_start, cell.row_stop) != (row, row + 1):
            start = cell.row_start + (cell.row_start > row)
            cells.append(replace(cell, row_start=start, row_stop=cell.row_stop + (cell.row_stop > row)))
            continue
        left, top, right, bottom = cell.bbox
        above = tuple(token for token in cell.tokens if token.bbox.center[1] < y)
        below = tuple(token for token in cell.tokens if token.bbox.center[1] >= y)
        cells.append(replace(cell, bbox=BBox(left, top, right, y), tokens=above))
        cells.append(
            replace(
                cell, row_start=row + 1, row_stop=row + 2, bbox=BBox(left, y, right, bottom), tokens=below
            )
        )
    cells.sort(key=lambda cell: (cell.row_start, cell.column_start))
    return replace(table, n_rows=table.n_rows + 1, cells=tuple(cells))
