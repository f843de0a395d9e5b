"""The settings of a training run: dataclasses that pydantic checks, read from a TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from giar_ml.errors import UsageError

CHECKED = ConfigDict(extra="forbid")

Count = Annotated[int, Field(strict=True, ge=1)]
CountOrNone = Annotated[int, Field(strict=True, ge=0)]  # 0: none of it
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Rate = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]

_Settings = TypeVar("_Settings")


def read_settings(kind: type[_Settings], path: Path) -> _Settings:
    """The dataclass `kind`, whose fields are the settings and sections of the TOML file `path`.

    Raises:
        UsageError: the file is no TOML, or a setting is unknown, of another type or out of its range.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as TOML ({error})") from error
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"{path}: {_describe(kind, dict(first))}") from error


def to_dict(settings: Any) -> dict[str, Any]:
    """As JSON and TOML have it."""
    return dataclasses.asdict(
        settings,
        dict_factory=lambda items: {
            k: str(v) if isinstance(v, Path) else v for k, v in items if v is not None
        },
    )


def _describe(kind: Any, error: dict[str, Any]) -> str:
    *sections, name = error["loc"] or ("",)
    for section in sections:
        kind = get_type_hints(kind)[section]
    where = "".join(f"[{section}] " for section in sections)
    if error["type"] == "unexpected_keyword_argument":
        fields = ", ".join(field.name for field in dataclasses.fields(kind))
        return f"{where}no setting {name!r}; there are {fields}"
    if error["type"] == "value_error":  # what a validator of the dataclass itself says
        return f"{where}[{name}] {error['ctx']['error']}" if name else str(error["ctx"]["error"])
    return f"{where}{name} = {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"
