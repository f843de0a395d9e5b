"""The settings of a training run, from a TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from giar_ml.errors import UsageError

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class DataConfig:
    """What is learnt from.

    Args:
        scans: made-up scans to learn from, and `validation_scans` others to stop by; 0 for rendered figures
            alone.
        use: scans that are really read, the first ones; 0 for all.
        rendered: crops that are rendered from fonts; `rendered_share` of the figures drawn are of them.
        empty: share of crops without a figure.
    """

    scans: int = 400
    validation_scans: int = 24
    use: int = 0
    rendered: int = 12_000
    rendered_share: float = 0.35
    empty: float = 0.13


@dataclass(frozen=True)
class ModelConfig:
    """Channels of the three stages of convolutions, and of the frames that come of them."""

    narrow: int = 32
    middle: int = 64
    wide: int = 96
    frames: int = 160
    dropout: float = 0.1


@dataclass(frozen=True)
class RunConfig:
    """How it is learnt.

    Args:
        steps: at most; each of `batch` crops.
        evaluate_every: steps between validations; after `patience` of them without gain it stops.
        precision: bf16 is twice as fast on processors that multiply it in hardware.
    """

    steps: int = 4000
    batch: int = 96
    learning_rate: float = 2e-3
    warmup: float = 0.05
    weight_decay: float = 0.01
    evaluate_every: int = 400
    patience: int = 5
    threads: int = 1
    precision: Precision = "fp32"


@dataclass(frozen=True)
class TrainConfig:
    """All of a run; `seed` is that of the scans, the draws and the weights."""

    seed: int = 31003
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    run: RunConfig = field(default_factory=RunConfig)

    @classmethod
    def read(cls, path: Path) -> TrainConfig:
        """Raises UsageError when the file is no such config."""
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"{path}: cannot be read as TOML ({error})") from error
        config = _build(cls, data, str(path))
        if problem := _problem(config):
            raise UsageError(f"{path}: {problem}")
        return config

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


_PARTS = {"data": DataConfig, "model": ModelConfig, "run": RunConfig}
_MAY_BE_ZERO = {"scans", "validation_scans", "use", "seed"}
_SHARES = {"rendered_share", "empty", "dropout", "warmup"}
_Config = TypeVar("_Config")


def _build(kind: type[_Config], data: dict[str, Any], where: str) -> _Config:
    fields = {field.name: str(field.type) for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in fields:
            raise UsageError(f"{where}: no setting {name!r}; there are {', '.join(fields)}")
        if name in _PARTS:
            if not isinstance(value, dict):
                raise UsageError(f"{where}: {name} is a section: write [{name}]")
            value = _build(_PARTS[name], value, f"{where}: [{name}]")
        elif name == "precision":
            if value not in get_args(Precision):
                raise UsageError(f"{where}: precision is one of {', '.join(get_args(Precision))}")
        elif isinstance(value, bool) or not isinstance(value, int if fields[name] == "int" else (int, float)):
            raise UsageError(f"{where}: {name} is {fields[name]}, not {value!r}")
        values[name] = value
    return kind(**values)


def _problem(config: TrainConfig) -> str | None:
    sections = (("", {"seed": config.seed}), *((f"[{n}] ", vars(getattr(config, n))) for n in _PARTS))
    for section, values in sections:
        for name, value in values.items():
            if name == "precision":
                continue
            if name in _SHARES and not 0 <= value < 1:
                return f"{section}{name} = {value} is a share: from 0, below 1"
            if value < 0 or (value == 0 and name not in _MAY_BE_ZERO | _SHARES):
                return f"{section}{name} = {value} must be more than 0"
    if bool(config.data.scans) != bool(config.data.validation_scans):
        return "[data] scans and validation_scans go together"
    return None
