"""Readers for tests of batches that do what the file says; here, so that worker processes find them."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from giar_ml.batch.pool import ProcessPool
from giar_ml.batch.run import Plan, run_batch
from giar_ml.batch.worker import Outcome, Task, read_document
from giar_ml.document import Problem
from giar_ml.errors import EngineError, InputError
from giar_ml.forms import load_form
from giar_ml.report import CellResult, Report, Source

SETTINGS = {"text": "t1", "digital": "d1", "scan": "s1"}


class FakeReader:
    """Of the words of a file the first says what becomes of it; notes each reading in `log`."""

    def __init__(self, log: Path, seconds: float = 0.0) -> None:
        self._log = log
        self._seconds = seconds

    def read(self, path: Path) -> Report:
        data = path.read_bytes()
        what, *words = data.decode().split()
        with self._log.open("a", errors="surrogateescape") as file:
            file.write(f"{path.name}\n")
        time.sleep(self._seconds)
        match what:
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "die-once":
                if not (marker := self._log.with_name(words[0])).exists():
                    marker.touch()
                    os._exit(3)
            case "lose-once":  # the actor of a cluster: the parent of this process
                if not (marker := self._log.with_name(words[0])).exists():
                    marker.touch()
                    os.kill(os.getppid(), signal.SIGKILL)
                    time.sleep(600)
            case "hang":
                time.sleep(600)
            case "hoard":
                held = b"x" * (300 << 20)
                time.sleep(600)
                print(len(held))
            case "memory":
                raise MemoryError
            case "bug":
                raise RuntimeError("a bug\nin two lines")
            case "encrypted":
                raise InputError(f"{path.name}: needs a password", code="encrypted")
            case "engine":
                raise EngineError("cuda:7 is not there")
        status, problems = "accepted", ()
        if what == "review":
            status, problems = "review", (Problem("misprint", "总计: 1 is printed against its sums"),)
        if what == "risky":
            status, problems = "review", (Problem("uncertain", "right with a probability of 95.0% only"),)
        n = int(hashlib.sha256(data).hexdigest()[:2], 16)
        cell = CellResult(n, n, "read", 0.9999, line=3, candidates=((n, 0.9999),))
        return Report(
            Source(path.name, hashlib.sha256(data).hexdigest(), "text", 1),
            form="2021",
            organisation="某市某局",
            year=2023,
            status=status,
            cells=dict.fromkeys(load_form("2021").cells, cell),
            problems=problems,
            timings_ms={"load": time.perf_counter(), "ocr": 0.0},
            risk=0.05 if what == "risky" else 0.001,
        )


class InlinePool:
    """Reads in this process, one task at a time."""

    n_workers = 1

    def __init__(self, reader: FakeReader) -> None:
        self._reader = reader
        self._tasks: list[Task] = []

    @property
    def n_idle(self) -> int:
        return 1 - len(self._tasks)

    def give(self, task: Task) -> None:
        self._tasks.append(task)

    def wait(self, timeout_s: float) -> list[Outcome]:
        tasks, self._tasks = self._tasks, []
        if not tasks:
            time.sleep(timeout_s)
        return [read_document(self._reader, task) for task in tasks]

    def close(self) -> None:
        pass


def make_processes(
    log: Path,
    *,
    seconds: float = 0.0,
    n_workers: int = 2,
    timeout_s: float = 60.0,
    max_memory_mib: float | None = None,
) -> ProcessPool:
    """Workers that read as `FakeReader` does."""
    reader = partial(FakeReader, log, seconds)
    return ProcessPool(reader, n_workers=n_workers, timeout_s=timeout_s, max_memory_mib=max_memory_mib)


def main() -> None:
    """Run a batch over a folder: `python -m fake_readers IN OUT LOG SECONDS`."""
    from giar_ml.batch.inputs import list_inputs

    source, out, log, seconds = sys.argv[1:]
    pool = make_processes(Path(log), seconds=float(seconds))
    run_batch(list_inputs([source], apart_from=Path(out)), Path(out), pool, Plan(SETTINGS))


if __name__ == "__main__":
    main()
