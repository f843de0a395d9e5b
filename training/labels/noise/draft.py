"""A page under work, and the steps that several kinds of noise share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from giar_ml.document import BBox
from giar_ml.text import display_width
from training.labels.examples import Example, Item

Rng = np.random.Generator
_Option = TypeVar("_Option")
_PIECE = re.compile(r"\S+")


class Draft(NamedTuple):
    """A page under work. `boxes` is (N, 4) left, top, right, bottom, `confidences` (N,), nan for texts that
    are misread or do not belong to the page; neither is changed in place."""

    texts: list[str]
    boxes: np.ndarray
    labels: list[str]
    confidences: np.ndarray
    paper: bool


def to_draft(example: Example) -> Draft:
    texts, boxes, labels, sure = zip(*example.items, strict=True) if example.items else ((), (), (), ())
    return Draft(
        list(texts), np.array(boxes, float).reshape(-1, 4), list(labels), np.array(sure, float), example.paper
    )


def to_example(draft: Draft, source: str) -> Example:
    boxes = map(BBox._make, draft.boxes.tolist())
    items = map(Item._make, zip(draft.texts, boxes, draft.labels, draft.confidences.tolist(), strict=True))
    return Example(tuple(items), draft.paper, source)


def choose(options: Sequence[_Option], rng: Rng) -> _Option:
    """One of the options, each as likely as the others."""
    return options[int(rng.random() * len(options))]


def draw_tokens(draft: Draft, rng: Rng, rate: float) -> list[int]:
    """Indices of tokens, each drawn with the probability `rate`."""
    return np.flatnonzero(rng.random(len(draft.texts)) < rate).tolist()


def keep_tokens(draft: Draft, keep: np.ndarray) -> Draft:
    """The tokens to keep; all of them, when none would be left."""
    kept = np.flatnonzero(keep).tolist()
    if len(kept) in (0, len(keep)):
        return draft
    return Draft(
        [draft.texts[i] for i in kept],
        draft.boxes[kept],
        [draft.labels[i] for i in kept],
        draft.confidences[kept],
        draft.paper,
    )


def rewrite(draft: Draft, changed: dict[int, str]) -> Draft:
    """The draft with new texts for some tokens; those left empty are lost.

    In a text, what follows on the line moves by the change in width, and a word with spaces becomes several,
    as its reader divides there; a table's cell, wider than what it holds, stays one.
    """
    if not changed:
        return draft
    texts = list(draft.texts)
    for i, text in changed.items():
        texts[i] = text.strip()
    if not any(texts):
        return draft
    new = draft._replace(texts=texts)
    if not draft.paper:
        words = [i for i in changed if _is_word(draft, i)]
        new = _divide_at_spaces(_widen(draft, texts, words), words)
    return keep_tokens(new, np.array([bool(text) for text in new.texts]))


def _is_word(draft: Draft, i: int) -> bool:
    return abs(draft.boxes[i, 2] - draft.boxes[i, 0] - display_width(draft.texts[i])) < 0.5


def _widen(draft: Draft, texts: list[str], words: Sequence[int]) -> Draft:
    """A text with other words, each line pushed right by what those before it have grown."""
    grown = np.zeros(len(texts))
    for i in words:
        grown[i] = display_width(texts[i]) - display_width(draft.texts[i])
    order, starts = by_line(draft)
    pushed = np.cumsum(grown[order])
    pushed -= (pushed - grown[order])[starts][np.cumsum(starts) - 1]
    boxes = draft.boxes.copy()
    boxes[order, 0] += pushed - grown[order]
    boxes[order, 2] += pushed
    return draft._replace(texts=texts, boxes=boxes)


def _divide_at_spaces(draft: Draft, words: Sequence[int]) -> Draft:
    spaced = {i for i in words if any(char.isspace() for char in draft.texts[i])}
    if not spaced:
        return draft
    texts, labels, boxes, sources = [], [], [], []
    for i, (text, label, box) in enumerate(zip(draft.texts, draft.labels, draft.boxes.tolist(), strict=True)):
        if i not in spaced:
            texts.append(text)
            labels.append(label)
            boxes.append(box)
            sources.append(i)
            continue
        for match in _PIECE.finditer(text):
            left = box[0] + display_width(text[: match.start()])
            texts.append(match[0])
            labels.append(label)
            boxes.append([left, box[1], left + display_width(match[0]), box[3]])
            sources.append(i)
    return Draft(texts, np.array(boxes), labels, draft.confidences[sources], draft.paper)


def line_height(draft: Draft) -> float:
    """The usual height of a line of print; 1 in a text, whose boxes count lines."""
    if not draft.paper:
        return 1.0
    return float(np.median((draft.boxes[:, 2:] - draft.boxes[:, :2]).min(axis=1))) or 1.0


def box_centers(draft: Draft) -> np.ndarray:
    """(N, 2) x, y."""
    return (draft.boxes[:, :2] + draft.boxes[:, 2:]) / 2


def by_line(draft: Draft) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the tokens line by line from left to right, and where in them a line starts."""
    heights = box_centers(draft)[:, 1]
    down = np.argsort(heights, kind="stable")
    line = np.empty(len(down), int)
    line[down] = np.cumsum(np.diff(heights[down], prepend=heights[down[:1]]) > line_height(draft) / 2)
    order = np.lexsort((draft.boxes[:, 0], line))
    return order, np.diff(line[order], prepend=-1) > 0


def insert_lines(draft: Draft, after: Iterable[float] | np.ndarray) -> Draft:
    """A text with a line inserted below each of the lines at the tops `after`."""
    tops = np.sort(np.asarray(after, float))
    down = np.searchsorted(tops, draft.boxes[:, 1], side="left")
    return draft._replace(boxes=draft.boxes + down[:, None] * np.array([0, 1, 0, 1]))
