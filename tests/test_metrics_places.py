"""Cells in their places, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from giar_ml.annotations.gold import Gold, GoldCell, Place, box_poly
from giar_ml.document import BBox
from giar_ml.metrics.places import PlaceCounts, Spot, count_places

FIRST, SECOND = BBox(100, 10, 200, 30), BBox(200, 10, 300, 30)
A, B, C = "requests.new.natural_person", "requests.new.enterprise", "reviews.reconsideration.upheld"


def make_gold(*places: tuple[Place, ...]) -> Gold:
    cells = {key: GoldCell(1, "1", found) for key, found in zip((A, B, C), places, strict=False)}
    return Gold("a", "ab" * 32, "scan", "2021", None, None, cells)


PAGE = make_gold(
    (Place(1, box_poly(FIRST)),),
    (Place(1, box_poly(SECOND)), Place(2, box_poly(FIRST))),  # torn over two pages
    (Place(2, box_poly(SECOND)),),
)
RIGHT = {A: Spot(1, BBox(140, 15, 150, 25)), B: Spot(2, FIRST), C: Spot(2, SECOND)}


def test_all_in_place():
    assert count_places(PAGE, RIGHT) == PlaceCounts(3, 3, 2, 2)


@pytest.mark.parametrize(
    ("key", "spot", "expected"),
    [
        pytest.param(A, Spot(1, SECOND), PlaceCounts(3, 2, 2, 1), id="the next column"),
        pytest.param(A, Spot(2, FIRST), PlaceCounts(3, 2, 2, 1), id="another page"),
        pytest.param(C, Spot(2, BBox(200, 40, 300, 60)), PlaceCounts(3, 2, 2, 1), id="the next row"),
        pytest.param(C, Spot(), PlaceCounts(3, 2, 2, 1), id="found nowhere"),
        pytest.param(B, Spot(1, BBox(190, 12, 280, 28)), PlaceCounts(3, 3, 2, 2), id="reaching over"),
    ],
)
def test_one_elsewhere(key, spot, expected):
    assert count_places(PAGE, {**RIGHT, key: spot}) == expected


def test_nothing_found_and_nothing_placed():
    assert count_places(PAGE, {}) == PlaceCounts(3, 0, 2, 0)
    unplaced = replace(PAGE, cells={A: GoldCell(1, "1"), B: GoldCell(None, "", (Place(),))})
    assert count_places(unplaced, RIGHT) == PlaceCounts()


def test_lines_of_a_text():
    gold = make_gold((Place(line=4),), (Place(line=4),))
    assert count_places(gold, {A: Spot(line=4), B: Spot(line=5)}) == PlaceCounts(2, 1, 1, 0)


def test_counts_add_up():
    assert PlaceCounts(3, 2, 2, 1) + PlaceCounts(1, 1, 1, 1) == PlaceCounts(4, 3, 3, 2)
