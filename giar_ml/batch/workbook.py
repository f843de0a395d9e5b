"""The summary of a batch as a workbook: counts, and a row per report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from lxml.etree import LxmlError, SerialisationError
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils.exceptions import WorkbookAlreadySaved
from openpyxl.writer.excel import ExcelWriter

from giar_ml.batch.dataset import ReportRow
from giar_ml.batch.results import FOLDER
from giar_ml.batch.totals import Totals
from giar_ml.workbook import REPORT_WORDS, STATUS_FILLS, set_text

_COLUMNS = (
    ("文件", 50),
    ("机关", 34),
    ("年度", 8),
    ("结果", 9),
    ("式样", 8),
    ("原因", 80),
    ("问题代码", 34),
    ("清单所列机关", 30),
    ("清单所列年度", 12),
    ("重复于", 40),
    ("结果文件", 44),
)
_FILLS = {"accepted": "C6E0B4", "review": STATUS_FILLS["missing"], "failed": STATUS_FILLS["conflict"]}
MOST_ROWS = 1_000_000
"""Excel takes some more rows in a sheet; the dataset has all reports."""


@contextmanager
def _explained() -> Iterator[None]:
    """What lxml says of a full disk as what it is."""
    try:
        yield
    except SerialisationError as error:
        raise OSError(f"temporary files in {tempfile.gettempdir()}: {error}") from error


class SummaryWorkbook:
    """A workbook that takes reports as they come, without holding them: it has a temporary file."""

    @_explained()
    def __init__(self) -> None:
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("报告")
        self._sheet.freeze_panes = "A2"
        for i, (_, width) in enumerate(_COLUMNS):
            self._sheet.column_dimensions["ABCDEFGHIJK"[i]].width = width
        self._sheet.append([self._cell(title, bold=True) for title, _ in _COLUMNS])
        self._n_rows = 0

    @_explained()
    def add(self, row: ReportRow) -> None:
        if self._n_rows == MOST_ROWS:
            return
        self._n_rows += 1
        given, report = row.given, row.report
        values: tuple[Any, ...] = (
            str(given.path),
            row.office or "",
            row.year,
            REPORT_WORDS[row.status],
            (report.form if report else None) or "",
            row.reason,
            " ".join(row.problems),
            given.office or "",
            given.year,
            str(row.duplicate_of or ""),
            f"{FOLDER}/{row.id}.json" if row.id else "",
        )
        cells = [self._cell(value) for value in values]
        cells[3].fill = PatternFill("solid", fgColor=_FILLS[row.status])
        self._sheet.append(cells)

    @_explained()
    def save(self, path: Path, totals: Totals) -> None:
        """Write the file, with a sheet of the counts.

        Raises:
            OSError: it cannot be written.
        """
        self._sheet.auto_filter.ref = f"A1:K{self._n_rows + 1}"
        sheet = self._book.create_sheet("汇总")
        sheet.column_dimensions["A"].width = 34
        counts = [(REPORT_WORDS[status], totals.statuses[status]) for status in REPORT_WORDS]
        blocks = (
            ("报告", [*counts, ("合计", totals.n_reports), ("重复", totals.n_duplicates)]),
            ("问题代码", totals.codes.most_common()),
        )
        for title, rows in blocks:
            sheet.append([self._cell(title, bold=True), self._cell("份数", bold=True)])
            for name, n in rows:
                sheet.append([self._cell(name), self._cell(n)])
            sheet.append([])
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:  # Workbook.save leaves it open on errors
            ExcelWriter(self._book, archive).save()

    def close(self) -> None:
        """Let go of what was not saved; else openpyxl complains on stderr when the program ends."""
        for sheet in self._book.worksheets:
            with suppress(WorkbookAlreadySaved, LxmlError, OSError, StopIteration):
                sheet.close()

    def _cell(self, value: Any, *, bold: bool = False) -> Any:
        cell = WriteOnlyCell(self._sheet)
        if isinstance(value, str):
            set_text(cell, value)
        else:
            cell.value = value
        cell.alignment = Alignment(vertical="top")
        if bold:
            cell.font = Font(bold=True)
        return cell
