"""The text layer of a PDF page: its characters, and whether they are what one sees."""

from __future__ import annotations

import ctypes
import unicodedata
from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from giar_ml.load.characters import Chars
from giar_ml.load.rendering import Frame

_MIN_INK_CONTRAST = 12  # of 255, inside the box of a character that one can see
_INK_STEPS = 7  # pixels both ways that show the contrast of most characters
_NO_INK_EM = 0.02  # no glyph is as low as that
_MAX_BAD_SHARE = 0.2  # of the characters; a sound layer has none, a few symbols at most
_MIN_VISIBLE_SHARE = 0.5
MIN_LAYER_CHARS = 30  # from here on the statistics of a layer mean something

# In any Chinese official text a tenth of the characters are of these. A font whose table is scrambled
# gives characters too, but not these.
_FREQUENT = frozenset("的一是在了有和年政府信息公开行不人数本结果其他计请第条项法申机关处理月日予")
_MIN_FREQUENT_SHARE = 0.02
_SEVERAL = 100  # Chinese characters from which on that share means something

_UNSEEN_MODES = (pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP)

# A character that PDFium puts for a hyphen at the end of a line.
_PDFIUM_HYPHENS = str.maketrans("\x02\ufffe\xad", "---")


@dataclass(frozen=True, eq=False)
class Glyphs:
    """The characters as the file has them, N of them, in page space.

    Args:
        text: (N,) one character each.
        ink: (N, 4) left, bottom, right and top of what one sees.
        body: (N, 4) the same of the full advance.
        angles: (N,) counter-clockwise, to the nearest quarter.
        are_drawn: (N,) bool, false for the invisible text that OCR programs lay over a scan.
        leave_ink: (N,) bool, of what is seen. Without its font in the file a character may leave no ink here,
            and yet be right; but Latin ones that the font in its place has are drawn.
        after_space: (N,) bool.
    """

    text: str
    ink: np.ndarray
    body: np.ndarray
    angles: np.ndarray
    are_drawn: np.ndarray
    leave_ink: np.ndarray
    after_space: np.ndarray

    def __len__(self) -> int:
        return len(self.text)


def read_glyphs(page: pdfium.PdfPage) -> Glyphs:
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
    is_latin = np.array([text.isascii() for text in texts], bool)
    return Glyphs(
        "".join(texts).translate(_PDFIUM_HYPHENS),
        np.where(has_no_ink[:, None], body, ink),
        np.where(has_body[:, None], body, ink),
        # PDFium counts clockwise.
        np.round(np.degrees(angles) / -90).astype(int) * 90 % 360,
        ~np.isin(modes, _UNSEEN_MODES),
        are_embedded | (is_latin & has_body & ~has_no_ink & ~_are_flat(ink)),
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


def find_turn(glyphs: Glyphs, rotation: int) -> int:
    """How far to turn the shown page clockwise so that most of its text stands upright."""
    if not len(glyphs):
        return 0
    quarters = np.bincount(glyphs.angles // 90)
    return (90 * int(quarters.argmax()) - rotation) % 360 if quarters.max() > len(glyphs) * 0.8 else 0


def to_chars(glyphs: Glyphs, frame: Frame, shape: tuple[int, ...]) -> tuple[Chars, np.ndarray]:
    """The drawn characters that lie on the shown page, and (N,) bool which of them leave ink."""
    height, width = shape[:2]
    chars = Chars(glyphs.text, frame.to_pixels(glyphs.ink), frame.to_pixels(glyphs.body), glyphs.after_space)
    xs, ys = (chars.ink[:, :2] + chars.ink[:, 2:]).T / 2
    is_inside = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)
    kept = glyphs.are_drawn & ~_are_flat(glyphs.ink) & is_inside
    return chars.take(kept), glyphs.leave_ink[kept]


def have_ink(chars: Chars, gray: np.ndarray, *, asked: np.ndarray) -> np.ndarray:
    """(N,) bool: which of those that are asked for have left ink."""
    windows = widen(chars.ink.astype(int), 1)
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


def widen(bboxes: np.ndarray, n_pixels: int) -> np.ndarray:
    """(N, 4) int of boxes with so many pixels around them, half open and on the page."""
    more = np.array([-n_pixels, -n_pixels, n_pixels + 1, n_pixels + 1])
    return np.maximum(bboxes + more, 0)


def is_sound(glyphs: Glyphs, *, n_chars: int, n_seen: int) -> bool:
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
    if not n_chinese and n_letters >= MIN_LAYER_CHARS:  # a font without a table gives letters and accents
        return False
    n_frequent = sum(counts[text] for text in _FREQUENT)
    return n_chinese < _SEVERAL or n_frequent >= _MIN_FREQUENT_SHARE * n_chinese


def _is_bad(text: str) -> bool:
    return text == "\ufffd" or unicodedata.category(text) in ("Co", "Cc", "Cn", "Cs")
