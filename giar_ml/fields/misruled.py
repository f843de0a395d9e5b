"""Pages whose rules were misread, told by what of the form is not on them."""

from __future__ import annotations

from collections.abc import Sequence, Set

from giar_ml.document import Page
from giar_ml.fields import FormEvidence
from giar_ml.label import best_label
from giar_ml.label.pages import page_tokens

FEWEST_LOST = 3
"""Cells that are nowhere: so many are no chance, but rules that were not seen, or lines that are none."""
_LOST_CELL = 5.0
"""What a cell that is nowhere speaks against a reading, in nats: about 1 in 150 is."""


def find_misruled(evidence: FormEvidence, pages: Sequence[Page], ruled: Set[int]) -> set[int]:
    """The numbers of the ruled pages whose tokens name rows of which cells were found nowhere, or columns
    of these where none names a row.

    Args:
        pages: with labelled tokens.
        ruled: the numbers of the scanned pages on which rules make tables.
    """
    lost = evidence.lost
    if len(lost) < FEWEST_LOST:
        return set()
    named = {
        page.number: {best_label(token.labels) for token in page_tokens(page)}
        for page in pages
        if page.number in ruled
    }
    cells = [evidence.form.cells[key] for key in lost]
    for kind in ("row", "column"):
        names = {f"{kind}:{cell.section.table}.{getattr(cell, kind).key}" for cell in cells}
        found = {number for number, labels in named.items() if labels & names}
        if found:
            return found
    return set()


def misfit(evidence: FormEvidence, pages: Sequence[Page]) -> float:
    """What speaks against a reading of a document, in nats: lines that do not fit, rows that were not found,
    cells that are nowhere in those that were, or in rows that tokens name.

    Args:
        pages: with labelled tokens.
    """
    named = {best_label(token.labels) for page in pages for token in page_tokens(page)}
    cells = [
        seen
        for row in evidence.rows
        if row.group is not None or f"row:{row.section.table}.{row.row.key}" in named
        for seen in row.layouts[0].cells.values()
    ]
    return evidence.cost + _LOST_CELL * cells.count(None)
