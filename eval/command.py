"""`giar evaluate`: what the reader gets right, on documents with gold."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from giar_ml import __version__
from giar_ml.cli.console import EXIT_FAILED, complain, print_on_stdout, progress
from giar_ml.cli.options import add_reader_options, positive, reader_options
from giar_ml.errors import UsageError

if TYPE_CHECKING:
    from eval.run import Case, Outcome

DEFAULT_NAME = "evaluation"


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    evaluate = commands.add_parser(
        "evaluate",
        help="measure the reader on documents with gold",
        description="Reads every document of a folder that has gold (a.pdf.gold.json beside a.pdf), or takes"
        " results read before, and says what was right: figures, whole reports, repairs, misprints, labels,"
        " tables, confidences, time and memory.",
        epilog="exit status: 0 measured, 2 usage, 4 nothing could be measured",
    )
    evaluate.set_defaults(run=run)
    evaluate.add_argument("fixtures", type=Path, metavar="FIXTURES", help="folder of documents with gold")
    evaluate.add_argument(
        "--pred", type=Path, metavar="DIR", help="measure the results in DIR, <stem>.json, and read nothing"
    )
    evaluate.add_argument(
        "--baseline",
        action="append",
        default=[],
        metavar="NAME",
        help="also run this other reader on the same documents (repeatable)",
    )
    evaluate.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="REPORT",
        help=f"write REPORT.json and REPORT.html; in a folder they are called {DEFAULT_NAME}",
    )
    evaluate.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="processes that read (default: 1)"
    )
    add_reader_options(evaluate)
    evaluate.add_argument("--quiet", action="store_true", help="print errors only")


def run(args: argparse.Namespace) -> int:
    """Returns the exit status."""
    from eval.run import OURS, RESULTS, find_cases, read_results, run_reader, select_cases
    from eval.summary import summarise

    options = reader_options(args)
    baselines = _check_baselines(args.baseline)
    target = _prepare_target(args.output) if args.output else None
    cases = find_cases(args.fixtures, with_documents=args.pred is None or bool(baselines))
    warnings = [*_find_extra_results(args.pred, cases), *_count_incomplete(cases)]
    systems: dict[str, list[Outcome]] = {}
    names = [*([OURS] if args.pred is None else []), *baselines]
    if args.pred:
        systems[RESULTS] = read_results(args.pred, cases)
    visible = sys.stderr.isatty() and not args.quiet
    todo = {name: select_cases(name, cases) for name in names}
    with progress(sum(map(len, todo.values())), visible=visible and bool(names)) as advance:
        for name, selected in todo.items():
            if selected:
                systems[name] = run_reader(name, options, selected, workers=args.workers, advance=advance)
            else:
                warnings.append(f"baseline {name} reads none of these documents and was left out")
    first = next(iter(systems.values()))
    warnings += _find_other_files(first)
    for warning in warnings:
        complain(f"warning: {warning}")
    settings = {
        "fixtures": args.fixtures.resolve().name,
        "results": args.pred.resolve().name if args.pred else None,
        "options": {key: getattr(value, "name", value) for key, value in options.items()},
        "workers": args.workers,
        "version": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
    summary = summarise(systems, settings=settings, warnings=warnings)
    paths = _write(summary, target, cases) if target else []
    if not args.quiet:
        _print_summary(summary, paths)
    for outcome in first:
        if outcome.error:
            complain(f"{outcome.case.name}: {outcome.error}")
    if not summary["readers"][0]["documents"]["scored"]:
        complain("no document could be read: nothing was measured; the first reasons stand above")
        return EXIT_FAILED
    return 0


def _check_baselines(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    from eval.baselines import BASELINES

    for name in names:
        if name not in BASELINES:
            raise UsageError(f"no baseline {name!r}; there are {', '.join(sorted(BASELINES))}")
    return list(dict.fromkeys(names))


def _prepare_target(path: Path) -> Path:
    """Where to write, without a suffix; its folder is there and can be written to."""
    if path.is_dir():
        path = path / DEFAULT_NAME
    elif path.suffix in (".json", ".html"):
        path = path.with_suffix("")
    probe = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{path.parent}: cannot write there ({reason}); choose another -o") from error
    return path


def _find_extra_results(folder: Path | None, cases: Sequence[Case]) -> list[str]:
    from eval.run import ResultReader

    if folder is None:
        return []
    extra = ResultReader(folder).find_extra(cases)
    return [f"result {name} belongs to no document with gold and was left out" for name in extra]


def _count_incomplete(cases: Sequence[Case]) -> list[str]:
    from giar_ml.metrics.cells import is_complete

    n = sum(not is_complete(case.gold) for case in cases)
    if not n:
        return []
    return [
        f"{n} of {len(cases)} documents have gold without some cells of the form: the cells they have count,"
        " but not whether the report is right"
    ]


def _find_other_files(outcomes: Sequence[Outcome]) -> list[str]:
    return [
        f"{outcome.case.name}: the file read is not the one the gold was made for (sha256 differs)"
        for outcome in outcomes
        if outcome.report and outcome.report.source.sha256 != outcome.case.gold.sha256
    ]


def _write(summary: Mapping[str, Any], target: Path, cases: Sequence[Case]) -> list[Path]:
    from eval.page import render_page

    return [
        _write_text(f"{target}.json", json.dumps(summary, ensure_ascii=False, indent=1) + "\n"),
        _write_text(f"{target}.html", render_page(summary, cases)),
    ]


def _write_text(path: str, text: str) -> Path:
    try:
        Path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another -o") from error
    return Path(path)


def _print_summary(summary: Mapping[str, Any], paths: Sequence[Path]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from eval.words import show_interval, show_time, show_value

    console = Console()
    if not console.is_terminal:
        console.width = 160
    readers = summary["readers"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for reader in readers:
        table.add_column(reader["name"], justify="right", no_wrap=True)
        table.add_column("95 %", style="dim", no_wrap=True)
    for key, metric in summary["metrics"].items():
        rates = [reader["metrics"][key] for reader in readers]
        if any(rate["value"] is not None for rate in rates):
            table.add_row(metric["name"], *(say(r) for r in rates for say in (show_value, show_interval)))
    table.add_row("Seconds per page", *(x for r in readers for x in (show_time(r["cost"]), "")))
    for state in ("scored", "failed", "skipped"):
        table.add_row(f"Documents {state}", *(x for r in readers for x in (str(r["documents"][state]), "")))
    documents = summary["documents"]
    line = (
        f"{documents['found']} documents: {documents['scored']} scored, {documents['failed']} failed,"
        f" {documents['skipped']} skipped"
    )
    parts = _tabulate_parts(readers[0])
    print_on_stdout(console, table, parts, Text(line), *(Text(f"wrote {path}") for path in paths))


_PARTS = ("severity", "input", "form")
_PART_METRICS = {
    "cell_accuracy_before": "cells before",
    "cell_accuracy": "cells",
    "wholly_right": "wholly right",
    "accepted": "accepted",
    "silent_errors": "accepted, wrong",
    "misprints_flagged": "misprints flagged",
    "false_alarms": "false alarms",
    "label_f1": "labels F1",
    "tables_in_place": "tables in place",
    "grits_con": "GriTS con",
}


def _tabulate_parts(reader: Mapping[str, Any]) -> Any:
    """A row per severity, input and form: how many documents, and the main figures of each."""
    from rich import box
    from rich.table import Table

    from eval.words import show_value

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for title in (reader["name"], "documents", *_PART_METRICS.values()):
        table.add_column(title, justify="left" if title == reader["name"] else "right", no_wrap=True)
    for part in _PARTS:
        for name, group in reader["by"][part].items():
            rates = [show_value(group["metrics"][key]) for key in _PART_METRICS]
            table.add_row(f"{part} {name}", str(group["documents"]), *rates)
        table.add_section()
    return table
