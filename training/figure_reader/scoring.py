"""How well figures are read, and how far the probabilities can be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from giar_ml.metrics.calibration import ece
from giar_ml.ocr.ctc import ctc_k_best
from giar_ml.ocr.engine import FIGURE_ALPHABET
from giar_ml.ocr.figures import figure_batches
from giar_ml.ocr.networks import STRIDE_PX
from training.figure_reader.model import FigureNet, to_batch

_INDEX = {character: i for i, character in enumerate(FIGURE_ALPHABET)}


@dataclass(frozen=True)
class Scores:
    """`nll` is the mean of -log p(figure); `accuracy` counts figures read exactly, `empty_accuracy` whether
    there is a figure at all; `ece` is that of the best readings' probabilities."""

    n: int
    accuracy: float
    empty_accuracy: float
    nll: float
    ece: float


def targets(texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """All characters in a row, and how many each text has."""
    indices = [_INDEX[character] for text in texts for character in text]
    return torch.tensor(indices, dtype=torch.long), torch.tensor([len(text) for text in texts])


def ctc_nll(log_probs: torch.Tensor, widths: Sequence[int], texts: Sequence[str]) -> torch.Tensor:
    """-log p(text) of each row of (N, T, 16), (N,); a text too long for its frames gets 0."""
    flat, lengths = targets(texts)
    frames = torch.tensor([-(-width // STRIDE_PX) for width in widths])
    loss: torch.Tensor = torch.nn.functional.ctc_loss(
        log_probs.transpose(0, 1), flat, frames, lengths, reduction="none", zero_infinity=True
    )
    return loss


def predict(model: FigureNet, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
    """(T, 16) float32 log posteriors of each (32, W) uint8 crop, as `FigureReader` finds them."""
    model.eval()
    found: dict[int, np.ndarray] = {}
    for width, indices in figure_batches(crops):
        x = to_batch([crops[i] for i in indices], width=width).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            log_probs = model(x).numpy()
        for row, i in enumerate(indices):
            found[i] = log_probs[row, : -(-crops[i].shape[1] // STRIDE_PX)]
    return [found[i] for i in range(len(crops))]


def score_quickly(log_probs: Sequence[np.ndarray], texts: Sequence[str]) -> tuple[float, float]:
    """The mean of -log p(figure), and the share of figures read exactly by the best label of each frame."""
    nll = [text_nll(frames, text) for frames, text in zip(log_probs, texts, strict=True)]
    right = [_read_greedily(frames) == text for frames, text in zip(log_probs, texts, strict=True)]
    return float(np.mean(nll)), float(np.mean(right))


def _read_greedily(log_probs: np.ndarray) -> str:
    best = log_probs.argmax(axis=1)
    is_new = np.concatenate(([True], best[1:] != best[:-1]))
    return "".join(FIGURE_ALPHABET[i] for i in best[is_new])


def score(log_probs: Sequence[np.ndarray], texts: Sequence[str]) -> Scores:
    best = [read_best(frames) for frames in log_probs]
    right = [text == wanted for (text, _), wanted in zip(best, texts, strict=True)]
    nll = [text_nll(frames, text) for frames, text in zip(log_probs, texts, strict=True)]
    return Scores(
        len(texts),
        float(np.mean(right)),
        float(np.mean([bool(text) == bool(wanted) for (text, _), wanted in zip(best, texts, strict=True)])),
        float(np.mean(nll)),
        ece([p for _, p in best], right, n_bins=15) or 0.0,
    )


def read_best(log_probs: np.ndarray) -> tuple[str, float]:
    """The most probable text and its probability."""
    (text, log_prob), *_ = ctc_k_best(log_probs, FIGURE_ALPHABET, 1, beam=6)
    return text, min(1.0, math.exp(log_prob))


def text_nll(log_probs: np.ndarray, text: str) -> float:
    frames = torch.from_numpy(np.ascontiguousarray(log_probs))[None]
    return float(ctc_nll(frames, [log_probs.shape[0] * STRIDE_PX], [text])[0])


def fit_temperature(log_probs: Sequence[np.ndarray], texts: Sequence[str]) -> float:
    """What the logits must be divided by so that the texts become most probable."""
    widths = [frames.shape[0] * STRIDE_PX for frames in log_probs]
    longest = max(frames.shape[0] for frames in log_probs)
    padded = np.zeros((len(log_probs), longest, len(FIGURE_ALPHABET)), np.float32)
    for row, frames in zip(padded, log_probs, strict=True):
        row[: len(frames)] = frames
    logits = torch.from_numpy(padded)

    def nll(temperature: float) -> float:
        return float(ctc_nll((logits / temperature).log_softmax(dim=-1), widths, texts).mean())

    temperatures: list[float] = np.geomspace(0.5, 4, 43).tolist()
    best: float = min(temperatures, key=nll)
    return round(best, 4)
