"""Reads the statutory tables of Chinese government information disclosure reports (GIAR)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from giar_ml.pipeline import extract
    from giar_ml.report import Report

__version__ = "0.1.0"
__all__ = ["Report", "extract"]


def __getattr__(name: str) -> Any:
    # Imported when first used: `import giar_ml` must stay fast.
    if name == "extract":
        from giar_ml.pipeline import extract

        return extract
    if name == "Report":
        from giar_ml.report import Report

        return Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
