"""Documents with gold to examples: every word bears the label that the gold gives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from giar_ml.annotations.gold import (
    SUFFIX,
    Gold,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    box_poly,
)
from giar_ml.document import BBox
from giar_ml.label.frame import TEXT_COLUMNS, reading_order
from giar_ml.label.names import label_names
from training.labels.data import gold_examples, load_examples
from training.labels.examples import Example, Item, count_tokens, place_example

FIXTURES = ROOT / "eval" / "fixtures"


def examples_of(name: str) -> list[Example]:
    path = FIXTURES / name
    return list(gold_examples(Gold.read(path.with_name(path.name + SUFFIX)), path))


def labels_of(example: Example, text: str) -> list[str]:
    """The labels of all items with a text, in order."""
    return [item.label for item in example.items if item.text == text]


def make_gold(*tokens: GoldToken, kind: str = "text", tables: Sequence[GoldTable] = ()) -> Gold:
    return Gold("a", "ab" * 32, kind, "2021", None, None, {}, pages=(GoldPage(1, 600, 800),),
                tokens=tokens, tables=tuple(tables), origin={"tool": "test"})  # fmt: skip


def read_words(tmp_path: Path, text: str, *tokens: tuple[int, str, str]) -> list[tuple[str, str]]:
    """Words and labels of a text whose gold tokens are (line, text, label)."""
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    gold = make_gold(*(GoldToken(printed, label, Place(line=line)) for line, printed, label in tokens))
    return [(item.text, item.label) for example in gold_examples(gold, path) for item in example.items]


# Fixtures


def test_pages_of_a_digital_report():
    first, second, third, fourth, flow = examples_of("9000000-00022-digital.pdf")
    assert [e.source for e in (first, second, third, fourth)] == ["digital"] * 4
    assert all(e.paper for e in (first, second, third, fourth))
    assert set(first.labels) == {"other"}
    assert labels_of(second, "规章") == ["row:disclosure.regulations"]
    assert labels_of(second, "信息内容") == ["corner"] * 4
    assert labels_of(second, "本年处理决定数量") == ["column:disclosure.decisions"] * 2
    assert labels_of(third, "机构") == [
        "column:requests.research_institution",
        "column:requests.legal_services",
    ]
    assert labels_of(third, "一、本年新收政府信息公开申请数量") == ["row:requests.new"]
    assert labels_of(fourth, "（七）总计") == ["row:requests.handled_total"]
    assert labels_of(fourth, "总计") == [
        "column:reviews.reconsideration.total",
        "column:reviews.direct_litigation.total",
        "column:reviews.litigation_after_reconsideration.total",
    ]
    # 不予公开 stands in its cell in two lines.
    assert labels_of(third, "（三）不予") == ["under:（三）不予公开"]
    assert flow.source == "flow"


def test_pages_of_a_scan():
    first, second, third, flow = examples_of("9000000-00004-scan-clean.pdf")
    assert [e.source for e in (first, second, third, flow)] == ["scan", "scan", "scan", "flow"]
    assert labels_of(first, "二、主动公开政府信息情况") == ["title:disclosure"]
    assert labels_of(second, "本年新制作数量") == ["column:disclosure.made"]
    assert labels_of(second, "规章") == ["row:disclosure.regulations"]
    assert [page.labels.count("title:reviews") for page in (first, second, third)] == [0, 0, 1]


def test_a_page_begins_with_its_print():
    """Boxes are those of the page: the labels stand above each other as printed."""
    _, page, *_ = examples_of("9000000-00022-digital.pdf")
    tops = [item.bbox.top for item in page.items if item.label.startswith("row:")]
    assert len(tops) == 6
    assert tops == sorted(tops)
    columns = [f"column:disclosure.{name}" for name in ("issued", "repealed", "in_force")]
    lefts = [item.bbox.left for item in page.items if item.label in columns]
    assert lefts == sorted(lefts)


def test_a_report_without_paper():
    """As a Word file: cells whole, as wide as their columns, rows that follow each other."""
    *_, flow = examples_of("9000000-00022-digital.pdf")
    assert not flow.paper
    assert labels_of(flow, "法律服务机构") == ["column:requests.legal_services"]
    assert labels_of(flow, "（三）不予公开") == ["under:（三）不予公开"]
    assert labels_of(flow, "结果维持") == [
        "column:reviews.reconsideration.upheld",
        "column:reviews.direct_litigation.upheld",
        "column:reviews.litigation_after_reconsideration.upheld",
    ]
    boxes = np.array([item.bbox for item in flow.items if item.label.startswith(("row:", "column:"))])
    assert boxes[:, 2].max() == TEXT_COLUMNS
    assert (boxes[:, 3] - boxes[:, 1] >= 1).all()
    rows = {item.label: item.bbox for item in flow.items}
    assert rows["row:requests.carried_in"].top == rows["row:requests.new"].bottom


def test_the_rows_of_a_table_are_read_in_order():
    *_, flow = examples_of("9000000-00022-digital.pdf")
    order = reading_order(place_example(flow))
    rows = [flow.items[i].label for i in order if flow.items[i].label.startswith("row:requests.refused")]
    assert [row.rpartition(".")[2] for row in rows] == [
        "state_secret", "prohibited_by_law", "security_and_stability", "third_party_rights",
        "internal_affairs", "process_information", "enforcement_files", "administrative_query",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "9000000-00041-text-pdfplumber-layout.txt",
            {
                "规章": ["row:disclosure.regulations"],
                "益组织": ["column:requests.social_organization"],
                "4．保护第三方合法权益": ["row:requests.refused.third_party_rights"],
                "供": ["under:（四）无法提供"],
            },
            id="gaps",
        ),
        pytest.param(
            "9000000-00049-text-markdown.md",
            {
                "商业": ["column:requests.enterprise"],
                "一、本年新收政府信息公开申请数量": ["row:requests.new"] * 3,
                "益组织": ["column:requests.social_organization"],
            },
            id="pipes",
        ),
    ],
)
def test_words_of_a_text(name, expected):
    [example] = examples_of(name)
    assert not example.paper
    assert example.source == "text:" + name.split("-text-")[1].split(".")[0]
    for text, labels in expected.items():
        assert labels_of(example, text) == labels
    assert {item.bbox.height for item in example.items} == {1}


def test_every_gold_label_of_the_fixtures_reaches_an_example():
    """As many kinds of labels in the examples of a document as in its gold."""
    for path in sorted(FIXTURES.glob(f"*{SUFFIX}")):
        gold = Gold.read(path)
        if gold.kind in ("word", "html"):
            continue
        examples = list(gold_examples(gold, path.with_name(path.name.removesuffix(SUFFIX))))
        named = {token.label for token in gold.tokens} - {"other"}
        found = {label for example in examples for label in example.labels}
        assert named <= found <= {*label_names()}, path.name


def test_examples_of_a_folder(tmp_path):
    for name in ("9000000-00035-text-pdftotext.txt", "9000000-00022-digital.pdf"):
        for path in FIXTURES.glob(f"{name}*"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    alone, together = load_examples(tmp_path), load_examples(tmp_path, workers=2)
    assert alone == together
    assert Counter(e.source for e in alone) == {"digital": 4, "flow": 1, "text:pdftotext": 1}
    assert alone[-1].source == "text:pdftotext"
    assert count_tokens(alone) == sum(len(e.items) for e in alone)


# Texts


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        pytest.param(
            "新收  12",
            [(1, "新收", "row:requests.new"), (1, "12", "figure")],
            [("新收", "row:requests.new"), ("12", "figure")],
            id="words",
        ),
        pytest.param(
            "本年 新收\t3",
            [(1, "本年 新收", "row:requests.new"), (1, "3", "figure")],
            [("本年", "row:requests.new"), ("新收", "row:requests.new"), ("3", "figure")],
            id="a token of two words",
        ),
        pytest.param(
            "新收12",
            [(1, "新收", "row:requests.new"), (1, "12", "figure")],
            [("新收12", "row:requests.new")],
            id="a word of two tokens",
        ),
        pytest.param(
            "12345678新收",
            [(1, "12345678", "figure"), (1, "新收", "row:requests.new")],
            [("12345678新收", "row:requests.new")],
            id="rows before longer figures",
        ),
        pytest.param(
            "| 0 | 0 | 0 |",
            [(1, "0", "figure"), (1, "0", "other"), (1, "0", "figure")],
            [("0", "figure"), ("0", "other"), ("0", "figure")],
            id="the same text one after another",
        ),
        pytest.param(
            "新收\n新收",
            [(2, "新收", "row:requests.new")],
            [("新收", "other"), ("新收", "row:requests.new")],
            id="the line counts",
        ),
        pytest.param(
            "前言\n后记",
            [(1, "不在", "row:requests.new"), (9, "新收", "row:requests.new"), (1, "前言", "title:requests")],
            [("后记", "other")],
            id="what cannot be said is left out",
        ),
    ],
)
def test_labels_of_words(tmp_path, text, tokens, expected):
    assert read_words(tmp_path, text, *tokens) == expected


def test_radicals_in_a_text_keep_their_labels(tmp_path):
    """The words of a text are read with ordinary characters, gold has what is written."""
    found = read_words(
        tmp_path, "⼀、本年新收  ⾃然⼈", (1, "⼀、本年新收", "row:requests.new"),
        (1, "⾃然⼈", "column:requests.natural_person"),
    )  # fmt: skip
    assert found == [("一、本年新收", "row:requests.new"), ("自然人", "column:requests.natural_person")]


def test_a_text_without_gold_tokens_is_no_example(tmp_path):
    assert read_words(tmp_path, "前言\n") == []
    (tmp_path / "a.txt").write_text("前言")
    assert list(gold_examples(make_gold(), tmp_path / "a.txt")) == []


def test_boxes_of_words_are_columns_and_lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n新收 1  2\n", encoding="utf-8")
    tokens = [GoldToken("新收", "row:requests.new", Place(line=2))]
    [example] = gold_examples(make_gold(*tokens), path)
    assert example.items == (
        Item("新收", BBox(0, 1, 4, 2), "row:requests.new"),
        Item("1", BBox(5, 1, 6, 2), "other"),
        Item("2", BBox(8, 1, 9, 2), "other"),
    )


# Tables without paper


def make_cell(
    row: int, column: int, text: str, label: str, *, rows: int = 1, columns: int = 1
) -> GoldTableCell:
    box = BBox(100 + 100 * column, 200 + 20 * row, 100 + 100 * (column + columns), 200 + 20 * (row + rows))
    return GoldTableCell(row, row + rows, column, column + columns, box_poly(box), text, label)


def test_paragraphs_and_tables_follow_each_other():
    table = GoldTable(
        1, 2, 4,
        (
            make_cell(0, 0, "新收", "row:requests.new", columns=2),
            make_cell(0, 2, "5", "figure"),
            make_cell(0, 3, "", "other"),
            make_cell(1, 0, "结转", "row:requests.carried_in"),
        ),
    )  # fmt: skip
    tokens = [
        GoldToken("后记", "other", Place(1, box_poly(BBox(100, 500, 200, 520)))),
        GoldToken("新收", "row:requests.new", Place(1, box_poly(BBox(110, 202, 150, 218)))),
        GoldToken("标题", "title:requests", Place(1, box_poly(BBox(100, 100, 200, 120)))),
    ]
    page, flow = gold_examples(make_gold(*tokens, kind="digital", tables=[table]), Path("a.pdf"))
    assert [item.text for item in page.items] == ["后记", "新收", "标题"]
    assert flow.items == (
        Item("标题", BBox(0, 0, 4, 1), "title:requests"),
        Item("新收", BBox(0, 1, 80, 2), "row:requests.new"),
        Item("5", BBox(80, 1, 120, 2), "figure"),
        Item("结转", BBox(0, 2, 40, 3), "row:requests.carried_in"),
        Item("后记", BBox(0, 3, 4, 4), "other"),
    )
