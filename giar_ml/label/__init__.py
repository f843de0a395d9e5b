"""What each token is: the label of which row, column, group or title, a figure, or something else.

A labeller gives every token a probability for each label of the statutory forms, see `names`: all forms
at once, which form it is is decided later. Several columns may bear the same printed label (结果维持 stands
three times in table 4): what stands around a token tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from giar_ml.document import Labels, Token
from giar_ml.label.frame import Placed

__all__ = [
    "LabelledToken",
    "Labels",
    "PageLabeller",
    "best_label",
    "mix_labels",
]


@dataclass(frozen=True)
class LabelledToken:
    """A token with the one label it was given; `page` is 1-based."""

    token: Token
    page: int
    label: str


class PageLabeller(Protocol):
    def label_pages(self, pages: Sequence[Sequence[Placed]]) -> list[list[Labels]]:
        """One mapping per token of each page, in the order given; empty for an empty page.

        The mappings need not name every label: what is missing has no probability worth naming.
        """
        ...


def best_label(labels: Labels) -> str:
    """The most probable label; `other` where nothing is known."""
    return max(labels, key=labels.__getitem__, default="other")


def mix_labels(parts: Iterable[tuple[Labels, float]]) -> Labels:
    """The labels of what is made of several parts: their mean by weight (characters)."""
    kept = [(labels, weight) for labels, weight in parts if labels and weight > 0]
    if len(kept) < 2:
        return kept[0][0] if kept else {}
    total = sum(weight for _, weight in kept)
    mixed: dict[str, float] = {}
    for labels, weight in kept:
        for name, p in labels.items():
            mixed[name] = mixed.get(name, 0.0) + p * weight / total
    return mixed
