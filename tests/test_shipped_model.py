"""The model in models/labels is what its settings and the code here make."""

from __future__ import annotations

import json

from conftest import ROOT

from giar_ml.label.names import label_names
from giar_ml.models import FILES, shipped_model
from training.labels.card import write_card
from training.labels.config import TrainConfig
from training.labels.train import NOISE_LEVELS, READ
from training.settings import to_dict

FOLDER = shipped_model()
RECORD = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
MAX_BYTES = 20_000_000


def test_its_settings_are_those_of_the_repository():
    assert RECORD["config"] == to_dict(TrainConfig.read(ROOT / "training" / "labels" / "labels.toml"))


def test_it_was_scored_on_every_level_of_noise_and_on_scans():
    assert set(RECORD["scores"]) == {*map(str, NOISE_LEVELS), READ}
    assert RECORD["onnx_gap"] <= 1e-3


def test_its_card_says_what_the_record_says(tmp_path):
    write_card(RECORD, tmp_path / "card.md")
    assert (FOLDER / "card.md").read_text(encoding="utf-8") == (tmp_path / "card.md").read_text(
        encoding="utf-8"
    )


def test_it_is_whole_and_small():
    assert {path.name for path in FOLDER.iterdir()} >= {*FILES}
    assert (FOLDER / "model.safetensors").stat().st_size <= MAX_BYTES
    assert json.loads((FOLDER / "label.json").read_text(encoding="utf-8"))["labels"] == list(label_names())
