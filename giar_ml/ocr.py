"""Page -> Page with read text: cells one by one inside their rules, the rest by text detection."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from giar_ml.document import UNREAD, BBox, Page, Reading, Table, Token
from giar_ml.geometry import split_into_lines
from giar_ml.layout import find_ink, runs
from giar_ml.tables.rules import estimate_dpi, to_gray

FIGURE_ALPHABET = ("", *"0123456789.,-+减")
"""What a figure is written with; the CTC blank comes first."""
LOOKALIKES = {
    **dict(zip("０１２３４５６７８９．，－＋", "0123456789.,-+", strict=True)),
    **dict(zip("OoО〇○Ｏ", "000000", strict=True)),
    **dict(zip("lI|丨｜Ｉ", "111111", strict=True)),
    **dict(zip("—–−", "---", strict=True)),
}
"""Characters that stand for a figure's wherever a figure is expected."""

N_READINGS = 4
MAX_FIGURE_ASPECT = 8.0
"""Width by height of the longest lines that are tried as figures: 12,345,678.90 has about 6."""
MIN_FIGURE_MASS = 0.02
"""Probability that all figure readings have together, from which a line that reads as text is one."""

MIN_CONTRAST = 18
FAINT_CONTRAST = 45
"""Grey levels between paper and ink: less than the first is blank, less than the second is doubtful."""
MIN_CONTRAST_TO_NOISE = 6.0
FAINT_IS_BLANK = 0.3
"""Probability that a faint mark is no figure."""
GAP_IS_NOTHING = 0.5
"""Probability that 2159 36 is 215936 and not 2159.36."""

MIN_INK_IN = 0.045
"""A cell whose largest mark is smaller is blank: a dash has 0.06 in, a speck of dust 0.02 in."""
STROKE_GAP_IN = 0.02
MIN_DEPTH = 24.0
"""Grey levels below the paper of the palest ink: JPEG noise has about 10."""
SPECK_IN = 0.011
DUST_AWAY_IN = 0.08
"""Distance from the print at which a small mark is dust: the points of a figure stand closer."""
REMNANT_IN = 0.02
"""Thickness of what a rule leaves along the edge of a cell."""
MIN_LINE_IN = 0.06
LINE_IN = 0.1
"""A lower line (a dash, a 一) is cropped as if it had the height of a figure."""
DETECTION_DPI = 130.0
"""Resolution for text detection: small print (9 pt) is 16 px high, an A4 page 1,520 px."""


@dataclass(frozen=True)
class Recognition:
    """What an engine reads in one line of text.

    `log_probs` are CTC log posteriors of `FIGURE_ALPHABET`, (T, 16) float32; what they lack to a
    sum of 1 belongs to all other characters. None where the engine gives none.
    """

    text: str
    score: float
    log_probs: np.ndarray | None = None


class OcrEngine(Protocol):
    device: str
    """The device really in use: `cpu` or `cuda:N`."""

    def detect(self, image: np.ndarray) -> list[np.ndarray]:
        """Text lines of an (H, W, 3) RGB image as (4, 2) float polygons, clockwise from top left."""
        ...

    def recognize(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        """The text of each (h, w, 3) RGB crop of one horizontal line."""
        ...


class _Line(NamedTuple):
    crop: np.ndarray
    bbox: BBox
    faint: bool = False
    """So pale that it may be no ink at all."""


def read_page(page: Page, engine: OcrEngine) -> Page:
    """The scan with tokens in its cells and outside its tables; other pages as they are.

    Comes after `find_tables`. A cell without ink stays without tokens.
    """
    if page.kind != "scan" or page.image is None:
        return page
    dpi = page.dpi or estimate_dpi(page.image)
    gray = to_gray(page.image)
    places: list[tuple[int, int]] = []
    lines: list[_Line] = []
    for t, table in enumerate(page.tables):
        for c, cell in enumerate(table.cells):
            cell_lines = find_cell_lines(gray, cell.bbox, dpi=dpi)
            lines += cell_lines
            places += [(t, c)] * len(cell_lines)
    n_inside = len(lines)
    lines += _find_outside_lines(page, gray, engine, dpi=dpi)
    if not lines:
        return page
    tokens = [
        to_token(recognition, line.bbox, faint=line.faint)
        for line, recognition in zip(lines, engine.recognize([line.crop for line in lines]), strict=True)
    ]
    tables = _fill(page.tables, zip(places, tokens[:n_inside], strict=True))
    outside = [token for token in tokens[n_inside:] if token.text != UNREAD]
    in_order = [token for line in split_into_lines(outside, lambda t: t.bbox) for token in line]
    return replace(page, tables=tuple(tables), tokens=(*page.tokens, *in_order))


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


def ctc_k_best(
    log_probs: np.ndarray,
    alphabet: Sequence[str],
    k: int,
    *,
    beam: int = 12,
    min_log_prob: float = -14.0,
) -> list[tuple[str, float]]:
    """The k most probable texts under CTC, with their log probabilities, best first.

    Prefix beam search: the probability of a text is the sum over all its alignments.

    Args:
        log_probs: (T, A) log posteriors per frame; rows need not sum to 1.
        alphabet: A characters, the blank first.
        k: number of texts.
        beam: prefixes kept after each frame.
        min_log_prob: characters less probable than this in a frame are left out there.

    Returns:
        At most k pairs; without frames, the empty text.
    """
    # Per prefix, the log probability of the alignments that end in a blank, and in its last character.
    prefixes: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    for frame in log_probs.tolist():
        likely = [a for a in range(1, len(frame)) if frame[a] >= min_log_prob]
        grown: dict[tuple[int, ...], tuple[float, float]] = {}
        for prefix, (blank, last) in prefixes.items():
            either = _log_add(blank, last)
            old_blank, old_last = grown.get(prefix, (-math.inf, -math.inf))
            old_blank = _log_add(old_blank, either + frame[0])
            if prefix:
                old_last = _log_add(old_last, last + frame[prefix[-1]])
            grown[prefix] = (old_blank, old_last)
            for a in likely:
                longer = (*prefix, a)
                longer_blank, longer_last = grown.get(longer, (-math.inf, -math.inf))
                before = blank if prefix and prefix[-1] == a else either
                grown[longer] = (longer_blank, _log_add(longer_last, before + frame[a]))
        kept = sorted(grown.items(), key=lambda item: -_log_add(*item[1]))[: max(beam, k)]
        prefixes = dict(kept)
    best = [("".join(alphabet[a] for a in prefix), _log_add(*ends)) for prefix, ends in prefixes.items()]
    best = [(text, log_prob) for text, log_prob in best if log_prob > -math.inf]
    return sorted(best, key=lambda item: -item[1])[:k]


def _log_add(a: float, b: float) -> float:
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))


def find_cell_lines(gray: np.ndarray, bbox: BBox, *, dpi: float) -> list[_Line]:
    """The text lines in a cell of the page, top to bottom; none when it holds no ink.

    Text stacked in a narrow cell becomes one line: its characters side by side.
    """
    left, top = math.ceil(bbox.left) + 1, math.ceil(bbox.top) + 1
    right, bottom = math.floor(bbox.right) - 1, math.floor(bbox.bottom) - 1
    left, top = max(0, left), max(0, top)
    cell = gray[top:bottom, left:right]
    if min(cell.shape) < 4:
        return []
    cleaned, ink, contrast = _clean(cell, dpi=dpi)
    if not ink.any():
        return []
    faint = contrast < FAINT_CONTRAST
    rows = _text_rows(ink)
    columns = np.flatnonzero(ink.any(axis=0))
    width = int(columns[-1] + 1 - columns[0])
    if _is_stacked(rows, width):
        characters = _stacked_characters(rows, width)
        crop = _side_by_side(cleaned, ink, characters)
        box = BBox(
            left + int(columns[0]), top + rows[0][0], left + int(columns[0]) + width, top + rows[-1][1]
        )
        return [_Line(crop, box, faint)]
    lines = []
    merged = _merge_rows(rows, width, dpi=dpi)
    for i, (start, stop) in enumerate(merged):
        # A margin that reaches into the next line would show its figures twice.
        free = merged[i - 1][1] if i else 0, merged[i + 1][0] if i + 1 < len(merged) else len(ink)
        across = np.flatnonzero(ink[start:stop].any(axis=0))
        if not across.size:
            continue
        first, last = int(across[0]), int(across[-1]) + 1
        if max(stop - start, last - first) < MIN_INK_IN * dpi:
            continue
        crop = _crop_line(cleaned, first, start, last, stop, free=free, dpi=dpi)
        lines.append(_Line(crop, BBox(left + first, top + start, left + last, top + stop), faint))
    return lines


def _clean(cell: np.ndarray, *, dpi: float) -> tuple[np.ndarray, np.ndarray, float]:
    """The cell with rule remnants and specks painted over, its ink as (h, w) bool, and the grey levels
    between paper and ink."""
    blank = np.zeros(cell.shape, bool)
    cleaned, ink = _clean_at(cell, max(MIN_DEPTH, 0.4 * _contrast(cell)), dpi=dpi)
    if _contrast(cell) >= FAINT_CONTRAST and ink.any():
        return cleaned, ink, _contrast(cell)
    # Specks and rule remnants may be all that is dark: look again at what is left without them.
    paper = float(np.percentile(cleaned, 60))
    noise = 1.5 * float(np.median(np.abs(cleaned - paper)))
    contrast = _contrast(cleaned)
    if contrast < max(MIN_CONTRAST, MIN_CONTRAST_TO_NOISE * noise):
        return cell, blank, contrast
    cleaned, ink = _clean_at(cleaned, 0.5 * contrast, dpi=dpi)
    return cleaned, ink, min(contrast, FAINT_CONTRAST - 1)


def _contrast(cell: np.ndarray) -> float:
    return float(np.percentile(cell, 60)) - float(cell.min())


def _clean_at(cell: np.ndarray, depth: float, *, dpi: float) -> tuple[np.ndarray, np.ndarray]:
    paper = float(np.percentile(cell, 60))
    # Dark marks with the paler strokes that join them: thin print falls to pieces without.
    pale = (cell < paper - min(depth, max(MIN_DEPTH, depth / 2))).astype(np.uint8)
    _erase_border_rules(pale, depth=round(3 * REMNANT_IN * dpi))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(pale, connectivity=8)
    dark = np.bincount(labels[cell < paper - depth], minlength=count)
    ink = pale * (dark > 0)[labels]
    drop = dark == 0
    drop[0] = True
    speck, remnant, min_ink = (SPECK_IN * dpi) ** 2, REMNANT_IN * dpi, MIN_INK_IN * dpi
    height, width = cell.shape
    for i in range(1, count):
        x, y, w, h, _ = stats[i]
        on_row = y == 0 or y + h == height
        on_column = x == 0 or x + w == width
        drop[i] = (
            dark[i] < speck
            or (on_row and h <= remnant / 2 + 1)
            or (on_column and w <= remnant / 2 + 1)
            or (on_row and w >= 0.75 * width and h <= 3 * remnant)
            or (on_column and h >= 0.75 * height and w <= 3 * remnant)
        )
    _keep_points(drop, stats, dark)
    _drop_dust(drop, stats, size=min_ink, distance=DUST_AWAY_IN * dpi)
    kept = ~drop
    is_kept = kept[labels]
    if not _holds_mark(is_kept, min_ink, gap=max(1, round(STROKE_GAP_IN * dpi))):
        is_kept = np.zeros(cell.shape, bool)
    removed = ~is_kept & (ink > 0)
    if not removed.any():
        return cell, is_kept
    wide = cv2.dilate(removed.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    cleaned = cell.copy()
    cleaned[wide & ~is_kept] = round(paper)
    return cleaned, is_kept


def _holds_mark(ink: np.ndarray, size: float, *, gap: int) -> bool:
    """Whether pieces of ink no further apart than `gap` make up a mark of some size: the thin strokes of
    small print fall apart."""
    joined = cv2.dilate(ink.astype(np.uint8), np.ones((gap + 1, gap + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    return any(max(width, height) - gap >= size for _, _, width, height, _ in stats[1:])


def _keep_points(drop: np.ndarray, stats: np.ndarray, dark: np.ndarray) -> None:
    """Take back the specks that stand at the foot of print on both sides: decimal points."""
    marks = stats[~drop]
    lefts, tops, widths, heights = (marks[:, column] for column in range(4))
    for i in np.flatnonzero(drop[1:] & (dark[1:] > 0)) + 1:
        x, y, w, h, _ = stats[i]
        middle = y + h / 2
        beside = (tops + 0.6 * heights <= middle) & (middle <= tops + 1.2 * heights)
        before, after = x - (lefts + widths), lefts - (x + w)
        near = [
            beside & (gap >= -1) & (gap <= 0.6 * heights) & (h <= 0.4 * heights) for gap in (before, after)
        ]
        if all(side.any() for side in near):
            drop[i] = False


def _drop_dust(drop: np.ndarray, stats: np.ndarray, *, size: float, distance: float) -> None:
    """Drop small marks that stand alone in a cell with print: they would stretch its line."""
    small = stats[:, 2:4].max(axis=1) < size
    print_ = stats[~drop & ~small]
    if not len(print_):
        return
    for i in np.flatnonzero(~drop & small):
        x, y, w, h, _ = stats[i]
        across = np.maximum(print_[:, 0] - (x + w), x - (print_[:, 0] + print_[:, 2]))
        down = np.maximum(print_[:, 1] - (y + h), y - (print_[:, 1] + print_[:, 3]))
        drop[i] = np.maximum(across, down).min() > distance


def _erase_border_rules(ink: np.ndarray, *, depth: int) -> None:
    """Clear, from each edge of the cell inwards, the rows and columns that are mostly ink."""
    for side in (ink, ink[::-1], ink.T, ink.T[::-1]):
        for row in side[: min(depth, side.shape[0] // 4)]:
            if row.mean() < 0.6:
                break
            row[:] = 0


def _text_rows(ink: np.ndarray) -> list[tuple[int, int]]:
    return runs(np.asarray(ink.any(axis=1)))


def _is_stacked(rows: Sequence[tuple[int, int]], width: int) -> bool:
    """Whether the ink is one column of characters about as high as the column is wide."""
    total = rows[-1][1] - rows[0][0]
    if total < 2.6 * width or len(rows) < 3:
        return False
    tall = [stop - start for start, stop in rows if stop - start > 0.35 * width]
    return bool(tall) and float(np.median(tall)) > 0.65 * width


def _stacked_characters(rows: Sequence[tuple[int, int]], width: int) -> list[tuple[int, int]]:
    """Rows of ink joined to characters: the strokes of 三 or 二 stand apart."""
    characters: list[tuple[int, int]] = []
    for start, stop in rows:
        if (
            characters
            and stop - characters[-1][0] <= 1.1 * width
            and start - characters[-1][1] <= 0.4 * width
        ):
            characters[-1] = (characters[-1][0], stop)
        else:
            characters.append((start, stop))
    return characters


def _side_by_side(cleaned: np.ndarray, ink: np.ndarray, characters: Sequence[tuple[int, int]]) -> np.ndarray:
    columns = np.flatnonzero(ink.any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    em = max(right - left, max(stop - start for start, stop in characters))
    paper = int(np.percentile(cleaned, 60))
    pad = max(2, round(0.08 * em))
    tiles = []
    for start, stop in characters:
        tile = np.full((em + 2 * pad, right - left + 2 * pad), paper, np.uint8)
        y = pad + (em - (stop - start)) // 2
        tile[y : y + stop - start, pad : pad + right - left] = cleaned[start:stop, left:right]
        tiles.append(tile)
    return _to_rgb(np.hstack(tiles))


def _merge_rows(rows: Sequence[tuple[int, int]], width: int, *, dpi: float) -> list[tuple[int, int]]:
    """Rows of ink joined to text lines: low ones (dots, the strokes of 二) go to their neighbours."""
    merged = list(rows)
    # A lone 二 or 三 has no high row: its strokes together are about as high as wide.
    total = rows[-1][1] - rows[0][0]
    stroke = min(0.35 * width, MIN_LINE_IN * dpi)
    is_lone = 0.6 * width <= total <= 1.2 * width and all(b - a < stroke for a, b in rows)
    # The em of the smallest print (7.5 pt) is LINE_IN: a faint 5 may come in a bar and a bowl.
    high = total if is_lone else LINE_IN * dpi
    while len(merged) > 1:
        em = high if is_lone else max(high, *(stop - start for start, stop in merged))
        candidates = []
        for i, ((a, b), (c, d)) in enumerate(pairwise(merged)):
            is_low = min(b - a, d - c) < 0.6 * em
            if is_low and d - a <= 1.3 * em and c - b <= 0.4 * em:
                candidates.append((c - b, i))
        if not candidates:
            break
        _, i = min(candidates)
        merged[i : i + 2] = [(merged[i][0], merged[i + 1][1])]
    return merged


def _crop_line(
    cleaned: np.ndarray, left: int, top: int, right: int, bottom: int, *, free: tuple[int, int], dpi: float
) -> np.ndarray:
    """The line with a margin, as (h, w, 3); paper where the margin leaves the rows `free` of other lines."""
    if bottom - top < MIN_LINE_IN * dpi:
        missing = round(LINE_IN * dpi) - (bottom - top)
        top, bottom = top - missing // 2, bottom + missing - missing // 2
    pad = max(2, round(0.12 * (bottom - top)))
    paper = int(np.percentile(cleaned, 60))
    width = cleaned.shape[1]
    crop = np.full((bottom - top + 2 * pad, right - left + 2 * pad), paper, np.uint8)
    y0, y1 = max(free[0], top - pad), min(free[1], bottom + pad)
    x0, x1 = max(0, left - pad), min(width, right + pad)
    crop[y0 - top + pad : y1 - top + pad, x0 - left + pad : x1 - left + pad] = cleaned[y0:y1, x0:x1]
    return _to_rgb(crop)


def _to_rgb(gray: np.ndarray) -> np.ndarray:
    return np.repeat(gray[:, :, None], 3, axis=2)


def _find_outside_lines(page: Page, gray: np.ndarray, engine: OcrEngine, *, dpi: float) -> list[_Line]:
    """Lines of text outside the tables. The detector sees only the bands of the page that have ink."""
    assert page.image is not None
    margin = round(0.03 * dpi)
    ink = find_ink(gray, [table.bbox for table in page.tables], margin=margin)
    pad = round(0.15 * dpi)
    bands = [
        (max(0, start - pad), min(gray.shape[0], stop + pad))
        for start, stop in runs(np.asarray(ink.any(axis=1)), gap=2 * pad)
        if stop - start >= 0.03 * dpi
    ]
    if not bands:
        return []
    columns = np.flatnonzero(ink.any(axis=0))
    left, right = max(0, int(columns[0]) - pad), min(gray.shape[1], int(columns[-1]) + 1 + pad)
    packed = np.concatenate(
        [_without_tables(page, top, bottom, margin)[:, left:right] for top, bottom in bands]
    )
    scale = min(1.0, DETECTION_DPI / dpi)
    seen = cv2.resize(packed, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else packed
    starts = np.cumsum([0] + [bottom - top for top, bottom in bands])
    lines = []
    for polygon in engine.detect(seen):
        polygon = np.asarray(polygon, np.float32) / scale
        found = int(np.searchsorted(starts, polygon[:, 1].mean(), side="right")) - 1
        band = min(max(found, 0), len(bands) - 1)
        crop = crop_polygon(packed, polygon)
        polygon = polygon + np.array([left, bands[band][0] - int(starts[band])], np.float32)
        (x0, y0), (x1, y1) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
        if min(crop.shape[:2]) >= 3:
            lines.append(_Line(crop, BBox(x0, y0, x1, y1)))
    return lines


def _without_tables(page: Page, top: int, bottom: int, margin: int) -> np.ndarray:
    assert page.image is not None
    band = page.image[top:bottom].copy()
    for table in page.tables:
        y0, y1 = int(table.bbox.top) - margin - top, int(table.bbox.bottom) + margin + 1 - top
        if y1 > 0 and y0 < bottom - top:
            x0 = max(0, int(table.bbox.left) - margin)
            band[max(0, y0) : y1, x0 : int(table.bbox.right) + margin + 1] = 255
    return band


def crop_polygon(image: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """The image inside a (4, 2) polygon, made upright; lines that stand on end are laid down."""
    tl, tr, br, bl = np.asarray(polygon, np.float32)
    width = round(max(np.linalg.norm(tr - tl), np.linalg.norm(br - bl)))
    height = round(max(np.linalg.norm(bl - tl), np.linalg.norm(br - tr)))
    if min(width, height) < 3:
        return np.zeros((0, 0, 3), np.uint8)
    if max(abs(tl[1] - tr[1]), abs(bl[0] - tl[0])) <= 2:
        (x0, y0), (x1, y1) = np.floor(polygon.min(axis=0)), np.ceil(polygon.max(axis=0))
        crop = image[max(0, int(y0)) : int(y1), max(0, int(x0)) : int(x1)]
    else:
        target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        transform = cv2.getPerspectiveTransform(np.array([tl, tr, br, bl], np.float32), target)
        crop = cv2.warpPerspective(
            image, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    return np.rot90(crop) if crop.shape[0] >= 1.5 * crop.shape[1] else crop


def _fill(tables: Sequence[Table], tokens: Iterable[tuple[tuple[int, int], Token]]) -> list[Table]:
    inside: dict[tuple[int, int], list[Token]] = {}
    for place, token in tokens:
        inside.setdefault(place, []).append(token)
    return [
        replace(
            table,
            cells=tuple(
                replace(cell, tokens=tuple(inside.get((t, c), ()))) for c, cell in enumerate(table.cells)
            ),
        )
        for t, table in enumerate(tables)
    ]
