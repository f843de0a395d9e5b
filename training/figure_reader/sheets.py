"""Sheets full of figures between rules, scanned as reports are: many crops of coarse scans in little time.

A report prints 0 in most of its cells, and few of them are scanned coarsely. A sheet has some hundred figures
of all lengths and fonts, each in a cell that may be hardly larger; what devices do to it is what
`training.degrade` does to reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from giar_ml.annotations.gold import Gold, GoldCell, GoldToken, Place, box_poly
from giar_ml.document import BBox, Page
from training.degrade import RECIPES, Severity, degrade
from training.figure_reader.crops import (
    Crop,
    crops_of,
    is_upright,
    kept_crops,
    lines_in_gold,
    turn_upright,
    upright_scan,
)
from training.figure_reader.render import CHINESE, LATIN, font_files, sample_text

DPI = 300
"""Of the print."""
SIZE_IN = (8.27, 5.8)
"""Half a page lying: some two hundred figures."""
MARGIN_IN = 0.45
WORDS = "政府信息公开"
"""Before each row: they tell which way up a sheet is."""
VERSION = 1
"""Raised when what a sheet is changes."""
COARSER: Mapping[Severity, tuple[float, float, float]] = {
    "fax": (85, 115, 200),
    "office": (95, 130, 220),
    "photo": (110, 140, 220),
}
"""Resolutions of half of the sheets: a digit has 8 to 14 pixels. The others have those of reports."""
SHARES: Mapping[Severity, float] = {"clean": 0.06, "office": 0.22, "fax": 0.5, "photo": 0.22}


def sheet_crops(number: int, seed: int) -> list[Crop]:
    """The crops of a sheet; `number` and `seed` tell which."""
    rng = np.random.default_rng([seed, 3, number])
    severity = list(SHARES)[int(rng.choice(len(SHARES), p=list(SHARES.values())))]
    image, gold = _print_sheet(rng)
    recipe = RECIPES[severity]
    if severity in COARSER and rng.random() < 0.5:
        recipe = replace(recipe, dpi=COARSER[severity])
    scan, gold = degrade([image], gold, severity, rng, dpi=DPI, turn=0, recipe=recipe)
    pixels = scan.pages[0]
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    height, width = rgb.shape[:2]
    upright = upright_scan(turn_upright(Page(1, "scan", width, height, rgb, scan.dpi)), gold)
    if not is_upright(upright):
        return []
    return crops_of(upright, lines_in_gold(upright), f"sheet, {severity}")


def read_sheets(
    n: int, seed: int, kept: Path, *, advance: Callable[[str], None] = lambda name: None
) -> list[Crop]:
    """The crops of `n` sheets.

    Args:
        kept: a folder for the crops of each sheet, so that they are made once.
        advance: called with the name of each sheet that is done.
    """
    crops = []
    for number in range(n):
        name = f"sheet-{seed}-{number:05}-{VERSION}"
        crops += kept_crops(kept / f"{name}.npz", partial(sheet_crops, number, seed))
        advance(name)
    return crops


def _print_sheet(rng: np.random.Generator) -> tuple[np.ndarray, Gold]:
    """Rows and columns with a figure in most cells, and a font of its own in each column."""
    width, height = (round(inches * DPI) for inches in SIZE_IN)
    picture = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(picture)
    margin = round(MARGIN_IN * DPI)
    size_pt = rng.uniform(6.5, 14)
    row = rng.uniform(1.2, 2.2) * size_pt / 72 * DPI
    rule = int(rng.integers(1, 5))
    cells: dict[str, GoldCell] = {}
    tokens: list[GoldToken] = []
    ys: list[float] = np.arange(margin, height - margin, row).tolist()
    font = _column_font(CHINESE, size_pt, rng)
    words_px = font.getlength(WORDS)
    for y in ys[:-1]:
        draw.text((margin + 0.1 * row, y), WORDS, font=font, fill=0)
        ink = BBox(margin, y, margin + 0.1 * row + words_px, y + row)
        tokens.append(GoldToken(WORDS, "other", Place(1, box_poly(ink))))
    x = margin + words_px + 0.2 * row
    draw.line((margin, ys[0], margin, ys[-1]), fill=0, width=rule)
    while x < width - margin - 0.5 * DPI:
        longest = int(rng.choice([1, 2, 4, 8], p=[0.15, 0.2, 0.35, 0.3]))
        is_latin = bool(rng.random() < 0.5)
        font = _column_font(LATIN if is_latin else CHINESE, size_pt, rng)
        texts = [_text(rng, longest, is_latin=is_latin) for _ in ys[:-1]]
        boxes = [font.getbbox(text) if text else (0, 0, 0, 0) for text in texts]
        widest = max(box[2] - box[0] for box in boxes)
        column = widest + rng.uniform(0.06, 0.5) * DPI
        if x + column > width - margin:
            break
        align = rng.choice([0.5, 0.1, 0.9], p=[0.7, 0.15, 0.15])
        lift = rng.normal(0, 0.06)
        for y, text, box in zip(ys[:-1], texts, boxes, strict=True):
            key = f"{len(cells)}"
            room_x, room_y = column - (box[2] - box[0]), row - (box[3] - box[1])
            left = x + align * room_x
            top = y + np.clip(0.5 + lift, 0.2, 0.8) * room_y
            cell = BBox(x, y, x + column, y + row)
            cells[key] = GoldCell(None, text, (Place(1, box_poly(cell)),))
            if text:
                draw.text((left - box[0], top - box[1]), text, font=font, fill=int(rng.integers(0, 50)))
                ink = BBox(left, float(top), left + box[2] - box[0], float(top + box[3] - box[1]))
                tokens.append(GoldToken(text, "figure", Place(1, box_poly(ink)), key))
        draw.line((x, ys[0], x, ys[-1]), fill=0, width=rule)
        x += column
    draw.line((x, ys[0], x, ys[-1]), fill=0, width=rule)
    for y in ys:
        draw.line((margin, y, x, y), fill=0, width=rule)
    image = np.repeat(np.asarray(picture)[:, :, None], 3, axis=2)
    gold = Gold("sheet", "", "scan", "2021", None, None, cells, tokens=tuple(tokens))
    return image, gold


def _text(rng: np.random.Generator, longest: int, *, is_latin: bool) -> str:
    """A plain figure for the most part, at times one with a sign or a point, at times none."""
    draw = rng.random()
    if draw < 0.06:
        return ""
    if draw < 0.18:
        return "0"
    if draw < 0.3:
        text = sample_text(rng)
        if text.isascii() or not is_latin:  # Latin fonts lack 减 and digits of full width.
            return text
    length = int(rng.integers(1, longest + 1))
    return "".join(map(str, rng.integers(0, 10, length))).lstrip("0") or "0"


def _column_font(
    families: tuple[str, ...], size_pt: float, rng: np.random.Generator
) -> ImageFont.FreeTypeFont:
    files = font_files(families)
    file, index = files[int(rng.integers(len(files)))]
    return ImageFont.truetype(file, round(size_pt * rng.uniform(0.92, 1.05) / 72 * DPI), index=index)
