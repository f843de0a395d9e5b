"""What scanning, copying and dirt do to a crop of a figure."""

from __future__ import annotations

import cv2
import numpy as np

from giar_ml.ocr.figures import HEIGHT_PX, MARGIN_PX
from training.figure_reader.crops import EXTRA_PX

LIGHTLY = 0.3
"""Share of the chances for a crop that was scanned badly."""

# All functions take and give (h, w) float32 ink: 0 is paper, 1 is black.


def augment(crop: np.ndarray, rng: np.random.Generator, *, empty: bool, lightly: bool = False) -> np.ndarray:
    """A crop as another scan might show it, (32, W) uint8.

    Args:
        crop: (44, W + 12) uint8, with `EXTRA_PX` more on each side.
        empty: it shows no figure; dirt is put on more often.
        lightly: it was scanned as badly as reports are: what is worse would teach doubt where none is due.
    """
    ink = 1 - crop.astype(np.float32) / 255

    def chance(share: float) -> bool:
        return bool(rng.random() < (LIGHTLY * share if lightly else share))

    ink = _move(ink, rng, shift_px=1.5 if empty else 3.0)
    if chance(0.25):
        ink = _thicken(ink, rng)
    if chance(0.12):
        ink = _fade(ink, rng)
    if chance(0.06) and not empty:
        ink = _scratch(ink, rng)
    if chance(0.45 if empty else 0.2):
        ink = _add_rules(ink, rng)
    if chance(0.14):
        ink = _add_seal(ink, rng)
    if chance(0.4 if empty else 0.2):
        ink = _add_specks(ink, rng, anywhere=empty)
    if chance(0.35):
        ink = _scan_coarsely(ink, rng)
    if chance(0.35):
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.1)), np.float32)
    if chance(0.1):
        ink = _smear(ink, rng)
    if chance(0.5):
        ink = ink * rng.uniform(0.35, 1.2) + rng.uniform(-0.06, 0.12)
    if chance(0.5):
        ink = ink + rng.normal(0, rng.uniform(0.01, 0.12), ink.shape).astype(np.float32)
    if chance(0.08):
        ink = (ink > rng.uniform(0.3, 0.6) * ink.max()).astype(np.float32)
    return np.asarray(np.rint(255 * (1 - np.clip(ink, 0, 1))), np.uint8)


def centre(crop: np.ndarray) -> np.ndarray:
    """The crop as `figure_crop` gives it."""
    return crop[EXTRA_PX:-EXTRA_PX, EXTRA_PX:-EXTRA_PX]


def _move(ink: np.ndarray, rng: np.random.Generator, *, shift_px: float) -> np.ndarray:
    height, width = ink.shape
    across, down = rng.uniform(0.92, 1.08, 2) * rng.uniform(0.93, 1.07)
    slant, tilt = rng.uniform(-0.08, 0.08), np.radians(rng.uniform(-1.2, 1.2))
    linear = np.array([[across, slant], [tilt, down]])
    shift = rng.uniform(-shift_px, shift_px, 2) * (0.7, 1)
    target = np.array([(width - 2 * EXTRA_PX) / 2, (height - 2 * EXTRA_PX) / 2]) + shift
    offset = target - linear @ np.array([width / 2, height / 2])
    matrix = np.hstack([linear, offset[:, None]]).astype(np.float32)
    size = (width - 2 * EXTRA_PX, height - 2 * EXTRA_PX)
    return np.asarray(
        cv2.warpAffine(ink, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _thicken(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bolder or thinner strokes."""
    kernel = np.ones((3, 3), np.uint8) if rng.random() < 0.4 else np.ones((2, 2), np.uint8)
    changed = cv2.dilate(ink, kernel) if rng.random() < 0.5 else cv2.erode(ink, kernel)
    share = rng.uniform(0.2, 0.75)
    return np.asarray(share * changed + (1 - share) * ink, np.float32)


def _fade(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Toner that did not hold everywhere."""
    coarse = rng.random((max(2, ink.shape[0] // 5), max(2, ink.shape[1] // 5))).astype(np.float32)
    smooth = cv2.resize(coarse, ink.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(ink * np.clip(smooth * 1.6 + rng.uniform(-0.1, 0.4), 0.1, 1), np.float32)


def _scratch(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A thin line without ink."""
    height, width = ink.shape
    ends = rng.uniform((-4, 4, 0, 4), (width, height - 4, width + 4, height - 4))
    layer = np.zeros(ink.shape, np.float32)
    _line(layer, *ends, thickness=1)
    return np.asarray(ink * (1 - rng.uniform(0.4, 0.95) * layer), np.float32)


def _add_rules(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rules, or what is left of them, at the edges of the crop."""
    height, width = ink.shape
    layer = np.zeros(ink.shape, np.float32)
    for _ in range(int(rng.integers(1, 3))):
        thickness = int(rng.integers(1, 4))
        if rng.random() < 0.6:
            y = rng.uniform(-1, 3) if rng.random() < 0.5 else height - 1 - rng.uniform(-1, 3)
            start, stop = sorted(rng.uniform(-width, 2 * width, 2))
            _line(layer, start, y, stop, y + rng.uniform(-0.7, 0.7), thickness=thickness)
        else:
            is_whole = rng.random() < 0.8
            # What is left of a rule close to a digit may as well be a 1; a whole one may not.
            inwards = rng.uniform(-1, 6 if is_whole else 3)
            x = inwards if rng.random() < 0.5 else width - 1 - inwards
            reach = (-2.0, height + 2.0) if is_whole else sorted(rng.uniform(-8, height + 8, 2))
            _line(layer, x, reach[0], x + rng.uniform(-0.7, 0.7), reach[1], thickness=thickness)
    return np.maximum(ink, layer * rng.uniform(0.3, 1))


def _add_seal(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A part of a seal, its ring or strokes of its characters: they darken what they cross."""
    height, width = ink.shape
    layer = np.zeros(ink.shape, np.float32)
    near = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    angle = rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.65:
        radius = rng.uniform(35, 160)
        x, y = near + radius * np.array([np.cos(angle), np.sin(angle)])
        thickness = int(rng.integers(1, 8))
        cv2.circle(layer, (round(x), round(y)), round(radius), (1.0,), thickness, cv2.LINE_AA)
    if rng.random() < 0.55:
        across = np.array([np.cos(angle), np.sin(angle)])
        down = np.array([-across[1], across[0]])
        for _ in range(int(rng.integers(2, 9))):
            start = near + rng.uniform(-14, 14) * across + rng.uniform(-14, 14) * down
            stop = start + rng.uniform(6, 22) * (across if rng.random() < 0.5 else down)
            _line(layer, *start, *stop, thickness=int(rng.integers(1, 4)))
    strength = layer * rng.uniform(0.1, 0.75)
    return np.asarray(1 - (1 - ink) * (1 - strength), np.float32)


def _add_specks(ink: np.ndarray, rng: np.random.Generator, *, anywhere: bool) -> np.ndarray:
    """Specks of dirt; beside the figure, for one at its foot would be a decimal point."""
    height, width = ink.shape
    layer = np.zeros(ink.shape, np.float32)
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        radius = rng.uniform(0.5, 2.4 if anywhere else 1.3)
        beside = not MARGIN_PX - 4 < x < width - MARGIN_PX + 4 or not 0.3 * height < y < 0.85 * height
        if anywhere or beside or radius < 0.7:
            centre_px = (round(x * 16), round(y * 16))
            cv2.circle(
                layer, centre_px, round(radius * 16), (float(rng.uniform(0.4, 1)),), -1, cv2.LINE_AA, 4
            )
    if anywhere and rng.random() < 0.25:
        # A hair, a slip of the pen.
        ends = rng.uniform((-width, -HEIGHT_PX, 0, 0), (width, HEIGHT_PX, 2 * width, 2 * HEIGHT_PX))
        _line(layer, *ends, thickness=1)
    return np.maximum(ink, layer)


def _scan_coarsely(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fewer pixels, down to digits of eight, often of one bit, as a fax has them."""
    height, width = ink.shape
    scale = rng.uniform(0.42, 1.1)
    small = cv2.resize(
        ink, (max(4, round(width * scale)), max(4, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    if rng.random() < 0.6:
        rough = small + rng.normal(0, rng.uniform(0.01, 0.08), small.shape)
        small = (rough > rng.uniform(0.25, 0.6) * max(0.3, small.max())).astype(np.float32)
        if rng.random() < 0.3:
            flipped = rng.random(small.shape) < rng.uniform(0.0005, 0.01)
            small = np.where(flipped, 1 - small, small).astype(np.float32)
        if rng.random() < 0.15:
            small = _break_rows(small, rng)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _break_rows(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A row or two of pixels lost, sent twice or moved to the side."""
    broken = ink.copy()
    for _ in range(int(rng.integers(1, 3))):
        row = int(rng.integers(1, len(ink)))
        kind = rng.random()
        if kind < 0.4:
            broken[row] = broken[row - 1]
        elif kind < 0.6:
            broken[row:-1] = broken[row + 1 :].copy()
        else:
            broken[row] = np.roll(broken[row], int(rng.choice([-2, -1, 1, 2])))
    return broken


def _smear(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A camera that moved."""
    n_px = int(rng.integers(2, 5))
    kernel = np.full((1, n_px), 1 / n_px, np.float32)
    return np.asarray(cv2.filter2D(ink, -1, kernel if rng.random() < 0.5 else kernel.T))


def _line(layer: np.ndarray, x0: float, y0: float, x1: float, y1: float, *, thickness: int) -> None:
    """Draw a line of ink, to a sixteenth of a pixel."""
    start, stop = ((round(x * 16), round(y * 16)) for x, y in ((x0, y0), (x1, y1)))
    cv2.line(layer, start, stop, (1.0,), thickness, cv2.LINE_AA, 4)
