"""The last columns of a row whose level rules were lost before their ends, told by how regular the columns
are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from giar_ml.tables.lost import ALIKE, MANY_ALIKE, MAX_LOST, covers, usual_width
from giar_ml.tables.ruling import TOUCH_IN, Rule, positions_of

LEVEL_IN = 0.025
"""How far off the level rules of its row an upright one ends."""


def find_last_columns(
    rows: tuple[Rule, ...], columns: tuple[Rule, ...], lines: list[Rule], *, dpi: float
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The level rules with those of rows of many columns alike made longer where upright lines, just as high
    as the row, go on beside it at the same distance; and these lines.

    Args:
        lines: upright ones that may be rules; those that meet no level rule are not among `columns`.
    """
    touch, near = TOUCH_IN * dpi, LEVEL_IN * dpi
    longer = list(rows)
    found: list[Rule] = []
    for top, bottom in pairwise(positions_of(rows, touch=touch)):
        standing = positions_of([c for c in columns if covers(c, top, bottom)], touch=touch)
        width = usual_width(np.diff(standing), least=MANY_ALIKE)
        if not width:
            continue
        level = [
            [i for i, rule in enumerate(rows) if abs(rule.position - edge) <= touch] for edge in (top, bottom)
        ]
        as_high = [line for line in lines if max(abs(line.start - top), abs(line.stop - bottom)) <= near]
        for sign, last in ((-1, standing[0]), (1, standing[-1])):
            end = max(
                max(sign * (rows[i].stop if sign > 0 else rows[i].start) for i in side) for side in level
            )
            beyond = [
                line
                for line in as_high
                if sign * line.position > end + touch
                and _is_multiple(abs(line.position - last) / width, slip=ALIKE / 2)
                and sign * (line.position - last) > 0
            ]
            if not beyond:
                continue
            found += beyond
            outer = max(sign * line.position for line in beyond)
            for side in level:
                i = max(side, key=lambda i: sign * (rows[i].stop if sign > 0 else rows[i].start))
                longer[i] = longer[i]._replace(stop=outer) if sign > 0 else longer[i]._replace(start=-outer)
    return tuple(longer), tuple(found)


def _is_multiple(ratio: float, *, slip: float) -> bool:
    """Whether a distance is that of one column, or of some more that were lost."""
    n = round(ratio)
    return 1 <= n <= MAX_LOST + 1 and abs(ratio - n) <= slip
