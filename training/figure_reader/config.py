"""The settings of a training run, from a TOML file."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from training.settings import CHECKED, Count, CountOrNone

Precision = Literal["fp32", "bf16"]
Part = Annotated[float, Field(strict=True, ge=0, lt=1)]
Rate = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, config=CHECKED)
class DataConfig:
    """What is learnt from.

    Args:
        scans: made-up scans to learn from, and `validation_scans` others to stop by; 0 for rendered figures
            alone.
        use: scans that are really read, the first ones; 0 for all.
        sheets: full of figures, see `training.figure_reader.sheets`; `sheets_share` of the figures drawn are
            of them, and `validation_sheets` others are stopped by as well.
        soiled: sheets with seals, pen strokes and dirt all over, drawn as often as the other sheets;
            `validation_soiled` others are stopped by as well.
        rendered: crops that are rendered from fonts; `rendered_share` of the figures drawn are of them.
        empty: share of crops without a figure.
        crossed: how often figures of sheets that seals or pen strokes cross are drawn beside the others.
    """

    scans: CountOrNone = 400
    validation_scans: CountOrNone = 24
    use: CountOrNone = 0
    sheets: CountOrNone = 0
    validation_sheets: CountOrNone = 0
    soiled: CountOrNone = 0
    validation_soiled: CountOrNone = 0
    sheets_share: Part = 0.0
    rendered: Count = 12_000
    rendered_share: Part = 0.35
    empty: Part = 0.13
    crossed: Annotated[float, Field(strict=True, ge=1, le=100)] = 1.0

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if bool(self.scans) != bool(self.validation_scans):
            raise ValueError("scans and validation_scans go together")
        if bool(self.sheets or self.soiled) != bool(self.sheets_share):
            raise ValueError("sheets and sheets_share go together")
        if self.sheets_share + self.rendered_share > 1:
            raise ValueError("sheets_share and rendered_share add up to 1 at most")
        return self


@dataclass(frozen=True, config=CHECKED)
class ModelConfig:
    """Channels of the three stages of convolutions, and of the frames that come of them."""

    narrow: Count = 32
    middle: Count = 64
    wide: Count = 96
    frames: Count = 160
    dropout: Part = 0.1


@dataclass(frozen=True, config=CHECKED)
class RunConfig:
    """How it is learnt.

    Args:
        steps: at most; each of `batch` crops.
        evaluate_every: steps between validations; after `patience` of them without gain it stops.
        precision: bf16 is twice as fast on processors that multiply it in hardware.
    """

    steps: Count = 4000
    batch: Count = 96
    learning_rate: Rate = 2e-3
    warmup: Part = 0.05
    weight_decay: Rate = 0.01
    evaluate_every: Count = 400
    patience: Count = 5
    threads: Count = 1
    precision: Precision = "fp32"


@dataclass(frozen=True, config=CHECKED)
class TrainConfig:
    """All of a run; `seed` is that of the scans, the draws and the weights."""

    seed: CountOrNone = 31003
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    run: RunConfig = field(default_factory=RunConfig)
