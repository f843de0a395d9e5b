"""Tables to evidence: which line of a table is which row of the form, which field which column.

Lines are laid against the form's rows by one global alignment in printed order (Needleman and Wunsch,
1970), over all tables of the document at once: a table torn over pages needs no joining first, lost rows
and foreign lines cost something and are left out. Inside a line, fields are laid against columns in the
same way, and every way that is not much worse than the best goes on to the solver as an alternative.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple

from giar_ml.document import UNREAD, BBox, Cell, Page, Problem, Table, Token
from giar_ml.figures import is_empty, is_figure, parse_figure
from giar_ml.forms import Form, Header, Section
from giar_ml.label import Labeller, Labels
from giar_ml.report import Value

# Costs in nats: minus the logarithm of how often it happens.
_SKIP_TEXT_LINE = 0.1
_SKIP_FIGURE_LINE = 6.0
_LOST_ROW = 5.0
_NO_LABEL = 2.5
_BORROWED_LABEL = 0.3
_NEXT_LABEL = 1.0
_LABEL_LINES = 4
"""The longest label takes this many lines of a narrow column."""
_RUN = 1.0
_NO_FIELDS = 4.0
_SKIP_BLANK_ROW = 2.0
_FULL_BLANK_ROW = 0.5
_PARTIAL_BLANK_ROW = 1.5
_FIELD_TOO_FEW = 0.4
_FIELD_TOO_MANY = 0.8
_WORST_LABEL = 9.0
_SKIP_FIGURE = 12.0
_SKIP_SURPLUS_FIGURE = 6.0
_SKIP_SURPLUS_ZERO = 4.0
_SKIP_FIRST_BLANK = 0.2
_SKIP_LAST_BLANK = 0.4
_SKIP_INNER_BLANK = 1.5
_SKIP_BLANK = 3.0
_BLANK_AMONG_ZEROS = 2.0
_BLANK_FOR_ZERO = 0.1
_LOST_NAMED_COLUMN = 9.0
_LOST_UNNAMED_COLUMN = 0.3
_LOST_COLUMN_NO_HEADER = 3.0
_WRONG_HEADER = 4.0
_WRONG_INDEX = 1.5
_WRONG_SHIFTED_INDEX = 0.5
_UNNAMED_HEADER = 3.0
_ONE_FIGURE = 0.9
"""Probability that figures in one cell are the pieces of one: 12,3 above 45, not a mark beside 45."""
_POINT_LOST = 0.1
_SMALLEST_WITH_POINT = 1000
_CLEAR_LABEL = 1.5
_FEWEST_NAMED_ROWS = 3
_MARGIN = 12.0
"""Alternatives that cost this much more than the best are dropped: odds of 160,000 to 1."""
_MOST_ALTERNATIVES = 40


@dataclass(frozen=True)
class Field:
    """One place of a line where a figure may stand; `token` is None where nothing is printed."""

    bbox: BBox
    position: tuple[float, float]
    """Left and right as shares of the table's width."""
    token: Token | None

    @property
    def is_figure(self) -> bool:
        return self.token is not None


@dataclass(frozen=True)
class Line:
    """One row of a table as it lies on the paper: labels, then fields."""

    page: int
    table: int
    gridded: bool
    certain: bool
    """Blank means blank: the text was not read from pixels."""
    labels: tuple[Field, ...]
    fields: tuple[Field, ...]

    @property
    def n_figures(self) -> int:
        return sum(f.is_figure for f in self.fields)


class Seen(NamedTuple):
    """What stands in one place, read as a figure of a cell: readings with probabilities, best first."""

    readings: tuple[tuple[Value | None, float], ...]
    certain: bool
    page: int
    bbox: BBox
    token: Token | None

    @property
    def blank(self) -> bool:
        return self.token is None


_CHINESE = re.compile(r"[\u4e00-\u9fff]")

Places = tuple[int | None, ...]


@dataclass(frozen=True)
class Layout:
    """One way to lay a line's fields into cells, and its cost in nats."""

    pattern: Places
    """Per figure of the line, the index of its column; None for a figure too many."""
    cells: Mapping[str, Seen | None]
    cost: float


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


@dataclass(frozen=True)
class FormEvidence:
    """All rows of one form, in printed order."""

    form: Form
    rows: tuple[RowEvidence, ...]
    cost: float
    problems: tuple[Problem, ...] = ()

    @property
    def is_report(self) -> bool:
        """Whether some rows were found by their labels: any table has rows and figures."""
        named = [row for row in self.rows if row.group and row.row.labels and row.label_cost < _CLEAR_LABEL]
        return len(named) >= _FEWEST_NAMED_ROWS


def collect_evidence(pages: Sequence[Page], forms: Iterable[Form], labeller: Labeller) -> FormEvidence:
    """Lay the document's tables against each form and keep the form that fits best."""
    lines = [line for page in pages for line in _page_lines(page)]
    numbered = _number_tables(lines)
    return min((_fit_form(numbered, form, labeller) for form in forms), key=lambda fit: fit.cost)


# Lines


def _page_lines(page: Page) -> Iterable[Line]:
    for number, table in enumerate(page.tables):
        for row in range(table.n_rows):
            yield _table_line(page, number, table, row)


def _table_line(page: Page, number: int, table: Table, row: int) -> Line:
    cells = sorted((c for c in table.cells if c.row_start <= row < c.row_stop), key=lambda c: c.column_start)
    # What stands before the last words is label, whatever it looks like: a label may be torn into `1.` and
    # the rest. A single character among figures is a figure that could not be read.
    words = [c for c in cells if c.tokens and not _is_field(c) and len(_CHINESE.findall(c.text)) > 1]
    first_figure = next((c.column_start for c in cells if c.row_start == row and _shows_figure(c)), math.inf)
    texts = [c for c in cells if c.tokens and not _is_field(c) and c.column_start < first_figure]
    after = max((c.column_start for c in (*words, *texts)), default=-1)
    labels = [c for c in cells if c.tokens and c.column_start <= after]
    places = [c for c in cells if c.column_start > after and c.row_start == row]
    return Line(
        page=page.number,
        table=number,
        gridded=table.gridded,
        certain=page.kind != "scan",
        labels=tuple(_place(c, table) for c in labels),
        fields=tuple(_place(c, table) for c in places),
    )


def _is_field(cell: Cell) -> bool:
    text = cell.text.strip(UNREAD)
    return bool(cell.tokens[0].readings) or is_figure(text) or is_empty(text)


def _shows_figure(cell: Cell) -> bool:
    return bool(cell.tokens) and _is_field(cell) and not is_empty(cell.text.strip(UNREAD))


def _place(cell: Cell, table: Table) -> Field:
    width = table.bbox.width or 1.0
    position = ((cell.bbox.left - table.bbox.left) / width, (cell.bbox.right - table.bbox.left) / width)
    token = _join_tokens(cell)
    return Field(cell.bbox, position, token if token and not is_empty(token.text) else None)


def _join_tokens(cell: Cell) -> Token | None:
    """The cell's tokens as one; only a lone token keeps its other readings."""
    if len(cell.tokens) <= 1:
        return cell.tokens[0] if cell.tokens else None
    confidence = min(t.confidence for t in cell.tokens)
    if all(is_figure(t.text) for t in cell.tokens):
        confidence *= _ONE_FIGURE
    return replace(cell.tokens[0], text=cell.text, bbox=cell.bbox, confidence=confidence, readings=())


def _number_tables(lines: Sequence[Line]) -> list[Line]:
    order: dict[tuple[int, int], int] = {}
    return [replace(line, table=order.setdefault((line.page, line.table), len(order))) for line in lines]


# Rows


def _fit_form(lines: Sequence[Line], form: Form, labeller: Labeller) -> FormEvidence:
    rows = [(section, row) for section in form.sections for row in section.rows]
    label_costs = _row_label_costs(lines, rows, form, labeller)
    matched, cost = _align_rows(lines, rows, label_costs)
    labelled = {
        id(place): labels
        for line in lines
        for place, labels in zip(
            line.labels,
            labeller.label([p.token for p in line.labels if p.token], form),
            strict=True,
        )
    }
    placed = {index for match in matched.values() for index in match.indices}
    zeros = _tables_with_zeros(lines, placed)
    evidence: list[RowEvidence] = []
    for j, (section, row) in enumerate(rows):
        match = matched.get(j)
        if match is None:
            cells = {section.cell_key(row, c): None for c in section.columns}
            lost = Layout((None,) * len(cells), cells, 0.0)
            evidence.append(RowEvidence(section, row, (lost,), None, _LOST_ROW))
            continue
        line = match.line
        headers = _headers_of(lines, placed, match.indices[0], section, labelled)
        layouts = _lay_fields(line, section, row, headers, prints_zeros=line.table in zeros)
        # Blanks before and behind the figures are spacers that come and go.
        shape = "".join("f" if place.is_figure else "_" for place in line.fields).strip("_")
        group = (section.caption[0] if section.caption else section.table, line.table, shape)
        evidence.append(RowEvidence(section, row, layouts, group, match.label_cost))
    return FormEvidence(form, tuple(evidence), cost, tuple(_unplaced(lines, placed)))


def _tables_with_zeros(lines: Sequence[Line], placed: set[int]) -> set[int]:
    """Tables that print zeros, so that a blank is not one."""
    zeros = Counter(
        lines[i].table for i in placed for place in lines[i].fields if place.token and place.token.text == "0"
    )
    return {table for table, n in zeros.items() if n >= 3}


def _row_label_costs(
    lines: Sequence[Line], rows: Sequence[tuple[Section, Header]], form: Form, labeller: Labeller
) -> list[list[float]]:
    """Per line and form row, minus the log-probability of the line's label being the row's.

    A label wrapped over lines lends its neighbours' text where those show no figures themselves.
    """
    texts = ["".join(p.token.text for p in line.labels if p.token) for line in lines]
    costs = []
    for i, line in enumerate(lines):
        before = _texts_above(lines, texts, i)
        after = texts[i + 1] if i + 1 < len(lines) and not lines[i + 1].n_figures else ""
        last = line.labels[-1].token.text if line.labels and line.labels[-1].token else ""
        offers = {last: 0.0, texts[i]: 0.0}
        for text, price in (
            *((text + texts[i], _BORROWED_LABEL) for text in before[: None if not texts[i] else 1]),
            (texts[i] + after, _BORROWED_LABEL + (0.0 if texts[i] else _NEXT_LABEL)),
            *((text + texts[i] + after, 2 * _BORROWED_LABEL) for text in before[:1]),
        ):
            offers.setdefault(text, price)
        offers.pop("", None)
        tokens = [Token(text, BBox(0, 0, 0, 0)) for text in offers]
        found = list(zip(labeller.label(tokens, form), offers.values(), strict=True))
        no_label = _NO_LABEL if not texts[i] else _WORST_LABEL
        line_costs = []
        for section, row in rows:
            if not row.labels:
                line_costs.append(0.5 if not texts[i] else _NO_LABEL)
                continue
            name = f"row:{section.table}.{row.key}"
            named = [price - math.log(labels[name]) for labels, price in found if name in labels]
            line_costs.append(min([no_label, *named]))
        costs.append(line_costs)
    return costs


def _texts_above(lines: Sequence[Line], texts: Sequence[str], index: int) -> list[str]:
    """The label that ends above a line, as one, two, ... lines that show no figures."""
    found: list[str] = []
    for i in range(index - 1, max(-1, index - 1 - _LABEL_LINES), -1):
        if lines[i].n_figures:
            break
        found.append(texts[i] + (found[-1] if found else ""))
    return found


class _Match(NamedTuple):
    """What was laid into a row of the form: a line, a part of one, or several together."""

    line: Line
    indices: tuple[int, ...]
    label_cost: float


def _align_rows(
    lines: Sequence[Line], rows: Sequence[tuple[Section, Header]], label_costs: Sequence[Sequence[float]]
) -> tuple[dict[int, _Match], float]:
    """The cheapest order-keeping match of lines to form rows: what lies in each row, and the cost."""
    n, m = len(lines), len(rows)
    skip = [_skip_line_cost(line, min(costs)) for line, costs in zip(lines, label_costs, strict=True)]
    best = [[math.inf] * (m + 1) for _ in range(n + 1)]
    came: list[list[tuple[int, int, dict[int, _Match]]]] = [[(0, 0, {})] * (m + 1) for _ in range(n + 1)]
    best[0][0] = 0.0
    for i in range(n + 1):
        for j in range(m + 1):
            here = best[i][j]

            def go(
                to_i: int, to_j: int, price: float, matches: dict[int, _Match], i: int = i, j: int = j
            ) -> None:
                if best[i][j] + price < best[to_i][to_j]:
                    best[to_i][to_j], came[to_i][to_j] = best[i][j] + price, (i, j, matches)

            if i < n:
                go(i + 1, j, skip[i], {})
            if j < m:
                go(i, j + 1, _LOST_ROW, {})
            if i == n or j == m or math.isinf(here):
                continue
            label_cost = label_costs[i][j]
            price = label_cost + _shape_cost(lines[i], len(rows[j][0].columns))
            go(i + 1, j + 1, price, {j: _Match(lines[i], (i,), label_cost)})
            if _is_run(lines[i]):
                for matches in (_split_run(lines, i, rows, j), _join_runs(lines, i, rows, j)):
                    if matches:
                        last = max(index for match in matches.values() for index in match.indices)
                        prices = sum(match.label_cost for match in list(matches.values())[1:])
                        prices += sum(skip[k] for k in range(i, last + 1) if not lines[k].n_figures)
                        matches[j] = matches[j]._replace(label_cost=label_cost)
                        go(last + 1, j + len(matches), label_cost + prices + _RUN, matches)
    matched: dict[int, _Match] = {}
    i, j = n, m
    while i or j:
        i, j, matches = came[i][j]
        matched |= matches
    return matched, best[n][m]


def _is_run(line: Line) -> bool:
    """Whether a line is figures that a dump wrote one below the other."""
    return not line.gridded and not line.labels and bool(line.fields) and line.n_figures == len(line.fields)


def _split_run(
    lines: Sequence[Line], i: int, rows: Sequence[tuple[Section, Header]], j: int
) -> dict[int, _Match]:
    """Line i as the figures of several rows of one section, from row j on; empty when they do not come
    out even."""
    line, section = lines[i], rows[j][0]
    matches: dict[int, _Match] = {}
    start = 0
    while start < len(line.fields) and j < len(rows) and rows[j][0] is section:
        stop = start + len(section.columns)
        matches[j] = _Match(replace(line, fields=line.fields[start:stop]), (i,), _NO_LABEL)
        start, j = stop, j + 1
    return matches if start == len(line.fields) and len(matches) > 1 else {}


def _join_runs(
    lines: Sequence[Line], i: int, rows: Sequence[tuple[Section, Header]], j: int
) -> dict[int, _Match]:
    """Line i and runs below it as row j, which has no label of its own: its headers stand between them."""
    n_columns = len(rows[j][0].columns)
    if rows[j][1].labels:
        return {}
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
    return {j: _Match(replace(lines[i], fields=fields), tuple(indices), _NO_LABEL)}


def _skip_line_cost(line: Line, label_cost: float) -> float:
    """What it costs to leave a line out: a row printed blank is a row of the form all the same."""
    if line.n_figures:
        return _SKIP_FIGURE_LINE
    if not line.fields or not line.labels:
        return _SKIP_TEXT_LINE
    is_row = 1.0 if line.gridded else math.exp(-label_cost)
    return _SKIP_TEXT_LINE + _SKIP_BLANK_ROW * is_row


def _shape_cost(line: Line, n_columns: int) -> float:
    """How ill the number of fields suits the row."""
    if not line.fields:
        return _NO_FIELDS
    if not line.n_figures:
        if len(line.fields) < n_columns:
            return _PARTIAL_BLANK_ROW + _FIELD_TOO_FEW * (n_columns - len(line.fields))
        # A grid has a place for every figure; a dump may also have padded a line of text.
        return 0.0 if line.gridded else _FULL_BLANK_ROW
    few = max(0, n_columns - len(line.fields))
    many = max(0, line.n_figures - n_columns)
    return _FIELD_TOO_FEW * few + _FIELD_TOO_MANY * many


def _unplaced(lines: Sequence[Line], used: set[int]) -> Iterable[Problem]:
    """Lines with figures that found no row, in tables that did find some."""
    tables = {lines[i].table for i in used}
    for i, line in enumerate(lines):
        if line.n_figures and i not in used and line.table in tables:
            shown = " ".join(p.token.text for p in (*line.labels, *line.fields) if p.token)
            yield Problem(
                "unplaced_figures", f"a line of a table fits no row of the form: {shown}", (), line.page
            )


class Headers(NamedTuple):
    """The header lines that hold for a line: their fields with labels, and the table they stand in."""

    fields: list[tuple[Field, Labels]]
    table: int | None


def _headers_of(
    lines: Sequence[Line],
    used: set[int],
    index: int,
    section: Section,
    labelled: Mapping[int, Labels],
) -> Headers:
    """The nearest header lines above a line that name columns of its section."""
    names = {f"column:{section.table}.{c.key}" for c in section.columns}
    block: list[tuple[Field, Labels]] = []
    table = None
    for i in range(index - 1, -1, -1):
        if i in used or lines[i].n_figures:
            if _names_columns(block, names):
                break
            block, table = [], None
        else:
            block = [(p, _within(labelled[id(p)], section.table)) for p in lines[i].labels] + block
            table = lines[i].table if table is None else table
    return Headers(block, table) if _names_columns(block, names) else Headers([], None)


def _within(labels: Labels, table: str) -> Labels:
    """The labels that are possible inside a table: 总计 stands over columns of two tables."""
    kept = {
        name: p
        for name, p in labels.items()
        if not name.startswith(("column:", "row:")) or name.startswith((f"column:{table}.", f"row:{table}."))
    }
    total = sum(kept.values())
    return {name: p / total for name, p in kept.items()}


def _names_columns(block: Sequence[tuple[Field, Labels]], names: set[str]) -> bool:
    found = {name for _, labels in block for name in names if labels.get(name, 0) > 0.2}
    return len(found) >= min(2, len(names))


# Columns


def _lay_fields(
    line: Line,
    section: Section,
    row: Header,
    headers: Headers,
    *,
    prints_zeros: bool,
) -> tuple[Layout, ...]:
    """The ways to lay a line's fields into the section's columns, cheapest first."""
    columns = section.columns
    presence = _column_presence(section, headers.fields)
    lost = [
        _LOST_UNNAMED_COLUMN + (_LOST_NAMED_COLUMN - _LOST_UNNAMED_COLUMN) * presence[c.key]
        if headers.fields
        else _LOST_COLUMN_NO_HEADER
        for c in columns
    ]
    blank = _BLANK_AMONG_ZEROS if prints_zeros else _BLANK_FOR_ZERO
    match = [
        [cost + (0.0 if place.is_figure else blank) for cost in costs]
        for place, costs in zip(line.fields, _header_costs(line, section, headers), strict=True)
    ]
    seen = {(k, c.type, c.unit): _see(line, place, c) for k, place in enumerate(line.fields) for c in columns}
    figures = [k for k, place in enumerate(line.fields) if place.is_figure]
    layouts: dict[Places, Layout] = {}
    for cost, places in _k_best_places(_skip_costs(line, len(columns)), lost, match):
        pattern = tuple(places.index(k) if k in places else None for k in figures)
        cells = {
            section.cell_key(row, c): None if k is None else seen[k, c.type, c.unit]
            for c, k in zip(columns, places, strict=True)
        }
        layouts.setdefault(pattern, Layout(pattern, cells, cost))
    return tuple(layouts.values())


def _skip_costs(line: Line, n_columns: int) -> list[float]:
    """Per field, the cost of its standing in no column: a spacer, or a figure too many."""
    figures = [k for k, place in enumerate(line.fields) if place.is_figure]
    surplus = len(figures) > n_columns
    costs = []
    for k, place in enumerate(line.fields):
        if place.token is not None:
            zero = place.token.text == "0"
            costs.append(
                _SKIP_FIGURE if not surplus else _SKIP_SURPLUS_ZERO if zero else _SKIP_SURPLUS_FIGURE
            )
        elif line.gridded:
            costs.append(_SKIP_BLANK)
        elif not figures or k < figures[0]:
            # A label that spans columns leaves empty fields behind it.
            costs.append(_SKIP_FIRST_BLANK if line.labels else _SKIP_BLANK)
        else:
            costs.append(_SKIP_LAST_BLANK if k > figures[-1] else _SKIP_INNER_BLANK)
    return costs


def _column_presence(section: Section, headers: Sequence[tuple[Field, Labels]]) -> dict[str, float]:
    """Per column, how surely the header names it (0..1); repeated labels must be there repeatedly."""
    presence = {}
    for column in section.columns:
        name = f"column:{section.table}.{column.key}"
        twins = [c for c in section.columns if c.labels == column.labels]
        votes = sorted((labels.get(name, 0.0) for _, labels in headers), reverse=True)[: len(twins)]
        presence[column.key] = min(1.0, sum(votes) / 0.9)
    return presence


def _header_costs(line: Line, section: Section, headers: Headers) -> list[list[float]]:
    """Per field and column, what it costs to lay the one into the other, by the header above it."""
    # Elsewhere in a dump, a field's number says nothing of its column.
    in_place = line.gridded or headers.table == line.table
    placed = _place_headers(section, headers.fields) if in_place else []
    wrong = _WRONG_HEADER if line.gridded else _WRONG_INDEX if not line.labels else _WRONG_SHIFTED_INDEX
    costs = []
    for place in line.fields:
        center = sum(place.position) / 2
        above = {c for (left, right), c in placed if left <= center <= right}
        costs.append([wrong if above and c not in above else 0.0 for c in range(len(section.columns))])
    return costs


def _place_headers(
    section: Section, headers: Sequence[tuple[Field, Labels]]
) -> list[tuple[tuple[float, float], int]]:
    """Which column each header field names: the most probable choice that runs with the form's order,
    so that labels printed several times (结果维持) find their own group. Other fields are left out."""
    names = [f"column:{section.table}.{c.key}" for c in section.columns]
    fields = sorted(
        ((place.position, labels) for place, labels in headers if any(name in labels for name in names)),
        key=lambda item: sum(item[0]),
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
    return [(position, c) for (position, _), c in zip(fields, chosen, strict=True) if c is not None]


def _k_best_places(
    skip: Sequence[float], lost: Sequence[float], match: Sequence[Sequence[float]]
) -> list[tuple[float, Places]]:
    """Order-keeping layouts of fields into columns with their costs, cheapest first.

    Args:
        skip: per field, the cost of leaving it out.
        lost: per column, the cost of leaving it empty.
        match: per field and column, the cost of laying the one into the other.
    """
    states: list[list[tuple[float, Places]]] = [[(0.0, ())]]
    for c, price in enumerate(lost):
        states.append([(cost + price, (*places, None)) for cost, places in states[c]])
    for k, price in enumerate(skip):
        after: list[list[tuple[float, Places]]] = []
        for c in range(len(lost) + 1):
            options = [(cost + price, places) for cost, places in states[c]]
            if c:
                options += [(cost + match[k][c - 1], (*places, k)) for cost, places in states[c - 1]]
                options += [(cost + lost[c - 1], (*places, None)) for cost, places in after[c - 1]]
            best: dict[Places, float] = {}
            for cost, places in options:
                if cost < best.get(places, math.inf):
                    best[places] = cost
            ordered = sorted(((cost, places) for places, cost in best.items()), key=itemgetter(0))
            after.append([o for o in ordered if o[0] <= ordered[0][0] + _MARGIN][:_MOST_ALTERNATIVES])
        states = after
    return states[-1]


def _see(line: Line, place: Field, column: Header) -> Seen:
    token = place.token
    if token is None:
        return Seen(((None, 1.0),), line.certain, line.page, place.bbox, None)
    texts = token.readings or ((token.text, token.confidence),)
    merged: dict[Value | None, float] = {}
    for text, probability in texts:
        value = parse_figure(text, column.type, column.unit)
        if value is not None or not text:
            merged[value] = merged.get(value, 0.0) + probability
    if column.type == "amount" and not line.certain:
        merged = _doubt_point(merged)
    readings = tuple(merged.items())
    return Seen(readings, line.certain and bool(readings), line.page, token.bbox, token)


def _doubt_point(readings: Mapping[Value | None, float]) -> dict[Value | None, float]:
    """An amount read without decimals may have lost its point, the smallest mark of a figure, and no sum
    would tell: the same digits with two decimals are a reading too."""
    first = next(iter(readings), None)
    if not isinstance(first, int) or first < _SMALLEST_WITH_POINT:
        return dict(readings)
    doubted = {value: (1 - _POINT_LOST) * p for value, p in readings.items()}
    doubted.setdefault(Decimal(first) / 100, _POINT_LOST * readings[first])
    return doubted
