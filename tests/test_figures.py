from decimal import Decimal

import numpy as np
import pytest

from giar_ml.forms import load_form, load_forms
from training.figures import SCALES, broken_sums, misprint, sample_figures

FORMS = sorted(load_forms())


@pytest.mark.parametrize("name", FORMS)
def test_every_sum_holds(name):
    form = load_form(name)
    for seed in range(200):
        for nonzero in (False, True):
            scale = list(SCALES)[seed % len(SCALES)]
            figures = sample_figures(form, np.random.default_rng(seed), scale, nonzero)
            assert list(figures) == list(form.cells)
            assert broken_sums(form, figures) == []
            for key, figure in figures.items():
                assert figure >= 0 or form.cells[key].column.type == "change"


def test_the_same_seed_gives_the_same_figures():
    form = load_form("2021")
    first, second = (sample_figures(form, np.random.default_rng(7), "county") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", FORMS)
def test_nonzero_figures_show_a_shift(name):
    form = load_form(name)
    section = form.tables[1].sections[0]
    for seed in range(30):
        figures = sample_figures(form, np.random.default_rng(seed), "county", nonzero=True)
        rows = [tuple(figures[section.cell_key(r, c)] for c in section.columns) for r in section.rows]
        columns = list(zip(*rows, strict=True))
        assert len(set(rows)) == len(rows)
        assert len(set(columns)) == len(columns)
        assert sum(bool(f) for f in figures.values()) > 0.9 * len(figures)
        counts = [f for key, f in figures.items() if form.cells[key].column.type == "count"]
        assert max(counts) < 20_000


def test_natural_persons_ask_most():
    form = load_form("2021")
    figures = [sample_figures(form, np.random.default_rng(seed), "city") for seed in range(30)]
    natural, total = (
        sum(f[f"requests.handled_total.{c}"] for f in figures) for c in ("natural_person", "total")
    )
    assert 0.5 < natural / total < 1


def test_scales_grow():
    form = load_form("2021")
    sizes = [
        np.median(
            [sample_figures(form, np.random.default_rng(i), s)["requests.new.total"] for i in range(40)]
        )
        for s in SCALES
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < 10 < 1_000 < sizes[-1] < 100_000


def test_fees_have_decimals_and_documents_in_force_cover_the_issued():
    form = load_form("2021")
    figures = [sample_figures(form, np.random.default_rng(seed), "county", True) for seed in range(20)]
    assert all(isinstance(f["disclosure.fees.amount"], Decimal) for f in figures)
    for kind in ("regulations", "normative_documents"):
        assert all(f[f"disclosure.{kind}.in_force"] >= f[f"disclosure.{kind}.issued"] for f in figures)


def test_changes_of_the_2019_form_are_signed():
    form = load_form("2019")
    changes = [
        sample_figures(form, np.random.default_rng(seed), "county", True)["disclosure.licensing.change"]
        for seed in range(20)
    ]
    assert min(changes) < 0 < max(changes)


@pytest.mark.parametrize("name", FORMS)
def test_every_misprint_breaks_a_sum(name):
    form = load_form(name)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        figures = sample_figures(form, rng, "county", nonzero=seed % 2 == 0)
        for n in (1, 3):
            printed, lawful = misprint(figures, form, rng, n)
            broken = {key for s in broken_sums(form, printed) for key in (*s.left, *s.right)}
            assert n <= len(lawful) <= 2 * n
            assert {key for key in figures if printed[key] != figures[key]} == set(lawful)
            assert all(figures[key] == figure for key, figure in lawful.items())
            assert set(lawful) & broken


def test_an_empty_report_can_be_misprinted():
    form = load_form("2021")
    printed, lawful = misprint(dict.fromkeys(form.cells, 0), form, np.random.default_rng(0), 2)
    assert len(lawful) == 2
    assert broken_sums(form, printed)


def test_no_misprints_changes_nothing():
    form = load_form("2021")
    figures = sample_figures(form, np.random.default_rng(0), "county")
    assert misprint(figures, form, np.random.default_rng(0), 0) == (figures, {})
