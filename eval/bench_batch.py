"""Rates of `giar batch`, what its manifest costs, and whether cost and memory stay flat.

python -m eval.bench_batch [--texts 60] [--pdfs 10] [--many 100 1000 5000] [--ray]

Texts and PDF files are the fixtures again and again, each with an ending of its own, so that no two have one
content. `plain pool` reads the same files by `concurrent.futures` and keeps nothing. `--many` takes a reader
that gives one report at once: what is left is the work of the batch itself. `--ray` has all of
these read once more, by two actors of a Ray cluster of this machine; their processor time is not counted.
Rates depend on what else the machine does: compare within one run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

from giar_ml.batch.inputs import Input
from giar_ml.batch.pool import Pool, ProcessPool
from giar_ml.batch.ray_pool import RayPool, connect
from giar_ml.batch.run import Plan, run_batch
from giar_ml.batch.scheduler import Note
from giar_ml.batch.settings import find_settings
from giar_ml.batch.worker import PipelineReader
from giar_ml.report import Report

FIXTURES = Path(__file__).parent / "fixtures"
TEXTS = ("*html-stripped.txt", "*seed-*.txt")
"""Broken texts; two of the other fixtures take the solver ten seconds and more."""
OPTIONS = {"threads": 1}
_WARM = 2
"""Documents that each worker has read before time is taken."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--texts", type=int, default=60)
    parser.add_argument("--pdfs", type=int, default=10)
    parser.add_argument("--many", type=int, nargs="*", default=[100, 1000, 5000])
    parser.add_argument("--ray", action="store_true")
    options = parser.parse_args()
    from eval.bench_batch import RecordedReader  # actors do not find what is in __main__

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = multiply(TEXTS, options.texts, folder / "texts")
        pdfs = multiply(("*digital.pdf",), options.pdfs, folder / "pdfs")
        result: dict[str, Any] = {}
        pool: Pool
        read = partial(PipelineReader, OPTIONS)
        for kind, paths in (("texts", texts), ("digital PDF", pdfs)):
            for n_workers in (1, 2) if paths else ():
                out = folder / f"{kind}-{n_workers}"
                pool = ProcessPool(read, n_workers=n_workers, timeout_s=600, max_memory_mib=None)
                result[f"{kind}, {n_workers} workers"] = measure(paths, out, pool)
        result["texts, plain pool of 2"] = measure_plain(texts, 2)
        for n in options.many:
            paths = make_empty(n, folder / f"many-{n}")
            pool = ProcessPool(RecordedReader, n_workers=2, timeout_s=600, max_memory_mib=None)
            result[f"{n} at once"] = measure(paths, folder / f"out-{n}", pool)
        if options.ray:
            connect("local")
            pool = RayPool(read, n_workers=2, timeout_s=600)
            result["texts, Ray with 2 actors"] = measure(texts, folder / "ray", pool)
            for n in options.many:
                paths = sorted((folder / f"many-{n}").iterdir())
                pool = RayPool(RecordedReader, n_workers=2, timeout_s=600)
                result[f"{n} at once, Ray with 2 actors"] = measure(paths, folder / f"ray-{n}", pool)
    print(json.dumps(result, indent=2))


def multiply(patterns: Sequence[str], n: int, folder: Path) -> list[Path]:
    """Copies of fixtures, n in all, no two of one content."""
    folder.mkdir()
    sources = [path for pattern in patterns for path in sorted(FIXTURES.glob(pattern))]
    paths = []
    for i in range(n):
        source = sources[i % len(sources)]
        ending = f"\n%{i}\n" if source.suffix == ".pdf" else f"\n（第{i}份）\n"
        path = folder / f"{i:05}{source.suffix}"
        path.write_bytes(source.read_bytes() + ending.encode())
        paths.append(path)
    return paths


def make_empty(n: int, folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{i:05}.txt" for i in range(n)]
    for i, path in enumerate(paths):
        path.write_text(str(i), encoding="utf-8")
    return paths


def measure(paths: Sequence[Path], out: Path, pool: Pool) -> dict[str, float]:
    """Documents per second once all workers are warm; milliseconds per document for the whole, and of it the
    processor's for the workers and for this process, with their start; memory of the workers in MiB: the
    most, and the medians of the first and the last third."""
    times: list[float] = []
    memory: list[float] = []

    def tell(note: Note) -> None:
        if note.kind == "read":
            times.append(time.monotonic())
            memory.append(note.rss_mib or 0.0)

    started, before = time.monotonic(), os.times()
    run_batch([Input(path) for path in paths], out, pool, Plan(find_settings(OPTIONS)), tell=tell)
    whole_s, after = time.monotonic() - started, os.times()
    workers_s = after.children_user + after.children_system - before.children_user - before.children_system
    own_s = after.user + after.system - before.user - before.system
    first = _WARM * pool.n_workers
    third = max(len(memory) // 3, 1)
    return {
        "per_s": round((len(times) - first) / (times[-1] - times[first - 1]), 2),
        "whole_ms_each": round(1000 * whole_s / len(paths), 1),
        "workers_cpu_ms_each": round(1000 * workers_s / len(paths), 1),
        "own_cpu_ms_each": round(1000 * own_s / len(paths), 1),
        "most_mib": round(max(memory)),
        "first_third_mib": round(median(memory[:third])),
        "last_third_mib": round(median(memory[-third:])),
    }


def measure_plain(paths: Sequence[Path], n_workers: int) -> dict[str, float]:
    """The same of a pool that keeps nothing."""
    before = os.times()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, mp_context=context) as pool:
        times = []
        for _ in pool.map(read_plain, paths):
            times.append(time.monotonic())
    after = os.times()
    workers_s = after.children_user + after.children_system - before.children_user - before.children_system
    first = _WARM * n_workers
    return {
        "per_s": round((len(times) - first) / (times[-1] - times[first - 1]), 2),
        "workers_cpu_ms_each": round(1000 * workers_s / len(paths), 1),
    }


def read_plain(path: Path) -> str:
    return plain_reader().read(path).to_json()


@cache
def plain_reader() -> PipelineReader:
    return PipelineReader(OPTIONS)


class RecordedReader:
    """Gives the report of one fixture for whatever file."""

    def __init__(self) -> None:
        [path, *_] = sorted(FIXTURES.glob(TEXTS[0]))
        self._report = PipelineReader(OPTIONS).read(path)

    def read(self, path: Path) -> Report:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        source = replace(self._report.source, file=path.name, sha256=sha256)
        return replace(self._report, source=source)


if __name__ == "__main__":
    main()
