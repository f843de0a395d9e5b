"""Small CTC networks on the processor: how they are loaded, and run on crops of one height."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from giar_ml.errors import EngineError
from giar_ml.ocr.batches import width_batches

STRIDE_PX = 4
"""Columns of a crop per frame of its posteriors."""
STEP_PX = 16
WEIGHTS = "model.onnx"


def load_network(
    folder: Path,
    settings_name: str,
    wanted: Mapping[str, object],
    *,
    what: str,
    command: str,
    n_threads: int = 1,
) -> tuple[Any, dict[str, Any]]:
    """The session of a network and its settings.

    Args:
        settings_name: the JSON file with its `alphabet` and what its crops are.
        wanted: settings that it must have.
        what: it reads, for messages.
        command: makes one.
        n_threads: for so small a model more than one is slower; 0 for as many as there are cores.

    Raises:
        EngineError: no such model is there, or it is damaged.
    """
    import onnxruntime

    for name in (settings_name, WEIGHTS):
        if not (folder / name).is_file():
            raise EngineError(f"{folder}: no model of {what}, {name} is not in it; `{command}` makes one")
    try:
        settings = json.loads((folder / settings_name).read_text(encoding="utf-8"))
        for name, value in wanted.items():
            if settings[name] != value:
                raise ValueError(f"{name} in {settings_name} is {settings[name]!r}, not {value!r}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            str(folder / WEIGHTS), options, providers=["CPUExecutionProvider"]
        )
        if session.get_outputs()[0].shape[-1] != len(settings["alphabet"]):
            raise ValueError(f"{WEIGHTS} has another alphabet than {settings_name}")
    except Exception as error:  # ONNX Runtime raises bare exceptions for damaged files
        raise EngineError(f"{folder}: the model of {what} cannot be loaded ({error})") from error
    return session, settings


def run_network(session: Any, crops: Sequence[np.ndarray], *, batch_px: int) -> list[np.ndarray]:
    """CTC log posteriors for each (H, W) uint8 crop, 255 is paper: (T, L) float32, T is W / `STRIDE_PX`."""
    found: dict[int, np.ndarray] = {}
    widths = [crop.shape[1] for crop in crops]
    for width, indices in width_batches(widths, step_px=STEP_PX, batch_px=batch_px):
        batch = np.zeros((len(indices), 1, len(crops[indices[0]]), width), np.float32)
        for row, index in enumerate(indices):
            batch[row, 0, :, : widths[index]] = 1 - crops[index].astype(np.float32) / 255
        (log_probs,) = session.run(None, {"crops": batch})
        for row, index in enumerate(indices):
            found[index] = log_probs[row, : -(-widths[index] // STRIDE_PX)]
    return [found[index] for index in range(len(crops))]
