"""Texts of tools: every figure is found again on the line that the gold names."""

import hashlib

import numpy as np
import pytest

from giar_ml.annotations.gold import Gold
from giar_ml.forms import load_form
from training.breakage import TOOLS, Sources, break_text, needs, sample_faults
from training.figures import sample_figures
from training.filling import Filling
from training.grid import show_figure
from training.prose import sample_prose

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
