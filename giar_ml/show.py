"""A report as text: the three tables as on the form, what does not add up, and why."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Text

from giar_ml.forms import Form, load_form
from giar_ml.forms.grid import Grid, GridCell, form_grid
from giar_ml.report import CellStatus, Report
from giar_ml.words import name_check, one_line

_Mark = CellStatus | Literal["doubtful"]
_STYLES: dict[_Mark, str] = {
    "read": "",
    "blank": "dim",
    "repaired": "green",
    "inferred": "cyan",
    "conflict": "bold red",
    "missing": "bold yellow",
    "doubtful": "yellow",
}
_LEGEND: dict[_Mark, tuple[str, str]] = {
    "repaired": ("12*", "misread, repaired"),
    "inferred": ("(5)", "not legible, follows from the sums"),
    "conflict": ("0!→11", "contradicts its sums → what they suggest"),
    "missing": ("?", "not found"),
    "doubtful": ("12~", "read, but a problem below names it"),
    "blank": ("-", "printed blank, taken as 0"),
}
_MAX_CELLS_NAMED = 8  # a problem of a whole table concerns up to 175
_REPORT_STYLES = {"accepted": "green", "review": "yellow", "failed": "red"}


def render_report(report: Report, *, width: int = 120) -> Text:
    """The whole report for a terminal of `width` columns; plain when printed without colour.

    Raises:
        KeyError: the report names a form that this program does not know.
    """
    form = load_form(report.form) if report.form else None
    out = Text()
    _write_head(out, report)
    if form:
        for table in form.tables:
            out.append(f"\n{table.title[0]}\n", style="bold")
            out.append_text(_render_grid(form_grid(table), report, width))
        _write_legend(out, report)
    _write_checks(out, report, form)
    _write_problems(out, report, form)
    return out


def _write_head(out: Text, report: Report) -> None:
    source = report.source
    out.append(one_line(report.organisation or "(organisation not found)"), style="bold")
    out.append(f"  {report.year or '(year not found)'}  form {report.form or '(not recognised)'}  ")
    out.append(report.status, style=_REPORT_STYLES[report.status])
    pages = f", {source.pages} page{'s' if source.pages != 1 else ''}" if source.pages else ""
    out.append(f"\n{one_line(source.file)} ({source.kind or 'unknown kind'}{pages})\n", style="dim")


def _write_legend(out: Text, report: Report) -> None:
    counts = Counter(_mark(report, key) for key in report.cells)
    marks = [(status, *words) for status, words in _LEGEND.items() if counts[status]]
    if marks:
        out.append("\n")
    for status, mark, words in marks:
        out.append(f"{mark:>6}", style=_STYLES[status])
        out.append(f"  {words} ({counts[status]})\n")


def _write_checks(out: Text, report: Report, form: Form | None) -> None:
    if not report.checks:
        return
    broken = [check for check in report.checks if not check.holds]
    out.append(f"\n{len(report.checks) - len(broken)} of {len(report.checks)} sums hold\n", style="bold")
    for check in broken:
        left, right = ("?" if side is None else str(side) for side in (check.left, check.right))
        out.append(f"  {left} ≠ {right}", style="red")
        out.append(f"  {name_check(form, check.id) if form else check.id}")
        out.append(f"  [{check.id}]\n", style="dim")


def _write_problems(out: Text, report: Report, form: Form | None) -> None:
    if report.problems:
        out.append(
            f"\n{len(report.problems)} problem{'s' if len(report.problems) > 1 else ''}\n", style="bold"
        )
    for problem in report.problems:
        where = f" (page {problem.page})" if problem.page else ""
        out.append(f"  {one_line(problem.message)}{where}")
        out.append(f"  [{one_line(problem.code)}]\n", style="dim")
        names = [
            form.cells[key].name if form and key in form.cells else one_line(key) for key in problem.cells
        ]
        names = [name for name in names if name not in problem.message]
        for name in names[:_MAX_CELLS_NAMED]:
            out.append(f"    {name}\n", style="dim")
        if len(names) > _MAX_CELLS_NAMED:
            out.append(f"    and {len(names) - _MAX_CELLS_NAMED} more\n", style="dim")


def _mark(report: Report, key: str) -> _Mark:
    if key not in report.cells:
        return "missing"
    return "doubtful" if key in report.doubtful else report.cells[key].status


def _show_value(report: Report, key: str) -> str:
    cell = report.cells.get(key)
    if cell is None:
        return "?"
    match _mark(report, key):
        case "doubtful":
            return f"{'-' if cell.status == 'blank' else cell.value}~"
        case "repaired":
            return f"{cell.value}*"
        case "inferred":
            return f"({cell.value})"
        case "conflict":
            suggestion = "" if cell.suggestion in (None, cell.value) else f"→{cell.suggestion}"
            return f"{'?' if cell.value is None else cell.value}!{suggestion}"
        case "blank":
            return "-"
        case "missing":
            return "?"
        case _:
            return "?" if cell.value is None else str(cell.value)


# --- the grid as characters ---

_MIN_VALUE_WIDTH = 4
_HEADER_WIDTH = 8  # a header wraps from here on where the table would be too wide
_GROUP_WIDTH = 14  # a longer label over many rows is written downwards
_MIN_LABEL_WIDTH = 12
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_CORNERS = {
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _DOWN | _RIGHT: "┌",
    _DOWN | _LEFT: "┐",
    _UP | _RIGHT: "└",
    _UP | _LEFT: "┘",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _LEFT | _RIGHT | _DOWN: "┬",
    _LEFT | _RIGHT | _UP: "┴",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}


def _render_grid(grid: Grid, report: Report, width: int) -> Text:
    texts = {cell: cell.text if cell.key is None else _show_value(report, cell.key) for cell in grid.cells}
    widths = _column_widths(grid, texts, width)
    lefts = [sum(widths[:j]) + j for j in range(grid.n_columns + 1)]  # of the rule left of each column
    ruled = _ruled_rows(grid)
    lines = {cell: _wrap_cell(cell, texts[cell], _inner_width(cell, lefts)) for cell in grid.cells}
    heights = _row_heights(grid, lines, ruled)
    tops = [0]  # line of the rule over each row, or of the row itself where it has none
    for row in range(grid.n_rows):
        tops.append(tops[-1] + (row in ruled) + heights[row])

    edges: Counter[tuple[int, int]] = Counter()
    pieces: dict[tuple[int, int], tuple[str, str]] = {}
    for cell in grid.cells:
        left, right = lefts[cell.column_start], lefts[cell.column_stop]
        top, bottom = tops[cell.row_start], tops[cell.row_stop]
        first = top + (cell.row_start in ruled)
        for x in (left, right):
            for y in range(first, bottom):
                edges[y, x] |= _UP | _DOWN
        for y, is_ruled, side in (
            (top, cell.row_start in ruled, _DOWN),
            (bottom, cell.row_stop in ruled, _UP),
        ):
            if is_ruled:
                edges[y, left] |= side | _RIGHT
                edges[y, right] |= side | _LEFT
                for x in range(left + 1, right):
                    edges[y, x] |= _LEFT | _RIGHT
        style = "" if cell.key is None else _STYLES[_mark(report, cell.key)]
        start = first + (bottom - first - len(lines[cell])) // 2
        for i, line in enumerate(lines[cell]):
            pieces[start + i, left + 1] = line, style
    return _draw(edges, pieces, n_lines=tops[-1] + 1, width=lefts[-1] + 1)


def _column_widths(grid: Grid, texts: dict[GridCell, str], width: int) -> list[int]:
    single = [cell for cell in grid.cells if cell.column_stop - cell.column_start == 1]
    narrow = False
    while True:
        widths = [_MIN_VALUE_WIDTH] * grid.n_columns
        for cell in single:
            need = cell_len(texts[cell])
            if cell.role == "header" and narrow and need > _HEADER_WIDTH:
                need = _even(need, math.ceil(need / _HEADER_WIDTH))
            elif cell.role == "header" and narrow and not grid.n_label_columns:
                need = _even(need, 2)
            elif cell.role == "label" and cell.row_stop - cell.row_start > 1 and need > _GROUP_WIDTH:
                need = 2
            elif cell.role == "corner":
                need = min(need, _GROUP_WIDTH)
            widths[cell.column_start] = max(widths[cell.column_start], need)
        if grid.n_label_columns > 1 and widths[0] == _MIN_VALUE_WIDTH:
            widths[0] = 2
        surplus = sum(widths) + grid.n_columns + 1 - width
        if surplus <= 0:
            return widths
        if narrow:
            if grid.n_label_columns:
                innermost = grid.n_label_columns - 1
                widths[innermost] = max(widths[innermost] - surplus, _MIN_LABEL_WIDTH)
            return widths
        narrow = True


def _even(need: int, n_lines: int) -> int:
    """Width of `n_lines` about equal lines of full-width characters."""
    return math.ceil(need / n_lines / 2) * 2


def _inner_width(cell: GridCell, lefts: list[int]) -> int:
    return lefts[cell.column_stop] - lefts[cell.column_start] - 1


def _ruled_rows(grid: Grid) -> set[int]:
    """Rows with a rule over them: all headers, and where one group of rows gives way to another."""
    groups: list[set[GridCell]] = [set() for _ in range(grid.n_rows)]
    is_body = [False] * grid.n_rows
    for cell in grid.cells:
        for row in range(cell.row_start, cell.row_stop):
            if cell.role == "label" and cell.row_stop - cell.row_start > 1:
                groups[row].add(cell)
            is_body[row] |= cell.role == "value"
    inner = {
        row
        for row in range(1, grid.n_rows)
        if not (is_body[row - 1] and is_body[row] and groups[row - 1] == groups[row])
    }
    return inner | {0, grid.n_rows}


def _wrap_cell(cell: GridCell, text: str, width: int) -> list[str]:
    """Lines of exactly `width`, placed as on the form. A label of one row is shortened, not wrapped."""
    if cell.role == "label" and cell.row_stop - cell.row_start == 1:
        return [_pad(_shorten(text, width), width, middle=False)]
    if cell.role == "header" and cell_len(text) > width:
        width_used = min(_even(cell_len(text), math.ceil(cell_len(text) / (width // 2 * 2))), width)
    else:
        width_used = width
    lines = chop_cells(text, width_used) or [""]
    return [_pad(line, width, middle=cell.role != "corner" or len(lines) == 1) for line in lines]


def _shorten(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def _pad(text: str, width: int, *, middle: bool) -> str:
    gap = width - cell_len(text)
    left = gap // 2 if middle else 0
    return " " * left + text + " " * (gap - left)


def _row_heights(grid: Grid, lines: dict[GridCell, list[str]], ruled: set[int]) -> list[int]:
    heights = [1] * grid.n_rows
    for cell in sorted(grid.cells, key=lambda cell: cell.row_stop - cell.row_start):
        rows = range(cell.row_start, cell.row_stop)
        room = sum(heights[row] for row in rows) + sum(row in ruled for row in rows[1:])
        heights[rows[-1]] += max(len(lines[cell]) - room, 0)
    return heights


def _draw(
    edges: Counter[tuple[int, int]],
    pieces: dict[tuple[int, int], tuple[str, str]],
    *,
    n_lines: int,
    width: int,
) -> Text:
    out = Text()
    for y in range(n_lines):
        x = 0
        while x < width:
            piece = pieces.get((y, x))
            if piece:
                out.append(piece[0], style=piece[1])
                x += cell_len(piece[0])
            else:
                out.append(_CORNERS.get(edges[y, x], " "))
                x += 1
        out.append("\n")
    return out
