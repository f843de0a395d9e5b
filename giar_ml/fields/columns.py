"""Which place of a line is which column: order-keeping layouts, the cheapest first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from giar_ml.document import UNREAD, BBox, Token
from giar_ml.fields.headers import LOST_COLUMN_NO_HEADER, Headers, name_all
from giar_ml.fields.lines import Field, Line
from giar_ml.fields.places import Places, best_places
from giar_ml.fields.seen import Seen, see, see_blank
from giar_ml.fields.torn import torn_figures
from giar_ml.fields.units import printed_unit
from giar_ml.figures import is_figure, mend_figure, plain
from giar_ml.forms import Header, Section
from giar_ml.geometry import union
from giar_ml.label.names import is_header

# Costs in nats: minus the logarithm of how often it happens.
_SKIP_FIGURE = 12.0
_SKIP_SURPLUS_FIGURE = 6.0
_SKIP_SURPLUS_NUMBER = 10.0
"""For a figure of several digits, surely read: of 29 marks beside the figures of such lines, in 600 scans, 26
were read as one character, and none of the others surely; so were all 11 longer figures."""
_SURE_NUMBER = 0.999
_SKIP_SURPLUS_ZERO = 4.0
_SKIP_SURPLUS_MARK = 1.0
_DOUBTFUL_FIGURE = 2.3
"""For a mark that reads as words or as nothing to be the figure of a column, in a line that has more marks
than columns: of 45 such marks, in 2,600 scans, 4 were."""
_SKIP_FIRST_BLANK = 0.2
_SKIP_LAST_BLANK = 0.4
_SKIP_INNER_BLANK = 1.5
_SKIP_BLANK, _SKIP_SPARE_BLANK = 3.0, 0.3
"""For a ruled place without print, and for one of a line that has as many figures as columns."""
_SKIP_PLACED_BLANK = 9.0
"""For a place in line with a figure of another row that has one in each column, and all in line."""
_BLANK_AMONG_ZEROS = 2.0
_BLANK_FOR_ZERO = 0.1
_WRONG_HEADER, _WRONG_HEADER_ELSEWHERE = 4.0, 1.0
"""Below the header of another column; and where the headers stand on another page, whose table may be cut
otherwise, so that all places are shifted at once."""
_WRONG_SURE_HEADER, _NO_SURE_HEADER = 8.0, 3.0
"""Below the header of another column, or below none, in a table in which each column has one that was surely
read. Of 5,300 figures other than 0 in such tables of 100 scans none stood below another, and 9 below none."""
_WRONG_INDEX = 1.5
_WRONG_SHIFTED_INDEX = 0.5
_BARE_IS_BLANK = 0.9
_MIDDLE = 0.1
"""How far from the middle of a field a figure stands that was printed there, in widths of the field."""


@dataclass(frozen=True)
class Layout:
    """One way to lay a line's fields into cells, and its cost in nats."""

    pattern: Places
    """Per figure of the line, the index of its column; None for a figure too many."""
    cells: Mapping[str, Seen | None]
    cost: float


def lay_fields(
    line: Line,
    section: Section,
    row: Header,
    headers: Headers,
    *,
    prints_zeros: bool,
    bare: Literal["lost", "blank", "unsure"] = "lost",
    is_placed: bool = False,
    is_summed: bool = True,
) -> tuple[Layout, ...]:
    """The ways to lay a line's fields into the section's columns, cheapest first.

    Args:
        prints_zeros: the line's table does, so that a blank is no zero.
        bare: what a caption with nothing behind it is: a row whose figures are lost, a blank one, or most
            likely a blank one, which no sum confirms.
        is_placed: the columns are those of a full row, see `is_in_line`.
        is_summed: sums tell which of too many figures are those of the row.
    """
    columns = section.columns
    if bare != "lost" and not line.fields and _is_caption_alone(line):
        blanks = [see_blank(line, bbox) for bbox in _crossings(line, section, headers)]
        if bare == "unsure":
            blanks = [b._replace(readings=((None, _BARE_IS_BLANK),), certain=False) for b in blanks]
        return (Layout((), {section.cell_key(row, c): b for c, b in zip(columns, blanks, strict=True)}, 0.0),)
    blank = _BLANK_AMONG_ZEROS if prints_zeros else _BLANK_FOR_ZERO
    if _is_blank_throughout(line, columns, headers):
        # Whichever of the rules between were lost.
        spotless = all(place.spotless for place in line.fields)
        crossings = zip(columns, _crossings(line, section, headers), strict=True)
        found = {section.cell_key(row, c): see_blank(line, b, spotless=spotless) for c, b in crossings}
        cost = LOST_COLUMN_NO_HEADER * (1 - len(line.fields) / len(columns)) + blank * len(line.fields)
        return (Layout((), found, cost),)
    line = _part_at_headers(line, section, headers)
    lost = headers.lost_costs(section)
    in_place = [_place_cost(line, place, len(columns), blank) for place in line.fields]
    match = [
        [cost + price for price in prices]
        for cost, prices in zip(in_place, _header_costs(line, section, headers), strict=True)
    ]
    kinds = {(c.type, c.unit): c for c in columns}
    units = {kind: printed_unit(headers, section, c) for kind, c in kinds.items()}
    seen = {
        (k, *kind): see(line, place, c, printed_in=units[kind])
        for k, place in enumerate(line.fields)
        for kind, c in kinds.items()
    }
    figures = [k for k, place in enumerate(line.fields) if place.is_figure]
    skip = _skip_costs(line, len(columns), is_summed=is_summed)
    if is_placed:
        skip = [c if f.is_figure else _SKIP_PLACED_BLANK for c, f in zip(skip, line.fields, strict=True)]
    keys = [section.cell_key(row, c) for c in columns]
    layouts: dict[Places, Layout] = {}
    for cost, places in best_places(tuple(skip), tuple(lost), tuple(map(tuple, match))):
        pattern = tuple(places.index(k) if k in places else None for k in figures)
        if pattern in layouts:
            continue
        cells = {
            key: None if k is None else seen[k, c.type, c.unit]
            for key, c, k in zip(keys, columns, places, strict=True)
        }
        layouts[pattern] = Layout(pattern, cells, cost)
    return tuple(layouts.values())


def is_in_line(line: Line, full: Line, section: Section) -> bool:
    """Whether the places of a ruled line stand below or above those of another one of its table that has a
    figure in each column of a section, and no more."""
    n_columns = len(section.columns)
    if not (line.gridded and line.table == full.table and len(line.fields) == len(full.fields) == n_columns):
        return False
    if full.n_figures != n_columns or any(f.token and f.token.is_likely_nothing for f in full.fields):
        return False
    places = zip(line.fields, full.fields, strict=True)
    return all(other.is_across(sum(place.position) / 2) for place, other in places)


def _is_caption_alone(line: Line) -> bool:
    """Whether all that is printed on the line is a label: a figure may be there that was not understood."""
    return bool(line.labels) and all(is_header(place.best_label) for place in line.labels)


def _is_blank_throughout(line: Line, columns: Sequence[Header], headers: Headers) -> bool:
    """Whether a ruled row has fewer fields than columns, but all blank, and one below each of the headers of
    its table."""
    if not line.gridded or line.n_figures or not 0 < len(line.fields) < len(columns):
        return False
    placed = [header for header, labels in headers.fields if any(n.startswith("column:") for n in labels)]
    in_place = headers.table == line.table and bool(placed)
    return in_place and all(
        any(place.is_across(sum(header.position) / 2) for place in line.fields) for header in placed
    )


def _crossings(line: Line, section: Section, headers: Headers) -> list[BBox]:
    """Per column, where it crosses a line on which nothing is printed but its label; the line, or its label,
    where no header of the same table says."""
    label = union(place.bbox for place in line.fields) if line.fields else line.labels[-1].bbox
    bboxes = [label] * len(section.columns)
    if headers.table == line.table:
        for place, c in headers.place(section):
            bboxes[c] = BBox(place.bbox.left, label.top, place.bbox.right, label.bottom)
    return bboxes


def _part_at_headers(line: Line, section: Section, headers: Headers) -> Line:
    """The line with fields parted that lie below two headers or more of their table, where what is printed in
    them stands below one alone: the rule between was lost."""
    if not line.gridded or headers.table != line.table or len(line.fields) >= len(section.columns):
        return line
    centers = sorted({sum(place.position) / 2 for place, _ in headers.place(section)})
    fields = [
        piece for place in line.fields for piece in _part(place, list(filter(place.is_across, centers)))
    ]
    return replace(line, fields=tuple(fields)) if len(fields) <= len(section.columns) else line


def _part(place: Field, centers: Sequence[float]) -> list[Field]:
    """The field, or one for each of the middles of columns in it."""
    start, stop = place.position
    scale = place.bbox.width / (stop - start) if stop > start else 0.0
    token = place.token
    edges = [start, *((a + b) / 2 for a, b in pairwise(centers)), stop]
    bboxes = [
        place.bbox._replace(
            left=place.bbox.left + (left - start) * scale, right=place.bbox.left + (right - start) * scale
        )
        for left, right in pairwise(edges)
    ]
    holds = [token is not None and b.left <= token.bbox.left and token.bbox.right <= b.right for b in bboxes]
    if len(bboxes) < 2 or (token is not None and (not any(holds) or _is_in_middle(token, place))):
        return [place]
    return [
        replace(place, bbox=bbox, position=position, token=token if held else None)
        for bbox, position, held in zip(bboxes, pairwise(edges), holds, strict=True)
    ]


def _is_in_middle(token: Token, place: Field) -> bool:
    """Whether a figure stands in the middle of its field, as of a cell that was never parted."""
    return abs(token.bbox.center[0] - place.bbox.center[0]) <= _MIDDLE * place.bbox.width


def count_surplus(line: Line, n_columns: int) -> int:
    """How many figures more than columns a ruled line has that was not read from pixels; none where all are
    the same, as tools repeat what stands in a cell over several columns."""
    figures = [f.token.text for f in line.fields if f.token and not _is_doubtful(f.token)]
    if not (line.gridded and line.certain) or len(set(figures)) == 1:
        return 0
    return max(0, len(figures) - n_columns)


def _skip_costs(line: Line, n_columns: int, *, is_summed: bool) -> list[float]:
    """Per field, the cost of its standing in no column: a spacer, or a figure too many."""
    figures = [k for k, place in enumerate(line.fields) if place.is_figure]
    torn = torn_figures(line.fields)
    n_likely = sum(not token.is_likely_nothing for f in line.fields if (token := f.token))
    costs = []
    for k, place in enumerate(line.fields):
        if place.token is not None:
            is_surplus = line.n_figures > n_columns and k not in torn
            surplus = _surplus_cost(place.token, may_be_dirt=is_summed or not line.certain)
            costs.append(surplus if is_surplus else _SKIP_FIGURE)
        elif line.gridded:
            costs.append(_SKIP_SPARE_BLANK if n_likely == n_columns else _SKIP_BLANK)
        elif not figures or k < figures[0]:
            # A label that spans columns leaves empty fields behind it.
            costs.append(_SKIP_FIRST_BLANK if line.labels else _SKIP_BLANK)
        else:
            costs.append(_SKIP_LAST_BLANK if k > figures[-1] else _SKIP_INNER_BLANK)
    return costs


def _place_cost(line: Line, place: Field, n_columns: int, blank: float) -> float:
    """What it costs that a place is that of a column, whichever it is.

    Args:
        blank: the cost of a column printed blank.
    """
    if place.token is None:
        return blank
    return _DOUBTFUL_FIGURE if line.n_figures > n_columns and _is_doubtful(place.token) else 0.0


def _surplus_cost(token: Token, *, may_be_dirt: bool) -> float:
    """What it costs to leave out a mark of a line that has more of them than columns: the less, the less
    surely it was read, as a stroke of a pen in the margin is, and marks of a seal beside a figure. A figure
    that is no dirt costs the same whichever it is: that of another year has no more digits."""
    if token.text == UNREAD:
        return _SKIP_SURPLUS_FIGURE
    if _is_doubtful(token):
        return _SKIP_SURPLUS_MARK
    if not may_be_dirt:
        return _SKIP_SURPLUS_FIGURE
    certainty = token.confidence
    most = _SKIP_SURPLUS_ZERO if plain(token.text) == "0" else _SKIP_SURPLUS_FIGURE
    if (number := _certainty_of_number(token)) >= _SURE_NUMBER:
        # Which one it is may be in doubt.
        most, certainty = _SKIP_SURPLUS_NUMBER, number
    return min(most, _SKIP_SURPLUS_MARK - math.log(max(1e-9, 1 - certainty)))


def _is_doubtful(token: Token) -> bool:
    """Whether a mark reads as nothing, or as words."""
    is_text = token.text != UNREAD and not token.readings and not is_figure(mend_figure(token.text))
    return token.is_likely_nothing or is_text


def _certainty_of_number(token: Token) -> float:
    """Probability that a token reads as several digits, and as no row of strokes."""
    readings = token.readings or ((token.text, token.confidence),)
    return sum(probability for text, probability in readings if _has_several_digits(text))


def _has_several_digits(text: str) -> bool:
    digits = [c for c in plain(text) if c.isdigit()]
    return len(digits) > 1 and set(digits) != {"1"}


def _header_costs(line: Line, section: Section, headers: Headers) -> list[list[float]]:
    """Per field and column, what it costs to lay the one into the other, by the header above it."""
    # Elsewhere in a dump, a field's number says nothing of its column.
    in_place = line.gridded or headers.table == line.table
    placed = headers.place(section) if in_place else []
    centers = [sum(place.position) / 2 for place in line.fields]
    is_sure = line.gridded and headers.table == line.table and name_all(placed, section)
    if line.gridded and not is_sure:
        # The rule between two headers was lost: which of them it names cannot be said.
        placed = [(h, c) for h, c in placed if sum(map(h.is_across, centers)) <= 1]
    wrong = _WRONG_HEADER if headers.table == line.table else _WRONG_HEADER_ELSEWHERE
    wrong = _WRONG_SURE_HEADER if is_sure else wrong
    if not line.gridded:
        wrong = _WRONG_INDEX if not line.labels else _WRONG_SHIFTED_INDEX
    # A figure at the edge of a wide column may stand beside its header: this tells it from a mark only.
    beside = _NO_SURE_HEADER if is_sure and line.n_figures > len(section.columns) else 0.0
    costs = []
    for place, center in zip(line.fields, centers, strict=True):
        above = {c for header, c in placed if header.is_across(center)}
        none = beside if not above and place.is_figure else 0.0
        costs.append([wrong if above and c not in above else none for c in range(len(section.columns))])
    return costs
