"""Other ways to restore figures from readings and sums, to measure the solver by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eval.channel import Channelled
from giar_ml.report import Value

RIVALS: dict[str, Callable[[Channelled], Mapping[str, Value | None] | None]] = {}
