"""What labellers got right, added up: one JSON-ready summary. Counts are summed first and divided last."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from eval.label_run import LabelledPage, Negatives, Run
from giar_ml.annotations.gold import GoldToken
from giar_ml.label.names import is_header
from giar_ml.metrics.bootstrap import Interval, ratio_interval, wilson_interval
from giar_ml.metrics.calibration import ece, reliability_curve
from giar_ml.metrics.counts import ratio
from giar_ml.metrics.places import PlaceCounts
from giar_ml.metrics.token_labels import TokenCounts, count_confusions, who_is_right
from training.labels.data import is_turned

SCHEMA_VERSION = "1"
SURE = 0.9
"""A wrong label of at least this confidence is worse than none."""
ALL = "all"
NO_TABLE = "pages without a table"
TURNED = "turned scans"
TARGETS: Mapping[str, float] = {
    "clean": 0.995,
    "office": 0.995,
    "fax": 0.98,
    "photo": 0.98,
    "text, broken": 0.98,
    "text, published": 0.98,
    "text, refilled": 0.98,
}
"""F1 that the classifier has to reach."""
TABLES_TARGET: Mapping[str, float] = {"office": 0.99}
MAX_EXAMPLES = 40
"""Of cases that one labeller alone gets right; all are counted."""
MAX_ALIKE = 3
"""Examples of one gold label."""
MAX_CONFUSIONS = 30
_ORDER = (
    *(
        name
        for severity in ("clean", "office", "fax", "photo")
        for name in (severity, f"{severity}, upright")
    ),
    TURNED,
    "digital",
    "text, published",
    "text, refilled",
    "text, broken",
    NO_TABLE,
    ALL,
)


def group_names(page: LabelledPage) -> Iterator[str]:
    """What a page is counted under."""
    origin = page.case.gold.origin
    if severity := origin.get("severity"):
        yield str(severity)
        yield TURNED if is_turned(page.case.gold) else f"{severity}, upright"
    elif page.case.gold.kind == "text":
        yield f"text, {origin.get('filled') or 'broken'}"
    else:
        yield str(page.case.gold.kind)
    if not any(is_header(token.label) for token in page.case.gold.tokens if _is_on(token, page)):
        yield NO_TABLE
    yield ALL


def part_names(page: LabelledPage) -> Iterator[str]:
    """How a text was broken, or a form printed: finer than `group_names`."""
    origin = page.case.gold.origin
    yield f"form {page.case.gold.form}"
    if page.case.gold.kind == "text" and not origin.get("filled"):
        yield f"tool {origin.get('tool')}"
        yield from (f"fault {fault}" for fault in origin.get("faults") or ())


def _is_on(token: GoldToken, page: LabelledPage) -> bool:
    return token.place.line is not None or token.place.page == page.number


def summarise(run: Run, *, negatives: Negatives | None = None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All that was measured, ready for JSON."""
    names = list(run.ms_per_page)
    groups: dict[str, list[LabelledPage]] = defaultdict(list)
    parts: dict[str, list[LabelledPage]] = defaultdict(list)
    for page in run.pages:
        for group in group_names(page):
            groups[group].append(page)
        for part in part_names(page):
            parts[part].append(page)
    for severity in ("clean", "office", "fax", "photo"):
        if len(groups.get(f"{severity}, upright", ())) == len(groups.get(severity, ())):
            groups.pop(f"{severity}, upright", None)
    return {
        "schema_version": SCHEMA_VERSION,
        "settings": dict(settings),
        "documents": {
            "labelled": len({page.case.name for page in run.pages}),
            "pages": len(run.pages),
            "failed": dict(run.failed),
            "left_out": list(run.left_out),
        },
        "labellers": {name: {"ms_per_page": run.ms_per_page[name]} for name in names},
        "groups": {
            group: _summarise_group(group, pages, names, run.places)
            for group, pages in sorted(
                groups.items(), key=lambda item: _ORDER.index(item[0]) if item[0] in _ORDER else len(_ORDER)
            )
        },
        "parts": {
            part: _summarise_group(part, pages, names, run.places) for part, pages in sorted(parts.items())
        },
        "no_form": _summarise_negatives(negatives) if negatives else None,
        "calibration": {name: _calibrate(run.pages, name) for name in names},
        "agreement": _compare(run.pages, names),
        "confusions": {name: _confuse(run.pages, name) for name in names},
    }


def _summarise_group(
    group: str,
    pages: Sequence[LabelledPage],
    names: Sequence[str],
    places: Mapping[str, Mapping[str, PlaceCounts]],
) -> dict[str, Any]:
    cases = sorted({page.case.name for page in pages})
    # Whole documents are laid into rows and columns: of pages without a table that says nothing.
    laid = cases if group != NO_TABLE else []
    return {
        "documents": len(cases),
        "pages": len(pages),
        "tokens": sum(len(page.gold) for page in pages),
        "unknown": sum(page.n_unknown for page in pages),
        "misread": sum(page.n_misread for page in pages),
        "stray": sum(not is_printed for page in pages for is_printed in page.printed),
        "lost": sum(page.n_lost for page in pages),
        "merged": sum(page.n_merged for page in pages),
        "gold": sum(page.n_gold for page in pages),
        "target": TARGETS.get(group),
        "tables_target": TABLES_TARGET.get(group),
        "labellers": {
            name: _measure(pages, name) | _count_in_place([places[case][name] for case in laid])
            for name in names
        },
    }


def _count_in_place(counts: Sequence[PlaceCounts]) -> dict[str, Any]:
    """Of whole documents: once rows and columns follow from the labels."""
    return {
        "cells_in_place": _rate([c.cells_right for c in counts], [c.cells for c in counts]),
        "tables_in_place": _rate([c.tables_right for c in counts], [c.tables for c in counts]),
    }


def _measure(pages: Sequence[LabelledPage], name: str) -> dict[str, Any]:
    by_document: dict[str, TokenCounts] = {}
    for page in pages:
        by_document[page.case.name] = by_document.get(page.case.name, TokenCounts()) + page.count(name)
    documents = list(by_document.values())
    counts = sum(documents, TokenCounts())
    labels = [count.labels for count in documents]
    headers = [count.headers for count in documents]
    printed = sum((page.count_only(name, page.printed) for page in pages), TokenCounts())
    legible = sum((page.count_only(name, page.legible) for page in pages), TokenCounts())
    confidence, right, about_headers = _confidences(pages, name)
    return {
        "accuracy": _rate([c.right for c in documents], [c.tokens for c in documents]),
        "f1": _rate(*_f1_parts(labels)),
        "f1_printed": printed.f1,
        "f1_legible": legible.f1,
        "precision": counts.labels.precision,
        "recall": counts.labels.recall,
        "header_f1": _rate(*_f1_parts(headers)),
        "tables_right": _rate([c.tables_right for c in documents], [c.tables for c in documents]),
        "ece": ece(confidence, right),
        "header_ece": ece(confidence[about_headers], right[about_headers]),
        "sure_wrong": ratio(int(((confidence >= SURE) & ~right).sum()), len(right)),
        "false_headers": sum(
            is_header(label) and label != truth
            for page in pages
            for truth, label in zip(page.gold, page.labels(name), strict=True)
        ),
    }


def _summarise_negatives(negatives: Negatives) -> dict[str, Any]:
    """Of pages that are none of the forms: tokens taken for a header, and pages without such a token."""
    measured = {}
    for name, pages in negatives.choices.items():
        false = [[choice for choice in page if is_header(choice.label)] for page in pages]
        measured[name] = {
            "false_headers": sum(map(len, false)),
            "sure_false_headers": sum(choice.confidence >= SURE for page in false for choice in page),
            "pages_right": sum(not page for page in false),
            "as": Counter(choice.label for page in false for choice in page).most_common(MAX_CONFUSIONS),
        }
    return {
        "pages": len(negatives.pages),
        "tokens": sum(len(page.items) for page in negatives.pages),
        "labellers": measured,
    }


def _f1_parts(counts: Sequence[Any]) -> tuple[list[float], list[float]]:
    above = [2.0 * c.true_positives.total() for c in counts]
    wrong = [c.false_positives.total() + c.false_negatives.total() for c in counts]
    return above, [a + w for a, w in zip(above, wrong, strict=True)]


def _rate(above: Sequence[float], below: Sequence[float]) -> dict[str, Any]:
    """A rate with its interval over documents; where all are the same, they are counted as cases."""
    k, n = sum(above), sum(below)
    interval: Interval | None
    if n and k in (0, n):
        n_documents = sum(1 for d in below if d)
        interval = wilson_interval(n_documents if k else 0, n_documents)
    else:
        interval = ratio_interval(above, below)
    if interval is None:
        return {"value": None, "low": None, "high": None, "numerator": k, "denominator": n}
    value, low, high = map(float, interval)
    if low == high:  # a single document, or all alike
        return {"value": value, "low": None, "high": None, "numerator": k, "denominator": n}
    return {"value": value, "low": low, "high": high, "numerator": k, "denominator": n}


def _confidences(pages: Sequence[LabelledPage], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every token: the confidence in its label, whether that is right, whether it is about a header."""
    rows = [
        (choice.confidence, choice.label == truth, is_header(truth) or is_header(choice.label))
        for page in pages
        for truth, choice in zip(page.gold, page.choices[name], strict=True)
    ]
    confidence, right, about_headers = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(confidence, float), np.array(right, bool), np.array(about_headers, bool)


def _calibrate(pages: Sequence[LabelledPage], name: str) -> dict[str, Any]:
    confidence, right, about_headers = _confidences(pages, name)
    return {
        "ece": ece(confidence, right),
        "header_ece": ece(confidence[about_headers], right[about_headers]),
        "reliability": [b._asdict() for b in reliability_curve(confidence, right)],
        "header_reliability": [
            b._asdict() for b in reliability_curve(confidence[about_headers], right[about_headers])
        ],
    }


def _compare(pages: Sequence[LabelledPage], names: Sequence[str]) -> dict[str, Any]:
    """Which labellers are right together, and examples of what each alone gets right."""
    sets: Counter[tuple[str, ...]] = Counter()
    alone: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    seen: Counter[tuple[str, str]] = Counter()
    for page in pages:
        for i, right in enumerate(who_is_right(page.gold, {name: page.labels(name) for name in names})):
            sets[right] += 1
            if len(right) != 1 or len(names) < 2:
                continue
            (name,) = right
            seen[name, page.gold[i]] += 1
            if seen[name, page.gold[i]] <= MAX_ALIKE and len(alone[name]) < MAX_EXAMPLES:
                alone[name].append(_describe(page, i, names))
    return {
        "right": [{"labellers": list(right), "tokens": n} for right, n in sets.most_common()],
        "alone": alone,
    }


def _confuse(pages: Sequence[LabelledPage], name: str) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], dict[str, Any]] = {}
    for page in pages:
        labels = page.labels(name)
        counts += count_confusions(page.gold, labels)
        for i, pair in enumerate(zip(page.gold, labels, strict=True)):
            if pair[0] != pair[1] and pair not in example:
                example[pair] = _describe(page, i, [name])
    return [
        {"gold": gold, "label": label, "tokens": n, "example": example[gold, label]}
        for (gold, label), n in counts.most_common(MAX_CONFUSIONS)
    ]


def _describe(page: LabelledPage, i: int, names: Sequence[str]) -> dict[str, Any]:
    return {
        "text": page.texts[i],
        "gold": page.gold[i],
        "labels": {
            name: {
                "label": page.choices[name][i].label,
                "confidence": round(page.choices[name][i].confidence, 4),
            }
            for name in names
        },
        "file": page.case.name,
        "page": None if page.lines[i] is not None else page.number,
        "line": page.lines[i],
    }
