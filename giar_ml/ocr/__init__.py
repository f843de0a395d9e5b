"""Page -> Page with read text: cells one by one inside their rules, the rest by text detection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace

import numpy as np

from giar_ml.document import UNREAD, BBox, Page, Table, Token
from giar_ml.geometry import split_into_lines
from giar_ml.ocr.again import read_before, read_digits, read_paler, read_words
from giar_ml.ocr.beside import read_beside
from giar_ml.ocr.blanks import read_emptied, read_missed
from giar_ml.ocr.captions import CaptionReader
from giar_ml.ocr.cells import find_cell_lines, is_spotless
from giar_ml.ocr.digits import Recognize
from giar_ml.ocr.doubt import with_doubts
from giar_ml.ocr.engine import OcrEngine, Recognition
from giar_ml.ocr.figures import FigureReader, figure_crop
from giar_ml.ocr.gaps import split_at_gaps
from giar_ml.ocr.lines import (
    Line,
    is_for_figures,
    is_too_narrow,
    may_be_short_figure,
    narrow,
    of_both_widths,
    sure_figure,
    to_token,
)
from giar_ml.ocr.marks import drop_found, find_marks
from giar_ml.ocr.outside import find_outside_lines, find_prose, find_prose_ink, outside_ink
from giar_ml.ocr.points import weigh_points
from giar_ml.ocr.spanning import join_unread, part_spanning_cells
from giar_ml.ocr.worded import Worded, find_worded, is_confirmed, with_readings, without_words
from giar_ml.tables.rules import estimate_dpi, to_gray

__all__ = ["OcrEngine", "Recognition", "read_page"]

Place = tuple[int, int]
"""Table and cell of a page."""
HEAD_LINES = 6
"""The first lines of a report name the office and the year."""


def read_page(
    page: Page,
    engine: OcrEngine,
    figures: FigureReader | None = None,
    captions: CaptionReader | None = None,
    *,
    prose: bool = False,
) -> Page:
    """The scan with tokens in its cells and outside its tables; other pages as they are.

    Comes after `find_tables`. A cell without ink stays without tokens.

    Args:
        figures: gives a second opinion on every figure, and on ink that the engine cannot read.
        captions: reads what the forms print, so that the engine need not.
        prose: read paragraphs, too, which may take longer than the tables; otherwise only the first lines of
            the first page.
    """
    if page.kind != "scan" or page.image is None:
        return page
    dpi = page.dpi or estimate_dpi(page.image)
    gray = to_gray(page.image)
    whole = page.tables
    page = replace(page, tables=tuple(part_spanning_cells(table, gray, dpi=dpi) for table in whole))
    places: list[Place] = []
    lines: list[Line] = []
    for t, table in enumerate(page.tables):
        for c, cell in enumerate(table.cells):
            cell_lines = find_cell_lines(gray, cell.bbox, dpi=dpi)
            lines += cell_lines
            places += [(t, c)] * len(cell_lines)
    n_inside = len(lines)
    ink = outside_ink(page, gray, dpi=dpi)
    n_head = HEAD_LINES if page.number == 1 else 0
    paragraphs = [] if prose else find_prose_ink(ink, dpi=dpi, n_head=n_head)
    _erase(ink, paragraphs)
    outside_lines = find_outside_lines(page, ink, engine, dpi=dpi, without=paragraphs)
    left_out = [] if prose else find_prose(_below_head(outside_lines, n_head))
    _erase(ink, [line.bbox for line in left_out])
    lines += [line for line in outside_lines if not any(line is other for other in left_out)]

    def recognize(lines: Sequence[Line], page: np.ndarray = gray) -> list[Token]:
        return _recognize(lines, engine, figures, page, dpi=dpi, captions=captions)

    tokens = recognize(lines)
    inside = _read_again(page, places, lines[:n_inside], tokens[:n_inside], gray, recognize, dpi=dpi)
    spotless = _find_spotless(page, {place for place, _ in inside} | set(places), gray, dpi=dpi)
    tables = map(join_unread, whole, _fill(page.tables, inside, spotless))
    outside = _part_at_gaps(lines[n_inside:], tokens[n_inside:], recognize)
    marks = recognize(find_marks(gray, ink, outside, dpi=dpi))
    outside = [token for token in (*drop_found(outside, marks), *marks) if token.text not in ("", UNREAD)]
    in_order = [token for line in split_into_lines(outside, lambda t: t.bbox) for token in line]
    return replace(page, tables=tuple(tables), tokens=(*page.tokens, *in_order))


def _read_again(
    page: Page,
    places: Sequence[Place],
    lines: Sequence[Line],
    tokens: Sequence[Token],
    gray: np.ndarray,
    recognize: Recognize,
    *,
    dpi: float,
) -> list[tuple[Place, Token]]:
    """The tokens in cells, with their places, once what may be misread was read in other pictures, too."""
    bboxes = {(t, c): cell.bbox for t, table in enumerate(page.tables) for c, cell in enumerate(table.cells)}
    own = [bboxes[place] for place in places]
    tokens = read_words(tokens, gray, recognize, dpi=dpi)
    tokens = read_paler(tokens, own, gray, recognize, dpi=dpi)
    tokens = read_digits(tokens, own, gray, recognize, dpi=dpi)
    tokens = read_beside(tokens, own, gray, recognize, dpi=dpi)
    blank = sorted(bboxes.keys() - set(places))
    missed = read_missed([bboxes[place] for place in blank], tokens, gray, recognize, dpi=dpi)
    found = [(blank[i], token) for i, token in missed.items()]
    if page.before:
        tokens = read_before(tokens, lines, own, gray, page.before, recognize, dpi=dpi)
    tokens = with_doubts(tokens, lines)
    if page.before:
        blank = [place for i, place in enumerate(blank) if i not in missed]
        hidden = read_emptied(
            [bboxes[place] for place in blank], tokens, gray, page.before, recognize, dpi=dpi
        )
        found += [(blank[i], token) for i, token in hidden.items()]
    return [(place, token) for place, token in (*zip(places, tokens, strict=True), *found) if token.text]


def _find_spotless(page: Page, marked: Set[Place], gray: np.ndarray, *, dpi: float) -> set[Place]:
    """The cells without a mark of any kind, now and before seals and streaks were taken off."""
    before = page.before.gray if page.before else gray
    return {
        (t, c)
        for t, table in enumerate(page.tables)
        for c, cell in enumerate(table.cells)
        if (t, c) not in marked and all(is_spotless(image, cell.bbox, dpi=dpi) for image in (gray, before))
    }


def _below_head(lines: Sequence[Line], n_head: int) -> list[Line]:
    """All but the first lines of a page, of which each may be several side by side: the links of a site."""
    return [part for line in split_into_lines(lines, lambda part: part.bbox)[n_head:] for part in line]


def _erase(ink: np.ndarray, bboxes: Iterable[BBox]) -> None:
    for bbox in bboxes:
        left, top, right, bottom = (max(0, round(x)) for x in bbox)
        ink[top:bottom, left:right] = False


def _part_at_gaps(
    lines: Sequence[Line], tokens: Sequence[Token], recognize: Callable[[Sequence[Line]], list[Token]]
) -> list[Token]:
    """The tokens, those read with wide gaps in parts."""
    parts = [split_at_gaps(line, token.text) for line, token in zip(lines, tokens, strict=True)]
    again = iter(recognize([part for found in parts if len(found) > 1 for part in found]))
    return [
        part
        for token, found in zip(tokens, parts, strict=True)
        for part in ([next(again) for _ in found] if len(found) > 1 else [token])
    ]


def _recognize(
    lines: Sequence[Line],
    engine: OcrEngine,
    figures: FigureReader | None,
    gray: np.ndarray,
    *,
    dpi: float,
    captions: CaptionReader | None = None,
) -> list[Token]:
    """The token of each line. Most are short figures or what a form prints, and beyond doubt for the small
    networks that read these: the engine, which takes many times as long, reads the others."""
    seen: dict[int, np.ndarray] = {}

    def ask(indices: Sequence[int]) -> None:
        if figures is not None:
            crops = [figure_crop(gray, lines[i].bbox, dpi=dpi) for i in indices]
            seen.update(zip(indices, figures.read(crops), strict=True))

    ask([i for i, line in enumerate(lines) if may_be_short_figure(line)])
    tokens = {i: token for i, found in seen.items() if (token := sure_figure(lines[i], found))}
    if captions is not None:
        others = [i for i in range(len(lines)) if i not in tokens]
        printed = zip(others, captions.read([lines[i] for i in others]), strict=True)
        tokens |= {i: to_token(found, lines[i]) for i, found in printed if found}
    rest = [i for i in range(len(lines)) if i not in tokens]
    crops = {i: narrow(lines[i].crop) for i in rest}
    recognitions = dict(zip(rest, engine.recognize([crops[i] for i in rest]), strict=True))
    narrowed = [i for i in rest if crops[i] is not lines[i].crop]
    again = [i for i in narrowed if is_too_narrow(recognitions[i], lines[i])]
    for i, wide in zip(again, engine.recognize([lines[i].crop for i in again]), strict=True):
        recognitions[i] = of_both_widths(recognitions[i], wide)
    asked = [i for i in rest if is_for_figures(recognitions[i], lines[i])]
    ask([i for i in asked if i not in seen])
    for i in rest:
        of_figures = seen.get(i) if i in asked else None
        tokens[i] = to_token(recognitions[i], lines[i], figures=of_figures)
    if figures is not None:
        worded = {i: found for i in rest if (found := _find_number(tokens[i], recognitions[i], lines[i]))}
        ask([i for i, found in worded.items() if found.has_misread_unit and i not in seen])
        worded = {i: found for i, found in worded.items() if is_confirmed(found, seen.get(i))}
        tokens |= _read_worded(worded, tokens, lines, figures, gray, dpi=dpi)
    return [weigh_points(tokens[i], gray) if i in recognitions else tokens[i] for i in range(len(lines))]


def _find_number(token: Token, recognition: Recognition, line: Line) -> Worded | None:
    """The digits of a figure with words, unless something else than these was read in it."""
    found = None if line.faint else find_worded(recognition, line)
    is_other = found and token.readings and token.readings[0].text != found.digits
    return None if is_other else found


def _read_worded(
    worded: Mapping[int, Worded],
    tokens: Mapping[int, Token],
    lines: Sequence[Line],
    figures: FigureReader,
    gray: np.ndarray,
    *,
    dpi: float,
) -> dict[int, Token]:
    """The tokens of figures with words, by their index, with the readings of their digits."""
    if not worded:
        return {}
    page = gray.copy()
    for i, found in worded.items():
        without_words(page, lines[i], found)
    crops = [figure_crop(page, found.bbox, dpi=dpi) for found in worded.values()]
    seen = zip(worded.items(), figures.read(crops), strict=True)
    return {i: with_readings(tokens[i], found, log_probs) for (i, found), log_probs in seen}


def _fill(
    tables: Sequence[Table], tokens: Iterable[tuple[Place, Token]], spotless: Set[Place]
) -> list[Table]:
    inside: dict[Place, list[Token]] = {}
    for place, token in tokens:
        inside.setdefault(place, []).append(token)
    return [
        replace(
            table,
            cells=tuple(
                replace(cell, tokens=tuple(inside.get((t, c), ())), spotless=(t, c) in spotless)
                for c, cell in enumerate(table.cells)
            ),
        )
        for t, table in enumerate(tables)
    ]
