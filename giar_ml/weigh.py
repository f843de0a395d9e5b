"""Evidence to a puzzle for the solver: probabilities become costs, and what is certain has no price.

This is the place of the error model: how often a reading is wrong, and what then stands there.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from giar_ml.fields import FormEvidence, Layout, Seen
from giar_ml.prose import Stated
from giar_ml.puzzle import Puzzle, Row
from giar_ml.report import Value
from giar_ml.solve import Evidence, Statement

_FLOOR = 3e-5
"""However sure it is, the reader errs this often: of 102,000 figures of scans of which it left less than this
to others, the print was among the others twice. A misprint is likelier, so that a sum alone does not overrule
what is clearly read."""
_UNSEEN = 1e-4
"""No reading is taken to be less probable than this."""
_NOTHING, _UNSURE = 0.4, 1e-3
"""A mark that is none of its readings is so often nothing at all, or a 0, where these leave so much to
others. Of 244 such figures of 1,240 scans, which left 15.3 to others, the print was none of the readings
23 times, and 9 of these it was nothing (`training.count_unread`)."""
_HIDDEN = 0.06
"""How often a blot, read as a figure and not surely, hides another: 4 of 69 such marks of 670 scans."""


def build_puzzle(
    evidence: FormEvidence, stated: Sequence[Stated], linked: Sequence[Statement] = ()
) -> Puzzle:
    """What the solver is to explain: the rows that stand in sums, and what the prose states of them, or
    reports of other years."""
    summed = evidence.form.summed
    rows = [row for row in evidence.rows if summed.intersection(row.layouts[0].cells)]
    patterns: dict[Hashable, set[Hashable]] = {}
    for row in rows:
        found: set[Hashable] = {layout.pattern for layout in row.layouts}
        patterns[row.group] = patterns.get(row.group, found) & found
    puzzle_rows = []
    prices: dict[Hashable, dict[Hashable, float]] = {}
    for row in rows:
        # Rows that cannot follow one pattern, and rows that were not found, stand alone.
        alone = row.group is None or not patterns[row.group]
        group: Hashable = (row.section.table, row.row.key) if alone else row.group
        layouts = [layout for layout in row.layouts if alone or layout.pattern in patterns[row.group]]
        puzzle_rows.append(Row(group, {layout.pattern: _evidence_of(layout) for layout in layouts}))
        price = prices.setdefault(group, {})
        for layout in layouts:
            price[layout.pattern] = max(layout.cost, price.get(layout.pattern, 0.0))
    return Puzzle(
        rows=tuple(puzzle_rows),
        sums=evidence.form.sums,
        prices=prices,
        statements=(*_first_statements(stated, summed), *linked),
    )


def _evidence_of(layout: Layout) -> dict[str, Evidence | None]:
    return {key: None if seen is None else _weigh(seen) for key, seen in layout.cells.items()}


def _first_statements(stated: Sequence[Stated], summed: frozenset[str]) -> list[Statement]:
    """One statement per cell, the first: later ones often speak of a part."""
    picked: dict[tuple[str, ...], Statement] = {}
    for statement in stated:
        if summed.issuperset(statement.cells):
            picked.setdefault(statement.cells, Statement(statement.cells, statement.figure))
    return list(picked.values())


def _weigh(seen: Seen) -> Evidence:
    """Probabilities to costs; what is certain has no other reading."""
    if seen.certain:
        return Evidence(tuple((_whole(value), 0.0) for value, _ in seen.readings[:1]))
    readings = [(_whole(value), _cost(max(p, _UNSEEN))) for value, p in seen.readings]
    if not readings:
        return Evidence((), other_cost=0.0)
    if seen.blank:
        return Evidence(((None, 0.0),), other_cost=_cost(seen.missed / 10))
    # The print is none of the readings about as often as these leave room for it. Dirt on an empty place is
    # much of it. Else it is a figure like them, and one that only the sums ask for is hardly that: for those
    # the room counts by its square, and some ten of them are likely. A blot hides what no reading shows.
    left = 1.0 - sum(p for _, p in seen.readings)
    room = max(left, _HIDDEN) if seen.blotted else left**2
    other_cost = _cost(max(room, _FLOOR) / 10)
    if left >= _UNSURE and all(figure for figure, _ in readings):
        readings.append((0, _cost(left * _NOTHING)))
    return Evidence(tuple(readings), other_cost=other_cost)


def _cost(probability: float) -> float:
    return -math.log(min(1.0, probability))


def _whole(value: Value | None) -> int | None:
    return None if value is None else int(value)
