"""Settings of a training run: what a TOML file may say, and what is said of one that may not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from giar_ml.errors import UsageError
from training.labels.config import DataConfig, ModelConfig, RunConfig, TrainConfig
from training.settings import to_dict

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


AT_LEAST = "input should be greater than or equal to"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sed = 1", "no setting 'sed'; there are seed, data, model, run"),
        ("[run]\nstep = 1", r"\[run\] no setting 'step'; there are steps"),
        ("[data.model]\nhidden = 6", r"\[data\] no setting 'model'"),
        ("run = 3", "run = 3: input should be a dictionary"),
        ("[seed]\nvalue = 1", r"seed = \{.*: input should be a valid integer"),
        ("seed = '1'", "seed = '1': input should be a valid integer"),
        ("[run]\nsteps = 1.5", r"\[run\] steps = 1.5: input should be a valid integer"),
        ("[run]\nsteps = true", "steps = True: input should be a valid integer"),
        ("[run]\nwarmup = false", "warmup = False: input should be a valid number"),
        ("[run]\ndeterministic = 1", "deterministic = 1: input should be a valid boolean"),
        ("[data]\nprofile = 1", "profile = 1: input should be a valid string"),
        ("[model]\npretrained = 1", "pretrained = 1: input is not a valid path"),
        ("[run]\nprecision = 'half'", "'half': input should be 'auto', 'fp32', 'bf16' or 'fp16'"),
        ("[model]\nhidden = 100", r"\[model\] hidden = 100 must be a multiple of 6"),
        ("[model]\nhidden = 96\nheads = 5", "and of heads = 5"),
        (
            "[model]\nhidden = 96\nheads = 4\nshrink = 16",
            "hidden / shrink = 6 must be a multiple of heads = 4",
        ),
        ("[model]\nhidden = 96\nshrink = 64", "hidden / shrink = 1.5"),
        ("[model]\nheads = 0", rf"\[model\] heads = 0: {AT_LEAST} 1"),
        ("[model]\nshrink = 0", f"shrink = 0: {AT_LEAST} 1"),
        ("[model]\nlayers = -1", f"layers = -1: {AT_LEAST} 1"),
        ("[model]\nwindow = 2", f"window = 2: {AT_LEAST} 16"),
        ("[run]\nsteps = 0", rf"\[run\] steps = 0: {AT_LEAST} 1"),
        ("[run]\nevaluate_every = 0", f"evaluate_every = 0: {AT_LEAST} 1"),
        ("[data]\nvalidation = 0", rf"\[data\] validation = 0: {AT_LEAST} 1"),
        ("[data]\nscans = -1", f"scans = -1: {AT_LEAST} 0"),
        ("[data]\nscan_share = 1.5", "scan_share = 1.5: input should be less than or equal to 1"),
        ("[data]\nclean = -0.1", f"clean = -0.1: {AT_LEAST} 0"),
        ("[model]\ndropout = nan", "dropout = nan: input should be"),
        ("[run]\nlearning_rate = nan", "learning_rate = nan: input should be"),
        ("[run]\nlearning_rate = inf", "learning_rate = inf: input should be a finite number"),
        ("seed = -5", f"seed = -5: {AT_LEAST} 0"),
        ("seed = ", "cannot be read as TOML"),
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
    assert written.items() <= {**to_dict(config), **{k: written[k] for k in ("data", "model", "run")
                                                      if k in written}}.items()  # fmt: skip
    for section in ("data", "model", "run"):
        assert written.get(section, {}).items() <= to_dict(config)[section].items()


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
    assert read(tmp_path, dump(to_dict(config))) == config


def test_what_is_not_set_is_not_written():
    assert "pretrained" not in to_dict(TrainConfig())["model"]


def test_a_pretrained_model_is_looked_for_beside_the_file(tmp_path):
    assert read(tmp_path, "[model]\npretrained = 'text'").model.pretrained == tmp_path / "text"
    assert read(tmp_path, "[model]\npretrained = '/text'").model.pretrained == Path("/text")


def test_sizes_of_a_pretrained_model_are_its_own(tmp_path):
    assert read(tmp_path, "[model]\npretrained = 'text'\nhidden = 100").model.hidden == 100
