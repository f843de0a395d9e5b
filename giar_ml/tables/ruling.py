"""Ruling lines in an upright frame, and where they meet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from giar_ml.document import BBox
from giar_ml.geometry import cluster

LONG_RULE_IN = 1.0
"""Not even the joined strokes of a blurred title are this long."""
MEDIUM_RULE_IN = 0.5
"""No character has a stroke this long: it counts if it meets a long rule, a shorter one if both ends do."""
SHORT_RULE_IN = 0.3
"""So long are strokes of a character in a row that is no higher: their ends must lie closer to the rules."""
CLOSE_IN = 0.015
"""What scanning leaves between a rule and the rule it ends on; a character keeps more distance."""
IN_LINE_IN = 0.4
"""A rule across that goes on so far off is the same one."""
TOUCH_IN = 0.045
"""Rules that come this near to each other meet."""
FIGURE_IN = 0.15
"""Height of a figure at most: a 1 may stand higher or lower than all else in its row."""


class Rule(NamedTuple):
    """A straight rule in the upright frame: `position` across it, `start` to `stop` along it."""

    position: float
    start: float
    stop: float
    thickness: float = 1.0


class Rules(NamedTuple):
    """The rules of a page in an upright frame, u = x - vertical_slope * y, v = y - horizontal_slope * x.

    `row_pieces` and `column_pieces` are what is left of broken rules where whole ones stand in line with
    them: too short to say by themselves that there is a rule. `row_streaks` and `column_streaks` are lines
    that are none.
    """

    horizontal: tuple[Rule, ...]
    vertical: tuple[Rule, ...]
    horizontal_slope: float = 0.0
    vertical_slope: float = 0.0
    row_pieces: tuple[Rule, ...] = ()
    column_pieces: tuple[Rule, ...] = ()
    row_streaks: tuple[Rule, ...] = ()
    column_streaks: tuple[Rule, ...] = ()

    def to_page(self, u: float, v: float) -> tuple[float, float]:
        """Page pixels of a point of the upright frame."""
        scale = 1 - self.horizontal_slope * self.vertical_slope
        return (u + self.vertical_slope * v) / scale, (v + self.horizontal_slope * u) / scale

    def bbox_to_page(self, bbox: BBox) -> BBox:
        """The upright box of the same size around the same centre, in page pixels."""
        x, y = self.to_page(*bbox.center)
        return BBox(x - bbox.width / 2, y - bbox.height / 2, x + bbox.width / 2, y + bbox.height / 2)


def extent(rules: Rules) -> BBox:
    """The box around the rules in the upright frame; needs at least one of each direction."""
    return BBox(
        min(min(r.start for r in rules.horizontal), min(r.position for r in rules.vertical)),
        min(min(r.position for r in rules.horizontal), min(r.start for r in rules.vertical)),
        max(max(r.stop for r in rules.horizontal), max(r.position for r in rules.vertical)),
        max(max(r.position for r in rules.horizontal), max(r.stop for r in rules.vertical)),
    )


def touches(rule: Rule, crossing: Rule, touch: float) -> bool:
    return (
        rule.start - touch <= crossing.position <= rule.stop + touch
        and crossing.start - touch <= rule.position <= crossing.stop + touch
    )


def gap_between(rule: Rule, other: Rule) -> float:
    """How far apart along themselves two rules in line are; less than 0 where they overlap."""
    return max(rule.start, other.start) - min(rule.stop, other.stop)


def is_on_rule(rule: Rule, end: float, crossing: Iterable[Rule], touch: float) -> bool:
    return any(
        abs(c.position - end) <= touch + c.thickness / 2
        and c.start - touch <= rule.position <= c.stop + touch
        for c in crossing
    )


def positions_of(rules: Iterable[Rule], *, touch: float) -> list[float]:
    """The positions of rules in ascending order, those in line taken together."""
    positions = [rule.position for rule in rules]
    return [float(np.median([positions[i] for i in indices])) for indices in cluster(positions, gap=touch)]


def upright_pixels(
    positions: np.ndarray, along: np.ndarray, *, slopes: tuple[float, float], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a page as seen from the side, `shape` (W, H), along upright lines: two (lines, length) of
    indices, a pixel off the edge at least.

    Args:
        positions: (lines,) in the upright frame.
        along: (length,) in the upright frame.
        slopes: of upright rules, and of level ones.
    """
    xs = along[None, :] + slopes[1] * positions[:, None]
    ys = positions[:, None] + slopes[0] * xs
    rows = np.clip(np.rint(ys), 1, shape[0] - 2).astype(np.intp)
    return rows, np.clip(np.rint(xs), 0, shape[1] - 1).astype(np.intp)
