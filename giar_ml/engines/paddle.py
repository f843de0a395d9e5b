"""PaddleOCR models, on ONNX Runtime with the weights that the rapidocr package brings."""

from __future__ import annotations

import importlib.util
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from giar_ml.engines.embedded import (
    DETECTION,
    LINE_HEIGHT_PX,
    RECOGNITION,
    cache_folder,
    embedded_folder,
)
from giar_ml.errors import EngineError, MissingSystemLibraryError
from giar_ml.ocr.batches import width_batches
from giar_ml.ocr.engine import FIGURE_ALPHABET, LOOKALIKES, Recognition

BACKENDS = ("onnxruntime", "paddle", "transformers")
WIDTH_STEP_PX = 32
MAX_WIDTH_PX = 3200
BATCH_PX = {"cpu": 384, "cuda": 3072}
"""Width of all crops of a batch together: what the layers of a small one hand on stays in a processor's
cache; of a large one the posteriors of 18,710 characters stay under 30 MiB."""
MAX_DETECTION_PX = 4000


class PaddleOcr:
    """PaddleOCR text detection and recognition, loaded when first used.

    Args:
        engine: the inference engine of PaddleOCR: `onnxruntime`, `paddle` or `transformers`. Only
            `onnxruntime` gives posteriors; of the others a figure has one reading, beside those of the reader
            of figures.
        model_folder: a folder with `det/` and `rec/` in PaddleOCR's format; None for the embedded weights.
        device: `auto` (a GPU if it can be used), `cpu` or `cuda:N`.
        threads: that a network runs on; 0 is one per core.

    Raises:
        EngineError: the device is not available, the folder is incomplete, the engine not installed.
        MissingSystemLibraryError: OpenCV cannot be loaded.
    """

    def __init__(
        self,
        *,
        engine: str = "onnxruntime",
        model_folder: Path | None = None,
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        if engine not in BACKENDS:
            raise EngineError(f"PaddleOCR has no engine {engine!r}; there are: {', '.join(BACKENDS)}.")
        _check_backend(engine)
        self._backend = engine
        self._threads = threads
        self._lock = threading.Lock()
        self._det_folder, self._rec_folder = _model_folders(model_folder, engine)
        self.device = _resolve_device(device, engine)
        self._detector: Any = None
        self._recognizer: Any = None
        if engine == "onnxruntime":
            self._session = _open_session(self._rec_folder / "inference.onnx", self.device, threads=threads)
            self.device = _session_device(self._session, requested=device)
            self._characters = _read_characters(self._rec_folder)
            self._figure_columns = _figure_columns(self._characters)

    def detect(self, image: np.ndarray) -> list[np.ndarray]:
        """Text lines of an (H, W, 3) RGB image at its own scale, as (4, 2) polygons, top to bottom."""
        bgr = np.ascontiguousarray(image[:, :, ::-1])
        # PaddleOCR's modules keep what they work on: one page after another.
        with self._lock:
            if self._detector is None:
                self._detector = self._load("TextDetection", self._det_folder)
            (result,) = self._detector.predict(
                bgr, limit_side_len=MAX_DETECTION_PX, limit_type="max", box_thresh=0.5, unclip_ratio=1.6
            )
        polygons = [np.asarray(polygon, np.float32).reshape(4, 2) for polygon in result["dt_polys"]]
        return sorted(polygons, key=lambda polygon: (polygon[:, 1].mean(), polygon[:, 0].min()))

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        """The text of each (h, w, 3) RGB crop of one horizontal line, with figure posteriors."""
        if not crops:
            return []
        if self._backend != "onnxruntime":
            return self._recognize_by_predictor(crops)
        found: dict[int, Recognition] = {}
        widths = [_scaled_width(crop) for crop in crops]
        batch_px = BATCH_PX[self.device.partition(":")[0]]
        for width, indices in width_batches(widths, step_px=WIDTH_STEP_PX, batch_px=batch_px):
            batch = np.zeros((len(indices), 3, LINE_HEIGHT_PX, width), np.float32)
            for row, index in enumerate(indices):
                _write_input(batch[row], crops[index])
            (posteriors,) = self._session.run(None, {self._session.get_inputs()[0].name: batch})
            best = posteriors.argmax(axis=2)
            for row, index in enumerate(indices):
                found[index] = self._decode(posteriors[row], best[row])
        return [found[index] for index in range(len(crops))]

    def _decode(self, posteriors: np.ndarray, best: np.ndarray) -> Recognition:
        is_new = np.concatenate(([True], best[1:] != best[:-1])) & (best != 0)
        frames = np.flatnonzero(is_new)
        text = "".join(self._characters[best[frame]] for frame in frames)
        score = float(posteriors[frames, best[frames]].mean()) if frames.size else 0.0
        figures = np.stack([posteriors[:, columns].sum(axis=1) for columns in self._figure_columns], axis=1)
        return Recognition(text, score, np.log(np.maximum(figures, 1e-30)))

    def _recognize_by_predictor(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        images = [np.ascontiguousarray(crop[:, :, ::-1]) for crop in crops]
        with self._lock:
            if self._recognizer is None:
                self._recognizer = self._load("TextRecognition", self._rec_folder)
            results = list(self._recognizer.predict(images, batch_size=8))
        return [Recognition(result["rec_text"], float(result["rec_score"])) for result in results]

    def _load(self, name: str, folder: Path) -> Any:
        """A module of PaddleOCR; its import takes seconds, so only scans with text outside cells pay it."""
        paddleocr = _import_paddleocr()
        options: dict[str, Any] = {}
        if self._backend == "onnxruntime":
            options["engine_config"] = {
                "intra_op_num_threads": self._threads,
                "log_severity_level": 3,
                # No two pages have one size, and what is kept for each size adds up.
                "enable_mem_pattern": False,
            }
        try:
            return getattr(paddleocr, name)(
                model_name=_model_name(folder),
                model_dir=str(folder),
                engine=self._backend,
                device=self.device.replace("cuda", "gpu"),
                **options,
            )
        except (RuntimeError, ValueError, OSError, ImportError) as error:
            raise EngineError(
                f"PaddleOCR cannot load {folder} with engine {self._backend}: {error}"
            ) from error


def _check_backend(engine: str) -> None:
    modules = {"onnxruntime": "onnxruntime", "paddle": "paddle", "transformers": "transformers"}
    if importlib.util.find_spec(modules[engine]) is None:
        package = "paddlepaddle" if engine == "paddle" else engine
        raise EngineError(f"OCR engine {engine!r} needs the package {package}: pip install {package}.")


def _import_paddleocr() -> Any:
    # Without this PaddleX asks its model hosts whether they can be reached.
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")
    _check_opencv()
    import paddleocr

    for name in ("paddleocr", "paddlex", "ppocr"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return paddleocr


def _check_opencv() -> None:
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise MissingSystemLibraryError(
            f"OpenCV cannot be loaded ({error}). Install its system libraries: "
            "apt-get install libgl1 libglib2.0-0"
        ) from error


def _resolve_device(device: str, engine: str) -> str:
    """The device to load on; for ONNX Runtime what comes of it is checked after loading."""
    if device == "cpu":
        return "cpu"
    if device != "auto" and not (device.startswith("cuda:") and device[5:].isdigit()):
        raise EngineError(f"Device {device!r} is none of auto, cpu, cuda:0, cuda:1, ...")
    if _has_cuda(engine):
        return "cuda:0" if device == "auto" else device
    if device == "auto":
        return "cpu"
    raise EngineError(
        f"Device {device} cannot be used: {engine} has no CUDA support here"
        + (" (pip install onnxruntime-gpu)." if engine == "onnxruntime" else ".")
    )


def _has_cuda(engine: str) -> bool:
    if engine == "onnxruntime":
        import onnxruntime

        return "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if engine == "paddle":
        import paddle  # type: ignore[import-not-found, unused-ignore]

        return bool(paddle.device.is_compiled_with_cuda() and paddle.device.cuda.device_count())
    import torch

    return torch.cuda.is_available()


def _open_session(model: Path, device: str, *, threads: int = 0) -> Any:
    _check_opencv()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait for work take the cores from other pages.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # What an arena has taken for the widest batch it never gives back.
    options.enable_cpu_mem_arena = False
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.startswith("cuda"):
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(device[5:])}))
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=providers)
    # ONNX Runtime's own exceptions derive from Exception directly.
    except Exception as error:
        raise EngineError(f"{model} cannot be loaded by ONNX Runtime: {error}") from error


def _session_device(session: Any, *, requested: str) -> str:
    """The device that the session really runs on: ONNX Runtime falls back with a log line only."""
    if session.get_providers()[0] != "CUDAExecutionProvider":
        if requested.startswith("cuda"):
            raise EngineError(f"Device {requested} cannot be used: ONNX Runtime fell back to the CPU.")
        return "cpu"
    options = session.get_provider_options()["CUDAExecutionProvider"]
    return f"cuda:{options.get('device_id', '0')}"


def _model_folders(folder: Path | None, engine: str) -> tuple[Path, Path]:
    if folder is None:
        if engine != "onnxruntime":
            raise EngineError(
                f"OCR engine {engine!r} needs a folder with det/ and rec/; the embedded weights are ONNX."
            )
        cache = cache_folder()
        return embedded_folder(cache, DETECTION), embedded_folder(cache, RECOGNITION)
    folders = Path(folder) / "det", Path(folder) / "rec"
    for path in folders:
        if not (path / "inference.yml").is_file():
            raise EngineError(f"{path} is no PaddleOCR model: it has no inference.yml.")
        if engine == "onnxruntime" and not (path / "inference.onnx").is_file():
            raise EngineError(f"{path} has no inference.onnx, which engine onnxruntime needs.")
    return folders


def _model_name(folder: Path) -> str:
    config = yaml.load((folder / "inference.yml").read_text(encoding="utf-8"), Loader=_YamlLoader)
    return str(config["Global"]["model_name"])


def _read_characters(folder: Path) -> list[str]:
    """The model's characters by column: blank, dictionary, space."""
    config = yaml.load((folder / "inference.yml").read_text(encoding="utf-8"), Loader=_YamlLoader)
    return ["", *map(str, config["PostProcess"]["character_dict"]), " "]


_YamlLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The dictionary has 18,708 lines: the C parser takes 0.2 s, the Python one 3 s."""


def _figure_columns(characters: Sequence[str]) -> list[np.ndarray]:
    """For each character of the figure alphabet, the columns that stand for it."""
    columns: dict[str, list[int]] = {character: [] for character in FIGURE_ALPHABET}
    for column, character in enumerate(characters):
        figure = LOOKALIKES.get(character, character)
        # Only column 0 is the blank; a dictionary may hold an empty line.
        if figure in columns and (character or column == 0):
            columns[figure].append(column)
    return [np.array(columns[character], np.intp) for character in FIGURE_ALPHABET]


def _scaled_width(crop: np.ndarray) -> int:
    height, width = crop.shape[:2]
    return min(MAX_WIDTH_PX, max(8, round(width * LINE_HEIGHT_PX / height)))


def _write_input(target: np.ndarray, crop: np.ndarray) -> None:
    """Scale the crop into (3, 48, width): BGR, -1..1, zeros on the right."""
    import cv2

    width = min(target.shape[2], _scaled_width(crop))
    resized = cv2.resize(np.ascontiguousarray(crop), (width, LINE_HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    target[:, :, :width] = resized[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / 127.5 - 1
