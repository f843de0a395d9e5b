"""Reports that could not be read, as results like any other."""

from __future__ import annotations

import hashlib
from pathlib import Path

from giar_ml.document import Problem
from giar_ml.report import Report, Source
from giar_ml.words import one_line

_MAX_ERROR_TEXT = 200  # characters of an unexpected error: one line on a terminal


def failed_report(path: Path, code: str, message: str, *, sha256: str | None = None) -> Report:
    """The result of a file that was not read.

    Args:
        sha256: of its content; None to find it out, which gives an empty one where it cannot be read.
    """
    return Report(
        source=Source(path.name, hash_file(path) if sha256 is None else sha256, kind=None, pages=0),
        form=None,
        organisation=None,
        year=None,
        status="failed",
        problems=(Problem(code, one_line(message if path.name in message else f"{path}: {message}")),),
    )


def say_bug(path: Path, error: Exception) -> str:
    """The message for an error that nobody foresaw."""
    what = f"{type(error).__name__}: {error}"[:_MAX_ERROR_TEXT]
    return f"{path}: internal error, please report it ({what})"


def hash_file(path: Path) -> str:
    """The sha256 of the content; empty when the file cannot be read."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        pass
    return ""
