"""A noisy channel: figures of a form to what a reader would say of them, as often wrong as one likes.

The readings are calibrated by construction. A cell's candidates are its print and three confusions of it;
each gets a score, normal around 0, and around `clarity` for the print; their posterior by Bayes is what the
reader says. So a wrong first reading is one whose noise was unlucky, and its posterior says how unlucky that
was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox, Token
from giar_ml.fields import FormEvidence, Layout, RowEvidence, Seen
from giar_ml.forms import Form
from giar_ml.report import Value

Printed = Mapping[str, Value | None]
"""What the paper shows, None where it is blank."""

CLEAR = (5.0, 8.0)
"""Clarity of a cell in clean print: the first reading is wrong once in 3,000 to 60,000."""
HARD = (0.5, 3.0)
"""Clarity of a cell under a seal, or broken: one in three is misread."""
HARD_BESIDE = 2
"""Hard cells of a report that come out right, beside those that do not."""
OUTSIDE = 0.05
"""Share of hard cells whose print is none of the candidates."""
LOST = 0.05
"""Share of misread figures that leave no ink at all."""
SIMILAR = {
    **{0: (8, 6, 9), 1: (7, 4), 2: (7, 3), 3: (8, 5), 4: (1, 9)},
    **{5: (6, 3), 6: (8, 5, 0), 7: (1, 2), 8: (3, 6, 0), 9: (0, 4)},
}
"""Digits taken for each other."""
_BOX = BBox(0, 0, 1, 1)


class Channelled(NamedTuple):
    evidence: FormEvidence
    first: dict[str, Value | None]
    """The first reading of each cell."""


def pass_through(form: Form, printed: Printed, rng: np.random.Generator, *, n_wrong: int) -> Channelled:
    """Read a form's cells, exactly `n_wrong` of those in sums with a first reading that is wrong."""
    order = [str(key) for key in rng.permutation(sorted(form.summed))]
    seen: dict[str, Seen] = {}
    wrong = 0
    n_right = 0
    for key in order:
        if wrong == n_wrong and n_right >= HARD_BESIDE:
            break
        found, is_wrong = _read_hard(printed[key], rng)
        if (wrong < n_wrong) if is_wrong else n_right < HARD_BESIDE + 3 * n_wrong:
            seen[key] = found
            wrong += is_wrong
            n_right += not is_wrong
    for key in form.cells:
        if key not in seen:
            seen[key] = _read_clear(printed[key], rng) if key in form.summed else _certain(printed[key])
    rows = tuple(
        RowEvidence(section, row, (Layout((), {k: seen[k] for k in keys}, 0.0),), (section.table, i, ""), 0.0)
        for section in form.sections
        for i, row in enumerate(section.rows)
        for keys in [[section.cell_key(row, column) for column in section.columns]]
    )
    first = {key: s.readings[0][0] for key, s in seen.items()}
    return Channelled(FormEvidence(form, rows, 0.0), first)


def _certain(figure: Value | None) -> Seen:
    token = None if figure is None else Token(str(figure), _BOX)
    return Seen(((figure, 1.0),), True, 1, _BOX, token)


def _read_clear(figure: Value | None, rng: np.random.Generator) -> Seen:
    """A cell in clean print, read rightly: where it would not be, it is no clear one."""
    if figure is None:
        return _blank()
    while True:
        found = _posterior([figure, *confuse(int(figure), rng)], clarity=rng.uniform(*CLEAR), rng=rng)
        if found[0][0] == figure:
            return _inked(found)


def _read_hard(figure: Value | None, rng: np.random.Generator) -> tuple[Seen, bool]:
    """A cell that is hard to read, and whether its first reading is wrong."""
    if figure is not None and rng.random() < LOST / 3:
        return _blank(), int(figure) != 0
    candidates = list(dict.fromkeys([figure, *confuse(int(figure or 0), rng)]))
    if rng.random() < OUTSIDE:
        del candidates[0]  # and the reader takes the next for the print
    # What is left of a posterior counts by its square, see `giar_ml.weigh`.
    mass = 1 - math.sqrt(OUTSIDE)
    found = _posterior(candidates, clarity=rng.uniform(*HARD), rng=rng, mass=mass)
    return _inked(found), (found[0][0] or 0) != (figure or 0)


def _posterior(
    candidates: Sequence[Value | None], *, clarity: float, rng: np.random.Generator, mass: float = 1.0
) -> list[tuple[Value | None, float]]:
    """The candidates, the print first, with what Bayes says of them after a look: best first."""
    scores = rng.normal(size=len(candidates))
    scores[0] += clarity
    weights = np.exp(clarity * (scores - scores.max()))
    shares = mass * weights / weights.sum()
    ordered = sorted(zip(candidates, shares.tolist(), strict=True), key=lambda item: -item[1])
    return [(value, p) for value, p in ordered if p >= 5e-4]


def _inked(readings: Sequence[tuple[Value | None, float]]) -> Seen:
    return Seen(tuple(readings), False, 1, _BOX, Token(str(readings[0][0] or ""), _BOX))


def _blank() -> Seen:
    return Seen(((None, 1.0),), False, 1, _BOX, None)


def confuse(figure: int, rng: np.random.Generator, n: int = 3) -> list[Value | None]:
    """Figures that `figure` may be taken for: a digit confused, dropped or doubled, or nothing."""
    digits = [int(d) for d in str(figure)]
    found: dict[Value | None, None] = {}
    while len(found) < n:
        at = int(rng.integers(len(digits)))
        kind = rng.choice(4, p=(0.7, 0.12, 0.1, 0.08))
        changed = list(digits)
        if kind == 0:
            changed[at] = int(rng.choice(SIMILAR[digits[at]]))
        elif kind == 1 and len(digits) > 1:
            del changed[at]
        elif kind == 2:
            changed.insert(at, digits[at])
        else:
            changed = []
        other = int("".join(map(str, changed))) if changed else None
        if (other or 0) != figure or (other is None and figure):
            found.setdefault(other)
        elif other is None:
            found.setdefault(None)
    return list(found)[:n]
