"""Reports as offices make them: Word documents with the official merges, HTML pages, prints and scans."""

from __future__ import annotations

import functools
import html
import io
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import cv2
import docx
import numpy as np
import pypdfium2
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from PIL import Image

from giar_ml.document import BBox
from giar_ml.forms import Form
from training.figures import Printed
from training.grid import Grid, GridCell, build_grid, show_figure
from training.prose import Prose

Severity = Literal["clean", "office"]

# The classes that offices print in, as free fonts of the same look (Debian: fonts-arphic-uming,
# fonts-arphic-ukai, fonts-wqy-zenhei, fonts-noto-cjk, fonts-liberation).
SONG, KAI, HEI, SERIF, SANS = (
    "AR PL UMing CN",
    "AR PL UKai CN",
    "WenQuanYi Zen Hei",
    "Noto Serif CJK SC",
    "Noto Sans CJK SC",
)
TIMES = "Liberation Serif"


@dataclass(frozen=True)
class Style:
    """How a report is printed. Sizes in points, margins and widths in centimetres."""

    title_font: str = SONG
    heading_font: str = HEI
    body_font: str = SONG
    table_font: str = SONG
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
    bold_headers: bool = True
    row_cm: tuple[float, float, float] = (0.95, 0.55, 0.8)
    """Least height of a row in each of the three tables."""
    border_pt: float = 0.5
    vertical_label: bool = True
    """The label of all results runs downwards; else it is wrapped."""
    page_break_before: tuple[int, ...] = ()
    """Tables, from 0, that start a page."""
    page_numbers: bool = True
    landscape: bool = False
    blank_zeros: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    """Text that follows the figure of a cell, as in 22（其中修订16件）."""


def sample_style(rng: np.random.Generator) -> Style:
    """A style that an office might choose."""

    def pick(*options: object) -> int:
        return int(rng.integers(len(options)))

    bodies, tables, headings = (SONG, KAI, SERIF), (SONG, SERIF, HEI, KAI, SANS), (HEI, SANS, SERIF)
    fills, breaks = ("C6D9F1", None, None, "D9D9D9"), ((), (), (1,), (0, 1))
    body_pt = float(rng.choice([14, 15, 16]))
    requests_pt = float(rng.choice([7.5, 8, 9, 9, 10]))
    margin = float(rng.uniform(2.2, 3.0))
    return Style(
        title_font=headings[pick(*headings)],
        heading_font=headings[pick(*headings)],
        body_font=bodies[pick(*bodies)],
        table_font=tables[pick(*tables)],
        figure_font=TIMES if rng.random() < 0.7 else tables[pick(*tables)],
        title_pt=float(rng.choice([18, 20, 22])),
        heading_pt=body_pt,
        body_pt=body_pt,
        label_pt=float(rng.choice([9, 10.5, 12])),
        requests_pt=requests_pt,
        figure_pt=min(12, requests_pt + float(rng.choice([0, 1, 3]))),
        line_pt=round(body_pt * float(rng.uniform(1.5, 1.9))),
        margins_cm=(margin + 0.3, margin, margin, margin),
        caption_fill=fills[pick(*fills)],
        vertical_label=bool(rng.random() < 0.5),
        bold_headers=bool(rng.random() < 0.5),
        row_cm=(float(rng.uniform(0.7, 1.1)), float(rng.uniform(0.45, 0.8)), float(rng.uniform(0.6, 1.0))),
        border_pt=float(rng.choice([0.5, 0.5, 0.75, 1.0])),
        page_break_before=breaks[pick(*breaks)],
        page_numbers=bool(rng.random() < 0.8),
    )


def write_report(
    path: Path,
    form: Form,
    figures: Printed,
    *,
    organisation: str,
    year: int,
    style: Style,
    prose: Prose,
    tints: Mapping[str, str] | None = None,
) -> Path:
    """Write a Word report: title, chapter one, the form's tables, the last chapters.

    Args:
        figures: what is printed in every cell; None is left blank.
        tints: shading by cell key, `RRGGBB`; it moves nothing, see `find_cells`.
    """
    document = docx.Document()
    _set_page(document, style)
    for line in (organisation, f"{year}年政府信息公开工作年度报告"):
        _add_line(document, line, style.title_font, style.title_pt, style, centred=True)
    _add_line(document, "", style.body_font, style.body_pt, style)
    _add_body(document, prose.introduction, style)
    _add_heading(document, "一、总体情况", style)
    _add_body(document, prose.overall, style)
    for number, (heading, text) in zip("一二三四五", prose.topics, strict=True):
        _add_body(document, text, style, lead=f"（{number}）{heading}情况。")
    for i, table in enumerate(form.tables):
        title = _add_heading(document, table.title[0], style)
        title.paragraph_format.page_break_before = i in style.page_break_before
        grid = build_grid(table, functools.partial(_show, figures, style))
        _add_table(document, grid, style, number=i, tints=tints or {})
        _add_line(document, "", style.body_font, 9, style, line_pt=12)
    _add_heading(document, "五、存在的主要问题及改进情况", style)
    _add_body(document, prose.problems + prose.improvements, style)
    _add_heading(document, "六、其他需要报告的事项", style)
    _add_body(document, prose.remark, style)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(str(path))
    return path


def _show(figures: Printed, style: Style, key: str) -> str:
    figure = figures[key]
    text = "" if style.blank_zeros and figure == 0 else show_figure(figure)
    return text + style.notes.get(key, "")


def _set_page(document: Document, style: Style) -> None:
    section = document.sections[0]
    width, height = (29.7, 21.0) if style.landscape else (21.0, 29.7)
    section.page_width, section.page_height = Cm(width), Cm(height)
    section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = map(
        Cm, style.margins_cm
    )
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = TIMES, Pt(style.body_pt)
    normal.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), style.body_font)
    # Without it LibreOffice takes the Traditional forms of the glyphs.
    normal.element.get_or_add_rPr().append(_element("w:lang", val="en-US", eastAsia="zh-CN"))
    for language in document.styles.element.xpath("./w:docDefaults//w:lang"):
        language.set(qn("w:eastAsia"), "zh-CN")
    if style.page_numbers:
        paragraph = section.footer.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        for part in ("- ", "PAGE", " -"):
            run = paragraph.add_run("" if part == "PAGE" else part)
            run.font.size = Pt(12)
            if part == "PAGE":
                for kind in ("begin", None, "end"):
                    _append_field(run._r, kind)


def _append_field(run: Any, kind: str | None) -> None:
    if kind is None:
        element = OxmlElement("w:instrText")
        element.text = "PAGE"
    else:
        element = OxmlElement("w:fldChar")
        element.set(qn("w:fldCharType"), kind)
    run.append(element)


def _add_line(
    document: Document,
    text: str,
    font: str,
    size_pt: float,
    style: Style,
    *,
    centred: bool = False,
    line_pt: float | None = None,
) -> Paragraph:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.line_spacing = Pt(line_pt or max(style.line_pt, size_pt * 1.4))
    paragraph.paragraph_format.space_after = Pt(0)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if centred else WD_ALIGN_PARAGRAPH.JUSTIFY
    _add_run(paragraph, text, font, size_pt)
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
    paragraph = _add_line(document, text, style.heading_font, style.heading_pt, style)
    paragraph.paragraph_format.first_line_indent = Pt(2 * style.heading_pt)
    paragraph.paragraph_format.keep_with_next = True
    return paragraph


def _add_body(document: Document, text: str, style: Style, *, lead: str = "") -> None:
    paragraph = _add_line(document, "", style.body_font, style.body_pt, style)
    paragraph.paragraph_format.first_line_indent = Pt(2 * style.body_pt)
    if lead:
        _add_run(paragraph, lead, style.heading_font, style.body_pt)
    _add_run(paragraph, text, style.body_font, style.body_pt)


def _add_table(
    document: Document, grid: Grid, style: Style, *, number: int, tints: Mapping[str, str]
) -> None:
    _top, right, _bottom, left = style.margins_cm
    width_cm = (29.7 if style.landscape else 21.0) - left - right
    widths = _column_widths_cm(grid, width_cm)
    table = OxmlElement("w:tbl")
    table.append(_table_properties(style, width_cm))
    columns = OxmlElement("w:tblGrid")
    for width in widths:
        columns.append(_element("w:gridCol", w=_twips(width)))
    table.append(columns)
    starts = {(cell.row_start, cell.column_start): cell for cell in grid.cells}
    covering = {
        (row, cell.column_start): cell for cell in grid.cells for row in range(cell.row_start, cell.row_stop)
    }
    for row in range(grid.n_rows):
        line = OxmlElement("w:tr")
        properties = OxmlElement("w:trPr")
        properties.append(_element("w:cantSplit"))
        properties.append(_element("w:trHeight", val=_twips(style.row_cm[number]), hRule="atLeast"))
        line.append(properties)
        for column in range(grid.n_columns):
            cell = covering.get((row, column))
            if cell is not None:
                line.append(_table_cell(cell, (row, column) in starts, widths, style, number, tints))
        table.append(line)
    document.element.body.insert_element_before(table, "w:sectPr")


def _column_widths_cm(grid: Grid, width_cm: float) -> list[float]:
    n_figures = grid.n_columns - grid.n_label_columns
    # Shares of the width as in the Word form: labels of table 3 take half of it.
    shares = {0: (), 1: (0.35,), 3: (0.06, 0.17, 0.29)}[grid.n_label_columns]
    rest = (1 - sum(shares)) / n_figures
    return [width_cm * share for share in (*shares, *[rest] * n_figures)]


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
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        borders.append(
            _element(f"w:{side}", val="single", sz=round(8 * style.border_pt), space=0, color="000000")
        )
    properties.append(borders)
    properties.append(_element("w:tblLayout", type="fixed"))
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margins.append(_element(f"w:{side}", w=40, type="dxa"))
    properties.append(margins)
    return properties


def _table_cell(
    cell: GridCell,
    first: bool,
    widths: list[float],
    style: Style,
    number: int,
    tints: Mapping[str, str],
) -> Any:
    element = OxmlElement("w:tc")
    properties = OxmlElement("w:tcPr")
    width = sum(widths[cell.column_start : cell.column_stop])
    properties.append(_element("w:tcW", w=_twips(width), type="dxa"))
    if cell.column_stop - cell.column_start > 1:
        properties.append(_element("w:gridSpan", val=cell.column_stop - cell.column_start))
    if cell.row_stop - cell.row_start > 1:
        properties.append(_element("w:vMerge", val="restart" if first else "continue"))
    fill = tints.get(cell.key or "") or (style.caption_fill if cell.role == "caption" else None)
    if fill:
        properties.append(_element("w:shd", val="clear", color="auto", fill=fill))
    narrow = cell.role == "label" and cell.row_stop - cell.row_start > 9
    if narrow and style.vertical_label:
        properties.append(_element("w:textDirection", val="tbRlV"))
    properties.append(_element("w:vAlign", val="center"))
    element.append(properties)
    block: Any = OxmlElement("w:p")
    element.append(block)
    paragraph = Paragraph(block, cast(Any, None))
    paragraph.paragraph_format.space_after = Pt(0)
    paragraph.paragraph_format.line_spacing = 1.0
    left = (cell.role == "label" and not narrow) or (cell.role == "corner" and number > 0)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.CENTER
    size_pt = style.label_pt if number == 0 else style.requests_pt
    if cell.role == "value":
        size_pt = style.figure_pt
    if first and cell.text:
        bold = style.bold_headers and (narrow or (cell.role in ("header", "corner") and number == 0))
        latin = style.figure_font if cell.role == "value" else TIMES
        _add_run(paragraph, cell.text, style.table_font, size_pt, latin=latin, bold=bold)
    return element


def find_office() -> Path | None:
    """LibreOffice with Writer, which alone prints Word documents."""
    found = shutil.which("soffice")
    if found is None:
        return None
    soffice = Path(found).resolve()
    return soffice if (soffice.parent / "libswlo.so").exists() else None


def print_pdf(path: Path) -> Path:
    """Print a Word document through LibreOffice beside itself; raises FileNotFoundError without it."""
    soffice = find_office()
    if soffice is None:
        raise FileNotFoundError("LibreOffice Writer not found: apt-get install libreoffice-writer-nogui")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                soffice,
                f"-env:UserInstallation=file://{profile}",
                "--headless",
                "--convert-to",
                "pdf",
                "--outdir",
                str(path.parent),
                str(path),
            ],
            check=True,
            capture_output=True,
            timeout=180,
        )
    return path.with_suffix(".pdf")


def render(pdf: Path, dpi: float) -> list[np.ndarray]:
    """The pages, (H, W, 3) uint8 RGB."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [np.asarray(page.render(scale=dpi / 72).to_pil().convert("RGB")) for page in document]
    finally:
        document.close()


def find_cells(
    folder: Path,
    form: Form,
    figures: Printed,
    *,
    organisation: str,
    year: int,
    style: Style,
    prose: Prose,
    dpi: float,
) -> dict[str, tuple[int, BBox]]:
    """Where every cell is printed: page, from 1, and bbox in pixels at `dpi`.

    Prints a twin of the report whose cells are shaded in colours of their own.
    """
    # Full red: no blend with the black of text and rules gives another cell's colour.
    colours = {f"FF{8 * (i // 20):02X}{8 * (i % 20):02X}": key for i, key in enumerate(form.cells)}
    tints = {key: colour for colour, key in colours.items()}
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path = write_report(
            Path(name) / "twin.docx",
            form,
            figures,
            organisation=organisation,
            year=year,
            style=style,
            prose=prose,
            tints=tints,
        )
        pages = render(print_pdf(path), dpi)
    found: dict[str, tuple[int, BBox]] = {}
    for number, page in enumerate(pages, start=1):
        codes = page.astype(np.uint32) @ np.array([0x10000, 0x100, 1], np.uint32)
        for code in np.unique(codes):
            key = colours.get(f"{code:06X}")
            if key is None:
                continue
            rows, columns = np.nonzero(codes == code)
            bbox = BBox(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            if key not in found and bbox.width > 5 and bbox.height > 5:
                found[key] = number, BBox(*map(float, bbox))
    return found


def scan(pdf: Path, dpi: float, rng: np.random.Generator, severity: Severity = "clean") -> bytes:
    """An image-only PDF of the pages as a copier makes it."""
    return images_to_pdf([degrade(page, rng, severity) for page in render(pdf, dpi)], dpi)


def degrade(page: np.ndarray, rng: np.random.Generator, severity: Severity) -> np.ndarray:
    """Grey, slightly noisy; `office` adds a tiny skew, softness, uneven paper and specks. RGB stays
    RGB where the page has colour."""
    ink: np.ndarray = page.astype(np.float32)
    if severity == "office":
        height, width = ink.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-0.5, 0.5)), 1.0)
        matrix[:, 2] = matrix[:, 2] + rng.uniform(-4, 4, 2)
        ink = cv2.warpAffine(ink, matrix, (width, height), borderValue=(255, 255, 255))
        ink = cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.5, 0.8)))
        shade = np.linspace(rng.uniform(0.93, 0.98), rng.uniform(0.98, 1.0), width)[None, :, None]
        ink = (255 - (255 - ink) * rng.uniform(0.82, 0.95)) * shade
        for _ in range(int(rng.integers(8, 25))):
            centre = (int(rng.integers(width)), int(rng.integers(height)))
            cv2.circle(ink, centre, int(rng.integers(1, 3)), [float(rng.uniform(60, 180))] * 3, -1)
    else:
        ink = cv2.GaussianBlur(ink, (0, 0), 0.4)
    noise = rng.normal(0, 2.0 if severity == "clean" else 4.0, ink.shape[:2])[..., None]
    return np.clip(ink + noise, 0, 255).astype(np.uint8)


def images_to_pdf(pages: list[np.ndarray], dpi: float, *, quality: int = 60) -> bytes:
    """JPEG pages in a PDF without text; pages without colour are stored grey."""
    images = []
    for page in pages:
        colourful = int((page.max(axis=2).astype(int) - page.min(axis=2)).max()) > 40
        image = Image.fromarray(page)
        images.append(image if colourful else image.convert("L"))
    buffer = io.BytesIO()
    # A fixed date: the same seed gives the same file.
    images[0].save(
        buffer,
        "PDF",
        save_all=True,
        append_images=images[1:],
        resolution=dpi,
        quality=quality,
        creationDate=FIXED_TIME,
        modDate=FIXED_TIME,
    )
    return buffer.getvalue()


FIXED_TIME = time.struct_time((2026, 1, 15, 9, 0, 0, 3, 15, 0))


def write_html(
    form: Form, figures: Printed, *, organisation: str, year: int, prose: Prose, blank_zeros: bool = False
) -> str:
    """The report as a web page, tables with rowspan and colspan."""
    style = Style(blank_zeros=blank_zeros)
    title = f"{organisation}{year}年政府信息公开工作年度报告"
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p>{prose.introduction}</p>", "<h2>一、总体情况</h2>"]
    parts += [f"<p>{prose.overall}</p>"]
    parts += [
        f"<p>（{number}）{heading}。{text}</p>"
        for number, (heading, text) in zip("一二三四五", prose.topics, strict=True)
    ]
    for table in form.tables:
        grid = build_grid(table, functools.partial(_show, figures, style))
        parts += [f"<h2>{table.title[0]}</h2>", _html_table(grid)]
    parts += ["<h2>五、存在的主要问题及改进情况</h2>", f"<p>{prose.problems}{prose.improvements}</p>"]
    parts += ["<h2>六、其他需要报告的事项</h2>", f"<p>{prose.remark}</p>"]
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title>'
    body = "\n".join(parts)
    return f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>{head}</head>\n<body>\n{body}\n</body>\n</html>\n'


def _html_table(grid: Grid) -> str:
    rows: list[list[str]] = [[] for _ in range(grid.n_rows)]
    for cell in grid.cells:
        spans = ""
        if cell.row_stop - cell.row_start > 1:
            spans += f' rowspan="{cell.row_stop - cell.row_start}"'
        if cell.column_stop - cell.column_start > 1:
            spans += f' colspan="{cell.column_stop - cell.column_start}"'
        rows[cell.row_start].append(f"<td{spans}>{html.escape(cell.text, quote=False)}</td>")
    lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<table border="1">\n{lines}\n</table>'
