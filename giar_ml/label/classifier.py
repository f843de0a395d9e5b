"""The trained token classifier: ONNX Runtime on a processor, torch on a GPU."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from giar_ml.document import Labels
from giar_ml.errors import GiarError
from giar_ml.label.cells import pool_cells
from giar_ml.label.encode import ENCODING, Encoder, Window, pad_windows, token_log_probs
from giar_ml.label.frame import Placed
from giar_ml.models import ModelError, current_label_model

_LEAST = 1e-4
"""Smaller probabilities are left out."""

Run = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""input_ids (B, S), bbox (B, S, 4), attention_mask (B, S) to logits (B, S, L), which mean nothing where the
mask is 0."""


@dataclass(frozen=True)
class Classifier:
    """Labels tokens with a model; see `load_classifier`.

    Args:
        labels: names of the L outputs.
        batch: windows that are run together.
    """

    encoder: Encoder
    run: Run
    labels: tuple[str, ...]
    temperature: float
    device: str
    batch: int

    def label_pages(self, pages: Sequence[Sequence[Placed]]) -> list[list[Labels]]:
        """As `giar_ml.label.PageLabeller` says; the mappings begin with the most probable label."""
        return [
            self._to_labels(pool_cells(log_probs, [token.cell for token in page]))
            for page, log_probs in zip(pages, self.log_probs(pages), strict=True)
        ]

    def log_probs(self, pages: Sequence[Sequence[Placed]]) -> list[np.ndarray]:
        """Per page (N, L) log-probabilities of its tokens, each for itself."""
        windows = [self.encoder.encode(page) for page in pages]
        flat = [(i, k) for i, found in enumerate(windows) for k in range(len(found))]
        flat.sort(key=lambda ik: len(windows[ik[0]][ik[1]].ids))
        logits: list[list[np.ndarray]] = [[np.empty(0)] * len(found) for found in windows]
        for start in range(0, len(flat), self.batch):
            part = flat[start : start + self.batch]
            scores = self._run_batch([windows[i][k] for i, k in part])
            for row, (i, k) in enumerate(part):
                logits[i][k] = scores[row]
        return [
            token_log_probs(len(page), found, scores)
            for page, found, scores in zip(pages, windows, logits, strict=True)
        ]

    def _run_batch(self, windows: Sequence[Window]) -> np.ndarray:
        return self.run(*pad_windows(windows, self.encoder.pad)) / self.temperature

    def _to_labels(self, log_probs: np.ndarray) -> list[Labels]:
        probabilities = np.exp(log_probs)
        found: list[Labels] = [{} for _ in probabilities]
        tokens, labels = np.nonzero(probabilities >= _LEAST)
        kept = probabilities[tokens, labels]
        order = np.lexsort((labels, -kept, tokens))
        for token, label, p in zip(
            tokens[order].tolist(), labels[order].tolist(), kept[order].tolist(), strict=True
        ):
            found[token][self.labels[label]] = p
        return found


def load_classifier(folder: Path | None = None, *, device: str = "cpu", threads: int = 0) -> Classifier:
    """The classifier in a model folder.

    Args:
        folder: None for the one in use, see `giar_ml.models`.
        device: `auto` and `cpu` run ONNX Runtime without importing torch, `cuda:N` runs torch. Where torch
            has no such GPU a warning says so and ONNX Runtime is used: OCR may have one all the same.
        threads: that ONNX Runtime runs on; 0 is one per core. The labels do not depend on it.

    Raises:
        ModelError: no model is there, or it is damaged.
    """
    folder = folder or current_label_model()
    try:
        settings = json.loads((folder / "label.json").read_text(encoding="utf-8"))
        if (encoding := settings.get("encoding", 1)) != ENCODING:
            raise ModelError(
                f"{folder}: was trained on tokens written otherwise ({encoding}, not {ENCODING}); train it"
                " anew with `giar train`, or go back with `giar models use shipped`"
            )
        encoder = Encoder.load(folder, size=settings["window"])
        on_gpu = device.startswith("cuda")
        if on_gpu and (problem := _cuda_problem(device)):
            warnings.warn(f"tokens are labelled on the processor: {problem}", stacklevel=2)
            on_gpu = False
        return Classifier(
            encoder,
            _load_torch(folder, device)
            if on_gpu
            else load_onnx(folder / "model.onnx", len(settings["labels"]), threads=threads),
            tuple(settings["labels"]),
            settings["temperature"],
            device if on_gpu else "cpu",
            batch=32 if on_gpu else 1,
        )
    except GiarError:
        raise
    except Exception as error:  # the libraries raise bare exceptions for damaged files
        raise ModelError(
            f"{folder}: the model of labels cannot be loaded ({error});"
            " `giar train` makes one, `giar models use shipped` goes back to that of the project"
        ) from error


def load_onnx(path: Path, n_labels: int, *, threads: int = 0) -> Run:
    """Weights for ONNX Runtime, on `threads` threads; 0 is one per core. It is given one window at a time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    if session.get_outputs()[0].shape[-1] != n_labels:
        raise ValueError(f"label.json names {n_labels} labels, the weights have others")

    # Models made before have a mask.
    masked = "attention_mask" in {given.name for given in session.get_inputs()}

    def run(ids: np.ndarray, bbox: np.ndarray, mask: np.ndarray) -> np.ndarray:
        logits = np.zeros((*ids.shape, n_labels), np.float32)
        for k, n in enumerate(mask.sum(axis=1).tolist()):
            window = {"input_ids": ids[k : k + 1, :n], "bbox": bbox[k : k + 1, :n]}
            if masked:
                window["attention_mask"] = mask[k : k + 1, :n]
            [logits[k : k + 1, :n]] = session.run(None, window)
        return logits

    return run


def _cuda_problem(device: str) -> str | None:
    """Why torch cannot run on a device; None if it can."""
    if not find_spec("torch") or not find_spec("transformers"):
        return "torch and transformers are not installed: pip install 'giar-ml[train]'"
    import torch

    index = int(device.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        return f"this torch finds {torch.cuda.device_count()} GPUs, and {device} is asked for"
    return None


def _load_torch(folder: Path, device: str) -> Run:
    import torch
    from transformers import LiltForTokenClassification

    model: Any = LiltForTokenClassification.from_pretrained(folder, local_files_only=True)
    model = model.float().to(device).eval()

    def run(ids: np.ndarray, bbox: np.ndarray, mask: np.ndarray) -> np.ndarray:
        tensors = [torch.from_numpy(array).to(device) for array in (ids, bbox, mask)]
        with torch.inference_mode():
            logits = model(input_ids=tensors[0], bbox=tensors[1], attention_mask=tensors[2]).logits
        return np.asarray(logits.float().cpu().numpy())

    return run
