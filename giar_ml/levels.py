"""Grey levels by their histograms: a page has hundreds of small pictures."""

from __future__ import annotations

import cv2
import numpy as np

PAPER_SHARE = 0.6
"""Share of a cell's pixels that are darker than its paper at most."""
PAGE_STEP = 4
"""Of a page every fourth pixel, both ways, says enough."""


class Levels:
    """What (h, w) uint8, not empty, has of each level: for several questions to one picture."""

    def __init__(self, gray: np.ndarray) -> None:
        self.size = gray.size
        self._counts = cv2.calcHist([gray], [0], None, [256], [0, 256])[:, 0].astype(np.intp)
        self._ends = self._counts.cumsum()

    @property
    def paper(self) -> float:
        return self.quantile(PAPER_SHARE)

    @property
    def contrast(self) -> float:
        """The levels between the paper and the darkest pixel."""
        return self.paper - self.nth(0)

    @property
    def glare(self) -> float:
        """The levels between the paper and the lightest pixel: white print on a coloured cell."""
        return self.nth(self.size - 1) - self.paper

    def nth(self, n: int) -> int:
        """The level at place `n`, from 0, of the pixels in order."""
        return int(self._ends.searchsorted(n, side="right"))

    def quantile(self, share: float) -> float:
        """np.quantile without its cost: the next lower value, no mean of two."""
        return float(self.nth(int(share * (self.size - 1))))

    def percentile(self, percent: float) -> float:
        """The same as np.percentile."""
        place, share = divmod(percent / 100 * (self.size - 1), 1)
        low, high = self.nth(int(place)), self.nth(min(int(place) + 1, self.size - 1))
        return low + share * (high - low)

    def spread(self, level: float) -> float:
        """The median distance of the pixels from a level."""
        distances = np.abs(np.arange(256) - level)
        order = np.argsort(distances)
        ends = self._counts[order].cumsum()
        middle = ends.searchsorted([(self.size - 1) // 2, self.size // 2], side="right")
        return float(distances[order[middle]].mean())


def page_levels(page: np.ndarray) -> Levels:
    """The levels of a whole page, (H, W) uint8, by every `PAGE_STEP`-th pixel both ways."""
    return Levels(np.ascontiguousarray(page[::PAGE_STEP, ::PAGE_STEP]))


def page_paper_level(page: np.ndarray) -> float:
    """As np.percentile; that of a small picture is a level that occurs in it."""
    return page_levels(page).percentile(100 * PAPER_SHARE)


def paper_level(gray: np.ndarray) -> float:
    return Levels(gray).paper
