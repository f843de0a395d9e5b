"""What pictures of pages and of texts share: the tints of the kinds of labels, the inks, the font."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageFont

from giar_ml.errors import UsageError
from giar_ml.label.names import OTHER

SURE = 0.9
"""A lower confidence is marked."""


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
PAPER = (252, 252, 250)
INK = (35, 38, 44)
SOFT = (130, 134, 142)
FAINT = (205, 207, 210)
DOUBT = (216, 30, 40)
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


def kind_of(label: str) -> Kind:
    return KINDS.get(label.partition(":")[0], KINDS[OTHER])


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


def side_by_side(
    pictures: Sequence[Image.Image], *, gap: int = 16, background: tuple[int, int, int] = FAINT
) -> Image.Image:
    """The pictures in a row, their tops in line."""
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(picture.height for picture in pictures)), background)
    x = 0
    for picture in pictures:
        sheet.paste(picture, (x, 0))
        x += picture.width + gap
    return sheet
