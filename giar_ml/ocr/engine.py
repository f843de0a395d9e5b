"""What reads text: one protocol for all engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

FIGURE_ALPHABET = ("", *"0123456789.,-+减")
"""What a figure is written with; the CTC blank comes first."""
LOOKALIKES = {
    **dict(zip("０１２３４５６７８９．，－＋", "0123456789.,-+", strict=True)),
    **dict(zip("OoО〇○Ｏ", "000000", strict=True)),
    **dict(zip("lI|丨｜Ｉ", "111111", strict=True)),
    **dict(zip("—–−", "---", strict=True)),
    **dict(zip("·•・∙", "....", strict=True)),
    **dict.fromkeys(" \u3000", ""),
}
"""Characters that stand for a figure's wherever a figure is expected; a gap between digits is nothing."""


@dataclass(frozen=True)
class Recognition:
    """What an engine reads in one line of text.

    `log_probs` are CTC log posteriors of `FIGURE_ALPHABET`, (T, 16) float32; what they lack to a
    sum of 1 belongs to all other characters. None where the engine gives none.
    """

    text: str
    score: float
    log_probs: np.ndarray | None = None


class OcrEngine(Protocol):
    device: str
    """The device really in use: `cpu` or `cuda:N`."""

    def detect(self, image: np.ndarray) -> list[np.ndarray]:
        """Text lines of an (H, W, 3) RGB image as (4, 2) float polygons, clockwise from top left."""
        ...

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        """The text of each (h, w, 3) RGB crop of one horizontal line."""
        ...
