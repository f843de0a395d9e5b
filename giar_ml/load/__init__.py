"""Read one file into a Document. The only reader of input files.

A file is what its content says, whatever its suffix. Each format has its own module, imported when a
file needs it. What cannot be read raises `InputError` with one of these codes:

| code | the file |
|---|---|
| `not_found`, `not_a_file`, `not_readable` | is not there, is a folder or device, may not be opened |
| `empty` | has no content |
| `too_large` | is larger than `MAX_FILE_BYTES`, text than `text.MAX_TEXT_BYTES`, or grows beyond reason |
| `unsupported_format` | is of a kind that is not read; the message names the kind |
| `encrypted` | needs a password |
| `damaged` | is cut off or broken |
| `no_pages`, `too_many_pages` | is a PDF or TIFF without pages, or with more than `max_pages` |
| `image_too_small`, `image_too_large` | is a picture that cannot hold a form, or that would fill the memory |

A single broken page of a PDF is no such error: that page comes back blank, with a problem
`page_damaged`. A Word file without tables but with pictures has a problem `pictures_not_read`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from giar_ml.document import Document, Page, SourceKind
from giar_ml.errors import InputError
from giar_ml.load.sniff import Format, sniff_format

MAX_FILE_BYTES = 200_000_000
"""Reports have less than 10 MB; a whole year of scans in one file has about 100."""


def load(path: Path, *, max_pages: int = 200) -> Document:
    """The pages of a PDF, image, Word, HTML or text file.

    PDF pages with a sound text layer and all text inputs carry their tokens; scanned pages and images
    carry none yet. Word and HTML pages carry their tables too. Not thread-safe: PDFium is not.

    Raises:
        InputError: the file cannot be read; see the codes above.
    """
    data = read_bytes(path)
    kind, pages = _read_pages(data, path.name, max_pages=max_pages)
    return Document(path=path, sha256=hashlib.sha256(data).hexdigest(), kind=kind, pages=tuple(pages))


def _read_pages(data: bytes, name: str, *, max_pages: int) -> tuple[SourceKind, list[Page]]:
    match sniff_format(data, name):
        case Format.PDF:
            from giar_ml.load.pdf import is_scan, read_pdf

            pages = read_pdf(data, name, max_pages=max_pages)
            return ("scan" if is_scan(pages) else "digital"), pages
        case Format.IMAGE:
            from giar_ml.load.image import read_image

            return "image", read_image(data, name, max_pages=max_pages)
        case Format.WORD:
            from giar_ml.load.word import read_word

            return "word", [read_word(data, name)]
        case Format.TEXT:
            from giar_ml.load.text import decode_text, read_text

            source = decode_text(data, name)
            if source.is_html:
                from giar_ml.load.html import read_html

                return "html", [read_html(source.text, name)]
            return "text", [read_text(source.text)]


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        InputError: it cannot be opened, is none, is empty or too large.
    """
    try:
        if not path.exists():
            raise InputError(f"{path.name}: no such file; check the path", code="not_found")
        if path.is_dir():
            raise InputError(
                f"{path.name}: a folder without a file that could be a report; give files or another folder",
                code="not_a_file",
            )
        if not path.is_file():
            raise InputError(f"{path.name}: not a file; save it as one first", code="not_a_file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise InputError(
                f"{path.name}: {size / 1e6:,.0f} MB, the limit is {MAX_FILE_BYTES / 1e6:,.0f} MB;"
                " split the file",
                code="too_large",
            )
        data = path.read_bytes()
    except PermissionError as error:
        raise InputError(
            f"{path.name}: may not be opened; ask for the right to read it", code="not_readable"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path.name}: cannot be opened ({error.strerror}); copy it to this machine and try again",
            code="not_readable",
        ) from error
    if not data:
        raise InputError(f"{path.name}: the file is empty; fetch it again", code="empty")
    return data
