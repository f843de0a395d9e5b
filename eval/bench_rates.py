"""Reports per minute of whole batches on all cores, beside public readers of the same files.

python -m eval.bench_rates [--scans 6] [--pdfs 12] [--repeat 3]

Scans and digital PDF files are fixtures. Ours is what the workers of `giar batch` do, one per core with a
thread each: file in, checked cells out. Stock PaddleOCR, also with the weights as we use them (flushed),
and RapidOCR give lines of text, img2table with RapidOCR the cells of the tables it finds; these are given
pages that were rendered before. They read in one process on all cores, and in a process of one thread per
core: the faster counts. `page.extract_tables()` of pdfplumber, which has one thread, reads in a process per
core. Readers take turns, all files each, after one file in every process to warm up; `times` is the median
of our rate over theirs, turn by turn. Processor time is that of the processes, threads that wait by turning
around included. All are held in memory at once: some 10 GB.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache, partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from eval.bench_scan import OURS, median_ratio, take_turns
from eval.page_readers import PAGE_READERS, say_missing
from giar_ml.batch.worker import PipelineReader
from giar_ml.cores import n_cores, one_thread_each

FIXTURES = Path(__file__).parent / "fixtures"
_START_S = 300.0
"""For all processes to have loaded their weights and read a report."""


class Item(NamedTuple):
    """A document, and its pages as others are given them: (H, W, 3) uint8 BGR arrays in files."""

    path: Path
    pages: tuple[Path, ...] = ()


class Lane(NamedTuple):
    """A reader on so many processes; `threads` is of each, None for the reader's own choice."""

    reader: str
    n_processes: int
    threads: int | None

    def __str__(self) -> str:
        return f"{self.reader}, {'1 process' if self.n_processes == 1 else f'{self.n_processes} processes'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scans", type=int, default=6, help="0: none (default: 6)")
    parser.add_argument("--pdfs", type=int, default=12, help="0: none (default: 12)")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    scans = sorted(FIXTURES.glob("*-scan-*.pdf"))
    pdfs = sorted(FIXTURES.glob("*-digital.pdf"))
    result: dict[str, Any] = {"cores": n_cores()}
    with tempfile.TemporaryDirectory() as folder:
        items = [render_item(path, Path(folder)) for path in spread(scans, options.scans)]
        if items:
            result["scans"] = measure(items, tuple(PAGE_READERS), repeat=options.repeat)
    if items := [Item(path) for path in spread(pdfs, options.pdfs)]:
        result["digital PDF"] = measure(items, ("pdfplumber",), repeat=options.repeat)
    print(json.dumps(result, indent=2, ensure_ascii=False))


def spread(paths: Sequence[Path], n: int) -> list[Path]:
    """So many of them from first to last, some again where there are fewer."""
    return [paths[i * len(paths) // n] for i in range(n)]


def render_item(path: Path, folder: Path) -> Item:
    from eval.baselines import render

    pages = []
    for number, image in enumerate(render(path)[1], start=1):
        pages.append(folder / f"{path.stem}-{number}.npy")
        np.save(pages[-1], image)
    return Item(path, tuple(pages))


def measure(items: Sequence[Item], others: Sequence[str], *, repeat: int) -> dict[str, Any]:
    """The rates of ours and of all others that are installed, each in its own processes."""
    missing = {name: note for name in others if (note := say_missing(name))}
    lanes = make_lanes([name for name in others if name not in missing], n_cores())
    cpu_s: dict[Lane, list[float]] = {lane: [] for lane in lanes}

    def read_items(lane: Lane, pool: Executor) -> None:
        cpu_s[lane].append(sum(pool.map(partial(read, lane), items)))

    with ExitStack() as stack:
        pools = {lane: stack.enter_context(warm_pool(lane, items[0])) for lane in lanes}
        seconds = take_turns(
            {str(lane): partial(read_items, lane, pool) for lane, pool in pools.items()}, repeat=repeat
        )
    of_lanes = {
        str(lane): {
            "per_minute": round(60 * len(items) / median(seconds[str(lane)]), 2),
            "cpu_s_each": round(median(cpu_s[lane]) / len(items), 3),
        }
        for lane in lanes
    }
    times = compare({lane: seconds[str(lane)] for lane in lanes})
    return {"documents": len(items), "pages": count_pages(items), **of_lanes, "times": times, **missing}


def make_lanes(others: Sequence[str], n: int) -> list[Lane]:
    """Ours and theirs on n cores: in n processes, and those that can use all cores also in one."""
    lanes = [Lane(OURS, n, 1)]
    for name in others:
        if name in PAGE_READERS and n > 1:
            lanes.append(Lane(name, 1, None))
        lanes.append(Lane(name, n, 1))
    return lanes


def compare(seconds: Mapping[Lane, Sequence[float]]) -> dict[str, float]:
    """How many times as fast ours is as each of the others, in the faster of its lanes of each turn."""
    [ours] = [of for lane, of in seconds.items() if lane.reader == OURS]
    times = {}
    for name in dict.fromkeys(lane.reader for lane in seconds if lane.reader != OURS):
        theirs = [of for lane, of in seconds.items() if lane.reader == name]
        fastest = [min(turn) for turn in zip(*theirs, strict=True)]
        times[name] = round(median_ratio(fastest, ours), 2)
    return times


def count_pages(items: Sequence[Item]) -> int:
    import pypdfium2

    n_pages = 0
    for item in items:
        with pypdfium2.PdfDocument(item.path) as pdf:
            n_pages += len(pdf)
    return n_pages


@contextmanager
def warm_pool(lane: Lane, item: Item) -> Iterator[Executor]:
    """Processes of which each has read once."""
    context = multiprocessing.get_context("spawn")
    all_are_warm = context.Barrier(lane.n_processes)
    with ProcessPoolExecutor(lane.n_processes, context, warm_up, (lane, item, all_are_warm)) as pool:
        list(pool.map(int, range(lane.n_processes)))  # which starts them
        yield pool


def warm_up(lane: Lane, item: Item, all_are_warm: Barrier) -> None:
    read(lane, item)
    all_are_warm.wait(_START_S)


def read(lane: Lane, item: Item) -> float:
    """Read a document in a process of the lane; the seconds of processor time that it took."""
    start = time.process_time()
    with one_thread_each() if lane.threads == 1 else nullcontext():
        load_reader(lane)(item)
    return time.process_time() - start


@cache
def load_reader(lane: Lane) -> Callable[[Item], Any]:
    if lane.reader == OURS:
        ours = PipelineReader({"device": "cpu", "threads": lane.threads})
        return lambda item: ours.read(item.path).to_json()
    if lane.reader == "pdfplumber":
        return read_pdfplumber
    read_page = PAGE_READERS[lane.reader](threads=lane.threads)
    return lambda item: [read_page(np.load(page)) for page in item.pages]


def read_pdfplumber(item: Item) -> list[Any]:
    import pdfplumber

    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    with pdfplumber.open(item.path) as pdf:
        return [page.extract_tables() for page in pdf.pages]


if __name__ == "__main__":
    main()
