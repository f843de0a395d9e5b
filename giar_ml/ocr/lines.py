"""A line of text to be recognised, and what is recognised -> a token."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

from giar_ml.document import UNREAD, BBox, Reading, Token
from giar_ml.ocr.ctc import ctc_k_best
from giar_ml.ocr.engine import FIGURE_ALPHABET, LOOKALIKES, Recognition

N_READINGS = 4
MAX_FIGURE_ASPECT = 8.0
"""Width by height of the longest lines that are tried as figures: 12,345,678.90 has about 6."""
MIN_FIGURE_MASS = 0.02
"""Probability that all figure readings have together, from which a line that reads as text is one."""


FAINT_IS_BLANK = 0.3
"""Probability that a faint mark is no figure."""
GAP_IS_NOTHING = 0.5
"""Probability that 2159 36 is 215936 and not 2159.36."""


class Line(NamedTuple):
    crop: np.ndarray
    bbox: BBox
    faint: bool = False
    """So pale that it may be no ink at all."""


def to_token(recognition: Recognition, bbox: BBox, *, faint: bool = False) -> Token:
    """The token of a line, with its k best readings where it is a figure; UNREAD where there is no text.

    A faint figure may be a trace of something else: blank, an empty text, is one of its readings.
    """
    readings = _figure_readings(recognition, bbox)
    if readings and faint:
        pale = [Reading(text, (1 - FAINT_IS_BLANK) * p) for text, p in readings]
        readings = tuple(sorted([*pale, Reading("", FAINT_IS_BLANK)], key=lambda r: -r.probability))
    if readings:
        return Token(readings[0].text, bbox, readings[0].probability, readings)
    if not recognition.text.strip():
        return Token(UNREAD, bbox, 0.0)
    text = recognition.text.strip()
    # A gap in a figure is where something was lost: a decimal point, a pale digit.
    certainty = GAP_IS_NOTHING if re.search(r"\d\s+\d", text) else 1.0
    return Token(text, bbox, certainty * min(1.0, recognition.score))


def _figure_readings(recognition: Recognition, bbox: BBox) -> tuple[Reading, ...]:
    if recognition.log_probs is None or bbox.width > MAX_FIGURE_ASPECT * bbox.height:
        return ()
    if len(recognition.text) > recognition.log_probs.shape[0]:
        return ()
    read = "".join(LOOKALIKES.get(character, character) for character in recognition.text.strip())
    is_figure = bool(read) and all(character in FIGURE_ALPHABET for character in read)
    if not is_figure and not _may_be_figure(recognition.log_probs):
        return ()
    best = ctc_k_best(recognition.log_probs, FIGURE_ALPHABET, N_READINGS + 1)
    readings = tuple(Reading(text, math.exp(log_prob)) for text, log_prob in best if text)[:N_READINGS]
    if is_figure or sum(reading.probability for reading in readings) >= MIN_FIGURE_MASS:
        return readings
    return ()


def _may_be_figure(log_probs: np.ndarray) -> bool:
    """Whether figures can have the mass they need: each frame must leave it to them."""
    mass = np.exp(log_probs).sum(axis=1)
    return bool(np.log(np.maximum(mass, 1e-30)).sum() >= math.log(MIN_FIGURE_MASS))
