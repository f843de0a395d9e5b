"""How the cells of scans with gold were read, as the model of misreadings is told of them."""

from __future__ import annotations

import csv
import io
import lzma
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from giar_ml.acceptance import UNSURE, features, is_overruled, look_around, probability
from giar_ml.annotations.gold import Gold
from giar_ml.errors import UsageError
from giar_ml.fields import FormEvidence
from giar_ml.report import Report

LOST = frozenset(
    (
        "ambiguous",
        "lost_rows",
        "missing_cells",
        "no_figures",
        "poor_fit",
        "solver_timeout",
        "unconfirmed",
        "unnamed_rows",
        "unplaced_figures",
    )
)
"""Codes of problems of reports of which parts were not found, or not told apart: they are reviewed however
sure the rest is."""


@dataclass(frozen=True)
class CellRow:
    """One cell that was seen: its features, and whether what was first read there is wrong."""

    report: str
    severity: str
    is_lone: bool
    """Whether no sum checks it."""
    features: dict[str, float]
    wrong: bool
    kept_in: str = field(default="", compare=False)
    """The file that it was kept in: another may have another scan of the same report."""


def cell_rows(evidence: FormEvidence, report: Report, gold: Gold) -> Iterator[CellRow]:
    """The cells of a report of which no part was lost; none of another.

    Of what is around a cell that sums check, it is itself left out.
    """
    if LOST.intersection(problem.code for problem in report.problems):
        return
    around = look_around(evidence, report.cells)
    severity = str(gold.origin.get("severity", ""))
    for row in evidence.rows:
        for key, seen in row.layouts[0].cells.items():
            if seen is None or not seen.readings or seen.certain or key not in gold.cells:
                continue
            lone = key not in evidence.form.summed
            others = around
            if not lone:
                cell = report.cells.get(key)
                others = around._replace(
                    n_overruled=around.n_overruled - is_overruled(cell),
                    n_unsure=around.n_unsure - (probability(seen) < UNSURE),
                )
            wrong = (seen.readings[0][0] or 0) != (gold.cells[key].printed or 0)
            yield CellRow(gold.file, severity, lone, features(seen, others), wrong)


def write_rows(rows: Iterable[CellRow], path: Path) -> int:
    """Keep rows as compressed CSV, features rounded to four decimals; returns how many."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    n_rows = 0
    for n_rows, row in enumerate(rows, start=1):
        if n_rows == 1:
            out.writerow(("report", "severity", "is_lone", "wrong", *row.features))
        values = (f"{value:.4f}".rstrip("0").rstrip(".") for value in row.features.values())
        out.writerow((row.report, row.severity, int(row.is_lone), int(row.wrong), *values))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.getvalue().encode(), preset=9 | lzma.PRESET_EXTREME))
    return n_rows


def read_rows(path: Path) -> Sequence[CellRow]:
    """The rows of a file that `write_rows` wrote.

    Raises:
        UsageError: it is no such file.
    """
    try:
        lines = csv.DictReader(io.StringIO(lzma.decompress(path.read_bytes()).decode()))
        return [_row(line, path.name) for line in lines]
    except (OSError, lzma.LZMAError, ValueError, LookupError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); check it out anew, or delete it") from error


def _row(line: dict[str, str], kept_in: str) -> CellRow:
    report, severity, lone, wrong = (line.pop(name) for name in ("report", "severity", "is_lone", "wrong"))
    told = {name: float(value) for name, value in line.items()}
    return CellRow(report, severity, lone == "1", told, wrong == "1", kept_in)
