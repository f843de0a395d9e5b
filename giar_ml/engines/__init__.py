"""OCR engines, one file each; the heavy import lives there and is done when the engine is chosen."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING, Any

from giar_ml.errors import EngineError

if TYPE_CHECKING:
    from giar_ml.ocr.engine import OcrEngine

ENGINES = {"paddle": "giar_ml.engines.paddle:PaddleOcr"}


def load_engine(name: str = "paddle", **options: Any) -> OcrEngine:
    """The engine of this name, ready to read; its options are those of its class.

    Raises:
        EngineError: no such engine, or it cannot be used with these options.
        MissingSystemLibraryError: a shared library that it needs is not installed.
    """
    if name not in ENGINES:
        raise EngineError(f"No OCR engine {name!r}; there are: {', '.join(ENGINES)}.")
    engine: OcrEngine = pkgutil.resolve_name(ENGINES[name])(**options)
    return engine
