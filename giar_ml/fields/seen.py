"""What stands in one place of a line, read as the figure of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from giar_ml.document import BBox, Token
from giar_ml.fields.lines import Field, Line
from giar_ml.figures import (
    LEADING_ZERO,
    has_decimals,
    is_empty,
    mend_figure,
    mend_points,
    mend_separators,
    parse_figure,
    plain,
    to_unit,
    without_specks,
)
from giar_ml.forms import Header
from giar_ml.report import Value

_WORD_MISREAD, _UNIT_MISREAD = 0.9, 0.999
"""Probability of a figure beside which a word was misread; and where that is the unit of counts."""
_LEADING_ZERO = 0.5
_SPECK = 0.98
"""Of 11 figures that were read with a point or comma where none can stand, all were those without it."""
_POINT_LOST = 0.1
_SURE = 0.999
_SURE_POINT_LOST = 0.004
"""Of 260 amounts with a point that were read at once and so surely, none had lost it; of some ten read in
pieces or together with their unit, half had."""
_SMALLEST_WITH_POINT = 1000
_BLANK_MISSED, _SPOTLESS_MISSED = 1e-3, 1e-5
"""How often a blank place has lost its figure, with dirt in it and with nothing."""


class Seen(NamedTuple):
    """What stands in one place, read as a figure of a cell: readings with probabilities, best first."""

    readings: tuple[tuple[Value | None, float], ...]
    certain: bool
    page: int
    bbox: BBox
    token: Token | None
    spotless: bool = False
    off_middle: bool = False
    blotted: bool = False
    """See `giar_ml.fields.lines.Field`."""

    @property
    def blank(self) -> bool:
        return self.token is None

    @property
    def missed(self) -> float:
        """How often a figure was printed in such a place that is blank."""
        return 0.0 if self.certain else _SPOTLESS_MISSED if self.spotless else _BLANK_MISSED


def see(line: Line, place: Field, column: Header, *, printed_in: str | None = None) -> Seen:
    """What a place of a line shows, taken as a figure of the column's type.

    Args:
        printed_in: the unit that the header of a column of amounts names; None where that of the form holds.
    """
    token = place.token
    unit = printed_in or column.unit
    if token is None:
        return see_blank(line, place.bbox, spotless=place.spotless)
    texts = token.readings or ((token.text, token.confidence),)
    merged: dict[Value | None, float] = {}
    unlawful = 0.0
    for text, probability in texts:
        if token.readings:
            clean = mend_separators(text, column.type)
        else:
            clean = text if line.certain else mend_points(text)
        # No count is printed with decimals, not even with a 0: 496.0 is 4960 with a speck.
        is_specked = bool(token.readings) and column.type != "amount" and has_decimals(clean)
        value = None if is_specked else parse_figure(clean, column.type, unit)
        if token.readings and LEADING_ZERO.fullmatch(clean):
            probability *= _LEADING_ZERO
        if value is None and token.readings:
            value = parse_figure(without_specks(clean, column.type), column.type, unit)
            probability *= _SPECK if value is not None else 1.0
        if value is None and text and not line.certain:
            value = parse_figure(mend_figure(text), column.type, unit)
            # Digits that were read alone have readings: the word beside them was misread, and they were not.
            is_alone = bool(token.readings) and column.type != "amount"
            probability *= _UNIT_MISREAD if is_alone else _WORD_MISREAD
        if value is not None or is_empty(text):
            merged[value] = merged.get(value, 0.0) + probability
        elif token.readings:
            unlawful += probability
    # What is printed is a figure, or nothing: +6+5 speaks for none but those that were read. Of 45 figures of
    # faxes that are so 0.9 or more likely one was misread; with such readings 1.7 would be, without them 0.7.
    lawful = max(1 - unlawful, sum(merged.values()))
    merged = {value: min(1.0, p / lawful) for value, p in merged.items()}
    merged = dict(sorted(merged.items(), key=lambda item: -item[1]))
    # 1193.0 has its point, and is 1193.
    if column.type == "amount" and not line.certain and "." not in plain(texts[0][0]):
        is_sure = bool(token.readings) and token.readings[0].probability >= _SURE
        merged = _doubt_point(merged, _SURE_POINT_LOST if is_sure else _POINT_LOST)
    if unit and column.unit and unit != column.unit:
        merged = _in_unit(merged, unit, column.unit, certain=line.certain)
    readings = tuple(merged.items())
    is_certain = line.certain and bool(readings)
    return Seen(
        readings,
        is_certain,
        line.page,
        token.bbox,
        token,
        off_middle=place.off_middle,
        blotted=place.blotted,
    )


def _in_unit(
    readings: Mapping[Value | None, float], printed: str, unit: str, *, certain: bool
) -> dict[Value | None, float]:
    """Amounts printed in a unit in that of the form. On a scan the unit may be misread: 元 for 万元."""
    turned = {value and to_unit(value, printed, unit): p for value, p in readings.items()}
    if certain:
        return turned
    texts = {**turned, **readings}
    return {value: (turned.get(value, 0.0) + readings.get(value, 0.0)) / 2 for value in texts}


def see_blank(line: Line, bbox: BBox, *, spotless: bool = False) -> Seen:
    """Nothing, in a place of a line.

    Args:
        spotless: there is no dirt in it either.
    """
    return Seen(((None, 1.0),), line.certain, line.page, bbox, None, spotless)


def _doubt_point(readings: Mapping[Value | None, float], lost: float) -> dict[Value | None, float]:
    """An amount read without decimals may have lost its point, the smallest mark of a figure, and no sum
    would tell: the same digits with two decimals are a reading too, as probable as such a loss."""
    first = next(iter(readings), None)
    if not isinstance(first, int) or first < _SMALLEST_WITH_POINT:
        return dict(readings)
    doubted = {value: (1 - lost) * p for value, p in readings.items()}
    doubted.setdefault(Decimal(first) / 100, lost * readings[first])
    return doubted
