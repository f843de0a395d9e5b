"""Checked annotations -> a folder of documents with their gold beside them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from giar_ml.annotations.checking import Annotated
from giar_ml.annotations.gold import gold_path
from giar_ml.errors import UsageError


def store(annotated: Sequence[Annotated], folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Copy the documents into the folder, each with its gold; returns the gold files.

    Nothing is written before all names were checked; a file is written beside its place and then renamed.

    Raises:
        UsageError: two documents have one name, a file is there already and `overwrite` is not set, or
            the folder cannot be written to.
    """
    taken: dict[str, Annotated] = {}
    for item in annotated:
        first = taken.setdefault(item.path.name, item)
        if first is not item:
            raise UsageError(
                f"{item.path} and {first.path} have one name; rename one of them in its tool, or import them"
                " into two folders"
            )
    if not overwrite:
        for item in annotated:
            target = folder / item.path.name
            for path in (gold_path(target), target):
                if path.exists() and not _is_same(path, item.path):
                    raise UsageError(
                        f"{path}: already there; choose another folder with -o, or use --overwrite"
                    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_store_one(item, folder) for item in annotated]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{folder}: cannot be written to ({reason}); choose another with -o") from error


def _store_one(item: Annotated, folder: Path) -> Path:
    target = folder / item.path.name
    beside = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        if not _is_same(target, item.path):
            shutil.copyfile(item.path, beside)
            beside.replace(target)
        replace(item.gold, file=target.name).write(beside)
        return beside.replace(gold_path(target))
    finally:
        beside.unlink(missing_ok=True)


def _is_same(path: Path, other: Path) -> bool:
    return path.exists() and path.samefile(other)
