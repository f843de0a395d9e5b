"""One frame for the tokens of scans, of files and of text dumps, in which a labeller sees them.

Left and right run from 0 to 1000 over what is printed on the page (over 160 columns of a text), top and
bottom count quarters of a line. So neither resolution nor margins matter, and a dump, which has lines and
columns, looks like a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox

WIDTH = 1000
UNITS_PER_LINE = 4
TEXT_COLUMNS = 160


class Placed(NamedTuple):
    """A token as a labeller sees it: its text, and its box in the common frame."""

    text: str
    bbox: BBox


def place(texts: Sequence[str], boxes: np.ndarray, *, paper: bool) -> list[Placed]:
    """Tokens of one page in the common frame, in the order given.

    Args:
        boxes: (N, 4) left, top, right, bottom in pixels or points of a page (`paper`), or in columns and
            lines of a text.
    """
    if not len(boxes):
        return []
    boxes = np.asarray(boxes, dtype=float)
    if paper:
        left, right = boxes[:, 0].min(), boxes[:, 2].max()
        line = max(float(np.median(np.minimum(boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]))), 1e-6)
        scale = np.array([WIDTH / max(right - left, 1e-6), UNITS_PER_LINE / line])
        origin = np.array([left, boxes[:, 1].min()])
    else:
        scale = np.array([WIDTH / TEXT_COLUMNS, UNITS_PER_LINE])
        origin = np.array([0.0, boxes[:, 1].min()])
    framed = (boxes - np.tile(origin, 2)) * np.tile(scale, 2)
    framed[:, [0, 2]] = framed[:, [0, 2]].clip(0, WIDTH)
    return [Placed(text, BBox(*map(float, box))) for text, box in zip(texts, framed, strict=True)]


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
