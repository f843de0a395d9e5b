"""Boxes on paper moved and bent, lines and columns of a text shifted and broken."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from giar_ml.label.names import FIGURE
from training.labels.noise.draft import (
    Draft,
    Rng,
    box_centers,
    by_line,
    choose,
    draw_tokens,
    insert_lines,
    line_height,
)

_GAPS = (1, 2, 4, 8)


# Boxes on paper -----------------------------------------------------------------------------------------


def jitter_boxes(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Every edge moved by up to a quarter of a line's height (standard deviation), each on its own."""
    sizes = np.minimum(draft.boxes[:, 2:] - draft.boxes[:, :2], line_height(draft))
    spread = 0.25 * strength * np.hstack([sizes, sizes])
    return draft._replace(boxes=_ordered(draft.boxes + spread * rng.normal(size=spread.shape)))


def pad_boxes(draft: Draft, rng: Rng, strength: float) -> Draft:
    """All boxes larger or smaller on all sides, by up to a quarter of a line, as detectors differ."""
    pad = line_height(draft) * 0.25 * strength * rng.uniform(-0.7, 1, 2)
    return draft._replace(boxes=_ordered(draft.boxes + np.array([-pad[0], -pad[1], pad[0], pad[1]])))


def turn(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The page rotated by up to 3 degrees, sheared by up to 2 and scaled by up to 10 % each way."""
    angle, shear = np.radians([3 * rng.uniform(-1, 1), 2 * rng.uniform(-1, 1)]) * min(strength, 1.5)
    scale = np.diag(1 + 0.1 * strength * rng.uniform(-1, 1, 2))
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = scale @ rotation @ np.array([[1, 0], [shear, 1]])
    return _move(draft, rng, lambda points: points @ matrix)


def tilt(draft: Draft, rng: Rng, strength: float) -> Draft:
    """A mild perspective: one edge of the page up to 12 % shorter than the other."""
    lean = 0.12 * strength * rng.uniform(-1, 1, 2)
    half = np.abs(draft.boxes - np.tile(_middle(draft), 2)).max() or 1.0
    return _move(draft, rng, lambda points: points / (1 + (points / half) @ lean / 2)[..., None])


def curl(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Lines bent, as near the back of a book, by up to two line heights; their ends may bend more."""
    bend = line_height(draft) * 2 * strength * rng.uniform(-1, 1)
    half = np.abs(draft.boxes[:, [0, 2]] - _middle(draft)[0]).max() or 1.0
    side = rng.choice([-1.0, 0.0, 1.0])

    def bent(points: np.ndarray) -> np.ndarray:
        across = points[..., 0] / half - side
        return np.stack([points[..., 0], points[..., 1] + bend * across**2 / (1 + abs(side))], axis=-1)

    return _move(draft, rng, bent)


def swap_places(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Tokens set off by up to a line up or down, so that their order changes slightly; up to one in six."""
    boxes = draft.boxes.copy()
    chosen = draw_tokens(draft, rng, 0.16 * strength)
    height = line_height(draft)
    boxes[chosen] += np.tile(height * rng.uniform(-0.7, 0.7, (len(chosen), 2)) * [0.5, 1], 2)
    return draft._replace(boxes=boxes)


def _middle(draft: Draft) -> np.ndarray:
    return (draft.boxes[:, :2].min(axis=0) + draft.boxes[:, 2:].max(axis=0)) / 2


def _move(draft: Draft, rng: Rng, move: Callable[[np.ndarray], np.ndarray]) -> Draft:
    """All boxes moved by a map of points around the page's middle, (..., 2) to (..., 2).

    Either a box becomes the hull of its moved corners, or it keeps its size, as where lines are straightened.
    """
    middle = _middle(draft)
    if rng.random() < 0.5:
        corners = draft.boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        moved = move(corners - middle) + middle
        return draft._replace(boxes=np.hstack([moved.min(axis=1), moved.max(axis=1)]))
    centers = box_centers(draft)
    by = move(centers - middle) + middle - centers
    return draft._replace(boxes=draft.boxes + np.tile(by, 2))


def _ordered(boxes: np.ndarray) -> np.ndarray:
    """Boxes with left <= right and top <= bottom: edges that crossed change places."""
    return np.hstack([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])])


# Lines and columns of a text ----------------------------------------------------------------------------


def shift_columns(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Lines pushed right from some token on, by up to 24 columns; up to four lines in ten."""
    order, starts = by_line(draft)
    line = np.cumsum(starts) - 1
    n = int(line[-1]) + 1
    by = rng.integers(1, 2 + round(23 * min(strength, 1)), n) * (rng.random(n) < 0.4 * strength)
    last = np.append(np.flatnonzero(starts)[1:], len(order)) - np.flatnonzero(starts)
    rank = np.arange(len(order)) - np.flatnonzero(starts)[line]
    moved = rank >= (rng.random(n) * last).astype(int)[line]
    return _settle(draft, order, starts, draft.boxes[order, 0] + by[line] * moved)


def change_gaps(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The spaces between fields all as one tab or one space, or all wider or narrower."""
    order, starts = by_line(draft)
    ordered = draft.boxes[order]
    gaps = np.append(0.0, ordered[1:, 0] - ordered[:-1, 2])
    gaps[starts] = ordered[starts, 0]
    between = ~starts
    if rng.random() < 0.6:
        gaps[between] = choose(_GAPS, rng)
    else:
        gaps[between] = np.round(gaps[between].clip(1) * 2.0 ** (3 * strength * rng.uniform(-1, 1))).clip(1)
    if rng.random() < 0.4:
        gaps[starts] = np.round(gaps[starts] * rng.choice([0.0, 0.5, 2.0]))
    ends = np.cumsum(gaps + ordered[:, 2] - ordered[:, 0])
    before = np.append(0.0, ends[:-1])[starts]
    lefts = ends - (ordered[:, 2] - ordered[:, 0]) - before[np.cumsum(starts) - 1]
    return _settle(draft, order, starts, lefts)


def insert_blanks(draft: Draft, rng: Rng, strength: float) -> Draft:
    """Blank lines after up to half of the lines, or one after each."""
    lines = np.unique(draft.boxes[:, 1])
    rate = 1.0 if rng.random() < 0.2 else 0.5 * strength
    return insert_lines(draft, lines[rng.random(len(lines)) < rate])


def break_rows(draft: Draft, rng: Rng, strength: float) -> Draft:
    """The fields of a line put one per line, in a run of lines or, rarely, in all."""
    order, starts = by_line(draft)
    line = np.cumsum(starts) - 1
    n = int(line[-1]) + 1
    first = int(rng.integers(n))
    chosen = np.zeros(n, bool)
    chosen[first : first + 1 + int(n * strength * rng.random())] = True
    if rng.random() < 0.25:
        chosen[:] = True
    broken = chosen[line] & ~starts
    boxes = draft.boxes.copy()
    down = np.cumsum(broken).astype(float)
    boxes[order] += np.stack([0 * down, down, 0 * down, down], axis=1)
    if rng.random() < 0.8:
        at = order[chosen[line]]
        boxes[at] -= boxes[at, :1] * [1, 0, 1, 0]
    return draft._replace(boxes=boxes)


def move_labels(draft: Draft, rng: Rng, strength: float) -> Draft:
    """What is no figure moved one line above or below the figures of its line; up to half of the lines."""
    order, starts = by_line(draft)
    line = np.empty(len(order), int)
    line[order] = np.cumsum(starts) - 1
    figure = np.array([label == FIGURE for label in draft.labels], bool)
    n = int(line.max()) + 1
    mixed = (np.bincount(line, figure, n) > 0) & (np.bincount(line, ~figure, n) > 0)
    chosen = mixed & (rng.random(n) < 0.5 * strength)
    above = rng.random() < 0.5
    moved = chosen[line] & (~figure if above else figure)
    stay = chosen[line] & ~moved
    if rng.random() < 0.3:  # onto the next line, beside what stands there
        shifted = draft.boxes + stay[:, None] * np.array([0.0, 1.0, 0.0, 1.0])
        return _settle_all(draft._replace(boxes=shifted))
    tops = np.unique(draft.boxes[moved, 1])
    down = np.searchsorted(tops, draft.boxes[:, 1], side="left") + stay
    return draft._replace(boxes=draft.boxes + down[:, None] * np.array([0, 1, 0, 1]))


def _settle(draft: Draft, order: np.ndarray, starts: np.ndarray, lefts: np.ndarray) -> Draft:
    """The tokens of a text at other columns, each at least one column right of the last on its line."""
    widths = draft.boxes[order, 2] - draft.boxes[order, 0]
    line = np.cumsum(starts) - 1
    used = np.cumsum(widths + 1) - widths - 1
    slack = lefts.clip(0) - (used - used[starts][line])
    apart = line * (2 * np.abs(slack).max() + 1)
    lefts = np.maximum.accumulate(slack + apart) - apart + (used - used[starts][line])
    boxes = draft.boxes.copy()
    boxes[order, 0] = lefts
    boxes[order, 2] = lefts + widths
    return draft._replace(boxes=boxes)


def _settle_all(draft: Draft) -> Draft:
    order, starts = by_line(draft)
    return _settle(draft, order, starts, draft.boxes[order, 0])
