"""Evidence to result: ask the solver, give every cell its status, and decide whether to accept.

A report is accepted when all sums hold, every change is proven and the probability that the whole
report is right passes the threshold; otherwise it goes to review, with the reasons in words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from giar_ml.acceptance import load_misread_model, load_risk_curve, look_around
from giar_ml.decode import Decision, Solution, decode, decode_within
from giar_ml.document import Problem
from giar_ml.fields import FormEvidence, Layout, RowEvidence, Seen
from giar_ml.forms import Form, Sum, load_form
from giar_ml.prose import Stated
from giar_ml.reasons import POOR_FIT, UNCERTAIN, find_reasons, say_uncertain
from giar_ml.report import CellResult, Check, Proof, Report, ReportStatus, Value
from giar_ml.solve import Budget, SolverTimeoutError, Statement
from giar_ml.weigh import build_puzzle

MARGIN = 10.0
"""Other answers count while they are this near, in nats: odds of 20,000 to 1."""
PROOF = 7.0
"""Odds of 1,000 to 1, in nats, at which an answer counts as proven against another alignment or layout."""
OPEN_MARGIN = 0.1
"""Odds of 11 to 10, in nats: with less, a cell is left open between figures."""


MOST_COST, MOST_COST_OF_TEXT = 60.0, 120.0
"""Nats that it may take to explain all that was seen in a report that is accepted; in a dump, of which tools
lose columns and blanks, more. Of 420 accepted scans none took more than 47, of 547 other documents than
102; a fax with three rows beside the labels of others takes 101."""
_UNPROVEN = 0.5
"""Confidence in what the solver found first and had no time to compare."""
_HARDLY_READ = 0.5
"""Probability of a first reading below which what is printed is not known where the sums leave it open."""


class Verdict(NamedTuple):
    """The parts of a Report that follow from the evidence; `risk` is the probability that a cell is wrong."""

    status: ReportStatus
    cells: dict[str, CellResult]
    checks: tuple[Check, ...]
    problems: tuple[Problem, ...]
    risk: float
    proof: Proof | None


def decide(
    evidence: FormEvidence, stated: Sequence[Stated], *, max_risk: float, linked: Sequence[Statement] = ()
) -> Verdict:
    """Decide every cell of the form.

    Args:
        stated: by the prose.
        max_risk: share of accepted reports that may have a wrong cell, see `giar_ml.acceptance.RiskCurve`.
        linked: what reports of other years say of its cells.
    """
    form = evidence.form
    summed = form.summed
    solution = None
    timeout = Problem("solver_timeout", "the sums could not be checked in time")
    with suppress(SolverTimeoutError):
        evidence, solution = _choose_alignment(evidence, stated, linked)
        evidence = _choose_layouts(evidence, solution)
    problems = [*evidence.problems, *([timeout] if solution is None else [])]
    cells: dict[str, CellResult] = {}
    lone = []
    for row in evidence.rows:
        keys = list(row.layouts[0].cells)
        if solution is not None and summed.intersection(keys):
            for key in keys:
                cells[key] = _summed_cell(row, key, solution)
        else:
            lone.append(row)
    misread = partial(load_misread_model(), around=look_around(evidence, cells))
    for row in lone:
        cells.update(_lone_cells(row, misread))
    cells = {key: cells[key] for key in form.cells}
    checks = check_cells(form, stated, cells)
    problems += find_reasons(evidence, cells, checks)
    if solution is not None and not solution.proven:
        problems.append(
            Problem("not_proven", "another answer is nearly as good, or the time was too short to tell")
        )
    if not problems and solution is not None and evidence.cost + solution.cost > _most_cost(evidence):
        problems.append(POOR_FIT)
    risk = _risk(cells, summed, solution)
    is_sure = risk <= load_risk_curve().limit(max_risk)
    accepted = not problems and is_sure and solution is not None and solution.proven
    if not problems and not accepted:
        problems.append(say_uncertain(form, cells, risk))
    status: ReportStatus = "accepted" if accepted else "review"
    proof = None if solution is None else _prove(evidence, solution)
    return Verdict(status, cells, tuple(checks), tuple(problems), risk, proof)


def _most_cost(evidence: FormEvidence) -> float:
    return MOST_COST if any(row.is_scanned for row in evidence.rows) else MOST_COST_OF_TEXT


def _prove(evidence: FormEvidence, solution: Solution) -> Proof:
    return Proof(round(evidence.cost + solution.cost, 3), round(solution.gap, 3), solution.proven)


def accept(report: Report, *, max_risk: float) -> Report:
    """The report as it would have been decided with another `max_risk`."""
    others = any(problem.code != UNCERTAIN for problem in report.problems)
    if report.form is None or report.risk is None or others:
        return report
    if report.risk <= load_risk_curve().limit(max_risk):
        return replace(report, status="accepted", problems=())
    doubt = say_uncertain(load_form(report.form), report.cells, report.risk)
    return replace(report, status="review", problems=(doubt,))


def _choose_alignment(
    evidence: FormEvidence, stated: Sequence[Stated], linked: Sequence[Statement]
) -> tuple[FormEvidence, Solution]:
    """The way to lay lines into rows that costs least with its figures. The gap to the other way is part of
    the gap to the next best answer."""
    budget = Budget()
    puzzle = build_puzzle(evidence, stated, linked)
    solution = decode(puzzle, margin=MARGIN, open_margin=OPEN_MARGIN, budget=budget)
    rival = evidence.rival
    if rival is None:
        return evidence, solution
    try:
        limit = evidence.cost + solution.cost + MARGIN - rival.cost
        puzzle = build_puzzle(rival, stated, linked)
        other = decode_within(puzzle, limit, margin=MARGIN, open_margin=OPEN_MARGIN, budget=budget)
    except SolverTimeoutError:
        return evidence, replace(solution, proven=False)
    if other is None:
        return evidence, solution
    ahead = rival.cost + other.cost - evidence.cost - solution.cost
    if ahead < 0:
        evidence, solution, other, ahead = rival, other, solution, -ahead
    # What was not proven may cost less than was found.
    proven = solution.proven and other.proven
    differ = {
        key for key, d in solution.decisions.items() if _figures_of(d) != _figures_of(other.decisions[key])
    }
    if not differ:
        return evidence, replace(solution, proven=proven)
    decisions = {
        key: replace(decision, gap=min(decision.gap, ahead)) if key in differ else decision
        for key, decision in solution.decisions.items()
    }
    gap, proven = min(solution.gap, ahead), proven and ahead >= PROOF
    return evidence, replace(solution, decisions=decisions, gap=gap, proven=proven)


def _figures_of(decision: Decision) -> tuple[int | None, int | None]:
    """What a cell shows, and what it has where nothing of it was found."""
    return decision.shown, decision.lawful if decision.evidence is None else None


def _choose_layouts(evidence: FormEvidence, solution: Solution) -> FormEvidence:
    """The evidence, the layout that the sums chose the first of each row in them."""
    rows = []
    for row in evidence.rows:
        key = next((key for key in row.layouts[0].cells if key in evidence.form.summed), None)
        if key is None:
            rows.append(row)
            continue
        pattern = solution.decisions[key].pattern
        chosen = [layout for layout in row.layouts if layout.pattern == pattern]
        others = [layout for layout in row.layouts if layout.pattern != pattern]
        rows.append(replace(row, layouts=(*chosen, *others)))
    return replace(evidence, rows=tuple(rows))


# Cells


def _summed_cell(row: RowEvidence, key: str, solution: Solution) -> CellResult:
    decision = solution.decisions[key]
    seen = _chosen_seen(row, key, decision)
    sure = 1.0 - math.exp(-max(decision.gap, OPEN_MARGIN)) if solution.proven else _UNPROVEN
    if seen is None:
        # On a scan the sums may rest on what was misread, and without proof give another figure as well.
        if decision.alternatives or (row.is_scanned and not solution.proven):
            figures = sorted({decision.lawful, *decision.alternatives})
            return CellResult(None, None, "missing", 0.0, candidates=tuple((v, 0.0) for v in figures))
        return CellResult(decision.lawful, None, "inferred", sure)
    found: Callable[..., CellResult] = partial(CellResult, candidates=_candidates(seen), **_where(seen))
    first = _value(seen)
    # Without proof nothing that was read is changed, only suggested.
    unproven = not solution.proven and not decision.misprint and decision.lawful != (first or 0)
    if decision.alternatives or unproven:
        possible = dict(_candidates(seen))
        for figure in (decision.lawful, *decision.alternatives):
            possible.setdefault(figure, 0.0)
        candidates = tuple(possible.items())
        if _top(seen) < _HARDLY_READ:
            return found(None, None, "missing", 0.0, candidates=candidates)
        value = first or 0
        suggestion = decision.lawful if decision.lawful != value else None
        return found(value, first, "conflict", 0.5, candidates=candidates, suggestion=suggestion)
    if decision.misprint:
        suggestion = None if decision.open_correction else decision.lawful
        printed = min(sure, _top(seen))
        return found(decision.shown, decision.shown, "conflict", printed, suggestion=suggestion)
    if seen.blank or decision.shown is None:
        if decision.lawful == 0:
            return found(0, None, "blank", max(min(_top(seen), 1 - seen.missed), sure))
        return found(decision.lawful, None, "inferred", sure)
    if decision.shown == first:
        return found(first, first, "read", max(_top(seen), sure))
    if any(value == decision.shown for value, _ in seen.readings):
        return found(decision.lawful, decision.shown, "repaired", sure)
    return found(decision.lawful, None, "inferred", sure)


def _chosen_seen(row: RowEvidence, key: str, decision: Decision) -> Seen | None:
    """The place that the decision's evidence came from."""
    if decision.evidence is None:
        return None
    layout = next(layout for layout in row.layouts if layout.pattern == decision.pattern)
    return layout.cells[key]


def _lone_cells(row: RowEvidence, misread: Callable[[Seen], float]) -> dict[str, CellResult]:
    """Cells that stand in no sum: the best layout counts, and others take as much from its sureness as they
    are likely.

    Args:
        misread: how likely the first reading of a cell is wrong, 0..1.
    """
    best = row.layouts[0]
    return {key: _lone_cell(key, row.layouts, misread) for key in best.cells}


def _lone_cell(key: str, layouts: Sequence[Layout], misread: Callable[[Seen], float]) -> CellResult:
    best = layouts[0]
    seen = best.cells[key]
    if seen is None:
        return CellResult(None, None, "missing", 0.0)
    if not seen.readings:
        return CellResult(None, None, "missing", 0.0, **_where(seen))
    value = _value(seen)
    others = [layout for layout in layouts if _figure(layout.cells[key]) != (value or 0)]
    other = sum(math.exp(best.cost - layout.cost) for layout in others)
    same = sum(math.exp(best.cost - layout.cost) for layout in layouts) - other
    candidates = dict(_candidates(seen))
    is_open = other > same * math.exp(-OPEN_MARGIN)
    # Where it is open what stands there, a blank is one of its figures.
    for layout in layouts if is_open else others:
        possible = (_figure if is_open else _value)(layout.cells[key])
        if possible is not None:
            candidates.setdefault(possible, 0.0)
    found: Callable[..., CellResult] = partial(
        CellResult, candidates=tuple(candidates.items()), **_where(seen)
    )
    if is_open:
        return found(None, None, "missing", 0.0)
    confidence = (1 - misread(seen)) * same / (same + other)
    return found(0, None, "blank", confidence) if value is None else found(value, value, "read", confidence)


def _value(seen: Seen | None) -> Value | None:
    return seen.readings[0][0] if seen and seen.readings else None


def _figure(seen: Seen | None) -> Value | None:
    """The first reading, 0 for a blank; None where nothing could be read."""
    return (_value(seen) or 0) if seen and seen.readings else None


def _top(seen: Seen) -> float:
    return seen.readings[0][1] if seen.readings else 0.0


def _where(seen: Seen) -> dict:
    line = seen.token.line if seen.token else None
    textual = line is not None
    return {"page": None if textual else seen.page, "bbox": None if textual else seen.bbox, "line": line}


def _candidates(seen: Seen) -> tuple[tuple[Value, float], ...]:
    return tuple((value, p) for value, p in seen.readings if value is not None)


# Checks


def check_cells(form: Form, stated: Sequence[Stated], cells: Mapping[str, CellResult]) -> list[Check]:
    """The sums of the form, and what the prose states, on what was decided of its cells."""
    return [*_check_sums(form.sums, cells), *_check_statements(stated, cells)]


def _check_sums(sums: Sequence[Sum], cells: Mapping[str, CellResult]) -> list[Check]:
    return [_check(s.id, _total(s.left, cells), _total(s.right, cells)) for s in sums]


def _check_statements(stated: Sequence[Stated], cells: Mapping[str, CellResult]) -> list[Check]:
    """One check per stated cell; it holds when one of the sentences on it agrees."""
    by_cells: dict[tuple[str, ...], list[int]] = {}
    for statement in stated:
        by_cells.setdefault(statement.cells, []).append(statement.figure)
    checks = []
    for keys, figures in by_cells.items():
        total = _total(keys, cells)
        figure = total if total in figures else figures[0]
        checks.append(_check("text:" + "+".join(keys), figure, total))
    return checks


def _check(check_id: str, left: Value | None, right: Value | None) -> Check:
    return Check(check_id, left is not None and left == right, left, right)


def _total(keys: Sequence[str], cells: Mapping[str, CellResult]) -> Value | None:
    values = [cells[key].value for key in keys]
    if any(value is None for value in values):
        return None
    total = sum((Decimal(value) for value in values if value is not None), Decimal(0))
    return int(total) if total == total.to_integral_value() else total


def _risk(cells: Mapping[str, CellResult], summed: frozenset[str], solution: Solution | None) -> float:
    """Probability that some cell is wrong: what the sums leave open, and the cells in no sum."""
    right = 1.0 if solution is None else 1.0 - math.exp(-solution.gap)
    for key, cell in cells.items():
        if key not in summed:
            right *= cell.confidence
    return 1.0 - right
