"""Gold in the format of PubTabNet: one line of JSON per table, its structure as HTML tokens.

PubTabNet's pictures are tables cut out of their pages, so `write` also says where to cut: `page` and
`crop` stand beside the fields of the format. As there, boxes are left, top, right, bottom in pixels of the
cut-out, and an empty cell has no box. Our box is the whole cell's, upright, also where the page is skewed.
Format: PubTabNet 2.0.0, README.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from giar_ml.annotations.gold import GoldPage, GoldTable, GoldTableCell, bounds
from giar_ml.annotations.pages import Pictured, pictured_pages, pixel_box
from giar_ml.document import BBox

CROP_MARGIN_PX = 4
"""Keeps the outer rules of a table in its picture."""


def write(documents: Iterable[Pictured], *, split: str = "train") -> list[dict[str, Any]]:
    """The lines of one file, each a JSON object: a table, or the part of a table that lies on one page.

    `filename` is the table's picture, `tables/<number>-<page picture>.png`; `page` is the picture to cut it
    out of, `crop` where.
    """
    lines: list[dict[str, Any]] = []
    for page in pictured_pages(documents):
        for table in page.tables:
            number = len(lines)
            crop = table_crop(table, page.page)
            lines.append(
                {
                    "filename": f"tables/{number:06d}-{PurePosixPath(page.image).stem}.png",
                    "split": split,
                    "imgid": number,
                    "html": table_html(table, crop),
                    "page": page.image,
                    "crop": pixel_box(crop),
                }
            )
    return lines


def table_crop(table: GoldTable, page: GoldPage) -> BBox:
    """What to cut out of the page: whole pixels around all cells, with a margin, inside the page."""
    box = bounds(point for cell in table.cells for point in cell.poly)
    return BBox(
        max(math.floor(box.left) - CROP_MARGIN_PX, 0),
        max(math.floor(box.top) - CROP_MARGIN_PX, 0),
        min(math.ceil(box.right) + CROP_MARGIN_PX, round(page.width)),
        min(math.ceil(box.bottom) + CROP_MARGIN_PX, round(page.height)),
    )


def table_html(table: GoldTable, crop: BBox) -> dict[str, Any]:
    """`structure` and `cells` of a table, in the order of HTML. A place that no cell covers is empty."""
    places = sorted(_all_places(table), key=lambda place: (place.row_start, place.column_start))
    n_header_rows = _count_header_rows(table)
    tokens: list[str] = []
    for tag, start, stop in (("thead", 0, n_header_rows), ("tbody", n_header_rows, table.n_rows)):
        if start == stop:
            continue
        tokens.append(f"<{tag}>")
        for row in range(start, stop):
            tokens.append("<tr>")
            tokens += [token for place in places if place.row_start == row for token in _cell_tokens(place)]
            tokens.append("</tr>")
        tokens.append(f"</{tag}>")
    return {"structure": {"tokens": tokens}, "cells": [_cell_content(place.cell, crop) for place in places]}


class _Place(NamedTuple):
    row_start: int
    column_start: int
    n_rows: int
    n_columns: int
    cell: GoldTableCell | None


def _all_places(table: GoldTable) -> list[_Place]:
    places = [
        _Place(c.row_start, c.column_start, c.row_stop - c.row_start, c.column_stop - c.column_start, c)
        for c in table.cells
    ]
    covered = {
        (row, column)
        for c in table.cells
        for row in range(c.row_start, c.row_stop)
        for column in range(c.column_start, c.column_stop)
    }
    holes = [
        _Place(row, column, 1, 1, None)
        for row in range(table.n_rows)
        for column in range(table.n_columns)
        if (row, column) not in covered
    ]
    return places + holes


def _count_header_rows(table: GoldTable) -> int:
    """The rows above the first that holds a row's label or a figure's place; 0 where none does."""
    body = [c for c in table.cells if c.key or c.label == "figure" or c.label.startswith("row:")]
    return min((c.row_start for c in body), default=0)


def _cell_tokens(place: _Place) -> Sequence[str]:
    spans = [
        f' {name}="{n}"' for name, n in (("rowspan", place.n_rows), ("colspan", place.n_columns)) if n > 1
    ]
    return ["<td", *spans, ">", "</td>"] if spans else ["<td>", "</td>"]


def _cell_content(cell: GoldTableCell | None, crop: BBox) -> dict[str, Any]:
    if cell is None or not cell.text:
        return {"tokens": []}
    box = bounds(cell.poly)
    left, right = (min(max(x, crop.left), crop.right) - crop.left for x in (box.left, box.right))
    top, bottom = (min(max(y, crop.top), crop.bottom) - crop.top for y in (box.top, box.bottom))
    return {"tokens": list(cell.text), "bbox": pixel_box(BBox(left, top, right, bottom))}
