"""Runs a reader over documents with gold; a document that fails is an outcome like any other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

from giar_ml.annotations.frame import page_scales, scale_bbox
from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cores import n_cores
from giar_ml.document import BBox, Page
from giar_ml.errors import GiarError, InputError, UsageError
from giar_ml.metrics.labels import LabelledBox, labelled_boxes
from giar_ml.metrics.places import Spot
from giar_ml.metrics.structure import StructCell, StructTable, from_predicted
from giar_ml.pipeline import Extractor
from giar_ml.report import CellResult, Report
from giar_ml.words import one_line

OURS = "giar"
RESULTS = "results"
"""Name of a reader whose results were given as files."""
SLOW_S = 60.0
"""A document that takes longer is named in the report; a usual one takes some seconds."""

_MAX_ERROR_TEXT = 300


@dataclass(frozen=True)
class Case:
    """A document with its gold; `name` is its path inside the folder."""

    name: str
    path: Path
    gold: Gold


@dataclass(frozen=True)
class Found:
    """What a reader makes of a document. `tables`, `labels` and `spots` (where each cell was read) in the
    gold's pixels; None for a reader that gives none."""

    report: Report
    tables: tuple[StructTable, ...] | None = None
    labels: tuple[LabelledBox, ...] | None = None
    spots: Mapping[str, Spot] | None = None


@dataclass(frozen=True)
class Outcome:
    """One document read, or not: then `found` has no report and `error` says why.

    Args:
        seconds: wall time; None where a result was given.
        peak_mib: highest resident memory of the process while it read the document; where the system cannot
            tell, since the process began. None where a result was given.
        growth_mib: how much of it came on top of what the process held before. That of the first document
            includes the models.
    """

    case: Case
    found: Found | None
    error: str | None = None
    seconds: float | None = None
    peak_mib: float | None = None
    growth_mib: float | None = None

    @property
    def report(self) -> Report | None:
        return self.found.report if self.found else None


class ReportSource(Protocol):
    def read(self, path: Path) -> Report: ...


class CaseReader(Protocol):
    def read(self, case: Case) -> Found: ...


def find_cases(folder: Path, *, with_documents: bool = True) -> list[Case]:
    """The documents of a folder and its subfolders that have gold, by name.

    Args:
        with_documents: the documents themselves must be there too.

    Raises:
        UsageError: no such folder, or nothing in it has gold.
        InputError: a file is no gold, or its document is not there.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name one with documents and their gold")
    cases = []
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        gold = Gold.read(path)
        document = path.with_name(path.name.removesuffix(SUFFIX))
        if with_documents and not document.is_file():
            raise InputError(
                f"{path}: its document {document.name} is not beside it; put it there or take the gold away",
                code="no_document",
            )
        cases.append(Case(document.relative_to(folder).as_posix(), document, gold))
    if not cases:
        raise UsageError(f"{folder}: no gold in it; a document a.pdf needs a.pdf{SUFFIX} beside it")
    return cases


# Readers


@dataclass(frozen=True)
class PipelineReader:
    """The whole pipeline."""

    extractor: Extractor

    def read(self, case: Case) -> Found:
        analysis = self.extractor.analyse(case.path)
        frame = GoldFrame(case.gold, analysis.pages)
        return Found(
            analysis.report,
            tuple(frame.move_table(from_predicted(t)) for page in analysis.pages for t in page.tables),
            tuple(map(frame.move_label, labelled_boxes(analysis.labels))),
            frame.find_spots(analysis.report),
        )


@dataclass(frozen=True)
class ReportReader:
    """Anything that gives a report only."""

    reader: ReportSource

    def read(self, case: Case) -> Found:
        return Found(self.reader.read(case.path))


@dataclass(frozen=True)
class ResultReader:
    """Results written before, `<stem>.json` in one folder."""

    folder: Path

    def read(self, case: Case) -> Found:
        path = self.path(case)
        if not path.is_file():
            raise InputError(f"missing result {path.name}", code="missing_result")
        try:
            return Found(Report.read(path))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise InputError(f"{path.name}: not a result of this version ({error})") from error

    def path(self, case: Case) -> Path:
        return self.folder / f"{case.path.stem}.json"

    def find_extra(self, cases: Sequence[Case]) -> list[str]:
        """Results that belong to no document.

        Raises:
            UsageError: no such folder, or two documents would have one result.
        """
        if not self.folder.is_dir():
            raise UsageError(f"{self.folder}: no such folder; name one that `giar extract` wrote into")
        owners: dict[Path, Case] = {}
        for case in cases:
            if (first := owners.setdefault(self.path(case), case)) is not case:
                raise UsageError(
                    f"{case.name} and {first.name} would share the result {case.path.stem}.json;"
                    " rename one, or evaluate two folders"
                )
        return sorted(path.name for path in self.folder.glob("*.json") if path not in owners)


def make_reader(name: str, options: Mapping[str, Any]) -> CaseReader:
    """Our pipeline with the options of `Extractor`, or a baseline by its name."""
    if name == OURS:
        return PipelineReader(Extractor(**options))
    from eval.baselines import BASELINES

    return ReportReader(BASELINES[name]())


def select_cases(name: str, cases: Sequence[Case]) -> list[Case]:
    """The documents of the kinds that a reader is made for: all, for ours."""
    if name == OURS:
        return list(cases)
    from eval.baselines import BASELINES

    baseline = BASELINES[name]()
    return [case for case in cases if baseline.applies_to(case.gold.kind)]


class GoldFrame:
    """Moves what was found from the analysed pixels to those of the gold."""

    def __init__(self, gold: Gold, pages: Sequence[Page]) -> None:
        self._scales = page_scales(gold, pages)

    def move_table(self, table: StructTable) -> StructTable:
        cells = tuple(replace(cell, bbox=self._move(cell, table.page)) for cell in table.cells)
        return replace(table, cells=cells)

    def move_label(self, box: LabelledBox) -> LabelledBox:
        return box if box.page is None else replace(box, bbox=self._move(box, box.page))

    def find_spots(self, report: Report) -> dict[str, Spot]:
        """Where each cell was read."""
        return {key: self._find_spot(cell) for key, cell in report.cells.items()}

    def _find_spot(self, cell: CellResult) -> Spot:
        return Spot(cell.page, self._move(cell, cell.page) if cell.page else None, cell.line)

    def _move(self, item: StructCell | LabelledBox | CellResult, page: int) -> BBox | None:
        if item.bbox is None:
            return None
        return scale_bbox(item.bbox, self._scales.get(page, (1.0, 1.0)))


# Running


def read_case(reader: CaseReader, case: Case, *, measure: bool = True) -> Outcome:
    """Read one document; whatever goes wrong becomes part of the outcome."""
    before = _start_peak()
    started = time.perf_counter()
    found, error = None, None
    try:
        found = reader.read(case)
    except GiarError as problem:
        error = one_line(problem).removeprefix(f"{one_line(case.path.name)}: ")
    except Exception as problem:  # a bug must not cost the other documents
        error = one_line(f"{type(problem).__name__}: {problem}")
    seconds = time.perf_counter() - started
    if error is None and found and found.report.status == "failed":
        error = one_line(found.report.problems[0].message) if found.report.problems else "failed"
        error = error.removeprefix(f"{one_line(case.path.name)}: ")
    error = error and error[:_MAX_ERROR_TEXT]
    if not measure:
        return Outcome(case, found, error)
    peak = _read_peak()
    return Outcome(case, found, error, seconds, peak, max(peak - before, 0.0))


def read_results(folder: Path, cases: Sequence[Case]) -> list[Outcome]:
    """The results that lie in a folder."""
    reader = ResultReader(folder)
    return [read_case(reader, case, measure=False) for case in cases]


def run_reader(
    name: str,
    options: Mapping[str, Any],
    cases: Sequence[Case],
    *,
    workers: int = 1,
    advance: Callable[[str], None] = lambda name: None,
) -> list[Outcome]:
    """Read all documents in `workers` processes of their own; outcomes in the order of the documents.

    A process that dies (out of memory, a crash in a library) fails the document it was at: those it left are
    read again, each alone.

    Args:
        advance: called with the name of each document that is done.
    """
    done: dict[int, Outcome] = {}
    for indices, n_workers in ((range(len(cases)), workers), *(([i], 1) for i in range(len(cases)))):
        todo = [index for index in indices if index not in done]
        if not todo:
            continue
        for index, outcome in _run_pool(name, options, [(i, cases[i]) for i in todo], n_workers):
            done[index] = outcome
            advance(outcome.case.name)
        if len(todo) == 1 and todo[0] not in done:
            case = cases[todo[0]]
            done[todo[0]] = Outcome(case, None, "the process that read it died: out of memory, or a crash")
            advance(case.name)
    return [done[index] for index in range(len(cases))]


def _run_pool(
    name: str, options: Mapping[str, Any], cases: Sequence[tuple[int, Case]], workers: int
) -> Iterator[tuple[int, Outcome]]:
    """The outcomes as they come; those that a dying process took along are left out."""
    context = get_context("spawn")  # OCR threads do not survive a fork
    options = {**options, "threads": max(1, n_cores() // workers)}
    with ProcessPoolExecutor(
        min(workers, len(cases)), mp_context=context, initializer=_start_worker, initargs=(name, options)
    ) as pool:
        futures = {pool.submit(_read_in_worker, case): index for index, case in cases}
        try:
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    continue
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_ARGUMENTS: tuple[str, Mapping[str, Any]] | None = None
"""Of `make_reader` in this worker process."""


def _start_worker(name: str, options: Mapping[str, Any]) -> None:
    global _ARGUMENTS
    _ARGUMENTS = name, options


@cache
def _worker_reader() -> CaseReader:
    """Made once: engines are loaded when first needed."""
    assert _ARGUMENTS is not None
    return make_reader(*_ARGUMENTS)


class _WorkerReader:
    """Makes the reader when it reads, so that a reader that cannot be made fails the document by name."""

    def read(self, case: Case) -> Found:
        return _worker_reader().read(case)


def _read_in_worker(case: Case) -> Outcome:
    return read_case(_WorkerReader(), case)


# Memory

_MIB = 1 << 20


def _start_peak() -> float:
    """Begin to watch for the highest resident memory, where the system can; returns the present one, MiB."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: forget the peak so far
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MIB
    except OSError:
        return _read_peak()


def _read_peak() -> float:
    """The highest resident memory since `_start_peak`, or of the process, MiB."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB
