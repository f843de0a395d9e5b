"""Pure functions on boxes and on numbers along one axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from giar_ml.document import BBox

T = TypeVar("T")


def union(bboxes: Iterable[BBox]) -> BBox:
    """The smallest box around all of `bboxes`.

    Raises:
        ValueError: there is none.
    """
    lefts, tops, rights, bottoms = zip(*bboxes, strict=True)
    return BBox(min(lefts), min(tops), max(rights), max(bottoms))


def overlap(start: float, stop: float, other_start: float, other_stop: float) -> float:
    """Length that two intervals share; 0 when they are apart."""
    return max(0.0, min(stop, other_stop) - max(start, other_start))


def intersection_area(a: BBox, b: BBox) -> float:
    return overlap(a.left, a.right, b.left, b.right) * overlap(a.top, a.bottom, b.top, b.bottom)


def contains(outer: BBox, inner: BBox) -> bool:
    """Whether a box lies in another, edges and all."""
    return (
        outer.left <= inner.left
        and outer.top <= inner.top
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )


def contains_center(outer: BBox, inner: BBox) -> bool:
    """Whether the centre of `inner` lies in `outer`, its left and top edge included."""
    x, y = inner.center
    return outer.left <= x < outer.right and outer.top <= y < outer.bottom


def cluster(values: Sequence[float], *, gap: float) -> list[list[int]]:
    """Indices of `values` in groups along the axis, both in ascending order.

    A group ends where the next value is more than `gap` away from the group's first one and from
    its last one: a chain of near values does not grow beyond twice the gap.
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(values)), key=values.__getitem__):
        if groups:
            first, last = values[groups[-1][0]], values[groups[-1][-1]]
            if values[index] - last <= gap and values[index] - first <= 2 * gap:
                groups[-1].append(index)
                continue
        groups.append([index])
    return groups


def split_into_lines(
    items: Iterable[T], bbox_of: Callable[[T], BBox], *, share: float = 0.5
) -> list[list[T]]:
    """Items in text lines, top to bottom, each line from left to right.

    Two items are on one line when they share at least `share` of the lower one's height.
    """
    lines: list[tuple[BBox, list[T]]] = []
    for item in sorted(items, key=lambda i: (bbox_of(i).center[1], bbox_of(i).left)):
        bbox = bbox_of(item)
        for position in range(len(lines) - 1, max(-1, len(lines) - 4), -1):
            line_bbox, line = lines[position]
            shared = overlap(bbox.top, bbox.bottom, line_bbox.top, line_bbox.bottom)
            if shared >= share * min(bbox.height, line_bbox.height) and shared > 0:
                line.append(item)
                top, bottom = _mean_extent(bbox_of(i) for i in line)
                lines[position] = (BBox(line_bbox.left, top, line_bbox.right, bottom), line)
                break
        else:
            lines.append((bbox, [item]))
    lines.sort(key=lambda entry: entry[0].center[1])
    return [sorted(line, key=lambda i: bbox_of(i).left) for _, line in lines]


def _mean_extent(bboxes: Iterable[BBox]) -> tuple[float, float]:
    extents = [(bbox.top, bbox.bottom) for bbox in bboxes]
    return sum(top for top, _ in extents) / len(extents), sum(bottom for _, bottom in extents) / len(extents)


def runs(flags: np.ndarray, *, gap: int = 0) -> list[tuple[int, int]]:
    """Half-open runs of true values, those at most `gap` apart joined."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    found: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and start - found[-1][1] <= gap:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found


def signed_area(points: Sequence[tuple[float, float]]) -> float:
    """Of a polygon; above 0 when its points run clockwise as one sees them, y pointing down."""
    following = (*points[1:], *points[:1])
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, following, strict=True)) / 2


def poly_area(points: Sequence[tuple[float, float]]) -> float:
    return abs(signed_area(points))
