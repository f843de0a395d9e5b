"""The labels that an alignment gives to the words of a document's tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from giar_ml.document import BBox, Labels, Page
from giar_ml.fields.lines import Line
from giar_ml.fields.rows import Match
from giar_ml.forms import Header, Section
from giar_ml.label import LabelledToken


def name_labels(
    lines: Sequence[Line],
    matched: Mapping[int, Match],
    rows: Sequence[tuple[Section, Header]],
) -> list[LabelledToken]:
    """Every label of the lines with its most probable name, given the rows that lines were laid into.

    Args:
        matched: what lies in each row, by its index in `rows`.
    """
    row_of = {index: j for j, match in matched.items() for index in match.indices}
    # Once each: a group label that spans rows is a label of every one of its lines.
    named: dict[tuple[int, BBox, str], LabelledToken] = {}
    table_below = None
    for i in range(len(lines) - 1, -1, -1):
        j = row_of.get(i)
        if j is not None:
            table_below = rows[j][0].table
        row = f"row:{rows[j][0].table}.{rows[j][1].key}" if j is not None else None
        for place in reversed(lines[i].labels):
            if place.token:
                labels = _possible(place.labels, row, table_below)
                best = max(labels, key=labels.__getitem__, default="other")
                token = LabelledToken(place.token, lines[i].page, best)
                named[lines[i].page, place.bbox, place.token.text] = token
    return list(reversed(named.values()))


def name_titles(pages: Sequence[Page]) -> Iterator[LabelledToken]:
    """The titles of tables among the text outside them."""
    for page in pages:
        for token in page.tokens:
            best = max(token.labels, key=token.labels.__getitem__, default="other")
            if best.startswith("title:"):
                yield LabelledToken(token, page.number, best)


def _possible(labels: Labels, row: str | None, table: str | None) -> dict[str, float]:
    """What a label may be in its line: of the rows only that of the line, of the columns only those of
    the table whose rows follow."""
    return {
        name: p
        for name, p in labels.items()
        if (name == row if name.startswith("row:") else True)
        and (table is None or not name.startswith("column:") or name.startswith(f"column:{table}."))
    }
