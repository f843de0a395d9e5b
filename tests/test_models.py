"""Installed label models: which one is in use, what is kept, what happens to damaged ones."""

import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from giar_ml import cli, models
from giar_ml.errors import UsageError
from giar_ml.models import (
    FILES,
    SHIPPED,
    ModelError,
    current_label_model,
    current_version,
    install_model,
    list_models,
    rollback,
    use_model,
)


def write_model(folder, content="a"):
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(content)
    (folder / "training.json").write_text(json.dumps({"scores": {"0.0": {"header_f1": 0.5}}}))
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home of models, and a shipped one."""
    shipped = write_model(tmp_path / "shipped", "s")
    monkeypatch.setattr(models, "shipped_model", lambda: shipped)
    monkeypatch.setenv("GIAR_MODELS", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_shipped_model_is_used_until_one_is_installed(tmp_path, home):
    assert current_label_model() == tmp_path / "shipped"
    assert not home.exists()
    version = install_model(write_model(tmp_path / "a"))
    assert current_version() == version
    assert current_label_model() == home / "labels" / version
    assert (current_label_model() / "model.onnx").read_text() == "a"


def test_versions_are_kept_in_order_and_one_is_in_use(tmp_path):
    versions = [install_model(write_model(tmp_path / str(k), str(k))) for k in range(11)]
    found = list_models()
    assert [model.name for model in found] == [SHIPPED, *versions]
    assert [model.name for model in found if model.in_use] == versions[-1:]
    assert found[0].installed is None
    assert found[1].installed is not None
    assert not any(model.fault for model in found)


def test_rollback_goes_back_through_what_was_in_use(tmp_path):
    a, b = (install_model(write_model(tmp_path / name, name)) for name in "ab")
    use_model(SHIPPED)
    use_model(SHIPPED)
    assert [rollback(), rollback(), rollback()] == [b, a, SHIPPED]
    assert current_version() == SHIPPED
    with pytest.raises(UsageError, match="no label model before shipped"):
        rollback()
    assert [model.name for model in list_models()] == [SHIPPED, a, b]


def test_rollback_passes_over_versions_that_are_gone(tmp_path, home):
    a, b, _ = (install_model(write_model(tmp_path / name, name)) for name in "abc")
    (home / "labels" / b / "model.onnx").unlink()
    assert rollback() == a


@pytest.mark.parametrize("name", ["2020-01-01.1", "../labels", ""])
def test_a_version_that_is_none_is_refused(name):
    with pytest.raises(UsageError, match="there are shipped"):
        use_model(name)


def test_a_damaged_version_is_said_and_can_be_left(tmp_path, home):
    version = install_model(write_model(tmp_path / "a"))
    (home / "labels" / version / "model.onnx").write_text("cut")
    with pytest.raises(ModelError, match=r"model\.onnx.*damaged") as raised:
        current_label_model()
    assert raised.value.code == "label_model"
    assert list_models()[1].fault
    with pytest.raises(ModelError):
        use_model(version)
    use_model(SHIPPED)
    assert current_label_model() == tmp_path / "shipped"


def test_a_version_in_use_that_is_gone_is_said(home):
    (home / "labels").mkdir(parents=True)
    (home / "labels" / "current").write_text("2020-01-01.1\n")
    with pytest.raises(ModelError, match="is missing"):
        current_label_model()
    assert [(model.name, model.in_use) for model in list_models()] == [
        (SHIPPED, False),
        ("2020-01-01.1", True),
    ]
    assert rollback_or_error() == "no label model before 2020-01-01.1; see `giar models list`"


def rollback_or_error():
    try:
        return rollback()
    except UsageError as error:
        return str(error)


@pytest.mark.parametrize("content", [b"", b"../../etc\n", b"\xff\xfe"])
def test_a_damaged_note_of_the_one_in_use_is_said_and_repaired(home, content):
    (home / "labels").mkdir(parents=True)
    (home / "labels" / "current").write_bytes(content)
    for call in (current_label_model, rollback):
        with pytest.raises(ModelError, match="giar models use shipped"):
            call()
    use_model(SHIPPED)


def test_a_damaged_note_is_repaired_by_choosing(tmp_path, home):
    install_model(write_model(tmp_path / "a"))
    (home / "labels" / "current").write_text("")
    version = install_model(write_model(tmp_path / "b"))
    assert current_version() == version


def test_half_a_model_is_not_installed(tmp_path, home):
    folder = write_model(tmp_path / "a")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        install_model(folder)
    assert current_version() == SHIPPED
    assert not home.exists()


def test_a_home_that_cannot_be_made_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GIAR_MODELS", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="GIAR_MODELS"):
        install_model(write_model(tmp_path / "a"))


STOPPED = """
import os, sys
from pathlib import Path
from giar_ml import models
setattr(models, sys.argv[2], lambda *_: os._exit(9))
models.install_model(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("at", ["_write_json", "_switch"])
def test_a_stop_before_the_switch_leaves_the_old_one_in_use(tmp_path, home, at):
    a = install_model(write_model(tmp_path / "a"))
    folder = write_model(tmp_path / "b", "b")
    command = [sys.executable, "-c", STOPPED, str(folder), at]
    assert subprocess.run(command, env=dict(os.environ), check=False).returncode == 9
    assert current_version() == a
    assert not any(model.fault for model in list_models())
    c = install_model(folder)
    assert current_version() == c
    assert not list((home / "labels").glob(".tmp-*"))


def test_two_that_install_at_once_lose_nothing(tmp_path, home):
    folder = write_model(tmp_path / "a")
    with ProcessPoolExecutor(4) as pool:
        versions = list(pool.map(install_model, [folder] * 12))
    assert len(set(versions)) == 12
    history = (home / "labels" / "current").read_text().split()
    assert sorted(history) == sorted([SHIPPED, *versions])


def test_the_commands(tmp_path, capsys):
    version = install_model(write_model(tmp_path / "a"))
    assert cli.main(["models", "list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["*", version] in [line[:2] for line in lines]
    assert ["shipped", "made-up", "reports", "noise", "0.0", "0.5000"] in lines
    assert cli.main(["models", "rollback"]) == 0
    assert capsys.readouterr().out == "shipped is in use\n"
    assert cli.main(["models", "use", version]) == 0
    assert cli.main(["models", "use", "none"]) == 2
    assert "no label model 'none'" in capsys.readouterr().err
    assert current_version() == version


def test_nothing_is_installed_over_a_version_it_was_not_compared_with(tmp_path):
    first = install_model(write_model(tmp_path / "a"))
    second = install_model(write_model(tmp_path / "b"), after=first)
    with pytest.raises(UsageError, match=f"compared with {first}, but {second} is in use"):
        install_model(write_model(tmp_path / "c"), after=first)
    assert current_version() == second


def test_the_install_command_loads_a_model_before_it_is_used(tmp_path, capsys):
    assert cli.main(["models", "install", str(write_model(tmp_path / "a"))]) == 2
    assert "cannot be loaded" in capsys.readouterr().err
    assert current_version() == SHIPPED
