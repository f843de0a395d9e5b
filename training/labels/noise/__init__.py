"""Damage to pages of tokens: what bad OCR of faxes and photos, and broken text dumps, look like.

Each kind of noise is a function of a draft, a generator and a strength, 0 (hardly any) to 1 (as bad as it
gets; `level` may lead above). `KINDS` says how often a page has which; `add_noise` draws them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from training.labels.examples import Example
from training.labels.noise import characters, places, strays, tokens, writing
from training.labels.noise.characters import load_confusions
from training.labels.noise.draft import Draft, Rng, to_draft, to_example
from training.labels.noise.tokens import merged_label

__all__ = ["KINDS", "add_noise", "load_confusions", "merged_label", "to_draft", "to_example"]

_DOUBTED = 0.1
"""Share of well-read tokens of the worst pages that the reader doubts all the same."""


class Kind(NamedTuple):
    """One kind of noise; `probability` of a page of the worst quality to have it."""

    apply: Callable[[Draft, Rng, float], Draft]
    probability: float
    on: str = "both"  # or "paper", "text"


def add_noise(example: Example, rng: Rng, *, level: float = 1.0) -> Example:
    """The example with every token's label kept, its texts and boxes damaged, tokens lost and added.

    Args:
        level: 0 returns the example itself; 1 is as bad as faxes, photos and broken dumps get. A page's
            own quality is drawn below it, and each kind's strength with more weak than strong ones.
    """
    if level <= 0 or not example.items:
        return example
    draft = to_draft(example)
    quality = level * rng.random()
    draws = rng.random((len(KINDS), 2))
    for kind, (chance, strength) in zip(KINDS.values(), draws, strict=True):
        if chance < kind.probability * min(1.0, quality) and kind.on in ("both", _medium(draft)):
            draft = kind.apply(draft, rng, level * strength**2)
    return to_example(doubt(draft, rng, quality), example.source)


def doubt(draft: Draft, rng: Rng, quality: float) -> Draft:
    """Confidences as OCR has them: any value in what was misread or is a stray, and in a few others."""
    sure = draft.confidences
    if not draft.paper:
        return draft._replace(confidences=np.ones(len(sure)))
    drawn = np.isnan(sure) | (rng.random(len(sure)) < _DOUBTED * quality)
    return draft._replace(confidences=np.where(drawn, rng.random(len(sure)), sure))


def _medium(draft: Draft) -> str:
    return "paper" if draft.paper else "text"


KINDS = {
    "cut_page": Kind(tokens.cut_page, 0.15),
    "lose_header": Kind(tokens.lose_header, 0.1),
    "lose_block": Kind(tokens.lose_block, 0.1),
    "lose_rows": Kind(tokens.lose_rows, 0.25),
    "lose_tokens": Kind(tokens.lose_tokens, 0.3),
    "lose_figures": Kind(tokens.lose_figures, 0.3),
    "change_numbering": Kind(writing.change_numbering, 0.35),
    "confuse": Kind(characters.confuse, 0.6),
    "scramble": Kind(characters.scramble, 0.3),
    "misread_digits": Kind(characters.misread_digits, 0.4),
    "vary_punctuation": Kind(characters.vary_punctuation, 0.6),
    "drop_characters": Kind(characters.drop_characters, 0.4),
    "double_characters": Kind(characters.double_characters, 0.15),
    "cut_ends": Kind(characters.cut_ends, 0.25),
    "change_width": Kind(writing.change_width, 0.2),
    "use_radicals": Kind(writing.use_radicals, 0.03),
    "space_out": Kind(writing.space_out, 0.2),
    "split_tokens": Kind(tokens.split_tokens, 0.35),
    "wrap_tokens": Kind(tokens.wrap_tokens, 0.2),
    "merge_tokens": Kind(tokens.merge_tokens, 0.4),
    "shift_columns": Kind(places.shift_columns, 0.35, "text"),
    "change_gaps": Kind(places.change_gaps, 0.35, "text"),
    "insert_blanks": Kind(places.insert_blanks, 0.3, "text"),
    "move_labels": Kind(places.move_labels, 0.25, "text"),
    "break_rows": Kind(places.break_rows, 0.25, "text"),
    "add_strays": Kind(strays.add_strays, 0.25, "text"),
    "add_specks": Kind(strays.add_specks, 0.4, "paper"),
    "add_rule_pieces": Kind(strays.add_rule_pieces, 0.4, "paper"),
    "unread": Kind(strays.unread, 0.25, "paper"),
    "add_seal": Kind(strays.add_seal, 0.2, "paper"),
    "add_handwriting": Kind(strays.add_handwriting, 0.15, "paper"),
    "add_footer": Kind(strays.add_footer, 0.3),
    "swap_places": Kind(places.swap_places, 0.25, "paper"),
    "jitter_boxes": Kind(places.jitter_boxes, 0.8, "paper"),
    "pad_boxes": Kind(places.pad_boxes, 0.5, "paper"),
    "turn": Kind(places.turn, 0.6, "paper"),
    "tilt": Kind(places.tilt, 0.3, "paper"),
    "curl": Kind(places.curl, 0.3, "paper"),
}
"""In the order that they are applied: first what the page lacks, then what is misread, then where it is."""
