"""Rules in force in one year and the next: evidence on cells that no sum of the form checks.

What is in force at the end of a year is what was at the end of the year before, with what was issued and
without what was repealed. Offices count anew now and then, so that it is a likelihood and no law.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from giar_ml.fields import FormEvidence, Seen, change_cells
from giar_ml.report import Report, Value
from giar_ml.solve import DEFAULT_COSTS

KINDS = ("regulations", "normative_documents")


class Tie(NamedTuple):
    """Cells whose figures, each with its sign, add up to what another year says."""

    signs: Mapping[str, int]
    figure: int


def tie_to_year_before(before: Report, *, least_sure: float) -> Iterator[Tie]:
    """What the year before says of a report, as far as it is sure."""
    for kind in KINDS:
        was = _sure_value(before, f"disclosure.{kind}.in_force", least_sure)
        if was is not None:
            names = {"in_force": 1, "repealed": 1, "issued": -1}
            yield Tie({f"disclosure.{kind}.{name}": sign for name, sign in names.items()}, was)


def tie_to_year_after(after: Report, *, least_sure: float) -> Iterator[Tie]:
    """What the year after says of a report, as far as it is sure."""
    for kind in KINDS:
        keys = (f"disclosure.{kind}.{name}" for name in ("in_force", "repealed", "issued"))
        figures = [_sure_value(after, key, least_sure) for key in keys]
        in_force, repealed, issued = figures
        if in_force is not None and repealed is not None and issued is not None:
            yield Tie({f"disclosure.{kind}.in_force": 1}, in_force + repealed - issued)


def _sure_value(report: Report, key: str, least_sure: float) -> int | None:
    cell = report.cells.get(key)
    if cell is None or cell.value is None or cell.status in ("conflict", "missing"):
        return None
    return int(cell.value) if cell.confidence >= least_sure else None


def weigh_ties(evidence: FormEvidence, ties: Iterable[Tie]) -> FormEvidence:
    """The evidence with the readings of tied cells as probable as they are once their ties are known (Bayes):
    those that a tie agrees with are likelier by the price of a statement that speaks of something else."""
    for tie in ties:
        cells = [layout.cells for row in evidence.rows for layout in row.layouts[:1]]
        seen = {key: cell for found in cells for key, cell in found.items() if key in tie.signs}
        known = {key: cell for key, cell in seen.items() if cell is not None and cell.readings}
        if len(known) == len(tie.signs):
            evidence = change_cells(evidence, _weigh(known, tie).get)
    return evidence


def _weigh(seen: Mapping[str, Seen], tie: Tie) -> dict[str, Seen | None]:
    weights: dict[str, dict[Value | None, float]] = {key: {} for key in seen}
    for choice in itertools.product(*(cell.readings for cell in seen.values())):
        total = sum(tie.signs[key] * int(v or 0) for key, (v, _) in zip(seen, choice, strict=True))
        weight = math.prod(p for _, p in choice)
        weight *= 1.0 if total == tie.figure else math.exp(-DEFAULT_COSTS.statement)
        for key, (value, _) in zip(seen, choice, strict=True):
            weights[key][value] = weights[key].get(value, 0.0) + weight
    found: dict[str, Seen | None] = {}
    for key, cell in seen.items():
        # What the readings left to other figures stays theirs.
        share = sum(p for _, p in cell.readings) / (sum(weights[key].values()) or 1.0)
        readings = sorted(((v, share * w) for v, w in weights[key].items()), key=lambda r: -r[1])
        found[key] = cell._replace(readings=tuple(readings))
    return found
