"""Figures with words around them, 减少19 or 4（含修订1件）: their digits for the reader of figures."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox, Reading, Token
from giar_ml.figures import COUNT_UNITS, has_misread_word, is_figure, mend_sign, say_signs
from giar_ml.geometry import runs
from giar_ml.levels import paper_level
from giar_ml.ocr.engine import FIGURE_ALPHABET, Recognition
from giar_ml.ocr.lines import LEAST_READING, N_READINGS, Line, either, k_best, weigh_readings
from giar_ml.tables.rules import to_gray

_WORDED = re.compile(
    r"(?P<before>\D{0,3}?)(?P<number>[-+－＋]?\d[\d.,．，]*(?<=\d))(?P<after>\D.*)?", re.DOTALL
)
_TRAILING_SPECK = re.compile(rf"(?<=\d)[.,。、](?=[{COUNT_UNITS}]?$)")
"""What dirt behind the last digit is read as: 增加2. or 0.件."""
_DASH_BEFORE = re.compile(r"^[—–]\s*(?=\d)")
"""What a sign is read as, and the rest of a rule in its place."""
_SEEN = 0.5
"""Probability from which a frame shows a character."""
EM = 1.06
"""Width of words, in heights of their ink."""
HALF = 0.5
"""Of a full-width bracket at the end of a line the half without ink is not there."""
NARROWEST = 0.4
"""Width of digits at least, in heights of a character."""
REACH = 0.75
"""How far from where a character should end it may, in heights of one."""
FRAME, MOSTLY = 1 / 6, 0.95
"""Width of a frame of the engine, in heights of the crop, and share of its width that all of them show."""
FREE = 0.25
"""How dark a column between characters is at most, from the palest to the darkest one."""
BLANK = 0.05
"""The same of one without ink."""
CONFIRMED = 0.9
"""Probability from which the reader of figures confirms digits."""
WORD_WIDTH = (0.7, 1.3)
"""Width of one word at least and at most, in heights of its line: one digit is narrower, and one with a word
wider."""
OTHER_SIGN = 0.1
"""Share of misread words before a figure that are the other sign: 减少 looks like no 增加. Where two words
say the same sign both must be."""
_OTHER = -1
"""A character that is none of a figure's."""


class Worded(NamedTuple):
    """The digits of a line with words: where they stand, what was read before and after them, and how
    probable the OCR engine takes the digits to be, and the sign that the words say."""

    bbox: BBox
    before: str
    number: str
    after: str
    probability: float
    certainty: float
    unit_width: float = 0.0
    """Of the ink behind the digits, in heights of the line."""

    @property
    def digits(self) -> str:
        return unicodedata.normalize("NFKC", self.number)

    @property
    def has_misread_unit(self) -> bool:
        """Whether there is a word behind the digits that is no unit: 宗 read as 示."""
        return has_misread_word(self.number + self.after)


def find_worded(recognition: Recognition, line: Line) -> Worded | None:
    """The digits of a figure with words; None for other texts, and where the posteriors do not tell."""
    text = _DASH_BEFORE.sub("-", _TRAILING_SPECK.sub("", recognition.text.strip()))
    match = _WORDED.fullmatch(text)
    if recognition.log_probs is None or not match or not (is_figure(text) or has_misread_word(text)):
        return None
    before, number, after = match["before"], match["number"], match["after"] or ""
    if not re.search(r"[^\W\d]", before + after):
        return None
    probs = np.exp(recognition.log_probs)
    shown = _characters(probs)
    wanted = unicodedata.normalize("NFKC", number)
    is_first = str.isdigit if wanted[0].isdigit() else wanted[0].__eq__
    first = next(
        (i for i, (c, *_) in enumerate(shown) if c >= 0 and is_first(FIGURE_ALPHABET[c])), len(shown)
    )
    own = shown[first : first + len(wanted)]
    if "".join(FIGURE_ALPHABET[c] if c >= 0 else "" for c, *_ in own) != wanted:
        return None
    margin, em = _margin(line), _em(line)
    width = line.crop.shape[1]
    ends = [margin, *_ends(text, line)]
    frames = [frame for _, frame, _ in shown]
    start, stop = margin, width - margin
    if before:
        beside = frames[max(0, first - 1) : first + 1]
        start = _find_gap(line, ends[len(before)], beside, len(probs), words_before=True)
    if after:
        behind = first + len(wanted)
        beside = frames[behind - 1 : behind + 1]
        stop = _find_gap(line, ends[len(before + number)], beside, len(probs), words_before=False)
    if stop <= start:
        return None
    left, top, right, bottom = line.bbox
    px = (right - left) / (width - 2 * margin)
    # Whether what stands before them is their sign the reader of figures tells.
    probability = float(np.prod([p for c, _, p in own if FIGURE_ALPHABET[c] not in ("-", "+")]))
    bbox = BBox(left + (start - margin) * px, top, left + (stop - margin) * px, bottom)
    # The score is the mean over all characters: what the digits lack to it is not the words' fault.
    lacking = len(shown) * (1.0 - recognition.score) - sum(1.0 - p for _, _, p in own)
    doubt = (OTHER_SIGN * min(1.0, max(0.0, lacking))) ** max(1, len(say_signs(before)))
    unit_width = _ink_width(line, round(stop)) / em if after else 0.0
    return Worded(bbox, mend_sign(before), number, after, probability, 1.0 - doubt, unit_width)


def is_confirmed(worded: Worded, figures: np.ndarray | None) -> bool:
    """Whether a word that is no unit hides none of the digits: the reader of figures, to which words are
    dirt, sees these alone in the whole line, or sooner than others where the word is as wide as one is.

    Args:
        figures: what it sees there, see `giar_ml.ocr.figures.FigureReader.read`.
    """
    if not worded.has_misread_unit:
        return True
    if figures is None:
        return False
    seen = k_best(figures)
    is_word = WORD_WIDTH[0] <= worded.unit_width <= WORD_WIDTH[1]
    is_first = max(seen, key=lambda text: seen[text]) == worded.digits
    return seen.get(worded.digits, 0.0) >= CONFIRMED or (is_word and is_first)


def without_words(gray: np.ndarray, line: Line, worded: Worded) -> None:
    """Paint the words of a line over, on the page, (H, W) uint8."""
    left, top, right, bottom = (round(side) for side in line.bbox)
    rows = gray[top : bottom + 1]
    paper = round(paper_level(rows[:, left:right]))
    rows[:, left : round(worded.bbox.left)] = paper
    rows[:, round(worded.bbox.right) : right + 1] = paper


def with_readings(token: Token, worded: Worded, figures: np.ndarray) -> Token:
    """The token of a figure with words, with what the reader of figures makes of its digits.

    Args:
        figures: what it sees there, see `giar_ml.ocr.figures.FigureReader.read`.
    """
    number = worded.digits
    read, seen = {number: worded.probability}, k_best(figures)
    # Where they do not agree the digits may have been parted from the words in the wrong place.
    agree = max(seen, key=lambda text: seen[text]) == number
    weighed = weigh_readings(read, seen) if agree else either(read, seen)

    def in_order(item: tuple[str, float]) -> tuple[float, bool, str]:
        text, p = item
        return -round(p, 3), text != number, text

    # Words before a figure are its sign, and must be right as well.
    certainty = worded.certainty if worded.before else 1.0
    readings = tuple(
        Reading(worded.before + (worded.number if text == number else text) + worded.after, certainty * p)
        for text, p in sorted(weighed.items(), key=in_order)[: N_READINGS + 1]
        if any(map(str.isdigit, text)) and p >= LEAST_READING
    )
    if not readings or not (is_figure(readings[0].text) or has_misread_word(readings[0].text)):
        return token
    return replace(token, text=readings[0].text, confidence=readings[0].probability, readings=readings)


def _characters(probs: np.ndarray) -> list[tuple[int, int, float]]:
    """The characters along a line: index in the alphabet or -1, frame, probability.

    Args:
        probs: (T, 16), of `FIGURE_ALPHABET`.
    """
    found: list[tuple[int, int, float]] = []
    last = 0
    for frame, row in enumerate(probs):
        best = int(row.argmax())
        current = _OTHER if 1.0 - float(row.sum()) > _SEEN else best if row[best] > _SEEN else 0
        if current and current != last:
            found.append((current, frame, float(row[best]) if current > 0 else 1.0))
        last = current
    return found


def _margin(line: Line) -> float:
    """Columns of paper at each end of a crop, around the line."""
    height, width = line.crop.shape[:2]
    return max(0.0, min(height - line.bbox.height, width - line.bbox.width) / 2)


def _ends(text: str, line: Line) -> list[float]:
    """Where the characters of a line end, in columns of its crop: words are about as wide as the line is
    high, all others share the rest, but for spaces, which may be of any width."""
    margin = _margin(line)
    width = line.crop.shape[1] - 2 * margin
    em = _em(line)
    wide = [float(unicodedata.east_asian_width(character) in "WF") for character in text]
    for rim, bracket in ((0, "（"), (-1, "）")):
        if text[rim] == bracket:
            wide[rim] = HALF
    n_others = wide.count(0.0) - text.count(" ")
    other = (width - em * sum(wide)) / max(1, n_others)
    if other < NARROWEST * em:
        em, other = width / (sum(wide) + NARROWEST * n_others), NARROWEST * em
    widths = (em * w if w else 0.0 if c == " " else other for c, w in zip(text, wide, strict=True))
    return [margin + end for end in accumulate(widths)]


def _em(line: Line) -> float:
    return EM * line.bbox.height * (line.crop.shape[1] - 2 * _margin(line)) / max(1.0, line.bbox.width)


def _darkness(line: Line, first: int, last: int) -> np.ndarray:
    """How dark columns of a crop are, from 0, the palest of them, to 1."""
    gray = to_gray(line.crop)[:, first : max(first + 1, last)].astype(np.float32)
    dark = gray.max() - gray.mean(axis=0)
    dark -= dark.min()
    return np.asarray(dark / max(1.0, float(dark.max())))


def _ink_width(line: Line, start: int) -> int:
    """How far the ink behind a column of a crop reaches, in columns."""
    columns = np.flatnonzero(_darkness(line, start, line.crop.shape[1]) >= BLANK)
    return int(columns[-1] + 1 - columns[0]) if len(columns) else 0


def _find_gap(line: Line, end: float, frames: Sequence[int], n_frames: int, *, words_before: bool) -> int:
    """The column of a crop at which a character ends: in the middle of a gap that is wide, and near to where
    it should end by its width; where there is none, where there is little ink. What little stands in the gap
    goes with the words.

    Args:
        frames: that show the character and the next one, of `n_frames`: it ends between them.
    """
    em = _em(line)
    height, width = line.crop.shape[:2]
    low, high = 0.0, float(width)
    # A crop that was read narrower than it is has other frames.
    if len(frames) == 2 and n_frames * FRAME * height >= MOSTLY * width:
        low, high = (min(frame * FRAME * height, float(width)) for frame in frames)
    end = min(max(end, low), high)
    first, last = round(max(low, end - REACH * em)), round(min(high, end + REACH * em))
    dark = _darkness(line, first, last)
    gaps = runs(dark < FREE)
    if not gaps:
        return first + int((dark + np.abs(np.arange(len(dark)) + first - end) / em).argmin())

    def near_and_white(gap: tuple[int, int]) -> float:
        # The inside of a 0 is pale, too, but not white.
        white = float((1.0 - dark[slice(*gap)] / FREE).sum())
        return white - abs(sum(gap) / 2 + first - end)

    start, stop = max(gaps, key=near_and_white)
    # Columns of the last stroke of 少 are pale, too.
    if blank := runs(dark[start:stop] < BLANK):
        start, stop = (start + column for column in blank[-1 if words_before else 0])
    return first + (start + stop) // 2
