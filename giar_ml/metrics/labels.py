"""Header labels: precision, recall and F1 over the header tokens of the gold.

The unit is a gold token. Its prediction is the label of the predicted token that covers it: on a page the
one that overlaps it most, of those whose centre it holds or that hold its centre; in a text the one beside
it when the tokens of the line are laid side by side. Several gold tokens may share a predicted one. A gold
header with its own label is a true positive; with none, or a label that is no header's, a false negative;
with another header's label both a false negative of its own and a false positive of that one. Gold tokens
that are no headers, called one, are false positives. So is a predicted header that no gold token chose,
unless it lies on a gold token of the same label: a header read in two pieces is no mistake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from giar_ml.annotations.gold import GoldToken
from giar_ml.document import BBox
from giar_ml.geometry import contains_center, intersection_area
from giar_ml.label import LabelledToken
from giar_ml.label.names import is_header
from giar_ml.metrics.alignment import align
from giar_ml.metrics.counts import add_fields, ratio

_SAME_TEXT = 0.5
"""Similarity from which two texts of one line may be the same token: half of the characters differ."""


@dataclass(frozen=True)
class LabelledBox:
    """A predicted token: on a page (1-based) its box in the gold's pixels, in a text its line (1-based) and
    its text. Boxes of one line stand in reading order."""

    label: str
    page: int | None = None
    bbox: BBox | None = None
    line: int | None = None
    text: str = ""


@dataclass(frozen=True)
class LabelCounts:
    """True positives, false positives and false negatives of each header label."""

    true_positives: Counter[str] = field(default_factory=Counter)
    false_positives: Counter[str] = field(default_factory=Counter)
    false_negatives: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: LabelCounts) -> LabelCounts:
        return add_fields(self, other)

    @property
    def labels(self) -> list[str]:
        """Every label that stands in the gold or was predicted, in alphabetical order."""
        return sorted({*self.true_positives, *self.false_positives, *self.false_negatives})

    @property
    def precision(self) -> float | None:
        """Micro-averaged; None when no header was predicted."""
        return ratio(self._tp, self._tp + self.false_positives.total())

    @property
    def recall(self) -> float | None:
        """Micro-averaged; None when the gold has no header."""
        return ratio(self._tp, self._tp + self.false_negatives.total())

    @property
    def f1(self) -> float | None:
        """Micro-averaged; None when there is no header on either side."""
        wrong = self.false_positives.total() + self.false_negatives.total()
        return ratio(2 * self._tp, 2 * self._tp + wrong)

    @property
    def macro_precision(self) -> float | None:
        """Mean over `labels`, 0 for one never predicted; None without labels."""
        return self._mean([self.only(label).precision for label in self.labels])

    @property
    def macro_recall(self) -> float | None:
        """Mean over `labels`, 0 for one that the gold lacks; None without labels."""
        return self._mean([self.only(label).recall for label in self.labels])

    @property
    def macro_f1(self) -> float | None:
        """Mean over `labels`; None without labels."""
        return self._mean([self.only(label).f1 for label in self.labels])

    def only(self, name: str) -> LabelCounts:
        """The counts of one label, or of a kind such as `row:`, named with its colon."""
        wanted = {label for label in self.labels if name in (label, label[: label.find(":") + 1])}
        return LabelCounts(
            *(
                Counter({label: n for label, n in counter.items() if label in wanted})
                for counter in (self.true_positives, self.false_positives, self.false_negatives)
            )
        )

    @property
    def _tp(self) -> int:
        return self.true_positives.total()

    @staticmethod
    def _mean(scores: Sequence[float | None]) -> float | None:
        return ratio(sum(score or 0.0 for score in scores), len(scores))


def labelled_boxes(tokens: Iterable[LabelledToken]) -> list[LabelledBox]:
    """The reader's labelled tokens as this module takes them."""
    return [
        LabelledBox(item.label, line=item.token.line, text=item.token.text)
        if item.token.line is not None
        else LabelledBox(item.label, item.page, item.token.bbox, text=item.token.text)
        for item in tokens
    ]


def label_counts(gold: Sequence[GoldToken], predicted: Sequence[LabelledBox]) -> LabelCounts:
    """Count the header labels of one document."""
    counts = LabelCounts()
    chosen: set[int] = set()
    partners = _find_partners(gold, predicted)
    for token, partner in zip(gold, partners, strict=True):
        label = predicted[partner].label if partner is not None else "other"
        if partner is not None:
            chosen.add(partner)
        if label == token.label:
            if is_header(label):
                counts.true_positives[label] += 1
            continue
        if is_header(token.label):
            counts.false_negatives[token.label] += 1
        if is_header(label):
            counts.false_positives[label] += 1
    for index, box in enumerate(predicted):
        if index not in chosen and is_header(box.label) and not _is_piece(box, gold):
            counts.false_positives[box.label] += 1
    return counts


def _find_partners(gold: Sequence[GoldToken], predicted: Sequence[LabelledBox]) -> list[int | None]:
    """The index in `predicted` that belongs to each gold token."""
    pages = _group([(box.page if box.bbox else None) for box in predicted])
    lines = _group([box.line for box in predicted])
    partners: list[int | None] = [None] * len(gold)
    for i, token in enumerate(gold):
        if (bbox := token.place.bbox) is not None and token.place.page is not None:
            near = [k for k in pages.get(token.place.page, []) if _touch(predicted[k].bbox, bbox)]
            partners[i] = max(near, key=lambda k: _shared(predicted[k].bbox, bbox), default=None)
    for line, indices in _group([token.place.line for token in gold]).items():
        others = lines.get(line, [])
        likeness = _similarities([gold[i].text for i in indices], [predicted[k].text for k in others])
        for a, b in align(np.where(likeness >= _SAME_TEXT, likeness, 0.0)):
            if likeness[a, b] >= _SAME_TEXT:
                partners[indices[a]] = others[b]
    return partners


def _is_piece(box: LabelledBox, gold: Sequence[GoldToken]) -> bool:
    """Whether the box is part of a gold token of the same label."""
    for token in gold:
        if token.label != box.label:
            continue
        if box.line is not None:
            if token.place.line == box.line and box.text and box.text in token.text:
                return True
        elif token.place.page == box.page and _touch(box.bbox, token.place.bbox):
            return True
    return False


def _group(keys: Sequence[int | None]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for index, key in enumerate(keys):
        if key is not None:
            groups.setdefault(key, []).append(index)
    return groups


def _touch(a: BBox | None, b: BBox | None) -> bool:
    return a is not None and b is not None and (contains_center(a, b) or contains_center(b, a))


def _shared(a: BBox | None, b: BBox) -> float:
    return intersection_area(a, b) if a else 0.0


def _similarities(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """(N, M) similarities of texts, 0..1; two empty texts are the same."""
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    if not texts or not others:
        return np.zeros((len(texts), len(others)))
    return np.asarray(cdist(texts, others, scorer=Indel.normalized_similarity, dtype=np.float64))
