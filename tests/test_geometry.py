from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giar_ml.document import BBox
from giar_ml.geometry import cluster, contains_center, intersection_area, split_into_lines, union

boxes = st.tuples(*[st.integers(0, 100)] * 4).map(
    lambda v: BBox(min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3]))
)


@given(boxes, boxes)
def test_intersection_is_symmetric_and_bounded(a: BBox, b: BBox) -> None:
    area = intersection_area(a, b)
    assert area == intersection_area(b, a)
    assert 0 <= area <= min(a.width * a.height, b.width * b.height)


@given(st.lists(boxes, min_size=1))
def test_union_holds_all(bboxes: list[BBox]) -> None:
    outer = union(bboxes)
    assert all(intersection_area(outer, b) == b.width * b.height for b in bboxes)


def test_union_of_nothing_raises() -> None:
    with pytest.raises(ValueError, match="values"):
        union([])


def test_contains_center() -> None:
    assert contains_center(BBox(0, 0, 10, 10), BBox(-4, -4, 6, 6))
    assert not contains_center(BBox(0, 0, 10, 10), BBox(8, 8, 14, 14))


@given(st.lists(st.floats(0, 1000), max_size=30))
def test_cluster_keeps_every_value_once_in_order(values: list[float]) -> None:
    groups = cluster(values, gap=5)
    assert sorted(i for group in groups for i in group) == list(range(len(values)))
    for group in groups:
        assert values[group[-1]] - values[group[0]] <= 10


def test_split_into_lines_orders_by_line_then_left() -> None:
    items = [BBox(50, 2, 60, 12), BBox(0, 0, 10, 10), BBox(0, 20, 10, 30)]
    assert split_into_lines(items, lambda b: b) == [[items[1], items[0]], [items[2]]]
