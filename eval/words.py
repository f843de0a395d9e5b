"""How figures of the evaluation are said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOTHING = "–"
PERCENT = "\u00a0%"  # no line break before it


def show_share(value: float | None) -> str:
    """A share as percent, with as many digits as the end it is near needs: 99.98 %, never 100 % for less."""
    if value is None:
        return NOTHING
    percent = min(max(100 * value, 0.001), 99.999) if 0 < value < 1 else 100 * value
    if value in (0.0, 1.0):
        return f"{percent:.0f}{PERCENT}"
    gap = min(abs(percent), abs(100 - percent))
    digits = 1 if gap >= 1 else 2 if gap >= 0.1 else 3
    return f"{percent:.{digits}f}{PERCENT}"


def show_value(rate: Mapping[str, Any]) -> str:
    return show_share(rate["value"])


def show_interval(rate: Mapping[str, Any]) -> str:
    """The ends of the interval, in percent; empty where there is none."""
    if rate["low"] is None:
        return ""
    low, high = (show_share(rate[end]).removesuffix(PERCENT) for end in ("low", "high"))
    return f"{low}–{high}"


def show_time(cost: Mapping[str, Any]) -> str:
    seconds = cost["seconds_per_page"]
    return NOTHING if seconds is None else f"{seconds:.2f} s"


def show_number(value: float | None, digits: int = 0, unit: str = "") -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}{unit}"
