"""Where points of a page go when it is made upright, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from giar_ml.document import BBox

DEGREE = 4
"""Of the polynomials: a sheet that is bent, seen at an angle."""
TERMS = tuple((i, j) for n in range(1, DEGREE + 1) for i in range(n, -1, -1) for j in (n - i,))
"""Powers of x and y in one coordinate's polynomial."""
_STEP_PX = 16
"""The field is so smooth that it is computed at every 16th pixel and interpolated between."""


@dataclass(frozen=True)
class Field:
    """A smooth displacement: upright = seen + P((seen - centre) / radius).

    `across` and `down` are the coefficients of P for x and y in the order of `TERMS`, in pixels.
    """

    center: tuple[float, float]
    radius: float
    across: tuple[float, ...]
    down: tuple[float, ...]

    def apply(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) points as seen -> upright."""
        return points + self._displacements(points)

    def invert(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) upright points -> as seen, to a hundredth of a pixel where slopes are below 0.3."""
        seen = points
        for _ in range(8):
            seen = points - self._displacements(seen)
        return seen

    def largest(self, width: float, height: float) -> float:
        """The longest displacement on a page of that size, pixels."""
        xs, ys = np.meshgrid(np.linspace(0, width, 9), np.linspace(0, height, 9))
        moved = self._displacements(np.stack([xs.ravel(), ys.ravel()], axis=1))
        return float(np.hypot(moved[:, 0], moved[:, 1]).max())

    def _displacements(self, points: np.ndarray) -> np.ndarray:
        terms = monomials((points - self.center) / self.radius)
        return np.stack([terms @ np.array(self.across), terms @ np.array(self.down)], axis=1)


def monomials(points: np.ndarray) -> np.ndarray:
    """(N, len(TERMS)) powers of (N, 2) points."""
    powers = np.ones((DEGREE + 1, *points.shape))
    for n in range(1, DEGREE + 1):  # many times as fast as `**`
        np.multiply(powers[n - 1], points, out=powers[n])
    of_x, of_y = np.transpose(TERMS)
    return np.ascontiguousarray((powers[of_x, :, 0] * powers[of_y, :, 1]).T)


@dataclass(frozen=True)
class PageWarp:
    """From the page as it was scanned to the upright page: turned clockwise by quarters, made coarser, then
    flattened.

    Points are (N, 2) continuous pixel coordinates: pixel i covers i to i + 1. `width` and `height` are those
    of the page as scanned; flattening keeps the size.
    """

    width: float
    height: float
    quarters: int = 0
    field: Field | None = None
    scale: float = 1.0
    """Upright pixels to one as scanned."""

    def to_upright(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        turned = self._turn(np.array(points, float).reshape(-1, 2)) * self.scale
        return _pairs(self.field.apply(turned) if self.field else turned)

    def to_scanned(self, points: Sequence[tuple[float, float]] | np.ndarray) -> list[tuple[float, float]]:
        upright = np.array(points, float).reshape(-1, 2)
        turned = self.field.invert(upright) if self.field else upright
        return _pairs(self._turn_back(turned / self.scale))

    def bboxes_to_scanned(self, bboxes: Sequence[BBox]) -> list[BBox]:
        """The smallest upright box around the place of each on the page as scanned: many at once take hardly
        longer than one."""
        corners = np.array(bboxes, float).reshape(-1, 4)[:, [0, 1, 2, 1, 2, 3, 0, 3]]
        points = np.array(self.to_scanned(corners.reshape(-1, 2))).reshape(-1, 4, 2)
        around = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
        return [BBox(*row) for row in around.tolist()]

    def _turn(self, points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        match self.quarters:
            case 1:
                return np.stack([self.height - y, x], axis=1)
            case 2:
                return np.stack([self.width - x, self.height - y], axis=1)
            case 3:
                return np.stack([y, self.width - x], axis=1)
        return points

    def _turn_back(self, points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        match self.quarters:
            case 1:
                return np.stack([y, self.height - x], axis=1)
            case 2:
                return np.stack([self.width - x, self.height - y], axis=1)
            case 3:
                return np.stack([self.width - y, x], axis=1)
        return points


def turn_image(image: np.ndarray, quarters: int) -> np.ndarray:
    """The image turned clockwise; itself where it is not turned."""
    if quarters % 4 == 0:
        return image
    return np.ascontiguousarray(np.rot90(image, -quarters))


def flatten_image(image: np.ndarray, field: Field) -> np.ndarray:
    """The image with every point where `field` puts it; beyond the edges the edge goes on."""
    height, width = image.shape[:2]
    # One more coarse pixel on every side, so that the edges are interpolated too.
    columns, rows = -(-width // _STEP_PX) + 2, -(-height // _STEP_PX) + 2
    xs, ys = np.meshgrid((np.arange(columns) - 0.5) * _STEP_PX, (np.arange(rows) - 0.5) * _STEP_PX)
    seen = field.invert(np.stack([xs.ravel(), ys.ravel()], axis=1)) - 0.5
    coarse = seen.astype(np.float32).reshape(rows, columns, 2)
    fine = cv2.resize(coarse, None, fx=_STEP_PX, fy=_STEP_PX, interpolation=cv2.INTER_LINEAR)
    fine = fine[_STEP_PX : _STEP_PX + height, _STEP_PX : _STEP_PX + width]
    no_second_map: Any = None
    moved = cv2.remap(image, fine, no_second_map, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved)


def _pairs(points: np.ndarray) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points]
