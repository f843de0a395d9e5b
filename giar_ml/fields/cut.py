"""Rows in two pieces: a streak across them was taken for a rule, or a page ended in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from giar_ml.fields.lines import Field, Line

_BLANK, _DOUBTFUL, _FIGURE = 0, 1, 2


def find_rest(lines: Sequence[Line], i: int) -> int | None:
    """The line that may be the rest of line i: the next one of its table, or if it is the last one of its
    page, the first one of the next page behind the headers that are printed there anew."""
    line = lines[i]
    for k in range(i + 1, len(lines)):
        if lines[k].page == line.page:
            return k if lines[k].table == line.table else None
        if lines[k].page > line.page + 1:
            return None
        if not _names_no_row(lines[k]):
            return k
    return None


def join_pieces(first: Line, second: Line) -> Line | None:
    """The row of which two ruled lines are pieces: each of its places holds a figure in one of them at most,
    and no figures stand on both sides of the end of a page. None where they are not, where one of them has
    neither figures nor the label of a row, and where one is a caption: what looks like figures there are its
    marks."""
    pieces = first, second
    if not (first.gridded and second.gridded) or any(map(_is_idle, pieces)) or any(map(_is_caption, pieces)):
        return None
    by_figures = sorted((second, first), key=_count_figures)
    if not _count_figures(by_figures[1]):
        return None
    if first.page != second.page:
        row = None if _count_figures(by_figures[0]) else by_figures[1]
    else:
        row = _merge(*sorted((second, first), key=lambda line: len(line.fields)))
    if row is None:
        return None
    rest = [place for place in second.labels if all(place.bbox != own.bbox for own in first.labels)]
    return replace(row, labels=(*first.labels, *rest))


def _merge(narrow: Line, wide: Line) -> Line | None:
    """The line with the figures of another one that has less places, each in the place it lies across, or
    between others."""
    fields = list(wide.fields)
    for place in filter(_rank, narrow.fields):
        across = [k for k, field in enumerate(wide.fields) if field.is_across(sum(place.position) / 2)]
        if len(across) > 1:
            return None
        if not across:
            fields.append(place)
            continue
        (k,) = across
        if _rank(place) == _rank(fields[k]) == _FIGURE:
            return None
        if _rank(place) > _rank(fields[k]):
            fields[k] = replace(place, position=fields[k].position)
    return replace(wide, fields=tuple(sorted(fields, key=lambda field: field.position)))


def _count_figures(line: Line) -> int:
    return sum(_rank(place) == _FIGURE for place in line.fields)


def _rank(place: Field) -> int:
    """What a place holds: nothing, a mark that is likely nothing, or a figure."""
    if place.token is None:
        return _BLANK
    return _DOUBTFUL if place.token.is_likely_nothing else _FIGURE


def _names_no_row(line: Line) -> bool:
    """Whether a line has neither marks nor the label of a row, as headers have."""
    return not line.n_figures and not _names_row(line)


def _is_idle(line: Line) -> bool:
    return not _count_figures(line) and not _names_row(line)


def _is_caption(line: Line) -> bool:
    return any(place.best_label.startswith("caption:") for place in line.labels)


def _names_row(line: Line) -> bool:
    return any(place.best_label.startswith("row:") for place in line.labels)
