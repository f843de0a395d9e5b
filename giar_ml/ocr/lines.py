"""A line of text to be recognised, and what is recognised -> a token."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from giar_ml.document import UNREAD, BBox, Reading, Token
from giar_ml.figures import digits_of, has_misread_word, is_figure, plain
from giar_ml.forms import is_printed
from giar_ml.ocr.ctc import ctc_greedy, ctc_k_best
from giar_ml.ocr.engine import FIGURE_ALPHABET, LOOKALIKES, Recognition

N_READINGS = 4
MAX_FIGURE_ASPECT = 13.0
"""Width by height of the longest lines that are tried as figures: 123456.78 in full width has about 12."""
MIN_FIGURE_MASS = 0.02
"""Probability that all figure readings have together, from which a line that reads as text is one."""
WORD_CHARACTERS, LEAST_MASS, SURELY_FIGURE = 2, 1e-5, 0.99
"""Small figures are taken for words of one character or two: 44 for 科. The reader of figures is asked where
the engine leaves figures this mass, and believed from this probability: of 770 such lines, nearly all words,
it took three for figures, which they were."""
SHORT_ASPECT = 6.0
"""Width by height of the lines that the reader of figures is asked first."""
SURE_ALONE = 0.9995
"""Probability from which the reader of figures is believed alone. Of 2,920 short lines of faxes and office
scans it was so sure of 2,088; both readers together said the same, and were less sure than 0.999 of one."""
ENGINE_WEIGHT, READER_WEIGHT, LEAST = 0.4, 0.8, 1e-4
"""How the OCR engine and the reader of figures are weighed: log p of both together is the sum of theirs, none
less than the third. Fitted by `python -m training.figure_reader.evaluate`."""


_DIRTY_FIGURE = re.compile(
    r"[^\u4e00-\u9fff、。，；：“”《》〈〉（）()]{1,4}"
    r"|\d[\d.,]*\d[^\w\s、。，；：“”《》〈〉（）()]{1,2}"
    r"|\d{1,3}[）)]|[一二三]{2,4}"
)
"""What an engine makes of a figure with dirt on it: `ó`, `GB1`, `22795*`, `16)`; never words, nor what is
torn from them. Words that are level strokes and nothing else, 二三, are the rest of a rule, or of a pen's
stroke."""
LEAST_READING = 5e-4
"""Less probable readings are left out: each makes the search for lawful figures longer."""
SURELY_NONE = 0.98
FAINT_IS_BLANK, SURE_OF_FAINT = 0.3, 0.99
"""Probability that a faint mark is no figure; sureness of its digits, whatever the marks between them, from
which it is far less."""
SURE_FAINT_IS_BLANK = (0.003, 0.0003)
"""The same of such a mark, as one digit and as several: 189 of them in 1,449 scans, 68 as several, were all
figures, and rightly read."""
GAP_IS_NOTHING = 0.5
"""Probability that 2159 36 is 215936 and not 2159.36, where no reader of figures has looked."""
ROOM_IS_NOTHING, POINT_IS_LOST = 0.04, 0.04
"""Probability that the room for a point between digits in full width is nothing, of 26 such figures none; and
that a point is too pale for the readers."""


NARROWER = ((8.0, 0.4), (3.0, 0.5), (1.6, 0.65))
"""How many times as wide as high a line is, and the share of its width at which it is read: time goes with
the width. Of the characters of 771 lines longer than 8, 0.37 % differ at 0.4 of it from those at all of it,
and 0.28 % at half of it."""
SURE_WORDS = 0.97
"""Lines that are read less surely so are read again at their own width: of 1,227 lines of made-up scans of
all severities one in ten. Of the others 0.3 % of the characters differ from what is read at all of it."""

UNSURE_WORDS, UNSURE_OTHERS, FEW_CHARACTERS = 0.5, 0.8, 3
"""Faint words that are read less surely may be none; and so few characters that stand in no header: the print
of the other side that shows through."""
SURE_LABEL = 0.8
"""The same for what a form prints: of 81 such lines between the two 79 were alike at their own width, and the
other two were misread there."""


class Line(NamedTuple):
    crop: np.ndarray
    bbox: BBox
    faint: bool = False
    """So pale that it may be no ink at all."""
    has_gap: bool = False
    """Between its digits is room for a point, or for another digit, that left no ink."""
    is_doubted: bool = False
    """By its ink it may be two figures, or one that is struck out, see `giar_ml.ocr.doubt`."""


def to_token(recognition: Recognition, line: Line, *, figures: np.ndarray | None = None) -> Token:
    """The token of a line, with its k best readings where it is a figure; UNREAD where there is no text.

    An empty text is one of the readings where there may be no figure at all: a rest of a rule, a trace. It is
    the text of the token where neither the engine nor the reader of figures sees anything.

    Args:
        figures: what the reader of figures sees there, see `giar_ml.ocr.figures.FigureReader.read`.
    """
    bbox = line.bbox
    # A gap in a figure is where something was lost: a decimal point, a pale digit.
    certainty = GAP_IS_NOTHING if re.search(r"\d\s+\d", recognition.text) else 1.0
    readings = _figure_readings(recognition, line, figures)
    if readings and figures is None:
        readings = tuple(Reading(text, certainty * p) for text, p in readings)
    if readings and line.has_gap:
        readings = _with_room(readings)
    if readings and line.faint:
        digits = digits_of(readings[0].text)
        sureness = sum(p for text, p in readings if digits_of(text) == digits)
        is_sure = figures is not None and digits and sureness >= SURE_OF_FAINT
        blank = SURE_FAINT_IS_BLANK[len(digits) > 1] if is_sure else FAINT_IS_BLANK
        pale = {text: (1 - blank) * p for text, p in readings}
        readings = _in_order({**pale, "": pale.get("", 0.0) + blank})
    if readings:
        text = next((text for text, _ in readings if text), "")
        if not recognition.text.strip() and readings[0].text == "" and readings[0].probability >= SURELY_NONE:
            return Token("", bbox, readings[0].probability)
        return Token(text or UNREAD, bbox, readings[0].probability, readings)
    if not recognition.text.strip():
        return Token(UNREAD, bbox, 0.0)
    text = recognition.text.strip()
    return Token(text, bbox, certainty * min(1.0, recognition.score))


def _with_room(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings of digits in full width between which there is room for a point."""
    without = sum(p for text, p in readings if not _has_separator(text))
    total = sum(p for _, p in readings) - without + (ROOM_IS_NOTHING + POINT_IS_LOST) * without
    return _in_order(
        {text: (1.0 if _has_separator(text) else ROOM_IS_NOTHING) * p / total for text, p in readings}
    )


def _has_separator(text: str) -> bool:
    return any(character in ".,．，" for character in text)


def either(
    readings: Mapping[str, float], others: Mapping[str, float], *, share: float = 0.5
) -> dict[str, float]:
    """Probabilities where one or the other is right; `share` is the probability that it is the other."""
    texts = {**readings, **others}  # in one order
    return {text: (1 - share) * readings.get(text, 0.0) + share * others.get(text, 0.0) for text in texts}


def mix_readings(token: Token, others: Sequence[Reading], *, share: float = 0.5) -> Token:
    """A token of which two pictures were read, either of which may be the right one; see `either`."""
    if not others:
        return token
    ordered = _in_order(either(dict(token.readings), dict(others), share=share))
    text = next((text for text, _ in ordered if text), "")
    return replace(token, text=text or UNREAD, confidence=ordered[0].probability, readings=ordered)


def may_be_short_figure(line: Line) -> bool:
    """Whether the reader of figures is asked before the engine."""
    height, width = line.crop.shape[:2]
    return not line.faint and width <= SHORT_ASPECT * height


def sure_figure(line: Line, figures: np.ndarray) -> Token | None:
    """The token of a line whose figure is beyond doubt, by what the reader of figures sees there."""
    text, log_prob = ctc_greedy(figures, FIGURE_ALPHABET)
    if not text or log_prob < math.log(SURE_ALONE) or (line.has_gap and not _has_separator(text)):
        return None
    probability = math.exp(log_prob)
    return Token(text, line.bbox, probability, (Reading(text, probability),))


def narrow(crop: np.ndarray) -> np.ndarray:
    """The crop of a line as an engine reads it first: narrower than it is, but for the shortest."""
    height, width = crop.shape[:2]
    share = next((share for aspect, share in NARROWER if width >= aspect * height), None)
    if share is None:
        return crop
    size = round(share * width), height
    return cv2.resize(np.ascontiguousarray(crop), size, interpolation=cv2.INTER_AREA)


def is_too_narrow(recognition: Recognition, line: Line) -> bool:
    """Whether a line must be read again at its own width: it was not read surely, or may be a figure. Where
    the digits of one with words end, only the posteriors of all of its width tell."""
    if is_for_figures(recognition, line) or _has_figure_with_words(recognition):
        return True
    score = recognition.score
    return score < SURE_LABEL or (score < SURE_WORDS and not is_printed(recognition.text))


def of_both_widths(narrow: Recognition, wide: Recognition) -> Recognition:
    """What counts of a line that was read again at its own width: that reading, but for a figure with words
    of which it makes none; where both say the same, it is as sure as the surer of them."""
    if not _has_figure_with_words(narrow):
        return wide
    if not _has_figure_with_words(wide):
        return narrow
    is_same = plain(narrow.text) == plain(wide.text)
    return replace(wide, score=max(narrow.score, wide.score)) if is_same else wide


def _has_figure_with_words(recognition: Recognition) -> bool:
    text = recognition.text
    return any(map(str.isalpha, text)) and (is_figure(text) or has_misread_word(text))


def is_for_figures(recognition: Recognition, line: Line) -> bool:
    """Whether what the engine made of a line may be a figure: the reader of figures is asked as well."""
    may_be = _looks_like_figure(recognition) or _is_doubtful(recognition, line)
    return may_be and not _is_too_long(line)


def _is_too_long(line: Line) -> bool:
    """By its crop, which is as high as a figure where the line is no more than a stroke."""
    height, width = line.crop.shape[:2]
    return bool(width > MAX_FIGURE_ASPECT * height)


def _is_doubtful(recognition: Recognition, line: Line) -> bool:
    """Whether words may be the grain of the paper, or print of its other side."""
    text = recognition.text.strip()
    is_word = len(text) > FEW_CHARACTERS or any(map(str.isdigit, text)) or is_printed(text, least=1)
    return line.faint and recognition.score < (UNSURE_WORDS if is_word else UNSURE_OTHERS)


def _looks_like_figure(recognition: Recognition) -> bool:
    return not _is_words(recognition) or _may_be_taken_for_words(recognition)


def _is_words(recognition: Recognition) -> bool:
    read = _as_figure(recognition.text)
    return bool(read) and not _is_figure(read) and not _DIRTY_FIGURE.fullmatch(read)


def _may_be_taken_for_words(recognition: Recognition) -> bool:
    if len(recognition.text.strip()) > WORD_CHARACTERS or recognition.log_probs is None:
        return False
    if not _may_be_figure(recognition.log_probs, LEAST_MASS):
        return False
    return sum(k_best(recognition.log_probs).values()) >= LEAST_MASS


def _as_figure(text: str) -> str:
    return "".join(LOOKALIKES.get(character, character) for character in text.strip())


def _is_figure(text: str) -> bool:
    return bool(text) and all(character in FIGURE_ALPHABET for character in text)


def _figure_readings(recognition: Recognition, line: Line, figures: np.ndarray | None) -> tuple[Reading, ...]:
    if _is_too_long(line):
        return ()
    log_probs = recognition.log_probs
    if log_probs is not None and len(recognition.text) > log_probs.shape[0]:
        return ()
    is_doubtful = _is_doubtful(recognition, line)
    if figures is not None and (is_doubtful or _looks_like_figure(recognition)):
        seen = k_best(figures)
        is_figure = any(p >= SURELY_FIGURE and any(map(str.isdigit, text)) for text, p in seen.items())
        if is_doubtful or is_figure or not _is_words(recognition):
            return _in_order(weigh_readings(_engine_figures(recognition), seen))
    is_figure = _is_figure(_as_figure(recognition.text))
    if not is_figure and (log_probs is None or not _may_be_figure(log_probs, MIN_FIGURE_MASS)):
        return ()
    readings = _in_order({text: p for text, p in _engine_figures(recognition).items() if text})
    if is_figure or sum(reading.probability for reading in readings) >= MIN_FIGURE_MASS:
        return readings
    return ()


def _engine_figures(recognition: Recognition) -> dict[str, float]:
    """The most probable figures by the engine, see `k_best`: the one that it read where it gives no
    posteriors."""
    if recognition.log_probs is not None:
        return k_best(recognition.log_probs)
    text = _as_figure(recognition.text)
    return {text: min(1.0, recognition.score)} if _is_figure(text) else {}


def k_best(log_probs: np.ndarray) -> dict[str, float]:
    """The most probable figures of CTC log posteriors, with "" for none, and their probabilities."""
    best = ctc_k_best(log_probs, FIGURE_ALPHABET, N_READINGS + 1)
    return {text: min(1.0, math.exp(log_prob)) for text, log_prob in best}


def weigh_readings(engine: dict[str, float], reader: dict[str, float]) -> dict[str, float]:
    """What the OCR engine and the reader of figures say together: a weighed product, adding up to 1."""
    scores = {
        text: ENGINE_WEIGHT * math.log(max(LEAST, engine.get(text, 0.0)))
        + READER_WEIGHT * math.log(max(LEAST, reader.get(text, 0.0)))
        for text in {**engine, **reader}  # in one order, so that sums come out the same each time
    }
    highest = max(scores.values())
    weights = {text: math.exp(score - highest) for text, score in scores.items()}
    total = sum(weights.values())
    return {text: weight / total for text, weight in weights.items()}


def _in_order(readings: dict[str, float]) -> tuple[Reading, ...]:
    """The most probable first; those that do not matter are left out."""
    ordered = sorted(readings.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Reading(text, p) for text, p in ordered[: N_READINGS + 1] if p >= LEAST_READING)


def _may_be_figure(log_probs: np.ndarray, least: float) -> bool:
    """Whether figures can have so much mass: each frame must leave it to them."""
    mass = np.exp(log_probs).sum(axis=1)
    return bool(np.log(np.maximum(mass, 1e-30)).sum() >= math.log(least))
