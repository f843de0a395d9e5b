"""Figures that are two, or struck out, by their ink."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from giar_ml.document import BBox, Reading, Token
from giar_ml.ocr.cells import find_cell_lines
from giar_ml.ocr.doubt import is_struck, tell_apart, with_doubts
from giar_ml.ocr.lines import Line

DPI = 200


def digits(*places: tuple[str, int], width: int = 400) -> np.ndarray:
    """A cell, (60, `width`) uint8, with digits from these columns on."""
    cell = np.full((60, width), 250, np.uint8)
    for text, left in places:
        cv2.putText(cell, text, (left, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 20, 2, cv2.LINE_AA)
    return cell


def lines(cell: np.ndarray) -> list[Line]:
    return find_cell_lines(cell, BBox(0, 0, cell.shape[1], len(cell)), dpi=DPI)


@pytest.mark.parametrize("gap", [20, 26, 32])
def test_two_figures_side_by_side_are_doubted(gap):
    [(_, right)] = [(line, int(line.bbox.right)) for line in lines(digits(("1702", 40)))]
    (line,) = lines(digits(("1702", 40), ("1802", right + gap)))
    assert line.is_doubted


@pytest.mark.parametrize("text", ["1", "11", "1702", "1111", "7117", "20,164", "4.5", "-14", "123456.78"])
def test_one_figure_is_not(text):
    (line,) = lines(digits((text, 40)))
    assert not line.is_doubted


@pytest.mark.parametrize("pitch", [30, 36, 44])
def test_nor_is_one_in_full_width(pitch):
    cell = digits(*((digit, 40 + i * pitch) for i, digit in enumerate("1702")))
    assert not any(line.is_doubted for line in lines(cell))


def test_a_digit_that_is_lost_leaves_doubt():
    cell = digits(("17", 40), ("02", 108))
    (line,) = lines(cell)
    assert line.is_doubted


@pytest.mark.parametrize("slope", [-8, 0, 8])
def test_a_figure_that_is_struck_out_is_doubted(slope):
    cell = digits(("1702", 100))
    (line,) = lines(cell)
    left, right = int(line.bbox.left) - 14, int(line.bbox.right) + 14
    cv2.line(cell, (left, 31 + slope), (right, 31 - slope), 60, 3, cv2.LINE_AA)
    assert all(line.is_doubted for line in lines(cell))


@pytest.mark.parametrize("text", ["7", "4", "44", "-", "1-7", "77777"])
def test_digits_with_level_strokes_are_not_struck(text):
    assert not any(line.is_doubted for line in lines(digits((text, 100))))


def test_what_a_line_underlines_is_not_struck():
    ink = np.zeros((30, 120), bool)
    ink[0:24, 20:24] = ink[0:24, 60:64] = ink[0:24, 90:94] = True
    ink[27:29, :] = True
    assert not is_struck(ink[:24])
    assert not tell_apart(np.zeros((20, 40), bool))


def test_doubt_leaves_half_to_others():
    token = Token("12", BBox(0, 0, 9, 9), 0.99, (Reading("12", 0.99), Reading("17", 0.01)))
    line = Line(np.full((20, 40, 3), 255, np.uint8), token.bbox, is_doubted=True)
    sure = line._replace(is_doubted=False)
    doubted, kept = with_doubts([token, token], [line, sure])
    assert kept == token
    assert doubted.readings == (Reading("12", 0.495), Reading("17", 0.005))
    assert doubted.confidence == 0.495
    certain = Token("合计", token.bbox)
    worded = Token("12件", token.bbox, 0.9, (Reading("12件", 0.9),))
    assert with_doubts([certain, worded], [line, line]) == [certain, worded]
