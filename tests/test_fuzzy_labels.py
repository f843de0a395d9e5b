"""Texts compared with the form's printed labels."""

from __future__ import annotations

import pytest

from eval.fuzzy_labels import FuzzyLabeller, label_similarity
from giar_ml.document import BBox, Token
from giar_ml.forms import load_form
from giar_ml.label.names import normalize_label


def label(text: str, form: str = "2021") -> dict[str, float]:
    (labels,) = FuzzyLabeller().label([Token(text, BBox(0, 0, 1, 1))], load_form(form))
    return dict(labels)


def best(text: str, form: str = "2021") -> str:
    labels = label(text, form)
    return max(labels, key=labels.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("（一）予以公开", "一予以公开"),
        ("(一) 予以公开", "一予以公开"),
        ("⼀、本年", "一本年"),
        ("１.属于_国家秘密", "1属于国家秘密"),
        ("3.危及“三安全一稳定”", "3危及三安全一稳定"),
    ],
)
def test_normalized_labels_keep_what_tells_them_apart(text: str, expected: str) -> None:
    assert normalize_label(text) == expected


def test_similarity_is_one_for_equal_and_zero_for_empty() -> None:
    assert label_similarity("规章", "规章") == 1
    assert label_similarity("", "规章") == label_similarity("规章", "") == 0


def test_fragment_counts_the_more_the_longer_it_is() -> None:
    whole = "5要求行政机关确认或重新出具已获取信息"
    assert 0 < label_similarity(whole[:6], whole) < label_similarity(whole[:14], whole) < 1


def test_two_characters_are_no_fragment() -> None:
    # 其他 is a part of five labels.
    assert label_similarity("其他", "2其他法律行政法规禁止公开") < 0.4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("规章", "row:disclosure.regulations", id="as printed"),
        pytest.param("规范性文件", "row:disclosure.normative_documents", id="a variant"),
        pytest.param("7. 属于 行政执法案卷", "row:requests.refused.enforcement_files", id="spaces"),
        pytest.param("2.其他法律行政止公开", "row:requests.refused.prohibited_by_law", id="characters lost"),
        pytest.param("1.言访举报投诉类申请", "row:requests.not_processed.petition", id="a character misread"),
        pytest.param(
            "5.要求行政机关确认或重新出具已获", "row:requests.not_processed.reconfirmation", id="torn"
        ),
        pytest.param("自然人", "column:requests.natural_person", id="a column"),
        pytest.param("三、收到和处理政府信息公开申请情况", "title:requests", id="a title"),
        pytest.param("12", "figure", id="a figure"),
        pytest.param("本年度没有收取信息处理费用", "other", id="prose"),
    ],
)
def test_most_probable_label(text: str, expected: str) -> None:
    assert best(text) == expected


def test_row_of_another_form_is_none_of_this_one() -> None:
    assert best("（六）其他处理", "mixed") == "row:requests.other.all"
    assert "row:requests.other.all" not in label("（六）其他处理", "2021")


def test_label_printed_several_times_is_shared() -> None:
    labels = label("结果维持")
    groups = ("reconsideration", "direct_litigation", "litigation_after_reconsideration")
    shares = [labels[f"column:reviews.{group}.upheld"] for group in groups]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.02)


@pytest.mark.parametrize("text", ["结果维持", "3.其他", "总计", "没有这样的标签", "0"])
def test_probabilities_are_at_most_one_together(text: str) -> None:
    labels = label(text)
    assert all(0 < p <= 1 for p in labels.values())
    assert sum(labels.values()) <= 1 + 1e-9
