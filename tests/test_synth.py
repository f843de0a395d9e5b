import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from giar_ml.document import BBox
from giar_ml.forms import load_form
from training import make_examples, marks
from training.figures import broken_sums
from training.grid import build_grid
from training.prose import sample_prose

EXAMPLES = Path(__file__).parents[1] / "examples"
FORMS = ["2021", "2019", "mixed"]


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


def test_prose_states_what_it_is_given():
    figures = {"requests.new.total": 12, "requests.granted.total": 7}
    prose = sample_prose(np.random.default_rng(0), year=2023, stated=figures)
    assert "新收政府信息公开申请12件，其中予以公开7件。" in dict(prose.topics)["依申请公开"]
    assert prose.year == 2023


def test_copies_are_seeded():
    page = np.full((300, 200, 3), 255, np.uint8)
    page[100:110, 20:180] = 0
    copies = [make_examples.copy_page(page, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert (copies[0] == copies[1]).all()
    assert (copies[0] != copies[2]).any()
    assert 0 < np.abs(copies[0].astype(int) - page).mean() < 40


def test_scans_hold_no_text():
    page = np.full((300, 200, 3), 200, np.uint8)
    document = pypdfium2.PdfDocument(make_examples.images_to_pdf([page, page], 100))
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
