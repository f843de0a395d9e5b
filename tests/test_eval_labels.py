import hashlib
import json
from dataclasses import replace
from pathlib import Path

import joblib
import pytest

from eval import label_baselines, label_run, labels
from eval.label_baselines import (
    FuzzyPageLabeller,
    RegressionLabeller,
    draw_examples,
    load_labellers,
    train_regression,
)
from eval.label_run import Negatives, count_case, label_negatives, label_page, run_labellers
from eval.label_summary import NO_TABLE, summarise
from eval.run import Case, find_cases
from giar_ml.annotations.gold import (
    Gold,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    box_poly,
    gold_path,
)
from giar_ml.document import BBox, Cell, Document, Page, Table, Token
from giar_ml.errors import InputError, UsageError
from giar_ml.label.frame import Placed
from giar_ml.metrics.token_labels import Choice, TokenCounts
from training.labels import read_pages
from training.labels.config import DataConfig
from training.labels.data import load_examples
from training.labels.examples import Data, Example, Item
from training.labels.read_pages import ReadPage, read_document_once, to_read_pages

FIXTURES = Path(__file__).parents[1] / "eval" / "fixtures"
LABELS_CONFIG = Path(__file__).parents[1] / "training" / "labels" / "labels.toml"
NEW, TOTAL = "row:requests.new", "column:requests.total"
LINES = ("三、收到和处理政府信息公开申请情况", "\t总计", "一、本年新收政府信息公开申请数量\t12", "", "很好")
LABELS = (("title:requests",), (TOTAL,), (NEW, "figure"), (), ("other",))


def text_gold(**origin):
    tokens = [
        GoldToken(text, label, Place(line=number))
        for number, (line, found) in enumerate(zip(LINES, LABELS, strict=True), start=1)
        for text, label in zip(line.split(), found, strict=True)
    ]
    return Gold("a.txt", "", "text", "2021", None, None, {}, tokens=tuple(tokens), origin=origin)


def paper_gold(**origin):
    """A title, and a table of a row label and a figure."""

    def cell(column, left, right, label):
        return GoldTableCell(0, 1, column, column + 1, box_poly(BBox(left, 100, right, 140)), "字", label)

    tokens = (
        GoldToken("标题", "title:requests", Place(1, box_poly(BBox(0, 0, 100, 20)))),
        GoldToken("新收", NEW, Place(1, box_poly(BBox(10, 110, 90, 130)))),
        GoldToken("12", "figure", Place(1, box_poly(BBox(210, 110, 230, 130)))),
    )
    table = GoldTable(1, 1, 2, (cell(0, 0, 200, NEW), cell(1, 200, 400, "figure")))
    pages = (GoldPage(1, 400, 800),)
    return Gold("a.pdf", "", "scan", "2021", None, None, {}, {}, pages, tokens, (table,), origin)


def read_page(*boxes, number=1):
    return ReadPage(number, True, 400, 800, tuple(Token(text, BBox(*box)) for text, *box in boxes))


ALL_READ = read_page(("标题", 0, 0, 100, 20), ("新收", 10, 110, 90, 130), ("12", 210, 110, 230, 130))


def choices(*found):
    return {"a": [Choice(label, 0.9) for label in found]}


def write_text(folder: Path, **origin) -> Path:
    path = folder / "a.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    gold = text_gold(**origin)
    replace(gold, sha256=hashlib.sha256(path.read_bytes()).hexdigest()).write(gold_path(path))
    return path


# Counting


def test_a_page_all_right():
    page = label_page(Case("a", Path("a"), paper_gold()), ALL_READ, choices("title:requests", NEW, "figure"))
    assert page.gold == ("title:requests", NEW, "figure")
    assert page.tables == (None, "0", "0")
    assert page.printed == page.legible == (True, True, True)
    found = page.count("a")
    assert (found.tokens, found.right, found.gold, found.lost, found.merged) == (3, 3, 3, 0, 0)
    assert (found.tables, found.tables_right) == (1, 1)


def test_what_the_reader_lost_merged_and_misread():
    read = read_page(("乙丙", 10, 110, 240, 130), ("#", 300, 600, 310, 610))
    page = label_page(Case("a", Path("a"), paper_gold()), read, choices(NEW, "row:requests.granted"))
    found = page.count("a")
    assert page.gold == (NEW, "other")
    assert (found.gold, found.lost, found.merged, page.n_misread) == (3, 1, 1, 1)
    assert (found.tables, found.tables_right) == (1, 1)  # what was wrong stands outside the table
    assert page.printed == (True, False)
    assert found.f1 < 1
    assert page.legible == (False, False)
    assert page.count_only("a", page.printed).f1 == 1


def test_a_figure_taken_for_a_column_makes_the_table_wrong():
    page = label_page(Case("a", Path("a"), paper_gold()), ALL_READ, choices("other", NEW, TOTAL))
    assert page.count("a").tables_right == 0


def test_tokens_without_a_gold_label_are_not_counted():
    read = read_page(("新收", 10, 125, 90, 145))
    page = label_page(Case("a", Path("a"), paper_gold()), read, choices(NEW))
    assert (page.n_unknown, page.gold, page.choices) == (1, (), {"a": ()})


def test_tables_of_a_text(tmp_path):
    page = read_pages.read_pages(write_text(tmp_path))[0]
    labelled = label_page(Case("a", Path("a"), text_gold()), page, choices(*["other"] * len(page.tokens)))
    assert labelled.tables == (None, "requests", "requests", "requests", None)


# Running


class Always:
    def __init__(self, label, probability=0.8):
        self.labels = {label: probability}

    def label_pages(self, pages):
        return [[self.labels for _ in page] for page in pages]


def read_as(*pages):
    """A reader that finds these pages in every document."""
    found = tuple(Page(page.number, "scan", page.width, page.height, tokens=page.tokens) for page in pages)
    return lambda path: Document(path, "", "scan", found)


def run(*golds, labellers=None, read=None):
    cases = [Case(f"{i}.pdf", Path(f"{i}.pdf"), gold) for i, gold in enumerate(golds)]
    return run_labellers(
        cases, labellers or {"rows": Always(NEW), "figures": Always("figure")}, read or read_as(ALL_READ)
    )


def test_groups_and_rates():
    turned = paper_gold(severity="office", faults=["rotated:90", "skew"])
    summary = summarise(run(paper_gold(severity="office"), turned, paper_gold()), settings={})
    assert list(summary["groups"]) == ["office", "office, upright", "turned scans", "all", "scan"]
    assert summary["groups"]["office"]["documents"] == 2
    assert summary["parts"]["form 2021"]["documents"] == 3
    rows = summary["groups"]["all"]["labellers"]["rows"]
    assert rows["accuracy"]["value"] == pytest.approx(1 / 3)
    assert rows["f1"]["value"] == pytest.approx(2 * 3 / (2 * 3 + 6 + 6))
    assert rows["header_f1"]["value"] == pytest.approx(2 * 3 / (2 * 3 + 6 + 3))
    assert rows["tables_right"]["value"] == 0
    assert rows["ece"] == pytest.approx(0.8 - 1 / 3)
    assert summary["calibration"]["rows"]["reliability"] == [
        {"confidence": pytest.approx(0.8), "accuracy": pytest.approx(1 / 3), "n": 9}
    ]


def test_who_alone_is_right_and_what_is_taken_for_what():
    summary = summarise(run(paper_gold()), settings={})
    assert {tuple(found["labellers"]): found["tokens"] for found in summary["agreement"]["right"]} == {
        (): 1,
        ("rows",): 1,
        ("figures",): 1,
    }
    (alone,) = summary["agreement"]["alone"]["rows"]
    assert alone == {
        "text": "新收",
        "gold": NEW,
        "labels": {
            "rows": {"label": NEW, "confidence": 0.8},
            "figures": {"label": "figure", "confidence": 0.8},
        },
        "file": "0.pdf",
        "page": 1,
        "line": None,
    }
    assert {(c["gold"], c["label"], c["tokens"]) for c in summary["confusions"]["rows"]} == {
        ("title:requests", NEW, 1),
        ("figure", NEW, 1),
    }


def test_a_page_of_no_form_is_a_group_of_its_own():
    second = read_page(("很好", 0, 0, 100, 20), number=2)
    summary = summarise(run(paper_gold(), read=read_as(ALL_READ, second)), settings={})
    group = summary["groups"][NO_TABLE]
    assert (group["pages"], group["tokens"], group["lost"]) == (1, 1, 0)
    assert group["labellers"]["rows"]["false_headers"] == 1
    assert group["labellers"]["figures"]["false_headers"] == 0
    assert group["labellers"]["rows"]["tables_in_place"]["value"] is None


def test_documents_that_fail_or_have_no_places_are_named():
    def read(path):
        if path.name == "0.pdf":
            raise InputError("0.pdf: broken")
        if path.name == "1.pdf":
            raise ValueError("a bug")
        return read_as(ALL_READ)(path)

    golds = (paper_gold(), paper_gold(), paper_gold(), replace(paper_gold(), tokens=()))
    found = run(*golds, read=read)
    assert dict(found.failed) == {"0.pdf": "0.pdf: broken", "1.pdf": "ValueError: a bug"}
    assert found.left_out == ("3.pdf",)
    assert len(found.pages) == 1
    assert found.pages[0].count("rows") == replace(
        TokenCounts(), **{f: getattr(found.pages[0].count("rows"), f) for f in ("tokens", "right", "labels")},
        gold=3, tables=1,
    )  # fmt: skip


def test_rows_and_columns_follow_from_the_labels(tmp_path):
    case = next(case for case in find_cases(FIXTURES) if case.path.suffix == ".md")
    document = read_pages.read_document(case.path)
    known = count_case(case, document, FuzzyPageLabeller())
    unknown = count_case(case, document, Always("other"))
    assert known.tables == unknown.tables == 3
    assert known.tables_right
    assert (unknown.cells, unknown.cells_right) == (known.cells, 0)


def test_pages_of_no_form():
    pages = (
        Example((Item("很好", BBox(0, 0, 9, 9), "other"), Item("12", BBox(9, 0, 18, 9), "figure")), True, ""),
    ) * 2
    found = Negatives(pages, {
        "a": ((Choice("other", 1), Choice(NEW, 0.95)), (Choice("other", 1), Choice(TOTAL, 0.4))),
        "b": ((Choice("figure", 1), Choice("figure", 1)),) * 2,
    })  # fmt: skip
    measured = summarise(run(paper_gold()), negatives=found, settings={})["no_form"]
    assert (measured["pages"], measured["tokens"]) == (2, 4)
    a, b = measured["labellers"]["a"], measured["labellers"]["b"]
    assert (a["false_headers"], a["sure_false_headers"], a["pages_right"]) == (2, 1, 0)
    assert (b["false_headers"], b["sure_false_headers"], b["pages_right"]) == (0, 0, 2)
    assert a["as"] == [(NEW, 1), (TOTAL, 1)]


def test_without_words_no_pages_of_no_form_are_made(monkeypatch, capsys):
    def fail(rng):
        raise ModuleNotFoundError("no", name="jieba")

    monkeypatch.setattr(label_run, "sample_negative", fail)
    assert label_negatives({}) is None
    assert "install the extra train" in capsys.readouterr().err


# Reading


def test_pages_are_read_once(tmp_path, monkeypatch):
    calls = []
    token = Token("12", BBox(1, 2, 3, 4.25), 0.5)
    cell = Cell(0, 1, 0, 1, BBox(0, 0, 9, 9), (token,))
    page = Page(1, "scan", 400, 800, tokens=(Token("字", BBox(0, 0, 1, 1)),),
                tables=(Table(1, BBox(0, 0, 9, 9), 1, 1, (cell,)),))  # fmt: skip

    class FakeExtractor:
        def read(self, path):
            calls.append(path)
            return Document(path, "", "scan", (page,))

    monkeypatch.setattr(read_pages, "_extractor", FakeExtractor)
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.4 ...")
    first = read_document_once(path, tmp_path / "pages")
    assert read_document_once(path, tmp_path / "pages") == first
    assert len(calls) == 1
    assert to_read_pages(first) == [
        ReadPage(1, True, 400, 800, (Token("字", BBox(0, 0, 1, 1)), token), cells=(None, 0))
    ]
    read_document_once(path, tmp_path / "pages", fresh=True)
    path.write_bytes(b"%PDF-1.4 other")
    read_document_once(path, tmp_path / "pages")
    assert len(calls) == 3


def test_words_of_a_text_are_read_with_their_lines(tmp_path):
    (page,) = to_read_pages(read_document_once(write_text(tmp_path), tmp_path / "pages"))
    assert not page.paper
    assert page.lines == LINES
    assert [(t.text, t.line) for t in page.tokens][:2] == [(LINES[0], 1), ("总计", 2)]
    assert len(page.placed()) == len(page.tokens)
    assert not (tmp_path / "pages").exists()


# Labellers


def placed(*items):
    return [Placed(text, BBox(left, top, left + 50, top + 4)) for text, left, top in items]


def test_fuzzy_knows_the_labels_of_all_forms():
    page = placed(
        ("一、本年新收政府信息公开申请数量", 0, 0),
        ("上一年项目数量", 0, 8),
        ("12", 0, 16),
        ("今天天气很好", 0, 24),
    )
    found = FuzzyPageLabeller().label_pages([page, []])
    best = [max(given, key=given.get) for given in found[0]]
    assert best[0] == NEW
    assert best[1].startswith("column:disclosure.")  # of the form of 2019
    assert best[2:] == ["figure", "other"]
    assert found[1] == []


def example(shift=0):
    """Words that only their place or their neighbour tells apart."""
    return Example(
        (
            Item("结果", BBox(0, shift, 50, shift + 10), "column:reviews.reconsideration.upheld"),
            Item("结果", BBox(900, shift, 950, shift + 10), "column:reviews.direct_litigation.upheld"),
            Item("新收", BBox(0, shift + 20, 50, shift + 30), NEW),
            Item("12", BBox(900, shift + 20, 950, shift + 30), "figure"),
        ),
        paper=True,
        source="",
    )


def test_regression_learns_words_and_places(tmp_path):
    examples = [example(shift) for shift in range(6)]
    labeller = train_regression(examples)
    page = placed(("结果", 0, 0), ("结果", 940, 0), ("新收", 0, 8), ("12", 940, 8))
    (found,) = labeller.label_pages([page])
    assert [max(given, key=given.get) for given in found] == examples[0].labels
    assert all(0.99 < sum(given.values()) <= 1.000001 for given in found)
    assert labeller.label_pages([[]]) == [[]]


def test_pages_are_drawn_until_there_are_enough():
    config = DataConfig(negatives=0, clean=1)
    data = Data([example()], [])
    assert draw_examples(data, config, n_tokens=10) == [example()] * 3
    noisy = draw_examples(data, DataConfig(negatives=0, clean=0), n_tokens=400)
    assert any(page != example() for page in noisy)


def test_regression_needs_two_labels():
    with pytest.raises(UsageError, match="fewer than two labels"):
        train_regression([Example((Item("12", BBox(0, 0, 1, 1), "figure"),), True, "")])


def test_a_regression_of_other_features_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "old.joblib"
    joblib.dump(train_regression([example(shift) for shift in range(3)]).parts, path)
    RegressionLabeller.read(path)
    monkeypatch.setattr(label_baselines, "_N_NUMBERS", 8)
    with pytest.raises(UsageError, match="train it anew with python -m eval"):
        RegressionLabeller.read(path)


def test_labellers_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, missing = load_labellers()
    assert "fuzzy" in found
    assert "python -m eval.label_baselines" in missing["regression"]
    with pytest.raises(UsageError, match="no such file"):
        load_labellers(baseline=tmp_path / "none.joblib")


# Commands


def test_commands(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(label_baselines, "_load_classifier", lambda folder: Always("figure"))
    write_text(tmp_path, tool="seed-000", filled="published")
    baseline, out = tmp_path / "baseline.joblib", tmp_path / "out"
    examples = load_examples(tmp_path)
    monkeypatch.setattr(label_baselines, "make_data", lambda config, corpus: Data(examples, []))
    monkeypatch.setattr(label_baselines, "draw_examples", lambda data, config, **settings: data.train * 3)
    assert label_baselines.main([str(LABELS_CONFIG), "-o", str(baseline)]) == 0
    assert isinstance(RegressionLabeller.read(baseline), RegressionLabeller)
    assert labels.main([str(tmp_path), "-o", str(out), "--baseline", str(baseline)]) == 0
    summary = json.loads((out / "labels.json").read_text(encoding="utf-8"))
    group = summary["groups"]["text, published"]
    assert group["target"] == 0.98
    assert list(group["labellers"]) == ["fuzzy", "regression", "classifier"]
    assert group["labellers"]["regression"]["f1"]["value"] == 1
    assert group["labellers"]["classifier"]["tables_right"]["value"] == 0
    assert list(summary["parts"]) == ["form 2021"]
    page = (out / "labels.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert NEW in page
    printed = capsys.readouterr().out
    assert "text, published" in printed
    assert "1 documents" in printed


def test_usage(tmp_path, capsys):
    assert labels.main([str(tmp_path / "none"), "-o", str(tmp_path)]) == 2
    assert label_baselines.main([str(tmp_path / "none.toml"), "-o", str(tmp_path / "x")]) == 2
    assert "cannot be read as TOML" in capsys.readouterr().err
    write_text(tmp_path)
    assert labels.main([str(tmp_path), "-o", str(tmp_path / "out"), "--only", "nothing"]) == 4
