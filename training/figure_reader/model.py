"""A small convolutional network with CTC posteriors, and how it is stored."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from giar_ml.ocr.engine import FIGURE_ALPHABET
from giar_ml.ocr.figures import HEIGHT_PX
from training.figure_reader.config import ModelConfig

MAX_GAP = 1e-3
"""Largest difference of a log posterior between torch and ONNX."""
_OPSET = 17


class FigureNet(nn.Module):
    """Crops (N, 1, 32, W) of ink, 0 to 1 -> log posteriors of an alphabet of L characters, (N, W / 4, L)."""

    temperature: torch.Tensor

    def __init__(self, size: ModelConfig, n_characters: int = len(FIGURE_ALPHABET)) -> None:
        super().__init__()
        narrow, middle, wide, frames = size.narrow, size.middle, size.wide, size.frames
        self.stages = nn.Sequential(
            _conv(1, narrow, stride=(2, 2)),
            _conv(narrow, narrow),
            _conv(narrow, middle, stride=(2, 2)),
            _conv(middle, middle),
            _conv(middle, wide, stride=(2, 1)),
            _conv(wide, wide),
        )
        self.columns = _conv(wide, frames, kernel=(HEIGHT_PX // 8, 1), padding=(0, 0))
        self.context = nn.ModuleList([_conv(frames, frames, kernel=(1, 3), padding=(0, 1)) for _ in range(2)])
        self.dropout = nn.Dropout(size.dropout)
        self.head = nn.Linear(frames, n_characters)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        x = self.columns(self.stages(crops))
        for layer in self.context:
            x = x + layer(x)
        logits = self.head(self.dropout(x.squeeze(2).transpose(1, 2)))
        return (logits.float() / self.temperature).log_softmax(dim=-1)


def _conv(
    n_in: int,
    n_out: int,
    *,
    kernel: tuple[int, int] = (3, 3),
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (1, 1),
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


def to_batch(crops: Sequence[np.ndarray], *, width: int | None = None) -> torch.Tensor:
    """(32, W) uint8 crops as one batch of ink, with paper on the right of the narrower ones.

    Args:
        width: of the batch, pixels; None for the least multiple of 16.
    """
    width = width or -(-max(crop.shape[1] for crop in crops) // 16) * 16
    batch = np.zeros((len(crops), 1, HEIGHT_PX, width), np.float32)
    for row, crop in enumerate(crops):
        batch[row, 0, :, : crop.shape[1]] = 1 - crop.astype(np.float32) / 255
    return torch.from_numpy(batch)


def export_onnx(model: FigureNet, crops: Sequence[np.ndarray], path: Path) -> float:
    """Write the model; returns the largest difference of a log posterior on the crops.

    Input `crops` (N, 1, 32, W) float32; output `log_probs` (N, T, L) float32.

    Raises:
        RuntimeError: the two differ by more than `MAX_GAP`.
    """
    model.eval()
    with torch.inference_mode(), warnings.catch_warnings():
        # That the legacy exporter is old: it needs no further package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (to_batch(crops[:2]),),
            str(path),
            input_names=["crops"],
            output_names=["log_probs"],
            dynamic_axes={"crops": {0: "n", 3: "width"}, "log_probs": {0: "n", 1: "frames"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    gap = max(_gap(model, path, batch) for batch in ([crops[0]], [crops[-1]], crops))
    if gap > MAX_GAP:
        raise RuntimeError(f"{path}: ONNX and torch differ by {gap:.2g}, more than {MAX_GAP}")
    return gap


def _gap(model: FigureNet, path: Path, crops: Sequence[np.ndarray]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    batch = to_batch(crops)
    (found,) = session.run(None, {"crops": batch.numpy()})
    with torch.inference_mode():
        wanted = model(batch).numpy()
    return float(np.abs(found - wanted).max())
