"""A .docx -> the parts of it that are read, as XML."""

from __future__ import annotations

import posixpath
from io import BytesIO
from typing import NamedTuple
from zipfile import ZipFile

from lxml import etree

from giar_ml.errors import InputError
from giar_ml.load.sniff import unsupported

MAX_INFLATED_BYTES = 200_000_000
"""The blank form inflates to 0.3 MB. A ZIP can claim a thousand times its size."""
MAX_XML_BYTES = 20_000_000
"""Of each part that is read; the blank form's largest has 0.2 MB."""
MAX_XML_TAGS = 500_000
"""Of each part that is read: an element takes some hundred times the memory of its shortest tag."""

_ENCRYPTED_FLAG = 0x1
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"


class WordParts(NamedTuple):
    document: etree._Element
    styles: etree._Element | None
    n_pictures: int


class _Relationship(NamedTuple):
    kind: str
    target: str
    """Name of the part; empty for what lies elsewhere."""


def read_parts(data: bytes, name: str) -> WordParts:
    """The main part of a Word document, its styles, and how many pictures it has.

    Raises:
        InputError: it is protected, too large or in the strict variant of the format.
        Exception: of any kind, where it is broken.
    """
    with ZipFile(BytesIO(data)) as archive:
        parts = archive.infolist()
        if any(part.flag_bits & _ENCRYPTED_FLAG for part in parts):
            raise InputError(
                f"{name}: the document is protected by a password; save it without one", code="encrypted"
            )
        n_bytes = sum(part.file_size for part in parts)
        if n_bytes > MAX_INFLATED_BYTES:
            raise InputError(
                f"{name}: inflates to {n_bytes / 1e6:,.0f} MB, the limit is"
                f" {MAX_INFLATED_BYTES / 1e6:,.0f} MB; take out its pictures or save it as PDF",
                code="too_large",
            )
        of_package = _relationships(archive, "", name)
        mains = {r.target for r in of_package if r.kind == f"{_OFFICE}/officeDocument"}
        if not mains and any(r.kind == f"{_STRICT_OFFICE}/officeDocument" for r in of_package):
            raise unsupported(name, "a Word document in the strict format", "save it as an ordinary .docx")
        (main,) = mains
        relationships = _relationships(archive, main, name)
        styles = next((r.target for r in relationships if r.kind == f"{_OFFICE}/styles"), None)
        return WordParts(
            _read_xml(archive, main, name),
            _read_xml(archive, styles, name) if styles else None,
            sum(r.kind == f"{_OFFICE}/image" for r in relationships),
        )


def _relationships(archive: ZipFile, part: str, name: str) -> list[_Relationship]:
    """What a part, or the package, refers to."""
    folder, base = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{base}.rels")
    if part and path not in archive.namelist():
        return []
    found = []
    for element in _read_xml(archive, path, name).iter(_RELATIONSHIP):
        inside = element.get("TargetMode") != "External"
        target = posixpath.normpath(posixpath.join("/", folder, str(element.attrib["Target"]))).lstrip("/")
        found.append(_Relationship(element.get("Type", ""), target if inside else ""))
    return found


def _read_xml(archive: ZipFile, part: str, name: str) -> etree._Element:
    n_bytes = archive.getinfo(part).file_size
    if n_bytes > MAX_XML_BYTES:
        raise InputError(
            f"{name}: {n_bytes / 1e6:,.0f} MB of text, the limit is {MAX_XML_BYTES / 1e6:,.0f} MB;"
            " save it as PDF",
            code="too_large",
        )
    xml = archive.read(part)
    if (n_tags := xml.count(b"<")) > MAX_XML_TAGS:
        raise InputError(
            f"{name}: {n_tags:,} tags, the limit is {MAX_XML_TAGS:,}; save it as PDF", code="too_large"
        )
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("the format knows no document types")  # they define entities
    return root
