"""Which way up a page lies: what can be read along its lines of text says it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from giar_ml.document import BBox
from giar_ml.forms import printed_pairs
from giar_ml.ocr.captions import CaptionReader
from giar_ml.ocr.engine import OcrEngine
from giar_ml.ocr.lines import Line, narrow
from giar_ml.upright.lines import Sketch, find_text_lines
from giar_ml.upright.warp import turn_image

_CHINESE = re.compile(r"[\u4e00-\u9fff（）、，。：；]")

MIN_LENGTH_IN = 0.5
N_LINES = 8
CROP_IN = 1.8
"""So much of a line is read: about ten characters."""
READABLE = 0.7
"""What is read with less is nonsense: lines on their head have 0.3 to 0.6."""
ENOUGH = 35.0
"""Characters read along lines of a page that lies otherwise were never so many, of 490 faxes."""
ENOUGH_PRINTED = 12
"""The same of characters that surely are of a form: 120 pages on their side or head gave 4 at most."""
BETTER = 1.1
LEAST_MORE = 1.2
"""By what factor, and by how many characters, another way up must be read better: four strange ones."""
STRANGE = 0.3
"""What a character counts that no form has beside either of its neighbours: in tables of low rows that lie on
their side the first characters of all labels make a line, the second ones another; prose stands closer."""
CLOSE, FEWEST_CLOSE = 1.4, 5
"""Width of a character of prose with the space behind it at most, in heights of its ink, and how many a line
has at least; lines of text stand further apart than that."""
PAD = 0.15
"""Margin around the ink of a line that is cut out, in heights of it."""
LEAST_READ = 3
HOPELESS = 0.5
"""A way up of which so many crops gave less than this share of what they should have is given up."""


def find_quarters(page: Sketch, engine: OcrEngine, captions: CaptionReader | None = None) -> int:
    """By how many quarters clockwise a page must be turned to lie upright.

    A page that is read well as it lies is not tried otherwise. One with hardly any text stays as it is. How
    surely characters are read does not tell a page on its side: an engine that knows upright lines of text
    reads characters that lie, too, where labels of several lines put them side by side. But these are a few
    each time.

    Args:
        engine: reads lines; those that lie on their head it reads badly.
        captions: reads what the forms print: a page of which it reads enough needs no engine.
    """
    crops = _cut(page)
    if captions and _count_printed(crops, captions) >= ENOUGH_PRINTED:
        return 0
    upright = _count_read(crops, engine, enough=ENOUGH)
    if upright >= ENOUGH:
        return 0
    wanted = max(BETTER * upright, upright + LEAST_MORE)
    turned_crops = _cut(page.turned())
    ways = {2: _on_head(crops), 1: turned_crops, 3: _on_head(turned_crops)}
    n_read = {quarters: _count_read(way, engine, wanted=wanted) for quarters, way in ways.items()}
    best = max(n_read, key=lambda quarters: n_read[quarters])
    return best if n_read[best] > wanted else 0


def _count_printed(crops: Sequence[np.ndarray], captions: CaptionReader) -> int:
    """How many characters of lines surely are what the forms print."""
    lines = [Line(crop, BBox(0.0, 0.0, crop.shape[1], crop.shape[0])) for crop in crops]
    return sum(len(_CHINESE.findall(found.text)) for found in captions.read(lines) if found)


def _count_read(
    crops: list[np.ndarray], engine: OcrEngine, *, enough: float = math.inf, wanted: float = 0.0
) -> float:
    """How many Chinese characters are read in lines; less sure ones count less.

    Figures do not count: a column of zeros is read as well from the side. Crops are read one after another
    until there are `enough` characters, or so few that the rest cannot make up the `wanted` ones. They are
    read narrow, as lines are first: 53 pages of all severities gave 35 to 79 characters so, 39 to 79 at their
    own width, and 23 at most on their side or head.
    """
    total = 0.0
    for n, crop in enumerate(crops, start=1):
        (recognition,) = engine.recognize([narrow(crop)])
        clearly = max(0.0, recognition.score - READABLE) / (1 - READABLE)
        total += clearly * _count_characters(recognition.text, is_close=_stands_close(recognition.text, crop))
        if total >= enough or (n >= LEAST_READ and total < HOPELESS * wanted * n / len(crops)):
            break
    return total


def _stands_close(text: str, crop: np.ndarray) -> bool:
    """Whether the characters of a line stand as close as those of prose do."""
    high = crop.shape[0] / (1 + 2 * PAD)
    return len(text) >= FEWEST_CLOSE and crop.shape[1] - 2 * PAD * high <= CLOSE * high * len(text)


def _count_characters(text: str, *, is_close: bool = False) -> float:
    """The Chinese characters of a text; those that stand neither close nor beside others as in the forms
    count less."""
    is_known = [is_close or a + b in printed_pairs() for a, b in pairwise(text)]
    return sum(
        1.0 if before or behind else STRANGE
        for character, before, behind in zip(text, [False, *is_known], [*is_known, False], strict=False)
        if _CHINESE.match(character)
    )


def _on_head(crops: list[np.ndarray]) -> list[np.ndarray]:
    return [turn_image(crop, 2) for crop in crops]


def _cut(page: Sketch) -> list[np.ndarray]:
    """Some lines of text as (h, w, 3) crops, long ones first, and as much more often as they are longer."""
    found = find_text_lines(page.ink, dpi=page.dpi, min_length_in=MIN_LENGTH_IN)
    lines = [BBox(*(x / page.scale for x in line.bbox)) for line in found]
    if not lines:
        return []
    lines = sorted(lines, key=lambda line: line.width)
    ends = np.cumsum([line.width for line in lines])
    picked = np.searchsorted(ends, (np.arange(N_LINES) + 0.5) / N_LINES * ends[-1])
    crops = []
    for line in (lines[i] for i in sorted(set(picked.tolist()), reverse=True)):
        pad = PAD * line.height
        left, top = (max(0, round(x - pad)) for x in line[:2])
        right = round(min(line.right, line.left + CROP_IN * page.page_dpi) + pad)
        crops.append(np.repeat(page.page[top : round(line.bottom + pad), left:right, None], 3, axis=2))
    return crops
