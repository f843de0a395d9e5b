"""The characters of a PDF page -> tokens: runs on one line that cross no gap and no rule. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from giar_ml.document import UNREAD, BBox, Token
from giar_ml.tables.ruling import Rule
from giar_ml.text import normalize_radicals

MAX_GAP_EM = 0.8
"""Words keep closer, columns do not. Later stages join the tokens of a cell, so splitting is cheap."""
MAX_DIGIT_GAP_EM = 0.3
"""Two figures in narrow cells without rules; no number has such a gap inside."""
_MAX_OVERLAP_EM = 0.5  # condensed text overlaps a little; a step back further starts something new
_MAX_DRIFT_EM = 0.35  # fonts of one line sit at slightly different heights; the next line is 1 em away
_SAME_PLACE_EM = 0.15  # bold faked by printing twice is shifted by less
_RULE_REACH_EM = 0.12  # beyond the line above and below: a rule goes on there, a stroke ends
_MIN_RULE_CONTRAST = 40  # of 255; hairlines are gray once rendered
_OVERPRINT_EM = 0.5  # centres of characters that share half of their ink are not further apart
_OVERPRINT_SHARE = 0.5
_RINGS = ("So", "Me")  # ○, and what is put around the character before it
_STRUCK_SHARE = 0.2  # of the height of a digit, off its middle; its crossbars lie elsewhere
_STRUCK_WIDTH = 0.6  # of a digit
_FAR = 1e6  # pixels; beyond any page
_DARK_PAPER = 200  # gray level
_WHITE = 255

MAX_PAIRS = 1_000_000
"""Of neighbours on a page; a page of dense text has some ten thousand."""


class CrowdedError(Exception):
    """More characters lie on each other than print has."""


@dataclass(frozen=True, eq=False)
class Chars:
    """Printed characters, N of them; a page has hundreds, so that what is asked is asked of all at once.

    Args:
        text: (N,) one character each.
        ink: (N, 4) left, top, right and bottom of what one sees, in page pixels.
        body: (N, 4) the same of the full advance.
        after_space: (N,) bool.
    """

    text: str
    ink: np.ndarray
    body: np.ndarray
    after_space: np.ndarray

    def __len__(self) -> int:
        return len(self.text)

    def take(self, kept: np.ndarray) -> Chars:
        """Those at (N,) bool."""
        if kept.all():
            return self
        text = "".join(char for char, is_kept in zip(self.text, kept.tolist(), strict=True) if is_kept)
        return Chars(text, self.ink[kept], self.body[kept], self.after_space[kept])

    @cached_property
    def xs(self) -> np.ndarray:
        """(N,) centres of the bodies."""
        return np.asarray((self.body[:, 0] + self.body[:, 2]) / 2)

    @cached_property
    def ys(self) -> np.ndarray:
        return np.asarray((self.body[:, 1] + self.body[:, 3]) / 2)

    @cached_property
    def ems(self) -> np.ndarray:
        return np.maximum(self.body[:, 3] - self.body[:, 1], 1.0)

    @cached_property
    def are_digits(self) -> np.ndarray:
        return np.array([char.isdecimal() for char in self.text], bool)

    @cached_property
    def are_points(self) -> np.ndarray:
        return np.array([char in ".,．，" for char in self.text], bool)


def group_characters(chars: Chars, gray: np.ndarray | None = None) -> tuple[Token, ...]:
    """Tokens from top to bottom and left to right, their boxes tight around the ink.

    Writing runs from left to right; of a vertical line every character is a token of its own.

    Args:
        chars: in the order of the file, without white space.
        gray: (H, W) uint8, the page; where given, no token crosses a vertical rule on it.

    Raises:
        CrowdedError: more characters lie on each other than print has.
    """
    chars = _settle_overprints(chars)
    if not len(chars):
        return ()
    places = np.arange(len(chars))
    stops = np.flatnonzero(~_continue(chars, places[:-1], places[1:], gray)) + 1
    runs = [list(range(*ends)) for ends in pairwise([0, *stops.tolist(), len(chars)])]
    return _to_tokens(chars, _in_reading_order(chars, _join_runs(chars, runs, gray)))


def strike_out(chars: Chars, rules: Sequence[Rule]) -> Chars:
    """The characters, UNREAD those digits that a level rule runs through.

    Raises:
        CrowdedError: more lie on each other than print has.
    """
    if not len(chars) or not rules:
        return chars
    left, top, right, bottom = chars.ink.T
    positions, starts, stops, thickness = np.array(rules, float).T
    char, rule = _pairs_within((top + bottom) / 2, positions, _STRUCK_SHARE * (bottom - top))
    covered = np.minimum(right[char], stops[rule]) - np.maximum(left[char], starts[rule])
    are_through = (
        chars.are_digits[char]
        & (covered >= _STRUCK_WIDTH * (right - left)[char])
        & (thickness[rule] < (bottom - top)[char] / 2)
    )
    return _without_text(chars, char[are_through])


def _without_text(chars: Chars, places: np.ndarray) -> Chars:
    if not len(places):
        return chars
    texts = np.array(list(chars.text))
    texts[places] = UNREAD
    return replace(chars, text="".join(texts.tolist()))


def _settle_overprints(chars: Chars) -> Chars:
    """Without the second print of characters that are printed twice to look bold; of a digit and another
    character in one place, as where a figure was painted over, neither can be read."""
    if not len(chars):
        return chars
    texts = np.array(list(chars.text))
    centers = np.stack([chars.xs, chars.ys], axis=1)
    near = _OVERPRINT_EM * float(chars.ems.max())
    second, first = _pairs_near(centers, centers, near, near)
    is_later = first < second
    second, first = second[is_later], first[is_later]
    reach = _SAME_PLACE_EM * chars.ems[second]
    are_same = texts[first] == texts[second]
    are_doubles = are_same & (np.abs(centers[first] - centers[second]) < reach[:, None]).all(axis=1)
    are_over = (
        ~are_same
        & (chars.are_digits[first] | chars.are_digits[second])
        & _overlap(chars.ink[first], chars.ink[second])
    )
    places = np.concatenate([first[are_over], second[are_over]])
    if len(places):
        # Digits in circles may be two characters.
        are_rings = np.array([unicodedata.category(text) in _RINGS for text in texts.tolist()], bool)
        are_over &= ~are_rings[first] & ~are_rings[second]
        places = np.concatenate([first[are_over], second[are_over]])
    kept = np.ones(len(chars), bool)
    for index, double in sorted(zip(second[are_doubles].tolist(), first[are_doubles].tolist(), strict=True)):
        kept[index] &= not kept[double]
    return _without_text(chars, places).take(kept)


def _overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(P,) bool of (P, 4): whether two boxes share more than half of the smaller one."""
    sides = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return np.asarray(np.prod(np.maximum(sides, 0), axis=1) > _OVERPRINT_SHARE * np.minimum(*areas))


def _pairs_within(
    values: np.ndarray, others: np.ndarray, reach: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """The places of all values and others that are no more than `reach` apart, two arrays of one length."""
    order = np.argsort(others, kind="stable")
    first = np.searchsorted(others[order], values - reach)
    stop = np.searchsorted(others[order], values + reach, side="right")
    return _pairs(first, stop, order)


def _pairs_near(
    points: np.ndarray, others: np.ndarray, reach_x: float, reach_y: float
) -> tuple[np.ndarray, np.ndarray]:
    """The same of (N, 2) points and (M, 2) others, in both directions. Only neighbours in a grid are
    compared: of a line of text no character has more than a few."""
    reach = np.array([reach_x, reach_y])
    columns, rows = np.floor(np.vstack([points, others]).clip(-_FAR, _FAR) / reach).astype(np.int64).T
    columns -= columns.min() - 1
    stride = int(columns.max()) + 2
    keys = rows * stride + columns
    asked, known = keys[: len(points)], keys[len(points) :]
    order = np.argsort(known, kind="stable")
    asked = (asked[:, None] + np.array([-stride, 0, stride])).ravel()
    first = np.searchsorted(known[order], asked - 1)
    stop = np.searchsorted(known[order], asked + 1, side="right")
    place, other = _pairs(first, stop, order)
    place //= 3
    are_near = (np.abs(points[place] - others[other]) <= reach).all(axis=1)
    return place[are_near], other[are_near]


def _pairs(first: np.ndarray, stop: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each place with those of an order from `first` to before `stop`."""
    counts = stop - first
    if counts.sum() > MAX_PAIRS:
        raise CrowdedError
    return _repeat(counts), order[_ranges(first, stop)]


def _repeat(counts: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


def _ranges(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """The numbers from each start to before its stop, one after the other."""
    counts = stops - starts
    return np.arange(counts.sum()) + np.repeat(starts - (np.cumsum(counts) - counts), counts)


def _join_runs(chars: Chars, runs: Sequence[list[int]], gray: np.ndarray | None) -> list[list[int]]:
    """Runs that the file writes out of order, put together where one goes on where another ends."""
    runs = sorted(runs, key=lambda run: chars.body[run[0], 0])
    first, last = (np.array([run[end] for run in runs]) for end in (0, -1))
    rows = (chars.ys[first] // chars.ems[first]).astype(int).tolist()
    em = float(chars.ems.max())
    before, behind = _pairs_near(
        np.stack([chars.body[last, 2], chars.ys[last]], axis=1),
        np.stack([chars.body[first, 0], chars.ys[first]], axis=1),
        max(MAX_GAP_EM, _MAX_OVERLAP_EM) * em,
        _MAX_DRIFT_EM * em,
    )
    go_on = _continue(chars, last[before], first[behind], gray)
    ends: list[list[int]] = [[] for _ in runs]
    for end, run in zip(before[go_on].tolist(), behind[go_on].tolist(), strict=True):
        ends[run].append(end)
    joined: list[list[int]] = []
    row_of: list[int] = []
    ending: dict[int, int] = {}  # the joined run that each run is the end of
    for index, run in enumerate(runs):
        near = [end for end in ends[index] if end in ending and abs(row_of[ending[end]] - rows[index]) <= 1]
        if near:
            place = ending.pop(min(near, key=lambda end: (row_of[ending[end]], ending[end])))
            joined[place] = joined[place] + run
        else:
            place = len(joined)
            joined.append(run)
            row_of.append(rows[index])
        ending[index] = place
    return joined


def _in_reading_order(chars: Chars, runs: Sequence[list[int]]) -> list[list[int]]:
    """Line by line; runs whose centres differ by less than a line share it."""
    ys, lefts, ems = chars.ys.tolist(), chars.body[:, 0].tolist(), chars.ems.tolist()
    lines: list[list[list[int]]] = []
    for run in sorted(runs, key=lambda run: ys[run[0]]):
        first = lines[-1][0][0] if lines else None
        if first is None or ys[run[0]] - ys[first] > _MAX_DRIFT_EM * ems[first]:
            lines.append([])
        lines[-1].append(run)
    return [run for line in lines for run in sorted(line, key=lambda run: lefts[run[0]])]


def _continue(chars: Chars, left: np.ndarray, right: np.ndarray, gray: np.ndarray | None) -> np.ndarray:
    """(P,) bool: of P pairs of characters by their places, whether the right one goes on where the left one
    ends."""
    em_left, em_right = chars.ems[left], chars.ems[right]
    em = np.minimum(em_left, em_right)
    drift = np.abs(chars.ys[left] - chars.ys[right])
    gap = chars.body[right, 0] - chars.body[left, 2]
    between_digits = chars.are_digits[left] & chars.are_digits[right]
    # In some fonts a point is as high as its ink: it stands low beside digits, and in their line.
    shared = np.minimum(chars.body[left, 3], chars.body[right, 3]) - np.maximum(
        chars.body[left, 1], chars.body[right, 1]
    )
    beside_point = (chars.are_points[left] | chars.are_points[right]) & (shared >= em / 2)
    go_on = (
        ((drift <= _MAX_DRIFT_EM * np.maximum(em_left, em_right)) | beside_point)
        & (gap >= -_MAX_OVERLAP_EM * em)
        & (gap <= np.where(between_digits, MAX_DIGIT_GAP_EM, MAX_GAP_EM) * em)
        & (chars.xs[right] > chars.xs[left])
    )
    if gray is not None:
        at = np.flatnonzero(go_on)
        go_on[at] = ~_cross_rules(chars, left[at], right[at], gray)
    return np.asarray(go_on)


def _cross_rules(chars: Chars, left: np.ndarray, right: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """(P,) bool: whether a vertical rule stands between the centres of each two neighbours."""
    reach = _RULE_REACH_EM * np.minimum(chars.ems[left], chars.ems[right])
    height, width = gray.shape
    tops = np.minimum(chars.body[left, 1], chars.body[right, 1]) - reach
    bottoms = np.maximum(chars.body[left, 3], chars.body[right, 3]) + reach
    tops, bottoms = (np.clip(ys.astype(int) + more, 0, height) for ys, more in ((tops, 0), (bottoms, 1)))
    starts, stops = (
        np.clip(chars.xs[places].astype(int) + more, 0, width) for places, more in ((left, 0), (right, 1))
    )
    crossed = (tops < bottoms) & (starts < stops)
    # Most lines of text have white paper above and below them, where a rule, black or white, goes on.
    for rows in (tops, bottoms - 1):
        at = np.flatnonzero(crossed)
        columns = _ranges(starts[at], stops[at])
        widths = stops[at] - starts[at]
        levels = gray[np.repeat(rows[at], widths), columns]
        darkest = np.minimum.reduceat(levels, np.cumsum(widths) - widths) if len(at) else levels
        crossed[at] = darkest < _WHITE - _MIN_RULE_CONTRAST
    for index in np.flatnonzero(crossed).tolist():
        patch = gray[tops[index] : bottoms[index], starts[index] : stops[index]]
        crossed[index] = _is_crossed(patch)
    return np.asarray(crossed)


def _is_crossed(patch: np.ndarray) -> bool:
    """Whether a vertical rule runs through a patch of the page."""
    darkest = int(patch.max(axis=0).min())
    if darkest < _WHITE - _MIN_RULE_CONTRAST:
        # Between dense bold characters most pixels are ink, yet a quarter is paper.
        paper = int(np.partition(patch, patch.size * 3 // 4, axis=None)[patch.size * 3 // 4])
        if darkest < paper - _MIN_RULE_CONTRAST:
            return True
    # White rules part the cells of dark head rows. Beyond the line there is no white print.
    margin = int(np.maximum(patch[0], patch[-1]).min())
    return margin < _DARK_PAPER and int(patch.min(axis=0).max()) > margin + _MIN_RULE_CONTRAST


def _to_tokens(chars: Chars, runs: Sequence[list[int]]) -> tuple[Token, ...]:
    ink = chars.ink[[place for run in runs for place in run]]
    starts = np.cumsum([0, *(len(run) for run in runs[:-1])])
    corners = np.minimum.reduceat(ink[:, :2], starts), np.maximum.reduceat(ink[:, 2:], starts)
    spaced = [
        " " + char if is_after else char
        for char, is_after in zip(chars.text, chars.after_space.tolist(), strict=True)
    ]
    return tuple(
        Token(normalize_radicals(chars.text[run[0]] + "".join([spaced[i] for i in run[1:]])), BBox(*bbox))
        for run, bbox in zip(runs, np.hstack(corners).tolist(), strict=True)
    )
