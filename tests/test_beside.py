"""A digit beside a figure that was taken for no print: half in a shadow, or under the rest of a seal."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from giar_ml.document import BBox, Reading, Token
from giar_ml.ocr.beside import read_beside
from giar_ml.ocr.lines import Line

DPI = 200
CELL = BBox(0, 0, 160, 60)
PAPER, INK, PALE = 235, 40, 130


def figure(text: str, bbox: BBox, probability: float = 0.9999) -> Token:
    return Token(text, bbox, probability, (Reading(text, probability),))


def page(*figures: tuple[str, int, int], noise: float = 3.0) -> np.ndarray:
    """A cell with texts at places, each of a level."""
    gray = np.full((60, 160), PAPER, np.float32)
    for text, x, level in figures:
        ink = np.zeros((60, 160), np.uint8)
        cv2.putText(ink, text, (x, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255,), 2, cv2.LINE_AA)
        gray -= (PAPER - level) * (ink / 255.0)
    gray += np.random.default_rng(1).normal(scale=noise, size=gray.shape)
    return np.clip(gray, 0, 255).astype(np.uint8)


def of_ink(gray: np.ndarray, x: slice) -> BBox:
    rows, columns = np.nonzero(gray[:, x] < 90)
    return BBox(x.start + columns.min(), rows.min(), x.start + columns.max() + 1, rows.max() + 1)


class Reader:
    """Reads a text, whatever is shown, and keeps it."""

    def __init__(self, text: str, probability: float = 0.98) -> None:
        self.text, self.probability = text, probability
        self.lines: list[Line] = []

    def __call__(self, lines: Sequence[Line], page: np.ndarray) -> list[Token]:
        self.lines = list(lines)
        return [figure(self.text, line.bbox, self.probability) for line in lines]


def reread(gray: np.ndarray, text: str, reader: Reader, *, cell: BBox = CELL) -> Token:
    token = figure(text, of_ink(gray, slice(40, 69)))
    (found,) = read_beside([token], [cell], gray, reader, dpi=DPI)
    return found


@pytest.mark.parametrize(("text", "wider", "x"), [("13", "130", 71), ("13", "913", 24)])
def test_a_pale_digit_beside_a_figure_makes_it_doubtful(text: str, wider: str, x: int) -> None:
    reader = Reader(wider)
    found = reread(page((text, 40, INK), (wider[-1] if x > 40 else wider[0], x, PALE)), text, reader)
    assert [(r.text, round(r.probability, 2)) for r in found.readings] == [(text, 0.5), (wider, 0.49)]
    (line,) = reader.lines
    assert line.bbox.left < 40 if x < 40 else line.bbox.right > 72
    assert found.bbox == line.bbox  # what stands next to the digit is no further off than that


def test_nothing_beside_a_figure_is_not_read() -> None:
    reader = Reader("130")
    assert reread(page(("13", 40, INK)), "13", reader).text == "13"
    assert not reader.lines


@pytest.mark.parametrize("mark", ["-", "."])
def test_what_is_lower_than_digits_is_none(mark: str) -> None:
    reader = Reader("130")
    reread(page(("13", 40, INK), (mark, 74, PALE)), "13", reader)
    assert not reader.lines


@pytest.mark.parametrize("reader", [Reader("13"), Reader("18"), Reader("130", 0.3), Reader("13件")])
def test_only_more_digits_that_are_surely_read_count(reader: Reader) -> None:
    found = reread(page(("13", 40, INK), ("0", 71, PALE)), "13", reader)
    assert len(reader.lines) == 1
    assert [r.text for r in found.readings] == ["13"]


def test_what_stands_in_the_next_cell_is_not_of_the_figure() -> None:
    reader = Reader("130")
    reread(page(("13", 40, INK), ("0", 76, PALE)), "13", reader, cell=BBox(0, 0, 74, 60))
    assert not reader.lines
