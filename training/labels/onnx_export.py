"""A trained classifier as ONNX, with weights stored in half precision, checked against torch."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from giar_ml.label.encode import Encoder, pad_windows
from training.labels.examples import Example, place_example

if TYPE_CHECKING:
    import torch
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

    Inputs `input_ids` (1, S), `bbox` (1, S, 4), int64; output `logits` (1, S, L) float32. One window has no
    padding, so there is no mask.

    Raises:
        RuntimeError: the two differ by more than `MAX_GAP`.
    """
    import torch

    plain = copy.deepcopy(model).eval()
    for layer in plain.lilt.encoder.layer:
        layer.attention.self = _join_streams(layer.attention.self)

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = plain

        def forward(self, input_ids: torch.Tensor, bbox: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.model(input_ids=input_ids, bbox=bbox).logits
            return logits

    windows = [window for example in examples for window in encoder.encode(place_example(example))]
    ids, bbox, _ = pad_windows(windows[:1], encoder.pad)
    with torch.inference_mode(), warnings.catch_warnings():
        # That lengths may have become constants: the comparison below would show it.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Plain().eval(),
            (torch.from_numpy(ids), torch.from_numpy(bbox)),
            str(path),
            input_names=["input_ids", "bbox"],
            output_names=["logits"],
            dynamic_axes={name: {1: "pieces"} for name in ("input_ids", "bbox", "logits")},
            opset_version=_OPSET,
            custom_opsets={"com.microsoft": 1},
            dynamo=False,
        )
    _store_in_half(path)
    gap = max(_gap(model, path, *pad_windows([window], encoder.pad)[:2]) for window in windows)
    if gap > MAX_GAP:
        raise RuntimeError(f"{path}: ONNX and torch differ by {gap:.2g}, more than {MAX_GAP}")
    return gap


def _gap(model: LiltForTokenClassification, path: Path, ids: np.ndarray, bbox: np.ndarray) -> float:
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [found] = session.run(None, {"input_ids": ids, "bbox": bbox})
    model.eval()
    with torch.inference_mode():
        wanted = model(input_ids=torch.from_numpy(ids), bbox=torch.from_numpy(bbox)).logits.numpy()
    return float(np.abs(found - wanted).max())


def _join_streams(attention: Any) -> torch.nn.Module:
    """LiLT's attention as one product of both streams, the same to rounding.

    Text and layout have weights of attention in common: the softmax of the sum of their scaled scores. That
    is what one attention gives whose queries, keys and values are those of both streams side by side. ONNX
    Runtime has it as an operator that keeps no (S, S) scores in memory.
    """
    import torch

    heads, width = attention.num_attention_heads, attention.attention_head_size
    layout_width = width // attention.channel_shrink_ratio
    scale = 1 / math.sqrt(width)

    class Attend(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
            return ((scale * q @ k.transpose(-1, -2)).softmax(-1) @ v).transpose(1, 2).flatten(-2)

        @staticmethod
        def symbolic(g: Any, q: Any, k: Any, v: Any) -> Any:
            found = g.op("com.microsoft::MultiHeadAttention", q, k, v, num_heads_i=heads, scale_f=scale)
            return found.setType(q.type().with_sizes([None, None, None]))

    class JoinedAttention(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.text = _side_by_side(attention.query, attention.key, attention.value)
            self.layout = _side_by_side(attention.layout_query, attention.layout_key, attention.layout_value)
            # Scores of the layout are scaled by the width of its own heads.
            rows = slice(heads * layout_width)
            self.layout.weight[rows] *= math.sqrt(width / layout_width)
            self.layout.bias[rows] *= math.sqrt(width / layout_width)

        def forward(
            self, hidden: torch.Tensor, layout: torch.Tensor, *masks: Any
        ) -> tuple[torch.Tensor, torch.Tensor]:
            text = self.text(hidden).unflatten(-1, (3, heads, width))
            beside = self.layout(layout).unflatten(-1, (3, heads, layout_width))
            q, k, v = torch.cat([text, beside], -1).flatten(-2).unbind(2)
            found = Attend.apply(q, k, v).unflatten(-1, (heads, -1))
            return found[..., :width].flatten(-2), found[..., width:].flatten(-2)

    with torch.no_grad():
        return JoinedAttention()


def _side_by_side(*layers: torch.nn.Linear) -> torch.nn.Linear:
    """One linear layer of several on the same input."""
    import torch

    joined = torch.nn.Linear(layers[0].in_features, sum(layer.out_features for layer in layers))
    joined.weight.copy_(torch.cat([layer.weight for layer in layers]))
    joined.bias.copy_(torch.cat([layer.bias for layer in layers]))
    return joined


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
