"""The results of a batch as tables: a row per report and a row per cell, in Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pyarrow
from pyarrow.parquet import ParquetWriter

from giar_ml.batch.inputs import Input, find_differences
from giar_ml.batch.manifest import Manifest
from giar_ml.batch.results import Results, report_id
from giar_ml.errors import UsageError
from giar_ml.report import CellStatus, Report, ReportStatus, Value
from giar_ml.urls import Location
from giar_ml.words import one_line, say_reason

REPORTS, CELLS = "reports.parquet", "cells.parquet"
DUPLICATE, OFFICE_DIFFERS, YEAR_DIFFERS = "duplicate", "office_differs", "year_differs"
_ROWS = 100_000
"""Of cells, that are written together: some 500 reports."""

_STAGES = ("load", "ocr", "structure", "label", "solve")
_TEXT = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
_STATUSES = get_args(CellStatus)
_REPORT_SCHEMA = pyarrow.schema(
    [
        ("path", pyarrow.string()),
        ("id", pyarrow.string()),
        ("sha256", pyarrow.string()),
        ("duplicate_of", pyarrow.string()),
        ("office", pyarrow.string()),
        ("office_given", pyarrow.string()),
        ("office_read", pyarrow.string()),
        ("year", pyarrow.int16()),
        ("year_given", pyarrow.int16()),
        ("year_read", pyarrow.int16()),
        ("kind", pyarrow.string()),
        ("pages", pyarrow.int32()),
        ("form", pyarrow.string()),
        ("status", pyarrow.string()),
        ("problems", pyarrow.list_(pyarrow.string())),
        ("reason", pyarrow.string()),
        *((f"n_{status}", pyarrow.int16()) for status in _STATUSES),
        ("n_checks", pyarrow.int16()),
        ("n_broken", pyarrow.int16()),
        ("risk", pyarrow.float64()),
        *((f"{stage}_ms", pyarrow.float64()) for stage in _STAGES),
        ("seconds", pyarrow.float64()),
    ]
)
_CELL_SCHEMA = pyarrow.schema(
    [
        ("id", _TEXT),
        ("path", _TEXT),
        ("office", _TEXT),
        ("year", pyarrow.int16()),
        ("key", _TEXT),
        ("table", _TEXT),
        ("row", _TEXT),
        ("column", _TEXT),
        ("value", pyarrow.float64()),
        ("printed", pyarrow.float64()),
        ("status", _TEXT),
        ("confidence", pyarrow.float64()),
        ("page", pyarrow.int32()),
        ("line", pyarrow.int32()),
        ("bbox", pyarrow.list_(pyarrow.float64())),
        ("suggestion", pyarrow.float64()),
    ]
)


@dataclass(frozen=True)
class ReportRow:
    """One input with what came of it; `report` is None for one that could not be opened. Where the content is
    that of an input above, `duplicate_of` is its path."""

    given: Input
    status: ReportStatus
    problems: tuple[str, ...]
    reason: str
    sha256: str | None = None
    report: Report | None = None
    seconds: float | None = None
    duplicate_of: Location | None = None

    @property
    def id(self) -> str | None:
        return report_id(self.sha256) if self.sha256 else None

    @property
    def office(self) -> str | None:
        """As a list gives it, else as the report says."""
        return self.given.office or (self.report.organisation if self.report else None)

    @property
    def year(self) -> int | None:
        return self.given.year or (self.report.year if self.report else None)


def list_rows(manifest: Manifest, results: Results) -> Iterator[ReportRow]:
    """All inputs of a batch that is done, in order.

    Raises:
        UsageError: a result is missing or damaged.
    """
    firsts: dict[str, Location] = {}
    for listed in manifest.list_inputs():
        given, sha256 = listed.given, listed.sha256
        if listed.code:
            yield ReportRow(given, "failed", (listed.code,), listed.message or "")
            continue
        document = manifest.find_document(sha256) if sha256 else None
        if sha256 is None or document is None:
            raise UsageError(f"{given.path}: not read yet; start the same command again")
        first = firsts.setdefault(sha256, given.path)
        duplicate_of = None if first is given.path else first
        yield _make_row(given, sha256, results.read(sha256), document.seconds, duplicate_of)


def _make_row(
    given: Input, sha256: str, report: Report, seconds: float, duplicate_of: Location | None
) -> ReportRow:
    differences = _find_differences(given, report)
    reasons = [say_reason(report).removeprefix(f"{one_line(report.source.file)}: "), *differences.values()]
    codes = [problem.code for problem in report.problems]
    if duplicate_of:
        codes.insert(0, DUPLICATE)
        reasons.insert(0, f"the same file as {duplicate_of}")
    return ReportRow(
        given,
        "review" if differences and report.status == "accepted" else report.status,
        tuple(dict.fromkeys([*codes, *differences])),
        "; ".join(filter(None, reasons)),
        sha256,
        report,
        seconds,
        duplicate_of,
    )


def _find_differences(given: Input, report: Report) -> dict[str, str]:
    """What the report says otherwise than the list it was named in, in words, by code."""
    codes = {"office": OFFICE_DIFFERS, "year": YEAR_DIFFERS}
    differences = find_differences(given, report.organisation, report.year)
    return {
        codes[what]: f"the list says {one}, the report {other}" for what, (one, other) in differences.items()
    }


class Dataset:
    """Both tables, written into a folder as rows come.

    Args:
        folder: where `reports.parquet` and `cells.parquet` are written.
    """

    def __init__(self, folder: Path) -> None:
        self._reports = _Table(folder / REPORTS, _REPORT_SCHEMA)
        self._cells = _Table(folder / CELLS, _CELL_SCHEMA)

    def add(self, row: ReportRow) -> None:
        """Add a report and, unless it is a duplicate, its cells."""
        self._reports.add(_report_values(row))
        if row.report and not row.duplicate_of:
            shared = (_clean(row.id), _clean(row.given.path), _clean(row.office), row.year)
            for key, cell in row.report.cells.items():
                table, _, rest = key.partition(".")
                name, _, column = rest.rpartition(".")
                self._cells.add(
                    (
                        *shared,
                        *(key, table, name, column),
                        *(_number(cell.value), _number(cell.printed), cell.status, cell.confidence),
                        *(cell.page, cell.line, list(cell.bbox) if cell.bbox else None),
                        _number(cell.suggestion),
                    )
                )

    def close(self) -> None:
        self._reports.close()
        self._cells.close()


class _Table:
    def __init__(self, path: Path, schema: pyarrow.Schema) -> None:
        self._schema = schema
        self._writer = ParquetWriter(path, schema, compression="zstd")
        self._rows: list[Sequence[Any]] = []

    def add(self, row: Sequence[Any]) -> None:
        self._rows.append(row)
        if len(self._rows) == _ROWS:
            self._write()

    def close(self) -> None:
        if self._rows:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        columns = zip(*self._rows, strict=True)
        arrays = [
            pyarrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(pyarrow.Table.from_arrays(arrays, schema=self._schema), row_group_size=_ROWS)
        self._rows.clear()


def _report_values(row: ReportRow) -> list[Any]:
    report, given = row.report, row.given
    statuses = Counter(cell.status for cell in report.cells.values()) if report else Counter()
    checks = report.checks if report else ()
    timings: Mapping[str, float] = report.timings_ms if report else {}
    return [
        _clean(given.path),
        *(row.id, row.sha256, _clean(row.duplicate_of)),
        *(_clean(row.office), _clean(given.office), _clean(report.organisation if report else None)),
        *(row.year, given.year, report.year if report else None),
        *(report.source.kind if report else None, report.source.pages if report else None),
        report.form if report else None,
        *(row.status, list(row.problems), _clean(row.reason)),
        *(statuses[status] for status in _STATUSES),
        *(len(checks), sum(not check.holds for check in checks), report.risk if report else None),
        *(timings.get(stage) for stage in _STAGES),
        row.seconds,
    ]


def _number(value: Value | None) -> float | None:
    return None if value is None else float(value)


def _clean(text: str | Location | None) -> str | None:
    """A file name that is not UTF-8 holds lone surrogates, which Parquet does not take."""
    return None if text is None else str(text).encode(errors="backslashreplace").decode()
