"""Which crops are learnt from: lengths and digits evenly, though most cells of the forms print a 0."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from training.figure_reader.augment import augment
from training.figure_reader.config import DataConfig
from training.figure_reader.crops import Crop

LENGTHS = {1: 0.34, 2: 0.24, 3: 0.18, 4: 0.12}
"""Share of the figures of so many characters; the longer ones have the rest."""
ZEROS = 3.0
"""How often a 0 is drawn beside any other digit: so many must not be read wrong."""
STROKE_PX = (4, 16)
"""Rows from above a figure into it, and from the foot likewise: what is ink along them is no part of it."""
CROSSED = 0.02
"""Share of columns with such a stroke from which on a crop is crossed."""
_POOL = 16
"""Batches that are drawn together and sorted by width: padding costs time."""


class Sampler:
    """Draws batches of augmented crops.

    Args:
        crops: of scans, with and without figures.
        rendered: figures from fonts.
        sheets: of sheets of figures, with and without figures.
    """

    def __init__(
        self,
        crops: Sequence[Crop],
        rendered: Sequence[Crop],
        data: DataConfig,
        seed: int,
        *,
        sheets: Sequence[Crop] = (),
    ) -> None:
        self._rng = np.random.default_rng([seed, 1])
        figures = [crop for crop in crops if crop.text]
        coarse = [crop for crop in sheets if crop.text]
        empty = [crop for crop in (*crops, *sheets) if not crop.text]
        share, coarse_share = data.rendered_share, data.sheets_share if coarse else 0.0
        if not figures:
            share = 1 - coarse_share
        bare = Crop(np.full((44, 40), 255, np.uint8), "", "bare")
        parts: list[tuple[Sequence[Crop], np.ndarray]] = [
            (empty or [bare], np.full(max(1, len(empty)), data.empty / max(1, len(empty))))
        ]
        if figures:
            parts.append((figures, (1 - data.empty) * (1 - share - coarse_share) * _weights(figures)))
        for drawn, part, times in ((rendered, share, 1.0), (coarse, coarse_share, data.crossed)):
            if drawn:
                parts.append((drawn, (1 - data.empty) * part * _crossed_first(drawn, times)))
        self._badly_scanned = {id(crop) for crop in coarse}
        self._crops = [crop for part, _ in parts for crop in part]
        self._edges = np.cumsum(np.concatenate([weights for _, weights in parts]))

    def batches(self, size: int) -> list[list[tuple[np.ndarray, str]]]:
        """The next `_POOL` batches of (32, W) uint8 crops with their figures."""
        draws = self._rng.random(_POOL * size) * self._edges[-1]
        found = []
        for i in np.minimum(np.searchsorted(self._edges, draws), len(self._crops) - 1):
            crop = self._crops[i]
            lightly = id(crop) in self._badly_scanned
            found.append((augment(crop.image, self._rng, empty=not crop.text, lightly=lightly), crop.text))
        found.sort(key=lambda pair: pair[0].shape[1])
        order = self._rng.permutation(_POOL)
        return [found[k * size : (k + 1) * size] for k in order]


def is_crossed(crop: Crop) -> bool:
    """Whether parts of a seal or pen strokes, not rules, run into the line from above or below."""
    ink = crop.image < 160
    start, stop = STROKE_PX
    runs_in = np.maximum(ink[start:stop].mean(axis=0), ink[-stop:-start].mean(axis=0)) > 0.75
    return float((runs_in & (ink.mean(axis=0) < 0.6)).mean()) > CROSSED


def _crossed_first(crops: Sequence[Crop], times: float) -> np.ndarray:
    """They add up to 1: those that something crosses are drawn so many `times` as often as the others."""
    weights = np.ones(len(crops))
    if times > 1:
        weights[[is_crossed(crop) for crop in crops]] = times
    return weights / weights.sum()


def _weights(figures: Sequence[Crop]) -> np.ndarray:
    """They add up to 1."""
    groups: dict[int | str, list[int]] = defaultdict(list)
    for i, crop in enumerate(figures):
        groups[crop.text if len(crop.text) == 1 else min(len(crop.text), 5)].append(i)
    weights = np.zeros(len(figures))
    singles = {key: ZEROS if key == "0" else 1.0 for key in groups if isinstance(key, str)}
    for key, members in groups.items():
        if isinstance(key, str):
            share = LENGTHS[1] * singles[key] / sum(singles.values())
        else:
            share = LENGTHS.get(key, 1 - sum(LENGTHS.values()))
        weights[members] = share / len(members)
    return weights / weights.sum()
