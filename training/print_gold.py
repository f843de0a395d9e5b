"""The gold of a printed report: what its PDF says, matched with what was sent to the printer."""

from __future__ import annotations

import ctypes
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from giar_ml.annotations.gold import (
    Gold,
    GoldCell,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    bounds,
    box_poly,
)
from giar_ml.document import BBox
from giar_ml.geometry import intersection_area, union
from giar_ml.text import normalize_radicals
from training.filling import Filling
from training.style import Grid, GridCell, Style, TintKey, is_narrow
from training.tints import Piece

_LINE_SHIFT = 0.35
"""Of the type size: characters whose base lines differ by more stand on different lines."""
_COLUMN_GAP = 2.0
"""Of the type size: a wider gap in a line outside the tables parts two texts."""

_MAX_OVERLAP = 0.05
"""Share of the smaller of two tables that the other may cover: their rules."""


class LostCellError(RuntimeError):
    """A cell was sent to the printer and is not on any page, or out of order, or lies under another table."""


class _Char(NamedTuple):
    """A printed character: its ink, and its base point. Points, origin top left."""

    text: str
    ink: BBox
    x: float
    y: float
    size_pt: float


@dataclass
class _Part:
    """What one page prints of a cell, or of the text outside the tables (no cell)."""

    page: int
    box: BBox
    chars: list[tuple[int, _Char]]
    """With their position on the page."""
    text: str = ""


def read_print(
    pdf: bytes, filling: Filling, style: Style, grids: Sequence[Grid], pieces: Sequence[Piece]
) -> Gold:
    """The gold of a print.

    Args:
        grids: the tables as they were sent to the printer.
        pieces: where their cells lie, see `take_out_tints`.

    Raises:
        LostCellError: a cell is not printed, or tables lie over each other.
        RuntimeError: the text of a cell is not what was sent.
    """
    _check_apart(pieces)
    pages, chars = _read_pages(pdf)
    parts, outside = _share_out(chars, pieces)
    tokens: list[tuple[int, int, GoldToken]] = []
    gold_cells = filling.gold_cells()
    for number, grid in enumerate(grids):
        for i, cell in enumerate(grid.cells):
            own = parts.get((number, i), [])
            _spell(cell, own)
            is_vertical = is_narrow(cell) and style.vertical_label
            for part in own:
                tokens += _cell_tokens(cell, part, one_line=is_vertical)
            if cell.key:
                places = tuple(Place(part.page, box_poly(part.box)) for part in own)
                gold_cells[cell.key] = replace(gold_cells[cell.key], places=places)
    titles = {style.heading(table.title[0]): f"title:{table.key}" for table in filling.form.tables}
    tokens += _outside_tokens(outside, titles)
    return _make_gold(pdf, filling, gold_cells, pages, tokens, _gold_tables(grids, parts))


def _make_gold(
    pdf: bytes,
    filling: Filling,
    cells: Mapping[str, GoldCell],
    pages: Sequence[GoldPage],
    tokens: Iterable[tuple[int, int, GoldToken]],
    tables: Sequence[GoldTable],
) -> Gold:
    return Gold(
        file="",
        sha256=hashlib.sha256(pdf).hexdigest(),
        kind="digital",
        form=filling.form.name,
        organisation=filling.prose.organisation,
        year=filling.prose.year,
        cells=cells,
        misprints=dict(filling.misprints),
        pages=tuple(pages),
        tokens=tuple(token for *_, token in sorted(tokens, key=lambda token: token[:2])),
        tables=tuple(tables),
    )


def _read_pages(pdf: bytes) -> tuple[list[GoldPage], list[list[_Char]]]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages, chars = [], []
        for number, page in enumerate(document, start=1):
            width, height = page.get_size()
            pages.append(GoldPage(number, width, height, 72))
            chars.append(_read_chars(page, height))
        return pages, chars
    finally:
        document.close()


def _read_chars(page: pypdfium2.PdfPage, height: float) -> list[_Char]:
    """All characters with ink, in the order of the PDF."""
    holder = page.get_textpage()  # closes its page when it is let go
    text_page = holder.raw
    left, right, bottom, top, x, y = (ctypes.c_double() for _ in range(6))
    chars = []
    for i in range(pdfium.FPDFText_CountChars(text_page)):
        text = chr(pdfium.FPDFText_GetUnicode(text_page, i))
        if text.isspace() or not text.isprintable() or pdfium.FPDFText_IsGenerated(text_page, i) == 1:
            continue
        pdfium.FPDFText_GetCharBox(text_page, i, left, right, bottom, top)
        pdfium.FPDFText_GetCharOrigin(text_page, i, x, y)
        ink = BBox(left.value, height - top.value, right.value, height - bottom.value)
        size_pt = pdfium.FPDFText_GetFontSize(text_page, i)
        chars.append(_Char(normalize_radicals(text), ink, x.value, height - y.value, size_pt))
    return chars


def _check_apart(pieces: Iterable[Piece]) -> None:
    by_table: dict[tuple[int, int], list[BBox]] = defaultdict(list)
    for page, (table, _), box in pieces:
        by_table[page, table].append(box)
    areas = [(page, union(boxes)) for (page, _), boxes in by_table.items()]
    for (page, area), (other_page, other) in combinations(areas, 2):
        smaller = min(intersection_area(box, box) for box in (area, other))
        if page == other_page and intersection_area(area, other) > _MAX_OVERLAP * smaller:
            raise LostCellError(f"two tables lie over each other on page {page}")


def _share_out(
    chars: Sequence[Sequence[_Char]], pieces: Sequence[Piece]
) -> tuple[dict[TintKey, list[_Part]], list[_Part]]:
    """Give every character to the cell that its middle lies in; the rest, by page, to the text outside."""
    parts: dict[TintKey, list[_Part]] = defaultdict(list)
    by_page: dict[int, dict[TintKey, BBox]] = defaultdict(dict)
    for page, key, box in pieces:
        known = by_page[page].get(key)
        corners = [box] if known is None else [box, known]
        points = [point for b in corners for point in ((b.left, b.top), (b.right, b.bottom))]
        by_page[page][key] = bounds(points)
    outside = []
    for page, page_chars in enumerate(chars, start=1):
        rest = _Part(page, BBox(0, 0, 0, 0), [])
        own = {key: _Part(page, box, []) for key, box in by_page[page].items()}
        boxes = np.array([part.box for part in own.values()]).reshape(-1, 4)
        listed = list(own.values())
        for i, char in enumerate(page_chars):
            cx, cy = char.ink.center
            inside = (boxes[:, 0] <= cx) & (cx < boxes[:, 2]) & (boxes[:, 1] <= cy) & (cy < boxes[:, 3])
            hit = np.flatnonzero(inside)
            (listed[hit[0]] if len(hit) else rest).chars.append((i, char))
        for key, part in own.items():
            parts[key].append(part)
        outside.append(rest)
    return parts, outside


def _spell(cell: GridCell, parts: Sequence[_Part]) -> None:
    """Say of every part which of the cell's characters it prints.

    The PDF may name other characters with the same glyphs: what was sent to the printer counts. A label may
    stand on several pages, and lose lines where its cell is torn.
    """
    expected = "".join(cell.text.split())
    printed = "".join(char.text for part in parts for _, char in part.chars)
    if not parts or (cell.key and expected and not printed):
        raise LostCellError(f"cell {cell.key or cell.text!r} is not printed")
    n_times = 1 if cell.key or not expected else max(1, round(len(printed) / len(expected)))
    if _plain(printed) == _plain(expected * n_times):
        printed = expected * n_times
    elif cell.key or not _is_part(_plain(printed), _plain(expected * n_times)):
        raise LostCellError(f"cell {cell.key or cell.label}: {expected!r} was sent, {printed!r} is printed")
    start = 0
    for part in parts:
        part.text = printed[start : start + len(part.chars)]
        start += len(part.chars)


def _plain(text: str) -> str:
    """Upright and downward, full and half width forms of characters are one, one character each."""
    return "".join(unicodedata.normalize("NFKC", char)[:1] for char in text)


def _is_part(text: str, whole: str) -> bool:
    """Whether the characters of `text` all stand in `whole`, in this order."""
    rest = iter(whole)
    return all(char in rest for char in text)


def _cell_tokens(cell: GridCell, part: _Part, *, one_line: bool) -> list[tuple[int, int, GoldToken]]:
    lines = [list(range(len(part.chars)))] if one_line else _lines([char for _, char in part.chars])
    tokens = []
    for line in lines:
        if not line:
            continue
        text = "".join(part.text[i] for i in line)
        ink = _ink(part.chars[i][1] for i in line)
        token = GoldToken(text, cell.label, Place(part.page, box_poly(ink)), cell.key)
        tokens.append((part.page, part.chars[line[0]][0], token))
    return tokens


def _outside_tokens(parts: Sequence[_Part], titles: Mapping[str, str]) -> list[tuple[int, int, GoldToken]]:
    """The lines outside the tables; a table's title may take several."""
    tokens = []
    for part in parts:
        chars = [char for _, char in part.chars]
        lines = _lines(chars, gap=_COLUMN_GAP)
        texts = ["".join(chars[i].text for i in line) for line in lines]
        labels = ["other"] * len(lines)
        for i in range(len(lines)):
            for j in range(i + 1, min(i + 3, len(lines)) + 1):
                label = titles.get("".join(texts[i:j]))
                if label:
                    labels[i:j] = [label] * (j - i)
        for line, text, label in zip(lines, texts, labels, strict=True):
            ink = _ink(chars[i] for i in line)
            tokens.append(
                (part.page, part.chars[line[0]][0], GoldToken(text, label, Place(part.page, box_poly(ink))))
            )
    return tokens


def _lines(chars: Sequence[_Char], *, gap: float | None = None) -> list[list[int]]:
    """Positions of the characters of each line, in their order; a `gap` in type sizes parts lines too."""
    lines: list[list[int]] = []
    for i, char in enumerate(chars):
        last = chars[i - 1] if i else None
        if (
            last is None
            or abs(char.y - last.y) > _LINE_SHIFT * max(char.size_pt, last.size_pt)
            or char.x < last.x
            or (gap is not None and char.ink.left - last.ink.right > gap * last.size_pt)
        ):
            lines.append([])
        lines[-1].append(i)
    return lines


def _ink(chars: Iterable[_Char]) -> BBox:
    return bounds(p for c in chars for p in ((c.ink.left, c.ink.top), (c.ink.right, c.ink.bottom)))


def _gold_tables(grids: Sequence[Grid], parts: Mapping[TintKey, Sequence[_Part]]) -> list[GoldTable]:
    """One table for every page that prints rows of it, its rows counted from 0."""
    tables = []
    for number, grid in enumerate(grids):
        shown: dict[int, list[tuple[GridCell, _Part]]] = defaultdict(list)
        for i, cell in enumerate(grid.cells):
            for part in parts[number, i]:
                shown[part.page].append((cell, part))
        for page, cells in shown.items():
            # Each row of a form has a cell that stands in it alone.
            rows = sorted({cell.row_start for cell, _ in cells if cell.row_stop - cell.row_start == 1})
            index = {row: i for i, row in enumerate(rows)}
            listed = []
            for cell, part in cells:
                own = [index[row] for row in range(cell.row_start, cell.row_stop) if row in index]
                if not own:
                    continue
                columns = cell.column_start, cell.column_stop
                poly = box_poly(part.box)
                listed.append(
                    GoldTableCell(own[0], own[-1] + 1, *columns, poly, part.text, cell.label, cell.key)
                )
            tables.append((page, number, GoldTable(page, len(rows), grid.n_columns, tuple(listed))))
    return [table for *_, table in sorted(tables, key=lambda item: item[:2])]
