"""Reads what the forms print: a small model that knows their characters, in front of the engine.

Most lines of a scan with words have the wording of the forms, and an engine that knows 18,710 characters
takes ten times as long for them. A reading counts where it is sure and a part of what a form prints, so that
a mistake must make one such part of another; all else is left to the engine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from giar_ml.forms import printed_texts
from giar_ml.levels import Levels
from giar_ml.models import shipped_model
from giar_ml.ocr.ctc import ctc_greedy
from giar_ml.ocr.engine import Recognition
from giar_ml.ocr.lines import Line
from giar_ml.ocr.networks import STRIDE_PX, load_network, run_network
from giar_ml.tables.rules import to_gray
from giar_ml.text import letters

HEIGHT_PX = 32
SQUEEZE = 0.5
"""Width of a crop by that of its line, both as high: a character is 13 px wide."""
MAX_WIDTH_PX = 512
"""Longer lines are prose."""
MIN_ASPECT = 1.4
"""Width by height of the shortest line that is asked about: two characters."""
MIN_DEPTH = 48
"""Grey levels between paper and black of a crop, at least."""
BATCH_PX = 512
OTHER = "\ufffd"
"""Stands for all characters that no form has."""
MARKS = "()、,.:;“”《》"
_NUMBER = re.compile(r"^([\d一二三四五六七八九十]+)、")
_FULL_WIDTH = str.maketrans("(),:;", "（），：；")
"""As Chinese is printed."""
LEAST = 2
"""Letters of a reading that counts, at least: fewer than `MIN_PRINTED` of the forms, since it is sure."""
SURE = 0.98
SETTINGS = "captions.json"


@cache
def caption_alphabet() -> tuple[str, ...]:
    """What the forms are written with, the CTC blank first, then `OTHER`."""
    return ("", OTHER, *MARKS, *sorted(set("0123456789").union(*map(letters, printed_texts()))))


def caption_crop(line: np.ndarray) -> np.ndarray:
    """The crop of a line, (h, w) or (h, w, 3) uint8, at the model's scale: (32, W) uint8, 255 is paper."""
    gray = line if line.ndim == 2 else to_gray(line)
    height, width = gray.shape
    size = min(MAX_WIDTH_PX, max(STRIDE_PX, round(SQUEEZE * width * HEIGHT_PX / height)))
    levels = Levels(gray)
    paper = levels.paper
    depth = max(MIN_DEPTH, paper - levels.quantile(0.01))
    scaled = cv2.resize(gray, (size, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    ink = np.clip((paper - scaled.astype(np.float32)) / depth, 0, 1)
    return np.asarray(np.rint(255 * (1 - ink)), np.uint8)


def may_be_caption(line: Line) -> bool:
    """Whether the reader is asked about a line."""
    height, width = line.crop.shape[:2]
    return not line.faint and MIN_ASPECT * height <= width <= MAX_WIDTH_PX / (SQUEEZE * HEIGHT_PX) * height


@dataclass(frozen=True)
class CaptionReader:
    """Reads lines; see `load_caption_reader`."""

    session: Any
    alphabet: tuple[str, ...]

    def read(self, lines: Sequence[Line]) -> list[Recognition | None]:
        """The text of each line that surely is a part of what a form prints."""
        asked = [i for i, line in enumerate(lines) if may_be_caption(line)]
        found: list[Recognition | None] = [None] * len(lines)
        for i, log_probs in zip(
            asked, self.log_probs([caption_crop(lines[i].crop) for i in asked]), strict=True
        ):
            text, log_prob = ctc_greedy(log_probs, self.alphabet)
            if log_prob >= math.log(SURE) and is_part_of_form(text):
                found[i] = Recognition(text.translate(_FULL_WIDTH), math.exp(log_prob))
        return found

    def log_probs(self, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
        """CTC log posteriors of the alphabet for each (32, W) uint8 crop: (T, L) float32, T is W / 4."""
        return run_network(self.session, crops, batch_px=BATCH_PX)


def is_part_of_form(text: str) -> bool:
    """Whether a form prints this in a title, caption or header, or as a line of one.

    Marks do not count, but for the one in 行政复议、行政诉讼: without it they are two headers side by side.
    """
    found = _wording(text)
    return OTHER not in text and len(found) >= LEAST and any(found in printed for printed in _wordings())


@cache
def _wordings() -> frozenset[str]:
    return frozenset(map(_wording, printed_texts()))


def _wording(text: str) -> str:
    """The letters and digits of a text, and the marks 、 within it that are behind no number."""
    return "、".join(part for part in map(letters, _NUMBER.sub(r"\1", text).split("、")) if part)


def shipped_caption_model() -> Path:
    """Where the model is that comes with the program; it may be missing."""
    return shipped_model().parent / "captions"


def load_caption_reader(folder: Path | None = None) -> CaptionReader:
    """The reader in a model folder, on one thread of the processor.

    Args:
        folder: None for the shipped one.

    Raises:
        EngineError: no such model is there, or it is damaged.
    """
    session, settings = load_network(
        folder or shipped_caption_model(),
        SETTINGS,
        {"height_px": HEIGHT_PX, "squeeze": SQUEEZE},
        what="captions",
        command="python -m training.train_captions",
    )
    return CaptionReader(session, tuple(settings["alphabet"]))
