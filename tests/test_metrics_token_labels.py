from collections import Counter

import pytest

from giar_ml.metrics.labels import LabelCounts
from giar_ml.metrics.token_labels import (
    Choice,
    TokenCounts,
    choose_label,
    count_confusions,
    count_tokens,
    is_table_right,
    who_is_right,
)

NEW, OLD, TOTAL, UNDER = (
    "row:requests.new",
    "row:requests.carried_in",
    "column:requests.total",
    "under:行政诉讼",
)


def counts(n, right, tp=(), fp=(), fn=()):
    return TokenCounts(n, right, LabelCounts(Counter(tp), Counter(fp), Counter(fn)))


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        pytest.param(
            [NEW, "figure", "other"], [NEW, "figure", "other"], counts(3, 3, [NEW, "figure"]), id="all"
        ),
        pytest.param([NEW], [TOTAL], counts(1, 0, fp=[TOTAL], fn=[NEW]), id="taken for another"),
        pytest.param([NEW], ["other"], counts(1, 0, fn=[NEW]), id="taken for nothing"),
        pytest.param(["other"], ["figure"], counts(1, 0, fp=["figure"]), id="nothing taken for a figure"),
        pytest.param([], [], counts(0, 0), id="none"),
    ],
)
def test_count_tokens(gold, predicted, expected):
    assert count_tokens(gold, predicted) == expected


def test_rates():
    found = count_tokens([NEW, TOTAL, "figure", "other"], [NEW, NEW, "figure", "figure"])
    assert found.accuracy == 0.5
    assert found.f1 == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))  # 2 right; row:new and a figure too many
    assert found.headers.f1 == pytest.approx(2 / (2 + 1 + 1))
    assert found.lost_share is None
    assert found.tables_right_share is None
    total = found + TokenCounts(gold=8, lost=2, merged=1, tables=4, tables_right=3)
    assert (total.lost_share, total.merged_share, total.tables_right_share) == (0.25, 0.125, 0.75)
    assert total.f1 == found.f1
    assert TokenCounts().accuracy is None
    assert TokenCounts().f1 is None


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        ([NEW, TOTAL, "figure"], [NEW, TOTAL, "other"], True),
        ([NEW, UNDER], [NEW, "other"], True),
        ([NEW, OLD], [NEW, NEW], False),
        ([NEW, "figure"], [NEW, TOTAL], False),
        ([], [], True),
    ],
)
def test_is_table_right(gold, predicted, expected):
    assert is_table_right(gold, predicted) is expected


def test_choose_label():
    assert choose_label({NEW: 0.2, TOTAL: 0.7, "other": 0.1}) == Choice(TOTAL, 0.7)
    assert choose_label({NEW: 1.0000001}) == Choice(NEW, 1.0)
    assert choose_label({}) == Choice("other", 1.0)


def test_who_is_right():
    predicted = {"a": [NEW, NEW, NEW], "b": [NEW, OLD, TOTAL]}
    assert who_is_right([NEW, OLD, "other"], predicted) == [("a", "b"), ("b",), ()]
    with pytest.raises(ValueError, match="a: 3 labels for 1 tokens"):
        who_is_right([NEW], predicted)


def test_count_confusions():
    assert count_confusions([NEW, NEW, NEW, "other"], [OLD, OLD, NEW, NEW]) == {
        (NEW, OLD): 2,
        ("other", NEW): 1,
    }


@pytest.mark.parametrize("count", [count_tokens, is_table_right, count_confusions])
def test_as_many_labels_as_tokens(count):
    with pytest.raises(ValueError, match="zip"):
        count([NEW], [NEW, NEW])
