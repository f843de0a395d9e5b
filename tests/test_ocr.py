from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import cv2
import numpy as np
import pytest

from giar_ml.annotations.gold import box_poly
from giar_ml.document import UNREAD, BBox, Cell, Page, Reading, Table, Token
from giar_ml.geometry import runs
from giar_ml.levels import Levels
from giar_ml.ocr import Recognition, _recognize, read_page
from giar_ml.ocr.cells import find_cell_lines, is_spotless
from giar_ml.ocr.ctc import ctc_greedy, ctc_k_best
from giar_ml.ocr.engine import FIGURE_ALPHABET
from giar_ml.ocr.gaps import split_at_gaps
from giar_ml.ocr.lines import Line, is_for_figures, of_both_widths, sure_figure, to_token
from giar_ml.ocr.marks import find_marks
from giar_ml.ocr.outside import DETECTION_DPI, crop_polygon, find_prose, find_prose_ink
from giar_ml.ocr.spanning import join_unread, part_spanning_cells
from giar_ml.tables import find_tables

DPI = 200


class FakeEngine:
    """Reads "7" in every crop; finds the given polygons."""

    device = "cpu"

    def __init__(self, *polygons: np.ndarray) -> None:
        self.polygons = list(polygons)
        self.detected: list[np.ndarray] = []
        self.n_crops = 0

    def detect(self, image: np.ndarray) -> list[np.ndarray]:
        self.detected.append(image)
        return self.polygons

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        self.n_crops += len(crops)
        return [Recognition("7", 0.9, posteriors([{"7": 0.9, "1": 0.05, "": 0.05}])) for _ in crops]


def posteriors(frames: Sequence[dict[str, float]]) -> np.ndarray:
    rows = [[frame.get(character, 0.0) for character in FIGURE_ALPHABET] for frame in frames]
    return np.log(np.maximum(np.array(rows, np.float32), 1e-30))


def brute_force(log_probs: np.ndarray, alphabet: str) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for path in product(range(len(alphabet) + 1), repeat=len(log_probs)):
        merged = [a for i, a in enumerate(path) if i == 0 or path[i - 1] != a]
        text = "".join(alphabet[a - 1] for a in merged if a)
        totals[text] += math.exp(sum(log_probs[t, a] for t, a in enumerate(path)))
    return totals


@pytest.mark.parametrize("seed", range(5))
def test_ctc_k_best_agrees_with_brute_force(seed: int) -> None:
    raw = np.random.default_rng(seed).random((4, 4)) ** 3
    log_probs = np.log(raw / raw.sum(axis=1, keepdims=True))
    expected = sorted(brute_force(log_probs, "012").items(), key=lambda item: -item[1])[:5]
    found = ctc_k_best(log_probs, ["", "0", "1", "2"], 5, beam=1000, min_log_prob=-math.inf)
    assert [text for text, _ in found] == [text for text, _ in expected]
    assert [math.exp(p) for _, p in found] == pytest.approx([p for _, p in expected])


@pytest.mark.parametrize("seed", range(5))
def test_ctc_greedy_agrees_with_brute_force(seed: int) -> None:
    raw = np.random.default_rng(seed).random((5, 4)) ** 3
    log_probs = np.log(raw / raw.sum(axis=1, keepdims=True))
    text, log_prob = ctc_greedy(log_probs, ["", "0", "1", "2"])
    assert math.exp(log_prob) == pytest.approx(brute_force(log_probs, "012")[text])


def test_ctc_greedy_of_no_frames_is_the_empty_text() -> None:
    assert ctc_greedy(np.zeros((0, 3)), ["", "0", "1"]) == ("", 0.0)


def test_ctc_k_best_of_repeated_digits_needs_a_blank() -> None:
    with_blank = posteriors([{"1": 1.0}, {"": 1.0}, {"1": 1.0}])
    without = posteriors([{"1": 1.0}, {"1": 1.0}])
    assert ctc_k_best(with_blank, FIGURE_ALPHABET, 1)[0][0] == "11"
    assert ctc_k_best(without, FIGURE_ALPHABET, 1)[0][0] == "1"


def test_ctc_k_best_of_no_frames_is_the_empty_text() -> None:
    assert ctc_k_best(np.zeros((0, 3)), ["", "0", "1"], 3) == [("", 0.0)]


def line_of(width: int, height: int, *, margin: int = 0, faint: bool = False) -> Line:
    """A line whose crop has rows above and below it."""
    return Line(np.zeros((height + 2 * margin, width, 3), np.uint8), BBox(0, 0, width, height), faint)


def test_a_figure_gets_readings_best_first() -> None:
    token = to_token(Recognition("0", 0.7, posteriors([{"0": 0.7, "8": 0.2, "": 0.1}])), line_of(10, 20))
    assert token is not None
    assert [reading.text for reading in token.readings] == ["0", "8"]
    assert token.confidence == pytest.approx(0.7)


def test_a_lookalike_of_a_digit_is_a_figure() -> None:
    token = to_token(Recognition("O", 0.6, posteriors([{"0": 0.9}])), line_of(10, 20))
    assert token is not None
    assert token.text == "0"


def test_a_label_gets_no_readings() -> None:
    recognition = Recognition("总计", 0.99, posteriors([{"0": 1e-6}, {"": 0.9}, {"7": 1e-7}]))
    token = to_token(recognition, line_of(40, 20))
    assert token is not None
    assert (token.text, token.readings) == ("总计", ())


def test_a_figure_of_an_engine_without_posteriors_has_one_reading() -> None:
    # Once it had none, which says that it is certain.
    token = to_token(Recognition("12", 0.8), line_of(20, 20))
    assert (token.text, token.confidence, token.readings) == ("12", 0.8, (Reading("12", 0.8),))
    token = to_token(Recognition("总计", 0.8), line_of(40, 20))
    assert (token.text, token.confidence, token.readings) == ("总计", 0.8, ())


@pytest.mark.parametrize(("text", "score"), [("3", 0.51), ("", 0.0), ("ó", 0.6)])
def test_the_reader_of_figures_counts_beside_an_engine_without_posteriors(text, score) -> None:
    # Once 3 was read for a sure 8, and was certain.
    token = to_token(Recognition(text, score), line_of(20, 20), figures=log_probs_of("8", 0.99))
    assert token.text == "8"
    assert token.confidence > 0.95
    faint = to_token(Recognition(text, score), line_of(20, 20, faint=True), figures=log_probs_of("8", 0.9))
    assert "" in dict(faint.readings)


def test_ink_that_gives_no_text_is_unread_not_blank() -> None:
    token = to_token(Recognition("", 0.0), line_of(20, 20))
    assert (token.text, token.confidence) == (UNREAD, 0.0)


def test_faint_figure_may_be_blank() -> None:
    token = to_token(Recognition("5", 0.9, posteriors([{"5": 0.98}])), line_of(20, 20, faint=True))
    assert [reading.text for reading in token.readings][:2] == ["5", ""]
    assert token.readings[1].probability == pytest.approx(0.3, abs=0.01)


def test_a_faint_figure_that_the_reader_of_figures_is_sure_of_is_hardly_blank() -> None:
    recognition = Recognition("5", 0.9, posteriors([{"5": 0.999}]))
    token = to_token(recognition, line_of(20, 20, faint=True), figures=log_probs_of("5", 0.9999))
    assert token.text == "5"
    assert token.confidence == pytest.approx(0.997, abs=0.001)


def test_a_faint_figure_of_sure_digits_is_hardly_blank_whatever_the_marks_between() -> None:
    # Once 160,016.8 of a pale print was blank with 0.3: its comma was a comma or a point.
    frames = [{"1": 1.0}, {"": 1.0}, {".": 0.93, ",": 0.07}, {"": 1.0}, {"6": 1.0}]
    recognition = Recognition("1.6", 0.9, posteriors(frames))
    token = to_token(recognition, line_of(30, 20, faint=True), figures=posteriors(frames))
    assert token.text == "1.6"
    assert dict(token.readings).get("", 0.0) < 0.001


def cell_image(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (200, 100)) -> np.ndarray:
    """A cell with black boxes (left, top, right, bottom) for characters."""
    image = np.full((size[1], size[0]), 255, np.uint8)
    for left, top, right, bottom in boxes:
        image[top:bottom, left:right] = 0
    return image


def lines_of(image: np.ndarray) -> list[BBox]:
    bbox = BBox(0, 0, image.shape[1], image.shape[0])
    return [line.bbox for line in find_cell_lines(image, bbox, dpi=DPI)]


def test_a_blank_cell_has_no_lines() -> None:
    assert lines_of(cell_image()) == []


def test_specks_and_rule_remnants_are_no_text() -> None:
    image = cell_image((50, 50, 52, 52), (0, 0, 200, 3), (0, 0, 3, 100), (120, 30, 124, 34))
    assert lines_of(image) == []


def test_lines_are_split_and_strokes_of_a_line_kept_together() -> None:
    first = [(20, 10, 40, 32), (50, 20, 54, 24)]
    second = [(20, 50, 42, 55), (20, 66, 42, 72), (50, 50, 72, 72)]
    assert lines_of(cell_image(*first, *second)) == [BBox(20, 10, 54, 32), BBox(20, 50, 72, 72)]


def test_a_lone_three_is_one_line() -> None:
    assert lines_of(cell_image((20, 20, 44, 23), (22, 30, 42, 33), (18, 40, 46, 43))) == [
        BBox(18, 20, 46, 43)
    ]


def test_stacked_characters_become_one_line_side_by_side() -> None:
    boxes = [(10, 10 + 30 * i, 34, 34 + 30 * i) for i in range(5)]
    image = cell_image(*boxes, size=(44, 200))
    (line,) = find_cell_lines(image, BBox(0, 0, 44, 200), dpi=DPI)
    assert line.bbox == BBox(10, 10, 34, 154)
    assert line.crop.shape[1] > 4 * line.crop.shape[0]


def page_with_table() -> Page:
    image = np.full((600, 800, 3), 255, np.uint8)
    for y in (200, 260, 320):
        cv2.line(image, (100, y), (600, y), (0, 0, 0), 2)
    for x in (100, 300, 600):
        cv2.line(image, (x, 200), (x, 320), (0, 0, 0), 2)
    image[220:240, 190:200] = 0
    image[100:124, 300:420] = 0
    page = Page(1, "scan", 800, 600, image, DPI)
    return find_tables(page)


def test_read_page_fills_cells_with_ink_and_finds_text_outside() -> None:
    polygon = np.array([[0, 0], [100, 0], [100, 20], [0, 20]], float)
    engine = FakeEngine(polygon)
    page = read_page(page_with_table(), engine)
    assert [cell.text for cell in page.tables[0].cells] == ["7", "", "", ""]
    (token,) = page.tokens
    assert token.bbox.left == pytest.approx(300 - 30, abs=2)
    assert token.bbox.top == pytest.approx(100 - 30, abs=2)
    # The detector sees the band of the title only.
    assert engine.detected[0].shape[0] < 100


def test_no_text_outside_needs_no_detection() -> None:
    page = page_with_table()
    assert page.image is not None
    image = page.image.copy()
    image[:150] = 255
    engine = FakeEngine()
    read_page(replace(page, image=image), engine)
    assert engine.detected == []


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (None, True),
        ("rule", True),
        ("speck", False),
        ("pale", False),
        ("grain", True),
        ("black", False),
        ("white", False),
    ],
)
def test_a_cell_is_spotless_without_as_much_as_a_speck(mark: str | None, expected: bool) -> None:
    page = np.full((80, 140), 240, np.uint8)
    if mark == "rule":
        page[18:23], page[:, 117:121] = 40, 40
    if mark == "speck":
        page[50:52, 60:62] = 90
    if mark == "pale":
        page[40:60, 60:63] = 218
    if mark == "black":
        page[:] = 30
    if mark == "white":
        page[:] = 190
        page[40:60, 60:63] = 250  # print on a coloured cell
    if mark == "grain":
        page = np.random.default_rng(1).normal(240, 3, page.shape).astype(np.uint8)
    assert is_spotless(page, BBox(20, 20, 120, 75), dpi=200) is expected
    assert not is_spotless(page, BBox(20, 0, 120, 3), dpi=200)
    assert not is_spotless(page, BBox(20, 20, 50, 75), dpi=200)  # its left rule was lost, and its figure


def test_a_blank_scan_stays_empty() -> None:
    page = Page(1, "scan", 300, 300, np.full((300, 300, 3), 255, np.uint8), DPI)
    assert read_page(page, FakeEngine()).tokens == ()


def test_digital_pages_are_not_read() -> None:
    page = Page(1, "digital", 300, 300, np.zeros((300, 300, 3), np.uint8), DPI)
    assert read_page(page, FakeEngine()) is page


def test_a_1_is_not_laid_on_its_side() -> None:
    # Once it was read as 一.
    image = np.full((200, 200, 3), 255, np.uint8)
    image[50:70, 58:61] = 0
    box = np.array([[52, 45], [67, 45], [67, 75], [52, 75]], np.float32)
    assert crop_polygon(image, box, highest=50).shape[:2] == (30, 15)
    assert crop_polygon(image, box, highest=25).shape[:2] == (15, 30)


def test_crop_polygon_straightens_a_slanted_line() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    crop = crop_polygon(image, np.array([[20, 40], [120, 50], [118, 70], [18, 60]], np.float32))
    assert crop.shape[:2] == pytest.approx((20, 100), abs=2)


def test_figure_of_a_bar_and_a_bowl_is_one_line() -> None:
    # Once a 5 with a faint stem was read twice: 55.
    gray = np.full((80, 120), 255, np.uint8)
    gray[30:33, 50:62] = 0
    gray[37:48, 50:62] = 0
    lines = find_cell_lines(gray, BBox(0, 0, 120, 80), dpi=200)
    assert [tuple(line.bbox) for line in lines] == [(50, 30, 62, 48)]


def test_figure_wrapped_in_its_cell_is_two_lines() -> None:
    # Once 2195 above 0 was taken for the strokes of a 二, and read as one line.
    gray = np.full((90, 80), 255, np.uint8)
    gray[20:40, 8:72] = 0
    gray[59:79, 35:47] = 0
    lines = find_cell_lines(gray, BBox(0, 0, 80, 90), dpi=200)
    assert [(line.bbox.top, line.bbox.bottom) for line in lines] == [(20, 40), (59, 79)]


def draw_figure(text: str, *, grey: int = 30, scale: float = 0.5) -> np.ndarray:
    """A cell of 300 x 60 px with a figure in the middle."""
    cell = np.full((60, 300), 250, np.uint8)
    cv2.putText(cell, text, (110, 40), cv2.FONT_HERSHEY_SIMPLEX, scale, (grey,), 1, cv2.LINE_AA)
    return cell


def test_small_decimal_point_stays() -> None:
    # Once a point of 2 x 2 px was painted over as a speck: 2159.36 was read as 215936.
    cell = draw_figure("2159 36", grey=60)
    columns = np.flatnonzero((cell < 200).any(axis=0))
    gap = int(columns[np.argmax(np.diff(columns))])
    cell[38:40, gap + 4 : gap + 6] = 60
    (line,) = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=200)
    x = gap + 4 - int(line.bbox.left)
    assert line.crop[:, x : x + 8].min(axis=(0, 2)).min() < 100


def test_point_as_wide_as_a_digit_stays() -> None:
    cell = np.full((60, 300), 250, np.uint8)
    for x, digit in ((60, "5"), (84, "7"), (132, "2"), (156, "0")):
        cv2.putText(cell, digit, (x, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (30,), 1, cv2.LINE_AA)
    cell[38:40, 108:110] = 30
    (line,) = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=200)
    x = 108 - int(line.bbox.left)
    assert line.crop[:, x : x + 8].min() < 100


@pytest.mark.parametrize(("y", "is_kept"), [(30, True), (16, False)], ids=["in the middle", "higher"])
def test_a_point_in_the_middle_of_its_square_stays(y: int, is_kept: bool) -> None:
    # So points in full width stand where Chinese is set as in the south. Once 2059.76 was read as 205976.
    cell = np.full((60, 300), 250, np.uint8)
    for x, digit in ((50, "5"), (74, "0"), (140, "0"), (164, "5")):
        cv2.putText(cell, digit, (x, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.95, (30,), 2, cv2.LINE_AA)
    left, right = (int(x) for x in np.flatnonzero((cell[:, 80:150] > 200).all(axis=0))[[0, -1]] + 80)
    x = (left + right) // 2
    clean = cell.copy()
    cell[y - 1 : y + 2, x - 1 : x + 2] = 30
    lines = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=150)
    without = find_cell_lines(clean, BBox(0, 0, 300, 60), dpi=150)
    dark, usual = (sum(int((line.crop < 100).sum()) for line in found) for found in (lines, without))
    assert (dark > usual) is is_kept


def test_dust_far_from_the_figure_does_not_stretch_its_line() -> None:
    cell = draw_figure("0")
    cv2.circle(cell, (250, 38), 2, (60,), -1)
    (line,) = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=200)
    assert line.bbox.right < 140


def test_the_stroke_of_a_pen_does_not_stretch_a_line() -> None:
    # Once a 6 at the end of a pen stroke was read as nothing at all.
    cell = draw_figure("6")
    figure = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=200)[0].bbox
    cv2.line(cell, (5, 4), (round(figure.left) + 2, round(figure.top) + 4), (150,), 4, cv2.LINE_AA)
    (line,) = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=200)
    assert line.bbox.left > figure.left - 15
    assert line.bbox.right == pytest.approx(figure.right, abs=2)


def test_pale_strokes_join_the_dark_ones() -> None:
    # Once the bars and stems of a thin 77 fell apart, each too small to be print: the cell read as blank.
    cell = np.full((60, 120), 250, np.uint8)
    for x in (40, 52):
        cell[20:23, x : x + 8] = 30
        cell[23:26, x + 4 : x + 6] = 170
        cell[26:34, x + 2 : x + 4] = 100
    (line,) = find_cell_lines(cell, BBox(0, 0, 120, 60), dpi=200)
    assert tuple(line.bbox) == (40, 20, 60, 34)


@pytest.mark.parametrize("grey", [178, 215])
def test_a_figure_much_paler_than_a_slanting_rule_along_its_cell_is_print(grey: int) -> None:
    # Once the rest of the rule was taken for the print, read as nothing, and the cell for a blank one.
    cell = np.full((42, 100), 243, np.uint8)
    cv2.putText(cell, "5", (44, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (grey,), 1)
    alone = lines_of(cell)
    for x in range(100):
        cell[round(35 + 0.05 * x) : round(39 + 0.05 * x), x] = 70
    assert lines_of(cell) == alone
    assert len(alone) == 1


def test_ripples_along_a_rule_are_no_print() -> None:
    # Once what JPEG leaves beside a dotted rule was read as 7 and 11.
    cell = np.full((60, 120), 249, np.uint8)
    cell[3:7, 20:52] = 229
    assert find_cell_lines(cell, BBox(0, 0, 120, 60), dpi=200) == []


def test_gap_in_a_figure_makes_it_unsure() -> None:
    token = to_token(Recognition("2159 36", 0.999), line_of(70, 20))
    assert token.confidence < 0.6


def test_dust_darker_than_the_print_does_not_hide_it():
    # Once a black speck in its cell left of a pale 6223.76 two strokes that were read as 22.
    cell = draw_figure("6223.76", grey=175)
    clean = lines_of(cell)
    cell[6:10, 180:184] = 20
    (line,) = lines_of(cell)
    assert line == clean[0]


def test_dust_darker_than_the_print_hides_none_of_its_digits():
    # Once a black speck in its cell left of a grey 107463 no more than 10746.
    cell = draw_figure("107463", grey=136)
    clean = lines_of(cell)
    cell[6:10, 180:184] = 5
    assert lines_of(cell) == clean


def test_a_figure_is_as_high_as_its_own_ink():
    # Once 434955 was cut out as high as the arc of a seal far to its left, and the reader saw it too small.
    cell = draw_figure("434955")
    alone = lines_of(cell)
    cv2.ellipse(cell, (10, 30), (30, 40), 0, -50, 50, (60,), 4)
    assert alone[0] in lines_of(cell)


def test_a_small_figure_that_goes_on_in_a_second_line_is_no_two_strokes():
    # Once 136 above 8, in wide digits 0.06 in high, was one line, as the strokes of 二 are.
    cell = np.full((78, 90), 255, np.uint8)
    for x in (27, 43, 59):
        cell[24:36, x : x + 7] = 40
    cell[44:56, 43:50] = 40
    assert len(find_cell_lines(cell, BBox(0, 0, 90, 78), dpi=200.000005)) == 2


def test_a_speck_darker_than_pale_print_does_not_hide_it():
    # Once a 6 on thin toner, of which only two bits were as dark as ink, was painted over with a speck.
    cell = np.full((60, 300), 250, np.uint8)
    cv2.putText(cell, "6", (110, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (234,), 2)
    figure = np.argwhere(cell < 245)
    (top, left), (bottom, right) = figure.min(axis=0), figure.max(axis=0)
    cell[top + 2 : top + 6, left : left + 3] = cell[bottom - 5 : bottom - 1, right - 2 : right + 1] = 223
    cell[20:24, 230:232] = 200
    (line,) = lines_of(cell)
    assert line.left == pytest.approx(left, abs=1)
    assert line.right == pytest.approx(right + 1, abs=1)


def test_a_one_beside_a_figure_in_pieces_is_no_rest_of_a_rule():
    # Once the 1 of 12 was taken for one on a fax that had broken the 2, and the cell was surely 2.
    cell = np.full((60, 200), 255, np.uint8)
    cell[22:34, 100:103] = 0
    cell[22:29, 107:114] = 0
    cell[31:34, 107:114] = 0
    (line,) = lines_of(cell)
    assert tuple(line) == (100, 22, 114, 34)


def test_strokes_of_small_figures_in_pieces_are_no_rests_of_rules():
    # Once the 0 of 370, all of which a fax had broken, was taken for two, and the cell was 37.
    cell = np.full((60, 200), 255, np.uint8)
    cell[23:26, 100:102] = cell[22:34, 103:106] = cell[22:26, 113:119] = 0
    cell[22:34, 127:130] = cell[22:34, 132:134] = 0
    (line,) = lines_of(cell)
    assert tuple(line) == (100, 22, 134, 34)


@pytest.mark.parametrize(
    ("grey", "beside", "apart", "is_added"),
    [
        (215, 234, 12, True),  # thin toner
        (215, 234, 60, False),  # far off, as in the next column
        (60, 220, 12, False),  # beside dark print it shines through the paper
    ],
)
def test_pale_characters_in_line_with_surer_ones_are_print(grey, beside, apart, is_added):
    """Once the labels of a page with thin toner lost every character that was paler than the others."""
    cell = np.full((60, 300), 250, np.uint8)
    cv2.putText(cell, "80", (150, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (grey,), 2)
    alone = lines_of(cell)
    cv2.putText(cell, "3", (150 - apart - 14, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (beside,), 2)
    (line,) = lines_of(cell)
    assert (line.left < alone[0].left - apart) == is_added
    assert (line == alone[0]) != is_added


@pytest.mark.parametrize(("away", "is_minus"), [(4, True), (9, True), (14, True), (24, False)])
def test_a_thin_minus_in_full_width_is_no_speck(away, is_minus):
    # Once －２０ was read as 20, and the report accepted: no sum checks changes.
    cell = np.full((60, 200), 250, np.uint8)
    cv2.putText(cell, "2", (90, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 60, 2)
    cv2.putText(cell, "0", (112, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 60, 2)
    (bare,) = find_cell_lines(cell, BBox(0, 0, 200, 60), dpi=200)
    left, middle = round(bare.bbox.left), round(bare.bbox.center[1])
    cell[middle : middle + 2, left - away - 6 : left - away] = 195
    cell[middle : middle + 2, left - away - 4 : left - away - 2] = 130
    lines = find_cell_lines(cell, BBox(0, 0, 200, 60), dpi=200)
    assert (lines[0].bbox.left == left - away - 6) == is_minus


def test_a_minus_of_few_dark_pixels_is_no_speck():
    cell = np.full((60, 200), 250, np.uint8)
    cv2.putText(cell, "42", (90, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 60, 2)
    (bare,) = find_cell_lines(cell, BBox(0, 0, 200, 60), dpi=212)
    left = round(bare.bbox.left)
    cell[33:35, left - 9 : left - 2] = 195
    cell[33:35, left - 6 : left - 4] = 130
    (line,) = find_cell_lines(cell, BBox(0, 0, 200, 60), dpi=212)
    assert line.bbox.left == left - 9
    cell[33:35, left - 9 : left - 2] = 250
    cell[33:35, left - 5 : left - 3] = 130  # as high as wide
    (line,) = find_cell_lines(cell, BBox(0, 0, 200, 60), dpi=212)
    assert line.bbox.left == left


@pytest.mark.parametrize(("high", "is_minus"), [(5, True), (7, False)])
def test_a_blurred_minus_in_full_width_is_no_speck(high, is_minus):
    # Once －２６３４ of a photograph was read as 2634, and the report accepted.
    cell = np.full((60, 200), 250, np.uint8)
    cv2.putText(cell, "26", (90, 44), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 60, 2)
    (bare,) = find_cell_lines(cell, BBox(0, 0, 200, 60), dpi=220)
    left, middle = round(bare.bbox.left), round(bare.bbox.center[1])
    top = middle - high // 2
    cell[top : top + high, left - 26 : left - 18] = 190
    cell[top + 1 : top + high - 1, left - 25 : left - 19] = 120
    lines = find_cell_lines(cell, BBox(0, 0, 200, 60), dpi=220)
    assert (lines[0].bbox.left == left - 26) == is_minus


def test_the_inner_line_of_a_double_frame_is_no_part_of_the_figure_that_reaches_it():
    cell = np.full((92, 300), 255, np.uint8)
    cv2.putText(cell, "35910", (190, 58), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2)
    (bare,) = find_cell_lines(cell, BBox(0, 0, 300, 92), dpi=240)
    right = round(bare.bbox.right)
    cell[:, right : right + 3] = 0
    (line,) = find_cell_lines(cell, BBox(0, 0, right + 8, 92), dpi=240)
    assert line.bbox.bottom - line.bbox.top == bare.bbox.bottom - bare.bbox.top


def test_the_rest_of_a_rule_beside_a_figure_is_no_one():
    # Once `0` beside what was left of a rule between two columns was read as 10.
    image = draw_figure("0")
    clean = lines_of(image)
    right = round(clean[0].right)
    top, bottom = round(clean[0].top), round(clean[0].bottom)
    extra = (bottom - top) // 3
    image[top - extra : bottom + extra, right + 4 : right + 6] = 30
    assert lines_of(image) == clean
    image[top - extra : bottom + extra, right + 4 : right + 6] = 255
    image[top:bottom, right + 4 : right + 6] = 30  # as high as the figure: it may be a 1
    assert lines_of(image) != clean


@pytest.mark.parametrize("stands_up", [False, True])
def test_the_end_of_a_rule_on_another_is_no_one(stands_up: bool):
    # Once the lower half of a rule before a 0 was read as the 1 of 10: it was not so much higher than the 0.
    image = draw_figure("0")[21:48].copy()
    blank = image.copy()
    clean = lines_of(image)
    left = round(clean[0].left)
    high = round(clean[0].bottom - clean[0].top)
    if stands_up:
        image[: round(clean[0].bottom) - high // 2, left - 6 : left - 4] = 30
    else:
        image[round(clean[0].top) + high // 2 :, left - 6 : left - 4] = 30
    assert lines_of(image) == clean
    blank[round(clean[0].top) : round(clean[0].bottom), left - 6 : left - 4] = 30  # off the rules
    assert lines_of(blank) != clean


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("AB CD EF", [0, 80, 160]),  # three words, two wide gaps
        ("ABCDEF", [0]),  # read without gaps
        ("AB CDEF", [0]),  # the gaps that were read are not those that are seen
        ("A、 CD EF", [0, 160]),  # what ends with a comma goes on
    ],
)
def test_lines_are_parted_at_wide_gaps(text, starts):
    crop = np.full((30, 240, 3), 255, np.uint8)
    for left in (10, 90, 170):
        crop[8:26, left : left + 60] = 20
    parts = split_at_gaps(Line(crop, BBox(50, 40, 290, 70)), text)
    assert [round(part.bbox.left - 50, -1) for part in parts] == starts
    assert parts[-1].bbox.right == 290
    assert sum(part.crop.shape[1] for part in parts) == 240


@pytest.mark.parametrize(("width", "n_parts"), [(60, 2), (20, 1)])
def test_very_wide_gaps_part_words_that_were_read_without(width, n_parts):
    # Headers that were read narrow; but 总　计 is one word.
    crop = np.full((30, 200, 3), 255, np.uint8)
    crop[8:26, 10 : 10 + width] = crop[8:26, 45 + width : 45 + 2 * width] = 20
    assert len(split_at_gaps(Line(crop, BBox(0, 0, 200, 30)), "科研机社会公")) == n_parts


@pytest.mark.parametrize(("text", "n_parts"), [("1238.69", 1), ("123869", 2)])
def test_the_room_of_a_point_in_full_width_parts_no_figure(text, n_parts):
    crop = np.full((38, 219, 3), 255, np.uint8)
    for left in (10, 40, 72, 104, 168, 200):
        crop[8:32, left : left + 16] = 20
    crop[28:32, 130:134] = 20
    assert len(split_at_gaps(Line(crop, BBox(0, 0, 219, 38)), text)) == n_parts


@pytest.mark.parametrize(
    ("lefts", "n_lines"),
    [
        pytest.param((20, 49, 78, 107, 165, 194), 1, id="behind a point"),
        pytest.param((20, 49, 78, 107, 180, 209), 2, id="further away"),
        pytest.param((20, 35, 50, 65, 123, 138), 2, id="in half width"),
        pytest.param((20, 49, 165, 194), 2, id="two columns"),
    ],
)
def test_digits_in_full_width_go_on_behind_a_point_too_pale_to_be_seen(lefts, n_lines) -> None:
    # Once 4391．70 of an amount was 70: the point left no ink.
    cell = np.full((60, 260), 250, np.uint8)
    for left in lefts:
        cell[20:40, left : left + 12] = 40
    assert len(find_cell_lines(cell, BBox(0, 0, 260, 60), dpi=200)) == n_lines


@pytest.mark.parametrize(("text", "p", "is_sure"), [("4391.70", 0.99, True), ("439170", 0.5, False)])
def test_digits_with_room_for_a_point_between_them_are_in_doubt_without_one(text, p, is_sure) -> None:
    line = line_of(120, 20)._replace(has_gap=True)
    log_probs = log_probs_of(text, 0.99999)
    assert (sure_figure(line, log_probs) is not None) is is_sure
    token = to_token(Recognition(text, 0.99, log_probs), line, figures=log_probs)
    assert token.confidence == pytest.approx(p, abs=0.011)


def test_a_point_in_its_room_is_believed_before_none() -> None:
    # Once 0.02 was left to 256 where ２．５６ is printed: an amount that no sum checks went to review.
    log_probs = posteriors([{"2": 1.0}, {"": 1.0}, {".": 0.98, "": 0.02}, {"5": 1.0}, {"6": 1.0}])
    recognition = Recognition("2.56", 0.98, log_probs)
    plain = to_token(recognition, line_of(100, 20), figures=log_probs)
    token = to_token(recognition, line_of(100, 20)._replace(has_gap=True), figures=log_probs)
    assert token.text == plain.text == "2.56"
    assert plain.confidence < 0.995 < token.confidence


@pytest.mark.parametrize("has_point", [True, False])
@pytest.mark.parametrize(
    ("lefts", "has_room"),
    [
        pytest.param((20, 78, 107), True, id="one digit before it"),
        pytest.param((20, 49, 78, 136, 165), True, id="three"),
        pytest.param((20, 49, 78, 107), False, id="none"),
        pytest.param((20, 78, 136), False, id="at every digit"),
        pytest.param((20, 78), False, id="two digits"),
        pytest.param((20, 36, 68, 84), False, id="half width"),
        pytest.param((20, 29, 56, 65, 128, 137), False, id="digits that touch"),
    ],
)
def test_digits_in_full_width_leave_room_for_a_point(lefts, has_room, has_point) -> None:
    cell = np.full((60, 260), 250, np.uint8)
    for left in lefts:
        cell[20:40, left : left + 12] = 40
    if has_point:
        cell[36:40, 62:66] = 40
    lines = find_cell_lines(cell, BBox(0, 0, 260, 60), dpi=200)
    assert any(line.has_gap for line in lines) is has_room


def test_narrow_gaps_part_nothing():
    crop = np.full((30, 140, 3), 255, np.uint8)
    crop[8:26, 10:60] = crop[8:26, 70:130] = 20
    line = Line(crop, BBox(0, 0, 140, 30))
    assert split_at_gaps(line, "AB CD") == [line]


def spanning(*texts_at: tuple[str, int]) -> tuple[np.ndarray, Table]:
    """A picture of two rows of three columns, the rules of the last two lost in the lower one."""
    image = np.full((120, 400), 255, np.uint8)
    for text, x in texts_at:
        cv2.putText(image, text, (x, 88), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0,), 2, cv2.LINE_AA)
    boxes = [(0, 0, 1), (0, 1, 2), (0, 2, 3), (1, 0, 1), (1, 1, 3)]
    cells = [
        Cell(row, row + 1, a, b, BBox(10 + 120 * a, 10 + 50 * row, 8 + 120 * b, 55 + 50 * row))
        for row, a, b in boxes
    ]
    return image, Table(1, BBox(5, 5, 365, 110), 2, 3, tuple(cells))


@pytest.mark.parametrize(
    ("texts_at", "n_cells"),
    [
        ((("1409", 170), ("5521", 290)), 6),
        ((("1409", 170),), 5),  # in one column only
        ((("14095521", 210),), 5),  # across both
        ((("14", 228), ("55", 256)), 5),  # too near for two columns
    ],
)
def test_a_cell_with_print_in_each_of_its_columns_is_parted(texts_at, n_cells):
    image, table = spanning(*texts_at)
    parted = part_spanning_cells(table, image, dpi=150)
    assert len(parted.cells) == n_cells


@pytest.mark.parametrize(
    ("first_at", "n_cells"), [(160, 6), (220, 5)], ids=["in the middles", "side by side"]
)
def test_a_figure_with_a_gap_in_the_middle_of_a_cell_parts_it_not(first_at: int, n_cells: int) -> None:
    # Once 1．4 in full width was 1. in one column, and a 4 in the next: its point was read with the 1.
    image, table = spanning(("1.", first_at), ("4", 262 if first_at > 200 else 302))
    assert len(part_spanning_cells(table, image, dpi=150).cells) == n_cells


@pytest.mark.parametrize("with_point", [False, True])
def test_the_point_of_a_figure_in_full_width_parts_no_cell(with_point):
    # Once 0．3 in the middle of a wide cell was a 0 in one column, and a 3 in the next.
    image, table = spanning(("0", 224), ("3", 262))
    if with_point:
        image[84:88, 248:252] = 0
    assert len(part_spanning_cells(table, image, dpi=150).cells) == 5


@pytest.mark.parametrize(
    ("pieces", "n_cells"),
    [([(60, 66)], 6), ([(60, 66), (78, 84), (100, 105)], 6), ([(84, 88)], 5), ([(76, 88)], 5)],
    ids=["above", "three pieces", "a point", "a 1"],
)
def test_pieces_of_a_lost_rule_part_the_cell_that_it_parted(pieces, n_cells):
    # Once 1279 and 1817 with a piece of the rule above them between were one figure.
    image, table = spanning(("0", 224), ("3", 262))
    for top, bottom in pieces:
        image[top:bottom, 248:252] = 0
    assert len(part_spanning_cells(table, image, dpi=150).cells) == n_cells


@pytest.mark.parametrize(
    ("pieces", "n_cells"),
    [([(60, 68), (76, 90)], 6), ([(76, 90)], 5)],
    ids=["beside the figure and above it", "a 1"],
)
def test_figures_close_to_the_rule_that_was_lost_part_the_cell(pieces, n_cells) -> None:
    # Once |0 was read as 10: the figures of this table stand on the left of their cells, close to the rule.
    image, table = spanning(("0", 134), ("0", 253))
    for top, bottom in pieces:
        image[top:bottom, 248:251] = 0
    parted = part_spanning_cells(table, image, dpi=150)
    assert len(parted.cells) == n_cells
    if n_cells == 6:
        (line,) = find_cell_lines(image, parted.cells[-1].bbox, dpi=150)
        assert line.bbox.left == pytest.approx(255, abs=2)


@pytest.mark.parametrize(
    ("box", "n_lines"),
    [
        ((88, 50, 91, 58), 1),
        ((0, 27, 14, 30), 1),
        ((0, 26, 16, 30), 1),
        ((88, 44, 91, 58), 2),
        ((110, 27, 124, 30), 2),
        ((110, 26, 126, 31), 2),
    ],
    ids=["upright stub", "level stub", "a thick one", "a 1 on the rule", "a dash", "a thick dash"],
)
def test_what_is_left_of_rules_where_they_ended_on_others_is_no_figure(box, n_lines) -> None:
    # Once they were read as 1 and as 一.
    cell = np.full((60, 150), 250, np.uint8)
    cv2.putText(cell, "8", (52, 36), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20,), 2, cv2.LINE_AA)
    left, top, right, bottom = box
    cell[top:bottom, left:right] = 20
    assert len(find_cell_lines(cell, BBox(-2, -2, 152, 62), dpi=150)) == n_lines


PALE_7 = """
    244 247 245 225 202 193 194 188 181 181 189 196 202 222 237 249
    242 250 238 184 129 110 129 143 151 158 166 166 169 199 227 248
    245 248 227 170 123 135 166 193 208 213 213 202 194 209 233 251
    249 243 218 180 169 223 239 249 248 245 243 235 228 237 250 249
    249 241 222 213 218 240 249 245 241 248 239 229 242 250 250 250
    250 246 236 232 237 245 249 245 247 247 234 231 246 250 250 250
    250 249 247 248 250 249 245 246 249 241 230 237 250 250 250 250
    250 249 247 248 250 249 245 247 244 233 233 244 250 250 250 250
    249 248 245 245 246 249 249 242 229 226 242 249 247 250 250 250
    250 249 248 247 247 247 247 232 214 225 247 249 245 250 250 250
    250 250 250 250 249 249 243 217 205 229 250 249 250 250 250 250
    247 247 250 250 250 249 238 205 201 234 247 244 250 250 250 250
    250 250 250 250 249 246 227 187 200 240 250 250 250 250 250 250
    250 250 250 250 249 242 218 179 199 241 249 249 249 250 250 250
    250 250 250 250 249 241 209 175 203 246 250 250 250 250 250 250
    250 250 250 250 249 238 202 175 209 248 250 249 250 250 250 250
    250 250 250 247 235 203 184 217 246 248 248 245 250 250 250 250
    250 250 250 249 244 223 211 233 249 248 249 245 250 250 250 250
"""
"""Of a scan of 265 dpi."""


@pytest.mark.parametrize(("n_rows", "n_lines"), [(18, 1), (4, 0)], ids=["with its stem", "its bar alone"])
def test_the_bar_of_a_7_beside_a_rule_is_not_what_is_left_of_one(n_rows: int, n_lines: int) -> None:
    # Once a 7 whose stem was paler than its bar was a blank.
    seven = np.array([row.split() for row in PALE_7.strip().splitlines()], np.uint8)[:n_rows]
    cell = np.full((81, 106), 250, np.uint8)
    cell[32 : 32 + n_rows, 87:103] = seven
    assert len(find_cell_lines(cell, BBox(-2, -2, 108, 83), dpi=265)) == n_lines


@pytest.mark.parametrize(("high", "n_lines"), [(7, 0), (14, 1)])
def test_specks_in_a_low_row_are_no_print(high: int, n_lines: int) -> None:
    # Once what a photograph left of a seal in a blank cell was a mark that cannot be read.
    cell = np.full((60, 150), 250, np.uint8)
    for i, x in enumerate(range(40, 100, 6)):
        y = 20 + i * (high - 3) // 9
        cell[y : y + 3, x : x + 3] = 150
    assert len(find_cell_lines(cell, BBox(-2, -2, 152, 62), dpi=165)) == n_lines


@pytest.mark.parametrize("heights", [[(2, 11), (13, 15), (32, 38)], [(11, 28)]])
def test_pieces_of_a_rule_off_the_print_are_none(heights) -> None:
    # Once 267 and 378 on both sides of them were the figure 267378; a 1 there is one.
    cell = np.full((42, 150), 250, np.uint8)
    for left in (13, 36, 92, 115):
        cv2.putText(cell, "6", (left, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20,), 2, cv2.LINE_AA)
    for top, bottom in heights:
        cell[top:bottom, 70:73] = 20
    lines = find_cell_lines(cell, BBox(0, 0, 150, 42), dpi=150)
    assert len(lines) == (2 if len(heights) > 1 else 1)


def test_a_cell_is_parted_as_another_row_is() -> None:
    image, table = spanning(("1409", 40), ("5521", 230))
    lost = replace(table.cells[3], column_stop=3, bbox=table.cells[3].bbox._replace(right=368))
    parted = part_spanning_cells(replace(table, cells=(*table.cells[:3], lost)), image, dpi=150)
    assert len(parted.cells) == 4  # in no other row are columns 1 and 2 one cell
    whole = replace(table.cells[4], row_start=2, row_stop=3)
    three = replace(
        table,
        n_rows=3,
        cells=(*table.cells[:3], lost, replace(table.cells[3], row_start=2, row_stop=3), whole),
    )
    parted = part_spanning_cells(three, image, dpi=150)
    assert [(c.column_start, c.column_stop) for c in parted.cells if c.row_start == 1] == [(0, 1), (1, 3)]


@pytest.mark.parametrize(
    ("second", "n_cells"),
    [
        pytest.param(Token("5521", BBox(0, 0, 9, 9)), 6, id="a figure"),
        pytest.param(Token("~", BBox(0, 0, 9, 9), 0.2), 5, id="dirt"),
        pytest.param(Token("项", BBox(0, 0, 9, 9)), 5, id="the end of a caption"),
    ],
)
def test_a_parted_cell_is_whole_again_where_a_part_is_dirt(second, n_cells):
    image, table = spanning(("1409", 170), ("5521", 290))
    parted = part_spanning_cells(table, image, dpi=150)
    first = Token("1409", BBox(0, 0, 9, 9))
    cells = [
        replace(c, tokens={1: (first,), 2: (second,)}.get(c.column_start, ()) if c.row_start else ())
        for c in parted.cells
    ]
    joined = join_unread(table, replace(parted, cells=tuple(cells)))
    assert len(joined.cells) == n_cells
    assert [t for c in joined.cells for t in c.tokens] == [first, second]


@pytest.mark.parametrize("seed", range(4))
def test_grain_is_no_print(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0, 28, (78, 840)), (0, 0), 0.7)
    cell = np.clip(232 + grain, 0, 255).astype(np.uint8)
    assert not find_cell_lines(cell, BBox(0, 0, 840, 78), dpi=189)
    cv2.putText(cell, "40", (400, 50), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (110,), 2, cv2.LINE_AA)
    assert len(find_cell_lines(cell, BBox(0, 0, 840, 78), dpi=189)) == 1


def test_a_figure_no_darker_than_the_grain_is_seen_and_in_doubt() -> None:
    # Once a pale 30 on the grain of a photograph was a blank beyond doubt, and the report was accepted.
    blank = np.full((40, 240), 235, np.uint8)
    figure = cv2.putText(
        blank.copy(), "30", (100, 27), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (185,), 2, cv2.LINE_AA
    )
    bbox = BBox(0, 0, 240, 40)
    for seed in range(5):
        grain = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 24, blank.shape), (0, 0), 0.8)
        seen, paper = (np.clip(cell + grain, 0, 255).astype(np.uint8) for cell in (figure, blank))
        (line,) = find_cell_lines(seen, bbox, dpi=160)
        assert line.faint
        assert 95 < line.bbox.left < line.bbox.right < 130
        assert not find_cell_lines(paper, bbox, dpi=160)


@pytest.mark.parametrize("grain", [0, 12])
def test_a_soft_stain_is_no_print(grain: int) -> None:
    # Once a shadow 50 levels dark in a blank cell of a photograph was read as 2, and a grainy one as 7.
    stain = np.zeros((70, 400), np.float32)
    cv2.circle(stain, (90, 20), 30, (58,), -1)
    noise = np.random.default_rng(4).normal(0, grain, stain.shape)
    paper = 240 - cv2.GaussianBlur(stain, (0, 0), 9)
    cell = np.clip(paper + cv2.GaussianBlur(noise, (0, 0), 0.7), 0, 255).astype(np.uint8)
    assert not find_cell_lines(cell, BBox(0, 0, 400, 70), dpi=DPI)
    cv2.putText(cell, "40", (200, 45), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (165,), 2, cv2.LINE_AA)
    (line,) = find_cell_lines(cell, BBox(0, 0, 400, 70), dpi=DPI)
    assert 190 < line.bbox.left < 210


def write_figures(*texts_at: tuple[str, int, int]) -> np.ndarray:
    image = np.full((400, 900, 3), 255, np.uint8)
    for text, x, y in texts_at:
        cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
    return image


def read_marks(image: np.ndarray, *boxes: BBox) -> Page:
    """Boxes are detected where the detector sees them: in what is around the ink."""
    dpi = DETECTION_DPI
    ys, xs = np.nonzero(image[:, :, 0] < 128)
    left, top = max(0, xs.min() - round(0.15 * dpi)), max(0, ys.min() - round(0.15 * dpi))
    polygons = [np.array(box_poly(box), float) - (left, top) for box in boxes]
    return read_page(Page(1, "scan", image.shape[1], image.shape[0], image, dpi), FakeEngine(*polygons))


def test_figures_that_detection_lost_are_found_by_their_ink() -> None:
    image = write_figures(("0", 100, 100), ("8", 300, 100), ("0", 500, 100))
    page = read_marks(image, BBox(112, 70, 150, 105))
    assert [round(token.bbox.left, -1) for token in page.tokens] == [100, 300, 500]
    assert {token.text for token in page.tokens} == {"7"}


def test_a_pale_figure_is_a_mark_with_all_its_strokes() -> None:
    # Once of a thin 2 two strokes alone were dark enough, each too small for a figure.
    gray = np.full((200, 600), 250, np.uint8)
    for x in (100, 300, 500):
        gray[80:100, x : x + 12] = 60
    gray[80:100, 300:312] = 205
    gray[80:83, 302:310] = 150
    gray[97:100, 302:310] = 150
    marks = find_marks(gray, gray < 190, [], dpi=DPI)
    boxes = sorted(mark.bbox for mark in marks)
    assert [box.left for box in boxes] == pytest.approx([100, 300, 500], abs=1)
    assert {(box.width, box.height) for box in boxes} == {(12, 20)}


@pytest.mark.parametrize(("text", "gap", "n_marks"), [("4．39", 36, 1), ("439", 36, 2), ("4．39", 60, 2)])
def test_a_figure_in_full_width_with_a_point_is_one(text: str, gap: int, n_marks: int) -> None:
    gray = np.full((200, 600), 255, np.uint8)
    last = 130 + gap
    for left, right in ((100, 118), (122, 126), (130 - 4 + gap, last + 40)):
        gray[80 if right - left > 4 else 100 : 102, left:right] = 0
    token = Token(text, BBox(90, 72, last + 50, 110), 0.9, (Reading(text, 0.9),))
    word = Token("行政事业性收费", BBox(10, 76, 80, 106), 1.0)
    marks = find_marks(gray, gray < 128, [word, token], dpi=DPI)
    assert len(marks) == n_marks


@pytest.mark.parametrize(
    ("text", "pitch", "lefts"),
    [
        ("7028", 32, [100]),
        ("-7028", 32, [72]),  # with its sign
        ("7 0 2 8", 32, [100]),
        ("7028", 60, [100, 160, 220, 280]),  # columns of one digit each
        ("702", 32, [100, 132, 164, 196]),  # not what stands there
    ],
)
def test_a_figure_in_full_width_is_one_mark(text: str, pitch: int, lefts: list[int]) -> None:
    gray = np.full((200, 600), 255, np.uint8)
    gray[92:94, 72:80] = 0
    for left in range(100, 100 + 4 * pitch, pitch):
        gray[80:103, left : left + 16] = 0
    token = Token(text, BBox(70, 72, 110 + 4 * pitch, 110), 0.9, (Reading(text, 0.9),))
    word = Token("行政许可", BBox(10, 76, 60, 106), 1.0)
    marks = find_marks(gray, gray < 128, [word, token], dpi=DPI)
    assert sorted(mark.bbox.left for mark in marks) == pytest.approx(lefts, abs=1)


@pytest.mark.parametrize(
    ("digits", "n_marks"),
    [
        pytest.param([(100, 16), (132, 20), (164, 16), (196, 16)], 1, id="two are one mark"),
        pytest.param([(100, 16), (120, 16), (160, 16), (180, 16)], 2, id="columns of two digits each"),
        pytest.param([(100, 16), (132, 20), (164, 16)], 2, id="a digit too few"),
    ],
)
def test_digits_at_even_steps_are_one_figure_though_some_are_one_mark(digits, n_marks) -> None:
    # Once 1004 in full width was 1 and 004, in two columns of a table without rules.
    gray = np.full((200, 600), 255, np.uint8)
    for left, width in digits:
        gray[80:103, left : left + width] = 0
    token = Token("7028", BBox(90, 72, 240, 110), 0.9, (Reading("7028", 0.9),))
    word = Token("行政许可", BBox(10, 76, 60, 106), 1.0)
    assert len(find_marks(gray, gray < 128, [word, token], dpi=DPI)) == n_marks


def test_a_piece_of_a_digit_below_the_rest_of_it_is_no_end_of_a_figure() -> None:
    # Once 27767 in full width, pale, was 277, 7 and 67: to the next digit it was far from the foot of a 7.
    gray = np.full((200, 600), 255, np.uint8)
    for left, width in ((100, 16), (132, 20), (164, 16), (196, 16)):
        gray[80:103, left : left + width] = 0
    gray[88:91, 130:156] = 255
    gray[91:103, 146:156] = 255
    token = Token("7028", BBox(90, 72, 240, 110), 0.9, (Reading("7028", 0.9),))
    word = Token("行政许可", BBox(10, 76, 60, 106), 1.0)
    assert len(find_marks(gray, gray < 128, [word, token], dpi=DPI)) == 1


def test_a_mark_in_no_line_is_dirt() -> None:
    image = write_figures(("0", 100, 100), ("8", 500, 300))
    assert read_marks(image).tokens == ()


def test_a_lone_figure_that_was_detected_stays() -> None:
    image = write_figures(("0", 100, 100))
    (token,) = read_marks(image, BBox(95, 70, 130, 108)).tokens
    assert token.bbox.left == pytest.approx(95, abs=2)


def scraps(cell: np.ndarray, *places: tuple[int, int]) -> None:
    """Dots of a fax, a few side by side."""
    for x, y in places:
        cell[y : y + 2, x : x + 5] = 0
        cell[y + 2 : y + 4, x + 4 : x + 11] = 0


SCRAPS = (150, 12), (168, 16), (186, 13), (204, 18), (222, 15), (240, 17)


def test_what_a_seal_leaves_beside_a_figure_is_no_part_of_it() -> None:
    cell = np.full((60, 300), 250, np.uint8)
    cv2.putText(cell, "43", (80, 46), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 4)
    (alone,) = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=DPI)
    few = cell.copy()
    scraps(cell, *SCRAPS)
    (line,) = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=DPI)
    assert line.bbox == alone.bbox
    # A dash or a point is not many.
    scraps(few, (150, 32))
    (line,) = find_cell_lines(few, BBox(0, 0, 300, 60), dpi=DPI)
    assert line.bbox.right > alone.bbox.right


def test_dots_alone_may_be_no_figure() -> None:
    cell = np.full((60, 120), 250, np.uint8)
    for x, y in ((40, 20), (48, 24), (56, 22), (47, 32), (57, 34), (64, 28)):
        cell[y : y + 6, x : x + 5] = 0
    (line,) = find_cell_lines(cell, BBox(0, 0, 120, 60), dpi=DPI)
    assert line.faint
    cell[16:40, 80:83] = 0
    assert not any(line.faint for line in find_cell_lines(cell, BBox(0, 0, 120, 60), dpi=DPI))


def test_a_rule_that_was_not_seen_is_no_figure() -> None:
    cell = np.full((60, 300), 250, np.uint8)
    cv2.putText(cell, "17", (60, 42), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2)
    cv2.putText(cell, "3", (220, 42), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2)
    cell[::6, 150:152] = 0
    cell[1::6, 150:152] = 0
    cell[2::6, 150:152] = 0
    lines = find_cell_lines(cell, BBox(0, 0, 300, 60), dpi=DPI)
    assert [round(line.bbox.left, -1) for line in lines] == [60, 220]


def test_the_strokes_of_words_that_fill_their_cell_are_no_rule() -> None:
    cell = np.full((62, 120), 250, np.uint8)
    for left in (20, 50, 80):  # 目 above 目, three times
        for top in (4, 33):
            cv2.rectangle(cell, (left, top), (left + 18, top + 24), 0, 2)
            cv2.line(cell, (left, top + 12), (left + 18, top + 12), 0, 2)
    widths = [line.bbox.width for line in find_cell_lines(cell, BBox(0, 0, 120, 62), dpi=DPI)]
    assert widths == pytest.approx([81, 81], abs=3)


def log_probs_of(text: str, p: float = 0.98) -> np.ndarray:
    """Posteriors of a reader that sees a text, each character in a frame of its own."""
    return posteriors([frame for character in text for frame in ({character: p}, {"": 1.0})] or [{"": p}] * 3)


def both(engine: str, reader: str, *, p_engine: float = 0.9, p_reader: float = 0.98) -> Token:
    recognition = Recognition(engine, p_engine, log_probs_of(engine, p_engine))
    return to_token(recognition, line_of(20, 20), figures=log_probs_of(reader, p_reader))


def test_of_a_thin_stroke_the_reader_of_figures_is_asked() -> None:
    # The rest of a rule, 19 pixels wide and 1 high: once too long for a figure, so that its cell was missing.
    recognition = Recognition("", 0.0, posteriors([{"": 0.3, "1": 0.07}]))
    stroke = line_of(19, 1, margin=10, faint=True)
    assert is_for_figures(recognition, stroke)
    assert to_token(recognition, stroke, figures=log_probs_of("", 0.9999)).text == ""
    assert not is_for_figures(recognition, line_of(290, 20))


def test_of_faint_words_in_doubt_the_reader_of_figures_is_asked() -> None:
    # Once the grain of the paper was read as PISLC, and its cell was missing.
    grain = line_of(126, 14, faint=True)
    unsure, sure = (Recognition("PISLC", p, log_probs_of("PISLC", p)) for p in (0.37, 0.9))
    assert is_for_figures(unsure, grain)
    assert not is_for_figures(sure, grain)
    assert not is_for_figures(unsure, line_of(126, 14))
    assert to_token(unsure, grain, figures=log_probs_of("", 0.9999)).is_likely_nothing


@pytest.mark.parametrize(
    ("text", "is_asked"), [("文书本", True), ("总计", False), ("1件", False), ("本机关不掌", False)]
)
def test_few_faint_characters_that_no_header_has_may_be_print_of_the_other_side(text, is_asked) -> None:
    # Once 决定数量 showed through, mirrored, in a blank cell: it made the row fit its columns badly.
    recognition = Recognition(text, 0.7, log_probs_of(text, 0.7))
    assert is_for_figures(recognition, line_of(80, 18, faint=True)) is is_asked


@pytest.mark.parametrize(
    ("line", "text", "p", "is_sure"),
    [
        pytest.param(line_of(20, 20), "12", 0.99999, True, id="a figure"),
        pytest.param(line_of(20, 20), "12", 0.99, False, id="a figure in doubt"),
        pytest.param(line_of(20, 20), "", 0.99999, False, id="nothing"),
        pytest.param(line_of(20, 20, faint=True), "12", 0.99999, False, id="faint"),
        pytest.param(line_of(200, 20), "12", 0.99999, False, id="long"),
    ],
)
def test_the_engine_is_not_asked_of_a_figure_beyond_doubt(
    line: Line, text: str, p: float, is_sure: bool
) -> None:
    class Reader:
        def read(self, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
            return [log_probs_of(text, p) for _ in crops]

    engine = FakeEngine()
    gray = np.full((60, 260), 255, np.uint8)
    (token,) = _recognize([line], engine, Reader(), gray, dpi=DPI)
    assert (engine.n_crops == 0) is is_sure
    if is_sure:
        assert token == Token("12", line.bbox, token.confidence, (Reading("12", token.confidence),))
        assert token.confidence > 0.9999


def test_the_engine_is_not_asked_of_what_a_form_surely_prints() -> None:
    class Captions:
        def read(self, lines: Sequence[Line]) -> list[Recognition | None]:
            return [Recognition("总计", 0.99) if line.bbox.left == 0 else None for line in lines]

    engine = FakeEngine()
    lines = [Line(np.full((20, 60, 3), 255, np.uint8), BBox(x, 0, x + 60, 20)) for x in (0, 100, 200)]
    gray = np.full((40, 300), 255, np.uint8)
    tokens = _recognize(lines, engine, None, gray, dpi=DPI, captions=Captions())
    assert engine.n_crops == 2 * 2  # narrow, and at their own width
    assert tokens[0] == Token("总计", lines[0].bbox, 0.99)
    assert [token.text for token in tokens[1:]] == ["7", "7"]


def test_two_readers_agree() -> None:
    token = both("12", "12")
    assert token.text == "12"
    assert token.confidence > 0.99


def test_the_surer_of_two_readers_is_heard_and_the_other_kept() -> None:
    token = both("17", "11", p_engine=0.6, p_reader=0.99)
    assert token.readings[0].text == "11"
    assert "17" in {reading.text for reading in token.readings}
    assert sum(reading.probability for reading in token.readings) == pytest.approx(1, abs=0.01)


def test_a_gap_in_a_figure_is_for_the_reader_of_figures_to_judge() -> None:
    recognition = Recognition("1 2", 0.98, log_probs_of("12", 0.98))
    assert to_token(recognition, line_of(70, 20)).confidence < 0.6
    token = to_token(recognition, line_of(70, 20), figures=log_probs_of("12", 0.99))
    assert token.text == "12"
    assert token.confidence > 0.99


def test_what_neither_reads_is_nothing() -> None:
    assert both("", "").text == ""
    assert both("", "5").readings[0].text == "5"
    doubtful = both("1", "")
    assert doubtful.text == "1"
    assert doubtful.readings[0].text == ""


def test_a_dirty_figure_is_for_the_reader_of_figures_and_words_are_not() -> None:
    for text in ("ó", "GB1", 'z"0', "16)", "22795*", "二三"):
        recognition = Recognition(text, 0.9, posteriors([{}] * 8))
        token = to_token(recognition, line_of(40, 20), figures=log_probs_of("0", 0.999))
        assert token.text == "0", text
    for text in ("（", "其", "www.gov", "三、", "（1）"):
        recognition = Recognition(text, 0.9, posteriors([{}] * 8))
        token = to_token(recognition, line_of(40, 20), figures=log_probs_of("0", 0.999))
        assert token.text == text


def test_words_are_left_to_the_engine() -> None:
    recognition = Recognition("自然", 0.99, posteriors([{}] * 8))
    token = to_token(recognition, line_of(40, 20), figures=log_probs_of("11"))
    assert (token.text, token.readings) == ("自然", ())


def test_a_small_figure_read_as_one_character_is_a_figure_where_its_reader_is_sure() -> None:
    # 44 of 10 px in a fax: once `科`, and so nothing.
    recognition = Recognition("科", 0.9, posteriors([{"4": 2e-3, "": 1e-4}, {"": 0.9}]))
    token = to_token(recognition, line_of(18, 13), figures=log_probs_of("44", 0.999))
    assert token.readings[0].text == "44"
    for unsure in (log_probs_of("44", 0.8), log_probs_of("", 0.999), log_probs_of("-", 0.999)):
        token = to_token(recognition, line_of(18, 13), figures=unsure)
        assert (token.text, token.readings) == ("科", ())


def test_levels_are_those_of_the_sorted_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        low, high = sorted(rng.choice(257, 2, replace=False))
        gray = rng.integers(low, high, size=(rng.integers(1, 20), rng.integers(1, 50))).astype(np.uint8).T
        n, level = int(rng.integers(gray.size)), float(gray[0, 0]) + 0.5
        levels = Levels(np.ascontiguousarray(gray))
        assert levels.nth(n) == np.sort(gray, axis=None)[n]
        assert levels.contrast == levels.paper - gray.min()
        assert levels.spread(level) == np.median(np.abs(gray - level))
        percent = float(rng.uniform(0, 100))
        assert levels.percentile(percent) == pytest.approx(np.percentile(gray, percent), abs=1e-9)


def text_line(*words: tuple[int, int], top: int = 0) -> Line:
    """A line with blocks of print from one column to another."""
    crop = np.full((30, 620, 3), 255, np.uint8)
    for start, stop in words:
        crop[6:24, start:stop:3] = 20
    return Line(crop, BBox(100, top, 720, top + 30))


@pytest.mark.parametrize(
    ("first", "second", "is_prose"),
    [
        pytest.param([(5, 615)], [(5, 615)], True, id="two full lines"),
        pytest.param([(5, 300), (330, 615)], [(5, 615)], True, id="a full stop and a quotation mark"),
        pytest.param([(5, 100), (160, 300), (360, 615)], [(5, 100), (160, 300)], False, id="columns"),
        pytest.param([(5, 615)], [(5, 100), (160, 300)], False, id="a title above columns"),
    ],
)
def test_lines_that_fill_paragraphs_are_prose(first, second, is_prose) -> None:
    lines = [text_line(*first, top=100), text_line(*second, top=150)]
    assert len(find_prose(lines)) == (2 if is_prose else 0)


def test_a_long_line_alone_is_no_prose() -> None:
    line = text_line((5, 615), top=100)
    assert find_prose([line]) == []
    assert find_prose([line, text_line((5, 615), top=400)]) == []
    short = Line(line.crop[:, :300], BBox(100, 150, 400, 180))
    assert find_prose([line, short]) == []


def test_a_title_above_a_long_note_in_small_print_is_no_prose() -> None:
    # Once 三、收到和处理政府信息公开申请情况 was not read, and two tables without rules were one.
    title, note = text_line((5, 615), top=100), text_line((5, 615), top=150)
    note = note._replace(bbox=note.bbox._replace(bottom=168))
    assert find_prose([title, note]) == []


class LineEngine(FakeEngine):
    """Finds every line of dark rows, and reads words in it."""

    def detect(self, image: np.ndarray) -> list[np.ndarray]:
        self.detected.append(image)
        dark = image.min(axis=2) < 200
        columns = np.flatnonzero(dark.any(axis=0))
        left, right = (columns[0], columns[-1] + 1) if columns.size else (0, 0)
        corners = ((left, -2), (right, -2), (right, 2), (left, 2))
        return [
            np.array([(x, (start if side < 0 else stop) + side) for x, side in corners], float)
            for start, stop in runs(dark.any(axis=1))
        ]

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        return [Recognition("年度报告", 0.99) for _ in crops]


def prose_page(*, number: int) -> Page:
    """A page with fourteen full lines of text and a table."""
    page = page_with_table()
    assert page.image is not None
    image = np.full((1400, 800, 3), 255, np.uint8)
    image[800:1400] = page.image
    for i in range(14):
        image[20 + 50 * i : 46 + 50 * i, 90:710] = np.where(np.arange(620) % 6 < 3, 0, 255)[:, None]
    image[800:1000] = 255
    table = page.tables[0]
    cells = tuple(replace(c, bbox=BBox(*np.add(c.bbox, (0, 800, 0, 800)))) for c in table.cells)
    table = replace(table, bbox=BBox(*np.add(table.bbox, (0, 800, 0, 800))), cells=cells)
    return replace(page, number=number, image=image, height=1400, tables=(table,))


@pytest.mark.parametrize(
    ("number", "prose", "n_read"), [(1, False, 6), (2, False, 0), (1, True, 14), (2, True, 14)]
)
def test_paragraphs_are_read_when_asked_and_the_head_of_a_report_always(number, prose, n_read) -> None:
    page, engine = prose_page(number=number), LineEngine()
    assert len(read_page(page, engine, prose=prose).tokens) == n_read
    # The detector is not shown what is not read.
    seen = sum(len(runs(image.min(axis=(1, 2)) < 200)) for image in engine.detected)
    assert seen == n_read


class WordEngine(LineEngine):
    """Finds words apart that stand side by side."""

    def detect(self, image: np.ndarray) -> list[np.ndarray]:
        found = []
        for line in super().detect(image):
            (_, top), _, (_, bottom), _ = line
            dark = (image[int(top) + 2 : int(bottom) - 2].min(axis=2) < 200).any(axis=0)
            for left, right in runs(dark, gap=10):
                found.append(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))
        return found


def test_the_head_of_a_report_is_so_many_lines_whatever_stands_side_by_side() -> None:
    page = prose_page(number=1)
    assert page.image is not None
    for left in (200, 360, 520):
        page.image[70:96, left : left + 60] = 255  # a line of four links
    page.image[54:57, 300:306] = 0  # dirt below the first line
    tokens = read_page(page, WordEngine()).tokens
    assert len({round(token.bbox.center[1]) for token in tokens if token.bbox.height > 10}) == 6


def test_paragraphs_are_told_by_their_ink() -> None:
    ink = np.zeros((700, 800), bool)
    full, columns, short = [(90, 710)], [(90, 200), (260, 420), (480, 710)], [(90, 380)]
    lines = [full, full, full, short, columns, columns, short, short, full, short, [(90, 110)]]
    for i, line in enumerate(lines):
        for start, stop in line:
            ink[20 + 50 * i : 46 + 50 * i, start:stop:3] = True
    found = find_prose_ink(ink, dpi=DPI, n_head=0)
    assert [round((bbox.top - 20) / 50) for bbox in found] == [0, 1, 2]
    assert {bbox.top for bbox in find_prose_ink(ink, dpi=DPI, n_head=1)} == {70.0, 120.0}
    ink[20:500, 60:80] = True  # a stroke of a pen beside it
    assert find_prose_ink(ink, dpi=DPI, n_head=0) == []


@pytest.mark.parametrize(
    ("text", "score", "widths"),
    [
        ("加强组织领导", 0.99, [80]),
        ("加强组织领导", 0.9, [80, 200]),
        ("(三)不予公开", 0.9, [80]),
        ("(三)不予公开", 0.5, [80, 200]),
        pytest.param("1830件", 0.99, [80, 200], id="the 0 was taken for a part of 件"),
    ],
)
def test_lines_are_read_narrow_and_again_where_that_is_not_sure(text, score, widths) -> None:
    class Engine(FakeEngine):
        def recognize(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
            seen.extend(crop.shape[1] for crop in crops)
            return [Recognition(text, score) for _ in crops]

    seen: list[int] = []
    line = Line(np.full((24, 200, 3), 255, np.uint8), BBox(0, 0, 200, 24))
    (token,) = _recognize([line], Engine(), None, np.full((30, 210), 255, np.uint8), dpi=DPI)
    assert seen == widths
    assert token.text == text


@pytest.mark.parametrize(
    ("narrow", "wide", "text", "score"),
    [
        pytest.param("增79692", "增.79692", "增79692", 0.9, id="no figure at its own width"),
        pytest.param("增5899项", "增 5899 项", "增 5899 项", 0.9, id="the same"),
        pytest.param("83件", "830件", "830件", 0.8, id="another"),
        pytest.param("190506", "— 190506 件", "— 190506 件", 0.8, id="words that were lost"),
    ],
)
def test_a_figure_with_words_may_be_read_better_narrow(narrow, wide, text, score) -> None:
    found = of_both_widths(Recognition(narrow, 0.9), Recognition(wide, 0.8))
    assert (found.text, found.score) == (text, score)
