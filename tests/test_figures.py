from decimal import Decimal

import numpy as np
import pytest

from giar_ml.figures import is_figure, parse_figure
from giar_ml.forms import load_form, load_forms
from training.figures import (
    SCALES,
    blank_zeros,
    broken_sums,
    misprint,
    print_figure,
    print_figures,
    sample_figures,
    sample_notes,
)

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
            assert n <= len(lawful)
            assert {key for key in figures if (printed[key] or 0) != figures[key]} == set(lawful)
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


def review_figures():
    """One office: nothing but 10 + 1 reconsiderations and 5 lawsuits."""
    form = load_form("2021")
    figures = dict.fromkeys(form.cells, 0)
    figures |= {
        "reviews.reconsideration.upheld": 10,
        "reviews.reconsideration.overturned": 1,
        "reviews.reconsideration.total": 11,
        "reviews.direct_litigation.upheld": 5,
        "reviews.direct_litigation.total": 5,
    }
    return form, figures


def test_all_totals_of_a_table_are_left_0_or_blank():
    form, figures = review_figures()
    totals = {k for k in form.cells if k.startswith("reviews.") and k.endswith(".total")}
    seen = set()
    for seed in range(100):
        printed, lawful = misprint(figures, form, np.random.default_rng(seed), 1)
        if set(lawful) == {"reviews.reconsideration.total", "reviews.direct_litigation.total"}:
            shown = {printed[key] for key in totals}
            assert shown in ({0}, {None})
            assert lawful == {key: figures[key] for key in lawful}
            assert [s.id for s in broken_sums(form, printed)] == [
                "review:reconsideration",
                "review:direct_litigation",
            ]
            seen |= shown
    assert seen == {0, None}


def test_every_kind_of_misprint_occurs():
    form, figures = review_figures()
    changes = []
    for seed in range(300):
        printed, lawful = misprint(figures, form, np.random.default_rng(seed), 1)
        changes.append({key.removeprefix("reviews."): printed[key] for key in lawful})
    assert {"reconsideration.total": 0} in changes  # forgotten
    assert {"reconsideration.total": 0, "direct_litigation.total": 0} in changes  # all forgotten
    assert {"reconsideration.total": 3} in changes  # stale: from before 8 of the 10
    assert {"reconsideration.pending": 11, "reconsideration.total": 0} in changes  # swapped
    assert any(set(change.values()) == {1} and len(change) == 1 for change in changes)  # 1 for 0


@pytest.mark.parametrize(
    ("figure", "style", "expected"),
    [
        (12345, "plain", "12345"),
        (12345, "thousands", "12,345"),
        (999, "thousands", "999"),
        (Decimal("12345.60"), "thousands", "12,345.60"),
        (12, "full_width", "１２"),
        (Decimal("3.5"), "full_width", "３．５"),
        (-4, "plain", "-4"),
        (-4, "full_width", "－４"),
        (0, "thousands", "0"),
    ],
)
def test_styles_of_figures(figure, style, expected):
    assert print_figure(figure, np.random.default_rng(0), style) == expected


def test_changes_say_how_they_go():
    rng = np.random.default_rng(0)
    assert {print_figure(-4, rng, "plain", signed=True) for _ in range(60)} == {"-4", "减4", "减少4"}
    ways = {print_figure(1036, rng, "thousands", signed=True) for _ in range(60)}
    assert ways == {"+1,036", "增1,036", "增加1,036", "1,036"}
    assert {print_figure(0, rng, "plain", signed=True) for _ in range(20)} == {"0"}


def test_every_way_of_printing_is_read_back():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        size = int(10 ** rng.uniform(0, 8)) - 1
        style = ("plain", "thousands", "full_width")[rng.integers(3)]
        change = size if rng.random() < 0.5 else -size
        amount = Decimal(size) / 100
        assert parse_figure(print_figure(size, rng, style)) == size
        assert parse_figure(print_figure(amount, rng, style), "amount", "万元") == amount
        for signed in (False, True):
            assert parse_figure(print_figure(change, rng, style, signed=signed), "change") == change


@pytest.mark.parametrize("name", FORMS)
def test_printed_cells_with_notes_are_read_back(name):
    form = load_form(name)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        figures = sample_figures(form, rng, "county", nonzero=seed % 2 == 0)
        texts = print_figures(form, figures, rng, notes=0.5, decorated=seed % 3 == 0)
        assert list(texts) == list(form.cells)
        for key, cell in form.cells.items():
            assert is_figure(texts[key])
            assert parse_figure(texts[key], cell.column.type, cell.column.unit) == figures[key]


def test_notes_stand_in_table_2_and_count_no_more_than_the_figure():
    form = load_form("2021")
    figures = sample_figures(form, np.random.default_rng(1), "county", nonzero=True)
    figures["disclosure.regulations.issued"] = 1
    figures["disclosure.regulations.in_force"] = 0
    figures["disclosure.fees.amount"] = None
    seen = set()
    for seed in range(50):
        notes = sample_notes(form, figures, np.random.default_rng(seed), 1.0)
        assert {key.split(".")[0] for key in notes} == {"disclosure"}
        assert "disclosure.fees.amount" not in notes
        assert notes["disclosure.regulations.in_force"] == "件"
        seen.add(notes["disclosure.regulations.issued"])
    assert seen == {"件", "（其中修订1件）", "（含修订1件）"}
    assert sample_notes(form, figures, np.random.default_rng(0), 0.0) == {}


def test_a_fee_may_be_printed_in_yuan():
    form = load_form("2021")
    figures = dict.fromkeys(form.cells, 0) | {"disclosure.fees.amount": Decimal("25.10")}
    texts = {
        print_figures(form, figures, np.random.default_rng(seed), notes=1.0, decorated=False)[
            "disclosure.fees.amount"
        ]
        for seed in range(20)
    }
    assert texts == {"25.10万元", "251000元"}


def test_blank_zeros_leaves_a_table_blank_or_as_it_is():
    form = load_form("2021")
    figures = sample_figures(form, np.random.default_rng(2), "county")
    for seed in range(20):
        shown = blank_zeros(figures, np.random.default_rng(seed))
        assert {key: figure or 0 for key, figure in shown.items()} == figures
        assert None in shown.values()
        for table in form.tables:
            zeros = {shown[k] for k in form.cells if k.startswith(table.key) and not figures[k]}
            assert len(zeros) <= 1


def test_blanks_are_printed_as_nothing():
    form = load_form("2021")
    figures = dict.fromkeys(form.cells)
    assert set(
        print_figures(form, figures, np.random.default_rng(0), notes=1.0, decorated=True).values()
    ) == {""}
