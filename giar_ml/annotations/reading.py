"""Files and folders of annotation tools -> checked gold, or one error that lists what is wrong where.

| source | what is read |
|---|---|
| a folder with Label.txt, or that file | PPOCRLabel: the pictures that fileState.txt confirms |
| a JSON file: a list of tasks, or one | Label Studio: annotations that were not cancelled |
| a JSON file with `documents`, `document` or `form` | XFUND, FUNSD |
| `*.gold.json`, or a folder with some | what `giar` wrote, corrected; not if its origin says unconfirmed |
| another folder | every JSON file in it |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from giar_ml.annotations import label_studio, ppocrlabel, xfund
from giar_ml.annotations.checking import Annotated, check_draft, check_gold
from giar_ml.annotations.drafts import Draft, UnreadableFileError, parse_json, read_text
from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.errors import InputError, UsageError

BAD_ANNOTATIONS = "bad_annotations"
MAX_LISTED = 20
"""So many problems are listed; the rest are counted."""


@dataclass(frozen=True)
class Skipped:
    """A document that was left out, and why."""

    where: str
    name: str
    reason: str


@dataclass(frozen=True)
class Imported:
    golds: tuple[Annotated, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class _Read:
    """One document of a source: its gold, or why it is left out, or what is wrong with it."""

    where: str
    name: str
    annotated: Annotated | None = None
    skip: str | None = None
    faults: tuple[str, ...] = ()


def read_annotations(
    sources: Iterable[Path], *, images: Sequence[Path] = (), skip_bad: bool = False
) -> Imported:
    """The gold of every confirmed document of the sources, in order.

    Args:
        images: more folders that pictures may lie in.
        skip_bad: leave out documents with something wrong.

    Raises:
        UsageError: a source is not there, or holds no annotations.
        InputError: something is wrong and `skip_bad` is not set; the message lists up to `MAX_LISTED`
            problems with file and line, a line each. Its code is `bad_annotations`.
    """
    read = list(_refuse_duplicates(item for source in sources for item in _read_source(source, images)))
    bad = [item for item in read if item.faults]
    if bad and not skip_bad:
        raise _list_problems(bad, n_documents=len(read))
    skipped = [
        Skipped(item.where, item.name, item.skip or _say_bad(item.faults))
        for item in read
        if not item.annotated
    ]
    return Imported(tuple(item.annotated for item in read if item.annotated), tuple(skipped))


def _list_problems(bad: Sequence[_Read], *, n_documents: int) -> InputError:
    problems = [f"{item.where}: {fault}" for item in bad for fault in item.faults]
    n_more = len(problems) - MAX_LISTED
    lines = [
        f"{_count(len(problems), 'problem')} in {len(bad)} of {_count(n_documents, 'document')};"
        " correct them in the tool, or leave these documents out with --skip-bad",
        *problems[:MAX_LISTED],
        *([f"and {_count(n_more, 'problem')} more"] if n_more > 0 else []),
    ]
    return InputError("\n".join(lines), code=BAD_ANNOTATIONS)


def _say_bad(faults: Sequence[str]) -> str:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"bad: {faults[0]}{more}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")


def _refuse_duplicates(items: Iterable[_Read]) -> Iterator[_Read]:
    first: dict[str, Annotated] = {}
    for item in items:
        if item.annotated:
            known = first.setdefault(item.annotated.gold.sha256, item.annotated)
            if known.path != item.annotated.path and known.gold.tokens == item.annotated.gold.tokens:
                item = _Read(item.where, item.name, skip=f"the same document as at {known.where}")
            elif known is not item.annotated:
                fault = f"{item.name} is annotated twice: the same document is at {known.where}"
                item = _Read(item.where, item.name, faults=(fault,))
        yield item


# Sources


def _read_source(source: Path, images: Sequence[Path]) -> Iterator[_Read]:
    if source.is_file():
        if source.name == ppocrlabel.LABEL_FILE:
            yield from _read_file(source.parent, source, images)
        else:
            yield from _read_file(source, source, images)
        return
    if not source.is_dir():
        raise UsageError(f"{source}: no such file or folder")
    if (source / ppocrlabel.LABEL_FILE).is_file():
        yield from _read_file(source, source / ppocrlabel.LABEL_FILE, images)
        return
    paths = sorted(source.rglob(f"*{SUFFIX}")) or sorted(source.glob("*.json"))
    if not paths:
        raise UsageError(
            f"{source}: no annotations in it; give a folder with {ppocrlabel.LABEL_FILE} or *{SUFFIX}, or a"
            " JSON file of Label Studio or XFUND"
        )
    for path in paths:
        yield from _read_file(path, path, images)


def _read_file(source: Path, path: Path, images: Sequence[Path]) -> Iterator[_Read]:
    """What a file says, or what is wrong with the whole of it; `source` is its folder for PPOCRLabel."""
    if path.name.endswith(SUFFIX):
        yield _read_gold(path)
        return
    try:
        drafts = _read_drafts(source, path, images)
    except UnreadableFileError as error:
        where = f"{error.path or path}:{error.line}" if error.line else str(error.path or path)
        yield _Read(where, path.name, faults=(str(error),))
        return
    for draft in drafts:
        if draft.skip:
            yield _Read(draft.where, draft.name, skip=draft.skip)
            continue
        annotated, faults = check_draft(draft)
        if annotated and not annotated.gold.tokens:
            yield _Read(draft.where, draft.name, skip="annotated, but without tokens")
            continue
        yield _Read(draft.where, draft.name, annotated, faults=tuple(faults))


def _read_drafts(source: Path, path: Path, images: Sequence[Path]) -> list[Draft]:
    if source.is_dir():
        return ppocrlabel.read_folder(source, images=images)
    data = parse_json(read_text(path))
    if isinstance(data, list):
        return label_studio.read_tasks(data, path, images=images)
    if _is_task(data):
        return label_studio.read_tasks([data], path, images=images)
    if isinstance(data, Mapping) and ("documents" in data or "document" in data or "form" in data):
        return xfund.read_documents(data, path, images=images)
    raise UnreadableFileError("neither an export of Label Studio nor a file in the shape of XFUND")


def _is_task(data: Any) -> bool:
    return isinstance(data, Mapping) and "data" in data and ("annotations" in data or "predictions" in data)


def _read_gold(path: Path) -> _Read:
    name = path.name.removesuffix(SUFFIX)
    try:
        parse_json(read_text(path))
        gold = Gold.read(path)
        if gold.origin.get("confirmed") is False:
            return _Read(str(path), name, skip="not confirmed in its origin")
        annotated, faults = check_gold(gold, path)
    except UnreadableFileError as error:
        return _Read(f"{path}:{error.line}" if error.line else str(path), name, faults=(str(error),))
    except InputError as error:
        return _Read(str(path), name, faults=(str(error).removeprefix(f"{path}: "),))
    except (TypeError, ValueError, AttributeError) as error:  # text where a number should be, and the like
        return _Read(str(path), name, faults=(f"not a gold file ({error})",))
    return _Read(str(path), name, annotated, faults=tuple(faults))
