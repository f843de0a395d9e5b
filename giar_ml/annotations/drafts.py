"""What a file of an annotation tool says about one picture, as it stands there and not yet checked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from giar_ml.annotations.gold import Point, Poly, bounds, box_poly
from giar_ml.geometry import signed_area
from giar_ml.label.names import OTHER

_MAX_NAME = 80
"""Characters of a picture's name in a message: a tool may hold the picture itself in its place."""


@dataclass(frozen=True)
class DraftToken:
    """`where` names the token for the person who corrects it: `token 3`."""

    where: str
    text: str
    label: str
    poly: Poly
    key: str | None = None


@dataclass(frozen=True)
class Draft:
    """One picture with its tokens.

    Args:
        where: the file, and the line, task or document in it.
        name: what the file calls the picture.
        image: the picture; None when it is not there.
        size: width and height in pixels that the file gives the picture, if it does.
        form: name of the form, if the file gives it.
        faults: what could not be read, in words.
        skip: why the picture is not to be used though nothing is wrong: nobody has confirmed it.
    """

    where: str
    tool: str
    name: str = ""
    image: Path | None = None
    tokens: tuple[DraftToken, ...] = ()
    size: tuple[float, float] | None = None
    form: str | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    skip: str | None = None


class UnreadableFileError(ValueError):
    """A whole file cannot be read; `path` and `line` (1-based) say where, as far as that is known."""

    def __init__(self, message: str, *, path: Path | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


def read_text(path: Path) -> str:
    """Raises UnreadableFileError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"cannot be read ({error.strerror})", path=path) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableFileError("not in UTF-8; save it in that encoding", path=path, line=line) from error


def parse_json(text: str) -> Any:
    """Raises UnreadableFileError."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableFileError(
            f"broken JSON at column {error.colno} ({error.msg})", line=error.lineno
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"broken JSON ({error})") from error


def read_label(value: Any) -> str:
    """The label as written; `other` where nobody chose one. Raises ValueError when it is no text."""
    if value in (None, "", "None"):
        return OTHER
    if not isinstance(value, str):
        raise ValueError("its label is not text")
    return value


def read_string(value: Any) -> str:
    """Raises ValueError when the text of a token is none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("its text is not text")
    return value


def read_number(value: Any) -> float:
    """Raises ValueError for anything but a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{str(value)[:20]!r} in its box is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{str(value)[:20]!r} in its box is no number")
    return number


def read_poly(points: Any) -> Poly:
    """Four points as they are, clockwise; of a polygon the upright box around it. Raises ValueError."""
    if not isinstance(points, list) or not all(isinstance(p, list) and len(p) == 2 for p in points):
        raise ValueError("its points are not pairs of numbers")
    if len(points) < 3:
        raise ValueError(f"its box has {len(points)} points, four are needed")
    pairs: list[Point] = [(read_number(x), read_number(y)) for x, y in points]
    if len(pairs) != 4:
        return box_poly(bounds(pairs))
    a, b, c, d = pairs
    return (a, b, c, d) if signed_area(pairs) >= 0 else (a, d, c, b)


def find_image(names: Iterable[str], folders: Iterable[Path]) -> Path | None:
    """The first of the names that is a file, as it is or without its folders, in one of the folders."""
    names, folders = list(names), list(folders)
    tried = [folder / name for name in names for folder in folders if name]
    tried += [folder / PurePosixPath(name).name for name in names for folder in folders if name]
    return next((path for path in tried if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def missing_image(name: str) -> str:
    """What to say of a picture that is not there."""
    short = name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…"
    return f"picture {short!r} is not there; put it beside the file, or name its folder with --images"
