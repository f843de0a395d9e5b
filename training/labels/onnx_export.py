"""A trained classifier as ONNX, with weights stored in half precision, checked against torch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from giar_ml.label.encode import Encoder, pad_windows
from training.labels.examples import Example, place_example

if TYPE_CHECKING:
    from transformers import LiltForTokenClassification

MAX_GAP = 1e-3
"""Largest difference of a logit between torch and ONNX."""
_OPSET = 17
_FEWEST_VALUES = 256
"""Smaller constants stay as they are."""


def export_onnx(
    model: LiltForTokenClassification, encoder: Encoder, examples: Sequence[Example], path: Path
) -> float:
    """Write the model; returns the largest difference of a logit on the examples' windows.

    Inputs `input_ids` (B, S), `bbox` (B, S, 4), `attention_mask` (B, S), int64; output `logits` (B, S, L)
    float32, undefined where the mask is 0.

    Raises:
        RuntimeError: the two differ by more than `MAX_GAP`.
    """
    import torch

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, bbox: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.model(input_ids=input_ids, bbox=bbox, attention_mask=mask).logits
            return logits

    model.eval()
    windows = [window for example in examples for window in encoder.encode(place_example(example))]
    batch = pad_windows(windows[:2], encoder.pad)
    axes = {name: {0: "batch", 1: "pieces"} for name in ("input_ids", "bbox", "attention_mask", "logits")}
    with torch.inference_mode(), warnings.catch_warnings():
        # That lengths may have become constants: the comparison below would show it.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Plain().eval(),
            tuple(torch.from_numpy(array) for array in batch),
            str(path),
            input_names=["input_ids", "bbox", "attention_mask"],
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )
    _store_in_half(path)
    gap = max(_gap(model, path, pad_windows([window], encoder.pad)) for window in windows)
    gap = max(gap, _gap(model, path, pad_windows(windows, encoder.pad)))
    if gap > MAX_GAP:
        raise RuntimeError(f"{path}: ONNX and torch differ by {gap:.2g}, more than {MAX_GAP}")
    return gap


def _gap(model: LiltForTokenClassification, path: Path, batch: Sequence[np.ndarray]) -> float:
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ids, bbox, mask = batch
    [found] = session.run(None, {"input_ids": ids, "bbox": bbox, "attention_mask": mask})
    with torch.inference_mode():
        wanted = model(
            input_ids=torch.from_numpy(ids),
            bbox=torch.from_numpy(bbox),
            attention_mask=torch.from_numpy(mask),
        ).logits.numpy()
    return float(np.abs(found - wanted)[mask == 1].max())


def _store_in_half(path: Path) -> None:
    """Weights as float16 with a cast behind them, which ONNX Runtime folds when it loads the model."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _FEWEST_VALUES:
            continue
        name = tensor.name
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, str(path))
