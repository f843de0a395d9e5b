"""What the result of a document depends on beside its content.

Each kind of reading has settings of its own, so that other OCR models, say, leave what was read from text
dumps as it is. Not among them: the device (on a GPU the engine reads captions, too) and the number of
workers, which say where a report is read, and the risk to accept, by which results are decided anew without
reading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

from giar_ml import __version__
from giar_ml.acceptance import shipped_acceptance
from giar_ml.failures import hash_file
from giar_ml.models import READER_FILES, current_label_model

Reading = Literal["text", "digital", "scan"]
"""What was done to read a document: its tokens labelled; also its pages looked at; also OCR."""


def find_settings(options: Mapping[str, Any]) -> dict[Reading, str]:
    """The settings of each kind of reading as JSON.

    Args:
        options: of `giar_ml.pipeline.Extractor`.

    Raises:
        ModelError: there is no label model.
    """
    folder = options.get("label_model") or current_label_model()
    text = {"giar_ml": __version__, "label_model": _hash_files([folder / name for name in READER_FILES])}
    digital = {**text, "layout": _layout(options.get("layout", "rules"))}
    scan = {
        **digital,
        "engine": options.get("engine", "onnxruntime"),
        "ocr_models": _ocr_models(options.get("models")),
        **_small_models(),
        "acceptance": hash_file(shipped_acceptance()),
        "prose": options.get("prose", False),
    }
    by_reading = (text, digital, scan)
    return {
        reading: json.dumps(settings, sort_keys=True, ensure_ascii=False)
        for reading, settings in zip(get_args(Reading), by_reading, strict=True)
    }


def _layout(name: str) -> str:
    # A file may have another content tomorrow; weights that it names are not followed.
    return name if name == "rules" else hash_file(Path(name)) or name


def _ocr_models(folder: Path | None) -> str:
    # The embedded ones come with a package.
    return f"rapidocr {version('rapidocr')}" if folder is None else _hash_folder(folder)


def _small_models() -> dict[str, str]:
    from giar_ml.ocr.captions import shipped_caption_model
    from giar_ml.ocr.figures import shipped_figure_model

    folders = {"figures": shipped_figure_model(), "captions": shipped_caption_model()}
    return {
        name: _hash_files([folder / f"{name}.json", folder / "model.onnx"])
        for name, folder in folders.items()
    }


def _hash_folder(folder: Path) -> str:
    return _hash_files(sorted(path for path in folder.rglob("*") if path.is_file()))


def _hash_files(paths: list[Path]) -> str:
    parts = "".join(f"{path.name} {hash_file(path)}\n" for path in paths)
    return hashlib.sha256(parts.encode("utf-8", errors="backslashreplace")).hexdigest()
