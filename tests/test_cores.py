"""Libraries work on one thread where pages are read on several, and as before afterwards."""

from __future__ import annotations

import cv2
import pytest
from threadpoolctl import threadpool_info

from giar_ml.cores import one_thread_each


def n_blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_one_thread_each() -> None:
    before = cv2.getNumThreads(), n_blas_threads()
    with one_thread_each():
        assert cv2.getNumThreads() == 1
        assert set(n_blas_threads()) <= {1}
    assert (cv2.getNumThreads(), n_blas_threads()) == before


def test_as_before_after_an_error() -> None:
    before = cv2.getNumThreads(), n_blas_threads()
    with pytest.raises(ValueError, match="broken page"), one_thread_each():
        raise ValueError("broken page")
    assert (cv2.getNumThreads(), n_blas_threads()) == before


def test_documents_that_overlap_in_time() -> None:
    before = cv2.getNumThreads(), n_blas_threads()
    first, second = one_thread_each(), one_thread_each()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1
    second.__exit__(None, None, None)
    assert (cv2.getNumThreads(), n_blas_threads()) == before
