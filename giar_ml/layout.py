"""Page -> Page with regions: table areas, titles, text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import cv2
import numpy as np
from layoutparser.elements import Layout, Rectangle, TextBlock
from layoutparser.models.base_layoutmodel import BaseLayoutModel

from giar_ml.document import BBox, Page
from giar_ml.errors import EngineError
from giar_ml.geometry import runs
from giar_ml.levels import page_paper_level
from giar_ml.tables import cells_to_tables
from giar_ml.tables.rules import RULES, estimate_dpi, find_rules, group_rules, to_gray
from giar_ml.tables.ruling import Rules

if TYPE_CHECKING:
    from PIL import Image

MIN_LINE_IN = 0.04
"""Lower bands of ink are specks and underlines."""
INK_LEVEL = 60
"""Grey levels by which ink is darker than the paper of the page."""
THIN_DPI = 110.0
"""Of coarser pages strokes are one pixel wide: all is ink there that has a neighbour."""


class Detector(Protocol):
    """Any layoutparser detection model."""

    def detect(self, image: np.ndarray) -> Layout: ...


class RuleLayoutModel(BaseLayoutModel):
    """Table regions from connected ruling lines, text from the ink between them.

    Args:
        dpi: resolution of the images; that of an A4 page when not given.
        rules: those of the image, where they are known.
    """

    DEPENDENCIES: Sequence[str] = ()
    DETECTOR_NAME = RULES
    MODEL_CATALOG: ClassVar[dict[str, dict[str, str]]] = {}

    def __init__(self, *, dpi: float | None = None, rules: Rules | None = None) -> None:
        self.dpi = dpi
        self.rules = rules

    def detect(self, image: np.ndarray | Image.Image) -> Layout:
        """Blocks of type table, title and text in reading order."""
        pixels = self.image_loader(image)
        dpi = self.dpi or estimate_dpi(pixels)
        groups = group_rules(self.rules or find_rules(pixels, dpi=dpi), dpi=dpi)
        tables = [table.bbox for table in cells_to_tables(groups, page=1, dpi=dpi)]
        blocks = [_block(bbox, "table") for bbox in tables]
        blocks += [_block(bbox, type_) for bbox, type_ in _text_bands(to_gray(pixels), tables, dpi=dpi)]
        return Layout(sorted(blocks, key=lambda block: (block.coordinates[1], block.coordinates[0])))

    def image_loader(self, image: np.ndarray | Image.Image) -> np.ndarray:
        return np.asarray(image)


def load_detector(spec: str = RULES) -> Detector:
    """A layout detector: "rules", or a config path of layoutparser ("lp://...", or a .yaml file).

    Raises:
        EngineError: layoutparser does not know the model, or its backend or weights are missing.
    """
    if spec == RULES:
        return RuleLayoutModel()
    # Imported here: it looks for three deep-learning frameworks.
    from layoutparser.models.auto_layoutmodel import AutoLayoutModel

    try:
        model: Any = AutoLayoutModel(spec)
    except (ImportError, ValueError, OSError) as error:
        raise EngineError(
            f"Layout model {spec!r} cannot be loaded: {str(error).strip()} "
            f"Use {RULES!r}, or install its backend."
        ) from error
    if model is None:
        raise EngineError(
            f"Layout model {spec!r} names no backend that layoutparser knows "
            "(detectron2, paddledetection, efficientdet)."
        )
    return model


def detect_layout(page: Page, detector: Detector) -> Page:
    """The page with `layout` set: blocks of type table, title or text, in reading order.

    Names of other detectors are brought to these three (Table, TableRegion -> table).
    """
    if page.image is None or page.kind == "text":
        return page
    if isinstance(detector, RuleLayoutModel) and page.dpi is not None:
        detector = RuleLayoutModel(dpi=page.dpi, rules=page.rules)
    image = page.image if page.image.ndim == 3 else cv2.cvtColor(page.image, cv2.COLOR_GRAY2RGB)
    blocks = [block.set(type=_common_type(block.type)) for block in detector.detect(image)]
    blocks.sort(key=lambda block: (block.coordinates[1], block.coordinates[0]))
    return replace(page, layout=Layout(blocks))


def _common_type(type_: object) -> str:
    name = str(type_ or "").lower()
    if name.startswith("tab"):
        return "table"
    return "title" if name.startswith(("title", "head")) else "text"


def _block(bbox: BBox, type_: str) -> TextBlock:
    return TextBlock(Rectangle(*bbox), type=type_)


def _text_bands(gray: np.ndarray, tables: Sequence[BBox], *, dpi: float) -> list[tuple[BBox, str]]:
    """Paragraphs outside the tables; a single line right above a table is its title."""
    ink = find_ink(gray, tables, margin=round(0.03 * dpi), dpi=dpi)
    lines = [
        (start, stop)
        for start, stop in runs(ink.sum(axis=1) > 0, gap=round(0.01 * dpi))
        if stop - start >= MIN_LINE_IN * dpi
    ]
    bands: list[list[tuple[int, int]]] = []
    for line in lines:
        previous = bands[-1][-1] if bands else None
        apart = previous is None or line[0] - previous[1] > 1.6 * (previous[1] - previous[0])
        crossed = previous is not None and any(previous[1] <= t.center[1] <= line[0] for t in tables)
        if apart or crossed:
            bands.append([line])
        else:
            bands[-1].append(line)
    blocks = []
    for band in bands:
        last = band[-1]
        is_title = any(0 <= t.top - last[1] + 0.05 * dpi <= 0.35 * dpi for t in tables)
        pieces = [band[:-1], [last]] if is_title else [band]
        for piece, type_ in zip(pieces, ["text", "title"] if is_title else ["text"], strict=True):
            if piece:
                top, bottom = piece[0][0], piece[-1][1]
                columns = np.flatnonzero(ink[top:bottom].any(axis=0))
                bbox = BBox(float(columns[0]), float(top), float(columns[-1] + 1), float(bottom))
                blocks.append((bbox, type_))
    return blocks


def find_ink(gray: np.ndarray, tables: Sequence[BBox], *, margin: int, dpi: float) -> np.ndarray:
    """(H, W) bool: dark pixels outside the tables, single specks left out."""
    paper = page_paper_level(gray)
    ink = (gray < paper - INK_LEVEL).astype(np.uint8)
    for table in tables:
        left, top = max(0, int(table.left) - margin), max(0, int(table.top) - margin)
        ink[top : int(table.bottom) + margin + 1, left : int(table.right) + margin + 1] = 0
    if dpi < THIN_DPI:
        beside = cv2.dilate(ink, np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.uint8))
        return np.asarray((ink > 0) & (beside > 0))
    return cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).astype(bool)
