"""A .docx -> one page in document order, its tables with their true spans."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from docx.opc.package import OpcPackage
from docx.oxml import parse_xml
from lxml import etree

from giar_ml.document import Page, Problem
from giar_ml.errors import InputError
from giar_ml.load.flow import MAX_COLUMNS, Flow, FlowLine, GridCell
from giar_ml.load.sniff import unsupported
from giar_ml.load.typed import raised, visible

MAX_INFLATED_BYTES = 200_000_000
"""The blank form inflates to 0.3 MB. A ZIP can claim a thousand times its size."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ENCRYPTED_FLAG = 0x1

# What a reader sees with all tracked changes accepted: insertions stay, deletions go. A text box is
# written twice, the second time as a Fallback for old programs; ruby is the reading aid of a character.
_DROPPED = {f"{_W}{name}" for name in ("del", "moveFrom", "instrText", "delText", "rt", "pPr", "rPr")} | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
}
_LEFT_OUT = ("vanish", "strike", "dstrike")
_TEXT_BOX = f"{_W}txbxContent"
_CHARACTERS = {f"{_W}tab": "\t", f"{_W}noBreakHyphen": "-", f"{_W}br": "\n", f"{_W}cr": "\n"}


def read_word(data: bytes, name: str) -> Page:
    """The body as one page of kind "text"."""
    package = _open_package(data, name)
    try:
        main = package.main_document_part
        body = parse_xml(main.blob).find(f"{_W}body")
    except (KeyError, etree.XMLSyntaxError) as error:
        raise _damaged(name) from error
    if body is None:
        raise unsupported(name, "not an ordinary Word document", "save it as .docx or PDF")
    flow = Flow()
    _add_blocks(body, flow)
    n_pictures = sum(rel.reltype == RELATIONSHIP_TYPE.IMAGE for rel in main.rels.values())
    problems = []
    if not (n_pictures or flow.tables or flow.tokens):
        raise InputError(f"{name}: the document has no text; fetch it again", code="empty")
    if n_pictures and not flow.tables:
        problems.append(
            Problem(
                "pictures_not_read",
                f"{name}: no table, but {n_pictures} pictures that are not read; save the document as PDF",
                page=1,
            )
        )
    return flow.to_page(problems=problems)


def _open_package(data: bytes, name: str) -> OpcPackage:
    try:
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
        return OpcPackage.open(BytesIO(data))
    except (
        BadZipFile,
        PackageNotFoundError,
        KeyError,
        ValueError,
        EOFError,
        NotImplementedError,
        zlib.error,
        etree.XMLSyntaxError,
    ) as error:
        raise _damaged(name) from error


def _damaged(name: str) -> InputError:
    return InputError(f"{name}: the Word document is cut off or broken; fetch it again", code="damaged")


def _children(element: etree._Element, *tags: str) -> Iterator[etree._Element]:
    """Descendants with one of these tags, through wrappers such as content controls and insertions,
    but not into each other."""
    for child in element:
        if child.tag in tags:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _DROPPED:
            yield from _children(child, *tags)


def _add_blocks(container: etree._Element, flow: Flow) -> None:
    for block in _children(container, f"{_W}p", f"{_W}tbl"):
        if block.tag == f"{_W}tbl":
            _add_table(block, flow)
            continue
        for text in _paragraph_text(block).split("\n"):
            flow.add_text(text)
        for text_box in _children(block, _TEXT_BOX):
            _add_blocks(text_box, flow)


def _paragraph_text(paragraph: etree._Element) -> str:
    """Text as shown and not struck out, line breaks as newlines; text boxes stand apart and are left out."""
    parts: list[str] = []

    def collect(element: etree._Element, *, in_superscript: bool = False) -> None:
        for child in element:
            if child.tag == f"{_W}t":
                parts.append(raised(child.text or "") if in_superscript else child.text or "")
            elif child.tag in _CHARACTERS:
                parts.append(_CHARACTERS[child.tag])
            elif (
                isinstance(child.tag, str)
                and child.tag not in _DROPPED
                and child.tag != _TEXT_BOX
                and not any(_is_on(child, "rPr", name) for name in _LEFT_OUT)
            ):
                collect(child, in_superscript=_is_superscript(child))

    collect(paragraph)
    return visible("".join(parts))


def _add_table(table: etree._Element, flow: Flow) -> None:
    cells, nested = _read_grid(table)
    flow.add_table(cells)
    for inner in nested:
        _add_table(inner, flow)


def _read_grid(table: etree._Element) -> tuple[list[GridCell], list[etree._Element]]:
    """The cells in reading order, and the tables inside them that have several cells."""
    cells: list[GridCell] = []
    nested: list[etree._Element] = []
    above: dict[int, GridCell] = {}
    rows = [row for row in _children(table, f"{_W}tr") if row.find(f"{_W}trPr/{_W}del") is None]
    for row_index, row in enumerate(rows):
        column = _number(row, "trPr", "gridBefore", default=0)
        current: dict[int, GridCell] = {}
        previous: GridCell | None = None
        for element in _children(row, f"{_W}tc"):
            if element.find(f"{_W}tcPr/{_W}cellDel") is not None:
                continue
            stop = min(column + max(_number(element, "tcPr", "gridSpan", default=1), 1), MAX_COLUMNS)
            if column >= MAX_COLUMNS:
                break
            upper = above.get(column)
            if _continues(element, "hMerge") and previous is not None:
                cell = previous
                cell.column_stop = stop
            elif _continues(element, "vMerge") and upper is not None and upper.column_stop == stop:
                cell = upper
                cell.row_stop = row_index + 1
            else:
                cell = GridCell(row_index, row_index + 1, column, stop)
                cells.append(cell)
            _add_content(element, cell, nested)
            current[cell.column_start] = previous = cell
            column = stop
        above = current
    return cells, nested


def _add_content(container: etree._Element, cell: GridCell, nested: list[etree._Element]) -> None:
    for block in _children(container, f"{_W}p", f"{_W}tbl"):
        if block.tag == f"{_W}tbl":
            inner = list(_children(block, f"{_W}tr"))
            inner_cells = [tc for row in inner for tc in _children(row, f"{_W}tc")]
            if len(inner_cells) > 1:
                cell.wraps_tables = True
                nested.append(block)
                continue
            for inner_cell in inner_cells:
                _add_content(inner_cell, cell, nested)
            continue
        texts = (text.replace("\t", " ").strip() for text in _paragraph_text(block).split("\n"))
        cell.lines += [FlowLine(text) for text in texts if text]
        for text_box in _children(block, _TEXT_BOX):
            _add_content(text_box, cell, nested)


def _number(element: etree._Element, properties: str, name: str, *, default: int) -> int:
    found = element.find(f"{_W}{properties}/{_W}{name}")
    value = None if found is None else found.get(f"{_W}val")
    return int(value) if value is not None and value.isdecimal() else default


def _continues(cell: etree._Element, name: str) -> bool:
    merge = cell.find(f"{_W}tcPr/{_W}{name}")
    return merge is not None and merge.get(f"{_W}val", "continue") == "continue"


def _is_superscript(run: etree._Element) -> bool:
    found = run.find(f"{_W}rPr/{_W}vertAlign")
    return found is not None and found.get(f"{_W}val") == "superscript"


def _is_on(element: etree._Element, properties: str, name: str) -> bool:
    found = element.find(f"{_W}{properties}/{_W}{name}")
    return found is not None and found.get(f"{_W}val", "1") not in ("0", "false", "off")
