"""How likely a cell that no sum checks was misread: what the model is told, and how it is fitted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from test_verdict import BLANK, FORM, REQUEST, evidence, scanned, scanned_surely, seen

from giar_ml.acceptance import (
    MUCH_LESS_SURE,
    OFF_MIDDLE,
    Around,
    MisreadModel,
    RiskCurve,
    draw_risk_curve,
    features,
    load_misread_model,
    load_risk_curve,
    look_around,
)
from giar_ml.annotations.gold import Gold, GoldCell
from giar_ml.document import Problem
from giar_ml.errors import UsageError
from giar_ml.models import ModelError
from giar_ml.report import Report, Source
from giar_ml.verdict import decide
from training.acceptance.cells import CellRow, cell_rows, read_rows, write_rows
from training.train_acceptance import fit

FINE, COARSE = Around(0, 0), Around(0, 0, digit_px=8)
LONE = "disclosure.licensing.decisions"


def blank(*, spotless: bool):
    return BLANK._replace(certain=False, spotless=spotless)


def test_features_tell_kinds_of_readings_apart():
    figure = features(scanned((4, 0.99)), FINE)
    assert figure["sureness"] == pytest.approx(2)
    assert figure["dirty_blank"] == figure["spotless_blank"] == figure["mark_read_as_nothing"] == 0
    assert features(blank(spotless=False), FINE)["dirty_blank"] == 1
    assert features(blank(spotless=True), FINE)["spotless_blank"] == 1
    assert features(scanned((None, 0.9), (1, 0.1)), FINE)["mark_read_as_nothing"] == 1
    assert features(scanned((4, 0.99)), COARSE)["coarse"] > figure["coarse"] == 0


def test_what_sums_check_is_counted_around():
    figures = seen(REQUEST, scanned_surely)
    figures["requests.granted.total"] = scanned((71, 0.6), (11, 0.39))
    what = evidence(figures, lambda figure: scanned((figure, 0.99999)))
    around = look_around(what, decide(what, [], max_risk=0.05).cells)
    assert (around.n_overruled, around.n_unsure, around.digit_px) == (1, 1, 10)


def test_what_is_certain_is_not_misread():
    model = MisreadModel(0.0, {"sureness": -1.0})
    assert model(scanned((4, 0.99))._replace(certain=True), FINE) == 0
    assert model(scanned((4, 0.99)), FINE) == pytest.approx(1 / (1 + 2.718281828**2))


def test_a_figure_off_the_middle_of_its_cell_is_trusted_little():
    model = MisreadModel(-20.0, {})
    assert model(scanned((4, 0.9999)), FINE) < 1e-6
    assert model(scanned((4, 0.9999))._replace(off_middle=True), FINE) == OFF_MIDDLE


def test_a_row_only_taken_to_be_blank_is_as_unsure_as_was_said():
    taken = blank(spotless=False)._replace(readings=((None, 0.9),))
    assert load_misread_model()(taken, FINE) == pytest.approx(0.1)


def test_the_shipped_model_trusts_what_was_read_surely_and_well():
    model = load_misread_model()
    sure, unsure = scanned((4, 0.99999)), scanned((4, 0.9))
    assert model(sure, FINE) < 1e-3 < model(unsure, FINE)
    assert model(sure, FINE) < model(sure, Around(8, 8)) < 1
    assert model(sure, FINE) < model(sure, COARSE)
    assert model(blank(spotless=True), FINE) < 1e-3


def test_a_lone_figure_read_among_misreadings_is_trusted_less():
    lone = {LONE: scanned((4, 0.998))}
    well = decide(evidence(lone, lambda figure: scanned((figure, 0.99999))), [], max_risk=0.5)
    badly = decide(evidence(lone, lambda figure: scanned((figure, 0.9), (8, 0.05))), [], max_risk=0.5)
    assert badly.cells[LONE].confidence < well.cells[LONE].confidence
    assert badly.risk > well.risk


def test_the_risk_of_accepted_reports_is_their_mean():
    curve = draw_risk_curve([0.0005] * 6 + [0.004] * 2 + [0.5])
    assert dict(curve.points)[0.001] == pytest.approx(0.0005)
    assert dict(curve.points)[1.0] == pytest.approx(0.511 / 9)
    assert curve.limit(0.001) == pytest.approx(0.00398, abs=1e-5)
    assert curve.limit(0.0015) == MUCH_LESS_SURE * 0.0015, "0.4 would do, but is much less sure"
    assert curve.limit(0.0001) == 0.0001, "of each is less than of the least sure"


def test_no_report_is_far_less_sure_than_is_asked_of_all():
    assert RiskCurve([(0.003, 0.0001), (0.1, 0.0002)]).limit(0.001) == MUCH_LESS_SURE * 0.001
    assert RiskCurve([(0.003, 0.0001), (0.1, 0.02)]).limit(0.001) == 0.003


def test_the_shipped_curve_grows():
    curve = load_risk_curve()
    assert sorted(curve.points) == list(curve.points)
    assert [mean for _, mean in curve.points] == sorted(mean for _, mean in curve.points)
    assert all(mean <= most for most, mean in curve.points)
    assert curve.limit(0.001) == MUCH_LESS_SURE * 0.001


def test_damaged_models_are_refused(tmp_path):
    with pytest.raises(ModelError, match="install the package again"):
        load_misread_model(tmp_path)
    (tmp_path / "acceptance.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError):
        load_misread_model(tmp_path)


# Training


def make_report(what, *problems):
    verdict = decide(what, [], max_risk=0.05)
    source = Source("a.pdf", "", "scan", 1)
    return Report(source, "2021", None, None, "review", verdict.cells, problems=problems)


def make_gold(figures):
    cells = {key: GoldCell(figures.get(key, 0), str(figures.get(key, 0))) for key in FORM.cells}
    return Gold("a.pdf", "", "scan", "2021", None, None, cells, origin={"severity": "fax"})


def test_rows_say_what_was_misread(tmp_path):
    what = evidence({LONE: scanned((4, 0.9)), **seen(REQUEST, scanned_surely)}, scanned_surely)
    rows = list(cell_rows(what, make_report(what), make_gold({**REQUEST, LONE: 9})))
    assert len(rows) == len(FORM.cells)
    (wrong,) = (row for row in rows if row.wrong)
    assert (wrong.is_lone, wrong.severity, wrong.report) == (True, "fax", "a.pdf")
    # A cell that sums check is not told of itself.
    assert {row.features["unsure"] for row in rows if not row.is_lone} == {0.0}
    assert write_rows(rows, tmp_path / "rows.csv.xz") == len(rows)
    kept = read_rows(tmp_path / "rows.csv.xz")
    assert [replace(row, features={}) for row in kept] == [replace(row, features={}) for row in rows]
    assert kept[0].features == pytest.approx(rows[0].features, abs=1e-4)


def test_reports_of_which_parts_were_lost_give_no_rows():
    what = evidence({}, scanned_surely)
    report = make_report(what, Problem("lost_rows", "1 row not found"))
    assert not list(cell_rows(what, report, make_gold({})))


def row(report: str, sureness: float, wrong: bool) -> CellRow:
    return CellRow(report, "fax", True, {"sureness": sureness}, wrong)


def test_the_fit_trusts_surer_readings_more():
    rows = [row(f"{n}", 4.0, False) for n in range(200)] + [row(f"{n}", 0.5, n < 10) for n in range(20)]
    settings = fit(rows)
    assert settings["weights"]["sureness"] < 0
    assert settings["fitted_on"]["misread"] == 10
    assert json.loads(json.dumps(settings)) == settings


def test_two_scans_of_a_report_are_two_reports():
    kept = [row(f"{n}", 4.0, False) for n in range(300)] + [row(f"{n}", 0.2, True) for n in range(20)]
    again = [replace(one, kept_in="again.csv.xz") for one in kept]
    settings = fit([*kept, *again])
    assert settings["fitted_on"]["reports"] == 600
    accepted = settings["accepted_of_these"]
    assert (accepted["reports"], accepted["misread"]) == (560, 0)


def test_too_few_misreadings_are_refused():
    with pytest.raises(UsageError, match="read more scans"):
        fit([row(f"{n}", 4.0, False) for n in range(20)])


def test_kept_rows_that_are_damaged_are_refused(tmp_path):
    (tmp_path / "rows.csv.xz").write_bytes(b"x")
    with pytest.raises(UsageError, match="cannot be read"):
        read_rows(tmp_path / "rows.csv.xz")
