"""The OCR weights that the rapidocr package brings, as folders in PaddleOCR's format."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from giar_ml.errors import EngineError

if TYPE_CHECKING:
    import onnx

DETECTION, RECOGNITION = "PP-OCRv6_small_det", "PP-OCRv6_small_rec"
EMBEDDED = {DETECTION: "PP-OCRv6_det_small.onnx", RECOGNITION: "PP-OCRv6_rec_small.onnx"}
CACHE_ENV = "GIAR_CACHE"

LINE_HEIGHT_PX = 48
LEAST_WEIGHT = 1e-30
"""Weights nearer to 0 become 0. Many are so small that a float holds them without its leading bit (denormal),
and some processors reckon a hundred times slower with these: a quarter and two thirds of two layers of the
detector are such, which took three quarters of its time. Beside other products theirs is lost to rounding."""


def cache_folder() -> Path:
    if os.environ.get(CACHE_ENV):
        return Path(os.environ[CACHE_ENV])
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "giar_ml"


def embedded_folder(cache: Path, name: str, *, as_shipped: bool = False) -> Path:
    """A folder in PaddleOCR's format around weights of the rapidocr package, made once.

    Args:
        cache: the folder it is made in.
        name: `DETECTION` or `RECOGNITION`.
        as_shipped: leave the weights as they are, see `LEAST_WEIGHT`.

    Raises:
        EngineError: the weights are missing or damaged, or the cache cannot be written.
    """
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise EngineError("The embedded OCR weights are missing: pip install rapidocr.")
    weights = Path(spec.origin).parent / "models" / EMBEDDED[name]
    if not weights.is_file():
        raise EngineError(f"The embedded OCR weights are missing: {weights}. Reinstall rapidocr.")
    # The size tells the weights of one release from those of another.
    folder = cache / f"{name}-{weights.stat().st_size}{'' if as_shipped else '-flushed'}"
    if (folder / "inference.onnx").is_file():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache))
    except OSError as error:
        raise EngineError(
            f"{cache} cannot be written ({error}): set {CACHE_ENV} to another folder."
        ) from error
    try:
        _write_model(weights, name, scratch, as_shipped=as_shipped)
        scratch.chmod(0o755)
        # Whoever is first wins; a folder that exists already is as good as this one.
        try:
            scratch.rename(folder)
        except OSError:
            if not (folder / "inference.onnx").is_file():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _write_model(weights: Path, name: str, folder: Path, *, as_shipped: bool) -> None:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(weights))
    except DecodeError as error:
        raise EngineError(
            f"The embedded OCR weights are damaged: {weights} ({error}). Reinstall rapidocr."
        ) from error
    if as_shipped:
        shutil.copyfile(weights, folder / "inference.onnx")
    else:
        flush_weights(model)
        onnx.save(model, str(folder / "inference.onnx"))
    config = _detection_config() if name == DETECTION else _recognition_config(model)
    (folder / "inference.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")


def flush_weights(model: onnx.ModelProto) -> int:
    """Set the float32 weights nearer to 0 than `LEAST_WEIGHT` to 0; returns how many these were."""
    from onnx import TensorProto, numpy_helper

    n_flushed = 0
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            is_flushed = (np.abs(values) < LEAST_WEIGHT) & (values != 0)
            if is_flushed.any():
                n_flushed += int(is_flushed.sum())
                kept = np.where(is_flushed, np.float32(0), values)
                tensor.CopyFrom(numpy_helper.from_array(kept, tensor.name))
    return n_flushed


def _detection_config() -> dict[str, Any]:
    return {
        "Global": {"model_name": DETECTION},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"DetResizeForTest": {"limit_side_len": 960, "limit_type": "max"}},
                {
                    "NormalizeImage": {
                        "mean": [0.485, 0.456, 0.406],
                        "std": [0.229, 0.224, 0.225],
                        "scale": 1 / 255,
                        "order": "hwc",
                    }
                },
                {"ToCHWImage": None},
                {"KeepKeys": {"keep_keys": ["image", "shape"]}},
            ]
        },
        "PostProcess": {
            "name": "DBPostProcess",
            "thresh": 0.3,
            "box_thresh": 0.6,
            "max_candidates": 1000,
            "unclip_ratio": 1.5,
        },
    }


def _recognition_config(model: onnx.ModelProto) -> dict[str, Any]:
    (characters,) = (prop.value for prop in model.metadata_props if prop.key == "character")
    return {
        "Global": {"model_name": RECOGNITION},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"RecResizeImg": {"image_shape": [3, LINE_HEIGHT_PX, 320]}},
                {"KeepKeys": {"keep_keys": ["image"]}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": [c for c in characters.split("\n") if c]},
    }
