"""Windows to train on. Item `i` of a run depends on the seed and `i` alone: a run can be taken up again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from giar_ml.label.encode import Encoder, Window
from giar_ml.label.names import OTHER
from training.labels.config import DataConfig
from training.labels.examples import Example, place_example
from training.labels.negatives import sample_negative
from training.labels.noise import add_noise

IGNORED = -100
"""The label of pieces that teach nothing; PyTorch's own value."""


GROUP = 32
"""Windows drawn together; a multiple of the batch."""


class PageSampler:
    """Draws pages, with their noise; some are none of the forms.

    Args:
        weights: how often each example is drawn beside the others; None for all alike.
    """

    def __init__(
        self, examples: Sequence[Example], config: DataConfig, *, weights: Sequence[float] | None = None
    ) -> None:
        self._examples = examples
        self._config = config
        shares = np.array([window_share(example, config.prose) for example in examples])
        if weights is not None:
            shares = shares * np.asarray(weights)
        self._cumulative = np.cumsum(shares) / shares.sum()

    def draw(self, rng: np.random.Generator) -> Example:
        if rng.random() < self._config.negatives:
            example = sample_negative(rng)
        else:
            example = self._examples[int(np.searchsorted(self._cumulative, rng.random(), side="right"))]
        if rng.random() < self._config.clean:
            return example
        return add_noise(example, rng, level=example.noise)


class Sampler:
    """Draws windows: a page of `pages`, one of its windows."""

    def __init__(self, pages: PageSampler, encoder: Encoder, labels: Sequence[str], *, seed: int) -> None:
        self._pages = pages
        self._encoder = encoder
        self._ids = {label: i for i, label in enumerate(labels)}
        self._seed = seed
        self._group: tuple[int, list[tuple[Window, np.ndarray]]] = (-1, [])

    def __getitem__(self, index: int) -> tuple[Window, np.ndarray]:
        """A window, and the label id of each of its pieces (n,) int64.

        Windows of a group are given by length, so that a batch has little padding.
        """
        group, place = divmod(index, GROUP)
        if self._group[0] != group:
            drawn = [self.draw(group * GROUP + k) for k in range(GROUP)]
            self._group = group, sorted(drawn, key=lambda item: len(item[1]))
        return self._group[1][place]

    def draw(self, index: int) -> tuple[Window, np.ndarray]:
        """One window, whatever its length."""
        rng = np.random.default_rng([self._seed, index])
        example = self._pages.draw(rng)
        windows = self._encoder.encode(place_example(example))
        window = windows[int(rng.integers(len(windows)))]
        return window, piece_labels(window, example, self._ids)


def piece_labels(window: Window, example: Example, ids: dict[str, int]) -> np.ndarray:
    """The label id of each piece (n,) int64; `IGNORED` for special pieces."""
    labels = np.array([ids[item.label] for item in example.items] + [IGNORED], np.int64)
    return labels[window.owners]


def window_share(example: Example, prose: float) -> float:
    """How often a page is drawn beside others: long ones have more windows, prose has little to teach."""
    share = max(1.0, len(example.items) / 150)
    return share if any(label != OTHER for label in example.labels) else share * prose


def share_weights(
    parts: Sequence[Sequence[Example]], shares: Sequence[float], config: DataConfig
) -> list[float]:
    """Weights for a `PageSampler` of all parts, one after another, so that of the forms drawn each part has
    its share, where the shares add up to 1."""
    weights: list[float] = []
    for part, share in zip(parts, shares, strict=True):
        total = sum(window_share(example, config.prose) for example in part)
        weights += [share / total] * len(part)
    return weights


def class_counts(labels: Sequence[str], examples: Sequence[Example]) -> np.ndarray:
    """How many tokens have each label, (L,) float64."""
    ids = {label: i for i, label in enumerate(labels)}
    found = [ids[label] for example in examples for label in example.labels]
    return np.bincount(found, minlength=len(labels)).astype(float)
