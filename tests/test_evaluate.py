"""Evaluations of results with planted faults: each shows where it should, and nowhere else."""

import base64
import hashlib
import io
import json
from contextlib import nullcontext
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from conftest import make_report
from lxml import html
from PIL import Image

from eval import run as run_module
from eval.crops import crop_cell, quote_line
from eval.run import Case, Found, PipelineReader, find_cases, read_case, run_reader
from eval.summary import METRICS, score, score_all, summarise, summarise_reader
from eval.words import show_interval, show_share
from giar_ml import cli
from giar_ml.annotations.gold import (
    Gold,
    GoldCell,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    box_poly,
    gold_path,
)
from giar_ml.document import BBox, Cell, Page, Problem, Table, Token
from giar_ml.errors import InputError
from giar_ml.fields import collect_evidence
from giar_ml.forms import load_form, load_forms
from giar_ml.label import LabelledToken
from giar_ml.metrics.cells import score_report
from giar_ml.pipeline import Analysis
from giar_ml.report import Report
from training.figures import misprint, sample_figures

FORM = load_form("2021")
SHA = "ab" * 32
RESULT_ROWS = ("requests.granted", "requests.partly_granted")
COLUMN = "research_institution"


def make_gold(name, figures, **changes):
    cells = {key: GoldCell(value, str(value)) for key, value in figures.items()}
    gold = Gold(name, SHA, "scan", "2021", "某市某局", 2023, cells)
    return replace(gold, **{"origin": {"input": "scan", "severity": "fax"}, **changes})


def figures_of(seed):
    return sample_figures(FORM, np.random.default_rng([77, seed]), "county", nonzero=True)


def read_as(figures, **changes):
    """A report that reads the figures."""
    seen = {k: {"value": v, "printed": v, "candidates": ((v, 0.9999),)} for k, v in figures.items()}
    for key, change in changes.pop("cells", {}).items():
        seen[key] |= change
    return replace(make_report("2021", seen), **changes)


@pytest.fixture
def corpus(tmp_path):
    """Four golds, one of them with a misprint, and the results of a perfect reader."""
    folder, results = tmp_path / "gold", tmp_path / "results"
    folder.mkdir()
    results.mkdir()
    for number, name in enumerate("abcd"):
        figures = figures_of(number)
        misprints = {}
        if name == "d":
            figures, misprints = misprint(figures, FORM, np.random.default_rng(5), 1)
        gold = make_gold(f"{name}.pdf", figures, misprints=misprints)
        gold.write(gold_path(folder / gold.file))
        conflicts = {key: {"status": "conflict", "suggestion": value} for key, value in misprints.items()}
        report = read_as(figures, cells=conflicts)
        (results / f"{name}.json").write_text(report.to_json())
    return folder, results


def evaluate(corpus, tmp_path, *, status=0, with_page=False):
    folder, results = corpus
    target = tmp_path / "out" / "report.html"
    draw = nullcontext() if with_page else patch("eval.page.render_page", return_value="")
    with draw:
        assert cli.main(["evaluate", str(folder), "--pred", str(results), "-o", str(target)]) == status
    return json.loads((tmp_path / "out" / "report.json").read_text())


def values(summary, reader=0):
    return {key: rate["value"] for key, rate in summary["readers"][reader]["metrics"].items()}


def test_a_perfect_reader_is_right_everywhere(corpus, tmp_path):
    summary = evaluate(corpus, tmp_path)
    found = values(summary)
    not_asked = {
        "repair_precision",
        "repair_recall",
        "label_f1",
        "cells_in_place",
        "tables_in_place",
        "grits_top",
        "grits_con",
        "grits_loc",
        "teds",
    }
    assert {key for key, value in found.items() if value is None} == not_asked
    assert found.pop("accepted") == 0.75  # the one with the misprint goes to review
    assert found.pop("cell_ece") < 0.001
    for metric in METRICS:
        if metric.key in found and metric.key not in not_asked:
            assert found[metric.key] == {"high": 1.0, "low": 0.0}[metric.good], metric.key
    assert summary["documents"]["found"] == summary["documents"]["scored"] == 4
    assert summary["documents"]["failed"] == summary["documents"]["skipped"] == 0
    assert summary["warnings"] == []
    assert summary["readers"][0]["wrong_cells"] == []


def swap_rows(report, status):
    """Sums hold all the same."""
    cells = dict(report.cells)
    for column in ("natural_person", "enterprise", "total"):
        one, other = (f"{row}.{column}" for row in RESULT_ROWS)
        cells[one], cells[other] = cells[other], cells[one]
    return replace(report, cells=cells, status=status)


def drop_column(report):
    lost = {"value": None, "printed": None, "status": "missing", "confidence": 0.0, "candidates": ()}
    dropped = [key for key in report.cells if key.endswith(f".{COLUMN}")]
    cells = {k: replace(c, **lost) if k in dropped else c for k, c in report.cells.items()}
    return replace(report, cells=cells, status="review")


def misread_cell(report, **changes):
    key = "disclosure.licensing.decisions"
    wrong = report.cells[key].value + 1
    change = {"value": wrong, "printed": wrong, "candidates": ((wrong, 0.9999),), **changes}
    return replace(report, cells={**report.cells, key: replace(report.cells[key], **change)})


def alarm(report):
    key = "requests.new.total"
    cell = replace(report.cells[key], status="conflict", suggestion=5)
    return replace(report, cells={**report.cells, key: cell}, status="review")


def mend_cell(report):
    key = "requests.new.total"
    cell = report.cells[key]
    candidates = ((cell.value + 1, 0.7), (cell.value, 0.3))
    cell = replace(cell, status="repaired", candidates=candidates)
    return replace(report, cells={**report.cells, key: cell})


READING = {"cell_accuracy", "cell_accuracy_before", "wholly_right", "figure_cer", "cell_ece", "repair_recall"}
REVIEW = {"accepted", "straight_through", "straight_through_right"}
GONE = {"cell_accuracy", "cell_accuracy_before", "wholly_right", "figure_cer", "repair_recall", *REVIEW}


@pytest.mark.parametrize(
    ("plant", "changed"),
    [
        pytest.param(
            lambda r: swap_rows(r, "review"), READING | REVIEW, id="a row swapped, seen by the reader"
        ),
        pytest.param(
            lambda r: swap_rows(r, "accepted"),
            READING | {"silent_errors", "straight_through_right"},
            id="a row swapped, accepted",
        ),
        pytest.param(drop_column, READING - {"cell_ece"} | REVIEW, id="a column dropped"),
        pytest.param(
            misread_cell, READING | {"silent_errors", "straight_through_right"}, id="a wrong cell accepted"
        ),
        pytest.param(alarm, REVIEW | {"false_alarms"}, id="a false alarm"),
        pytest.param(
            mend_cell,
            {"cell_accuracy_before", "figure_cer", "repair_precision", "repair_recall"},
            id="a cell mended",
        ),
        pytest.param(lambda r: replace(r, year=1999), {"year"}, id="another year"),
        pytest.param(lambda r: None, GONE | {"failed", "form", "year", "organisation"}, id="no result"),
        pytest.param(
            lambda r: Report(
                r.source, None, None, None, "failed", problems=(Problem("internal_error", "x"),)
            ),
            GONE | {"failed", "form", "year", "organisation"},
            id="a crash",
        ),
    ],
)
def test_a_planted_fault_shows_where_it_should(corpus, tmp_path, plant, changed):
    before = values(evaluate(corpus, tmp_path))
    path = corpus[1] / "b.json"
    report = plant(Report.read(path))
    if report is None:
        path.unlink()
    else:
        path.write_text(report.to_json())
    after = values(evaluate(corpus, tmp_path))
    # A cell that is not scored moves the mean confidence of the others by nothing that counts.
    ignored = {"cell_ece", "report_ece"} - changed
    assert {key for key in after if after[key] != before[key]} - ignored == changed


def test_a_swapped_row_costs_its_cells(corpus, tmp_path):
    path = corpus[1] / "a.json"
    report = Report.read(path)
    swapped = swap_rows(report, "accepted")
    path.write_text(swapped.to_json())
    n_wrong = sum(swapped.cells[key].value != report.cells[key].value for key in report.cells)
    summary = evaluate(corpus, tmp_path)
    metrics = summary["readers"][0]["metrics"]
    assert metrics["cell_accuracy"]["denominator"] - metrics["cell_accuracy"]["numerator"] == n_wrong > 0
    assert metrics["wholly_right"]["numerator"] == 3
    assert (metrics["silent_errors"]["numerator"], metrics["silent_errors"]["denominator"]) == (1, 3)
    wrong = summary["readers"][0]["wrong_cells"]
    assert {cell["document"] for cell in wrong} == {"a.pdf"}
    assert all(cell["silent"] and cell["key"].startswith(RESULT_ROWS) for cell in wrong)
    by_cell = summary["readers"][0]["by_cell"]["2021"]
    assert {key.rsplit(".", 1)[0] for key, n in by_cell.items() if n["right"] < n["n"]} <= set(RESULT_ROWS)


def test_a_missed_misprint_shows(corpus, tmp_path):
    path = corpus[1] / "d.json"
    report = Report.read(path)
    cells = {key: replace(cell, status="read", suggestion=None) for key, cell in report.cells.items()}
    holding = tuple(replace(check, holds=True) for check in report.checks)
    path.write_text(replace(report, cells=cells, checks=holding, status="accepted").to_json())
    found = values(evaluate(corpus, tmp_path))
    assert (found["misprints_flagged"], found["misprints_located"]) == (0.0, 0.0)
    assert found["cell_accuracy"] == found["wholly_right"] == 1.0
    assert found["silent_errors"] == 0.0


def test_a_missing_result_is_a_failed_document_with_all_cells_wrong(corpus, tmp_path, capsys):
    (corpus[1] / "c.json").unlink()
    summary = evaluate(corpus, tmp_path)
    metrics = summary["readers"][0]["metrics"]
    assert metrics["cell_accuracy"]["numerator"] == 600
    assert metrics["cell_accuracy"]["denominator"] == 800
    assert summary["documents"] | {"found": 4, "scored": 3, "failed": 1} == summary["documents"]
    (failed,) = [f for f in summary["readers"][0]["files"] if f["status"] == "failed"]
    assert (failed["document"], failed["wrong"], failed["error"]) == ("c.pdf", 200, "missing result c.json")
    assert "giar: c.pdf: missing result c.json" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": "1"}', '{"schema_version": "9"}'])
def test_a_result_that_cannot_be_read_is_a_failed_document(corpus, tmp_path, content):
    (corpus[1] / "c.json").write_text(content)
    summary = evaluate(corpus, tmp_path)
    assert summary["documents"]["failed"] == 1
    assert summary["readers"][0]["files"][2]["error"].startswith("c.json: not a result")


def test_an_extra_result_and_another_file_are_warnings(corpus, tmp_path, capsys):
    (corpus[1] / "z.json").write_text("{}")
    report = Report.read(corpus[1] / "a.json")
    (corpus[1] / "a.json").write_text(
        replace(report, source=replace(report.source, sha256="cd" * 32)).to_json()
    )
    summary = evaluate(corpus, tmp_path)
    assert [warning.split(" ")[1] for warning in summary["warnings"]] == ["z.json", "the"]
    assert values(summary)["cell_accuracy"] == 1.0
    assert capsys.readouterr().err.count("warning: ") == 2


def test_nothing_scored_ends_with_4(corpus, tmp_path, capsys):
    for path in corpus[1].iterdir():
        path.unlink()
    summary = evaluate(corpus, tmp_path, status=4, with_page=True)
    assert values(summary)["cell_accuracy"] == 0.0
    assert "nothing was measured" in capsys.readouterr().err


WHOLE_REPORTS = {
    "wholly_right",
    "silent_errors",
    "straight_through",
    "straight_through_right",
    "false_alarms",
    "report_ece",
}


def test_incomplete_gold_counts_for_its_cells_only(corpus, tmp_path, capsys):
    before = evaluate(corpus, tmp_path)["readers"][0]
    key = "requests.new.total"
    for name, figures in {"x": {}, "y": {key: figures_of(0)[key]}}.items():
        gold = make_gold(f"{name}.pdf", figures)
        gold.write(gold_path(corpus[0] / gold.file))
        (corpus[1] / f"{name}.json").write_text(read_as(figures_of(0)).to_json())
    summary = evaluate(corpus, tmp_path)
    (warning,) = summary["warnings"]
    assert warning.startswith("2 of 6 documents have gold without some cells of the form")
    assert warning in capsys.readouterr().err
    after = summary["readers"][0]
    for name in WHOLE_REPORTS:
        assert after["metrics"][name] == before["metrics"][name], name
    assert after["calibration"]["reports"] == before["calibration"]["reports"]
    assert after["metrics"]["cell_accuracy"]["denominator"] == 801
    assert after["metrics"]["accepted"]["denominator"] == 6


def test_gold_without_cells_alone_measures_no_figures(tmp_path):
    folder, results = tmp_path / "gold", tmp_path / "results"
    folder.mkdir()
    results.mkdir()
    make_gold("x.pdf", {}).write(gold_path(folder / "x.pdf"))
    (results / "x.json").write_text(read_as(figures_of(0)).to_json())
    summary = evaluate((folder, results), tmp_path, with_page=True)
    metrics = summary["readers"][0]["metrics"]
    unknown = {*WHOLE_REPORTS, "cell_accuracy", "cell_ece"}
    assert {metrics[name]["value"] for name in unknown} == {None}
    for curve in ("cells", "reports"):
        assert summary["readers"][0]["calibration"][curve] == {
            "coverage": [],
            "risk": [],
            "threshold": [],
            "aurc": None,
        }


def test_documents_that_fail_are_no_part_of_the_calibration_of_reports(corpus, tmp_path):
    before = evaluate(corpus, tmp_path)["readers"][0]
    for number, name in enumerate("xyz"):
        gold = make_gold(f"{name}.pdf", figures_of(number))
        gold.write(gold_path(corpus[0] / gold.file))
    failed = Report(read_as(figures_of(0)).source, None, None, None, "failed")
    (corpus[1] / "x.json").write_text(failed.to_json())  # y and z have no result
    after = evaluate(corpus, tmp_path)["readers"][0]
    assert after["metrics"]["failed"]["numerator"] == 3
    assert after["metrics"]["report_ece"] == before["metrics"]["report_ece"]
    assert after["metrics"]["report_ece"]["denominator"] == 4
    stated = [reader["calibration"]["stated_error_of_reports"] for reader in (before, after)]
    assert stated[0] == stated[1]
    assert after["calibration"]["reports"]["risk"][-1] == pytest.approx(3 / 7)


def test_groups_count_their_documents_and_add_up(corpus, tmp_path):
    path = corpus[0] / "a.pdf.gold.json"
    gold = Gold.read(path)
    replace(gold, origin={"input": "digital", "faults": ["seal", "skew"]}).write(path)
    (corpus[1] / "a.json").unlink()
    by = evaluate(corpus, tmp_path)["readers"][0]["by"]
    assert {name: group["documents"] for name, group in by["input"].items()} == {"scan": 3, "digital": 1}
    assert list(by["severity"]) == ["fax"]
    assert set(by["fault"]) == {"seal", "skew"}
    assert by["input"]["digital"]["metrics"]["cell_accuracy"]["value"] == 0.0
    assert by["input"]["scan"]["metrics"]["cell_accuracy"]["value"] == 1.0


def test_the_page_says_what_the_json_says(corpus, tmp_path):
    (corpus[1] / "b.json").write_text(misread_cell(Report.read(corpus[1] / "b.json")).to_json())
    summary = evaluate(corpus, tmp_path, with_page=True)
    page = html.fromstring((tmp_path / "out" / "report.html").read_text())
    found = page.xpath("//data[@data-path]")
    assert len(found) > 40
    for element in found:
        rate = summary
        for step in element.get("data-path").split("/"):
            rate = rate[int(step) if isinstance(rate, list) else step]
        value = element.get("value")
        assert (float(value) if value else None) == rate["value"]
        assert element.text == show_share(rate["value"])
    for key in summary["metrics"]:
        assert page.xpath(f"//data[@data-path='readers/0/metrics/{key}']"), key


def test_the_page_needs_nothing_from_outside(corpus, tmp_path):
    evaluate(corpus, tmp_path, with_page=True)
    page = html.fromstring((tmp_path / "out" / "report.html").read_text())
    links = [link for _, _, link, _ in page.iterlinks()]
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    assert len({e.get("id") for e in page.xpath("//*[@id]")}) == len(page.xpath("//*[@id]"))


# What is read, and what goes wrong before


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        pytest.param(["nowhere"], 2, "nowhere: no such folder", id="no folder"),
        pytest.param(["empty"], 2, "no gold in it", id="no gold"),
        pytest.param(["bad", "--pred", "r"], 4, "bad/x.pdf.gold.json: not a gold file", id="bad gold"),
        pytest.param(["alone"], 4, "its document x.pdf is not beside it", id="no document"),
        pytest.param(["twins", "--pred", "r"], 2, "x.txt and x.pdf would share the result", id="one stem"),
        pytest.param(["alone", "--pred", "nowhere"], 2, "nowhere: no such folder", id="no results"),
        pytest.param(["alone", "--baseline", "bogus"], 2, "no baseline 'bogus'; there are", id="no baseline"),
        pytest.param(["alone", "-o", "bad/x.pdf.gold.json/r"], 2, "cannot write there", id="no output"),
        pytest.param(["alone", "--models", "nowhere"], 2, "no such model folder", id="no models"),
    ],
)
def test_a_wrong_call_says_what_to_do(tmp_path, monkeypatch, capsys, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "bad", "alone", "twins", "r"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bad" / "x.pdf.gold.json").write_text("{}")
    gold = make_gold("x.pdf", figures_of(0))
    gold.write("alone/x.pdf.gold.json")
    gold.write("twins/x.pdf.gold.json")
    gold.write("twins/x.txt.gold.json")
    assert cli.main(["evaluate", *arguments]) == status
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_documents_lie_in_subfolders_too(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.txt", "sub/a.pdf"):
        (tmp_path / name).write_text("x")
        make_gold(name, figures_of(1)).write(gold_path(tmp_path / name))
    assert [case.name for case in find_cases(tmp_path)] == ["b.txt", "sub/a.pdf"]


class Broken:
    def __init__(self, error):
        self.error = error

    def read(self, case):
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(InputError("a.pdf: needs a password"), "needs a password", id="an error of ours"),
        pytest.param(RuntimeError("a bug\nin two lines"), "RuntimeError: a bug in two lines", id="a bug"),
    ],
)
def test_a_reader_that_fails_costs_one_document(tmp_path, error, said):
    case = Case("a.pdf", tmp_path / "a.pdf", make_gold("a.pdf", figures_of(1)))
    outcome = read_case(Broken(error), case)
    assert outcome.error == said
    assert outcome.report is None
    assert outcome.seconds is not None
    summary = summarise_reader("giar", score_all("giar", [outcome]))
    assert summary["documents"]["failed"] == 1
    assert summary["metrics"]["cell_accuracy"]["value"] == 0.0


def test_a_process_that_dies_costs_one_document(monkeypatch, tmp_path):
    cases = [Case(n, tmp_path / n, make_gold(n, figures_of(1))) for n in ("a.pdf", "b.pdf", "c.pdf")]
    pools = []

    def pool(name, options, todo, workers):
        pools.append([case.name for _, case in todo])
        for index, case in todo:
            if case.name == "b.pdf":
                return
            yield index, read_case(Broken(InputError("x")), case)

    monkeypatch.setattr(run_module, "_run_pool", pool)
    done = []
    outcomes = run_reader("giar", {}, cases, workers=2, advance=done.append)
    assert pools == [["a.pdf", "b.pdf", "c.pdf"], ["b.pdf"], ["c.pdf"]]
    assert [outcome.error for outcome in outcomes][::2] == ["x", "x"]
    assert "died" in outcomes[1].error
    assert sorted(done) == ["a.pdf", "b.pdf", "c.pdf"]


def test_documents_are_read_in_processes(tmp_path, capsys):
    from training.dumps import gold, text_004

    rng = np.random.default_rng(3)
    figures = sample_figures(FORM, rng, "county")
    dump = text_004(figures, rng)
    path = tmp_path / "a.txt"
    path.write_text(dump.text, encoding="utf-8")
    cells = {key: GoldCell(v, "" if v is None else str(v)) for key, v in gold(figures, dump).items()}
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    good = Gold("a.txt", sha256, "text", "2021", dump.organisation, dump.year, cells)
    good.write(gold_path(path))
    (tmp_path / "b.txt").write_text("no report at all\n" * 20)
    replace(good, file="b.txt").write(gold_path(tmp_path / "b.txt"))
    (tmp_path / "out").mkdir()
    assert cli.main(["evaluate", str(tmp_path), "--workers", "2", "-o", str(tmp_path / "out")]) == 0
    summary = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    first, second = summary["readers"][0]["files"]
    assert (first["wrong"], first["status"], second["wrong"]) == (0, "accepted", 200)
    assert "no table of an information disclosure report" in second["error"]
    assert 0 < first["seconds"] < 60
    assert first["peak_mib"] > 20
    out, err = capsys.readouterr()
    assert "2 documents: 1 scored, 1 failed, 0 skipped" in out
    assert err.startswith("giar: b.txt: no table")


class FakeExtractor:
    """Reads one page of 200 by 400 pixels."""

    def analyse(self, path):
        title = Token("自然人", BBox(20, 40, 60, 80))
        cell = Cell(0, 1, 0, 1, BBox(10, 20, 110, 120), (title,))
        table = Table(1, cell.bbox, 1, 1, (cell,))
        page = Page(1, "scan", 200, 400, tables=(table,))
        label = LabelledToken(title, 1, "column:requests.natural_person")
        evidence = collect_evidence((page,), load_forms().values())
        return Analysis(make_report(), (page,), (label,), evidence)


def test_tables_and_labels_are_compared_in_the_golds_pixels(tmp_path):
    token = GoldToken("自然人", "column:requests.natural_person", Place(1, box_poly(BBox(10, 20, 30, 40))))
    cell = GoldTableCell(0, 1, 0, 1, box_poly(BBox(5, 10, 55, 60)), "自然人")
    gold = make_gold(
        "a.pdf",
        figures_of(0),
        pages=(GoldPage(1, 100, 200),),
        tokens=(token,),
        tables=(GoldTable(1, 1, 1, (cell,)),),
    )
    outcome = read_case(PipelineReader(FakeExtractor()), Case("a.pdf", tmp_path / "a.pdf", gold))
    assert outcome.found.tables[0].cells[0].bbox == BBox(5, 10, 55, 60)
    metrics = summarise_reader("giar", score_all("giar", [outcome]))["metrics"]
    assert [metrics[key]["value"] for key in ("grits_loc", "grits_con", "teds", "label_f1")] == [1.0] * 4
    failed = read_case(Broken(InputError("x")), outcome.case)
    metrics = summarise_reader("giar", score_all("giar", [outcome, failed]))["metrics"]
    assert metrics["label_f1"]["value"] == pytest.approx(2 / 3)
    assert metrics["grits_top"]["value"] == pytest.approx(2 / 3)


def test_a_reader_without_tables_has_no_structure(tmp_path):
    gold = make_gold("a.pdf", figures_of(0), tables=(GoldTable(1, 1, 1, ()),), pages=(GoldPage(1, 9, 9),))
    case = Case("a.pdf", tmp_path / "a.pdf", gold)
    outcome = replace(read_case(Broken(InputError("x")), case), found=Found(make_report()), error=None)
    scored = score(outcome, structured=False, with_teds=True)
    assert scored.tables is None
    assert scored.labels is None
    assert scored.counts == score_report(gold, outcome.report)


def test_readers_stand_side_by_side(tmp_path):
    case = Case("a.pdf", tmp_path / "a.pdf", make_gold("a.pdf", figures_of(0)))
    failed = read_case(Broken(InputError("x")), case)
    right = replace(failed, found=Found(read_as(figures_of(0))), error=None)
    summary = summarise({"giar": [right], "other": [failed]}, settings={})
    assert [reader["name"] for reader in summary["readers"]] == ["giar", "other"]
    assert values(summary)["cell_accuracy"] == 1.0
    assert values(summary, 1)["cell_accuracy"] == 0.0
    assert values(summary, 1)["label_f1"] is None


def test_a_reader_is_compared_on_the_documents_it_is_made_for(tmp_path):
    cases = [Case(n, tmp_path / n, make_gold(n, figures_of(0))) for n in ("a.pdf", "b.pdf")]
    right, failed = (read_case(Broken(InputError("x")), case) for case in cases)
    right = replace(right, found=Found(read_as(figures_of(0))), error=None)
    ours, other = summarise({"giar": [right, failed], "other": [right]}, settings={})["readers"]
    assert other["documents"] | {"found": 2, "scored": 1, "failed": 0, "skipped": 1} == other["documents"]
    assert ours["metrics"]["cell_accuracy"]["value"] == 0.5
    assert other["first_on_same"]["cell_accuracy"]["value"] == 1.0
    assert ours["first_on_same"] is None


# Pictures and words


def test_a_cell_is_cut_out_of_its_page(tmp_path):
    picture = Image.new("RGB", (200, 300), "white")
    picture.save(tmp_path / "a.png")
    gold = make_gold("a.png", figures_of(0), pages=(GoldPage(1, 100, 150),))
    case = Case("a.png", tmp_path / "a.png", gold)
    assert crop_cell(case, Place(1, box_poly(BBox(10, 10, 30, 20)))).startswith("data:image/jpeg;base64,")
    assert crop_cell(case, Place(2, box_poly(BBox(10, 10, 30, 20)))) is None
    assert crop_cell(case, Place(line=3)) is None
    assert crop_cell(replace(case, path=tmp_path / "gone.pdf"), Place(1, box_poly(BBox(1, 1, 3, 2)))) is None


def test_a_cell_that_lies_on_its_side_is_turned_upright(tmp_path):
    picture = Image.new("RGB", (400, 400), "white")
    picture.paste("black", (196, 100, 204, 196))  # above the cell's middle on the page
    picture.save(tmp_path / "a.png")
    case = Case(
        "a.png", tmp_path / "a.png", make_gold("a.png", figures_of(0), pages=(GoldPage(1, 400, 400),))
    )
    # Read with the page turned left by 90 degrees: the text runs downwards.
    place = Place(1, ((210, 180), (210, 220), (190, 220), (190, 180)))
    data = base64.b64decode(crop_cell(case, place).partition(",")[2])
    turned = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    middle = turned[turned.shape[0] // 2]
    left, right = middle[: len(middle) // 3], middle[-len(middle) // 3 :]
    assert left.min() < 60
    assert right.min() > 200


def test_a_line_of_a_text_is_quoted(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("一\r\n自然人\t12\r\n", encoding="utf-8", newline="")
    case = Case("a.txt", path, make_gold("a.txt", figures_of(0)))
    assert quote_line(case, 2) == "自然人 ⇥ 12"
    assert quote_line(case, 9) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (1.0, "100\u00a0%"),
        (0.0, "0\u00a0%"),
        (0.5, "50.0\u00a0%"),
        (0.9987, "99.87\u00a0%"),
        (0.99996, "99.996\u00a0%"),
        (0.9999999, "99.999\u00a0%"),
        (0.0000001, "0.001\u00a0%"),
        (1.25, "125.0\u00a0%"),
    ],
)
def test_shares_near_the_ends_are_never_rounded_to_them(value, said):
    assert show_share(value) == said


def test_no_interval_is_said_as_nothing():
    assert show_interval({"value": 1.0, "low": None, "high": None}) == ""
    assert show_interval({"value": 0.5, "low": 0.25, "high": 1.0}) == "25.0–100"
