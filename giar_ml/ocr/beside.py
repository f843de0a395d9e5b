"""Figures beside which something pale stands, as high as their digits: a digit that was taken for no print,
half in the shadow of a fold, or under what is left of a seal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from giar_ml.document import BBox, Token
from giar_ml.geometry import runs
from giar_ml.levels import Levels
from giar_ml.ocr.cells import EDGE_IN, crop_line
from giar_ml.ocr.digits import Recognize
from giar_ml.ocr.lines import Line, mix_readings

REACH = 1.3
"""How far beside a figure is looked for a digit, in heights of it: full-width digits have as much room."""
DEPTH, MIN_DEPTH, TO_NOISE = 0.3, 14.0, 2.5
"""How dark it is at least: in depths of the figure's ink, in grey levels, and in deviations of the paper."""
PAPER = 0.75
"""Share of the pixels beside a figure that are darker than their paper at most."""
HEIGHT = (0.75, 1.2)
"""How high it is, in heights of the figure."""
INK = 0.08
"""How much of it is dark at least, in squares of that height: a 1 has 0.12, the rest of a stroke less."""
GAP = 0.12
"""Columns without ink in a digit in pieces, in the same."""
SEEN = 0.5
"""Probability from which both are read as one figure with digits more."""


def read_beside(
    tokens: Sequence[Token], bboxes: Sequence[BBox], gray: np.ndarray, recognize: Recognize, *, dpi: float
) -> list[Token]:
    """The tokens, those of figures with something beside them also with what both are read as, where these
    are their digits and more, and as wide as these.

    Args:
        bboxes: the cells of the tokens.
        gray: (H, W) uint8, the page.
    """
    by_cell: dict[BBox, list[BBox]] = {}
    for token, cell in zip(tokens, bboxes, strict=True):
        by_cell.setdefault(cell, []).append(token.bbox)
    wider: dict[int, Line] = {}
    for i, (token, cell) in enumerate(zip(tokens, bboxes, strict=True)):
        if token.readings and token.text.isdecimal() and not token.is_likely_nothing:
            bbox = _with_beside(gray, token.bbox, cell, by_cell[cell], dpi=dpi)
            if bbox is not None:
                left, top, right, bottom = (round(side) for side in bbox)
                crop = crop_line(gray, left, top, right, bottom, free=(top, bottom), dpi=dpi)
                wider[i] = Line(crop, bbox)
    seen = dict(zip(wider, recognize(list(wider.values()), gray), strict=True))
    return [
        replace(mix_readings(token, seen[i].readings), bbox=seen[i].bbox)
        if i in seen and _has_more(seen[i], token)
        else token
        for i, token in enumerate(tokens)
    ]


def _has_more(wider: Token, token: Token) -> bool:
    text, own = wider.text, token.text
    is_longer = text.isdecimal() and len(text) > len(own) and (text.startswith(own) or text.endswith(own))
    return is_longer and bool(wider.readings) and wider.confidence >= SEEN


def _with_beside(
    gray: np.ndarray, bbox: BBox, cell: BBox, others: Sequence[BBox], *, dpi: float
) -> BBox | None:
    """The figure with what may be digits beside it in its cell; None where there is nothing."""
    left, top, right, bottom = (round(side) for side in bbox)
    high = bottom - top
    edge = round(EDGE_IN * dpi)
    first = max(0, round(cell.left) + edge, left - round(REACH * high))
    last = min(gray.shape[1], round(cell.right) - edge, right + round(REACH * high))
    for other in others:
        if other.right <= left:
            first = max(first, round(other.right))
        elif other.left >= right:
            last = min(last, round(other.left))
    own = Levels(gray[top:bottom, left:right])
    inside = Levels(gray[round(cell.top) : round(cell.bottom), round(cell.left) : round(cell.right)])
    noise = inside.spread(inside.paper)
    depth = DEPTH * (own.paper - own.quantile(0.02))
    before = _find_digit(gray[top:bottom, first : left - 1], depth, noise)
    behind = _find_digit(gray[top:bottom, right + 1 : last], depth, noise)
    if before is None and behind is None:
        return None
    return BBox(
        left if before is None else first + before[0],
        bbox.top,
        right if behind is None else right + 1 + behind[1],
        bbox.bottom,
    )


def _find_digit(part: np.ndarray, depth: float, noise: float) -> tuple[int, int] | None:
    """The columns of what may be digits in a strip as high as those of a figure.

    Args:
        depth: of ink.
        noise: of the paper of the cell: of the strip a digit may be most.
    """
    high = len(part)
    if min(part.shape) < 3:
        return None
    levels = Levels(part)
    paper = levels.quantile(PAPER)
    dark = paper - part.astype(np.float32) > max(
        depth, MIN_DEPTH, TO_NOISE * min(noise, levels.spread(paper))
    )
    found = []
    for start, stop in runs(np.asarray(dark.any(axis=0)), gap=round(GAP * high)):
        rows = np.flatnonzero(dark[:, start:stop].any(axis=1))
        is_high = HEIGHT[0] * high <= rows[-1] + 1 - rows[0] <= HEIGHT[1] * high
        if is_high and stop - start <= high and dark[:, start:stop].sum() >= INK * high**2:
            found.append((start, stop))
    return (found[0][0], found[-1][1]) if found else None
