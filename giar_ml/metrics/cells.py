"""One report against its gold, cell by cell.

A cell is right when its value equals the printed figure, as numbers: 3.50 is 3.5. A cell printed blank
is 0. A misprint is right as printed: it is to be kept and flagged, not repaired. A blank that contradicts
its sums is right as 0 and right as the figure that the sums demand. A cell without a value is wrong, and
so is one that the report lacks, having taken the document for another form. Cells that a broken text does
not show any more (`origin["lost"]` of the gold) are counted apart: to give no value is right there, to give
a wrong one is an error all the same.

Of a whole report it can be told whether it is right only where the gold is complete, with every cell of the
form. Where it has some of them, or none, these are counted and the document is left out of what is counted of
whole reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from giar_ml.annotations.gold import Gold
from giar_ml.figures import plain
from giar_ml.forms import load_forms
from giar_ml.metrics.counts import add_fields, ratio
from giar_ml.report import CellResult, CellStatus, Report, Value


@dataclass(frozen=True)
class CellOutcome:
    """What became of one gold cell.

    Args:
        key: the form's cell key.
        text: what the paper prints, with notes and units; "" for a blank.
        printed: the gold figure; None for a blank.
        value: the report's figure; None when it gives none.
        first_reading: what the reader saw before the sums were asked; None for a blank or nothing.
        status: None when the report has no such cell.
        confidence: 0..1; 0 when the report has no such cell.
    """

    key: str
    text: str
    printed: Value | None
    value: Value | None
    first_reading: Value | None
    status: CellStatus | None
    confidence: float
    right: bool
    first_right: bool


@dataclass(frozen=True)
class Counts:
    """Documents and cells counted. Rates are None where nothing could count."""

    documents: int = 0
    failed: int = 0
    """No report, or one with status failed: its gold cells are wrong where it has no figures."""
    accepted: int = 0
    review: int = 0
    complete: int = 0
    """Documents with complete gold; all counts of right and clean ones are of them."""
    complete_accepted: int = 0
    wholly_right: int = 0
    forms_right: int = 0
    years: int = 0
    """Documents whose year the gold states."""
    years_right: int = 0
    organisations: int = 0
    organisations_right: int = 0

    cells: int = 0
    cells_right: int = 0
    cells_right_before_solver: int = 0
    cells_missing: int = 0
    """Gold cells for which the report gives no figure."""
    lost_cells: int = 0
    """Cells that the document does not show any more; no other count of cells has them."""
    lost_cells_wrong: int = 0
    lost_cells_inferred: int = 0
    """Lost cells given the right figure."""
    silent_errors: int = 0
    """Wrong cells of accepted reports, lost ones too, whether the gold is complete or not."""
    reports_with_silent_errors: int = 0
    """Of those whose gold is complete."""

    clean_documents: int = 0
    """Documents with complete gold, without misprints and without prose that contradicts a table
    (`origin["contradicted"]`): those that need no person."""
    straight_through: int = 0
    """Clean documents accepted."""
    straight_through_right: int = 0
    """Clean documents accepted and wholly right."""

    repairs: int = 0
    """Cells with status repaired or inferred."""
    repairs_right: int = 0
    misread: int = 0
    """Cells whose first reading is wrong: those that need a repair."""
    misread_mended: int = 0
    """Misread cells that ended right, by whatever status."""

    misprints: int = 0
    misprints_located: int = 0
    """The cell itself is flagged: in conflict, or its suggestion is the lawful figure; of a blank, filled
    with the lawful figure."""
    misprints_flagged: int = 0
    """Located, or the report went to review with a broken sum or statement on the cell."""
    false_alarm_documents: int = 0
    """Clean documents with a cell in conflict."""
    false_alarm_cells: int = 0

    def __add__(self, other: Counts) -> Counts:
        return add_fields(self, other)

    @property
    def cell_accuracy(self) -> float | None:
        return ratio(self.cells_right, self.cells)

    @property
    def cell_accuracy_before_solver(self) -> float | None:
        return ratio(self.cells_right_before_solver, self.cells)

    @property
    def wholly_right_rate(self) -> float | None:
        return ratio(self.wholly_right, self.complete)

    @property
    def acceptance_rate(self) -> float | None:
        return ratio(self.accepted, self.documents)

    @property
    def silent_error_rate(self) -> float | None:
        """Accepted reports with a wrong cell, of the accepted ones whose gold is complete."""
        return ratio(self.reports_with_silent_errors, self.complete_accepted)

    @property
    def straight_through_rate(self) -> float | None:
        """Clean documents accepted, of the clean ones."""
        return ratio(self.straight_through, self.clean_documents)

    @property
    def straight_through_right_rate(self) -> float | None:
        """Clean documents accepted and wholly right, of the clean ones."""
        return ratio(self.straight_through_right, self.clean_documents)

    @property
    def repair_precision(self) -> float | None:
        return ratio(self.repairs_right, self.repairs)

    @property
    def repair_recall(self) -> float | None:
        return ratio(self.misread_mended, self.misread)

    @property
    def misprint_recall(self) -> float | None:
        """Misprints flagged, of all."""
        return ratio(self.misprints_flagged, self.misprints)

    @property
    def misprint_location_recall(self) -> float | None:
        """Misprints located, of all."""
        return ratio(self.misprints_located, self.misprints)

    @property
    def false_alarm_rate(self) -> float | None:
        """Clean documents with a cell in conflict, of the clean ones."""
        return ratio(self.false_alarm_documents, self.clean_documents)

    @property
    def form_accuracy(self) -> float | None:
        return ratio(self.forms_right, self.documents)

    @property
    def year_accuracy(self) -> float | None:
        return ratio(self.years_right, self.years)

    @property
    def organisation_accuracy(self) -> float | None:
        return ratio(self.organisations_right, self.organisations)


def by_cell(gold: Gold, report: Report | None) -> Iterator[CellOutcome]:
    """The outcome of every gold cell that the document shows, in the gold's order; no report gives no
    figures."""
    lost = lost_keys(gold)
    return (outcome for outcome in _all_outcomes(gold, report) if outcome.key not in lost)


def lost_errors(gold: Gold, report: Report | None) -> Iterator[CellOutcome]:
    """The cells that the document does not show any more and the report gives a wrong figure for."""
    lost = lost_keys(gold)
    outcomes = (o for o in _all_outcomes(gold, report) if o.key in lost)
    return (o for o in outcomes if not o.right and o.value is not None)


def lost_keys(gold: Gold) -> frozenset[str]:
    """The cells that the document does not show any more."""
    return frozenset(gold.origin.get("lost", ()))


def is_complete(gold: Gold) -> bool:
    """Whether the gold has every cell of a form that is known, so that a whole report can be called right."""
    form = load_forms().get(gold.form)
    return form is not None and gold.cells.keys() >= form.cells.keys()


def _all_outcomes(gold: Gold, report: Report | None) -> Iterator[CellOutcome]:
    for key, gold_cell in gold.cells.items():
        printed = gold_cell.printed
        cell = report.cells.get(key) if report else None
        value = cell.value if cell else None
        first = _first_reading(cell)
        accepted = {printed} if printed is not None else {0, gold.misprints.get(key, 0)}
        yield CellOutcome(
            key=key,
            text=gold_cell.text,
            printed=printed,
            value=value,
            first_reading=first,
            status=cell.status if cell else None,
            confidence=cell.confidence if cell else 0.0,
            right=value in accepted,
            first_right=cell is not None and _is_first_right(cell, first, printed),
        )


def score_report(gold: Gold, report: Report | None) -> Counts:
    """Count one document; None stands for a reader that failed on it."""
    lost = lost_keys(gold)
    everything = list(_all_outcomes(gold, report))
    outcomes = [o for o in everything if o.key not in lost]
    lost_wrong = sum(1 for _ in lost_errors(gold, report))
    status = report.status if report else "failed"
    wrong = sum(not o.right for o in outcomes)
    accepted = int(status == "accepted")
    complete = int(is_complete(gold))
    clean = int(complete and not gold.misprints and not gold.origin.get("contradicted"))
    is_read = status != "failed" and bool(outcomes)
    right = int(complete and is_read and not wrong and not lost_wrong)
    repairs = [o for o in outcomes if o.status in ("repaired", "inferred")]
    misread = [o for o in outcomes if not o.first_right]
    conflicts = sum(cell.status == "conflict" for cell in report.cells.values()) if report else 0
    located = {o.key for o in outcomes if o.key in gold.misprints and _is_located(o, gold, report)}
    contradicted = _contradicted_keys(report) if report and not accepted else set()
    return Counts(
        documents=1,
        failed=int(status == "failed"),
        accepted=accepted,
        review=int(status == "review"),
        complete=complete,
        complete_accepted=complete * accepted,
        wholly_right=right,
        forms_right=int(report is not None and report.form == gold.form),
        years=int(gold.year is not None),
        years_right=int(report is not None and gold.year is not None and report.year == gold.year),
        organisations=int(gold.organisation is not None),
        organisations_right=int(report is not None and _same_name(gold.organisation, report.organisation)),
        cells=len(outcomes),
        cells_right=len(outcomes) - wrong,
        cells_right_before_solver=len(outcomes) - len(misread),
        cells_missing=sum(o.value is None for o in outcomes),
        lost_cells=len(lost),
        lost_cells_wrong=lost_wrong,
        lost_cells_inferred=sum(o.right for o in everything if o.key in lost),
        silent_errors=wrong + lost_wrong if accepted else 0,
        reports_with_silent_errors=int(complete and accepted and wrong + lost_wrong > 0),
        clean_documents=clean,
        straight_through=clean * accepted,
        straight_through_right=clean * accepted * right,
        repairs=len(repairs),
        repairs_right=sum(o.right for o in repairs),
        misread=len(misread),
        misread_mended=sum(o.right for o in misread),
        misprints=len(gold.misprints),
        misprints_located=len(located),
        misprints_flagged=len(located | (gold.misprints.keys() & contradicted)),
        false_alarm_documents=int(clean and conflicts > 0),
        false_alarm_cells=conflicts if clean else 0,
    )


def _first_reading(cell: CellResult | None) -> Value | None:
    """The most probable candidate; figures that only the sums brought up have probability 0."""
    if cell is None or cell.status == "blank":
        return None
    value, probability = max(cell.candidates, key=lambda c: c[1], default=(None, 0.0))
    return value if probability > 0 else cell.printed


def _is_first_right(cell: CellResult, first: Value | None, printed: Value | None) -> bool:
    if first is None:
        # A blank seen is right for a blank, and for a 0; nothing seen at all is right for a blank only.
        return printed is None or (printed == 0 and cell.status == "blank")
    return first == (printed or 0)


def _is_located(outcome: CellOutcome, gold: Gold, report: Report | None) -> bool:
    cell = report.cells.get(outcome.key) if report else None
    if cell is None:
        return False
    lawful = gold.misprints[outcome.key]
    filled = outcome.printed is None and cell.value == lawful
    return cell.status == "conflict" or cell.suggestion == lawful or filled


def _contradicted_keys(report: Report) -> Set[str]:
    """The cells of every check that fails: of a sum, or of a sentence (`text:<key>+<key>`)."""
    form = load_forms().get(report.form or "")
    sums = {s.id: (*s.left, *s.right) for s in form.sums} if form else {}
    failed = [check.id for check in report.checks if not check.holds]
    return {key for check_id in failed for key in _cells_of(check_id, sums)}


def _cells_of(check_id: str, sums: Mapping[str, Sequence[str]]) -> Sequence[str]:
    kind, _, keys = check_id.partition(":")
    return keys.split("+") if kind == "text" else sums.get(check_id, ())


def _same_name(gold: str | None, name: str | None) -> bool:
    return gold is not None and name is not None and plain(gold) == plain(name)
