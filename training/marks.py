"""What happens to paper before it is scanned: marks on the figures of a page, in place."""

from __future__ import annotations

import cv2
import numpy as np

from giar_ml.document import BBox

# Rules and their soft edges take this much of a cell on every side.
RULE_PX = 4
INK_BELOW = 140


def find_ink(page: np.ndarray, cell: BBox) -> BBox:
    """The ink inside a cell's rules; raises ValueError when the cell is blank."""
    left, top, right, bottom = (round(v) for v in cell)
    inside = page[top + RULE_PX : bottom - RULE_PX, left + RULE_PX : right - RULE_PX]
    rows, columns = np.nonzero(inside.max(axis=2) < INK_BELOW)
    if not len(rows):
        raise ValueError(f"no ink in the cell at {cell}")
    left, top = left + RULE_PX, top + RULE_PX
    return BBox(
        left + int(columns.min()),
        top + int(rows.min()),
        left + int(columns.max()) + 1,
        top + int(rows.max()) + 1,
    )


def add_flag(page: np.ndarray, ink: BBox) -> None:
    """A hair of dirt at the head of the first figure: a 1 looks like a 7."""
    left, top, _, bottom = map(int, ink)
    reach = max(6, (bottom - top) // 2)
    cv2.line(page, (left - reach + 4, top + 2), (left + 5, top + 1), (45, 45, 45), 2, cv2.LINE_AA)


def fade(page: np.ndarray, ink: BBox, *, strength: float = 0.8) -> None:
    """Toner that did not hold: `strength` of the darkness is gone."""
    left, top, right, bottom = map(int, ink)
    area = page[top - 2 : bottom + 2, left - 2 : right + 2]
    area[:] = (255 - (255 - area.astype(float)) * (1 - strength)).astype(np.uint8)


def nick(page: np.ndarray, ink: BBox) -> None:
    """A scratch through the left side of the figure: an 8 looks like a 3."""
    left, top, right, bottom = map(int, ink)
    height, width = bottom - top, right - left
    for start in (0.18, 0.55):
        y = top + round(start * height)
        page[y : y + round(0.27 * height), left - 1 : left + round(0.36 * width)] = 255


def blot(page: np.ndarray, ink: BBox, rng: np.random.Generator) -> None:
    """A drop of ink that hides the figure."""
    left, top, right, bottom = ink
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    radius = max(right - left, bottom - top) * 0.62
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    edge = radius * rng.uniform(0.85, 1.1, len(angles))
    outline = centre + np.stack([np.cos(angles), np.sin(angles)], axis=1) * edge[:, None]
    cv2.fillPoly(page, [outline.round().astype(np.int32)], (38, 38, 52), cv2.LINE_AA)


def stroke(page: np.ndarray, start: BBox, stop: BBox, rng: np.random.Generator) -> None:
    """A ball pen slipping from one figure to another."""
    a, b = np.array(start.center), np.array(stop.center)
    t = np.linspace(-0.25, 1.25, 60)[:, None]
    line = a + (b - a) * t
    line[:, 1] += 4 * np.sin(np.linspace(0, 5, 60)) + np.cumsum(rng.normal(0, 0.25, 60))
    cv2.polylines(page, [line.round().astype(np.int32)], False, (40, 50, 120), 3, cv2.LINE_AA)


def seal(page: np.ndarray, centre: tuple[float, float], radius: int) -> None:
    """A round red seal, the ink below shining through."""
    layer = np.full_like(page, 255)
    x, y = round(centre[0]), round(centre[1])
    red = (205, 40, 40)
    cv2.circle(layer, (x, y), radius, red, max(4, radius // 18), cv2.LINE_AA)
    angles = -np.pi / 2 + np.arange(5) * 4 * np.pi / 5
    star = np.array([x, y]) + 0.36 * radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cv2.fillPoly(layer, [star.round().astype(np.int32)], red, cv2.LINE_AA)
    # Letters would need a font: short strokes on an arc look like them from afar.
    for angle in np.linspace(0.8 * np.pi, 2.2 * np.pi, 11):
        for offset in (-0.05, 0.0, 0.05):
            inner, outer = (
                np.array([x, y]) + r * radius * np.array([np.cos(angle + offset), np.sin(angle + offset)])
                for r in (0.68, 0.85)
            )
            cv2.line(layer, tuple(inner.astype(int)), tuple(outer.astype(int)), red, 3, cv2.LINE_AA)
    page[:] = np.minimum(page, layer)
