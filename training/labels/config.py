"""The settings of a training run, from a TOML file."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator
from pydantic.dataclasses import dataclass

from training.settings import CHECKED, Count, CountOrNone, Rate, Share, read_settings

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, config=CHECKED)
class DataConfig:
    """What is learnt from.

    Args:
        documents: made-up reports to learn from, and `validation` others to stop by.
        profile: of these reports, see `training.profiles`.
        scans: made-up scans to learn from as OCR reads them, and `validation_scans` others to stop by.
        scan_seed: of the scans to learn from, and the next one of the others; None for the run's own.
        scan_share: of the pages of forms drawn, those that come from scans.
        negatives: share of pages that are no such form.
        clean: share of pages without any noise; the others get noise of up to level 1.
        prose: share kept of the pages that have no label of the form.
    """

    documents: Count = 900
    validation: Count = 60
    profile: str = "labels"
    scans: CountOrNone = 0
    validation_scans: CountOrNone = 0
    scan_seed: CountOrNone | None = None
    scan_share: Share = 0.4
    negatives: Share = 0.08
    clean: Share = 0.15
    prose: Share = 0.3


@dataclass(frozen=True, config=CHECKED)
class ModelConfig:
    """The size of a model from random weights; or `pretrained`, the folder of a text model, and `shrink`."""

    hidden: Count = 192
    layers: Count = 4
    heads: Count = 6
    shrink: Count = 4
    dropout: Share = 0.1
    window: Annotated[int, Field(strict=True, ge=16)] = 512
    characters: Count = 5000
    pretrained: Path | None = None

    @model_validator(mode="after")
    def _check(self) -> ModelConfig:
        """The size of a pretrained model is its own."""
        if not self.pretrained and (problem := misfit(self.hidden, self.heads, self.shrink)):
            raise ValueError(problem)
        return self


@dataclass(frozen=True, config=CHECKED)
class RunConfig:
    """How it is learnt.

    Args:
        steps: at most; each of `batch` windows.
        evaluate_every: steps between validations; after `patience` of them without gain it stops.
        precision: `auto` is bf16 where the processor multiplies it in hardware, else fp32.
        deterministic: the same bits from the same seed on the same machine, slower on a GPU.
    """

    steps: Count = 1600
    batch: Count = 8
    learning_rate: Rate = 1e-3
    warmup: Share = 0.06
    weight_decay: Rate = 0.01
    evaluate_every: Count = 200
    patience: Count = 4
    precision: Precision = "auto"
    deterministic: StrictBool = True


@dataclass(frozen=True, config=CHECKED)
class TrainConfig:
    """All of a run; `seed` is that of the corpus, the noise and the weights."""

    seed: CountOrNone = 1
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    run: RunConfig = field(default_factory=RunConfig)

    @classmethod
    def read(cls, path: Path) -> TrainConfig:
        """From TOML; the folder of a pretrained model is relative to that of the file.

        Raises:
            UsageError: the file is no such config.
        """
        config = read_settings(cls, path)
        if not config.model.pretrained:
            return config
        model = dataclasses.replace(config.model, pretrained=path.parent / config.model.pretrained)
        return dataclasses.replace(config, model=model)


def misfit(hidden: int, heads: int, shrink: int) -> str | None:
    """Why a LiLT model cannot have this size: its layout stream puts six embeddings side by side."""
    if hidden % 6 or hidden % heads:
        return f"hidden = {hidden} must be a multiple of 6 and of heads = {heads}"
    if hidden % shrink or hidden // shrink % heads:
        return f"hidden / shrink = {hidden / shrink:g} must be a multiple of heads = {heads}"
    return None
