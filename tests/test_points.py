"""Decimal points by their ink: readings that differ by one alone are weighed by the mark, or by none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from giar_ml.document import BBox, Reading, Token
from giar_ml.ocr.points import Mark, find_points, weigh_points

PAPER, INK = 240, 30
LEFT, TOP = 20, 10


def print_figure(text: str, *, gap: int = 4) -> tuple[np.ndarray, BBox]:
    """Digits as boxes of 10 by 16 pixels, points as 3 by 3 at their foot."""
    gray = np.full((40, 200), PAPER, np.uint8)
    x = LEFT
    for character in text:
        width = 3 if character == "." else 10
        if character == ".":
            gray[TOP + 13 : TOP + 16, x : x + width] = INK
        elif character != " ":
            cv2.rectangle(gray, (x, TOP), (x + width - 1, TOP + 15), INK, 2)
        x += width + gap
    return gray, BBox(LEFT, TOP, x - gap, TOP + 16)


def token(bbox: BBox, **readings: float) -> Token:
    found = tuple(Reading(text.replace("_", ".").strip("p"), p) for text, p in readings.items())
    return Token(found[0].text, bbox, found[0].probability, found)


@pytest.mark.parametrize("gap", [4, 7, 12])
def test_a_mark_at_the_foot_between_digits_is_a_point(gap: int) -> None:
    gray, bbox = print_figure("4.18", gap=gap)
    assert find_points(gray, bbox, n_digits=3) == (Mark(1, 2),)
    plain, bbox = print_figure("418", gap=gap)
    assert find_points(plain, bbox, n_digits=3) == ()


@pytest.mark.parametrize(
    ("printed", "first"), [pytest.param("4.18", "4.18", id="point"), pytest.param("418", "418", id="none")]
)
def test_of_readings_that_differ_by_a_point_the_ink_tells(printed: str, first: str) -> None:
    # Once 4.18, as crisp as can be, had 0.986 beside 418, for its digits stood wide apart.
    gray, bbox = print_figure(printed)
    found = weigh_points(token(bbox, p4_18=0.6, p418=0.38, p4181=0.02), gray)
    assert found.text == found.readings[0].text == first
    assert found.confidence == found.readings[0].probability > 0.96
    assert sum(p for _, p in found.readings) == pytest.approx(1.0)
    assert dict(found.readings)["4181"] == 0.02


def test_a_point_in_another_place_is_another_reading() -> None:
    gray, bbox = print_figure("4.18")
    found = weigh_points(token(bbox, p41_8=0.5, p4_18=0.4, p418=0.1), gray)
    assert found.text == "4.18"


def test_digits_that_touch_are_seen_as_one() -> None:
    gray, bbox = print_figure("1.86")
    gray[TOP + 8, 40:58] = INK
    assert find_points(gray, bbox, n_digits=3) == (Mark(1, 1),)
    assert weigh_points(token(bbox, p186=0.6, p1_86=0.4), gray).text == "1.86"
    plain, bbox = print_figure("186")
    plain[TOP + 8, 34:54] = INK
    assert find_points(plain, bbox, n_digits=3) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((slice(TOP + 13, TOP + 16), slice(36, 39), 120), id="pale"),
        pytest.param((slice(TOP + 6, TOP + 9), slice(36, 39), INK), id="in the middle"),
        pytest.param((slice(TOP + 15, TOP + 16), slice(37, 38), INK), id="speck"),
        pytest.param((slice(TOP + 4, TOP + 6), slice(0, 200), PAPER), id="digits in pieces"),
    ],
)
def test_what_is_not_clear_leaves_the_readings_as_they_are(change: tuple[slice, slice, int]) -> None:
    gray, bbox = print_figure("4 18", gap=4)
    rows, columns, level = change
    gray[rows, columns] = level
    before = token(bbox, p4_18=0.6, p418=0.4)
    assert weigh_points(before, gray) == before


def test_readings_with_the_same_points_stay() -> None:
    gray, bbox = print_figure("4.18")
    before = token(bbox, p4_18=0.6, p4_13=0.4)
    assert weigh_points(before, gray) is before
