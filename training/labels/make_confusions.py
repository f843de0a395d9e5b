"""Writes `confusions.txt`: characters that look like those of the forms, by comparing rendered bitmaps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from giar_ml.forms import Form, load_forms
from training.labels.words import frequent_characters

OUTPUT = Path(__file__).with_name("confusions.txt")

_FONTS = (  # file, index in the collection
    ("NotoSansCJK-Regular.ttc", 2),
    ("NotoSerifCJK-Regular.ttc", 2),
    ("wqy-zenhei.ttc", 0),
    ("uming.ttc", 0),
    ("gkai00mp.ttf", 0),
)
_SIZE_PX = 28
_MARGIN_PX = 2
_SHIFT_PX = 1  # in every direction
_BLUR_PX = 1.0  # a stroke beside a stroke still counts as near
_N_CANDIDATES = 3500
_N_NEAREST = 6
_MIN_SIMILARITY = 0.55  # below it, characters share little but their size


def form_characters(forms: Sequence[Form]) -> str:
    """The Chinese characters that the forms print or that their rules for prose look for, sorted."""
    texts = [text for form in forms for text in _printed(form)]
    return "".join(sorted({char for text in texts for char in text if "\u4e00" <= char <= "\u9fff"}))


def find_nearest(chars: str, candidates: str) -> dict[str, str]:
    """For each of `chars` up to six characters of `candidates` that look like it, the nearest first."""
    similarity = sum(_similarities(chars, candidates, font) for font in _load_fonts()) / len(_FONTS)
    nearest = {}
    for char, row in zip(chars, np.asarray(similarity), strict=True):
        order = np.argsort(-row)[: _N_NEAREST + 1]
        found = [candidates[i] for i in order if candidates[i] != char and row[i] >= _MIN_SIMILARITY]
        nearest[char] = "".join(found[:_N_NEAREST])
    return nearest


def _printed(form: Form) -> list[str]:
    texts = [text for table in form.tables for text in table.title]
    for section in form.sections:
        texts += [*section.caption, *section.corner]
        texts += [t for header in (*section.rows, *section.columns) for t in (*header.labels, *header.under)]
    return texts + [pattern.pattern for rule in form.prose for pattern in (*rule.say, *rule.none)]


def _load_fonts() -> list[ImageFont.FreeTypeFont]:
    return [ImageFont.truetype(name, _SIZE_PX, index=index) for name, index in _FONTS]


def _similarities(chars: str, candidates: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """(len(chars), len(candidates)) cosine of the bitmaps at the best shift."""
    known = _unit(_render(chars, font))
    others = _render(candidates, font)
    steps = range(-_SHIFT_PX, _SHIFT_PX + 1)
    shifted = (_unit(np.roll(others, (dy, dx), axis=(1, 2))) for dy in steps for dx in steps)
    return np.max([known @ other.T for other in shifted], axis=0)


def _render(chars: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """(N, side, side) float32, ink is 1."""
    side = _SIZE_PX + 2 * _MARGIN_PX
    pictures = np.zeros((len(chars), side, side), np.float32)
    for picture, char in zip(pictures, chars, strict=True):
        image = Image.new("L", (side, side))
        ImageDraw.Draw(image).text((side / 2, side / 2), char, fill=255, font=font, anchor="mm")
        picture[:] = np.asarray(image.filter(ImageFilter.GaussianBlur(_BLUR_PX)), np.float32) / 255
    return pictures


def _unit(pictures: np.ndarray) -> np.ndarray:
    flat = pictures.reshape(len(pictures), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def main() -> None:
    nearest = find_nearest(form_characters(list(load_forms().values())), frequent_characters(_N_CANDIDATES))
    lines = [char + similar + "\n" for char, similar in nearest.items() if similar]
    OUTPUT.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
