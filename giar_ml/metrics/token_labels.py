"""Labels of single tokens: each token that a reader found has a gold label, and one from a labeller.

All functions take gold and predicted labels side by side, one of each per token, in any order, and raise
ValueError when their numbers differ. F1 is micro-averaged over all labels but `other`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from giar_ml.document import Labels
from giar_ml.label.names import OTHER, is_header
from giar_ml.metrics.counts import add_fields, ratio
from giar_ml.metrics.labels import LabelCounts

CELL_LABELS = ("row:", "column:")


class Choice(NamedTuple):
    """The label that a token is given, and its probability, 0..1."""

    label: str
    confidence: float


@dataclass(frozen=True)
class TokenCounts:
    """Counts over tokens, those of the gold that were lost before labelling, and tables.

    Args:
        labels: true and false positives and negatives of every label but `other`.
        gold: tokens of the gold that are not `other`. Of these `lost` are covered by no token that was read,
            and `merged` only by tokens that have the label of another.
        tables_right: tables whose rows and columns are all right, see `is_table_right`.
    """

    tokens: int = 0
    right: int = 0
    labels: LabelCounts = field(default_factory=LabelCounts)
    gold: int = 0
    lost: int = 0
    merged: int = 0
    tables: int = 0
    tables_right: int = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return add_fields(self, other)

    @property
    def accuracy(self) -> float | None:
        return ratio(self.right, self.tokens)

    @property
    def f1(self) -> float | None:
        return self.labels.f1

    @property
    def headers(self) -> LabelCounts:
        """The counts of rows, columns, groups, titles, captions and corners alone."""
        return LabelCounts(
            *(
                Counter({label: n for label, n in counter.items() if is_header(label)})
                for counter in (
                    self.labels.true_positives,
                    self.labels.false_positives,
                    self.labels.false_negatives,
                )
            )
        )

    @property
    def lost_share(self) -> float | None:
        return ratio(self.lost, self.gold)

    @property
    def merged_share(self) -> float | None:
        return ratio(self.merged, self.gold)

    @property
    def tables_right_share(self) -> float | None:
        return ratio(self.tables_right, self.tables)


def choose_label(labels: Labels) -> Choice:
    """The most probable label; `other` where none is named. Of equal ones the first."""
    if not labels:
        return Choice(OTHER, 1.0)
    label = max(labels, key=labels.__getitem__)
    return Choice(label, min(max(float(labels[label]), 0.0), 1.0))


def count_tokens(gold: Sequence[str], predicted: Sequence[str]) -> TokenCounts:
    """The counts of some tokens; tables and losses are counted apart."""
    labels = LabelCounts()
    right = 0
    for truth, label in zip(gold, predicted, strict=True):
        if label == truth:
            right += 1
            if truth != OTHER:
                labels.true_positives[truth] += 1
            continue
        if truth != OTHER:
            labels.false_negatives[truth] += 1
        if label != OTHER:
            labels.false_positives[label] += 1
    return TokenCounts(len(gold), right, labels)


def is_table_right(gold: Sequence[str], predicted: Sequence[str]) -> bool:
    """Whether the tokens of a table that are labels of rows or columns are all taken for what they are,
    and nothing else in it is taken for one."""
    return all(
        truth == label
        for truth, label in zip(gold, predicted, strict=True)
        if truth.startswith(CELL_LABELS) or label.startswith(CELL_LABELS)
    )


def who_is_right(gold: Sequence[str], predicted: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """For each token the labellers that are right, in their order."""
    for name, labels in predicted.items():
        if len(labels) != len(gold):
            raise ValueError(f"{name}: {len(labels)} labels for {len(gold)} tokens")
    return [
        tuple(name for name, labels in predicted.items() if labels[i] == truth)
        for i, truth in enumerate(gold)
    ]


def count_confusions(gold: Iterable[str], predicted: Iterable[str]) -> Counter[tuple[str, str]]:
    """How often a gold label was taken for which other; right ones are left out."""
    return Counter((truth, label) for truth, label in zip(gold, predicted, strict=True) if truth != label)
