"""What a file really is, told from its first bytes."""

from __future__ import annotations

import re
from enum import Enum
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from giar_ml.errors import InputError


class Format(Enum):
    PDF = "PDF"
    IMAGE = "image"
    WORD = "Word document"
    TEXT = "text or HTML"


_PDF_HEADER_WITHIN = 1024  # bytes; what readers of PDF accept in front of the header

_IMAGES = (
    re.compile(rb"\x89PNG\r\n\x1a\n"),
    re.compile(rb"\xff\xd8\xff"),  # JPEG
    re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),  # TIFF, BigTIFF
    re.compile(rb"RIFF....WEBP", re.DOTALL),
    # BMP: two letters are too little, so the size of the second header (12 to 124 bytes) must fit too.
    re.compile(rb"BM.{8}....[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
)

_WORD_OR_PDF = "save it as .docx or PDF"
_UNSUPPORTED = (
    (re.compile(rb"\{\\rtf"), "an RTF document", _WORD_OR_PDF),
    (re.compile(rb"GIF8[79]a"), "a GIF picture", "save it as PNG"),
    (re.compile(rb"....ftyp(hei|hev|mif|avif)", re.DOTALL), "a HEIC or AVIF photo", "save it as JPEG"),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "a JPEG 2000 picture", "save it as PNG"),
    (re.compile(rb"AT&TFORM"), "a DjVu document", "save it as PDF"),
    (re.compile(rb"%!PS"), "a PostScript file", "save it as PDF"),
    (re.compile(rb"Rar!|7z\xbc\xaf\x27\x1c|\x1f\x8b|BZh|\xfd7zXZ"), "an archive", "unpack it first"),
    (
        re.compile(rb"MIME-Version:|From: <Saved by", re.IGNORECASE),
        "a web archive (MHTML)",
        "save it as HTML or PDF",
    ),
)

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS = (
    ("WordDocument", "an old binary Word or WPS document (.doc, .wps)", _WORD_OR_PDF),
    ("Workbook", "an old Excel workbook (.xls)", _WORD_OR_PDF),
    ("Book", "an old Excel workbook (.xls)", _WORD_OR_PDF),
    ("PowerPoint Document", "an old PowerPoint file (.ppt)", "save it as PDF"),
    ("__properties_version1.0", "a mail (.msg)", "save its attachment"),
)
_ZIP_PARTS = (
    ("xl/workbook.xml", "an Excel workbook", _WORD_OR_PDF),
    ("ppt/presentation.xml", "a PowerPoint file", "save it as PDF"),
    ("OFD.xml", "an OFD document", "save it as PDF"),
    ("content.xml", "an OpenDocument file", _WORD_OR_PDF),
)


def sniff_format(data: bytes, name: str) -> Format:
    """What `data` is; text when it is nothing else that is known.

    Raises:
        InputError: it is of a kind that is not read, or an encrypted or damaged container.
    """
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN]:
        return Format.PDF
    if any(pattern.match(data) for pattern in _IMAGES):
        return Format.IMAGE
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_zip(data, name)
    if data.startswith(_OLE):
        raise _ole_error(data, name)
    for pattern, what, advice in _UNSUPPORTED:
        if pattern.match(data):
            raise unsupported(name, what, advice)
    return Format.TEXT


def unsupported(name: str, what: str, advice: str) -> InputError:
    return InputError(f"{name}: this is {what}, which is not read; {advice}", code="unsupported_format")


def _sniff_zip(data: bytes, name: str) -> Format:
    try:
        with ZipFile(BytesIO(data)) as archive:
            parts = set(archive.namelist())
    except (BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(
            f"{name}: a Word document or archive that is cut off or broken; fetch it again", code="damaged"
        ) from error
    if "word/document.xml" in parts:
        return Format.WORD
    for part, what, advice in _ZIP_PARTS:
        if part in parts:
            raise unsupported(name, what, advice)
    if "[Content_Types].xml" in parts:
        return Format.WORD  # the main part may have another name
    raise unsupported(name, "a ZIP archive", "unpack it first")


def _ole_error(data: bytes, name: str) -> InputError:
    # The names of the streams stand in the container's directory as UTF-16.
    if "EncryptedPackage".encode("utf-16-le") in data:
        return InputError(
            f"{name}: the document is protected by a password; save it without one", code="encrypted"
        )
    for stream, what, advice in _OLE_STREAMS:
        if stream.encode("utf-16-le") in data:
            return unsupported(name, what, advice)
    return unsupported(name, "an old binary Office file", _WORD_OR_PDF)
