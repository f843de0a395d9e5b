"""One training run of the reader of figures: from crops to a folder that the reader can use.

The folder holds `model.onnx` (for reading), `model.safetensors` (the same weights for torch), `figures.json`
(alphabet, scale, temperature), `training.json` (settings, hash of the data, course), `metrics.json` (scores
on the validation scans) and `README.md` (the card).
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from giar_ml.ocr.engine import FIGURE_ALPHABET
from giar_ml.ocr.figures import HEIGHT_PX, PX_PER_IN, SETTINGS
from giar_ml.ocr.networks import WEIGHTS
from training.figure_reader.augment import centre
from training.figure_reader.card import write_card
from training.figure_reader.config import ModelConfig, TrainConfig
from training.figure_reader.crops import Crop
from training.figure_reader.loop import Say, learn
from training.figure_reader.model import FigureNet, export_onnx, to_batch
from training.figure_reader.sampling import Sampler
from training.figure_reader.scoring import Scores, ctc_nll, fit_temperature, predict, score, score_quickly
from training.settings import to_dict

RECORD = "training.json"
METRICS = "metrics.json"
CARD = "README.md"
TORCH_WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Data:
    """Crops of scans to learn from, those rendered from fonts, those to stop by, and those of sheets."""

    scans: Sequence[Crop]
    rendered: Sequence[Crop]
    validation: Sequence[Crop]
    sheets: Sequence[Crop] = ()


def train(
    config: TrainConfig, data: Data, out: Path, *, start_from: Path | None = None, say: Say = print
) -> dict[str, Scores]:
    """Train a reader and write its folder; returns its scores by source of the validation crops.

    Args:
        start_from: the folder of a reader of the same size, to go on from its weights.
    """
    with deterministic(config.run.threads):
        return _train(config, data, out, start_from=start_from, say=say)


@contextmanager
def deterministic(n_threads: int) -> Iterator[None]:
    """torch with so many threads and deterministic algorithms; as it was, afterwards."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(n_threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def _train(
    config: TrainConfig, data: Data, out: Path, *, start_from: Path | None, say: Say
) -> dict[str, Scores]:
    began = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    new = load_model(start_from, config.model) if start_from else FigureNet(config.model)
    model = new.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    n_weights = sum(parameter.numel() for parameter in model.parameters())
    say(
        f"{len(data.scans):,} crops of scans, {len(data.sheets):,} of sheets and {len(data.rendered):,}"
        " of fonts to learn from,"
        f" {len(data.validation):,} to stop by; {n_weights / 1e6:.2f} million weights"
    )
    model.temperature.fill_(1)
    course = _learn(config, model, data, say)
    images, texts = [centre(crop.image) for crop in data.validation], [c.text for c in data.validation]
    temperature = fit_temperature(predict(model, images), texts)
    model.temperature.fill_(temperature)
    metrics = score_by_source(predict(model, images), data.validation)

    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, out / TORCH_WEIGHTS)
    (out / TORCH_WEIGHTS).chmod(0o644)
    gap = export_onnx(load_model(out, config.model), images[:64], out / WEIGHTS)
    say(f"ONNX and torch differ by at most {gap:.1e}")
    settings = {
        "alphabet": list(FIGURE_ALPHABET),
        "height_px": HEIGHT_PX,
        "px_per_in": round(PX_PER_IN, 3),
        "temperature": temperature,
    }
    record = {
        "config": to_dict(config),
        "weights": n_weights,
        "start_from": _origin(start_from),
        "data": {
            "sha256": data_hash(data),
            "scans": dict(Counter(crop.source for crop in (*data.scans, *data.sheets))),
            "empty": sum(not crop.text for crop in (*data.scans, *data.sheets)),
            "rendered": len(data.rendered),
            "validation": len(data.validation),
        },
        "course": course,
        "temperature": temperature,
        "onnx_gap": gap,
        "seconds": round(time.perf_counter() - began, 1),
        "device": f"cpu, {config.run.threads} threads",
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
    }
    plain = {name: asdict(found) for name, found in metrics.items()}
    for name, content in ((SETTINGS, settings), (RECORD, record), (METRICS, plain)):
        (out / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_card(record, metrics, out / CARD)
    for name, found in metrics.items():
        say(
            f"{name}: {found.n:,} crops, figures right {found.accuracy:.4f}, figure or none right"
            f" {found.empty_accuracy:.4f}, ECE {found.ece:.4f}"
        )
    return metrics


def _learn(config: TrainConfig, model: FigureNet, data: Data, say: Say) -> list[dict[str, float]]:
    """Train the model in place, up to the step of the best validation; returns what each validation found."""
    run = config.run
    sampler = Sampler(data.scans, data.rendered, config.data, config.seed, sheets=data.sheets)
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.learning_rate, weight_decay=run.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, run.steps, run.warmup))
    images, texts = [centre(crop.image) for crop in data.validation], [c.text for c in data.validation]
    pool: list[list[tuple[np.ndarray, str]]] = []

    def loss_of_batch() -> torch.Tensor:
        if not pool:
            pool.extend(sampler.batches(run.batch))
        batch = pool.pop()
        x = to_batch([crop for crop, _ in batch]).to(memory_format=torch.channels_last)
        widths, wanted = [crop.shape[1] for crop, _ in batch], [text for _, text in batch]
        return ctc_nll(model(x), widths, wanted).mean()

    def validate() -> dict[str, float]:
        nll, accuracy = score_quickly(predict(model, images), texts)
        return {"nll": nll, "accuracy": accuracy}

    return learn(model, run, optimizer, schedule, loss_of_batch=loss_of_batch, validate=validate, say=say)


def _rate(step: int, steps: int, warmup: float) -> float:
    """Up in a line, down in a cosine."""
    n_up = max(1, round(warmup * steps))
    if step < n_up:
        return (step + 1) / n_up
    return 0.5 * (1 + math.cos(math.pi * (step - n_up) / max(1, steps - n_up)))


def score_by_source(log_probs: Sequence[np.ndarray], crops: Sequence[Crop]) -> dict[str, Scores]:
    found = {}
    for source in (*sorted({crop.source for crop in crops}), "all"):
        rows = [i for i, crop in enumerate(crops) if source in (crop.source, "all")]
        found[source] = score([log_probs[i] for i in rows], [crops[i].text for i in rows])
    return found


def _origin(folder: Path | None) -> dict[str, Any] | None:
    """The record of the run that the weights come from."""
    if folder is None:
        return None
    record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return record


def load_model(folder: Path, size: ModelConfig | None = None) -> FigureNet:
    """The stored weights; the size is that of the record where it is not given."""
    if size is None:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        size = ModelConfig(**record["config"]["model"])
    model = FigureNet(size)
    model.load_state_dict(load_file(folder / TORCH_WEIGHTS))
    return model.eval()


def data_hash(data: Data) -> str:
    """Changes with any crop."""
    digest = hashlib.sha256()
    for crop in (*data.scans, *data.rendered, *data.validation, *data.sheets):
        digest.update(crop.image.tobytes())
        digest.update(f"{crop.image.shape}{crop.text}".encode())
    return digest.hexdigest()
