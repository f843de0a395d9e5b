"""Readers that one builds in a day from public packages, to compare ours with.

Each has the care that such a script deserves: fuzzy labels, digits put together, O and l read as 0 and 1,
the form that fits best. None knows the sums but to check them at the end, and none has second readings.
OCR loses many isolated zeros, and most cells are zero: a cell without a figure in a row that was found
counts as 0, in a row that was not found it is missing: to call that 0 too would get more cells right on bad
scans, as would a page of zeros.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from eval.baseline_geometry import LOST_ROW, Figure, Fit, clean_figure, match_label, read_lines
from eval.page_readers import PaddleLines, RapidLines, ReadLines, find_rows
from giar_ml.document import BBox, Page, SourceKind, Token
from giar_ml.errors import InputError
from giar_ml.figures import parse_figure
from giar_ml.forms import Form, FormCell, load_forms
from giar_ml.prose import read_title
from giar_ml.report import CellResult, Check, Report, Source, Value

if TYPE_CHECKING:
    import numpy as np

RENDER_DPI = 200

_MIN_LAYER_CHARS = 100  # in all: a scan's stamp or page number has fewer
_FEWEST_ROWS = 3  # of a report that is one
_PDF_MAGIC = b"%PDF-"


class Baseline(Protocol):
    def read(self, path: Path) -> Report:
        """Read one report; raises InputError for a kind of file that it does not read."""
        ...

    def applies_to(self, kind: SourceKind) -> bool: ...


# OCR and geometry


class OcrBaseline:
    """Lines of an OCR engine, laid out by `eval.baseline_geometry`."""

    def __init__(self, read_image: ReadLines) -> None:
        self._read_image = read_image

    def applies_to(self, kind: SourceKind) -> bool:
        return kind in ("scan", "digital", "image")

    def read(self, path: Path) -> Report:
        kind, images = render(path)
        start = time.perf_counter()
        pages = [_page(n, image, self._read_image(image)) for n, image in enumerate(images, start=1)]
        ocr_ms = (time.perf_counter() - start) * 1000
        fits = [read_lines(pages, form) for form in load_forms().values()]
        return _report(path, kind, pages, fits, ocr_ms=ocr_ms)


# Tables found by others


class GridRow(NamedTuple):
    """The cells of a table row that really exist, from left to right, each once."""

    texts: tuple[str, ...]
    page: int


class Img2TableBaseline:
    """The tables that img2table finds by their rules, else by white space, filled with lines of OCR."""

    def __init__(self, read_image: ReadLines) -> None:
        self._read_image = read_image

    def applies_to(self, kind: SourceKind) -> bool:
        return kind in ("scan", "digital", "image")

    def read(self, path: Path) -> Report:
        kind, images = render(path)
        start = time.perf_counter()
        pages, rows = [], []
        for number, image in enumerate(images, start=1):
            tokens = self._read_image(image)
            pages.append(_page(number, image, tokens))
            rows += [GridRow(texts, number) for texts in find_rows(image, tokens)]
        ocr_ms = (time.perf_counter() - start) * 1000
        fits = [read_rows(rows, form) for form in load_forms().values()]
        return _report(path, kind, pages, fits, ocr_ms=ocr_ms)


class PdfplumberBaseline:
    """`page.extract_tables()` of a PDF that has a text layer."""

    def applies_to(self, kind: SourceKind) -> bool:
        return kind == "digital"

    def read(self, path: Path) -> Report:
        import pdfplumber

        if _kind(path) != "digital":
            raise InputError(f"{path.name}: needs a digital PDF", code="not_applicable")
        start = time.perf_counter()
        pages, rows = [], []
        with pdfplumber.open(path) as pdf:
            for page in pdf.pages:
                words = [
                    Token(w["text"], BBox(w["x0"], w["top"], w["x1"], w["bottom"]))
                    for w in page.extract_text_lines()
                ]
                pages.append(
                    Page(
                        page.page_number,
                        "digital",
                        float(page.width),
                        float(page.height),
                        tokens=tuple(words),
                    )
                )
                rows += [
                    GridRow(tuple(text for text in texts if text is not None), page.page_number)
                    for table in page.extract_tables()
                    for texts in table
                ]
        ocr_ms = (time.perf_counter() - start) * 1000
        fits = [read_rows(rows, form) for form in load_forms().values()]
        return _report(path, "digital", pages, fits, ocr_ms=ocr_ms)


def read_rows(rows: Sequence[GridRow], form: Form) -> Fit:
    """Lay the rows of tables against those of a form: a row by its label, columns by their order."""
    fit = Fit(form)
    named = [(section, row) for section in form.sections for row in section.rows if row.labels]
    columns = [column for section in form.sections for column in section.columns]
    matches = []
    for index, row in enumerate(rows):
        for position, text in enumerate(row.texts):
            match = match_label(text, [header for _, header in named], columns)
            if match and position + 1 < len(row.texts):
                matches.append((*match, index, position))
    similarities: dict[int, float] = {}
    used: set[int] = set()
    for similarity, best, index, position in sorted(matches, key=lambda match: -match[0]):
        if best in similarities or index in used:
            continue
        similarities[best] = similarity
        used.add(index)
        section, header = named[best]
        fit.rows.add((section.table, header.key))
        _fill_row(fit, [section.cell_key(header, c) for c in section.columns], rows[index], position + 1)
    for section in form.sections:
        bare = [row for row in section.rows if not row.labels]
        if bare and (found := _find_bare_row(rows, len(section.columns))):
            fit.rows.add((section.table, bare[0].key))
            _fill_row(fit, [section.cell_key(bare[0], c) for c in section.columns], found, 0)
    fit.score = sum(similarities.values()) - LOST_ROW * len(named)
    return fit


def _fill_row(fit: Fit, keys: Sequence[str], row: GridRow, first: int) -> None:
    """The last cells of the row are the figures: what stands between them and the label is empty.

    Where columns were taken for one, their figures are the lines of its cell; where rows were, the first
    line is that of the label.
    """
    texts = row.texts[first:]
    if len(texts) < len(keys):
        lines = [line for text in texts for line in text.split("\n")]
        texts = tuple(lines) if len(lines) == len(keys) else texts
    for key, text in zip(keys, texts[-len(keys) :], strict=False):
        if figure := clean_figure(text.split("\n")[0]):
            fit.figures[key] = Figure(figure, 1.0, row.page)


def _find_bare_row(rows: Iterable[GridRow], n: int) -> GridRow | None:
    """The last row of as many cells as the table has columns, with figures and blanks only."""
    found = [row for row in rows if len(row.texts) == n and all(not t or clean_figure(t) for t in row.texts)]
    return found[-1] if found else None


# In and out


def _kind(path: Path) -> SourceKind:
    """Scan, digital or image; raises InputError for anything else."""
    import pypdfium2
    from PIL import Image, UnidentifiedImageError

    with path.open("rb") as file:
        is_pdf = _PDF_MAGIC in file.read(1024)
    if not is_pdf:
        try:
            Image.open(path).close()
        except UnidentifiedImageError as error:
            raise InputError(f"{path.name}: needs a PDF or a picture", code="not_applicable") from error
        return "image"
    try:
        with pypdfium2.PdfDocument(path) as pdf:
            n_chars = sum(page.get_textpage().count_chars() for page in pdf)
    except pypdfium2.PdfiumError as error:
        raise InputError(f"{path.name}: PDFium cannot open it ({error})", code="damaged") from error
    return "digital" if n_chars >= _MIN_LAYER_CHARS else "scan"


def render(path: Path) -> tuple[SourceKind, list[np.ndarray]]:
    """The pages as (H, W, 3) uint8 BGR: a PDF's at `RENDER_DPI`, a picture's at its own size."""
    import numpy as np
    import pypdfium2
    from PIL import Image, ImageOps, ImageSequence

    kind = _kind(path)
    if kind == "image":
        with Image.open(path) as image:
            pages = [ImageOps.exif_transpose(f).convert("RGB") for f in ImageSequence.Iterator(image)]
    else:
        with pypdfium2.PdfDocument(path) as pdf:
            pages = [page.render(scale=RENDER_DPI / 72).to_pil().convert("RGB") for page in pdf]
    return kind, [np.ascontiguousarray(np.asarray(page)[:, :, ::-1]) for page in pages]


def _page(number: int, image: np.ndarray, tokens: Sequence[Token]) -> Page:
    height, width = image.shape[:2]
    return Page(number, "scan", width, height, tokens=tuple(tokens))


def _report(
    path: Path, kind: SourceKind, pages: Sequence[Page], fits: Iterable[Fit], *, ocr_ms: float
) -> Report:
    """The report of the form that fits best.

    Raises:
        InputError: hardly a row of any form was found.
    """
    fit = max(fits, key=lambda fit: fit.score)
    if len(fit.rows) < _FEWEST_ROWS:
        raise InputError(f"{path.name}: no table of a report was found", code="no_report")
    cells = {key: _cell(cell, fit) for key, cell in fit.form.cells.items()}
    checks = []
    for rule in fit.form.sums:
        left, right = (_total([cells[key].value for key in keys]) for keys in (rule.left, rule.right))
        checks.append(Check(rule.id, left is not None and left == right, left, right))
    sound = all(check.holds for check in checks) and all(cell.status != "missing" for cell in cells.values())
    organisation, year = read_title(pages)
    return Report(
        source=Source(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), kind, len(pages)),
        form=fit.form.name,
        organisation=organisation,
        year=year,
        status="accepted" if sound else "review",
        cells=cells,
        checks=tuple(checks),
        timings_ms={"ocr": ocr_ms},
    )


def _cell(cell: FormCell, fit: Fit) -> CellResult:
    figure = fit.figures.get(cell.key)
    if figure is None:
        if (cell.section.table, cell.row.key) in fit.rows:
            return CellResult(0, None, "blank", 0.0)
        return CellResult(None, None, "missing", 0.0)
    value = parse_figure(figure.text, cell.column.type, cell.column.unit)
    if value is None:
        return CellResult(None, None, "missing", 0.0, page=figure.page, bbox=figure.bbox)
    return CellResult(
        value,
        value,
        "read",
        figure.confidence,
        page=figure.page,
        bbox=figure.bbox,
        candidates=((value, figure.confidence),),
    )


def _total(values: Sequence[Value | None]) -> Value | None:
    known = [Decimal(value) for value in values if value is not None]
    if len(known) < len(values):
        return None
    total = sum(known, Decimal(0))
    return int(total) if total == total.to_integral_value() else total


BASELINES: Mapping[str, Callable[[], Baseline]] = {
    "paddleocr": lambda: OcrBaseline(PaddleLines()),
    "rapidocr": lambda: OcrBaseline(RapidLines()),
    "img2table": lambda: Img2TableBaseline(RapidLines()),
    "pdfplumber": PdfplumberBaseline,
}
