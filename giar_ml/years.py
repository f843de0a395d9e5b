"""Reports of one office in successive years: what one hands on, the next begins with.

Offices correct themselves from year to year, so that a link that does not hold is no error of reading: it
says which of the answers that a report leaves open is the likelier one, and is shown where it breaks.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from giar_ml.document import UNREAD, BBox, Problem, Token
from giar_ml.fields import FormEvidence, Layout, RowEvidence, Seen
from giar_ml.forms import Form, load_form, load_forms
from giar_ml.in_force import Tie, tie_to_year_after, tie_to_year_before, weigh_ties
from giar_ml.prose import Stated
from giar_ml.reasons import OF_CELLS, find_reasons
from giar_ml.report import CellResult, Check, Report, Value
from giar_ml.solve import Statement
from giar_ml.verdict import OPEN_MARGIN, check_cells, decide

SURE = 0.999
"""Confidence of a cell that speaks for one of another year."""
SPOTLESS = 0.9999
"""Confidence of a blank cell in which there is nothing, not even dirt."""
LINKED = "linked"
"""Code of the problem that names the cells decided with what other years say."""
_OPEN = ("conflict", "missing")
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
    own = [_without_decided(report) for report in reports]
    linked: dict[int, list[Statement]] = defaultdict(list)
    ties: dict[int, list[Tie]] = defaultdict(list)
    for before, after in links:
        linked[after] += _state(own[before], "carried_out", "carried_in")
        linked[before] += _state(own[after], "carried_in", "carried_out")
        ties[after] += tie_to_year_before(own[before], least_sure=SURE)
        ties[before] += tie_to_year_after(own[after], least_sure=SURE)
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


def _decided_by_years(report: Report) -> set[str]:
    """The cells that were decided with what other years say."""
    return {key for problem in report.problems if problem.code == LINKED for key in problem.cells}


def _without_decided(report: Report) -> Report:
    """The report without these: they say nothing of other years that these did not say."""
    decided = _decided_by_years(report)
    return replace(report, cells={key: cell for key, cell in report.cells.items() if key not in decided})


def _is_sure(cell: CellResult) -> bool:
    return cell.value is not None and cell.status not in _OPEN and cell.confidence >= SURE


def _value(report: Report, key: str) -> Value | None:
    cell = report.cells.get(key)
    return cell.value if cell else None


def _state(report: Report, row: str, other_row: str) -> Iterator[Statement]:
    """What the cells of a row that are sure say of those of a row of another year."""
    for key, cell in report.cells.items():
        match key.split("."):
            case ["requests", found, column] if found == row:
                if cell.value is not None and _is_sure(cell):
                    yield Statement((f"requests.{other_row}.{column}",), int(cell.value))


def _decide_again(report: Report, linked: Sequence[Statement], ties: Sequence[Tie]) -> Report:
    """The report for review as its own readings and other years tell; as it was where they change nothing, or
    would change a clear figure. A result does not hold all that was seen, other ways to lay out its rows say:
    what was doubtful by these stays so, and it stays for review.

    What was read in the cells is kept as candidates: deciding once more gives the same."""
    assert report.form is not None
    form = load_form(report.form)
    stated = [
        Stated(check.stated, int(check.left), "")
        for check in report.checks
        if check.stated and check.left is not None
    ]
    evidence = weigh_ties(_evidence_of(report), ties)
    verdict = decide(evidence, stated, max_risk=0.0, linked=linked)
    if any(problem.code in ("solver_timeout", "not_proven") for problem in verdict.problems):
        return report
    named = {key for statement in linked for key in statement.cells}
    near = _with_sums(form, named.union(*(tie.signs for tie in ties)))
    decided = _decided_by_years(report)
    changed = _find_changed(report, verdict.cells, evidence, near)
    if not changed or any(_is_sure(report.cells[key]) for key in changed - decided):
        return report
    cells = {
        key: _change(old, verdict.cells[key], told=key in near)
        if key in changed
        else _keep(old, verdict.cells[key])
        for key, old in report.cells.items()
    }
    checks = check_cells(form, stated, cells)
    keys = tuple(key for key in cells if key in changed | decided)
    problems = (
        *(problem for problem in report.problems if problem.code not in (*OF_CELLS, LINKED)),
        *find_reasons(evidence, cells, checks),
        Problem(LINKED, f"cells decided with what another year says: {len(keys)}", keys),
    )
    cells = {key: replace(cell, candidates=report.cells[key].candidates) for key, cell in cells.items()}
    return replace(report, cells=cells, checks=tuple(checks), problems=problems, proof=verdict.proof)


def _with_sums(form: Form, keys: set[str]) -> set[str]:
    """The cells with those that stand in a sum with one of them."""
    sums = ((*s.left, *s.right) for s in form.sums)
    return keys.union(*(cells for cells in sums if not keys.isdisjoint(cells)))


def _find_changed(
    report: Report, cells: Mapping[str, CellResult], evidence: FormEvidence, near: set[str]
) -> set[str]:
    """The cells that have other figures for what other years say: those that sums join to `near`."""
    form = evidence.form
    reached = near
    while (more := _with_sums(form, reached)) != reached:
        reached = more
    seen = {key: found for row in evidence.rows for key, found in row.layouts[0].cells.items()}
    left_open = {key for key in reached - form.summed if _is_open(seen[key])}
    return {key for key in reached - left_open if not _is_as_before(report.cells[key], cells[key])}


def _is_as_before(old: CellResult, new: CellResult) -> bool:
    """Whether a cell has what it had, or is open still: what may stand in it is not all in a result."""
    is_open_still = old.status in _OPEN and new.status in _OPEN
    return is_open_still or (old.value, old.status) == (new.value, new.status)


def _is_open(seen: Seen | None) -> bool:
    """Whether the first of the readings is no likelier than another."""
    readings = seen.readings if seen else ()
    return len(readings) > 1 and readings[0][1] <= readings[1][1] * math.exp(OPEN_MARGIN)


def _keep(old: CellResult, new: CellResult) -> CellResult:
    """The cell as it was, but with what the sums suggest now."""
    both = old.status == new.status == "conflict" and old.value == new.value
    return replace(old, suggestion=new.suggestion) if both else old


def _change(old: CellResult, new: CellResult, *, told: bool) -> CellResult:
    """The cell as decided. Only where other years tell of it, or of one that stands in a sum with it, is it
    surer than before: not all that made it unsure is in a result."""
    return new if told else replace(new, confidence=min(old.confidence, new.confidence))


def _evidence_of(report: Report) -> FormEvidence:
    """What was seen for a report, as far as its cells tell: one way to lay figures into columns."""
    assert report.form is not None
    form = load_form(report.form)
    certain = report.source.kind not in ("scan", "image")
    blank = {key for problem in report.problems if problem.code == "left_blank" for key in problem.cells}
    decided = _decided_by_years(report)
    seen = {
        key: _see(
            cell,
            certain=certain,
            summed=key in form.summed,
            left_blank=key in blank,
            left_open=cell.status in _OPEN or key in decided,
        )
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


def _see(cell: CellResult, *, certain: bool, summed: bool, left_blank: bool, left_open: bool) -> Seen | None:
    """What stands in the place of a cell; None where it has no place. How sure it is that a blank in sums is
    one they may have said.

    Args:
        left_blank: a problem says that the cell is blank but not 0: other figures that are only inferred
            stand where nothing could be read.
        left_open: the reading of this year alone left the cell open between its candidates.
    """
    if cell.page is None and cell.line is None:
        return None
    page, bbox = cell.page or 1, cell.bbox or BBox(0, 0, 0, 0)
    is_unread = cell.status == "missing" or (cell.status == "inferred" and not left_blank)
    if cell.printed is None and not cell.candidates and not is_unread:
        is_spotless = cell.status == "blank" and cell.confidence >= SPOTLESS and not summed
        return Seen(((None, 1.0),), certain, page, bbox, None, is_spotless)
    readings: list[tuple[Value | None, float]] = [(v, p) for v, p in cell.candidates if p > 0]
    if len(readings) < len(cell.candidates) and left_open:
        # Between these it was left open: none of them is likelier.
        readings = [(v, 1 / len(cell.candidates)) for v, _ in cell.candidates]
        certain = False
    elif readings and _may_be_nothing(cell):
        readings.append((None, _room(cell)))
        readings.sort(key=lambda reading: -reading[1])
    text = str(readings[0][0]) if readings else UNREAD
    return Seen(tuple(readings), certain and bool(readings), page, bbox, Token(text, bbox, line=cell.line))


def _may_be_nothing(cell: CellResult) -> bool:
    """Whether a mark may be read as nothing, beside its candidates. A 0 that is only inferred is none of the
    readings, so that nothing is none either; and a figure may have been chosen that is not the likeliest."""
    if cell.printed is None:
        return cell.status != "inferred" or cell.value != 0
    return cell.status in ("repaired", "conflict") and _room(cell) > cell.candidates[0][1]


def _room(cell: CellResult) -> float:
    """What the candidates leave to others."""
    return max(0.0, 1 - sum(p for _, p in cell.candidates))
