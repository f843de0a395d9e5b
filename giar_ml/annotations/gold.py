"""The gold of one document: every figure it prints and where, its labelled tokens, its tables.

Written as `<document>.gold.json` beside the document; README.md of eval/fixtures describes each field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from giar_ml.document import BBox, SourceKind
from giar_ml.errors import InputError
from giar_ml.report import Value, decode_value

GOLD_VERSION = "1"
SUFFIX = ".gold.json"

Point = tuple[float, float]
Poly = tuple[Point, Point, Point, Point]
"""Page pixels; clockwise from the corner that is top left when the text is read upright."""

Warp = Callable[[Sequence[Point]], Sequence[Point]]
"""Where points of one page lie on another."""


@dataclass(frozen=True)
class Place:
    """Where something stands: a quadrilateral of a page, or a line (1-based) of a text."""

    page: int | None = None
    poly: Poly | None = None
    line: int | None = None

    @property
    def bbox(self) -> BBox | None:
        """The smallest upright box around `poly`."""
        return bounds(self.poly) if self.poly else None


def bounds(points: Iterable[Point]) -> BBox:
    xs, ys = zip(*points, strict=True)
    return BBox(min(xs), min(ys), max(xs), max(ys))


def box_poly(bbox: BBox) -> Poly:
    return (
        (bbox.left, bbox.top),
        (bbox.right, bbox.top),
        (bbox.right, bbox.bottom),
        (bbox.left, bbox.bottom),
    )


@dataclass(frozen=True)
class GoldPage:
    """`width` and `height` in the pixels that all places of the page are given in."""

    number: int
    width: float
    height: float
    dpi: float | None = None


@dataclass(frozen=True)
class GoldCell:
    """What the paper prints in a cell of the form: `printed` is None where it is blank, `text` has the
    notes and units too. More than one place: the cell is torn over pages. No place: not printed at all
    (a lost column), or not known where."""

    printed: Value | None
    text: str = ""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class GoldToken:
    """A run of text on one printed line, labelled as `giar_ml.label` names labels; `key` is the form's
    cell where the token is its figure."""

    text: str
    label: str
    place: Place
    key: str | None = None


@dataclass(frozen=True)
class GoldTableCell:
    """A cell of a table as it lies on the paper. Spans are half open."""

    row_start: int
    row_stop: int
    column_start: int
    column_stop: int
    poly: Poly
    text: str = ""
    label: str = "other"
    key: str | None = None


@dataclass(frozen=True)
class GoldTable:
    """A table, or the part of a table that lies on one page, with the headers repeated there."""

    page: int
    n_rows: int
    n_columns: int
    cells: tuple[GoldTableCell, ...]


@dataclass(frozen=True)
class Gold:
    """The truth about one document.

    `misprints` are cells whose printed figure contradicts a sum, with the lawful figure; `origin` says
    how the document was made (seed, profile, severity, faults) or who annotated it.
    """

    file: str
    sha256: str
    kind: SourceKind
    form: str
    organisation: str | None
    year: int | None
    cells: Mapping[str, GoldCell]
    misprints: Mapping[str, Value] = field(default_factory=dict)
    pages: tuple[GoldPage, ...] = ()
    tokens: tuple[GoldToken, ...] = ()
    tables: tuple[GoldTable, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)

    def moved(self, pages: Sequence[GoldPage], warps: Sequence[Warp]) -> Gold:
        """The same gold on other pages: page `i + 1` becomes `pages[i]`, its points go through `warps[i]`."""

        def move_poly(page: int, poly: Poly) -> Poly:
            a, b, c, d = warps[page - 1](poly)
            return a, b, c, d

        def move(place: Place) -> Place:
            if place.page is None or place.poly is None:
                return place
            return replace(place, page=pages[place.page - 1].number, poly=move_poly(place.page, place.poly))

        return replace(
            self,
            pages=tuple(pages),
            cells={
                key: replace(cell, places=tuple(map(move, cell.places))) for key, cell in self.cells.items()
            },
            tokens=tuple(replace(token, place=move(token.place)) for token in self.tokens),
            tables=tuple(
                replace(
                    table,
                    page=pages[table.page - 1].number,
                    cells=tuple(replace(c, poly=move_poly(table.page, c.poly)) for c in table.cells),
                )
                for table in self.tables
            ),
        )

    def to_json(self) -> str:
        data = {"schema_version": GOLD_VERSION, **_plain(asdict(self))}
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Gold:
        """Raises ValueError when the text is no gold of this version."""
        data = json.loads(text)
        if not isinstance(data, dict) or data.pop("schema_version", None) != GOLD_VERSION:
            raise ValueError(f"not a gold file of schema version {GOLD_VERSION}")
        return cls(
            **{
                **data,
                "cells": {key: _read_cell(cell) for key, cell in data["cells"].items()},
                "misprints": {key: decode_value(value) for key, value in data["misprints"].items()},
                "pages": tuple(GoldPage(**page) for page in data["pages"]),
                "tokens": tuple(
                    GoldToken(**{**token, "place": _read_place(token["place"])}) for token in data["tokens"]
                ),
                "tables": tuple(_read_table(table) for table in data["tables"]),
            }
        )

    def write(self, path: str | Path) -> Path:
        path = Path(path)
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: str | Path) -> Gold:
        """Raises InputError when the file is no gold file."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise InputError(f"{path}: not a gold file ({error})", code="bad_gold") from error


def gold_path(document: str | Path) -> Path:
    """Where the gold of a document stands: beside it."""
    document = Path(document)
    return document.with_name(document.name + SUFFIX)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float):
        return round(value, 1)
    return value


def _read_poly(points: Any) -> Any:
    return tuple((x, y) for x, y in points) if points else None


def _read_place(data: dict[str, Any]) -> Place:
    return Place(data["page"], _read_poly(data["poly"]), data["line"])


def _read_cell(data: dict[str, Any]) -> GoldCell:
    return GoldCell(decode_value(data["printed"]), data["text"], tuple(map(_read_place, data["places"])))


def _read_table(data: dict[str, Any]) -> GoldTable:
    cells = tuple(GoldTableCell(**{**cell, "poly": _read_poly(cell["poly"])}) for cell in data["cells"])
    return GoldTable(data["page"], data["n_rows"], data["n_columns"], cells)
