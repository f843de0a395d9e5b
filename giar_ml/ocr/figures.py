"""Reads the figures in table cells: a small model that knows digits, signs and dirt, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from giar_ml.document import BBox
from giar_ml.levels import Levels
from giar_ml.models import shipped_model
from giar_ml.ocr.batches import width_batches
from giar_ml.ocr.engine import FIGURE_ALPHABET
from giar_ml.ocr.networks import STEP_PX, load_network, run_network

HEIGHT_PX = 32
HEIGHT_IN = 0.18
"""What a crop shows of the page from top to bottom: figures of 6 to 14 pt, and a bit of what is around."""
PX_PER_IN = HEIGHT_PX / HEIGHT_IN
"""Resolution of all crops: a speck stays smaller than a digit."""
MARGIN_PX = 9
"""Shown on the left and right of a line."""
MAX_SHARE = 0.8
"""Of the crop's height: a higher line is scaled down to it."""
MAX_WIDTH_PX = 512
"""A longer line is squeezed: 123,456,789.00 has about 150 px."""
MIN_DEPTH = 48
"""Grey levels between paper and black of a crop, at least: a pale stain stays pale."""
BATCH_PX = 4096
SETTINGS = "figures.json"


def figure_crop(gray: np.ndarray, bbox: BBox, *, dpi: float, extra_px: int = 0) -> np.ndarray:
    """The page around a line of ink at a fixed scale, (32, W) uint8: 255 is paper, 0 the line's darkest ink.

    Args:
        gray: (H, W) uint8, the upright page.
        bbox: the line's ink, in pixels of the page; see `giar_ml.ocr.lines.Line`.
        dpi: resolution of the page.
        extra_px: crop pixels to show besides on each side.
    """
    scale = min(PX_PER_IN / dpi, MAX_SHARE * HEIGHT_PX / max(1.0, bbox.height))
    height = HEIGHT_PX + 2 * extra_px
    wanted = bbox.width * scale + 2 * MARGIN_PX
    width = min(MAX_WIDTH_PX, max(2 * MARGIN_PX + 1, round(wanted))) + 2 * extra_px
    x, y = bbox.center
    reach_x, reach_y = (wanted / 2 + extra_px) / scale, height / 2 / scale
    seen = _cut(gray, round(x - reach_x), round(y - reach_y), round(x + reach_x), round(y + reach_y))
    paper = Levels(seen).paper
    left, top, right, bottom = (round(side) for side in bbox)
    line = _cut(gray, left, top, max(right, left + 1), max(bottom, top + 1))
    depth = max(MIN_DEPTH, paper - Levels(line).quantile(0.01))
    is_smaller = height < seen.shape[0]
    scaled = cv2.resize(
        seen, (width, height), interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    )
    ink = np.clip((paper - scaled.astype(np.float32)) / depth, 0, 1)
    return np.asarray(np.rint(255 * (1 - ink)), np.uint8)


def _cut(gray: np.ndarray, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """A part of the page; beyond the edges the edge goes on."""
    height, width = gray.shape
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return gray[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1][
        np.ix_(rows - rows[0], columns - columns[0])
    ]


@dataclass(frozen=True)
class FigureReader:
    """Reads crops of `figure_crop`; see `load_figure_reader`."""

    session: Any

    def read(self, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
        """CTC log posteriors of `FIGURE_ALPHABET` for each (32, W) uint8 crop: (T, 16) float32, T is W / 4.

        A crop without a figure has the empty text: blanks alone.
        """
        return run_network(self.session, crops, batch_px=BATCH_PX)


def figure_batches(crops: Sequence[np.ndarray]) -> list[tuple[int, list[int]]]:
    """The crops that are run together, see `width_batches`."""
    return width_batches([crop.shape[1] for crop in crops], step_px=STEP_PX, batch_px=BATCH_PX)


def shipped_figure_model() -> Path:
    """Where the model is that comes with the program; it may be missing."""
    return shipped_model().parent / "figures"


def load_figure_reader(folder: Path | None = None, *, n_threads: int = 1) -> FigureReader:
    """The reader of figures in a model folder, on the processor.

    Args:
        folder: None for the shipped one.
        n_threads: for so small a model more than one is slower; 0 for as many as there are cores.

    Raises:
        EngineError: no such model is there, or it is damaged.
    """
    wanted = {"alphabet": list(FIGURE_ALPHABET), "height_px": HEIGHT_PX, "px_per_in": round(PX_PER_IN, 3)}
    session, _ = load_network(
        folder or shipped_figure_model(),
        SETTINGS,
        wanted,
        what="figures",
        command="python -m training.train_figures",
        n_threads=n_threads,
    )
    return FigureReader(session)
