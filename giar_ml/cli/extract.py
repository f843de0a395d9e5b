"""`giar extract`: read reports into files."""

from __future__ import annotations

import argparse
import contextlib
import logging
import secrets
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from giar_ml.cli.console import (
    EXIT_ACCEPTED,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_REVIEW,
    EXIT_USAGE,
    complain,
    print_on_stdout,
    progress,
)
from giar_ml.cli.options import add_reader_options, reader_options
from giar_ml.document import SUFFIXES
from giar_ml.errors import GiarError, UsageError

if TYPE_CHECKING:
    from giar_ml.pipeline import Extractor
    from giar_ml.report import Report

_LOG = logging.getLogger("giar_ml.cli")


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    extract = commands.add_parser(
        "extract",
        help="read reports into JSON, CSV and workbooks",
        epilog="exit status: 0 all accepted, 3 some need review, 4 some failed, 2 usage, 130 interrupted",
    )
    extract.set_defaults(run=_extract)
    extract.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help=f"file ({' '.join(SUFFIXES)}) or folder of files",
    )
    extract.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="output folder")
    extract.add_argument(
        "--format",
        action="append",
        default=[],
        choices=("json", "csv", "xlsx"),
        help="also write this format (repeatable; JSON is always written)",
    )
    add_reader_options(extract)
    extract.add_argument("--quiet", action="store_true", help="print errors only")
    extract.add_argument("--log", type=Path, metavar="FILE", help="append one line per report to FILE")
    extract.add_argument("--debug", action="store_true", help="print the traceback of an internal error")


def _extract(args: argparse.Namespace) -> int:
    from giar_ml.pipeline import Extractor

    inputs = _list_inputs(args.inputs)
    _prepare_folder(args.output)
    options = reader_options(args)
    args.log_on_stderr = not (args.quiet or sys.stderr.isatty())
    with _logging_to(args.log, on_stderr=args.log_on_stderr):
        extractor = Extractor(**options)
        outcomes: list[tuple[Path, Report]] = []
        status = EXIT_ACCEPTED
        interrupted = False
        with progress(len(inputs), visible=sys.stderr.isatty() and not args.quiet) as advance:
            taken: dict[str, Path] = {}
            try:
                for path in inputs:
                    advance(path.name)
                    report, exit_status = _extract_one(extractor, path, taken=taken, args=args)
                    outcomes.append((path, report))
                    status = _worse(status, exit_status)
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            complain(f"interrupted: {len(outcomes)} of {len(inputs)} reports done and kept")
            status = EXIT_INTERRUPTED
        if not args.quiet:
            _print_summary(outcomes, extractor.device)
    return status


def _list_inputs(paths: Sequence[Path]) -> list[Path]:
    inputs: list[Path] = []
    for path in paths:
        if not path.is_dir():
            inputs.append(path)
            continue
        try:
            inside = sorted(
                entry
                for entry in path.iterdir()
                if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file()
            )
        except OSError as error:
            raise UsageError(f"{path}: cannot list the folder ({error.strerror})") from error
        inputs.extend(inside or [path.resolve()])  # an empty folder is an input that cannot be read
    return inputs


def _prepare_folder(folder: Path) -> None:
    probe = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        reason = "there is a file of that name" if isinstance(error, FileExistsError) else error.strerror
        raise UsageError(
            f"{folder}: cannot write to the output folder ({reason}); choose another with -o"
        ) from error


def _extract_one(
    extractor: Extractor, path: Path, *, taken: dict[str, Path], args: argparse.Namespace
) -> tuple[Report, int]:
    """The report, failed ones too, with its exit status; writes it unless its name is taken."""
    from giar_ml.failures import failed_report, say_bug

    started = time.perf_counter()
    exit_status = EXIT_FAILED
    first = taken.setdefault(path.stem, path)
    if first is not path:
        message = f"{path}: result {path.stem}.json is already that of {first}; rename one or use two folders"
        report = failed_report(path, "same_stem", message)
        _tell(path, report, None, seconds=time.perf_counter() - started, args=args)
        return report, exit_status
    try:
        report = extractor.extract(path)
        exit_status = {"accepted": EXIT_ACCEPTED, "review": EXIT_REVIEW}.get(report.status, EXIT_FAILED)
    except GiarError as error:
        report, exit_status = failed_report(path, error.code, str(error)), error.exit_status
    except Exception as error:  # a bug must not cost the other reports
        report = failed_report(path, "internal_error", say_bug(path, error))
        _LOG.debug("%s", traceback.format_exc())
        if args.debug:
            traceback.print_exc()
    written = None
    try:
        from giar_ml.export import write

        written = write(report, args.output, path.stem, {"json", *args.format})[-1]
    except OSError as error:
        message = (
            f"{path}: cannot write the result to {args.output} ({error.strerror}); make room there or"
            " choose another folder with -o"
        )
        report, exit_status = failed_report(path, "cannot_write", message), EXIT_FAILED
    _tell(path, report, written, seconds=time.perf_counter() - started, args=args)
    return report, exit_status


def _worse(one: int, other: int) -> int:
    return max(one, other, key=(EXIT_ACCEPTED, EXIT_REVIEW, EXIT_FAILED, EXIT_USAGE).index)


# --- what the user sees meanwhile and at the end ---


@contextlib.contextmanager
def _logging_to(path: Path | None, *, on_stderr: bool) -> Iterator[None]:
    # With no handler at all, logging would print on stderr of its own accord.
    handlers: list[logging.Handler] = [logging.NullHandler()]
    if path:
        try:
            handlers.append(logging.FileHandler(path, encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise UsageError(f"{path}: cannot write the log ({error.strerror})") from error
        handlers[-1].setLevel(logging.DEBUG)
    if on_stderr:
        handlers.append(logging.StreamHandler())
        handlers[-1].setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        _LOG.addHandler(handler)
    _LOG.setLevel(logging.DEBUG)
    _LOG.propagate = False
    try:
        yield
    finally:
        for handler in handlers:
            _LOG.removeHandler(handler)
            handler.close()


def _tell(
    path: Path, report: Report, written: Path | None, *, seconds: float, args: argparse.Namespace
) -> None:
    """One line in the log; a failure is said on stderr in any case."""
    from giar_ml.words import one_line, say_reason

    parts = [f"{report.status} {path}", f"{seconds:.1f} s"]
    if report.form:
        parts.append(f"form {report.form}, {report.organisation or '?'} {report.year or '?'}")
    if written:
        parts.append(f"-> {written}")
    if reason := say_reason(report):
        parts.append(reason)
    level = {"accepted": logging.INFO, "review": logging.WARNING}.get(report.status, logging.ERROR)
    _LOG.log(level, "%s", one_line("; ".join(parts)))
    if report.status == "failed" and not args.log_on_stderr:
        complain(reason or f"{path}: failed")


def _print_summary(outcomes: Sequence[tuple[Path, Report]], device: str | None) -> None:
    from collections import Counter

    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from giar_ml.words import one_line, say_reason

    styles = {"accepted": "green", "review": "yellow", "failed": "red"}
    console = Console()
    if not console.is_terminal:
        console.width = 160
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("report", "result", "form", "year", "office", "why"):
        table.add_column(title, overflow="fold", no_wrap=title in ("result", "form", "year"))
    # Else a long reason would squeeze names to a few characters a line.
    longest = max((cell_len(one_line(path.name)) for path, _ in outcomes), default=0)
    table.columns[0].width = min(longest, console.width // 3)
    for path, report in outcomes:
        table.add_row(
            Text(one_line(path.name)),
            Text(report.status, style=styles[report.status]),
            Text(report.form or ""),
            Text(str(report.year or "")),
            Text(one_line(report.organisation or "")),
            Text(say_reason(report).removeprefix(f"{one_line(path.name)}: ")),
        )
    counts: Counter[str] = Counter(report.status for _, report in outcomes)
    line = ", ".join(f"{counts[status]} {status}" for status in styles)
    closing = Text(f"{line}; {f'OCR on {device}' if device else 'no OCR needed'}")
    print_on_stdout(console, *([table] if outcomes else []), closing)
