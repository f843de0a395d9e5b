"""Gold and page pictures -> the files that tools for annotating pictures open."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from giar_ml.annotations import label_studio, ppocrlabel, pubtabnet, xfund
from giar_ml.annotations.drafts import parse_json, read_text
from giar_ml.annotations.gold import Gold
from giar_ml.annotations.pages import Pictured, pictured_pages
from giar_ml.errors import UsageError
from giar_ml.label.names import label_names


def export_golds(golds: Sequence[tuple[Gold, Sequence[Path]]], folder: Path, format: str) -> Path:
    """Write gold in the format of a tool into `folder`; names of pictures are relative to it.

    `ppocrlabel` writes beside the pictures instead, which must stand in one folder: the one to open.
    `label_studio` expects `folder` to be Label Studio's local document root. `pubtabnet` cuts every table
    out into `folder/tables/`.

    Args:
        golds: each document with the pictures of its pages in order, as large as the gold says.
        format: a name of `FORMATS`.

    Returns:
        The file that holds the labels.

    Raises:
        UsageError: an unknown format, or pictures in several folders for PPOCRLabel.
        ValueError: pictures that do not fit the pages in number or size.
        OSError: a picture cannot be read or a file not written.
    """
    if format not in FORMATS:
        raise UsageError(f"no annotation format {format!r}; there are {', '.join(FORMATS)}")
    return FORMATS[format](_name_pictures(golds, folder), folder)


def export_predictions(
    golds: Sequence[tuple[Gold, Sequence[Path]]], folder: Path, format: str, *, model_version: str
) -> Path:
    """Write what a model sees for a person to correct: as `export_golds`, but nothing is confirmed.

    For `ppocrlabel` the labels are in Label.txt and in the tool's cache, and fileState.txt is empty. For
    `label_studio` they are predictions; the configuration offers every label there is.

    Args:
        format: a name of `PREDICTION_FORMATS`.

    Raises:
        UsageError, ValueError, OSError: as `export_golds`.
    """
    if format not in PREDICTION_FORMATS:
        raise UsageError(f"no format {format!r} to correct in; there are {', '.join(PREDICTION_FORMATS)}")
    return PREDICTION_FORMATS[format](_name_pictures(golds, folder), folder, model_version)


def exported_pictures(folder: Path, format: str) -> list[Path]:
    """The pictures that an earlier export into the folder names; none where it cannot be read.

    Args:
        format: a name of `PREDICTION_FORMATS`.
    """
    try:
        if format == "ppocrlabel":
            lines = read_text(folder / ppocrlabel.LABEL_FILE).split("\n")
            return [folder / PurePosixPath(line.partition("\t")[0]).name for line in lines]
        tasks = parse_json(read_text(folder / "label_studio.json"))
        return [folder / label_studio.picture_names(task["data"]["ocr"])[0] for task in tasks]
    except (LookupError, TypeError, ValueError, AttributeError):  # the file is not there, or of another shape
        return []


def _name_pictures(golds: Sequence[tuple[Gold, Sequence[Path]]], folder: Path) -> list[Pictured]:
    folder.mkdir(parents=True, exist_ok=True)
    documents: list[Pictured] = [(gold, [_relative(path, folder) for path in paths]) for gold, paths in golds]
    for page in pictured_pages(documents):
        with Image.open(folder / page.image) as picture:
            if picture.size != (round(page.page.width), round(page.page.height)):
                raise ValueError(f"{page.image}: {picture.size} pixels, not as large as its gold says")
    return documents


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _write_ppocrlabel(documents: Sequence[Pictured], folder: Path) -> Path:
    opened, named = _opened_folder(documents, folder)
    _write_text(opened / ppocrlabel.STATE_FILE, ppocrlabel.write_states(named))
    return _write_text(opened / ppocrlabel.LABEL_FILE, ppocrlabel.write(named))


def _predict_ppocrlabel(documents: Sequence[Pictured], folder: Path, model_version: str) -> Path:
    opened, named = _opened_folder(documents, folder)
    _write_text(opened / ppocrlabel.STATE_FILE, "")
    labels = ppocrlabel.write(named)
    _write_text(opened / ppocrlabel.CACHE_FILE, labels)
    return _write_text(opened / ppocrlabel.LABEL_FILE, labels)


def _opened_folder(documents: Sequence[Pictured], folder: Path) -> tuple[Path, list[Pictured]]:
    """The folder that PPOCRLabel opens, and the documents with pictures named as it does."""
    parents = {(folder / image).resolve().parent for _, images in documents for image in images}
    if len(parents) > 1:
        raise UsageError("PPOCRLabel opens one folder: put all page pictures into one")
    opened = parents.pop() if parents else folder
    return opened, [
        (gold, [f"{opened.name}/{Path(image).name}" for image in images]) for gold, images in documents
    ]


def _write_label_studio(documents: Sequence[Pictured], folder: Path) -> Path:
    _write_text(folder / "label_studio.xml", label_studio.labelling_config(documents))
    return _write_json(folder / "label_studio.json", label_studio.write(documents))


def _predict_label_studio(documents: Sequence[Pictured], folder: Path, model_version: str) -> Path:
    config = label_studio.labelling_config(documents, labels=label_names())
    _write_text(folder / "label_studio.xml", config)
    tasks = label_studio.write(documents, model_version=model_version)
    return _write_json(folder / "label_studio.json", tasks)


def _write_xfund(documents: Sequence[Pictured], folder: Path) -> Path:
    return _write_json(folder / "xfund.json", xfund.write(documents))


def _write_pubtabnet(documents: Sequence[Pictured], folder: Path) -> Path:
    records = pubtabnet.write(documents)
    for record in records:
        target = folder / record["filename"]
        target.parent.mkdir(exist_ok=True)
        with Image.open(folder / record["page"]) as picture:
            picture.crop(record["crop"]).save(target)
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    return _write_text(folder / "pubtabnet.jsonl", "".join(lines))


def _write_json(path: Path, data: Any) -> Path:
    return _write_text(path, json.dumps(data, ensure_ascii=False, indent=1) + "\n")


def _write_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


FORMATS: dict[str, Callable[[Sequence[Pictured], Path], Path]] = {
    "ppocrlabel": _write_ppocrlabel,
    "label_studio": _write_label_studio,
    "xfund": _write_xfund,
    "pubtabnet": _write_pubtabnet,
}

PREDICTION_FORMATS: dict[str, Callable[[Sequence[Pictured], Path, str], Path]] = {
    "ppocrlabel": _predict_ppocrlabel,
    "label_studio": _predict_label_studio,
}
