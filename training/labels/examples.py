"""What the token classifier learns from: pages of tokens that know their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox
from giar_ml.label.frame import Placed, place


class Item(NamedTuple):
    """A token with its label; `bbox` in pixels or points of a page, or in columns and lines of a text."""

    text: str
    bbox: BBox
    label: str


@dataclass(frozen=True)
class Example:
    """One page, or one text; `source` says what it was made from, for the counts of a run."""

    items: tuple[Item, ...]
    paper: bool
    source: str

    @property
    def labels(self) -> list[str]:
        return [item.label for item in self.items]


def place_example(example: Example) -> list[Placed]:
    """The tokens as a labeller sees them, in the order of `items`."""
    boxes = np.array([item.bbox for item in example.items], float).reshape(-1, 4)
    return place([item.text for item in example.items], boxes, paper=example.paper)


def count_tokens(examples: Sequence[Example]) -> int:
    return sum(len(example.items) for example in examples)
