"""A model's word on examples while it is trained, its scores, and the temperature that calibrates it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from giar_ml.label.encode import Encoder, pad_windows, token_log_probs
from giar_ml.label.names import OTHER, is_header
from giar_ml.metrics.calibration import ece
from training.labels.examples import Example, place_example

if TYPE_CHECKING:
    from torch import nn

_BATCH = 8
_TEMPERATURES = np.linspace(0.5, 3.0, 51)


@dataclass(frozen=True)
class Scores:
    """Of tokens, not pieces; `f1` is micro-averaged over all labels but `other`, `ece` in 15 bins."""

    n_tokens: int
    accuracy: float
    f1: float
    header_f1: float
    ece: float
    nll: float


def predict_logits(model: nn.Module, encoder: Encoder, examples: Sequence[Example]) -> list[list[np.ndarray]]:
    """Per example, per window: logits (n, L) float32."""
    import torch

    windows = [encoder.encode(place_example(example)) for example in examples]
    flat = [(i, k) for i, found in enumerate(windows) for k in range(len(found))]
    flat.sort(key=lambda ik: len(windows[ik[0]][ik[1]].ids))
    logits: list[list[np.ndarray]] = [[np.empty(0)] * len(found) for found in windows]
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(flat), _BATCH):
            part = flat[start : start + _BATCH]
            batch = pad_windows([windows[i][k] for i, k in part], encoder.pad)
            ids, bbox, mask = (torch.from_numpy(array).to(device) for array in batch)
            found = model(input_ids=ids, bbox=bbox, attention_mask=mask).logits.float().cpu().numpy()
            for row, (i, k) in enumerate(part):
                logits[i][k] = found[row, : len(windows[i][k].ids)]
    model.train(was_training)
    return logits


def example_log_probs(
    encoder: Encoder,
    examples: Sequence[Example],
    logits: Sequence[Sequence[np.ndarray]],
    *,
    temperature: float,
) -> list[np.ndarray]:
    """Per example (N, L) log-probabilities of its tokens."""
    return [
        token_log_probs(
            len(example.items), encoder.encode(place_example(example)), [x / temperature for x in found]
        )
        for example, found in zip(examples, logits, strict=True)
    ]


def fit_temperature(
    encoder: Encoder,
    examples: Sequence[Example],
    logits: Sequence[Sequence[np.ndarray]],
    labels: Sequence[str],
) -> float:
    """The temperature at which the tokens are most probable (Guo et al., 2017, on calibration)."""

    def loss(temperature: float) -> float:
        log_probs = example_log_probs(encoder, examples, logits, temperature=temperature)
        return score(examples, log_probs, labels).nll

    return float(min(_TEMPERATURES, key=loss))


def score(examples: Sequence[Example], log_probs: Sequence[np.ndarray], labels: Sequence[str]) -> Scores:
    """The scores over all tokens of the examples."""
    ids = {label: i for i, label in enumerate(labels)}
    gold = np.array([ids[label] for example in examples for label in example.labels], np.int64)
    found = np.concatenate([part for part in log_probs if len(part)])
    best = found.argmax(axis=1)
    right = best == gold
    header = np.array([is_header(label) for label in labels])
    named = np.arange(len(labels)) != ids[OTHER]
    return Scores(
        n_tokens=len(gold),
        accuracy=float(right.mean()),
        f1=_micro_f1(gold, best, named),
        header_f1=_micro_f1(gold, best, header),
        ece=ece(np.exp(found.max(axis=1)).clip(0, 1), right, n_bins=15) or 0.0,
        nll=float(-found[np.arange(len(gold)), gold].mean()),
    )


def _micro_f1(gold: np.ndarray, best: np.ndarray, of: np.ndarray) -> float:
    true_positives = int(((gold == best) & of[gold]).sum())
    wrong = int((of[best] & (gold != best)).sum() + (of[gold] & (gold != best)).sum())
    return 2 * true_positives / max(1, 2 * true_positives + wrong)
