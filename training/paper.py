"""What is on the paper before any device sees it: toner, rules, seals, pens, staples, holes, folds.

Operators are pure: a page, (H, W, 3) or (H, W) uint8, and a generator give a new page of the same shape.
An operator that finds nothing to do gives the page itself. All let the ink below shine through: a person
can still read every figure.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from training.warp import to_px

Colour = tuple[int, int, int]

INK_BELOW = 160
PENS: tuple[Colour, ...] = ((35, 45, 130), (40, 40, 48), (30, 30, 35), (190, 40, 45))
SEAL_REDS: tuple[Colour, ...] = ((214, 38, 48), (196, 30, 42), (224, 62, 66))
# File names that Pillow finds in the system's font folders; of a collection, the face in simplified Chinese.
SEAL_FONTS = (
    ("NotoSerifCJK-Bold.ttc", 2),
    ("FandolSong-Bold.otf", 0),
    ("uming.ttc", 0),
    ("wqy-zenhei.ttc", 0),
)
# Longer than any stroke of a glyph, shorter than any rule of a table.
RULE_MM = 14.0


def draw_field(
    rng: np.random.Generator, shape: tuple[int, int], *, cell_px: float, low: float, high: float
) -> np.ndarray:
    """A smooth random field, (H, W) float32 from `low` to `high`, that changes over some `cell_px`."""
    rows, columns = (math.ceil(side / cell_px) + 3 for side in shape)
    coarse = rng.uniform(low, high, (rows, columns)).astype(np.float32)
    field = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(field, low, high)


def multiply(image: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The page times an (H, W) field, rounded and held in 0..255."""
    if image.ndim == 3:
        field = cv2.merge([field] * 3)
    product: np.ndarray = cv2.multiply(image, field, dtype=cv2.CV_8U)
    return product


def fade_ink(image: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Every pixel's darkness times an (H, W) field."""
    inverse: np.ndarray = 255 - multiply(255 - image, field)
    return inverse


def lay_ink(image: np.ndarray, mask: np.ndarray, colour: Colour, *, left: int, top: int) -> np.ndarray:
    """Transparent ink on a page, where `mask` (h, w), 0..1, says how much; what is off the page is lost."""
    height, width = image.shape[:2]
    rows = slice(max(0, top), min(height, top + mask.shape[0]))
    columns = slice(max(0, left), min(width, left + mask.shape[1]))
    part = mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    shade = np.array(colour if image.ndim == 3 else [np.dot(colour, (0.299, 0.587, 0.114))])
    marked = image.copy()
    light = 1 - part[..., None] * (1 - shade / 255)
    under = marked[rows, columns]
    marked[rows, columns] = (under * light.reshape(under.shape)).round().astype(np.uint8)
    return marked


# ---- toner and rules


def low_toner(image: np.ndarray, rng: np.random.Generator, *, dpi: float, loss: float) -> np.ndarray:
    """A cartridge near its end: ink paler by up to `loss`, in broad patches and in fine grain."""
    shape = image.shape[0], image.shape[1]
    broad = draw_field(rng, shape, cell_px=to_px(30, dpi), low=1 - loss, high=1 - 0.4 * loss)
    fine = draw_field(rng, shape, cell_px=to_px(0.35, dpi), low=1 - 0.7 * loss, high=1)
    return fade_ink(image, broad * fine)


def bold_toner(image: np.ndarray, rng: np.random.Generator, *, dpi: float, gain: float) -> np.ndarray:
    """Too much toner: strokes grow by about `gain` (0..1) of 0.13 mm on every side."""
    kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    spread = cv2.erode(image, kernel, iterations=max(1, round(to_px(0.1, dpi) / 1.3)))
    mixed: np.ndarray = cv2.addWeighted(spread, gain, image, 1 - gain, 0)
    return mixed


def break_rules(image: np.ndarray, rng: np.random.Generator, *, dpi: float, n_breaks: float) -> np.ndarray:
    """Gaps in ruling lines, most of them small, some as long as a cell; no glyph is touched."""
    grey = image if image.ndim == 2 else image.min(axis=2)
    ink = (grey < INK_BELOW).astype(np.uint8)
    length = round(to_px(RULE_MM, dpi))
    marked = image.copy()
    for across in (True, False):
        kernel = np.ones((1, length) if across else (length, 1), np.uint8)
        rules = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
        # Shaded cells are no rules.
        thick = round(to_px(1.2, dpi))
        rules = cv2.subtract(rules, cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((thick, thick), np.uint8)))
        rows, columns = np.nonzero(rules)
        if not len(rows):
            continue
        edge = cv2.dilate(rules, np.ones((3, 1) if across else (1, 3), np.uint8))
        for at in rng.integers(len(rows), size=rng.poisson(n_breaks / 2)):
            reach = to_px(float(np.clip(rng.lognormal(0.3, 1.0), 0.3, 40)), dpi) / 2
            y, x = int(rows[at]), int(columns[at])
            wide, high = (reach, to_px(0.5, dpi)) if across else (to_px(0.5, dpi), reach)
            window = (
                slice(max(0, round(y - high)), round(y + high) + 1),
                slice(max(0, round(x - wide)), round(x + wide) + 1),
            )
            area = marked[window]
            area[edge[window] > 0] = _fade(area[edge[window] > 0], rng.uniform(0.6, 1.0))
    return marked


def _fade(pixels: np.ndarray, loss: float) -> np.ndarray:
    return (255 - (255 - pixels.astype(np.float32)) * (1 - loss)).astype(np.uint8)


# ---- what offices put on paper


def seal(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    dpi: float,
    text: str,
    diameter_mm: float,
    strength: float,
) -> np.ndarray:
    """A round red seal anywhere on the printed part: ring, star, the office's name along the ring."""
    radius = to_px(diameter_mm / 2, dpi)
    height, width = image.shape[:2]
    x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.15, 0.85) * height
    mask = _seal_mask(text, round(radius), angle=float(rng.uniform(-25, 25)), rng=rng)
    shape = mask.shape[0], mask.shape[1]
    pressed = draw_field(rng, shape, cell_px=radius / 1.5, low=0.6, high=1.0)
    grain = draw_field(rng, shape, cell_px=max(1.5, to_px(0.25, dpi)), low=0.55, high=1.15)
    inked = cv2.GaussianBlur(mask, (0, 0), to_px(0.07, dpi)) * pressed * np.clip(grain, 0, 1) * strength
    colour = SEAL_REDS[int(rng.integers(len(SEAL_REDS)))]
    return lay_ink(image, inked, colour, left=round(x - shape[1] / 2), top=round(y - shape[0] / 2))


def _seal_mask(text: str, radius: int, *, angle: float, rng: np.random.Generator) -> np.ndarray:
    """(2r + 2, 2r + 2) float32, 0..1; drawn at twice the size."""
    big = 2 * radius
    side = 2 * big + 4
    middle = side / 2
    layer = Image.new("L", (side, side))
    draw = ImageDraw.Draw(layer)
    rim = max(2, round(big * 0.055))
    draw.ellipse((2, 2, side - 3, side - 3), outline=255, width=rim)
    corners = [-math.pi / 2 + i * 4 * math.pi / 5 for i in range(5)]
    # The five points of the star in one stroke; a polygon that crosses itself has a hole without the middle.
    star = [(middle + 0.31 * big * math.cos(a), middle + 0.31 * big * math.sin(a)) for a in corners]
    draw.polygon(star, fill=255)
    ring = [math.pi / 2 + i * 2 * math.pi / 5 for i in range(5)]
    inner = 0.31 * big * 0.4
    draw.polygon([(middle + inner * math.cos(a), middle + inner * math.sin(a)) for a in ring], fill=255)
    span = min(290.0, 34.0 * max(1, len(text) - 1))
    size = min(0.34 * big, 0.72 * big * math.radians(span) / max(1, len(text) - 1) * 0.98)
    for number, character in enumerate(text):
        degrees = 0.0 if len(text) == 1 else -span / 2 + span * number / (len(text) - 1)
        glyph = _draw_glyph(character, round(size), rng).rotate(
            -degrees, Image.Resampling.BICUBIC, expand=True
        )
        x = middle + 0.74 * big * math.sin(math.radians(degrees)) - glyph.width / 2
        y = middle - 0.74 * big * math.cos(math.radians(degrees)) - glyph.height / 2
        spot = Image.new("L", layer.size)
        spot.paste(glyph, (round(x), round(y)))
        layer = ImageChops.lighter(layer, spot)
    turned = layer.rotate(angle, Image.Resampling.BICUBIC).resize(
        (side // 2, side // 2), Image.Resampling.BOX
    )
    return np.asarray(turned, np.float32) / 255


def _draw_glyph(character: str, size: int, rng: np.random.Generator) -> Image.Image:
    glyph = Image.new("L", (size, round(size * 1.25)))
    font = _seal_font(size)
    draw = ImageDraw.Draw(glyph)
    if font is not None:
        # Letters of seals are tall and narrow.
        square = Image.new("L", (size, size))
        ImageDraw.Draw(square).text((size / 2, size / 2), character, fill=255, font=font, anchor="mm")
        return square.resize((round(size * 0.85), round(size * 1.2)), Image.Resampling.BICUBIC)
    for _ in range(5):  # without a font, strokes look like a glyph from afar
        a, b = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.1, 0.9) * size
        line = (a[0], b, a[1], b) if rng.random() < 0.5 else (b, a[0], b, a[1])
        draw.line(tuple(map(float, line)), fill=255, width=max(1, size // 12))
    return glyph


@functools.lru_cache(maxsize=64)
def _seal_font(size: int) -> ImageFont.FreeTypeFont | None:
    for name, index in SEAL_FONTS:
        try:
            return ImageFont.truetype(name, size, index=index)
        except OSError:
            continue
    return None


def pen_marks(image: np.ndarray, rng: np.random.Generator, *, dpi: float, n_marks: float) -> np.ndarray:
    """Ticks and quick handwriting in blank places of the margins."""
    marked = image
    colour = PENS[int(rng.integers(len(PENS)))]
    for _ in range(max(1, round(n_marks))):
        height_mm = float(rng.uniform(5, 9))
        n_signs = int(rng.integers(1, 5)) if rng.random() < 0.6 else 0
        size = to_px(height_mm, dpi)
        wide = size * max(1, n_signs)
        spot = _find_margin(marked, rng, high=size, wide=wide, dpi=dpi)
        if spot is not None:
            strokes = _draw_signs(rng, n_signs) if n_signs else _draw_tick(rng)
            marked = _lay_strokes(marked, strokes, spot, size, rng, dpi=dpi, colour=colour)
    return marked


def pen_slip(
    image: np.ndarray, rng: np.random.Generator, *, dpi: float, length_mm: float, steepness: float = 0.5
) -> np.ndarray:
    """A ball pen that slipped over the page, figures below shining through.

    Args:
        steepness: how far it goes up or down at most, radians.
    """
    height, width = image.shape[:2]
    size = to_px(length_mm, dpi)
    t = np.linspace(0, 1, 40)
    bend = np.cumsum(np.cumsum(rng.normal(0, 0.0012, 40)))
    angle = rng.uniform(-steepness, steepness)
    line = np.stack([t * math.cos(angle), t * math.sin(angle) + bend], axis=1)
    line -= line.min(axis=0)
    spot = (float(rng.uniform(0.1, 0.8)) * width, float(rng.uniform(0.1, 0.85)) * height)
    colour = PENS[int(rng.integers(len(PENS)))]
    return _lay_strokes(image, [line], spot, size, rng, dpi=dpi, colour=colour, strength=0.55)


def _find_margin(
    image: np.ndarray, rng: np.random.Generator, *, high: float, wide: float, dpi: float
) -> tuple[float, float] | None:
    """Left and top of a blank box in the outer tenth of the page, or None."""
    height, width = image.shape[:2]
    grey = image if image.ndim == 2 else image.min(axis=2)
    for _ in range(10):
        x, y = (float(rng.uniform(0.02, 0.98 - side)) for side in (wide / width, high / height))
        band = float(rng.uniform(0.015, 0.07))
        side = int(rng.integers(4))
        x, y = ((band, y), (0.97 - band - wide / width, y), (x, band), (x, 0.97 - band - high / height))[side]
        left, top = x * width, y * height
        box = grey[
            max(0, round(top - 0.15 * high)) : round(top + 1.15 * high),
            max(0, round(left)) : round(left + wide),
        ]
        if box.size and np.count_nonzero(box < INK_BELOW) == 0:
            return left, top
    return None


def _draw_tick(rng: np.random.Generator) -> list[np.ndarray]:
    low, tip = rng.uniform(0.25, 0.45), rng.uniform(0.8, 1.1)
    corners = np.array([[0.05, rng.uniform(0.45, 0.65)], [low, 0.95], [tip, rng.uniform(0, 0.2)]])
    return [_smooth(corners)]


def _draw_signs(rng: np.random.Generator, n_signs: int) -> list[np.ndarray]:
    """Strokes of quick writing, in units of one sign: across, down, and hooks, partly joined."""
    strokes = []
    for number in range(n_signs):
        y = 0.05
        for _ in range(int(rng.integers(3, 7))):
            start = np.array([rng.uniform(0.05, 0.35), y + rng.uniform(0, 0.25)])
            if rng.random() < 0.5:
                step = np.array([rng.uniform(0.3, 0.6), rng.uniform(-0.12, 0.0)])
            else:
                start[0] += rng.uniform(0, 0.35)
                step = np.array([rng.uniform(-0.35, 0.25), rng.uniform(0.3, 0.6)])
            bow = rng.normal(0, 0.06, 2)
            line = [start, start + step / 2 + bow, start + step]
            if rng.random() < 0.35:
                line.append(line[-1] + rng.uniform(-0.18, 0.05, 2))
            strokes.append(_smooth(np.clip(np.array(line), 0, 1)) + np.array([number * 0.92, 0]))
            y = min(0.6, y + rng.uniform(0.05, 0.25))
    return strokes


def _smooth(corners: np.ndarray) -> np.ndarray:
    """A quadratic spline that rounds the corners of a polyline."""
    middles = (corners[:-1] + corners[1:]) / 2
    pieces = [corners[:1]]
    t = np.linspace(0, 1, 8)[:, None]
    for before, corner, after in zip(middles[:-1], corners[1:-1], middles[1:], strict=True):
        pull = corner + 0.3 * (corner - (before + after) / 2)
        pieces.append((1 - t) ** 2 * before + 2 * t * (1 - t) * pull + t**2 * after)
    return np.concatenate([*pieces, corners[-1:]])


def _lay_strokes(
    image: np.ndarray,
    strokes: list[np.ndarray],
    spot: tuple[float, float],
    size: float,
    rng: np.random.Generator,
    *,
    dpi: float,
    colour: Colour,
    strength: float = 0.85,
) -> np.ndarray:
    reach = np.max([stroke.max(axis=0) for stroke in strokes], axis=0) * size
    pad = math.ceil(to_px(1.0, dpi))
    mask = np.zeros((math.ceil(reach[1]) + 2 * pad, math.ceil(reach[0]) + 2 * pad), np.uint8)
    width = max(1, round(to_px(float(rng.uniform(0.35, 0.6)), dpi)))
    for stroke in strokes:
        # Four binary digits of a pixel make the line smooth.
        points = ((stroke * size + pad) * 16).round().astype(np.int32)
        cv2.polylines(mask, [points], False, (255,), width, cv2.LINE_AA, 4)
    shape = mask.shape[0], mask.shape[1]
    flow = draw_field(rng, shape, cell_px=to_px(2, dpi), low=0.65, high=1.0)
    inked = cv2.GaussianBlur(mask, (0, 0), to_px(0.05, dpi)) / 255 * flow * strength
    return lay_ink(image, inked, colour, left=round(spot[0]) - pad, top=round(spot[1]) - pad)


def staple(image: np.ndarray, rng: np.random.Generator, *, dpi: float) -> np.ndarray:
    """A staple in the upper left corner, with a bright back and a shadow."""
    size = round(to_px(18, dpi))
    angle = rng.choice([0.0, -45.0, -90.0]) + rng.normal(0, 8)
    length, thick = to_px(rng.uniform(10, 12), dpi), to_px(0.55, dpi)
    along = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    across = np.array([-along[1], along[0]])
    marked = image
    middle = np.array([size / 2, size / 2])
    left, top = (round(to_px(float(rng.uniform(-1, 5)), dpi)) for _ in range(2))
    for offset, colour, strength in ((0.5, (60, 60, 60), 0.7), (0, (120, 122, 125), 0.9)):
        mask = np.zeros((size, size), np.uint8)
        shift = middle + across * thick * offset
        ends = [((shift + sign * along * length / 2) * 16).round().astype(int) for sign in (-1, 1)]
        cv2.line(mask, ends[0].tolist(), ends[1].tolist(), (255,), max(1, round(thick)), cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(mask, (0, 0), to_px(0.1, dpi)) / 255 * strength
        marked = lay_ink(marked, soft, colour, left=left, top=top)
    return marked


def punch_holes(image: np.ndarray, rng: np.random.Generator, *, dpi: float) -> np.ndarray:
    """Two holes at the left edge, 80 mm apart (ISO 838), the lid of the scanner showing through."""
    radius = to_px(3, dpi)
    side = 2 * round(radius) + 8
    grey = int(rng.integers(25, 150))
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (side * 8, side * 8), round(radius * 16), (255,), -1, cv2.LINE_AA, 4)
    x = to_px(float(rng.uniform(9, 12)), dpi) - side / 2
    middle = image.shape[0] / 2 + to_px(float(rng.normal(0, 3)), dpi)
    marked = image
    for offset_mm in (-40, 40):
        top = middle + to_px(offset_mm, dpi) - side / 2
        marked = lay_ink(marked, mask / 255, (grey, grey, grey), left=round(x), top=round(top))
    return marked


def fold(image: np.ndarray, rng: np.random.Generator, *, dpi: float, depth: float) -> np.ndarray:
    """The crease of a sheet that was folded in two or in three: a fine line, light on one side."""
    height, width = image.shape[:2]
    rows = np.arange(height, dtype=np.float32)
    light = np.ones(height, np.float32)
    places = ((0.5,), (1 / 3, 2 / 3))[int(rng.integers(2))]
    for place in places:
        away = (rows - place * height - rng.normal(0, 0.01) * height) / to_px(1, dpi)
        light -= depth * np.exp(-((away / 0.25) ** 2))
        light += rng.choice([-1, 1]) * 0.6 * depth * np.exp(-np.abs(away) / 12) * np.sign(away)
    along = draw_field(rng, (1, width), cell_px=to_px(15, dpi), low=0.3, high=1.0)[0]
    return multiply(image, 1 + (light[:, None] - 1) * along[None, :])


def bleed_through(
    image: np.ndarray, rng: np.random.Generator, *, dpi: float, reverse: np.ndarray | None, strength: float
) -> np.ndarray:
    """The print of the reverse side, mirrored, soft and faint; nothing where the reverse is blank."""
    if reverse is None:
        return image
    height, width = image.shape[:2]
    grey = reverse if reverse.ndim == 2 else cv2.cvtColor(reverse, cv2.COLOR_RGB2GRAY)
    back = cv2.resize(cv2.flip(grey, 1), (width, height), interpolation=cv2.INTER_AREA)
    back = cv2.GaussianBlur(back, (0, 0), to_px(rng.uniform(0.12, 0.3), dpi))
    shift = np.array([[1, 0, rng.normal(0, to_px(2, dpi))], [0, 1, rng.normal(0, to_px(2, dpi))]], np.float32)
    back = cv2.warpAffine(back, shift, (width, height), borderValue=(255,))
    patchy = draw_field(rng, (height, width), cell_px=to_px(40, dpi), low=0.6 * strength, high=strength)
    return multiply(image, 1 - (255 - back.astype(np.float32)) / 255 * patchy)
