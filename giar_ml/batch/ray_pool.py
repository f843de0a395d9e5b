"""Workers on the machines of a Ray cluster.

Each is an actor with a `ProcessPool` of one process: a document that crashes, hangs or fills the memory costs
that process and its own try, as on one machine. What is left for here is the loss of an actor, with its
machine say. Ray keeps nothing of the batch: the manifest on the driver's disk is the truth.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from giar_ml.batch.pool import CRASHED, LEAST_LIMIT_MIB, MAX_STARTS, SCAN_MIB, ProcessPool
from giar_ml.batch.settings import Reading, find_settings
from giar_ml.batch.worker import Loss, MakeReader, Outcome, Task
from giar_ml.errors import GiarError, UsageError

IN_FLIGHT = 2
"""Tasks that an actor has: one that it reads, and one so that it need not wait for the driver."""
_LOOK_S = 0.5
_CONNECT_S = 10.0
_HOST_AND_PORT = re.compile(r"(?:ray://)?([^/]+):(\d{1,5})")


def connect(address: str | None) -> None:
    """Make this process the driver of a cluster.

    Args:
        address: `host:port`; None for `RAY_ADDRESS`, else the cluster that runs on this machine, else a new
            one of this machine alone.

    Raises:
        UsageError: Ray is not installed, or there is no cluster.
    """
    ray = _import_ray()
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to the makers of Ray
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        if address and (match := _HOST_AND_PORT.fullmatch(address)):
            socket.create_connection((match[1], int(match[2])), _CONNECT_S).close()  # Ray tries for minutes
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"{address or 'Ray'}: no such cluster can be reached ({error}); see `ray status`"
        ) from error


@dataclass(frozen=True)
class Placement:
    """How many actors, and what each holds: a core, the memory of a scan, and a share of a GPU."""

    n_workers: int
    gpu_share: float
    device: str
    """For the reader: of an actor that has a GPU this is the only one that it sees."""


def place(n_wanted: int | None, device: str) -> Placement:
    """The actors that the cluster has room for: one per GPU that is to be used, else one per core as memory
    allows.

    Args:
        n_wanted: how many instead; of more than there are GPUs several share one.
        device: `auto` takes GPUs where the cluster has any.

    Raises:
        UsageError: a GPU is asked for and the cluster has none.
    """
    nodes = [node["Resources"] for node in _import_ray().nodes() if node["Alive"]]
    n_gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if device.startswith("cuda") and not n_gpus:
        raise UsageError(f"{device}: the cluster has no GPU; start Ray with --num-gpus, or take --device cpu")
    if n_gpus and device != "cpu":
        n_workers = n_wanted or n_gpus
        return Placement(
            n_workers, 1 / ceil(n_workers / n_gpus), "cuda:0" if device.startswith("cuda") else device
        )
    fitting = (min(node.get("CPU", 0), node.get("memory", 0) // _to_bytes(SCAN_MIB)) for node in nodes)
    return Placement(n_wanted or max(1, int(sum(fitting))), 0.0, "cpu")


def check_settings(options: Mapping[str, Any], settings: Mapping[Reading, str]) -> None:
    """Refuse a machine whose results would be others.

    Raises:
        UsageError: its version or its models differ.
    """
    if find_settings(options) != settings:
        raise UsageError(
            f"{socket.gethostname()}: has another version or other models than the machine that started the"
            " batch; install the same on all machines"
        )


@dataclass
class _Worker:
    actor: Any
    started: Any
    """The answer that it is ready; None once it came."""
    tasks: deque[tuple[Any, Task]] = field(default_factory=deque)
    """Not answered yet, in the order in which they are read, each with what will be its answer."""


class RayPool:
    """Actors of the cluster that this process is connected to, started by the first `wait`.

    Args:
        n_workers: how many; those that the cluster has no room for wait until it grows.
        gpu_share: of a GPU that each holds.
        check: called once in each actor; a GiarError of it ends the batch.
        timeout_s: for one document.
        max_memory_mib: that one may hold to read.

    Raises:
        UsageError: no worker could be started; raised by `wait`.
    """

    def __init__(
        self,
        make_reader: MakeReader,
        *,
        n_workers: int,
        timeout_s: float,
        gpu_share: float = 0.0,
        max_memory_mib: float | None = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        self._ray = _import_ray()
        self._actor = self._ray.remote(_Reader).options(
            num_cpus=1, num_gpus=gpu_share, memory=_to_bytes(SCAN_MIB), max_restarts=0
        )
        self._arguments = Path.cwd(), make_reader, check, timeout_s, max_memory_mib or LEAST_LIMIT_MIB
        self._n_failed_starts = 0
        self.n_workers = n_workers
        self._workers: list[_Worker] = []
        self._left: deque[Task] = deque()
        """Tasks that an actor had and did not begin."""

    @property
    def n_idle(self) -> int:
        n_free = sum(IN_FLIGHT - len(worker.tasks) for worker in self._workers if worker.started is None)
        return max(0, n_free - len(self._left))

    def give(self, task: Task) -> None:
        """Hand a task to the worker that has the fewest; one must have room."""
        worker = min(
            (worker for worker in self._workers if worker.started is None), key=lambda w: len(w.tasks)
        )
        worker.tasks.append((worker.actor.read.remote(task), task))

    def wait(self, timeout_s: float) -> list[Outcome]:
        while len(self._workers) < self.n_workers:
            self._workers.append(self._start())
        awaited = [worker.started or worker.tasks[0][0] for worker in self._workers if _is_busy(worker)]
        if not awaited:
            time.sleep(timeout_s)
            return []
        if self._ray.wait(awaited, num_returns=1, timeout=timeout_s)[0]:
            answered, _ = self._ray.wait(awaited, num_returns=len(awaited), timeout=0)
        else:
            answered = []
        outcomes = []
        for i, worker in enumerate(self._workers):
            if _is_busy(worker) and (worker.started or worker.tasks[0][0]) in answered:
                outcomes += self._take(i)
        while self._left and self._has_room():
            self.give(self._left.popleft())
        return outcomes

    def close(self) -> None:
        for worker in self._workers:
            self._ray.kill(worker.actor)

    def _start(self) -> _Worker:
        actor = self._actor.remote(*self._arguments)
        return _Worker(actor, actor.start.remote())

    def _take(self, i: int) -> list[Outcome]:
        """What the next answer of a worker says."""
        worker = self._workers[i]
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(worker.started or worker.tasks[0][0])
        except errors.RayTaskError as error:
            if isinstance(error.cause, GiarError):
                raise UsageError(str(error.cause)) from error
            raise
        except errors.RayError:
            return self._replace(i)
        if worker.started is not None:
            worker.started, self._n_failed_starts = None, 0
            return []
        worker.tasks.popleft()
        outcome: Outcome = answer
        return [outcome]

    def _replace(self, i: int) -> list[Outcome]:
        """Another actor for one that was lost, with its machine say. It costs what it read; what it had not
        begun is given to others."""
        worker = self._workers[i]
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(worker.actor)  # where only its answer was lost
        if worker.started is not None:
            self._n_failed_starts += 1
            if self._n_failed_starts >= MAX_STARTS:
                raise UsageError(
                    "no actor could be started that reads documents; install giar-ml on all machines, and see"
                    " the logs of Ray"
                )
        self._workers[i] = self._start()
        tasks = [task for _, task in worker.tasks]
        self._left.extend(tasks[1:])
        return [
            Loss(task, CRASHED, f"{task.path}: the actor that read it was lost, or its machine")
            for task in tasks[:1]
        ]

    def _has_room(self) -> bool:
        return any(w.started is None and len(w.tasks) < IN_FLIGHT for w in self._workers)


def _is_busy(worker: _Worker) -> bool:
    return worker.started is not None or bool(worker.tasks)


class _Reader:
    """The actor: one task at a time, read in a process of its own."""

    def __init__(
        self,
        folder: Path,
        make_reader: MakeReader,
        check: Callable[[], None] | None,
        timeout_s: float,
        max_memory_mib: float,
    ) -> None:
        with suppress(OSError):  # on machines without it, names from there are not found
            os.chdir(folder)
        self._check = check
        self._pool = ProcessPool(make_reader, n_workers=1, timeout_s=timeout_s, max_memory_mib=max_memory_mib)

    def start(self) -> None:
        if self._check:
            self._check()
        self._wait_for_process()

    def read(self, task: Task) -> Outcome:
        self._wait_for_process()
        self._pool.give(task)
        while not (outcomes := self._pool.wait(_LOOK_S)):
            pass
        return outcomes[0]

    def _wait_for_process(self) -> None:
        while not self._pool.n_idle:
            self._pool.wait(_LOOK_S)


def _to_bytes(mib: float) -> int:
    return int(mib * (1 << 20))


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "--on ray needs Ray, which is not installed: pip install 'giar-ml[cluster]'"
        ) from error
    return ray
