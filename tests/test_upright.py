"""Pages made upright: turned, flattened, cut out, evened, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from giar_ml.document import BBox, Cell, Page, Table, Token
from giar_ml.engines import load_engine
from giar_ml.load import load
from giar_ml.ocr.captions import CaptionReader, load_caption_reader
from giar_ml.ocr.engine import Recognition
from giar_ml.tables.rules import to_gray
from giar_ml.tables.segments import find_segments
from giar_ml.upright import ENOUGH_DPI, as_scanned, make_upright, paper
from giar_ml.upright.dithered import clear_dithered_seals
from giar_ml.upright.flatten import find_field
from giar_ml.upright.halftone import PALE, clear_halftone
from giar_ml.upright.lines import find_text_ink, find_text_lines, find_text_slope, sketch
from giar_ml.upright.paper import find_sheet
from giar_ml.upright.seals import fade_grey_seals, fade_red_seals, find_rings
from giar_ml.upright.tone import WHITE, even_light, remove_streaks
from giar_ml.upright.turning import _count_characters, _count_read, _stands_close, find_quarters
from giar_ml.upright.warp import TERMS, Field, PageWarp, flatten_image, turn_image
from training import device, warp

DPI = 150
FONT = cv2.FONT_HERSHEY_SIMPLEX
WIDTH, HEIGHT = 1240, 1754
ROWS = range(300, 1300, 50)
COLUMNS = (180, 460, 560, 720, 880, 1060)
SCAN = ROOT / "eval" / "fixtures" / "9000000-00001-scan-clean.pdf"
OFFICE_SCAN = ROOT / "eval" / "fixtures" / "9000000-00009-scan-office.pdf"

POINTS = [(100.0, 200.0), (640.5, 877.0), (1100.0, 1500.0)]
FIELD = Field(
    (620.0, 877.0),
    877.0,
    tuple(9.0 if sum(powers) < 3 and powers[1] else 0.0 for powers in TERMS),
    tuple(-7.0 if sum(powers) < 4 and powers[0] else 0.0 for powers in TERMS),
)


def make_page() -> np.ndarray:
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for y in ROWS:
        cv2.line(page, (COLUMNS[0], y), (COLUMNS[-1], y), (0, 0, 0), 2)
    for x in COLUMNS:
        cv2.line(page, (x, ROWS[0]), (x, ROWS[-1]), (0, 0, 0), 2)
    for y in ROWS[1:]:
        cv2.putText(page, "names of rows 12", (COLUMNS[0] + 20, y - 15), FONT, 0.8, (0, 0, 0), 2)
    return page


def table_points() -> np.ndarray:
    """The crossings of the rules, (rows, columns, 2)."""
    xs, ys = np.meshgrid(COLUMNS, ROWS)
    return np.stack([xs, ys], axis=2).astype(float) + 0.5


def unevenness(points: np.ndarray) -> float:
    """How far the crossings lie off straight rows and columns, in pixels."""
    return float(max(np.ptp(points[:, :, 1], axis=1).max(), np.ptp(points[:, :, 0], axis=0).max()))


def flattened(image: np.ndarray, moved: warp.Warp) -> np.ndarray:
    """Where the crossings of the rules lie after flattening."""
    field = find_field(sketch(to_gray(image[..., :3]), dpi=DPI))
    assert field is not None
    points = np.array(moved([tuple(point) for point in table_points().reshape(-1, 2)]))
    return field.apply(points).reshape(table_points().shape)


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("field", [None, FIELD])
def test_there_and_back(quarters, field):
    page = PageWarp(WIDTH, HEIGHT, quarters, field)
    assert np.allclose(page.to_scanned(page.to_upright(POINTS)), POINTS, atol=0.01)


@pytest.mark.parametrize("quarters", range(4))
def test_a_page_turns_as_its_points_do(quarters):
    image = np.zeros((HEIGHT, WIDTH), np.uint8)
    image[200, 100] = 255
    turned = turn_image(image, quarters)
    ((x, y),) = PageWarp(WIDTH, HEIGHT, quarters).to_upright([(100.5, 200.5)])
    assert turned[int(y), int(x)] == 255


def test_a_page_is_flattened_as_its_points_are():
    image = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x, y in POINTS:
        cv2.rectangle(image, (int(x) - 4, int(y) - 4), (int(x) + 4, int(y) + 4), 255, -1)
    flat = flatten_image(image, FIELD)
    assert flat.shape == image.shape
    for x, y in FIELD.apply(np.floor(np.array(POINTS)) + 0.5):
        around = flat[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13].astype(float)
        ys, xs = np.mgrid[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13] + 0.5
        center = (xs * around).sum() / around.sum(), (ys * around).sum() / around.sum()
        assert np.hypot(center[0] - x, center[1] - y) < 0.2


def test_a_straight_page_stays():
    assert find_field(sketch(to_gray(make_page()), dpi=DPI)) is None


def test_a_page_without_lines_stays():
    assert find_field(sketch(np.full((HEIGHT, WIDTH), 250, np.uint8), dpi=DPI)) is None


@pytest.mark.parametrize("degrees", [-2.5, -0.4, 0.3, 1.0, 3.0])
def test_a_skewed_page_is_straight_to_a_twentieth_of_a_degree(degrees):
    image, moved = warp.skew(make_page(), np.random.default_rng(1), dpi=DPI, degrees=degrees)
    points = flattened(image, moved)
    across = points[:, -1] - points[:, 0]
    down = points[-1] - points[0]
    assert np.abs(np.degrees(np.arctan2(across[:, 1], across[:, 0]))).max() < 0.05
    assert np.abs(np.degrees(np.arctan2(down[:, 0], down[:, 1]))).max() < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_perspective_and_curl_are_removed(seed):
    rng = np.random.default_rng(seed)
    sheet, cut = warp.cut_out(make_page(), rng, dpi=DPI)
    bent, first = warp.curl(sheet, rng, dpi=DPI, depth_mm=6, distance_mm=400)
    seen, second = warp.perspective(bent, rng, dpi=DPI, pitch=9, yaw=-7, roll=2, distance_mm=400, margin=0.05)
    moved = warp.chain(warp.chain(cut, first), second)
    before = np.array(moved([tuple(p) for p in table_points().reshape(-1, 2)])).reshape(table_points().shape)
    points = flattened(device.lay_on_desk(seen, rng, dpi=DPI), moved)
    assert unevenness(points) < 0.12 * unevenness(before)
    assert unevenness(points) < 0.03 * DPI


def test_lines_of_text_alone_tell_of_skew():
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for y in range(200, 1500, 60):
        cv2.putText(page, "n m e o r c s u " * 4, (150, y), FONT, 0.8, (0, 0, 0), 2)
    image, moved = warp.skew(page, np.random.default_rng(1), dpi=DPI, degrees=1.5)
    field = find_field(sketch(to_gray(image), dpi=DPI))
    assert field is not None
    (x0, y0), (x1, y1), (x2, y2) = field.apply(np.array(moved([(200, 300), (1000, 300), (200, 1400)])))
    assert abs(np.degrees(np.arctan2(y1 - y0, x1 - x0))) < 0.1
    assert abs(np.degrees(np.arctan2(x2 - x0, y2 - y0))) < 0.3


def test_the_stroke_of_a_pen_bends_no_page_of_text() -> None:
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for y in range(200, 1500, 60):
        cv2.putText(page, "n m e o r c s u " * 2, (150, y), FONT, 0.8, (0, 0, 0), 2)
    assert find_field(sketch(to_gray(page), dpi=DPI)) is None
    cv2.line(page, (880, 1190), (1050, 1235), (90, 90, 90), 3)
    assert find_field(sketch(to_gray(page), dpi=DPI)) is None


def test_a_staple_is_no_text():
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    cv2.putText(page, "n m e o r c s u " * 3, (150, 300), FONT, 0.8, (0, 0, 0), 2)
    text = find_text_ink(to_gray(page), dpi=DPI)
    cv2.line(page, (100, 90), (200, 78), (90, 90, 90), 6)
    assert text.any()
    assert np.array_equal(find_text_ink(to_gray(page), dpi=DPI), text)


def test_text_lines_are_found_without_rules():
    lines = find_text_lines(find_text_ink(to_gray(make_page()), dpi=DPI), dpi=DPI)
    assert len(lines) == len(ROWS) - 1
    assert all(line.bbox.left > COLUMNS[0] + 10 and line.bbox.right < COLUMNS[1] for line in lines)
    assert all(a.bbox.bottom <= b.bbox.top for a, b in pairwise(lines))


def put_on_desk(page: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture of the page on a desk, and where its paper is."""
    rng = np.random.default_rng(3)
    sheet, _ = warp.cut_out(page, rng, dpi=DPI)
    seen, _ = warp.perspective(sheet, rng, dpi=DPI, pitch=5, yaw=4, roll=2, distance_mm=400, margin=0.08)
    return device.lay_on_desk(seen, rng, dpi=DPI), seen[..., 3] > 127


def test_the_sheet_is_cut_out():
    picture, paper = put_on_desk(make_page())
    sheet = find_sheet(picture)
    assert sheet is not None
    assert (sheet == paper).mean() > 0.98
    assert (sheet & ~paper).mean() < 0.01


def test_a_scan_is_all_sheet():
    assert find_sheet(make_page()) is None


def test_shaded_rows_are_sheet():
    page = make_page()
    page[: ROWS[2]][page[: ROWS[2]] == 255] = 255
    page[ROWS[0] + 2 : ROWS[1] - 1] = (200, 215, 240)
    assert find_sheet(page) is None
    picture, paper = put_on_desk(page)
    sheet = find_sheet(picture)
    assert sheet is not None
    assert (sheet == paper).mean() > 0.98


def test_a_high_shaded_header_at_the_head_of_a_page_is_sheet():
    # Once most of what lies above its lower edge was it, and all of that was cut off as desk.
    page = np.full((1170, 830), 253, np.uint8)
    page[90:218, 50:780] = 241
    for y in (90, 133, 175, 218, 260):
        page[y : y + 2, 50:780] = 0
    assert find_sheet(page) is None


def test_a_sheet_that_reaches_the_edge_of_the_picture_is_not_cut_off_at_a_shaded_header():
    # Once the flood began where the sheet left the picture, and the header of a table was taken for desk.
    page = make_page()
    page[100:330, 120:1120] = np.minimum(page[100:330, 120:1120], np.array((190, 205, 230), np.uint8))
    picture, paper = put_on_desk(page)
    right = int(np.flatnonzero(paper[len(paper) // 8])[-1]) - 4
    picture, paper = np.ascontiguousarray(picture[:, :right]), paper[:, :right]
    shade = np.linspace(0.8, 1.0, len(picture))[:, None, None]
    sheet = find_sheet((picture * shade).astype(np.uint8))
    assert sheet is not None
    assert (sheet == paper).mean() > 0.98


def test_paper_that_is_darker_to_one_side_is_sheet(monkeypatch):
    # As where a shaded header, from edge to edge, looks like the edge of the sheet.
    monkeypatch.setattr(paper, "_left_edge", lambda sheet, image, rng: np.full(len(image), 60.0))
    darker = np.full((500, 400), 243, np.uint8)
    darker[:, :100], darker[:, :60] = 236, 228
    upright = np.minimum(darker, darker[:, ::-1])
    assert find_sheet(upright) is None
    upright[:, :60] = 200
    sheet = find_sheet(upright)
    assert sheet is not None
    assert not sheet[:, :55].any()


def test_a_line_behind_which_the_sheet_goes_on_is_none_of_its_edges(monkeypatch):
    # Once a photograph ended at a shaded header, and the two rows below it were desk.
    monkeypatch.setattr(paper, "_left_edge", lambda sheet, image, rng: np.full(len(image), 60.0))
    page = np.full((500, 400), 243, np.uint8)
    page[:, :60] = 228
    page[:, :10] = 60
    assert find_sheet(np.minimum(page, page[:, ::-1])) is None


def test_light_is_evened():
    page = make_page().astype(np.float32)
    page *= np.linspace(0.95, 0.55, WIDTH)[None, :, None]
    even = even_light(page.astype(np.uint8), dpi=DPI)
    paper = even[make_page() == 255]
    assert np.percentile(paper, 5) > WHITE - 12
    assert even[make_page() == 0].max() < 40


def test_even_light_stays():
    page = make_page()
    assert even_light(page, dpi=DPI) is page


def test_what_is_no_sheet_becomes_paper():
    picture, paper = put_on_desk(make_page())
    even = even_light(picture, dpi=DPI, sheet=find_sheet(picture))
    assert np.median(even[~paper]) == WHITE
    assert (even[~paper] < WHITE - 60).mean() < 0.03


def stamp(page: np.ndarray) -> np.ndarray:
    ink = np.full_like(page, 255)
    radius = round(0.8 * DPI)
    cv2.circle(ink, (600, 700), radius, (215, 50, 60), 6)
    cv2.circle(ink, (600, 700), radius // 3, (215, 50, 60), -1)
    return np.minimum(page, ink)


def test_seals_fade_and_what_they_cover_stays():
    page = make_page()
    faded = fade_red_seals(stamp(page), dpi=DPI)
    assert faded[page == 255].min() > 225
    assert faded[page == 0].max() < 60


def test_the_edges_of_a_seal_fade_with_it() -> None:
    # Once pale outlines of faded characters were read as faint figures.
    page = np.full((1600, 1200, 3), 250, np.uint8)
    soft = cv2.GaussianBlur(stamp(page), (0, 0), 1.2)
    assert to_gray(fade_red_seals(soft, dpi=DPI)).min() > 240


def test_a_faded_seal_is_no_lighter_than_the_paper():
    page = np.minimum(make_page(), 235)
    assert fade_red_seals(stamp(page), dpi=DPI).max() <= 235


def stamp_grey(page: np.ndarray, level: int) -> np.ndarray:
    ink = np.full(page.shape[:2], 255, np.uint8)
    radius = round(0.8 * DPI)
    cv2.circle(ink, (600, 700), radius, level, 7)
    cv2.circle(ink, (600, 700), radius // 3, level, -1)
    return np.minimum(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY), ink)


def ring_of_seal() -> np.ndarray:
    return (stamp_grey(np.full((HEIGHT, WIDTH, 3), 255, np.uint8), 165) < 255) & (
        np.hypot(*(np.ogrid[:HEIGHT, :WIDTH][i] - c for i, c in enumerate((700, 600)))) > 0.7 * DPI
    )


@pytest.mark.parametrize("grain", [0, 32])
def test_grey_seals_go_and_what_they_cover_stays(grain: int):
    page = make_page()
    sealed = stamp_grey(page, 165)
    noise = np.random.default_rng(2).normal(0, grain, sealed.shape)
    sealed = np.where(sealed == 165, np.clip(sealed + noise, 60, 250), sealed).astype(np.uint8)
    faded, _ = fade_grey_seals(sealed, dpi=DPI)
    gray = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    assert (faded[gray == 255] < 225).mean() < (0.002 if grain else 0.001)
    assert faded[gray == 0].max() < 60


def test_a_ring_is_found_among_much_print():
    # Once six circles that the print of a dense table makes were likelier than that of the seal over it.
    page = make_page()
    rng = np.random.default_rng(4)
    for y in range(60, HEIGHT - 60, 18):
        for x in range(40, WIDTH - 60, 22):
            text = str(rng.integers(0, 9))
            cv2.putText(page, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (0, 0, 0), 1, cv2.LINE_AA)
    sealed = stamp_grey(page, 190)
    rings = find_rings(sealed, dpi=DPI, paper=255.0)
    assert [(round(r.x, -1), round(r.y, -1)) for r in rings] == [(600, 700)]


def test_the_star_of_a_grey_seal_leaves_no_shadow():
    # Once the paper below it was taken for darker along its edges: a cell with a point of it was read as 14.
    page = make_page()
    page[580:820, 480:720] = 255
    sealed = stamp_grey(page, 165)
    star = np.array([(550, 620), (680, 735), (545, 770)])
    cv2.fillPoly(sealed, [star], 165)
    sealed = cv2.GaussianBlur(sealed, (0, 0), 1.2)
    faded, _ = fade_grey_seals(sealed, dpi=DPI)
    assert (faded[590:810, 490:710] < 225).mean() < 0.002


def test_a_figure_as_pale_as_the_seal_around_it_stays_in_doubt():
    # Once a thin 5 in the ring of a grey seal was taken off with it: the cell was blank.
    page = make_page()
    page[704:746, 648:700] = 255
    sealed = stamp_grey(page, 165)
    empty, _ = fade_grey_seals(sealed, dpi=DPI)
    cv2.putText(sealed, "5", (660, 732), FONT, 0.45, (150,), 1)
    mark = sealed == 150
    assert mark.sum() > 20
    assert empty[mark].min() > 225
    faded, before = fade_grey_seals(sealed, dpi=DPI)
    assert 200 < faded[mark].mean() < 225
    assert before is not None
    assert before.gray is sealed
    assert before.doubtful[mark].all()
    assert not before.doubtful[ring_of_seal()].any()


def test_a_figure_partly_as_pale_as_the_seal_around_it_stays_whole():
    # Once of print hardly darker than the seal only the darkest strokes stayed: 126 became 12.
    page = make_page()
    page[704:746, 648:700] = 255
    sealed = stamp_grey(page, 165)
    cv2.putText(sealed, "5", (660, 732), FONT, 0.45, (150,), 1)
    mark = sealed == 150
    rows = np.flatnonzero(mark.any(axis=1))
    sealed[: rows[len(rows) // 2]][mark[: rows[len(rows) // 2]]] = 20
    faded, _ = fade_grey_seals(sealed, dpi=DPI)
    assert (faded[mark] == sealed[mark]).mean() > 0.95


def test_a_seal_as_dark_as_print_stays_with_all_it_covers():
    seal = stamp_grey(make_page(), 20)
    assert fade_grey_seals(seal, dpi=DPI)[0] is seal
    page = cv2.cvtColor(make_page(), cv2.COLOR_RGB2GRAY)
    assert fade_grey_seals(page, dpi=DPI) == (page, None)


def dither(level: float, shape: tuple[int, int], *, ordered: bool) -> np.ndarray:
    """Black (True) and white dots of a grey area, as faxes make them."""
    if not ordered:
        flat = Image.fromarray(np.full(shape, round(255 * level), np.uint8))
        return ~np.asarray(flat.convert("1"))
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16
    return np.tile(bayer, (shape[0] // 4 + 1, shape[1] // 4 + 1))[: shape[0], : shape[1]] >= level


@pytest.mark.parametrize("level", [0.5, 0.6, 0.75])
@pytest.mark.parametrize("ordered", [False, True])
def test_dots_of_shading_go_and_the_print_on_them_is_pale(level, ordered):
    gray = cv2.cvtColor(make_page(), cv2.COLOR_RGB2GRAY)
    gray = np.where(gray < 128, 0, 255).astype(np.uint8)
    assert clear_halftone(gray, dpi=DPI) is gray
    dotted = gray.copy()
    row = np.s_[304:346, 190:450]  # words in a cell
    dotted[302:348, 184:1056][dither(level, (46, 872), ordered=ordered)] = 0
    clean = clear_halftone(dotted, dpi=DPI)
    print_ = gray[row] == 0
    assert (clean[row][print_] == PALE).mean() > 0.9
    assert (clean[row][~print_] < 250).mean() < 0.1
    assert (clean == 0).sum() < 1.02 * (gray == 0).sum()
    # Made smaller on its way, a page is no longer black and white alone.
    soft = cv2.resize(dotted, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    around = np.s_[250:270, 400:800]  # beside the words
    assert soft[around].mean() < 220
    assert clear_halftone(soft, dpi=0.8 * DPI)[around].mean() > 240


@pytest.mark.parametrize("ordered", [False, True])
def test_rules_of_dots_around_a_shaded_row_stay(ordered):
    # Once their dots went with those of the shading, and the row of headers was one cell with what is below.
    gray = np.full((900, 1200), 255, np.uint8)
    for y in (300, 350, 400):
        for x in range(180, 1060, 12):
            gray[y : y + 7, x : x + 7] = 0
    for x in (180, 600, 1052):
        for y in range(300, 400, 12):
            gray[y : y + 7, x : x + 7] = 0
    rules = gray == 0
    for x in (250, 700):
        cv2.putText(gray, "AHNB EHM", (x, 338), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 3)
    print_ = (gray == 0) & ~rules
    gray[302:350, 184:1056][dither(0.75, (48, 872), ordered=ordered)] = 0
    clean = clear_halftone(gray, dpi=DPI)
    assert (clean[rules] == 0).mean() > 0.95
    assert (clean[print_] == PALE).mean() > 0.9
    assert (clean == 0).sum() < 1.1 * rules.sum()


def test_dots_of_uneven_light_go_and_the_print_on_them_stays():
    # Once the print turned pale where dots were more, and dots stayed beside it where they were less.
    gray = np.full((900, 1200), 255, np.uint8)
    for i in range(6):
        cv2.putText(gray, "3 058 6", (150, 150 + 100 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2)
    gray[148:151, 176:178] = 0  # a decimal point after the first 3
    gray[700, 100:1100:3] = 0  # a rule of dots
    gray[760:764, 100:1100] = 0
    light = np.tile(np.linspace(252, 225, 1200), (900, 1)).astype(np.uint8)
    dots = ~np.asarray(Image.fromarray(light).convert("1"))
    clean = clear_halftone(np.where(dots, 0, gray), dpi=DPI)
    right = np.s_[:, 500:]
    assert (gray[right] == 0).sum() * 5 < dots[right].sum()
    assert (clean[gray == 0] == 0).mean() > 0.97
    assert (clean[140:152, 170:182][gray[140:152, 170:182] == 0] == 0).all()
    assert (clean[right] == 0).sum() < 1.2 * (gray[right] == 0).sum()


def draw_crossing() -> np.ndarray:
    """A rule that a fold runs into, which sinks to the left of it."""
    gray = np.full((400, 1400), 255, np.uint8)
    gray[200:204, 100:1300] = 0
    cv2.line(gray, (20, 222), (1200, 204), (120,), 1)
    return gray


def test_a_fold_that_meets_a_rule_is_a_line_of_its_own():
    # Once both were one line, too bent for a rule, and two rows of the table became one.
    segments, _ = find_segments(draw_crossing(), dpi=200, level=20)
    long = [segment for segment in segments if segment.stop - segment.start > 900]
    fold, rule = sorted(long, key=lambda segment: segment.slope)
    assert fold.slope == pytest.approx(-0.015, abs=0.002)
    assert rule.slope == pytest.approx(0, abs=0.002)
    assert rule.at(700) == pytest.approx(202, abs=1)


def test_thin_double_rules_are_no_shading():
    # Once half of the row above them turned pale, on a clean scan.
    gray = np.full((900, 1200), 255, np.uint8)
    for y in (300, 420, 540):
        gray[y : y + 5 : 2, 100:1100] = 0
    assert clear_halftone(gray, dpi=200) is gray


@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_a_seal_of_dots_goes_and_the_print_below_stays(scale: float) -> None:
    gray = np.where(cv2.cvtColor(make_page(), cv2.COLOR_RGB2GRAY) < 128, 0, 255).astype(np.uint8)
    gray[330:333, 610:613] = 0  # points, and dots that are none
    cv2.putText(gray, "0.38", (560, 520), FONT, 0.7, (0,), 2)
    for x in range(200, 1050, 5) if scale == 1 else ():
        gray[430, x : x + 2] = 0  # a dotted rule
    seal = np.zeros(gray.shape, np.uint8)
    cv2.circle(seal, (620, 560), 120, (1,), 5)
    cv2.putText(seal, "*", (580, 600), FONT, 3.0, (1,), 8)
    checkers = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 2 == 0
    sealed = np.where((seal > 0) & checkers, 0, gray).astype(np.uint8)
    print_, page = (
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for image in (gray, sealed)
    )
    clean = clear_dithered_seals(page, dpi=scale * DPI)
    assert (clean < 128).sum() < (print_ < 128).sum() + 0.25 * ((page < 128).sum() - (print_ < 128).sum())
    assert (clean[print_ < 60] < 128).mean() > 0.995
    if scale == 1:
        assert (clean[430] == 0).sum() >= 0.9 * (gray[430] == 0).sum()
    assert clear_dithered_seals(print_, dpi=scale * DPI) is print_


def test_a_seal_of_dots_in_two_parts_is_one() -> None:
    # Once the half of a seal was left, and its dots read with the figures there.
    seal = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(seal, (620, 560), 120, (1,), 5)
    cv2.line(seal, (560, 450), (680, 670), (1,), 9)
    cv2.line(seal, (590, 400), (720, 640), (0,), 50)
    checkers = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 2 == 0
    page = np.where((seal > 0) & checkers, 0, 255).astype(np.uint8)
    assert (clear_dithered_seals(page, dpi=DPI) < 128).sum() < 0.1 * (page < 128).sum()


def test_a_table_of_dotted_rules_is_no_seal() -> None:
    # Once its rules were taken off where they are broken into dots, in the size of a seal, on a clean print.
    gray = np.full((HEIGHT, WIDTH), 255, np.uint8)
    step = round(0.16 * DPI)
    for at in range(150, 150 + 40 * step, step):
        gray[at, 100:900] = 0
        gray[150:1000, at] = 0
    dotted = gray[480 : 480 + round(1.5 * DPI), 380 : 380 + round(1.5 * DPI)]
    dotted[:] = 255
    dotted[::step, ::3] = 0
    dotted[::3, ::step] = 0
    assert clear_dithered_seals(gray, dpi=DPI) is gray


def test_a_grey_seal_is_none_of_dots() -> None:
    gray = np.random.default_rng(3).normal(225, 9, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8)
    cv2.circle(gray, (620, 560), 120, (120,), 5)
    assert clear_dithered_seals(gray, dpi=DPI) is gray


def test_red_headlines_stay():
    page = np.full((400, WIDTH, 3), 255, np.uint8)
    cv2.putText(page, "RED HEADLINE OF AN OFFICE", (100, 200), FONT, 2, (215, 30, 40), 5)
    assert fade_red_seals(page, dpi=DPI) is page


@pytest.mark.parametrize("lying", [False, True])
def test_streaks_are_removed_and_print_stays(lying):
    page = make_page()
    streaked = page.astype(np.int16)
    view = streaked.swapaxes(0, 1) if lying else streaked
    view[:, 765:767] -= np.linspace(20, 45, len(view)).astype(np.int16)[:, None, None]
    clean = remove_streaks(np.clip(streaked, 0, 255).astype(np.uint8), dpi=DPI)
    assert clean[page == 255].min() > 245
    assert clean[page == 0].max() < 60


def test_rules_that_fill_a_picture_are_no_streaks():
    table = make_page()[ROWS[0] : ROWS[-1], COLUMNS[0] - 5 : COLUMNS[-1] + 5]
    assert remove_streaks(table, dpi=DPI) is table


def test_boxes_lead_back_to_the_page_as_scanned():
    token = Token("12", BBox(100, 200, 140, 220))
    cell = Cell(0, 1, 0, 1, BBox(90, 190, 150, 230), (token,))
    table = Table(1, BBox(90, 190, 400, 600), 1, 1, (cell,))
    page = Page(1, "scan", WIDTH, HEIGHT, tables=(table,), tokens=(token,))
    assert as_scanned(page) is page
    turned = replace(page, warp=PageWarp(HEIGHT, WIDTH, 1))
    back = as_scanned(turned)
    assert (back.width, back.height, back.warp) == (HEIGHT, WIDTH, None)
    assert back.tokens[0].bbox == BBox(200, WIDTH - 140, 220, WIDTH - 100)
    assert back.tables[0].cells[0].tokens[0] == back.tokens[0]
    assert back.tables[0].bbox == BBox(190, WIDTH - 400, 600, WIDTH - 90)


def test_boxes_on_a_coarser_page_lead_back_to_the_page_as_scanned():
    token = Token("12", BBox(100, 200, 140, 220))
    page = Page(1, "scan", WIDTH, HEIGHT, dpi=300, tokens=(token,))
    back = as_scanned(replace(page, warp=PageWarp(2 * HEIGHT, 2 * WIDTH, 1, None, 0.5)))
    assert (back.width, back.height, back.dpi) == (2 * HEIGHT, 2 * WIDTH, 600)
    assert back.tokens[0].bbox == BBox(400, 2 * WIDTH - 280, 440, 2 * WIDTH - 200)
    warp = PageWarp(2 * HEIGHT, 2 * WIDTH, 1, FIELD, 0.5)
    assert warp.to_scanned(warp.to_upright(POINTS)) == [pytest.approx(point, abs=0.1) for point in POINTS]


@pytest.mark.parametrize("dpi", [600, None], ids=["tagged", "untagged"])
def test_a_page_finer_than_it_need_be_is_read_coarser(dpi):
    # Once TIFF files at 600 dpi were read with all their pixels, at twice the time.
    fine = cv2.resize(make_page(), (4961, 7016), interpolation=cv2.INTER_NEAREST)
    page = Page(1, "scan", 4961, 7016, fine, dpi)
    upright = make_upright(page, Lines(*[12] * 99))
    assert upright.image is not None
    assert upright.image.shape[1] == pytest.approx(8.27 * ENOUGH_DPI, abs=2)
    assert (upright.width, upright.height) == upright.image.shape[1::-1]
    assert upright.dpi == (dpi and pytest.approx(ENOUGH_DPI, abs=0.1))
    back = as_scanned(replace(upright, tokens=(Token("12", BBox(0, 0, upright.width, upright.height)),)))
    assert (back.width, back.height, back.dpi) == (4961, 7016, dpi and pytest.approx(dpi))
    assert back.tokens[0].bbox == pytest.approx((0, 0, 4961, 7016), abs=2)


def test_a_page_not_much_finer_than_it_need_be_keeps_its_pixels():
    image = cv2.resize(make_page(), (3400, 4809), interpolation=cv2.INTER_NEAREST)
    page = make_upright(Page(1, "scan", 3400, 4809, image, 1.45 * ENOUGH_DPI), Lines(*[12] * 99))
    assert (page.width, page.height, page.warp) == (3400, 4809, None)


@pytest.mark.model
@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("with_captions", [False, True])
def test_pages_are_turned_upright(quarters, with_captions):
    engine = load_engine("paddle", engine="onnxruntime", model_folder=None, device="cpu")
    captions = load_caption_reader() if with_captions else None
    for page in load(SCAN).pages:
        assert page.image is not None
        image = turn_image(page.image, quarters)
        assert find_quarters(sketch(to_gray(image), dpi=page.dpi or 200), engine, captions) == -quarters % 4


@pytest.mark.parametrize(("printed", "is_asked"), [("三、收到和处理政府信息公开", False), ("计", True)])
def test_a_page_that_shows_enough_of_a_form_needs_no_engine(printed, is_asked):
    class Captions(CaptionReader):
        def read(self, lines):
            return [Recognition(printed, 1.0) for _ in lines]

    page = load(SCAN).pages[1]
    engine = Lines(*[12] * 8)
    quarters = find_quarters(sketch(to_gray(page.image), dpi=200), engine, Captions(None, ()))
    assert quarters == 0
    assert (len(engine.left) < 8) is is_asked


class Lines:
    """An engine that reads so many Chinese characters in one line after another."""

    device = "cpu"

    def __init__(self, *counts: int, score: float = 1.0) -> None:
        self.left = list(counts)
        self.score = score

    def detect(self, image: np.ndarray) -> list[np.ndarray]:
        raise AssertionError("lines are given")

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        return [
            Recognition("本年新收政府信息公开申请数量"[: self.left.pop(0)] + "0", self.score) for _ in crops
        ]


@pytest.mark.parametrize(
    ("counts", "options", "total", "n_left"),
    [
        ((10, 10, 10, 10, 10), {"enough": 25}, 30, 2),
        ((2, 0, 0, 9, 9, 9), {"wanted": 24}, 2, 3),  # hopeless after three
        ((4, 4, 4, 9, 9), {"wanted": 20}, 30, 0),
        ((0, 0, 0), {}, 0, 0),
    ],
)
def test_no_more_lines_are_read_than_tell_the_way_up(counts, options, total, n_left):
    engine = Lines(*counts)
    crops = [np.zeros((20, 90, 3), np.uint8)] * len(counts)
    assert _count_read(crops, engine, **options) == total
    assert len(engine.left) == n_left


def test_characters_that_stand_beside_others_by_chance_count_less():
    # The third characters of the labels of one table, which low rows on their side make a line of.
    assert _count_characters("家律三三类类政政不成申") < 0.5 * 11
    assert _count_characters("三、收到和处理政府信息公开申请情况") == 17
    assert _count_characters("0 12 本年新收") == 4


@pytest.mark.parametrize(("pitch", "is_close"), [(38, True), (62, False)], ids=["prose", "line below line"])
def test_characters_of_prose_stand_close(pitch: int, is_close: bool) -> None:
    # Once pages with the last table and prose were turned to read 结果维持 down its narrow headers.
    text = "科室之间沟通还不够"
    crop = np.zeros((round(30 * 1.3), pitch * len(text) + 9, 3), np.uint8)
    assert _stands_close(text, crop) is is_close
    assert not _stands_close(text[:4], crop[:, : 4 * pitch + 9])
    assert (_count_characters(text, is_close=is_close) == len(text)) is is_close


def test_characters_that_are_hardly_read_do_not_count():
    crops = [np.zeros((20, 90, 3), np.uint8)]
    assert _count_read(crops, Lines(10, score=0.7)) == 0
    assert _count_read(crops, Lines(10, score=0.85)) == pytest.approx(5)


@pytest.mark.model
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_becomes_what_it_had_been_upright(quarters):
    # Pixel for pixel, so that it is read no worse.
    engine = load_engine("paddle", engine="onnxruntime", model_folder=None, device="cpu")
    page = load(OFFICE_SCAN).pages[0]
    assert page.image is not None
    image = turn_image(page.image, quarters)
    turned = make_upright(replace(page, image=image, width=image.shape[1], height=image.shape[0]), engine)
    upright = make_upright(page, engine)
    assert turned.image is not None
    assert turned.warp is not None
    assert turned.warp.quarters == 4 - quarters
    np.testing.assert_array_equal(turned.image, upright.image)


def test_a_shaded_header_low_on_the_page_is_no_edge_of_the_sheet():
    """Above it lies white paper, and below it: once all below was cut off as desk."""
    page = np.full((1160, 820, 3), 248, np.uint8)
    page[60:760:25, 60:760] = 120
    page[800:900, 60:760] = (216, 238, 228)
    page[930:1100:30, 60:760] = 120
    assert find_sheet(page) is None


def test_level_rules_of_a_wide_table_are_no_streaks():
    # Once all rules were erased that are longer than 85 % of the page is wide.
    page = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
    for y in range(200, HEIGHT - 200, 120):
        cv2.line(page, (round(0.06 * WIDTH), y), (round(0.94 * WIDTH), y), (190, 190, 190), 2)
    assert remove_streaks(page, dpi=DPI) is page
    # A streak may fade before it comes to an edge.
    streak = np.linspace(60, 0, HEIGHT).astype(np.uint8)[:, None]
    page[:, 400] -= streak
    clean = remove_streaks(page, dpi=DPI)[:, 400].astype(int)
    assert clean[: HEIGHT // 2].mean() == pytest.approx(240, abs=3)


def test_rules_among_grain_are_no_streaks():
    # Once the level rules of a photograph were taken off, with all level strokes of its print.
    page = np.full((HEIGHT, WIDTH), 175, np.uint8)
    left, right = round(0.15 * WIDTH), round(0.85 * WIDTH)
    for y in range(200, HEIGHT - 200, 120):
        cv2.line(page, (left, y), (right, y), 40, 3)
    grain = np.random.default_rng(3).normal(0, 9, page.shape)
    page = np.clip(page + grain, 0, 255).astype(np.uint8)
    image = cv2.cvtColor(page, cv2.COLOR_GRAY2RGB)
    assert remove_streaks(image, dpi=DPI) is image
    image[:, WIDTH // 3 : WIDTH // 3 + 3] -= 30
    clean = remove_streaks(image, dpi=DPI)[:, WIDTH // 3 + 1].astype(int).mean()
    assert clean == pytest.approx(image[:, WIDTH // 3 + 20].astype(int).mean(), abs=8)


def test_a_grainy_dark_banner_makes_no_fax_of_a_photograph() -> None:
    # Once its grain was taken for dots, and the print of all the page for dirt among them.
    gray = cv2.cvtColor(make_page(), cv2.COLOR_RGB2GRAY)
    rng = np.random.default_rng(3)
    grainy = gray - 12 + rng.normal(0, 8, gray.shape)
    grainy[20:90, 80:1100] = 170 + rng.normal(0, 60, (70, 1020))
    photograph = np.clip(grainy, 0, 255).astype(np.uint8)
    assert clear_halftone(photograph, dpi=DPI) is photograph
    fax = gray.copy()
    fax[20:90, 80:1100] = photograph[20:90, 80:1100]
    assert clear_halftone(fax, dpi=DPI) is not fax


@pytest.mark.parametrize("slope", [0.0, 0.004, -0.013, 0.05, -0.05])
def test_the_slope_of_text_is_told_by_its_ink(slope: float) -> None:
    # Once the columns taken together came upon the same rows at 0.05 more than at the slope of the text.
    page = to_gray(make_page())
    matrix = np.array([[1, 0, 0], [slope, 1, -slope * WIDTH / 2]], np.float32)
    sloping = cv2.warpAffine(page, matrix, (WIDTH, HEIGHT), borderValue=(250,))
    ink = sketch(sloping, dpi=DPI).ink[:, :-1]  # so wide that columns sink by halves of a row
    assert ink.shape[1] % 8 == 2
    assert find_text_slope(ink) == pytest.approx(slope, abs=0.0021 if slope else 1e-9)


@pytest.mark.parametrize("slope", [0.1, -0.1])
def test_the_steepest_slope_is_none_of_text(slope: float) -> None:
    # Once figures of a page that a camera held askew joined those of other rows so, and the page was bent
    # more: each row of figures fell into several.
    page = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for y in range(300, 1300, 50):
        for x in range(100, 1100, 25):
            cv2.putText(page, "8", (x, y + round(slope * x)), FONT, 0.6, (0,), 2)
    assert find_text_slope(sketch(page, dpi=DPI).ink) is None
