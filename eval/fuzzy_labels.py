"""The forms' printed labels found by edit distance: needs no weights, knows no context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from giar_ml.document import Labels, Token
from giar_ml.figures import is_figure
from giar_ml.forms import Form
from giar_ml.label.names import normalize_label

_TEMPERATURE = 0.05
"""A similarity that is lower by this much is e times less probable."""
_OTHER = 0.55
"""Similarity at which a label is as probable as none: about half of its characters differ."""
_FRAGMENT = 0.85
"""What a match of a part is worth beside a match of the whole."""
_MIN_FRAGMENT = 3
"""Shorter fragments say nothing: 其他 is part of five labels."""


@dataclass(frozen=True)
class FuzzyLabeller:
    """Compares each token with the form's printed labels by normalised edit distance."""

    def label(self, tokens: Sequence[Token], form: Form) -> list[Labels]:
        return [dict(_label_text(token.text, form.name, form)) for token in tokens]


@lru_cache(maxsize=65536)
def label_similarity(text: str, label: str) -> float:
    """How well a normalised text fits a normalised label, 0..1.

    The whole against the whole counts in full; a label found inside a longer text, or a text that is
    a piece of the label (both happen where rows are torn), counts less.
    """
    from rapidfuzz import fuzz

    if not text or not label:
        return 0.0
    if text == label:
        return 1.0
    whole = fuzz.ratio(text, label) / 100
    shorter = min(len(text), len(label))
    if shorter < _MIN_FRAGMENT:
        return whole
    part = fuzz.partial_ratio(text, label) / 100
    # A fragment says the more, the more of the label it covers.
    cover = min(1.0, len(text) / len(label))
    return max(whole, part * _FRAGMENT * (0.7 + 0.3 * cover) if part > 0.75 else 0.0)


@lru_cache(maxsize=8)
def _form_labels(form_name: str, form: Form) -> tuple[tuple[str, tuple[str, ...]], ...]:
    labels: dict[str, set[str]] = {"corner": set()}
    for table in form.tables:
        labels[f"title:{table.key}"] = {normalize_label(t) for t in table.title}
        for section in table.sections:
            for caption in section.caption:
                labels.setdefault(f"caption:{section.caption[0]}", set()).add(normalize_label(caption))
            labels["corner"].update(normalize_label(text) for text in section.corner)
            for kind, headers in (("row", section.rows), ("column", section.columns)):
                for header in headers:
                    name = f"{kind}:{table.key}.{header.key}"
                    labels.setdefault(name, set()).update(normalize_label(t) for t in header.labels)
                    for group in header.under:
                        labels.setdefault(f"under:{group}", set()).add(normalize_label(group))
    return tuple((name, tuple(sorted(texts))) for name, texts in labels.items())


@lru_cache(maxsize=65536)
def _label_text(text: str, form_name: str, form: Form) -> tuple[tuple[str, float], ...]:
    if is_figure(text):
        return (("figure", 0.99), ("other", 0.01))
    normalized = normalize_label(text)
    scores = {
        name: max((label_similarity(normalized, label) for label in labels), default=0.0)
        for name, labels in _form_labels(form_name, form)
    }
    weights = {name: math.exp((score - _OTHER) / _TEMPERATURE) for name, score in scores.items()}
    total = sum(weights.values()) + 1.0
    kept = [(name, weight / total) for name, weight in weights.items() if weight / total > 1e-4]
    return (*sorted(kept, key=lambda item: -item[1]), ("other", 1.0 / total))
