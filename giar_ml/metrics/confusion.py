"""Which characters and figures are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from giar_ml.metrics.cells import CellOutcome
from giar_ml.metrics.counts import add_fields
from giar_ml.report import Value

Pair = tuple[str, str]
"""(gold, read); "" stands for nothing."""


@dataclass(frozen=True)
class Confusion:
    """How often each character, and each whole figure, was read as what; right readings count too."""

    characters: Counter[Pair] = field(default_factory=Counter)
    figures: Counter[Pair] = field(default_factory=Counter)

    def __add__(self, other: Confusion) -> Confusion:
        return add_fields(self, other)

    def matrix(self, alphabet: Sequence[str] = "0123456789") -> np.ndarray:
        """(N + 1, N + 1) int64: rows are gold, columns read, in the order of `alphabet`; the last row
        counts characters read where there is none, the last column those not read. Characters outside
        the alphabet are left out."""
        names = [*alphabet, ""]
        return np.array([[self.characters[gold, read] for read in names] for gold in names], dtype=np.int64)

    def worst(self, n: int = 10) -> list[tuple[Pair, int]]:
        """The `n` most frequent misreadings of a character, most frequent first, then by character."""
        wrong = [(pair, count) for pair, count in self.characters.items() if pair[0] != pair[1] and count]
        return sorted(wrong, key=lambda item: (-item[1], item[0]))[:n]


def align_characters(gold: str, read: str) -> list[Pair]:
    """Characters side by side with the fewest edits; one without a partner stands beside ""."""
    from rapidfuzz.distance import Levenshtein

    pairs: list[Pair] = []
    for op in Levenshtein.opcodes(gold, read):
        source, target = gold[op.src_start : op.src_end], read[op.dest_start : op.dest_end]
        if op.tag == "delete":
            pairs += [(character, "") for character in source]
        elif op.tag == "insert":
            pairs += [("", character) for character in target]
        else:
            pairs += zip(source, target, strict=True)
    return pairs


def count_confusions(pairs: Iterable[Pair]) -> Confusion:
    """Count (gold, read) pairs of figures; pairs of two blanks are left out."""
    confusion = Confusion()
    for gold, read in pairs:
        if gold or read:
            confusion.figures[gold, read] += 1
            confusion.characters.update(align_characters(gold, read))
    return confusion


def confuse_cells(outcomes: Iterable[CellOutcome]) -> Confusion:
    """The printed figures against the first readings, as plain numbers: no notes, units or separators."""
    return count_confusions((figure_text(o.printed), figure_text(o.first_reading)) for o in outcomes)


def figure_text(value: Value | None) -> str:
    """The shortest way to write the number; "" for None. 3.50 is "3.5"."""
    if value is None:
        return ""
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
