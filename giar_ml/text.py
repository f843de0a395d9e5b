"""Pure functions on strings."""

from __future__ import annotations

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


def display_width(text: str) -> int:
    """Columns that the text takes in a fixed-width font: two for a Chinese character."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _decode(data: bytes) -> str | None:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, errors="replace").lstrip("\ufeff")
    for encoding in _likely_encodings(data):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):  # LookupError: a page may name any charset it likes
            continue
    return _decode_with_flaws(data)


def _likely_encodings(data: bytes) -> list[str]:
    encodings = []
    if utf16 := _utf16_without_bom(data):
        encodings.append(utf16)
    # Chinese in GB18030 is next to never valid UTF-8, so UTF-8 goes before what the page claims.
    encodings.append("utf-8")
    if meta := _META_CHARSET.search(data, 0, _META_WITHIN):
        charset = meta[1].decode("ascii", errors="replace").lower()
        # Browsers read every gb* label as GB18030, which holds the others.
        encodings.append("gb18030" if charset.startswith("gb") else charset)
    return [*encodings, "gb18030"]


def _utf16_without_bom(data: bytes) -> str | None:
    """The byte order that gives Chinese and ASCII; only UTF-16 has zero bytes and makes sense."""
    sample = data[: 4096 & ~1]
    if len(data) % 2 or 0 not in sample:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, errors="replace")
        n_usual = len(_USUAL.findall(text))
        if n_usual >= _MIN_USUAL_SHARE * len(text):
            return encoding
    return None


def _decode_with_flaws(data: bytes) -> str | None:
    """A file with a few bad bytes, as UTF-8 or GB18030, whichever leaves fewer; None for a binary one."""
    candidates = [data.decode(encoding, errors="replace") for encoding in ("utf-8", "gb18030")]
    best = min(candidates, key=lambda text: text.count("\ufffd"))
    return best if best.count("\ufffd") <= _MAX_CONTROL_SHARE * len(best) else None
