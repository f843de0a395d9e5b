"""Text that flows, from Word and HTML -> one page: paragraphs as tokens, tables with their spans.

There is no paper, so boxes are places in the flow: columns of the grid across, blocks down. A paragraph
is a block and so is a table row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from giar_ml.document import BBox, Cell, Page, Problem, Table, Token
from giar_ml.text import display_width, normalize_radicals

MAX_COLUMNS = 256
"""The form has 11. A page may claim more columns than memory holds."""
_MIN_DATA_CELLS = 6
"""A table that wraps others is one of the layout unless this many of its own cells have text."""


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


@dataclass
class Flow:
    """Collects blocks in document order."""

    n_blocks: int = 0
    tokens: list[Token] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def add_text(self, text: str, *, line: int | None = None) -> None:
        """Add a paragraph; a blank one counts as a block and leaves no token."""
        self.n_blocks += 1
        text = normalize_radicals(text.strip())
        if text:
            bbox = BBox(0, self.n_blocks - 1, display_width(text), self.n_blocks)
            self.tokens.append(Token(text, bbox, line=line or self.n_blocks))

    def add_table(self, cells: Sequence[GridCell]) -> None:
        """Add a table, or only its text where it merely arranges the tables in it."""
        cells = [cell for cell in cells if cell.column_start < cell.column_stop]
        if not cells:
            return
        n_data_cells = sum(bool(cell.lines) and not cell.wraps_tables for cell in cells)
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
    step = bbox.height / max(len(cell.lines), 1)
    tokens = tuple(
        Token(
            normalize_radicals(line.text),
            BBox(bbox.left, bbox.top + index * step, bbox.right, bbox.top + (index + 1) * step),
            line=line.line or top + cell.row_start + 1,
        )
        for index, line in enumerate(cell.lines)
    )
    return Cell(cell.row_start, cell.row_stop, cell.column_start, cell.column_stop, bbox, tokens)
