"""Puts the stages in order, and nothing else."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from giar_ml.cores import n_cores, one_thread_each
from giar_ml.document import Document, Page
from giar_ml.errors import InputError
from giar_ml.forms import load_forms
from giar_ml.report import CellResult, Report, Source

if TYPE_CHECKING:
    from giar_ml.fields import FormEvidence
    from giar_ml.label import LabelledToken, PageLabeller
    from giar_ml.ocr.captions import CaptionReader
    from giar_ml.ocr.engine import OcrEngine
    from giar_ml.ocr.figures import FigureReader
    from giar_ml.upright.warp import PageWarp

DEFAULT_MAX_RISK = 0.001


@dataclass(frozen=True)
class Analysis:
    """A report with what it was read from: pages with their tables (pictures dropped), the labels found, what
    was seen of each cell.

    All boxes are in the pixels of the pages as scanned, but for those of the evidence.
    """

    report: Report
    pages: tuple[Page, ...]
    labels: tuple[LabelledToken, ...]
    evidence: FormEvidence


class Extractor:
    """Reads reports one after another. Cheap to build: engines are loaded when first needed.

    Args:
        device: `auto`, `cpu` or `cuda:N`.
        engine: a PaddleOCR engine: `onnxruntime`, `paddle` or `transformers`.
        models: a folder with other OCR weights, in `det/` and `rec/`; None for the embedded ones. On a
            processor they are not asked of what is surely read as the wording of a form.
        layout: `rules`, or a layoutparser detection model.
        max_risk: share of accepted reports that may have a wrong cell, see `giar_ml.acceptance.RiskCurve`.
        label_model: the folder of another token classifier; None for the one in use.
        prose: read the paragraphs of scans, too, so that what they state is held against the tables.
        threads: pages of a report are read at the same time on so many; None for one per core. What is read
            does not depend on it.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        engine: str = "onnxruntime",
        models: Path | None = None,
        layout: str = "rules",
        max_risk: float = DEFAULT_MAX_RISK,
        label_model: Path | None = None,
        prose: bool = False,
        threads: int | None = None,
    ) -> None:
        self._device = device
        self._engine_name = engine
        self._models = models
        self._layout_name = layout
        self._max_risk = max_risk
        self._label_model = label_model
        self._prose = prose
        self._threads = threads or n_cores()
        self._labeller: PageLabeller | None = None
        self._engine: OcrEngine | None = None
        self._figure_reader: FigureReader | None = None
        self._caption_reader: CaptionReader | None = None
        self._detector: Any = None

    @property
    def device(self) -> str | None:
        """The device that OCR really runs on; None while no OCR was needed."""
        return self._engine.device if self._engine else None

    def extract(self, path: str | Path) -> Report:
        """Read one report.

        Raises:
            GiarError: the file is no report that can be read; the message says what to do.
        """
        return self.analyse(path).report

    def read(self, path: str | Path) -> Document:
        """A document with all tokens and tables found on its upright pages, before any of them has a label.

        `giar_ml.upright.as_scanned` leads back to the pages as scanned.

        Raises:
            GiarError: the file cannot be read.
        """
        return self._read(path, _Clock())

    def label(self, path: str | Path) -> Document:
        """The same with labels on all tokens, whether or not they make a report, and tables without rules."""
        return label_document(self.read(path), self._load_labeller())

    def analyse(self, path: str | Path) -> Analysis:
        """Read one report and keep what was seen on the way; raises as `extract`.

        Scanned pages on which cells of the form are nowhere to be found are read once more, without their
        rules; the reading that fits the form better, with its sums, counts.
        """
        from giar_ml.fields.misruled import find_misruled, misfit
        from giar_ml.puzzle import least_cost
        from giar_ml.weigh import build_puzzle

        clock = _Clock()
        document = self._read(path, clock)
        labeller = self._load_labeller()
        found = _find_report(document, labeller, clock)
        ruled = {page.number for page in document.pages if page.kind == "scan" and page.tables}
        misruled = find_misruled(found.evidence, found.document.pages, ruled)
        if misruled:
            document = self._read_without_rules(document, misruled, clock)
            other = _find_report(document, labeller, clock)
            with clock("solve"):
                found = min(
                    (found, other),
                    key=lambda f: (
                        misfit(f.evidence, f.document.pages) + least_cost(build_puzzle(f.evidence, ()))
                    ),
                )
        return _understand(found, self._max_risk, clock)

    def _read(self, path: str | Path, clock: _Clock) -> Document:
        from giar_ml.load import load

        # To set the limits takes as long as a page, unless they are set already.
        with one_thread_each() if self._threads == 1 else nullcontext():
            # A page is loaded in steps too small to be shared among threads.
            with one_thread_each(), clock("load"):
                document = load(Path(path))
            if all(page.kind == "text" for page in document.pages):
                return document
            self._load_for(document)
            pages = deque(document.pages)
            document = replace(document, pages=())
            return replace(document, pages=tuple(self._read_pages(pages, clock)))

    def _read_without_rules(self, document: Document, numbers: Set[int], clock: _Clock) -> Document:
        """The document with these pages read anew, as if nothing were ruled on them."""
        from giar_ml.load import load

        with clock("load"):
            pages = deque(page for page in load(document.path).pages if page.number in numbers)
        again = {page.number: page for page in self._read_pages(pages, clock, ruled=False)}
        return replace(document, pages=tuple(again.get(page.number, page) for page in document.pages))

    def _read_pages(self, pages: deque[Page], clock: _Clock, *, ruled: bool = True) -> list[Page]:
        """The pages are read at the same time, each in two steps, so that no thread is idle at the end.

        Args:
            pages: they are taken away one by one, so that pictures of those that were read are kept by none.
        """
        n_threads = min(self._n_pages_at_once(), max(1, len(pages)))
        # A lone page may have all cores.
        limits = one_thread_each() if n_threads > 1 or self._threads == 1 else nullcontext()
        with limits, ThreadPoolExecutor(n_threads, "page") as pool:
            try:
                structured: deque[Future[Page]] = deque()
                read: list[Future[Page]] = []
                while pages:
                    structured.append(pool.submit(self._find_structure, pages.popleft(), clock, ruled=ruled))
                    # Each page has a picture: few are on their way at a time. What these wait for is ahead.
                    if len(structured) > n_threads:
                        read.append(pool.submit(self._read_text, structured.popleft(), clock))
                while structured:
                    read.append(pool.submit(self._read_text, structured.popleft(), clock))
                return [future.result() for future in read]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _n_pages_at_once(self) -> int:
        from giar_ml.tables.rules import RULES

        # Detectors of other libraries may not be asked from several threads.
        return self._threads if self._layout_name == RULES else 1

    def _load_for(self, document: Document) -> None:
        """Load what reads its pages, before they are read at the same time."""
        if self._detector is None and any(map(self._needs_layout, document.pages)):
            from giar_ml.layout import load_detector

            self._detector = load_detector(self._layout_name)
        if any(page.kind == "scan" for page in document.pages):
            self._load_engine()
            self._load_figure_reader()
            self._load_caption_reader()

    def _needs_layout(self, page: Page) -> bool:
        """Whether a detector is asked: a digital page has its tables by its rules, unless one is named."""
        from giar_ml.tables.rules import RULES

        return page.kind == "scan" or (page.kind == "digital" and self._layout_name != RULES)

    def _find_structure(self, page: Page, clock: _Clock, *, ruled: bool) -> Page:
        if page.kind == "text":
            return page
        from giar_ml.tables import find_tables

        with clock("structure"):
            if page.kind == "scan":
                from giar_ml.upright import make_upright

                page = make_upright(page, self._load_engine(), self._load_caption_reader())
            if self._needs_layout(page):
                from giar_ml.layout import detect_layout

                page = detect_layout(page, self._detector)
            page = find_tables(page)
            if not ruled:
                page = replace(page, tables=())
        return page

    def _read_text(self, structured: Future[Page], clock: _Clock) -> Page:
        page = structured.result()
        if page.kind == "scan":
            from giar_ml.ocr import read_page
            from giar_ml.tables import split_stacked_rows

            with clock("ocr"):
                page = read_page(
                    page,
                    self._load_engine(),
                    self._load_figure_reader(),
                    self._load_caption_reader(),
                    prose=self._prose,
                )
            page = split_stacked_rows(page)
        # The picture is no longer needed, and a long document has many.
        return replace(page, image=None, before=None)

    def _load_labeller(self) -> PageLabeller:
        if self._labeller is None:
            from giar_ml.label.classifier import load_classifier

            self._labeller = load_classifier(self._label_model, device=self._device, threads=self._threads)
        return self._labeller

    def _load_figure_reader(self) -> FigureReader:
        if self._figure_reader is None:
            from giar_ml.ocr.figures import load_figure_reader

            self._figure_reader = load_figure_reader()
        return self._figure_reader

    def _load_caption_reader(self) -> CaptionReader | None:
        """None on a GPU, which reads all lines sooner than a processor half of them."""
        if self._caption_reader is None and self._load_engine().device == "cpu":
            from giar_ml.ocr.captions import load_caption_reader

            self._caption_reader = load_caption_reader()
        return self._caption_reader

    def _load_engine(self) -> OcrEngine:
        if self._engine is None:
            from giar_ml.engines import load_engine

            self._engine = load_engine(
                "paddle",
                engine=self._engine_name,
                model_folder=self._models,
                device=self._device,
                threads=max(1, self._threads // self._n_pages_at_once()),
            )
        return self._engine


def extract(path: str | Path, **options: Any) -> Report:
    """Read one report; options as of `Extractor`."""
    return Extractor(**options).extract(path)


def label_document(document: Document, labeller: PageLabeller) -> Document:
    """A document as `Extractor.read` gives it, with labels on all tokens, and tables without rules.

    The labeller is asked where the tables are not printed just as a form prints them.
    """
    from giar_ml.label.exact import label_printed
    from giar_ml.label.pages import label_pages
    from giar_ml.tables import add_aligned_tables

    pages = label_printed(document.pages) or label_pages(document.pages, labeller)
    return replace(document, pages=tuple(map(add_aligned_tables, pages)))


def understand(document: Document, labeller: PageLabeller, *, max_risk: float = DEFAULT_MAX_RISK) -> Analysis:
    """The report in a document as `Extractor.read` gives it.

    Raises:
        InputError: there is no report in it.
    """
    clock = _Clock()
    return _understand(_find_report(document, labeller, clock), max_risk, clock)


class _Found(NamedTuple):
    """A document with labels, and the report in it."""

    document: Document
    evidence: FormEvidence


def _find_report(document: Document, labeller: PageLabeller, clock: _Clock) -> _Found:
    from giar_ml.fields import collect_evidence

    with clock("label"):
        document = label_document(document, labeller)
        return _Found(document, collect_evidence(document.pages, load_forms().values()))


def _understand(found: _Found, max_risk: float, clock: _Clock) -> Analysis:
    from giar_ml.prose import find_statements, read_title
    from giar_ml.verdict import decide

    document, evidence = found
    pages = document.pages
    if not evidence.is_report:
        raise InputError(
            f"{document.path.name}: no table of an information disclosure report was found in it;"
            " check that it is the right file and, if a scan, that it is upright and legible",
            code="no_report",
        )
    with clock("label"):
        organisation, year = read_title(pages)
        stated = find_statements(pages, evidence.form, year=year)
    with clock("solve"):
        verdict = decide(evidence, stated, max_risk=max_risk)
    problems = (*(p for page in pages for p in page.problems), *verdict.problems)
    warps = {page.number: page.warp for page in pages if page.warp}
    report = Report(
        source=_source(document),
        form=evidence.form.name,
        organisation=organisation,
        year=year,
        status=verdict.status if not problems else "review",
        cells=_cells_as_scanned(verdict.cells, warps),
        checks=verdict.checks,
        problems=problems,
        timings_ms=clock.timings_ms,
        risk=verdict.risk,
        proof=verdict.proof,
    )
    if warps:
        from giar_ml.upright import as_scanned

        pages = tuple(map(as_scanned, pages))
    return Analysis(report, pages, _labels_as_scanned(evidence.labels, warps), evidence)


class _Clock:
    """Adds up time per stage; pages that are read at the same time count one by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.timings_ms = {"load": 0.0, "ocr": 0.0, "structure": 0.0, "label": 0.0, "solve": 0.0}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            took_ms = (time.perf_counter() - start) * 1000
            with self._lock:
                self.timings_ms[stage] += took_ms


def _cells_as_scanned(
    cells: Mapping[str, CellResult], warps: Mapping[int, PageWarp]
) -> dict[str, CellResult]:
    found = dict(cells)
    for page, warp in warps.items():
        bboxes = {key: c.bbox for key, c in cells.items() if c.page == page and c.bbox is not None}
        for key, bbox in zip(bboxes, warp.bboxes_to_scanned([*bboxes.values()]), strict=True):
            found[key] = replace(cells[key], bbox=bbox)
    return found


def _labels_as_scanned(
    labels: Sequence[LabelledToken], warps: Mapping[int, PageWarp]
) -> tuple[LabelledToken, ...]:
    found = list(labels)
    for page, warp in warps.items():
        places = [i for i, label in enumerate(labels) if label.page == page]
        bboxes = warp.bboxes_to_scanned([labels[i].token.bbox for i in places])
        for i, bbox in zip(places, bboxes, strict=True):
            found[i] = replace(labels[i], token=replace(labels[i].token, bbox=bbox))
    return tuple(found)


def _source(document: Document) -> Source:
    return Source(document.path.name, document.sha256, document.kind, len(document.pages))
