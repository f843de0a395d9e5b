"""Evidence to a puzzle for the solver: probabilities become costs, and what is certain has no price.

This is the place of the error model: how often a reading is wrong, and what then stands there.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from giar_ml.decode import Puzzle, Row
from giar_ml.fields import FormEvidence, Layout, Seen
from giar_ml.prose import Stated
from giar_ml.report import Value
from giar_ml.solve import Evidence, Statement

_FLOOR = 3e-5
"""However sure it is, the reader errs this often: of 102,000 figures of scans of which it left less than this
to others, the print was among the others twice. A misprint is likelier, so that a sum alone does not overrule
what is clearly read."""
_UNSEEN = 1e-4
"""No reading is taken to be less probable than this."""


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
    # The print is none of the readings about as often as these leave room for it. But then it is a figure
    # like them, and one that only the sums ask for is hardly that: the room counts by its square.
    missing = max((1.0 - sum(p for _, p in seen.readings)) ** 2, _FLOOR)
    # The probability left over is spread over the figures that were not seen: some ten of them are likely.
    return Evidence(tuple(readings), other_cost=_cost(missing / 10))


def _cost(probability: float) -> float:
    return -math.log(min(1.0, probability))


def _whole(value: Value | None) -> int | None:
    return None if value is None else int(value)
