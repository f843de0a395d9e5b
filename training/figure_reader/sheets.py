"""Sheets full of figures between rules, scanned as reports are: many crops of coarse scans in little time.

A report prints 0 in most of its cells, and few of them are scanned coarsely. A sheet has some hundred figures
of all lengths and fonts, each in a cell that may be hardly larger; what devices do to it is what
`training.degrade` does to reports. A soiled sheet has more blank cells, and seals, pen strokes and dirt all
over: in blank cells that is ink without a figure, elsewhere the figure below is still to be read.
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
from training import device, paper
from training.degrade import RECIPES, Recipe, Severity, Step, degrade
from training.figure_reader.crops import (
    Crop,
    crops_of,
    is_upright,
    kept_crops,
    lines_in_gold,
    turn_upright,
    upright_scan,
)
from training.figure_reader.render import CHINESE, FULL_WIDTH_SIGNS, LATIN, font_files, sample_text
from training.prose import OFFICES, PLACES

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
SOILED_SHARES: Mapping[Severity, float] = {"office": 0.5, "fax": 0.25, "photo": 0.25}
BLANK, SOILED_BLANK = 0.06, 0.25
"""Share of blank cells."""
COPIED = 0.75
"""Chance that a soiled sheet was copied before: its seals are grey, and darker."""
SHOWS_THROUGH = 0.4
"""Chance that print of its other side shows through a soiled sheet."""
SHADED = 0.2
"""Share of shaded columns of a soiled sheet."""
FULL_WIDTH = 0.25
"""Share of columns with digits of full width of a soiled sheet, of those in Chinese fonts."""


def sheet_crops(number: int, seed: int) -> list[Crop]:
    """The crops of a sheet; `number` and `seed` tell which."""
    rng = np.random.default_rng([seed, 3, number])
    severity = _draw_severity(SHARES, rng)
    image, gold = _print_sheet(rng)
    return _scan(image, gold, severity, RECIPES[severity], rng, f"sheet, {severity}")


def soiled_crops(number: int, seed: int) -> list[Crop]:
    """As `sheet_crops`, of a sheet with seals, pen strokes and dirt all over."""
    rng = np.random.default_rng([seed, 4, number])
    severity = _draw_severity(SOILED_SHARES, rng)
    image, gold = _print_sheet(rng, blank=SOILED_BLANK, shaded=SHADED, wide=FULL_WIDTH)
    if rng.random() < SHOWS_THROUGH:
        back = np.roll(image, rng.integers(20, 200, 2), axis=(0, 1))
        image = paper.bleed_through(image, rng, dpi=DPI, reverse=back, strength=rng.uniform(0.03, 0.13))
    office = f"{rng.choice(PLACES)}{rng.choice(OFFICES)}"
    recipe = RECIPES[severity]
    recipe = replace(recipe, paper=(*recipe.paper, *_soil(severity)), copied=COPIED)
    return _scan(image, replace(gold, organisation=office), severity, recipe, rng, f"soiled, {severity}")


def _soil(severity: Severity) -> tuple[Step, ...]:
    # As on reports: a threshold would make a full seal black.
    strength = (0.15, 0.4) if severity == "fax" else (0.25, 0.95)
    seal = Step(paper.seal, 0.5, {"diameter_mm": (34.0, 46.0), "strength": strength}, takes=("text",))
    slip = Step(paper.pen_slip, 0.5, {"length_mm": (3, 70), "steepness": (0.2, 1.5)})
    return (
        *[seal] * 14,
        *[slip] * 10,
        Step(device.specks, 0.6, {"n_specks": (50, 400)}),
        Step(paper.break_rules, 0.6, {"n_breaks": (10, 90)}),
    )


def _draw_severity(shares: Mapping[Severity, float], rng: np.random.Generator) -> Severity:
    return list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]


def _scan(
    image: np.ndarray, gold: Gold, severity: Severity, recipe: Recipe, rng: np.random.Generator, source: str
) -> list[Crop]:
    """The crops of a printed sheet after what a device made of it; none where it lies on its side."""
    if severity in COARSER and rng.random() < 0.5:
        recipe = replace(recipe, dpi=COARSER[severity])
    scan, gold = degrade([image], gold, severity, rng, dpi=DPI, turn=0, recipe=recipe)
    pixels = scan.pages[0]
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    height, width = rgb.shape[:2]
    upright = upright_scan(turn_upright(Page(1, "scan", width, height, rgb, scan.dpi)), gold)
    if not is_upright(upright):
        return []
    return crops_of(upright, lines_in_gold(upright), source)


def read_sheets(
    n: int, seed: int, kept: Path, *, soiled: bool = False, advance: Callable[[str], None] = lambda name: None
) -> list[Crop]:
    """The crops of `n` sheets.

    Args:
        kept: a folder for the crops of each sheet, so that they are made once.
        soiled: whether they have seals, pen strokes and dirt all over.
        advance: called with the name of each sheet that is done.
    """
    kind, make = ("soiled", soiled_crops) if soiled else ("sheet", sheet_crops)
    crops = []
    for number in range(n):
        name = f"{kind}-{seed}-{number:05}-{VERSION}"
        crops += kept_crops(kept / f"{name}.npz", partial(make, number, seed))
        advance(name)
    return crops


def _print_sheet(
    rng: np.random.Generator, *, blank: float = BLANK, shaded: float = 0.0, wide: float = 0.0
) -> tuple[np.ndarray, Gold]:
    """Rows and columns with a figure in most cells, and a font of its own in each column.

    Args:
        blank, shaded: shares of blank cells and of shaded columns.
        wide: share of columns with digits of full width, of those in Chinese fonts.
    """
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
        texts = [_text(rng, longest, is_latin=is_latin, blank=blank) for _ in ys[:-1]]
        if wide and not is_latin and rng.random() < wide:
            texts = [text.translate(FULL_WIDTH_SIGNS) for text in texts]
        boxes = [font.getbbox(text) if text else (0, 0, 0, 0) for text in texts]
        widest = max(box[2] - box[0] for box in boxes)
        column = widest + rng.uniform(0.06, 0.5) * DPI
        if x + column > width - margin:
            break
        align = rng.choice([0.5, 0.1, 0.9], p=[0.7, 0.15, 0.15])
        lift = rng.normal(0, 0.06)
        if shaded and rng.random() < shaded:
            draw.rectangle((x, ys[0], x + column, ys[-1]), fill=int(rng.integers(205, 246)))
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


def _text(rng: np.random.Generator, longest: int, *, is_latin: bool, blank: float) -> str:
    """A plain figure for the most part, at times one with a sign or a point, at times none."""
    draw = rng.random()
    if draw < blank:
        return ""
    if draw < blank + 0.12:
        return "0"
    if draw < blank + 0.24:
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
