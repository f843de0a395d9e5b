"""Marks that are lower than the figures around them: hardly a figure, however much like one they look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from statistics import median

from giar_ml.document import Reading, Table, Token
from giar_ml.figures import digits_of

_LOW, _LOW_ALIGNED = 0.7, 0.5
"""Heights of the figures of its row, or of its table, below which a mark is low; and below which one of
several digits is where there are no rules: some boxes there are a detector's, half as high again as ink."""
_DIRT = 1000.0
"""How much likelier a low mark is dirt than one as high as the figures around it. Of 197,800 marks read as
figures on 1,350 scans 144 stood in blank cells; of 175 low ones 104, many of these read with 0.99."""
_SURE, _FEWEST = 0.99, 3
"""Figures that tell the height: how surely they are read, and how many it takes."""


def doubt_low_marks(table: Table) -> Table:
    """The table with low marks doubted: that they are nothing has higher odds than their readings say."""
    of_table = digit_height(table)
    if of_table is None:
        return table
    rows: dict[int, list[Token]] = {}
    for cell in table.cells:
        rows.setdefault(cell.row_start, []).extend(cell.tokens)
    usual = {row: _usual_height(tokens) or of_table for row, tokens in rows.items()}
    cells = tuple(
        replace(
            cell,
            tokens=tuple(_doubt(t, _least(t, table) * usual[cell.row_start]) for t in cell.tokens),
        )
        for cell in table.cells
    )
    return replace(table, cells=cells)


def digit_height(table: Table) -> float | None:
    """How high the figures of a table are that are surely read; None where there are too few."""
    return _usual_height(token for cell in table.cells for token in cell.tokens)


def _usual_height(tokens: Iterable[Token]) -> float | None:
    heights = [t.bbox.height for t in tokens if t.readings and t.readings[0].text and t.confidence >= _SURE]
    return median(heights) if len(heights) >= _FEWEST else None


def _least(token: Token, table: Table) -> float:
    return _LOW_ALIGNED if table.aligned and len(digits_of(token.text)) > 1 else _LOW


def _doubt(token: Token, least: float) -> Token:
    """The token, or if it is lower than that, with other odds of being nothing: what its readings leave to
    others counts as that."""
    if not token.readings or token.bbox.height >= least:
        return token
    figures = [reading for reading in token.readings if reading.text]
    read = sum(reading.probability for reading in figures)
    nothing = _DIRT * max(0.0, 1.0 - read)
    total = read + nothing
    if not figures or not total:
        return token
    found = [Reading("", nothing), *figures]
    readings = sorted(
        (r._replace(probability=r.probability / total) for r in found), key=lambda r: -r.probability
    )
    return replace(token, readings=tuple(readings), confidence=readings[0].probability)
