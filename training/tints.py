"""Colours that tell where every cell is printed, and their way out of the PDF again."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pikepdf

from giar_ml.annotations.gold import bounds
from giar_ml.document import BBox
from training.style import Grid, TintKey

Piece = tuple[int, TintKey, BBox]
"""A page, from 1, a cell, and where that page prints it or a part of it: points, origin top left."""

FIXED_DATE = "D:20260115090000Z"
_LEAST_PT = 1.0
"""Thinner pieces are rests of a cell that ends with its page."""
_PAINTS = {"f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "n"}
_FILLS = _PAINTS - {"S", "s", "n"}


def make_tints(grids: Sequence[Grid]) -> dict[TintKey, str]:
    """A colour for every cell. Full red: no blend with black or white is another cell's colour.

    Raises:
        ValueError: more cells than there are colours.
    """
    keys = [(number, i) for number, grid in enumerate(grids) for i in range(len(grid.cells))]
    if len(keys) > 1023:
        raise ValueError(f"no colours of their own for {len(keys)} cells")
    # Red itself stays free: it is a colour that people use.
    return {key: f"FF{8 * (n // 32):02X}{8 * (n % 32):02X}" for n, key in enumerate(keys, start=1)}


def take_out_tints(
    pdf: bytes, tints: Mapping[TintKey, str], shades: Mapping[TintKey, str | None]
) -> tuple[bytes, list[Piece]]:
    """The PDF as it is without the tints, its dates and identifiers fixed, and where the tints were.

    Args:
        shades: the cells' own shading, `RRGGBB`; None for none.
    """
    keys = {_code(colour): key for key, colour in tints.items()}
    pieces: list[Piece] = []
    with pikepdf.open(io.BytesIO(pdf)) as document:
        for number, page in enumerate(document.pages, start=1):
            left, _, _, top = map(float, page.mediabox)
            instructions, found = _strip(pikepdf.parse_content_stream(page), keys, shades)
            page.Contents = document.make_stream(pikepdf.unparse_content_stream(instructions))
            for key, box in found:
                if box.width > _LEAST_PT and box.height > _LEAST_PT:
                    upright = BBox(box.left - left, top - box.bottom, box.right - left, top - box.top)
                    pieces.append((number, key, upright))
        _fix_dates(document)
        buffer = io.BytesIO()
        document.save(buffer, deterministic_id=True)
    return buffer.getvalue(), pieces


def _fix_dates(document: pikepdf.Pdf) -> None:
    for name in ("/CreationDate", "/ModDate"):
        if name in document.docinfo:
            document.docinfo[name] = FIXED_DATE
    for name in ("/DocChecksum", "/ID"):
        if name in document.trailer:
            del document.trailer[name]


def _code(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour))


class _State:
    """What a content stream's q and Q save and restore: matrix, clip box and fill colour."""

    def __init__(self) -> None:
        self.matrix = np.eye(3)
        self.clip: BBox | None = None
        self.fill: tuple[int, ...] = ()

    def copy(self) -> _State:
        state = _State()
        state.matrix, state.clip, state.fill = self.matrix, self.clip, self.fill
        return state


def _strip(
    instructions: Sequence[Any], keys: Mapping[tuple[int, ...], TintKey], shades: Mapping[TintKey, str | None]
) -> tuple[list[Any], list[tuple[TintKey, BBox]]]:
    """The content stream without tints, and the tinted boxes in PDF points (`top` is the lower side)."""
    kept: list[Any] = []
    found: list[tuple[TintKey, BBox]] = []
    state, stack = _State(), list[_State]()
    path: list[list[tuple[float, float]]] = []
    clips = False
    for operands, operator in instructions:
        name = str(operator)
        if name == "q":
            stack.append(state.copy())
        elif name == "Q" and stack:
            state = stack.pop()
        elif name == "cm":
            a, b, c, d, e, f = map(float, operands)
            state.matrix = np.array([[a, b, 0], [c, d, 0], [e, f, 1]]) @ state.matrix
        elif name in ("rg", "sc", "scn") and len(operands) == 3:
            state.fill = tuple(round(255 * float(value)) for value in operands)
            if state.fill in keys:
                shade = shades[keys[state.fill]]
                if shade is None:
                    continue
                operands = [round(value / 255, 6) for value in _code(shade)]
                operator = pikepdf.Operator("rg")
        elif name in ("g", "k", "cs"):
            state.fill = ()
        elif name == "re":
            x, y, width, height = map(float, operands)
            path.append([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
        elif name in ("m", "l", "c", "v", "y"):
            values = [float(value) for value in operands]
            if name == "m" or not path:
                path.append([])
            path[-1] += zip(values[::2], values[1::2], strict=True)
        elif name in ("W", "W*"):
            clips = True
        if name in _PAINTS:
            boxes = [_place(part, state) for part in path if part]
            if name in _FILLS and state.fill in keys:
                found += [(keys[state.fill], box) for box in boxes if box is not None]
                if shades[keys[state.fill]] is None:
                    operands, operator = [], pikepdf.Operator("n")
            if clips:
                state.clip = _union(boxes) or BBox(0, 0, 0, 0)
            path, clips = [], False
        kept.append((operands, operator))
    return kept, found


def _place(points: Sequence[tuple[float, float]], state: _State) -> BBox | None:
    """The box around a path on the page, inside the clip; None where nothing of it shows."""
    moved = np.column_stack([np.array(points), np.ones(len(points))]) @ state.matrix
    box = bounds([(float(x), float(y)) for x, y, _ in moved])
    if state.clip is None:
        return box
    clip = state.clip
    left, top = max(box.left, clip.left), max(box.top, clip.top)
    box = BBox(left, top, min(box.right, clip.right), min(box.bottom, clip.bottom))
    return box if box.left < box.right and box.top < box.bottom else None


def _union(boxes: Sequence[BBox | None]) -> BBox | None:
    corners = [point for box in boxes if box for point in ((box.left, box.top), (box.right, box.bottom))]
    return bounds(corners) if corners else None
