"""Rules between columns of which hardly anything is left, told by how regular the columns are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from giar_ml.geometry import overlap
from giar_ml.tables.ruling import CLOSE_IN, TOUCH_IN, Rule, positions_of, upright_pixels
from giar_ml.tables.traces import Marks

ALIKE = 0.15
"""Columns of figures are as wide as each other, but for so much."""
MIN_ALIKE = 3
MAX_LOST = 2
"""Rules side by side that may be lost."""
MIN_LEFT = 0.25
"""Share of a lost rule that is left between two rules across it; less next to where so much is."""
MIN_TRACE = 0.08
MIN_ROWS = 2
MANY_ALIKE = 6
"""Columns that say enough of a row alone."""
MOSTLY = 0.8
"""Of the height of the only row that it stands in a rule goes through."""
MIN_HIGH = 0.6
"""Share of a band that a rule takes, and hardly a stroke: print may stand close on both sides of it."""
APART_IN = 0.15
"""Between a rule and print on one of its sides at least; spaced digits stand closer on both."""
PRINT_IN = 0.08
MIN_PRINT = 0.2
"""Share of a square so wide that is dark where it holds print; dust has less."""


MIN_PIECE = 0.15
"""Share of a rule that is left in a row between two through which it goes, and in which no other stands."""
MAX_INTERRUPTED, MOST = 4, 0.7
"""Rows in a stretch in which a rule may be lost; where several, share of the rules that stand in each."""
MANY, MUCH = 0.5, 0.4
"""Share of the rules that stand in the last row, too, and of one that is left there where print is across."""


class _Place(NamedTuple):
    """Where a rule may be missing, how far off it may be, and the rules on both sides."""

    position: float
    reach: float
    sides: tuple[float, float]
    regular: bool
    """Among columns alike; else beside one that is half as wide, which may be chance."""


class _Page(NamedTuple):
    """What is clear on both sides, and where there is print, seen from the side, (W, H) bool each; the bands
    between level rules, and the positions of the upright ones that stand in each."""

    clear: np.ndarray
    printed: np.ndarray
    slopes: tuple[float, float]
    bands: list[tuple[float, float]]
    whole: list[list[float]]


class _Doubtful(NamedTuple):
    """What is seen in a band where a rule may be missing by chance: how much is left of it, and whether it
    lies between print."""

    band: tuple[float, float]
    place: _Place
    position: float
    share: float
    between: bool
    meets: bool
    """Among many columns alike, with an end on a rule across: no stroke of a figure has one there."""


def find_lost_columns(
    marks: Marks,
    rows: tuple[Rule, ...],
    columns: tuple[Rule, ...],
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> tuple[Rule, ...]:
    """Upright rules where a row has columns alike and one that is just so many times as wide, and something
    dark and clear on both sides stands where they would be.

    A column of ones is as wide as the others; a cell that is merged has nothing there. Beside one column that
    is half as wide it takes print on both sides, not close on both, in two rows, and none across in others:
    ones stand alone in the middle of a cell, and strokes of spaced figures close to others. One row is enough
    where many columns are as wide and what is seen meets a rule across.

    Args:
        marks: of the page as seen from the side, (W, H).
        slopes: of `columns`, and of `rows`.
    """
    touch, close = TOUCH_IN * dpi, max(2.0, CLOSE_IN * dpi)
    page = _look(marks, marks.dark, rows, columns, slopes=slopes, dpi=dpi)
    bands, whole = page.bands, page.whole
    left: list[list[tuple[float, float]]] = []
    doubtful: list[_Doubtful] = []
    for (top, bottom), standing in zip(bands, whole, strict=True):
        within = (top + touch / 2, bottom - touch / 2)
        sides = _with_sides(standing, rows, (top, bottom), touch=touch)
        places, usual = _expected(sides), usual_width(np.diff(sides), least=MANY_ALIKE)
        left.append([_seen(page, place, within) for place in places if place.regular])
        doubtful += [
            _doubt(page, place, within, usual=usual, apart=APART_IN * dpi, close=close)
            for place in places
            if not place.regular
        ]
    rules = [
        Rule(seen.position, seen.band[0] - touch / 2, seen.band[1] + touch / 2)
        for seen in doubtful
        if (seen.between and seen.meets and seen.share >= MIN_LEFT)
        or (
            seen.share >= (MIN_TRACE if seen.between else MIN_HIGH)
            and _is_confirmed(page, seen.position, doubtful, close)
        )
    ]
    found: set[tuple[int, float]] = set()
    for order in (range(len(bands)), range(len(bands) - 1, -1, -1)):
        above: list[float] = []
        whole_above: list[float] = []
        for i in order:
            here = []
            for position, share in left[i]:
                is_traced = share >= MIN_TRACE and any(abs(position - a) <= close for a in above)
                goes_on = [a for a in (*above, *whole_above) if abs(position - a) <= touch]
                if share >= MIN_LEFT or is_traced:
                    here.append(position)
                elif goes_on and not _is_printed(page, goes_on[0] - close, goes_on[0] + close, bands[i]):
                    here.append(goes_on[0])
            found |= {(i, position) for position in here}
            above, whole_above = here, whole[i]
    return (*rules, *(Rule(position, *bands[i]) for i, position in sorted(found)))


def find_interrupted_columns(
    marks: Marks,
    rows: tuple[Rule, ...],
    columns: tuple[Rule, ...],
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> tuple[Rule, ...]:
    """Upright rules in rows in which they were lost, and where nothing is printed, while they stand in the
    rows above and below: in rows that others part, or where something of them is left. Several rows are
    parted by most of the others, too. A caption goes through all columns. In the last row of a
    table, or before a caption, something of the rule is left.

    Args:
        marks, slopes: as of `find_lost_columns`.
    """
    touch, close = TOUCH_IN * dpi, max(2.0, CLOSE_IN * dpi)
    apart = PRINT_IN / 2 * dpi + close
    # What is left of rules is clear on both sides, and no print.
    page = _look(marks, marks.dark * (marks.beside > 0), rows, columns, slopes=slopes, dpi=dpi)
    found: set[tuple[int, float]] = set()
    for i, above in enumerate(page.whole):
        for position in above:
            stops = [j for j in range(i + 1, len(page.whole)) if _stands(page.whole[j], position, touch)]
            gone = range(i + 1, stops[0]) if stops else range(0)
            if (gone or not stops) and _goes_down(page, position, i, touch=touch, close=close, apart=apart):
                found.add((i + 1, position))
            if not 0 < len(gone) <= MAX_INTERRUPTED:
                continue
            around = (*above, *page.whole[gone.stop])
            if all(_goes_on(page, position, j, around, touch=touch, close=close) for j in gone) and (
                len(gone) == 1 or all(_are_alike(above, page.whole[j], touch) for j in gone)
            ):
                found |= {(j, position) for j in gone}
    return tuple(Rule(position, *page.bands[j]) for j, position in sorted(found))


def _stands(positions: Iterable[float], position: float, touch: float) -> bool:
    return any(abs(position - other) <= touch for other in positions)


def _are_alike(above: Sequence[float], here: Sequence[float], touch: float) -> bool:
    """Whether most upright rules of a row stand in another, too."""
    return sum(_stands(here, position, touch) for position in above) >= MOST * len(above)


def _goes_on(
    page: _Page, position: float, i: int, around: Sequence[float], *, touch: float, close: float
) -> bool:
    """Whether an upright rule may have been lost in a band: nothing is printed there, and others part the
    band, or something of it is left.

    Args:
        around: the rules in the bands above and below, those at the sides of the table among them.
    """
    top, bottom = page.bands[i]
    if _is_printed(page, position - close, position + close, (top, bottom)):
        return False
    outer = min(around), max(around)
    if any(not _stands(outer, other, touch) for other in page.whole[i]):
        return True
    place = _Place(position, close, (position, position), regular=False)
    return _seen(page, place, (top + touch / 2, bottom - touch / 2))[1] >= MIN_PIECE


def _goes_down(page: _Page, position: float, i: int, *, touch: float, close: float, apart: float) -> bool:
    """Whether an upright rule of a band goes on into the next, though not into the one behind that: others
    go on into it, and none begin there. Beside a column of figures something of it is left, and nothing is
    printed there; between two of them less of it, or much where print may lie across.

    Args:
        apart: off the rule, where what is printed across it has print, too.
    """
    above, below = page.whole[i], page.whole[i + 1] if i + 1 < len(page.whole) else []
    inner = [other for other in below if above[0] + touch < other < above[-1] - touch]
    if (
        not inner
        or len(below) < MANY * len(above)
        or not all(_stands(above, other, touch) for other in below)
    ):
        return False
    gaps, at = np.diff(above), above.index(position)
    usual = usual_width(gaps)
    n_columns = [_n_columns(gap, usual) for gap in gaps.tolist()]
    if not 0 < at < len(gaps) or [1, 1] not in (n_columns[max(0, at - 2) : at], n_columns[at : at + 2]):
        return False
    band = page.bands[i + 1]
    place = _Place(position, close, (position, position), regular=False)
    share = _seen(page, place, (band[0] + touch / 2, band[1] - touch / 2))[1]
    is_printed = [_is_printed(page, side, side, band) for side in (position - apart, position + apart)]
    if 0 in n_columns[at - 1 : at + 1]:
        return share >= MIN_LEFT and not any(is_printed)
    return share >= (MUCH if all(is_printed) else MIN_PIECE)


def _look(
    marks: Marks,
    print_: np.ndarray,
    rows: tuple[Rule, ...],
    columns: tuple[Rule, ...],
    *,
    slopes: tuple[float, float],
    dpi: float,
) -> _Page:
    """The page as it is seen here; `print_` are those that may be print, (W, H) uint8, 0 or 1."""
    touch, size = TOUCH_IN * dpi, max(3, round(PRINT_IN * dpi))
    positions = positions_of(rows, touch=touch)
    bands = [(top, bottom) for top, bottom in pairwise(positions) if bottom - top > 2 * touch]
    return _Page(
        clear=(marks.dark > 0) & (marks.beside == 0),
        printed=cv2.boxFilter(print_, cv2.CV_16U, (size, size), normalize=False) >= MIN_PRINT * size**2,
        slopes=slopes,
        bands=bands,
        whole=[positions_of([c for c in columns if covers(c, *band)], touch=touch) for band in bands],
    )


def _with_sides(
    positions: list[float], rows: tuple[Rule, ...], band: tuple[float, float], *, touch: float
) -> list[float]:
    """The positions of upright rules in a band, and of the sides of the table where it has none: where both
    rules across end."""
    across = [[rule for rule in rows if abs(rule.position - edge) <= touch] for edge in band]
    starts = [min(rule.start for rule in pieces) for pieces in across]
    stops = [max(rule.stop for rule in pieces) for pieces in across]
    sides = [sum(ends) / 2 for ends in (starts, stops) if abs(ends[0] - ends[1]) <= touch]
    is_open = [side for side in sides if all(abs(side - position) > touch for position in positions)]
    return sorted([*positions, *is_open]) if positions else []


def covers(rule: Rule, top: float, bottom: float) -> bool:
    """Whether an upright rule stands in a row. One that stands in no other must go through most of it: a
    stroke of a figure takes half of a low row."""
    is_inside = top <= rule.start and rule.stop <= bottom
    least = MOSTLY if is_inside else 0.5
    return overlap(rule.start, rule.stop, top, bottom) >= least * (bottom - top)


def _expected(positions: list[float]) -> list[_Place]:
    """Where rules may be missing between columns."""
    gaps = np.diff(positions)
    places: list[_Place] = []
    follows, usual = False, usual_width(gaps)
    for i, gap in enumerate(gaps.tolist()):
        sides = (positions[i], positions[i + 1])
        n = _n_columns(gap, usual)
        if follows and n > 1:
            reach = ALIKE / 2 * usual
            places += [_Place(sides[0] + k * gap / n, reach, sides, regular=True) for k in range(1, n)]
        elif n == 2 or any(
            abs(gap / 2 - g) <= ALIKE / 2 * g for g in (*gaps[max(0, i - 1) : i], *gaps[i + 1 : i + 2])
        ):
            places.append(_Place(sides[0] + gap / 2, ALIKE / 4 * gap, sides, regular=False))
        follows = n == 1 or (follows and n > 1)
    return places


def _n_columns(gap: float, usual: float) -> int:
    """How many columns of the usual width lie between two rules; 0 where they are none, or too many."""
    n = round(gap / usual) if usual else 0
    if not 1 <= n <= MAX_LOST + 1:
        return 0
    return n if abs(gap / n - usual) <= (ALIKE if n == 1 else ALIKE / 2) * usual else 0


def usual_width(gaps: np.ndarray, *, least: int = MIN_ALIKE) -> float:
    """The width of columns that are alike; 0 where fewer are than the least."""
    if len(gaps) <= least:
        return 0.0
    alike = np.abs(gaps[:, None] - gaps) <= ALIKE * gaps
    usual = float(np.median(gaps[alike[:, int(alike.sum(axis=0).argmax())]]))
    return usual if (np.abs(gaps - usual) <= ALIKE * usual).sum() >= least else 0.0


def _seen(page: _Page, place: _Place, band: tuple[float, float]) -> tuple[float, float]:
    """The position near a place along which most is left of a rule in a band, and how much of it is."""
    positions = np.arange(round(place.position - place.reach), round(place.position + place.reach) + 1)
    rows, columns = _pixels(page, positions, band)
    shares = np.any([page.clear[rows + d, columns] for d in (-1, 0, 1)], axis=0).mean(axis=1)
    best = np.flatnonzero(shares >= shares.max() - 1e-9)
    return float(positions[best].mean()), float(shares.max())


def _doubt(
    page: _Page, place: _Place, band: tuple[float, float], *, usual: float, apart: float, close: float
) -> _Doubtful:
    """What is seen at a place.

    Args:
        usual: width of the many columns of the row that are alike; 0 where they are few.
        apart: print within half of that is the line itself, or the other side of a zero.
    """
    position, share = _seen(page, place, band)
    (left, right), reach = place.sides, max(place.reach, apart / 2)
    is_between = _is_printed(page, left + place.reach, position - reach, band) and _is_printed(
        page, position + reach, right - place.reach, band
    )
    is_close = _is_printed(page, position - apart, position - apart / 2, band) and _is_printed(
        page, position + apart / 2, position + apart, band
    )
    is_alike = abs((right - left) / 2 - usual) <= ALIKE / 2 * usual
    ends = (band[0], band[0] + close), (band[1] - close, band[1])
    meets = is_alike and any(
        _seen(page, _Place(position, 1, place.sides, False), end)[1] == 1 for end in ends
    )
    is_between = is_between and (share >= MIN_HIGH or not is_close)
    return _Doubtful(band, place, position, share, is_between, meets)


def _is_confirmed(page: _Page, position: float, doubtful: list[_Doubtful], close: float) -> bool:
    """Whether a rule is seen in several bands, in one of them between print, and crossed by print in none."""
    for seen in doubtful:
        if abs(seen.place.position - position) <= seen.place.reach:
            _, share = _seen(page, seen.place._replace(position=position, reach=close), seen.band)
            if share < MIN_TRACE and _is_printed(page, position, position, seen.band):
                return False
    in_line = [seen for seen in doubtful if abs(seen.position - position) <= close]
    n_sure = sum(seen.between and seen.share >= MIN_LEFT for seen in in_line)
    return (
        n_sure > 0
        and n_sure + sum(not seen.between and seen.share >= MIN_HIGH for seen in in_line) >= MIN_ROWS
    )


def _is_printed(page: _Page, start: float, stop: float, band: tuple[float, float]) -> bool:
    """Whether there is print between two upright lines in a band."""
    lines = np.arange(round(start), max(round(start), round(stop)) + 1)
    return bool(page.printed[_pixels(page, lines, band)].any())


def _pixels(page: _Page, positions: np.ndarray, band: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The pixels along upright lines in a band, (lines, length)."""
    along = np.arange(round(band[0]), max(round(band[0]) + 1, round(band[1])))
    return upright_pixels(positions, along, slopes=page.slopes, shape=page.clear.shape)
