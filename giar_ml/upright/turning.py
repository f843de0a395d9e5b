"""Which way up a page lies: what is read where its text runs says it."""

from __future__ import annotations

import re

import numpy as np

from giar_ml.ocr.engine import OcrEngine
from giar_ml.upright.lines import find_text_lines, shrink
from giar_ml.upright.warp import turn_image

_CHINESE = re.compile(r"[\u4e00-\u9fff（）、，。：；]")

N_LINES = 4
LINE_IN = 1.6
"""Length of the lines that tell most for their cost: about ten characters."""
ENOUGH = 3
"""Lines from which on their score is believed: one may be a label that is printed on end."""
SURE = 0.85
"""Mean score of lines that are read the right way up."""
BETTER = 0.1
"""By how much another way up must be read better."""


def find_quarters(gray: np.ndarray, engine: OcrEngine, *, dpi: float) -> int:
    """By how many quarters clockwise a page must be turned to lie upright.

    A page that is read well as it lies is not tried otherwise. One with hardly any text stays as it is.

    Args:
        gray: (H, W) uint8.
        engine: reads lines; those that lie on their head or across it reads badly.
        dpi: resolution of the page.
    """
    upright = _crops(gray, dpi=dpi)
    scores = {0: _score(upright, engine)}
    if len(upright) >= ENOUGH and scores[0] >= SURE * len(upright) / N_LINES:
        return 0
    scores[2] = _score([turn_image(crop, 2) for crop in upright], engine)
    standing = _crops(turn_image(gray, 1), dpi=dpi)
    scores[1] = _score(standing, engine)
    scores[3] = _score([turn_image(crop, 2) for crop in standing], engine)
    best = max(scores, key=lambda quarters: scores[quarters])
    return best if scores[best] >= scores[0] + BETTER else 0


def _score(crops: list[np.ndarray], engine: OcrEngine) -> float:
    """How well lines of Chinese are read, 0 to 1; fewer than wanted say less.

    Figures do not count: a column of zeros is read as well from the side.
    """
    total = 0.0
    for recognition in engine.recognize(crops) if crops else ():
        text = "".join(recognition.text.split())
        total += recognition.score * len(_CHINESE.findall(text)) / max(1, len(text))
    return total / N_LINES


def _crops(gray: np.ndarray, *, dpi: float) -> list[np.ndarray]:
    """Some lines of text, (h, w, 3) each."""
    small, scale = shrink(gray, dpi=dpi)
    lines = find_text_lines(small, dpi=dpi * scale)
    lines.sort(key=lambda line: abs(line.bbox.width - LINE_IN * dpi * scale))
    crops = []
    for line in lines[:N_LINES]:
        pad = 0.15 * line.bbox.height
        left, top = (max(0, round((x - pad) / scale)) for x in line.bbox[:2])
        right, bottom = (round((x + pad) / scale) for x in line.bbox[2:])
        crops.append(np.repeat(gray[top:bottom, left:right, None], 3, axis=2))
    return crops
