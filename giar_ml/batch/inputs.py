"""What to read: files, folders, patterns, and lists with the office and year of each file."""

from __future__ import annotations

import csv
import glob
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from giar_ml.document import SUFFIXES
from giar_ml.errors import UsageError

LIST_SUFFIXES = (".csv", ".parquet")
_COLUMNS = {
    "path": "path",
    "文件": "path",
    "office": "office",
    "机关": "office",
    "year": "year",
    "年度": "year",
}
_YEAR = re.compile(r"(\d{4})(\.0+)?年?")


@dataclass(frozen=True)
class Input:
    """A file to read, with what a list says of it."""

    path: Path
    office: str | None = None
    year: int | None = None


def list_inputs(arguments: Sequence[str], *, apart_from: Path) -> list[Input]:
    """The files that the arguments name, each once, in their order; of a folder those below it by name.

    Args:
        arguments: files, folders, patterns such as `scans/**/*.pdf`, and lists (CSV or Parquet) with the
            columns `path`, from the list's folder on, `office` and `year`, or 文件, 机关 and 年度.
        apart_from: a folder that is passed over: that of the results.

    Raises:
        UsageError: a folder or list cannot be read, nothing matches a pattern, or no file is named.
    """
    found: dict[str, Input] = {}
    for argument in arguments:
        for item in _expand(argument, apart_from.absolute()):
            key = os.path.abspath(item.path)  # noqa: PTH100 - Path.absolute keeps `..`
            first = found.setdefault(key, item)
            found[key] = Input(first.path, first.office or item.office, first.year or item.year)
    if not found:
        raise UsageError(f"{', '.join(arguments)}: names no file; a list needs a row per file")
    return list(found.values())


def _expand(argument: str, apart_from: Path) -> Iterator[Input]:
    path = Path(argument)
    if path.is_dir():
        yield from _list_folder(path, apart_from)
    elif path.suffix.lower() in LIST_SUFFIXES and path.is_file():
        yield from _read_list(path)
    elif glob.has_magic(argument) and not path.exists():
        matches = sorted(glob.iglob(argument, recursive=True))  # noqa: PTH207 - takes absolute patterns, too
        if not matches:
            raise UsageError(f"{argument}: no file matches; quote the pattern and check the folder")
        for match in matches:
            if not Path(match).is_dir():
                yield Input(Path(match))
    else:
        yield Input(path)


def _list_folder(folder: Path, apart_from: Path) -> Iterator[Input]:
    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename}: cannot list the folder ({error.strerror})") from error

    is_empty = True
    for name, subfolders, files in os.walk(folder, onerror=refuse):
        here = Path(name)
        subfolders[:] = sorted(
            s for s in subfolders if not s.startswith(".") and (here / s).absolute() != apart_from
        )
        for file in sorted(files):
            if not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES:
                is_empty = False
                yield Input(here / file)
    if is_empty:
        yield Input(folder)  # an input that cannot be read


def _read_list(path: Path) -> Iterator[Input]:
    try:
        rows = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot read the list ({error.strerror})") from error
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path}: cannot read the list ({error}); write it as CSV in UTF-8") from error
    for number, row in enumerate(rows, start=1):
        known = {_COLUMNS[name]: value for name, value in row.items() if name in _COLUMNS}
        if "path" not in known:
            raise UsageError(f"{path}: has no column `path`; name the columns path, office, year")
        file = str(known["path"] or "").strip()
        if not file:
            raise UsageError(f"{path}: row {number} names no file")
        office = str(known.get("office") or "").strip() or None
        yield Input(path.parent / file, office, _read_year(known.get("year"), path, number))


def _read_year(value: Any, path: Path, number: int) -> int | None:
    text = "" if value is None or value != value else str(value).strip()  # NaN is not itself
    if not text:
        return None
    if not (match := _YEAR.fullmatch(text)):
        raise UsageError(f"{path}: row {number} has the year {text!r}; write four digits")
    return int(match[1])


def _read_csv(path: Path) -> list[Mapping[str, Any]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")  # what Chinese Excel writes
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _read_parquet(path: Path) -> list[Mapping[str, Any]]:
    from pyarrow.parquet import read_table

    return read_table(path).to_pylist()
