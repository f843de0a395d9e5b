"""The characters of a PDF page -> tokens: runs on one line that cross no gap and no rule. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox, Token
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
_DARK_PAPER = 200  # gray level
_WHITE = 255


class Char(NamedTuple):
    """One printed character: `ink` is what one sees, `body` its full advance, both in page pixels."""

    text: str
    ink: BBox
    body: BBox
    after_space: bool = False


class _Run:
    """A token under construction."""

    def __init__(self, char: Char) -> None:
        self.chars = [char]

    @property
    def first(self) -> Char:
        return self.chars[0]

    @property
    def last(self) -> Char:
        return self.chars[-1]


def group_characters(chars: Sequence[Char], gray: np.ndarray | None = None) -> tuple[Token, ...]:
    """Tokens from top to bottom and left to right, their boxes tight around the ink.

    Writing runs from left to right; of a vertical line every character is a token of its own.

    Args:
        chars: in the order of the file, without white space.
        gray: (H, W) uint8, the page; where given, no token crosses a vertical rule on it.
    """
    runs: list[_Run] = []
    for char in _drop_doubles(chars):
        if runs and _continues(runs[-1].last, char, gray):
            runs[-1].chars.append(char)
        else:
            runs.append(_Run(char))
    return tuple(_to_token(run) for run in _in_reading_order(_join_runs(runs, gray)))


def _drop_doubles(chars: Sequence[Char]) -> list[Char]:
    """Without the second print of characters that are printed twice to look bold."""
    kept: list[Char] = []
    places: dict[tuple[str, int, int], list[Char]] = {}
    for char in chars:
        em = _em(char)
        x, y = char.body.center
        column, row = int(x // em), int(y // em)
        near = (
            other
            for i in (column - 1, column, column + 1)
            for j in (row - 1, row, row + 1)
            for other in places.get((char.text, i, j), ())
        )
        if any(
            abs(other.body.center[0] - x) < _SAME_PLACE_EM * em
            and abs(other.body.center[1] - y) < _SAME_PLACE_EM * em
            for other in near
        ):
            continue
        places.setdefault((char.text, column, row), []).append(char)
        kept.append(char)
    return kept


def _join_runs(runs: list[_Run], gray: np.ndarray | None) -> list[_Run]:
    """Runs that the file writes out of order, put together where one goes on where another ends."""
    joined: list[_Run] = []
    by_row: dict[int, list[_Run]] = {}
    for run in sorted(runs, key=lambda run: run.first.body.left):
        em = max(_em(run.first), 1.0)
        row = int(run.first.body.center[1] // em)
        near = [other for j in (row - 1, row, row + 1) for other in by_row.get(j, ())]
        before = next((other for other in near if _continues(other.last, run.first, gray)), None)
        if before is not None:
            before.chars += run.chars
        else:
            joined.append(run)
            by_row.setdefault(row, []).append(run)
    return joined


def _in_reading_order(runs: list[_Run]) -> list[_Run]:
    """Line by line; runs whose centres differ by less than a line share it."""
    lines: list[list[_Run]] = []
    for run in sorted(runs, key=lambda run: run.first.body.center[1]):
        first = lines[-1][0].first if lines else None
        if first is None or run.first.body.center[1] - first.body.center[1] > _MAX_DRIFT_EM * _em(first):
            lines.append([])
        lines[-1].append(run)
    return [run for line in lines for run in sorted(line, key=lambda run: run.first.body.left)]


def _continues(left: Char, right: Char, gray: np.ndarray | None) -> bool:
    em_left, em_right = _em(left), _em(right)
    em = min(em_left, em_right)
    drift = abs(left.body.center[1] - right.body.center[1])
    gap = right.body.left - left.body.right
    if drift > _MAX_DRIFT_EM * max(em_left, em_right):
        return False
    between_digits = left.text.isdecimal() and right.text.isdecimal()
    limit = MAX_DIGIT_GAP_EM if between_digits else MAX_GAP_EM
    if not -_MAX_OVERLAP_EM * em <= gap <= limit * em or right.body.center[0] <= left.body.center[0]:
        return False
    return gray is None or not _crosses_rule(left, right, gray)


def _crosses_rule(left: Char, right: Char, gray: np.ndarray) -> bool:
    """Whether a vertical rule stands between the centres of two neighbours."""
    reach = _RULE_REACH_EM * min(_em(left), _em(right))
    top = int(min(left.body.top, right.body.top) - reach)
    bottom = int(max(left.body.bottom, right.body.bottom) + reach) + 1
    start, stop = int(left.body.center[0]), int(right.body.center[0]) + 1
    patch = gray[max(top, 0) : bottom, max(start, 0) : stop]
    if patch.size == 0:
        return False
    darkest = int(patch.max(axis=0).min())
    if darkest < _WHITE - _MIN_RULE_CONTRAST:
        # Between dense bold characters most pixels are ink, yet a quarter is paper.
        paper = int(np.partition(patch, patch.size * 3 // 4, axis=None)[patch.size * 3 // 4])
        if darkest < paper - _MIN_RULE_CONTRAST:
            return True
    # White rules part the cells of dark head rows. Beyond the line there is no white print.
    margin = int(np.maximum(patch[0], patch[-1]).min())
    return margin < _DARK_PAPER and int(patch.min(axis=0).max()) > margin + _MIN_RULE_CONTRAST


def _em(char: Char) -> float:
    return max(char.body.height, 1.0)


def _to_token(run: _Run) -> Token:
    text = "".join(
        (" " if char.after_space and index else "") + char.text for index, char in enumerate(run.chars)
    )
    inks = [char.ink for char in run.chars]
    bbox = BBox(
        min(ink.left for ink in inks),
        min(ink.top for ink in inks),
        max(ink.right for ink in inks),
        max(ink.bottom for ink in inks),
    )
    return Token(normalize_radicals(text), bbox)
