"""Tables printed just as a form prints them: what each of their tokens is needs no classifier to tell.

Most digital files and web pages have the official tables, cell by cell. Where anything differs, a caption in
other words, a column too few, a row of which a part is on the next page, a labeller is asked. Characters may
be missing from a long caption, as they are from some that offices print.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache, lru_cache
from typing import NamedTuple

from giar_ml.document import Cell, Page, Table
from giar_ml.figures import digits_of, is_empty, is_figure
from giar_ml.forms import Form, load_forms
from giar_ml.forms.grid import Grid, GridCell, form_grid
from giar_ml.label.names import OTHER, normalize_label
from giar_ml.label.pages import with_labels

MIN_SLIPPED, KEPT = 6, 0.7
"""Characters of a caption from which some are missing, and what share of it is left, at least: a published
report has 其他法律行政止公开. Other characters may say something else: 上年收费金额."""

Span = tuple[int, int, int, int]
"""First row and the one behind the last, and columns likewise."""


class _Place(NamedTuple):
    """A cell of a form in some rows of its table; `is_cut` where it has rows above or below these."""

    cell: GridCell
    is_cut: bool


class _Part(NamedTuple):
    """Some rows of a form's table: its cells, and their spans, see `_compress`."""

    places: tuple[_Place, ...]
    spans: tuple[Span, ...]


def label_printed(pages: Sequence[Page]) -> list[Page] | None:
    """The pages of a document with labels on every token; None unless all that its tables hold are the tables
    of one form, whole, and their titles stand outside of them.

    The tables may go on from page to page. Tokens outside of them are titles or `other`. A scan is not looked
    at: what is read of it may be exact by chance.
    """
    tables = [table for page in pages for table in page.tables]
    is_read = any(page.kind == "scan" for page in pages)
    if is_read or not tables or not all(table.gridded for table in tables):
        return None
    for form in load_forms().values():
        if (cells := _match_tables(tables, form)) is not None:
            labels = [_page_labels(page, cells, form) for page in pages]
            titles = sorted(label for found in labels for label in found if label.startswith("title:"))
            if titles == sorted(f"title:{table.key}" for table in form.tables):
                return [
                    with_labels(page, [{label: 1.0} for label in found])
                    for page, found in zip(pages, labels, strict=True)
                ]
    return None


def _match_tables(tables: Iterable[Table], form: Form) -> dict[int, str] | None:
    """The label of every cell of the tables, by its identity; None unless they hold each figure of the form
    once, and all its captions and headers."""
    labels: dict[int, str] = {}
    keys: list[str] = []
    for table in tables:
        matched = _match_table(table, form)
        if matched is None:
            return None
        labels |= {id(cell): place.label for cell, place in matched}
        keys += [place.key for _, place in matched if place.key]
    wanted = {
        cell.label for grid in _grids(form) for cell in grid.cells if cell.role in ("caption", "header")
    }
    return labels if sorted(keys) == sorted(form.cells) and wanted <= set(labels.values()) else None


def _match_table(table: Table, form: Form) -> list[tuple[Cell, GridCell]] | None:
    """The cells of a table with those of the form that they are."""
    cells = sorted(table.cells, key=lambda cell: (cell.row_start, cell.column_start))
    spans = _compress([(c.row_start, c.row_stop, c.column_start, c.column_stop) for c in cells])
    texts = [normalize_label(cell.text) for cell in cells]
    n_rows = max(span[1] for span in spans)
    last = {text for span, text in zip(spans, texts, strict=True) if span[1] == n_rows}
    for part in _parts(form, n_rows, last):
        if part.spans == spans and all(
            _is_printed_so(cell, text, place, form)
            for cell, text, place in zip(cells, texts, part.places, strict=True)
        ):
            return [(cell, place.cell) for cell, place in zip(cells, part.places, strict=True)]
    return None


def _is_printed_so(cell: Cell, text: str, place: _Place, form: Form) -> bool:
    """Whether a cell holds what the form has in a place, and nothing else; of a cell that the end of a page
    cuts a piece."""
    if place.cell.role == "value":
        is_value = not text or is_figure(cell.text) or is_empty(cell.text)
        return is_value and len(cell.tokens) < 2
    wordings = _wordings(form)[place.cell.label]
    if place.is_cut and not digits_of(text):
        return any(text in wording for wording in wordings)
    return text in wordings or _without_slip(text, form) == place.cell.label


@lru_cache(maxsize=1000)
def _without_slip(text: str, form: Form) -> str | None:
    """The label of which a text is the wording with characters missing; None where it is none, or of two."""
    if len(text) < MIN_SLIPPED:
        return None
    found = {
        label
        for label, wordings in _wordings(form).items()
        for wording in wordings
        if _is_left(text, wording)
    }
    return found.pop() if len(found) == 1 else None


def _is_left(text: str, wording: str) -> bool:
    """Whether a text is what is left of a wording, with all its digits."""
    rest = iter(wording)
    is_enough = len(text) >= KEPT * len(wording) and digits_of(text) == digits_of(wording)
    return is_enough and all(character in rest for character in text)


def _parts(form: Form, n_rows: int, last: Set[str]) -> Iterator[_Part]:
    """So many rows of the tables of a form that end with a row in which one of these texts stands: such as
    follow each other, and such behind the header of their table, which is repeated on a new page.

    Args:
        last: normalized; the caption of the last row must be among them as it is worded.
    """
    for grid in _grids(form):
        n_header = min(cell.row_start for cell in grid.cells if cell.role == "value")
        captions = {cell.row_stop: cell.label for cell in grid.cells if cell.role in ("label", "caption")}
        for stop in range(n_rows, grid.n_rows + 1):
            if stop in captions and last.isdisjoint(_wordings(form)[captions[stop]]):
                continue
            yield _part(grid.cells, [range(stop - n_rows, stop)])
            if n_header < n_rows < stop:
                yield _part(grid.cells, [range(n_header), range(stop - n_rows + n_header, stop)])


@cache
def _grids(form: Form) -> tuple[Grid, ...]:
    return tuple(map(form_grid, form.tables))


def _part(cells: Iterable[GridCell], runs: Sequence[range]) -> _Part:
    kept: list[tuple[_Place, Span]] = []
    top = 0
    for run in runs:
        for cell in cells:
            first, last = max(cell.row_start, run.start), min(cell.row_stop, run.stop)
            if first < last:
                rows = first - run.start + top, last - run.start + top
                is_cut = (first, last) != (cell.row_start, cell.row_stop)
                kept.append((_Place(cell, is_cut), (*rows, cell.column_start, cell.column_stop)))
        top += len(run)
    kept.sort(key=lambda item: (item[1][0], item[1][2]))
    return _Part(tuple(place for place, _ in kept), _compress([span for _, span in kept]))


def _compress(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans in rows and columns that all begin somewhere: a column of the form in which no row of a part
    begins a cell is none of it."""
    edges = [sorted({edge for span in spans for edge in span[k : k + 2]}) for k in (0, 2)]
    rows, columns = ({edge: i for i, edge in enumerate(found)} for found in edges)
    return tuple((rows[a], rows[b], columns[c], columns[d]) for a, b, c, d in spans)


@cache
def _wordings(form: Form) -> Mapping[str, frozenset[str]]:
    """What a form prints for each label, and its variants; the corner may be blank."""
    found: dict[str, set[str]] = {"corner": {""}}
    for table in form.tables:
        for section in table.sections:
            for caption in section.caption:
                found.setdefault(f"caption:{section.caption[0]}", set()).add(caption)
            found["corner"].update(section.corner)
            for kind, headers in (("row", section.rows), ("column", section.columns)):
                for header in headers:
                    found.setdefault(f"{kind}:{table.key}.{header.key}", set()).update(header.labels)
                    for group in header.under:
                        found.setdefault(f"under:{group}", set()).add(group)
    return {label: frozenset(map(normalize_label, texts)) for label, texts in found.items()}


def _page_labels(page: Page, cells: Mapping[int, str], form: Form) -> list[str]:
    titles = {normalize_label(text): f"title:{table.key}" for table in form.tables for text in table.title}
    return [
        *(titles.get(normalize_label(token.text), OTHER) for token in page.tokens),
        *(cells[id(cell)] for table in page.tables for cell in table.cells for _ in cell.tokens),
    ]
