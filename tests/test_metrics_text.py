import pytest
from hypothesis import given
from hypothesis import strategies as st

from giar_ml.metrics.text import EditCounts, cer, count_edits

TEXTS = st.text("一二12", max_size=6)


@pytest.mark.parametrize(
    ("pairs", "counts", "rate"),
    [
        pytest.param([("行政复议", "行政复议")], EditCounts(0, 0, 0, 4, 1, 1), 0, id="perfect"),
        pytest.param([("行政复议", "行攻复")], EditCounts(1, 1, 0, 4, 1, 0), 0.5, id="one wrong, one lost"),
        pytest.param([("12", "3456")], EditCounts(2, 0, 2, 2, 1, 0), 2, id="none right, more than there is"),
        pytest.param([("12", "")], EditCounts(0, 2, 0, 2, 1, 0), 1, id="nothing read"),
        pytest.param([("", "12")], EditCounts(0, 0, 2, 0, 1, 0), None, id="read where there is nothing"),
        pytest.param([("", "")], EditCounts(0, 0, 0, 0, 1, 1), None, id="two blanks"),
        pytest.param([], EditCounts(), None, id="no texts"),
        pytest.param(
            [("12", "13"), ("12345678", "12345678")], EditCounts(1, 0, 0, 10, 2, 1), 0.1, id="summed"
        ),
    ],
)
def test_count_edits(pairs, counts, rate):
    assert count_edits(pairs) == counts
    assert cer(pairs) == counts.cer == rate


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_counts_add_up_in_any_order(pairs):
    total = count_edits(pairs)
    assert sum((count_edits([pair]) for pair in reversed(pairs)), EditCounts()) == total
    swapped = count_edits([(read, gold) for gold, read in pairs])
    assert swapped.errors == total.errors
    assert swapped.exact == total.exact


@given(st.lists(st.tuples(st.text("一二12", min_size=1, max_size=6), TEXTS), min_size=1, max_size=5))
def test_against_jiwer(pairs):
    jiwer = pytest.importorskip("jiwer")
    assert cer(pairs) == pytest.approx(jiwer.cer([gold for gold, _ in pairs], [read for _, read in pairs]))
