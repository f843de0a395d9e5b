"""A whole batch: read what is not read yet, then make the tables and pages of all results."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from giar_ml import __version__
from giar_ml.batch.dataset import CELLS, REPORTS
from giar_ml.batch.inputs import Input
from giar_ml.batch.manifest import Manifest, error_code, is_damage
from giar_ml.batch.mirror import Mirror
from giar_ml.batch.pool import Pool
from giar_ml.batch.results import Results, explained, sync_folder
from giar_ml.batch.scheduler import Note, Scheduler, Tell
from giar_ml.batch.settings import Reading
from giar_ml.batch.totals import Totals
from giar_ml.errors import UsageError
from giar_ml.pipeline import DEFAULT_MAX_RISK

MANIFEST, PAGE, WORKBOOK = "batch.sqlite", "summary.html", "summary.xlsx"
SUMMARY = (REPORTS, CELLS, WORKBOOK, PAGE)
"""Made of all results at the end."""
_LOCK = ".lock"
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_CLOSED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


@dataclass(frozen=True)
class Plan:
    """Which results hold.

    Args:
        settings: of each kind of reading, what was read by others is read again.
        max_risk: share of accepted reports that may have a wrong cell, see `giar_ml.acceptance.RiskCurve`.
        retry_failed: also read documents again whose failure another try may mend.
    """

    settings: dict[Reading, str]
    max_risk: float = DEFAULT_MAX_RISK
    retry_failed: bool = False


def run_batch(
    inputs: Sequence[Input],
    folder: Path,
    pool: Pool,
    plan: Plan,
    *,
    tell: Tell = lambda note: None,
    mirror: Mirror | None = None,
) -> Totals:
    """Read all inputs into a folder; started again after whatever stop, it goes on.

    Args:
        pool: who reads; it is closed at the end.
        tell: called with all that happens to an input.
        mirror: of the folder, where it is to be copied elsewhere.

    Raises:
        UsageError: the folder cannot be written to, or is in use by another batch; an engine or a model
            cannot be used; no worker can be started.
        KeyboardInterrupt: what was done by then is recorded.
    """
    started = time.monotonic()
    n_read = 0

    def count(note: Note) -> None:
        nonlocal n_read
        n_read += note.kind == "read"
        tell(note)

    make_folder(folder)
    with ExitStack() as stack:
        stack.enter_context(_locked(folder))
        stack.enter_context(_explained_manifest(folder))
        if mirror:
            mirror.restore(MANIFEST)
        manifest = stack.enter_context(closing(Manifest(folder / MANIFEST)))
        manifest.set_inputs(inputs)
        manifest.commit()
        results = Results(folder, manifest, plan.settings, max_risk=plan.max_risk)
        with mirror.kept_up(MANIFEST) if mirror else nullcontext(), closing(pool):
            Scheduler(manifest, results, pool, count, retry_failed=plan.retry_failed).run()
        seconds = time.monotonic() - started
        n_workers = pool.n_workers
        totals = _summarise(folder, manifest, results, n_read=n_read, seconds=seconds, n_workers=n_workers)
        if mirror:
            mirror.finish(MANIFEST, SUMMARY)
        return totals


def make_folder(folder: Path) -> None:
    """Make the output folder if it is not there.

    Raises:
        UsageError: it cannot be made.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _summarise(
    folder: Path, manifest: Manifest, results: Results, *, n_read: int, seconds: float, n_workers: int
) -> Totals:
    """Write the dataset, the workbook and the page; each is put in its place when all are written."""
    from giar_ml.batch.dataset import Dataset, list_rows
    from giar_ml.batch.page import Run, render_page
    from giar_ml.batch.workbook import SummaryWorkbook

    totals = Totals()
    with explained(folder):
        beside = folder / ".summary.tmp"
        beside.mkdir(exist_ok=True)
        for left in beside.iterdir():  # by one that was stopped
            left.unlink()
        with closing(SummaryWorkbook()) as workbook:
            with closing(Dataset(beside)) as dataset:
                for row in list_rows(manifest, results):
                    for consumer in (dataset, workbook, totals):
                        consumer.add(row)
            workbook.save(beside / WORKBOOK, totals)
        run = Run(f"{datetime.now():%Y-%m-%d %H:%M}", seconds, n_read, n_workers, __version__)
        (beside / PAGE).write_text(render_page(totals, run), encoding="utf-8")
        for name in SUMMARY:
            with (beside / name).open("rb") as file:
                os.fsync(file.fileno())
            (beside / name).replace(folder / name)
        beside.rmdir()
        sync_folder(folder)
    return totals


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One batch at a time writes into a folder."""
    with explained(folder):
        file = (folder / _LOCK).open("w")
    with file:
        if sys.platform != "win32":  # there SQLite alone parts them
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(
                    f"{folder}: another `giar batch` writes there; wait for it, or choose another folder"
                ) from error
            except OSError as error:  # of a network, say
                raise UsageError(
                    f"{folder}: cannot be locked ({error.strerror}); choose a folder on a local disk with -o"
                ) from error
        yield


@contextmanager
def _explained_manifest(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if is_damage(error):
            what = (
                f"is damaged ({error}); choose another output folder, or delete it to read everything again"
            )
        elif error_code(error) in _IN_USE:
            what = f"another program uses it ({error}); close that and start the same command again"
        elif error_code(error) in _CLOSED:
            what = f"cannot be opened to write ({error}); choose a folder that can be written to with -o"
        else:
            what = (
                f"cannot be written to ({error}); make room there and start the same command again: what is"
                " done is kept"
            )
        raise UsageError(f"{folder / MANIFEST}: {what}") from error
