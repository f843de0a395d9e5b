"""Tokens that are no part of the form, and tokens that nothing can read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from giar_ml.document import UNREAD
from giar_ml.label.names import OTHER
from giar_ml.text import display_width
from training.labels.noise.characters import vocabulary
from training.labels.noise.draft import Draft, Rng, choose, insert_lines, line_height

_SPECKS = (".", "-", "1", "一", "·", ",", "'", "|", "、", "。", "~", "_", ":", "丶", "I", "*", "^", "ー", "°")
_SEALS = (
    "人民政府",
    "办公室",
    "专用章",
    "委员会",
    "信息公开专用章",
    "管理局",
    "档案",
    "收文",
    "已核",
    "街道办事处",
)
_FOOTERS = ("- {} -", "—{}—", "{}", "第{}页", "- {}-", "·{}·", "{}/12", "第 {} 页 共 9 页")
_TEXT_STRAYS = (
    "|",
    "---",
    "#",
    "##",
    "**",
    "\\",
    "<br>",
    "&nbsp;",
    "打印",
    "关闭",
    "分享到：",
    "上一篇",
    "□",
    "�",
)


def add_specks(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Dots and strokes where there is dirt or a piece of a ruling line; up to one per eight tokens."""
    n = 1 + int(rng.integers(0, 1 + round(len(draft.texts) / 8 * strength)))
    size = line_height(draft)
    at = _somewhere(draft, rng, n)
    sizes = size * (0.15 + 0.6 * rng.random((n, 2)))
    return _append(draft, [choose(_SPECKS, rng) for _ in range(n)], np.hstack([at, at + sizes]))


def add_rule_pieces(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Pieces of ruling lines, flat or upright and up to a third of the page long, that nothing can read."""
    n = 1 + int(rng.integers(0, 1 + round(len(draft.texts) / 6 * strength)))
    size = line_height(draft)
    reach = (draft.boxes[:, 2].max() - draft.boxes[:, 0].min()) / 3
    sizes = np.column_stack([size * rng.uniform(0.1, 0.3, n), rng.uniform(size, max(reach, 2 * size), n)])
    flat = rng.random(n) < 0.8
    sizes[flat] = sizes[flat][:, ::-1]
    at = _somewhere(draft, rng, n)
    return _append(draft, [UNREAD] * n, np.hstack([at, at + sizes]))


def unread(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Up to one token in fifty that nothing can read; it keeps its label. (Of what a reader cannot read on
    scans, one in twenty-five is print, the rest are pieces of rules and dirt.)"""
    hit = rng.random(len(draft.texts)) < 0.02 * strength
    texts = [UNREAD if is_hit else text for text, is_hit in zip(draft.texts, hit, strict=True)]
    return draft._replace(texts=texts)


def add_seal(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The words of a seal, in one to four pieces around a place."""
    pieces = [choose(_SEALS, rng) for _ in range(1 + int(rng.integers(0, 4)))]
    if rng.random() < 0.5:
        pieces = ["".join(rng.permutation(list(piece))) for piece in pieces]
    size = line_height(draft)
    places = _somewhere(draft, rng, 1) + size * rng.normal(0, 1.5 + 2 * strength, (len(pieces), 2))
    sizes = size * np.array([[len(piece), 1.0] for piece in pieces]) * rng.uniform(0.6, 1.6, (len(pieces), 1))
    return _append(draft, pieces, np.hstack([places, places + sizes]))


def add_footer(draft: Draft, rng: Rng, strength: float) -> Draft:
    """A page number below or above everything, in a text also between the lines."""
    text = choose(_FOOTERS, rng).format(rng.integers(1, 30))
    low, high = draft.boxes[:, :2].min(axis=0), draft.boxes[:, 2:].max(axis=0)
    size = line_height(draft)
    left = low[0] + (high[0] - low[0]) * rng.choice([0.0, 0.48, 0.92])
    top = high[1] + size * (1 + 2 * strength) if rng.random() < 0.8 else low[1] - size * (2 + strength)
    if not draft.paper and rng.random() < 0.5:
        top = draft.boxes[rng.integers(len(draft.boxes)), 1]
        draft = insert_lines(draft, np.array([top - 1]))
    box = [left, top, left + size * 0.6 * display_width(text), top + size]
    return _append(draft, [text], np.array([box]))


def add_handwriting(draft: Draft, rng: Rng, strength: float) -> Draft:
    """One to six large marks that read as any characters: remarks, signatures, ticks."""
    n = 1 + int(rng.integers(0, 1 + round(5 * strength)))
    texts = ["".join(choose(vocabulary(), rng) for _ in range(rng.integers(1, 5))) for _ in range(n)]
    size = line_height(draft) * rng.uniform(1, 2.5, (n, 1))
    at = _somewhere(draft, rng, n)
    return _append(draft, texts, np.hstack([at, at + size * np.array([[len(text), 1.0] for text in texts])]))


def add_strays(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Pieces of markup and of a web page's frame, on lines of their own or behind others."""
    for _ in range(1 + int(rng.integers(0, 1 + round(6 * strength)))):
        at = draft.boxes[rng.integers(len(draft.boxes))]
        text = choose(_TEXT_STRAYS, rng)
        if rng.random() < 0.5:
            draft = insert_lines(draft, at[1:2])
            box = [0.0, at[1] + 1, display_width(text), at[1] + 2]
        else:
            box = [at[2] + 1, at[1], at[2] + 1 + display_width(text), at[3]]
        draft = _append(draft, [text], np.array([box]))
    return draft


def _append(draft: Draft, texts: Sequence[str], boxes: np.ndarray) -> Draft:
    """The draft with more tokens, which are no part of a form."""
    if not draft.paper:  # whole lines and columns
        boxes = np.floor(boxes)
        boxes[:, 2] = boxes[:, 0] + [display_width(text) for text in texts]
        boxes[:, 3] = boxes[:, 1] + 1
    return Draft(
        [*draft.texts, *texts],
        np.vstack([draft.boxes, boxes]),
        [*draft.labels, *[OTHER] * len(texts)],
        np.append(draft.confidences, np.full(len(texts), np.nan)),
        draft.paper,
    )


def _somewhere(draft: Draft, rng: Rng, n: int) -> np.ndarray:
    """(n, 2) places between the outermost boxes."""
    low, high = draft.boxes[:, :2].min(axis=0), draft.boxes[:, 2:].max(axis=0)
    return low + (high - low) * rng.random((n, 2))
