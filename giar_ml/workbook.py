"""Report -> workbook, laid out like the official form."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from giar_ml.forms import Form, load_form
from giar_ml.forms.grid import Grid, Role, form_grid
from giar_ml.report import CellResult, Report, Value
from giar_ml.words import name_check, one_line

if TYPE_CHECKING:
    from openpyxl.comments import Comment
    from openpyxl.worksheet.worksheet import Worksheet

STATUS_WORDS = {
    "repaired": "误读已修复",
    "inferred": "由合计推得",
    "conflict": "与合计矛盾",
    "missing": "未找到",
    "blank": "空白，按0计",
    "doubtful": "已识读，待核实",
}
STATUS_FILLS = {
    "repaired": "C6E0B4",
    "inferred": "BDD7EE",
    "conflict": "FF9999",
    "missing": "FFD966",
    "blank": "EDEDED",
    "doubtful": "FFF2CC",
}
REPORT_WORDS = {"accepted": "通过", "review": "需复核", "failed": "失败"}

_FONT = "宋体"
_UNIT_WIDTH = 6.3  # of a sheet column, in figures: fifteen of them fill an A4 page
_UNIT_PT = 36.0  # the same in points
_LINE_PT = 14.0
_FONT_PT = 10.0
_ROLE_FILLS: dict[Role, str] = {"caption": "C5D9F1"}


@dataclass(frozen=True)
class Place:
    """Where a cell of the form stands in the workbook, 1-based and inclusive as Excel counts."""

    row: int
    column: int
    last_row: int
    last_column: int
    role: Role
    text: str
    key: str | None
    bold: bool


def to_xlsx_bytes(report: Report) -> bytes:
    """The workbook of a report: the form with its figures, the checks, and the problems."""
    from openpyxl import Workbook

    book = Workbook()
    del book["Sheet"]
    sheet = book.create_sheet("年度报告表")
    if report.form:
        _fill_form_sheet(sheet, report, load_form(report.form))
    else:
        _fill_list(sheet, [("文件", 60), ("状态", 12)], [[report.source.file, REPORT_WORDS[report.status]]])
    _fill_checks(book.create_sheet("核对"), report)
    _fill_problems(book.create_sheet("问题"), report)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def place_form(form: Form, *, top: int) -> tuple[list[Place], dict[int, str]]:
    """Lay the form's tables under one another on one set of sheet columns, from row `top` on.

    Returns the places, and the table titles by their row.
    """
    grids = [form_grid(table) for table in form.tables]
    n_units = max(grid.n_columns for grid in grids)
    places, titles = [], {}
    for table, grid in zip(form.tables, grids, strict=True):
        titles[top] = table.title[0]
        edges = _unit_edges(grid, n_units)
        for cell in grid.cells:
            first, last = edges[cell.column_start], edges[cell.column_stop]
            rows = top + 1 + cell.row_start, top + cell.row_stop
            bold = (
                cell.role in ("caption", "header")
                or (cell.role == "corner" and grid.n_label_columns == 1)
                or (cell.role == "label" and grid.n_label_columns > 1 and cell.column_start == 0)
            )
            places.append(Place(rows[0], first + 1, rows[1], last, cell.role, cell.text, cell.key, bold))
        top += grid.n_rows + 2  # the title and an empty row
    return places, titles


def _unit_edges(grid: Grid, n_units: int) -> list[int]:
    """Sheet column where each grid column begins, and the end: 0-based.

    A table of few columns shares the width evenly; in one of many, figures take one sheet column
    each and the innermost label column what is left.
    """
    if n_units >= 2 * grid.n_columns:
        return [i * n_units // grid.n_columns for i in range(grid.n_columns + 1)]
    surplus = n_units - grid.n_columns
    widened = max(grid.n_label_columns - 1, 0)
    return [i + (surplus if i > widened else 0) for i in range(grid.n_columns + 1)]


def _fill_form_sheet(sheet: Worksheet, report: Report, form: Form) -> None:
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter

    places, titles = place_form(form, top=5)
    n_columns = max(place.last_column for place in places)
    for column in range(1, n_columns + 1):
        sheet.column_dimensions[get_column_letter(column)].width = _UNIT_WIDTH

    def heading(row: int, text: str, *, size: int, bold: bool = True, middle: bool = False) -> None:
        cell = sheet.cell(row, 1)
        set_text(cell, text)
        cell.font = Font(name=_FONT, size=size, bold=bold)
        cell.alignment = Alignment(horizontal="center" if middle else None, vertical="center")
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=n_columns)
        sheet.row_dimensions[row].height = size * 1.9

    organisation = report.organisation or "（机关名称未识别）"
    year = f"{report.year}年" if report.year else ""
    heading(1, f"{organisation}{year}政府信息公开工作年度报告", size=15, middle=True)
    form_words = "2021年式样，第（六）项为一行" if form.name == "mixed" else f"{form.name}年式样"
    held = sum(check.holds for check in report.checks)
    heading(
        2,
        f"来源：{report.source.file}　{form_words}　"
        f"结果：{REPORT_WORDS[report.status]}　勾稽关系 {held}/{len(report.checks)} 成立",
        size=9,
        bold=False,
        middle=True,
    )

    side = Side(style="thin", color="000000")
    border = Border(left=side, right=side, top=side, bottom=side)
    for i, (status, words) in enumerate(STATUS_WORDS.items()):
        first, last = (j * n_columns // len(STATUS_WORDS) for j in (i, i + 1))
        set_text(sheet.cell(3, first + 1), words)
        for column in range(first + 1, last + 1):
            sheet.cell(3, column).fill = PatternFill("solid", fgColor=STATUS_FILLS[status])
            sheet.cell(3, column).border = border
        sheet.cell(3, first + 1).font = Font(name=_FONT, size=9)
        sheet.cell(3, first + 1).alignment = Alignment(horizontal="center", vertical="center")
        sheet.merge_cells(start_row=3, end_row=3, start_column=first + 1, end_column=last)

    for row, title in titles.items():
        heading(row, title, size=12)
    doubtful = report.doubtful
    for place in places:
        result = report.cells.get(place.key) if place.key else None
        mark = "doubtful" if place.key in doubtful else result.status if result else ""
        cell = sheet.cell(place.row, place.column)
        if place.key is None:
            set_text(cell, place.text)
        elif result and result.value is not None:
            cell.value = result.value
        fill = _ROLE_FILLS.get(place.role) or STATUS_FILLS.get(mark)
        heads = place.role == "corner" and place.bold
        left = place.role in ("corner", "label") and not heads and place.last_row - place.row < 5
        for row in range(place.row, place.last_row + 1):
            for column in range(place.column, place.last_column + 1):
                sheet.cell(row, column).border = border
                if fill:
                    sheet.cell(row, column).fill = PatternFill("solid", fgColor=fill)
        cell.font = Font(name=_FONT, size=_FONT_PT, bold=place.bold)
        cell.alignment = Alignment(
            horizontal="left" if left else "center", vertical="center", wrap_text=place.key is None
        )
        if result and mark in STATUS_WORDS:
            cell.comment = _comment(result, STATUS_WORDS[mark])
        if (place.row, place.column) != (place.last_row, place.last_column):
            sheet.merge_cells(
                start_row=place.row,
                end_row=place.last_row,
                start_column=place.column,
                end_column=place.last_column,
            )
    for row, height in _row_heights(places).items():
        sheet.row_dimensions[row].height = height

    _set_up_print(sheet)
    sheet.page_setup.fitToHeight = 1
    sheet.print_area = f"A1:{get_column_letter(n_columns)}{max(place.last_row for place in places)}"
    sheet.sheet_view.showGridLines = False


def _row_heights(places: Iterable[Place]) -> dict[int, float]:
    """Points per row so that the wrapped labels fit: Excel does not do it for merged cells."""
    heights: dict[int, float] = {}
    for place in sorted(places, key=lambda place: place.last_row - place.row):
        width = (place.last_column - place.column + 1) * _UNIT_PT - 4
        n_lines = math.ceil(_text_pt(place.text) / width) if place.text else 1
        rows = range(place.row, place.last_row + 1)
        for row in rows:
            heights.setdefault(row, _LINE_PT + 4)
        gap = n_lines * _LINE_PT + 4 - sum(heights[row] for row in rows)
        for row in rows if gap > 0 else ():
            heights[row] += gap / len(rows)
    return heights


def _text_pt(text: str) -> float:
    return sum(1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.5 for c in text) * _FONT_PT


def _comment(result: CellResult, words: str) -> Comment:
    from openpyxl.comments import Comment

    def say(value: Value | None) -> str:
        return "（空）" if value is None else str(value)

    where = f"，第{result.page}页" if result.page else f"，第{result.line}行" if result.line else ""
    lines = [f"{words}（可信度 {result.confidence:.2%}{where}）"]
    if result.status != "blank":
        lines.append(f"原件所印：{say(result.printed)}")
    if result.candidates and result.candidates[0][1] > 0:
        lines.append(f"最初识读：{result.candidates[0][0]}")
    if result.suggestion not in (None, result.value):
        lines.append(f"建议改为：{result.suggestion}")
    if len(result.candidates) > 1:
        others = "、".join(f"{value}（{probability:.2%}）" for value, probability in result.candidates)
        lines.append(f"候选：{others}")
    comment = Comment("\n".join(lines), "giar")
    comment.width, comment.height = 260, 24 + 20 * len(lines)
    return comment


def _fill_checks(sheet: Worksheet, report: Report) -> None:
    columns = [("勾稽关系", 34), ("说明", 90), ("是否成立", 10), ("左边", 10), ("右边", 10), ("差", 8)]
    rows = []
    for check in sorted(report.checks, key=lambda check: check.holds):
        gap = None if check.left is None or check.right is None else check.left - check.right
        name = name_check(load_form(report.form), check.id) if report.form else check.id
        rows.append([check.id, name, "成立" if check.holds else "不成立", check.left, check.right, gap])
    _fill_list(sheet, columns, rows)
    _mark_rows(sheet, [i for i, row in enumerate(rows) if row[2] == "不成立"])


def _fill_problems(sheet: Worksheet, report: Report) -> None:
    columns = [("代码", 24), ("问题", 80), ("涉及单元格", 60), ("页", 6)]
    form_cells = load_form(report.form).cells if report.form else {}
    rows = [
        [
            problem.code,
            problem.message,
            "；".join(form_cells[key].name if key in form_cells else key for key in problem.cells),
            problem.page,
        ]
        for problem in report.problems
    ]
    _fill_list(sheet, columns, rows)


def _fill_list(sheet: Worksheet, columns: list[tuple[str, int]], rows: list[list[Any]]) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    for j, (title, width) in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(j)].width = width
        sheet.cell(1, j, title).font = Font(name=_FONT, size=_FONT_PT, bold=True)
    for i, row in enumerate(rows, start=2):
        for j, value in enumerate(row, start=1):
            cell = sheet.cell(i, j)
            if isinstance(value, str):
                set_text(cell, value)
            else:
                cell.value = value
            cell.font = Font(name=_FONT, size=_FONT_PT)
            cell.alignment = Alignment(vertical="top", wrap_text=True)
        texts = [(str(value), width) for value, (_, width) in zip(row, columns, strict=True)]
        n_lines = max(math.ceil(_text_pt(text) / (width * _FONT_PT / 2)) for text, width in texts)
        sheet.row_dimensions[i].height = max(n_lines, 1) * _LINE_PT + 2
    sheet.freeze_panes = "A2"
    _set_up_print(sheet, landscape=True)


def _mark_rows(sheet: Worksheet, rows: Iterable[int]) -> None:
    from openpyxl.styles import PatternFill

    for i in rows:
        for cell in sheet[i + 2]:
            cell.fill = PatternFill("solid", fgColor=STATUS_FILLS["conflict"])


def _set_up_print(sheet: Worksheet, *, landscape: bool = False) -> None:
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
    margins = sheet.page_margins
    margins.left = margins.right = margins.top = margins.bottom = 0.5  # inches


_MAX_CELL_TEXT = 32_000  # Excel takes 32,767 characters


def set_text(cell: Any, text: str) -> None:
    """Write text that came from outside into a cell of a sheet, as text."""
    cell.value = one_line(text)[:_MAX_CELL_TEXT]
    cell.data_type = "s"  # a file called "=1+1" is no formula
