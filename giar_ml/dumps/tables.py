"""The rows of a dump as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from giar_ml.document import BBox, Cell, Page, Table, Token
from giar_ml.dumps.rows import Row, join_items
from giar_ml.figures import is_figure

_Place = tuple[int, int, Token]
"""A field and the places that it takes, half open."""


def rows_to_tables(page: Page, rows: list[Row]) -> Iterator[Table]:
    """Rows to tables: a gap of lines without rows begins a new one, and another way of writing."""
    pieces: list[list[Row]] = []
    stop = -1
    for row in join_items(rows):
        if not pieces or row.line > stop or (row.kind == "pipes") != (pieces[-1][-1].kind == "pipes"):
            pieces.append([])
        pieces[-1].append(row)
        # Between rows of cells stands an empty line, below the first row of a markdown table a rule.
        step = 2 if row.kind in ("row", "pipes") else 1
        stop = row.last_line + step
    for piece in pieces:
        # Converters that write pipes give every row all its places, a merged cell in each of its own.
        gridded = all(row.kind == "pipes" for row in piece) and len({len(row.fields) for row in piece}) == 1
        cells = tuple(
            Cell(i, i + 1, j, k, token.bbox, (token,) if token.text else ())
            for i, places in enumerate(_merge_repeats(piece) if gridded else map(_one_place_each, piece))
            for j, k, token in places
        )
        yield Table(
            page=page.number,
            bbox=BBox(
                min((c.bbox.left for c in cells), default=0),
                piece[0].line - 1,
                max((c.bbox.right for c in cells), default=0),
                stop,
            ),
            n_rows=len(piece),
            n_columns=max((len(row.fields) for row in piece), default=0),
            cells=cells,
            gridded=gridded,
        )


def _one_place_each(row: Row) -> list[_Place]:
    return [(j, j + 1, token) for j, token in enumerate(row.fields)]


def _merge_repeats(piece: list[Row]) -> Iterator[list[_Place]]:
    """Each row with the places of a merged cell together. Words repeat only there; figures also by chance,
    so theirs are one cell where all headers above are one too."""
    same: set[int] | None = None
    closed = False
    for row in piece:
        texts = [token.text for token in row.fields]
        repeats = {j for j in range(1, len(texts)) if texts[j] and texts[j] == texts[j - 1]}
        if any(is_figure(text) for text in texts):
            joined = repeats & same if same is not None else set()
            joined |= {j for j in repeats if not is_figure(texts[j])}
            closed = True
        else:
            same = repeats if same is None or closed else same & repeats
            joined, closed = repeats, False
        places: list[_Place] = []
        for j, token in enumerate(row.fields):
            if j in joined:
                start, _, first = places[-1]
                bbox = first.bbox._replace(right=token.bbox.right)
                places[-1] = (start, j + 1, replace(first, bbox=bbox))
            else:
                places.append((j, j + 1, token))
        yield places
