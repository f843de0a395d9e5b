"""Gold to and from the format of XFUND, the multilingual FUNSD: pages as entities with links between them.

Boxes are left, top, right, bottom in pixels. XFUND knows four labels; ours stands beside as `giar_label`,
and `key` names the form's cell of a figure. A word is a whole token: gold has no places of characters.
Links join entities of one page: a figure on a page that does not repeat the column headers has no link
to its column. Files of FUNSD hold one page each and do not name its picture, which has the file's name.
Format: XFUND release 1.0, zh.train.json; FUNSD, annotations/*.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from giar_ml.annotations.drafts import (
    Draft,
    DraftToken,
    find_image,
    missing_image,
    read_label,
    read_number,
    read_string,
)
from giar_ml.annotations.gold import GoldToken, Poly, bounds, box_poly
from giar_ml.annotations.pages import Pictured, PicturedPage, pictured_pages, pixel_box
from giar_ml.document import BBox
from giar_ml.forms import Form, FormCell, load_form

TOOL = "XFUND"

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

_UID = re.compile(r"(?P<sha256>[0-9a-f]{64})-(?P<page>\d{1,6})")
"""As `write` makes it: the document's sha256 and the page."""
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
        "giar_form": page.gold.form,
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


IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


def read_documents(data: Mapping[str, Any], path: Path, *, images: Sequence[Path] = ()) -> list[Draft]:
    """The pages of a file: `documents` of XFUND, one entry of them, or the `form` of FUNSD.

    A label is `giar_label` where there is one, else `label`.

    Args:
        path: the file they come from; pictures are looked for in its folder, and in `images` beside it.
        images: more folders that pictures may lie in.
    """
    folders = [path.parent, *images, path.parent / "images", path.parent.parent / "images"]
    if "documents" not in data:
        return [_read_page(data, str(path), path, folders)]
    pages = data["documents"]
    if not isinstance(pages, list):
        return [Draft(str(path), TOOL, faults=("its documents are not a list",))]
    return [
        _read_page(page, f"{path}: document {_page_name(page, number)}", path, folders)
        for number, page in enumerate(pages, start=1)
    ]


def _page_name(page: Any, number: int) -> str:
    return str(page.get("id", number) if isinstance(page, Mapping) else number)


def _read_page(page: Any, where: str, path: Path, folders: Sequence[Path]) -> Draft:
    entities = page.get("document", page.get("form")) if isinstance(page, Mapping) else None
    if not isinstance(entities, list):
        return Draft(where, TOOL, faults=("it has no list of entities",))
    picture = page.get("img")
    picture = picture if isinstance(picture, Mapping) else {}
    name = picture.get("fname")
    names = [name] if isinstance(name, str) else [path.stem + suffix for suffix in IMAGE_SUFFIXES]
    image = find_image(names, folders)
    faults = [] if image else [missing_image(names[0])]
    size = None
    if picture.get("width") is not None:
        try:
            size = (read_number(picture.get("width")), read_number(picture.get("height")))
        except ValueError:
            faults.append("the size of its picture is no number")
    tokens = []
    for number, entity in enumerate(entities, start=1):
        token_where = f"token {number}"
        try:
            tokens.append(_read_entity(entity, token_where))
        except ValueError as error:
            faults.append(f"{token_where}: {error}")
    form = page.get("giar_form")
    uid = _UID.fullmatch(str(page.get("uid")))
    return Draft(
        where,
        TOOL,
        names[0],
        image,
        tuple(tokens),
        size=size,
        form=form if isinstance(form, str) else None,
        origin={"document_sha256": uid["sha256"], "page": int(uid["page"])} if uid else {},
        faults=tuple(faults),
    )


def _read_entity(entity: Any, where: str) -> DraftToken:
    if not isinstance(entity, Mapping):
        raise ValueError("not an object")
    box = entity.get("box")
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError("its box is not four numbers")
    bbox = BBox(*map(read_number, box))
    if bbox.left >= bbox.right or bbox.top >= bbox.bottom:
        raise ValueError(f"its box {box} has no width or no height")
    key = entity.get("key")
    label = read_label(entity["giar_label"] if "giar_label" in entity else entity.get("label"))
    if key is not None and not isinstance(key, str):
        raise ValueError("its key is not text")
    return DraftToken(where, read_string(entity.get("text")), label, box_poly(bbox), key or None)
