"""Figures that were read in pieces: a mark of a seal between their digits, or digits in full width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from math import prod

from giar_ml.document import Reading, Token
from giar_ml.fields.lines import Field, Line
from giar_ml.figures import plain
from giar_ml.geometry import overlap, union

_SURE_PIECE, _APART, _AS_HIGH = 0.99, 1.4, 0.75
"""Probability of being digits at all, gap in heights within which marks are those of one figure, and share of
the height that they have in common: single digits of two columns stand further apart."""
_FULL_WIDTH = 0.9
"""The same gap between the digits of a figure in full width."""
_WHOLE = 0.98
"""Probability that such digits are one figure, where the line has a mark too many for each of them."""
_MOST_READINGS = 4


def join_torn(line: Line, n_columns: int) -> Line:
    """The line with digits that stand close as one figure, where that leaves a figure for each column."""
    if line.n_figures <= n_columns:
        return line
    groups: list[list[Field]] = []
    for place in line.fields:
        if groups and _belong(groups[-1][-1], place):
            groups[-1].append(place)
        else:
            groups.append([place])
    whole = replace(line, fields=tuple(group[0] if len(group) == 1 else _join(group) for group in groups))
    return whole if whole.n_figures == n_columns else line


def _belong(place: Field, other: Field) -> bool:
    """Whether what two places hold surely are digits of one figure."""
    token, rest = place.token, other.token
    if token is None or rest is None or not _is_one_figure(token, rest, apart=_FULL_WIDTH):
        return False
    return plain(token.text).isdecimal() and plain(rest.text).isdecimal()


def _join(places: Sequence[Field]) -> Field:
    tokens = [place.token for place in places if place.token]
    ways = product(*([r for r in token.readings if r.text][:_MOST_READINGS] for token in tokens))
    readings = sorted(
        (Reading("".join(r.text for r in way), _WHOLE * prod(r.probability for r in way)) for way in ways),
        key=lambda reading: -reading.probability,
    )[:_MOST_READINGS]
    return replace(
        places[0],
        bbox=union(place.bbox for place in places),
        position=(places[0].position[0], places[-1].position[1]),
        token=replace(
            tokens[0],
            text=readings[0].text,
            bbox=union(token.bbox for token in tokens),
            confidence=readings[0].probability,
            readings=tuple(readings),
        ),
    )


def torn_figures(fields: Sequence[Field]) -> set[int]:
    """The fields that are likely pieces of one figure: none of them is a figure too many."""
    torn: set[int] = set()
    for k, (place, other) in enumerate(pairwise(fields)):
        if place.token and other.token and _is_one_figure(place.token, other.token):
            torn |= {k, k + 1}
    return torn


def _is_halved_zero(token: Token, other: Token) -> bool:
    """Whether two tokens are the sides of one 0, which a rule that is none cuts in two: no figure is 00."""
    wide = other.bbox.right - token.bbox.left
    return token.text == other.text == "0" and wide <= max(token.bbox.height, other.bbox.height)


def _is_one_figure(token: Token, other: Token, *, apart: float = _APART) -> bool:
    """Whether two tokens surely read as digits, as high as each other, stand so near that they are one
    figure, and not one digit; `apart` is the widest gap, in heights."""
    if _is_halved_zero(token, other):
        return False
    if any(sum(r.probability for r in t.readings if r.text) < _SURE_PIECE for t in (token, other)):
        return False
    high = max(token.bbox.height, other.bbox.height)
    shared = overlap(token.bbox.top, token.bbox.bottom, other.bbox.top, other.bbox.bottom)
    return shared >= _AS_HIGH * high and 0 <= other.bbox.left - token.bbox.right <= apart * high
