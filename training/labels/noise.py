"""Damage to pages of tokens: what bad OCR of faxes and photos, and broken text dumps, look like.

Each kind of noise is a function of a draft, a generator and a strength, 0 (hardly any) to 1 (as bad as it
gets; `level` may lead above). `KINDS` says how often a page has which; `add_noise` draws them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple, TypeVar

import numpy as np

from giar_ml.document import UNREAD, BBox
from giar_ml.label.names import FIGURE, OTHER
from giar_ml.text import display_width, normalize_radicals
from training.labels.examples import Example, Item

Rng = np.random.Generator
_DOUBTED = 0.1
"""Share of well-read tokens of the worst pages that the reader doubts all the same."""
_Option = TypeVar("_Option")


class Draft(NamedTuple):
    """A page under work. `boxes` is (N, 4) left, top, right, bottom, `confidences` (N,), nan for texts that
    are misread or do not belong to the page; neither is changed in place."""

    texts: list[str]
    boxes: np.ndarray
    labels: list[str]
    confidences: np.ndarray
    paper: bool


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


def to_draft(example: Example) -> Draft:
    texts, boxes, labels, sure = zip(*example.items, strict=True) if example.items else ((), (), (), ())
    return Draft(
        list(texts), np.array(boxes, float).reshape(-1, 4), list(labels), np.array(sure, float), example.paper
    )


def to_example(draft: Draft, source: str) -> Example:
    boxes = map(BBox._make, draft.boxes.tolist())
    items = map(Item._make, zip(draft.texts, boxes, draft.labels, draft.confidences.tolist(), strict=True))
    return Example(tuple(items), draft.paper, source)


# Characters ---------------------------------------------------------------------------------------------

_LOOKALIKES = {
    "一": "-—–1_ー",
    "二": "=ニ:",
    "三": "=Ξ",
    "八": "/\\Λ",
    "人": "λA",
    "口": "0O□",
    "十": "+†",
    "工": "I",
    "七": "t",
}
_DIGITS = {
    "0": "OoD68〇()",
    "1": "lI|7i!/",
    "2": "Zz7?",
    "3": "8B5",
    "4": "A9q",
    "5": "S6s3",
    "6": "b8G5",
    "7": "1T?/",
    "8": "3B6&",
    "9": "gq4",
}
_PUNCTUATION = {
    "、": ["，", ".", ",", "．", "`", "·", "", "\\", "。"],
    "．": [".", "、", "·", ""],
    ".": ["、", "．", ",", "·", "", ":", "。"],
    "，": [",", ".", "、", ""],
    ",": ["，", ".", ""],
    "。": [".", "o", "", "，"],
    "；": [";", "：", ","],
    "：": [":", "；", ".", ""],
    "（": ["(", "〔", "C", "[", "", "{", "<", "【"],
    "）": [")", "〕", "]", "", "}", ">", "】", "j"],
    "(": ["（", "[", "C", "", "{"],
    ")": ["）", "]", "", "}"],
    "“": ['"', "", "'", "「", "”", "〝"],
    "”": ['"', "", "'", "」", "“"],
    "/": ["1", "|", "／", "", "I"],
    "-": ["一", "—", "~", "", "_"],
    "—": ["一", "-", "－", ""],
}
_PUNCTUATION_RUN = re.compile("[" + re.escape("".join(_PUNCTUATION)) + "]")
_DIGIT = re.compile("[0-9]")
_ANY = re.compile(".", re.DOTALL)
_PIECE = re.compile(r"\S+")


@cache
def load_confusions() -> dict[str, str]:
    """Characters that look like one of the forms' characters, by that character; the nearest first."""
    text = resources.files(__package__).joinpath("confusions.txt").read_text(encoding="utf-8")
    similar = {line[0]: line[1:] for line in text.splitlines() if line}
    return {char: similar.get(char, "") + _LOOKALIKES.get(char, "") for char in {*similar, *_LOOKALIKES}}


@cache
def _vocabulary() -> str:
    """Characters to put anywhere, in the place of anything."""
    return "".join(sorted({char for key, value in load_confusions().items() for char in key + value}))


def confuse(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Characters read as similar ones, up to one in four."""
    similar = load_confusions()

    def replace(char: str) -> str:
        options = similar.get(char)
        return _nearest_first(options, rng) if options else char

    return _edit(draft, rng, _ANY, 0.25 * strength, replace)


def scramble(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Characters read as any other, up to one in sixteen."""
    return _edit(draft, rng, _ANY, 0.06 * strength, lambda _: _choose(_vocabulary(), rng))


def misread_digits(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Digits read as letters, strokes and other digits, up to one in five."""
    return _edit(draft, rng, _DIGIT, 0.2 * strength, lambda char: _nearest_first(_DIGITS[char], rng))


def vary_punctuation(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Punctuation and brackets read as others or lost, up to four in five."""
    return _edit(
        draft, rng, _PUNCTUATION_RUN, 0.8 * strength, lambda char: _nearest_first(_PUNCTUATION[char], rng)
    )


def drop_characters(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Characters lost, up to one in five; a token with none left is lost too."""
    return _edit(draft, rng, _ANY, 0.2 * strength, lambda _: "")


def double_characters(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Characters read twice, up to one in sixteen."""
    return _edit(draft, rng, _ANY, 0.06 * strength, lambda char: char * 2)


def cut_ends(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Tokens that lack their first or last characters, up to one in five."""

    def cut(text: str) -> str:
        n = int(rng.integers(1, 1 + max(1, len(text) // 3)))
        return text[n:] if rng.random() < 0.5 else text[:-n]

    chosen = [i for i in _some(draft, rng, 0.2 * strength) if len(draft.texts[i]) > 1]
    return _rewrite(draft, {i: cut(draft.texts[i]) for i in chosen})


# Ways to write the same ---------------------------------------------------------------------------------

_NUMERALS = "[一二三四五六七八九十]{1,3}"
_NUMBERING = re.compile(
    rf"\s*(?:[（(](?P<b>{_NUMERALS})[）)]|(?P<c>{_NUMERALS})[、.．,，]|(?P<d>\d{{1,2}})[.．、,，](?!\d))\s*"
)
_BRACKETED = ("（{}）", "({})", "({}）", "〔{}〕", "{}）", "（{}", "（{}）.", "{}、", "【{}】")
_CHINESE = ("{}、", "{}.", "{}，", "{},", "{}", "{} ", "（{}）", "{}．")
_ARABIC = ("{}.", "{}、", "{}．", "{},", "{}", "{} ", "({})", "{})", "（{}）", "{}·")
_TO_FULL = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_TO_HALF = {full: half for half, full in _TO_FULL.items()}
_CIRCLED = dict(zip(range(1, 21), "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳", strict=True))


@cache
def _to_radicals() -> dict[int, str]:
    radicals = [chr(code) for code in (*range(0x2E80, 0x2EF4), *range(0x2F00, 0x2FD6))]
    return {ord(normalize_radicals(radical)): radical for radical in radicals if normalize_radicals(radical)}


def change_numbering(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Numbers before a text lost or written in another way: 1、 for 1., 一、 for （一）; at 1 all."""
    mode = rng.random()  # a document that loses them tends to lose them all

    def renumber(text: str) -> str | None:
        match = _NUMBERING.match(text)
        if not match:
            return None
        rest = text[match.end() :]
        if mode < 0.4 or rng.random() < 0.15:
            return rest
        number = match["b"] or match["c"] or match["d"]
        if match["d"] and rng.random() < 0.1 and int(number) in _CIRCLED:
            return _CIRCLED[int(number)] + rest
        forms = _BRACKETED if match["b"] else _CHINESE if match["c"] else _ARABIC
        return _choose(forms, rng).format(number) + rest

    chosen = (i for i in _some(draft, rng, strength**0.5) if draft.labels[i] != FIGURE)
    changed = {i: new for i in chosen if (new := renumber(draft.texts[i])) is not None}
    return _rewrite(draft, changed)


def change_width(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Digits, letters, brackets and signs in their full-width or half-width variants, all at strength 1."""
    table = _TO_FULL if rng.random() < 0.5 else _TO_HALF
    if rng.random() < 0.5:  # only the digits, as an input method leaves them
        table = {a: b for a, b in table.items() if chr(a).isdigit()}
    return _translate(draft, rng, strength**0.5, table)


def use_radicals(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Characters as the radicals that look the same, as fonts of some files map them: ⼀ for 一."""
    return _translate(draft, rng, strength**0.5, _to_radicals())


def space_out(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Spaces between the characters of a token: 标 题; up to half of the tokens."""
    gap = " " if rng.random() < 0.7 else "\u3000" if rng.random() < 0.5 else "  "
    figures_too = rng.random() < 0.2

    def space(text: str) -> str:
        if rng.random() < 0.3:  # one space somewhere
            at = int(rng.integers(1, len(text)))
            return text[:at] + gap + text[at:]
        return gap.join(text)

    chosen = [i for i in _some(draft, rng, 0.5 * strength) if 1 < len(draft.texts[i]) < 24]
    chosen = [i for i in chosen if figures_too or draft.labels[i] != FIGURE]
    return _rewrite(draft, {i: space(draft.texts[i]) for i in chosen})


# Tokens lost --------------------------------------------------------------------------------------------


def lose_tokens(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Tokens not found, up to one in four."""
    return _keep(draft, rng.random(len(draft.texts)) >= 0.25 * strength)


def lose_figures(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Short tokens (single figures and strokes) not found, up to half of them: detectors miss them first."""
    short = np.array([len(text) <= 2 for text in draft.texts], bool)
    return _keep(draft, ~short | (rng.random(len(short)) >= 0.5 * strength))


def lose_rows(draft: Draft, rng: Rng, strength: float) -> Draft:
    """One to five lines lost, with all that stands on them."""
    keep = np.ones(len(draft.texts), bool)
    for _ in range(1 + int(rng.integers(0, 1 + round(4 * strength)))):
        box = draft.boxes[rng.integers(len(keep))]
        keep &= ~_within(draft, box[1], box[3])
    return _keep(draft, keep)


def lose_header(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The headers of a table's columns lost, with what stands beside, above and below them."""
    headers = [i for i, label in enumerate(draft.labels) if label.startswith(("column:", "under:"))]
    if not headers:
        return draft
    box = draft.boxes[_choose(headers, rng)]
    reach = _line_height(draft) * (0.5 + 4 * strength * rng.random(2))
    return _keep(draft, ~_within(draft, box[1] - reach[0], box[3] + reach[1]))


def lose_block(draft: Draft, rng: Rng, strength: float) -> Draft:
    """A rectangle lost, as under a stamp or a thumb, up to 40 % of the page wide and 20 % high."""
    low, high = draft.boxes[:, :2].min(axis=0), draft.boxes[:, 2:].max(axis=0)
    size = (high - low) * [0.1 + 0.3 * strength, 0.04 + 0.16 * strength] * (0.5 + 0.5 * rng.random(2))
    centers = _centers(draft)
    return _keep(draft, (np.abs(centers - centers[rng.integers(len(centers))]) > size / 2).any(axis=1))


def cut_page(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Only what stands above, below or between some heights: a table torn over pages."""
    heights = _centers(draft)[:, 1]
    low, high = heights.min(), heights.max()
    lost = (high - low) * 0.7 * max(strength, 0.15)
    first = rng.choice([0.0, 1.0, rng.random()])  # share of the loss that is above
    return _keep(draft, (heights >= low + lost * first) & (heights <= high - lost * (1 - first)))


# Tokens split and merged --------------------------------------------------------------------------------


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
    order, starts = _by_line(draft)
    ordered = draft.boxes[order]
    reach = (4 if draft.paper else 12) * _line_height(draft)
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
    return _keep(draft._replace(texts=texts, labels=labels, boxes=boxes, confidences=sure), keep)


def merged_label(text: str, label: str, other_text: str, other_label: str) -> str:
    """The label of two tokens read as one."""
    rank, other_rank = _rank(label), _rank(other_label)
    if rank == other_rank or {rank, other_rank} == {_RANKS[OTHER], _RANKS[FIGURE]}:
        return label if len(text) >= len(other_text) else other_label
    return label if rank > other_rank else other_label


_RANKS = {OTHER: 0, "note": 1, FIGURE: 2}


def _rank(label: str) -> int:
    return _RANKS.get(label, 3)


def _split(draft: Draft, rng: Rng, rate: float, *, wrap: bool) -> Draft:
    chosen = [i for i in _some(draft, rng, rate) if len(draft.texts[i]) > 1]
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
        before = _insert_lines(draft, np.array([draft.boxes[i, 1] for i in pieces]))
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


# Stray tokens -------------------------------------------------------------------------------------------

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
    size = _line_height(draft)
    at = _somewhere(draft, rng, n)
    sizes = size * (0.15 + 0.6 * rng.random((n, 2)))
    return _append(draft, [_choose(_SPECKS, rng) for _ in range(n)], np.hstack([at, at + sizes]))


def add_rule_pieces(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Pieces of ruling lines, flat or upright and up to a third of the page long, that nothing can read."""
    n = 1 + int(rng.integers(0, 1 + round(len(draft.texts) / 6 * strength)))
    size = _line_height(draft)
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
    pieces = [_choose(_SEALS, rng) for _ in range(1 + int(rng.integers(0, 4)))]
    if rng.random() < 0.5:
        pieces = ["".join(rng.permutation(list(piece))) for piece in pieces]
    size = _line_height(draft)
    places = _somewhere(draft, rng, 1) + size * rng.normal(0, 1.5 + 2 * strength, (len(pieces), 2))
    sizes = size * np.array([[len(piece), 1.0] for piece in pieces]) * rng.uniform(0.6, 1.6, (len(pieces), 1))
    return _append(draft, pieces, np.hstack([places, places + sizes]))


def add_footer(draft: Draft, rng: Rng, strength: float) -> Draft:
    """A page number below or above everything, in a text also between the lines."""
    text = _choose(_FOOTERS, rng).format(rng.integers(1, 30))
    low, high = draft.boxes[:, :2].min(axis=0), draft.boxes[:, 2:].max(axis=0)
    size = _line_height(draft)
    left = low[0] + (high[0] - low[0]) * rng.choice([0.0, 0.48, 0.92])
    top = high[1] + size * (1 + 2 * strength) if rng.random() < 0.8 else low[1] - size * (2 + strength)
    if not draft.paper and rng.random() < 0.5:
        top = draft.boxes[rng.integers(len(draft.boxes)), 1]
        draft = _insert_lines(draft, np.array([top - 1]))
    box = [left, top, left + size * 0.6 * display_width(text), top + size]
    return _append(draft, [text], np.array([box]))


def add_handwriting(draft: Draft, rng: Rng, strength: float) -> Draft:
    """One to six large marks that read as any characters: remarks, signatures, ticks."""
    n = 1 + int(rng.integers(0, 1 + round(5 * strength)))
    texts = ["".join(_choose(_vocabulary(), rng) for _ in range(rng.integers(1, 5))) for _ in range(n)]
    size = _line_height(draft) * rng.uniform(1, 2.5, (n, 1))
    at = _somewhere(draft, rng, n)
    return _append(draft, texts, np.hstack([at, at + size * np.array([[len(text), 1.0] for text in texts])]))


def add_strays(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Pieces of markup and of a web page's frame, on lines of their own or behind others."""
    for _ in range(1 + int(rng.integers(0, 1 + round(6 * strength)))):
        at = draft.boxes[rng.integers(len(draft.boxes))]
        text = _choose(_TEXT_STRAYS, rng)
        if rng.random() < 0.5:
            draft = _insert_lines(draft, at[1:2])
            box = [0.0, at[1] + 1, display_width(text), at[1] + 2]
        else:
            box = [at[2] + 1, at[1], at[2] + 1 + display_width(text), at[3]]
        draft = _append(draft, [text], np.array([box]))
    return draft


# Boxes on paper -----------------------------------------------------------------------------------------


def jitter_boxes(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Every edge moved by up to a quarter of a line's height (standard deviation), each on its own."""
    sizes = np.minimum(draft.boxes[:, 2:] - draft.boxes[:, :2], _line_height(draft))
    spread = 0.25 * strength * np.hstack([sizes, sizes])
    return draft._replace(boxes=_ordered(draft.boxes + spread * rng.normal(size=spread.shape)))


def pad_boxes(draft: Draft, rng: Rng, strength: float) -> Draft:
    """All boxes larger or smaller on all sides, by up to a quarter of a line, as detectors differ."""
    pad = _line_height(draft) * 0.25 * strength * rng.uniform(-0.7, 1, 2)
    return draft._replace(boxes=_ordered(draft.boxes + np.array([-pad[0], -pad[1], pad[0], pad[1]])))


def turn(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The page rotated by up to 3 degrees, sheared by up to 2 and scaled by up to 10 % each way."""
    angle, shear = np.radians([3 * rng.uniform(-1, 1), 2 * rng.uniform(-1, 1)]) * min(strength, 1.5)
    scale = np.diag(1 + 0.1 * strength * rng.uniform(-1, 1, 2))
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = scale @ rotation @ np.array([[1, 0], [shear, 1]])
    return _move(draft, rng, lambda points: points @ matrix)


def tilt(draft: Draft, rng: Rng, strength: float) -> Draft:
    """A mild perspective: one edge of the page up to 12 % shorter than the other."""
    lean = 0.12 * strength * rng.uniform(-1, 1, 2)
    half = np.abs(draft.boxes - np.tile(_middle(draft), 2)).max() or 1.0
    return _move(draft, rng, lambda points: points / (1 + (points / half) @ lean / 2)[..., None])


def curl(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Lines bent, as near the back of a book, by up to two line heights; their ends may bend more."""
    bend = _line_height(draft) * 2 * strength * rng.uniform(-1, 1)
    half = np.abs(draft.boxes[:, [0, 2]] - _middle(draft)[0]).max() or 1.0
    side = rng.choice([-1.0, 0.0, 1.0])

    def bent(points: np.ndarray) -> np.ndarray:
        across = points[..., 0] / half - side
        return np.stack([points[..., 0], points[..., 1] + bend * across**2 / (1 + abs(side))], axis=-1)

    return _move(draft, rng, bent)


def swap_places(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Tokens set off by up to a line up or down, so that their order changes slightly; up to one in six."""
    boxes = draft.boxes.copy()
    chosen = _some(draft, rng, 0.16 * strength)
    height = _line_height(draft)
    boxes[chosen] += np.tile(height * rng.uniform(-0.7, 0.7, (len(chosen), 2)) * [0.5, 1], 2)
    return draft._replace(boxes=boxes)


# Lines and columns of a text ----------------------------------------------------------------------------

_GAPS = (1, 2, 4, 8)


def shift_columns(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Lines pushed right from some token on, by up to 24 columns; up to four lines in ten."""
    order, starts = _by_line(draft)
    line = np.cumsum(starts) - 1
    n = int(line[-1]) + 1
    by = rng.integers(1, 2 + round(23 * min(strength, 1)), n) * (rng.random(n) < 0.4 * strength)
    last = np.append(np.flatnonzero(starts)[1:], len(order)) - np.flatnonzero(starts)
    rank = np.arange(len(order)) - np.flatnonzero(starts)[line]
    moved = rank >= (rng.random(n) * last).astype(int)[line]
    return _settle(draft, order, starts, draft.boxes[order, 0] + by[line] * moved)


def change_gaps(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The spaces between fields all as one tab or one space, or all wider or narrower."""
    order, starts = _by_line(draft)
    ordered = draft.boxes[order]
    gaps = np.append(0.0, ordered[1:, 0] - ordered[:-1, 2])
    gaps[starts] = ordered[starts, 0]
    between = ~starts
    if rng.random() < 0.6:
        gaps[between] = _choose(_GAPS, rng)
    else:
        gaps[between] = np.round(gaps[between].clip(1) * 2.0 ** (3 * strength * rng.uniform(-1, 1))).clip(1)
    if rng.random() < 0.4:
        gaps[starts] = np.round(gaps[starts] * rng.choice([0.0, 0.5, 2.0]))
    ends = np.cumsum(gaps + ordered[:, 2] - ordered[:, 0])
    before = np.append(0.0, ends[:-1])[starts]
    lefts = ends - (ordered[:, 2] - ordered[:, 0]) - before[np.cumsum(starts) - 1]
    return _settle(draft, order, starts, lefts)


def insert_blanks(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Blank lines after up to half of the lines, or one after each."""
    lines = np.unique(draft.boxes[:, 1])
    rate = 1.0 if rng.random() < 0.2 else 0.5 * strength
    return _insert_lines(draft, lines[rng.random(len(lines)) < rate])


def break_rows(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The fields of a line put one per line, in a run of lines or, rarely, in all."""
    order, starts = _by_line(draft)
    line = np.cumsum(starts) - 1
    n = int(line[-1]) + 1
    first = int(rng.integers(n))
    chosen = np.zeros(n, bool)
    chosen[first : first + 1 + int(n * strength * rng.random())] = True
    if rng.random() < 0.25:
        chosen[:] = True
    broken = chosen[line] & ~starts
    boxes = draft.boxes.copy()
    down = np.cumsum(broken).astype(float)
    boxes[order] += np.stack([0 * down, down, 0 * down, down], axis=1)
    if rng.random() < 0.8:
        at = order[chosen[line]]
        boxes[at] -= boxes[at, :1] * [1, 0, 1, 0]
    return draft._replace(boxes=boxes)


def move_labels(draft: Draft, rng: Rng, strength: float) -> Draft:
    """What is no figure moved one line above or below the figures of its line; up to half of the lines."""
    order, starts = _by_line(draft)
    line = np.empty(len(order), int)
    line[order] = np.cumsum(starts) - 1
    figure = np.array([label == FIGURE for label in draft.labels], bool)
    n = int(line.max()) + 1
    mixed = (np.bincount(line, figure, n) > 0) & (np.bincount(line, ~figure, n) > 0)
    chosen = mixed & (rng.random(n) < 0.5 * strength)
    above = rng.random() < 0.5
    moved = chosen[line] & (~figure if above else figure)
    stay = chosen[line] & ~moved
    if rng.random() < 0.3:  # onto the next line, beside what stands there
        shifted = draft.boxes + stay[:, None] * np.array([0.0, 1.0, 0.0, 1.0])
        return _settle_all(draft._replace(boxes=shifted))
    tops = np.unique(draft.boxes[moved, 1])
    down = np.searchsorted(tops, draft.boxes[:, 1], side="left") + stay
    return draft._replace(boxes=draft.boxes + down[:, None] * np.array([0, 1, 0, 1]))


# Shared steps -------------------------------------------------------------------------------------------


def _medium(draft: Draft) -> str:
    return "paper" if draft.paper else "text"


def _choose(options: Sequence[_Option], rng: Rng) -> _Option:
    return options[int(rng.random() * len(options))]


def _nearest_first(options: Sequence[_Option], rng: Rng) -> _Option:
    """One of the options, the first ones more often."""
    return options[int(rng.random() ** 1.5 * len(options))]


def _some(draft: Draft, rng: Rng, rate: float) -> list[int]:
    return np.flatnonzero(rng.random(len(draft.texts)) < rate).tolist()


def _edit(
    draft: Draft, rng: Rng, pattern: re.Pattern[str], rate: float, replace: Callable[[str], str]
) -> Draft:
    """The draft with a share `rate` of the characters that match the pattern replaced."""
    joined = "".join(draft.texts)
    if pattern is _ANY:
        hits = np.flatnonzero(rng.random(len(joined)) < rate)
    else:
        found = np.array([match.start() for match in pattern.finditer(joined)], int)
        hits = found[rng.random(len(found)) < rate]
    if not len(hits):
        return draft
    ends = np.cumsum([len(text) for text in draft.texts])
    tokens = np.searchsorted(ends, hits, side="right")
    starts = ends - [len(text) for text in draft.texts]
    changed: dict[int, list[str]] = {}
    for token, at in zip(tokens.tolist(), (hits - starts[tokens]).tolist(), strict=True):
        chars = changed.setdefault(token, list(draft.texts[token]))
        chars[at] = replace(chars[at])
    sure = draft.confidences.copy()
    sure[list(changed)] = np.nan
    return _rewrite(draft._replace(confidences=sure), {i: "".join(chars) for i, chars in changed.items()})


def _translate(draft: Draft, rng: Rng, rate: float, table: dict[int, int] | dict[int, str]) -> Draft:
    return _rewrite(draft, {i: draft.texts[i].translate(table) for i in _some(draft, rng, rate)})


def _rewrite(draft: Draft, changed: dict[int, str]) -> Draft:
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
    return _keep(new, np.array([bool(text) for text in new.texts]))


def _is_word(draft: Draft, i: int) -> bool:
    return abs(draft.boxes[i, 2] - draft.boxes[i, 0] - display_width(draft.texts[i])) < 0.5


def _widen(draft: Draft, texts: list[str], words: Sequence[int]) -> Draft:
    """A text with other words, each line pushed right by what those before it have grown."""
    grown = np.zeros(len(texts))
    for i in words:
        grown[i] = display_width(texts[i]) - display_width(draft.texts[i])
    order, starts = _by_line(draft)
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


def _keep(draft: Draft, keep: np.ndarray) -> Draft:
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


def _line_height(draft: Draft) -> float:
    if not draft.paper:
        return 1.0
    return float(np.median((draft.boxes[:, 2:] - draft.boxes[:, :2]).min(axis=1))) or 1.0


def _centers(draft: Draft) -> np.ndarray:
    return (draft.boxes[:, :2] + draft.boxes[:, 2:]) / 2


def _middle(draft: Draft) -> np.ndarray:
    return (draft.boxes[:, :2].min(axis=0) + draft.boxes[:, 2:].max(axis=0)) / 2


def _within(draft: Draft, top: float, bottom: float) -> np.ndarray:
    heights = _centers(draft)[:, 1]
    return (heights >= top) & (heights <= bottom)


def _by_line(draft: Draft) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the tokens line by line from left to right, and where in them a line starts."""
    heights = _centers(draft)[:, 1]
    down = np.argsort(heights, kind="stable")
    line = np.empty(len(down), int)
    line[down] = np.cumsum(np.diff(heights[down], prepend=heights[down[:1]]) > _line_height(draft) / 2)
    order = np.lexsort((draft.boxes[:, 0], line))
    return order, np.diff(line[order], prepend=-1) > 0


def _settle(draft: Draft, order: np.ndarray, starts: np.ndarray, lefts: np.ndarray) -> Draft:
    """The tokens of a text at other columns, each at least one column right of the last on its line."""
    widths = draft.boxes[order, 2] - draft.boxes[order, 0]
    line = np.cumsum(starts) - 1
    used = np.cumsum(widths + 1) - widths - 1
    slack = lefts.clip(0) - (used - used[starts][line])
    apart = line * (2 * np.abs(slack).max() + 1)
    lefts = np.maximum.accumulate(slack + apart) - apart + (used - used[starts][line])
    boxes = draft.boxes.copy()
    boxes[order, 0] = lefts
    boxes[order, 2] = lefts + widths
    return draft._replace(boxes=boxes)


def _settle_all(draft: Draft) -> Draft:
    order, starts = _by_line(draft)
    return _settle(draft, order, starts, draft.boxes[order, 0])


def _insert_lines(draft: Draft, after: Iterable[float] | np.ndarray) -> Draft:
    """A text with a line inserted below each of the lines at the tops `after`."""
    tops = np.sort(np.asarray(after, float))
    down = np.searchsorted(tops, draft.boxes[:, 1], side="left")
    return draft._replace(boxes=draft.boxes + down[:, None] * np.array([0, 1, 0, 1]))


def _move(draft: Draft, rng: Rng, move: Callable[[np.ndarray], np.ndarray]) -> Draft:
    """All boxes moved by a map of points around the page's middle, (..., 2) to (..., 2).

    Either a box becomes the hull of its moved corners, or it keeps its size, as where lines are straightened.
    """
    middle = _middle(draft)
    if rng.random() < 0.5:
        corners = draft.boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        moved = move(corners - middle) + middle
        return draft._replace(boxes=np.hstack([moved.min(axis=1), moved.max(axis=1)]))
    centers = _centers(draft)
    by = move(centers - middle) + middle - centers
    return draft._replace(boxes=draft.boxes + np.tile(by, 2))


def _ordered(boxes: np.ndarray) -> np.ndarray:
    """Boxes with left <= right and top <= bottom: edges that crossed change places."""
    return np.hstack([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])])


KINDS = {
    "cut_page": Kind(cut_page, 0.15),
    "lose_header": Kind(lose_header, 0.1),
    "lose_block": Kind(lose_block, 0.1),
    "lose_rows": Kind(lose_rows, 0.25),
    "lose_tokens": Kind(lose_tokens, 0.3),
    "lose_figures": Kind(lose_figures, 0.3),
    "change_numbering": Kind(change_numbering, 0.35),
    "confuse": Kind(confuse, 0.6),
    "scramble": Kind(scramble, 0.3),
    "misread_digits": Kind(misread_digits, 0.4),
    "vary_punctuation": Kind(vary_punctuation, 0.6),
    "drop_characters": Kind(drop_characters, 0.4),
    "double_characters": Kind(double_characters, 0.15),
    "cut_ends": Kind(cut_ends, 0.25),
    "change_width": Kind(change_width, 0.2),
    "use_radicals": Kind(use_radicals, 0.03),
    "space_out": Kind(space_out, 0.2),
    "split_tokens": Kind(split_tokens, 0.35),
    "wrap_tokens": Kind(wrap_tokens, 0.2),
    "merge_tokens": Kind(merge_tokens, 0.4),
    "shift_columns": Kind(shift_columns, 0.35, "text"),
    "change_gaps": Kind(change_gaps, 0.35, "text"),
    "insert_blanks": Kind(insert_blanks, 0.3, "text"),
    "move_labels": Kind(move_labels, 0.25, "text"),
    "break_rows": Kind(break_rows, 0.25, "text"),
    "add_strays": Kind(add_strays, 0.25, "text"),
    "add_specks": Kind(add_specks, 0.4, "paper"),
    "add_rule_pieces": Kind(add_rule_pieces, 0.4, "paper"),
    "unread": Kind(unread, 0.25, "paper"),
    "add_seal": Kind(add_seal, 0.2, "paper"),
    "add_handwriting": Kind(add_handwriting, 0.15, "paper"),
    "add_footer": Kind(add_footer, 0.3),
    "swap_places": Kind(swap_places, 0.25, "paper"),
    "jitter_boxes": Kind(jitter_boxes, 0.8, "paper"),
    "pad_boxes": Kind(pad_boxes, 0.5, "paper"),
    "turn": Kind(turn, 0.6, "paper"),
    "tilt": Kind(tilt, 0.3, "paper"),
    "curl": Kind(curl, 0.3, "paper"),
}
"""In the order that they are applied: first what the page lacks, then what is misread, then where it is."""
