"""Reports as pages of a government's web site."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace

from training.filling import Filling
from training.style import (
    FANDOL_HEI,
    FANDOL_SONG,
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

_PAGE_CM = {False: 21.0, True: 29.7}
"""Width of A4, portrait and landscape."""
_PT_PER_CM = 72 / 2.54
_MARGIN_SHARE = 0.55
"""Browsers leave narrower margins than offices do."""
_TEXT_SHARE = 0.78
"""Text of web pages beside that of Word documents."""
_PAGE_NUMBERS = {
    "none": "none",
    "bare": "counter(page)",
    "dashes": '"- " counter(page) " -"',
    "chinese": '"第 " counter(page) " 页"',
}
_FACES = (FANDOL_SONG, FANDOL_HEI)
_RULES = {"single": "solid", "dotted": "dotted", "none": "none"}


def write_page(filling: Filling, style: Style, *, tints: Tints | None = None) -> str:
    """The report as an HTML document, tables with rowspan and colspan, ready to be printed on A4.

    Args:
        tints: shading of printed cells, instead of the style's own; it moves nothing.
    """
    prose = filling.prose
    title = f"{prose.organisation}{prose.year}年政府信息公开工作年度报告"
    parts = [_site_header(filling, style), f"<h1>{_escape(title)}</h1>"]
    if style.subtitle != "none":
        source = f"来源：{prose.organisation}　" if style.subtitle == "office" else ""
        parts.append(f'<div class="info">{source}发布时间：{printed_date(filling, style)}</div>')
    parts += [_paragraph(prose.introduction), _heading("一、总体情况", style), _paragraph(prose.overall)]
    parts += [
        _paragraph(f"（{numeral}）{heading}。{text}")
        for numeral, (heading, text) in zip("一二三四五", prose.topics, strict=True)
    ]
    for number, grid in enumerate(printed_grids(filling, style)):
        name = "wide" if style.is_turned(number) else "upright"
        name += " first" if number in style.page_break_before else ""
        heading = _heading(filling.form.tables[number].title[0], style)
        tables = [
            _table(grid, style, rows, number=number, tints=tints or {})
            for rows in table_parts(grid, style, number)
        ]
        table = '\n<div class="first"></div>\n'.join(tables)
        parts.append(f'<div class="{name}">\n{heading}\n<div class="scroll">\n{table}\n</div>\n</div>')
    parts += [
        _heading("五、存在的主要问题及改进情况", style),
        _paragraph(prose.problems + prose.improvements),
    ]
    parts += [_heading("六、其他需要报告的事项", style), _paragraph(prose.remark)]
    if style.signature:
        for line in (prose.organisation, printed_date(filling, style)):
            parts.append(f'<p class="sign">{_escape(line)}</p>')
    parts.append(_site_footer(filling, style))
    head = f'<meta charset="utf-8">\n<title>{_escape(title)}</title>\n<style>\n{_css(style)}\n</style>'
    body = "\n".join(part for part in parts if part)
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'
    )


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _paragraph(text: str) -> str:
    return f"<p>{_escape(text)}</p>"


def _heading(text: str, style: Style) -> str:
    return f"<h2>{_escape(style.heading(text))}</h2>"


def _site_header(filling: Filling, style: Style) -> str:
    if style.site == "none":
        return ""
    trail = '<div class="trail">当前位置：首页 &gt; 政府信息公开 &gt; 政府信息公开年报</div>'
    if style.site == "plain":
        return trail
    links = "".join(f"<span>{name}</span>" for name in ("首页", "政务公开", "办事服务", "互动交流"))
    name = _escape(filling.prose.organisation)
    return f'<div class="site"><b>{name}门户网站</b><div class="links">{links}</div></div>\n{trail}'


def _site_footer(filling: Filling, style: Style) -> str:
    if style.site != "portal":
        return ""
    name = _escape(filling.prose.organisation)
    return (
        '<div class="tools">【打印本页】　【关闭窗口】</div>\n'
        f'<div class="foot">主办：{name}　　版权所有：{name}<br>网站地图　联系我们　使用帮助</div>'
    )


def _css(style: Style) -> str:
    margins = " ".join(f"{_MARGIN_SHARE * margin:.2f}cm" for margin in style.margins_cm)
    text_pt = _TEXT_SHARE * style.body_pt
    box = f"@bottom-{style.page_number_align}"
    theme = "#1b5aa6" if style.caption_fill else "#b01e23"  # no full red, which is for tints
    above, beside = style.padding_pt
    rule = f"{style.border_pt:g}pt {_RULES[style.inner_border]} #000"
    outer = rule
    if style.outer_border in ("double", "thick"):
        outer = (
            "2.25pt double #000"
            if style.outer_border == "double"
            else f"{style.border_pt + 1:g}pt solid #000"
        )
    lines = [
        # Chromium takes their bold faces otherwise.
        *(f"@font-face {{font-family: {name}; src: local({name}-Regular);}}" for name in _FACES),
        f"@page {{size: A4 {'landscape' if style.landscape == 'all' else 'portrait'}; margin: {margins};"
        f" {box} {{content: {_PAGE_NUMBERS[style.page_numbers]}; font-size: 9pt;}}}}",
        "@page wide {size: A4 landscape;}",
        "* {-webkit-print-color-adjust: exact; print-color-adjust: exact;}",
        f"body {{margin: 0; font: {text_pt:g}pt/1.8 {_fonts(style.figure_font, style.body_font)};}}",
        f"h1 {{font: bold {0.8 * style.title_pt:g}pt/1.5 {_fonts(style.figure_font, style.title_font)};"
        " text-align: center; margin: 12pt 0;}",
        f"h2 {{font: {'bold' if style.bold_headings else 'normal'} {text_pt:g}pt/2"
        f" {_fonts(style.figure_font, style.heading_font)}; text-indent: 2em; margin: 0;"
        " break-after: avoid;}",
        "p {text-indent: 2em; text-align: justify; margin: 0;}",
        ".sign {text-align: right;}",
        ".info, .trail, .tools, .foot {font-size: 9pt; color: #666;}",
        ".info, .foot {text-align: center; border-top: 1px solid #ccc; margin: 6pt 0;}",
        ".tools {text-align: right;}",
        f".site {{background: {theme}; color: #fff; padding: 10pt; font-size: 16pt;}}",
        ".links {font-size: 10pt;}",
        ".links span {margin-right: 2em;}",
        ".scroll {overflow-x: auto; margin-bottom: 12pt;}",
        # A box that scrolls is never torn: its tables would be cut through at the foot of the page.
        "@media print {.scroll {overflow: visible;}}",
        ".first {break-before: page;}",
        f"table {{border-collapse: collapse; width: {100 * min(style.width_share, 1):g}%; border: {outer};}}",
        f"td {{border: {rule}; padding: {above:g}pt {beside:g}pt; vertical-align: middle;"
        f" line-height: {style.label_spacing or 1.2:.2f};"
        " overflow-wrap: break-word;}",
        # Not every font knows how to be set downwards: one character a line.
        ".down {display: inline-block; width: 1.1em; line-break: anywhere;}",
    ]
    if style.landscape in ("requests", "tables"):
        lines.append(".wide {page: wide;}")
    lines.append("td {orphans: 1; widows: 1;}" if style.split_rows else "tr {break-inside: avoid;}")
    if style.outer_border == "open":
        lines.append("table {border-left-style: hidden; border-right-style: hidden;}")
    return "\n".join(lines)


def _fonts(latin: str, chinese: str) -> str:
    return f"'{latin}', '{chinese}'"


def _table(grid: Grid, style: Style, rows: Sequence[int], *, number: int, tints: Tints) -> str:
    _top, right, _bottom, left = style.margins_cm
    width_pt = (_PAGE_CM[style.is_turned(number)] - _MARGIN_SHARE * (left + right)) * _PT_PER_CM
    shares = column_shares(grid, style)
    value_pt = figure_pt(style, grid, width_pt * shares[-1])
    headers: list[str] = []
    body: list[str] = []
    begun: set[int] = set()
    for row in rows:
        cells = []
        for i, cell in enumerate(grid.cells):
            if i in begun or not cell.row_start <= row < cell.row_stop:
                continue
            begun.add(i)
            # A merged cell that a cut goes through begins anew below it, without its text.
            text = cell.text if row == cell.row_start else ""
            if cell.role == "header" and number > 0:
                share = sum(shares[cell.column_start : cell.column_stop])
                text = wrap_header(text, style, width_pt=width_pt * share, size_pt=style.requests_pt)
            n_rows = sum(cell.row_start <= other < cell.row_stop for other in rows)
            shown = replace(cell, text=text, row_start=0, row_stop=n_rows)
            fill = tints.get((number, i)) or style.fill(cell)
            cells.append(
                _cell(shown, style, number=number, value_pt=value_pt, fill=fill, narrow=is_narrow(cell))
            )
        line = f'<tr style="height: {style.row_cm[number]:g}cm">{"".join(cells)}</tr>'
        (headers if style.repeat_headers and row < n_header_rows(grid) else body).append(line)
    head = ["<thead>", *headers, "</thead>"] if headers else []
    columns = "".join(f'<col style="width: {100 * share:.1f}%">' for share in shares)
    layout = ' style="table-layout: fixed"' if style.pasted else ""
    return "\n".join(
        [
            f"<table{layout}>",
            f"<colgroup>{columns}</colgroup>",
            *head,
            "<tbody>",
            *body,
            "</tbody>",
            "</table>",
        ]
    )


def _cell(
    cell: GridCell, style: Style, *, number: int, value_pt: float, fill: str | None, narrow: bool
) -> str:
    alignment = "center"
    if cell.role == "value":
        alignment = style.figure_align
    elif cell.role == "caption":
        alignment = style.caption_align
    elif (cell.role == "label" and not narrow) or (cell.role == "corner" and number > 0):
        alignment = style.label_align
    headers = cell.role in ("header", "corner")
    size_pt = value_pt if cell.role == "value" else style.label_pt if number == 0 else style.requests_pt
    font = style.header_font if headers and style.header_font else style.table_font
    letters = f"font-family: {_fonts(style.figure_font, font)}; font-size: {size_pt:g}pt"
    if style.bold_headers and (narrow or (headers and number == 0)):
        letters += "; font-weight: bold"
    spans = ""
    if cell.row_stop - cell.row_start > 1:
        spans += f' rowspan="{cell.row_stop - cell.row_start}"'
    if cell.column_stop - cell.column_start > 1:
        spans += f' colspan="{cell.column_stop - cell.column_start}"'
    text = _escape(cell.text).replace("\n", "<br>")
    if narrow and style.vertical_label:
        text = f'<span class="down">{text}</span>'
    shade = f"; background: #{fill}" if fill else ""
    if style.pasted:
        inner = (
            f'<p style="text-indent: 0; text-align: {alignment}"><span style="{letters}">{text}</span></p>'
        )
        return f'<td{spans} style="padding: 0 {style.padding_pt[1]:g}pt{shade}">{inner}</td>'
    return f'<td{spans} style="text-align: {alignment}; {letters}{shade}">{text}</td>'
