"""How a report is printed: fonts, sizes, rules, wording; the tables as a style prints them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np

from giar_ml.forms import Form, load_form
from training.filling import Filling
from training.grid import Grid, GridCell, build_grid

# The classes that offices print in, as free fonts of the same look (Debian: fonts-arphic-uming,
# fonts-arphic-gbsn00lp, fonts-arphic-ukai, fonts-arphic-gkai00mp, fonts-wqy-zenhei, fonts-noto-cjk,
# fonts-liberation, fonts-texgyre, fonts-freefont-otf; Fandol comes with texlive-lang-chinese).
SONG, KAI, HEI, SERIF, SANS = (
    "AR PL UMing CN",
    "AR PL UKai CN",
    "WenQuanYi Zen Hei",
    "Noto Serif CJK SC",
    "Noto Sans CJK SC",
)
FANG, FANDOL_SONG, FANDOL_KAI, FANDOL_HEI = "FandolFang", "FandolSong", "FandolKai", "FandolHei"
SONG_GB, KAI_GB = "AR PL SungtiL GB", "AR PL KaitiM GB"
TIMES, TERMES, FREE = "Liberation Serif", "TeX Gyre Termes", "FreeSerif"

SONGS = (SONG, SONG_GB, FANDOL_SONG, SERIF)
KAIS = (KAI, KAI_GB, FANDOL_KAI)
HEIS = (HEI, SANS, FANDOL_HEI)

TintKey = tuple[int, int]
"""A printed cell: the number of its table in the form, and its own number in the table's grid."""
Tints = Mapping[TintKey, str]
"""Shading by cell, `RRGGBB`."""

Landscape = Literal["no", "requests", "tables", "all"]
Numbering = Literal["chapters", "brackets", "none"]
PageNumbers = Literal["none", "bare", "dashes", "chinese"]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Style:
    """How a report is printed. Sizes in points, margins and widths in centimetres."""

    title_font: str = SONG
    heading_font: str = HEI
    body_font: str = SONG
    table_font: str = SONG
    header_font: str | None = None
    """Of the column headers; None: the table's."""
    figure_font: str = TIMES
    title_pt: float = 22
    heading_pt: float = 16
    body_pt: float = 16
    label_pt: float = 10.5
    requests_pt: float = 9
    figure_pt: float = 12
    line_pt: float = 28
    margins_cm: tuple[float, float, float, float] = (3.0, 2.6, 3.0, 2.8)
    """Top, right, bottom, left."""
    caption_fill: str | None = "C6D9F1"
    header_fill: str | None = None
    bold_headers: bool = True
    bold_chapters: bool = False
    """Labels 一、 to 四、 of the table of requests are bold."""
    bold_headings: bool = False
    row_cm: tuple[float, float, float] = (0.95, 0.55, 0.8)
    """Least height of a row in each of the three tables."""
    padding_pt: tuple[float, float] = (0, 2)
    """Between the rules of a cell and its text: above and below, left and right."""
    label_spacing: float | None = None
    """Height of a line of a label beside its type size; None: as the font has it."""
    border_pt: float = 0.5
    outer_border: Literal["single", "double", "thick", "open"] = "single"
    """`open` has no rules at the left and right edge of a table."""
    inner_border: Literal["single", "dotted", "none"] = "single"
    vertical_label: bool = True
    """The label of all results runs downwards; else it is wrapped."""
    label_shares: tuple[float, float, float] = (0.06, 0.17, 0.29)
    """Shares of the width that the three label columns of the table of requests take."""
    width_share: float = 1.0
    """Width of the tables beside the text's: offices let them reach into the margins."""
    figure_align: Literal["left", "center", "right"] = "center"
    label_align: Literal["left", "center"] = "left"
    caption_align: Literal["left", "center"] = "center"
    page_break_before: tuple[int, ...] = ()
    """Tables, from 0, that start a page."""
    break_row: int | None = None
    """The table of requests is cut by hand before this row of its grid and goes on on the next page."""
    even_headers: bool = True
    """The lines of a wrapped column header are of one length: 结果 above 维持, not 结果维 above 持."""
    split_rows: bool = False
    """A row may be torn over two pages."""
    stray_lines: bool = False
    """Empty lines stand above and below the labels of the table of requests: its rows are tall."""
    repeat_headers: bool = False
    page_numbers: PageNumbers = "dashes"
    page_number_align: Literal["center", "right"] = "center"
    landscape: Landscape = "no"
    """What lies on landscape pages: the table of requests, all tables, the whole report."""
    wording: Mapping[str, str] = field(default_factory=dict)
    """Printed text by the official text of a label, where it differs."""
    numbering: Numbering = "chapters"
    """Of the headings: 三、, （三） or nothing."""
    split_title: bool = True
    """The title is printed on two lines, the office on the first."""
    subtitle: Literal["none", "office", "date"] = "none"
    """The line under the title."""
    signature: bool = False
    """Office and date at the end."""
    site: Literal["none", "plain", "portal"] = "plain"
    """What of the web site is printed around the text: nothing, breadcrumbs, header and footer too."""
    pasted: bool = False
    """The web page's tables were pasted from Word: paragraphs in the cells, everything styled in place."""

    def say(self, text: str) -> str:
        """The printed wording of an official label."""
        return self.wording.get(text, text)

    def heading(self, text: str) -> str:
        """A chapter's heading, given as on the official form, as it is printed."""
        number, mark, rest = text.partition("、")
        if self.numbering == "chapters" or not mark:
            return text
        return f"（{number}）{rest}" if self.numbering == "brackets" else rest

    def fill(self, cell: GridCell) -> str | None:
        """The shading of a cell, `RRGGBB`."""
        return {"caption": self.caption_fill, "header": self.header_fill, "corner": self.header_fill}.get(
            cell.role
        )

    def is_turned(self, number: int | None) -> bool:
        """Whether a table, from 0, lies on a landscape page; None: the text."""
        if number is None:
            return self.landscape == "all"
        return self.landscape in ("all", "tables") or (self.landscape == "requests" and number == 1)


def printed_grids(filling: Filling, style: Style) -> list[Grid]:
    """The form's tables with the texts of the filling and the wording of the style."""
    grids = []
    for table in filling.form.tables:
        grid = build_grid(table, lambda key: filling.texts[key])
        cells = (cell if cell.key else replace(cell, text=style.say(cell.text)) for cell in grid.cells)
        grids.append(replace(grid, cells=tuple(cells)))
    return grids


def n_header_rows(grid: Grid) -> int:
    """Rows of column headers at the head of a table; captions start tables that have several headers."""
    if any(cell.role == "caption" for cell in grid.cells):
        return 0
    return min(cell.row_start for cell in grid.cells if cell.role == "value")


def table_parts(grid: Grid, style: Style, number: int) -> list[list[int]]:
    """The rows of each part of a table, from 0: two parts where it is cut by hand."""
    rows, headers = list(range(grid.n_rows)), list(range(n_header_rows(grid)))
    if number != 1 or not style.break_row:
        return [rows]
    return [rows[: style.break_row], (headers if style.repeat_headers else []) + rows[style.break_row :]]


def column_shares(grid: Grid, style: Style) -> list[float]:
    """Shares of the table's width; in the Word form, labels of the table of requests take half of it."""
    shares = {0: (), 1: (0.35,), 3: style.label_shares}[grid.n_label_columns]
    n_figures = grid.n_columns - grid.n_label_columns
    return [*shares, *[(1 - sum(shares)) / n_figures] * n_figures]


def wrap_header(text: str, style: Style, *, width_pt: float, size_pt: float) -> str:
    """A column header with the line breaks that an office puts in."""
    n_fit = max(1, int((width_pt - 2 * style.padding_pt[1] - 1) / size_pt))
    if not style.even_headers or len(text) <= n_fit or " " in text:
        return text
    n_line = math.ceil(len(text) / math.ceil(len(text) / n_fit))
    return "\n".join(text[i : i + n_line] for i in range(0, len(text), n_line))


def is_narrow(cell: GridCell) -> bool:
    """The label of all results: tall, and in the narrowest column."""
    return cell.role == "label" and cell.row_stop - cell.row_start > 9


def widest_figure(grid: Grid) -> float:
    """The longest figure of a table, in widths of a digit; notes do not count, they are wrapped."""
    texts = (cell.text for cell in grid.cells if cell.role == "value")
    runs = (re.match(r"[^（(\s]*", text) for text in texts)
    return max(1, *(sum(1 if c < "\u2e80" else 2 for c in run[0]) for run in runs if run))


def figure_pt(style: Style, grid: Grid, column_pt: float) -> float:
    """The size at which the longest figure of a table stands on one line of its column."""
    return max(
        6.0, min(style.figure_pt, (column_pt - 2 * style.padding_pt[1] - 1) / (0.56 * widest_figure(grid)))
    )


def printed_date(filling: Filling, style: Style) -> str:
    """When the report was published: early in the next year."""
    return f"{filling.prose.year + 1}年1月{10 + round(style.line_pt) % 18}日"


def sample_style(rng: np.random.Generator, *, form: Form | None = None) -> Style:
    """A style that an office might choose.

    Args:
        form: whose printed variants of labels may be used; the 2021 form where it is not given.
    """

    def pick(*options: _T) -> _T:
        return options[int(rng.integers(len(options)))]

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    def uniform(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 2)

    form = form or load_form("2021")
    song, kai, hei = pick(*SONGS), pick(*KAIS), pick(*HEIS)
    table_font = pick(song, song, song, FANG, FANG, hei, kai)
    body_pt = pick(14.0, 15.0, 16.0, 16.0)
    requests_pt = pick(7.5, 8.0, 9.0, 9.0, 10.0, 10.5)
    margin = uniform(1.8, 3.0)
    landscape: Landscape = "no"
    if chance(0.14):
        landscape = pick("requests", "tables", "all")
    # Narrow labels take several lines: where rows may be torn, some are.
    split_rows = chance(0.3)
    narrow = split_rows and chance(0.5)
    middle = uniform(0.08, 0.12) if narrow else uniform(0.12, 0.18)
    last = uniform(0.14, 0.2) if narrow else uniform(0.24, 0.31)
    grid = build_grid(form.tables[1], lambda key: "")
    n_rows, n_headers = grid.n_rows, n_header_rows(grid)
    return Style(
        title_font=pick(hei, song, SONG, SERIF),
        heading_font=pick(hei, hei, kai, song),
        body_font=pick(FANG, FANG, song, kai),
        table_font=table_font,
        header_font=hei if chance(0.2) else None,
        figure_font=pick(TIMES, TIMES, TERMES, FREE, table_font, table_font),
        title_pt=pick(18.0, 20.0, 22.0, 22.0),
        heading_pt=body_pt,
        body_pt=body_pt,
        label_pt=pick(9.0, 10.5, 10.5, 12.0),
        requests_pt=requests_pt,
        figure_pt=min(12.0, requests_pt + pick(0.0, 0.0, 1.0, 1.5, 3.0)),
        line_pt=round(body_pt * uniform(1.4, 1.9)),
        margins_cm=(margin + 0.3, margin, margin, margin),
        caption_fill=pick("C6D9F1", "C6D9F1", "B8CCE4", "D9D9D9", "DAEEF3", None, None, None),
        header_fill=pick("F2F2F2", "DCE6F1", "EAF1DD") if chance(0.12) else None,
        bold_headers=chance(0.4),
        bold_chapters=chance(0.35),
        bold_headings=chance(0.2),
        row_cm=(uniform(0.6, 1.1), uniform(0.42, 0.85), uniform(0.6, 1.1)),
        padding_pt=(pick(0.0, 0.5, 1.0, 2.0), pick(2.0, 2.0, 3.0, 5.4)),
        label_spacing=uniform(1.15, 1.5),
        border_pt=pick(0.5, 0.5, 0.5, 0.75, 1.0, 1.5),
        outer_border=pick("double", "thick", "thick", "open") if chance(0.25) else "single",
        inner_border=("none" if chance(0.25) else "dotted") if chance(0.06) else "single",
        vertical_label=chance(0.45),
        label_shares=(uniform(0.045, 0.07), middle, last),
        width_share=uniform(1.02, 1.12) if chance(0.2) else 1.0,
        figure_align=pick("left", "right") if chance(0.12) else "center",
        label_align="center" if chance(0.15) else "left",
        caption_align="left" if chance(0.35) else "center",
        page_break_before=pick((), (), (1,), (0, 1), (1, 2)),
        break_row=int(rng.integers(n_headers + 12, n_rows - 3)) if chance(0.12) else None,
        even_headers=chance(0.8),
        split_rows=split_rows,
        stray_lines=split_rows and chance(0.4),
        repeat_headers=chance(0.3),
        page_numbers=pick("dashes", "dashes", "bare", "chinese", "none"),
        page_number_align="right" if chance(0.2) else "center",
        landscape=landscape,
        wording=_sample_wording(rng, form),
        numbering=pick("brackets", "none") if chance(0.1) else "chapters",
        split_title=chance(0.6),
        subtitle=pick("office", "date") if chance(0.25) else "none",
        signature=chance(0.4),
        site=pick("none", "plain", "portal", "portal"),
        pasted=chance(0.4),
    )


def _sample_wording(rng: np.random.Generator, form: Form) -> dict[str, str]:
    """Printed variants of labels: those of the form, other marks after a number, spaced short labels."""
    mark = "．" if rng.random() < 0.12 else "、" if rng.random() < 0.1 else "."
    spaced = rng.random() < 0.15
    half_width = rng.random() < 0.08
    wording = {}
    for section in form.sections:
        texts = [section.caption, section.corner, *(h.labels for h in (*section.columns, *section.rows))]
        texts += [(group,) for h in (*section.columns, *section.rows) for group in h.under]
        for labels in texts:
            if not labels or labels[0] in wording:
                continue
            text = labels[0]
            if len(labels) > 1 and rng.random() < 0.2:
                text = labels[int(rng.integers(1, len(labels)))]
            text = re.sub(r"^(\d)\.", rf"\1{mark}", text)
            if spaced and len(text) == 2:
                text = f"{text[0]} {text[1]}"
            if half_width:
                text = text.translate(str.maketrans("（）", "()"))
            if text != labels[0]:
                wording[labels[0]] = text
    return wording
