"""Gold in the format of XFUND, the multilingual FUNSD: pages as entities with links between them.

Boxes are left, top, right, bottom in pixels. XFUND knows four labels; ours stands beside as `giar_label`,
and `key` names the form's cell of a figure. A word is a whole token: gold has no places of characters.
Links join entities of one page: a figure on a page that does not repeat the column headers has no link
to its column. Format: XFUND release 1.0, zh.train.json.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from giar_ml.annotations.gold import GoldToken, Poly, bounds
from giar_ml.annotations.pages import Pictured, PicturedPage, pictured_pages, pixel_box
from giar_ml.forms import Form, FormCell, load_form

LABELS = {
    "title": "header",
    "caption": "header",
    "under": "header",
    "corner": "header",
    "row": "question",
    "column": "question",
    "figure": "answer",
}
"""What XFUND calls each kind of label, the part of its name before the colon; the rest is `other`."""

_LINE_GAP = 2.5
"""Lines of one label lie closer, in heights of the line above; repeated headers are rows apart."""


def write(documents: Iterable[Pictured], *, split: str = "train") -> dict[str, Any]:
    """The content of one file: one entry of `documents` per page."""
    return {
        "lang": "zh",
        "version": "0.1",
        "split": split,
        "documents": [_page_entry(page) for page in pictured_pages(documents)],
    }


def _page_entry(page: PicturedPage) -> dict[str, Any]:
    links = link_figures(page.tokens, load_form(page.gold.form))
    entities = []
    for i, (token, poly) in enumerate(page.tokens):
        box = pixel_box(bounds(poly))
        entities.append(
            {
                "id": i,
                "text": token.text,
                "box": box,
                "label": LABELS.get(token.label.partition(":")[0], "other"),
                "words": [{"text": token.text, "box": box}],
                # Both ends carry the link, as in FUNSD.
                "linking": [list(link) for link in links if i in link],
                "giar_label": token.label,
                "key": token.key,
            }
        )
    return {
        "id": f"{page.gold.file}-{page.page.number}",
        "uid": f"{page.gold.sha256}-{page.page.number}",
        "document": entities,
        "img": {"fname": page.image, "width": round(page.page.width), "height": round(page.page.height)},
    }


def link_figures(tokens: Iterable[tuple[GoldToken, Poly]], form: Form) -> list[tuple[int, int]]:
    """Pairs of indexes, label to figure: every line of the row's label and of the column's nearest header.

    The headers of several blocks of a table may bear the same name, so the nearest above a figure counts,
    where above means against the direction that the figure's own text runs down.
    """
    by_label: dict[str, list[tuple[int, Poly]]] = {}
    figures: list[tuple[int, Poly, FormCell]] = []
    for i, (token, poly) in enumerate(tokens):
        by_label.setdefault(token.label, []).append((i, poly))
        if token.label == "figure" and token.key in form.cells:
            figures.append((i, poly, form.cells[token.key]))
    links = []
    for i, poly, cell in figures:
        table = cell.section.table
        rows = [j for j, _ in by_label.get(f"row:{table}.{cell.row.key}", [])]
        columns = _nearest_above(poly, by_label.get(f"column:{table}.{cell.column.key}", []))
        links += [(j, i) for j in (*rows, *columns)]
    return links


def _nearest_above(figure: Poly, headers: Iterable[tuple[int, Poly]]) -> list[int]:
    (ax, ay), _, _, (dx, dy) = figure
    height = ((dx - ax) ** 2 + (dy - ay) ** 2) ** 0.5 or 1.0
    down_x, down_y = (dx - ax) / height, (dy - ay) / height

    def edges(poly: Poly) -> tuple[float, float]:
        depths = [x * down_x + y * down_y for x, y in poly]
        return min(depths), max(depths)

    middle = sum(edges(figure)) / 2
    lines = [(*edges(poly), i) for i, poly in headers]
    above = sorted((line for line in lines if (line[0] + line[1]) / 2 < middle), reverse=True)
    found: list[int] = []
    last_top = middle
    for top, bottom, i in above:
        if found and last_top - bottom > _LINE_GAP * (bottom - top):
            break
        found.append(i)
        last_top = top
    return sorted(found)
