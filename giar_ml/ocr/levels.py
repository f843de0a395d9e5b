"""Grey levels of small pictures: a page has hundreds."""

from __future__ import annotations

import numpy as np

PAPER_SHARE = 0.6
"""Share of a cell's pixels that are darker than its paper at most."""


def paper_level(gray: np.ndarray) -> float:
    return quantile(gray, PAPER_SHARE)


def quantile(values: np.ndarray, share: float) -> float:
    """np.quantile without its cost: the next lower value, no mean of two."""
    k = int(share * (values.size - 1))
    return float(np.partition(values, k, axis=None)[k])
