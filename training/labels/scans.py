"""Scans to examples: the tokens that OCR really finds, each with the label of the gold it stands on."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from giar_ml.annotations.frame import page_scales
from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cli.console import complain
from giar_ml.document import Page
from giar_ml.errors import InputError, UsageError
from giar_ml.words import one_line
from training.labels.data import read_items
from training.labels.examples import Example
from training.labels.read_pages import read_document_once, to_read_pages

REMAINING_NOISE = 0.5
"""Of what noise imitates: OCR has added its own, but every scan is seen many times."""


def scan_examples(
    folder: Path, kept: Path, *, workers: int = 1, advance: Callable[[str], None] = lambda name: None
) -> list[Example]:
    """The pages of all scans with gold in a folder, by name. A scan that cannot be read is named on stderr.

    Args:
        kept: a folder for what OCR reads, so that it runs once; empty it after a change of the reader.
        workers: processes; the cores are divided among them.
        advance: called with the name of each scan that is done.

    Raises:
        UsageError: none of the scans can be read.
        EngineError: OCR cannot run at all.
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
        read = pool.map(read_scan, paths, [kept] * len(paths))
        for path, found in zip(paths, read, strict=True):
            if isinstance(found, str):
                complain(f"{path.name}: left out: {found}")
            else:
                examples += found
            advance(path.name)
    if not examples:
        raise UsageError(f"{folder}: none of its scans can be read; make them anew: delete the folder")
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


def read_scan(path: Path, kept: Path) -> list[Example] | str:
    """The pages of a scan that has gold beside it, or why it cannot be read."""
    gold = Gold.read(Path(f"{path}{SUFFIX}"))
    try:
        pages = to_read_pages(read_document_once(path, kept))
    except InputError as error:
        return one_line(error)
    scales = page_scales(gold, [Page(page.number, "scan", page.width, page.height) for page in pages])
    source = f"scan:{gold.origin.get('severity', 'read')}"
    return [
        Example(items, True, source, REMAINING_NOISE)
        for page in pages
        if (items := read_items(page, gold, scale=scales.get(page.number, (1.0, 1.0))))
    ]
