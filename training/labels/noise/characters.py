"""Characters read as others, lost or read twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

import numpy as np

from training.labels.noise.draft import Draft, Rng, choose, draw_tokens, rewrite

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


@cache
def load_confusions() -> dict[str, str]:
    """Characters that look like one of the forms' characters, by that character; the nearest first."""
    text = resources.files("training.labels").joinpath("confusions.txt").read_text(encoding="utf-8")
    similar = {line[0]: line[1:] for line in text.splitlines() if line}
    return {char: similar.get(char, "") + _LOOKALIKES.get(char, "") for char in {*similar, *_LOOKALIKES}}


@cache
def vocabulary() -> str:
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
    return _edit(draft, rng, _ANY, 0.06 * strength, lambda _: choose(vocabulary(), rng))


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

    chosen = [i for i in draw_tokens(draft, rng, 0.2 * strength) if len(draft.texts[i]) > 1]
    return rewrite(draft, {i: cut(draft.texts[i]) for i in chosen})


def _nearest_first(options: Sequence[str], rng: Rng) -> str:
    """One of the options, the first ones more often."""
    return options[int(rng.random() ** 1.5 * len(options))]


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
    return rewrite(draft._replace(confidences=sure), {i: "".join(chars) for i, chars in changed.items()})
