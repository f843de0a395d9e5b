"""Pages of paper with their tokens tinted, and tags where there is room beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from eval.overlay_names import tag_texts
from eval.overlay_style import DOUBT, SURE, Pens, kind_of
from giar_ml.document import BBox, Token
from giar_ml.geometry import intersection_area, overlap, union
from giar_ml.label.names import is_header
from giar_ml.metrics.token_labels import Choice

PAGE_WIDTH_PX = 1700
"""A tag of 17 px is then legible and a page still fits on a screen."""
_EDGE_PX = 6
"""The box of a token may reach over the rule beside it."""
_BEYOND_PX = 5
_RULE_SHARE = 0.95
"""Of the length of a token and a little beyond: no stroke of its own is as long."""


@dataclass(frozen=True)
class Mark:
    """A token as it is drawn; `bbox` in pixels of the picture."""

    text: str
    bbox: BBox
    choice: Choice


def draw_page(
    picture: Image.Image, tokens: Sequence[Token], choices: Sequence[Choice], pens: Pens
) -> Image.Image:
    """The picture of a page with its tokens marked; boxes of the tokens in pixels of the picture."""
    scale = PAGE_WIDTH_PX / picture.width
    size = (PAGE_WIDTH_PX, round(picture.height * scale))
    paper = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    marks = [
        Mark(token.text, BBox(*(scale * x for x in token.bbox)), choice)
        for token, choice in zip(tokens, choices, strict=True)
    ]
    ink = np.asarray(paper.convert("L")) < 140
    drawn = _tint(paper, marks)
    draw = ImageDraw.Draw(drawn)
    for mark in marks:
        if mark.choice.confidence < SURE:
            draw.rectangle(_grow(mark.bbox, 2), outline=DOUBT, width=2)
    _draw_tags(draw, marks, ink, pens)
    return drawn


def _tint(paper: Image.Image, marks: Iterable[Mark]) -> Image.Image:
    """White becomes the tint and black stays: print is as legible as before."""
    pixels = np.asarray(paper).astype(np.uint16)
    for mark in marks:
        left, top, right, bottom = (round(x) for x in _grow(mark.bbox, 2))
        part = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        part[...] = part * np.array(kind_of(mark.choice.label).tint, np.uint16) // 255
    return Image.fromarray(pixels.astype(np.uint8))


def _grow(bbox: BBox, by: float) -> BBox:
    return BBox(bbox.left - by, bbox.top - by, bbox.right + by, bbox.bottom + by)


def _draw_tags(draw: ImageDraw.ImageDraw, marks: Sequence[Mark], ink: np.ndarray, pens: Pens) -> None:
    taken = [mark.bbox for mark in marks]
    for group in sorted(_join_lines(marks), key=lambda group: -_importance(group)):
        choice = min((mark.choice for mark in group), key=lambda choice: choice.confidence)
        around = union(mark.bbox for mark in group)
        for text, size in ((text, size) for text in tag_texts(choice) for size in (17, 15, 13)):
            font = pens(size)
            words = text.split("\n")
            width = max(map(font.getlength, words)) + 6
            height = size * len(words) + 4
            fitting = (
                place
                for place in _places(around, width, height)
                if _is_free(place, taken, ink) and not _crosses_rule(place, around, ink)
            )
            if (place := next(fitting, None)) is None:
                continue
            taken.append(place)
            kind = kind_of(choice.label)
            doubtful = choice.confidence < SURE
            draw.rectangle(place, fill=(255, 255, 255), outline=DOUBT if doubtful else kind.tint)
            for line, word in enumerate(words):
                at = place.center[0], place.top + 2 + size * (line + 0.5)
                draw.text(at, word, font=font, fill=DOUBT if doubtful else kind.ink, anchor="mm")
            break


def _importance(group: Sequence[Mark]) -> float:
    """Doubtful ones are placed first."""
    return 1.0 - min(mark.choice.confidence for mark in group)


def _join_lines(marks: Sequence[Mark]) -> list[list[Mark]]:
    """Lines of one label are marked once: tokens of the same header that lie under one another."""
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark.bbox.top):
        if is_header(mark.choice.label):
            for group in groups:
                last = group[-1]
                near = mark.bbox.top - last.bbox.bottom < 0.9 * min(mark.bbox.height, last.bbox.height)
                shared = overlap(mark.bbox.left, mark.bbox.right, last.bbox.left, last.bbox.right)
                if last.choice.label == mark.choice.label and near and shared:
                    group.append(mark)
                    break
            else:
                groups.append([mark])
        else:
            groups.append([mark])
    return groups


def _places(around: BBox, width: float, height: float) -> Iterator[BBox]:
    """Where a tag may stand: right of the token, below, above, left of it, nearest first."""
    middle_x, middle_y = around.center
    for gap in (4, 10, 18):
        for x, y in (
            (around.right + gap, middle_y - height / 2),
            (middle_x - width / 2, around.bottom + gap),
            (middle_x - width / 2, around.top - gap - height),
            (around.left - gap - width, middle_y - height / 2),
            (around.left, around.bottom + gap),
            (around.right - width, around.bottom + gap),
            (around.right + gap, around.top),
            (around.right + gap, around.bottom - height),
        ):
            yield BBox(x, y, x + width, y + height)


def _is_free(place: BBox, taken: Iterable[BBox], ink: np.ndarray) -> bool:
    left, top, right, bottom = (round(x) for x in _grow(place, 1))
    if left < 0 or top < 0 or bottom > ink.shape[0] or right > ink.shape[1]:
        return False
    if ink[top:bottom, left:right].any():
        return False
    return not any(intersection_area(place, other) for other in taken)


def _crosses_rule(place: BBox, around: BBox, ink: np.ndarray) -> bool:
    """Whether a rule lies between a tag and its token: then it would seem to belong to the next cell."""
    left, top, right, bottom = (round(x) for x in place)
    # A rule is longer than the strokes of the token beside it.
    beside = slice(max(round(around.top) - _BEYOND_PX, 0), round(around.bottom) + _BEYOND_PX)
    along = slice(max(round(around.left) - _BEYOND_PX, 0), round(around.right) + _BEYOND_PX)
    if place.left >= around.right:
        part = ink[beside, round(around.right) - _EDGE_PX : left]
    elif place.right <= around.left:
        part = ink[beside, right : round(around.left) + _EDGE_PX]
    elif place.top >= around.bottom:
        part = ink[round(around.bottom) - _EDGE_PX : top, along].T
    else:
        part = ink[bottom : round(around.top) + _EDGE_PX, along].T
    return bool(part.size and (part.mean(axis=0) > _RULE_SHARE).any())
