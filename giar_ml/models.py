"""Which label model reads: the shipped one, or one of those that were installed in the user's folder.

`<home>/labels/` has one folder per version, as training wrote it, with `installed.json` (date, sha256 of
each file); and `current`, one version a line: the last one is in use, those above were in use before it.
Everything is written beside its place and then renamed, under a lock: whoever is stopped in between leaves
the model in use as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from giar_ml.errors import GiarError, UsageError

SHIPPED = "shipped"
"""The name of the version that comes with the program; it is always a choice."""
HOME_VARIABLE = "GIAR_MODELS"
READER_FILES = ("label.json", "tokenizer.json", "model.onnx")
"""What reading takes of a label model."""
FILES = (*READER_FILES, "config.json", "model.safetensors", "training.json")
"""And what training takes to go on from it."""
_EXTRA_FILES = ("card.md", "confusion.png")
_CURRENT = "current"
_INSTALLED = "installed.json"
_TEMPORARY = ".tmp-"


class ModelError(GiarError):
    """A label model is missing or damaged."""

    code = "label_model"
    exit_status = 2
    http_status = 500


@dataclass(frozen=True)
class ModelVersion:
    """One label model. `installed` is the time of it, None for the shipped one; `record` what its training
    says of itself; `fault` why it cannot be used, None if it can."""

    name: str
    folder: Path
    in_use: bool
    installed: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None


def models_home() -> Path:
    """The user's folder of models: `$GIAR_MODELS`, else where the platform keeps data of programs."""
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "giar_ml"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "giar_ml"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "giar_ml"


def shipped_model() -> Path:
    """Where the model is that comes with the program, in a checkout or beside an installed package; it may be
    missing."""
    homes = (Path(__file__).resolve().parents[1], Path(sysconfig.get_path("data")) / "share" / "giar_ml")
    folders = [home / "models" / "labels" for home in homes]
    return next((folder for folder in folders if (folder / READER_FILES[0]).is_file()), folders[0])


def current_label_model() -> Path:
    """The folder of the model in use.

    Raises:
        ModelError: it is missing or damaged.
    """
    return check_model(current_version())


def current_version() -> str:
    """The name of the version in use. Raises ModelError when the note of it is damaged."""
    return _read_history()[-1]


def check_model(version: str) -> Path:
    """The folder of a version that is whole. Raises ModelError when it is missing or damaged."""
    folder = _folder(version)
    if fault := _find_fault(version, folder):
        raise ModelError(
            f"label model {version} cannot be used: {fault}; choose another with `giar models use` or"
            " `giar models rollback`"
        )
    return folder


def list_models() -> list[ModelVersion]:
    """The shipped model, then the installed ones, oldest first; also those that cannot be used."""
    try:
        current = current_version()
    except ModelError:
        current = ""
    names = [SHIPPED, *_installed()]
    if current and current not in names:
        names.append(current)
    found = []
    for name in names:
        folder = _folder(name)
        found.append(
            ModelVersion(
                name,
                folder,
                name == current,
                installed=_read_json(folder / _INSTALLED).get("date"),
                record=_read_json(folder / "training.json"),
                fault=_find_fault(name, folder),
            )
        )
    return found


def install_model(folder: Path, *, after: str | None = None) -> str:
    """Copy a model into the user's folder and use it from now on; returns the name of its version.

    Args:
        after: the version that it was found better than: nothing is installed where another one is in use by
            now.

    Raises:
        ModelError: the folder is no whole label model.
        UsageError: the user's folder cannot be written to, or another version is in use.
    """
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise ModelError(f"{folder}: no label model, {', '.join(missing)} not in it")
    with _locked() as root:
        if after is not None and (current := _read_history()[-1]) != after:
            raise UsageError(
                f"{folder}: was compared with {after}, but {current} is in use by now; retrain, or install it"
                f" with `giar models install {folder}`"
            )
        for left in root.glob(f"{_TEMPORARY}*"):  # by one that was stopped
            shutil.rmtree(left, ignore_errors=True)
        beside = root / f"{_TEMPORARY}{secrets.token_hex(8)}"
        beside.mkdir()
        try:
            for name in (*FILES, *_EXTRA_FILES):
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, beside / name)
            now = datetime.now(UTC)
            sha256 = {path.name: _sha256(path) for path in sorted(beside.iterdir())}
            _write_json(beside / _INSTALLED, {"date": now.isoformat(timespec="seconds"), "sha256": sha256})
            version = next(
                name for k in range(1, 10**6) if not (root / (name := f"{now:%Y-%m-%d}.{k}")).exists()
            )
            beside.rename(root / version)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        _switch(root, [*_read_history_or_shipped(), version])
    return version


def use_model(version: str) -> None:
    """Use a version from now on.

    Raises:
        UsageError: there is no such version.
        ModelError: it is damaged.
    """
    if version != SHIPPED and version not in _installed():
        raise UsageError(f"no label model {version!r}; there are {', '.join([SHIPPED, *_installed()])}")
    check_model(version)
    with _locked() as root:
        history = _read_history_or_shipped()
        if history[-1] != version:
            _switch(root, [*history, version])


def rollback() -> str:
    """Use the version that was in use before this one, of those that are still whole; returns its name.

    Raises:
        UsageError: there is none before it.
        ModelError: the note of which one is in use is damaged.
    """
    with _locked() as root:
        history = _read_history()
        current = history.pop()
        while history and (history[-1] == current or _find_fault(history[-1], _folder(history[-1]))):
            history.pop()
        if not history:
            raise UsageError(f"no label model before {current}; see `giar models list`")
        _switch(root, history)
    return history[-1]


def _root() -> Path:
    return models_home() / "labels"


def _folder(version: str) -> Path:
    return shipped_model() if version == SHIPPED else _root() / version


def _installed() -> list[str]:
    paths = (path for path in _root().glob("*") if path.is_dir() and not path.name.startswith("."))
    return sorted((path.name for path in paths), key=_age)


def _age(version: str) -> tuple[str, int]:
    day, _, number = version.partition(".")
    return day, int(number) if number.isdecimal() else 0


def _read_history() -> list[str]:
    """The versions that were in use, the last one is now; never empty."""
    path = _root() / _CURRENT
    try:
        names = path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return [SHIPPED]
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); run `giar models use {SHIPPED}`") from error
    if not names or any("/" in name or "\\" in name or name.startswith(".") for name in names):
        raise ModelError(f"{path}: names no label model; run `giar models use {SHIPPED}`")
    return names


def _read_history_or_shipped() -> list[str]:
    """The same where a damaged one must not be in the way of repairing it."""
    try:
        return _read_history()
    except ModelError:
        return [SHIPPED]


def _switch(root: Path, history: list[str]) -> None:
    beside = root / f"{_CURRENT}.{secrets.token_hex(8)}"
    try:
        beside.write_text("".join(f"{name}\n" for name in history), encoding="utf-8")
        beside.replace(root / _CURRENT)
    finally:
        beside.unlink(missing_ok=True)


def _find_fault(version: str, folder: Path) -> str | None:
    """Why a version cannot be used."""
    if not folder.is_dir():
        return f"{folder} is missing"
    needed = READER_FILES if version == SHIPPED else FILES
    if missing := [name for name in needed if not (folder / name).is_file()]:
        return f"{folder} lacks {', '.join(missing)}"
    if version == SHIPPED:
        return None
    sha256 = _read_json(folder / _INSTALLED).get("sha256")
    if not isinstance(sha256, dict):
        return f"{folder / _INSTALLED} is missing or damaged"
    changed = [name for name in FILES if _sha256(folder / name) != sha256.get(name)]
    return f"{', '.join(changed)} in {folder} damaged" if changed else None


def _read_json(path: Path) -> dict[str, Any]:
    """{} where there is no such file, or another thing in it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _locked() -> Iterator[Path]:
    """The folder of installed models, while no other process changes it."""
    root = _root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".lock").open("w") as file:
            if sys.platform != "win32":  # there the last one to write wins
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX)
            yield root
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"{root}: cannot be written to ({reason}); set {HOME_VARIABLE} to another folder"
        ) from error
