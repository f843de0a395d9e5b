"""What stands in a cell, read as a figure."""

from __future__ import annotations

from decimal import Decimal

import pytest

from giar_ml.figures import (
    has_misread_word,
    is_empty,
    is_figure,
    mend_figure,
    mend_separators,
    parse_figure,
    without_specks,
)
from giar_ml.forms import CellType


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param("1,234", 1234, id="thousands"),
        pytest.param("１２３", 123, id="full width"),
        pytest.param("1，234", 1234, id="full-width comma"),
        pytest.param(" 12 ", 12, id="spaces around"),
        pytest.param("22（其中修订16件）", 22, id="a note"),
        pytest.param("22（其中修订16件", 22, id="a note cut off"),
        pytest.param("8其中修订2件", 8, id="a note without its brackets"),
        pytest.param("15件", 15, id="a unit"),
        pytest.param("7.0", 7, id="a whole number with decimals"),
        pytest.param("7.5", None, id="no whole number"),
        pytest.param("-3", None, id="below zero"),
        pytest.param("12,34", None, id="comma in the wrong place"),
        pytest.param("1.属于国家秘密", None, id="a label"),
        pytest.param("", None, id="nothing"),
        pytest.param("172220195488250901", None, id="figures run together"),
    ],
)
def test_counts(text: str, expected: int | None) -> None:
    assert parse_figure(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-4", -4),
        ("－4", -4),
        ("−4", -4),
        ("减4", -4),
        ("减少4项", -4),
        ("+1036", 1036),
        ("增2", 2),
        ("6", 6),
    ],
)
def test_changes_are_signed(text: str, expected: int) -> None:
    assert parse_figure(text, "change") == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("6214.75", "万元", Decimal("6214.75")),
        ("251000元", "万元", Decimal("25.1")),
        ("9237153700元", "万元", Decimal("923715.37")),
        ("1.5亿元", "万元", 15_000),
        ("2.5万元", "元", 25_000),
        ("25.10", "万元", Decimal("25.1")),
        ("25.0", "万元", 25),
        ("-1", "万元", None),
    ],
)
def test_amounts_come_in_the_unit_of_their_column(text: str, unit: str, expected: object) -> None:
    assert parse_figure(text, "amount", unit) == expected


@pytest.mark.parametrize("text", ["", " ", "-", "——", "/", "／", "无", "空"])
def test_empty_marks_are_no_figures(text: str) -> None:
    assert is_empty(text)
    assert not is_figure(text)


@pytest.mark.parametrize("text", ["0", "12", "一项", "3.其他"])
def test_other_text_is_not_empty(text: str) -> None:
    assert not is_empty(text)


@pytest.mark.parametrize("text", ["622270·50", "６２２２７０．５０", "622270・50"])
def test_full_width_and_raised_points(text: str) -> None:
    assert parse_figure(text, "amount", "万元") == Decimal("622270.5")
    assert parse_figure("·5", "amount", "万元") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("坤加22", "+22"),
        ("x少135380", "-135380"),
        ("减小 3", "-3"),
        ("曾力12681", "+12681"),
        pytest.param("少62", "少62", id="a word, or a digit"),
        pytest.param("第62", "第62", id="no sign"),
        ("1页", "1"),
        ("0.件", "0"),
        ("－１２項", "-12"),
        ("12.50无", "12.50"),
        ("2.其", "2.其"),
        ("·15348.0万元", "15348.0万元"),
        pytest.param("·5", "·5", id="its zero was lost"),
        ("、5", "5"),
        ("1.'4万元", "1.4万元"),
        pytest.param("1'4万元", "1'4万元", id="a point, perhaps"),
        ("0件：", "0"),
        ("79:页", "79"),
        ("31宗.", "31"),
        ("12.345,678页", "12,345,678"),
    ],
)
def test_misread_words_around_a_figure_go(text: str, expected: str) -> None:
    assert mend_figure(text) == expected


@pytest.mark.parametrize(
    ("text", "cell_type", "expected"),
    [
        ("30.355", "count", "30,355"),
        ("-3.654", "change", "-3,654"),
        ("7.5", "count", "7.5"),
        ("0.", "count", "0"),
        ("16.216.9", "amount", "16,216.9"),
        ("30.355", "amount", "30.355"),
        ("108.209,800", "amount", "108,209,800"),
        ("108.209,80", "amount", "108.209,80"),
        ("1,234.50", "amount", "1,234.50"),
        ("066", "amount", "0.66"),
        ("066", "count", "066"),
    ],
)
def test_points_that_can_only_be_commas(text: str, cell_type: CellType, expected: str) -> None:
    assert mend_separators(text, cell_type) == expected


@pytest.mark.parametrize(
    ("text", "cell_type", "expected"),
    [
        ("1.8", "count", "18"),
        ("108.9", "count", "1089"),
        ("1.,8", "count", "18"),
        ("１,59", "amount", "1.59"),
        ("1,590", "amount", "1,590"),
        ("--7,580", "change", "-7580"),
        ("-5", "change", "-5"),
        ("070", "count", "070"),
    ],
)
def test_marks_that_nobody_can_have_printed_go(text: str, cell_type: CellType, expected: str) -> None:
    assert without_specks(text, cell_type) == expected


@pytest.mark.parametrize(("text", "value"), [("5①", 5), ("12²", 12), ("3（其中修订2件）①", 3), ("①", None)])
def test_the_mark_of_a_note_is_no_digit(text: str, value: int | None) -> None:
    assert parse_figure(text) == value


@pytest.mark.parametrize(
    ("text", "expected"), [("少62", True), ("力7", True), ("第62", False), ("减62", False)]
)
def test_a_sign_of_which_a_word_was_lost_is_read_again(text: str, expected: bool) -> None:
    assert has_misread_word(text) is expected
