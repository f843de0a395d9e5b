"""HTML, whole or a piece -> one page in document order, its tables with their true spans."""

from __future__ import annotations

import re
from collections.abc import Iterator

import lxml.html
from lxml import etree

from giar_ml.document import Page
from giar_ml.errors import InputError
from giar_ml.load.flow import MAX_COLUMNS, Flow, FlowLine, GridCell
from giar_ml.load.typed import raised, visible

_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|br|caption|center|dd|div|dl|dt|fieldset|footer|form|h[1-6r]|header"
    "|li|main|nav|ol|option|p|pre|section|td|th|title|tr|ul"
)
_DROPPED = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "select"}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_STRUCK = {"s", "strike", "del"}
_STRUCK_STYLE = re.compile(r"text-decoration[^;]*line-through", re.IGNORECASE)
_SUPERSCRIPT_STYLE = re.compile(r"vertical-align\s*:\s*super", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_SPACES = re.compile(r"[^\S\u3000]+")
_MARKED_UP = re.compile(r"<(html|body|p|div|br)\b", re.IGNORECASE)
_MAX_NESTED_TABLES = 50  # old layouts nest five or six

_Part = FlowLine | etree._Element  # a line of text, or a table


def read_html(source: str, name: str) -> Page:
    """The page as one of kind "text". `line` of a token is its source line."""
    text = _XML_DECLARATION.sub("", source)
    # huge_tree: saved pages hold pictures as data of several MB.
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        root = lxml.html.document_fromstring(text.encode("utf-8", errors="replace"), parser=parser)
    except etree.ParserError as error:  # no element at all
        raise _empty(name) from error
    _check_depth(root, parser, name)
    flow = Flow()
    # Markdown and dumps with a table in HTML between plain lines.
    plain_lines = _MARKED_UP.search(source) is None
    for part in _parts(root, plain_lines=plain_lines):
        if isinstance(part, FlowLine):
            flow.add_text(part.text, line=part.line)
        else:
            _add_table(part, flow)
    if not flow.tokens and not flow.tables:
        raise _empty(name)
    return flow.to_page()


def _empty(name: str) -> InputError:
    return InputError(f"{name}: the page has no text; fetch it again", code="empty")


def _check_depth(root: etree._Element, parser: lxml.html.HTMLParser, name: str) -> None:
    # libxml2 drops what lies deeper than its limit and only logs it.
    is_cut = any("depth" in entry.message for entry in parser.error_log)
    if is_cut or any(
        sum(1 for _ in table.iterancestors("table")) > _MAX_NESTED_TABLES for table in root.iter("table")
    ):
        raise InputError(f"{name}: the page is nested beyond reason; save it as PDF", code="damaged")


def _parts(root: etree._Element, *, plain_lines: bool = False) -> Iterator[_Part]:
    """Lines of text and the outermost tables under `root`, in order; hidden and struck parts are left
    out."""
    words: list[str] = []
    line: int | None = None
    in_superscript: list[etree._Element] = []

    def flush() -> Iterator[FlowLine]:
        nonlocal line
        text = _SPACES.sub(" ", visible("".join(words))).strip()
        if text:
            yield FlowLine(text, line)
        words.clear()
        line = None

    def add(text: str | None, source_line: int | None) -> Iterator[FlowLine]:
        nonlocal line
        # A text node starts on the line of the tag before it, or on a later one when it opens blank.
        for index, piece in enumerate((text or "").split("\n")):
            if index and plain_lines:
                yield from flush()
            if line is None and piece.strip() and source_line is not None:
                line = source_line + index
            piece = raised(piece) if in_superscript else piece
            words.append(piece if plain_lines or not index else "\n" + piece)

    walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walker:
        tag = element.tag
        if in_superscript and in_superscript[-1] is element:
            in_superscript.pop()
        elif event == "start" and _is_superscript(element):
            in_superscript.append(element)
        if event == "start":
            if element is not root and tag == "table":
                yield from flush()
                yield element
                walker.skip_subtree()
            elif tag in _DROPPED or _is_hidden(element) or _is_struck_out(element):
                walker.skip_subtree()
            else:
                if _BLOCKS.fullmatch(tag):
                    yield from flush()
                yield from add(_own_text(element), _source_line(element))
        elif element is not root:
            if event == "end" and _BLOCKS.fullmatch(tag):
                yield from flush()
            if element.tail:
                yield from add(element.tail, _end_line(element) if element.tail.strip() else None)
    yield from flush()


def _own_text(element: etree._Element) -> str | None:
    if element.tag == "input":
        return element.get("value") if element.get("type", "text").lower() in ("text", "number") else None
    return element.text


def _end_line(element: etree._Element) -> int | None:
    """Where the tail of `element` starts: libxml2 only knows where elements start."""
    last = element
    n_breaks = 0
    while len(last):
        last = last[-1]
        n_breaks += (last.tail or "").count("\n")
    start = _source_line(last)
    return None if start is None else start + n_breaks + (last.text or "").count("\n")


def _source_line(element: etree._Element) -> int | None:
    line: object = element.sourceline  # the stubs do not know its type
    return line if isinstance(line, int) else None


def _is_hidden(element: etree._Element) -> bool:
    return (
        "hidden" in element.attrib
        or (element.tag == "input" and element.get("type", "").lower() == "hidden")
        or _HIDDEN_STYLE.search(element.get("style", "")) is not None
    )


def _is_struck_out(element: etree._Element) -> bool:
    return element.tag in _STRUCK or _STRUCK_STYLE.search(element.get("style", "")) is not None


def _is_superscript(element: etree._Element) -> bool:
    # In the style of a block it means something else.
    style = "" if _BLOCKS.fullmatch(element.tag) else element.get("style", "")
    return element.tag == "sup" or _SUPERSCRIPT_STYLE.search(style) is not None


def _add_table(table: etree._Element, flow: Flow) -> None:
    cells, nested, captions = _read_grid(table)
    for caption in captions:
        flow.add_text(caption.text, line=caption.line)
    flow.add_table(cells)
    for inner in nested:
        _add_table(inner, flow)


def _read_grid(
    table: etree._Element,
) -> tuple[list[GridCell], list[etree._Element], list[FlowLine]]:
    """The cells in reading order, the tables inside them that have several cells, and the text beside."""
    rows, loose = _rows(table)
    nested: list[etree._Element] = []
    captions: list[FlowLine] = []
    for element in loose:
        for part in _parts(element):
            if isinstance(part, FlowLine):
                captions.append(part)
            else:
                nested.append(part)
    cells: list[GridCell] = []
    busy: dict[int, int] = {}  # column -> first row where it is free again
    for row_index, row in enumerate(rows):
        column = 0
        for element in row:
            while busy.get(column, 0) > row_index:
                column += 1
            if column >= MAX_COLUMNS:
                break
            stop = column + 1
            limit = min(column + _span(element, "colspan"), MAX_COLUMNS)
            while stop < limit and busy.get(stop, 0) <= row_index:
                stop += 1
            # A span of rows ends with the table; 0 asks for all that are left.
            row_span = _span(element, "rowspan") or len(rows)
            cell = GridCell(row_index, min(row_index + row_span, len(rows)), column, stop)
            _add_content(element, cell, nested)
            cells.append(cell)
            busy.update(dict.fromkeys(range(column, stop), cell.row_stop))
            column = stop
    return cells, nested, captions


def _rows(table: etree._Element) -> tuple[list[list[etree._Element]], list[etree._Element]]:
    """The cells of each row, whatever wraps them, and the elements that stand outside all cells."""
    rows: list[list[etree._Element]] = []
    loose: list[etree._Element] = []
    open_row = False
    walker = etree.iterwalk(table, events=("start", "end"))
    for event, element in walker:
        if element is table:
            continue
        if event == "end":
            open_row = open_row and element.tag != "tr"
        elif element.tag in _DROPPED or _is_hidden(element):
            walker.skip_subtree()
        elif element.tag == "tr":
            rows.append([])
            open_row = True
        elif element.tag in ("td", "th"):
            if not open_row:  # a cell without a row opens one
                rows.append([])
                open_row = True
            rows[-1].append(element)
            walker.skip_subtree()
        elif element.tag not in ("thead", "tbody", "tfoot", "colgroup", "col", "form"):
            loose.append(element)
            walker.skip_subtree()
    return rows, loose


def _add_content(element: etree._Element, cell: GridCell, nested: list[etree._Element]) -> None:
    for part in _parts(element):
        if isinstance(part, FlowLine):
            cell.lines.append(part)
            continue
        inner_rows, _ = _rows(part)
        inner_cells = [inner for row in inner_rows for inner in row]
        if len(inner_cells) > 1:
            cell.wraps_tables = True
            nested.append(part)
        else:
            for inner in inner_cells:
                _add_content(inner, cell, nested)


def _span(cell: etree._Element, name: str) -> int:
    match = re.match(r"\s*(\d{1,6})", cell.get(name, ""))
    if match is None:
        return 1
    return int(match[1]) if name == "rowspan" else max(int(match[1]), 1)
