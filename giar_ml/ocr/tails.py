"""Short last lines of wrapped cells, read together with the line that they go on from.

结果维|持 is cut where the cell ends; on a crop of 持 alone the engine lacks what it reads words by.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from giar_ml.document import Token
from giar_ml.ocr.engine import OcrEngine
from giar_ml.ocr.lines import Line

MIN_TAIL_EM, MAX_TAIL_EM = 0.7, 2.3
"""Width of a tail by the height of the two lines; a single digit is narrower."""
_WORDS = re.compile(r"[\u4e00-\u9fff]{2}")
_CHARACTER = re.compile(r"[\u4e00-\u9fff]")


def read_tails(
    lines: Sequence[Line], tokens: Sequence[Token], cells: Sequence[object], engine: OcrEngine
) -> list[Token]:
    """The tokens, those of tails with what is read of them behind the line before.

    Only Chinese comes of it: a figure below a label is read by itself. A tail keeps its reading where the
    line before is read otherwise with it.

    Args:
        lines: those of cells, from top to bottom in each.
        cells: for each line what tells its cell.
    """
    found = list(tokens)
    tails = [
        second
        for first, second in pairwise(range(len(lines)))
        if cells[first] == cells[second]
        and lines[first].bbox.bottom <= lines[second].bbox.top
        and _is_tail(lines[first], lines[second])
        and _WORDS.search(tokens[first].text)
    ]
    if not tails:
        return found
    crops = [_side_by_side(lines[i - 1].crop, lines[i].crop) for i in tails]
    for i, together in zip(tails, engine.recognize(crops), strict=True):
        before, text = tokens[i - 1].text, together.text.strip()
        rest = text[len(before) :].strip()
        if text.startswith(before) and _CHARACTER.search(rest):
            found[i] = replace(tokens[i], text=rest, confidence=min(1.0, together.score), readings=())
    return found


def _is_tail(before: Line, line: Line) -> bool:
    em = max(before.bbox.height, line.bbox.height)
    return MIN_TAIL_EM * em <= line.bbox.width <= MAX_TAIL_EM * em


def _side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Both crops in one, (h, w, 3), standing on the same foot."""
    height = max(len(left), len(right))
    padded = [
        cv2.copyMakeBorder(crop, height - len(crop), 0, 0, 0, cv2.BORDER_CONSTANT, value=_paper(crop))
        for crop in (left, right)
    ]
    return np.hstack(padded)


def _paper(crop: np.ndarray) -> tuple[int, int, int]:
    level = int(np.percentile(crop, 60))
    return level, level, level
