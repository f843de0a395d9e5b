"""Lines that no row of the form wants: those between rows that follow each other on it and lack nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from giar_ml.document import Token
from giar_ml.fields.columns import Layout
from giar_ml.fields.lines import Line
from giar_ml.fields.rows import Match
from giar_ml.fields.seen import Seen
from giar_ml.fields.unplaced import SURELY, n_sure_figures
from giar_ml.forms import Form, Header, Section

_MOST_MARKS = 2
"""Sure figures of a line that is no row: the number of a page, ticks of a pen, rests of rules. Of the lines
left over in scans read wholly right, none had more, but for half a row that a streak had cut in two."""
_TELLING = 2
"""Sure figures of a row that tell the height at which its others would stand; one may be a mark."""
_NEAR = 2.0
"""Heights of a figure within which it may belong to a row: figures of a row are level, and those of two rows
stand farther apart on most pages."""
_ACROSS = 0.95
"""Width of a cell that goes through all columns, in that of its table."""


def find_spare(
    lines: Sequence[Line], matched: Mapping[int, Match], layouts: Mapping[int, Layout], form: Form
) -> set[int]:
    """The lines that may be left out, whatever was read in them: no figure of the form can be missing.

    What was read from pixels between two rows that follow each other on the form, both found by labels of
    their own, is none of it when it is none of theirs. A row in which nothing is open, and of which sums
    speak, wants no other figure; any other row none that stands far from its own, or in a cell as wide as the
    table. Its own label beside it makes a line a piece of such a row that was cut in two.

    Args:
        matched: what lies in each row of the form, by its index.
        layouts: how it lies in its columns.
    """
    if all(line.certain for line in lines):
        return set()
    rows = [(section, row) for section in form.sections for row in section.rows]
    named = {j for j, match in matched.items() if _is_named(rows[j], match.line)}
    filled = {j for j in named if _is_filled(layouts[j], form)}
    closed = {j for j in filled if form.summed.issuperset(layouts[j].cells)}
    telling = filled | {j for j in named if sum(map(_is_sure, layouts[j].cells.values())) >= _TELLING}
    row_of = {index: j for j, match in matched.items() for index in match.indices}
    spare = set()
    for i, line in enumerate(lines):
        if i in row_of or line.certain:
            continue
        above = next((row_of[k] for k in range(i - 1, -1, -1) if k in row_of), -1)
        below = next((row_of[k] for k in range(i + 1, len(lines)) if k in row_of), len(rows))
        beside = [j for j in (above, below) if j in matched]
        if below != above + 1 or not all(
            j in closed
            or (j in telling and not _is_near(line, matched[j].line))
            or (j in named and _is_across(line))
            for j in beside
        ):
            continue
        own = {name for place in line.labels if (name := place.best_label).startswith("row:")}
        pieces = {_name(rows[j]) for j in beside if j in closed}
        if own <= pieces if own else n_sure_figures(line) <= _MOST_MARKS:
            spare.add(i)
    return spare


def _name(row: tuple[Section, Header]) -> str:
    return f"row:{row[0].table}.{row[1].key}"


def _is_named(row: tuple[Section, Header], line: Line) -> bool:
    """Whether a line surely has the label of a row, if that has any."""
    name = _name(row)
    return not row[1].labels or any(p.is_legible and p.labels.get(name, 0.0) >= SURELY for p in line.labels)


def _is_filled(layout: Layout, form: Form) -> bool:
    """Whether no cell of a row is open: each has a figure, surely read, or is one of a sum of the row that
    holds, with a total that is surely read."""
    open_cells = {key for key, seen in layout.cells.items() if not _is_sure(seen)}
    return open_cells <= set(_summed_up(layout.cells, open_cells, form))


def _is_sure(seen: Seen | None) -> bool:
    return seen is not None and seen.token is not None and _is_surely_figure(seen.token)


def _is_surely_figure(token: Token) -> bool:
    return token.confidence >= SURELY and not token.is_likely_nothing


def _summed_up(cells: Mapping[str, Seen | None], open_cells: set[str], form: Form) -> Iterator[str]:
    """The cells in sums that hold of one row, blanks being zeros."""
    for s in form.sums:
        keys = (*s.left, *s.right)
        if all(cells.get(key) for key in keys) and open_cells.isdisjoint(s.right):
            left, right = (sum(_first(cells[key]) for key in side) for side in (s.left, s.right))
            if left == right:
                yield from keys


def _first(seen: Seen | None) -> int:
    value = seen.readings[0][0] if seen and seen.readings else None
    return 0 if value is None else int(value)


def _is_across(line: Line) -> bool:
    """Whether a ruled line is a single cell, as wide as its table: a caption, of which a mark was read."""
    if not line.gridded or line.labels or len(line.fields) != 1:
        return False
    start, stop = line.fields[0].position
    return stop - start >= _ACROSS


def _is_near(line: Line, row: Line) -> bool:
    """Whether a figure of a line stands so near those of a row of its page that it may be one of them."""
    if line.page != row.page:
        return False
    figures = [place.token.bbox for place in row.fields if place.token]
    level = median(bbox.center[1] for bbox in figures)
    height = median(bbox.height for bbox in figures)
    return any(
        abs(place.token.bbox.center[1] - level) < _NEAR * max(height, place.token.bbox.height)
        for place in line.fields
        if place.token
    )
