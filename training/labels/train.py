"""One training run of the token classifier: from examples to a folder that the reader can use.

The folder holds `config.json` and `model.safetensors` (transformers), `tokenizer.json`, `model.onnx`,
`label.json` (labels, window, temperature), `training.json` (settings, hash of the data, scores),
`confusion.png` and `card.md`; `tensorboard` has the curves of the run.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from giar_ml.document import UNREAD
from giar_ml.errors import UsageError
from giar_ml.label.encode import DOUBT, ENCODING, Encoder, pad_windows
from giar_ml.label.names import label_names
from training.labels.card import write_card, write_confusion
from training.labels.config import RunConfig, TrainConfig
from training.labels.examples import Data, Example, count_tokens, place_example
from training.labels.model import character_tokenizer, from_text_model, new_model, text_tokenizer
from training.labels.noise import add_noise
from training.labels.onnx_export import export_onnx
from training.labels.predict import (
    Scores,
    example_log_probs,
    fit_temperature,
    predict_logits,
    score,
)
from training.labels.sampling import IGNORED, PageSampler, Sampler, class_counts, piece_labels
from training.labels.words import frequent_characters
from training.settings import to_dict

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer
    from transformers import LiltForTokenClassification, Trainer

SETTINGS = "label.json"
RECORD = "training.json"
CHECKPOINTS = "checkpoints"
_NOTE = "run.json"
TENSORBOARD = "tensorboard"
NOISE_LEVELS = (0.0, 0.5, 1.0)
"""Of the validation pages: each stands there once with each."""
READ = "read"
"""In place of a level: pages of scans, as OCR read them."""
_RAREST_WEIGHT, _COMMONEST_WEIGHT = 2.0, 0.3
_LOG_STEPS = 20
_PAD_TO = 64
"""Processors multiply matrices of round sizes twice as fast."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """A finished run; `scores` by level of noise on the validation pages, and of those that OCR `read`."""

    folder: Path
    scores: dict[str, Scores]
    seconds: float


def train(
    config: TrainConfig,
    data: Data,
    out: Path,
    *,
    start_from: Path | None = None,
    resume: bool = False,
    quiet: bool = False,
    say: Say = print,
) -> Trained:
    """Train a classifier and write its folder.

    Args:
        start_from: the folder of a classifier made here, to go on from its weights.
        resume: take up an interrupted run in `out` at its last checkpoint; from the start if there is none.

    Raises:
        UsageError: the pretrained model cannot be used, or the run to take up had other settings or data.
    """
    from transformers import set_seed
    from transformers.utils import logging

    logging.disable_progress_bar()  # of loading and storing weights, which take no time
    if quiet:
        logging.set_verbosity_error()
    began = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    set_seed(config.seed)
    labels = label_names()
    tokenizer, model = _make_model(config, data, labels, start_from)
    encoder = Encoder(tokenizer, size=config.model.window)
    validation = noisy(data.validation, config.seed)
    say(
        f"{len(data.train)} pages with {count_tokens(data.train):,} tokens to learn from,"
        f" {len(validation)} to stop by; {model.num_parameters() / 1e6:.2f} million weights"
    )
    _note_run(config, data, start_from, out / CHECKPOINTS, resume=resume)
    last = _last_checkpoint(out / CHECKPOINTS) if resume else None
    trainer = _make_trainer(
        config, model, encoder, labels, data, validation, out, score_first=last is None, quiet=quiet
    )
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    trained_s = time.perf_counter() - began

    cast("LiltForTokenClassification", trainer.model).half().save_pretrained(out)
    tokenizer.save(str(out / "tokenizer.json"))
    model = load_model(out)
    temperature, scores, log_probs = _calibrate(model, encoder, validation, labels)
    settings = {
        "labels": labels,
        "window": config.model.window,
        "temperature": temperature,
        "encoding": ENCODING,
    }
    (out / SETTINGS).write_text(json.dumps(settings, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    gap = export_onnx(model, encoder, validation[: len(NOISE_LEVELS)], out / "model.onnx")
    say(f"ONNX and torch differ by at most {gap:.1e}")
    record = _record(config, data, trainer, trained_s, start_from)
    record |= {"scores": {level: asdict(found) for level, found in scores.items()}}
    record |= {"temperature": temperature, "onnx_gap": gap}
    (out / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_confusion(validation, log_probs, labels, out / "confusion.png")
    write_card(record, out / "card.md")
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    (out / "model.safetensors").chmod(0o644)  # its writer lets only the owner read it
    for name, found in scores.items():
        pages = "scans" if name == READ else f"noise {name}"
        say(f"{pages}: token F1 {found.f1:.4f}, headers {found.header_f1:.4f}, ECE {found.ece:.4f}")
    return Trained(out, scores, time.perf_counter() - began)


def is_under_way(out: Path) -> bool:
    """Whether a run was begun in a folder and not finished."""
    return (out / CHECKPOINTS / _NOTE).is_file()


def _note_run(
    config: TrainConfig, data: Data, start_from: Path | None, folder: Path, *, resume: bool
) -> None:
    """Write beside the checkpoints what is run; raises UsageError when they are of another run."""
    own = {
        "config": to_dict(config),
        "data": data_hash(data.train),
        "start_from": str(start_from) if start_from else None,
    }
    note = folder / _NOTE
    if resume and note.is_file() and json.loads(note.read_text(encoding="utf-8")) != own:
        raise UsageError(
            f"{folder.parent}: the run to take up had other settings or data; start anew in another folder,"
            " or give it the same"
        )
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(own, ensure_ascii=False), encoding="utf-8")


def load_model(folder: Path) -> LiltForTokenClassification:
    """The stored weights, in single precision on the CPU."""
    from transformers import LiltForTokenClassification
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = LiltForTokenClassification.from_pretrained(folder, local_files_only=True)
    return cast("LiltForTokenClassification", model.float())


def noisy(examples: Sequence[Example], seed: int) -> list[Example]:
    """Every example at every level of noise, the levels of one example side by side; those that OCR has read
    once, as they are."""
    found = []
    for i, example in enumerate(examples):
        if example.noise < 1:
            found.append(replace(example, source=f"{example.source}|{READ}"))
            continue
        for k, level in enumerate(NOISE_LEVELS):
            draft = add_noise(example, np.random.default_rng([seed, i, k]), level=level)
            found.append(replace(draft, source=f"{example.source}|{level}"))
    return found


def data_hash(examples: Sequence[Example]) -> str:
    """Changes with any token of any example."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(repr((example.paper, example.items)).encode())
    return digest.hexdigest()


def _last_checkpoint(folder: Path) -> Path | None:
    """The last one that is whole: its state is written after all else."""
    for path in sorted(folder.glob("checkpoint-[0-9]*"), key=lambda path: -int(path.name.split("-")[1])):
        with suppress(OSError, ValueError):
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            return path
    return None


def _make_model(
    config: TrainConfig, data: Data, labels: Sequence[str], start_from: Path | None
) -> tuple[Tokenizer, LiltForTokenClassification]:
    if start_from is not None:
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(start_from / "tokenizer.json")), load_model(start_from)
    size = config.model
    if size.pretrained is not None:
        model = from_text_model(size.pretrained, labels, shrink=size.shrink, window=size.window)
        return text_tokenizer(size.pretrained), model
    seen = Counter(char for example in data.train for item in example.items for char in item.text)
    tokenizer = character_tokenizer([UNREAD, DOUBT, *sorted(seen), *frequent_characters(size.characters)])
    return tokenizer, new_model(
        tokenizer,
        labels,
        hidden=size.hidden,
        layers=size.layers,
        heads=size.heads,
        shrink=size.shrink,
        dropout=size.dropout,
        window=size.window,
    )


def _make_trainer(
    config: TrainConfig,
    model: LiltForTokenClassification,
    encoder: Encoder,
    labels: Sequence[str],
    data: Data,
    validation: Sequence[Example],
    out: Path,
    *,
    score_first: bool,
    quiet: bool,
) -> Trainer:
    import torch
    from torch.utils.tensorboard import SummaryWriter
    from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainingArguments
    from transformers.integrations import TensorBoardCallback

    run = config.run
    ids = {label: i for i, label in enumerate(labels)}
    pages = PageSampler(data.train, config.data, weights=data.weights)
    sampler = Sampler(pages, encoder, labels, seed=config.seed)
    weights = torch.tensor(_class_weights(class_counts(labels, data.train)), dtype=torch.float32)

    class Windows(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return run.steps * run.batch

        def __getitem__(self, index: int) -> Any:
            return sampler[index]

    class InOrder(Trainer):
        """Draws are random already; in order they are the same after a resumption."""

        def _get_train_sampler(self, *args: Any, **kwargs: Any) -> Any:
            return torch.utils.data.SequentialSampler(Windows())

    fixed = [
        (window, piece_labels(window, example, ids))
        for example in validation
        for window in encoder.encode(place_example(example))
    ]

    def collate(drawn: Sequence[Any]) -> dict[str, torch.Tensor]:
        windows = [window for window, _ in drawn]
        input_ids, bbox, mask = pad_windows(windows, encoder.pad, multiple=_PAD_TO)
        gold = np.full(input_ids.shape, IGNORED, np.int64)
        for row, (_, found) in enumerate(drawn):
            gold[row, : len(found)] = found
        arrays = {"input_ids": input_ids, "bbox": bbox, "attention_mask": mask, "labels": gold}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def loss(outputs: Any, gold: torch.Tensor, **_: Any) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(
            outputs.logits.float().flatten(0, 1),
            gold.flatten(),
            weight=weights.to(outputs.logits.device),
            ignore_index=IGNORED,
        )

    arguments = TrainingArguments(
        output_dir=str((out / CHECKPOINTS).resolve()),
        max_steps=run.steps,
        per_device_train_batch_size=run.batch,
        per_device_eval_batch_size=run.batch,
        learning_rate=run.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, round(run.warmup * run.steps)),
        weight_decay=run.weight_decay,
        eval_strategy="steps",
        eval_steps=run.evaluate_every,
        save_strategy="steps",
        save_steps=run.evaluate_every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="f1",
        greater_is_better=True,
        logging_steps=_LOG_STEPS,
        report_to=[],
        eval_on_start=score_first,
        restore_callback_states_from_checkpoint=True,  # how often there was no gain
        seed=config.seed,
        full_determinism=False,
        remove_unused_columns=False,
        disable_tqdm=quiet,
        dataloader_num_workers=0,
        **precision_arguments(run),
    )
    if run.deterministic:
        torch.use_deterministic_algorithms(True, warn_only=True)
    trainer = InOrder(
        model=model,
        args=arguments,
        train_dataset=Windows(),
        eval_dataset=cast(Any, fixed),
        data_collator=cast(Any, collate),
        compute_loss_func=loss,
        compute_metrics=_piece_scores,
        preprocess_logits_for_metrics=lambda logits, _: logits.argmax(dim=-1),
        callbacks=[
            EarlyStoppingCallback(early_stopping_patience=run.patience),
            TensorBoardCallback(SummaryWriter(str(out / TENSORBOARD))),
        ],
    )
    if quiet:
        trainer.remove_callback(PrinterCallback)
    return trainer


def precision_arguments(run: RunConfig) -> dict[str, Any]:
    """Of `TrainingArguments`: which device, and whether in half precision."""
    import torch

    cuda = torch.cuda.is_available()
    wanted = run.precision
    if wanted == "auto":
        fast = torch.cuda.is_bf16_supported() if cuda else torch.cpu._is_avx512_bf16_supported()
        wanted = "bf16" if fast else "fp32"
    return {"use_cpu": not cuda, "bf16": wanted == "bf16", "fp16": wanted == "fp16" and cuda}


def _piece_scores(prediction: Any) -> dict[str, float]:
    """Micro F1 of pieces over all labels but `other`, the first."""
    best, gold = prediction.predictions, prediction.label_ids
    known = gold != IGNORED
    best, gold = best[known], gold[known]
    right = (best == gold) & (gold != 0)
    named = int((best != 0).sum() + (gold != 0).sum())
    return {"f1": 2 * int(right.sum()) / max(1, named), "accuracy": float((best == gold).mean())}


def _class_weights(counts: np.ndarray) -> np.ndarray:
    """Rare labels weigh more, by the fourth root of how rare they are; the mean token weighs 1."""
    typical = np.median(counts[counts > 0])
    weights = (typical / counts.clip(1)) ** 0.25
    weights = weights.clip(_COMMONEST_WEIGHT, _RAREST_WEIGHT)
    return weights / (weights @ counts / counts.sum())


def _calibrate(
    model: LiltForTokenClassification, encoder: Encoder, validation: Sequence[Example], labels: Sequence[str]
) -> tuple[float, dict[str, Scores], list[np.ndarray]]:
    logits = predict_logits(model, encoder, validation)
    temperature = fit_temperature(encoder, validation, logits, labels)
    log_probs = example_log_probs(encoder, validation, logits, temperature=temperature)
    scores = {}
    for name in (*map(str, NOISE_LEVELS), READ):
        part = [i for i, example in enumerate(validation) if example.source.endswith(f"|{name}")]
        if part:
            scores[name] = score([validation[i] for i in part], [log_probs[i] for i in part], labels)
    return temperature, scores, log_probs


def _record(
    config: TrainConfig,
    data: Data,
    trainer: Trainer,
    seconds: float,
    start_from: Path | None,
) -> dict[str, Any]:
    import torch
    import transformers

    sources = Counter(example.source for example in data.train)
    state = trainer.state
    return {
        "config": to_dict(config),
        "data": {
            "sha256": data_hash(data.train),
            "validation_sha256": data_hash(data.validation),
            "pages": len(data.train),
            "tokens": count_tokens(data.train),
            "sources": dict(sorted(sources.items())),
        },
        "started_from": start_from.name if start_from else None,
        "steps": state.global_step,
        "best_step": state.best_global_step,
        "best_piece_f1": state.best_metric,
        "minutes": round(seconds / 60, 1),
        "parameters": sum(p.numel() for p in cast(Any, trainer.model).parameters()),
        "device": "cuda" if torch.cuda.is_available() else f"cpu, {torch.get_num_threads()} threads",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__.split("+")[0],
            "transformers": transformers.__version__,
        },
        "history": [
            {"step": entry["step"], **{k: round(entry[k], 5) for k in ("eval_loss", "eval_f1") if k in entry}}
            for entry in state.log_history
            if "eval_f1" in entry and math.isfinite(entry["eval_f1"])
        ],
    }
