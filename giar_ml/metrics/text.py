"""Character error rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from giar_ml.metrics.counts import add_fields, ratio


@dataclass(frozen=True)
class EditCounts:
    """Edits that turn gold texts into the texts read, in characters; `exact` texts need none."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    characters: int = 0
    """Length of the gold texts."""
    texts: int = 0
    exact: int = 0

    def __add__(self, other: EditCounts) -> EditCounts:
        return add_fields(self, other)

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def cer(self) -> float | None:
        """Edits per gold character: above 1 when much is read that is not there; None without gold
        characters, even where something was read."""
        return ratio(self.errors, self.characters)


def count_edits(pairs: Iterable[tuple[str, str]]) -> EditCounts:
    """The fewest edits (Levenshtein, 1966) of each (gold, read) pair, summed."""
    from rapidfuzz.distance import Levenshtein

    substitutions = deletions = insertions = characters = texts = exact = 0
    for gold, read in pairs:
        tags = [op.tag for op in Levenshtein.editops(gold, read)]
        substitutions += tags.count("replace")
        deletions += tags.count("delete")
        insertions += tags.count("insert")
        characters += len(gold)
        texts += 1
        exact += not tags
    return EditCounts(substitutions, deletions, insertions, characters, texts, exact)


def cer(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Character error rate over all (gold, read) pairs together; None without gold characters."""
    return count_edits(pairs).cer
