"""What a worker does: reads one document and says what came of it. It writes nothing."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from giar_ml.batch.settings import Reading
from giar_ml.errors import GiarError, InputError, UsageError
from giar_ml.export import to_json_bytes
from giar_ml.failures import failed_report, hash_file, say_bug
from giar_ml.load.sniff import Format, sniff_format
from giar_ml.report import Report, ReportStatus
from giar_ml.urls import Location, fetched
from giar_ml.words import one_line, say_reason

CHANGED = "changed"
"""Code of a loss: the file has another content than when it was listed."""
UNUSABLE = "unusable"
"""Code of a loss: nothing is wrong with the document, but an engine, a model or a device cannot be used."""
OUT_OF_MEMORY = "out_of_memory"
UNREADABLE = ("not_found", "not_readable", "not_a_file")
"""Codes of what may be a fault of the moment: a file that cannot be opened."""

_MIB = 1 << 20


class Task(NamedTuple):
    """A file to read, and the sha256 of what should be in it."""

    path: Location
    sha256: str


class Reader(Protocol):
    """Reads documents in a worker; one that is no report raises GiarError."""

    def read(self, path: Path) -> Report: ...


MakeReader = Callable[[], Reader]
"""Called once in each worker process: a function of a module, or a partial of one, so that it can be sent."""


@dataclass(frozen=True)
class Result:
    """A document that was read, or that cannot be; `content` is the result file."""

    task: Task
    content: bytes
    status: ReportStatus
    reading: Reading
    code: str | None
    reason: str
    seconds: float
    traceback: str | None = None
    rss_mib: float | None = None


@dataclass(frozen=True)
class Loss:
    """A document of which nothing came, though it may another time."""

    task: Task
    code: str
    message: str
    seconds: float = 0.0
    rss_mib: float | None = None


Outcome = Result | Loss
"""What came of a task; `rss_mib` is what the worker holds after it."""


class PipelineReader:
    """The whole pipeline with the options of `giar_ml.pipeline.Extractor`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        from giar_ml.pipeline import Extractor

        self._extractor = Extractor(**options)

    def read(self, path: Path) -> Report:
        return self._extractor.extract(path)


def read_document(reader: Reader, task: Task) -> Outcome:
    """Read one document; a bug fails it like bad input does."""
    started = time.perf_counter()
    with ExitStack() as stack:
        try:
            path = stack.enter_context(fetched(task.path))
        except UsageError as error:
            return Loss(task, UNUSABLE, str(error))
        except OSError as error:
            return Loss(task, "not_readable", f"{task.path}: cannot be fetched ({error})")
        return _read_file(reader, task, path, started)


def _read_file(reader: Reader, task: Task, path: Path, started: float) -> Outcome:
    sha256 = task.sha256
    found = hash_file(path)
    if not found:
        return Loss(task, CHANGED, f"{task.path}: not there any more, or not on the machine that reads it")
    if found != sha256:
        return Loss(task, CHANGED, f"{task.path}: changed while it waited to be read")
    trace = None
    try:
        report = reader.read(path)
    except MemoryError:
        return Loss(task, OUT_OF_MEMORY, f"{path}: the memory was not enough to read it")
    except GiarError as error:
        if error.exit_status == 2:
            return Loss(task, UNUSABLE, str(error))
        if error.code in UNREADABLE:
            return Loss(task, error.code, str(error))
        report = failed_report(path, error.code, str(error), sha256=sha256)
    except Exception as error:  # must not cost the other reports
        report = failed_report(path, "internal_error", say_bug(path, error), sha256=sha256)
        trace = traceback.format_exc()
    # The reader opened the file after it was hashed, and may have failed over half of another content.
    if report.source.sha256 != sha256 or hash_file(path) != sha256:
        return Loss(task, CHANGED, f"{task.path}: changed while it was read")
    result = to_result(task, report, find_reading(path, report), seconds=time.perf_counter() - started)
    return replace(result, traceback=trace)


def to_result(task: Task, report: Report, reading: Reading, *, seconds: float) -> Result:
    """What the parent process is to know of a report."""
    code = report.problems[0].code if report.status == "failed" and report.problems else None
    reason = say_reason(report).removeprefix(f"{one_line(report.source.file)}: ")
    return Result(task, to_json_bytes(report), report.status, reading, code, reason, seconds)


def find_reading(path: Path, report: Report) -> Reading:
    """What was done to read a document; of a failed one, what may have been done."""
    match report.source.kind:
        case "text" | "html" | "word":
            return "text"
        case "digital" if not report.timings_ms.get("ocr"):
            return "digital"
        case None:
            try:
                is_text = sniff_format(path.read_bytes(), path.name) in (Format.TEXT, Format.WORD)
            except InputError:
                return "text"
            except OSError:
                return "scan"
            return "text" if is_text else "scan"
    return "scan"


# The process


def serve(connection: Connection, make_reader: MakeReader, n_threads: int) -> None:
    """Read the tasks that come by the connection until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes: the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", str(n_threads))
    reader = make_reader()
    connection.send(None)  # ready
    n_modules = 0
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        outcome = read_document(reader, task)
        if len(sys.modules) > n_modules:
            # Libraries and models that this kind of document needed are there now, and stay: no collection
            # need look through them again.
            gc.collect()
            gc.freeze()
            n_modules = len(sys.modules)
        _give_back_memory()
        connection.send(replace(outcome, rss_mib=resident_mib(os.getpid())))


def _end_with_parent() -> None:
    """End this process when the parent has died: nobody would take what it reads."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def resident_mib(pid: int) -> float | None:
    """Resident memory of a process; None where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB


def _give_back_memory() -> None:
    """What the C library keeps of freed memory grows with every scan."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim:
        trim(0)
