"""The settings of a training run, from a TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from giar_ml.errors import UsageError

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class DataConfig:
    """What is learnt from.

    Args:
        documents: made-up reports to learn from, and `validation` others to stop by.
        profile: of these reports, see `training.profiles`.
        negatives: share of pages that are no such form.
        clean: share of pages without any noise; the others get noise of up to level 1.
        prose: share kept of the pages that have no label of the form.
    """

    documents: int = 900
    validation: int = 60
    profile: str = "labels"
    negatives: float = 0.08
    clean: float = 0.15
    prose: float = 0.3


@dataclass(frozen=True)
class ModelConfig:
    """The size of a model from random weights; or `pretrained`, the folder of a text model, and `shrink`."""

    hidden: int = 192
    layers: int = 4
    heads: int = 6
    shrink: int = 4
    dropout: float = 0.1
    window: int = 512
    characters: int = 5000
    pretrained: Path | None = None


@dataclass(frozen=True)
class RunConfig:
    """How it is learnt.

    Args:
        steps: at most; each of `batch` windows.
        evaluate_every: steps between validations; after `patience` of them without gain it stops.
        precision: `auto` is bf16 where the processor multiplies it in hardware, else fp32.
        deterministic: the same bits from the same seed on the same machine, slower on a GPU.
    """

    steps: int = 1600
    batch: int = 8
    learning_rate: float = 1e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    evaluate_every: int = 200
    patience: int = 4
    precision: Precision = "auto"
    deterministic: bool = True


@dataclass(frozen=True)
class TrainConfig:
    """All of a run; `seed` is that of the corpus, the noise and the weights."""

    seed: int = 1
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
        if not config.model.pretrained and (problem := _misfit(config.model)):
            raise UsageError(f"{path}: [model] {problem}")
        if config.model.pretrained and not config.model.pretrained.is_absolute():
            pretrained = path.parent / config.model.pretrained
            config = dataclasses.replace(
                config, model=dataclasses.replace(config.model, pretrained=pretrained)
            )
        return config

    def to_dict(self) -> dict[str, Any]:
        """As JSON and TOML have it."""
        return dataclasses.asdict(
            self,
            dict_factory=lambda items: {
                k: str(v) if isinstance(v, Path) else v for k, v in items if v is not None
            },
        )


def _misfit(size: ModelConfig) -> str | None:
    """Why a LiLT model cannot have this size: its layout stream adds up six embeddings."""
    if size.hidden % 6 or size.hidden % size.heads:
        return f"hidden = {size.hidden} must be a multiple of 6 and of heads = {size.heads}"
    if size.hidden % size.shrink or size.hidden // size.shrink % size.heads:
        return f"hidden / shrink = {size.hidden / size.shrink:g} must be a multiple of heads = {size.heads}"
    return None


_PARTS = {"data": DataConfig, "model": ModelConfig, "run": RunConfig}
_Config = TypeVar("_Config")


def _build(kind: type[_Config], data: dict[str, Any], where: str) -> _Config:
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(data) - set(fields)):
        raise UsageError(f"{where}: no setting {unknown[0]!r}; there are {', '.join(fields)}")
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name in _PARTS:
            if not isinstance(value, dict):
                raise UsageError(f"{where}: {name} is a section: write [{name}]")
            value = _build(_PARTS[name], value, f"{where}: [{name}]")
        elif name == "pretrained":
            value = Path(value)
        elif not isinstance(
            value, (int, float) if fields[name].type == "float" else _plain_type(fields[name])
        ):
            raise UsageError(f"{where}: {name} is {fields[name].type}, not {value!r}")
        values[name] = value
    return kind(**values)


def _plain_type(field_: dataclasses.Field[Any]) -> type:
    return {"int": int, "bool": bool}.get(str(field_.type), str)
