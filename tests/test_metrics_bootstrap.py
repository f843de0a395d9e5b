import pytest
from hypothesis import given
from hypothesis import strategies as st

from giar_ml.metrics.bootstrap import Interval, bootstrap_interval, ratio_interval, wilson_interval


def rate(pairs):
    total = sum(n for _, n in pairs)
    return sum(k for k, _ in pairs) / total if total else None


def test_both_ways_agree():
    pairs = [(k % 3, 3) for k in range(20)] + [(0, 0)]
    assert bootstrap_interval(pairs, rate, seed=4) == pytest.approx(
        ratio_interval([k for k, _ in pairs], [n for _, n in pairs], seed=4)
    )


def test_interval_of_a_coin():
    # 50 of 100 right: normal approximation 0.5 +- 1.96 * sqrt(0.25 / 100) = 0.402 to 0.598.
    interval = ratio_interval([0, 1] * 50, [1] * 100, n=4000)
    assert interval.estimate == 0.5
    assert interval.low == pytest.approx(0.402, abs=0.015)
    assert interval.high == pytest.approx(0.598, abs=0.015)


def test_a_higher_level_is_wider():
    narrow, wide = (ratio_interval([0, 1, 1, 1], [1] * 4, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low <= 0.75 <= narrow.high <= wide.high


def test_same_seed_same_interval():
    values = [1.0, 2.0, 4.0]
    assert bootstrap_interval(values, max, seed=1) == bootstrap_interval(values, max, seed=1)


def test_nothing_varies():
    assert ratio_interval([0] * 30, [200] * 30) == Interval(0, 0, 0)
    assert bootstrap_interval([(0, 200)], rate) == Interval(0, 0, 0)


def test_no_values():
    assert bootstrap_interval([], rate) is None
    assert bootstrap_interval([(0, 0)], rate) is None
    assert ratio_interval([], []) is None
    assert ratio_interval([0, 0], [0, 0]) is None
    assert wilson_interval(0, 0) is None


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # z = 1.96, z^2 = 3.8415. None of 30: 0 to z^2 / (n + z^2) = 3.8415 / 33.8415.
        pytest.param(0, 30, 0, 0.11351, id="none"),
        pytest.param(30, 30, 1 - 0.11351, 1, id="all"),
        # Centre (0.1 + 3.8415 / 200) / 1.038415 = 0.114799; half 1.96 / 1.038415 *
        # sqrt(0.09 / 100 + 3.8415 / 40000) = 0.059564.
        pytest.param(10, 100, 0.05523, 0.17437, id="partial"),
    ],
)
def test_wilson(k, n, low, high):
    interval = wilson_interval(k, n)
    assert interval == (k / n, pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_wilson_is_near_the_rule_of_three():
    # One-sided 95 percent: 3 / n for none of n; the score interval gives 2.71 / n.
    assert wilson_interval(0, 1000, level=0.9).high == pytest.approx(3 / 1000, rel=0.12)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_bounds_and_symmetry(case):
    k, n = case
    interval, mirrored = wilson_interval(k, n), wilson_interval(n - k, n)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1
    assert (interval.low, interval.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low))


def test_bad_input():
    with pytest.raises(ValueError, match="3 of 2"):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match="one numerator"):
        ratio_interval([1], [1, 2])
