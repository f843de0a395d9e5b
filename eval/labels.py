"""The token classifier beside the fuzzy matcher and a logistic regression, on the same tokens.

python -m eval.labels FOLDER -o OUT [--model DIR] [--baseline FILE]

Every document of FOLDER that has gold is read once (what was read is kept in OUT/pages, so that a second run
is quick) and its tokens go to each labeller. OUT/labels.json has all that was counted, OUT/labels.html shows
it. Word and HTML documents have no places in their gold and are left out. All labels of a table are right
when its tokens that label rows and columns are taken for what they are, and nothing else in it is; its rows
and columns are, when each printed cell is taken from its own, once these follow from the labels, the order of
the form, geometry and sums.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.label_baselines import load_labellers
from eval.label_run import label_negatives, run_labellers
from eval.label_summary import summarise
from eval.run import find_cases
from giar_ml.cli.console import EXIT_FAILED, complain, print_on_stdout, progress
from giar_ml.errors import GiarError, UsageError
from giar_ml.models import shipped_model
from training.labels.read_pages import read_document_once


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
            cases, labellers, lambda path: read_document_once(path, kept, fresh=args.fresh), advance=advance
        )
    for name, reason in run.failed.items():
        complain(f"{name}: {reason}")
    if not run.pages:
        complain("no document could be labelled: nothing was measured")
        return EXIT_FAILED
    weights = (args.model or shipped_model()) / "model.onnx"
    settings = {
        "fixtures": args.folder.resolve().name,
        "only": args.only,
        "missing": missing,
        "classifier_sha256": hashlib.sha256(weights.read_bytes()).hexdigest() if weights.is_file() else None,
    }
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
        console.width = 220
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for title in ("pages", "lost", "merged", "misread", "stray"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for title in (
        *("accuracy", "F1", "95 %", "on print", "legible", "headers", "all labels"),
        *("rows, columns", "sure, wrong", "ECE", "of headers"),
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
                *(
                    f"{show_value(found)} of {found['denominator']:.0f}"
                    for found in (measured["tables_right"], measured["tables_in_place"])
                ),
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
