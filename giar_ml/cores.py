"""The cores of the machine, and who works on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def n_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread_each() -> Iterator[None]:
    """OpenCV and BLAS without threads of their own, in all of the process: where several pages are read at
    the same time these take the cores from other pages, even while they wait for work."""
    import cv2
    from threadpoolctl import threadpool_limits

    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        cv2.setNumThreads(n_threads)
