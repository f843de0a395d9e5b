"""What each token is: the label of which row, column, group or title, a figure, or something else.

A labeller gives every token a probability for each label of the statutory forms, see `names`: all forms
at once, which form it is is decided later. Several columns may bear the same printed label (结果维持 stands
three times in table 4): what stands around a token tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from giar_ml.document import Labels, Token
from giar_ml.forms import Form
from giar_ml.label.frame import Placed
from giar_ml.label.fuzzy import FuzzyLabeller, label_similarity, normalize_label

__all__ = [
    "FuzzyLabeller",
    "LabelledToken",
    "Labeller",
    "Labels",
    "PageLabeller",
    "label_similarity",
    "normalize_label",
]


@dataclass(frozen=True)
class LabelledToken:
    """A token with the one label it was given; `page` is 1-based."""

    token: Token
    page: int
    label: str


class Labeller(Protocol):
    def label(self, tokens: Sequence[Token], form: Form) -> list[Labels]:
        """One mapping per token. Tokens of one page or table, in reading order."""
        ...


class PageLabeller(Protocol):
    def label_pages(self, pages: Sequence[Sequence[Placed]]) -> list[list[Labels]]:
        """One mapping per token of each page, in the order given; empty for an empty page.

        The mappings need not name every label: what is missing has no probability worth naming.
        """
        ...
