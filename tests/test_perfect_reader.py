"""What the sums can tell of a report that was read perfectly."""

from __future__ import annotations

import pytest

from eval.perfect_reader import count
from giar_ml.annotations.gold import Gold, GoldCell
from giar_ml.forms import load_form


def misprinted(printed: dict[str, int | None], lawful: dict[str, int]) -> Gold:
    """A report of zeros but for what is printed; `lawful` is what the misprinted cells should have."""
    figures = {key: printed.get(key, 0) for key in load_form("2021").cells}
    cells = {key: GoldCell(p, "" if p is None else str(p), ()) for key, p in figures.items()}
    return Gold("a.pdf", "", "scan", "2021", None, None, cells, misprints=lawful)


OUTCOMES = {"reviews.reconsideration.upheld": 3, "reviews.reconsideration.pending": 1}


@pytest.mark.parametrize(
    ("total", "flagged"),
    [
        pytest.param(5, 1, id="total that is misprinted"),
        pytest.param(3, 0, id="part that is misprinted as well"),
    ],
)
def test_only_what_breaks_a_sum_is_flagged(total: int, flagged: int) -> None:
    printed = {**OUTCOMES, "reviews.reconsideration.total": total}
    lawful = {"reviews.reconsideration.total": 4}
    if not flagged:
        printed["reviews.reconsideration.upheld"] = 2
        lawful["reviews.reconsideration.upheld"] = 3
    found = count([misprinted(printed, lawful), misprinted(printed, {})])
    assert (found.documents, found.misprints, found.misprints_flagged) == (1, len(lawful), flagged)
