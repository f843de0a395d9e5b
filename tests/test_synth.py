import json
import re
from decimal import Decimal
from pathlib import Path

import docx
import numpy as np
import pypdfium2
import pytest
from docx.oxml.ns import qn
from lxml import html

from giar_ml.document import BBox
from giar_ml.forms import load_form
from training import make_examples, marks
from training.figures import broken_sums, sample_figures
from training.grid import build_grid
from training.prose import sample_prose
from training.word import (
    Style,
    degrade,
    find_cells,
    find_office,
    images_to_pdf,
    print_pdf,
    render,
    sample_style,
    scan,
    write_html,
    write_report,
)

EXAMPLES = Path(__file__).parents[1] / "examples"
BLANK_FORM = Path(__file__).parents[2] / "shared" / "real" / "form-2021-blank.docx"
FORMS = ["2021", "2019", "mixed"]
needs_office = pytest.mark.skipif(find_office() is None, reason="LibreOffice Writer is not installed")


def make_report(name="2021", seed=0):
    rng = np.random.default_rng(seed)
    form = load_form(name)
    prose = sample_prose(rng)
    report = {"organisation": prose.organisation, "year": prose.year, "prose": prose}
    return form, sample_figures(form, rng, "county", nonzero=True), report


@pytest.mark.parametrize("name", FORMS)
def test_grid_covers_every_place_once(name):
    form = load_form(name)
    for table in form.tables:
        grid = build_grid(table, lambda key: key)
        places = [
            (row, column)
            for cell in grid.cells
            for row in range(cell.row_start, cell.row_stop)
            for column in range(cell.column_start, cell.column_stop)
        ]
        assert len(places) == len(set(places)) == grid.n_rows * grid.n_columns


def word_cells(path):
    """Per table and row the (text without spaces, columns, merge) of its cells."""
    return [
        [
            [
                (
                    re.sub(r"\s", "", "".join(t.text or "" for t in cell.iter(qn("w:t")))),
                    cell.grid_span,
                    cell.vMerge,
                )
                for cell in row.tc_lst
            ]
            for row in table._tbl.tr_lst
        ]
        for table in docx.Document(str(path)).tables
    ]


def test_word_tables_have_the_merges_of_the_official_form(tmp_path):
    if not BLANK_FORM.exists():
        pytest.skip("the blank official form is not part of the project")
    form, figures, report = make_report()
    blank = dict.fromkeys(figures)
    ours = word_cells(write_report(tmp_path / "a.docx", form, blank, style=Style(), **report))
    assert ours == word_cells(BLANK_FORM)


@pytest.mark.parametrize("name", FORMS)
def test_word_report_holds_every_figure(tmp_path, name):
    form, figures, report = make_report(name)
    path = write_report(tmp_path / "a.docx", form, figures, style=Style(), **report)
    text = [cell for table in word_cells(path) for row in table for cell, _, _ in row]
    assert sorted(t for t in text if re.fullmatch(r"-?[\d.]+", t)) == sorted(map(str, figures.values()))


def test_zeros_can_be_blank_and_figures_noted(tmp_path):
    form, figures, report = make_report()
    key = "disclosure.normative_documents.issued"
    figures |= {key: 22, "requests.new.total": 0}
    style = Style(blank_zeros=True, notes={key: "（其中修订16件）"})
    text = [
        cell
        for table in word_cells(write_report(tmp_path / "a.docx", form, figures, style=style, **report))
        for row in table
        for cell, _, _ in row
    ]
    assert "22（其中修订16件）" in text
    assert "0" not in text


@pytest.mark.parametrize("name", FORMS)
def test_html_spans_fill_the_tables(name):
    form, figures, report = make_report(name)
    tables = html.fromstring(write_html(form, figures, **report)).findall(".//table")
    for table, expected in zip(tables, form.tables, strict=True):
        grid = build_grid(expected, lambda key: str(figures[key]))
        spans = [int(td.get("rowspan", 1)) * int(td.get("colspan", 1)) for td in table.iter("td")]
        assert sum(spans) == grid.n_rows * grid.n_columns
        assert [td.text or "" for td in table.iter("td")] == [cell.text for cell in grid.cells]


def test_styles_are_seeded_and_differ():
    styles = [sample_style(np.random.default_rng(seed)) for seed in (1, 1, 2, 3)]
    assert styles[0] == styles[1]
    assert len({repr(style) for style in styles}) == 3


def test_prose_states_what_it_is_given():
    figures = {"requests.new.total": 12, "requests.granted.total": 7}
    prose = sample_prose(np.random.default_rng(0), year=2023, stated=figures)
    assert "新收政府信息公开申请12件，其中予以公开7件。" in dict(prose.topics)["依申请公开"]
    assert prose.year == 2023


def test_office_copies_are_seeded_and_worse_than_clean_ones():
    page = np.full((300, 200, 3), 255, np.uint8)
    page[100:110, 20:180] = 0
    copies = {s: degrade(page, np.random.default_rng(1), s) for s in ("clean", "office")}
    assert (copies["office"] == degrade(page, np.random.default_rng(1), "office")).all()
    clean, office = (np.abs(copy.astype(int) - page).mean() for copy in copies.values())
    assert clean < office < 40


def test_scans_hold_no_text():
    page = np.full((300, 200, 3), 200, np.uint8)
    document = pypdfium2.PdfDocument(images_to_pdf([page, page], 100))
    assert len(document) == 2
    assert document[0].get_size() == pytest.approx((144, 216))
    assert document[0].get_textpage().get_text_range() == ""


def test_marks_stay_near_their_cell():
    page = np.full((60, 80, 3), 255, np.uint8)
    page[20:40, 30:34] = 0
    ink = marks.find_ink(page, BBox(10, 5, 70, 55))
    assert ink == (30, 20, 34, 40)
    for mark in (marks.add_flag, marks.fade, marks.nick):
        marked = page.copy()
        mark(marked, ink)
        rows, columns = np.nonzero((marked != page).any(axis=2))
        assert len(rows)
        assert rows.min() >= 15
        assert rows.max() <= 45
        assert columns.min() >= 15
        assert columns.max() <= 50


def test_a_blank_cell_has_no_ink():
    with pytest.raises(ValueError, match="no ink"):
        marks.find_ink(np.full((60, 80, 3), 255, np.uint8), BBox(0, 0, 60, 40))


@needs_office
def test_printed_report_shows_every_cell_in_its_place(tmp_path):
    form, figures, report = make_report("mixed")
    pdf = print_pdf(write_report(tmp_path / "a.docx", form, figures, style=Style(), **report))
    cells = find_cells(tmp_path, form, figures, style=Style(), dpi=72, **report)
    assert sorted(cells) == sorted(form.cells)
    document = pypdfium2.PdfDocument(pdf)
    for key, (page, bbox) in cells.items():
        text = document[page - 1].get_textpage()
        height = document[page - 1].get_height()
        inside = text.get_text_bounded(bbox.left, height - bbox.bottom, bbox.right, height - bbox.top)
        assert inside.strip() == str(figures[key]), key
    scanned = tmp_path / "scan.pdf"
    scanned.write_bytes(scan(pdf, 60, np.random.default_rng(0), "office"))
    for copy, page in zip(render(scanned, 60), render(pdf, 60), strict=True):
        assert copy.shape == pytest.approx(page.shape, abs=1)


def read_gold(name):
    gold = json.loads((EXAMPLES / f"{name}.gold.json").read_text(encoding="utf-8"))
    for side in ("printed", "lawful"):
        gold[side] = {k: Decimal(v) if isinstance(v, str) else v for k, v in gold[side].items()}
    return gold


@pytest.mark.parametrize("name", ["scan", "broken"])
def test_example_gold_is_lawful_but_for_its_misprints(name):
    gold = read_gold(name)
    form = load_form(gold["form"])
    assert list(gold["printed"]) == list(gold["lawful"]) == list(form.cells)
    assert broken_sums(form, gold["lawful"]) == []
    assert [s.id for s in broken_sums(form, gold["printed"])] == gold["broken_sums"] != []
    assert {k: v for k, v in gold["lawful"].items() if gold["printed"][k] != v} == gold["misprints"]


def test_broken_example_is_what_its_maker_makes():
    text, gold = make_examples.make_broken()
    assert text == (EXAMPLES / "broken.txt").read_text(encoding="utf-8")
    assert gold["lawful"] == read_gold("broken")["lawful"]


def test_broken_example_is_determined_by_its_sums():
    gold = read_gold("broken")
    column = [k for k in gold["lost"] if k.endswith(".other_organization")]
    twice_lost = {k.rpartition(".")[0] for k in gold["lost"] if k.endswith(".total")}
    assert len(twice_lost) == 11
    assert all(gold["lawful"][k] == 0 for k in column if k.rpartition(".")[0] in twice_lost)


def test_scanned_example_is_what_its_maker_fills_in():
    figures = make_examples.scan_figures(load_form("2021"))
    assert figures == read_gold("scan")["lawful"]
    document = pypdfium2.PdfDocument(EXAMPLES / "scan.pdf")
    assert len(document) == 3
    assert all(page.get_textpage().get_text_range() == "" for page in document)
    assert sum(path.stat().st_size for path in EXAMPLES.iterdir()) < 3 * 2**20
