"""Text of any usual encoding -> one page with a token per source line."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from giar_ml.document import BBox, Page, Token
from giar_ml.errors import InputError
from giar_ml.load.sniff import unsupported
from giar_ml.load.typed import visible
from giar_ml.text import display_width, normalize_radicals

MAX_TEXT_BYTES = 20_000_000
"""A report has some 50 kB; an HTML page saved with its pictures a few MB."""

_MAX_CONTROL_SHARE = 0.01  # of the characters; a form feed or a stray byte is no binary file
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HTML_TAG = re.compile(r"<(table|html|body|!doctype\s+html)\b", re.IGNORECASE)
_META_WITHIN = 4096  # bytes; HTML asks for the first 1024, pages with long comments in front exist
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_XML_OFFICE = re.compile(r"<\?mso-application|<w:wordDocument|<pkg:package|<office:document")
# What pages claim and are, but for UTF-8 and GB; browsers read Latin-1 as its superset.
_CHARSETS = {
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
}
_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_USUAL = re.compile(r"[\t\r\n -~\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
_MIN_USUAL_SHARE = 0.9  # of the characters of a text; the wrong byte order gives a third
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class DecodedText(NamedTuple):
    text: str
    is_html: bool


def decode_text(data: bytes, name: str) -> DecodedText:
    """The text without a byte order mark, and whether it is HTML or holds a piece of it.

    Raises:
        InputError: the file is binary, empty, too large or an Office file in XML.
    """
    if len(data) > MAX_TEXT_BYTES:
        raise InputError(
            f"{name}: {len(data) / 1e6:,.0f} MB of text, the limit is {MAX_TEXT_BYTES / 1e6:,.0f} MB;"
            " split the file",
            code="too_large",
        )
    text = _decode(data)
    if text is None or len(_CONTROLS.findall(text)) > _MAX_CONTROL_SHARE * len(text):
        raise unsupported(
            name, "a binary file of an unknown kind", "give a PDF, picture, .docx, HTML or text file"
        )
    text = text.replace("\0", "")
    if not text.strip():
        raise InputError(f"{name}: the file has no text; fetch it again", code="empty")
    if _XML_OFFICE.search(text, 0, _META_WITHIN):
        raise unsupported(name, "an Office document in XML", "save it as .docx or PDF")
    return DecodedText(text, is_html=_HTML_TAG.search(text) is not None)


def read_text(text: str) -> Page:
    """One token per source line, as it stands: empty lines and tabs divide the rows of some dumps."""
    lines = [normalize_radicals(line) for line in _LINE_BREAK.split(visible(text))]
    tokens = tuple(
        Token(line, BBox(0, number - 1, display_width(line), number), line=number)
        for number, line in enumerate(lines, 1)
    )
    width = max((token.bbox.right for token in tokens), default=0)
    return Page(number=1, kind="text", width=width, height=len(lines), tokens=tokens)


def _decode(data: bytes) -> str | None:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, errors="replace").lstrip("\ufeff")
    # Chinese in GB18030 is next to never valid UTF-8, so UTF-8 goes before what the page claims.
    for likely in (_utf16_without_bom(data), "utf-8"):
        if likely and (text := _decode_as(data, likely)) is not None:
            return text
    texts = [_decode_as(data, likely) for likely in (_claimed_encoding(data), "gb18030") if likely]
    decoded = [text for text in texts if text is not None]
    # A charset of single bytes takes any Chinese for letters with accents.
    return max(decoded, key=lambda text: len(_CHINESE.findall(text)), default=None) or _decode_with_flaws(
        data
    )


def _decode_as(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _claimed_encoding(data: bytes) -> str | None:
    """The encoding that a page names, of those that pages have; those of GB are tried without being named."""
    meta = _META_CHARSET.search(data, 0, _META_WITHIN)
    return _CHARSETS.get(meta[1].decode("ascii", errors="replace").lower()) if meta else None


def _utf16_without_bom(data: bytes) -> str | None:
    """The byte order that gives Chinese and ASCII; only UTF-16 has zero bytes and makes sense."""
    sample = data[: 4096 & ~1]
    if len(data) % 2 or 0 not in sample:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, errors="replace")
        n_usual = len(_USUAL.findall(text))
        if n_usual >= _MIN_USUAL_SHARE * len(text):
            return encoding
    return None


def _decode_with_flaws(data: bytes) -> str | None:
    """A file with a few bad bytes, as UTF-8 or GB18030, whichever leaves fewer; None for a binary one."""
    candidates = [data.decode(encoding, errors="replace") for encoding in ("utf-8", "gb18030")]
    best = min(candidates, key=lambda text: text.count("\ufffd"))
    return best if best.count("\ufffd") <= _MAX_CONTROL_SHARE * len(best) else None
