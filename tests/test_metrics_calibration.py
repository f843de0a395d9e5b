import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from giar_ml.metrics.calibration import Bin, aurc, brier, ece, reliability_curve, risk_coverage

CASES = st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("confidence", "right", "error", "score", "area"),
    [
        pytest.param([1.0, 1.0], [1, 1], 0, 0, 0, id="perfect"),
        pytest.param([1.0, 1.0], [0, 0], 1, 1, 1, id="sure and wrong"),
        # Bin 0.9: half right, gap 0.4; bin 0.6: all right, gap 0.4. Squares: 0.01 + 0.81 + 0.16 + 0.16.
        # Risk 1/2 at coverage 1/2, 1/4 at coverage 1.
        pytest.param([0.9, 0.9, 0.6, 0.6], [1, 0, 1, 1], 0.4, 1.14 / 4, 3 / 8, id="partial"),
        # Bins of one: gaps 0.1, 0.8, 0.3, 0.6. Risks 0, 1/2, 1/3, 1/2.
        pytest.param([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], 0.45, 1.1 / 4, 1 / 3, id="one point each"),
        pytest.param([0.5, 0.5], [1, 0], 0, 0.25, 0.5, id="a coin"),
        pytest.param([], [], None, None, None, id="none"),
    ],
)
def test_scores(confidence, right, error, score, area):
    assert ece(confidence, right) == pytest.approx(error)
    assert brier(confidence, right) == pytest.approx(score)
    assert aurc(confidence, right) == pytest.approx(area)


def test_equal_mass_bins():
    # Quartiles of 0.1, 0.2, 0.8, 0.9: two bins split at 0.5.
    confidence, right = [0.9, 0.1, 0.8, 0.2], [True, False, False, True]
    assert reliability_curve(confidence, right, n_bins=2, equal_mass=True) == [
        Bin(pytest.approx(0.15), 0.5, 2),
        Bin(pytest.approx(0.85), 0.5, 2),
    ]
    assert ece(confidence, right, n_bins=2, equal_mass=True) == pytest.approx(0.35)


def test_equal_confidences_share_a_bin():
    # The median is 0.7: all of 0.7 lies below it, with 0.2.
    curve = reliability_curve([0.2, 0.7, 0.7, 0.7, 0.9], [True] * 5, n_bins=2, equal_mass=True)
    assert [b.n for b in curve] == [4, 1]


def test_ends_of_the_range_are_binned():
    assert reliability_curve([0.0, 1.0], [False, True]) == [Bin(0, 0, 1), Bin(1, 1, 1)]


def test_risk_coverage():
    curve = risk_coverage([0.2, 0.9, 0.9, 0.5], [False, True, False, True])
    assert curve.threshold.tolist() == [0.9, 0.5, 0.2]
    assert curve.coverage.tolist() == [0.5, 0.75, 1.0]
    assert curve.risk.tolist() == [0.5, pytest.approx(1 / 3), 0.5]
    assert [len(part) for part in risk_coverage([], [])] == [0, 0, 0]


@pytest.mark.parametrize(("confidence", "right"), [([0.5], []), ([1.1], [True]), ([float("nan")], [True])])
def test_bad_input(confidence, right):
    with pytest.raises(ValueError, match="confidence"):
        brier(confidence, right)


@given(CASES, st.randoms(use_true_random=False))
def test_bounds_and_order(cases, rng):
    shuffled = rng.sample(cases, len(cases))
    for metric in (ece, brier, aurc):
        value = metric(*zip(*cases, strict=True))
        assert 0 <= value <= 1
        assert metric(*zip(*shuffled, strict=True)) == pytest.approx(value)


@given(CASES)
def test_sorting_right_before_wrong_is_best(cases):
    confidence, right = (np.array(part) for part in zip(*cases, strict=True))
    best = np.linspace(1, 0, len(right))
    assert aurc(best, np.sort(right)[::-1]) <= aurc(confidence, right) + 1e-9


@given(CASES)
def test_against_scikit_learn(cases):
    confidence, right = zip(*cases, strict=True)
    reference = brier_score_loss(right, confidence, pos_label=True)
    assert brier(confidence, right) == pytest.approx(reference)
    if len(set(right)) == 2:
        for equal_mass, strategy in ((False, "uniform"), (True, "quantile")):
            accuracy, mean = calibration_curve(right, confidence, n_bins=10, strategy=strategy)
            curve = reliability_curve(confidence, right, equal_mass=equal_mass)
            assert [b.accuracy for b in curve] == pytest.approx(accuracy.tolist())
            assert [b.confidence for b in curve] == pytest.approx(mean.tolist())
