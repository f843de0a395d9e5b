"""A regression on whole reports beside the risk that they state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.report_risk import FEATURES, Read, compare, read_pairs, tell_features
from giar_ml.document import BBox
from giar_ml.errors import UsageError
from giar_ml.report import CellResult, Proof, Report, Source


def made_up(n: int, *, seed: int) -> list[Read]:
    """Reports that are wrong as often as they state, whatever else they say."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-2, 2, n)
    wrong = rng.random(n) < 1 / (1 + np.exp(-odds))
    noise = rng.normal(size=(n, len(FEATURES) - 1))
    return [Read((o, *row), bool(w)) for o, row, w in zip(odds, noise, wrong, strict=True)]


def test_no_regression_beats_a_risk_that_is_true() -> None:
    (_, stated), *others = compare(made_up(2000, seed=3))
    assert stated < 1.01 * min(loss for _, loss in others)


def test_a_regression_beats_a_risk_that_is_none() -> None:
    reports = [Read((-6.0, *report.features), report.wrong) for report in made_up(400, seed=3)]
    losses = dict(compare(reports))
    assert losses["regression on all, C 1"] < 0.5 * losses["risk as stated"]


def test_too_few_wrong_reports() -> None:
    with pytest.raises(UsageError, match="wrong"):
        list(compare([Read((0.0,) * len(FEATURES), False)] * 50))


def test_folders_come_in_pairs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pairs"):
        list(read_pairs([tmp_path]))


def test_features_of_a_result() -> None:
    box = BBox(0, 0, 9, 20)
    cells = {
        "a": CellResult(3, 3, "read", 0.95, bbox=box),
        "b": CellResult(4, None, "inferred", 0.999),
    }
    report = Report(
        Source("a.pdf", "0" * 64, "scan", 1),
        "2021",
        None,
        None,
        "review",
        cells,
        risk=0.5,
        proof=Proof(1, 7, True),
    )
    found = dict(zip(FEATURES, tell_features(report), strict=True))
    assert found["risk"] == 0
    assert found["gap"] == 7
    assert found["changed"] == found["unsure"] == pytest.approx(np.log(2))
    assert found["height"] == pytest.approx(np.log(20))
    assert found["misprint"] == 0
