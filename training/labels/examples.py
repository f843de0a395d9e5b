"""What the token classifier learns from: pages of tokens that know their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox
from giar_ml.label.frame import Placed, place


class Item(NamedTuple):
    """A token with its label; `bbox` in pixels or points of a page, or in columns and lines of a text;
    `confidence` of a text that was read."""

    text: str
    bbox: BBox
    label: str
    confidence: float = 1.0


@dataclass(frozen=True)
class Example:
    """One page, or one text; `source` says what it was made from, for the counts of a run; `noise` is how
    much of what noise imitates is still to be added: 1 for the printed text, less for what OCR read."""

    items: tuple[Item, ...]
    paper: bool
    source: str
    noise: float = 1.0

    @property
    def labels(self) -> list[str]:
        return [item.label for item in self.items]


class Data(NamedTuple):
    """Examples to learn from and to stop by; `weights`: how often each of the first is drawn beside the
    others, None for all alike."""

    train: Sequence[Example]
    validation: Sequence[Example]
    weights: Sequence[float] | None = None


def place_example(example: Example) -> list[Placed]:
    """The tokens as a labeller sees them, in the order of `items`."""
    boxes = np.array([item.bbox for item in example.items], float).reshape(-1, 4)
    return place(
        [item.text for item in example.items],
        boxes,
        paper=example.paper,
        confidences=[item.confidence for item in example.items],
    )


def count_tokens(examples: Sequence[Example]) -> int:
    return sum(len(example.items) for example in examples)
