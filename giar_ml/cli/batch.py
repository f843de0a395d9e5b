"""`giar batch`: read thousands of reports, with worker processes, to be stopped and started again."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from giar_ml.cli.console import (
    EXIT_ACCEPTED,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_REVIEW,
    complain,
    let_go,
    print_on_stdout,
)
from giar_ml.cli.options import add_reader_options, positive, reader_options
from giar_ml.errors import UsageError
from giar_ml.urls import Url, to_location

if TYPE_CHECKING:
    from giar_ml.batch.pool import Pool
    from giar_ml.batch.scheduler import Note
    from giar_ml.batch.settings import Reading
    from giar_ml.batch.totals import Totals

DEFAULT_TIMEOUT_S = 600
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([MG])i?B?", re.IGNORECASE)
_CLEAR = "\r\x1b[K"
_REDRAW_S = 0.2
_LINE_EVERY_S = 10.0
"""Between lines of progress where stderr is no terminal."""


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    batch = commands.add_parser(
        "batch",
        help="read thousands of reports; stopped at any moment, it goes on where it was",
        epilog="exit status: 0 all accepted, 3 some need review, 4 some failed, 2 usage, 130 interrupted",
    )
    batch.set_defaults(run=_batch)
    batch.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="file, folder with all below it, quoted pattern, or list (CSV, Parquet: path, office, year);"
        " or an address of these, s3://bucket/scans say",
    )
    batch.add_argument(
        "-o",
        "--output",
        type=local_folder,
        required=True,
        metavar="OUT",
        help="output folder on a local disk",
    )
    batch.add_argument(
        "--copy-to",
        type=address,
        metavar="URL",
        help="keep a copy of OUT there, s3://bucket/out say; a machine without OUT goes on from it",
    )
    add_reader_options(batch)
    batch.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="processes or actors that read (default: one per core, as memory allows)",
    )
    batch.add_argument(
        "--on",
        choices=("processes", "ray"),
        default="processes",
        help="who reads: processes of this machine, or actors of a Ray cluster (default: processes)",
    )
    batch.add_argument(
        "--ray-address",
        metavar="HOST:PORT",
        help="the Ray cluster (default: RAY_ADDRESS, else that of this machine, else a new one of it alone)",
    )
    batch.add_argument(
        "--timeout",
        type=positive,
        default=DEFAULT_TIMEOUT_S,
        metavar="S",
        help=f"seconds that one document may take (default: {DEFAULT_TIMEOUT_S})",
    )
    batch.add_argument(
        "--max-memory",
        type=memory,
        metavar="SIZE",
        help="memory that one worker may hold, 3G say (default: its share of what is free)",
    )
    batch.add_argument(
        "--retry-failed", action="store_true", help="read again what crashed or took too long or too much"
    )
    batch.add_argument("--quiet", action="store_true", help="print errors only")
    batch.add_argument("--log", type=Path, metavar="FILE", help="append a line of JSON per event to FILE")


def memory(text: str) -> float:
    """MiB of `3G` or `1500M`."""
    match = _SIZE.fullmatch(text)
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 3G or 1500M")
    return float(match[1]) * (1024 if match[2].upper() == "G" else 1)


def local_folder(text: str) -> Path:
    location = to_location(text)
    if isinstance(location, Url):
        raise argparse.ArgumentTypeError(f"{text}: give a folder on a local disk, and --copy-to {text}")
    return location


def address(text: str) -> Url:
    location = to_location(text)
    if isinstance(location, Path):
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as s3://bucket/out")
    return location


def _batch(args: argparse.Namespace) -> int:
    from giar_ml.batch.inputs import list_inputs
    from giar_ml.batch.mirror import Mirror
    from giar_ml.batch.run import Plan, make_folder, run_batch
    from giar_ml.batch.settings import find_settings
    from giar_ml.models import current_label_model
    from giar_ml.pipeline import DEFAULT_MAX_RISK

    options = reader_options(args)
    inputs = list_inputs(args.inputs, apart_from=args.output, copy=args.copy_to)
    if args.on == "processes":  # actors compare theirs with the settings
        # A model that is installed meanwhile reads none of the rest.
        options.setdefault("label_model", current_label_model())
    settings = find_settings(options)
    if args.on == "ray":
        pool = _make_ray_pool(args, options, settings, len(inputs))
    else:
        pool = _make_process_pool(args, options, len(inputs))
    plan = Plan(
        settings,
        max_risk=options.get("max_risk", DEFAULT_MAX_RISK),
        retry_failed=args.retry_failed,
    )
    progress = Progress(len(inputs), None if args.quiet else sys.stderr)
    make_folder(args.output)  # the log may lie there

    def warn(message: str) -> None:
        progress.clear()
        complain(message)

    mirror = Mirror(args.output, args.copy_to, warn) if args.copy_to else None
    with _log(args.log, warn) as log:

        def tell(note: Note) -> None:
            progress.note(note)
            log(_event(note))

        try:
            totals = run_batch(inputs, args.output, pool, plan, tell=tell, mirror=mirror)
        except KeyboardInterrupt:
            progress.end()
            complain(
                f"interrupted: {progress.n_done} of {len(inputs)} reports done and kept; start the same"
                " command again to go on"
            )
            return EXIT_INTERRUPTED
        except UsageError:
            if progress.n_done:
                progress.end()
            raise
    progress.end(totals.statuses)
    if not args.quiet:
        _print_totals(totals, args.output)
    return _exit_status(totals)


def _make_process_pool(args: argparse.Namespace, options: dict[str, Any], n_inputs: int) -> Pool:
    from giar_ml.batch.pool import (
        ProcessPool,
        count_workers,
        free_memory_mib,
        limit_memory_mib,
        share_of_cores,
    )
    from giar_ml.batch.worker import PipelineReader

    memory_mib = free_memory_mib()
    n_workers = min(args.workers or count_workers(memory_mib), n_inputs)
    max_memory_mib = args.max_memory
    if max_memory_mib is None:
        max_memory_mib = limit_memory_mib(memory_mib, n_workers)
    if args.workers and not args.quiet:
        _warn_of_memory(n_workers, memory_mib)
    return ProcessPool(
        partial(PipelineReader, {**options, "threads": share_of_cores(n_workers)}),
        n_workers=n_workers,
        timeout_s=args.timeout,
        max_memory_mib=max_memory_mib,
    )


def _make_ray_pool(
    args: argparse.Namespace, options: dict[str, Any], settings: dict[Reading, str], n_inputs: int
) -> Pool:
    from giar_ml.batch.ray_pool import RayPool, check_settings, connect, place
    from giar_ml.batch.worker import PipelineReader

    connect(args.ray_address)
    placement = place(args.workers, args.device)
    return RayPool(
        partial(PipelineReader, {**options, "device": placement.device, "threads": 1}),
        n_workers=min(placement.n_workers, n_inputs),
        gpu_share=placement.gpu_share,
        check=partial(check_settings, options, settings),
        timeout_s=args.timeout,
        max_memory_mib=args.max_memory,
    )


def _exit_status(totals: Totals) -> int:
    if totals.statuses["failed"]:
        return EXIT_FAILED
    return EXIT_REVIEW if totals.statuses["review"] else EXIT_ACCEPTED


def _warn_of_memory(n_workers: int, memory_mib: float | None) -> None:
    from giar_ml.batch.pool import SCAN_MIB

    if memory_mib is not None and n_workers > 1 and n_workers * SCAN_MIB > memory_mib:
        complain(
            f"warning: {n_workers} workers that read scans may need {n_workers * SCAN_MIB:,.0f} MiB memory,"
            f" {memory_mib:,.0f} are free; give fewer with --workers"
        )


def _print_totals(totals: Totals, folder: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    from giar_ml.batch.run import PAGE

    counts = ", ".join(f"{totals.statuses[status]} {status}" for status in ("accepted", "review", "failed"))
    print_on_stdout(Console(), Text(f"{counts}; see {folder / PAGE}"))


# What the user sees meanwhile


def _event(note: Note) -> dict[str, Any]:
    known = {
        "path": str(note.path),
        "status": note.status,
        "code": note.code,
        "reason": note.reason or None,
        "seconds": None if note.seconds is None else round(note.seconds, 3),
        "rss_mib": None if note.rss_mib is None else round(note.rss_mib),
        "traceback": note.traceback,
    }
    return {"event": note.kind, **{name: value for name, value in known.items() if value is not None}}


@contextlib.contextmanager
def _log(path: Path | None, warn: Callable[[str], None]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that writes an event as a line of JSON; once that fails, it warns and writes no more."""
    if path is None:
        yield lambda _event: None
        return
    try:
        file = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
    except OSError as error:
        raise UsageError(f"{path}: cannot write the log ({error.strerror})") from error
    has_failed = False

    def write(event: dict[str, Any]) -> None:
        nonlocal has_failed
        if has_failed:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            file.write(json.dumps({"time": now, **event}, ensure_ascii=False) + "\n")
        except OSError as error:
            has_failed = True
            warn(f"warning: {path}: cannot write the log any more ({error.strerror}); the batch goes on")

    try:
        yield write
    finally:
        with contextlib.suppress(OSError):  # of what could not be written
            file.close()


class Progress:
    """Counts, rate and time left in one line; on a terminal always there, elsewhere one now and then, without
    a stream, or with one that is gone, none."""

    def __init__(self, total: int, stream: TextIO | None) -> None:
        self._total = total
        self._stream = stream
        self._is_terminal = stream is not None and stream.isatty()
        self._started = self._said = time.monotonic()
        self._counts: Counter[str] = Counter()
        self.n_done = 0
        self._n_read = 0

    def note(self, note: Note) -> None:
        if note.kind == "again":
            return
        self.n_done += 1
        self._n_read += note.kind == "read"
        self._counts[note.status or note.kind] += 1
        every_s = _REDRAW_S if self._is_terminal else _LINE_EVERY_S
        if time.monotonic() - self._said >= every_s:
            self._say()

    def clear(self) -> None:
        """Make room for a message."""
        if self._is_terminal:
            self._write(_CLEAR)

    def end(self, statuses: Counter[str] | None = None) -> None:
        """Say how far it came; of a batch that is done with the statuses of all inputs, which may be others:
        those of copies, say, or of reports that are not of the office in the list."""
        if statuses is not None:
            self._counts, self.n_done = statuses, statuses.total()
        self._say(last=True)

    def _say(self, *, last: bool = False) -> None:
        self._said = time.monotonic()
        start, end = (_CLEAR, "\n" if last else "") if self._is_terminal else ("", "\n")
        self._write(f"{start}{self.describe(self._said - self._started)}{end}")

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # the terminal was closed, say: no reason to stop
            let_go(self._stream)
            self._stream = None

    def describe(self, seconds: float) -> str:
        """The state after so many seconds, in a line."""
        parts = [f"{self.n_done}/{self._total}"]
        if self._n_read and seconds > 0:
            rate = self._n_read / seconds
            parts.append(f"{rate:.1f}/s")
            if left := self._total - self.n_done:
                parts.append(f"{_say_time(left / rate)} left")
        parts += [f"{n} {status}" for status, n in sorted(self._counts.items())]
        return "  ".join(parts)


def _say_time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
