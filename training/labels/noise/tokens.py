"""Tokens lost, split and merged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from giar_ml.label.names import FIGURE, OTHER
from giar_ml.text import display_width
from training.labels.noise.draft import (
    Draft,
    Rng,
    box_centers,
    by_line,
    choose,
    draw_tokens,
    insert_lines,
    keep_tokens,
    line_height,
)

_RANKS = {OTHER: 0, "note": 1, FIGURE: 2}


# Lost ---------------------------------------------------------------------------------------------------


def lose_tokens(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Tokens not found, up to one in four."""
    return keep_tokens(draft, rng.random(len(draft.texts)) >= 0.25 * strength)


def lose_figures(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Short tokens (single figures and strokes) not found, up to half of them: detectors miss them first."""
    short = np.array([len(text) <= 2 for text in draft.texts], bool)
    return keep_tokens(draft, ~short | (rng.random(len(short)) >= 0.5 * strength))


def lose_rows(draft: Draft, rng: Rng, strength: float) -> Draft:
    """One to five lines lost, with all that stands on them."""
    keep = np.ones(len(draft.texts), bool)
    for _ in range(1 + int(rng.integers(0, 1 + round(4 * strength)))):
        box = draft.boxes[rng.integers(len(keep))]
        keep &= ~_within(draft, box[1], box[3])
    return keep_tokens(draft, keep)


def lose_header(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The headers of a table's columns lost, with what stands beside, above and below them."""
    headers = [i for i, label in enumerate(draft.labels) if label.startswith(("column:", "under:"))]
    if not headers:
        return draft
    box = draft.boxes[choose(headers, rng)]
    reach = line_height(draft) * (0.5 + 4 * strength * rng.random(2))
    return keep_tokens(draft, ~_within(draft, box[1] - reach[0], box[3] + reach[1]))


def lose_block(draft: Draft, rng: Rng, strength: float) -> Draft:
    """A rectangle lost, as under a stamp or a thumb, up to 40 % of the page wide and 20 % high."""
    low, high = draft.boxes[:, :2].min(axis=0), draft.boxes[:, 2:].max(axis=0)
    size = (high - low) * [0.1 + 0.3 * strength, 0.04 + 0.16 * strength] * (0.5 + 0.5 * rng.random(2))
    centers = box_centers(draft)
    return keep_tokens(draft, (np.abs(centers - centers[rng.integers(len(centers))]) > size / 2).any(axis=1))


def cut_page(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Only what stands above, below or between some heights: a table torn over pages."""
    heights = box_centers(draft)[:, 1]
    low, high = heights.min(), heights.max()
    lost = (high - low) * 0.7 * max(strength, 0.15)
    first = rng.choice([0.0, 1.0, rng.random()])  # share of the loss that is above
    return keep_tokens(draft, (heights >= low + lost * first) & (heights <= high - lost * (1 - first)))


def _within(draft: Draft, top: float, bottom: float) -> np.ndarray:
    heights = box_centers(draft)[:, 1]
    return (heights >= top) & (heights <= bottom)


# Split, merged ------------------------------------------------------------------------------------------


def split_tokens(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Tokens in two beside each other, up to three in ten; both keep the label."""
    return _split(draft, rng, 0.3 * strength, wrap=False)


def wrap_tokens(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Tokens in two, the second below the first, up to three in ten."""
    return _split(draft, rng, 0.3 * strength, wrap=True)


def merge_tokens(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Tokens read together with the next one on their line, up to three in ten of those that stand near.

    A header's label wins over a figure's, a figure's over a note's; else the longer text's.
    """
    if len(draft.texts) < 2:
        return draft
    order, starts = by_line(draft)
    ordered = draft.boxes[order]
    reach = (4 if draft.paper else 12) * line_height(draft)
    near = ~starts[1:] & (ordered[1:, 0] - ordered[:-1, 2] < reach * rng.random())
    pairs = np.flatnonzero(near & (rng.random(len(near)) < 0.3 * strength))
    glue = "" if rng.random() < 0.6 else " "
    texts, labels, boxes = list(draft.texts), list(draft.labels), draft.boxes.copy()
    sure = draft.confidences.copy()
    keep = np.ones(len(texts), bool)
    last = -2
    for at in pairs.tolist():
        if at == last + 1:  # at most two together
            continue
        last = at
        i, k = int(order[at]), int(order[at + 1])
        labels[i] = merged_label(texts[i], labels[i], texts[k], labels[k])
        texts[i] += glue + texts[k]
        sure[i] = np.minimum(sure[i], sure[k])  # nan where either is
        boxes[i] = [*np.minimum(boxes[i, :2], boxes[k, :2]), *np.maximum(boxes[i, 2:], boxes[k, 2:])]
        if not draft.paper:
            boxes[i, 2] = max(boxes[i, 2], boxes[i, 0] + display_width(texts[i]))
        keep[k] = False
    return keep_tokens(draft._replace(texts=texts, labels=labels, boxes=boxes, confidences=sure), keep)


def merged_label(text: str, label: str, other_text: str, other_label: str) -> str:
    """The label of two tokens read as one."""
    rank, other_rank = _rank(label), _rank(other_label)
    if rank == other_rank or {rank, other_rank} == {_RANKS[OTHER], _RANKS[FIGURE]}:
        return label if len(text) >= len(other_text) else other_label
    return label if rank > other_rank else other_label


def _rank(label: str) -> int:
    return _RANKS.get(label, 3)


def _split(draft: Draft, rng: Rng, rate: float, *, wrap: bool) -> Draft:
    chosen = [i for i in draw_tokens(draft, rng, rate) if len(draft.texts[i]) > 1]
    if not chosen:
        return draft
    texts, labels, boxes = [], [], []
    before = draft
    draws = rng.random(len(chosen)).tolist()
    pieces = {}
    for i, draw in zip(chosen, draws, strict=True):
        text = draft.texts[i]
        at = 1 + int(draw * (len(text) - 1))
        left, right = text[:at].strip(), text[at:].strip()
        if left and right:
            pieces[i] = (left, right)
    if wrap and not draft.paper:
        before = insert_lines(draft, np.array([draft.boxes[i, 1] for i in pieces]))
    sure = before.confidences.repeat([2 if i in pieces else 1 for i in range(len(before.texts))])
    for i, (text, label, box) in enumerate(
        zip(before.texts, before.labels, before.boxes.tolist(), strict=True)
    ):
        if i not in pieces:
            texts.append(text)
            labels.append(label)
            boxes.append(box)
            continue
        texts += pieces[i]
        labels += [label, label]
        boxes += _divide_box(box, *pieces[i], wrap=wrap, paper=draft.paper)
    return Draft(texts, np.array(boxes).reshape(-1, 4), labels, sure, draft.paper)


def _divide_box(
    box: Sequence[float], first: str, second: str, *, wrap: bool, paper: bool
) -> list[list[float]]:
    left, top, right, bottom = box
    width, height = display_width(first), display_width(second)
    share = width / max(width + height, 1)
    if not paper:
        middle = left + width
        if wrap:
            return [[left, top, middle, bottom], [left, top + 1, left + height, bottom + 1]]
        return [[left, top, middle, bottom], [max(middle, right - height), top, max(middle, right), bottom]]
    if wrap:
        up = 0.55 * (bottom - top)
        widths = (share * (right - left), (1 - share) * (right - left))
        return [
            [left, top - up, left + widths[0], bottom - up],
            [left, top + up, left + widths[1], bottom + up],
        ]
    if bottom - top > 1.5 * (right - left):  # a vertical text
        middle = top + share * (bottom - top)
        return [[left, top, right, middle], [left, middle, right, bottom]]
    middle = left + share * (right - left)
    return [[left, top, middle, bottom], [middle, top, right, bottom]]
