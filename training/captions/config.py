"""The settings of a training run, from a TOML file."""

from __future__ import annotations

from dataclasses import field

from pydantic.dataclasses import dataclass

from training.figure_reader.config import ModelConfig, RunConfig
from training.settings import CHECKED, Count, CountOrNone, Share


@dataclass(frozen=True, config=CHECKED)
class Corpus:
    """`n` made-up reports of a profile of `giar synth`."""

    profile: str
    seed: CountOrNone
    n: Count


@dataclass(frozen=True, config=CHECKED)
class TrainConfig:
    """All of a run.

    Args:
        seed: of the draws and the weights.
        corpora: whose lines are learnt from; the lines of the last `validation` of each are stopped by.
    """

    seed: CountOrNone = 1
    validation: Share = 0.1
    corpora: tuple[Corpus, ...] = ()
    model: ModelConfig = field(default_factory=ModelConfig)
    run: RunConfig = field(default_factory=RunConfig)
