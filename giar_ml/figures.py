"""How figures are printed in the forms' cells, and what they mean."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from giar_ml.forms import CellType
    from giar_ml.report import Value

COUNT_UNITS = "件条项宗份起次个"
"""Units of counts, a character each."""
_NUMBER = re.compile(
    r"(?P<sign>[-+–—↑↓]|增加?|减少?|上升|下降)?[￥¥]?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+)"
    r"(?:\.(?P<decimals>\d+))?"
    rf"(?P<unit>万元|亿元|元|万|亿|[{COUNT_UNITS}])?"
    r"(?:\((?P<note>[^()]*(?:\([^()]*\)[^()]*)*)\)?|[,;、]?其中[^()]*\)?)?"
)
_MISREAD = re.compile(r"(?P<word>[^\W\d_]{2}|[-+])?(?P<number>\d[\d,.]*)(?<=\d)(?P<unit>[\u4e00-\u9fff])?")
LEADING_ZERO = re.compile(r"0\d+")
"""No figure is printed so: a point was lost, or two figures run together."""
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_POINT_BEFORE_UNIT = re.compile(rf"(\d)(?:[.,](?=[{COUNT_UNITS}]$)|[:;'`](?=[\u4e00-\u9fff]$))")
_SIGNS = {"-": "-", "+": "+", "增": "+", "曾": "+", "加": "+", "力": "+", "减": "-", "咸": "-", "少": "-"}
_HALF_SIGN = re.compile(rf"[{''.join(word for word in _SIGNS if word.isalpha())}]\d[\d,.]*(?<=\d)")
"""Of two words one was lost: the other alone may be a misread digit."""
_DATES = frozenset("年月日号时分")
"""Words behind a number of which it is no figure."""
_SPECKS = re.compile(
    r"^(?:[、'`]+|[·•∙.](?=[\d,]+\.\d))+|(?<=\.)['`\"](?=\d)|(?<=\w)[:：;；'`\"]+$"
    r"|(?<=[\u4e00-\u9fff])[.,。]+$"
)
"""Before a figure, above it, behind it and behind its unit. A point is one where another follows: the zero of
.5 may have been lost."""
_SIGNS_TWICE = re.compile(r"^([-+])[-+]+")
_POINT_FOR_COMMA = re.compile(r"(?<=\d)\.(?=\d{3},\d{3})")
_COMMA_FOR_POINT = re.compile(r"^(\d+),(\d{1,2})$")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.,]+(?=\d)")
_REFERENCE = re.compile(r"[²³¹⁰-⁹₀-₉①-⑳]")
_REFERENCE_BEHIND = re.compile(rf"(?<=[\d)）]){_REFERENCE.pattern}+\s*$")
_RAISED_POINT = re.compile(r"(?<=\d)[·•・∙](?=\d)")
MAX_FIGURE = 10**9
"""More is no figure but several run together: the country has some 10**9 people."""
_MOST_YUAN = 10**13
"""The same of an amount: the country buys for some 10**12 in a year."""
_EMPTY = re.compile(r"[-—–_/\\／一]*|无|空")
YUAN = {unit: Decimal(10**n) for unit, n in (("元", 0), ("万元", 4), ("亿元", 8), ("万", 4), ("亿", 8))}
"""Units of amounts."""
_UNIT_NOTE = re.compile(r"(?:单位:?)?(万元|亿元|元)")
_MINUS, _LARGE = frozenset("-–—↓减下"), frozenset("万亿")


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """Full-width digits, signs and brackets to ASCII, raised points to points, spaces and the marks of notes
    behind a figure removed: 5① is 5."""
    if text.isascii():
        return "".join(text.split())
    text = _REFERENCE.sub("※", _REFERENCE_BEHIND.sub("", text))
    ascii_text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).replace("−", "-").replace("‐", "-")
    return _RAISED_POINT.sub(".", ascii_text)


def digits_of(text: str) -> str:
    """The digits of a text, without what stands between them."""
    return "".join(filter(str.isdigit, text))


@lru_cache(maxsize=20_000)
def is_figure(text: str) -> bool:
    """Whether the text is a figure, with its sign, unit and note if any, and nothing else."""
    return bool(_NUMBER.fullmatch(plain(text)))


@lru_cache(maxsize=20_000)
def has_decimals(text: str) -> bool:
    """Whether the text is a figure with a point in it."""
    match = _NUMBER.fullmatch(plain(text))
    return bool(match and match["decimals"])


@lru_cache(maxsize=20_000)
def is_empty(text: str) -> bool:
    """Whether a cell with this text counts as blank: nothing, a dash, a stroke, 无."""
    return bool(_EMPTY.fullmatch(plain(text)))


@lru_cache(maxsize=20_000)
def parse_figure(text: str, cell_type: CellType = "count", unit: str | None = None) -> Value | None:
    """The figure that a cell shows, None when the text is none of this type.

    `22（其中修订16件）` is 22, with its brackets lost as well. An amount that names its unit is turned into
    the column's (`251000元` in a column of 万元 is 25.1). Only a change may be negative.
    """
    match = _NUMBER.fullmatch(plain(text))
    if not match:
        return None
    number = Decimal(match["whole"].replace(",", "") + "." + (match["decimals"] or "0"))
    negative = match["sign"] is not None and match["sign"][0] in _MINUS
    noted = _UNIT_NOTE.fullmatch(match["note"] or "")  # 251000(元)
    own = noted[1] if noted else match["unit"]
    if cell_type == "amount":
        if unit in YUAN and own in YUAN:
            number = number * YUAN[own] / YUAN[unit]
        most = _MOST_YUAN / YUAN[unit] if unit in YUAN else MAX_FIGURE
        return None if negative or number > most else _shortest(number)
    if own in _LARGE or number > MAX_FIGURE or number != number.to_integral_value():
        return None
    if negative and cell_type != "change":
        return None
    return -int(number) if negative else int(number)


def to_unit(amount: Value, printed: str, unit: str) -> Value:
    """An amount in one unit in another, see `YUAN`."""
    return _shortest(Decimal(amount) * YUAN[printed] / YUAN[unit])


@lru_cache(maxsize=20_000)
def mend_figure(text: str) -> str:
    """A figure without words that were misread: 坤加22 is +22, 1页 or 1.件 is 1; other texts without specks
    around them: 1.'4万元 is 1.4万元, 0件: is 0件."""
    text = mend_points(_SPECKS.sub("", text))
    match = _MISREAD.fullmatch(_POINT_BEFORE_UNIT.sub(r"\1", plain(text)))
    if not match:
        return text
    signs = {_SIGNS[character] for character in match["word"] or "" if character in _SIGNS}
    if match["word"] and len(signs) != 1:
        return text
    return "".join(signs) + match["number"]


def has_misread_word(text: str) -> bool:
    """Whether the text is a figure with one word around it that was misread or lost: 咸少2, 少2, 9995示 (宗).
    Dates are none."""
    if is_figure(text):
        return False
    if _HALF_SIGN.fullmatch(plain(text)):
        return True
    match = _MISREAD.fullmatch(plain(text))
    return bool(match and is_figure(mend_figure(text)) and match["unit"] not in _DATES)


def say_signs(words: str) -> tuple[str, ...]:
    """The sign that words before a figure say, once for each of them that does, misread ones as well: 咸少
    says - twice; none where they do not say the same."""
    signs = tuple(_SIGNS[character] for character in words if character in _SIGNS)
    return signs if len(set(signs)) == 1 else ()


def mend_sign(words: str) -> str:
    """Two words before a figure as they must be printed, where one of them was misread: 咸少 is 减少."""
    signs = say_signs(words)
    is_pair = len(plain(words)) == 2 and not is_figure(f"{words}1")
    return {"+": "增加", "-": "减少"}[signs[0]] if signs and is_pair else words


def mend_points(text: str) -> str:
    """A figure as read from pixels with commas for points before groups of three digits: 108.209,800元."""
    return _POINT_FOR_COMMA.sub(",", text)


def mend_separators(text: str, cell_type: CellType = "count") -> str:
    """A figure as read from pixels with the points that can only be commas as such: 30.355 in a column of
    counts, 16.216.9 in one of amounts; 066 is 0.66 there; without dirt at its ends."""
    dirt = ".," if cell_type == "change" else ".,-"
    text = mend_points(text.strip(dirt))
    if cell_type == "amount" and LEADING_ZERO.fullmatch(text):
        return f"0.{text[1:]}"
    head, point, decimals = text.rpartition(".") if cell_type == "amount" else (text, "", "")
    if _GROUPED.fullmatch(head.lstrip("-+")):
        head = head.replace(".", ",")
    return head + point + decimals


def without_specks(text: str, cell_type: CellType = "count") -> str:
    """A figure as read from pixels without marks that nobody can have printed: 1.8 in a column of counts
    is 18, 1,59 in one of amounts 1.59, --5 is -5."""
    text = _SIGNS_TWICE.sub(r"\1", plain(text))
    if cell_type == "amount":
        return _COMMA_FOR_POINT.sub(r"\1.\2", text)
    return _BETWEEN_DIGITS.sub("", text)


def _shortest(number: Decimal) -> Value:
    """25.10 as 25.1, 25.0 as the integer 25."""
    if number == number.to_integral_value():
        return int(number)
    return number.normalize()
