"""HTML, whole or a piece -> one page in document order, its tables with their true spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import lxml.html
from lxml import etree

from giar_ml.document import Page
from giar_ml.errors import InputError
from giar_ml.load.flow import INK, MAX_COLUMNS, Flow, FlowLine, Grid, GridCell
from giar_ml.load.style import Styles
from giar_ml.load.typed import raised, visible

_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|br|caption|center|dd|details|div|dl|dt|fieldset|footer|form"
    "|h[1-6r]|header|li|main|nav|ol|p|pre|section|summary|td|th|title|tr|ul"
)
# Shows nothing, or only the reading of a character.
_DROPPED = {"script", "style", "template", "datalist", "rt", "rp"}
# Shows something that is no text, or a text elsewhere than it stands in the source.
_NO_TEXT = {
    *("applet", "audio", "canvas", "embed", "frame", "iframe", "img", "math", "meter", "noscript", "object"),
    *("progress", "svg", "video"),
}
_INPUTS_WITHOUT_TEXT = {
    *("button", "checkbox", "color", "file", "image", "password", "radio", "range", "reset", "submit"),
}
_RAISED = {"sup", "sub"}
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
    styles = Styles(root)
    flow = Flow()
    # Markdown and dumps with a table in HTML between plain lines.
    plain_lines = _MARKED_UP.search(source) is None
    for part in _parts(root, styles, plain_lines=plain_lines):
        if isinstance(part, FlowLine):
            flow.add_text(part.text, line=part.line)
        else:
            flow.add_grid(_read_grid(part, styles))
    if not flow.tokens and not flow.tables:
        raise _empty(name)
    return flow.to_page()


def _empty(name: str) -> InputError:
    return InputError(f"{name}: the page has no text; fetch it again", code="empty")


def _check_depth(root: etree._Element, parser: lxml.html.HTMLParser, name: str) -> None:
    # libxml2 drops what lies deeper than its limit and only logs it.
    is_cut = any("depth" in entry.message for entry in parser.error_log)
    n_open = most_open = 0
    for event, _ in etree.iterwalk(root, events=("start", "end"), tag="table"):
        n_open += 1 if event == "start" else -1
        most_open = max(most_open, n_open)
    if is_cut or most_open > _MAX_NESTED_TABLES:
        raise InputError(f"{name}: the page is nested beyond reason; save it as PDF", code="damaged")


def _parts(root: etree._Element, styles: Styles, *, plain_lines: bool = False) -> Iterator[_Part]:
    """Lines of text and the outermost tables under `root`, in order; hidden and struck parts are left
    out."""
    words: list[str] = []
    line: int | None = None
    here: int | None = None  # the source line that was reached: libxml2 only knows where elements start
    in_raised: list[etree._Element] = []
    is_cell = root.tag in ("td", "th")

    def flush() -> Iterator[FlowLine]:
        nonlocal line
        text = _SPACES.sub(" ", visible("".join(words))).strip()
        if text:
            yield FlowLine(text, line)
        words.clear()
        line = None

    def add(text: str | None) -> Iterator[FlowLine]:
        nonlocal line, here
        # A text node starts on the line of the tag before it, or on a later one when it opens blank.
        for index, piece in enumerate((text or "").split("\n")):
            if index and here is not None:
                here += 1
            if index and plain_lines:
                yield from flush()
            if line is None and piece.strip():
                line = here
            piece = raised(piece) if in_raised else piece
            words.append(piece if plain_lines or not index else "\n" + piece)

    walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walker:
        tag = element.tag
        if event == "start":
            here = _source_line(element)
            text = _shown_text(element, styles, is_cell=is_cell)
            if text is not None:
                if text:
                    yield from add(text)
            elif element is not root and tag == "table":
                yield from flush()
                yield element
            else:
                if _is_raised(element, styles):
                    in_raised.append(element)
                if _BLOCKS.fullmatch(tag):
                    yield from flush()
                if not _is_closed(element):
                    yield from add(element.text)
                continue
            here = _end_line(element)
            walker.skip_subtree()
            continue
        if event == "end":
            if in_raised and in_raised[-1] is element:
                in_raised.pop()
            if element is not root and _BLOCKS.fullmatch(tag):
                yield from flush()
        else:  # of a comment libxml2 knows where it ends
            here = _source_line(element)
        if element is not root and element.tail and not _is_closed(element.getparent()):
            yield from add(element.tail)
    yield from flush()


def _shown_text(element: etree._Element, styles: Styles, *, is_cell: bool) -> str | None:
    """What is read of an element as a whole, `INK` where it shows no text; None if its content is to be
    walked through."""
    tag = element.tag
    if tag in _DROPPED or styles.is_gone(element) or _is_folded(element):
        return ""
    if styles.is_blank(element):
        return INK if styles.is_invisible(element) and styles.reappears(element) else ""
    if tag in _NO_TEXT:
        return "" if styles.is_tiny(element) else INK
    if tag == "input":
        kind = element.get("type", "").strip().lower()
        if kind == "hidden":
            return ""
        return INK if kind in _INPUTS_WITHOUT_TEXT else element.get("value", "")
    if tag == "select":  # those of a page, not of a table, lead elsewhere
        return _chosen(element) if is_cell else ""
    return None


def _chosen(select: etree._Element) -> str:
    """The option that a closed list shows."""
    options = list(select.iter("option"))
    if "multiple" in select.attrib or select.get("size", "1").strip() not in ("", "0", "1"):
        return INK
    chosen = [option for option in options if "selected" in option.attrib][-1:] or options[:1]
    return "".join(str(text) for option in chosen for text in option.itertext())


def _is_closed(element: etree._Element | None) -> bool:
    return element is not None and element.tag == "details" and "open" not in element.attrib


def _is_folded(element: etree._Element) -> bool:
    """Whether an element lies in a closed element of details, of which only the summary is seen."""
    return element.tag != "summary" and _is_closed(element.getparent())


def _end_line(element: etree._Element) -> int | None:
    """Where an element that was skipped ends."""
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


def _is_raised(element: etree._Element, styles: Styles) -> bool:
    if element.tag in _RAISED:
        return True
    # In the style of a block it means something else.
    align = "" if _BLOCKS.fullmatch(element.tag) else styles.of(element).get("vertical-align")
    return align in ("super", "sub")


class _Row(NamedTuple):
    cells: list[etree._Element]
    group: int
    """Of thead, tbody and tfoot, in which spans of rows end."""
    is_blank: bool


def _read_grid(table: etree._Element, styles: Styles) -> Grid:
    """The cells in reading order, the tables inside them that have several cells, and the text beside."""
    rows, loose = _rows(table, styles)
    grid = Grid()
    for element in loose:
        for part in _parts(element, styles):
            if isinstance(part, FlowLine):
                grid.captions.append(part)
            else:
                grid.nested.append(_read_grid(part, styles))
    group_stops = {row.group: row_index + 1 for row_index, row in enumerate(rows)}
    busy: dict[int, int] = {}  # column -> first row where it is free again
    for row_index, row in enumerate(rows):
        column = 0
        for element in row.cells:
            while busy.get(column, 0) > row_index:
                column += 1
            if column >= MAX_COLUMNS:
                break
            stop = column + 1
            limit = min(column + _span(element, "colspan"), MAX_COLUMNS)
            while stop < limit and busy.get(stop, 0) <= row_index:
                stop += 1
            # 0 asks for all rows that are left.
            row_span = _span(element, "rowspan") or len(rows)
            cell = GridCell(row_index, min(row_index + row_span, group_stops[row.group]), column, stop)
            _add_content(element, cell, grid, styles, is_blank=row.is_blank)
            grid.cells.append(cell)
            busy.update(dict.fromkeys(range(column, stop), cell.row_stop))
            column = stop
    return grid


def _rows(table: etree._Element, styles: Styles) -> tuple[list[_Row], list[etree._Element]]:
    """The cells of each row, whatever wraps them, and the elements that stand outside all cells."""
    rows: list[_Row] = []
    loose: list[etree._Element] = []
    blank: list[etree._Element] = []  # the open elements of which nothing is seen
    open_row = False
    group = 0
    walker = etree.iterwalk(table, events=("start", "end"))
    for event, element in walker:
        tag = element.tag
        if element is table:
            continue
        if tag in ("thead", "tbody", "tfoot"):
            group += 1
        if event == "end":
            open_row = open_row and tag != "tr"
            if blank and blank[-1] is element:
                blank.pop()
        elif tag in _DROPPED or styles.is_gone(element):
            walker.skip_subtree()
        elif tag in ("td", "th"):
            if not open_row:  # a cell without a row opens one
                rows.append(_Row([], group, bool(blank)))
                open_row = True
            rows[-1].cells.append(element)
            walker.skip_subtree()
        elif tag in ("tr", "thead", "tbody", "tfoot", "colgroup", "col", "form"):
            if styles.is_blank(element):
                blank.append(element)
            if tag == "tr":
                rows.append(_Row([], group, bool(blank)))
                open_row = True
        else:
            loose.append(element)
            walker.skip_subtree()
    return rows, loose


def _add_content(
    element: etree._Element, cell: GridCell, grid: Grid, styles: Styles, *, is_blank: bool
) -> None:
    if is_blank:
        if styles.reappears(element) or styles.of(element).get("visibility") == "visible":
            cell.lines.append(FlowLine(INK))
        return
    for part in _parts(element, styles):
        if isinstance(part, FlowLine):
            cell.lines.append(part)
        else:
            grid.put_inside(cell, _read_grid(part, styles))


def _span(cell: etree._Element, name: str) -> int:
    match = re.match(r"\s*(\d{1,6})", cell.get(name, ""))
    if match is None:
        return 1
    return int(match[1]) if name == "rowspan" else max(int(match[1]), 1)
