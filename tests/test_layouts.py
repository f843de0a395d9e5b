import difflib
from pathlib import Path

import numpy as np
import pytest

from giar_ml.forms import load_form
from training import dumps
from training.dumps import SEED_LAYOUTS, as_published, gold, published_figures
from training.figures import broken_sums, sample_figures

SEEDS = Path(__file__).parents[2] / "shared" / "seeds"


def fill(seed=0, form="2021"):
    return sample_figures(load_form(form), np.random.default_rng(seed), "county", nonzero=True)


def table_part(text):
    lines = text.split("\n")
    start, stop = (
        next(i for i, line in enumerate(lines) if heading in line)
        for heading in ("二、主动公开政府信息情况", "五、存在的主要问题")
    )
    return lines[start:stop]


@pytest.mark.parametrize("number", range(5))
def test_the_tables_are_broken_as_in_the_dump_that_was_seen(number):
    paths = list(SEEDS.glob(f"{number:03}_*.txt"))
    if not paths:
        pytest.skip("the dumps of published reports are not part of the project")
    seen = table_part(paths[0].read_bytes().decode())
    made = table_part(as_published(number)[0])
    assert list(difflib.unified_diff(seen, made, lineterm="", n=0)) == []


@pytest.mark.parametrize("number", range(5))
def test_prose_is_not_copied(number):
    paths = list(SEEDS.glob(f"{number:03}_*.txt"))
    if not paths:
        pytest.skip("the dumps of published reports are not part of the project")
    seen = paths[0].read_text(encoding="utf-8")
    made = as_published(number)[0]
    for line in set(made.split("\n")) - set(table_part(made)):
        if len(line) > 20 and "年度报告" not in line:
            assert line.strip("- ") not in seen


def test_published_misprints_are_kept():
    form = load_form("2021")
    broken = [{s.id for s in broken_sums(form, published_figures(n))} for n in range(5)]
    groups = ("reconsideration", "direct_litigation", "litigation_after_reconsideration")
    assert broken[:4] == [set()] * 4
    assert broken[4] == {f"review:{group}" for group in groups}


def test_published_blanks_and_lost_cells_have_no_gold():
    assert as_published(1)[1]["reviews.reconsideration.total"] is None
    assert as_published(2)[1]["requests.new.other_organization"] is None
    assert as_published(2)[1]["requests.unavailable.not_held.total"] is None
    assert as_published(4)[1]["reviews.litigation_after_reconsideration.total"] == 3


@pytest.mark.parametrize("layout", SEED_LAYOUTS, ids=lambda layout: layout.__name__)
def test_every_figure_that_is_not_lost_is_printed(layout):
    # A figure of its own for every cell: lawfulness does not matter here.
    figures = {key: 1_000 + i for i, key in enumerate(load_form("2021").cells)}
    dump = layout(figures, np.random.default_rng(1))
    for key, figure in figures.items():
        assert dump.text.count(str(figure)) == (0 if key in dump.lost else 1), key
    assert {key for key, figure in gold(figures, dump).items() if figure is None} == dump.lost
    assert dump.organisation in dump.text


@pytest.mark.parametrize(
    ("layout", "option", "lost"),
    [
        pytest.param("text_000", {}, {"other_organization"}, id="squeezed cell keeps its first text"),
        pytest.param("text_000", {"squeezed": "other_organization"}, {"legal_services"}, id="its last"),
        pytest.param("text_000", {"squeezed": "sum"}, {"legal_services", "other_organization"}, id="sum"),
        pytest.param("text_000", {"squeezed": "total"}, {"total"}, id="no total"),
        pytest.param("text_001", {}, set(), id="nothing is lost"),
        pytest.param("text_002", {}, {"other_organization"}, id="column is lost"),
    ],
)
def test_lost_columns_of_the_first_rows(layout, option, lost):
    dump = getattr(dumps, layout)(fill(), np.random.default_rng(0), **option)
    prefix = "requests.granted."
    assert {key.removeprefix(prefix) for key in dump.lost if key.startswith(prefix)} == lost


@pytest.mark.parametrize(
    ("five", "lost"),
    [("first", "total"), ("aligned", "natural_person"), ("without_legal", "legal_services")],
)
@pytest.mark.parametrize("layout", [dumps.text_002, dumps.text_003])
def test_rows_of_five_figures_lose_a_second_column(layout, five, lost):
    dump = layout(fill(), np.random.default_rng(0), five=five)
    prefix = "requests.not_processed.petition."
    assert {key.removeprefix(prefix) for key in dump.lost if key.startswith(prefix)} == {
        "other_organization",
        lost,
    }


def test_the_squeezed_cell_may_show_the_sum():
    figures = fill()
    row = [figures[f"requests.new.{c}"] for c in ("legal_services", "other_organization")]
    text = dumps.text_000(figures, np.random.default_rng(0), squeezed="sum").text
    line = next(line for line in text.split("\n") if line.startswith("一、本年新收"))
    assert line.split("\t")[6] == str(sum(row))


@pytest.mark.parametrize(("extra", "shown"), [("zero", "0"), ("blank", ""), ("repeat", None)])
def test_the_last_rows_of_001_have_a_field_too_many(extra, shown):
    figures = fill()
    text = dumps.text_001(figures, np.random.default_rng(0), extra=extra).text
    fields = next(line for line in text.split("\n") if "(七) 总计" in line).split("\t")[2:]
    natural_person = str(figures["requests.handled_total.natural_person"])
    assert len(fields) == 8
    assert fields[:2] == [natural_person, natural_person if shown is None else shown]


@pytest.mark.parametrize("layout", SEED_LAYOUTS, ids=lambda layout: layout.__name__)
def test_prose_states_figures_only_when_told(layout):
    figures = fill()
    new = figures["requests.new.total"]
    silent = layout(figures, np.random.default_rng(0)).text
    stated = layout(figures, np.random.default_rng(0), stated=figures).text
    assert f"新收政府信息公开申请{new}件" not in silent
    assert f"新收政府信息公开申请{new}件" in stated.replace("\n", "").replace(" ", "")
