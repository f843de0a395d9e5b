"""Reports as pages of a government's web site."""

from __future__ import annotations

from training.filling import Filling
from training.style import Style, Tints


def write_page(filling: Filling, style: Style, *, tints: Tints | None = None) -> str:
    raise NotImplementedError
