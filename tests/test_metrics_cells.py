from dataclasses import asdict, replace
from decimal import Decimal

import pytest
from conftest import make_report

from giar_ml.annotations.gold import Gold, GoldCell
from giar_ml.forms import load_form
from giar_ml.metrics.cells import Counts, by_cell, score_report

FORM = load_form("2021")
N_CELLS = 200
NEW = "requests.new.natural_person"
TOTAL = "reviews.reconsideration.total"
UPHELD = "reviews.reconsideration.upheld"
FEES = "disclosure.fees.amount"


def make_gold(printed=None, misprints=None, **changes):
    """The gold of `make_report`: zeros, but for `printed`."""
    cells = {
        key: GoldCell((printed or {}).get(key, 0), "" if (printed or {}).get(key, 0) is None else "0")
        for key in FORM.cells
    }
    gold = Gold("a.pdf", "0" * 64, "scan", "2021", "某市某局", 2023, cells, misprints or {})
    return replace(gold, **changes)


def changed(counts):
    """The counts that differ from those of a document read without fault."""
    perfect = asdict(score_report(make_gold(), make_report()))
    return {name: n for name, n in asdict(counts).items() if n != perfect[name]}


def test_perfect_report():
    counts = score_report(make_gold(), make_report())
    assert {name: n for name, n in asdict(counts).items() if n} == {
        "documents": 1,
        "accepted": 1,
        "complete": 1,
        "complete_accepted": 1,
        "wholly_right": 1,
        "forms_right": 1,
        "years": 1,
        "years_right": 1,
        "organisations": 1,
        "organisations_right": 1,
        "cells": N_CELLS,
        "cells_right": N_CELLS,
        "cells_right_before_solver": N_CELLS,
        "clean_documents": 1,
        "straight_through": 1,
        "straight_through_right": 1,
    }
    assert counts.cell_accuracy == counts.straight_through_right_rate == 1
    assert counts.silent_error_rate == counts.false_alarm_rate == 0
    assert counts.repair_precision is counts.repair_recall is counts.misprint_recall is None


def test_no_report():
    assert changed(score_report(make_gold(), None)) == {
        "failed": 1,
        "accepted": 0,
        "complete_accepted": 0,
        "wholly_right": 0,
        "forms_right": 0,
        "years_right": 0,
        "organisations_right": 0,
        "cells_right": 0,
        "cells_right_before_solver": 0,
        "cells_missing": N_CELLS,
        "straight_through": 0,
        "straight_through_right": 0,
        "misread": N_CELLS,
    }


@pytest.mark.parametrize("cells", [{}, {NEW: GoldCell(0, "0")}])
@pytest.mark.parametrize("made_up", [0, 999])
def test_incomplete_gold_says_nothing_of_the_whole_report(cells, made_up):
    report = replace(make_report(changes={UPHELD: {"value": made_up}}), status="accepted")
    counts = score_report(make_gold(cells=cells), report)
    assert (counts.documents, counts.accepted, counts.cells, counts.cells_right) == (
        1,
        1,
        len(cells),
        len(cells),
    )
    rates = (
        counts.wholly_right_rate,
        counts.silent_error_rate,
        counts.straight_through_rate,
        counts.straight_through_right_rate,
        counts.false_alarm_rate,
    )
    assert rates == (None,) * 5


def test_a_wrong_cell_of_incomplete_gold_is_counted():
    gold = make_gold(cells={NEW: GoldCell(7, "7")})
    counts = score_report(gold, make_report())
    assert (counts.silent_errors, counts.reports_with_silent_errors) == (1, 0)


def test_a_failed_report_is_never_right():
    assert score_report(make_gold(), replace(make_report(), status="failed")).wholly_right == 0


def test_no_documents():
    counts = Counts()
    rates = [getattr(counts, name) for name, kind in vars(Counts).items() if isinstance(kind, property)]
    assert rates
    assert set(rates) == {None}


def test_counts_add_up():
    total = sum(
        [score_report(make_gold(), make_report()), score_report(make_gold(), None)],
        Counts(),
    )
    assert (total.documents, total.failed, total.cells, total.cells_right) == (2, 1, 400, 200)
    assert total.cell_accuracy == 0.5


def test_silent_error():
    report = replace(make_report(changes={NEW: {"value": 3, "printed": 3}}), status="accepted")
    # The candidate is still 0: a right first reading made wrong.
    assert changed(score_report(make_gold(), report)) == {
        "wholly_right": 0,
        "cells_right": N_CELLS - 1,
        "silent_errors": 1,
        "reports_with_silent_errors": 1,
        "straight_through_right": 0,
    }


def test_wrong_cell_in_review_is_not_silent():
    wrong = {"value": 3, "printed": 3, "candidates": ((3, 0.9),)}
    counts = score_report(make_gold(), make_report(changes={NEW: wrong}))
    assert (counts.review, counts.silent_errors, counts.reports_with_silent_errors) == (1, 0, 0)
    assert (counts.misread, counts.misread_mended) == (1, 0)


@pytest.mark.parametrize(
    ("printed", "cell", "right", "first_right"),
    [
        pytest.param(None, {"value": 0, "printed": None, "status": "blank"}, True, True, id="blank as 0"),
        pytest.param(None, {"value": 0, "printed": 0}, True, True, id="blank read as a printed 0"),
        pytest.param(
            None, {"value": None, "printed": None, "status": "missing"}, False, True, id="blank not found"
        ),
        pytest.param(0, {"value": 0, "printed": None, "status": "blank"}, True, True, id="0 seen as blank"),
        pytest.param(
            0, {"value": 0, "printed": None, "status": "inferred"}, True, False, id="0 lost, inferred"
        ),
        pytest.param(
            None, {"value": 7, "printed": None, "status": "inferred"}, False, True, id="blank filled"
        ),
        pytest.param(
            7, {"value": 7, "printed": None, "status": "inferred"}, True, False, id="lost, inferred"
        ),
        pytest.param(7, {"value": 7, "printed": 7, "status": "conflict"}, True, True, id="kept as printed"),
        pytest.param(
            7,
            {"value": 7, "printed": 7, "status": "repaired", "candidates": ((1, 0.6), (7, 0.4))},
            True,
            False,
            id="repaired",
        ),
        pytest.param(
            7,
            {"value": None, "printed": None, "status": "missing", "candidates": ((1, 0.0), (7, 0.0))},
            False,
            False,
            id="open between figures that the sums brought up",
        ),
        pytest.param(
            7,
            {"value": 7, "printed": 7, "status": "conflict", "candidates": ((1, 0.0), (7, 0.9))},
            True,
            True,
            id="rivals stand before the first reading",
        ),
    ],
)
def test_what_is_right(printed, cell, right, first_right):
    report = make_report(changes={NEW: {"candidates": (), **cell}})
    outcome = next(o for o in by_cell(make_gold({NEW: printed}), report) if o.key == NEW)
    assert (outcome.right, outcome.first_right) == (right, first_right)
    assert (outcome.printed, outcome.value, outcome.status) == (
        printed,
        cell["value"],
        cell.get("status", "read"),
    )


def test_decimals_are_numbers():
    report = make_report(changes={FEES: {"value": Decimal("3.50"), "candidates": ((Decimal("3.5"), 0.9),)}})
    assert score_report(make_gold({FEES: Decimal("3.5")}), report).wholly_right == 1


def test_repairs():
    # Three misread cells: one repaired rightly, one wrongly, one left; a fourth repaired for no reason.
    a, b, c, d = list(FORM.cells)[:4]
    report = make_report(
        changes={
            a: {"value": 5, "status": "repaired", "candidates": ((6, 0.9), (5, 0.1))},
            b: {"value": 8, "status": "repaired", "candidates": ((6, 0.9), (8, 0.1))},
            c: {"value": 6, "candidates": ((6, 0.9),)},
            d: {"value": 1, "status": "inferred", "candidates": ((0, 0.9),)},
        }
    )
    counts = score_report(make_gold({a: 5, b: 5, c: 5}), report)
    assert (counts.repairs, counts.repairs_right, counts.misread, counts.misread_mended) == (3, 1, 3, 1)
    assert counts.repair_precision == pytest.approx(1 / 3)
    assert counts.repair_recall == pytest.approx(1 / 3)
    assert counts.cell_accuracy == (N_CELLS - 3) / N_CELLS


def misprinted(**total):
    """Outcome 1, total printed 0: the sum review:reconsideration is broken."""
    one = {"value": 1, "printed": 1, "candidates": ((1, 0.99),)}
    return make_report(changes={UPHELD: one, TOTAL: total})


@pytest.mark.parametrize(
    ("report", "located", "flagged"),
    [
        pytest.param(misprinted(status="conflict", suggestion=1), 1, 1, id="flagged with its correction"),
        pytest.param(misprinted(status="conflict"), 1, 1, id="flagged"),
        pytest.param(misprinted(), 0, 1, id="only the broken sum is shown"),
        pytest.param(replace(misprinted(), status="accepted"), 0, 0, id="accepted all the same"),
        pytest.param(replace(misprinted(), checks=()), 0, 0, id="nothing shown"),
        pytest.param(None, 0, 0, id="failed"),
    ],
)
def test_misprint(report, located, flagged):
    counts = score_report(make_gold({UPHELD: 1}, {TOTAL: 1}), report)
    assert (counts.misprints, counts.misprints_located, counts.misprints_flagged) == (1, located, flagged)
    assert (counts.clean_documents, counts.straight_through, counts.false_alarm_documents) == (0, 0, 0)
    if report:
        assert counts.wholly_right == 1


def test_misprint_flagged_by_a_sentence():
    report = make_report()
    check = replace(report.checks[0], id=f"text:{NEW}+{TOTAL}", holds=False)
    report = replace(report, status="review", checks=(check,))
    assert score_report(make_gold(misprints={TOTAL: 4}), report).misprints_flagged == 1


@pytest.mark.parametrize(
    ("total", "right", "located"),
    [
        pytest.param({"value": 1, "status": "inferred"}, 1, 1, id="filled"),
        pytest.param({"value": 0, "status": "conflict"}, 1, 1, id="kept, flagged"),
        pytest.param({"value": 2, "status": "inferred"}, 0, 0, id="filled, but wrongly"),
    ],
)
def test_total_left_blank(total, right, located):
    report = misprinted(printed=None, candidates=(), **total)
    counts = score_report(make_gold({UPHELD: 1, TOTAL: None}, {TOTAL: 1}), report)
    assert (counts.wholly_right, counts.misprints_located) == (right, located)


def test_false_alarms():
    report = make_report(changes={NEW: {"status": "conflict"}, TOTAL: {"status": "conflict"}})
    report = replace(report, status="review")
    counts = score_report(make_gold(), report)
    assert (counts.false_alarm_documents, counts.false_alarm_cells, counts.false_alarm_rate) == (1, 2, 1.0)
    assert counts.straight_through_rate == 0


def test_wrong_form():
    # The mixed form lacks three rows of seven cells and has other.all in their place.
    counts = score_report(make_gold(), make_report("mixed"))
    assert counts.forms_right == 0
    assert counts.cells - counts.cells_right == counts.cells_missing == counts.silent_errors == 21


def test_names_and_years():
    gold = make_gold(organisation=None, year=None)
    assert score_report(gold, make_report()).organisation_accuracy is None
    assert score_report(gold, make_report()).year_accuracy is None
    report = replace(make_report(), organisation="某市 某局", year=2022)
    counts = score_report(make_gold(), report)
    assert (counts.organisation_accuracy, counts.year_accuracy) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "wrong", "inferred"),
    [
        pytest.param({"value": 7}, 0, 1, id="inferred rightly"),
        pytest.param({"value": None, "status": "missing"}, 0, 0, id="said to be missing"),
        pytest.param({"value": 8}, 1, 0, id="given a wrong figure"),
    ],
)
def test_cells_that_the_document_lost_are_counted_apart(change, wrong, inferred):
    gold = make_gold({NEW: 7}, origin={"lost": [NEW]})
    report = replace(make_report("2021", {NEW: change}), status="accepted")
    counts = score_report(gold, report)
    assert (counts.cells, counts.cells_right, counts.lost_cells) == (N_CELLS - 1, N_CELLS - 1, 1)
    assert (counts.lost_cells_wrong, counts.lost_cells_inferred) == (wrong, inferred)
    assert (counts.wholly_right, counts.silent_errors) == (1 - wrong, wrong)
    assert NEW not in {outcome.key for outcome in by_cell(gold, report)}
