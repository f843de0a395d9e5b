"""Takes lines that are no rules off the picture of a page: they join what they run through into one text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from giar_ml.tables.ruling import Rule, Rules

TILT_IN = 0.05
"""How far a streak may lie from where it would, were it as level as the rules."""
BREAK_IN = 0.25
DARKER = 40
"""Grey levels below paper from which something is ink."""


def erase_streaks(image: np.ndarray, rules: Rules, *, dpi: float) -> np.ndarray:
    """The image, (H, W, 3) uint8, without its streaks; strokes that cross one stay whole.

    The image itself where there are none, else a copy.
    """
    if not rules.row_streaks and not rules.column_streaks:
        return image
    image = image.copy()
    for streak in rules.row_streaks:
        ends = rules.to_page(streak.start, streak.position), rules.to_page(streak.stop, streak.position)
        _erase(image, ends, streak, dpi=dpi)
    for streak in rules.column_streaks:
        ends = rules.to_page(streak.position, streak.start), rules.to_page(streak.position, streak.stop)
        _erase(image.swapaxes(0, 1), [(y, x) for x, y in ends], streak, dpi=dpi)
    return image


def _erase(image: np.ndarray, ends: Sequence[tuple[float, float]], streak: Rule, *, dpi: float) -> None:
    """Whiten what is dark along a line from left to right, column by column, where nothing crosses it."""
    (left, top), (right, bottom) = ends
    xs = np.arange(max(0, round(left)), min(image.shape[1], round(right) + 1))
    middle = np.interp(xs, [left, right], [top, bottom])
    for reach in (TILT_IN * dpi, TILT_IN * dpi / 3):  # once near, its own slope shows
        offsets, dark, _ = _find_dark(image, xs, middle, round(reach))
        ys, columns = np.nonzero(dark & (dark.sum(axis=0) <= streak.thickness + 2))
        if len(set(columns.tolist())) < 2:
            return
        slope, offset = np.polyfit(columns, offsets[ys], 1)
        middle = middle + slope * np.arange(len(xs)) + offset
    # It may have been seen in part only: it goes on as far as there is something of it.
    everywhere, reach = np.arange(image.shape[1]), round(streak.thickness / 2) + 2
    start, stop, line = int(xs[0]), int(xs[-1]) + 1, np.polyfit(xs, middle, 1)
    while True:
        middle = np.polyval(line, everywhere)
        offsets, dark, paper = _find_dark(image, everywhere, middle, reach)
        thin = dark & ~(dark[0] | dark[-1])
        # What is known of it says where it lies for as long again.
        limits = max(0, 2 * start - stop), min(len(everywhere), 2 * stop - start)
        parts = _find_parts(dark, thin, gap=BREAK_IN * dpi)
        seen = [(start, stop), *(part for part in parts if part[0] < stop and part[1] > start)]
        first, last = min(part[0] for part in seen), max(part[1] for part in seen)
        grown = max(limits[0], first), min(limits[1], last)
        ys, columns = np.nonzero(thin[:, grown[0] : grown[1]])
        columns += grown[0]
        if len(set(columns.tolist())) < 2:
            return
        at = np.round(middle[columns]).astype(np.intp) + offsets[ys]
        if grown == (start, stop):
            break
        (start, stop), line = grown, np.polyfit(columns, at, 1)
    image[at, columns] = round(paper)


def _find_parts(dark: np.ndarray, thin: np.ndarray, *, gap: float) -> list[tuple[int, int]]:
    """Where a streak is seen, its parts joined over what hides it: only where it would be seen does it end.

    Args:
        dark: (rows, N) bool, what is dark beside the streak.
        thin: (rows, N) bool, what of it may be the streak.
        gap: columns without anything between two parts.
    """
    columns = np.flatnonzero(thin.any(axis=0))
    if not len(columns):
        return []
    n_clear = np.cumsum(~dark.any(axis=0))[columns]
    ends = np.flatnonzero(np.diff(n_clear) > gap)
    starts = columns[np.append(0, ends + 1)]
    stops = columns[np.append(ends, len(columns) - 1)] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _find_dark(
    image: np.ndarray, xs: np.ndarray, middle: np.ndarray, reach: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """What is dark beside a line.

    Returns:
        the offsets of rows, `-reach` to `reach`; (2 reach + 1, N) bool; the grey level of paper.
    """
    offsets = np.arange(-reach, reach + 1)
    rows = np.clip(np.round(middle).astype(np.intp) + offsets[:, None], 0, len(image) - 1)
    gray = image[rows, xs].mean(axis=2)
    paper = float(np.median(gray))
    return offsets, gray < paper - DARKER, paper
