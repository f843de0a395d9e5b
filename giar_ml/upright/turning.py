"""Which way up a page lies: what can be read along its lines of text says it."""

from __future__ import annotations

import re

import numpy as np

from giar_ml.document import BBox
from giar_ml.ocr.engine import OcrEngine
from giar_ml.upright.lines import find_text_lines, shrink
from giar_ml.upright.warp import turn_image

_CHINESE = re.compile(r"[\u4e00-\u9fff（）、，。：；]")

MIN_LENGTH_IN = 0.5
N_LINES = 5
CROP_IN = 1.8
"""So much of a line is read: about ten characters."""
CLEARLY = 2.0
"""Along the axis of its text a page has so many times the length of lines that it has across."""
READABLE = 0.7
"""What is read with less is nonsense: lines on their head have 0.3 to 0.6."""
SURE = 0.8
"""Score of a page that lies the right way up."""
BETTER = 1.1
"""By what factor another way up must be read better."""


def find_quarters(gray: np.ndarray, engine: OcrEngine, *, dpi: float) -> int:
    """By how many quarters clockwise a page must be turned to lie upright.

    A page that is read well as it lies is not tried otherwise. One with hardly any text stays as it is. What
    is read alone does not tell a page on its side: characters that lie are read, too, where labels of several
    lines put them side by side.

    Args:
        gray: (H, W) uint8.
        engine: reads lines; those that lie on their head it reads badly.
        dpi: resolution of the page.
    """
    turned = turn_image(gray, 1)
    across, down = _find_lines(gray, dpi=dpi), _find_lines(turned, dpi=dpi)
    lengths = sum(line.width for line in across), sum(line.width for line in down)
    crops = _cut(gray, across, dpi=dpi)
    upright = _score(crops, engine)
    if upright >= SURE and lengths[0] > CLEARLY * lengths[1]:
        return 0
    scores = {0: upright * lengths[0], 2: _score(_on_head(crops), engine) * lengths[0]}
    crops = _cut(turned, down, dpi=dpi)
    scores |= {1: _score(crops, engine) * lengths[1], 3: _score(_on_head(crops), engine) * lengths[1]}
    best = max(scores, key=lambda quarters: scores[quarters])
    return best if scores[best] > BETTER * scores[0] else 0


def _score(crops: list[np.ndarray], engine: OcrEngine) -> float:
    """How well lines of Chinese are read, 0 to 1.

    Figures do not count: a column of zeros is read as well from the side.
    """
    if not crops:
        return 0.0
    total = 0.0
    for recognition in engine.recognize(crops):
        text = "".join(recognition.text.split())
        clearly = max(0.0, recognition.score - READABLE) / (1 - READABLE)
        total += clearly * len(_CHINESE.findall(text)) / max(1, len(text))
    return total / len(crops)


def _on_head(crops: list[np.ndarray]) -> list[np.ndarray]:
    return [turn_image(crop, 2) for crop in crops]


def _find_lines(gray: np.ndarray, *, dpi: float) -> list[BBox]:
    """Lines of text across the page."""
    small, scale = shrink(gray, dpi=dpi)
    lines = find_text_lines(small, dpi=dpi * scale, min_length_in=MIN_LENGTH_IN)
    return [BBox(*(x / scale for x in line.bbox)) for line in lines]


def _cut(gray: np.ndarray, lines: list[BBox], *, dpi: float) -> list[np.ndarray]:
    """Some lines as (h, w, 3) crops: long ones are taken as much more often as they are longer."""
    if not lines:
        return []
    ends = np.cumsum([line.width for line in sorted(lines, key=lambda line: line.width)])
    picked = np.searchsorted(ends, (np.arange(N_LINES) + 0.5) / N_LINES * ends[-1])
    crops = []
    for line in (sorted(lines, key=lambda line: line.width)[i] for i in sorted(set(picked.tolist()))):
        pad = 0.15 * line.height
        left, top = (max(0, round(x - pad)) for x in line[:2])
        right = round(min(line.right, line.left + CROP_IN * dpi) + pad)
        crops.append(np.repeat(gray[top : round(line.bottom + pad), left:right, None], 3, axis=2))
    return crops
