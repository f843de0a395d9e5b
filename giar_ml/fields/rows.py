"""Which line is which row of the form: one order-keeping alignment over all tables of a document."""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from giar_ml.document import Token
from giar_ml.fields.cut import find_rest, join_pieces
from giar_ml.fields.lines import Field, Line
from giar_ml.fields.row_labels import NO_LABEL, header_tables, is_own_label
from giar_ml.figures import plain
from giar_ml.forms import Form, Header, Section

# Costs in nats: minus the logarithm of how often it happens.
_SKIP_TEXT_LINE = 0.1
_SKIP_FIGURE_LINE = 6.0
LOST_ROW = 5.0
_RUN = 1.0
_CUT_ROW = 0.2
"""For two lines to be the pieces of one row: of 143 that fit together, in 1,100 scans, 116 were, and the
others stood in three scans most of whose rows were cut."""
_ROUNDING = 1e-6
"""By how much less than in sums from the start costs may be in sums from the end."""
_KEPT = 2
"""Alignments that are followed: the best and its rival."""
_NO_FIELDS, _NO_FIELDS_DRAWN = 4.0, 1.5
"""In a dump, and in a table: where no rules are drawn, a row printed blank is its label alone."""
_SKIP_BLANK_ROW = 2.0
_FULL_BLANK_ROW = 0.5
_PARTIAL_BLANK_ROW = 1.5
_FIELD_TOO_FEW = 0.4
_FIELD_TOO_MANY = 0.8
_PLACE_TOO_MANY = 0.1


def form_rows(form: Form) -> list[tuple[Section, Header]]:
    """All rows of the form in printed order."""
    return [(section, row) for section in form.sections for row in section.rows]


def tables_with_zeros(lines: Sequence[Line], placed: set[int]) -> set[int]:
    """Tables that print zeros, so that a blank is not one."""
    zeros = Counter(
        lines[i].table
        for i in placed
        for place in lines[i].fields
        if place.token and plain(place.token.text) == "0"
    )
    return {table for table, n in zeros.items() if n >= 3}


class Match(NamedTuple):
    """What was laid into a row of the form: a line, a part of one, or several together."""

    line: Line
    indices: tuple[int, ...]
    label_cost: float


class Alignment(NamedTuple):
    """What lies in each row, by its index, and the cost in nats."""

    matches: dict[int, Match]
    cost: float


class _Step(NamedTuple):
    """The last step of a way to align; `placed` has a bit for each of its (row, line) pairs."""

    cost: float
    before: _Step | None
    matches: dict[int, Match]
    placed: int


def align_rows(
    lines: Sequence[Line],
    rows: Sequence[tuple[Section, Header]],
    label_costs: Sequence[Sequence[float]],
    *,
    limit: float = math.inf,
    margin: float = math.inf,
) -> list[Alignment]:
    """The cheapest order-keeping match of lines to form rows, and the cheapest that places another line; less
    where they cost as much as `limit`, or by `margin` more than the cheapest.

    What is still to come costs at least is told first, from the end on: only steps on the way to such a match
    are followed then.
    """
    n, m = len(lines), len(rows)
    skip = [_skip_line_cost(line, min(costs)) for line, costs in zip(lines, label_costs, strict=True)]
    n_columns = [len(section.columns) for section, _ in rows]
    prices = []
    for line, costs in zip(lines, label_costs, strict=True):
        shape = {width: _shape_cost(line, width) for width in set(n_columns)}
        prices.append([cost + shape[width] for cost, width in zip(costs, n_columns, strict=True)])
    runs = {
        i: _read_runs(lines, i, rows, label_costs, skip)
        for i, line in enumerate(lines)
        if _is_run(line) or line.gridded
    }
    to_come = _costs_to_come(skip, prices, runs, n_rows=m)
    most = min(limit, to_come[0][0] + margin) + _ROUNDING
    best: list[list[list[_Step]]] = [[[] for _ in range(m + 1)] for _ in range(n + 1)]
    best[0][0] = [_Step(0.0, None, {}, 0)]
    nothing: dict[int, Match] = {}
    for i in range(n + 1):
        for j in range(m + 1):
            here = best[i][j] and [step for step in best[i][j] if step.cost + to_come[i][j] < most]
            if not here:
                continue
            if i < n:
                _go(here, best[i + 1][j], skip[i], nothing, 0)
            if j < m:
                _go(here, best[i][j + 1], LOST_ROW, nothing, 0)
            if i == n or j == m:
                continue
            match = Match(lines[i], (i,), label_costs[i][j])
            _go(here, best[i + 1][j + 1], prices[i][j], {j: match}, 1 << (m * i + j))
            for run in runs[i][j] if i in runs else ():
                _go(here, best[run.stop][j + len(run.matches)], run.price, run.matches, _bits(run.matches, m))
    found = [step for step in best[n][m] if step.cost < limit]
    return [_trace(step) for step in found if step.cost - found[0].cost < margin]


class _Run(NamedTuple):
    """Lines as rows of the form in other ways than one by one, what that costs, and the line that follows."""

    matches: dict[int, Match]
    price: float
    stop: int


def _read_runs(
    lines: Sequence[Line],
    i: int,
    rows: Sequence[tuple[Section, Header]],
    label_costs: Sequence[Sequence[float]],
    skip: Sequence[float],
) -> list[list[_Run]]:
    """Per row of the form, the ways to read line i as several rows from that one on, or with others as it."""
    rest = find_rest(lines, i)
    joined = None if rest is None else join_pieces(lines[i], lines[rest])
    own = [] if rest is None else _named_pieces(lines, (i, rest), rows)
    found: list[list[_Run]] = []
    n_fields = len(lines[i].fields)
    for j, (section, row) in enumerate(rows):
        n_columns = len(section.columns)
        run: dict[int, Match] = {}
        if n_fields > n_columns and not n_fields % n_columns:
            run = _split_run(lines, i, rows, j)
        elif n_fields < n_columns and not row.labels:
            run = _join_runs(lines, i, rows, j)
        ways = [({**run, j: run[j]._replace(label_cost=label_costs[i][j])}, _RUN)] if run else []
        if rest is not None and joined is not None and joined.n_figures <= n_columns:
            # All labels of their own must be those of the row.
            told = [label_costs[k][j] for k in own or (i, rest)]
            label_cost = max(told) if own else min(told)
            price = _CUT_ROW + _shape_cost(joined, n_columns)
            ways.append(({j: Match(joined, (i, rest), label_cost)}, price))
        found.append([_to_run(lines, i, matches, price, skip) for matches, price in ways])
    return found


def _to_run(
    lines: Sequence[Line], i: int, matches: dict[int, Match], price: float, skip: Sequence[float]
) -> _Run:
    own = {index for match in matches.values() for index in match.indices}
    passed = sum(skip[k] for k in range(i, max(own)) if k not in own and not lines[k].n_figures)
    labels = sum(match.label_cost for match in matches.values())
    return _Run(matches, price + labels + passed, max(own) + 1)


def _named_pieces(
    lines: Sequence[Line], indices: Sequence[int], rows: Sequence[tuple[Section, Header]]
) -> list[int]:
    """The pieces of a row that have labels of their own, but for headers of columns, and for what names a row
    in other forms only: a group of rows in this one."""
    names = {f"row:{section.table}.{row.key}" for section, row in rows}
    return [
        k
        for k in indices
        if not header_tables(lines[k])
        and any(is_own_label(place) and _may_name(place, names) for place in lines[k].labels)
    ]


def _may_name(place: Field, names: Set[str]) -> bool:
    best = place.best_label
    return not best.startswith("row:") or best in names


def _costs_to_come(
    skip: Sequence[float],
    prices: Sequence[Sequence[float]],
    runs: Mapping[int, Sequence[Sequence[_Run]]],
    *,
    n_rows: int,
) -> list[list[float]]:
    """What the lines and rows from each on cost together: (lines + 1) lists of (rows + 1)."""
    costs = [[LOST_ROW * (n_rows - j) for j in range(n_rows + 1)]]
    for i in range(len(skip) - 1, -1, -1):
        below, price, own = costs[-1], prices[i], runs.get(i)
        here = [skip[i] + cost for cost in below]
        least = here[n_rows]
        for j in range(n_rows - 1, -1, -1):
            # What `min` says, at a fraction of its time.
            least += LOST_ROW
            if here[j] < least:
                least = here[j]
            if (match := price[j] + below[j + 1]) < least:
                least = match
            for run in own[j] if own else ():
                least = min(least, run.price + costs[len(skip) - run.stop][j + len(run.matches)])
            here[j] = least
        costs.append(here)
    return costs[::-1]


def _go(
    here: Sequence[_Step], there: list[_Step], price: float, matches: dict[int, Match], placed: int
) -> None:
    """Offer a step to where it leads: the two cheapest ways with different placings stay."""
    for step in here:
        cost = step.cost + price
        if len(there) == _KEPT and cost >= there[-1].cost:
            return
        all_placed = step.placed | placed
        same = [k for k, other in enumerate(there) if other.placed == all_placed]
        if same:
            if there[same[0]].cost <= cost:
                continue
            del there[same[0]]
        insort(there, _Step(cost, step, matches, all_placed), key=attrgetter("cost"))
        del there[_KEPT:]


def _bits(matches: dict[int, Match], n_rows: int) -> int:
    """One bit for each of the (row, line) pairs."""
    return sum(1 << (n_rows * index + j) for j, match in matches.items() for index in match.indices)


def _trace(step: _Step) -> Alignment:
    matched: dict[int, Match] = {}
    at: _Step | None = step
    while at is not None:
        matched |= at.matches
        at = at.before
    return Alignment(matched, step.cost)


def _is_run(line: Line) -> bool:
    """Whether a line is figures that a dump wrote one below the other."""
    return not line.gridded and not line.labels and bool(line.fields) and line.n_figures == len(line.fields)


def _split_run(
    lines: Sequence[Line], i: int, rows: Sequence[tuple[Section, Header]], j: int
) -> dict[int, Match]:
    """Line i, which has several times as many fields, as the rows of one section from row j on; empty where
    that has too few."""
    line, section = lines[i], rows[j][0]
    matches: dict[int, Match] = {}
    start = 0
    while start < len(line.fields) and j < len(rows) and rows[j][0] is section:
        stop = start + len(section.columns)
        matches[j] = Match(replace(line, fields=line.fields[start:stop]), (i,), NO_LABEL)
        start, j = stop, j + 1
    return matches if start == len(line.fields) and len(matches) > 1 else {}


def _join_runs(
    lines: Sequence[Line], i: int, rows: Sequence[tuple[Section, Header]], j: int
) -> dict[int, Match]:
    """Line i, which has too few fields, and runs below it as row j, which has no label of its own: its
    headers stand between them."""
    n_columns = len(rows[j][0].columns)
    fields: tuple[Field, ...] = ()
    indices: list[int] = []
    for k in range(i, len(lines)):
        if _is_run(lines[k]):
            fields += lines[k].fields
            indices.append(k)
        elif lines[k].n_figures:
            break
        if len(fields) >= n_columns:
            break
    if len(fields) != n_columns or len(indices) < 2:
        return {}
    return {j: Match(replace(lines[i], fields=fields), tuple(indices), NO_LABEL)}


def _skip_line_cost(line: Line, label_cost: float) -> float:
    """What it costs to leave a line out: a row printed blank is a row of the form all the same."""
    if line.n_figures:
        return min(_SKIP_FIGURE_LINE, sum(_doubt_cost(f.token) for f in line.fields if f.token))
    if not line.fields or not line.labels:
        return _SKIP_TEXT_LINE
    is_row = 1.0 if line.gridded else math.exp(-label_cost)
    return _SKIP_TEXT_LINE + _SKIP_BLANK_ROW * is_row


def _doubt_cost(token: Token) -> float:
    """What it costs to say that a token is no figure; one that likely is nothing is so sure of that."""
    return -math.log(max(token.confidence if token.is_likely_nothing else 1.0 - token.confidence, 1e-9))


def _shape_cost(line: Line, n_columns: int) -> float:
    """How ill the number of fields suits the row."""
    if not line.fields:
        return _NO_FIELDS_DRAWN if line.gridded else _NO_FIELDS
    if not line.n_figures:
        if len(line.fields) < n_columns:
            return _PARTIAL_BLANK_ROW + _FIELD_TOO_FEW * (n_columns - len(line.fields))
        # A grid has a place for every figure; a dump may also have padded a line of text.
        return 0.0 if line.gridded else _FULL_BLANK_ROW
    few = max(0, n_columns - len(line.fields))
    many = max(0, line.n_figures - n_columns)
    wide = max(0, len(line.fields) - n_columns) if line.gridded else 0
    return _FIELD_TOO_FEW * few + _FIELD_TOO_MANY * many + _PLACE_TOO_MANY * wide
