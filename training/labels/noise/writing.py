"""The same text written in another way."""

from __future__ import annotations

import re
from functools import cache

from giar_ml.label.names import FIGURE
from giar_ml.text import normalize_radicals
from training.labels.noise.draft import Draft, Rng, choose, draw_tokens, rewrite

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
        return choose(forms, rng).format(number) + rest

    chosen = (i for i in draw_tokens(draft, rng, strength**0.5) if draft.labels[i] != FIGURE)
    changed = {i: new for i in chosen if (new := renumber(draft.texts[i])) is not None}
    return rewrite(draft, changed)


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

    chosen = [i for i in draw_tokens(draft, rng, 0.5 * strength) if 1 < len(draft.texts[i]) < 24]
    chosen = [i for i in chosen if figures_too or draft.labels[i] != FIGURE]
    return rewrite(draft, {i: space(draft.texts[i]) for i in chosen})


def _translate(draft: Draft, rng: Rng, rate: float, table: dict[int, int] | dict[int, str]) -> Draft:
    return rewrite(draft, {i: draft.texts[i].translate(table) for i in draw_tokens(draft, rng, rate)})


@cache
def _to_radicals() -> dict[int, str]:
    radicals = [chr(code) for code in (*range(0x2E80, 0x2EF4), *range(0x2F00, 0x2FD6))]
    return {ord(normalize_radicals(radical)): radical for radical in radicals if normalize_radicals(radical)}
