"""Which header lines hold for a line, and which columns they name."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from operator import itemgetter

from giar_ml.fields.lines import Field, Line
from giar_ml.fields.seen import Seen
from giar_ml.figures import plain
from giar_ml.forms import Header, Section
from giar_ml.label import Labels
from giar_ml.label.names import normalize_label

# Costs in nats: minus the logarithm of how often it happens.
_LOST_NAMED_COLUMN = 9.0
_LOST_UNNAMED_COLUMN = 0.3
LOST_COLUMN_NO_HEADER = 3.0
_SURE_HEADER = 0.9
_UNNAMED_HEADER = 3.0


@dataclass(frozen=True)
class Headers:
    """The header lines that hold for a line: their fields with labels, and the table they stand in."""

    fields: Sequence[tuple[Field, Labels]]
    table: int | None
    of_table: tuple[Field, ...] = ()
    """Those of the fields that stand in that table."""
    _placed: dict[tuple[str, ...], list[tuple[Field, int]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _lost: dict[tuple[str, ...], list[float]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def place(self, section: Section) -> list[tuple[Field, int]]:
        """Which column each field names, see `_place_headers`."""
        names = _column_names(section)
        if names not in self._placed:
            self._placed[names] = _place_headers(names, _without_inexact(self.fields, section))
        return self._placed[names]

    def lost_costs(self, section: Section) -> list[float]:
        """Per column what it costs that a line has no place for it."""
        names = _column_names(section)
        if names not in self._lost:
            presence = _column_presence(section, self.fields)
            self._lost[names] = [
                _LOST_UNNAMED_COLUMN + (_LOST_NAMED_COLUMN - _LOST_UNNAMED_COLUMN) * presence[c.key]
                if self.fields
                else LOST_COLUMN_NO_HEADER
                for c in section.columns
            ]
        return self._lost[names]


def _column_names(section: Section) -> tuple[str, ...]:
    return tuple(f"column:{section.table}.{c.key}" for c in section.columns)


class HeaderLines:
    """The lines that may be headers of columns, those that follow each other together.

    Args:
        used: the lines that are rows.
    """

    def __init__(self, lines: Sequence[Line], used: Set[int]) -> None:
        self._lines = lines
        self._starts: list[int] = []
        """Per line the first of its block; of what is none the next line."""
        for i, line in enumerate(lines):
            is_none = i in used or not _may_be_headers(line)
            is_first = i == 0 or self._starts[-1] == i
            self._starts.append(i + 1 if is_none else i if is_first else self._starts[-1])
        self._read: dict[tuple[int, int, tuple[str, ...]], Headers | None] = {}

    def find(self, index: int, section: Section) -> Headers:
        """The nearest ones above a line that name columns of its section. Marks beside headers may read as
        figures."""
        names = _column_names(section)
        stop = index
        while stop > 0:
            start = self._starts[stop - 1]
            if start < stop:
                block = start, stop, names
                if block not in self._read:
                    self._read[block] = self._read_headers(start, stop, section)
                if (found := self._read[block]) is not None:
                    return found
            stop = min(start, stop - 1)
        return Headers([], None)

    def _read_headers(self, start: int, stop: int, section: Section) -> Headers | None:
        """None where they name no columns."""
        characters = frozenset("".join("".join((*c.under, *c.labels)) for c in section.columns))
        found = [
            (line.table, place)
            for line in self._lines[start:stop]
            for place in line.labels
            if not _is_piece(place, characters)
        ]
        fields = [(place, _within(place.labels, section.table)) for _, place in found]
        if not _names_columns(fields, set(_column_names(section))):
            return None
        last = self._lines[stop - 1].table
        return Headers(fields, last, tuple(place for table, place in found if table == last))


def _may_be_headers(line: Line) -> bool:
    """Whether a line holds no figures, or no more than words that surely name columns."""
    named = sum(_is_surely(place, place.best_label) for place in line.labels if _names_column(place))
    return line.n_figures <= named


def _is_piece(place: Field, characters: frozenset[str]) -> bool:
    """Whether a label is a single character that is in no header: a rule in its cell cut one in two."""
    text = plain(place.token.text) if place.token else ""
    return len(text) == 1 and text not in characters


def _names_column(place: Field) -> bool:
    return place.best_label.startswith("column:") and not (place.token and place.token.readings)


def _within(labels: Labels, table: str) -> Labels:
    """The labels that are possible inside a table: 总计 stands over columns of two tables."""
    kept = {
        name: p
        for name, p in labels.items()
        if not name.startswith(("column:", "row:")) or name.startswith((f"column:{table}.", f"row:{table}."))
    }
    total = sum(kept.values())
    return {name: p / total for name, p in kept.items()} if total else {}


def _names_columns(block: Sequence[tuple[Field, Labels]], names: set[str]) -> bool:
    found = {name for _, labels in block for name in names if labels.get(name, 0) > 0.2}
    return len(found) >= min(2, len(names))


def _column_presence(section: Section, headers: Sequence[tuple[Field, Labels]]) -> dict[str, float]:
    """Per column, how surely the header names it (0..1); repeated labels must be there repeatedly."""
    presence = {}
    for column in section.columns:
        name = f"column:{section.table}.{column.key}"
        twins = [c for c in section.columns if c.labels == column.labels]
        votes = sorted((labels.get(name, 0.0) for _, labels in headers), reverse=True)[: len(twins)]
        presence[column.key] = min(1.0, sum(votes) / 0.9)
    return presence


def name_all(placed: Sequence[tuple[Field, int]], section: Section) -> bool:
    """Whether each column has a header that was surely read and labelled."""
    names = [f"column:{section.table}.{column.key}" for column in section.columns]
    return len({c for header, c in placed if _is_surely(header, names[c])}) == len(names)


def _is_surely(header: Field, name: str) -> bool:
    return header.token is not None and header.labels.get(name, 0.0) * header.token.confidence >= _SURE_HEADER


def find_elsewhere(
    headers: Sequence[Field], section: Section, cells: Sequence[Seen | None]
) -> list[tuple[Field, set[int]]]:
    """The surely read headers of columns, or of groups, below which nothing was laid into what they name, and
    the columns into which the figures below them were laid instead.

    Args:
        headers: those above a row in its table.
        cells: what was laid into each column.
    """
    found = []
    for header in headers:
        below = {
            c: seen
            for c, seen in enumerate(cells)
            if seen and header.bbox.left <= seen.bbox.center[0] <= header.bbox.right
        }
        # Where the rule between two headers was lost, one of the columns below is its own.
        figures = {c for c, seen in below.items() if seen.token}
        if figures and (named := _surely_named(header, section)) and named.isdisjoint(below):
            found.append((header, figures))
    return found


def _surely_named(header: Field, section: Section) -> set[int]:
    """The columns that a header may name, alone or as a group: those with its words, or where the form prints
    none such by its label, which leans on the order of the form. None if it was not surely read."""
    token = header.token
    if token is None or token.confidence < _SURE_HEADER:
        return set()
    text = normalize_label(token.text)
    columns = list(enumerate(section.columns))
    printed = {c for c, column in columns if text in map(normalize_label, (*column.under, *column.labels))}
    if printed:
        return printed
    sure: dict[tuple[str, ...], float] = {}
    for column, name in zip(section.columns, _column_names(section), strict=True):
        sure[column.labels] = sure.get(column.labels, 0.0) + header.labels.get(name, 0.0)
    groups = {group: header.labels.get(f"under:{group}", 0.0) for _, c in columns for group in c.under}
    least = _SURE_HEADER / token.confidence
    return {
        c
        for c, column in columns
        if sure[column.labels] >= least or any(groups[group] >= least for group in column.under)
    }


def _without_inexact(headers: Sequence[tuple[Field, Labels]], section: Section) -> list[tuple[Field, Labels]]:
    """The headers, those in other words without the names of columns whose own words another one has: beside
    本年处理决定数量, 上年处理决定数量 is not that column."""
    wordings = Counter(column.labels for column in section.columns)
    kept = [(place, dict(labels)) for place, labels in headers]
    for column, name in zip(section.columns, _column_names(section), strict=True):
        others = [labels for place, labels in kept if not _has_words(place, column)]
        if wordings[column.labels] == 1 and len(others) < len(kept):
            for labels in others:
                labels.pop(name, None)
    return [(place, labels) for place, labels in kept]


def _has_words(place: Field, column: Header) -> bool:
    """Whether a header was surely read as the words that the form prints."""
    token = place.token
    if token is None or token.confidence < _SURE_HEADER:
        return False
    return normalize_label(token.text) in map(normalize_label, column.labels)


def _place_headers(names: Sequence[str], headers: Sequence[tuple[Field, Labels]]) -> list[tuple[Field, int]]:
    """Which column each header field names: the most probable choice that runs with the form's order,
    so that labels printed several times (结果维持) find their own group. Other fields are left out."""
    fields = sorted(
        ((place, labels) for place, labels in headers if any(name in labels for name in names)),
        key=lambda item: sum(item[0].position),
    )
    # best[c]: the cheapest choice for the fields so far, the last of them in column c or before.
    best: list[tuple[float, tuple[int | None, ...]]] = [(0.0, ())] * len(names)
    for _, labels in fields:
        after: list[tuple[float, tuple[int | None, ...]]] = []
        for c, name in enumerate(names):
            options = [(best[c][0] + _UNNAMED_HEADER, (*best[c][1], None))]
            if name in labels:
                options.append((best[c][0] - math.log(labels[name]), (*best[c][1], c)))
            if after:
                options.append(after[-1])
            after.append(min(options, key=itemgetter(0)))
        best = after
    chosen = best[-1][1]
    return [(place, c) for (place, _), c in zip(fields, chosen, strict=True) if c is not None]
