"""The settings of a training run, from a TOML file."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from giar_ml.errors import UsageError

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class DataConfig:
    """What is learnt from.

    Args:
        documents: made-up reports to learn from, and `validation` others to stop by.
        profile: of these reports, see `training.profiles`.
        scans: made-up scans to learn from as OCR reads them, and `validation_scans` others to stop by.
        scan_share: of the pages of forms drawn, those that come from scans.
        negatives: share of pages that are no such form.
        clean: share of pages without any noise; the others get noise of up to level 1.
        prose: share kept of the pages that have no label of the form.
    """

    documents: int = 900
    validation: int = 60
    profile: str = "labels"
    scans: int = 0
    validation_scans: int = 0
    scan_share: float = 0.4
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
        if problem := _too_small(config) or _out_of_range(config) or _misfit(config.model):
            raise UsageError(f"{path}: {problem}")
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


def _too_small(config: TrainConfig) -> str | None:
    for section, names in _LEAST.items():
        for name, least in names.items():
            if (value := getattr(getattr(config, section), name)) < least:
                return f"[{section}] {name} = {value} must be at least {least}"
    return None


def _out_of_range(config: TrainConfig) -> str | None:
    for section, names in _SHARES.items():
        for name in names:
            if not 0 <= (value := getattr(getattr(config, section), name)) <= 1:
                return f"[{section}] {name} = {value} is a share: from 0 to 1"
    for name in ("learning_rate", "weight_decay"):
        if not 0 <= (value := getattr(config.run, name)) < math.inf:
            return f"[run] {name} = {value} must be a number from 0 up"
    return f"seed = {config.seed} must be at least 0" if config.seed < 0 else None


def _misfit(size: ModelConfig) -> str | None:
    """Why a new LiLT model cannot have this size; that of a pretrained one is its own."""
    problem = None if size.pretrained else misfit(size.hidden, size.heads, size.shrink)
    return problem and f"[model] {problem}"


def misfit(hidden: int, heads: int, shrink: int) -> str | None:
    """Why a LiLT model cannot have this size: its layout stream puts six embeddings side by side."""
    if hidden % 6 or hidden % heads:
        return f"hidden = {hidden} must be a multiple of 6 and of heads = {heads}"
    if hidden % shrink or hidden // shrink % heads:
        return f"hidden / shrink = {hidden / shrink:g} must be a multiple of heads = {heads}"
    return None


_LEAST = {
    "data": {"documents": 1, "validation": 1, "scans": 0, "validation_scans": 0},
    "model": {"hidden": 1, "layers": 1, "heads": 1, "shrink": 1, "window": 16},
    "run": {"steps": 1, "batch": 1, "evaluate_every": 1, "patience": 1},
}
_SHARES = {
    "data": ("scan_share", "negatives", "clean", "prose"),
    "model": ("dropout",),
    "run": ("warmup",),
}
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
        elif not _is_of(value, str(fields[name].type)):
            raise UsageError(f"{where}: {name} is {fields[name].type}, not {value!r}")
        elif name == "pretrained":
            value = Path(value)
        elif name == "precision" and value not in get_args(Precision):
            raise UsageError(f"{where}: {name} is one of {', '.join(get_args(Precision))}, not {value!r}")
        values[name] = value
    return kind(**values)


def _is_of(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    if kind in ("int", "float"):
        return isinstance(value, int if kind == "int" else (int, float))
    return kind != "bool" and isinstance(value, str)
