"""One frame for the tokens of scans, of files and of text dumps, in which a labeller sees them.

Left and right run from 0 to 1000 over what is printed on the page (over 160 columns of a text), top and
bottom count quarters of a line, which on paper is as high as a Chinese character is wide. So neither
resolution nor margins matter, and a dump, which has lines and columns, looks like a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox
from giar_ml.text import display_width

WIDTH = 1000
UNITS_PER_LINE = 4
TEXT_COLUMNS = 160
MIN_WIDE_TOKENS = 3
"""Tokens of Chinese characters alone from which their size is taken."""


class Placed(NamedTuple):
    """A token as a labeller sees it: its text, its box in the common frame, how surely it was read, and the
    cell of a found table that it shares with others of the page; None outside of tables."""

    text: str
    bbox: BBox
    confidence: float = 1.0
    cell: int | None = None


def place(
    texts: Sequence[str],
    boxes: np.ndarray,
    *,
    paper: bool,
    confidences: Sequence[float] | None = None,
    cells: Sequence[int | None] | None = None,
) -> list[Placed]:
    """Tokens of one page in the common frame, in the order given.

    Args:
        boxes: (N, 4) left, top, right, bottom in pixels or points of a page (`paper`), or in columns and
            lines of a text.
        confidences: of their texts, 0 to 1; None where all were given, not read.
        cells: numbers of the cells that they stand in; None where no table is found.
    """
    if not len(boxes):
        return []
    boxes = np.asarray(boxes, dtype=float)
    if paper:
        left, right = boxes[:, 0].min(), boxes[:, 2].max()
        scale = np.array([WIDTH / max(right - left, 1e-6), UNITS_PER_LINE / character_size(texts, boxes)])
        origin = np.array([left, boxes[:, 1].min()])
    else:
        scale = np.array([WIDTH / TEXT_COLUMNS, UNITS_PER_LINE])
        origin = np.array([0.0, boxes[:, 1].min()])
    framed = (boxes - np.tile(origin, 2)) * np.tile(scale, 2)
    framed[:, [0, 2]] = framed[:, [0, 2]].clip(0, WIDTH)
    sure = [1.0] * len(texts) if confidences is None else confidences
    found = [None] * len(texts) if cells is None else cells
    return [
        Placed(text, BBox(*box), confidence, cell)
        for text, box, confidence, cell in zip(texts, framed.tolist(), sure, found, strict=True)
    ]


def character_size(texts: Sequence[str], boxes: np.ndarray) -> float:
    """The width of a Chinese character on a page, in the unit of `boxes` (N, 4); above 0.

    Of tokens of Chinese characters alone it is the length by their number, whether a reader boxes the ink or
    the whole line. A page with hardly any has the short side of its tokens for it.
    """
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    wide = [
        max(width, height) / len(text)
        for text, width, height in zip(texts, widths.tolist(), heights.tolist(), strict=True)
        if len(text) > 1 and display_width(text) == 2 * len(text)
    ]
    found = wide if len(wide) >= MIN_WIDE_TOKENS else np.minimum(widths, heights)
    return max(float(np.median(found)), 1e-6)


def reading_order(placed: Sequence[Placed]) -> list[int]:
    """Indices of the tokens line by line, from left to right; a line ends where the next token's centre is
    more than half a line lower than that of the line's first."""
    by_height = sorted(range(len(placed)), key=lambda i: placed[i].bbox.center[1])
    order: list[int] = []
    line: list[int] = []
    for i in by_height:
        if line and placed[i].bbox.center[1] - placed[line[0]].bbox.center[1] > UNITS_PER_LINE / 2:
            order += sorted(line, key=lambda k: placed[k].bbox.left)
            line = []
        line.append(i)
    return order + sorted(line, key=lambda k: placed[k].bbox.left)
