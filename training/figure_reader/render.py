"""Figures of every length, printed in the fonts of offices."""

from __future__ import annotations

import subprocess
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from giar_ml.errors import UsageError
from giar_ml.ocr.figures import HEIGHT_PX, MARGIN_PX, MAX_SHARE, PX_PER_IN
from training.figure_reader.crops import EXTRA_PX, fold
from training.style import FANG, FREE, HEIS, KAIS, SONGS, TERMES, TIMES

LATIN = (TIMES, TERMES, FREE)
CHINESE = (*SONGS, FANG, *HEIS, *KAIS)
SIZES_PT = (6.5, 14.0)
WIDELY = 0.15
"""Share of figures whose digits stand far apart."""
_OVER = 3
"""Text is drawn three times as large, then scaled down."""
_RAISED = "·・．"
"""Points in the middle of the line, or, in some fonts, of their square."""
FULL_WIDTH_SIGNS = str.maketrans("0123456789.,-+", "０１２３４５６７８９．，－＋")


def sample_text(rng: np.random.Generator) -> str:
    """A figure as it may be printed: all lengths alike, decimals, separators, signs, full width,
    points in the middle of the line."""
    length = int(rng.integers(1, 9))
    digits = "".join(map(str, rng.integers(0, 10, length)))
    if rng.random() < 0.15:  # the same digit again and again is what CTC finds hardest
        digits = digits[0] * length
    if rng.random() < 0.8 and length > 1:
        digits = digits.lstrip("0") or "0"
    kind = rng.random()
    if kind < 0.22:
        digits = f"{digits[:6]}.{''.join(map(str, rng.integers(0, 10, int(rng.integers(1, 3)))))}"
    elif kind < 0.36 and length > 3:
        digits = f"{int(digits):,}"
    elif kind < 0.46:
        digits = "+-减"[int(rng.integers(3))] + digits[:5]
    elif kind < 0.48:
        return "-—－"[int(rng.integers(3))]
    draw = rng.random()
    if draw < 0.15:
        return digits.translate(FULL_WIDTH_SIGNS)
    return digits.replace(".", _RAISED[int(rng.integers(len(_RAISED)))]) if draw < 0.4 else digits


@cache
def font_files(families: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """File and number of each font of these families that is installed, regular and bold.

    Raises:
        UsageError: none is.
    """
    try:
        listed = subprocess.run(
            ["fc-list", ":", "family", "file", "index"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(f"fonts cannot be listed ({error}); install fontconfig") from error
    found = set()
    for line in listed.splitlines():
        file, _, rest = line.partition(": ")
        names, _, index = rest.partition(":index=")
        if set(names.split(",")) & set(families) and "italic" not in file.lower():
            found.add((file, int(index or 0) & 0xFFFF))  # the rest is the number of a named instance
    if not found:
        raise UsageError(f"none of the fonts {', '.join(families)} is installed")
    return tuple(sorted(found))


@cache
def _font(file: str, index: int, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size_px, index=index)


def render(text: str, rng: np.random.Generator) -> np.ndarray:
    """The text as `figure_crop` would cut it out of a perfect scan with `EXTRA_PX` more, (44, W) uint8."""
    # Latin fonts lack 减 and digits of full width.
    files = font_files(LATIN if text.isascii() and rng.random() < 0.5 else CHINESE)
    file, index = files[int(rng.integers(len(files)))]
    size_px = round(rng.uniform(*SIZES_PT) / 72 * PX_PER_IN * _OVER)
    font = _font(file, index, size_px)
    draw = rng.random()
    spacing = 0.0
    if draw < WIDELY:  # Else whatever stands far apart would have points between.
        spacing = rng.uniform(0.12, 0.6) * size_px
    elif draw < 0.3:
        spacing = rng.uniform(0, 0.12) * size_px
    length = sum(font.getlength(character) for character in text) + spacing * len(text)
    picture = Image.new("L", (round(length) + 2 * size_px, 3 * size_px), 255)
    canvas = ImageDraw.Draw(picture)
    x = float(size_px)
    bold = int(rng.random() < 0.15)
    if spacing:
        for character in text:
            canvas.text((x, size_px), character, font=font, fill=0, stroke_width=bold)
            x += font.getlength(character) + spacing
    else:
        canvas.text((x, size_px), text, font=font, fill=0, stroke_width=bold)
    return _frame(np.asarray(picture))


def _frame(drawn: np.ndarray) -> np.ndarray:
    """The ink with as much paper around it as a crop has."""
    rows, columns = np.nonzero(drawn < 160)
    if not len(rows):
        return np.full((HEIGHT_PX + 2 * EXTRA_PX, 3 * MARGIN_PX + 2 * EXTRA_PX), 255, np.uint8)
    ink = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = min(1 / _OVER, MAX_SHARE * HEIGHT_PX / ink.shape[0])
    height = round((HEIGHT_PX + 2 * EXTRA_PX) / scale)
    width = round(ink.shape[1] + 2 * (MARGIN_PX + EXTRA_PX) / scale)
    canvas = np.full((height, width), 255, np.uint8)
    top, left = (height - ink.shape[0]) // 2, (width - ink.shape[1]) // 2
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    size = (max(2 * MARGIN_PX + 2 * EXTRA_PX + 1, round(width * scale)), HEIGHT_PX + 2 * EXTRA_PX)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA))


def sample_rendered(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """A crop and its figure, in the alphabet of figures."""
    printed = sample_text(rng)
    text = fold(printed)
    assert text is not None
    return render(printed, rng), text
