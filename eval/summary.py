"""Outcomes added up: one JSON-ready summary per reader. Counts are summed first and divided last."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

import numpy as np

from eval.run import OURS, SLOW_S, Outcome
from giar_ml.forms import load_forms
from giar_ml.metrics.bootstrap import Interval, bootstrap_interval, ratio_interval, wilson_interval
from giar_ml.metrics.calibration import aurc, ece, reliability_curve, risk_coverage
from giar_ml.metrics.cells import CellOutcome, Counts, by_cell, lost_errors, score_report
from giar_ml.metrics.confusion import Confusion, confuse_cells, figure_text
from giar_ml.metrics.labels import LabelCounts, label_counts
from giar_ml.metrics.places import PlaceCounts, count_places
from giar_ml.metrics.structure import TableCounts, from_gold, score_tables
from giar_ml.metrics.text import EditCounts, count_edits
from giar_ml.report import Value
from giar_ml.words import say_reason

SCHEMA_VERSION = "1"
MAX_TEDS_DOCUMENTS = 60
"""TEDS takes a second a table: of more documents, as many are taken at even distances."""
MAX_WRONG_CELLS = 400
"""Named in the summary, of each reader; all are counted."""
MAX_CURVE_POINTS = 200
DIGITS = "0123456789"
ERROR_EDGES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
"""Bins of 1 - confidence."""

_DRAWS_OF_ECE = 300


@dataclass(frozen=True)
class Scored:
    """An outcome with its counts."""

    outcome: Outcome
    cells: tuple[CellOutcome, ...]
    counts: Counts
    edits: EditCounts
    labels: LabelCounts | None = None
    """None where the gold or the reader has no labels; likewise `tables` and `places`."""
    tables: TableCounts | None = None
    places: PlaceCounts | None = None
    with_teds: bool = False


@dataclass(frozen=True)
class Metric:
    """A rate over documents: the sums of two counts of each, divided. None leaves a document out."""

    key: str
    name: str
    count: Callable[[Scored], tuple[float, float] | None]
    good: Literal["high", "low"] = "high"
    unit: Literal["share", "count", "number"] = "share"
    independent: bool = True
    """Both counts are whole numbers of cases, so that Wilson's interval applies to 0 of n and n of n."""


def _of_counts(numerator: str, denominator: str) -> Callable[[Scored], tuple[float, float]]:
    return lambda s: (getattr(s.counts, numerator), getattr(s.counts, denominator))


def _f1_of_labels(scored: Scored) -> tuple[float, float] | None:
    if scored.labels is None:
        return None
    true, false = scored.labels.true_positives.total(), scored.labels.false_positives.total()
    return 2 * true, 2 * true + false + scored.labels.false_negatives.total()


def _of_places(numerator: str, denominator: str) -> Callable[[Scored], tuple[float, float] | None]:
    return lambda s: (getattr(s.places, numerator), getattr(s.places, denominator)) if s.places else None


def _grits(kind: Literal["top", "con", "loc"]) -> Callable[[Scored], tuple[float, float] | None]:
    def count(scored: Scored) -> tuple[float, float] | None:
        if scored.tables is None:
            return None
        grid = getattr(scored.tables, kind)
        return 2 * grid.similarity, grid.gold + grid.predicted

    return count


def _teds(scored: Scored) -> tuple[float, float] | None:
    if scored.tables is None or not scored.with_teds:
        return None
    tree = scored.tables.teds
    return tree.nodes - tree.distance, tree.nodes


METRICS: tuple[Metric, ...] = (
    Metric("cell_accuracy", "Cells right", _of_counts("cells_right", "cells")),
    Metric(
        "cell_accuracy_before",
        "Cells right before the solver",
        _of_counts("cells_right_before_solver", "cells"),
    ),
    Metric("wholly_right", "Reports wholly right", _of_counts("wholly_right", "complete")),
    Metric("accepted", "Reports accepted", _of_counts("accepted", "documents")),
    Metric(
        "silent_errors",
        "Accepted reports with a wrong cell",
        _of_counts("reports_with_silent_errors", "complete_accepted"),
        "low",
    ),
    Metric("straight_through", "Clean reports accepted", _of_counts("straight_through", "clean_documents")),
    Metric(
        "straight_through_right",
        "Clean reports accepted and wholly right",
        _of_counts("straight_through_right", "clean_documents"),
    ),
    Metric("repair_precision", "Repairs right", _of_counts("repairs_right", "repairs")),
    Metric("repair_recall", "Misread cells mended", _of_counts("misread_mended", "misread")),
    Metric("misprints_flagged", "Misprints flagged", _of_counts("misprints_flagged", "misprints")),
    Metric("misprints_located", "Misprints located", _of_counts("misprints_located", "misprints")),
    Metric(
        "false_alarms",
        "Clean reports with a false alarm",
        _of_counts("false_alarm_documents", "clean_documents"),
        "low",
    ),
    Metric(
        "figure_cer",
        "Character error rate of figures, first reading",
        lambda s: (s.edits.errors, s.edits.characters),
        "low",
        independent=False,
    ),
    Metric("label_f1", "Header labels, F1", _f1_of_labels, independent=False),
    Metric("cells_in_place", "Cells taken from their row and column", _of_places("cells_right", "cells")),
    Metric("tables_in_place", "Tables with all rows and columns right", _of_places("tables_right", "tables")),
    Metric("grits_top", "GriTS topology", _grits("top"), independent=False),
    Metric("grits_con", "GriTS content", _grits("con"), independent=False),
    Metric("grits_loc", "GriTS location", _grits("loc"), independent=False),
    Metric("teds", "TEDS", _teds, independent=False),
    Metric("form", "Form recognised", _of_counts("forms_right", "documents")),
    Metric("year", "Year right", _of_counts("years_right", "years")),
    Metric("organisation", "Organisation right", _of_counts("organisations_right", "organisations")),
    Metric("failed", "Documents failed", _of_counts("failed", "documents"), "low"),
)

AXES: Mapping[str, Callable[[Outcome], Iterable[str]]] = {
    "severity": lambda o: _origin(o, "severity"),
    "input": lambda o: [input_kind(o)],
    "form": lambda o: [o.case.gold.form],
    "tool": lambda o: _origin(o, "tool"),
    "fault": lambda o: o.case.gold.origin.get("faults") or [],
    "renderer": lambda o: _origin(o, "renderer"),
    "scale": lambda o: _origin(o, "scale"),
}
"""What documents are grouped by; a document may stand in several groups, or in none."""
_ORDER = ("clean", "office", "fax", "photo", "scan", "image", "digital", "word", "html", "text")


def input_kind(outcome: Outcome) -> str:
    return str(outcome.case.gold.origin.get("input") or outcome.case.gold.kind)


def _origin(outcome: Outcome, name: str) -> list[str]:
    value = outcome.case.gold.origin.get(name)
    return [str(value)] if value else []


def summarise(
    systems: Mapping[str, Sequence[Outcome]],
    *,
    settings: Mapping[str, Any],
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """All that was measured, ready for JSON: the readers in their order, ours first."""
    (first, outcomes), *others = systems.items()
    scored = score_all(first, outcomes)
    readers = [
        summarise_reader(first, scored),
        *(summarise_reader(name, score_all(name, found), beside=scored) for name, found in others),
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "settings": dict(settings),
        "documents": readers[0]["documents"],
        "warnings": list(warnings),
        "metrics": {m.key: {"name": m.name, "good": m.good} for m in METRICS}
        | {
            "cell_ece": {"name": "Calibration error of cells (ECE)", "good": "low"},
            "report_ece": {"name": "Calibration error of reports that did not fail (ECE)", "good": "low"},
        },
        "readers": readers,
    }


def score_all(name: str, outcomes: Sequence[Outcome]) -> list[Scored]:
    """Count every document of the reader `name`."""
    sampled = _sample_for_teds(outcomes)
    return [score(o, structured=name == OURS, with_teds=o.case.name in sampled) for o in outcomes]


def summarise_reader(name: str, scored: Sequence[Scored], *, beside: Sequence[Scored] = ()) -> dict[str, Any]:
    """What one reader made of the documents.

    Args:
        beside: what the first reader made of them, and of those that this one is not made for (skipped).
    """
    outcomes = [s.outcome for s in scored]
    read = {outcome.case.name for outcome in outcomes}
    same = [s for s in beside if s.outcome.case.name in read]
    groups: dict[str, dict[str, list[Scored]]] = {axis: defaultdict(list) for axis in AXES}
    for s in scored:
        for axis, names_of in AXES.items():
            for group in names_of(s.outcome):
                groups[axis][group].append(s)
    wrong = sorted(
        (
            _describe_cell(s, cell)
            for s in scored
            for cell in (*s.cells, *lost_errors(s.outcome.case.gold, s.outcome.report))
            if not cell.right
        ),
        key=lambda c: (not c["silent"], c["read"] is None, -c["confidence"]),
    )
    mended = [
        _describe_cell(s, cell)
        for s in scored
        for cell in s.cells
        if cell.right and not cell.first_right and cell.status in ("repaired", "inferred")
    ]
    return {
        "name": name,
        "documents": {
            "found": len(beside) or len(outcomes),
            "scored": sum(o.report is not None and o.report.status != "failed" for o in outcomes),
            "failed": sum((s.counts for s in scored), Counts()).failed,
            "skipped": len(beside) - len(same),
            "cells": sum(s.counts.cells for s in scored),
            "teds": sum(s.with_teds and s.tables is not None for s in scored),
            "status": dict(Counter(o.report.status if o.report else "failed" for o in outcomes)),
        },
        "metrics": measure(scored) | _measure_eces(scored),
        "first_on_same": measure(same) | _measure_eces(same) if same else None,
        "by": {
            axis: {
                group: {"documents": len(members), "metrics": measure(members)}
                for group, members in sorted(found.items(), key=lambda item: _group_order(item[0]))
            }
            for axis, found in groups.items()
        },
        "calibration": _calibrate(scored),
        "confusion": _confuse(scored),
        "by_cell": _count_by_cell(scored),
        "cost": _measure_cost(outcomes),
        "files": [_describe_file(s) for s in scored],
        "wrong_cells": wrong[:MAX_WRONG_CELLS],
        "n_wrong_cells": len(wrong),
        "mended_cells": mended[:MAX_WRONG_CELLS],
        "n_mended_cells": len(mended),
    }


def score(outcome: Outcome, *, structured: bool, with_teds: bool) -> Scored:
    """Count one document.

    Args:
        structured: the reader gives tables, labels and places; a document it failed on then has none of them.
    """
    gold, found = outcome.case.gold, outcome.found
    cells = tuple(by_cell(gold, outcome.report))
    scored = Scored(
        outcome,
        cells,
        score_report(gold, outcome.report),
        count_edits((figure_text(c.printed), figure_text(c.first_reading)) for c in cells),
    )
    tables, labels, spots = (found.tables, found.labels, found.spots) if found else ((), (), {})
    if not structured:
        return scored
    has_places = any(token.place.poly or token.place.line for token in gold.tokens)
    return Scored(
        scored.outcome,
        scored.cells,
        scored.counts,
        scored.edits,
        label_counts(gold.tokens, labels) if has_places and labels is not None else None,
        score_tables([from_gold(t) for t in gold.tables], tables, with_teds=with_teds)
        if gold.tables and tables is not None
        else None,
        count_places(gold, spots) if has_places and spots is not None else None,
        with_teds,
    )


def _sample_for_teds(outcomes: Sequence[Outcome]) -> set[str]:
    names = [o.case.name for o in outcomes if o.case.gold.tables]
    step = max(len(names) / MAX_TEDS_DOCUMENTS, 1.0)
    return {names[int(i * step)] for i in range(min(len(names), MAX_TEDS_DOCUMENTS))}


def _group_order(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


# Rates


def measure(scored: Sequence[Scored]) -> dict[str, Any]:
    """Every metric over some documents, with its interval."""
    return {metric.key: _measure_rate(metric, scored) for metric in METRICS}


def _measure_rate(metric: Metric, scored: Sequence[Scored]) -> dict[str, Any]:
    counts = [count for s in scored if (count := metric.count(s)) is not None and count[1]]
    above, below = [n for n, _ in counts], [d for _, d in counts]
    k, n = sum(above), sum(below)
    interval: Interval | None
    # Where every document is the same, drawing them again says nothing. The cells of one document fail
    # together, so that it is documents that are counted.
    if metric.independent and k in (0, n):
        interval, how = wilson_interval(len(counts) if k else 0, len(counts)), "wilson"
    else:
        interval, how = ratio_interval(above, below), "bootstrap"
    return _rate(interval, how, k, n)


def _rate(interval: Interval | None, how: str, k: float, n: float) -> dict[str, Any]:
    if interval is None:
        return {"value": None, "low": None, "high": None, "interval": None, "numerator": k, "denominator": n}
    value, low, high = (float(x) for x in interval)
    if how == "bootstrap" and low == high:
        return _rate(None, how, k, n) | {"value": value}
    return {"value": value, "low": low, "high": high, "interval": how, "numerator": k, "denominator": n}


def _measure_eces(scored: Sequence[Scored]) -> dict[str, Any]:
    """Of the cells that were given a figure, and of whole reports."""
    reports = [(np.array([p]), np.array([right])) for p, right in _report_confidences(scored)]
    return {"cell_ece": _measure_ece([*map(_confidences, scored)]), "report_ece": _measure_ece(reports)}


def _measure_ece(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    def statistic(values: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
        return ece(np.concatenate([p for p, _ in values]), np.concatenate([y for _, y in values]))

    n = sum(len(p) for p, _ in pairs)
    return _rate(bootstrap_interval(pairs, statistic, n=_DRAWS_OF_ECE), "bootstrap", n, n)


def _confidences(scored: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and right or wrong of the cells that were given a figure."""
    cells = [c for c in scored.cells if c.value is not None]
    return np.array([c.confidence for c in cells], dtype=float), np.array(
        [c.right for c in cells], dtype=bool
    )


def _report_confidences(scored: Sequence[Scored], *, with_failed: bool = False) -> list[tuple[float, bool]]:
    """How surely each report is said to be wholly right, and whether it is; of documents with complete gold.
    A reader that does not say so is as sure as all its cells were, were they independent.

    Args:
        with_failed: also those without a report, as wrong with confidence 0, though nobody said so.
    """
    chosen = [s for s in scored if s.counts.complete and (with_failed or not s.counts.failed)]
    return [(_report_confidence(s), bool(s.counts.wholly_right)) for s in chosen]


def _report_confidence(scored: Scored) -> float:
    report = scored.outcome.report
    if report is None or report.status == "failed":
        return 0.0
    product = float(np.prod([c.confidence for c in scored.cells]))
    return product if report.risk is None else 1.0 - report.risk


def _calibrate(scored: Sequence[Scored]) -> dict[str, Any]:
    confidence, right = (np.concatenate(parts) for parts in zip(*map(_confidences, scored), strict=True))
    every = [(c.confidence if c.value is not None else 0.0, c.right) for s in scored for c in s.cells]
    reports = _report_confidences(scored)
    stated = np.array([p for p, _ in reports], dtype=float)
    wholly_right = np.array([is_right for _, is_right in reports], dtype=bool)
    return {
        "reliability": [b._asdict() for b in reliability_curve(confidence, right, equal_mass=False)],
        "stated_error": _compare_errors(confidence, right),
        "stated_error_of_reports": _compare_errors(stated, wholly_right),
        "cells": _curve(every),
        "reports": _curve(_report_confidences(scored, with_failed=True)),
    }


def _compare_errors(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
    """Error stated (1 - confidence) and observed, in bins that are the finer the surer."""
    stated = np.clip(1.0 - confidence, 0.0, 1.0)
    bins = np.digitize(stated, ERROR_EDGES)
    found = []
    for index in np.unique(bins):
        chosen = bins == index
        n, wrong = int(chosen.sum()), int((~right[chosen]).sum())
        interval = wilson_interval(wrong, n)
        assert interval is not None
        observed, low, high = interval
        mean = float(stated[chosen].mean())
        found.append({"stated": mean, "observed": observed, "low": low, "high": high, "n": n})
    return found


def _curve(cases: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """Risk by coverage, thinned out; empty for no cases."""
    confidence, right = [c for c, _ in cases], [r for _, r in cases]
    curve = risk_coverage(confidence, right)
    n = len(curve.coverage)
    kept = np.unique(np.linspace(0, n - 1, min(n, MAX_CURVE_POINTS)).astype(int))
    points = {
        name: [float(x) for x in getattr(curve, name)[kept]] for name in ("coverage", "risk", "threshold")
    }
    return {**points, "aurc": aurc(confidence, right)}


# Cells


def _confuse(scored: Sequence[Scored]) -> dict[str, Any]:
    confusion = sum((confuse_cells(s.cells) for s in scored), Confusion())
    figures = Counter({pair: n for pair, n in confusion.figures.items() if pair[0] != pair[1]})
    return {
        "alphabet": DIGITS,
        "matrix": confusion.matrix(DIGITS).tolist(),
        "worst": [{"gold": gold, "read": read, "n": n} for (gold, read), n in confusion.worst(12)],
        "figures": [{"gold": gold, "read": read, "n": n} for (gold, read), n in figures.most_common(12)],
    }


def _count_by_cell(scored: Sequence[Scored]) -> dict[str, dict[str, dict[str, int]]]:
    """By form and key, of the documents that gave a result: failed ones are wrong all over."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for s in scored:
        if s.outcome.report is None:
            continue
        of_form = counts.setdefault(s.outcome.case.gold.form, {})
        for cell in s.cells:
            entry = of_form.setdefault(cell.key, {"n": 0, "right": 0, "right_before": 0})
            entry["n"] += 1
            entry["right"] += cell.right
            entry["right_before"] += cell.first_right
    return counts


def _describe_cell(scored: Scored, cell: CellOutcome) -> dict[str, Any]:
    gold = scored.outcome.case.gold
    form = load_forms().get(gold.form)
    places = gold.cells[cell.key].places
    report = scored.outcome.report
    return {
        "document": scored.outcome.case.name,
        "key": cell.key,
        "name": form.cells[cell.key].name if form and cell.key in form.cells else cell.key,
        "text": cell.text,
        "printed": _plain(cell.printed),
        "read": _plain(cell.value),
        "first_reading": _plain(cell.first_reading),
        "status": cell.status,
        "confidence": cell.confidence,
        "misprint": cell.key in gold.misprints,
        "silent": bool(report and report.status == "accepted" and not cell.right),
        "page": places[0].page if places else None,
        "line": places[0].line if places else None,
    }


def _plain(value: Value | None) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)


# Documents


def _describe_file(scored: Scored) -> dict[str, Any]:
    outcome, counts = scored.outcome, scored.counts
    report = outcome.report
    return {
        "document": outcome.case.name,
        "input": input_kind(outcome),
        "severity": outcome.case.gold.origin.get("severity"),
        "form": outcome.case.gold.form,
        "status": report.status if report else "failed",
        "cells": counts.cells,
        "wrong": counts.cells - counts.cells_right + counts.lost_cells_wrong,
        "silent_errors": counts.silent_errors,
        "misprints": counts.misprints,
        "error": outcome.error,
        "reason": outcome.error or (say_reason(report) if report else ""),
        "pages": _n_pages(outcome),
        "seconds": _rounded(outcome.seconds, 3),
        "peak_mib": _rounded(outcome.peak_mib, 1),
        "growth_mib": _rounded(outcome.growth_mib, 1),
    }


def _n_pages(outcome: Outcome) -> int:
    return (outcome.report.source.pages if outcome.report else 0) or len(outcome.case.gold.pages) or 1


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


@dataclass
class _Cost:
    pages: int = 0
    seconds: list[float] = field(default_factory=list)
    stages_ms: Counter[str] = field(default_factory=Counter)
    timed_pages: int = 0
    """Of the documents with times by stage."""
    peaks_mib: list[float] = field(default_factory=list)
    growths_mib: list[float] = field(default_factory=list)
    """Per page of each document."""

    def add(self, outcome: Outcome) -> None:
        if outcome.seconds is not None:
            self.pages += _n_pages(outcome)
            self.seconds.append(outcome.seconds)
        if outcome.report and outcome.report.timings_ms:
            self.timed_pages += _n_pages(outcome)
            self.stages_ms.update(outcome.report.timings_ms)
        if outcome.peak_mib is not None:
            self.peaks_mib.append(outcome.peak_mib)
        if outcome.growth_mib is not None:
            self.growths_mib.append(outcome.growth_mib / _n_pages(outcome))

    def to_dict(self) -> dict[str, Any]:
        return {
            "documents": len(self.seconds),
            "pages": self.pages,
            "seconds_per_page": sum(self.seconds) / self.pages if self.pages else None,
            "seconds_per_document": median(self.seconds) if self.seconds else None,
            "slowest_seconds": max(self.seconds, default=None),
            "stages_ms_per_page": {
                stage: round(ms / self.timed_pages, 2) for stage, ms in self.stages_ms.items()
            },
            "peak_mib": max(self.peaks_mib, default=None),
            "median_peak_mib": median(self.peaks_mib) if self.peaks_mib else None,
            "growth_mib_per_page": median(self.growths_mib) if self.growths_mib else None,
        }


def _measure_cost(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Time and memory, in all and by kind of input. A peak is that of the process that read; growth is what
    the median document added per page to what the process held before, so that the models do not count."""
    overall, by_input = _Cost(), defaultdict[str, _Cost](_Cost)
    for outcome in outcomes:
        overall.add(outcome)
        by_input[input_kind(outcome)].add(outcome)
    return {
        **overall.to_dict(),
        "by_input": {name: by_input[name].to_dict() for name in sorted(by_input, key=_group_order)},
        "slow": [o.case.name for o in outcomes if o.seconds is not None and o.seconds > SLOW_S],
    }
