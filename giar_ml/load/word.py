"""A .docx -> one page in document order, its tables with their true spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from giar_ml.document import Page, Problem
from giar_ml.errors import InputError
from giar_ml.load.flow import INK, MAX_COLUMNS, Flow, FlowLine, Grid, GridCell
from giar_ml.load.package import read_parts
from giar_ml.load.sniff import unsupported
from giar_ml.load.typed import raised, visible
from giar_ml.load.word_styles import Look, W, WordStyles, ground

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

# What a reader sees with all tracked changes accepted: insertions stay, deletions go. A text box is
# written twice, the second time as a Fallback for old programs; ruby is the reading aid of a character.
_DROPPED = {f"{W}{name}" for name in ("del", "moveFrom", "instrText", "delText", "rt", "pPr", "rPr")} | {
    f"{_MC}Fallback"
}
# Shows nothing, or the mark of a note.
_SILENT = re.compile(
    rf"{W}(?:\w+(?:Start|End|RangeStart|RangeEnd)|proofErr|lastRenderedPageBreak|softHyphen|\w+Pr"
    r"|(?:footnote|endnote|comment)Reference|(?:footnote|endnote|annotation)Ref|(?:continuationS|s)eparator"
    rf"|delInstrText|fldData)|{_M}\w+Pr"
)
_WRAPPERS = {
    *(f"{W}{name}" for name in ("bdo", "customXml", "dir", "fldSimple", "hyperlink", "ins", "moveTo")),
    *(f"{W}{name}" for name in ("ruby", "rubyBase", "sdt", "sdtContent", "smartTag")),
    *(f"{_M}{name}" for name in ("oMath", "oMathPara")),
    *(f"{_MC}{name}" for name in ("AlternateContent", "Choice")),
}
_RUNS = {f"{W}r", f"{_M}r"}
_TEXTS = {f"{W}t", f"{_M}t"}
_TEXT_BOX = f"{W}txbxContent"
_CHARACTERS = {
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}noBreakHyphen": "-",
    f"{W}br": "\n",
    f"{W}cr": "\n",
}
_PICTURES = {
    "{http://schemas.openxmlformats.org/drawingml/2006/main}blip",
    "{urn:schemas-microsoft-com:vml}imagedata",
    "{urn:schemas-microsoft-com:office:office}OLEObject",
}
_EXTENT = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}extent"
_TINY_EMU = 19_050  # 2 pixels of 96 dpi
_DIGIT = re.compile(r"\d")
_WHITE = "FFFFFF"


def read_word(data: bytes, name: str) -> Page:
    """The body as one page of kind "text"."""
    try:
        return _read_word(data, name)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # what a broken file makes of ZIP, XML and numbers has no end
        raise InputError(
            f"{name}: the Word document is cut off or broken; fetch it again", code="damaged"
        ) from error


def _read_word(data: bytes, name: str) -> Page:
    parts = read_parts(data, name)
    body = parts.document.find(f"{W}body")
    if body is None:
        raise unsupported(name, "not an ordinary Word document", "save it as .docx or PDF")
    flow = Flow()
    _add_blocks(body, flow, WordStyles(parts.styles))
    problems = []
    if not (parts.n_pictures or flow.tables or flow.tokens):
        raise InputError(f"{name}: the document has no text; fetch it again", code="empty")
    if parts.n_pictures and not flow.tables:
        problems.append(
            Problem(
                "pictures_not_read",
                f"{name}: no table, but {parts.n_pictures} pictures that are not read; save the document as"
                " PDF",
                page=1,
            )
        )
    return flow.to_page(problems=problems)


def _children(element: etree._Element, *tags: str) -> Iterator[etree._Element]:
    """Descendants with one of these tags, through wrappers such as content controls and insertions,
    but not into each other."""
    for child in element:
        if child.tag in tags:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _DROPPED:
            yield from _children(child, *tags)


def _add_blocks(container: etree._Element, flow: Flow, styles: WordStyles) -> None:
    for block in _children(container, f"{W}p", f"{W}tbl"):
        if block.tag == f"{W}tbl":
            flow.add_grid(_read_grid(block, styles))
            continue
        for text in _paragraph_text(block, styles).split("\n"):
            flow.add_text(text)
        for text_box in _children(block, _TEXT_BOX):
            _add_blocks(text_box, flow, styles)


def _paragraph_text(paragraph: etree._Element, styles: WordStyles, *, on_white: bool = True) -> str:
    """Text as shown and not struck out, line breaks as newlines; text boxes stand apart and are left out.

    Args:
        on_white: whether the ground of its cell is white.
    """
    look = styles.of_paragraph(paragraph)
    text = _Text(styles, on_white=on_white)
    if look.get("numId"):  # the number of a list is nowhere written
        text.parts.append(INK)
    text.collect(paragraph, look)
    return visible("".join(text.parts))


@dataclass
class _Text:
    """The text of a paragraph under construction."""

    styles: WordStyles
    on_white: bool
    parts: list[str] = field(default_factory=list)
    position: str | None = None
    """How high the first text of the paragraph was set."""
    fields: list[tuple[int, str]] = field(default_factory=list)
    """Of each open field, where its text begins, and its choice from a list."""

    def collect(self, element: etree._Element, look: Look) -> None:
        for child in element:
            tag = child.tag
            if not isinstance(tag, str) or tag in _DROPPED or tag == _TEXT_BOX:
                continue
            if tag in _RUNS:
                run_look = self.styles.of_run(child, look)
                if not any(run_look.get(name) for name in ("vanish", "strike", "dstrike")):
                    self.collect(child, run_look)
            elif tag in _TEXTS:
                self.add(child.text or "", look)
            elif tag in _CHARACTERS:
                self.parts.append(_CHARACTERS[tag])
            elif tag in _WRAPPERS:
                self.collect(child, look)
            elif tag == f"{W}fldChar":
                self.add_field(child, look)
            elif not _SILENT.fullmatch(tag) and _is_ink(child):
                self.parts.append(INK)

    def add(self, text: str, look: Look) -> None:
        position = look.get("position") or "0"
        if self.position is None and text.strip():
            self.position = position
        if look.get("vertAlign") in ("superscript", "subscript") or position != (self.position or position):
            text = raised(text)
        is_white = look.get("color", "").upper() == _WHITE
        if is_white and self.on_white and not (look.get("shd") or look.get("highlight")):
            # The style of the table may colour its ground.
            text = _DIGIT.sub(INK, text)
        self.parts.append(text)

    def add_field(self, mark: etree._Element, look: Look) -> None:
        """Note where a field begins; at its end add the choice from its list, unless it stands there."""
        kind = mark.get(f"{W}fldCharType")
        if kind == "begin":
            self.fields.append((len(self.parts), _choice(mark)))
        elif kind == "end" and self.fields:
            start, choice = self.fields.pop()
            if choice and not "".join(self.parts[start:]).strip():
                self.add(choice, look)


def _choice(mark: etree._Element) -> str:
    """What a field of a form shows of itself: the choice from a list, a box to tick."""
    data = mark.find(f"{W}ffData")
    if data is None:
        return ""
    if (choices := data.find(f"{W}ddList")) is None:
        return INK if data.find(f"{W}checkBox") is not None else ""
    texts = [entry.get(f"{W}val", "") for entry in choices.iterfind(f"{W}listEntry")]
    chosen = _number(data, "ddList", "result", default=_number(data, "ddList", "default", default=0))
    return texts[chosen] if chosen < len(texts) else INK


def _is_ink(element: etree._Element) -> bool:
    """Whether an element that is not understood may show something that is not read elsewhere."""
    has_text, has_picture = (_has(element, *tags) for tags in ((_TEXT_BOX,), _PICTURES))
    if has_text and not has_picture:
        return False
    extent = next(element.iter(_EXTENT), None)
    sizes = [] if extent is None else [extent.get("cx", ""), extent.get("cy", "")]
    return not any(size.isdecimal() and int(size) <= _TINY_EMU for size in sizes)


def _has(element: etree._Element, *tags: str) -> bool:
    return next(element.iter(*tags), None) is not None


def _read_grid(table: etree._Element, styles: WordStyles) -> Grid:
    """The cells in reading order, and the tables inside them that have several cells."""
    grid = Grid()
    above: dict[int, GridCell] = {}
    rows = [row for row in _children(table, f"{W}tr") if not _is_left_out(row)]
    for row_index, row in enumerate(rows):
        column = _number(row, "trPr", "gridBefore", default=0)
        current: dict[int, GridCell] = {}
        previous: GridCell | None = None
        for element in _children(row, f"{W}tc"):
            if element.find(f"{W}tcPr/{W}cellDel") is not None:
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
                grid.cells.append(cell)
            on_white = not ground(element.find(f"{W}tcPr"))
            _add_content(element, cell, grid, styles, on_white=on_white)
            current[cell.column_start] = previous = cell
            column = stop
        above = current
    return grid


def _is_left_out(row: etree._Element) -> bool:
    return row.find(f"{W}trPr/{W}del") is not None or _is_on(row, "trPr", "hidden")


def _add_content(
    container: etree._Element, cell: GridCell, grid: Grid, styles: WordStyles, *, on_white: bool
) -> None:
    for block in _children(container, f"{W}p", f"{W}tbl", f"{W}altChunk"):
        if block.tag == f"{W}altChunk":
            cell.lines.append(FlowLine(INK))
            continue
        if block.tag == f"{W}tbl":
            grid.put_inside(cell, _read_grid(block, styles))
            continue
        text = _paragraph_text(block, styles, on_white=on_white)
        texts = (line.replace("\t", " ").strip() for line in text.split("\n"))
        cell.lines += [FlowLine(text) for text in texts if text]
        for text_box in _children(block, _TEXT_BOX):
            _add_content(text_box, cell, grid, styles, on_white=on_white)


def _number(element: etree._Element, properties: str, name: str, *, default: int) -> int:
    found = element.find(f"{W}{properties}/{W}{name}")
    value = None if found is None else found.get(f"{W}val")
    return int(value) if value is not None and value.isdecimal() else default


def _continues(cell: etree._Element, name: str) -> bool:
    merge = cell.find(f"{W}tcPr/{W}{name}")
    return merge is not None and merge.get(f"{W}val", "continue") == "continue"


def _is_on(element: etree._Element, properties: str, name: str) -> bool:
    found = element.find(f"{W}{properties}/{W}{name}")
    return found is not None and found.get(f"{W}val", "1") not in ("0", "false", "off")
