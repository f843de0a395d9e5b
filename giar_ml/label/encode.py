"""Tokens of a page as windows of pieces that a model takes, and the model's word on pieces as one on tokens.

A piece is what the model's tokenizer makes: one character, with the vocabulary trained here. A page with
more pieces than a window holds is cut into windows that overlap; a token then takes the word of the window
in which it stands furthest from the edges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from giar_ml.document import UNREAD
from giar_ml.label.frame import Placed, reading_order
from giar_ml.text import normalize_radicals

if TYPE_CHECKING:
    from tokenizers import Tokenizer

ENCODING = 1
"""Number of the way in which tokens are written for a model: another one after each change of it."""
MAX_KEPT = 50_000
"""Texts whose pieces are kept: most of a report's come again in the next one."""
MAX_COORDINATE = 1000
_DOUBTS = (0.9, 0.5)
"""A text read with less confidence than each of them gets a mark."""
DOUBT = "\ue000"
"""The mark: no text has it, so a vocabulary of characters must be given it."""
_FIGURE = re.compile(r"[\d.,+\-，．]+")
_FIGURE_PIECES = 2
_HEAD, _TAIL = 18, 6
"""Characters kept of a longer token: more tell no label apart, and prose costs as much as a table."""


@dataclass(frozen=True)
class Window:
    """`ids` (n,) pieces with their special ones, `bbox` (n, 4) 0 to 1000, `owners` (n,) the index of the
    token that a piece is of, -1 for a special one; all int64."""

    ids: np.ndarray
    bbox: np.ndarray
    owners: np.ndarray


class Encoder:
    """Cuts pages into windows.

    Args:
        tokenizer: any of the `tokenizers` library; special pieces are looked up under the names that BERT
            and RoBERTa use.
        size: the most pieces of a window, special ones included.
    """

    def __init__(self, tokenizer: Tokenizer, *, size: int = 512) -> None:
        self._tokenizer = tokenizer
        self._size = size
        self._begin = _special(tokenizer, "<s>", "[CLS]")
        self._end = _special(tokenizer, "</s>", "[SEP]")
        self._unknown = _special(tokenizer, "<unk>", "[UNK]")
        self.pad = _special(tokenizer, "<pad>", "[PAD]")
        self._pieces: dict[str, list[int]] = {}

    @classmethod
    def load(cls, folder: Path, *, size: int) -> Encoder:
        """With the tokenizer of a model's folder."""
        from tokenizers import Tokenizer

        return cls(Tokenizer.from_file(str(folder / "tokenizer.json")), size=size)

    def encode(self, placed: Sequence[Placed]) -> list[Window]:
        """The windows of a page; every token is in one at least."""
        order = reading_order(placed)
        pieces = [self._encode_text(mark_doubt(placed[i])) for i in order]
        room = self._size - 2
        windows = []
        start = 0
        while start < len(order):
            stop, n = start, 0
            while stop < len(order) and n + len(pieces[stop]) <= room:
                n += len(pieces[stop])
                stop += 1
            windows.append(self._window(placed, order[start:stop], pieces[start:stop]))
            if stop == len(order):
                break
            # The next one begins with the last quarter of this one.
            back, shared = stop, 0
            while back > start + 1 and shared + len(pieces[back - 1]) <= room // 4:
                back -= 1
                shared += len(pieces[back])
            start = back
        return windows

    def _encode_text(self, text: str) -> list[int]:
        if (known := self._pieces.get(text)) is None:
            if len(self._pieces) >= MAX_KEPT:
                self._pieces.clear()
            ids = self._tokenizer.encode(text, add_special_tokens=False).ids
            known = self._pieces[text] = ids[: self._size // 4] or [self._unknown]
        return known

    def _window(self, placed: Sequence[Placed], tokens: Sequence[int], pieces: Sequence[list[int]]) -> Window:
        counts = [len(ids) for ids in pieces]
        boxes = np.array([placed[i].bbox for i in tokens], dtype=float)
        boxes[:, [1, 3]] -= boxes[:, 1].min()
        boxes = boxes.clip(0, MAX_COORDINATE).round().astype(np.int64)
        corner = np.zeros((1, 4), np.int64)
        return Window(
            ids=np.array([self._begin, *(piece for ids in pieces for piece in ids), self._end], np.int64),
            bbox=np.concatenate([corner, boxes.repeat(counts, axis=0), corner]),
            owners=np.concatenate([[-1], np.repeat(tokens, counts), [-1]]).astype(np.int64),
        )


def mark_doubt(token: Placed) -> str:
    """What of a token's text the model is shown, with a mark or two where it was read with doubt."""
    doubt = DOUBT * sum(token.confidence < limit for limit in _DOUBTS)
    return shorten(token.text) + (doubt if token.text != UNREAD else "")


def shorten(text: str) -> str:
    """What of a token's text the model is shown: the head of a figure, head and tail of a long line."""
    text = normalize_radicals(text)
    if _FIGURE.fullmatch(text):
        return text[:_FIGURE_PIECES]
    return text if len(text) <= _HEAD + _TAIL else text[:_HEAD] + text[-_TAIL:]


def pad_windows(
    windows: Sequence[Window], pad: int, *, multiple: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One batch: `input_ids` (B, S), `bbox` (B, S, 4), `attention_mask` (B, S); S of the longest, rounded up
    to a multiple of `multiple`."""
    length = -(-max(len(window.ids) for window in windows) // multiple) * multiple
    ids = np.full((len(windows), length), pad, np.int64)
    bbox = np.zeros((len(windows), length, 4), np.int64)
    mask = np.zeros((len(windows), length), np.int64)
    for k, window in enumerate(windows):
        n = len(window.ids)
        ids[k, :n], bbox[k, :n], mask[k, :n] = window.ids, window.bbox, 1
    return ids, bbox, mask


def token_log_probs(n_tokens: int, windows: Iterable[Window], logits: Iterable[np.ndarray]) -> np.ndarray:
    """The model's word on tokens, (n_tokens, L) float64 log-probabilities.

    The mean of a token's pieces, in the window where its nearest edge is furthest away.

    Args:
        logits: per window (n, L), calibrated (divided by the temperature).
    """
    found: np.ndarray | None = None
    depth = np.full(n_tokens, -1.0)
    for window, scores in zip(windows, logits, strict=True):
        log_probs = log_softmax(np.asarray(scores, dtype=np.float64)[: len(window.owners)])
        if found is None:
            found = np.zeros((n_tokens, log_probs.shape[1]))
        tokens, starts, counts = _runs(window.owners)
        means = np.add.reduceat(log_probs, starts) / counts[:, None]
        edge = np.minimum(starts, len(window.owners) - starts - counts)
        deeper = (tokens >= 0) & (edge > depth[tokens])
        found[tokens[deeper]], depth[tokens[deeper]] = means[deeper], edge[deeper]
    return log_softmax(found) if found is not None else np.zeros((0, 0))


def _runs(owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    return owners[starts], starts, np.diff(np.r_[starts, len(owners)])


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _special(tokenizer: Tokenizer, *names: str) -> int:
    for name in names:
        if (found := tokenizer.token_to_id(name)) is not None:
            return int(found)
    raise ValueError(f"the tokenizer has none of {', '.join(names)}")
