"""Pictures for a person's eye: many pages on one sheet, and a page with its gold drawn over it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from giar_ml.annotations.gold import Gold, Poly

Color = tuple[int, int, int]

GAP_PX = 12
CAPTION_PX = 22
FONT_PX = 14
WHITE, BLACK = (255, 255, 255), (0, 0, 0)

CELL_COLOR: Color = (150, 150, 150)
FIGURE_CELL_COLOR: Color = (255, 170, 0)
MISPRINT_COLOR: Color = (220, 0, 0)
KIND_COLORS: dict[str, Color] = {
    "title": (123, 50, 148),
    "caption": (194, 100, 207),
    "under": (0, 150, 150),
    "row": (27, 140, 55),
    "column": (33, 102, 230),
    "corner": (90, 90, 90),
    "figure": (230, 60, 40),
    "note": (150, 75, 0),
    "other": (180, 180, 60),
}
"""Colour of each kind of label: the part of its name before the colon."""


def contact_sheet(
    pictures: Sequence[tuple[str, np.ndarray]], *, columns: int = 8, width_px: int = 320
) -> np.ndarray:
    """Thumbnails in rows on white, each under its caption: (H, W, 3) uint8 RGB.

    Args:
        pictures: caption and picture, (H, W, 3) uint8 RGB. Captions are in Latin letters, the only ones
            that Pillow's own font has, and cut to the width of a thumbnail.
        columns: at most; fewer pictures make a narrower sheet.
        width_px: of a thumbnail; narrower pictures are not enlarged.

    Raises:
        ValueError: there are no pictures.
    """
    if not pictures:
        raise ValueError("no pictures for a contact sheet")
    thumbnails = [(caption, _shrink(picture, width_px)) for caption, picture in pictures]
    rows = [thumbnails[start : start + columns] for start in range(0, len(thumbnails), columns)]
    row_heights = [max(thumbnail.shape[0] for _, thumbnail in row) + CAPTION_PX for row in rows]
    width = GAP_PX + len(rows[0]) * (width_px + GAP_PX)
    height = GAP_PX + sum(row_height + GAP_PX for row_height in row_heights)
    sheet = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_PX)
    top = GAP_PX
    for row, row_height in zip(rows, row_heights, strict=True):
        for i, (caption, thumbnail) in enumerate(row):
            left = GAP_PX + i * (width_px + GAP_PX)
            while draw.textlength(caption, font) > width_px:
                caption = caption[:-1]
            draw.text((left, top), caption, BLACK, font)
            sheet.paste(Image.fromarray(thumbnail), (left, top + CAPTION_PX))
        top += row_height + GAP_PX
    return np.asarray(sheet)


def gold_overlay(picture: np.ndarray, gold: Gold, page: int) -> np.ndarray:
    """A page with its gold: (H, W, 3) uint8 RGB, as large as the picture.

    Cells of tables are thin and grey, places of the form's cells orange, red where misprinted, tokens have
    the colour of their kind of label. A bar stands where the reading of a token starts.

    Args:
        picture: (H, W, 3) uint8 RGB, of any size: gold is scaled to it.
        page: number of the page, 1-based.

    Raises:
        KeyError: the gold has no such page.
    """
    size = {p.number: p for p in gold.pages}[page]
    scale = np.array([picture.shape[1] / size.width, picture.shape[0] / size.height])
    drawn = np.ascontiguousarray(picture).copy()
    thin = max(1, round(picture.shape[1] / 1600))

    def outline(poly: Poly, color: Color) -> np.ndarray:
        points = np.rint(np.array(poly) * scale).astype(np.int32)
        cv2.polylines(drawn, [points], True, color, thin)
        return points

    for table in gold.tables:
        if table.page == page:
            for table_cell in table.cells:
                outline(table_cell.poly, CELL_COLOR)
    for key, cell in gold.cells.items():
        for place in cell.places:
            if place.page == page and place.poly:
                outline(place.poly, MISPRINT_COLOR if key in gold.misprints else FIGURE_CELL_COLOR)
    for token in gold.tokens:
        if token.place.page == page and token.place.poly:
            color = KIND_COLORS.get(token.label.partition(":")[0], KIND_COLORS["other"])
            points = outline(token.place.poly, color).astype(float)
            back = points[0] - points[1]
            back *= 2 * thin / max(float(np.hypot(*back)), 1.0)  # beside the text, not over it
            start, end = np.rint(points[[0, 3]] + back).astype(int).tolist()
            cv2.line(drawn, start, end, color, 2 * thin)
    return drawn


def _shrink(picture: np.ndarray, width_px: int) -> np.ndarray:
    height, width = picture.shape[:2]
    if width <= width_px:
        return picture
    size = (width_px, max(1, round(height * width_px / width)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
