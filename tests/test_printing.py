from dataclasses import replace

import numpy as np
import pypdfium2
import pytest

from giar_ml.annotations.gold import Gold
from giar_ml.document import BBox
from giar_ml.forms import load_form
from tests.test_word import make_filling
from training import printing
from training.print_gold import LostCellError, _check_apart
from training.printing import (
    PrintJob,
    find_chromium,
    find_office,
    print_documents,
    print_page,
    print_reports,
    render,
    scale_gold,
)
from training.style import FANDOL_KAI, HEI, SANS, SONG, Style, printed_grids, sample_style
from training.tints import make_tints
from training.web import write_page
from training.word import write_report

NOTE = "22（其中修订16件）"
RENDERERS = [
    pytest.param(
        "libreoffice",
        marks=pytest.mark.skipif(find_office() is None, reason="LibreOffice Writer is not installed"),
    ),
    pytest.param(
        "chromium", marks=pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
    ),
]


def make_jobs(renderer):
    """A plain report, torn and cut tables with notes and blanks, landscape pages, and drawn styles."""
    filling = make_filling("2021", 1)
    notes = {"disclosure.normative_documents.issued": NOTE, "requests.new.total": ""}
    torn = Style(split_rows=True, repeat_headers=True, row_cm=(1.6, 1.0, 1.2), requests_pt=10.5)
    jobs = [
        (filling, Style()),
        (replace(filling, texts=filling.texts | notes), replace(torn, outer_border="double")),
        (make_filling("mixed", 2), Style(break_row=14, landscape="requests", inner_border="none")),
    ]
    for seed, name in enumerate(["2019", "2021"]):
        rng = np.random.default_rng(seed)
        jobs.append((make_filling(name, 3 + seed), sample_style(rng, form=load_form(name))))
    return [PrintJob(filling, style, renderer) for filling, style in jobs]


@pytest.fixture(scope="module", params=RENDERERS)
def prints(request):
    jobs = make_jobs(request.param)
    return list(zip(jobs, print_reports(jobs), strict=True))


def test_gold_holds_what_every_cell_prints(prints):
    for job, (pdf, gold) in prints:
        texts: dict[str, str] = {}
        for token in gold.tokens:
            if token.key:
                texts[token.key] = texts.get(token.key, "") + token.text
        for key in job.filling.form.cells:
            assert gold.cells[key].places, key
            assert texts.get(key, "") == "".join(job.filling.texts[key].split()), key
        assert Gold.from_json(gold.to_json()).tokens[0].text == gold.tokens[0].text
        assert len(pypdfium2.PdfDocument(pdf)) == len(gold.pages)


def test_text_of_the_pdf_lies_in_its_places(prints):
    for job, (pdf, gold) in prints:
        document = pypdfium2.PdfDocument(pdf)
        texts = [page.get_textpage() for page in document]
        for key, cell in gold.cells.items():
            inside = ""
            for place in cell.places:
                left, top, right, bottom = place.bbox
                height = gold.pages[place.page - 1].height
                inside += texts[place.page - 1].get_text_bounded(left, height - bottom, right, height - top)
            assert "".join(inside.split()) == "".join(job.filling.texts[key].split()), key


def test_table_pieces_are_whole_grids(prints):
    for job, (_, gold) in prints:
        keys = []
        for table in gold.tables:
            places = [
                (row, column)
                for cell in table.cells
                for row in range(cell.row_start, cell.row_stop)
                for column in range(cell.column_start, cell.column_stop)
            ]
            assert len(places) == len(set(places)) == table.n_rows * table.n_columns
            keys += [cell.key for cell in table.cells if cell.key]
        assert set(keys) == set(job.filling.form.cells)


def test_cells_do_not_overlap_and_hold_their_tokens(prints):
    for _, (_, gold) in prints:
        for table in gold.tables:
            boxes = np.array([[*cell.poly[0], *cell.poly[2]] for cell in table.cells])
            overlap = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(
                boxes[:, None, :2], boxes[None, :, :2]
            )
            np.fill_diagonal(overlap[..., 0], 0)
            assert (overlap.min(axis=2) < 1.0).all()


def test_titles_are_labelled(prints):
    for job, (_, gold) in prints:
        for table in job.filling.form.tables:
            text = "".join(token.text for token in gold.tokens if token.label == f"title:{table.key}")
            assert text == job.style.heading(table.title[0])


def test_prints_look_as_if_there_had_been_no_tints(prints, tmp_path):
    for i, (job, (pdf, gold)) in enumerate(prints):
        if job.renderer == "libreoffice":
            path = write_report(tmp_path / f"{i}.docx", job.filling, job.style)
            print_documents([path])
            plain = path.with_suffix(".pdf")
        else:
            plain = print_page(write_page(job.filling, job.style), tmp_path / f"{i}.pdf")
        pages = render(plain, 80)
        assert len(pages) == len(gold.pages)
        for expected, page in zip(pages, render(pdf, 80), strict=True):
            assert np.abs(expected.astype(int) - page).max() <= 2


def test_prints_are_seeded(prints):
    renderer = prints[0][0].renderer
    again = print_reports(make_jobs(renderer)[1:3])
    assert again == [prints[1][1], prints[2][1]]


@pytest.mark.skipif(find_office() is None, reason="LibreOffice Writer is not installed")
def test_labels_that_run_downwards_can_be_read():
    fonts = (SONG, FANDOL_KAI, HEI, SANS)
    jobs = [PrintJob(make_filling(), Style(table_font=font), "libreoffice") for font in fonts]
    for job, (_, gold) in zip(jobs, print_reports(jobs), strict=True):
        [label] = [token for token in gold.tokens if token.text == "三、本年度办理结果"]
        assert label.place.bbox.height > 8 * job.style.requests_pt
        assert label.place.bbox.width < 1.5 * job.style.requests_pt


def test_gold_in_pixels_lies_on_rendered_pages(prints):
    _, (pdf, gold) = prints[0]
    pages = render(pdf, 150)
    scaled = scale_gold(gold, 150)
    assert [(p.width, p.height) for p in scaled.pages] == [page.shape[1::-1] for page in pages]
    for token in scaled.tokens[:40]:
        left, top, right, bottom = (round(v) for v in token.place.bbox)
        page = pages[token.place.page - 1]
        assert page[top : bottom + 1, left : right + 1].min() < 128


def test_a_print_that_lost_a_cell_is_made_again(monkeypatch):
    styles = []

    def read(path, job):
        styles.append(job.style)
        if len(styles) == 1:
            raise LostCellError("lost")
        return b"", job

    monkeypatch.setattr(printing, "_read", read)
    monkeypatch.setattr(printing, "print_documents", lambda paths: None)
    [(_, job)] = print_reports([PrintJob(make_filling(), Style(), "libreoffice")])
    assert [style.split_rows for style in styles] == [False, True]
    assert job.style == styles[1]


def test_tables_that_lie_over_each_other_are_no_print():
    above = [(1, (0, i), BBox(100 * i, 0, 100 * i + 100, 50)) for i in range(4)]
    below = [(1, (1, i), BBox(100 * i, 49, 100 * i + 100, 90)) for i in range(4)]
    _check_apart([*above, *below])
    _check_apart([*above, *((2, key, box) for _, key, box in above)])
    with pytest.raises(LostCellError, match="page 1"):
        _check_apart([*above, *((1, key, box._replace(top=30)) for _, key, box in below)])


def test_every_cell_has_a_colour_of_its_own():
    tints = make_tints(printed_grids(make_filling(), Style()))
    assert len(set(tints.values())) == len(tints)
    assert "FF0000" not in tints.values()


@pytest.mark.skipif(find_office() is None, reason="LibreOffice Writer is not installed")
def test_an_unprintable_document_is_told(tmp_path):
    path = tmp_path / "a.docx"
    path.write_bytes(b"no document")
    with pytest.raises(RuntimeError, match="printed no"):
        print_documents([tmp_path / "missing.docx"])
