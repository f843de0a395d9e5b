from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giar_ml.metrics.cells import CellOutcome
from giar_ml.metrics.confusion import (
    Confusion,
    align_characters,
    confuse_cells,
    count_confusions,
    figure_text,
)

FIGURES = st.text("0123", max_size=5)


@pytest.mark.parametrize(
    ("gold", "read", "pairs"),
    [
        pytest.param("107", "107", [("1", "1"), ("0", "0"), ("7", "7")], id="perfect"),
        pytest.param("107", "101", [("1", "1"), ("0", "0"), ("7", "1")], id="7 taken for 1"),
        pytest.param("107", "07", [("1", ""), ("0", "0"), ("7", "7")], id="1 lost"),
        pytest.param("7", "17", [("", "1"), ("7", "7")], id="a rule taken for 1"),
        pytest.param("", "1", [("", "1")], id="a blank taken for 1"),
        pytest.param("1", "", [("1", "")], id="1 taken for a blank"),
        pytest.param("", "", [], id="two blanks"),
    ],
)
def test_align_characters(gold, read, pairs):
    assert align_characters(gold, read) == pairs


@given(FIGURES, FIGURES)
def test_alignment_keeps_both_texts(gold, read):
    pairs = align_characters(gold, read)
    assert "".join(a for a, _ in pairs) == gold
    assert "".join(b for _, b in pairs) == read


def test_count_confusions():
    confusion = count_confusions([("17", "11"), ("17", "17"), ("", "1"), ("", "")])
    assert confusion.characters == Counter({("1", "1"): 2, ("7", "1"): 1, ("7", "7"): 1, ("", "1"): 1})
    assert confusion.figures == Counter({("17", "11"): 1, ("17", "17"): 1, ("", "1"): 1})
    assert confusion.matrix("17").tolist() == [[2, 0, 0], [1, 1, 0], [1, 0, 0]]
    assert confusion.worst() == [(("", "1"), 1), (("7", "1"), 1)]
    assert confusion.worst(1) == [(("", "1"), 1)]


def test_confusion_of_nothing():
    assert count_confusions([]) == Confusion()
    assert Confusion().matrix("01").tolist() == [[0] * 3] * 3
    assert Confusion().worst() == []


@given(st.lists(st.tuples(FIGURES, FIGURES), max_size=5))
def test_confusions_add_up(pairs):
    assert sum((count_confusions([pair]) for pair in reversed(pairs)), Confusion()) == count_confusions(pairs)


def test_confuse_cells():
    outcome = CellOutcome("a", "22（其中修订16件）", 22, 22, 12, "repaired", 0.9, True, False)
    assert confuse_cells([outcome]).figures == Counter({("22", "12"): 1})


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0"), (100, "100"), (-4, "-4"), (Decimal("3.50"), "3.5"), (Decimal("1E+2"), "100")],
)
def test_figure_text(value, text):
    assert figure_text(value) == text
