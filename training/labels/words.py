"""Chinese words and characters with their frequencies, from the dictionary of the package `jieba` (MIT)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np

_PACKAGE = "jieba"
_FIRST, _LAST = "\u4e00", "\u9fff"


@dataclass(frozen=True, eq=False)
class Words:
    """Words and how likely each is drawn; both (N,)."""

    texts: np.ndarray
    probabilities: np.ndarray

    @cached_property
    def _cumulated(self) -> np.ndarray:
        return np.cumsum(self.probabilities)

    def sample(self, rng: np.random.Generator, n: int) -> list[str]:
        """`n` words, drawn with replacement."""
        at = np.searchsorted(self._cumulated, rng.random(n), side="right")
        return self.texts[np.minimum(at, len(self.texts) - 1)].tolist()


@cache
def load_words() -> Words:
    """All words of Chinese characters; the square root of the frequency makes rare ones less rare.

    Raises:
        ModuleNotFoundError: the package is not installed; the extra `train` brings it.
    """
    entries = _read_entries()
    weights = np.sqrt([frequency for _, frequency in entries])
    return Words(np.array([word for word, _ in entries], dtype=object), weights / weights.sum())


def frequent_characters(n: int) -> str:
    """The `n` Chinese characters that occur most often in the dictionary's words, the commonest first."""
    counts: Counter[str] = Counter()
    for word, frequency in _read_entries():
        for char in word:
            counts[char] += frequency
    return "".join(sorted(counts, key=lambda char: (-counts[char], char))[:n])


@cache
def _read_entries() -> tuple[tuple[str, int], ...]:
    lines = _dictionary().read_text(encoding="utf-8").splitlines()
    entries = (line.split(" ")[:2] for line in lines)
    return tuple(
        (word, int(frequency)) for word, frequency in entries if all(_FIRST <= c <= _LAST for c in word)
    )


def _dictionary() -> Path:
    spec = find_spec(_PACKAGE)  # importing it would warn, and build an index that is not needed
    if spec is None or not spec.origin:
        raise ModuleNotFoundError(f"{_PACKAGE} is not installed: pip install 'giar-ml[train]'")
    return Path(spec.origin).with_name("dict.txt")
