"""PDF -> pages, each read from its text layer where that is sound, else left for OCR as a scan.

PDFium is not thread-safe: one process per worker, no threads.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from giar_ml.document import Page, Problem
from giar_ml.errors import InputError
from giar_ml.load.characters import Chars, group_characters
from giar_ml.load.drawn import Placed, find_drawn_rules, objects_of
from giar_ml.load.limits import MAX_DOCUMENT_PIXELS

DIGITAL_DPI = 144
"""The image of a digital page serves to tell whether its text is what one sees, and to find its rules where
more is drawn than rules: half a point is one pixel."""
SCAN_DPI = (72, 400)
"""A scan is rendered at its own resolution within these."""
FALLBACK_DPI = 200
MAX_PAGE_PIXELS = 100_000_000
"""A larger page is rendered at a lower resolution, down to `MIN_DPI`."""
MIN_DPI = 30

_PT_PER_INCH = 72
_SCAN_COVERAGE = 0.75  # of the page under pictures; the letterheads and photos of reports cover less
_MIN_PICTURE_PX = 64  # smaller ones are backgrounds of one colour, stretched
_MIN_PICTURE_COVERAGE = 0.02  # of the page; a table is larger
_DARK = 160  # gray level: print is darker, the coloured head rows of forms are lighter
_MIN_INK_CONTRAST = 12  # of 255, inside the box of a character that one can see
_INK_STEPS = 7  # pixels both ways that show the contrast of most characters
_NO_INK_EM = 0.02  # no glyph is as low as that
_MAX_BAD_SHARE = 0.2  # of the characters; a sound layer has none, a few symbols at most
_MIN_VISIBLE_SHARE = 0.5
_MIN_LAYER_CHARS = 30  # from here on the statistics of a layer mean something
_UNREAD_MARKS = 150  # glyph-like marks outside all characters: a seal in vectors has fewer, a table more
_UNREAD_MARKS_BARE = 20  # the same on a page with next to no text
_MARK_PX = (6, 60)  # a character or a part of it, at DIGITAL_DPI
_MIN_RULES = 3  # of each direction, in the picture of a table
_BLANK_DARK_SHARE = 0.0005  # of the pixels; one printed line has more

# In any Chinese official text a tenth of the characters are of these. A font whose table is scrambled
# gives characters too, but not these.
_FREQUENT = frozenset("的一是在了有和年政府信息公开行不人数本结果其他计请第条项法申机关处理月日予")
_MIN_FREQUENT_SHARE = 0.02
_SEVERAL = 100  # Chinese characters from which on that share means something

_NO_PAGES = re.compile(rb"/Type\s*/Pages\b[^>]*/Count\s+0\b|/Count\s+0\b[^>]*/Type\s*/Pages\b")
_PASSWORD_ERRORS = (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY)

_UNSEEN_MODES = (pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP)

# A character that PDFium puts for a hyphen at the end of a line.
_PDFIUM_HYPHENS = str.maketrans("\x02\ufffe\xad", "---")


class _Frame(NamedTuple):
    """Page space (points, origin bottom-left) -> pixels of the rendered, upright page."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int
    """Clockwise, of everything together."""
    scale: float

    def to_pixels(self, bboxes: np.ndarray) -> np.ndarray:
        """(N, 4) left, top, right, bottom in pixels of (N, 4) left, bottom, right, top in page space."""
        x0, y0, x1, y1 = bboxes.T
        left, bottom, right, top, rotation, scale = self
        if rotation == 90:
            edges = y0 - bottom, x0 - left, y1 - bottom, x1 - left
        elif rotation == 180:
            edges = right - x1, y0 - bottom, right - x0, y1 - bottom
        elif rotation == 270:
            edges = top - y1, right - x1, top - y0, right - x0
        else:
            edges = x0 - left, top - y1, x1 - left, top - y0
        return np.stack(edges, axis=1) * scale


@dataclass(frozen=True, eq=False)
class _Glyphs:
    """The characters as the file has them, N of them, in page space.

    Args:
        text: (N,) one character each.
        ink: (N, 4) left, bottom, right and top of what one sees.
        body: (N, 4) the same of the full advance.
        angles: (N,) counter-clockwise, to the nearest quarter.
        are_drawn: (N,) bool, false for the invisible text that OCR programs lay over a scan.
        are_embedded: (N,) bool. Without its font in the file a character may leave no ink here, and yet be
            right.
        after_space: (N,) bool.
    """

    text: str
    ink: np.ndarray
    body: np.ndarray
    angles: np.ndarray
    are_drawn: np.ndarray
    are_embedded: np.ndarray
    after_space: np.ndarray

    def __len__(self) -> int:
        return len(self.text)


class _Picture(NamedTuple):
    bbox: tuple[float, float, float, float]  # page space
    coverage: float
    dpi: float
    raw: pdfium.PdfImage


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
    return float((inner < _DARK).mean()) < _BLANK_DARK_SHARE


def _open(data: bytes, name: str) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
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
        # Figures in form fields and typed over the page become part of its text.
        if pdfium_c.FPDFPage_GetAnnotCount(page) > 0:
            pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
            page.close()
            page = pdf[index]
    except pdfium.PdfiumError:
        return _broken_page(index, name)
    try:
        return _analyse(page, index, name)
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


def _analyse(page: pdfium.PdfPage, index: int, name: str) -> Page:
    glyphs = _read_glyphs(page)
    paths, images = _find_objects(page)
    pictures = _find_pictures(page, images)
    turn = _sideways(glyphs, page.get_rotation())
    if _coverage(pictures, page) >= _SCAN_COVERAGE and not _is_backdrop(pictures, glyphs):
        return _scanned_page(page, pictures, index, name)
    gray, frame = _render(page, DIGITAL_DPI, name, turn=turn, grayscale=True)
    chars, are_embedded = _to_chars(glyphs, frame, gray.shape)
    seen = chars.take(~are_embedded | _have_ink(chars, gray, asked=are_embedded))
    boxes = frame.to_pixels(np.array([picture.bbox for picture in pictures], float).reshape(-1, 4))
    boxes = boxes.astype(int)
    if (
        not _is_sound(glyphs, n_chars=len(chars), n_seen=len(seen))
        or _n_unread_marks(gray, seen, boxes) > _unread_limit(len(seen))
        or any(_holds_table(gray, box) for box in boxes)
    ):
        return _scanned_page(page, pictures, index, name)
    dpi = frame.scale * _PT_PER_INCH
    return Page(
        number=index + 1,
        kind="digital",
        width=gray.shape[1],
        height=gray.shape[0],
        image=gray,
        dpi=dpi,
        tokens=group_characters(seen, gray),
        rules=find_drawn_rules(paths, frame.to_pixels, gray, dpi=dpi),
    )


def _scanned_page(page: pdfium.PdfPage, pictures: Sequence[_Picture], index: int, name: str) -> Page:
    largest = max((picture.coverage for picture in pictures), default=0.0)
    # Compressed scans lay a coarse background under a fine mask: the fine one has the text.
    dpi = max((p.dpi for p in pictures if p.coverage >= largest / 2), default=FALLBACK_DPI)
    if (
        _coverage(pictures, page) < _SCAN_COVERAGE
    ):  # text beside the pictures is read too, so it must not get too coarse
        dpi = max(dpi, FALLBACK_DPI)
    low, high = SCAN_DPI
    image, frame = _render(page, min(max(dpi, low), high), name)
    return Page(
        number=index + 1,
        kind="scan",
        width=image.shape[1],
        height=image.shape[0],
        image=image,
        dpi=frame.scale * _PT_PER_INCH,
    )


def _render(
    page: pdfium.PdfPage, dpi: float, name: str, *, turn: int = 0, grayscale: bool = False
) -> tuple[np.ndarray, _Frame]:
    """(H, W, 3) uint8 RGB, or (H, W) grey, and how page space lies on it; coarser than asked for when the
    page is huge."""
    width_pt, height_pt = page.get_size()
    if width_pt <= 0 or height_pt <= 0:
        raise pdfium.PdfiumError("page without a size")
    scale = min(dpi / _PT_PER_INCH, math.sqrt(MAX_PAGE_PIXELS / (width_pt * height_pt)) * 0.999)
    if scale < MIN_DPI / _PT_PER_INCH:
        raise InputError(
            f"{name}: a page of {width_pt / _PT_PER_INCH:,.0f} x {height_pt / _PT_PER_INCH:,.0f} inches;"
            " save it at its paper size",
            code="image_too_large",
        )
    bitmap = page.render(scale=scale, rotation=turn, rev_byteorder=True, grayscale=grayscale)
    image = bitmap.to_numpy().copy()
    bitmap.close()
    left, bottom, right, top = page.get_bbox()
    rotation = (page.get_rotation() + turn) % 360
    return image, _Frame(left, bottom, right, top, rotation, scale)


# Characters


def _read_glyphs(page: pdfium.PdfPage) -> _Glyphs:
    """All characters but white space, in the order of the file."""
    text_page = page.get_textpage()
    raw = text_page.raw
    # What is called for each of thousands of characters is looked up once.
    get_code, get_text_object = pdfium_c.FPDFText_GetUnicode, pdfium_c.FPDFText_GetTextObject
    get_ink, get_body = pdfium_c.FPDFText_GetCharBox, pdfium_c.FPDFText_GetLooseCharBox
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose = pdfium_c.FS_RECTF()
    texts: list[str] = []
    inks: list[float] = []
    bodies: list[float] = []
    spaces: list[bool] = []
    styles: list[tuple[int, bool, float]] = []
    style_of: dict[int, int] = {}  # by the addresses of text objects
    places: list[int] = []  # in `styles`
    fonts: dict[int, bool] = {}
    after_space = False
    for index in range(text_page.count_chars()):
        code = get_code(raw, index)
        text = "\ufffd" if 0xD800 <= code < 0xE000 or code > 0x10FFFF else chr(code)
        if text.isspace() or code == 0:
            # PDFium makes up spaces too, at any gap.
            after_space = after_space or pdfium_c.FPDFText_IsGenerated(raw, index) == 0
            continue
        get_ink(raw, index, left, right, bottom, top)
        get_body(raw, index, loose)
        text_object = get_text_object(raw, index)
        address = _address(text_object)
        if address not in style_of:
            style_of[address] = len(styles)
            is_embedded = _is_embedded(pdfium_c.FPDFTextObj_GetFont(text_object), fonts)
            mode = pdfium_c.FPDFTextObj_GetTextRenderMode(text_object)
            styles.append((mode, is_embedded, pdfium_c.FPDFText_GetCharAngle(raw, index)))
        texts.append(text)
        inks += (left.value, bottom.value, right.value, top.value)
        bodies += (loose.left, loose.bottom, loose.right, loose.top)
        spaces.append(after_space)
        places.append(style_of[address])
        after_space = False
    text_page.close()
    modes, are_embedded, angles = np.array(styles, float).reshape(-1, 3)[np.array(places, np.intp)].T
    are_embedded = are_embedded > 0
    ink, body = (np.array(edges, float).reshape(-1, 4) for edges in (inks, bodies))
    ink_height, body_height = (boxes[:, 3] - boxes[:, 1] for boxes in (ink, body))
    has_body = ~_are_flat(body)
    has_no_ink = has_body & ~are_embedded & (ink_height < _NO_INK_EM * body_height)
    return _Glyphs(
        "".join(texts).translate(_PDFIUM_HYPHENS),
        np.where(has_no_ink[:, None], body, ink),
        np.where(has_body[:, None], body, ink),
        # PDFium counts clockwise.
        np.round(np.degrees(angles) / -90).astype(int) * 90 % 360,
        ~np.isin(modes, _UNSEEN_MODES),
        are_embedded,
        np.array(spaces, bool),
    )


def _is_embedded(font: pdfium_c.FPDF_FONT, known: dict[int, bool]) -> bool:
    address = _address(font)
    if address not in known:
        known[address] = bool(font) and pdfium_c.FPDFFont_GetIsEmbedded(font) == 1
    return known[address]


def _address(pointer: pdfium_c.FPDF_PAGEOBJECT | pdfium_c.FPDF_FONT) -> int:
    return ctypes.addressof(pointer.contents) if pointer else 0


def _are_flat(bboxes: np.ndarray) -> np.ndarray:
    """(N,) bool of (N, 4)."""
    return np.asarray((bboxes[:, 2] <= bboxes[:, 0]) | (bboxes[:, 3] <= bboxes[:, 1]))


def _sideways(glyphs: _Glyphs, rotation: int) -> int:
    """How far to turn the shown page clockwise so that most of its text stands upright."""
    if not len(glyphs):
        return 0
    quarters = np.bincount(glyphs.angles // 90)
    return (90 * int(quarters.argmax()) - rotation) % 360 if quarters.max() > len(glyphs) * 0.8 else 0


def _to_chars(glyphs: _Glyphs, frame: _Frame, shape: tuple[int, ...]) -> tuple[Chars, np.ndarray]:
    """The drawn characters that lie on the shown page, and (N,) bool whether their font is embedded."""
    height, width = shape[:2]
    chars = Chars(glyphs.text, frame.to_pixels(glyphs.ink), frame.to_pixels(glyphs.body), glyphs.after_space)
    xs, ys = (chars.ink[:, :2] + chars.ink[:, 2:]).T / 2
    is_inside = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)
    kept = glyphs.are_drawn & ~_are_flat(glyphs.ink) & is_inside
    return chars.take(kept), glyphs.are_embedded[kept]


def _have_ink(chars: Chars, gray: np.ndarray, *, asked: np.ndarray) -> np.ndarray:
    """(N,) bool: which of those that are asked for have left ink."""
    windows = _widen(chars.ink.astype(int), 1)
    xs, ys = (
        np.linspace(windows[:, side], windows[:, side + 2] - 1, _INK_STEPS, dtype=int).T.clip(0, size - 1)
        for side, size in ((0, gray.shape[1]), (1, gray.shape[0]))
    )
    levels = gray[ys[:, :, None], xs[:, None, :]]
    found = asked & (np.ptp(levels, axis=(1, 2)) >= _MIN_INK_CONTRAST)
    places = np.flatnonzero(asked & ~found)
    for place, (left, top, right, bottom) in zip(places.tolist(), windows[places].tolist(), strict=True):
        patch = gray[top:bottom, left:right]
        if patch.size:
            darkest, lightest, _, _ = cv2.minMaxLoc(patch)
            found[place] = lightest - darkest >= _MIN_INK_CONTRAST
    return found


def _widen(bboxes: np.ndarray, n_pixels: int) -> np.ndarray:
    """(N, 4) int of boxes with so many pixels around them, half open and on the page."""
    more = np.array([-n_pixels, -n_pixels, n_pixels + 1, n_pixels + 1])
    return np.maximum(bboxes + more, 0)


def _is_sound(glyphs: _Glyphs, *, n_chars: int, n_seen: int) -> bool:
    """Whether the layer says what the page shows, as far as characters alone can tell.

    Args:
        n_chars: drawn characters on the shown page.
        n_seen: those among them that have left ink, where they had to.
    """
    if not len(glyphs):
        return True
    counts = Counter(glyphs.text)
    bad = {text for text in counts if _is_bad(text)}
    n_bad = int((_are_flat(glyphs.ink) | [text in bad for text in glyphs.text]).sum())
    if n_bad > _MAX_BAD_SHARE * len(glyphs) or glyphs.are_drawn.sum() < _MIN_VISIBLE_SHARE * len(glyphs):
        return False
    if n_seen < _MIN_VISIBLE_SHARE * n_chars:
        return False
    n_letters = sum(count for text, count in counts.items() if text.isalpha())
    n_chinese = sum(count for text, count in counts.items() if "\u2e80" <= text <= "\u9fff")
    if not n_chinese and n_letters >= _MIN_LAYER_CHARS:  # a font without a table gives letters and accents
        return False
    n_frequent = sum(counts[text] for text in _FREQUENT)
    return n_chinese < _SEVERAL or n_frequent >= _MIN_FREQUENT_SHARE * n_chinese


def _is_bad(text: str) -> bool:
    return text == "\ufffd" or unicodedata.category(text) in ("Co", "Cc", "Cn", "Cs")


# Pictures


def _find_objects(page: pdfium.PdfPage) -> tuple[list[Placed], list[Placed]]:
    """The paths and the images of a page."""
    found: dict[int, list[Placed]] = {pdfium_c.FPDF_PAGEOBJ_PATH: [], pdfium_c.FPDF_PAGEOBJ_IMAGE: []}
    for kind, item in objects_of(page, *found):
        found[kind].append(item)
    return found[pdfium_c.FPDF_PAGEOBJ_PATH], found[pdfium_c.FPDF_PAGEOBJ_IMAGE]


def _find_pictures(page: pdfium.PdfPage, images: Sequence[Placed]) -> list[_Picture]:
    """The pictures that may hold print."""
    left, bottom, right, top = page.get_bbox()
    area = max((right - left) * (top - bottom), 1e-6)
    pictures = []
    for item in images:
        image = pdfium.PdfImage(item.raw, page=page)
        width_px, height_px = image.get_px_size()
        if min(width_px, height_px) < _MIN_PICTURE_PX and width_px * height_px < 100 * _MIN_PICTURE_PX**2:
            continue
        matrix = item.matrix
        corners = [matrix.on_point(x, y) for x, y in ((0, 0), (1, 0), (0, 1), (1, 1))]
        bbox = (
            max(min(x for x, _ in corners), left),
            max(min(y for _, y in corners), bottom),
            min(max(x for x, _ in corners), right),
            min(max(y for _, y in corners), top),
        )
        coverage = max(bbox[2] - bbox[0], 0.0) * max(bbox[3] - bbox[1], 0.0) / area
        width_pt, height_pt = math.hypot(matrix.a, matrix.b), math.hypot(matrix.c, matrix.d)
        if coverage < _MIN_PICTURE_COVERAGE or not width_pt or not height_pt:
            continue
        dpi = max(width_px / width_pt, height_px / height_pt) * _PT_PER_INCH
        pictures.append(_Picture(bbox, coverage, dpi, image))
    return pictures


def _coverage(pictures: Sequence[_Picture], page: pdfium.PdfPage) -> float:
    """Share of the page under pictures together: scanners also write strips."""
    left, bottom, right, top = page.get_bbox()
    grid = np.zeros((100, 100), bool)
    for x0, y0, x1, y1 in (picture.bbox for picture in pictures):
        columns = slice(*(round((x - left) / (right - left) * 100) for x in (x0, x1)))
        rows = slice(*(round((y - bottom) / (top - bottom) * 100) for y in (y0, y1)))
        grid[rows, columns] = True
    return float(grid.mean())


def _is_backdrop(pictures: Sequence[_Picture], glyphs: _Glyphs) -> bool:
    """Whether the pictures are plain paper behind drawn text, as in some letterheads."""
    if glyphs.are_drawn.sum() < _MIN_LAYER_CHARS:
        return False
    for picture in pictures:
        try:
            bitmap = picture.raw.get_bitmap()
        except pdfium.PdfiumError:  # a compression that PDFium only knows while drawing
            return False
        values = bitmap.to_numpy()
        plane = values if values.ndim == 2 else values[:, :, :3].min(axis=2)
        is_plain = float((plane < _DARK).mean()) < _BLANK_DARK_SHARE
        bitmap.close()
        if not is_plain:
            return False
    return True


def _n_unread_marks(gray: np.ndarray, chars: Chars, pictures: np.ndarray) -> int:
    """Marks of the size of print that no character of the layer accounts for.

    Args:
        pictures: (N, 4) their boxes in whole pixels.
    """
    ink = (gray < _DARK).view(np.uint8)
    boxes = np.vstack([chars.ink.astype(int), pictures])
    for left, top, right, bottom in _widen(boxes, 2).tolist():
        ink[top:bottom, left:right] = 0
    # Next to nothing is left, as a rule: its outlines are found sooner than all pixels are given a number.
    outlines, nesting = cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return 0
    points = np.concatenate(outlines)[:, 0]
    starts = np.cumsum([0, *map(len, outlines[:-1])])
    sizes = np.maximum.reduceat(points, starts) - np.minimum.reduceat(points, starts) + 1
    is_whole = nesting[0][:, 3] < 0  # the outline of a mark, not of a hole in one
    low, high = _MARK_PX
    longest = sizes.max(axis=1)
    return int((is_whole & (longest >= low) & (longest <= high)).sum())


def _unread_limit(n_chars: int) -> float:
    if n_chars < _MIN_LAYER_CHARS:
        return _UNREAD_MARKS_BARE
    return max(_UNREAD_MARKS, n_chars / 2)


def _holds_table(gray: np.ndarray, box: np.ndarray) -> bool:
    """Whether a picture on the page shows rules both ways; (4,) its box in whole pixels."""
    left, top, right, bottom = np.maximum(box, 0).tolist()
    ink = (gray[top:bottom, left:right] < _DARK).astype(np.uint8)
    if min(ink.shape) < _MIN_PICTURE_PX:
        return False
    height, width = ink.shape
    for kernel in (np.ones((1, width // 3), np.uint8), np.ones((height // 3, 1), np.uint8)):
        opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
        n_parts, _, stats, _ = cv2.connectedComponentsWithStats(opened)
        thin = np.minimum(stats[1:n_parts, cv2.CC_STAT_WIDTH], stats[1:n_parts, cv2.CC_STAT_HEIGHT]) <= 8
        if int(thin.sum()) < _MIN_RULES:
            return False
    return True
