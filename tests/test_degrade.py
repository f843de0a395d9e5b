from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pypdfium2
import pytest
from PIL import Image

from eval.turn_scans import turn_scan
from giar_ml.annotations.gold import (
    Gold,
    GoldCell,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    box_poly,
)
from giar_ml.document import BBox
from training import device, paper, warp
from training.degrade import SEVERITIES, Scan, degrade, write_scan

DPI = 150
WIDTH, HEIGHT = 1240, 1754
COLOURS = ((220, 30, 30), (20, 160, 40), (30, 40, 210))
SPOTS = [(x, y) for x in (180.0, 620.0, 1060.0) for y in (230.0, 560.0, 880.0, 1210.0, 1530.0)]
BOX = BBox(180, 560, 620, 600)


def make_page(colours: Sequence[tuple[int, int, int]] = COLOURS) -> np.ndarray:
    """A small table, and one solid box at every spot; neighbours differ in colour."""
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for y in range(640, 860, 44):
        cv2.line(page, (250, y), (990, y), (0, 0, 0), 2)
        cv2.putText(page, "12 0 345 67", (300, y - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
    for number, (x, y) in enumerate(SPOTS):
        page[round(y) - 9 : round(y) + 9, round(x) - 9 : round(x) + 9] = colours[number % len(colours)]
    return page


def make_gold(n_pages: int) -> Gold:
    places = tuple(Place(page, box_poly(BOX)) for page in range(1, n_pages + 1))
    return Gold(
        file="a.pdf",
        sha256="0" * 64,
        kind="scan",
        form="2021",
        organisation="栖云县水利局",
        year=2023,
        cells={"requests.new.natural_person": GoldCell(12, "12", places)},
        pages=tuple(GoldPage(page, WIDTH, HEIGHT, DPI) for page in range(1, n_pages + 1)),
        tokens=tuple(
            GoldToken("", "other", Place(page, box_poly(BBox(x - 9, y - 9, x + 9, y + 9))))
            for page in range(1, n_pages + 1)
            for x, y in SPOTS
        ),
        tables=(GoldTable(1, 1, 1, (GoldTableCell(0, 1, 0, 1, box_poly(BOX)),)),),
        origin={"seed": 3},
    )


def find_box(page: np.ndarray, near: tuple[float, float], *, reach: int = 24) -> tuple[float, float]:
    """The centre of what is dark or coloured around a point."""
    left, top = round(near[0]) - reach, round(near[1]) - reach
    area = page[top : top + 2 * reach, left : left + 2 * reach]
    low = area.min(axis=2) if area.ndim == 3 else area
    rows, columns = np.nonzero(low < (np.percentile(low, 90) + np.percentile(low, 3)) / 2)
    return left + float(np.median(columns)) + 0.5, top + float(np.median(rows)) + 0.5


def off(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))


MOVES: dict[str, Callable[[np.ndarray, np.random.Generator], warp.Moved]] = {
    "resize": lambda page, rng: warp.resize(page, scale=0.83),
    "resize up": lambda page, rng: warp.resize(page, scale=1.21),
    "skew": lambda page, rng: warp.skew(page, rng, dpi=DPI, degrees=1.4, shift_mm=3),
    "perspective": lambda page, rng: warp.perspective(
        page, rng, dpi=DPI, pitch=13, yaw=-9, roll=3, distance_mm=350, margin=0.08
    ),
    "curl": lambda page, rng: warp.curl(page, rng, dpi=DPI, depth_mm=12, distance_mm=350),
    "slip": lambda page, rng: warp.slip(page, rng, dpi=DPI, slip_mm=0.3, n_slips=4),
}


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("seed", range(4))
def test_points_move_with_the_page(name: str, seed: int):
    moved, move = MOVES[name](make_page(), np.random.default_rng(seed))
    for spot in move(SPOTS):
        assert off(find_box(moved, spot), spot) < 1.5


def test_quarter_turns_are_exact():
    page = make_page()
    for degrees, corner in ((0, (0, 0)), (90, (HEIGHT, 0)), (180, (WIDTH, HEIGHT)), (270, (0, WIDTH))):
        turned, move = warp.turn(page, degrees=degrees)
        assert move([(0, 0)]) == [corner]
        for number, (x, y) in enumerate(move([(x - 8.5, y - 8.5) for x, y in SPOTS])):
            assert tuple(turned[int(y), int(x)]) == COLOURS[number % 3]
    with pytest.raises(ValueError, match="quarters"):
        warp.turn(page, degrees=45)


def test_lost_and_repeated_lines_move_what_is_below():
    column = np.arange(100, dtype=np.uint8)[:, None].repeat(8, axis=1)
    slipped, move = warp.slip(column, np.random.default_rng(1), dpi=100, slip_mm=1, n_slips=3)
    rows = slipped[:, 0]
    for y, (_, at) in enumerate(move([(4, y + 0.5) for y in range(100)])):
        if np.count_nonzero(rows == y) == 1:
            assert rows[int(at)] == y


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("turn", [None, 90])
def test_gold_hits_the_marks(severity, turn):
    pages = [make_page([(0, 0, 0)])] * 2
    for seed in range(3):
        scan, gold = degrade(pages, make_gold(2), severity, np.random.default_rng(seed), dpi=DPI, turn=turn)
        # Seals, dirt and low toner change what the test sees of a few boxes, not of most.
        errors = []
        for token in gold.tokens:
            poly = np.array(token.place.poly)
            centre = (float(poly[:, 0].mean()), float(poly[:, 1].mean()))
            errors.append(off(find_box(scan.pages[token.place.page - 1], centre, reach=15), centre))
        assert np.quantile(errors, 0.85) < 1.5


@pytest.mark.parametrize("severity", SEVERITIES)
def test_seeded(severity):
    def run(seed: int) -> tuple[Scan, Gold]:
        return degrade([make_page()] * 2, make_gold(2), severity, np.random.default_rng(seed), dpi=DPI)

    (scan, gold), (again, gold_again), (other, _) = run(5), run(5), run(6)
    assert all(np.array_equal(a, b) for a, b in zip(scan.pages, again.pages, strict=True))
    assert (gold, scan.faults) == (gold_again, again.faults)
    assert not np.array_equal(scan.pages[0], other.pages[0])


def test_gold_says_what_happened():
    scan, gold = degrade([make_page()], make_gold(1), "office", np.random.default_rng(2), dpi=DPI, turn=270)
    assert gold.origin == {"seed": 3, "severity": "office", "faults": list(scan.faults)}
    assert "rotated:270" in scan.faults
    height, width = scan.pages[0].shape[:2]
    assert gold.pages == (GoldPage(1, width, height, scan.dpi),)
    assert width > height


@pytest.mark.parametrize(("degrees", "dpi", "size"), [(90, None, (1754, 1240)), (270, 75.0, (877, 620))])
def test_scans_turned_and_coarser_keep_their_gold(degrees, dpi, size):
    scan, gold = turn_scan([make_page(), make_page()], make_gold(2), degrees=degrees, dpi=dpi)
    assert scan.dpi == (dpi or DPI)
    assert [(page.width, page.height, page.dpi) for page in gold.pages] == [(*size, scan.dpi)] * 2
    assert f"rotated:{degrees}" in gold.origin["faults"]
    for token in gold.tokens:
        bbox = token.place.bbox
        assert off(find_box(scan.pages[token.place.page - 1], bbox.center, reach=10), bbox.center) < 1


def test_faxes_are_black_and_white():
    for seed in range(4):
        scan, _ = degrade([make_page()], make_gold(1), "fax", np.random.default_rng(seed), dpi=DPI)
        assert scan.pages[0].ndim == 2
        assert set(np.unique(scan.pages[0])) == {0, 255}


def test_clean_scans_keep_their_geometry():
    scan, gold = degrade([make_page()], make_gold(1), "clean", np.random.default_rng(0), dpi=DPI)
    assert scan.pages[0].shape == (HEIGHT, WIDTH, 3)
    assert gold.tables == make_gold(1).tables
    assert np.abs(scan.pages[0].astype(int) - make_page()).mean() < 4


def test_pages_themselves_stay():
    page = make_page()
    for severity in SEVERITIES:
        degrade([page, page], make_gold(2), severity, np.random.default_rng(1), dpi=DPI)
    assert np.array_equal(page, make_page())


def test_no_pages():
    with pytest.raises(ValueError, match="no pages"):
        degrade([], make_gold(0), "clean", np.random.default_rng(0), dpi=DPI)


def test_broken_rules_leave_figures_whole():
    page = make_page()
    broken = paper.break_rules(page, np.random.default_rng(0), dpi=DPI, n_breaks=60)
    changed = np.argwhere((broken != page).any(axis=2))
    assert len(changed) > 50
    rules = np.array(range(640, 860, 44))
    assert np.abs(changed[:, :1] - rules).min(axis=1).max() <= 3


def test_ink_shines_through_a_seal():
    page = make_page()
    sealed = paper.seal(
        page, np.random.default_rng(0), dpi=DPI, text="栖云县水利局", diameter_mm=42, strength=0.9
    )
    red = (sealed[..., 0].astype(int) - sealed[..., 1]) > 60
    assert np.count_nonzero(red) > 5000
    assert (sealed <= page).all()
    assert (sealed[page.max(axis=2) < 60] < 60).all()


def test_seals_need_no_fonts(monkeypatch):
    monkeypatch.setattr(paper, "SEAL_FONTS", ())
    paper._seal_font.cache_clear()
    sealed = paper.seal(
        make_page(), np.random.default_rng(0), dpi=DPI, text="水利局", diameter_mm=42, strength=1
    )
    paper._seal_font.cache_clear()
    assert np.count_nonzero(sealed != make_page()) > 5000


@pytest.mark.parametrize("seed", range(3))
def test_pens_write_where_nothing_is_printed(seed):
    page = make_page()
    marked = paper.pen_marks(page, np.random.default_rng(seed), dpi=DPI, n_marks=4)
    changed = (marked.astype(int) - page).min(axis=2) < -60
    assert changed.any()
    assert (page[changed] == 255).all()


def test_specks_are_smaller_than_figures():
    page = np.full((600, 600), 255, np.uint8)
    dirty = device.specks(page, np.random.default_rng(0), dpi=DPI, n_specks=100)
    _, _, stats, _ = cv2.connectedComponentsWithStats((dirty < 200).astype(np.uint8))
    assert stats[1:, cv2.CC_STAT_AREA].max() < 60


@pytest.mark.parametrize("suffix", [".pdf", ".tif"])
@pytest.mark.parametrize("severity", ["office", "fax"])
def test_written_scans_read_back(tmp_path, suffix, severity):
    scan, _ = degrade([make_page()] * 2, make_gold(2), severity, np.random.default_rng(4), dpi=DPI)
    path = write_scan(scan, tmp_path / f"a{suffix}")
    again = write_scan(scan, tmp_path / f"b{suffix}")
    assert path.read_bytes() == again.read_bytes()
    if suffix == ".pdf":
        document = pypdfium2.PdfDocument(path)
        pictures = [next(page.get_objects()).get_bitmap().to_pil() for page in document]
        pages = [np.asarray(picture.convert("L")) for picture in pictures]
        document.close()
    else:
        with Image.open(path) as image:
            pages = []
            for number in range(image.n_frames):
                image.seek(number)
                pages.append(np.asarray(image.convert("L")))
    assert len(pages) == 2
    for page, written in zip(scan.pages, pages, strict=True):
        grey = page if page.ndim == 2 else cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
        assert written.shape == grey.shape
        assert np.abs(written.astype(int) - grey).mean() < (0.001 if severity == "fax" else 4)


def test_pictures_hold_one_page(tmp_path):
    page = make_page()
    one = Scan((page,), DPI, ())
    for suffix in (".jpg", ".png"):
        with Image.open(write_scan(one, tmp_path / f"a{suffix}")) as image:
            assert image.size == (WIDTH, HEIGHT)
            assert image.info["dpi"] == pytest.approx((DPI, DPI), abs=1)
        with pytest.raises(ValueError, match="one page"):
            write_scan(Scan((page, page), DPI, ()), tmp_path / f"b{suffix}")
    with pytest.raises(ValueError, match=r"\.gif"):
        write_scan(one, tmp_path / "a.gif")
