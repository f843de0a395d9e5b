"""Scans to examples: the tokens that OCR really finds on them, each with the label of the gold it stands on.

What is read is kept in the folder `read` beside the scans, so that OCR runs once; delete it after a change
of the reader.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from giar_ml.annotations.frame import page_scales
from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.document import Page
from giar_ml.errors import GiarError
from training.labels.data import read_items
from training.labels.examples import Example
from training.labels.read_pages import read_pages_once

READ = "read"
REMAINING_NOISE = 0.5
"""Of what noise imitates: OCR has added its own, but every scan is seen many times."""


def scan_examples(
    folder: Path, *, workers: int = 1, advance: Callable[[str], None] = lambda name: None
) -> list[Example]:
    """The pages of all scans with gold in a folder, by name; a scan that cannot be read has none.

    Args:
        workers: processes; the cores are divided among them.
        advance: called with the name of each scan that is done.
    """
    paths = sorted(path.with_name(path.name.removesuffix(SUFFIX)) for path in folder.glob(f"*{SUFFIX}"))
    context = get_context("spawn")
    examples = []
    with ProcessPoolExecutor(
        workers,
        mp_context=context,
        initializer=_take_cores,
        initargs=(context.Value("i", 0), workers),
    ) as pool:
        for path, found in zip(paths, pool.map(_read_scan, paths), strict=True):
            examples += found
            advance(path.name)
    return examples


def _take_cores(begun: Any, workers: int) -> None:
    """Engines take all cores that their process may run on: `workers` of them would fight for each.

    Args:
        begun: a shared number of the workers that have begun.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    with begun.get_lock():
        mine = begun.value
        begun.value += 1
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[mine % len(cores) :: workers]))


def _read_scan(path: Path) -> list[Example]:
    gold = Gold.read(Path(f"{path}{SUFFIX}"))
    try:
        pages = read_pages_once(path, path.parent / READ)
    except GiarError:
        return []
    scales = page_scales(gold, [Page(page.number, "scan", page.width, page.height) for page in pages])
    source = f"scan:{gold.origin.get('severity', 'read')}"
    return [
        Example(items, True, source, REMAINING_NOISE)
        for page in pages
        if (items := read_items(page, gold, scale=scales.get(page.number, (1.0, 1.0))))
    ]
