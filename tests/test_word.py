import re
from dataclasses import replace
from pathlib import Path

import docx
import numpy as np
import pytest
from docx.oxml.ns import qn

from giar_ml.forms import load_form
from training.figures import sample_figures
from training.filling import Filling
from training.grid import build_grid
from training.prose import sample_prose
from training.style import Style, printed_grids, sample_style
from training.word import write_report

BLANK_FORM = Path(__file__).parents[2] / "shared" / "real" / "form-2021-blank.docx"
FORMS = ["2021", "2019", "mixed"]


def make_filling(name="2021", seed=0, **changes):
    """A filling with a figure of its own in nearly every cell; `changes` are printed texts by key."""
    rng = np.random.default_rng(seed)
    form = load_form(name)
    figures = sample_figures(form, rng, "county", nonzero=True)
    texts = {key: str(figure) for key, figure in figures.items()} | changes
    return Filling(form, figures, texts, {}, sample_prose(rng))


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


def word_texts(path):
    return [text for table in word_cells(path) for row in table for text, _, _ in row]


def test_word_tables_have_the_merges_of_the_official_form(tmp_path):
    if not BLANK_FORM.exists():
        pytest.skip("the blank official form is not part of the project")
    filling = make_filling()
    blank = replace(filling, texts=dict.fromkeys(filling.texts, ""))
    assert word_cells(write_report(tmp_path / "a.docx", blank, Style())) == word_cells(BLANK_FORM)


@pytest.mark.parametrize("name", FORMS)
def test_word_report_holds_every_figure(tmp_path, name):
    filling = make_filling(name)
    texts = word_texts(write_report(tmp_path / "a.docx", filling, Style()))
    assert sorted(t for t in texts if re.fullmatch(r"-?[\d.]+", t)) == sorted(filling.texts.values())


def test_cells_print_their_texts_as_given(tmp_path):
    note = "22（其中修订16件）"
    filling = make_filling(**{"disclosure.normative_documents.issued": note, "requests.new.total": ""})
    filling = replace(filling, texts=filling.texts | {"reviews.reconsideration.total": "１２件"})
    texts = word_texts(write_report(tmp_path / "a.docx", filling, Style()))
    assert {note, "１２件", ""} <= set(texts)


def test_a_table_cut_by_hand_goes_on_on_the_next_page(tmp_path):
    filling = make_filling()
    for repeat_headers, n_more in ((False, 0), (True, 3)):
        style = Style(break_row=12, repeat_headers=repeat_headers)
        tables = word_cells(write_report(tmp_path / "a.docx", filling, style))
        whole = printed_grids(filling, style)[1]
        assert [len(table) for table in tables[1:3]] == [12, whole.n_rows - 12 + n_more]
        # The merged labels that the cut goes through begin anew, without their texts.
        assert tables[2][n_more][0][::2] == ("", "restart")


def test_tables_can_lie_on_landscape_pages(tmp_path):
    path = write_report(tmp_path / "a.docx", make_filling(), Style(landscape="requests"))
    sections = docx.Document(str(path)).sections
    assert [s.page_width > s.page_height for s in sections] == [False, True, False]


def test_styles_are_seeded_and_differ():
    styles = [sample_style(np.random.default_rng(seed)) for seed in (1, 1, 2, 3)]
    assert styles[0] == styles[1]
    assert len({repr(style) for style in styles}) == 3


@pytest.mark.parametrize("name", FORMS)
def test_wording_comes_from_the_form(name):
    form = load_form(name)
    known = {"".join(text.split()) for s in form.sections for text in (*s.caption, *s.corner)}
    for section in form.sections:
        for header in (*section.columns, *section.rows):
            known |= {*header.labels, *header.under}
    marks = str.maketrans("．、()", "..（）")
    known = {text.translate(marks) for text in known}
    for seed in range(20):
        style = sample_style(np.random.default_rng(seed), form=form)
        assert {"".join(text.split()).translate(marks) for text in style.wording.values()} <= known


@pytest.mark.parametrize(
    ("numbering", "printed"),
    [("chapters", "三、收到"), ("brackets", "（三）收到"), ("none", "收到")],
)
def test_headings_are_numbered_as_the_style_says(numbering, printed):
    assert Style(numbering=numbering).heading("三、收到") == printed


def test_printed_grids_have_wording_and_figures():
    filling = make_filling()
    grids = printed_grids(filling, Style(wording={"规章": "规 章"}))
    texts = [cell.text for cell in grids[0].cells]
    assert "规 章" in texts
    official = build_grid(filling.form.tables[2], lambda key: filling.texts[key])
    assert grids[2] == official
