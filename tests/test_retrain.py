"""Retraining: the whole circle from annotations in a tool's format to a model in use, and back."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT

from giar_ml import cli, models
from giar_ml.annotations.checking import Annotated
from giar_ml.annotations.gold import Gold, GoldPage, GoldToken, Place, box_poly
from giar_ml.document import BBox
from giar_ml.errors import UsageError
from giar_ml.metrics.labels import LabelCounts
from giar_ml.metrics.token_labels import count_tokens
from training.corpus import finish, plan_document
from training.labels.retrain import (
    TOLERANCE,
    LabelScores,
    find_reasons,
    known_parts,
    score_labels,
    split_documents,
)
from training.pictures import export_corpus
from training.printing import PrintJob, find_chromium, find_office, print_reports
from training.profiles import PROFILES

FIXTURES = ROOT / "eval" / "fixtures"
prints = pytest.mark.skipif(
    find_office() is None or find_chromium() is None, reason="LibreOffice or Chromium is not installed"
)
COUNTY = {
    "自然人": "数据1",
    "商业企业": "数据2",
    "科研机构": "数据3",
    "社会公益组织": "数据4",
    "法律服务机构": "数据5",
    "其他": "数据6",
    "总计": "合计数",
}
"""A county's own names of the columns of applicants."""
COUNTY_SEED = 5100
"""Of its templates."""
CHANGED = "column:requests."


def write_county(folder: Path, *, seed: int, n: int) -> list[Path]:
    """Digital reports of the county's two templates, with its column names, and their gold."""
    folder.mkdir(parents=True)
    profile = replace(PROFILES["digital"], forms={"2021": 1.0}, chromium=0.0)
    plans = [plan_document(seed, number, profile) for number in range(n)]
    styles = [plan_document(COUNTY_SEED, number, profile).style for number in range(2)]
    styles = [replace(style, wording={**style.wording, **COUNTY}) for style in styles]
    plans = [replace(plan, style=styles[plan.number % 2]) for plan in plans]
    printed = print_reports([PrintJob(plan.filling, plan.style, plan.renderer) for plan in plans])
    return [finish(plan, pdf, folder) for plan, pdf in zip(plans, printed, strict=True)]


def annotate(reports: list[Path], folder: Path) -> Path:
    """What a person would annotate in PPOCRLabel, imported: the folder of gold."""
    export_corpus(reports, folder / "tool", "ppocrlabel")
    gold = folder / "gold"
    command = ["annotations", "import", folder / "tool" / "pages", "-o", gold, "--quiet"]
    assert cli.main([*map(str, command)]) == 0
    return gold


def changed_f1(model: Path, reports: Path) -> float:
    """F1 of the columns that the county calls otherwise."""
    from training.labels.data import load_examples
    from training.labels.retrain import predict_labels

    examples = load_examples(reports)
    gold = [label for example in examples for label in example.labels]
    counts = count_tokens(gold, predict_labels(model, examples)).labels
    return sum((counts.only(label) for label in counts.labels if label.startswith(CHANGED)), LabelCounts()).f1


@prints
@pytest.mark.slow
def test_the_circle_from_the_shipped_model(tmp_path, monkeypatch, capsys):
    """A county's own column names: the shipped model gets them wrong, its successor does not."""
    if not (models.shipped_model() / "model.safetensors").exists():
        pytest.skip("no shipped model")
    monkeypatch.setenv("GIAR_MODELS", str(tmp_path / "home"))
    write_county(tmp_path / "unseen", seed=5102, n=10)
    gold = annotate(write_county(tmp_path / "reports", seed=5101, n=16), tmp_path)
    before = changed_f1(models.current_label_model(), tmp_path / "unseen")

    command = ["retrain", "--annotations", gold, "--documents", 100, "--corpus", tmp_path / "corpus"]
    assert cli.main([*map(str, command), "-o", str(tmp_path / "new")]) == 0

    after = changed_f1(models.current_label_model(), tmp_path / "unseen")
    retrained = json.loads((tmp_path / "new" / "training.json").read_text())["retrained"]
    old, new = (retrained[age]["fixtures"]["header_f1"] for age in ("old", "new"))
    with capsys.disabled():
        print(f"\ncolumns {before:.4f} -> {after:.4f}, headers of the fixtures {old:.4f} -> {new:.4f}")
    assert before < 0.8
    assert after > 0.95
    assert new >= old - TOLERANCE
    assert cli.main(["models", "rollback"]) == 0
    assert models.current_version() == models.SHIPPED


SMALL = """
seed = 71
[data]
profile = "digital"
documents = 6
validation = 2
[model]
hidden = 96
layers = 1
heads = 4
shrink = 2
window = 256
characters = 300
[run]
steps = {steps}
learning_rate = 4e-3
evaluate_every = {steps}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A folder with a small model, six annotated reports (`gold`), some fixtures, and made-up reports."""
    folder = tmp_path_factory.mktemp("retrain")
    (folder / "config.toml").write_text(SMALL.format(steps=100))
    (folder / "retrain.toml").write_text(SMALL.format(steps=50))
    command = [
        "train",
        folder / "config.toml",
        "-o",
        folder / "model",
        "--corpus",
        folder / "corpus",
        "--quiet",
    ]
    assert cli.main(list(map(str, command))) == 0
    annotate(write_county(folder / "reports", seed=5103, n=5), folder)
    (folder / "fixtures").mkdir()
    for path in FIXTURES.glob("*-0002[2-4]-digital.pdf*"):
        shutil.copy(path, folder / "fixtures")
    return folder


@pytest.fixture
def version(small, tmp_path, monkeypatch) -> str:
    """The small model, installed."""
    monkeypatch.setenv("GIAR_MODELS", str(tmp_path / "home"))
    return models.install_model(small / "model")


def retrain(small, annotations, out, *options):
    command = ["retrain", "--annotations", annotations, "--config", small / "retrain.toml", "-o", out]
    command += ["--corpus", small / "corpus", "--fixtures", small / "fixtures", *options]
    return cli.main(list(map(str, command)))


@prints
def test_a_better_model_is_installed_and_can_be_left(small, version, tmp_path, capsys):
    assert retrain(small, small / "gold", tmp_path / "new") == 0
    out = capsys.readouterr().out
    assert "fixtures (gold tokens), old" in out
    assert f"goes back to {version}" in out
    found = models.list_models()
    assert [model.in_use for model in found] == [False, False, True]
    retrained = found[2].record["retrained"]
    assert retrained["parent"] == version
    assert (retrained["train"], retrained["stop"], retrained["held_out"]) == (2, 1, 2)
    assert {*retrained["parts"].values()} == {"train", "stop", "held_out"}
    assert known_parts(models.current_label_model()) == retrained["parts"]
    assert retrained["new"]["held_out"]["header_f1"] > retrained["old"]["held_out"]["header_f1"]
    assert retrained["new"]["fixtures"]["header_f1"] >= retrained["old"]["fixtures"]["header_f1"] - TOLERANCE
    assert "## Retrained" in (found[2].folder / "card.md").read_text()
    assert models.rollback() == version


@prints
def test_a_model_that_reads_the_fixtures_worse_is_not_installed(small, version, tmp_path, capsys):
    nonsense = tmp_path / "gold"
    shutil.copytree(small / "gold", nonsense)
    for path in nonsense.glob("*.gold.json"):
        gold = Gold.read(path)
        tokens = (replace(token, label="title:reviews", key=None) for token in gold.tokens)
        replace(gold, tokens=tuple(tokens)).write(path)
    assert retrain(small, nonsense, tmp_path / "new", "--quiet") == 3
    assert "worse on the fixtures" in capsys.readouterr().err
    assert models.current_version() == version
    assert (tmp_path / "new" / "model.onnx").exists()
    assert json.loads((tmp_path / "new" / "training.json").read_text())["retrained"]["not_installed"]


@prints
def test_few_documents_are_refused(small, version, tmp_path, capsys):
    few = tmp_path / "gold"
    few.mkdir()
    for path in small.glob("gold/5103-0000[0-3]*"):
        shutil.copy(path, few)
    assert retrain(small, few, tmp_path / "new") == 2
    assert "4 annotated documents: at least 5" in capsys.readouterr().err


@prints
def test_fixtures_are_refused_also_as_pictures(small, version, tmp_path, capsys):
    assert retrain(small, small / "fixtures", tmp_path / "new") == 2
    assert "kept for the fixtures" in capsys.readouterr().err
    annotate(sorted((small / "fixtures").glob("*.pdf")), tmp_path)
    assert retrain(small, tmp_path / "gold", tmp_path / "new") == 2
    assert "the same page as of fixture" in capsys.readouterr().err


@prints
def test_fixtures_in_folders_count(small, version, tmp_path, capsys):
    folder = tmp_path / "fixtures"
    shutil.copytree(small / "fixtures", folder / "digital")
    assert retrain(small, folder, tmp_path / "new", "--fixtures", folder) == 2
    assert "kept for the fixtures" in capsys.readouterr().err


@prints
def test_fixtures_without_headers_are_refused(small, version, tmp_path, capsys):
    shutil.copytree(small / "fixtures", tmp_path / "fixtures")
    for path in tmp_path.glob("fixtures/*.gold.json"):
        replace(Gold.read(path), tokens=(), tables=()).write(path)
    assert retrain(small, small / "gold", tmp_path / "new", "--fixtures", tmp_path / "fixtures") == 2
    assert "no labelled headers that could be read worse" in capsys.readouterr().err


@prints
def test_missing_fixtures_name_the_option(small, version, tmp_path, capsys):
    assert retrain(small, small / "gold", tmp_path / "new", "--fixtures", tmp_path / "none") == 2
    assert "--fixtures DIR" in capsys.readouterr().err


def mark(number):
    return hashlib.sha256(f"{number}".encode()).hexdigest()


def make_items(numbers):
    place = Place(1, box_poly(BBox(0, 0, 9, 9)))
    for number in numbers:
        path = Path(f"/{number}.pdf")
        gold = Gold(path.name, mark(number), "digital", "2021", None, None, {}, pages=(GoldPage(1, 99, 99),),
                    tokens=(GoldToken(f"{number}", "corner", place),))  # fmt: skip
        yield Annotated(gold, path, "", "")


def names_of(part):
    return {example.items[0].text for example in part}


@pytest.mark.parametrize("first", range(0, 100, 20))
def test_documents_keep_their_part_when_others_are_added(first):
    few = split_documents(make_items(range(first, first + 5)))
    assert few.n_documents == (2, 1, 2)
    more = split_documents(make_items(range(first, first + 16)), few.parts)
    assert more.n_documents == (10, 2, 4)
    for old, new in zip(few[:3], more[:3], strict=True):
        assert names_of(old) <= names_of(new)
    other = split_documents(make_items(range(first + 16, first + 22)), more.parts)
    assert {*other.parts} == {mark(n) for n in range(first, first + 22)}


def test_documents_keep_their_part_when_they_are_renamed():
    before = split_documents(make_items(range(8)))
    renamed = [replace(item, path=Path(f"/{7 - i}-new.pdf")) for i, item in enumerate(make_items(range(8)))]
    after = split_documents(renamed, before.parts)
    for old, new in zip(before[:3], after[:3], strict=True):
        assert names_of(old) == names_of(new)


def test_a_model_without_its_record_cannot_be_gone_on_from(tmp_path):
    with pytest.raises(models.ModelError, match=r"training\.json"):
        known_parts(tmp_path)


def test_documents_that_were_all_learnt_from_are_too_few():
    parts = {mark(n): "train" for n in range(6)}
    with pytest.raises(UsageError, match="annotate more"):
        split_documents(make_items(range(6)), parts)


def test_pages_of_one_document_are_not_parted():
    def item(document, page):
        token = GoldToken(f"{document}", "corner", Place(1, box_poly(BBox(0, 0, 9, 9))))
        pages = (GoldPage(1, 99, 99),)
        gold = Gold("", mark((document, page)), "image", "2021", None, None, {}, pages=pages, tokens=(token,))
        return Annotated(gold, Path(f"/{document}-{page}.png"), "", "")

    split = split_documents([item(document, page) for document in "abcdef" for page in (1, 2, 3)])
    assert split.n_documents == (3, 1, 2)
    parts = [[e.items[0].text for e in part] for part in split[:3]]
    assert [len(part) for part in parts] == [9, 3, 6]
    assert sum(len(set(part)) for part in parts) == 6


def page_item(document, page, *, name=None, **origin):
    """A picture of a page, as Label Studio names it unless told otherwise."""
    sha256 = mark((document, page))
    token = GoldToken(f"{document}", "corner", Place(1, box_poly(BBox(0, 0, 9, 9))))
    gold = Gold("", sha256, "image", "2021", None, None, {}, pages=(GoldPage(1, 99, 99),), tokens=(token,),
                origin=origin)  # fmt: skip
    return Annotated(gold, Path(f"/{name or f'{sha256[:8]}-{document}-{page}'}.png"), "", "")


@pytest.mark.parametrize("by", ["document_sha256", "picture"])
def test_uploaded_pages_of_one_document_are_not_parted(by):
    def origin(document, page):
        return {by: mark(document) if by == "document_sha256" else f"{document}-{page}.png"}

    items = [page_item(d, page, **origin(d, page)) for d in "abcde" for page in (1, 2, 3)]
    split = split_documents(items)
    assert split.n_documents == (2, 1, 2)
    assert sum(len(names_of(part)) for part in split[:3]) == 5
    with pytest.raises(UsageError, match="2 annotated documents"):
        split_documents(items[:6])


def test_a_document_and_pictures_of_its_pages_are_one():
    [pdf] = make_items([0])
    others = make_items(range(1, 6))
    named = page_item("0", 1, name="0-1")
    split = split_documents([pdf, *others, named, page_item("0", 2, document_sha256=mark(0))])
    assert sum(split.n_documents) == 6
    assert len({split.parts[found] for found in (mark(0), mark(("0", 1)), mark(("0", 2)))}) == 1


def test_pages_joined_by_another_page_are_one_document():
    first, last = page_item("a", 1, name="a-1"), page_item("a", 2, document_sha256=mark("a"))
    both = page_item("a", 3, name="a-3", document_sha256=mark("a"))
    split = split_documents([first, last, *make_items(range(5)), both])
    assert sum(split.n_documents) == 6


def test_documents_keep_their_part_when_they_come_from_another_tool():
    before = split_documents([page_item(d, 1, name=f"{d}-1") for d in "abcdefgh"])
    others = [page_item(d, page, document_sha256=mark(d)) for d in "abcdefgh" for page in (1, 2)]
    after = split_documents(others, before.parts)
    for old, new in zip(before[:3], after[:3], strict=True):
        assert names_of(old) == names_of(new)
    assert all(after.parts[mark(d)] == before.parts[mark((d, 1))] for d in "abcdefgh")


# What speaks against a new model


def scores(header_f1=0.99, f1=0.99, n_false=0):
    return LabelScores(10_000, header_f1, f1, {}, n_false)


OLD = {"held_out": scores(0.5), "fixtures": scores(), "no_form": scores(None, None, 3)}


@pytest.mark.parametrize(
    ("name", "found", "reason"),
    [
        ("held_out", scores(0.5), "no better on held-out annotations"),
        ("fixtures", scores(header_f1=0.98), "worse on the fixtures: F1 of headers"),
        ("fixtures", scores(f1=0.22), "worse on the fixtures: F1 of all labels"),
        ("fixtures", scores(None), "nothing is known of it on the fixtures: no F1 of headers"),
        ("held_out", scores(None), "nothing is known of it on held-out annotations: no F1 of headers"),
        ("no_form", scores(None, None, 14), "takes 14 of 10000 tokens on pages of no such form for headers"),
    ],
)
def test_what_keeps_a_model_from_being_installed(name, found, reason):
    new = OLD | {"held_out": scores(0.9)}
    assert not list(find_reasons(OLD, new))
    [said] = find_reasons(OLD, new | {name: found})
    assert reason in said


def test_nothing_to_compare_keeps_a_model_from_being_installed():
    empty = {"fixtures": scores(None, None)}
    assert len(list(find_reasons(OLD | empty, OLD | {"held_out": scores(0.9)} | empty))) == 2


def test_figures_lost_are_seen():
    gold = ["row:disclosure.regulations", "figure", "figure", "other"]
    found = score_labels(gold, ["row:disclosure.regulations", "other", "other", "corner"])
    assert found.header_f1 == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(0.4)
    assert found.n_false_headers == 1
