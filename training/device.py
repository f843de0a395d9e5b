"""What copiers, scanners, fax machines and phones do to the tones of a page.

Operators are pure: a page, (H, W, 3) or (H, W) uint8, and a generator give a new page. `bilevel`,
`ordered_dither` and `error_diffusion` give (H, W) pages of 0 and 255 only. Geometry is in warp.py.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from PIL import Image

from training.paper import draw_field, fade_ink, lay_ink, multiply
from training.warp import to_px

# ---- optics and light


def grey(image: np.ndarray, rng: np.random.Generator, *, dpi: float) -> np.ndarray:
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def blur(image: np.ndarray, rng: np.random.Generator, *, dpi: float, sigma_mm: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), to_px(sigma_mm, dpi))


def motion_blur(image: np.ndarray, rng: np.random.Generator, *, dpi: float, length_mm: float) -> np.ndarray:
    """The camera moved in a straight line."""
    length = to_px(length_mm, dpi)
    side = 2 * math.ceil(length / 2) + 3
    angle = rng.uniform(0, math.pi)
    reach = length / 2 * np.array([math.cos(angle), math.sin(angle)])
    ends = [((side // 2 + sign * reach) * 256).round().astype(int).tolist() for sign in (-1, 1)]
    kernel = np.zeros((side, side), np.uint8)
    cv2.line(kernel, ends[0], ends[1], (255,), 1, cv2.LINE_AA, 8)
    return cv2.filter2D(image, -1, kernel.astype(np.float32) / kernel.sum())


def fringe(image: np.ndarray, rng: np.random.Generator, *, dpi: float, shift_px: float) -> np.ndarray:
    """The colours of a line sensor do not meet: red and blue lie aside, green stays."""
    if image.ndim == 2:
        return image
    height, width = image.shape[:2]
    channels = list(cv2.split(image))
    for channel, sign in ((0, 1), (2, -1)):
        shift = np.array([[1, 0, 0.3 * sign * shift_px], [0, 1, sign * shift_px]], np.float32)
        channels[channel] = cv2.warpAffine(
            channels[channel], shift, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
    return cv2.merge(channels)


def uneven_light(image: np.ndarray, rng: np.random.Generator, *, dpi: float, depth: float) -> np.ndarray:
    """Light that falls off by up to `depth` from one side of the page to the other, and in patches."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * math.pi)
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :] * math.cos(angle)
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None] * math.sin(angle)
    slope = np.clip(across + down + 0.5, 0, 1).astype(np.float32)
    patches = draw_field(rng, (height, width), cell_px=to_px(90, dpi), low=1 - 0.4 * depth, high=1)
    return multiply(image, (1 - depth * slope) * patches)


def hand_shadow(image: np.ndarray, rng: np.random.Generator, *, dpi: float, depth: float) -> np.ndarray:
    """The soft shadow of an arm, a hand or the phone that reaches in from one side."""
    height, width = image.shape[:2]
    small = np.zeros((160, round(160 * width / height)), np.uint8)
    rows, columns = small.shape
    angle = rng.uniform(0, 2 * math.pi)
    inwards = np.array([math.cos(angle), math.sin(angle)])
    aside = np.array([-inwards[1], inwards[0]])
    middle = np.array([columns, rows]) * rng.uniform(0.3, 0.7, 2)
    tip = middle + inwards * rng.uniform(-0.2, 0.2) * rows
    breadth = rng.uniform(0.12, 0.35) * rows
    t = np.linspace(-1, 1, 9)
    head = tip + aside * t[:, None] * breadth + inwards * (rng.uniform(0, 0.15, 9) * rows)[:, None]
    head -= inwards * (t**2)[:, None] * breadth * 0.7
    outline = np.concatenate([head, head[::-1] - 3 * rows * inwards])
    cv2.fillPoly(small, [(outline * 16).round().astype(np.int32)], (255,), cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(small, (0, 0), rng.uniform(3, 9)).astype(np.float32) / 255
    return multiply(image, 1 - depth * cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC))


def colour_cast(image: np.ndarray, rng: np.random.Generator, *, dpi: float, warmth: float) -> np.ndarray:
    """A white balance that is off: `warmth` over 0 is lamp light, below it shade; paper is never white."""
    if image.ndim == 2:
        return image
    exposure, green = rng.uniform(0.8, 0.98), rng.normal(0, 0.008)
    gains = np.array([1 + 0.5 * warmth, 1 + green, 1 - warmth])
    table = np.arange(256)[:, None] * gains / gains.max() * exposure
    return cv2.LUT(image, table.round().clip(0, 255).astype(np.uint8)[None])


def paper_tone(image: np.ndarray, rng: np.random.Generator, *, dpi: float, depth: float) -> np.ndarray:
    """Paper that is grey or yellowish by up to `depth`, and black that is not quite black."""
    whites = 1 - depth * (np.array([0.5, 0.6, 1.0]) if rng.random() < 0.6 else np.ones(3))
    black = rng.uniform(0, 45)
    table = black + np.arange(256)[:, None] * (255 * whites - black) / 255
    if image.ndim == 2:
        table = table.mean(axis=1, keepdims=True)
    return cv2.LUT(image, table.round().clip(0, 255).astype(np.uint8)[None])


def stretch_levels(image: np.ndarray, rng: np.random.Generator, *, dpi: float, white: float) -> np.ndarray:
    """A copier's automatic contrast: all lighter than `white` (a share of 255) becomes paper."""
    black = rng.uniform(0.05, 0.2)
    table = (np.arange(256) / 255 - black) / (white - black) * 255
    return cv2.LUT(image, table.round().clip(0, 255).astype(np.uint8))


def noise(image: np.ndarray, rng: np.random.Generator, *, dpi: float, sigma: float) -> np.ndarray:
    """Grain of `sigma` grey levels, coarser and weaker in the colours as cameras leave it."""
    height, width = image.shape[:2]
    grain = rng.standard_normal((height, width), dtype=np.float32) * sigma
    if image.ndim == 2:
        return cv2.add(image, grain, dtype=cv2.CV_8U)
    coarse = rng.standard_normal((height // 3 + 1, width // 3 + 1, 3), dtype=np.float32) * (0.6 * sigma)
    hues = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.add(image, hues + grain[..., None], dtype=cv2.CV_8U)


def jpeg(image: np.ndarray, rng: np.random.Generator, *, dpi: float, quality: float) -> np.ndarray:
    flags = [cv2.IMWRITE_JPEG_QUALITY, round(quality)]
    if image.ndim == 2:
        return cv2.imdecode(cv2.imencode(".jpg", image, flags)[1], cv2.IMREAD_GRAYSCALE)
    data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)[1]
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


# ---- dirt


def specks(image: np.ndarray, rng: np.random.Generator, *, dpi: float, n_specks: float) -> np.ndarray:
    """Dirt of the glass and toner dust: most of it fine, none as large as a figure."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(rng.poisson(n_specks)):
        centre = (int(rng.integers(16 * width)), int(rng.integers(16 * height)))
        radius = to_px(min(0.3, float(rng.lognormal(-2.2, 0.6))), dpi)
        axes = (max(6, round(radius * 16)), max(6, round(radius * rng.uniform(0.4, 1) * 16)))
        dark = float(rng.uniform(60, 230))
        poly = cv2.ellipse2Poly((0, 0), axes, int(rng.integers(180)), 0, 360, 45) + np.array(centre)
        cv2.fillConvexPoly(mask, poly.astype(np.int32), (dark,), cv2.LINE_AA, 4)
    return _darken(image, mask)


def _darken(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The page, darker where the (H, W) uint8 mask is light."""
    return multiply(image, 1 - mask.astype(np.float32) / 255)


def dust_lines(image: np.ndarray, rng: np.random.Generator, *, dpi: float, n_lines: float) -> np.ndarray:
    """Dust on the glass of a document feeder: hair lines down the whole page, dark or light."""
    height, width = image.shape[:2]
    marked = image
    for _ in range(max(1, round(n_lines))):
        wide = max(1, round(to_px(float(rng.uniform(0.08, 0.25)), dpi)))
        strength = draw_field(rng, (height, 1), cell_px=to_px(40, dpi), low=0.05, high=0.45)
        left = int(rng.integers(0, width - wide))
        mask = np.repeat(strength, wide, axis=1)
        if rng.random() < 0.3:
            strip = marked[:, left : left + wide]
            marked = marked.copy()
            marked[:, left : left + wide] = fade_ink(strip, 1 - mask)
        else:
            tone = [int(v) for v in rng.integers(20, 120, 3)]
            marked = lay_ink(marked, mask, (tone[0], tone[1], tone[2]), left=left, top=0)
    return marked


def black_edge(image: np.ndarray, rng: np.random.Generator, *, dpi: float, width_mm: float) -> np.ndarray:
    """The dark beyond the sheet on one or two sides, where the lid was open; margins only."""
    height, width = image.shape[:2]
    field = np.ones((height, width), np.float32)
    for side in rng.permutation(4)[: int(rng.integers(1, 3))]:
        long = height if side % 2 else width
        slant = np.linspace(0, rng.uniform(-0.8, 0.8), long)
        ragged = np.cumsum(rng.normal(0, 0.04, long)) * 0.2
        reach = to_px(width_mm, dpi) * np.clip(rng.uniform(0.4, 1) + slant + np.clip(ragged, -0.1, 0.1), 0, 1)
        deep = math.ceil(to_px(width_mm * 1.8, dpi))
        away = (np.arange(deep, dtype=np.float32)[:, None] - reach[None, :]) / to_px(
            rng.uniform(0.15, 0.8), dpi
        )
        dark = rng.uniform(0.75, 0.95) / (1 + np.exp(np.clip(away, -30, 30)))
        strip = (1 - dark).astype(np.float32)
        turned = np.rot90(field, side)
        np.minimum(turned[:deep], strip, out=turned[:deep])
    return multiply(image, field)


def lay_on_desk(image: np.ndarray, rng: np.random.Generator, *, dpi: float) -> np.ndarray:
    """What a camera sees: a sheet, (H, W, 4), on a desk; (H, W, 3) RGB. Other pages stay as they are."""
    if image.ndim == 2 or image.shape[2] == 3:
        return image
    height, width = image.shape[:2]
    tones = ((150, 112, 78), (96, 66, 46), (186, 180, 170), (120, 122, 126), (58, 56, 58), (205, 196, 176))
    tone = np.array(tones[int(rng.integers(len(tones)))]) * rng.uniform(0.8, 1.1)
    # Wood and cloth change slowly along the board, fast across it.
    grain = np.ones((height, width), np.float32)
    for cell, depth in ((3.0, 0.10), (0.8, 0.06), (12.0, 0.12)):
        stretch = rng.uniform(15, 40)
        rows, columns = (
            math.ceil(height / to_px(cell, dpi)) + 2,
            math.ceil(width / to_px(cell * stretch, dpi)) + 2,
        )
        coarse = rng.uniform(1 - depth, 1 + depth, (rows, columns)).astype(np.float32)
        grain *= cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    alpha = image[..., 3]
    away = to_px(float(rng.uniform(0.5, 3)), dpi)
    move = np.array([[1, 0, rng.uniform(-1, 1) * away], [0, 1, rng.uniform(-1, 1) * away]], np.float32)
    cast = cv2.GaussianBlur(cv2.warpAffine(alpha, move, (width, height)), (0, 0), away)
    grain *= 1 - cast.astype(np.float32) * (rng.uniform(0.3, 0.6) / 255)
    desk = cv2.merge([np.clip(grain * channel, 0, 255).astype(np.uint8) for channel in tone])
    weight = alpha.astype(np.float32) / 255
    return cv2.blendLinear(np.ascontiguousarray(image[..., :3]), desk, weight, 1 - weight)


# ---- one bit


def rough_edges(image: np.ndarray, rng: np.random.Generator, *, dpi: float, sigma: float) -> np.ndarray:
    """Grain under the threshold to come: edges of strokes fray, thin strokes lose dots."""
    height, width = image.shape[:2]
    return cv2.add(image, rng.standard_normal((height, width), dtype=np.float32) * sigma, dtype=cv2.CV_8U)


def sharpen(image: np.ndarray, rng: np.random.Generator, *, dpi: float, gain: float) -> np.ndarray:
    """The unsharp mask that fax machines put before their threshold."""
    return cv2.addWeighted(image, 1 + gain, cv2.GaussianBlur(image, (0, 0), to_px(0.25, dpi)), -gain, 0)


def bilevel(image: np.ndarray, rng: np.random.Generator, *, dpi: float, level: float) -> np.ndarray:
    """Black below one share `level` of full light."""
    return cv2.threshold(grey(image, rng, dpi=dpi), level * 255, 255, cv2.THRESH_BINARY)[1]


def adaptive_bilevel(image: np.ndarray, rng: np.random.Generator, *, dpi: float, drop: float) -> np.ndarray:
    """Black where darker by a share `drop` of full light than some 8 mm around are on average."""
    side = 2 * round(to_px(4, dpi)) + 1
    method = cv2.ADAPTIVE_THRESH_MEAN_C
    return cv2.adaptiveThreshold(grey(image, rng, dpi=dpi), 255, method, cv2.THRESH_BINARY, side, drop * 255)


def ordered_dither(image: np.ndarray, rng: np.random.Generator, *, dpi: float, contrast: float) -> np.ndarray:
    """Bayer's 4 by 4 screen, after a stretch by `contrast` that keeps strokes whole."""
    steps = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
    screen = ((steps + 0.5) * 16).astype(np.uint8)
    toned = _stretch(grey(image, rng, dpi=dpi), contrast)
    rows, columns = (math.ceil(side / 4) for side in toned.shape)
    tiled = np.tile(screen, (rows, columns))[: toned.shape[0], : toned.shape[1]]
    return np.where(toned > tiled, 255, 0).astype(np.uint8)


def error_diffusion(
    image: np.ndarray, rng: np.random.Generator, *, dpi: float, contrast: float
) -> np.ndarray:
    """Floyd and Steinberg's dither, after a stretch by `contrast`."""
    toned = Image.fromarray(_stretch(grey(image, rng, dpi=dpi), contrast))
    return np.asarray(toned.convert("1", dither=Image.Dither.FLOYDSTEINBERG)).astype(np.uint8) * 255


def _stretch(image: np.ndarray, contrast: float) -> np.ndarray:
    # Around a light tone: thin strokes are grey at such resolutions, and a 4 must keep its slant.
    table = (np.arange(256) - 190) * contrast + 128
    return cv2.LUT(image, table.round().clip(0, 255).astype(np.uint8))


def salt_and_pepper(image: np.ndarray, rng: np.random.Generator, *, dpi: float, share: float) -> np.ndarray:
    """Dots of bad lines: a `share` of all pixels turned black or white."""
    marked = image.copy()
    count = rng.poisson(share * image.size)
    at = rng.integers(image.size, size=count)
    marked.reshape(-1)[at] = rng.choice(np.array([0, 255], np.uint8), size=count)
    return marked


def streaks(image: np.ndarray, rng: np.random.Generator, *, dpi: float, n_streaks: float) -> np.ndarray:
    """Scan lines that came through as noise: thin, black or white, part of the width."""
    height, width = image.shape[:2]
    marked = image.copy()
    for _ in range(max(1, round(n_streaks))):
        row = int(rng.integers(height - 2))
        left = int(rng.integers(-width // 2, width))
        span = slice(max(0, left), left + int(rng.integers(width // 8, width)))
        line = marked[row, span]
        density = rng.uniform(0.3, 0.95)
        line[rng.random(len(line)) < density] = 255 if rng.random() < 0.4 else 0
    return marked
