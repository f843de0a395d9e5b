"""Figures with words around them: their digits are found by the posteriors, and read alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from giar_ml.document import BBox, Reading, Token
from giar_ml.ocr.engine import FIGURE_ALPHABET, Recognition
from giar_ml.ocr.lines import Line
from giar_ml.ocr.worded import find_worded, is_confirmed, with_readings, without_words

EM = 20
"""Width of a character in these lines; words are twice as wide as digits."""


def posteriors(text: str, p: float = 0.98) -> np.ndarray:
    """Two frames per digit, and four per word, the first half of them blank."""
    frames = []
    for character in text:
        n = 1 if character in "0123456789." else 2
        blank = np.zeros(len(FIGURE_ALPHABET))
        blank[0] = 1.0
        shown = np.full(len(FIGURE_ALPHABET), 1e-9)
        if character in FIGURE_ALPHABET:
            shown[FIGURE_ALPHABET.index(character)] = p
        frames += [blank] * n + [shown] * n
    return np.log(np.maximum(frames, 1e-30)).astype(np.float32)


def line_of(text: str) -> Line:
    """Each character as a box, narrower than its room."""
    widths = [EM // 2 if character in "0123456789. " else EM for character in text]
    crop = np.full((19, sum(widths), 3), 250, np.uint8)
    for left, width, character in zip(np.cumsum([0, *widths]), widths, text, strict=False):
        if character == " ":
            continue
        cv2.rectangle(crop, (int(left) + 2, 1), (int(left) + width - 3, 17), (20, 20, 20), 2)
    return Line(crop, BBox(100, 50, 100 + sum(widths), 69))


def recognition(text: str, *, score: float = 0.98) -> Recognition:
    return Recognition(text, score, posteriors(text))


@pytest.mark.parametrize(
    ("text", "before", "number", "after", "left", "right"),
    [
        ("4（含修订1件）", "", "4", "（含修订1件）", 100, 110),
        ("109件", "", "109", "件", 100, 130),
        ("增加19", "增加", "19", "", 140, 160),
        ("减少12.5万元", "减少", "12.5", "万元", 140, 180),
        ("减1342052 项", "减", "1342052", " 项", 120, 198),
        pytest.param("9995示", "", "9995", "示", 100, 140, id="宗 was misread"),
        pytest.param("咸少5", "减少", "5", "", 140, 150, id="减 was misread"),
        pytest.param("增加2。", "增加", "2", "", 140, 170, id="dirt behind the digits"),
    ],
)
def test_the_digits_of_a_figure_with_words_are_found(text, before, number, after, left, right) -> None:
    found = find_worded(recognition(text), line_of(text))
    assert (found.before, found.number, found.after) == (before, number, after)
    assert found.bbox.left == pytest.approx(left, abs=3)
    assert found.bbox.right == pytest.approx(right, abs=3)
    assert found.has_misread_unit == (after == "示")
    assert found.probability == pytest.approx(0.98 ** len(number), abs=0.001)


def test_a_bracket_at_the_end_of_a_line_is_half_as_wide() -> None:
    # Once 56（其中修订 8 件） was parted within the 6: its line ends with the ink of the bracket.
    text = "5678（其中修订8件）"
    line = line_of(text)
    short = Line(line.crop[:, : -EM // 2], line.bbox._replace(right=line.bbox.right - EM // 2))
    found = find_worded(recognition(text), short)
    assert found is not None
    assert found.bbox.right == pytest.approx(100 + 2 * EM, abs=3)


def test_digits_in_full_width_end_where_the_posteriors_show_the_next_character() -> None:
    # Once ２７７６（其中 was parted behind 277: its digits are as wide as words, those of the note are not.
    text, wide = "2776（其中修订625", 4
    line = line_of("中" * wide + text[wide:])
    # Six frames to the height of a line.
    frames = np.concatenate(
        [np.repeat(posteriors("2776"), 3, axis=0), np.repeat(posteriors(text[wide:]), 3, axis=0)[::2]]
    )
    found = find_worded(Recognition(text, 0.98, frames), line)
    assert found is not None
    assert found.bbox.right == pytest.approx(100 + wide * EM, abs=3)


def test_words_end_in_the_widest_gap() -> None:
    # Once 减少63134, whose digits are large, was parted behind the 6: to there the words would have reached.
    line = line_of("减少 63134")
    high = Line(
        cv2.copyMakeBorder(line.crop, 3, 3, 0, 0, cv2.BORDER_REPLICATE), line.bbox._replace(bottom=76)
    )
    found = find_worded(recognition("减少63134"), high)
    assert found is not None
    assert 100 + 2 * EM - 3 <= found.bbox.left <= 100 + 2.5 * EM + 3


def test_the_last_stroke_of_a_word_is_none_of_the_digits() -> None:
    # Once the last stroke of 少, whose columns are as pale as a gap, was left beside 4650: 14650, +4650.
    line = line_of("减少 4650")
    line.crop[4:7, 42:46] = 20
    found = find_worded(recognition("减少4650"), line)
    assert found is not None
    assert 146 <= found.bbox.left <= 152


def test_a_minus_is_read_with_its_digits() -> None:
    found = find_worded(recognition("-24项"), line_of("-24项"))
    assert (found.before, found.number, found.after) == ("", "-24", "项")
    assert find_worded(Recognition("-24项", 0.9, posteriors("24项")), line_of("-24项")) is None


def test_the_reader_of_figures_tells_whether_a_dash_before_digits_is_their_sign() -> None:
    # Once — 190506 件, with the rest of a rule before it, was no figure at all.
    text = "— 24件"
    read = Recognition(text, 0.9, posteriors("-24件", 0.9))
    found = find_worded(read, line_of("- 24件"))
    assert (found.number, found.after) == ("-24", "件")
    assert found.probability == pytest.approx(0.9**2)
    token = Token(text, line_of(text).bbox, 0.9)
    readings = dict(with_readings(token, found, posteriors("24", 0.9999)).readings)
    assert readings == {"24件": pytest.approx(0.5, abs=0.01), "-24件": pytest.approx(0.405, abs=0.01)}


@pytest.mark.parametrize("text", ["12", "1.属于国家秘密", "科研机构", "2023年", "7月", "专利12", "增少5"])
def test_other_texts_are_no_figures_with_words(text: str) -> None:
    assert find_worded(recognition(text), line_of(text)) is None


def test_digits_that_the_posteriors_do_not_show_are_not_looked_for() -> None:
    assert find_worded(Recognition("109件", 0.9, posteriors("19件")), line_of("109件")) is None
    assert find_worded(Recognition("109件", 0.9), line_of("109件")) is None


def test_words_are_painted_over() -> None:
    line = line_of("减少19件")
    gray = np.full((100, 300), 250, np.uint8)
    gray[50:69, 100 : 100 + line.crop.shape[1]] = line.crop[:, :, 0]
    without_words(gray, line, find_worded(recognition("减少19件"), line))
    columns = 100 + np.flatnonzero((gray[50:69, 100:] < 100).any(axis=0))
    assert (columns[0], columns[-1]) == (141, 158)


def test_the_reader_of_figures_is_heard_for_the_digits() -> None:
    # Once 4（含修订1件） was as unsure as its words: 0.89, and the report was passed to review.
    text = "4（含修订1件）"
    found = find_worded(recognition(text, score=0.89), line_of(text))
    token = Token(text, line_of(text).bbox, 0.89)
    sure = with_readings(token, found, posteriors("4", 0.9999))
    assert sure.text == text
    assert sure.confidence > 0.999
    other = with_readings(token, found, posteriors("14", 0.9999))
    # Once 加 was cut in two, and 8 was 18 with 0.97: a wrong figure in an accepted report.
    assert {reading.text for reading in other.readings[:2]} == {"14（含修订1件）", text}
    assert other.confidence < 0.6


def test_the_sign_of_a_figure_in_words_must_be_sure_as_well() -> None:
    text = "增19"
    token = Token(text, line_of(text).bbox, 0.9)
    # Of 3 characters the digits lack 0.02 each: the word lacks the rest of 0.3.
    found = find_worded(recognition(text, score=0.9), line_of(text))
    assert found.certainty == pytest.approx(1 - 0.1 * (0.3 - 0.04), abs=0.001)
    (reading,) = with_readings(token, found, posteriors("19", 0.9999)).readings
    assert reading == Reading(text, pytest.approx(found.certainty, abs=0.001))


def test_two_words_that_say_the_same_sign_are_hardly_both_misread() -> None:
    text = "减少19"
    found = find_worded(recognition(text, score=0.9), line_of(text))
    # Of 4 characters the digits lack 0.02 each: the words lack the rest of 0.4.
    assert found.certainty == pytest.approx(1 - (0.1 * (0.4 - 0.04)) ** 2, abs=0.0001)


@pytest.mark.parametrize(
    ("text", "seen", "p", "expected"),
    [
        ("9995示", "9995", 0.99, True),
        pytest.param("999示", "9995", 0.99, False, id="the word was a digit"),
        pytest.param("9995示", "9995", 0.8, True, id="as wide as a word"),
        pytest.param("9995宗", "99957", 0.99, True, id="a unit is no digit"),
    ],
)
def test_the_whole_line_must_show_no_more_digits_than_those_before_a_misread_unit(text, seen, p, expected):
    found = find_worded(recognition(text), line_of(text))
    assert is_confirmed(found, posteriors(seen, p ** (1 / len(seen)))) == expected
    assert is_confirmed(found, None) == (not found.has_misread_unit)


def test_a_misread_unit_that_is_not_as_wide_as_a_word_may_be_a_digit() -> None:
    found = find_worded(recognition("9995示"), line_of("9995示"))
    for width in (0.5, 1.5):
        narrow = found._replace(unit_width=width)
        assert not is_confirmed(narrow, posteriors("9995", 0.8 ** (1 / 4)))
        assert is_confirmed(narrow, posteriors("9995", 0.99 ** (1 / 4)))


def test_the_margin_of_a_crop_is_none_of_its_characters() -> None:
    # Once 0个 was parted within the 0, whose inside is pale: its line ends with its ink, the crop does not.
    line = line_of("0个")
    line.crop[:, : EM // 2] = 250
    cv2.ellipse(line.crop, (5, 9), (4, 8), 0, 0, 360, (20, 20, 20), 1)
    crop = cv2.copyMakeBorder(line.crop, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(250, 250, 250))
    found = find_worded(recognition("0个"), Line(crop, line.bbox))
    assert found is not None
    assert 109 <= found.bbox.right <= 113
    assert found.unit_width == pytest.approx(0.8, abs=0.1)


def test_a_figure_of_which_nothing_is_seen_stays_as_it_was() -> None:
    text = "109件"
    token = Token(text, line_of(text).bbox, 0.97)
    found = find_worded(recognition(text), line_of(text))
    assert with_readings(token, found, posteriors("减", 0.9999)).text == text
