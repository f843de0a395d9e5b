from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from giar_ml.annotations.gold import GoldToken, Place, box_poly
from giar_ml.document import BBox, Token
from giar_ml.label import LabelledToken
from giar_ml.label.names import is_header
from giar_ml.metrics.labels import LabelCounts, LabelledBox, label_counts, labelled_boxes

NEW, TOTAL, UNDER = "row:requests.new", "column:requests.total", "under:行政诉讼"


def box(i, *, width=1.0, shift=0.0):
    """Boxes of 40 by 10 pixels side by side."""
    return BBox(50 * i + shift, 0, 50 * i + 40 * width + shift, 10)


def gold(*labels, page=1):
    return [GoldToken("字", label, Place(page, box_poly(box(i)))) for i, label in enumerate(labels)]


def pred(*labels, page=1):
    return [LabelledBox(label, page, box(i)) for i, label in enumerate(labels) if label]


def counts(tp=(), fp=(), fn=()):
    return LabelCounts(Counter(tp), Counter(fp), Counter(fn))


@pytest.mark.parametrize(
    ("tokens", "boxes", "expected"),
    [
        pytest.param(gold(NEW, TOTAL), pred(NEW, TOTAL), counts([NEW, TOTAL]), id="perfect"),
        pytest.param(gold(NEW, TOTAL), pred(NEW, NEW), counts([NEW], [NEW], [TOTAL]), id="taken for another"),
        pytest.param(gold(NEW), pred("other"), counts(fn=[NEW]), id="taken for no header"),
        pytest.param(gold("other", "figure"), pred(NEW, UNDER), counts(fp=[NEW, UNDER]), id="no headers"),
        pytest.param(gold("other", "figure"), pred("figure", "note"), counts(), id="not about headers"),
        pytest.param(gold(NEW), [], counts(fn=[NEW]), id="not read"),
        pytest.param([], pred(NEW, "other"), counts(fp=[NEW]), id="nothing there"),
        pytest.param([], [], counts(), id="none"),
        pytest.param(gold(NEW), pred(NEW, page=2), counts(fp=[NEW], fn=[NEW]), id="on another page"),
        pytest.param(
            gold(TOTAL, TOTAL),
            [LabelledBox(TOTAL, 1, BBox(0, 0, 90, 10))],
            counts([TOTAL, TOTAL]),
            id="two read as one",
        ),
        pytest.param(
            gold(NEW),
            [LabelledBox(NEW, 1, box(0, width=0.6)), LabelledBox(NEW, 1, box(0, width=0.3, shift=28))],
            counts([NEW]),
            id="one read in two pieces",
        ),
        pytest.param(
            gold(NEW),
            [LabelledBox(NEW, 1, box(0, width=0.6)), LabelledBox(TOTAL, 1, box(0, width=0.3, shift=28))],
            counts([NEW], [TOTAL]),
            id="a piece taken for another",
        ),
        pytest.param(
            gold(NEW, TOTAL),
            [LabelledBox(TOTAL, 1, box(1, shift=-30)), LabelledBox(NEW, 1, box(0, shift=3))],
            counts([NEW], [TOTAL], [TOTAL]),
            id="a box that lies between",
        ),
    ],
)
def test_label_counts(tokens, boxes, expected):
    assert label_counts(tokens, boxes) == expected


def lines(*items):
    return [GoldToken(text, label, Place(line=line)) for line, text, label in items]


def read_lines(*items):
    return [LabelledBox(label, line=line, text=text) for line, text, label in items]


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        pytest.param(
            read_lines((3, "总计", "column:a"), (3, "其他", "column:b"), (3, "总计", "column:c")),
            counts(["column:a", "column:b", "column:c"]),
            id="equal texts by their order",
        ),
        pytest.param(
            read_lines((3, "其他", "column:b"), (3, "总计", "column:c")),
            counts(["column:b", "column:c"], fn=["column:a"]),
            id="the first lost",
        ),
        pytest.param(
            read_lines((2, "总计", "column:a")),
            counts(fp=["column:a"], fn=["column:a", "column:b", "column:c"]),
            id="on another line",
        ),
        pytest.param(
            read_lines((3, "行政复议", "column:b")),
            counts(fp=["column:b"], fn=["column:a", "column:b", "column:c"]),
            id="another text",
        ),
    ],
)
def test_label_counts_in_texts(boxes, expected):
    tokens = lines((3, "总计", "column:a"), (3, "其他", "column:b"), (3, "总计", "column:c"))
    assert label_counts(tokens, boxes) == expected


def test_rates():
    # NEW: 2 found, 1 missed, P 1, R 2/3, F1 4/5. TOTAL: never found, twice invented, P 0, R 0, F1 0.
    some = counts([NEW, NEW], [TOTAL, TOTAL], [NEW, TOTAL])
    assert (some.precision, some.recall, some.f1) == (0.5, 0.5, 0.5)
    assert (some.macro_precision, some.macro_f1) == (0.5, pytest.approx(0.4))
    assert some.macro_recall == pytest.approx(1 / 3)
    assert some.only("row:").f1 == some.only(NEW).f1 == pytest.approx(0.8)
    assert some.labels == [TOTAL, NEW]
    assert (some + some).f1 == some.f1


def test_rates_of_nothing():
    nothing = LabelCounts()
    assert nothing.precision is nothing.recall is nothing.f1 is nothing.macro_f1 is None
    assert counts(fn=[NEW]).precision is None
    assert counts(fn=[NEW]).recall == counts(fn=[NEW]).f1 == counts(fn=[NEW]).macro_precision == 0


def test_one_label_is_not_the_prefix_of_another():
    some = counts(["row:requests.new"], [], ["row:requests.new_too"])
    assert some.macro_f1 == 0.5


LABELS = st.sampled_from([NEW, TOTAL, UNDER, "corner", "other", "figure"])


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=20))
def test_against_scikit_learn(pairs):
    tokens, boxes = gold(*(g for g, _ in pairs)), pred(*(p for _, p in pairs))
    result = label_counts(tokens, boxes)
    labels = [label for label in {*dict(pairs), *(p for _, p in pairs)} if is_header(label)]
    if not labels:
        assert result == LabelCounts()
        return
    for average, rates in (
        ("micro", (result.precision, result.recall, result.f1)),
        ("macro", (result.macro_precision, result.macro_recall, result.macro_f1)),
    ):
        expected = precision_recall_fscore_support(
            [g for g, _ in pairs], [p for _, p in pairs], labels=labels, average=average, zero_division=0
        )
        assert [r or 0 for r in rates] == pytest.approx(expected[:3])


def test_labelled_boxes():
    on_page = LabelledToken(Token("总计", box(0)), 2, TOTAL)
    in_text = LabelledToken(Token("总计", box(0), line=7), 1, TOTAL)
    assert labelled_boxes([on_page, in_text]) == [
        LabelledBox(TOTAL, 2, box(0), text="总计"),
        LabelledBox(TOTAL, line=7, text="总计"),
    ]
