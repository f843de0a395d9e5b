"""The result of one report and its JSON form, schema version 1."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

from giar_ml.document import BBox, Problem, SourceKind
from giar_ml.forms import load_forms

SCHEMA_VERSION = "1"

Value = int | Decimal
CellStatus = Literal["read", "blank", "repaired", "inferred", "conflict", "missing"]
ReportStatus = Literal["accepted", "review", "failed"]


@dataclass(frozen=True)
class Source:
    file: str
    sha256: str
    kind: SourceKind | None
    pages: int


@dataclass(frozen=True)
class CellResult:
    """One cell of the form. `value` is what to use, `printed` what the paper says."""

    value: Value | None
    printed: Value | None
    status: CellStatus
    confidence: float
    page: int | None = None
    bbox: BBox | None = None
    line: int | None = None
    candidates: tuple[tuple[Value, float], ...] = ()
    suggestion: Value | None = None


@dataclass(frozen=True)
class Check:
    """One sum of the form on the final values; a side is None when a cell of it is missing."""

    id: str
    holds: bool
    left: Value | None
    right: Value | None

    @property
    def stated(self) -> tuple[str, ...]:
        """The keys of the cells of which the prose says the sum; none unless it is such a check."""
        kind, _, keys = self.id.partition(":")
        return tuple(keys.split("+")) if kind == "text" else ()


@dataclass(frozen=True)
class Proof:
    """How the answer stands among all lawful ones: `cost` is what it takes to explain all readings by it,
    `gap` how much more the best different one takes at least, as far as was looked, both in nats; `proven`
    says that no time limit cut the search short."""

    cost: float
    gap: float
    proven: bool


@dataclass(frozen=True)
class Report:
    source: Source
    form: str | None
    organisation: str | None
    year: int | None
    status: ReportStatus
    cells: dict[str, CellResult] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    problems: tuple[Problem, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    risk: float | None = None
    """Probability (0..1) that a cell is wrong; None where nothing was read, and in results of before."""
    proof: Proof | None = None
    """None where the sums were not used."""

    @property
    def doubtful(self) -> frozenset[str]:
        """Keys of the cells that were read, or printed blank, and that a problem names all the same."""
        named = {key for problem in self.problems for key in problem.cells if key in self.cells}
        return frozenset(key for key in named if self.cells[key].status in ("read", "blank"))

    def to_json(self) -> str:
        """JSON with a line for each cell, check and problem."""
        data = {"schema_version": SCHEMA_VERSION, **vars(self)}
        for extra in ("risk", "proof"):
            if data[extra] is None:
                del data[extra]
        entries = (f'"{name}": {_write_lines(value)}' for name, value in data.items())
        return "{\n " + ",\n ".join(entries) + "\n}"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what `to_json` wrote.

        Raises:
            ValueError: not JSON, not such a report, or another schema version; a form or status that this
                program does not know.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or data.pop("schema_version", None) != SCHEMA_VERSION:
            raise ValueError(f"not a report of schema version {SCHEMA_VERSION}")
        try:
            report = _decode_report(data)
        except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError("not a report: a part of it is missing, or of another shape") from error
        _check_words(report)
        return report

    @classmethod
    def read(cls, path: str | Path) -> Report:
        return cls.from_json(Path(path).read_text(encoding="utf-8"))


def _check_words(report: Report) -> None:
    """Raises ValueError where the form or a status is none."""
    for name, word, known in (
        ("form", report.form, (None, *load_forms())),
        ("status", report.status, get_args(ReportStatus)),
        *(("status of a cell", cell.status, get_args(CellStatus)) for cell in report.cells.values()),
    ):
        if word not in known:
            raise ValueError(f"not a report: {word!r} is no {name}")


def _write_lines(value: object) -> str:
    """The entries of what holds dataclasses on lines of their own, all else on one."""
    if isinstance(value, dict) and any(map(is_dataclass, value.values())):
        return (
            "{\n  " + ",\n  ".join(f"{_write(key)}: {_write(item)}" for key, item in value.items()) + "\n }"
        )
    if isinstance(value, tuple) and any(map(is_dataclass, value)):
        return "[\n  " + ",\n  ".join(map(_write, value)) + "\n ]"
    return _write(value)


def _encode(value: object) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if is_dataclass(value):
        return vars(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


_write = json.JSONEncoder(ensure_ascii=False, default=_encode).encode


def decode_value(value: float | str | None) -> Value | None:
    """A figure of a JSON file: an amount is a decimal string, or a number, which counts as it is written.

    Raises:
        ArithmeticError: the string is no number.
    """
    return Decimal(str(value)) if isinstance(value, (str, float)) else value


def _decode_report(data: dict[str, Any]) -> Report:
    checks = (
        Check(**{**check, "left": decode_value(check["left"]), "right": decode_value(check["right"])})
        for check in data["checks"]
    )
    problems = (Problem(**{**problem, "cells": tuple(problem["cells"])}) for problem in data["problems"])
    return Report(
        **{
            **data,
            "source": Source(**data["source"]),
            "cells": {key: _decode_cell(cell) for key, cell in data["cells"].items()},
            "checks": tuple(checks),
            "problems": tuple(problems),
            "proof": Proof(**data["proof"]) if data.get("proof") else None,
        }
    )


def _decode_cell(data: dict[str, Any]) -> CellResult:
    return CellResult(
        **{
            **data,
            "value": decode_value(data["value"]),
            "printed": decode_value(data["printed"]),
            "suggestion": decode_value(data["suggestion"]),
            "bbox": BBox(*data["bbox"]) if data["bbox"] else None,
            "candidates": tuple((decode_value(value), p) for value, p in data["candidates"]),
        }
    )
