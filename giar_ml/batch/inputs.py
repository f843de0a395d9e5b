"""What to read: files, folders, patterns, and lists with the office and year of each file."""

from __future__ import annotations

import csv
import glob
import io
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from giar_ml.document import SUFFIXES
from giar_ml.errors import UsageError
from giar_ml.urls import Location, Place, Url, fetched, is_pattern, list_urls, to_location
from giar_ml.years import office_key

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


class _Apart(NamedTuple):
    """A folder of results, which are no reports; `what` it is and by which option it was chosen."""

    place: Place
    what: str
    option: str


def list_inputs(arguments: Sequence[str], *, apart_from: Path, copy: Url | None = None) -> list[Input]:
    """The files that the arguments name, each once, in their order; of a folder those below it by name.

    Args:
        arguments: files, folders, patterns such as `scans/**/*.pdf`, and lists (CSV or Parquet) with the
            columns `path`, from the list's folder on, `office` and `year`, or 文件, 机关 and 年度; any of
            them here, or elsewhere by an address such as `s3://bucket/scans`.
        apart_from: a folder that is passed over: that of the results.
        copy: where they are copied to: passed over, too.

    Raises:
        UsageError: an argument is not there, or is the folder of the results or their copy; a folder or list
            cannot be read, a list says two things of a file, nothing matches a pattern, or no file is named.
    """
    apart = [_Apart(Place.of(apart_from), "the output folder", "-o")]
    if copy:
        apart.append(_Apart(Place.of(copy), "where the results are copied to", "--copy-to"))
    found: dict[str, Input] = {}
    for argument in arguments:
        for item in _expand(argument, apart, found):
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


def _expand(argument: str, apart: Sequence[_Apart], known: Mapping[str, Input]) -> Iterator[Input]:
    """The files that an argument names; `known` is what was said of them before."""
    path = to_location(argument)
    if isinstance(path, Url):
        yield from _expand_url(path, apart, known)
        return
    if not os.path.exists(argument):  # noqa: PTH110 - Path.exists raises for names that are too long
        if not glob.has_magic(argument):
            raise UsageError(f"{argument}: cannot be found; check the name")
        yield from _match_pattern(argument, apart)
    elif path.is_dir():
        yield from _list_folder(path, apart)
    elif path.suffix.lower() in LIST_SUFFIXES and path.is_file():
        yield from _read_list(path, known)
    else:
        yield Input(path)


def _expand_url(url: Url, apart: Sequence[_Apart], known: Mapping[str, Input]) -> Iterator[Input]:
    found = list_urls(url)
    if found is None:
        yield from _read_list(url, known) if url.suffix.lower() in LIST_SUFFIXES else [Input(url)]
        return
    base = Place.of(url)
    if is_pattern(url):
        base = base._replace(path="/".join(_fixed_parts(base.path.split("/"))))
    else:
        found = [item for item in found if item.suffix.lower() in SUFFIXES]
    passed = _find_passed(url, base, apart)
    if any(folder.is_in(base) or base.files is None for folder in passed):  # else none of them can be there
        found = [item for item in found if not _is_in_any(Place.of(item), passed)]
    if not found:
        raise UsageError(f"{url}: no report is there; check the address")
    yield from map(Input, found)


def _match_pattern(pattern: str, apart: Sequence[_Apart]) -> Iterator[Input]:
    base = Path(*_fixed_parts(Path(pattern).parts))
    passed = _find_passed(base, Place.of(base), apart)
    is_empty = True
    for match in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - takes absolute patterns, too
        path = Path(match)
        if _is_in_any(Place.of(path), passed):
            continue
        is_empty = False
        if not path.is_dir():
            yield Input(path)
    if is_empty:
        raise UsageError(f"{pattern}: no file matches; quote the pattern and check the folder")


def _fixed_parts(parts: Iterable[str]) -> Iterator[str]:
    """Of the folder that a pattern begins with."""
    return takewhile(lambda part: not glob.has_magic(part), parts)


def _find_passed(argument: Location, base: Place, apart: Sequence[_Apart]) -> list[Place]:
    """The folders of results that are passed over: those in which an argument does not lie itself.

    Raises:
        UsageError: it is one of them.
    """
    for place, what, option in apart:
        if base == place:
            raise UsageError(
                f"{argument}: is {what}, too: results would be read as reports; choose another with {option}"
            )
    return [place for place, *_ in apart if not base.is_in(place)]


def _is_in_any(place: Place, folders: Iterable[Place]) -> bool:
    return any(place.is_in(folder) for folder in folders)


def _list_folder(folder: Path, apart: Sequence[_Apart]) -> Iterator[Input]:
    """The files below a folder. Those behind links to folders come last, so that a folder that can be reached
    without has the name that it has there; each folder is looked through once."""

    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename}: cannot list the folder ({error.strerror})") from error

    base = Place.of(folder)
    passed = _find_passed(folder, base, apart)
    seen: set[Place] = set()
    linked = deque([(folder, base)])
    is_empty = True
    while linked:
        start, place = linked.popleft()
        if place in seen:
            continue
        seen.add(place)
        for name, subfolders, files in os.walk(start, onerror=refuse):
            here = Path(name)
            below = [(s, Place.of(here / s)) for s in sorted(subfolders) if not s.startswith(".")]
            below = [(s, place) for s, place in below if place not in seen and not _is_in_any(place, passed)]
            linked.extend((here / s, place) for s, place in below if (here / s).is_symlink())
            below = [(s, place) for s, place in below if not (here / s).is_symlink()]
            seen.update(place for _, place in below)
            subfolders[:] = [s for s, _ in below]
            for file in sorted(files):
                if not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES:
                    is_empty = False
                    yield Input(here / file)
    if is_empty:
        yield Input(folder)  # an input that cannot be read


def _read_list(path: Location, known: Mapping[str, Input]) -> Iterator[Input]:
    read = _read_csv if path.suffix.lower() == ".csv" else _read_parquet
    try:
        with fetched(path) as local:
            columns, rows = read(local)
    except OSError as error:
        raise UsageError(f"{path}: cannot read the list ({error.strerror or error})") from error
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path}: cannot read the list ({error}); write it as CSV in UTF-8") from error
    meanings = [_COLUMNS.get(column.strip().lower(), "") for column in columns]
    if "path" not in meanings:
        found = ", ".join(map(repr, columns)) or "none"
        raise UsageError(f"{path}: has no column `path`, but {found}; name the columns path, office, year")
    for name in ("path", "office", "year"):
        same = [repr(column) for column, meaning in zip(columns, meanings, strict=True) if meaning == name]
        if len(same) > 1:
            raise UsageError(f"{path}: the columns {' and '.join(same)} mean the same; keep one")
    for number, values in rows:
        if any(str(value).strip() for value in values[len(columns) :]):
            raise UsageError(
                f"{path}: row {number} has more fields than the header; put those with a comma in quotes"
            )
        row = dict(zip(meanings, values, strict=False))
        file = str(row.get("path") or "").strip()
        if not file:
            raise UsageError(f"{path}: row {number} names no file")
        office = str(row.get("office") or "").strip() or None
        item = Input(_from_list(path, file), office, _read_year(row.get("year"), path, number))
        before = known.get(_key(item.path))
        if before and (differences := find_differences(before, item.office, item.year)):
            one, other = next(iter(differences.values()))
            raise UsageError(f"{path}: row {number} says {other} of {file}, another row {one}; keep one")
        yield item


def find_differences(given: Input, office: str | None, year: int | None) -> dict[str, tuple[Any, Any]]:
    """What a list says of a file and something else says otherwise: both, by `office` and `year`."""
    found: dict[str, tuple[Any, Any]] = {}
    if given.office and office:
        one, other = office_key(given.office), office_key(office)
        if one not in other and other not in one:
            found["office"] = given.office, office
    if given.year and year and given.year != year:
        found["year"] = given.year, year
    return found


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
