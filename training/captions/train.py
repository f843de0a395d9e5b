"""One training run of the reader of what the forms print: from lines to a folder that it is loaded from.

The folder holds `model.onnx`, `captions.json` (alphabet and scale), `training.json` (settings, hash of the
data, course, scores on the lines that were kept apart) and `README.md` (the card).
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from giar_ml.ocr.captions import (
    HEIGHT_PX,
    SETTINGS,
    SQUEEZE,
    SURE,
    CaptionReader,
    caption_alphabet,
    is_part_of_form,
    load_caption_reader,
)
from giar_ml.ocr.ctc import ctc_greedy
from giar_ml.ocr.networks import STRIDE_PX, WEIGHTS
from giar_ml.text import letters
from training.captions.config import TrainConfig
from training.captions.lines import CaptionLine
from training.figure_reader.loop import Say, learn
from training.figure_reader.model import FigureNet, export_onnx, to_batch
from training.figure_reader.train import deterministic
from training.settings import to_dict

RECORD = "training.json"
CARD = "README.md"
_POOL = 40
"""Batches that are drawn together, so that lines of about one width come into one."""
_NOISE = 12.0
_SHIFT_PX = 2
_STRETCH = 0.1


@dataclass(frozen=True)
class Scores:
    """Of `n` lines: the share that the reader was sure of among those a form prints, and how many lines it
    was sure of in which the engine read something else."""

    n: int
    printed: int
    read: float
    differ: int


def train(
    config: TrainConfig,
    lines: Sequence[CaptionLine],
    validation: Sequence[CaptionLine],
    out: Path,
    *,
    say: Say = print,
) -> Scores:
    """Train a reader and write its folder; returns its scores on the `validation` lines."""
    with deterministic(config.run.threads):
        return _train(config, lines, validation, out, say)


def _train(
    config: TrainConfig,
    lines: Sequence[CaptionLine],
    validation: Sequence[CaptionLine],
    out: Path,
    say: Say,
) -> Scores:
    began = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    alphabet = caption_alphabet()
    model = FigureNet(config.model, len(alphabet)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    say(f"{len(lines):,} lines to learn from, {len(validation):,} to stop by")
    course = _learn(config, model, lines, validation, say)
    gap = export_onnx(model, [line.image for line in validation[:64]], out / WEIGHTS)
    settings = {"alphabet": list(alphabet), "height_px": HEIGHT_PX, "squeeze": SQUEEZE}
    _write(out / SETTINGS, settings)
    scores = score(load_caption_reader(out), validation)
    record = {
        "config": to_dict(config),
        "lines": len(lines),
        "data_sha256": data_hash([*lines, *validation]),
        "course": course,
        "scores": asdict(scores),
        "onnx_gap": gap,
        "seconds": round(time.perf_counter() - began),
        "torch": torch.__version__.split("+")[0],
    }
    _write(out / RECORD, record)
    (out / CARD).write_text(make_card(config, len(lines), scores), encoding="utf-8")
    say(
        f"{scores.printed:,} of {scores.n:,} lines are of a form, {scores.read:.1%} of them surely read;"
        f" {scores.differ} lines surely read otherwise than by the engine"
    )
    return scores


def _learn(
    config: TrainConfig,
    model: FigureNet,
    lines: Sequence[CaptionLine],
    validation: Sequence[CaptionLine],
    say: Say,
) -> list[dict[str, float]]:
    """Train the model in place, up to the step of the best validation; returns what each validation found."""
    run = config.run
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.learning_rate, weight_decay=run.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, run.learning_rate, total_steps=run.steps, pct_start=run.warmup
    )
    batches = _batches(lines, run.batch, np.random.default_rng(config.seed))
    return learn(
        model,
        run,
        optimizer,
        schedule,
        loss_of_batch=lambda: _nll(model, next(batches)).mean(),
        validate=lambda: {"nll": _mean_nll(model, validation, run.batch)},
        say=say,
    )


def _batches(
    lines: Sequence[CaptionLine], size: int, rng: np.random.Generator
) -> Iterator[list[CaptionLine]]:
    while True:
        drawn = sorted(
            rng.choice(len(lines), min(len(lines), _POOL * size), replace=False),
            key=lambda i: lines[i].image.shape[1],
        )
        parts = [drawn[start : start + size] for start in range(0, len(drawn), size)]
        for k in rng.permutation(len(parts)):
            yield [CaptionLine(vary(lines[i].image, rng), lines[i].text) for i in parts[k]]


def vary(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(32, W) uint8 a little wider or narrower, shifted, paler, blurred, with noise."""
    width = max(STRIDE_PX, round(image.shape[1] * rng.uniform(1 - _STRETCH, 1 + _STRETCH)))
    ink = 255 - cv2.resize(image, (width, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    ink = np.roll(ink, int(rng.integers(-_SHIFT_PX, _SHIFT_PX + 1)), axis=0)
    if rng.random() < 0.3:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.4, 1.0))
    noise = rng.normal(0, rng.uniform(0, _NOISE), ink.shape)
    return np.asarray(255 - np.clip(ink * rng.uniform(0.7, 1.1) + noise, 0, 255), np.uint8)


def _nll(model: FigureNet, lines: Sequence[CaptionLine]) -> torch.Tensor:
    """-log p(text) of each line per character, (N,); a text too long for its frames gets 0."""
    index = {character: i for i, character in enumerate(caption_alphabet())}
    x = to_batch([line.image for line in lines]).to(memory_format=torch.channels_last)
    targets = torch.tensor([index[character] for line in lines for character in line.text])
    lengths = torch.tensor([len(line.text) for line in lines])
    frames = torch.tensor([-(-line.image.shape[1] // STRIDE_PX) for line in lines])
    nll: torch.Tensor = torch.nn.functional.ctc_loss(
        model(x).transpose(0, 1), targets, frames, lengths, reduction="none", zero_infinity=True
    )
    return nll / lengths


def _mean_nll(model: FigureNet, lines: Sequence[CaptionLine], size: int) -> float:
    model.eval()
    ordered = sorted(lines, key=lambda line: line.image.shape[1])
    parts = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    with torch.inference_mode():
        return round(float(torch.cat([_nll(model, part) for part in parts]).mean()), 5)


def score(reader: CaptionReader, lines: Sequence[CaptionLine]) -> Scores:
    found = reader.log_probs([line.image for line in lines])
    printed = sure = differ = 0
    for line, log_probs in zip(lines, found, strict=True):
        text, log_prob = ctc_greedy(log_probs, reader.alphabet)
        is_read = log_prob >= math.log(SURE) and is_part_of_form(text)
        printed += is_part_of_form(line.text)
        sure += is_read and is_part_of_form(line.text)
        differ += is_read and letters(text) != letters(line.text)
    return Scores(len(lines), printed, float(sure / max(printed, 1)), int(differ))


def data_hash(lines: Sequence[CaptionLine]) -> str:
    """Changes with any line."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.image.tobytes())
        digest.update(f"{line.image.shape}{line.text}".encode())
    return digest.hexdigest()


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def make_card(config: TrainConfig, n_lines: int, scores: Scores) -> str:
    corpora = ", ".join(f"`{c.profile}` {c.n} of seed {c.seed}" for c in config.corpora)
    return f"""# What the forms print

A small convolutional network with CTC that reads the titles, captions and headers of the statutory tables, in
front of the OCR engine, see `giar_ml/ocr/captions.py`.

- Licence: Apache-2.0, as the project. Started from random weights.
- Data: {n_lines:,} lines of made-up scans ({corpora}), with what the OCR engine
  reads in them.
- Made by `python -m training.train_captions`, seed {config.seed}.

Of {scores.n:,} lines of scans kept apart {scores.printed:,} are of a form; it is sure of {scores.read:.1%} of
these, and of {scores.differ} lines in which the engine read something else (marks aside). What it is not sure
of, or is no part of what a form prints, the engine reads.
"""
