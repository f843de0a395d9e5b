"""Cells in their places: whether each figure was taken from the row and column it is printed in.

A cell of the form that the gold places on a page is in place when the middle of the box it was read from
lies in one of its places; in a text, when it was read from one of its lines. What is read there does not
matter: a misread figure in its place has the right row and column. A table's rows and columns are wholly
right when all its printed cells are in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from giar_ml.annotations.gold import Gold, Place
from giar_ml.document import BBox
from giar_ml.geometry import contains_center
from giar_ml.metrics.counts import add_fields


class Spot(NamedTuple):
    """Where a cell was read: a page (1-based) and a box in the gold's pixels, or a line (1-based)."""

    page: int | None = None
    bbox: BBox | None = None
    line: int | None = None


@dataclass(frozen=True)
class PlaceCounts:
    """Printed cells and tables of the gold, and how many of them are in place."""

    cells: int = 0
    cells_right: int = 0
    tables: int = 0
    tables_right: int = 0

    def __add__(self, other: PlaceCounts) -> PlaceCounts:
        return add_fields(self, other)


def count_places(gold: Gold, found: Mapping[str, Spot]) -> PlaceCounts:
    """Count the cells that the gold has places for; `found` by key of the cell."""
    right: dict[str, list[bool]] = {}
    for key, cell in gold.cells.items():
        if places := [place for place in cell.places if place.bbox is not None or place.line is not None]:
            spot = found.get(key, Spot())
            table = right.setdefault(key.partition(".")[0], [])
            table.append(any(_is_in(spot, place) for place in places))
    return PlaceCounts(
        sum(map(len, right.values())),
        sum(map(sum, right.values())),
        len(right),
        sum(map(all, right.values())),
    )


def _is_in(spot: Spot, place: Place) -> bool:
    if place.bbox is None:
        return spot.line is not None and spot.line == place.line
    return spot.bbox is not None and spot.page == place.page and contains_center(place.bbox, spot.bbox)
