"""The token classifier beside the fuzzy matcher and a logistic regression, on the same tokens.

python -m eval.labels FOLDER -o OUT [--model DIR] [--baseline FILE]

Every document of FOLDER that has gold is read once (its tokens are kept in OUT/pages, so that a second run
is quick) and its tokens go to each labeller. OUT/labels.json has all that was counted, OUT/labels.html shows
it. Word and HTML documents have no places in their gold and are left out. A table is right when its tokens
that label rows and columns are all taken for what they are, and nothing else in it is.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.label_baselines import load_labellers
from eval.run import Case, find_cases
from giar_ml.annotations.frame import Scale, page_scales, scale_bbox
from giar_ml.annotations.gold import Gold, GoldToken, bounds
from giar_ml.cli.console import EXIT_FAILED, complain, print_on_stdout, progress
from giar_ml.document import BBox, Page
from giar_ml.errors import GiarError, UsageError
from giar_ml.figures import plain
from giar_ml.geometry import contains_center, union
from giar_ml.label import PageLabeller
from giar_ml.label.names import OTHER, is_header
from giar_ml.metrics.bootstrap import Interval, ratio_interval, wilson_interval
from giar_ml.metrics.calibration import ece, reliability_curve
from giar_ml.metrics.counts import ratio
from giar_ml.metrics.token_labels import (
    CELL_LABELS,
    Choice,
    TokenCounts,
    choose_label,
    count_confusions,
    count_tokens,
    is_table_right,
    who_is_right,
)
from giar_ml.words import one_line
from training.labels.data import is_turned
from training.labels.examples import Example, place_example
from training.labels.gold_labels import TokenGold, match_tokens
from training.labels.negatives import sample_negative
from training.labels.read_pages import ReadPage, read_pages_once

SCHEMA_VERSION = "1"
N_NEGATIVES = 200
NEGATIVE_SEED = 9_000_002
"""Pages that are none of the forms, made up by `training.labels.negatives`: their kinds are those of the
training, their words are not."""
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
MISREAD = 0.5
"""Similarity with the printed text below which a token is not legible."""
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


@dataclass(frozen=True)
class LabelledPage:
    """The tokens of a page that have a gold label, and what each labeller takes them for.

    Args:
        tables: for each token the table it stands in, None outside of tables.
        printed: whether each token stands on print of the gold; else it is a stray mark.
        legible: whether it stands on print of one label alone, and its text is like what is printed there.
        n_gold, n_lost, n_merged: see `giar_ml.metrics.token_labels.TokenCounts`.
        n_unknown: tokens whose gold label cannot be said; they are in no count.
        n_misread: tokens whose text is unlike what is printed there.
    """

    case: Case
    number: int
    texts: tuple[str, ...]
    lines: tuple[int | None, ...]
    gold: tuple[str, ...]
    tables: tuple[str | None, ...]
    printed: tuple[bool, ...]
    legible: tuple[bool, ...]
    n_gold: int
    n_lost: int
    n_merged: int
    n_unknown: int
    n_misread: int
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)

    def labels(self, name: str) -> list[str]:
        return [choice.label for choice in self.choices[name]]

    def count(self, name: str) -> TokenCounts:
        """What the labeller `name` got right."""
        labels = self.labels(name)
        by_table: dict[str, list[int]] = defaultdict(list)
        for i, table in enumerate(self.tables):
            if table is not None:
                by_table[table].append(i)
        judged = [
            is_table_right([self.gold[i] for i in indices], [labels[i] for i in indices])
            for indices in by_table.values()
            if any(self.gold[i].startswith(CELL_LABELS) for i in indices)
        ]
        return replace(
            count_tokens(self.gold, labels),
            gold=self.n_gold,
            lost=self.n_lost,
            merged=self.n_merged,
            tables=len(judged),
            tables_right=sum(judged),
        )

    def count_only(self, name: str, chosen: Sequence[bool]) -> TokenCounts:
        """The same of the tokens that are `chosen`, without tables and losses."""
        labels = self.labels(name)
        indices = [i for i, is_chosen in enumerate(chosen) if is_chosen]
        return count_tokens([self.gold[i] for i in indices], [labels[i] for i in indices])


@dataclass(frozen=True)
class Run:
    """All pages labelled, with what was left out and why."""

    pages: tuple[LabelledPage, ...]
    ms_per_page: Mapping[str, float]
    failed: Mapping[str, str]
    left_out: tuple[str, ...]


# Labelling


def has_places(gold: Gold) -> bool:
    return any(token.place.poly or token.place.line for token in gold.tokens)


def run_labellers(
    cases: Sequence[Case],
    labellers: Mapping[str, PageLabeller],
    read: Callable[[Path], list[ReadPage]],
    *,
    advance: Callable[[str], None] = lambda name: None,
) -> Run:
    """Read every document and give its tokens to each labeller; a document that cannot be read is named.

    Args:
        advance: called with the name of each document as it begins.
    """
    pages: list[LabelledPage] = []
    failed: dict[str, str] = {}
    left_out = [case.name for case in cases if not has_places(case.gold)]
    seconds = dict.fromkeys(labellers, 0.0)
    n_pages = 0
    for case in cases:
        if not has_places(case.gold):
            continue
        advance(case.name)
        try:
            found = read(case.path)
        except GiarError as error:
            failed[case.name] = one_line(error)
            continue
        except Exception as error:  # a bug must not cost the other documents
            failed[case.name] = one_line(f"{type(error).__name__}: {error}")
            continue
        n_pages += len(found)
        placed = [page.placed() for page in found]
        labelled = {}
        for name, labeller in labellers.items():
            started = time.perf_counter()
            labelled[name] = labeller.label_pages(placed)
            seconds[name] += time.perf_counter() - started
        scales = page_scales(case.gold, [Page(p.number, "scan", p.width, p.height) for p in found])
        for i, page in enumerate(found):
            choices = {name: [choose_label(labels) for labels in got[i]] for name, got in labelled.items()}
            pages.append(label_page(case, page, choices, scale=scales.get(page.number, (1.0, 1.0))))
    ms = {name: 1000 * total / max(n_pages, 1) for name, total in seconds.items()}
    return Run(tuple(pages), ms, failed, tuple(left_out))


def label_page(
    case: Case, page: ReadPage, choices: Mapping[str, Sequence[Choice]], *, scale: Scale = (1.0, 1.0)
) -> LabelledPage:
    """A page with the gold labels of its tokens."""
    matches = match_tokens(page.tokens, page.number, case.gold, scale=scale, lines=page.lines)
    kept = [i for i, match in enumerate(matches) if match.label is not None]
    tables = find_tables(page, case.gold, matches, scale=scale)
    wanted = {
        i: token.label
        for i, token in enumerate(case.gold.tokens)
        if token.label != OTHER and token.text.strip() and (not page.paper or token.place.page == page.number)
    }
    misread = [
        is_misread(token.text, [case.gold.tokens[i] for i in match.covered])
        for token, match in zip(page.tokens, matches, strict=True)
    ]
    covered = {i for match in matches for i in match.covered}
    kept_apart = {i for match in matches for i in match.covered if wanted.get(i) == match.label}
    return LabelledPage(
        case,
        page.number,
        texts=tuple(page.tokens[i].text for i in kept),
        lines=tuple(page.tokens[i].line for i in kept),
        gold=tuple(matches[i].label or OTHER for i in kept),
        tables=tuple(tables[i] for i in kept),
        printed=tuple(bool(matches[i].covered) for i in kept),
        legible=tuple(
            len({case.gold.tokens[k].label for k in matches[i].covered}) == 1 and not misread[i] for i in kept
        ),
        n_gold=len(wanted),
        n_lost=len(wanted.keys() - covered),
        n_merged=len(wanted.keys() & covered - kept_apart),
        n_unknown=len(matches) - len(kept),
        n_misread=sum(misread),
        choices={name: tuple(found[i] for i in kept) for name, found in choices.items()},
    )


def is_misread(text: str, printed: Sequence[GoldToken]) -> bool:
    """Whether a text is unlike all that is printed where it stands; what stands beside the print is not."""
    from rapidfuzz.fuzz import partial_ratio

    read = plain(text)
    return bool(printed) and all(partial_ratio(read, plain(token.text)) < 100 * MISREAD for token in printed)


def find_tables(
    page: ReadPage, gold: Gold, matches: Sequence[TokenGold], *, scale: Scale = (1.0, 1.0)
) -> list[str | None]:
    """The table that each token stands in: on paper a table of the gold or its part on this page, in a text
    the lines between the first and the last label of a statutory table."""
    if page.paper:
        boxes = {
            str(i): union(bounds(cell.poly) for cell in table.cells)
            for i, table in enumerate(gold.tables)
            if table.page == page.number and table.cells
        }
        return [_find_box(boxes, scale_bbox(token.bbox, scale)) for token in page.tokens]
    lines: dict[str, list[int]] = defaultdict(list)
    for token, match in zip(page.tokens, matches, strict=True):
        if match.label and match.label.startswith(CELL_LABELS) and token.line is not None:
            lines[match.label.partition(":")[2].partition(".")[0]].append(token.line)
    ranges = {key: (min(found), max(found)) for key, found in lines.items()}
    return [
        next((key for key, (first, last) in ranges.items() if first <= (token.line or 0) <= last), None)
        for token in page.tokens
    ]


def _find_box(boxes: Mapping[str, BBox], bbox: BBox) -> str | None:
    return next((key for key, box in boxes.items() if contains_center(box, bbox)), None)


@dataclass(frozen=True)
class Negatives:
    """Pages that are none of the forms, and what each labeller takes their tokens for."""

    pages: tuple[Example, ...]
    choices: Mapping[str, tuple[tuple[Choice, ...], ...]]


def label_negatives(
    labellers: Mapping[str, PageLabeller], *, n: int = N_NEGATIVES, seed: int = NEGATIVE_SEED
) -> Negatives | None:
    """Made-up pages, given to each labeller; None where the words that they are made of are not installed."""
    try:
        pages = tuple(sample_negative(np.random.default_rng([seed, i])) for i in range(n))
    except ModuleNotFoundError as error:
        complain(f"pages of no form left out: no module {error.name}, install the extra train")
        return None
    placed = [place_example(page) for page in pages]
    return Negatives(
        pages,
        {
            name: tuple(tuple(map(choose_label, found)) for found in labeller.label_pages(placed))
            for name, labeller in labellers.items()
        },
    )


# Adding up


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
            group: _summarise_group(group, pages, names)
            for group, pages in sorted(
                groups.items(), key=lambda item: _ORDER.index(item[0]) if item[0] in _ORDER else len(_ORDER)
            )
        },
        "parts": {part: _summarise_group(part, pages, names) for part, pages in sorted(parts.items())},
        "no_form": _summarise_negatives(negatives) if negatives else None,
        "calibration": {name: _calibrate(run.pages, name) for name in names},
        "agreement": _compare(run.pages, names),
        "confusions": {name: _confuse(run.pages, name) for name in names},
    }


def _summarise_group(group: str, pages: Sequence[LabelledPage], names: Sequence[str]) -> dict[str, Any]:
    return {
        "documents": len({page.case.name for page in pages}),
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
        "labellers": {name: _measure(pages, name) for name in names},
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


# Command


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m eval.labels",
        description="Measures the token classifier beside the fuzzy matcher and a logistic regression.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="documents with gold")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="folder to write into"
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="the classifier, if not the one installed")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="the trained logistic regression")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="only documents whose name has it (repeatable)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="read all documents again, after a change of the reader"
    )
    args = parser.parse_args(arguments)
    try:
        return _run(args)
    except GiarError as error:
        complain(str(error))
        return error.exit_status


def _run(args: argparse.Namespace) -> int:
    cases = find_cases(args.folder)
    if args.only:
        cases = [case for case in cases if any(word in case.name for word in args.only)]
    labellers, missing = load_labellers(model=args.model, baseline=args.baseline)
    for name, reason in missing.items():
        complain(f"{name} left out: {reason}")
    kept = args.output / "pages"
    with progress(len(cases), visible=sys.stderr.isatty()) as advance:
        run = run_labellers(
            cases, labellers, lambda path: read_pages_once(path, kept, fresh=args.fresh), advance=advance
        )
    for name, reason in run.failed.items():
        complain(f"{name}: {reason}")
    if not run.pages:
        complain("no document could be labelled: nothing was measured")
        return EXIT_FAILED
    settings = {"fixtures": args.folder.resolve().name, "only": args.only, "missing": missing}
    summary = summarise(run, negatives=label_negatives(labellers), settings=settings)
    _print(summary, _write(summary, args.output))
    return 0


def _write(summary: Mapping[str, Any], folder: Path) -> list[Path]:
    from eval.labels_page import render_labels

    paths = [folder / "labels.json", folder / "labels.html"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        paths[1].write_text(render_labels(summary), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); choose another -o") from error
    return paths


def _print(summary: Mapping[str, Any], paths: Sequence[Path]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from eval.words import show_interval, show_share, show_value

    console = Console()
    if not console.is_terminal:
        console.width = 180
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for title in ("pages", "lost", "merged", "misread", "stray"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for title in (
        *("accuracy", "F1", "95 %", "on print", "legible", "headers", "tables"),
        *("of", "sure, wrong", "ECE", "of headers"),
    ):
        table.add_column(title, justify="right", no_wrap=True, style="dim" if title == "95 %" else "")
    for group, found in summary["groups"].items():
        parts = (("lost", "gold"), ("merged", "gold"), ("misread", "tokens"), ("stray", "tokens"))
        head = [
            group,
            str(found["pages"]),
            *(show_share(found[a] / found[b] if found[b] else None) for a, b in parts),
        ]
        for name, measured in found["labellers"].items():
            table.add_row(
                *head,
                name,
                show_value(measured["accuracy"]),
                show_value(measured["f1"]),
                show_interval(measured["f1"]),
                show_share(measured["f1_printed"]),
                show_share(measured["f1_legible"]),
                show_value(measured["header_f1"]),
                show_value(measured["tables_right"]),
                f"{measured['tables_right']['denominator']:.0f}",
                show_share(measured["sure_wrong"]),
                *("–" if (gap := measured[key]) is None else f"{gap:.4f}" for key in ("ece", "header_ece")),
            )
            head = [""] * len(head)
        table.add_section()
    documents = summary["documents"]
    times = ", ".join(f"{name} {found['ms_per_page']:.1f}" for name, found in summary["labellers"].items())
    right = ", ".join(
        f"{' + '.join(found['labellers']) or 'none'} {found['tokens']:,}"
        for found in summary["agreement"]["right"]
    )
    false = ""
    if no_form := summary["no_form"]:
        false = f"Tokens of {no_form['pages']} pages of no form taken for headers: " + ", ".join(
            f"{name} {show_share(found['false_headers'] / no_form['tokens'])}"
            f" ({show_share(found['sure_false_headers'] / no_form['tokens'])} surely)"
            for name, found in no_form["labellers"].items()
        )
    lines = [
        f"{documents['labelled']} documents, {len(documents['failed'])} failed,"
        f" {len(documents['left_out'])} left out (Word and HTML: no places in their gold)",
        *([false] if false else []),
        f"Milliseconds per page: {times}",
        f"Tokens right by: {right}",
        *(f"wrote {path}" for path in paths),
    ]
    print_on_stdout(console, table, *map(Text, lines))


if __name__ == "__main__":
    sys.exit(main())
