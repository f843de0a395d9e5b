from dataclasses import replace

import numpy as np
import pytest
from lxml import html

from giar_ml.forms import load_form
from tests.test_word import FORMS, make_filling
from training.style import Style, printed_grids, sample_style
from training.tints import make_tints
from training.web import write_page


def tables_of(page):
    return html.fromstring(page).findall(".//table")


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("pasted", [False, True])
def test_spans_fill_the_tables(name, pasted):
    filling = make_filling(name)
    style = Style(pasted=pasted, even_headers=False)
    grids = printed_grids(filling, style)
    for table, grid in zip(tables_of(write_page(filling, style)), grids, strict=True):
        spans = [int(td.get("rowspan", 1)) * int(td.get("colspan", 1)) for td in table.iter("td")]
        assert sum(spans) == grid.n_rows * grid.n_columns
        assert [td.text_content() for td in table.iter("td")] == [cell.text for cell in grid.cells]


def test_a_table_cut_by_hand_repeats_its_headers_or_not():
    filling = make_filling()
    for repeat_headers, n_more in ((False, 0), (True, 3)):
        style = Style(break_row=12, repeat_headers=repeat_headers)
        tables = tables_of(write_page(filling, style))
        n_rows = printed_grids(filling, style)[1].n_rows
        assert [len(list(t.iter("tr"))) for t in tables[1:3]] == [12, n_rows - 12 + n_more]


def test_long_headers_are_wrapped_evenly():
    page = write_page(make_filling(), Style())
    assert "结果<br>维持" in page
    assert "结果<br>维持" not in write_page(make_filling(), Style(even_headers=False))


def test_text_is_escaped_and_tints_are_used():
    filling = make_filling(**{"requests.new.total": "<3>"})
    filling = replace(filling, prose=replace(filling.prose, remark="A<b>&"))
    tints = make_tints(printed_grids(filling, Style()))
    page = write_page(filling, Style(), tints=tints)
    assert "&lt;3&gt;" in page
    assert "A&lt;b&gt;&amp;" in page
    assert all(page.count(f"#{colour}") == 1 for colour in tints.values())


def test_sampled_pages_can_be_read():
    for seed in range(12):
        form = load_form("2021")
        style = sample_style(np.random.default_rng(seed), form=form)
        page = write_page(make_filling(), style)
        assert len(tables_of(page)) == (4 if style.break_row else 3)
