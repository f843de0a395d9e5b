"""What is to be explained, and an explanation of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from giar_ml.solve.evidence import Explanation, Statement

if TYPE_CHECKING:
    from giar_ml.forms import Sum


@dataclass(frozen=True)
class Problem:
    """What is to be explained: per cell its first figure (None: none was read), where one was read the
    cheapest explanation by which it is lawful, and all explanations; no lawful figure passes `top`."""

    first: Mapping[str, int | None]
    kept: Mapping[str, Explanation]
    explanations: Mapping[str, Sequence[Explanation]]
    sums: Sequence[Sum]
    statements: Sequence[Statement]
    statement_cost: int
    top: int

    @cached_property
    def lacks(self) -> list[int]:
        """Per sum, by how much the right side of first figures exceeds the left; what is lost is 0."""
        return [self._add(s.right) - self._add(s.left) for s in self.sums]

    def _add(self, keys: Sequence[str]) -> int:
        return sum(self.first[key] or 0 for key in keys)


@dataclass(frozen=True)
class Answer:
    """One lawful explanation of all readings; none costs less than `least`, which is `cost` if it is optimal.

    Per cell: `lawful` is the figure that satisfies the sums; `shown` what the paper shows (None: blank,
    or nothing was there to read); `output` the figure to use: as shown for a misprint, else the lawful.
    """

    cost: int
    least: int
    optimal: bool
    lawful: Mapping[str, int]
    shown: Mapping[str, int | None]
    output: Mapping[str, int]
    misprints: frozenset[str]
