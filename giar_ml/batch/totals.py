"""What a batch comes to: counts, times, and the reports that a person should look at."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from giar_ml.batch.dataset import ReportRow

MOST_LISTED = 2000
"""Reports of one status that are listed; the dataset has them all."""


@dataclass
class Totals:
    """Counts of reports by status, problem code and kind of file; `failed` and `review` list the first of
    these; `seconds` is what reading took, added up."""

    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    n_duplicates: int = 0
    failed: list[ReportRow] = field(default_factory=list)
    review: list[ReportRow] = field(default_factory=list)

    @property
    def n_reports(self) -> int:
        return self.statuses.total()

    def add(self, row: ReportRow) -> None:
        self.statuses[row.status] += 1
        self.codes.update(row.problems)
        if row.duplicate_of:
            self.n_duplicates += 1
        else:
            kind = (row.report.source.kind if row.report else None) or "not read"
            self.kinds[kind] += 1
            self.seconds[kind] += row.seconds or 0.0
        listed = {"failed": self.failed, "review": self.review}.get(row.status)
        if listed is not None and len(listed) < MOST_LISTED:
            listed.append(_without_cells(row))


def _without_cells(row: ReportRow) -> ReportRow:
    """What the lists show of a report, without what fills the memory."""
    if row.report is None:
        return row
    return replace(row, report=replace(row.report, cells={}, checks=(), problems=()))
