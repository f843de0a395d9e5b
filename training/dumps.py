"""Text dumps of reports, broken the way that extraction tools broke five published ones.

The templates under layouts/ keep every tab and blank line of the dumps that were seen; the figures
are given and the prose is ours. In a template `|` is a tab, `/` a line break inside a cell, and
`{key}` the figures of a row, a group or a cell.

What the five dumps lost, inferred from their header lines and field counts:

`text_000`: rows before the first page tear have six figures. The header line of that page has seven
fields, label + 自然人 商业 科研 社会 "法律  其" + 总计, so one column stands for 法律服务机构 and 其他
together and the last figure is the total. The trailing empty field of some rows is padding: rows
with three label fields have the same nine fields without it. One figure is printed in the squeezed
column; a tool that merges two cells and keeps one text keeps the first, so by default it is 法律服务机构
and 其他 is lost. It might as well be the other one, or (if a person retyped it) the sum.

`text_001`: nothing is lost, but the rows after the tear inside （六） have eight figures: in
11,0,0,0,0,0,1,12 the first, the last but one and the last are 自然人, 其他 and 总计, so a field was
put in after the first figure or among the zeros. It printed 0.

`text_002`, `text_003`: the header names 自然人 商业企业 科研机构 社会公益组织 法律服务机构 总计, and rows
have six figures: 其他 is lost. The table is eight fields wide, so rows with a group label column of
their own ((四), (五), (六)) have room for five figures only; by default the last one, 总计, is cut too.
If the fields stand under their headers, it is 自然人 whose place the label took.

`text_004`: nothing is lost; every cell is a line or two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

import numpy as np

from giar_ml.forms import Form, load_form
from training.figures import Figure, Printed
from training.grid import Grid, GridCell, build_grid, show_figure
from training.prose import Prose, sample_prose

Squeezed = Literal["legal_services", "other_organization", "sum", "total"]
"""What the six figures of the first page of `text_000` are: the squeezed cell shows 法律服务机构, 其他 or
their sum; `total`: no column is squeezed and the total is cut."""
Extra = Literal["zero", "repeat", "blank"]
"""The eighth figure of the last rows of `text_001`."""
Five = Literal["first", "aligned", "without_legal"]
"""The figures of the rows of `text_002` that have five: the first ones, those that stand under their
headers (自然人 is lost), or those without 法律服务机构."""

APPLICANTS = (
    "natural_person",
    "enterprise",
    "research_institution",
    "social_organization",
    "legal_services",
    "other_organization",
)
COLUMNS = (*APPLICANTS, "total")


@dataclass(frozen=True)
class DumpText:
    """A text dump; `lost` are the keys of the cells that it does not print at all."""

    text: str
    lost: frozenset[str]
    organisation: str
    year: int


Layout = Callable[..., DumpText]
RowFields = Callable[[str], list[str]]
"""The figure fields of a row of table 3, each the key of a cell or text in quotes."""


def gold(figures: Printed, dump: DumpText) -> dict[str, Figure | None]:
    """What a perfect reader sees in the dump: the printed figure, None where blank or lost."""
    return {key: None if key in dump.lost else figure for key, figure in figures.items()}


def text_000(
    figures: Printed,
    rng: np.random.Generator,
    *,
    squeezed: Squeezed = "legal_services",
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """Rows before the first page tear have six figures; headers are single characters.

    `stated` are the figures that the prose repeats, none by default.
    """
    keep = {
        "legal_services": [c for c in COLUMNS if c != "other_organization"],
        "other_organization": [c for c in COLUMNS if c != "legal_services"],
        "total": list(APPLICANTS),
    }

    def row_fields(row: str) -> list[str]:
        if row not in ROWS_000_BEFORE_TEAR:
            return _keys(row, COLUMNS)
        if squeezed != "sum":
            return _keys(row, keep[squeezed])
        both = [figures[key] for key in _keys(row, ("legal_services", "other_organization"))]
        shown = None if None in both else sum(figure or 0 for figure in both)
        return [*_keys(row, COLUMNS[:4]), f'"{show_figure(shown)}"', *_keys(row, ("total",))]

    prose = prose or sample_prose(rng, stated=stated)
    (active, requests, manage, platform, oversight) = prose.topics
    return _write(
        figures,
        prose,
        row_fields,
        before=[
            "",
            "",
            f"# {prose.organisation} {prose.year} 年度 信息公开年度报告",
            prose.introduction,
            "## 一、总体情况",
            prose.overall,
            f"### （一）{active[0]}方面",
            f"1、{active[1]}",
            f"## （二）{manage[0]}方面",
            f"1、{manage[1]}",
            f"## （三）{platform[0]}方面",
            f"1、{platform[1]}",
            f"#### （四）{requests[0]}方面",
            f"1、{requests[1]}",
            f"#### （五）{oversight[0]}方面",
            f"1、{oversight[1]}",
        ],
        tables=_read_layout("000"),
        after=[
            "#### 五、存在的主要问题及改进措施：",
            "##### 1、主要问题：",
            prose.problems,
            "## 2、改进措施:",
            prose.improvements,
            "## 六、其他需要报告的事项",
            prose.remark,
            "\n",
        ],
    )


def text_001(
    figures: Printed,
    rng: np.random.Generator,
    *,
    extra: Extra = "zero",
    extra_at: int = 1,
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """Labels torn over pages and an eighth figure at `extra_at` (0..7) in the last rows of table 3."""

    def row_fields(row: str) -> list[str]:
        fields = _keys(row, COLUMNS)
        if row in ROWS_001_AFTER_TEAR:
            repeated = show_figure(figures[fields[max(extra_at - 1, 0)]])
            shown = {"zero": "0", "repeat": repeated, "blank": ""}[extra]
            fields.insert(extra_at, f'"{shown}"')
        return fields

    prose = prose or sample_prose(rng, stated=stated)
    (active, requests, manage, platform, oversight) = prose.topics
    torn_at = len(requests[1]) - int(rng.integers(3, 12))
    return _write(
        figures,
        prose,
        row_fields,
        before=[
            "",
            "",
            f"{prose.organisation} {prose.year} 年政府信息公开 工作年度报告",
            prose.introduction,
            "一、总体情况",
            f"(一) {active[0]}情况",
            prose.overall + active[1],
            f"(二) {requests[0]}情况",
            requests[1][:torn_at],
            requests[1][torn_at:],
            f"（三）{manage[0]}情况",
            manage[1],
            f"（四）{platform[0]}情况",
            platform[1],
            f"（五）{oversight[0]}情况",
            oversight[1],
        ],
        tables=_read_layout("001"),
        after=[
            "五、存在的主要问题及改进情况",
            "(一) 存在的问题",
            prose.problems,
            "(二) 问题改进情况",
            prose.improvements,
            "六、其他需要报告的事项",
            "(一) 政府信息公开信息处理费收取情况",
            prose.remark,
            f"{prose.year + 1}年1月{int(rng.integers(5, 29))}日",
        ],
    )


def text_002(
    figures: Printed,
    rng: np.random.Generator,
    *,
    five: Five = "first",
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """Column 其他 is lost, the label （三）不予公开 too, and some rows have five figures."""
    prose = prose or sample_prose(rng, stated=stated)
    return _write(
        figures,
        prose,
        _fields_of_eight(five),
        before=[
            "",
            "",
            f"# {prose.organisation} {prose.year} 年政府信息公开工作年度报告",
            "## 一、总体情况",
            prose.overall,
            *(
                line
                for number, (heading, text) in zip("一二三四五", prose.topics, strict=True)
                for line in (f"### （{number}）{heading}：", text)
            ),
        ],
        tables=_read_layout("002"),
        after=[
            "#### 五、存在的主要问题及改进情况",
            "##### (一) 存在问题",
            f"- {prose.problems}",
            "##### (二) 改进措施",
            f"- {prose.improvements}",
            "#### 六、其他需要报告的事项",
            prose.remark,
        ],
    )


def text_003(
    figures: Printed,
    rng: np.random.Generator,
    *,
    five: Five = "first",
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """As `text_002`, with plain headings."""
    prose = prose or sample_prose(rng, stated=stated)
    return _write(
        figures,
        prose,
        _fields_of_eight(five),
        before=[
            "",
            "",
            f"{prose.organisation} {prose.year} 年政府信息公开工作年度报告",
            "一、总体情况",
            prose.introduction + prose.overall,
            *(
                line
                for number, (heading, text) in zip("一二三四五", prose.topics, strict=True)
                for line in (f"（{number}）{heading}", text)
            ),
        ],
        tables=[re.sub(r"^#+ ", "", line) for line in _read_layout("002")],
        after=[
            "五、存在的主要问题及改进情况",
            prose.problems,
            prose.improvements,
            "六、其他需要报告的事项",
            prose.remark,
        ],
    )


def text_004(
    figures: Printed,
    rng: np.random.Generator,
    *,
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """One cell a line behind a tab, rows between blank lines, paragraphs without any."""
    prose = prose or sample_prose(rng, stated=stated)
    before = [
        f"{prose.organisation}{prose.year}年政府信息公开工作年度报告",
        "",
        prose.introduction,
        "一、总体情况",
        prose.overall,
    ]
    for number, (heading, text) in zip("一二三四五", prose.topics, strict=True):
        before += [f"（{number}）{heading}工作", text]
    after = [
        "五、存在的主要问题及改进情况",
        f"[bookmark: _GoBack]{prose.problems}",
        prose.improvements,
        "六、其他需要报告的事项",
        prose.remark,
        "",
    ]
    tables: list[str] = []
    for line in _read_layout("004"):
        if line.startswith("\t"):
            tables += [f"\t{cell}" for cell in line[1:].split("\t")] + [""]
        else:
            tables += ["", line] if tables else [line]
    return _write(
        figures,
        prose,
        lambda row: _keys(row, COLUMNS),
        before=before,
        tables=[part for line in [*tables, ""] for part in line.split("/")],
        after=after,
        paragraph_gap="\n",
    )


def text_pdf_raw(
    figures: Printed,
    rng: np.random.Generator,
    *,
    form: Form | None = None,
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """One item a line, as pdftotext gives without -layout: wrapped labels are several lines, blank cells
    none, labels of several rows come at their middle, page numbers and form feeds in between."""
    form, prose = form or load_form("2021"), prose or sample_prose(rng, stated=stated)
    lines = [line for text in _opening(prose) for line in _wrap(text, 60)]
    rows_a_page, page = int(rng.integers(11, 17)), 1
    for table in form.tables:
        grid = build_grid(table, lambda key: show_figure(figures[key]))
        lines.append(table.title[0])
        by_row: dict[int, list[GridCell]] = {}
        for cell in grid.cells:
            middle = (cell.row_start + cell.row_stop - 1) // 2
            by_row.setdefault(middle, []).append(cell)
        for row, cells in sorted(by_row.items()):
            for cell in sorted(cells, key=lambda cell: cell.column_start):
                lines += _wrap(cell.text, _width(grid, cell))
            if row % rows_a_page == rows_a_page - 1 and row + 1 < grid.n_rows:
                lines += ["", f"- {page} -", "", "\f"]
                page += 1
    lines += [line for text in _closing(prose) for line in _wrap(text, 60)]
    text = "\n".join([*lines, "", f"- {page} -", "", "\f"]).replace("\f\n", "\f")
    return DumpText(text, frozenset(), prose.organisation, prose.year)


def text_pdf_layout(
    figures: Printed,
    rng: np.random.Generator,
    *,
    form: Form | None = None,
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """Columns by spaces, as pdftotext -layout gives: figures stand beside the middle of wrapped labels."""
    form, prose = form or load_form("2021"), prose or sample_prose(rng, stated=stated)
    indent = " " * int(rng.integers(0, 8))
    lines = [f"{indent}{line}" for text in _opening(prose) for line in _wrap(text, 72)]
    for table in form.tables:
        grid = build_grid(table, lambda key: show_figure(figures[key]))
        lines += ["", f"{indent}    {table.title[0]}", ""]
        lines += [f"{indent}{line}".rstrip() for line in _draw_by_spaces(grid)]
    lines += ["", *(f"{indent}{line}" for text in _closing(prose) for line in _wrap(text, 72))]
    return DumpText("\n".join(lines) + "\n\f", frozenset(), prose.organisation, prose.year)


def text_markdown(
    figures: Printed,
    rng: np.random.Generator,
    *,
    form: Form | None = None,
    repeat_merged: bool = False,
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """Pipe tables, as converters from Word give: a merged cell is written once, or in every place."""
    form, prose = form or load_form("2021"), prose or sample_prose(rng, stated=stated)
    title, *opening = _opening(prose)
    lines = [f"# {title}", *(f"## {t}" if t.startswith("一、") else t for t in opening)]
    for table in form.tables:
        grid = build_grid(table, lambda key: show_figure(figures[key]))
        places = [[""] * grid.n_columns for _ in range(grid.n_rows)]
        for cell in grid.cells:
            rows = range(cell.row_start, cell.row_stop if repeat_merged else cell.row_start + 1)
            columns = range(cell.column_start, cell.column_stop if repeat_merged else cell.column_start + 1)
            for row in rows:
                for column in columns:
                    places[row][column] = cell.text
        rows_text = [f"| {' | '.join(row)} |" for row in places]
        rows_text.insert(1, "|" + " --- |" * grid.n_columns)
        lines += [f"## {table.title[0]}", "\n".join(rows_text)]
    lines += [f"## {t}" if t[1] == "、" else t for t in _closing(prose)]
    return DumpText("\n\n".join(lines) + "\n", frozenset(), prose.organisation, prose.year)


SEED_LAYOUTS: tuple[Layout, ...] = (text_000, text_001, text_002, text_003, text_004)
"""The layouts that were seen, by number."""
TOOL_LAYOUTS: tuple[Layout, ...] = (text_pdf_raw, text_pdf_layout, text_markdown)
"""What other tools make; these take the form."""


def published_figures(number: int) -> dict[str, Figure | None]:
    """The figures printed in the report behind `text_<number>`, its misprints and blanks included."""
    return {key: PUBLISHED[number].get(key, 0) for key in load_form("2021").cells}


def as_published(number: int) -> tuple[str, dict[str, Figure | None]]:
    """The layout with the published figures, and what it prints: None where blank or lost."""
    rng = np.random.default_rng(number)
    figures = published_figures(number)
    prose = sample_prose(rng, year=PUBLISHED_YEARS[number]).with_requests(PUBLISHED_STATEMENTS[number])
    dump = SEED_LAYOUTS[number](figures, rng, prose=prose)
    return dump.text, gold(figures, dump)


def _keys(row: str, columns: tuple[str, ...] | list[str]) -> list[str]:
    return [f"{row}.{column}" for column in columns]


def _fields_of_eight(five: Five) -> RowFields:
    six = [column for column in COLUMNS if column != "other_organization"]
    kept = {
        "first": six[:5],
        "aligned": six[1:],
        "without_legal": [column for column in six if column != "legal_services"],
    }[five]
    grouped = ("unavailable", "not_processed", "other")
    return lambda row: _keys(row, kept if row.split(".")[1] in grouped else six)


def _write(
    figures: Printed,
    prose: Prose,
    row_fields: RowFields,
    *,
    before: list[str],
    tables: list[str],
    after: list[str],
    paragraph_gap: str = "\n\n",
) -> DumpText:
    printed: set[str] = set()

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name in figures:
            fields = [name]
        elif name == "reviews":
            fields = [key for key in figures if key.startswith("reviews.")]
        else:
            fields = row_fields(name)
        printed.update(field for field in fields if field in figures)
        separator = "\n\t" if paragraph_gap == "\n" else "\t"
        return separator.join(f[1:-1] if f[0] == '"' else show_figure(figures[f]) for f in fields)

    body = re.sub(r"\{([\w.]+)\}", fill, "\n".join(tables))
    text = paragraph_gap.join([*_unsplit(before, paragraph_gap), body, *after])
    return DumpText(text, frozenset(figures.keys() - printed), prose.organisation, prose.year)


def _unsplit(lines: list[str], gap: str) -> list[str]:
    """The empty lines at the top are single ones, also where paragraphs stand apart."""
    if gap == "\n\n" and lines[:2] == ["", ""]:
        return [f"\n\n{lines[2]}", *lines[3:]]
    return lines


def _read_layout(name: str) -> list[str]:
    """The lines of a template, with tabs."""
    path = Path(__file__).parent / "layouts" / f"{name}.txt"
    return path.read_text(encoding="utf-8").removesuffix("\n").replace("|", "\t").split("\n")


def _opening(prose: Prose) -> list[str]:
    return [
        f"{prose.organisation}{prose.year}年政府信息公开工作年度报告",
        prose.introduction,
        "一、总体情况",
        prose.overall,
        *(f"（{n}）{heading}。{text}" for n, (heading, text) in zip("一二三四五", prose.topics, strict=True)),
    ]


def _closing(prose: Prose) -> list[str]:
    return [
        "五、存在的主要问题及改进情况",
        prose.problems + prose.improvements,
        "六、其他需要报告的事项",
        prose.remark,
    ]


# Widths in half-width characters; a Chinese character is two.
LABEL_WIDTHS = (6, 12, 28)
FIGURE_WIDTH = 9
WIDE_FIGURE_WIDTH = 18
NARROW_FIGURE_WIDTH = 5


def _column_widths(grid: Grid) -> list[int]:
    n_figures = grid.n_columns - grid.n_label_columns
    labels = {0: (), 1: (24,)}.get(grid.n_label_columns, LABEL_WIDTHS[: grid.n_label_columns])
    figure = WIDE_FIGURE_WIDTH if n_figures <= 4 else NARROW_FIGURE_WIDTH if n_figures > 10 else FIGURE_WIDTH
    return [*labels, *[figure] * n_figures]


def _width(grid: Grid, cell: GridCell) -> int:
    return sum(_column_widths(grid)[cell.column_start : cell.column_stop]) - 1


def _display_width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)


def _wrap(text: str, width: int) -> list[str]:
    """Lines no wider than `width`; figures are not broken, an empty text has no line."""
    lines: list[str] = []
    for piece in re.findall(r"[-\d.]+|.", text):
        if lines and _display_width(lines[-1] + piece) <= width:
            lines[-1] += piece
        else:
            lines.append(piece)
    return lines


def _draw_by_spaces(grid: Grid) -> list[str]:
    widths = _column_widths(grid)
    lefts = [sum(widths[:i]) for i in range(len(widths) + 1)]
    wrapped = {cell: _wrap(cell.text, _width(grid, cell)) for cell in grid.cells}
    heights = [1] * grid.n_rows
    for cell, texts in sorted(wrapped.items(), key=lambda item: item[0].row_stop - item[0].row_start):
        missing = len(texts) - sum(heights[cell.row_start : cell.row_stop])
        heights[cell.row_stop - 1] += max(missing, 0)
    tops = [sum(heights[:i]) for i in range(grid.n_rows + 1)]
    placed: list[list[tuple[int, str]]] = [[] for _ in range(tops[-1])]
    for cell, texts in wrapped.items():
        top, bottom = tops[cell.row_start], tops[cell.row_stop]
        left, width = lefts[cell.column_start], _width(grid, cell)
        for i, text in enumerate(texts):
            free = 0 if cell.role == "label" else max(width - _display_width(text), 0) // 2
            placed[top + (bottom - top - len(texts)) // 2 + i].append((left + free, text))
    lines = []
    for pieces in placed:
        line = ""
        for left, text in sorted(pieces):
            line += " " * (left - _display_width(line)) + text
        lines.append(line)
    return lines


ROWS_000_BEFORE_TEAR = frozenset(
    f"requests.{row}"
    for row in (
        "new",
        "carried_in",
        "granted",
        "partly_granted",
        "refused.state_secret",
        "refused.prohibited_by_law",
        "refused.security_and_stability",
        "refused.third_party_rights",
    )
)
ROWS_001_AFTER_TEAR = frozenset(f"requests.{row}" for row in ("other.other", "handled_total", "carried_out"))

# What is not named was printed 0.
PUBLISHED: tuple[Mapping[str, Figure | None], ...] = (
    {},
    {
        "disclosure.normative_documents.issued": 12,
        "disclosure.normative_documents.repealed": 9,
        "disclosure.normative_documents.in_force": 72,
        "disclosure.licensing.decisions": 424264,
        "disclosure.penalties.decisions": 64941,
        "disclosure.coercion.decisions": 2096,
        "disclosure.fees.amount": Decimal("21643.44"),
        "requests.new.natural_person": 11,
        "requests.new.other_organization": 1,
        "requests.new.total": 12,
        "requests.granted.natural_person": 6,
        "requests.granted.other_organization": 1,
        "requests.granted.total": 7,
        "requests.refused.internal_affairs.natural_person": 2,
        "requests.refused.internal_affairs.total": 2,
        "requests.unavailable.not_held.natural_person": 3,
        "requests.unavailable.not_held.total": 3,
        "requests.handled_total.natural_person": 11,
        "requests.handled_total.other_organization": 1,
        "requests.handled_total.total": 12,
        "reviews.reconsideration.upheld": None,
        "reviews.reconsideration.overturned": None,
        "reviews.reconsideration.other": None,
        "reviews.reconsideration.pending": None,
        "reviews.reconsideration.total": None,
        "reviews.direct_litigation.upheld": 3,
        "reviews.direct_litigation.total": 3,
    },
    {},
    {},
    {
        "disclosure.normative_documents.issued": 11,
        "disclosure.normative_documents.repealed": 6,
        "disclosure.normative_documents.in_force": 5,
        "disclosure.licensing.decisions": 636,
        "disclosure.penalties.decisions": 25,
        "disclosure.coercion.decisions": 4,
        "requests.new.natural_person": 3,
        "requests.new.total": 3,
        "requests.granted.natural_person": 3,
        "requests.granted.total": 3,
        "requests.handled_total.natural_person": 3,
        "requests.handled_total.total": 3,
        "reviews.reconsideration.upheld": 1,
        "reviews.direct_litigation.upheld": 2,
        "reviews.litigation_after_reconsideration.total": 3,
    },
)
PUBLISHED_YEARS = (2025, 2024, 2025, 2025, 2025)
# Our words for what the reports state: those of 001 and 004 contradict table 4.
PUBLISHED_STATEMENTS = (
    "本年度未收到政府信息公开申请。没有发生行政复议和行政诉讼。",
    "本年度新收政府信息公开申请12件，其中予以公开7件。发生行政复议3件，均为结果维持；"
    "发生行政诉讼1件，结果维持。",
    "本年度未收到政府信息公开申请。没有发生行政复议和行政诉讼。",
    "本年度未收到政府信息公开申请。",
    "本年度收到政府信息公开申请3件，已全部答复。没有发生行政复议，发生行政诉讼2件。",
)
