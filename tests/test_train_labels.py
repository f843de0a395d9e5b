"""Training the classifier: it learns, the same again from the same seed, and goes on where it was stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from safetensors.numpy import load_file

from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cli import main
from giar_ml.document import BBox
from giar_ml.label.classifier import load_classifier
from giar_ml.label.names import label_names
from giar_ml.models import FILES
from training import corpora, train_labels
from training.corpus import FIXTURE_SEEDS
from training.labels.config import DataConfig, ModelConfig, RunConfig, TrainConfig
from training.labels.datasets import made_up
from training.labels.examples import Example, Item, place_example
from training.labels.sampling import Sampler
from training.labels.train import CHECKPOINTS, Data, Trained, data_hash, noisy, train
from training.printing import find_chromium, find_office
from training.settings import to_dict

FIXTURES = ROOT / "eval" / "fixtures"
prints = pytest.mark.skipif(
    find_office() is None or find_chromium() is None, reason="LibreOffice or Chromium is not installed"
)
ROWS = {"row:requests.new": "新收", "row:requests.granted": "予以公开", "other": "本机关"}
CONFIG = TrainConfig(
    seed=1,
    data=DataConfig(negatives=0.0),
    model=ModelConfig(hidden=24, layers=1, heads=2, shrink=2, window=64, characters=50),
    run=RunConfig(steps=8, batch=4, evaluate_every=2, learning_rate=5e-3),
)


def make_page(number: int) -> Example:
    """Six rows of a label and three figures."""
    items = []
    for line in range(6):
        label, text = list(ROWS.items())[(number + line) % len(ROWS)]
        items.append(Item(text, BBox(100, 40 * line, 300, 40 * line + 24), label))
        for column in range(3):
            left = 400 + 100 * column
            box = BBox(left, 40 * line, left + 30, 40 * line + 24)
            items.append(Item(str(number + line + column), box, "figure"))
    return Example(tuple(items), True, "made")


DATA = Data([make_page(n) for n in range(6)], [make_page(n) for n in range(6, 8)])


def train_quietly(config: TrainConfig, out: Path, *, draw: bool = False, **options: Any) -> Trained:
    """Without the picture of confusions, which takes longer than all the rest, unless `draw`."""
    with pytest.MonkeyPatch.context() as patch:
        if not draw:
            patch.setattr("training.labels.train.write_confusion", lambda *_: None)
        return train(config, DATA, out, quiet=True, say=lambda text: None, **options)


def read_record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "training.json").read_text(encoding="utf-8"))


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Trained:
    """A run that nothing disturbed."""
    return train_quietly(CONFIG, tmp_path_factory.mktemp("whole"), draw=True)


# What a run writes


def test_the_folder_is_a_model(whole):
    assert all((whole.folder / name).is_file() for name in FILES)
    assert not (whole.folder / CHECKPOINTS).exists()
    assert list((whole.folder / "tensorboard").iterdir())
    classifier = load_classifier(whole.folder)
    assert classifier.labels == label_names()
    assert len(classifier.label_pages([place_example(DATA.train[0])])[0]) == 24


def test_weights_are_stored_in_half_precision(whole):
    stored = load_file(whole.folder / "model.safetensors")
    assert {array.dtype for array in stored.values()} == {np.dtype(np.float16)}
    assert all(np.isfinite(array).all() for array in stored.values())


def test_the_record_names_settings_data_and_scores(whole):
    record = read_record(whole.folder)
    assert record["config"] == to_dict(CONFIG)
    assert record["data"]["sha256"] == data_hash(DATA.train)
    assert record["data"]["validation_sha256"] == data_hash(DATA.validation)
    assert (record["data"]["pages"], record["data"]["tokens"]) == (6, 144)
    assert record["data"]["sources"] == {"made": 6}
    assert [entry["step"] for entry in record["history"]] == [0, 2, 4, 6, 8]
    assert record["steps"] == 8
    assert record["best_step"] in (2, 4, 6, 8)
    assert record["onnx_gap"] < 1e-3
    assert set(record["scores"]) == {"0.0", "0.5", "1.0"} == set(whole.scores)
    assert record["scores"]["0.0"]["f1"] == whole.scores["0.0"].f1
    assert record["scores"]["0.0"]["n_tokens"] == 48


def test_the_card_names_seed_scores_and_licence(whole):
    card = (whole.folder / "card.md").read_text(encoding="utf-8")
    record = read_record(whole.folder)
    assert "Apache-2.0" in card
    assert "seed 1)" in card
    assert record["data"]["sha256"][:16] in card
    for level, scores in record["scores"].items():
        assert f"| {level} | {scores['n_tokens']} | {scores['accuracy']:.4f} | {scores['f1']:.4f} |" in card
    assert "$" not in card


def test_the_confusions_are_a_picture(whole):
    with Image.open(whole.folder / "confusion.png") as picture:
        picture.load()
        assert min(picture.size) > 1000


def test_the_hash_of_data_changes_with_any_token():
    first = DATA.train[0]
    changes = [
        replace(first, items=(first.items[0]._replace(text="新 收"), *first.items[1:])),
        replace(first, items=(first.items[0]._replace(label="other"), *first.items[1:])),
        replace(first, items=(first.items[0]._replace(bbox=BBox(100, 0, 300, 25)), *first.items[1:])),
        replace(first, items=first.items[1:]),
        replace(first, paper=False),
    ]
    assert len({data_hash([page]) for page in (first, *changes)}) == 6
    assert data_hash(DATA.train[:2]) != data_hash(DATA.train[1::-1])
    assert data_hash([replace(first, source="b")]) == data_hash([first])


def test_pages_to_stop_by_stand_there_with_every_level_of_noise():
    pages = noisy(DATA.validation, seed=3)
    assert [page.source for page in pages] == ["made|0.0", "made|0.5", "made|1.0"] * 2
    assert pages[0].items == DATA.validation[0].items
    assert pages[2].items != DATA.validation[0].items
    assert pages == noisy(DATA.validation, seed=3)
    assert pages != noisy(DATA.validation, seed=4)
    read = replace(DATA.validation[0], source="scan", noise=0.5)
    assert noisy([read], seed=3) == [replace(read, source="scan|read")]


def test_a_quiet_run_prints_nothing(tmp_path, capfd):
    train_quietly(replace(CONFIG, run=replace(CONFIG.run, steps=2)), tmp_path)
    out, err = capfd.readouterr()
    assert out == ""
    assert err == ""


# Seeds


def test_the_same_seed_gives_the_same_weights_and_scores(whole, tmp_path):
    again = train_quietly(CONFIG, tmp_path / "model")
    assert weights(again.folder) == weights(whole.folder)
    assert again.scores == whole.scores
    assert read_record(again.folder)["history"] == read_record(whole.folder)["history"]


def test_another_seed_gives_other_weights(whole, tmp_path):
    other = train_quietly(replace(CONFIG, seed=2), tmp_path / "model")
    assert weights(other.folder) != weights(whole.folder)


def test_going_on_from_a_model(whole, tmp_path):
    """Without a step that teaches, the successor is the model itself."""
    still = replace(CONFIG, run=replace(CONFIG.run, learning_rate=0.0, steps=1, evaluate_every=1))
    successor = train_quietly(still, tmp_path / "model", start_from=whole.folder)
    before, after = (load_file(folder / "model.safetensors") for folder in (whole.folder, successor.folder))
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert read_record(successor.folder)["started_from"] == whole.folder.name


# Resumption


def train_until_killed(out: Path, *, step: int) -> None:
    """The run of `CONFIG`, killed when the windows of a step are drawn."""
    draw = Sampler.__getitem__

    def draw_or_die(self: Sampler, index: int) -> Any:
        if index >= step * CONFIG.run.batch:
            os.kill(os.getpid(), signal.SIGKILL)
        return draw(self, index)

    Sampler.__getitem__ = draw_or_die  # type: ignore[method-assign]
    train_quietly(CONFIG, out)


class StoppedError(Exception):
    pass


def stop_at(step: int, config: TrainConfig, out: Path) -> None:
    """The same within this process."""
    draw = Sampler.__getitem__

    def draw_or_stop(self: Sampler, index: int) -> Any:
        if index >= step * config.run.batch:
            raise StoppedError
        return draw(self, index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sampler, "__getitem__", draw_or_stop)
        with pytest.raises(StoppedError):
            train_quietly(config, out)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_killed_run_goes_on_to_the_same_bits(whole, tmp_path):
    killed = multiprocessing.get_context("spawn").Process(
        target=train_until_killed, args=(tmp_path / "model",), kwargs={"step": 6}
    )
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert list((tmp_path / "model" / CHECKPOINTS).glob("checkpoint-*"))
    assert not (tmp_path / "model" / "model.safetensors").exists()
    resumed = train_quietly(CONFIG, tmp_path / "model", resume=True)
    assert weights(resumed.folder) == weights(whole.folder)
    assert resumed.scores == whole.scores
    assert read_record(resumed.folder)["history"] == read_record(whole.folder)["history"]


def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(whole, tmp_path):
    stop_at(7, CONFIG, tmp_path)
    last = max((tmp_path / CHECKPOINTS).glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    (last / "trainer_state.json").unlink()
    (last / "optimizer.pt").write_bytes(b"")
    resumed = train_quietly(CONFIG, tmp_path, resume=True)
    assert weights(resumed.folder) == weights(whole.folder)


def test_patience_is_not_renewed_by_a_resumption(tmp_path):
    """Nothing is learnt: the third validation without gain, at step 8, is the last one."""
    still = replace(CONFIG, run=replace(CONFIG.run, learning_rate=0.0, steps=20, patience=3))
    stop_at(8, still, tmp_path)
    train_quietly(still, tmp_path, resume=True)
    assert read_record(tmp_path)["steps"] == 8


def test_a_run_stopped_after_its_last_step_is_finished(whole, tmp_path, monkeypatch):
    def stop(*_: Any) -> float:
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr("training.labels.train.export_onnx", stop)
        with pytest.raises(StoppedError):
            train_quietly(CONFIG, tmp_path)
    resumed = train_quietly(CONFIG, tmp_path, resume=True)
    assert weights(resumed.folder) == weights(whole.folder)
    assert read_record(resumed.folder)["history"] == read_record(whole.folder)["history"]


def test_resuming_what_has_not_begun_begins_it(whole, tmp_path):
    begun = train_quietly(CONFIG, tmp_path / "model", resume=True)
    assert weights(begun.folder) == weights(whole.folder)


# The command


@pytest.fixture
def call(tmp_path):
    """`giar train` with its corpora in a folder of the test."""

    def run(*arguments: object) -> int:
        words = ["train", *arguments, "--corpus", tmp_path / "corpus", "--quiet"]
        return main([str(word) for word in words])

    return run


def write_config(folder: Path) -> Path:
    path = folder / "run.toml"
    path.write_text("seed = 5\n[data]\ndocuments = 1\nvalidation = 1\n")
    return path


def test_a_folder_that_is_not_empty_is_left_alone(call, tmp_path, capsys):
    out = tmp_path / "model"
    out.mkdir()
    (out / "notes.txt").touch()
    assert call(write_config(tmp_path), "-o", out) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["notes.txt"]
    assert not (tmp_path / "corpus").exists()


def test_a_finished_run_is_not_taken_up(call, tmp_path, capsys):
    out = tmp_path / "model"
    out.mkdir()
    (out / "model.onnx").touch()
    assert call(write_config(tmp_path), "-o", out, "--resume") == 2
    assert "no run was stopped there" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["model.onnx"]


def test_training_asks_for_its_libraries_first(call, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(train_labels, "find_spec", lambda name: None)
    assert call(write_config(tmp_path), "-o", tmp_path / "model") == 2
    assert "pip install 'giar-ml[train]'" in capsys.readouterr().err


def test_an_output_that_is_a_file_is_left_alone(call, tmp_path, capsys):
    out = tmp_path / "model"
    out.write_text("1")
    assert call(write_config(tmp_path), "-o", out, "--resume") == 2
    assert "is no folder" in capsys.readouterr().err
    assert out.read_text() == "1"


@pytest.mark.parametrize("arguments", [[], ["run.toml", "--smoke"]])
def test_settings_are_given_once(call, tmp_path, capsys, arguments):
    assert call(*arguments, "-o", tmp_path / "model") == 2
    assert "give a CONFIG.toml" in capsys.readouterr().err


@pytest.mark.parametrize("seed", [FIXTURE_SEEDS[0] - 1, FIXTURE_SEEDS[0], FIXTURE_SEEDS[-1]])
def test_seeds_of_the_fixtures_are_refused(call, tmp_path, capsys, monkeypatch, seed):
    """That of the reports to stop by, one higher, too; before any report is made."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert call(write_config(tmp_path), "-o", tmp_path / "model", "--seed", seed) == 2
    assert "kept for the fixtures" in capsys.readouterr().err
    assert not (tmp_path / "corpus").exists()


def test_reports_of_the_fixtures_are_refused(call, tmp_path, capsys, monkeypatch):
    [fixture] = FIXTURES.glob("*-00022-digital.pdf")

    def copy_fixture(folder: Path, *, seed: int, **_: Any) -> None:
        folder.mkdir(parents=True)
        shutil.copy(fixture, folder)
        text = fixture.with_name(fixture.name + SUFFIX).read_text(encoding="utf-8")
        Gold.from_json(text.replace(f'"seed":{FIXTURE_SEEDS.start}', f'"seed":{seed}')).write(
            folder / (fixture.name + SUFFIX)
        )

    monkeypatch.setattr(corpora, "write_corpus", copy_fixture)
    assert call(write_config(tmp_path), "-o", tmp_path / "model") == 2
    assert "same report" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_corpus_is_made_once_and_an_interrupted_one_again(tmp_path, monkeypatch):
    [fixture] = FIXTURES.glob("*-00035-*.txt")
    made = []

    def write(folder: Path, *, seed: int, **_: Any) -> None:
        assert not folder.exists() or not list(folder.iterdir())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "half.pdf").touch()
        made.append(seed)
        if len(made) == 1:
            raise StoppedError
        shutil.copy(fixture, folder)
        shutil.copy(fixture.with_name(fixture.name + SUFFIX), folder)

    monkeypatch.setattr(corpora, "write_corpus", write)
    monkeypatch.setattr(corpora, "FIXTURES", tmp_path / "none")
    with pytest.raises(StoppedError):
        made_up(tmp_path, 5, 1, "labels")
    [example] = made_up(tmp_path, 5, 1, "labels")
    assert [example] == made_up(tmp_path, 5, 1, "labels")
    assert made == [5, 5]
    made_up(tmp_path, 6, 1, "labels")
    assert made == [5, 5, 6]


@prints
def test_it_learns(call, tmp_path):
    assert call("--smoke", "-o", tmp_path / "model") == 0
    record = read_record(tmp_path / "model")
    history = record["history"]
    assert history[0]["step"] == 0
    assert history[0]["eval_f1"] < 0.2
    assert history[-1]["eval_f1"] > 0.8
    assert record["scores"]["0.0"]["f1"] > 0.8
