"""Texts in a fixed-width grid, their tokens tinted and named."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from eval.overlay_names import tag_texts
from eval.overlay_style import DOUBT, FAINT, INK, PAPER, SOFT, SURE, Pens, kind_of, side_by_side
from giar_ml.document import BBox, Token
from giar_ml.geometry import union
from giar_ml.label.names import OTHER, is_header
from giar_ml.metrics.token_labels import Choice

_CELL_PX = 10
"""Width of a column; a Chinese character takes two."""
_TEXT_PX = 18
_ROW_PX = 25
_GLOSS_PX = 17
_BLANK_PX = 11
_SMALL = 10
"""Characters of a line that may stand beside the one before it, if both are figures."""
_GLOSS_COLUMNS = 15
"""Room for a name that is longer than the line above it."""
_TAB_COLUMNS = 3
_COLUMNS = 118
"""Longer lines are folded."""
_PANEL_PX = 2300
"""Height from which on a text goes on in the next panel."""


@dataclass(frozen=True)
class _Glyph:
    """A character of a text: its row in the line, its column there, the columns it takes."""

    row: int
    column: int
    width: int


def draw_text(
    lines: Sequence[str], tokens: Sequence[Token], choices: Sequence[Choice], pens: Pens
) -> Image.Image:
    """The lines of a text in a fixed-width grid, what its headers were taken for below them.

    Of prose, long lines that have no label, the beginning stands for the rest; lines of one figure stand
    side by side.
    """
    by_line: dict[int, list[tuple[int, int, Choice]]] = {}
    for start, stop, number, choice in _spans(lines, tokens, choices):
        by_line.setdefault(number, []).append((start, stop, choice))
    blocks: list[Image.Image] = []
    blank = in_row = False
    for number, line in enumerate(lines, start=1):
        spans = by_line.get(number, [])
        is_blank, was_in_row = not line.strip(), in_row
        in_row = bool(spans) and len(line.strip()) <= _SMALL and not any(tag_texts(c) for *_, c in spans)
        if is_blank and blank:
            continue
        blank = is_blank
        block = _draw_line(number, line, spans, pens)
        if in_row and was_in_row and blocks[-1].width + block.width < _COLUMNS * _CELL_PX:
            blocks[-1] = side_by_side([blocks[-1], block], gap=0, background=PAPER)
        else:
            blocks.append(block)
    return _stack(blocks)


def _spans(
    lines: Sequence[str], tokens: Sequence[Token], choices: Sequence[Choice]
) -> Iterator[tuple[int, int, int, Choice]]:
    """Where each token stands in its line: start, stop, line, and what it was taken for."""
    cursors = [0] * (len(lines) + 1)
    order = sorted(range(len(tokens)), key=lambda i: (tokens[i].line or 0, tokens[i].bbox.left))
    for i in order:
        number = tokens[i].line
        if number is None or not 0 < number <= len(lines):
            continue
        start = lines[number - 1].find(tokens[i].text, cursors[number])
        if start >= 0:
            cursors[number] = start + len(tokens[i].text)
            yield start, cursors[number], number, choices[i]


def _draw_line(number: int, line: str, spans: Sequence[tuple[int, int, Choice]], pens: Pens) -> Image.Image:
    left = 5 * _CELL_PX
    glyphs = _lay_out(line)
    rows = max((glyph.row for glyph in glyphs), default=0) + 1
    if not line.strip():
        return Image.new("RGB", (left, _BLANK_PX), PAPER)
    has_tags = any(tag_texts(choice) for _, _, choice in spans)
    more = 0
    if rows > 1 and not any(is_header(choice.label) for _, _, choice in spans):
        shown = sum(glyph.row == 0 and glyph.column < _COLUMNS - 12 for glyph in glyphs)
        more, rows, glyphs = len(line) - shown, 1, glyphs[:shown]
    row_px = _ROW_PX + (_GLOSS_PX if has_tags else 0)
    columns = max((glyph.column + glyph.width for glyph in glyphs), default=0)
    room = 14 if more > 0 else _GLOSS_COLUMNS if has_tags else 1
    width = left + (columns + room) * _CELL_PX
    block = Image.new("RGB", (width, rows * row_px + 1), PAPER)
    draw = ImageDraw.Draw(block)
    draw.text((left - 14, 6), str(number), font=pens(12), fill=SOFT, anchor="ra")

    def box(glyph: _Glyph) -> BBox:
        x, y = left + glyph.column * _CELL_PX, glyph.row * row_px
        return BBox(x, y + 1, x + glyph.width * _CELL_PX, y + _ROW_PX - 2)

    for start, stop, choice in spans:
        for part in _by_row(glyphs[start:stop]):
            around = union(map(box, part))
            draw.rectangle(
                (around.left, around.top, around.right - 2, around.bottom), fill=kind_of(choice.label).tint
            )
            if choice.confidence < SURE:
                draw.rectangle(
                    (around.left, around.top, around.right - 2, around.bottom), outline=DOUBT, width=2
                )
    font = pens(_TEXT_PX)
    for char, glyph in zip(line, glyphs, strict=False):
        around = box(glyph)
        x, y = around.center
        if char == "\t":
            draw.text((around.left + 6, y), "→", font=pens(13), fill=FAINT, anchor="lm")
        elif not char.isspace():
            draw.text((x, y), char, font=font, fill=INK, anchor="mm")
    if more > 0:
        end = box(glyphs[-1]).right if glyphs else left
        draw.text((end + 8, _ROW_PX / 2), f"… {more:,} more", font=pens(13), fill=SOFT, anchor="lm")
    _draw_glosses(draw, glyphs, spans, box, row_px=row_px, right=width, pens=pens)
    return block


def _lay_out(line: str) -> list[_Glyph]:
    glyphs = []
    row = column = 0
    for char in line:
        width = _TAB_COLUMNS if char == "\t" else 2 if unicodedata.east_asian_width(char) in "WFA" else 1
        if column + width > _COLUMNS:
            row, column = row + 1, 0
        glyphs.append(_Glyph(row, column, width))
        column += width
    return glyphs


def _by_row(glyphs: Sequence[_Glyph]) -> list[list[_Glyph]]:
    parts: dict[int, list[_Glyph]] = {}
    for glyph in glyphs:
        parts.setdefault(glyph.row, []).append(glyph)
    return list(parts.values())


def _draw_glosses(
    draw: ImageDraw.ImageDraw,
    glyphs: Sequence[_Glyph],
    spans: Sequence[tuple[int, int, Choice]],
    box: Callable[[_Glyph], BBox],
    *,
    row_px: int,
    right: int,
    pens: Pens,
) -> None:
    """Names below the line, each as wide as the room before the next; once for words of one label."""
    font = pens(13)
    entries: list[tuple[int, float, list[str], Choice]] = []
    last = OTHER
    for start, _, choice in sorted(spans, key=lambda span: span[0]):
        texts = [text for text in tag_texts(choice) if "\n" not in text]
        is_repeated = choice.label == last and choice.confidence >= SURE
        last = choice.label
        if texts and not is_repeated and start < len(glyphs):
            entries.append((glyphs[start].row, box(glyphs[start]).left, texts, choice))
    for i, (row, x, texts, choice) in enumerate(entries):
        after = entries[i + 1] if i + 1 < len(entries) else None
        room = (after[1] if after and after[0] == row else right) - x - 8
        text = next((text for text in texts if font.getlength(text) <= room), texts[0])
        while len(text) > 1 and font.getlength(text) > room:
            text = text.removesuffix("…")[:-1] + "…"
        if font.getlength(text) <= room:
            color = DOUBT if choice.confidence < SURE else kind_of(choice.label).ink
            draw.text((x + 1, row * row_px + _ROW_PX - 3), text, font=font, fill=color)


def _stack(blocks: Sequence[Image.Image]) -> Image.Image:
    """The lines below one another, in as many panels of the same height as are needed."""
    total = sum(block.height for block in blocks)
    n_panels = max(1, -(-total // _PANEL_PX))
    goal = total / n_panels
    panels: list[list[Image.Image]] = [[]]
    height = 0
    for block in blocks:
        if height >= goal * len(panels) and len(panels) < n_panels:
            panels.append([])
        panels[-1].append(block)
        height += block.height
    columns = []
    for panel in panels:
        column = Image.new("RGB", (max(b.width for b in panel), sum(b.height for b in panel)), PAPER)
        y = 0
        for block in panel:
            column.paste(block, (0, y))
            y += block.height
        columns.append(column)
    return side_by_side(columns, background=PAPER)
