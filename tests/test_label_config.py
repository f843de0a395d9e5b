"""Settings of a training run: what a TOML file may say, and what is said of one that may not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from giar_ml.errors import UsageError
from training.labels.config import DataConfig, ModelConfig, RunConfig, TrainConfig

SHIPPED = Path(__file__).parents[1] / "training" / "labels"


def read(tmp_path: Path, text: str) -> TrainConfig:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return TrainConfig.read(path)


def test_what_is_not_said_keeps_its_default(tmp_path):
    config = read(tmp_path, "seed = 5\n[run]\nsteps = 7\nlearning_rate = 1\n[model]\nwindow = 64\n")
    assert config == TrainConfig(
        5, DataConfig(), ModelConfig(window=64), RunConfig(steps=7, learning_rate=1.0)
    )


def test_an_empty_file_is_the_default(tmp_path):
    assert read(tmp_path, "") == TrainConfig()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("sed = 1", "no setting 'sed'; there are seed, data, model, run", id="unknown"),
        pytest.param("[run]\nstep = 1", r"\[run\]: no setting 'step'; there are steps", id="in a section"),
        pytest.param("[data.model]\nhidden = 6", r"\[data\]: no setting 'model'", id="section in a section"),
        pytest.param("run = 3", r"run is a section: write \[run\]", id="section as a value"),
        pytest.param("[seed]\nvalue = 1", "seed is int, not {", id="value as a section"),
        pytest.param("seed = '1'", "seed is int, not '1'", id="text for a number"),
        pytest.param("[run]\nsteps = 1.5", r"\[run\]: steps is int, not 1.5", id="part of a whole number"),
        pytest.param("[run]\nsteps = true", "steps is int, not True", id="a truth for a whole number"),
        pytest.param("[run]\nwarmup = false", "warmup is float, not False", id="a truth for a number"),
        pytest.param("[run]\ndeterministic = 1", "deterministic is bool, not 1", id="a number for a truth"),
        pytest.param("[data]\nprofile = 1", "profile is str, not 1", id="a number for a name"),
        pytest.param("[model]\npretrained = 1", "pretrained is .*Path.*, not 1", id="a number for a folder"),
        pytest.param(
            "[run]\nprecision = 'half'", "precision is one of auto, fp32, bf16, fp16, not 'half'", id="choice"
        ),
        pytest.param("[model]\nhidden = 100", r"\[model\] hidden = 100 must be a multiple of 6", id="sixths"),
        pytest.param("[model]\nhidden = 96\nheads = 5", "and of heads = 5", id="heads"),
        pytest.param(
            "[model]\nhidden = 96\nheads = 4\nshrink = 16",
            "hidden / shrink = 6 must be a multiple of heads = 4",
            id="layout stream",
        ),
        pytest.param("[model]\nhidden = 96\nshrink = 64", "hidden / shrink = 1.5", id="no whole width"),
        pytest.param("[model]\nheads = 0", r"\[model\] heads = 0 must be at least 1", id="no heads"),
        pytest.param("[model]\nshrink = 0", "shrink = 0 must be at least 1", id="no shrinking"),
        pytest.param("[model]\nlayers = -1", "layers = -1 must be at least 1", id="no layers"),
        pytest.param("[model]\nwindow = 2", "window = 2 must be at least 16", id="no room in a window"),
        pytest.param("[run]\nsteps = 0", r"\[run\] steps = 0 must be at least 1", id="no steps"),
        pytest.param(
            "[run]\nevaluate_every = 0", "evaluate_every = 0 must be at least 1", id="no validation"
        ),
        pytest.param(
            "[data]\nvalidation = 0", r"\[data\] validation = 0 must be at least 1", id="none to stop"
        ),
        pytest.param("[data]\nscans = -1", "scans = -1 must be at least 0", id="fewer than no scans"),
        pytest.param(
            "[data]\nscan_share = 1.5", "scan_share = 1.5 is a share: from 0 to 1", id="more than all"
        ),
        pytest.param("[data]\nclean = -0.1", "clean = -0.1 is a share", id="less than none"),
        pytest.param("[model]\ndropout = nan", "dropout = nan is a share", id="no number for a share"),
        pytest.param("[run]\nlearning_rate = nan", "learning_rate = nan must be a number", id="no number"),
        pytest.param("[run]\nlearning_rate = inf", "learning_rate = inf must be a number", id="no end"),
        pytest.param("seed = -5", "seed = -5 must be at least 0", id="no seed"),
        pytest.param("seed = ", "cannot be read as TOML", id="no TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, said):
    with pytest.raises(UsageError, match=said) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith(str(tmp_path / "run.toml"))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read as TOML"):
        TrainConfig.read(tmp_path / "none.toml")


def test_a_file_of_another_encoding(tmp_path):
    path = tmp_path / "run.toml"
    path.write_bytes("# 设置".encode("gb18030"))
    with pytest.raises(UsageError, match="cannot be read as TOML"):
        TrainConfig.read(path)


@pytest.mark.parametrize("name", ["labels.toml", "smoke.toml", "retrain.toml"])
def test_the_shipped_settings_can_be_read(name):
    config = TrainConfig.read(SHIPPED / name)
    written = tomllib.loads((SHIPPED / name).read_text(encoding="utf-8"))
    assert written.items() <= {**config.to_dict(), **{k: written[k] for k in ("data", "model", "run")
                                                      if k in written}}.items()  # fmt: skip
    for section in ("data", "model", "run"):
        assert written.get(section, {}).items() <= config.to_dict()[section].items()


def dump(data: dict, section: str = "") -> str:
    """As TOML: the values of a section before the sections in it."""
    lines = [f"[{section}]"] if section else []
    for name, value in data.items():
        if not isinstance(value, dict):
            lines.append(f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}")
    parts = [dump(value, name) for name, value in data.items() if isinstance(value, dict)]
    return "\n".join([*lines, *parts])


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        TrainConfig(
            9,
            DataConfig(documents=3, profile="digital", clean=0.5),
            ModelConfig(hidden=96, heads=4, shrink=2, dropout=0.0),
            RunConfig(precision="fp32", deterministic=False),
        ),
        TrainConfig(model=ModelConfig(pretrained=Path("/models/text"), shrink=3)),
    ],
    ids=["default", "all sections", "pretrained"],
)
def test_settings_come_back(tmp_path, config):
    assert read(tmp_path, dump(config.to_dict())) == config


def test_what_is_not_set_is_not_written():
    assert "pretrained" not in TrainConfig().to_dict()["model"]


def test_a_pretrained_model_is_looked_for_beside_the_file(tmp_path):
    assert read(tmp_path, "[model]\npretrained = 'text'").model.pretrained == tmp_path / "text"
    assert read(tmp_path, "[model]\npretrained = '/text'").model.pretrained == Path("/text")


def test_sizes_of_a_pretrained_model_are_its_own(tmp_path):
    assert read(tmp_path, "[model]\npretrained = 'text'\nhidden = 100").model.hidden == 100
