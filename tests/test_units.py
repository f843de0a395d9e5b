"""Amounts in the unit that their header, or they themselves, name."""

from decimal import Decimal

import pytest

from giar_ml.document import BBox, Reading, Token
from giar_ml.fields.headers import Headers
from giar_ml.fields.lines import Field, Line
from giar_ml.fields.seen import see
from giar_ml.fields.units import printed_unit
from giar_ml.figures import parse_figure
from giar_ml.forms import load_form

BOX = BBox(0, 0, 50, 10)
FEES = next(s for s in load_form("2021").sections if s.caption == ("第二十条第（八）项",))


def headers_of(*words):
    name = {"column:disclosure.amount": 1.0}
    return Headers([(Field(BOX, (0, 1), Token(word, BOX, labels=name)), name) for word in words], 0)


@pytest.mark.parametrize(
    ("words", "unit"),
    [
        (("本年收费金额（单位：万元）",), "万元"),
        (("本年收费金额", "（单位：元）"), "元"),
        (("本年收费金额（元）",), "元"),
        (("本年收费金额(单位:亿元)",), "亿元"),
        (("本年收费金额（单位：方元）",), None),
        (("本年收费金额",), None),
        ((), None),
    ],
)
def test_the_unit_of_amounts_is_what_their_header_names(words, unit):
    assert printed_unit(headers_of(*words), FEES, FEES.columns[0]) == unit


def test_counts_have_no_unit():
    section = load_form("2021").sections[0]
    assert printed_unit(headers_of("（单位：元）"), section, section.columns[0]) is None


def amount(text, *, printed_in, certain):
    readings = () if certain else (Reading(text, 0.99),)
    place = Field(BOX, (0, 1), Token(text, BOX, 0.99, readings))
    seen = see(Line(1, 0, True, certain, (), (place,)), place, FEES.columns[0], printed_in=printed_in)
    return dict(seen.readings)


def test_an_amount_in_another_unit_is_turned_into_that_of_the_form():
    # Once 251000 below （单位：元） was 251,000 万元, and the report was accepted.
    assert list(amount("251000", printed_in="元", certain=True)) == [Decimal("25.1")]
    assert list(amount("251000", printed_in="万元", certain=True)) == [251000]
    assert list(amount("25万元", printed_in="元", certain=True)) == [25]


def test_on_a_scan_another_unit_may_be_misread():
    found = amount("30.5", printed_in="元", certain=False)
    assert found == {Decimal("0.00305"): pytest.approx(0.495), Decimal("30.5"): pytest.approx(0.495)}
    assert amount("0", printed_in="元", certain=False) == {0: pytest.approx(0.99)}


@pytest.mark.parametrize(
    ("text", "kind", "unit", "figure"),
    [
        ("251000（元）", "amount", "万元", Decimal("25.1")),
        ("251000（单位：元）", "amount", "万元", Decimal("25.1")),
        ("25.1万", "amount", "万元", Decimal("25.1")),
        ("￥251000元", "amount", "万元", Decimal("25.1")),
        ("2,158,346,000元", "amount", "元", 2158346000),
        ("21.58亿元", "amount", "元", 2158000000),
        ("9" * 14, "amount", "元", None),
        ("5万", "count", None, None),
        ("9" * 11, "count", None, None),
        ("22，其中修订16件", "count", None, 22),
        ("–5", "change", None, -5),
        ("—5", "change", None, -5),
        ("下降5", "change", None, -5),
        ("↓5", "change", None, -5),
        ("上升5", "change", None, 5),
        ("–5", "count", None, None),
    ],
)
def test_figures_as_offices_print_them(text, kind, unit, figure):
    assert parse_figure(text, kind, unit) == figure
