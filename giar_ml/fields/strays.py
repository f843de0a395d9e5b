"""What stands in a cell beside its figure: captions of other rows, marks that are nothing, rests of rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from giar_ml.document import UNREAD, BBox, Cell, Table, Token
from giar_ml.geometry import overlap, union
from giar_ml.label import best_label
from giar_ml.label.names import FIGURE, OTHER

LEGIBLE = 0.3
"""Confidence below which a blot was seen, or strokes of a seal, and no label."""
_SURELY_STRAY = 0.9
_BEYOND_DOUBT, _TOO_LARGE, _TOO_SMALL = 0.99, 2.0, 0.7
"""Confidence of a figure that tells the size of digits in its cell; none is so much larger, or smaller."""
_FEWEST_SURE = 3
"""Figures that tell the height at which those of their row stand."""


def without_strays(cells: Sequence[Cell], table: Table, *, is_certain: bool = False) -> list[Cell]:
    """The cells of one row of a table, each with what is its own only.

    Args:
        is_certain: nothing was read from pixels: what stands in a cell was put there, be it a point.
    """
    if all(len(cell.tokens) < 2 for cell in cells):
        return list(cells)
    if is_certain:
        return [_keep_row(cell) for cell in cells]
    middle = _find_middle(cells)
    return [_drop_strays(_drop_rules(_keep_level(_keep_row(cell), middle), table)) for cell in cells]


def _keep_row(cell: Cell) -> Cell:
    """The cell without captions and headers above or below the row that is in it, too: the rule between was
    lost."""
    kept = [token for token in cell.tokens if _is_of_row(token)]
    if not kept or len(kept) == len(cell.tokens):
        return cell
    row = union(token.bbox for token in kept)
    beside = (t for t in cell.tokens if overlap(t.bbox.top, t.bbox.bottom, row.top, row.bottom) > 0)
    return replace(cell, tokens=tuple(beside))


def _is_of_row(token: Token) -> bool:
    """Whether a token is a figure or the label of a row."""
    label = best_label(token.labels)
    return label == FIGURE or label.startswith("row:")


def _find_middle(cells: Sequence[Cell]) -> float | None:
    """The height at which the figures of a row stand, by its cells that hold one each, read beyond doubt."""
    lone = [cell.tokens[0] for cell in cells if len(cell.tokens) == 1 and cell.row_stop - cell.row_start == 1]
    sure = [t.bbox.center[1] for t in lone if _is_beyond_doubt(t)]
    return median(sure) if len(sure) >= _FEWEST_SURE else None


def _keep_level(cell: Cell, middle: float | None) -> Cell:
    """The cell without unsure marks read as figures above or below another one that stands where those of its
    row do."""
    figures = [token for token in cell.tokens if token.readings]
    if middle is None or len(figures) < 2:
        return cell
    level = [t for t in figures if t.bbox.top <= middle <= t.bbox.bottom and not t.is_likely_nothing]
    if not level:
        return cell
    kept = (t for t in cell.tokens if not t.readings or t in level or _is_beyond_doubt(t))
    return replace(cell, tokens=tuple(kept))


def _is_beyond_doubt(token: Token) -> bool:
    return bool(token.readings) and token.confidence >= _BEYOND_DOUBT and not token.is_likely_nothing


def _drop_rules(cell: Cell, table: Table) -> Cell:
    """The cell without what is left of the rules between its columns, read as 1, where figures stand on both
    sides."""
    columns = range(cell.column_start + 1, cell.column_stop)
    if not columns or len(cell.tokens) < 3:
        return cell
    edges = [median(at) for c in columns if (at := [o.bbox.left for o in table.cells if o.column_start == c])]
    first, last = min(t.bbox.left for t in cell.tokens), max(t.bbox.right for t in cell.tokens)

    def is_rule(token: Token) -> bool:
        near = token.bbox.height / 4
        is_inner = first < token.bbox.left and token.bbox.right < last
        return is_inner and token.text == "1" and any(abs(token.bbox.center[0] - e) <= near for e in edges)

    return replace(cell, tokens=tuple(token for token in cell.tokens if not is_rule(token)))


def _drop_strays(cell: Cell) -> Cell:
    """The cell without marks that are nothing, by their reading, their label or their size, where something
    else stands beside them; of marks that are all nothing the likeliest to be a figure."""
    tokens = cell.tokens
    nothing = [token for token in tokens if token.is_likely_nothing]
    if nothing and all(map(_is_probably_nothing, tokens)):
        tokens = (min(nothing, key=lambda token: token.confidence),)
    for is_stray in (_is_probably_nothing, _is_surely_other):
        tokens = tuple(token for token in tokens if not is_stray(token)) or tokens
    if sure := [t.bbox for t in tokens if t.readings and t.confidence >= _BEYOND_DOUBT]:
        tokens = tuple(token for token in tokens if not _is_of_other_size(token, sure))
    return replace(cell, tokens=tokens) if len(tokens) < len(cell.tokens) else cell


def _is_probably_nothing(token: Token) -> bool:
    """Whether a mark is likelier nothing than a figure, or was read as points and strokes only, or as what
    nobody can have printed."""
    is_marks = not re.search(r"\w", token.text) or token.confidence < LEGIBLE
    return token.is_likely_nothing or (not token.readings and token.text != UNREAD and is_marks)


def _is_of_other_size(token: Token, sure: Sequence[BBox]) -> bool:
    """Whether a mark read as a figure is an arc of a seal, or a stroke of a pen, or dirt above or below the
    figures that are read beyond doubt: no figure has digits of two sizes."""
    if not token.readings or token.confidence >= _BEYOND_DOUBT:
        return False
    digit, bbox = max(figure.height for figure in sure), token.bbox
    if max(bbox.height, bbox.width / max(1, len(token.text))) > _TOO_LARGE * digit:
        return True
    is_off = all(overlap(bbox.top, bbox.bottom, s.top, s.bottom) < 0.5 * bbox.height for s in sure)
    return is_off and bbox.height < _TOO_SMALL * digit


def _is_surely_other(token: Token) -> bool:
    return token.labels.get(OTHER, 0.0) >= _SURELY_STRAY
