import json
from dataclasses import replace
from decimal import Decimal

import pytest
from conftest import make_report

from giar_ml.document import BBox, Problem
from giar_ml.report import Check, Proof, Report


def test_a_report_survives_its_json():
    report = make_report(
        changes={
            "disclosure.fees.amount": {"value": Decimal("7730.280"), "printed": Decimal("7730.280")},
            "requests.new.total": {
                "value": 12,
                "status": "repaired",
                "bbox": BBox(1.5, 2, 3, 4),
                "candidates": ((17, 0.6), (12, 0.3)),
            },
            "requests.granted.total": {"value": None, "printed": None, "status": "missing", "page": None},
            "reviews.reconsideration.total": {"status": "conflict", "suggestion": 3},
        }
    )
    report = replace(report, problems=(Problem("code", "说明", ("requests.new.total",), 2),))
    report = replace(report, proof=Proof(3.25, 7.5, True))
    lines = report.to_json().splitlines()
    assert sum(line.startswith('  "') for line in lines) == len(report.cells)
    assert sum(line.startswith("  {") for line in lines) == len(report.checks) + len(report.problems)
    again = Report.from_json(report.to_json())
    assert again == report
    assert str(again.cells["disclosure.fees.amount"].value) == "7730.280"


def test_an_amount_may_be_a_number() -> None:
    amount = Decimal("251.3")
    change = {"value": amount, "printed": amount, "suggestion": amount, "candidates": ((amount, 0.9),)}
    report = make_report(changes={"disclosure.fees.amount": change})
    again = Report.from_json(report.to_json().replace('"251.3"', "251.3"))
    assert again == report
    assert again.to_json() == report.to_json()


def test_json_is_the_contract():
    data = json.loads(make_report().to_json())
    assert list(data) == [
        "schema_version",
        "source",
        "form",
        "organisation",
        "year",
        "status",
        "cells",
        "checks",
        "problems",
        "timings_ms",
    ]
    cell = data["cells"]["requests.new.natural_person"]
    assert {"value", "printed", "status", "confidence", "page", "bbox", "candidates", "suggestion"} <= set(
        cell
    )
    assert data["checks"][0] == {"id": "row:new", "holds": True, "left": 0, "right": 0}


@pytest.mark.parametrize("text", ["[]", "{}", '{"schema_version": "0"}', "no JSON"])
def test_other_json_is_refused(text):
    with pytest.raises(ValueError, match=r"schema version|Expecting value"):
        Report.from_json(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [("cells", [1]), ("cells", {"a": {}}), ("source", 3), ("checks", [{}]), ("problems", None), ("other", 1)],
)
def test_a_damaged_report_is_refused(key: str, value: object) -> None:
    data = json.loads(make_report().to_json()) | {key: value}
    with pytest.raises(ValueError, match="not a report"):
        Report.from_json(json.dumps(data))


@pytest.mark.parametrize("key", ["form", "status"])
@pytest.mark.parametrize("word", ["odd", ["2021"]])
def test_an_unknown_word_is_refused(key: str, word: object) -> None:
    data = json.loads(make_report().to_json()) | {key: word}
    with pytest.raises(ValueError, match="not a report"):
        Report.from_json(json.dumps(data))


def test_an_unknown_status_of_a_cell_is_refused() -> None:
    report = make_report(changes={"requests.new.total": {"status": "odd"}})
    with pytest.raises(ValueError, match="'odd' is no status of a cell"):
        Report.from_json(report.to_json())


def test_a_damaged_figure_is_refused() -> None:
    data = json.loads(make_report().to_json())
    data["cells"]["requests.new.natural_person"]["value"] = "1O"
    with pytest.raises(ValueError, match="not a report"):
        Report.from_json(json.dumps(data))


def test_a_check_of_the_prose_names_what_it_states() -> None:
    assert Check("text:a.b+a.c", holds=True, left=3, right=3).stated == ("a.b", "a.c")
    assert Check("row:new", holds=True, left=3, right=3).stated == ()
