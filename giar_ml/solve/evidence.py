"""What was seen, what the prose states, and the ways in which each can have come about, with their prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

SCALE = 1000
"""CP-SAT wants integers: costs are counted in thousandths of a nat."""


@dataclass(frozen=True)
class Evidence:
    """What was seen in one place of the paper.

    `readings` are (figure, cost in nats), the first reading first; None is a blank. `other_cost` is
    the cost of the paper showing some figure that is not among them; None when that cannot be, as in
    a digital text.
    """

    readings: tuple[tuple[int | None, float], ...]
    other_cost: float | None = None

    @property
    def first(self) -> int | None:
        """The figure of the first reading, 0 for a blank; None where nothing was read."""
        return (self.readings[0][0] or 0) if self.readings else None


@dataclass(frozen=True)
class Statement:
    """The prose states that `cells` add up to `figure`."""

    cells: tuple[str, ...]
    figure: int


@dataclass(frozen=True)
class Costs:
    """Prices in nats, each minus the logarithm of a probability."""

    misprint: float = 10.0
    """The office printed a certain wrong figure in this cell: about 1 in 2,000, and one of some ten."""
    misprinted_total: float = 5.5
    """The same for a total (about 1 in 250): totals are what offices forget, so that the wrong figure is
    mostly a certain one, 0."""
    unfilled: float = 9.0
    """The office left a cell blank that is not zero."""
    unfilled_total: float = 3.0
    statement: float = 1.5
    """The prose speaks of something else than the cell."""


DEFAULT_COSTS = Costs()

Kind = Literal["read", "misprint", "unfilled", "unread", "lost"]


class Explanation(NamedTuple):
    """One way in which the evidence of a cell can have come about, in thousandths of a nat.

    read: the paper shows the lawful figure, and it is this one. misprint: it shows this one, and another is
    lawful. unfilled: it is blank, whatever is lawful. unread: it shows the lawful figure, which is none of
    those read. lost: nothing was seen.
    """

    kind: Kind
    shown: int | None
    cost: int

    @property
    def lawful(self) -> int | None:
        """The lawful figure, where the explanation tells it."""
        return (self.shown or 0) if self.kind == "read" else None

    @property
    def output(self) -> int | None:
        """The figure to use, where the explanation tells it."""
        return (self.shown or 0) if self.kind in ("read", "misprint") else None


def explain(evidence: Evidence | None, costs: Costs, *, is_total: bool) -> list[Explanation]:
    """All explanations of a cell; where anything was read, the first says that this is right."""
    if evidence is None:
        return [Explanation("lost", None, 0)]
    found = [Explanation("read", figure, round(cost * SCALE)) for figure, cost in evidence.readings]
    if evidence.readings:
        first, cost = evidence.readings[0]
        kind: Kind = "unfilled" if first is None else "misprint"
        if first is None:
            price = costs.unfilled_total if is_total else costs.unfilled
        else:
            price = costs.misprinted_total if is_total else costs.misprint
        found.append(Explanation(kind, first, round((cost + price) * SCALE)))
    if evidence.other_cost is not None:
        found.append(Explanation("unread", None, round(evidence.other_cost * SCALE)))
    return found
