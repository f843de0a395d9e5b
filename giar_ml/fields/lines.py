"""Tables to lines as they lie on the paper: labels, then places where figures may stand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from giar_ml.document import UNREAD, BBox, Cell, Labels, Page, Table, Token
from giar_ml.fields.low_marks import digit_height, doubt_low_marks
from giar_ml.fields.strays import LEGIBLE, without_strays
from giar_ml.figures import is_empty, is_figure, mend_figure, plain
from giar_ml.geometry import union
from giar_ml.label import best_label, mix_labels
from giar_ml.label.names import FIGURE, first_columns, is_header

_LEGIBLE = 0.75
"""Confidence below which what was read in a label is nonsense and says nothing."""
_FEWEST_ROWS = 3
_DIGIT, _MONEY = re.compile(r"\d"), "元"
_OTHER_FIGURE = 0.1
"""Share of misread words below a figure that are a part of it."""
_ONE_FIGURE = 0.9
"""Probability that figures in one cell are the pieces of one: 12,3 above 45, not a mark beside 45."""
_SURE_FIGURE = 0.9
"""Confidence of a figure in one cell with words that stands in a column of its own: the rule was not seen."""
_FAR_APART = 1.4
"""Gap between the figures of two columns, in heights of a figure."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_NOTE = re.compile(r"[(（]|其中")
_IN_GROUPS = re.compile(r"(?<!\d)[1-9]\d{0,2}(?:[^\S\n]\d{3})+(?!\s*\d)")
"""1 234 567 on one line."""
_BETWEEN_FIGURES = re.compile(r"(?<=\d)\s+(?=\d)")
_MIDDLE, _OFF_MIDDLE = 0.12, 0.25
"""How far from the middle of its cell a figure stands that was printed there, in widths of the cell, and from
where on it hardly was."""
_CENTRED, _FEWEST_FIGURES = 0.8, 6
"""Share of the figures of a table that stand in the middle of their cells, where that is how they were
printed; and how many say so."""
_SURELY_DASH = 0.5
"""Probability of the readings that are a dash, or nothing, from which that is what was printed."""
_HIGH, _BEYOND_DOUBT = 2.0, 0.99
"""Heights of the figures of a table from which a mark is no figure alone, and how surely one is read all the
same."""


class _Print(NamedTuple):
    """How the figures of a table are printed."""

    is_centred: bool = False
    digit_height: float | None = None
    is_typed: bool = False
    """Whether they were typed, in Word, a web page or a text file: only what is set, as in a PDF file, has
    spaces between the digits of one figure, all of them."""
    is_certain: bool = False
    """Whether nothing was read from pixels."""


_UNKNOWN = _Print()


@dataclass(frozen=True)
class Field:
    """One place of a line where a figure may stand; `token` is None where nothing is printed."""

    bbox: BBox
    position: tuple[float, float]
    """Left and right as shares of the table's width."""
    token: Token | None
    spotless: bool = False
    row_span: int = 1
    off_middle: bool = False
    """Whether a figure stands at a side of its cell, where others stand in the middle: a rule that is none
    may have cut it."""
    blotted: bool = False
    """Whether what was read, and not surely, is much higher than figures are: a blot, which may hide one."""

    @property
    def is_legible(self) -> bool:
        """Whether what was read in the place is no nonsense."""
        return self.token is not None and self.token.confidence >= _LEGIBLE

    @property
    def is_figure(self) -> bool:
        return self.token is not None

    @property
    def labels(self) -> Labels:
        """What stands in the place, as a labeller said."""
        return self.token.labels if self.token else {}

    @cached_property
    def best_label(self) -> str:
        """The most probable of them."""
        return best_label(self.labels)

    def is_across(self, position: float) -> bool:
        """Whether the place lies across a share of the table's width."""
        return self.position[0] <= position <= self.position[1]


@dataclass(frozen=True)
class Line:
    """One row of a table as it lies on the paper: labels, then fields."""

    page: int
    table: int
    gridded: bool
    certain: bool
    """Blank means blank: the text was not read from pixels."""
    labels: tuple[Field, ...]
    fields: tuple[Field, ...]

    @cached_property
    def n_figures(self) -> int:
        return sum(f.is_figure for f in self.fields)


def document_lines(pages: Sequence[Page]) -> list[Line]:
    """All lines of the document's tables in order; `table` counts the tables of the whole document."""
    return _number_tables([line for page in pages for line in _page_lines(page)])


def _page_lines(page: Page) -> Iterable[Line]:
    for number, table in enumerate(map(doubt_low_marks, page.tables)):
        # In a dump the number of a field says nothing of its column.
        n_label_columns = _count_label_columns(table) if page.kind != "text" else 0
        is_centred = table.gridded and _is_centred(table)
        of_figures = _Print(
            is_centred, digit_height(table), is_typed=page.kind == "text", is_certain=page.kind != "scan"
        )
        rows: list[list[Cell]] = [[] for _ in range(table.n_rows)]
        for cell in table.cells:
            for row in rows[cell.row_start : cell.row_stop]:
                row.append(cell)
        for n, cells in enumerate(rows):
            yield _table_line(page, number, table, n, cells, n_label_columns, of_figures)


def _is_centred(table: Table) -> bool:
    """Whether figures stand in the middle of their cells."""
    off = [abs(_off_middle(cell)) for cell in table.cells if _has_lone_figure(cell)]
    return len(off) >= _FEWEST_FIGURES and sum(x <= _MIDDLE for x in off) >= _CENTRED * len(off)


def _has_lone_figure(cell: Cell) -> bool:
    return len(cell.tokens) == 1 and bool(cell.tokens[0].readings) and bool(cell.tokens[0].readings[0].text)


def _stands_at_a_side(cell: Cell) -> bool:
    """Whether what a cell holds stands off its middle, and as near to a side as digits are to each other."""
    bbox = cell.tokens[0].bbox
    room = min(bbox.left - cell.bbox.left, cell.bbox.right - bbox.right)
    return abs(_off_middle(cell)) > _OFF_MIDDLE and room < bbox.height


def _off_middle(cell: Cell) -> float:
    """How far to the right of the middle of a cell what it holds stands, in widths of the cell."""
    return (cell.tokens[0].bbox.center[0] - cell.bbox.center[0]) / max(1.0, cell.bbox.width)


def _count_label_columns(table: Table) -> int:
    """How many columns of a table stand before the first column of figures, by its headers; 0 where they do
    not say."""
    starts = [
        cell.column_start
        for cell in table.cells
        if any(best_label(token.labels) in first_columns() for token in cell.tokens)
    ]
    if starts or any(map(_is_legibly_named, table.cells)):
        return min(starts, default=0)
    return _count_illegible_columns(table)


def _count_illegible_columns(table: Table) -> int:
    """How many columns of a table in which no label can be read stand before the first with a sure figure; 0
    where one of them may as well be figures, most of them blank, or it has too few rows to say."""
    figures = [c for c in table.cells if len(c.tokens) == 1 and c.tokens[0].confidence >= _SURE_FIGURE]
    first = min((cell.column_start for cell in figures if _is_field(cell)), default=0)
    if table.n_rows < _FEWEST_ROWS:
        return 0
    for column in range(first):
        printed = [bool(cell.tokens) for cell in table.cells if cell.column_start == column]
        if 2 * sum(printed) < len(printed):
            return 0
    return first


def _table_line(
    page: Page,
    number: int,
    table: Table,
    row: int,
    cells: Sequence[Cell],
    n_label_columns: int,
    of_figures: _Print,
) -> Line:
    cells = sorted(cells, key=lambda cell: cell.column_start)
    own = without_strays(cells, table, is_certain=of_figures.is_certain)
    cells = [piece for cell in own for piece in _split_columns(cell)]
    # What stands before the last words is label, whatever it looks like: a label may be torn into `1.` and
    # the rest. A single character among figures is a figure that could not be read, and so is a blot before
    # them and what was labelled as one, or as nothing behind the columns of labels: the characters of a seal,
    # or rests of rules, may have been read in its place.
    first_figure = next(
        (i for i, c in enumerate(cells) if c.row_start == row and _shows_figure(c)), len(cells)
    )
    after = sum(cell.column_stop <= n_label_columns for cell in cells)
    for i, cell in enumerate(cells):
        is_text = _holds_label(cell) or (
            bool(cell.tokens) and not _is_field(cell) and not _is_labelled_figure(cell)
        )
        if n_label_columns and i >= after and not _is_named(cell):
            continue
        if is_text and (_is_words(cell.text) or (i < first_figure and _is_read(cell))):
            after = max(after, i + 1)
    labels = [cell for cell in cells[:after] if cell.tokens]
    places = [cell for cell in cells[after:] if cell.row_start == row]
    return Line(
        page=page.number,
        table=number,
        gridded=table.gridded,
        certain=page.kind != "scan",
        labels=tuple(label for c in labels if (label := _place(c, table)).token),
        fields=tuple(_place(c, table, of_figures) for c in places),
    )


def _is_legibly_named(cell: Cell) -> bool:
    return _is_named(cell) and max(token.confidence for token in cell.tokens) >= _LEGIBLE


def _is_named(cell: Cell) -> bool:
    """Whether any of a cell was taken for a label of the form."""
    return any(is_header(best_label(token.labels)) for token in cell.tokens)


def _holds_label(cell: Cell) -> bool:
    """Whether words of a cell were taken for a label of the form; marks of a seal before them may have been
    read as figures. What was read as a figure with its unit, 0万元, is none, whatever it was taken for."""
    words = [t for t in cell.tokens if not (t.readings and is_figure(t.text))]
    return any(_is_words(t.text) and is_header(best_label(t.labels)) for t in words)


def _is_words(text: str) -> bool:
    return len(_CHINESE.findall(text)) > 1


def _is_read(cell: Cell) -> bool:
    return any(token.confidence >= LEGIBLE for token in cell.tokens)


def _split_columns(cell: Cell) -> list[Cell]:
    """The cell, or where headers or figures of several columns stand in it, one for each: the rule between
    was not seen."""
    if len(cell.tokens) < 2:
        return [cell]
    if any(map(_is_one_figure, cell.tokens)):
        return _split_figures(cell)
    tokens = sorted(cell.tokens, key=lambda token: token.bbox.left)
    names = [best_label(token.labels) for token in tokens]
    side_by_side = all(a.bbox.right <= b.bbox.left for a, b in pairwise(tokens))
    if side_by_side and len(set(names)) == len(names) and all(name.startswith("column:") for name in names):
        return [_keep(cell, [token]) for token in tokens]
    return [cell]


def _split_figures(cell: Cell) -> list[Cell]:
    """The cell, or where figures stand far apart in it, one for each."""
    columns: list[list[Token]] = []
    height = median(token.bbox.height for token in cell.tokens)
    for token in sorted(cell.tokens, key=lambda token: token.bbox.left):
        right = max((t.bbox.right for t in columns[-1]), default=-math.inf) if columns else -math.inf
        if columns and token.bbox.left - right < _FAR_APART * height:
            columns[-1].append(token)
        else:
            columns.append([token])
    # What stands apart without figures is one label, and so is a mark beside it that is no sure figure.
    least = _SURE_FIGURE if _CHINESE.search(cell.text) else 0.0
    groups: list[list[Token]] = []
    was_label = False
    for column in columns:
        is_label = not any(_is_one_figure(token) and token.confidence >= least for token in column)
        if groups and is_label and was_label:
            groups[-1].extend(column)
        else:
            groups.append(column)
        was_label = is_label
    if len(groups) == 1:
        return [cell]
    return [_keep(cell, group) for group in groups]


def _keep(cell: Cell, tokens: Sequence[Token]) -> Cell:
    """The piece of a cell that some of its tokens fill."""
    kept = tuple(token for token in cell.tokens if token in tokens)
    return replace(cell, tokens=kept, bbox=union(token.bbox for token in kept))


def _is_one_figure(token: Token) -> bool:
    """Whether a token is a figure; what is labelled as words is a mark read as one."""
    return (bool(token.readings) or is_figure(token.text)) and not is_header(best_label(token.labels))


def _is_field(cell: Cell) -> bool:
    text = cell.text.strip(UNREAD)
    return bool(cell.tokens[0].readings) or is_figure(mend_figure(text)) or is_empty(text)


def _shows_figure(cell: Cell) -> bool:
    return bool(cell.tokens) and _is_field(cell) and not is_empty(cell.text.strip(UNREAD))


def _is_labelled_figure(cell: Cell) -> bool:
    labels = mix_labels((token.labels, len(token.text)) for token in cell.tokens)
    return labels.get(FIGURE, 0.0) > 0.5


def _place(cell: Cell, table: Table, of_figures: _Print = _UNKNOWN) -> Field:
    width = table.bbox.width or 1.0
    token = _join_tokens(cell)
    parts = [part for t in cell.tokens for part in t.text.split()]
    is_spaced = not of_figures.is_typed and all(len(part) == 1 for part in parts)
    if token and of_figures.is_certain and not is_spaced and (apart := _several_figures(cell)):
        token = replace(token, text=apart)
    return Field(
        bbox=cell.bbox,
        position=((cell.bbox.left - table.bbox.left) / width, (cell.bbox.right - table.bbox.left) / width),
        token=token if token and not _is_blank(token) else None,
        spotless=cell.spotless,
        row_span=cell.row_stop - cell.row_start,
        off_middle=of_figures.is_centred and _has_lone_figure(cell) and _stands_at_a_side(cell),
        blotted=token is not None and _is_blot(token, of_figures.digit_height),
    )


def _is_blank(token: Token) -> bool:
    """Whether a cell with this in it counts as blank. A dash that is hardly one is a mark."""
    if not is_empty(token.text) or not token.readings:
        return is_empty(token.text)
    return sum(reading.probability for reading in token.readings if is_empty(reading.text)) >= _SURELY_DASH


def _is_blot(token: Token, digit_height: float | None) -> bool:
    if digit_height is None or not token.readings or token.confidence >= _BEYOND_DOUBT:
        return False
    return token.bbox.height >= _HIGH * digit_height


def _join_tokens(cell: Cell) -> Token | None:
    """The cell's tokens as one; only a lone figure, with words below it or without, keeps its readings."""
    if len(cell.tokens) <= 1:
        return cell.tokens[0] if cell.tokens else None
    if (noted := _with_note(cell)) is not None:
        return noted
    confidence = min(t.confidence for t in cell.tokens)
    labels = mix_labels((t.labels, len(t.text)) for t in cell.tokens)
    if all(is_figure(t.text) for t in cell.tokens):
        confidence *= _ONE_FIGURE
    return replace(
        cell.tokens[0], text=cell.text, bbox=cell.bbox, confidence=confidence, readings=(), labels=labels
    )


def _several_figures(cell: Cell) -> str | None:
    """The figures that were typed into one cell with a mark between them, as together they are none: which of
    them counts cannot be said. None for another cell."""
    lines = "\n".join(token.text for token in cell.tokens)
    note = _NOTE.search(lines)
    figures = _IN_GROUPS.sub("0", lines[: note.start()] if note else lines)
    if not is_figure(cell.text) or not _BETWEEN_FIGURES.search(figures):
        return None
    return _BETWEEN_FIGURES.sub("、", lines)


def _with_note(cell: Cell) -> Token | None:
    """The figure with which a cell begins, and the words below it, as one token: these are a note or a unit
    that is none of money. None for another cell."""
    figure, *words = cell.tokens
    rest = cell.text.removeprefix(figure.text)
    if not figure.readings or len(rest) == len(cell.text) or not is_figure(cell.text):
        return None
    # Figures in a note whose bracket stands beside the first one are no part of that.
    is_in_brackets = "(" in plain(figure.text)
    if _MONEY in rest or (not is_in_brackets and (_DIGIT.search(rest) or any(w.readings for w in words))):
        return None
    doubt = 0.0 if is_in_brackets else _OTHER_FIGURE
    certainty = 1.0 - doubt * (1.0 - min(word.confidence for word in words))
    readings = tuple(
        reading._replace(text=reading.text + rest, probability=certainty * reading.probability)
        for reading in figure.readings
    )
    labels = mix_labels((t.labels, len(t.text)) for t in cell.tokens)
    confidence = readings[0].probability
    return replace(
        figure, text=cell.text, bbox=cell.bbox, confidence=confidence, readings=readings, labels=labels
    )


def _number_tables(lines: Sequence[Line]) -> list[Line]:
    order: dict[tuple[int, int], int] = {}
    return [replace(line, table=order.setdefault((line.page, line.table), len(order))) for line in lines]
