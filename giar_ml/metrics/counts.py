"""What all counts share: they add field by field, and a rate of nothing is None."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)


def add_fields(a: T, b: T) -> T:
    """A dataclass of the same type whose every field is the sum of the two."""
    return type(a)(**{f.name: getattr(a, f.name) + getattr(b, f.name) for f in fields(a)})


def ratio(numerator: float, denominator: float) -> float | None:
    """None when the denominator is 0."""
    return numerator / denominator if denominator else None
