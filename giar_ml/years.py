"""Reports of one office in successive years: what one hands on, the next begins with.

Offices correct themselves from year to year, so that a link that does not hold is no error of reading: it
says which of the answers that a report leaves open is the likelier one, and is shown where it breaks.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from giar_ml.document import UNREAD, BBox, Problem, Token
from giar_ml.fields import FormEvidence, Layout, RowEvidence, Seen
from giar_ml.forms import load_form, load_forms
from giar_ml.in_force import Tie, tie_to_year_after, tie_to_year_before, weigh_ties
from giar_ml.prose import Stated
from giar_ml.reasons import OF_CELLS
from giar_ml.report import CellResult, Check, Report, Value
from giar_ml.solve import Statement
from giar_ml.verdict import decide

SURE = 0.999
"""Confidence of a cell that speaks for one of another year."""
SPOTLESS = 0.9999
"""Confidence of a blank cell in which there is nothing, not even dirt."""
_MARKS = re.compile(r"[\W_]")


class Link(NamedTuple):
    """Two reports of one office, by their numbers in a list, the second of the year after the first's."""

    before: int
    after: int


def office_key(name: str) -> str:
    """The name of an office without what is written now so and now so: width, spaces, marks."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", name)).removesuffix("关于")


def is_complete(report: Report) -> bool:
    """Whether the report has the cells of a form that is known."""
    return report.form in load_forms() and report.cells.keys() == load_form(report.form).cells.keys()


def find_links(reports: Sequence[Report]) -> list[Link]:
    """The pairs of reports of one office in successive years; a year with two reports of it has none."""
    by_year: dict[tuple[str, int], list[int]] = defaultdict(list)
    for i, report in enumerate(reports):
        office = office_key(report.organisation or "")
        if office and report.year and is_complete(report):
            by_year[office, report.year].append(i)
    return [
        Link(found[0], after[0])
        for (office, year), found in sorted(by_year.items())
        if len(found) == 1 and len(after := by_year.get((office, year + 1), [])) == 1
    ]


def check_link(before: Report, after: Report) -> tuple[Check, ...]:
    """What the later report takes over, on the left, beside what the earlier one hands on, as far as both are
    known."""
    checks = []
    for key, cell in after.cells.items():
        name, handed_on = _handed_on(before, after, key)
        if cell.value is not None and handed_on is not None:
            checks.append(Check(name, cell.value == handed_on, cell.value, handed_on))
    return tuple(checks)


def _handed_on(before: Report, after: Report, key: str) -> tuple[str, Value | None]:
    """The name of the check of a cell of the later report, and what the cell should be; None where that is
    not known, or nothing is handed on to the cell."""
    match key.split("."):
        case ["requests", "carried_in", column]:
            return f"year:carried:{column}", _value(before, f"requests.carried_out.{column}")
        case ["disclosure", kind, "in_force"]:
            was, issued, repealed = (
                _value(before, key),
                _value(after, f"disclosure.{kind}.issued"),
                _value(after, f"disclosure.{kind}.repealed"),
            )
            if was is None or issued is None or repealed is None:
                return "", None
            return f"year:in_force:{kind}", int(was) + int(issued) - int(repealed)
    return "", None


def use_links(reports: Sequence[Report]) -> list[Report]:
    """The reports, those for review decided once more with what reports of the years beside them say; each
    has the checks of its link to the year before. None of them is accepted for it."""
    links = find_links(reports)
    linked: dict[int, list[Statement]] = defaultdict(list)
    ties: dict[int, list[Tie]] = defaultdict(list)
    for before, after in links:
        linked[after] += _state(reports[before], "carried_out", "carried_in")
        linked[before] += _state(reports[after], "carried_in", "carried_out")
        ties[after] += tie_to_year_before(reports[before], least_sure=SURE)
        ties[before] += tie_to_year_after(reports[after], least_sure=SURE)
    found = [
        _decide_again(report, linked[i], ties[i])
        if (linked[i] or ties[i]) and report.status == "review"
        else report
        for i, report in enumerate(reports)
    ]
    checks = {after: check_link(found[before], found[after]) for before, after in links}
    return [
        replace(report, checks=(*_without_years(report.checks), *checks.get(i, ())))
        for i, report in enumerate(found)
    ]


def _without_years(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if not check.id.startswith("year:")]


def _value(report: Report, key: str) -> Value | None:
    cell = report.cells.get(key)
    return cell.value if cell else None


def _state(report: Report, row: str, other_row: str) -> Iterator[Statement]:
    """What the cells of a row that are sure say of those of a row of another year."""
    for key, cell in report.cells.items():
        match key.split("."):
            case ["requests", found, column] if found == row:
                is_sure = cell.status not in ("conflict", "missing") and cell.confidence >= SURE
                if is_sure and cell.value is not None:
                    yield Statement((f"requests.{other_row}.{column}",), int(cell.value))


def _decide_again(report: Report, linked: Sequence[Statement], ties: Sequence[Tie]) -> Report:
    """The report for review as its own readings and other years tell. A result does not hold all that was
    seen, other ways to lay out its rows say: what was doubtful by these stays so, and it stays for review."""
    stated = [
        Stated(check.stated, int(check.left), "")
        for check in report.checks
        if check.stated and check.left is not None
    ]
    evidence = weigh_ties(_evidence_of(report), ties)
    verdict = decide(evidence, stated, max_risk=0.0, linked=linked)
    if any(problem.code in ("solver_timeout", "not_proven") for problem in verdict.problems):
        return report
    changed = tuple(
        key
        for key, cell in verdict.cells.items()
        if (cell.value, cell.status) != (report.cells[key].value, report.cells[key].status)
    )
    kept = [problem for problem in report.problems if problem.code not in OF_CELLS]
    kept += [problem for problem in verdict.problems if problem.code in OF_CELLS]
    if changed or not kept:
        kept.append(Problem("linked", f"cells decided with what another year says: {len(changed)}", changed))
    return replace(
        report, cells=verdict.cells, checks=verdict.checks, problems=tuple(kept), proof=verdict.proof
    )


def _evidence_of(report: Report) -> FormEvidence:
    """What was seen for a report, as far as its cells tell: one way to lay figures into columns."""
    assert report.form is not None
    form = load_form(report.form)
    certain = report.source.kind not in ("scan", "image")
    blank = {key for problem in report.problems if problem.code == "left_blank" for key in problem.cells}
    seen = {
        key: _see(cell, certain=certain, summed=key in form.summed, left_blank=key in blank)
        for key, cell in report.cells.items()
    }
    rows = []
    for section in form.sections:
        for row in section.rows:
            keys = [section.cell_key(row, column) for column in section.columns]
            cells = {key: seen[key] for key in keys}
            group = None if set(cells.values()) == {None} else (section.table, 0, row.key)
            rows.append(RowEvidence(section, row, (Layout(tuple(range(len(keys))), cells, 0.0),), group, 0.0))
    return FormEvidence(form, tuple(rows), 0.0)


def _see(cell: CellResult, *, certain: bool, summed: bool, left_blank: bool) -> Seen | None:
    """What stands in the place of a cell; None where it has no place. How sure it is that a blank in sums is
    one they may have said. A figure that is only inferred stands in a blank that is said to be left so, or
    where nothing could be read."""
    if cell.page is None and cell.line is None:
        return None
    page, bbox = cell.page or 1, cell.bbox or BBox(0, 0, 0, 0)
    is_unread = cell.status == "missing" or (cell.status == "inferred" and not left_blank)
    if cell.printed is None and not cell.candidates and not is_unread:
        is_spotless = cell.status == "blank" and cell.confidence >= SPOTLESS and not summed
        return Seen(((None, 1.0),), certain, page, bbox, None, is_spotless)
    readings: list[tuple[Value | None, float]] = [(v, p) for v, p in cell.candidates if p > 0]
    if len(readings) < len(cell.candidates):
        # Between these it was left open: none of them is likelier.
        readings = [(v, 1 / len(cell.candidates)) for v, _ in cell.candidates]
        certain = False
    elif cell.printed is None and readings:
        readings.insert(0, (None, max(0.0, 1 - sum(p for _, p in readings))))
    text = str(readings[0][0]) if readings else UNREAD
    return Seen(tuple(readings), certain and bool(readings), page, bbox, Token(text, bbox, line=cell.line))
