"""Worker processes on this machine. One that dies, takes too long or too much memory is replaced, and costs
the document that it was at."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from giar_ml.batch.worker import OUT_OF_MEMORY, Loss, MakeReader, Outcome, Task, resident_mib, serve
from giar_ml.cores import n_cores
from giar_ml.errors import UsageError

CRASHED = "crashed"
TIMEOUT = "timeout"
RECYCLE_MIB = 1200.0
"""A worker that holds more between two documents is replaced: one that reads scans holds some 1,080."""
RECYCLE_AFTER = 25
"""Documents before a worker is replaced for its memory: starting one takes as long as reading a few."""
_WATCH_S = 0.5
"""How often the memory of workers is looked at while they read."""
_AWAY_S = 5.0
"""Between two looks at the workers; more means that all were stopped meanwhile, by Ctrl-Z say."""
_START_S = 300.0
"""For a worker to be ready; a busy machine takes some seconds."""
MAX_STARTS = 3
"""Workers that may be lost one after the other before any was ready."""


class Pool(Protocol):
    """Who reads: processes here, or of a cluster."""

    @property
    def n_workers(self) -> int: ...

    @property
    def n_idle(self) -> int:
        """How many more tasks may be given now."""

    def give(self, task: Task) -> None: ...

    def wait(self, timeout_s: float) -> list[Outcome]:
        """What came of tasks since the last call; empty when nothing did in time."""

    def close(self) -> None:
        """End at once; tasks not answered yet are dropped."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    started: float
    """When it began with its task; with itself, where it is not ready."""
    is_ready: bool = False
    task: Task | None = None
    n_done: int = 0


class ProcessPool:
    """Workers on this machine, started by the first `wait`.

    Args:
        n_workers: how many; they share the cores.
        timeout_s: for one document.
        max_memory_mib: that one worker may hold; None for as much as it likes.

    Raises:
        UsageError: no worker could be started; raised by `wait`.
    """

    def __init__(
        self, make_reader: MakeReader, *, n_workers: int, timeout_s: float, max_memory_mib: float | None
    ) -> None:
        self._context = get_context("spawn")  # OCR threads do not survive a fork
        self._arguments = make_reader, share_of_cores(n_workers)
        self._timeout_s = timeout_s
        self._max_memory_mib = max_memory_mib
        self._n_failed_starts = 0
        self._watched = 0.0
        self._looked = time.monotonic()
        self.n_workers = n_workers
        self._workers: list[_Worker] = []

    @property
    def n_idle(self) -> int:
        return sum(worker.is_ready and worker.task is None for worker in self._workers)

    def give(self, task: Task) -> None:
        """Hand a task to an idle worker; there must be one."""
        worker = next(worker for worker in self._workers if worker.is_ready and worker.task is None)
        worker.task, worker.started = task, time.monotonic()
        with suppress(OSError):  # it died idle: `wait` finds the loss
            worker.connection.send(task)

    def wait(self, timeout_s: float) -> list[Outcome]:
        while len(self._workers) < self.n_workers:
            self._workers.append(self._start())
        ready = wait([worker.connection for worker in self._workers], min(timeout_s, _WATCH_S))
        outcomes = []
        for i, worker in enumerate(self._workers):
            if worker.connection in ready:
                outcomes += self._take(i)
        return outcomes + self._stop_excessive()

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, *self._arguments), daemon=True)
        with _without_interrupts():
            process.start()
        theirs.close()
        return _Worker(process, ours, time.monotonic())

    def _take(self, i: int) -> list[Outcome]:
        worker = self._workers[i]
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            return self._replace(i, CRASHED, "the process that read it died")
        if answer is None:
            worker.is_ready, self._n_failed_starts = True, 0
            return []
        outcome: Outcome = answer
        worker.task = None
        worker.n_done += 1
        if outcome.rss_mib and outcome.rss_mib > RECYCLE_MIB and worker.n_done >= RECYCLE_AFTER:
            self._workers[i] = self._start()
            worker.connection.close()  # which ends it
        return [outcome]

    def _stop_excessive(self) -> list[Outcome]:
        """Stop workers that take too long or hold too much."""
        now = time.monotonic()
        away_s, self._looked = now - self._looked, now
        if away_s > _AWAY_S:  # no time that a document took
            for worker in self._workers:
                worker.started = min(now, worker.started + away_s)
        is_time_to_watch = now - self._watched >= _WATCH_S
        if is_time_to_watch:
            self._watched = now
        outcomes = []
        for i, worker in enumerate(self._workers):
            if not worker.is_ready and now - worker.started > _START_S:
                outcomes += self._replace(i, TIMEOUT, "")
            elif worker.task is None:
                continue
            elif now - worker.started > self._timeout_s:
                outcomes += self._replace(i, TIMEOUT, f"not read within {self._timeout_s:g} seconds")
            elif is_time_to_watch and self._max_memory_mib is not None:
                held = resident_mib(worker.process.pid or 0)
                if held and held > self._max_memory_mib:
                    message = f"takes more than {self._max_memory_mib:,.0f} MiB of memory"
                    outcomes += self._replace(i, OUT_OF_MEMORY, message)
        return outcomes

    def _replace(self, i: int, code: str, message: str) -> list[Outcome]:
        worker = self._workers[i]
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        if not worker.is_ready:
            self._n_failed_starts += 1
            if self._n_failed_starts >= MAX_STARTS:
                raise UsageError(
                    "no process could be started that reads documents; `giar extract` on one of them says why"
                )
        self._workers[i] = self._start()
        if worker.task is None:
            return []
        if code == CRASHED:
            message = f"{message} ({_say_exit(worker.process.exitcode)})"
        seconds = time.monotonic() - worker.started
        return [Loss(worker.task, code, f"{worker.task.path}: {message}", seconds)]


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started meanwhile are not told of Ctrl-C, which goes to all of a terminal."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _say_exit(exit_code: int | None) -> str:
    if exit_code == -9:
        return "signal 9: out of memory, or ended from outside"
    return f"signal {-exit_code}" if exit_code and exit_code < 0 else f"exit status {exit_code}"


SCAN_MIB = 1536.0
"""What a worker needs: one that reads scans peaks at some 1,200."""
_SHARE = 0.9
"""Of the free memory, what the workers may hold: the parent and the page cache need some."""
LEAST_LIMIT_MIB = 2000.0
"""No worker is stopped at less by default, so that large scans pass, too."""
_CGROUP_LIMITS: Sequence[Path] = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def free_memory_mib() -> float | None:
    """The memory that all workers may hold so that the machine, or the container, does not run out of it;
    None where the system does not tell."""
    limits = [_read_available_mib(), *map(_read_limit_mib, _CGROUP_LIMITS)]
    known = [limit for limit in limits if limit is not None]
    return min(known) * _SHARE if known else None


def count_workers(memory_mib: float | None) -> int:
    """How many workers the cores and the memory are enough for, at least one."""
    n_fitting = n_cores() if memory_mib is None else int(memory_mib / SCAN_MIB)
    return max(1, min(n_cores(), n_fitting))


def limit_memory_mib(memory_mib: float | None, n_workers: int) -> float | None:
    """What one worker may hold if nothing is said: its share, but not less than a large scan needs."""
    if memory_mib is None:
        return None
    return max(memory_mib / n_workers, min(LEAST_LIMIT_MIB, memory_mib))


def share_of_cores(n_workers: int) -> int:
    """How many threads each worker uses."""
    return max(1, n_cores() // n_workers)


def _read_available_mib() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    available = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(available[0]) / 1024 if available else None


def _read_limit_mib(path: Path) -> float | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) / (1 << 20) if text.isdecimal() else None
