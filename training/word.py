"""Reports as Word documents, with the merges of the official form."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from training.filling import Filling
from training.style import (
    HEI,
    SANS,
    TIMES,
    Grid,
    GridCell,
    Style,
    Tints,
    column_shares,
    figure_pt,
    is_narrow,
    n_header_rows,
    printed_date,
    printed_grids,
    table_parts,
    wrap_header,
)

A4_CM = 21.0, 29.7
PT_PER_CM = 72 / 2.54
ALIGNMENTS = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
}
CHAPTERS = "一二三四"
PAGE_NUMBERS = {"bare": ("", ""), "dashes": ("- ", " -"), "chinese": ("第 ", " 页")}


def write_report(path: Path, filling: Filling, style: Style, *, tints: Tints | None = None) -> Path:
    """Write a Word report: title, chapter one, the form's tables, the last chapters.

    Args:
        tints: shading of printed cells, instead of the style's own; it moves nothing.
    """
    document = docx.Document()
    _set_normal(document, style)
    _set_page(document.sections[0], style, turned=style.is_turned(None))
    _add_page_numbers(document.sections[0], style)
    prose = filling.prose
    title = f"{prose.year}年政府信息公开工作年度报告"
    for line in (prose.organisation, title) if style.split_title else (prose.organisation + title,):
        _add_line(document, line, style.title_font, style.title_pt, style, alignment="center")
    if style.subtitle != "none":
        line = prose.organisation if style.subtitle == "office" else f"（{printed_date(filling, style)}）"
        _add_line(document, line, style.body_font, style.body_pt, style, alignment="center")
    _add_line(document, "", style.body_font, style.body_pt, style)
    _add_body(document, prose.introduction, style)
    _add_heading(document, "一、总体情况", style)
    _add_body(document, prose.overall, style)
    for numeral, (heading, text) in zip("一二三四五", prose.topics, strict=True):
        _add_body(document, text, style, lead=f"（{numeral}）{heading}情况。")
    for number, grid in enumerate(printed_grids(filling, style)):
        _turn_page(document, style, turned=style.is_turned(number))
        title_line = _add_heading(document, filling.form.tables[number].title[0], style)
        title_line.paragraph_format.page_break_before = number in style.page_break_before
        _add_tables(document, grid, style, number=number, tints=tints or {})
        _add_line(document, "", style.body_font, 9, style, line_pt=12)
    _turn_page(document, style, turned=style.is_turned(None))
    _add_heading(document, "五、存在的主要问题及改进情况", style)
    _add_body(document, prose.problems + prose.improvements, style)
    _add_heading(document, "六、其他需要报告的事项", style)
    _add_body(document, prose.remark, style)
    if style.signature:
        _add_line(document, "", style.body_font, style.body_pt, style)
        for line in (prose.organisation, printed_date(filling, style)):
            _add_line(document, line, style.body_font, style.body_pt, style, alignment="right")
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    document.save(buffer)
    _write_undated(buffer, path)
    return path


def _write_undated(docx_file: io.BytesIO, path: Path) -> None:
    """The file without the time of writing in its parts: the same report gives the same bytes."""
    with zipfile.ZipFile(docx_file) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            target.writestr(zipfile.ZipInfo(part.filename), source.read(part), zipfile.ZIP_DEFLATED)


def _set_normal(document: Document, style: Style) -> None:
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = TIMES, Pt(style.body_pt)
    normal.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), style.body_font)
    # Without it LibreOffice takes the Traditional forms of the glyphs.
    normal.element.get_or_add_rPr().append(_element("w:lang", val="en-US", eastAsia="zh-CN"))
    for language in document.styles.element.xpath("./w:docDefaults//w:lang"):
        language.set(qn("w:eastAsia"), "zh-CN")


def _set_page(section: Section, style: Style, *, turned: bool) -> None:
    width, height = reversed(A4_CM) if turned else A4_CM
    section.page_width, section.page_height = Cm(width), Cm(height)
    section.orientation = WD_ORIENT.LANDSCAPE if turned else WD_ORIENT.PORTRAIT
    section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = map(
        Cm, style.margins_cm
    )


def _turn_page(document: Document, style: Style, *, turned: bool) -> None:
    """Start a new section where the paper turns."""
    last = document.sections[-1]
    if (last.orientation == WD_ORIENT.LANDSCAPE) != turned:
        _set_page(document.add_section(WD_SECTION.NEW_PAGE), style, turned=turned)
        end = document.paragraphs[-1].paragraph_format  # holds the section's properties, nothing else
        end.line_spacing, end.space_after = Pt(1), Pt(0)


def _add_page_numbers(section: Section, style: Style) -> None:
    if style.page_numbers == "none":
        return
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = ALIGNMENTS[style.page_number_align]
    before, after = PAGE_NUMBERS[style.page_numbers]
    for part in (before, "begin", "PAGE", "end", after):
        if not part:
            continue
        run = paragraph.add_run("" if part in ("begin", "PAGE", "end") else part)
        run.font.size = Pt(12)
        if part == "PAGE":
            instruction = OxmlElement("w:instrText")
            instruction.text = part
            run._r.append(instruction)
        elif part in ("begin", "end"):
            run._r.append(_element("w:fldChar", fldCharType=part))


def _add_line(
    document: Document,
    text: str,
    font: str,
    size_pt: float,
    style: Style,
    *,
    alignment: str | None = None,
    line_pt: float | None = None,
    bold: bool = False,
) -> Paragraph:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.line_spacing = Pt(line_pt or max(style.line_pt, size_pt * 1.4))
    paragraph.paragraph_format.space_after = Pt(0)
    paragraph.alignment = ALIGNMENTS[alignment] if alignment else WD_ALIGN_PARAGRAPH.JUSTIFY
    _add_run(paragraph, text, font, size_pt, bold=bold)
    return paragraph


def _add_run(
    paragraph: Paragraph,
    text: str,
    font: str,
    size_pt: float,
    *,
    latin: str = TIMES,
    bold: bool = False,
) -> None:
    run = paragraph.add_run(text)
    run.font.name, run.font.size, run.font.bold = latin, Pt(size_pt), bold
    run.font.color.rgb = RGBColor(0, 0, 0)
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def _add_heading(document: Document, text: str, style: Style) -> Paragraph:
    text, bold = style.heading(text), style.bold_headings
    paragraph = _add_line(document, text, style.heading_font, style.heading_pt, style, bold=bold)
    paragraph.paragraph_format.first_line_indent = Pt(2 * style.heading_pt)
    paragraph.paragraph_format.keep_with_next = True
    return paragraph


def _add_body(document: Document, text: str, style: Style, *, lead: str = "") -> None:
    paragraph = _add_line(document, "", style.body_font, style.body_pt, style)
    paragraph.paragraph_format.first_line_indent = Pt(2 * style.body_pt)
    if lead:
        _add_run(paragraph, lead, style.heading_font, style.body_pt)
    _add_run(paragraph, text, style.body_font, style.body_pt)


def _add_tables(document: Document, grid: Grid, style: Style, *, number: int, tints: Tints) -> None:
    """The table, or its two parts where it is cut by hand."""
    for i, rows in enumerate(table_parts(grid, style, number)):
        if i:
            gap = _add_line(document, "", style.body_font, 1, style, line_pt=1)
            gap.paragraph_format.page_break_before = True
        _add_table(document, grid, style, rows, number=number, tints=tints)


def _add_table(
    document: Document, grid: Grid, style: Style, rows: Sequence[int], *, number: int, tints: Tints
) -> None:
    _top, right, _bottom, left = style.margins_cm
    page_cm = A4_CM[1] if style.is_turned(number) else A4_CM[0]
    width_cm = (page_cm - left - right) * style.width_share
    widths = [width_cm * share for share in column_shares(grid, style)]
    table = OxmlElement("w:tbl")
    table.append(_table_properties(style, width_cm))
    columns = OxmlElement("w:tblGrid")
    for width in widths:
        columns.append(_element("w:gridCol", w=_twips(width)))
    table.append(columns)
    value_pt = figure_pt(style, grid, widths[-1] * PT_PER_CM)
    covering = {
        (row, cell.column_start): (i, cell)
        for i, cell in enumerate(grid.cells)
        for row in range(cell.row_start, cell.row_stop)
    }
    begun: set[int] = set()
    n_headers = n_header_rows(grid) if style.repeat_headers else 0
    for row in rows:
        line = OxmlElement("w:tr")
        properties = OxmlElement("w:trPr")
        if not style.split_rows:
            properties.append(_element("w:cantSplit"))
        properties.append(_element("w:trHeight", val=_twips(style.row_cm[number]), hRule="atLeast"))
        if row < n_headers:
            properties.append(_element("w:tblHeader"))
        line.append(properties)
        for column in range(grid.n_columns):
            if (row, column) not in covering:
                continue
            i, cell = covering[row, column]
            # A merged cell that a cut goes through begins anew below it, without its text.
            text = cell.text if row == cell.row_start else ""
            merge = None
            if cell.row_stop - cell.row_start > 1:
                merge = "continue" if i in begun else "restart"
            begun.add(i)
            fill = tints.get((number, i)) or style.fill(cell)
            width = sum(widths[cell.column_start : cell.column_stop])
            if cell.role == "header" and number > 0:
                text = wrap_header(text, style, width_pt=width * PT_PER_CM, size_pt=style.requests_pt)
            element = _table_cell(cell, style, merge=merge, fill=fill, width_cm=width)
            _fill_cell(element, cell, text, style, number=number, value_pt=value_pt)
            line.append(element)
        table.append(line)
    document.element.body.insert_element_before(table, "w:sectPr")


def _element(name: str, **attributes: str | int) -> Any:
    element = OxmlElement(name)
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), str(value))
    return element


def _twips(cm: float) -> int:
    return round(cm / 2.54 * 1440)


def _table_properties(style: Style, width_cm: float) -> Any:
    properties = OxmlElement("w:tblPr")
    properties.append(_element("w:tblW", w=_twips(width_cm), type="dxa"))
    properties.append(_element("w:jc", val="center"))
    borders = OxmlElement("w:tblBorders")
    outer = {"double": "double", "thick": "single"}.get(style.outer_border, style.inner_border)
    sides = "nil" if style.outer_border == "open" else outer
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        kind = {"left": sides, "right": sides, "top": outer, "bottom": outer}.get(side, style.inner_border)
        thick = style.outer_border == "thick" and not side.startswith("inside")
        size = round(8 * (style.border_pt + 1 if thick else style.border_pt))
        borders.append(
            _element(f"w:{side}", val="nil" if kind == "none" else kind, sz=size, space=0, color="000000")
        )
    properties.append(borders)
    properties.append(_element("w:tblLayout", type="fixed"))
    margins = OxmlElement("w:tblCellMar")
    above, beside = style.padding_pt
    for side, padding_pt in (("top", above), ("left", beside), ("bottom", above), ("right", beside)):
        if padding_pt:
            margins.append(_element(f"w:{side}", w=round(20 * padding_pt), type="dxa"))
    properties.append(margins)
    return properties


def _table_cell(cell: GridCell, style: Style, *, merge: str | None, fill: str | None, width_cm: float) -> Any:
    element = OxmlElement("w:tc")
    properties = OxmlElement("w:tcPr")
    properties.append(_element("w:tcW", w=_twips(width_cm), type="dxa"))
    if cell.column_stop - cell.column_start > 1:
        properties.append(_element("w:gridSpan", val=cell.column_stop - cell.column_start))
    if merge:
        properties.append(_element("w:vMerge", val=merge))
    if fill:
        properties.append(_element("w:shd", val="clear", color="auto", fill=fill))
    if is_narrow(cell) and style.vertical_label:
        properties.append(_element("w:textDirection", val="tbRlV"))
    properties.append(_element("w:vAlign", val="center"))
    element.append(properties)
    return element


def _fill_cell(
    element: Any, cell: GridCell, text: str, style: Style, *, number: int, value_pt: float
) -> None:
    is_row_label = number == 1 and cell.role == "label" and cell.row_stop - cell.row_start == 1
    if style.stray_lines and is_row_label and text:
        for line in ("", text, ""):
            _add_cell_line(element, cell, line, style, number=number, value_pt=value_pt)
    else:
        _add_cell_line(element, cell, text, style, number=number, value_pt=value_pt)


def _add_cell_line(
    element: Any, cell: GridCell, text: str, style: Style, *, number: int, value_pt: float
) -> None:
    block: Any = OxmlElement("w:p")
    element.append(block)
    paragraph = Paragraph(block, cast(Any, None))
    paragraph.paragraph_format.space_after = Pt(0)
    if style.split_rows:
        paragraph.paragraph_format.widow_control = False  # a label of two lines may be torn too
    size_pt = value_pt if cell.role == "value" else style.label_pt if number == 0 else style.requests_pt
    is_exact = style.label_spacing is not None and cell.role != "value"
    paragraph.paragraph_format.line_spacing = Pt(size_pt * (style.label_spacing or 1)) if is_exact else 1.0
    alignment = "center"
    if cell.role == "value":
        alignment = style.figure_align
    elif cell.role == "caption":
        alignment = style.caption_align
    elif (cell.role == "label" and not is_narrow(cell)) or (cell.role == "corner" and number > 0):
        alignment = style.label_align
    paragraph.alignment = ALIGNMENTS[alignment]
    if not text:
        if style.stray_lines:  # the size of an empty line is that of its end mark
            mark = OxmlElement("w:rPr")
            mark.append(_element("w:sz", val=round(2 * size_pt)))
            block.get_or_add_pPr().append(mark)
        return
    if cell.role == "value":
        _add_run(paragraph, text, style.table_font, size_pt, latin=style.figure_font)
        return
    headers = cell.role in ("header", "corner")
    bold = style.bold_headers and (is_narrow(cell) or (headers and number == 0))
    bold = bold or (
        style.bold_chapters and cell.role == "label" and text[:2] in ("一、", "二、", "三、", "四、")
    )
    font = style.header_font if headers and style.header_font else style.table_font
    if font == HEI and is_narrow(cell) and style.vertical_label:
        font = SANS  # the other's characters lie on top of one another when they run downwards
    _add_run(paragraph, text, font, size_pt, bold=bold)
