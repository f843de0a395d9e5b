"""Upright rules of which only pieces are left, told by what stands in a row where it has no print."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from giar_ml.geometry import cluster, overlap, runs
from giar_ml.tables.ruling import CLOSE_IN, FIGURE_IN, TOUCH_IN, Rule, positions_of, upright_pixels
from giar_ml.tables.traces import Marks

PRINT, CLEAR = 1, 2
"""Kinds of marks: with others beside them, and with none."""
MIN_PRINT_IN = 0.03
"""Of a line of pixels along a row is print, where it is a line of text; dust is less."""
MIN_MARGIN_IN = 0.05
"""Height of the lines of a row without print, in all, that say what stands there."""
MIN_LEFT = 0.15
"""Share of these in which a rule is left; dust has a tenth of it."""
MIN_LEFT_IN, MIN_ROWS = 0.08, 2
"""What is left of a rule in all its rows, and how many these are."""
BEYOND_FIGURE = 0.2
"""Share of this that no figure in each of them can be."""
LINE_IN, DIGIT = 0.18, 0.6
"""From line to line of text at least, so that a row twice as high may have figures in two lines; and the
height of digits at most, in lines."""
MOSTLY = 0.8
"""Of the height of a row a rule goes through it."""


class _Band(NamedTuple):
    """A row between two level rules, and what stands there."""

    top: float
    bottom: float
    first: int
    clear: np.ndarray
    """(W, L) bool: at the positions from `first` on, whether something thin and dark stands in each line."""
    along: np.ndarray
    """(L,) where these lines are."""
    is_margin: np.ndarray
    """(L,) bool: which of them have no print."""


class _Seen(NamedTuple):
    """What may be left of a rule in a row: its position, its pixels off the print, how many of all of its
    pixels no figure can be, and whether they come close to the rule above or below: a bracket does not."""

    row: int
    position: float
    left: int
    beyond: int
    meets: bool


def find_broken_columns(
    marks: Marks,
    rows: tuple[Rule, ...],
    columns: tuple[Rule, ...],
    streaks: tuple[Rule, ...],
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> tuple[Rule, ...]:
    """Upright rules besides `columns`, in the rows in which they are seen.

    A stroke of print stands in line with the print of its row. What is thin, dark and upright above and below
    that, in several rows, is what is left of a rule.

    Args:
        marks: of the page as seen from the side, (W, H).
        streaks: upright lines that are no rules.
        slopes: of `columns`, and of `rows`.
    """
    touch, close = TOUCH_IN * dpi, max(2.0, CLOSE_IN * dpi)
    if not rows:
        return ()
    positions = np.arange(
        round(min(rule.start for rule in rows) - touch), round(max(rule.stop for rule in rows) + touch) + 1
    )
    kinds = marks.dark * np.where(marks.beside > 0, np.uint8(PRINT), np.uint8(CLEAR))
    bands = [
        band
        for top, bottom in pairwise(positions_of(rows, touch=touch))
        if (band := _see(kinds, top, bottom, positions, slopes=slopes, dpi=dpi)) is not None
    ]
    seen = [piece for i, band in enumerate(bands) for piece in _find_pieces(i, band, dpi=dpi)]
    found: list[Rule] = []
    for indices in cluster([piece.position for piece in seen], gap=close):
        in_line = [seen[i] for i in indices]
        middle = float(np.median([piece.position for piece in in_line]))
        near = [c for c in columns if abs(c.position - middle) <= touch]
        # Where the rule is known it says nothing of what stands in line with it.
        lost = [piece for piece in in_line if not _is_covered(bands[piece.row], near)]
        left, beyond = sum(piece.left for piece in lost), sum(piece.beyond for piece in lost)
        n_rows = len({piece.row for piece in in_line})
        if n_rows < MIN_ROWS or left < MIN_LEFT_IN * dpi or beyond < BEYOND_FIGURE * left:
            continue
        if not any(piece.meets for piece in in_line):
            continue
        if any(abs(streak.position - middle) <= touch for streak in streaks):
            continue
        found += [Rule(middle, bands[i].top, bands[i].bottom) for i in sorted({piece.row for piece in lost})]
    return tuple(found)


def _find_pieces(row: int, band: _Band, *, dpi: float) -> list[_Seen]:
    n_left = band.clear[:, band.is_margin].sum(axis=1)
    pieces = []
    for start, stop in runs(n_left >= MIN_LEFT * np.count_nonzero(band.is_margin), gap=1):
        if stop - start > 2 * TOUCH_IN * dpi:
            continue
        best = start + int(n_left[start:stop].argmax())
        at = band.along[band.clear[best]]
        # Figures stand on their rules, but do not hang on the one above.
        lower = at[at > band.top + TOUCH_IN * dpi]
        beyond = len(at) - _most_in_figures(lower, (band.bottom - band.top) / dpi, dpi=dpi)
        near = (TOUCH_IN / 2 + CLOSE_IN) * dpi
        meets = bool(((at <= band.top + near) | (at >= band.bottom - near)).any())
        pieces.append(_Seen(row, band.first + (start + stop - 1) / 2, int(n_left[best]), beyond, meets))
    return pieces


def _most_in_figures(at: np.ndarray, row_in: float, *, dpi: float) -> int:
    """How many pixels, (N,) their rising places along a row, can be strokes of figures: of one, or of one in
    each of the lines for which the row has room."""
    n_lines = max(1, int(row_in / LINE_IN))
    height = min(FIGURE_IN, DIGIT * row_in / n_lines) if n_lines > 1 else FIGURE_IN
    count = 0
    for _ in range(n_lines if len(at) else 0):
        within = np.searchsorted(at, at + height * dpi, side="right") - np.arange(len(at))
        first, most = int(within.argmax()), int(within.max())
        at = np.delete(at, np.s_[first : first + most])
        count += most
        if not len(at):
            break
    return count


def _is_covered(band: _Band, columns: list[Rule]) -> bool:
    covered = sum(overlap(c.start, c.stop, band.top, band.bottom) for c in columns)
    return covered >= MOSTLY * (band.bottom - band.top)


def _see(
    kinds: np.ndarray,
    top: float,
    bottom: float,
    positions: np.ndarray,
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> _Band | None:
    """What stands off the print of a row at the positions, (W,); None where that is too low a strip."""
    touch = TOUCH_IN * dpi
    along = np.arange(round(top + touch / 2), round(bottom - touch / 2))
    if len(along) < MIN_MARGIN_IN * dpi:
        return None
    seen = kinds[upright_pixels(positions, along, slopes=slopes, shape=kinds.shape)]
    is_margin = (seen == PRINT).sum(axis=0) < MIN_PRINT_IN * dpi
    if is_margin.sum() < MIN_MARGIN_IN * dpi:
        return None
    clear = seen == CLEAR
    clear[1:-1] = clear[1:-1] | clear[:-2] | clear[2:]
    return _Band(top, bottom, int(positions[0]), clear, along, is_margin)
