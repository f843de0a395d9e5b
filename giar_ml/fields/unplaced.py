"""Lines with figures that lie in no row, rows that stand twice, and marks far from all rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import compress, pairwise
from statistics import median

from giar_ml.document import Problem
from giar_ml.fields.lines import Field, Line
from giar_ml.fields.row_labels import is_own_label
from giar_ml.figures import is_figure, mend_figure, parse_figure, plain
from giar_ml.label.names import FIGURE, is_header

_FAR_OFF = 5.0
_FEWEST_ROWS, _MOST_WRITTEN = 3, 2
"""Rows that tell how far off each other they stand, and sure figures that a pen may have written."""
SURELY_NONE = 0.05
"""A place whose token is a figure with less probability holds none."""
_MAX_UNIT = 2
"""Characters of the longest unit, 万元; more are words, unless they make a figure: 增加3件."""
_END_OF_NOTE = re.compile(r"[\u4e00-\u9fff]?[)）]")
"""The last characters of a note in brackets, in a line of their own."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
SURELY = 0.9


def _is_labelled_figure(field: Field) -> bool:
    """Whether what stands in a place is labelled as a figure and reads as one, perhaps with its unit."""
    token = field.token
    if token is None or token.is_likely_nothing:
        return False
    if field.labels and field.labels.get(FIGURE, 0.0) < SURELY_NONE:
        return False
    is_words = len(_CHINESE.findall(token.text)) > _MAX_UNIT and not is_figure(mend_figure(token.text))
    return bool(token.readings) or not (is_words or _END_OF_NOTE.fullmatch(token.text))


def _names(line: Line, kind: str) -> bool:
    """Whether a line surely has a label of a kind, `caption:` or `column:`, be it behind a mark."""
    places = (*line.labels, *line.fields)
    return any(p >= SURELY for place in places for name, p in place.labels.items() if name.startswith(kind))


def _n_sure(line: Line) -> int:
    """How many figures of a line are sure; marks among the dots of a shaded row are not."""
    return sum(map(_is_surely_read, line.fields))


def _is_surely_read(place: Field) -> bool:
    return place.token is not None and place.token.confidence >= SURELY


def _stands_off(line: Line, rows: Sequence[Line]) -> bool:
    """Whether a line of few figures that was read from pixels is many times further from the rows of its page
    than these are from each other."""
    if line.certain or not (line.labels or line.fields) or _n_sure(line) > _MOST_WRITTEN:
        return False
    middles = sorted(_middle(row) for row in rows if row.page == line.page)
    if len(middles) < _FEWEST_ROWS:
        return False
    pitch = median(b - a for a, b in pairwise(middles))
    return min(abs(_middle(line) - middle) for middle in middles) > _FAR_OFF * pitch


def _middle(line: Line) -> float:
    return median(place.bbox.center[1] for place in (*line.labels, *line.fields))


def without_scribbles(lines: Sequence[Line]) -> list[Line]:
    """The lines without those that name nothing and stand far from all that name something on their page:
    what a pen wrote in the margin would be laid into a row printed blank."""
    is_named = [any(is_header(place.best_label) for place in line.labels) for line in lines]
    named = list(compress(lines, is_named))
    return [line for line, own in zip(lines, is_named, strict=True) if own or not _stands_off(line, named)]


def n_sure_figures(line: Line) -> int:
    """How many places of a line hold a figure, surely read; marks that are likelier nothing are none."""
    return sum(_is_labelled_figure(place) and _is_surely_read(place) for place in line.fields)


def find_unplaced(lines: Sequence[Line], used: set[int], spare: Set[int] = frozenset()) -> Iterable[Problem]:
    """Lines with figures that found no row, in tables that did find some, or between their lines in a dump.
    Marks beside a header that look like figures, and are labelled as none, or are no sure ones, are not
    meant, nor a lone one beside a caption: a shaded row; nor what stands far from all rows of its page: a
    seal; nor `spare` lines, which none of its rows wants."""
    tables = {lines[i].table for i in used}
    for i, line in enumerate(lines):
        is_inside = line.table in tables or (not line.gridded and used and min(used) < i < max(used))
        if i in used or i in spare or not is_inside or not any(map(_is_labelled_figure, line.fields)):
            continue
        n_marks = 1 if _names(line, "caption:") else 0 if _names(line, "column:") else -1
        if n_sure_figures(line) > n_marks and not _stands_off(line, [lines[j] for j in used]):
            yield Problem(
                "unplaced_figures", f"a line of a table fits no row of the form: {_show(line)}", (), line.page
            )


def find_repeated(
    lines: Sequence[Line], laid: Mapping[str, tuple[int, ...]], spare: Set[int] = frozenset()
) -> list[Problem]:
    """Rows of the form that stand a second time with other figures, be they blanks, wherever it is: which of
    the tables is that of this year and office, nobody can tell from their rows. Between the pieces of one row
    stands no other row, and lines that say the same as the row do no harm. On a scan one alone may be a
    misread header.

    Args:
        laid: the lines of each row that was found, by its label, `row:` and its name.
    """
    used = {i for indices in laid.values() for i in indices}
    repeated: list[tuple[str, bool, Problem]] = []
    for i, line in enumerate(lines):
        if i in used or i in spare:
            continue
        names = {place.best_label for place in line.labels if _is_surely_named(place)}
        places, end = _places_beside(lines, i)
        if len(names) != 1 or not places or any(k in used for k in range(i, end)):
            continue
        own = laid.get(*names)
        if not own or not any(min(i, *own) < k < max(i, *own) for k in used.difference(own)):
            continue
        figures = _read_figures(places)
        if figures != _read_figures([place for k in own for place in lines[k].fields]):
            shown = " ".join([_show(line), *(_show(lines[k]) for k in range(i + 1, end))])
            message = f"a row of the form stands twice, with other figures: {shown}"
            [name] = names
            repeated.append((name, line.certain, Problem("unplaced_figures", message, (), line.page)))
    is_table = len({name for name, _, _ in repeated}) > 1
    return [problem for _, certain, problem in repeated if certain or is_table]


def _is_surely_named(place: Field) -> bool:
    best = place.best_label
    return best.startswith("row:") and place.labels[best] >= SURELY and is_own_label(place)


def _places_beside(lines: Sequence[Line], i: int) -> tuple[Sequence[Field], int]:
    """The places of a line, or of the next one where a dump has labels and figures in lines of their own; and
    the line that follows."""
    below = lines[i + 1] if i + 1 < len(lines) else None
    if lines[i].fields or lines[i].gridded or below is None or below.labels:
        return lines[i].fields, i + 1
    return below.fields, i + 2


def _read_figures(places: Iterable[Field]) -> list[str]:
    """What places say; zeros and blanks nothing, and units as little."""
    texts = [place.token.text for place in places if place.token and not place.token.is_likely_nothing]
    values = [(text, parse_figure(text, "amount", "万元")) for text in texts]
    return [plain(text) if value is None else str(value) for text, value in values if value != 0]


def _show(line: Line) -> str:
    return " ".join(place.token.text for place in (*line.labels, *line.fields) if place.token)
