"""Texts of tools: every figure is found again on the line that the gold names."""

import hashlib

import numpy as np
import pytest

from giar_ml.annotations.gold import Gold
from giar_ml.forms import load_form
from training import breakage
from training.breakage import TOOLS, Sources, break_text, needs, sample_faults
from training.figures import sample_figures
from training.filling import Filling
from training.grid import show_figure
from training.printing import PrintJob, find_office, print_reports
from training.prose import sample_prose
from training.style import Style
from training.web import write_page
from training.word import write_report

SEED_TOOLS = [name for name in TOOLS if name.startswith("seed-")]


def fill(seed=0, form="2021", blanks=False):
    rng = np.random.default_rng(seed)
    figures = sample_figures(load_form(form), rng, "county", nonzero=True)
    if blanks:
        figures = {key: figure or None for key, figure in figures.items()}
    texts = {key: show_figure(figure) for key, figure in figures.items()}
    return Filling(load_form(form), figures, texts, {}, sample_prose(rng, stated=figures))


def check(broken, filling):
    lines = broken.text.split("\n")
    gold = broken.gold
    assert Gold.from_json(gold.to_json()).origin["lost"] == gold.origin["lost"]
    assert gold.sha256 == hashlib.sha256(broken.text.encode()).hexdigest()
    assert gold.kind == "text"
    assert list(gold.cells) == list(filling.form.cells)
    for token in gold.tokens:
        assert token.text in lines[token.place.line - 1]
    for key, cell in gold.cells.items():
        assert cell.printed == filling.printed[key]
        if key in gold.origin["lost"]:
            assert not cell.places
        elif filling.texts[key]:
            assert cell.places
        for place in cell.places:
            assert any(t.key == key and t.place == place for t in gold.tokens)
            assert len(cell.places) > 1 or cell.text in lines[place.line - 1]


@pytest.mark.parametrize("tool", SEED_TOOLS)
def test_seed_layouts_have_gold(tool):
    for seed in range(6):
        filling = fill(seed, blanks=seed % 2 == 1)
        check(break_text(Sources(filling), tool, np.random.default_rng(seed)), filling)


@pytest.mark.parametrize("tool", SEED_TOOLS)
def test_faults_keep_the_gold_right(tool):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        filling = fill(seed % 4, blanks=seed % 4 == 1)
        faults = sample_faults(rng, tool)
        broken = break_text(Sources(filling), tool, rng, faults=faults)
        assert set(broken.faults) <= set(faults)
        assert broken.gold.origin["faults"] == list(broken.faults)
        check(broken, filling)


def test_lost_cells_keep_their_figures_in_the_gold():
    filling = fill()
    broken = break_text(Sources(filling), "seed-002", np.random.default_rng(0))
    key = "requests.new.other_organization"
    assert key in broken.gold.origin["lost"]
    assert broken.gold.cells[key].printed == filling.printed[key]
    assert broken.gold.cells[key].places == ()


def test_notes_of_cells_are_printed():
    filling = fill()
    key = "requests.new.natural_person"
    texts = {**filling.texts, key: f"{filling.printed[key]}（其中网上3件）"}
    filling = Filling(filling.form, filling.printed, texts, {}, filling.prose)
    broken = break_text(Sources(filling), "seed-004", np.random.default_rng(0))
    assert broken.gold.cells[key].text == texts[key]
    check(broken, filling)


def test_draws_are_none_to_three_faults():
    rng = np.random.default_rng(0)
    drawn = [sample_faults(rng, "seed-001") for _ in range(200)]
    assert {len(faults) for faults in drawn} == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("tool", "faults"),
    [("tesseract", ()), ("seed-001", ("torn-page",)), ("markdown", ())],
)
def test_what_is_unknown_or_missing_is_said(tool, faults):
    with pytest.raises(ValueError, match=r"no tool or fault|give one"):
        break_text(Sources(fill()), tool, np.random.default_rng(0), faults=faults)


def test_needs_name_the_sources():
    assert needs("markdown") == {"html"}
    assert needs("pdfplumber") == {"pdf"}
    assert needs("word-text") == {"docx"}
    assert needs("seed-000") == set()


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """One report of the mixed form in all sources, with a note and a cut table."""
    if find_office() is None:
        pytest.skip("LibreOffice Writer is not installed")
    filling = fill(3, form="mixed")
    key = "disclosure.normative_documents.in_force"
    texts = {**filling.texts, key: f"{filling.texts[key]}（其中修订2件）"}
    filling = Filling(filling.form, filling.printed, texts, {}, filling.prose)
    style = Style(break_row=12, repeat_headers=True, numbering="brackets", pasted=True)
    [(pdf, gold)] = print_reports([PrintJob(filling, style, "libreoffice")])
    path = write_report(tmp_path_factory.mktemp("word") / "report.docx", filling, style)
    return Sources(filling, pdf, gold, path, write_page(filling, style))


@pytest.mark.parametrize("tool", sorted(TOOLS.keys() - set(SEED_TOOLS)))
def test_tools_have_gold(printed, tool):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        faults = sample_faults(rng, tool) if seed else ()
        broken = break_text(printed, tool, rng, faults=faults)
        check(broken, printed.filling)
        labels = {token.label for token in broken.gold.tokens}
        assert {"title:disclosure", "title:requests", "title:reviews"} <= labels
        assert "row:requests.granted" in labels


@pytest.mark.parametrize("tool", ["pdftotext-layout", "pdfplumber", "pdfplumber-layout"])
def test_figures_of_a_row_stand_in_the_order_of_their_columns(printed, tool):
    broken = break_text(printed, tool, np.random.default_rng(0))
    by_line = {}
    for token in broken.gold.tokens:
        if token.key and token.key.startswith("requests."):
            by_line.setdefault(token.place.line, []).append(token.key)
    order = list(printed.filling.form.cells)
    assert by_line
    for keys in by_line.values():
        assert len({key.rpartition(".")[0] for key in keys}) == 1
        assert keys == sorted(keys, key=order.index)


def test_words_that_do_not_account_for_the_text_give_no_places(printed, monkeypatch):
    monkeypatch.setattr(breakage, "_locate_in_order", lambda text, words: None)
    broken = break_text(printed, "pdftotext", np.random.default_rng(0))
    assert broken.gold.tokens == ()
    assert not any(cell.places for cell in broken.gold.cells.values())
    assert broken.gold.origin["lost"] == []


def test_a_page_of_other_tables_is_refused():
    filling = fill()
    page = "<html><body><table><tr><td>规章</td><td>1</td></tr></table></body></html>"
    with pytest.raises(ValueError, match="not those of form 2021"):
        break_text(Sources(filling, html=page), "markdown", np.random.default_rng(0))
