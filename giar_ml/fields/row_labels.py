"""What the labels of lines say of their rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from giar_ml.fields.lines import Field, Line
from giar_ml.forms import Header, Section
from giar_ml.label.names import is_header

# Costs in nats: minus the logarithm of how often it happens.
NO_LABEL = 2.5
"""Cost of laying a line into a row when it has no label, or none that says anything."""
_BORROWED_LABEL = 0.3
_NEXT_LABEL = 1.0
_LABEL_OF_BLANK_ROW, _OF_LONE_FIGURE = 4.0, 20.0
"""More, where the label stands before blank fields of its own, and for a figure alone in its line: it is the
number of a page."""
_LEAST_DOUBT = 0.02
"""Of what the own label of a line says, how seldom its figures belong to another row all the same."""
_LIKELY = 0.5
_OTHER_TABLE = 2.0
_LABEL_LINES = 4
"""The longest label takes this many lines of a narrow column."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_FEWEST_LETTERS = 2
"""Characters of the shortest label, 其他; fewer are a mark, or a piece of one."""
_WORST_LABEL = 9.0


def row_label_costs(lines: Sequence[Line], rows: Sequence[tuple[Section, Header]]) -> list[list[float]]:
    """Per line and form row, minus the log-probability of the line's label being the row's.

    A label wrapped over lines stands above or below its figures too: lines without figures lend theirs,
    unless the line's own label is that of another row, or headers of columns stand between. Figures below
    the headers of one table are seldom those of another.
    """
    named = [_row_names(line) for line in lines]
    headed = [header_tables(line) for line in lines]
    tables_of = [section.table for section, _ in rows]
    unlabelled = [j for j, (_, row) in enumerate(rows) if not row.labels]
    places: dict[str, list[int]] = {}
    for j, (section, row) in enumerate(rows):
        if row.labels:
            places.setdefault(f"row:{section.table}.{row.key}", []).append(j)
    costs = []
    above: str | None = None
    for i, line in enumerate(lines):
        tables = headed[i]
        above = next(iter(tables)) if len(tables) == 1 else above
        borrowed = []
        for k in range(i - 1, max(-1, i - 1 - _LABEL_LINES), -1):
            if lines[k].n_figures or headed[k]:
                break
            borrowed.append((named[k], _BORROWED_LABEL + _blank_row_cost(lines[k], line)))
        if i + 1 < len(lines) and not lines[i + 1].n_figures:
            price = _BORROWED_LABEL + (0.0 if line.labels else _NEXT_LABEL)
            borrowed.append((named[i + 1], price + _blank_row_cost(lines[i + 1], line)))
        no_label = _WORST_LABEL if _has_own_label(line) else NO_LABEL
        # A row without a label is seen by its places alone.
        is_bare = not line.n_figures and bool(tables or not line.fields)
        unlike_all = _unlike(named[i].values())
        likeliest = max(named[i], key=named[i].__getitem__, default="")
        told = set(named[i]).union(*(names for names, _ in borrowed))
        home = above if line.n_figures else None
        elsewhere = [0.0 if home in (None, table) else _OTHER_TABLE for table in tables_of]
        line_costs = [cost + no_label for cost in elsewhere]
        for j in unlabelled:
            own = _WORST_LABEL if is_bare else 0.5 if not line.labels else NO_LABEL + unlike_all
            line_costs[j] = elsewhere[j] + own
        for name in told & places.keys():
            own = -math.log(named[i].get(name, 0.0) or 1e-9)
            is_likeliest = name == likeliest
            unlike = _unlike(p for n, p in named[i].items() if n != name) if is_likeliest else unlike_all
            lent = [price + unlike - math.log(names[name]) for names, price in borrowed if name in names]
            # Its own line is there, and printed blank.
            taken = max(
                (
                    price
                    for names, price in borrowed
                    if price >= _LABEL_OF_BLANK_ROW and names.get(name, 0.0) >= _LIKELY
                ),
                default=0.0,
            )
            for j in places[name]:
                line_costs[j] = elsewhere[j] + min([no_label + taken, own, *lent])
        costs.append(line_costs)
    return costs


def _blank_row_cost(line: Line, borrower: Line) -> float:
    """What it costs more that figures are not in the fields beside a label. Those of a dump with pipes are
    ruled, and a figure alone is none of them."""
    is_lone = not (borrower.gridded or borrower.labels) and len(borrower.fields) == 1
    if not line.fields or (line.gridded and not is_lone):
        return 0.0
    return _OF_LONE_FIGURE if is_lone else _LABEL_OF_BLANK_ROW


def _has_own_label(line: Line) -> bool:
    """Whether a line has a label that can be read besides those of the groups of rows that it is in."""
    return any(map(is_own_label, line.labels))


def is_own_label(place: Field) -> bool:
    """Whether a label can be read, and is not that of a group of rows."""
    if not place.is_legible or place.row_span > 1:
        return False
    best = place.best_label
    if not is_header(best) and place.token and len(_CHINESE.findall(place.token.text)) < _FEWEST_LETTERS:
        return False
    return not best.startswith("under:") and place.labels.get(best, 1.0) >= _LIKELY


def _unlike(others: Iterable[float]) -> float:
    """What it costs to lay a line into a row that is not its own by its label: others are, so surely."""
    return -math.log(max(1.0 - max(others, default=0.0), _LEAST_DOUBT))


def header_tables(line: Line) -> set[str]:
    """The tables whose columns are named in a line."""
    best = (place.best_label for place in line.labels)
    return {name.partition(":")[2].partition(".")[0] for name in best if name.startswith("column:")}


def _row_names(line: Line) -> dict[str, float]:
    """The rows that the labels of a line may name, each with the highest probability that one gives it."""
    names: dict[str, float] = {}
    for place in line.labels:
        certainty = 1.0 if place.is_legible else place.token.confidence if place.token else 0.0
        for name, p in place.labels.items():
            if name.startswith("row:") and p * certainty > names.get(name, 0.0):
                names[name] = p * certainty
    return names
