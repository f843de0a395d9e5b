"""A document with what each of its tokens was taken for, as a picture.

python -m eval.label_overlay DOCUMENT -o OUT.png [--page N] [--labeller NAME]

A page shows its picture, a text its lines. Tokens are tinted by the kind of their label; beside those that
are labels of the form stands what they were taken for, where there is room. A red frame with a percentage
marks a confidence below 90 %.
"""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from eval.label_baselines import load_labellers
from giar_ml.cli.console import complain
from giar_ml.document import BBox, Token
from giar_ml.errors import GiarError, UsageError
from giar_ml.forms import load_forms
from giar_ml.geometry import intersection_area, overlap, union
from giar_ml.label import PageLabeller
from giar_ml.label.names import OTHER, is_header
from giar_ml.load import load
from giar_ml.metrics.token_labels import Choice, choose_label
from training.labels.read_pages import ReadPage, read_pages

PAGE_WIDTH_PX = 1700
"""A tag of 17 px is then legible and a page still fits on a screen."""
MAX_PAGES = 4
"""Side by side, where no page is named."""
SURE = 0.9
PREFERRED = ("classifier", "regression", "fuzzy")


@dataclass(frozen=True)
class Kind:
    """How a kind of label is drawn: `tint` is what white paper becomes."""

    name: str
    tint: tuple[int, int, int]
    ink: tuple[int, int, int]


KINDS = {
    "row": Kind("row 行", (190, 215, 250), (20, 75, 160)),
    "column": Kind("column 列", (190, 236, 200), (15, 105, 50)),
    "under": Kind("group 组", (224, 205, 248), (100, 45, 155)),
    "title": Kind("title 标题", (252, 200, 196), (165, 35, 30)),
    "caption": Kind("caption 条款", (253, 218, 172), (150, 80, 0)),
    "corner": Kind("corner 表角", (190, 234, 236), (0, 95, 105)),
    "figure": Kind("figure 数", (255, 246, 176), (120, 100, 0)),
    "note": Kind("note 注", (246, 205, 232), (140, 30, 100)),
    OTHER: Kind("other 其他", (231, 231, 228), (95, 95, 92)),
}
_PAPER = (252, 252, 250)
_INK = (35, 38, 44)
_SOFT = (130, 134, 142)
_FAINT = (205, 207, 210)
_DOUBT = (216, 30, 40)
_EDGE_PX = 6
"""The box of a token may reach over the rule beside it."""
_BEYOND_PX = 5
_RULE_SHARE = 0.95
"""Of the length of a token and a little beyond: no stroke of its own is as long."""
_FONTS = (
    ("NotoSansMonoCJK*", "NotoSansCJK*-Regular*", "SourceHanSans*Regular*", "wqy-zenhei*", "wqy-microhei*"),
    (
        "PingFang*",
        "STHeiti*",
        "msyh.*",
        "simhei*",
        "FandolHei-Regular*",
        "NotoSansSC*",
        "simsun*",
        "Deng.ttf",
    ),
    ("NotoSerifCJK*", "uming*", "gbsn*", "ukai*", "FandolSong-Regular*", "AR*PL*"),
)
_FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "C:/Windows/Fonts",
)


@dataclass(frozen=True)
class Mark:
    """A token as it is drawn; `bbox` in pixels of the picture."""

    text: str
    bbox: BBox
    choice: Choice


# Names


def kind_of(label: str) -> Kind:
    return KINDS.get(label.partition(":")[0], KINDS[OTHER])


@cache
def short_names(length: int = 14) -> dict[str, str]:
    """What a label of the forms is called in a few words of theirs: 自然人, 直接起诉·结果维持."""
    names: dict[str, str] = {"corner": "表角"}
    paths: dict[str, tuple[str, ...]] = {}
    for form in load_forms().values():
        for table in form.tables:
            names.setdefault(f"title:{table.key}", _shorten(table.title[0], length))
            for section in table.sections:
                for caption in section.caption[:1]:
                    names.setdefault(f"caption:{caption}", caption.replace("第二十条第", "").strip())
                for kind, headers in (("row", section.rows), ("column", section.columns)):
                    for header in headers:
                        for group in header.under:
                            names.setdefault(f"under:{group}", _shorten(group, length))
                        if header.labels:
                            path = *header.under, header.labels[0]
                            paths.setdefault(f"{kind}:{table.key}.{header.key}", path)
    printed = Counter(path[-1] for path in set(paths.values()))
    for label, path in paths.items():
        # Several rows and columns may be printed alike: then the group says which.
        if printed[path[-1]] > 1 and len(path) > 1:
            names[label] = f"{_shorten(path[-2], 5)}·{_shorten(path[-1], 5)}"
        else:
            names[label] = _shorten(path[-1], length)
    return names


def _shorten(text: str, length: int) -> str:
    """The words of a label without its number and what stands in brackets behind them."""
    text = re.sub(r"^(（.{1,2}）|[一二三四五六七八九十]+、|\d+[.．、])", "", text)
    text = re.sub(r"（.*$", "", text) or text
    text = text.replace("未经复议直接起诉", "直接起诉")
    return text if len(text) <= length else text[: length - 1] + "…"


def _tag_texts(choice: Choice) -> list[str]:
    """What may stand beside a token, the longest first: its name if it is a header, its confidence if that
    is low; nothing where there is nothing to say."""
    long, short = (short_names(n).get(choice.label, "") if is_header(choice.label) else "" for n in (14, 8))
    half = -(-len(short) // 2)
    names = [long, long.replace("·", "\n"), short, f"{short[:half]}\n{short[half:]}" if half > 2 else short]
    if choice.confidence >= SURE:
        return [name for name in dict.fromkeys(names) if name]
    if not names[0] and choice.label != OTHER:
        names = [kind_of(choice.label).name.split()[-1]]
    percent = f"{100 * choice.confidence:.0f}%"
    return list(dict.fromkeys([*(f"{name} {percent}".strip() for name in names), percent]))


# Fonts


@cache
def find_font() -> tuple[Path, int]:
    """A font with Chinese characters and its place in the file.

    Raises:
        UsageError: none is installed where fonts usually are.
    """
    folders = [folder for name in _FONT_FOLDERS if (folder := Path(name).expanduser()).is_dir()]
    for patterns in _FONTS:
        for pattern in patterns:
            for folder in folders:
                for path in sorted(folder.rglob(pattern)):
                    if path.suffix.lower() in (".ttc", ".otf", ".ttf"):
                        return path, _simplified_index(path)
    raise UsageError(
        "no font with Chinese characters was found; install one (Debian: fonts-noto-cjk,"
        " fonts-wqy-zenhei) or name a file with --font"
    )


def _simplified_index(path: Path) -> int:
    """A collection has a face for each country."""
    if path.suffix.lower() != ".ttc":
        return 0
    for index in range(12):
        try:
            if re.search(r"\b(SC|CN)\b", ImageFont.truetype(str(path), 12, index=index).getname()[0] or ""):
                return index
        except OSError:
            break
    return 0


class Pens:
    """The chosen font in the sizes asked for."""

    def __init__(self, path: Path | None = None) -> None:
        self._path, self._index = (path, 0) if path else find_font()
        self._fonts: dict[int, ImageFont.FreeTypeFont] = {}

    def __call__(self, size: int) -> ImageFont.FreeTypeFont:
        if size not in self._fonts:
            try:
                self._fonts[size] = ImageFont.truetype(str(self._path), size, index=self._index)
            except OSError as error:
                raise UsageError(f"{self._path}: not a font ({error}); name another with --font") from error
        return self._fonts[size]


# Pages


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
            draw.rectangle(_grow(mark.bbox, 2), outline=_DOUBT, width=2)
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
        for text, size in ((text, size) for text in _tag_texts(choice) for size in (17, 15, 13)):
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
            draw.rectangle(place, fill=(255, 255, 255), outline=_DOUBT if doubtful else kind.tint)
            for line, word in enumerate(words):
                at = place.center[0], place.top + 2 + size * (line + 0.5)
                draw.text(at, word, font=font, fill=_DOUBT if doubtful else kind.ink, anchor="mm")
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


# Texts

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
        in_row = bool(spans) and len(line.strip()) <= _SMALL and not any(_tag_texts(c) for *_, c in spans)
        if is_blank and blank:
            continue
        blank = is_blank
        block = _draw_line(number, line, spans, pens)
        if in_row and was_in_row and blocks[-1].width + block.width < _COLUMNS * _CELL_PX:
            blocks[-1] = _side_by_side([blocks[-1], block], gap=0, background=_PAPER)
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
        return Image.new("RGB", (left, _BLANK_PX), _PAPER)
    has_tags = any(_tag_texts(choice) for _, _, choice in spans)
    more = 0
    if rows > 1 and not any(is_header(choice.label) for _, _, choice in spans):
        shown = sum(glyph.row == 0 and glyph.column < _COLUMNS - 12 for glyph in glyphs)
        more, rows, glyphs = len(line) - shown, 1, glyphs[:shown]
    row_px = _ROW_PX + (_GLOSS_PX if has_tags else 0)
    columns = max((glyph.column + glyph.width for glyph in glyphs), default=0)
    room = 14 if more > 0 else _GLOSS_COLUMNS if has_tags else 1
    width = left + (columns + room) * _CELL_PX
    block = Image.new("RGB", (width, rows * row_px + 1), _PAPER)
    draw = ImageDraw.Draw(block)
    draw.text((left - 14, 6), str(number), font=pens(12), fill=_SOFT, anchor="ra")

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
                    (around.left, around.top, around.right - 2, around.bottom), outline=_DOUBT, width=2
                )
    font = pens(_TEXT_PX)
    for char, glyph in zip(line, glyphs, strict=False):
        around = box(glyph)
        x, y = around.center
        if char == "\t":
            draw.text((around.left + 6, y), "→", font=pens(13), fill=_FAINT, anchor="lm")
        elif not char.isspace():
            draw.text((x, y), char, font=font, fill=_INK, anchor="mm")
    if more > 0:
        end = box(glyphs[-1]).right if glyphs else left
        draw.text((end + 8, _ROW_PX / 2), f"… {more:,} more", font=pens(13), fill=_SOFT, anchor="lm")
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
        texts = [text for text in _tag_texts(choice) if "\n" not in text]
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
            color = _DOUBT if choice.confidence < SURE else kind_of(choice.label).ink
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
        column = Image.new("RGB", (max(b.width for b in panel), sum(b.height for b in panel)), _PAPER)
        y = 0
        for block in panel:
            column.paste(block, (0, y))
            y += block.height
        columns.append(column)
    return _side_by_side(columns, background=_PAPER)


# Sheet


def add_legend(picture: Image.Image, heading: str, choices: Sequence[Choice], pens: Pens) -> Image.Image:
    """The picture below a strip that says what it is and what the tints mean."""
    counts = Counter(choice.label.partition(":")[0] for choice in choices)
    n_doubtful = sum(choice.confidence < SURE for choice in choices)
    zoom = min(max(picture.width / 2400, 1.0), 2.4)  # a wide sheet is looked at from afar
    height, margin, side = (round(zoom * px) for px in (92, 24, 22))
    sheet = Image.new("RGB", (max(picture.width, 1500), picture.height + height), _PAPER)
    sheet.paste(picture, (0, height))
    draw = ImageDraw.Draw(sheet)
    draw.text((margin, margin), heading, font=pens(round(22 * zoom)), fill=_INK, anchor="lm")
    font = pens(round(17 * zoom))
    x, y = float(margin), 65 * zoom
    entries = [
        (f"{kind.name}  {counts[key]}", kind.tint, kind.ink, _INK if counts[key] else _SOFT)
        for key, kind in KINDS.items()
    ]
    for words, tint, outline, ink in (*entries, (f"below {SURE:.0%}  {n_doubtful}", _PAPER, _DOUBT, _DOUBT)):
        draw.rectangle(
            (x, y - side / 2, x + side, y + side / 2), fill=tint, outline=outline, width=round(zoom)
        )
        draw.text((x + 1.4 * side, y), words, font=font, fill=ink, anchor="lm")
        x += 2.5 * side + font.getlength(words)
    draw.line((0, height - 1, sheet.width, height - 1), fill=_FAINT)
    return sheet


def draw_document(
    path: Path,
    labeller: PageLabeller,
    name: str,
    *,
    page: int | None = None,
    font: Path | None = None,
) -> Image.Image:
    """The overlay picture of a document: one page, or those that have labels of a form side by side.

    Raises:
        GiarError: the file cannot be read, has no such page or no paper, or there is no font.
    """
    pens = Pens(font)
    pages = read_pages(path)
    labelled = labeller.label_pages([found.placed() for found in pages])
    choices = [[choose_label(labels) for labels in found] for found in labelled]
    chosen = _choose_pages(path, pages, choices, page)
    shown = [choice for i in chosen for choice in choices[i]]
    if pages[chosen[0]].paper:
        sources = {source.number: source for source in load(path).pages}
        drawn = []
        for i in chosen:
            source = sources[pages[i].number]
            if source.image is None:
                raise UsageError(f"{path.name}: page {source.number} has no picture to draw on")
            picture = Image.fromarray(source.image)
            tokens = _fit(pages[i], picture)
            drawn.append(draw_page(picture, tokens, choices[i], pens))
        body = _side_by_side(drawn)
        numbers = ", ".join(str(pages[i].number) for i in chosen)
        where = f"page{'s' if len(chosen) > 1 else ''} {numbers} of {len(pages)}"
    else:
        if not pages[chosen[0]].lines:
            raise UsageError(f"{path.name}: a flowing document has no pages to draw; give its PDF or text")
        body = draw_text(pages[chosen[0]].lines, pages[chosen[0]].tokens, choices[chosen[0]], pens)
        where = f"{len(pages[chosen[0]].lines)} lines"
    heading = f"{path.name}   {where}   {len(shown)} tokens, labelled by the {name}"
    return add_legend(body, heading, shown, pens)


def _choose_pages(
    path: Path, pages: Sequence[ReadPage], choices: Sequence[Sequence[Choice]], number: int | None
) -> list[int]:
    if number is not None:
        found = [i for i, page in enumerate(pages) if page.number == number]
        if not found:
            raise UsageError(f"{path.name}: no page {number}; it has {len(pages)}")
        return found
    with_headers = [i for i, found in enumerate(choices) if any(is_header(choice.label) for choice in found)]
    return with_headers[:MAX_PAGES] or [0]


def _fit(page: ReadPage, picture: Image.Image) -> list[Token]:
    """The tokens in pixels of the picture."""
    x, y = picture.width / page.width, picture.height / page.height
    return [
        Token(t.text, BBox(t.bbox.left * x, t.bbox.top * y, t.bbox.right * x, t.bbox.bottom * y))
        for t in page.tokens
    ]


def _side_by_side(
    pictures: Sequence[Image.Image], *, gap: int = 16, background: tuple[int, int, int] = _FAINT
) -> Image.Image:
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(picture.height for picture in pictures)), background)
    x = 0
    for picture in pictures:
        sheet.paste(picture, (x, 0))
        x += picture.width + gap
    return sheet


# Command


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m eval.label_overlay",
        description="Draws what each token of a document was taken for.",
    )
    parser.add_argument("document", type=Path, metavar="DOCUMENT", help="a PDF, a picture or a text")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.png")
    parser.add_argument(
        "--page", type=int, metavar="N", help="one page (default: those with labels of a form)"
    )
    parser.add_argument(
        "--labeller", choices=PREFERRED, help="default: the first that is there, in this order"
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="the classifier, if not the one installed")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="the trained logistic regression")
    parser.add_argument("--font", type=Path, metavar="FILE", help="a font with Chinese characters")
    args = parser.parse_args(arguments)
    try:
        labellers, missing = load_labellers(model=args.model, baseline=args.baseline)
        name = args.labeller or next(name for name in PREFERRED if name in labellers)
        if name not in labellers:
            raise UsageError(missing[name])
        picture = draw_document(args.document, labellers[name], name, page=args.page, font=args.font)
        args.output.parent.mkdir(parents=True, exist_ok=True)
        picture.save(args.output)
    except GiarError as error:
        complain(str(error))
        return error.exit_status
    except (OSError, ValueError) as error:
        complain(f"{args.output}: cannot be written ({error}); choose another -o")
        return UsageError.exit_status
    print(f"wrote {args.output}: {picture.width} by {picture.height} pixels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
