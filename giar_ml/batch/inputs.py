"""What to read: files, folders, patterns, and lists with the office and year of each file."""

from __future__ import annotations

import csv
import glob
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from giar_ml.document import SUFFIXES
from giar_ml.errors import UsageError
from giar_ml.urls import Location, Url, fetched, list_urls, to_location

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

    path: Location
    office: str | None = None
    year: int | None = None


def list_inputs(arguments: Sequence[str], *, apart_from: Path) -> list[Input]:
    """The files that the arguments name, each once, in their order; of a folder those below it by name.

    Args:
        arguments: files, folders, patterns such as `scans/**/*.pdf`, and lists (CSV or Parquet) with the
            columns `path`, from the list's folder on, `office` and `year`, or 文件, 机关 and 年度; any of
            them here, or elsewhere by an address such as `s3://bucket/scans`.
        apart_from: a folder that is passed over: that of the results.

    Raises:
        UsageError: an argument is not there, or is the folder of the results; a folder or list cannot be
            read, nothing matches a pattern, or no file is named.
    """
    found: dict[str, Input] = {}
    for argument in arguments:
        for item in _expand(argument, apart_from.resolve()):
            key = _key(item.path)
            first = found.setdefault(key, item)
            found[key] = Input(first.path, first.office or item.office, first.year or item.year)
    if not found:
        raise UsageError(f"{', '.join(arguments)}: names no file; a list needs a row per file")
    return list(found.values())


def _key(location: Location) -> str:
    if isinstance(location, Url):
        return str(location)
    return os.path.abspath(location)  # noqa: PTH100 - Path.absolute keeps `..`


def _expand(argument: str, apart_from: Path) -> Iterator[Input]:
    path = to_location(argument)
    if isinstance(path, Url):
        yield from _expand_url(path)
        return
    if not os.path.exists(argument):  # noqa: PTH110 - Path.exists raises for names that are too long
        if not glob.has_magic(argument):
            raise UsageError(f"{argument}: cannot be found; check the name")
        yield from _match_pattern(argument, apart_from)
    elif path.is_dir():
        yield from _list_folder(path, apart_from)
    elif path.suffix.lower() in LIST_SUFFIXES and path.is_file():
        yield from _read_list(path)
    else:
        yield Input(path)


def _expand_url(url: Url) -> Iterator[Input]:
    found = list_urls(url)
    if found is None:
        yield from _read_list(url) if url.suffix.lower() in LIST_SUFFIXES else [Input(url)]
        return
    if not glob.has_magic(str(url)):
        found = [item for item in found if item.suffix.lower() in SUFFIXES]
    if not found:
        raise UsageError(f"{url}: no report is there; check the address")
    yield from map(Input, found)


def _match_pattern(pattern: str, apart_from: Path) -> Iterator[Input]:
    base = _fixed_part(pattern)
    _refuse_results(base, apart_from)
    is_below = base.resolve().is_relative_to(apart_from)  # as are all matches: no results
    is_empty = True
    for match in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - takes absolute patterns, too
        path = Path(match)
        if not is_below and path.resolve().is_relative_to(apart_from):
            continue
        is_empty = False
        if not path.is_dir():
            yield Input(path)
    if is_empty:
        raise UsageError(f"{pattern}: no file matches; quote the pattern and check the folder")


def _fixed_part(pattern: str) -> Path:
    """The folder that a pattern begins with."""
    return Path(*takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts))


def _refuse_results(folder: Path, apart_from: Path) -> None:
    if folder.resolve() == apart_from:
        raise UsageError(
            f"{folder}: is the output folder, too: results would be read as reports; choose another with -o"
        )


def _list_folder(folder: Path, apart_from: Path) -> Iterator[Input]:
    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename}: cannot list the folder ({error.strerror})") from error

    _refuse_results(folder, apart_from)
    is_empty = True
    for name, subfolders, files in os.walk(folder, onerror=refuse):
        here = Path(name)
        subfolders[:] = sorted(
            s for s in subfolders if not s.startswith(".") and (here / s).resolve() != apart_from
        )
        for file in sorted(files):
            if not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES:
                is_empty = False
                yield Input(here / file)
    if is_empty:
        yield Input(folder)  # an input that cannot be read


def _read_list(path: Location) -> Iterator[Input]:
    read = _read_csv if path.suffix.lower() == ".csv" else _read_parquet
    try:
        with fetched(path) as local:
            columns, rows = read(local)
    except OSError as error:
        raise UsageError(f"{path}: cannot read the list ({error.strerror or error})") from error
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path}: cannot read the list ({error}); write it as CSV in UTF-8") from error
    known = [_COLUMNS.get(column.strip().lower(), "") for column in columns]
    if "path" not in known:
        found = ", ".join(map(repr, columns)) or "none"
        raise UsageError(f"{path}: has no column `path`, but {found}; name the columns path, office, year")
    for number, values in rows:
        row = dict(zip(known, values, strict=False))
        file = str(row.get("path") or "").strip()
        if not file:
            raise UsageError(f"{path}: row {number} names no file")
        office = str(row.get("office") or "").strip() or None
        yield Input(_from_list(path, file), office, _read_year(row.get("year"), path, number))


def _from_list(path: Location, file: str) -> Location:
    """What a list names: an address, or a file from the list's folder on."""
    location = to_location(file)
    if isinstance(location, Url):
        return location
    return path.beside(file) if isinstance(path, Url) else path.parent / location


def _read_year(value: Any, path: Location, number: int) -> int | None:
    text = "" if value is None or value != value else str(value).strip()  # NaN is not itself
    if not text:
        return None
    if not (match := _YEAR.fullmatch(text)):
        raise UsageError(f"{path}: row {number} has the year {text!r}; write four digits")
    return int(match[1])


_Rows = Iterable[tuple[int, Sequence[Any]]]
"""The values of each row, and its number as a spreadsheet counts: the header is row 1."""


def _read_csv(path: Path) -> tuple[list[str], _Rows]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")  # what Chinese Excel writes
    header = text.partition("\n")[0]
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;", key=header.count)))
    return rows[0] if rows else [], [(i, row) for i, row in enumerate(rows[1:], start=2) if any(row)]


def _read_parquet(path: Path) -> tuple[list[str], _Rows]:
    from pyarrow.parquet import read_table

    table = read_table(path)
    return table.column_names, enumerate((list(row.values()) for row in table.to_pylist()), start=2)
