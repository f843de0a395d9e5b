"""The sheet apart from what lies around it."""

from __future__ import annotations

import cv2
import numpy as np

WORK_PX = 500
"""The longer side of the picture on which the sheet is looked for: print is gone, its edges are not."""
PRINT_PX = 9
"""Strokes and rules are thinner, at that size."""
INNER = 0.5
"""Share of both sides, in the middle of the picture, that surely is sheet."""
EDGE_LEVELS = 10
"""Levels of a colour by which a desk differs from the sheet along an edge."""
EDGE_WIDTH_PX = 4
"""Half the width of an edge that is out of focus."""
BESIDE_PX = (4, 10, 16, 24, 32, 40)
"""Where the sheet must differ from the desk: a shaded row is less high."""
EDGE_PX = 2.0
"""How far an edge may lie off a smooth curve."""
MIN_EDGE = 0.5
"""Share of a side of the sheet along which its edge is seen."""
DESK_SHARE = 0.35
"""Of the difference between sheet and desk, from which the rim of the picture is desk."""
RIM_PX = 3
"""Width of what is on the rim of the picture."""
N_TRIES = 200


def find_sheet(image: np.ndarray) -> np.ndarray | None:
    """(H, W) bool: the sheet of paper in a picture of (H, W[, 3]); None where the picture is all sheet.

    A watershed from the middle and from the rim of the picture (Meyer, "Color image segmentation", ICIP 1992)
    follows the strongest edges between the two. Each side of it is an edge of the sheet only as far as the
    colours differ there and it fits a parabola: sheets are straight or bent.
    """
    height, width = image.shape[:2]
    scale = min(1.0, WORK_PX / max(height, width))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = small if small.ndim == 3 else cv2.cvtColor(small, cv2.COLOR_GRAY2RGB)
    # Print is darker than its paper.
    smooth = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((PRINT_PX, PRINT_PX), np.uint8))
    smooth = np.ascontiguousarray(cv2.medianBlur(smooth, 5))
    sheet = _watershed(smooth)
    paper = np.median(smooth[sheet], axis=0)
    outside = np.zeros(sheet.shape, bool)
    rng = np.random.default_rng(0)
    # Each side in turn lies on the left.
    for side in range(4):
        edge = _left_edge(np.rot90(sheet, side), np.rot90(smooth, side), rng)
        if edge is None:
            continue
        levels = np.rot90(smooth, side)
        off = np.arange(levels.shape[1])[None, :] - edge[:, None]
        beyond, near = off <= 0, (off > EDGE_WIDTH_PX) & (off <= BESIDE_PX[-1])
        if not beyond.any() or not near.any():
            continue
        # Paper on both sides is that above and below a shaded header; it may be darker to one side. Above a
        # header at the head of a page there is little of it, but on the rim.
        desks = [np.median(levels[where], axis=0) for where in (beyond, _rim_of(beyond))]
        papers = paper, np.median(levels[near], axis=0)
        if any(np.abs(desk - other).max() < EDGE_LEVELS for desk in desks for other in papers):
            continue
        # Behind a line on the sheet there is more of it, and the desk only on the rim.
        behind = (off < -EDGE_WIDTH_PX) & (off >= -BESIDE_PX[-1])
        level = np.median(levels[behind], axis=0) if behind.any() else desks[1]
        if np.abs(level - desks[1]).max() <= np.abs(level - papers[1]).max():
            np.rot90(outside, side)[beyond] = True
    if not outside.any():
        return None
    large = cv2.resize(outside.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(large == 0)


def _rim_of(beyond: np.ndarray) -> np.ndarray:
    """(H, W) bool: the first pixels, from the left, of what lies beyond a left edge."""
    rim = beyond.copy()
    rim[:, RIM_PX:] = False
    return rim


def _watershed(image: np.ndarray) -> np.ndarray:
    rows, columns = image.shape[:2]
    markers = np.zeros((rows, columns), np.int32)
    top, left = round((1 - INNER) / 2 * rows), round((1 - INNER) / 2 * columns)
    markers[top : rows - top, left : columns - left] = 1
    rim = np.ones((rows, columns), bool)
    rim[2:-2, 2:-2] = False
    # Where the sheet goes on beyond the picture its rim is sheet: the flood would begin on the wrong side.
    paper = np.median(image[markers == 1], axis=0)
    off = np.abs(image - paper).max(axis=2)
    markers[rim & (off >= DESK_SHARE * np.percentile(off[rim], 90))] = 2
    return np.asarray(cv2.watershed(image, markers) == 1)


def _left_edge(sheet: np.ndarray, image: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """The column of the sheet's left edge in each row; None where too little of it is seen."""
    rows = np.flatnonzero(sheet.any(axis=1))
    columns = sheet[rows].argmax(axis=1)
    n_columns = sheet.shape[1]

    def at(distance: int) -> np.ndarray:
        return image[rows, np.clip(columns + distance, 0, n_columns - 1)].astype(np.int16)

    def differs(distances: tuple[int, ...], other: np.ndarray) -> np.ndarray:
        return np.min([np.abs(at(d) - other).max(axis=1) for d in distances], axis=0) >= EDGE_LEVELS

    # What comes back behind the edge is a shaded row, or a shadow.
    inside, outside = at(EDGE_WIDTH_PX), at(-EDGE_WIDTH_PX)
    seen = differs(BESIDE_PX, outside) & differs(tuple(-d for d in BESIDE_PX), inside)
    ys, xs = rows[seen].astype(float), columns[seen].astype(float)
    least = MIN_EDGE * len(sheet)
    if len(ys) < least:
        return None
    t = ys / len(sheet)
    tries = np.array([rng.choice(len(ys), 3, replace=False) for _ in range(N_TRIES)])
    tries = tries[np.ptp(t[tries], axis=1) >= 0.3]
    if not len(tries):
        return None
    near = np.abs(_parabolas(t[tries], xs[tries], t) - xs) <= EDGE_PX
    best = near[near.sum(axis=1).argmax()]
    if best.sum() < least:
        return None
    curve = np.polynomial.Polynomial.fit(t[best], xs[best], 2)
    # The edge itself is a shadow.
    edge: np.ndarray = curve(np.arange(len(sheet)) / len(sheet)) + 1
    return edge


def _parabolas(ts: np.ndarray, xs: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(K, N): K parabolas through three points each, (K, 3) `ts` and `xs`, at (N,) places."""
    off = at - ts[:, :, None]
    found = np.zeros((len(ts), len(at)))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        scale = xs[:, i] / ((ts[:, i] - ts[:, j]) * (ts[:, i] - ts[:, k]))
        found += scale[:, None] * off[:, j] * off[:, k]
    return found
