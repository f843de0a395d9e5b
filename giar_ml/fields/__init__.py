"""Tables to evidence: which line of a table is which row of the form, which field which column.

Lines are laid against the form's rows by one global alignment in printed order (Needleman and Wunsch,
1970), over all tables of the document at once: a table torn over pages needs no joining first, lost rows
and foreign lines cost something and are left out. Inside a line, fields are laid against columns in the
same way, and every way that is not much worse than the best goes on to the solver as an alternative.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from giar_ml.document import Page, Problem
from giar_ml.fields.columns import Layout, count_surplus, is_in_line, lay_fields
from giar_ml.fields.headers import HeaderLines
from giar_ml.fields.lines import Field, Line, document_lines
from giar_ml.fields.naming import name_labels, name_titles
from giar_ml.fields.row_labels import NO_LABEL, row_label_costs
from giar_ml.fields.rows import LOST_ROW, Alignment, align_rows, form_rows, tables_with_zeros
from giar_ml.fields.seen import Seen
from giar_ml.fields.spare import find_spare
from giar_ml.fields.torn import join_torn
from giar_ml.fields.unplaced import find_repeated, find_unplaced, without_scribbles
from giar_ml.forms import Form, Header, Section
from giar_ml.label import LabelledToken
from giar_ml.label.names import form_labels, is_header

__all__ = ["FormEvidence", "Layout", "RowEvidence", "Seen", "collect_evidence"]

_FOREIGN_LABEL = 4.0
"""The most, in nats, that one text may speak against a form."""
_FEWEST_NAMED_ROWS = 3
_MANY_ROWS, _SURE_FIGURE = 20, 0.9
"""Rows of a table that is told by their number, and confidence of most figures of such a row."""
_RIVAL = 7.0
"""Nats by which a way to lay lines into rows may be worse than the best and still go on: 1,000 to 1."""


_UNNAMED = Problem(
    "unnamed_rows", "next to no label of a row can be read: the rows are told by their number and order alone"
)


@dataclass(frozen=True)
class RowEvidence:
    """A row of the form with the ways to read it, cheapest first.

    Rows of one `group` stand in one piece of a table and show figures and blanks in the same order: what
    befell one of them befell all, so they follow one pattern. None: the row was not found.
    """

    section: Section
    row: Header
    layouts: tuple[Layout, ...]
    group: tuple[str, int, str] | None
    label_cost: float
    headers: tuple[Field, ...] = ()
    """Above the row in its ruled table; none for a row that goes on in another one."""

    @property
    def is_scanned(self) -> bool:
        """Whether anything in it was read from pixels, and may be misread."""
        return any(seen and not seen.certain for seen in self.layouts[0].cells.values())


@dataclass(frozen=True)
class FormEvidence:
    """All rows of one form, in printed order; `labels` are titles and words of tables as understood."""

    form: Form
    rows: tuple[RowEvidence, ...]
    cost: float
    problems: tuple[Problem, ...] = ()
    labels: tuple[LabelledToken, ...] = ()
    n_named_rows: int = 0
    """Rows of the form whose labels stand somewhere, found a line or not."""
    has_shape: bool = False
    """Whether a whole table of many rows lies in the document, figures in all places of each row."""
    rival: FormEvidence | None = None
    """The next best way to lay lines into rows, unless it is hopeless."""

    @property
    def is_report(self) -> bool:
        """Whether the labels of some rows were found, any table has rows and figures; or else a table of the
        form's size, no label of which speaks against it."""
        return self.n_named_rows >= _FEWEST_NAMED_ROWS or self.has_shape

    @property
    def lost(self) -> set[str]:
        """Keys of the cells without a place on the paper."""
        return {key for row in self.rows for key, seen in row.layouts[0].cells.items() if seen is None}


def change_cells(evidence: FormEvidence, change: Callable[[str, Seen | None], Seen | None]) -> FormEvidence:
    """The evidence with other things seen in its cells.

    Args:
        change: what is seen instead of what was seen in a cell, by its key.
    """
    rows = tuple(
        replace(
            row,
            layouts=tuple(
                replace(layout, cells={key: change(key, seen) for key, seen in layout.cells.items()})
                for layout in row.layouts
            ),
        )
        for row in evidence.rows
    )
    return replace(evidence, rows=rows)


def collect_evidence(pages: Sequence[Page], forms: Iterable[Form]) -> FormEvidence:
    """Lay the document's tables, whose tokens are labelled, against each form and keep the form that fits
    best."""
    lines = without_scribbles(document_lines(pages))
    form, ways = _choose_form(lines, list(forms))
    best, *others = ways
    evidence = _lay_rows(lines, form, best)
    rivals = (_lay_rows(lines, form, other) for other in others if other.cost - best.cost < _RIVAL)
    rival = next((rival for rival in rivals if rival.rows != evidence.rows), None)
    return replace(evidence, rival=rival, labels=(*name_titles(pages), *evidence.labels))


def _choose_form(lines: Sequence[Line], forms: Sequence[Form]) -> tuple[Form, list[Alignment]]:
    """The form that fits best, and the ways to lay lines into its rows, cheapest first. Forms that are
    hopeless beside the best so far, or beside a rival of it, are not followed to the end."""
    foreign = [_foreign_label_cost(lines, form) for form in forms]
    best = 0
    ways: list[Alignment] = []
    for i in sorted(range(len(forms)), key=foreign.__getitem__):
        limit = ways[0].cost + _RIVAL if ways else math.inf
        found = _fit_form(lines, forms[i], foreign[i], limit)
        if found and (not ways or (found[0].cost, i) < (ways[0].cost, best)):
            best, ways = i, found
    return forms[best], ways


def _fit_form(lines: Sequence[Line], form: Form, foreign: float, limit: float) -> list[Alignment]:
    """The ways to lay lines into the form's rows that cost less than `limit`, with what speaks against the
    form, `foreign`, and are no hopeless rival of the best."""
    if foreign >= limit:
        return []
    rows = form_rows(form)
    found = align_rows(lines, rows, row_label_costs(lines, rows), limit=limit - foreign, margin=_RIVAL)
    return [alignment._replace(cost=alignment.cost + foreign) for alignment in found]


def _lay_rows(lines: Sequence[Line], form: Form, alignment: Alignment) -> FormEvidence:
    """The evidence of one way to lay lines into rows."""
    rows = form_rows(form)
    matched = alignment.matches
    placed = {index for match in matched.values() for index in match.indices}
    zeros = tables_with_zeros(lines, placed)
    header_lines = HeaderLines(lines, placed)
    evidence: list[RowEvidence] = []
    surplus: list[Problem] = []
    for j, (section, row) in enumerate(rows):
        match = matched.get(j)
        if match is None:
            cells = {section.cell_key(row, c): None for c in section.columns}
            lost = Layout((None,) * len(cells), cells, 0.0)
            evidence.append(RowEvidence(section, row, (lost,), None, LOST_ROW))
            continue
        line = join_torn(match.line, len(section.columns))
        headers = header_lines.find(match.indices[0], section)
        prints_zeros = line.table in zeros
        is_summed = form.summed.issuperset(section.cell_key(row, c) for c in section.columns)
        layouts = lay_fields(
            line,
            section,
            row,
            headers,
            prints_zeros=prints_zeros,
            bare="lost" if prints_zeros else "blank" if is_summed else "unsure",
            is_placed=line.gridded
            and any(
                is_in_line(line, other.line, section)
                for k, other in matched.items()
                if k != j and rows[k][0] is section
            ),
            is_summed=is_summed,
        )
        if not is_summed and (n := count_surplus(line, len(section.columns))):
            surplus.append(_say_surplus(line, section, row, n))
        # Blanks before and behind the figures are spacers that come and go.
        shape = "".join("f" if place.is_figure else "_" for place in line.fields).strip("_")
        group = (section.caption[0] if section.caption else section.table, line.table, shape)
        tables = {lines[i].table for i in match.indices}
        above = headers.of_table if line.gridded and tables == {headers.table} else ()
        evidence.append(RowEvidence(section, row, layouts, group, match.label_cost, above))
    n_named, has_shape = _count_named_rows(lines), _has_shape(evidence)
    spare = find_spare(lines, matched, {j: evidence[j].layouts[0] for j in matched}, form)
    laid = {f"row:{rows[j][0].table}.{rows[j][1].key}": match.indices for j, match in matched.items()}
    unnamed = [_UNNAMED] if has_shape and n_named < _FEWEST_NAMED_ROWS else []
    return FormEvidence(
        form,
        tuple(evidence),
        alignment.cost,
        n_named_rows=n_named,
        has_shape=has_shape,
        problems=(
            *unnamed,
            *surplus,
            *find_unplaced(lines, placed, spare),
            *find_repeated(lines, laid, spare),
        ),
        labels=tuple(name_labels(lines, matched, rows)),
    )


def _say_surplus(line: Line, section: Section, row: Header, n: int) -> Problem:
    """No sum tells which figures of a row are those of its columns: last year's may stand beside them."""
    shown = " ".join(place.token.text for place in line.fields if place.token)
    keys = tuple(section.cell_key(row, column) for column in section.columns)
    message = f"{row.path} has {n} figure{'' if n == 1 else 's'} more than the form has columns: {shown}"
    return Problem("poor_fit", message, keys, line.page)


def _has_shape(rows: Sequence[RowEvidence]) -> bool:
    """Whether all rows of a long table were found, each with a figure in every place, most of them sure, and
    without a label of something else."""
    whole = Counter(row.section.table for row in rows if _is_whole(row))
    return any(whole[row.section.table] == len(row.section.rows) >= _MANY_ROWS for row in rows)


def _is_whole(row: RowEvidence) -> bool:
    tokens = [seen.token for seen in row.layouts[0].cells.values() if seen and seen.token]
    is_filled = len(tokens) == len(row.section.columns)
    return row.label_cost <= NO_LABEL and is_filled and median(t.confidence for t in tokens) >= _SURE_FIGURE


def _count_named_rows(lines: Sequence[Line]) -> int:
    best = {place.best_label for line in lines for place in line.labels}
    return sum(label.startswith("row:") for label in best)


def _foreign_label_cost(lines: Sequence[Line], form: Form) -> float:
    """What labels of other forms speak against it, once where they span lines: of a row printed blank nothing
    but its label tells which form has it."""
    own = form_labels(form)
    places = {
        (line.page, place.bbox, place.token.line): place
        for line in lines
        for place in line.labels
        if place.token and place.is_legible
    }
    foreign = [
        sum(p for name, p in place.labels.items() if is_header(name) and name not in own)
        for place in places.values()
    ]
    return sum(min(_FOREIGN_LABEL, -math.log(max(1.0 - p, 1e-9))) for p in foreign)
