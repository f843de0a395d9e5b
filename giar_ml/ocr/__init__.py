"""Page -> Page with read text: cells one by one inside their rules, the rest by text detection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from giar_ml.document import UNREAD, Page, Table, Token
from giar_ml.geometry import split_into_lines
from giar_ml.ocr.cells import find_cell_lines
from giar_ml.ocr.engine import OcrEngine, Recognition
from giar_ml.ocr.lines import Line, to_token
from giar_ml.ocr.marks import drop_found, find_marks
from giar_ml.ocr.outside import find_outside_lines, outside_ink
from giar_ml.tables.rules import estimate_dpi, to_gray

__all__ = ["OcrEngine", "Recognition", "read_page"]


def read_page(page: Page, engine: OcrEngine) -> Page:
    """The scan with tokens in its cells and outside its tables; other pages as they are.

    Comes after `find_tables`. A cell without ink stays without tokens.
    """
    if page.kind != "scan" or page.image is None:
        return page
    dpi = page.dpi or estimate_dpi(page.image)
    gray = to_gray(page.image)
    places: list[tuple[int, int]] = []
    lines: list[Line] = []
    for t, table in enumerate(page.tables):
        for c, cell in enumerate(table.cells):
            cell_lines = find_cell_lines(gray, cell.bbox, dpi=dpi)
            lines += cell_lines
            places += [(t, c)] * len(cell_lines)
    n_inside = len(lines)
    ink = outside_ink(page, gray, dpi=dpi)
    lines += find_outside_lines(page, ink, engine, dpi=dpi)
    tokens = _recognize(lines, engine)
    tables = _fill(page.tables, zip(places, tokens[:n_inside], strict=True))
    outside = tokens[n_inside:]
    marks = _recognize(find_marks(gray, ink, outside, dpi=dpi), engine)
    outside = [token for token in (*drop_found(outside, marks), *marks) if token.text != UNREAD]
    in_order = [token for line in split_into_lines(outside, lambda t: t.bbox) for token in line]
    return replace(page, tables=tuple(tables), tokens=(*page.tokens, *in_order))


def _recognize(lines: Sequence[Line], engine: OcrEngine) -> list[Token]:
    if not lines:
        return []
    return [
        to_token(recognition, line.bbox, faint=line.faint)
        for line, recognition in zip(lines, engine.recognize([line.crop for line in lines]), strict=True)
    ]


def _fill(tables: Sequence[Table], tokens: Iterable[tuple[tuple[int, int], Token]]) -> list[Table]:
    inside: dict[tuple[int, int], list[Token]] = {}
    for place, token in tokens:
        inside.setdefault(place, []).append(token)
    return [
        replace(
            table,
            cells=tuple(
                replace(cell, tokens=tuple(inside.get((t, c), ()))) for c, cell in enumerate(table.cells)
            ),
        )
        for t, table in enumerate(tables)
    ]
