"""Corpora: planned by seed, the same again, never of the fixtures; and the fixtures as they were made."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from eval.make_fixtures import HASHES, read_golds
from giar_ml.annotations.export import FORMATS
from giar_ml.annotations.gold import Gold, gold_path
from giar_ml.cli import main
from giar_ml.errors import UsageError
from giar_ml.forms import load_form
from training.command import EXPORTS
from training.corpus import FIXTURE_SEEDS, fingerprint, make_documents, plan_document, refuse_fixtures
from training.faults import FAULTS
from training.figures import broken_sums
from training.printing import find_chromium, find_office
from training.profiles import PROFILES

FIXTURES = Path(__file__).parents[1] / "eval" / "fixtures"
prints = pytest.mark.skipif(
    find_office() is None or find_chromium() is None, reason="LibreOffice or Chromium is not installed"
)


def test_a_plan_depends_on_seed_and_number_alone():
    one, two = (plan_document(5, 3, PROFILES["mixed"]) for _ in range(2))
    assert (one.filling, one.style, one.output) == (two.filling, two.style, two.output)
    other = plan_document(5, 4, PROFILES["mixed"])
    assert one.filling.printed != other.filling.printed or one.filling.prose != other.filling.prose


def test_plans_are_lawful_but_for_their_misprints():
    for number in range(60):
        filling = plan_document(6, number, PROFILES["mixed"]).filling
        lawful = {**filling.printed, **filling.misprints}
        assert not broken_sums(filling.form, lawful)
        assert bool(broken_sums(filling.form, filling.printed)) == bool(filling.misprints)


@prints
def test_the_same_seed_gives_the_same_documents(tmp_path):
    profiles = [PROFILES["office"], PROFILES["digital"], PROFILES["word"], PROFILES["html"], PROFILES["text"]]
    plans = [(7, number, profile) for number, profile in enumerate(profiles)]
    once = make_documents(plans, tmp_path / "a")
    again = make_documents(plans, tmp_path / "b", workers=2)
    for a, b in zip(once, again, strict=True):
        gold = Gold.read(gold_path(a))
        assert gold_path(a).read_bytes() == gold_path(b).read_bytes()
        assert gold.sha256 == hashlib.sha256(a.read_bytes()).hexdigest()
        assert set(gold.cells) == set(load_form(gold.form).cells)


@prints
def test_synth_writes_documents_a_sheet_and_exports(tmp_path, capsys):
    out = tmp_path / "corpus"
    command = ["synth", str(out), "--n", "2", "--seed", "8", "--profile", "fax", "--workers", "1"]
    exports = [word for name in EXPORTS for word in ("--export", name)]
    assert main([*command, "--contact-sheet", *exports]) == 0
    assert len(list(out.glob("*.gold.json"))) == 2
    assert (out / "contact-sheet.jpg").exists()
    assert list(out.glob("ppocrlabel/**/Label.txt"))
    assert set(EXPORTS) == set(FORMATS)
    assert all((out / name).is_dir() for name in EXPORTS)
    assert "2 documents" in capsys.readouterr().out


def test_a_folder_with_a_corpus_is_left_alone(tmp_path):
    (tmp_path / "a.pdf.gold.json").touch()
    assert main(["synth", str(tmp_path), "--n", "1"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf.gold.json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "all"], "there are mixed"),
        (["--seed", "-1"], "below 0"),
        (["--profile", "fax"], "libreoffice-writer-nogui"),
    ],
)
def test_a_wrong_call_is_refused_before_the_work(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["synth", str(tmp_path / "c"), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_seeds_of_the_fixtures_are_refused(tmp_path, capsys):
    assert main(["synth", str(tmp_path / "c"), "--seed", str(FIXTURE_SEEDS.start)]) == 2
    assert "kept for the fixtures" in capsys.readouterr().err


def test_training_refuses_what_stands_in_the_fixtures():
    fixtures = read_golds(FIXTURES)
    with pytest.raises(UsageError, match="seed"):
        refuse_fixtures([fixtures[0]], [])
    twin = Gold.from_json(fixtures[0].to_json().replace('"seed":9000000', '"seed":1'))
    with pytest.raises(UsageError, match="same report"):
        refuse_fixtures([twin], fixtures)
    refuse_fixtures([], fixtures)


def test_no_fixture_changed_without_its_gold_and_none_is_new():
    listed = dict(
        reversed(line.split("  ")) for line in (FIXTURES / HASHES).read_text(encoding="utf-8").splitlines()
    )
    found = {path.name for path in FIXTURES.iterdir()} - {HASHES, "README.md"}
    assert found == set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((FIXTURES / name).read_bytes()).hexdigest() == digest, name
    for gold in read_golds(FIXTURES):
        assert gold.sha256 == listed[gold.file]


def test_the_fixtures_cover_every_severity_form_input_and_fault():
    golds = read_golds(FIXTURES)
    assert len(golds) >= 60
    assert sum(path.stat().st_size for path in FIXTURES.iterdir()) <= 40_000_000
    forms_of = Counter((gold.origin.get("severity"), gold.form) for gold in golds)
    for severity in ("clean", "office", "fax", "photo"):
        assert {form for (s, form) in forms_of if s == severity} == {"2021", "2019", "mixed"}
    kinds = {"scan", "digital", "text", "word", "html", "image"}
    assert {gold.kind for gold in golds} == kinds
    faults = {fault for gold in golds if gold.kind == "text" for fault in gold.origin["faults"]}
    assert faults == set(FAULTS)
    scanned = {fault for gold in golds if gold.kind == "scan" for fault in gold.origin["faults"]}
    assert {"rotated:90", "rotated:180", "rotated:270"} <= scanned
    layouts = Counter(gold.origin["tool"] for gold in golds if "filled" in gold.origin)
    assert layouts == {f"seed-{number:03d}": 2 for number in range(5)}
    assert len({fingerprint(gold) for gold in golds}) == len(golds)


def test_fixture_gold_is_lawful_but_for_its_misprints():
    for gold in read_golds(FIXTURES):
        printed = {key: cell.printed for key, cell in gold.cells.items()}
        form = load_form(gold.form)
        assert not broken_sums(form, {**printed, **gold.misprints}), gold.file
        assert bool(broken_sums(form, printed)) == bool(gold.misprints), gold.file
        assert json.loads(gold.to_json())["file"] == gold.file
