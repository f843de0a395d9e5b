"""How paper lies, bends and is seen: geometry of pages that says where every point went.

An operator takes a page and gives the moved page and the `Warp` of its points. Points are continuous
pixel coordinates as in `GoldPage`: pixel i covers i to i + 1, its centre is i + 0.5. Pages are (H, W),
(H, W, 3) or (H, W, 4) uint8, the fourth channel being what is paper; beyond the page all is white, no
paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from giar_ml.annotations.gold import Point, Warp

Moved = tuple[np.ndarray, Warp]

MM_PER_INCH = 25.4
OUTSIDE = (255, 255, 255, 0)


def to_px(mm: float, dpi: float) -> float:
    return mm * dpi / MM_PER_INCH


def stay(points: Sequence[Point]) -> Sequence[Point]:
    """The warp of a page that does not move."""
    return points


def chain(first: Warp, second: Warp) -> Warp:
    return lambda points: second(first(points))


def resize(image: np.ndarray, *, scale: float) -> Moved:
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    factors = np.array(size) / (width, height)
    return cv2.resize(image, size, interpolation=method), _warp(lambda points: points * factors)


def turn(image: np.ndarray, *, degrees: int) -> Moved:
    """The page turned clockwise; raises ValueError unless by quarters."""
    if degrees % 90:
        raise ValueError(f"a page turns by quarters, not by {degrees} degrees")
    height, width = image.shape[:2]
    moves: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
        lambda p: p,
        lambda p: np.stack([height - p[:, 1], p[:, 0]], axis=1),
        lambda p: np.array([width, height]) - p,
        lambda p: np.stack([p[:, 1], width - p[:, 0]], axis=1),
    )
    quarters = degrees // 90 % 4
    return np.ascontiguousarray(np.rot90(image, -quarters)), _warp(moves[quarters])


def skew(
    image: np.ndarray, rng: np.random.Generator, *, dpi: float, degrees: float, shift_mm: float = 0.0
) -> Moved:
    """A sheet that lies askew on the glass, moved by up to `shift_mm` both ways; the size stays."""
    height, width = image.shape[:2]
    reach = to_px(shift_mm, dpi)
    matrix = np.eye(3)
    matrix[:2] = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:2, 2] += rng.uniform(-reach, reach, 2)
    return _project(image, matrix, (width, height))


def cut_out(image: np.ndarray, rng: np.random.Generator, *, dpi: float) -> Moved:
    """The page as a sheet, (H, W, 4): whatever it moves to, one sees where its paper ends."""
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return cv2.merge([image, np.full(image.shape[:2], 255, np.uint8)]), stay


def perspective(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    dpi: float,
    pitch: float,
    yaw: float,
    roll: float,
    distance_mm: float,
    margin: float,
) -> Moved:
    """A flat sheet seen by a camera that is tilted by three angles, in degrees.

    The paper keeps its resolution on average. Every side of the picture shows up to `margin` (a share
    of the page) of what lies around.
    """
    height, width = image.shape[:2]
    distance = to_px(distance_mm, dpi)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    space = np.column_stack([corners - (width / 2, height / 2), np.zeros(4)]) @ _rotation(pitch, yaw, roll).T
    seen = space[:, :2] * (distance / (distance - space[:, 2:]))
    seen *= math.sqrt(width * height / cv2.contourArea(seen.astype(np.float32)))
    left, top, right, bottom = rng.uniform(0.2 * margin, margin, 4) * (width, height, width, height)
    low = seen.min(axis=0) - np.array([left, top])
    high = seen.max(axis=0) + np.array([right, bottom])
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), (seen - low).astype(np.float32))
    columns, rows = np.ceil(high - low).astype(int)
    return _project(image, matrix, (int(columns), int(rows)))


def _rotation(pitch: float, yaw: float, roll: float) -> np.ndarray:
    a, b, c = (math.radians(angle) for angle in (pitch, yaw, roll))
    about_x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    about_y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    product: np.ndarray = about_x @ about_y @ about_z
    return product


def curl(
    image: np.ndarray, rng: np.random.Generator, *, dpi: float, depth_mm: float, distance_mm: float
) -> Moved:
    """A sheet that does not lie flat: a cylinder, upright or lying, seen from `distance_mm` above.

    The sheet bends in one direction only, so it is never stretched; its slopes take more or less
    light. The model is Cao, Ding and Liu, "A cylindrical surface model to rectify the bound document
    image", ICCV 2003.
    """
    if rng.random() < 0.35:  # paper that was rolled, or folded for an envelope, bends downwards
        bent, warp = curl_across(
            np.ascontiguousarray(image.swapaxes(0, 1)),
            rng,
            dpi=dpi,
            depth_mm=depth_mm,
            distance_mm=distance_mm,
        )
        return np.ascontiguousarray(bent.swapaxes(0, 1)), chain(chain(_swap, warp), _swap)
    return curl_across(image, rng, dpi=dpi, depth_mm=depth_mm, distance_mm=distance_mm)


def curl_across(
    image: np.ndarray, rng: np.random.Generator, *, dpi: float, depth_mm: float, distance_mm: float
) -> Moved:
    """`curl` about an upright axis."""
    height, width = image.shape[:2]
    distance, depth = to_px(distance_mm, dpi), to_px(depth_mm, dpi)
    # Along the sheet: where it is above the desk, and how far across. Fine enough for 0.01 px.
    along = np.linspace(0, width, 2049)
    above = depth * _draw_profile(along / width, rng)
    slope = np.gradient(above, along)
    steps = np.sqrt(np.clip(1 - ((slope[1:] + slope[:-1]) / 2) ** 2, 0.2, 1)) * np.diff(along)
    across = np.concatenate([[0], np.cumsum(steps)])
    # The eye is off centre: so lines of text bow on the whole page, not only at its ends.
    eye_x, eye_y = width * rng.uniform(0.3, 0.7), height * rng.uniform(-0.2, 1.2)
    zoom = distance / (distance - above)
    seen_x = eye_x + (across - eye_x) * zoom
    low_x = seen_x.min()
    low_y, high_y = eye_y - eye_y * zoom.max(), eye_y + (height - eye_y) * zoom.max()
    low_y, high_y = min(low_y, 0), max(high_y, height)

    def move(points: np.ndarray) -> np.ndarray:
        x = np.interp(points[:, 0], along, seen_x)
        y = eye_y + (points[:, 1] - eye_y) * np.interp(points[:, 0], along, zoom)
        return np.stack([x - low_x, y - low_y], axis=1)

    columns = np.arange(math.ceil(seen_x.max() - low_x)) + 0.5 + low_x
    rows = (np.arange(math.ceil(high_y - low_y)) + 0.5 + low_y)[:, None]
    source = np.interp(columns, seen_x, along)
    map_x = np.broadcast_to(source - 0.5, (len(rows), len(columns))).astype(np.float32)
    map_y = (eye_y + (rows - eye_y) / np.interp(columns, seen_x, zoom)[None, :] - 0.5).astype(np.float32)
    bent = cv2.remap(image, map_x, map_y, cv2.INTER_CUBIC, borderValue=OUTSIDE)
    light = 1 + rng.uniform(-0.5, 0.5) * np.interp(columns, along, slope)
    return _shade_columns(bent, light / light.max()), _warp(move)


def _draw_profile(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The height of a bent sheet along itself, 0 to 1: slow waves, and sometimes a bound edge."""
    profile = np.zeros_like(t)
    for n_halves in (1, 2, 3):
        profile += rng.normal(0, 1 / n_halves**2) * np.sin(np.pi * (n_halves * t + rng.uniform(0, 1)))
    if rng.random() < 0.4:
        profile += rng.uniform(0.5, 1.5) * np.exp(-t / rng.uniform(0.1, 0.25))
    profile -= profile.min()
    return profile / profile.max()


def _shade_columns(image: np.ndarray, light: np.ndarray) -> np.ndarray:
    pixels = image.reshape(*image.shape[:2], -1)
    gains = np.repeat(light.astype(np.float32)[:, None], pixels.shape[2], axis=1)
    gains[:, 3:] = 1  # what is paper stays paper
    return (pixels * gains).astype(np.uint8).reshape(image.shape)


def slip(image: np.ndarray, rng: np.random.Generator, *, dpi: float, slip_mm: float, n_slips: float) -> Moved:
    """The paper slipped while it was fed: at some places scan lines are lost, at others repeated.

    At most two neighbouring lines are lost, so no figure is.
    """
    height = len(image)
    rows = np.arange(height, dtype=np.int64)
    for _ in range(round(n_slips)):
        at = int(rng.integers(1, len(rows) - 3))
        if rng.random() < 0.5:
            rows = np.delete(rows, slice(at, at + int(rng.integers(1, 3))))
        else:
            repeats = max(1, round(to_px(slip_mm, dpi) * rng.uniform(0.2, 1)))
            rows = np.insert(rows, at, np.repeat(rows[at], repeats))

    edges = np.searchsorted(rows, np.arange(height + 1)).astype(float)

    def move(points: np.ndarray) -> np.ndarray:
        return np.stack([points[:, 0], np.interp(points[:, 1], np.arange(height + 1), edges)], axis=1)

    return image[rows], _warp(move)


def _project(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> Moved:
    # OpenCV puts the centre of pixel i at i, points of pages put it at i + 0.5.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    moved = cv2.warpPerspective(
        image,
        np.linalg.inv(half) @ matrix @ half,
        size,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=OUTSIDE,
    )
    return moved, _warp(lambda points: cv2.perspectiveTransform(points[None], matrix)[0])


def _swap(points: Sequence[Point]) -> Sequence[Point]:
    return [(y, x) for x, y in points]


def _warp(move: Callable[[np.ndarray], np.ndarray]) -> Warp:
    def warp(points: Sequence[Point]) -> Sequence[Point]:
        moved = move(np.array(points, float).reshape(-1, 2))
        return [(float(x), float(y)) for x, y in moved]

    return warp
