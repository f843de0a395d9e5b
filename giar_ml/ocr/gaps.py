"""A line of text with wide gaps -> its parts: words of several columns that stand side by side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from giar_ml.document import BBox
from giar_ml.figures import is_figure, plain
from giar_ml.geometry import runs
from giar_ml.ocr.lines import Line
from giar_ml.tables.rules import to_gray

MIN_GAP = 0.4
"""In heights of the line as detected, which is half as high again as its characters."""
WIDE_GAP, MIN_PART = 0.8, 1.0
"""A gap that parts a line even where none was read, since it was read narrow, and the width of parts so told,
in the same heights: words set wide (总　计) have characters that stand alone."""
POINT_GAP = 1.2
"""The same for a figure that was read with a point, which has the room of a digit in full width."""
MIN_DARK_PX = 2
"""Of a column of pixels with print: less is a speck."""
_STAY = "、，：；.．）)"
"""A word that ends so goes on behind the gap."""


def split_at_gaps(line: Line, text: str) -> list[Line]:
    """The parts of a line outside tables that was read with gaps, left to right; itself if there are none.

    A detector takes headers that stand close together for one line.

    Args:
        text: what was read in the line; a gap is one that was read as such and is wide, or is very wide.
    """
    words = text.split()
    gray = to_gray(line.crop)
    low, high = np.percentile(gray, (2, 90))
    dark = (gray < (low + high) / 2).sum(axis=0) >= MIN_DARK_PX
    parts = runs(dark, gap=round(MIN_GAP * len(gray)))
    if len(words) > 1 and len(parts) == len(words):
        kept = [parts[0]]
        for word, part in zip(words, parts[1:], strict=False):
            if word[-1] in _STAY:
                kept[-1] = kept[-1][0], part[1]
            else:
                kept.append(part)
    else:
        wide = POINT_GAP if "." in plain(text) and is_figure(text) else WIDE_GAP
        kept = runs(dark, gap=round(wide * len(gray)))
        if any(stop - start < MIN_PART * len(gray) for start, stop in kept):
            return [line]
    cuts = [0, *((a[1] + b[0]) // 2 for a, b in pairwise(kept)), gray.shape[1]]
    return [_cut(line, start, stop) for start, stop in pairwise(cuts)] if len(kept) > 1 else [line]


def _cut(line: Line, start: int, stop: int) -> Line:
    """The part of a line between two columns of its crop."""
    scale = line.bbox.width / line.crop.shape[1]
    left, top, _, bottom = line.bbox
    return Line(line.crop[:, start:stop], BBox(left + scale * start, top, left + scale * stop, bottom))
