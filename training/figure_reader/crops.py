"""Scans with gold -> crops of the lines of ink in their cells, each with the figure that it shows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from giar_ml.annotations.frame import page_scales
from giar_ml.annotations.gold import SUFFIX, Gold, Place, bounds
from giar_ml.cli.console import complain
from giar_ml.document import BBox, Page
from giar_ml.errors import InputError, UsageError
from giar_ml.figures import plain
from giar_ml.geometry import contains_center, intersection_area
from giar_ml.load import load
from giar_ml.ocr.cells import find_cell_lines
from giar_ml.ocr.engine import FIGURE_ALPHABET, LOOKALIKES, OcrEngine, Recognition
from giar_ml.ocr.figures import figure_crop
from giar_ml.ocr.lines import Line
from giar_ml.tables import find_tables
from giar_ml.tables.rules import estimate_dpi, to_gray
from giar_ml.upright import make_upright
from giar_ml.words import one_line

CACHE_VERSION = 2
EXTRA_PX = 6
"""Crops are kept with this much more on each side: shifts then show what is really there."""
AWAY_IN = 0.02
"""Ink that stands further from a figure is no part of it."""
SEEN_IN = 0.035
"""A figure that reaches further beyond its line of ink is cut off."""
EMPTY_PER_FIGURE = 0.15
"""Crops of bare paper, beside rules for the most part, per crop of a figure."""


class LabelledLine(NamedTuple):
    """A line of ink and the figure that it shows, in the alphabet of figures; "" where it is none."""

    line: Line
    text: str


@dataclass(frozen=True)
class Crop:
    """A crop with `EXTRA_PX` more on each side, (44, W) uint8; `source` is the severity of its scan."""

    image: np.ndarray
    text: str
    source: str


class UprightScan(NamedTuple):
    gray: np.ndarray
    dpi: float
    page: Page
    """With its tables, not read."""
    gold: Gold
    scale: tuple[float, float]
    """Gold pixels per pixel of the page as it was loaded."""


class _Upright:
    """Says of every line that it is Chinese the right way up."""

    device = "cpu"

    def detect(self, image: np.ndarray) -> list[np.ndarray]:
        return []

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        return [Recognition("政府信息公开", 1.0) for _ in crops]


def fold(text: str) -> str | None:
    """What a cell prints in the alphabet of figures; None where it has words too."""
    folded = "".join(LOOKALIKES.get(character, character) for character in plain(text))
    return folded if all(character in FIGURE_ALPHABET for character in folded) else None


def upright_scans(path: Path, engine: OcrEngine | None = None) -> Iterator[UprightScan]:
    """The pages of a scan that have figures by the gold beside it.

    Args:
        engine: tells which way up text is; None where no page is turned.

    Raises:
        InputError: the scan or its gold cannot be read.
    """
    gold = Gold.read(Path(f"{path}{SUFFIX}"))
    document = load(path)
    scales = page_scales(gold, document.pages)
    numbers = {place.page for cell in gold.cells.values() for place in cell.places}
    for page in document.pages:
        if page.number not in numbers or page.image is None or page.number not in scales:
            continue
        scan = upright_scan(find_tables(turn_upright(page, engine)), gold, scales[page.number])
        if is_upright(scan):
            yield scan
        else:
            complain(f"{path.name}: page {page.number} left out: it lies on its side")


def turn_upright(page: Page, engine: OcrEngine | None = None) -> Page:
    """As `make_upright`; without an engine no page is turned."""
    return make_upright(page, engine or _Upright())


def upright_scan(page: Page, gold: Gold, scale: tuple[float, float] = (1.0, 1.0)) -> UprightScan:
    """An upright page with its gold."""
    assert page.image is not None
    return UprightScan(to_gray(page.image), page.dpi or estimate_dpi(page.image), page, gold, scale)


def labelled_lines(scan: UprightScan) -> list[LabelledLine]:
    """The lines of ink in cells of figures; without those of which it is unclear what they show."""
    cells = _figure_cells(scan)
    inks = _inks(scan)
    found = []
    for table in scan.page.tables:
        for cell in table.cells:
            keys = [key for key, place in cells.items() if contains_center(cell.bbox, place)]
            if len(keys) == 1:
                found += _lines_in(scan, cell.bbox, keys[0], inks)
    return found


def lines_in_gold(scan: UprightScan) -> list[LabelledLine]:
    """As `labelled_lines`, with the cells where the gold has them."""
    inks = _inks(scan)
    return [line for key, bbox in _figure_cells(scan).items() for line in _lines_in(scan, bbox, key, inks)]


def _lines_in(
    scan: UprightScan, cell: BBox, key: str, inks: Mapping[str | None, list[BBox]]
) -> list[LabelledLine]:
    text = fold(scan.gold.cells[key].text)
    own = inks.get(key, [])
    if text is None or len(own) != bool(text) or len(scan.gold.cells[key].places) != 1:
        return []
    found = []
    for line in find_cell_lines(scan.gray, cell, dpi=scan.dpi):
        label = _label(line.bbox, own[0], text, dpi=scan.dpi) if text else ""
        # Where a rule was lost, a cell has its neighbour's text too.
        is_other = label == "" and _touches(line.bbox, inks.values(), by=AWAY_IN * scan.dpi)
        if label is not None and not is_other:
            found.append(LabelledLine(line, label))
    return found


def _figure_cells(scan: UprightScan) -> Mapping[str, BBox]:
    return {
        key: _to_page(scan, place)
        for key, cell in scan.gold.cells.items()
        for place in cell.places
        if place.page == scan.page.number and place.poly
    }


def _inks(scan: UprightScan) -> Mapping[str | None, list[BBox]]:
    """Where text is printed on the upright page, by the key of its figure; None for all that is no figure."""
    found: dict[str | None, list[BBox]] = {}
    for token in scan.gold.tokens:
        if token.place.page == scan.page.number and token.place.poly:
            found.setdefault(token.key, []).append(_to_page(scan, token.place))
    return found


def _touches(bbox: BBox, groups: Iterable[Sequence[BBox]], *, by: float) -> bool:
    return any(intersection_area(_grown(bbox, by), ink) > 0 for inks in groups for ink in inks)


def _to_page(scan: UprightScan, place: Place) -> BBox:
    """The place on the upright page."""
    return bounds(_move(scan, place))


def _move(scan: UprightScan, place: Place) -> Sequence[tuple[float, float]]:
    assert place.poly is not None
    x, y = scan.scale
    points = [(px / x, py / y) for px, py in place.poly]
    warp = scan.page.warp
    return warp.to_upright(points) if warp else points


def is_upright(scan: UprightScan) -> bool:
    """Whether the figures of the page are read from left to right."""
    polys = [
        _move(scan, token.place)
        for token in scan.gold.tokens
        if token.key and token.place.page == scan.page.number and token.place.poly
    ]
    return sum(b[0] - a[0] > abs(b[1] - a[1]) for a, b, *_ in polys) >= len(polys) / 2


def _label(line: BBox, ink: BBox, text: str, *, dpi: float) -> str | None:
    """The text where a line of ink shows the whole figure, "" where it lies apart, else None."""
    away, seen = AWAY_IN * dpi, SEEN_IN * dpi
    if intersection_area(_grown(line, away), ink) == 0:
        return ""
    is_whole = (
        ink.left >= line.left - seen
        and ink.right <= line.right + seen
        and ink.top >= line.top - 2 * seen
        and ink.bottom <= line.bottom + 2 * seen
    )
    shared = intersection_area(line, ink)
    return text if is_whole and shared >= 0.4 * ink.width * ink.height else None


def _grown(bbox: BBox, by: float) -> BBox:
    return BBox(bbox.left - by, bbox.top - by, bbox.right + by, bbox.bottom + by)


def scan_crops(path: Path) -> list[Crop]:
    """The crops of a scan that has gold beside it, some of bare paper among them.

    Raises:
        InputError: as `upright_scans`.
    """
    crops = []
    for scan in upright_scans(path):
        source = str(scan.gold.origin.get("severity", "scan"))
        crops += crops_of(scan, labelled_lines(scan), source)
    return crops


def crops_of(scan: UprightScan, lines: Sequence[LabelledLine], source: str) -> list[Crop]:
    """The crops of these lines of a page, and some of bare paper."""
    rng = np.random.default_rng([len(lines), scan.page.number])
    boxes = [(line.bbox, text) for line, text in lines]
    boxes += [(bbox, "") for bbox in _bare_paper(scan, boxes, rng)]
    return [
        Crop(figure_crop(scan.gray, bbox, dpi=scan.dpi, extra_px=EXTRA_PX), text, source)
        for bbox, text in boxes
    ]


def _bare_paper(scan: UprightScan, lines: Sequence[tuple[BBox, str]], rng: np.random.Generator) -> list[BBox]:
    """Boxes as a speck or the rest of a rule would have, where no figure is."""
    inks = [[bbox for bbox, _ in lines], *_inks(scan).values()]
    places = list(_figure_cells(scan).values())
    found: list[BBox] = []
    for _ in range(round(EMPTY_PER_FIGURE * len(lines))):
        cell = places[int(rng.integers(len(places)))]
        width, height = rng.uniform(0.02, 0.1, 2) * scan.dpi
        share = rng.uniform(-0.05, 1.05)
        x, y = cell.left + share * cell.width, cell.top + rng.uniform(0.1, 0.9) * cell.height
        bbox = BBox(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        if not _touches(bbox, inks, by=0.03 * scan.dpi):
            found.append(bbox)
    return found


def read_crops(
    folder: Path,
    kept: Path,
    *,
    at_most: int | None = None,
    advance: Callable[[str], None] = lambda name: None,
) -> list[Crop]:
    """The crops of all scans with gold in a folder, by name. A scan that cannot be read is named on stderr.

    Args:
        kept: a folder for the crops of each scan, so that they are cut once.
        at_most: scans that are used.
        advance: called with the name of each scan that is done.

    Raises:
        UsageError: none of the scans can be read.
    """
    paths = sorted(path.with_name(path.name.removesuffix(SUFFIX)) for path in folder.glob(f"*{SUFFIX}"))
    crops = []
    for path in paths[:at_most]:
        try:
            crops += _crops_once(path, kept)
        except InputError as error:
            complain(f"{path.name}: left out: {one_line(error)}")
        advance(path.name)
    if not crops:
        raise UsageError(f"{folder}: no figures in any of its scans; make them anew: delete the folder")
    return crops


def _crops_once(path: Path, kept: Path) -> list[Crop]:
    name = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return kept_crops(kept / f"{name}-{CACHE_VERSION}.npz", lambda: scan_crops(path))


def kept_crops(file: Path, make: Callable[[], list[Crop]]) -> list[Crop]:
    """The crops in a file, which are made and written unless they are there."""
    # Not there, or cut short by an interruption: then they are made again.
    with suppress(OSError, ValueError, KeyError):
        return _load(file)
    crops = make()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.stem}.{os.getpid()}.part.npz")
    np.savez_compressed(
        part,
        pixels=np.concatenate([crop.image for crop in crops], axis=1)
        if crops
        else np.zeros((1, 0), np.uint8),
        widths=np.array([crop.image.shape[1] for crop in crops], np.int32),
        texts=np.array([crop.text for crop in crops], np.str_),
        sources=np.array([crop.source for crop in crops], np.str_),
    )
    part.replace(file)
    return crops


def _load(file: Path) -> list[Crop]:
    with np.load(file) as data:
        stops = np.cumsum(data["widths"])
        images = np.split(data["pixels"], stops[:-1], axis=1) if len(stops) else []
        return [
            Crop(image, str(text), str(source))
            for image, text, source in zip(images, data["texts"], data["sources"], strict=True)
        ]
