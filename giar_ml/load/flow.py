"""Text that flows, from Word and HTML -> one page: paragraphs as tokens, tables with their spans.

There is no paper, so boxes are places in the flow: columns of the grid across, blocks down. A paragraph
is a block and so is a table row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from giar_ml.document import UNREAD, BBox, Cell, Page, Problem, Table, Token
from giar_ml.figures import is_empty, is_figure
from giar_ml.text import display_width, normalize_radicals

MAX_COLUMNS = 256
"""The form has 11. A page may claim more columns than memory holds."""
_MIN_DATA_CELLS = 6
"""A table that wraps others is one of the layout unless this many of its own cells have text."""


INK = "\ufdd0"
"""What stands in a text for something shown that is no text, as a picture is: no character of any text."""


@dataclass(frozen=True)
class FlowLine:
    """A line of text in a cell; `line` is its source line where the format has some."""

    text: str
    line: int | None = None


@dataclass
class GridCell:
    """A cell under construction: a later row may extend it."""

    row_start: int
    row_stop: int
    column_start: int
    column_stop: int
    lines: list[FlowLine] = field(default_factory=list)
    wraps_tables: bool = False

    @property
    def has_text(self) -> bool:
        return any(line.text.replace(INK, "") for line in self.lines)


@dataclass
class Grid:
    """A table under construction, with the text beside its cells and the tables in them."""

    cells: list[GridCell] = field(default_factory=list)
    captions: list[FlowLine] = field(default_factory=list)
    nested: list[Grid] = field(default_factory=list)

    def put_inside(self, cell: GridCell, inner: Grid) -> None:
        """Put a table into a cell of this one: one that merely frames a text is that text."""
        filled = [inner_cell for inner_cell in inner.cells if inner_cell.lines or inner_cell.wraps_tables]
        if len(filled) > 1:
            cell.wraps_tables = True
            self.nested.append(inner)
            return
        cell.lines += inner.captions
        for inner_cell in filled:
            cell.lines += inner_cell.lines
        cell.wraps_tables |= bool(inner.nested)
        self.nested += inner.nested


@dataclass
class Flow:
    """Collects blocks in document order."""

    n_blocks: int = 0
    tokens: list[Token] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def add_text(self, text: str, *, line: int | None = None) -> None:
        """Add a paragraph; a blank one counts as a block and leaves no token."""
        self.n_blocks += 1
        text = normalize_radicals(text.replace(INK, "").strip())  # pictures between paragraphs say nothing
        if text:
            bbox = BBox(0, self.n_blocks - 1, display_width(text), self.n_blocks)
            self.tokens.append(Token(text, bbox, line=line or self.n_blocks))

    def add_grid(self, grid: Grid) -> None:
        """Add a table, then the tables in it."""
        for caption in grid.captions:
            self.add_text(caption.text, line=caption.line)
        self._add_table(grid.cells)
        for inner in grid.nested:
            self.add_grid(inner)

    def _add_table(self, cells: Sequence[GridCell]) -> None:
        """Add a table, or only its text where it merely arranges the tables in it."""
        cells = [cell for cell in cells if cell.column_start < cell.column_stop]
        if not cells:
            return
        n_data_cells = sum(cell.has_text and not cell.wraps_tables for cell in cells)
        if any(cell.wraps_tables for cell in cells) and n_data_cells < _MIN_DATA_CELLS:
            for cell in cells:
                for line in cell.lines:
                    self.add_text(line.text, line=line.line)
            return
        n_rows = max(cell.row_stop for cell in cells)
        n_columns = max(cell.column_stop for cell in cells)
        top = self.n_blocks
        self.tables.append(
            Table(
                page=1,
                bbox=BBox(0, top, n_columns, top + n_rows),
                n_rows=n_rows,
                n_columns=n_columns,
                cells=tuple(_to_cell(cell, top=top) for cell in cells),
            )
        )
        self.n_blocks += n_rows

    def to_page(self, *, problems: Sequence[Problem] = ()) -> Page:
        boxes = [token.bbox for token in self.tokens] + [table.bbox for table in self.tables]
        return Page(
            number=1,
            kind="text",
            width=max((box.right for box in boxes), default=0),
            height=self.n_blocks,
            tokens=tuple(self.tokens),
            tables=tuple(self.tables),
            problems=tuple(problems),
        )


def _to_cell(cell: GridCell, *, top: int) -> Cell:
    bbox = BBox(cell.column_start, top + cell.row_start, cell.column_stop, top + cell.row_stop)
    lines = _cell_lines(cell)
    step = bbox.height / max(len(lines), 1)
    tokens = tuple(
        Token(
            normalize_radicals(line.text),
            BBox(bbox.left, bbox.top + index * step, bbox.right, bbox.top + (index + 1) * step),
            line=line.line or top + cell.row_start + 1,
        )
        for index, line in enumerate(lines)
    )
    return Cell(cell.row_start, cell.row_stop, cell.column_start, cell.column_stop, bbox, tokens)


def _cell_lines(cell: GridCell) -> list[FlowLine]:
    """What a cell shows: a picture beside words is an ornament, one beside a figure or alone may be a
    figure. So may a table of several cells."""
    text = "".join(line.text for line in cell.lines).replace(INK, "")
    ink = UNREAD if is_figure(text) or is_empty(text) else ""
    lines = [FlowLine(INK)] if cell.wraps_tables else []
    shown = (replace(line, text=line.text.replace(INK, ink).strip()) for line in [*cell.lines, *lines])
    return [line for line in shown if line.text]
