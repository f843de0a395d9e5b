"""The cores of the machine, and who works on them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


def n_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Limits:
    """Those of the process, while any thread wants them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_inside = 0
        self.undo = ExitStack()


_limits = _Limits()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """OpenCV and BLAS without threads of their own, in all of the process: where several pages are read at
    the same time these take the cores from other pages, even while they wait for work. Whoever comes first
    sets this, whoever goes last takes it back."""
    with _limits.lock:
        _limits.n_inside += 1
        if _limits.n_inside == 1:
            _set_limits(_limits.undo)
    try:
        yield
    finally:
        with _limits.lock:
            _limits.n_inside -= 1
            if _limits.n_inside == 0:
                _limits.undo.close()


def _set_limits(undo: ExitStack) -> None:
    import cv2
    from threadpoolctl import threadpool_limits

    undo.callback(cv2.setNumThreads, cv2.getNumThreads())
    cv2.setNumThreads(1)
    undo.enter_context(threadpool_limits(1, user_api="blas"))
