"""Pure functions on strings."""

from __future__ import annotations

import re
import unicodedata

# PDF fonts often map a glyph to a radical that looks the same: ⻅ for 见. Unicode decomposes only two of
# the CJK Radicals Supplement, so the ones that are whole characters stand here (EquivalentUnifiedIdeograph).
_SUPPLEMENT = dict(
    zip(
        "⺁⺄⺈⺊⺌⺍⺎⺒⺓⺗⺜⺝⺠⺧⺩⺫⺬⺶⺼⻁⻄⻅⻆⻉⻋⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰",
        "厂乙刀卜小小兀巳幺心日月民牛王目示羊月虎西见角贝车長长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齿龙",
        strict=True,
    )
)
_BLOCKS = (
    (0x2E80, 0x2EFF),  # CJK Radicals Supplement
    (0x2F00, 0x2FDF),  # Kangxi Radicals
    (0xF900, 0xFAFF),  # CJK Compatibility Ideographs
    (0x2F800, 0x2FA1F),  # their supplement
)
_RADICALS = str.maketrans(
    {
        chr(code): _SUPPLEMENT.get(chr(code), unicodedata.normalize("NFKC", chr(code)))
        for first, last in _BLOCKS
        for code in range(first, last + 1)
    }
)


def normalize_radicals(text: str) -> str:
    """Radicals and compatibility ideographs as the ordinary characters they look like: ⼀⾃⼈ → 一自人.

    Everything else stays as it is, full-width brackets and circled numbers too.
    """
    return text.translate(_RADICALS)


def letters(text: str) -> str:
    """The letters and digits of a text, of usual width: no brackets, marks or spaces."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text))


def display_width(text: str) -> int:
    """Columns that the text takes in a fixed-width font: two for a Chinese character."""
    if text.isascii():
        return len(text)
    return len(text) + sum(map("WF".__contains__, map(unicodedata.east_asian_width, text)))


def display_column(text: str, column: int = 0) -> int:
    """The column behind a text that begins in one; tabs go on to the next multiple of 8."""
    *before, last = text.split("\t")
    for part in before:
        column += display_width(part)
        column += 8 - column % 8
    return column + display_width(last)
