"""PDF -> pages, each read from its text layer where that is sound, else left for OCR as a scan.

PDFium is not thread-safe: one process per worker, no threads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from giar_ml.document import UNREAD, BBox, Page, Problem, Token
from giar_ml.errors import InputError
from giar_ml.load.annotations import Edges, flatten_annotations
from giar_ml.load.characters import CrowdedError, group_characters, strike_out
from giar_ml.load.drawn import TooManyObjectsError, find_drawn_rules
from giar_ml.load.glyphs import find_turn, have_ink, is_sound, read_glyphs, to_chars
from giar_ml.load.limits import MAX_DOCUMENT_PIXELS
from giar_ml.load.pictures import (
    Picture,
    count_unread_marks,
    covered_share,
    find_objects,
    find_pictures,
    holds_table,
    is_backdrop,
    is_plain,
    unread_limit,
)
from giar_ml.load.rendering import DIGITAL_DPI, PT_PER_INCH, Frame, paper_scale, render
from giar_ml.load.resolution import SCAN_DPI

FALLBACK_DPI = 200

_SCAN_COVERAGE = 0.75  # of the page under pictures; the letterheads and photos of reports cover less

_NO_PAGES = re.compile(rb"/Type\s*/Pages\b[^>]*/Count\s+0\b|/Count\s+0\b[^>]*/Type\s*/Pages\b")
_PASSWORD_ERRORS = (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY)


def read_pdf(data: bytes, name: str, *, max_pages: int) -> list[Page]:
    """Digital pages with tokens, scanned pages without.

    A page whose text stands sideways when shown is turned upright. A page that cannot be drawn comes
    back blank, with a problem.

    Raises:
        InputError: the file cannot be opened, has too many pages, or none that can be drawn.
    """
    if _is_cut_off(data):
        raise _damaged(name)
    with _open(data, name) as pdf:
        n_pages = len(pdf)
        if n_pages == 0:
            raise _no_pages(name)
        if n_pages > max_pages:
            raise InputError(
                f"{name}: {n_pages} pages, the limit is {max_pages}; split the file", code="too_many_pages"
            )
        pages = []
        n_pixels = 0
        for index in range(n_pages):
            page = _read_page(pdf, index, name)
            n_pixels += 0 if page.image is None else page.image.shape[0] * page.image.shape[1]
            if n_pixels > MAX_DOCUMENT_PIXELS:
                raise InputError(
                    f"{name}: {index + 1} of {n_pages} pages have more than"
                    f" {MAX_DOCUMENT_PIXELS / 1e6:,.0f} million pixels; split the file",
                    code="image_too_large",
                )
            pages.append(page)
    if all(page.problems for page in pages):
        raise _damaged(name)
    return pages


def is_scan(pages: Sequence[Page]) -> bool:
    """Whether a page with anything on it is scanned."""
    return any(page.kind == "scan" and not _is_blank(page.image) for page in pages)


def _is_blank(image: np.ndarray | None) -> bool:
    if image is None:
        return True
    margin_y, margin_x = (side // 20 for side in image.shape[:2])  # where scanners leave dark edges
    inner = image[margin_y : -margin_y or None, margin_x : -margin_x or None, 1]
    return is_plain(inner)


def _open(data: bytes, name: str) -> pdfium.PdfDocument:
    try:
        pdf = pdfium.PdfDocument(data)
        pdf.init_forms()  # draws the fields that come without a picture of their value
        return pdf
    except pdfium.PdfiumError as error:
        # PDFium refuses a file without pages, too, and leaves the code of an earlier error standing.
        if _NO_PAGES.search(data):
            raise _no_pages(name) from error
        if error.err_code in _PASSWORD_ERRORS and b"/Encrypt" in data:
            raise InputError(
                f"{name}: the PDF is protected by a password; save it without one", code="encrypted"
            ) from error
        raise _damaged(name) from error


def _no_pages(name: str) -> InputError:
    return InputError(f"{name}: the PDF has no pages; fetch it again", code="no_pages")


def _is_cut_off(data: bytes) -> bool:
    """PDFium mends a file whose end is missing, with fewer pages and without a word."""
    return data.rfind(b"%%EOF") < data.rfind(b"endobj")


def _damaged(name: str) -> InputError:
    return InputError(f"{name}: the PDF is cut off or broken; fetch it again", code="damaged")


def _read_page(pdf: pdfium.PdfDocument, index: int, name: str) -> Page:
    try:
        page = pdf[index]
        unseen: list[Edges] = []
        # Figures in form fields and typed over the page become part of its text.
        if pdfium_c.FPDFPage_GetAnnotCount(page) > 0:
            unseen = flatten_annotations(page)
            page.close()
            page = pdf[index]
    except pdfium.PdfiumError:
        return _broken_page(index, name)
    try:
        return _analyse(page, index, name, unseen)
    except pdfium.PdfiumError:
        return _broken_page(index, name)
    finally:
        page.close()


def _broken_page(index: int, name: str) -> Page:
    problem = Problem(
        "page_damaged",
        f"{name}: page {index + 1} is broken and cannot be read; fetch the file again",
        page=index + 1,
    )
    image = np.full((64, 64), 255, np.uint8)
    return Page(
        number=index + 1, kind="digital", width=64, height=64, image=image, dpi=72, problems=(problem,)
    )


def _analyse(page: pdfium.PdfPage, index: int, name: str, unseen: Sequence[Edges]) -> Page:
    """
    Args:
        unseen: where text is meant to stand that the file does not show.

    Raises:
        InputError: more is drawn than a page has.
    """
    try:
        paths, images = find_objects(page)
    except TooManyObjectsError as error:
        raise InputError(
            f"{name}: more is drawn on page {index + 1} than on any report; print it to a new PDF",
            code="too_large",
        ) from error
    glyphs = read_glyphs(page)
    pictures = find_pictures(page, images)
    turn = find_turn(glyphs, page.get_rotation())
    if covered_share(pictures, page) >= _SCAN_COVERAGE and not is_backdrop(pictures, glyphs):
        return _scanned_page(page, pictures, index, name)
    gray, frame = render(page, DIGITAL_DPI, name, turn=turn, grayscale=True)
    chars, leave_ink = to_chars(glyphs, frame, gray.shape)
    seen = chars.take(~leave_ink | have_ink(chars, gray, asked=leave_ink))
    boxes = frame.to_pixels(np.array([picture.bbox for picture in pictures], float).reshape(-1, 4))
    boxes = boxes.astype(int)
    if (
        not is_sound(glyphs, n_chars=len(chars), n_seen=len(seen))
        or count_unread_marks(gray, seen, boxes) > unread_limit(len(seen))
        or any(holds_table(gray, box) for box in boxes)
    ):
        return _scanned_page(page, pictures, index, name)
    dpi = frame.scale * PT_PER_INCH
    rules = find_drawn_rules(paths, frame.to_pixels, gray, dpi=dpi)
    try:
        tokens = group_characters(strike_out(seen, rules.horizontal if rules else ()), gray)
    except CrowdedError:
        return _scanned_page(page, pictures, index, name)
    return Page(
        number=index + 1,
        kind="digital",
        width=gray.shape[1],
        height=gray.shape[0],
        image=gray,
        dpi=dpi,
        tokens=tokens + _unread_tokens(unseen, frame),
        rules=rules,
    )


def _unread_tokens(places: Sequence[Edges], frame: Frame) -> tuple[Token, ...]:
    boxes = frame.to_pixels(np.array(places, float).reshape(-1, 4))
    return tuple(Token(UNREAD, BBox(*bbox)) for bbox in boxes.tolist())


def _scanned_page(page: pdfium.PdfPage, pictures: Sequence[Picture], index: int, name: str) -> Page:
    scale = paper_scale(page)
    largest = max((picture.coverage for picture in pictures), default=0.0)
    # Compressed scans lay a coarse background under a fine mask: the fine one has the text.
    dpi = max((p.dpi / scale for p in pictures if p.coverage >= largest / 2), default=FALLBACK_DPI)
    if covered_share(pictures, page) < _SCAN_COVERAGE:
        # Text beside the pictures is read too, so it must not get too coarse.
        dpi = max(dpi, FALLBACK_DPI)
    low, high = SCAN_DPI
    image, frame = render(page, min(max(dpi, low), high) * scale, name)
    return Page(
        number=index + 1,
        kind="scan",
        width=image.shape[1],
        height=image.shape[0],
        image=image,
        dpi=frame.scale * PT_PER_INCH / scale,
    )
