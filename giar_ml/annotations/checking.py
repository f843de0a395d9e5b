"""Annotations as they stand in a file -> gold that can be trained and measured on, or what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TypeGuard, get_args

from rapidfuzz import fuzz, process

from giar_ml.annotations.drafts import Draft, DraftToken, missing_image
from giar_ml.annotations.gold import (
    SUFFIX,
    Gold,
    GoldCell,
    GoldPage,
    GoldTable,
    GoldToken,
    Place,
    Poly,
    bounds,
)
from giar_ml.document import BBox, Document, SourceKind
from giar_ml.errors import InputError
from giar_ml.figures import is_empty, parse_figure
from giar_ml.forms import CellType, Form, Header, load_forms
from giar_ml.geometry import poly_area, split_into_lines, union
from giar_ml.label.names import FIGURE, OTHER, form_labels, label_names

TOLERANCE_PX = 2.0
"""So far a box may reach beyond its picture: tools round, and let the mouse run over the edge."""
MIN_SIDE_PX = 1.0
"""A lower or narrower box is a slip of the mouse."""

MAX_GAP = 1.0
"""So far apart may the pieces of a figure lie, in heights of the higher one: the next column is further."""

_MIN_LIKENESS = 50
"""Of 100; a name less like the one that was written is no helpful hint."""
_FIGURES: Mapping[CellType, str] = {
    "count": "a whole number from 0",
    "change": "a whole number",
    "amount": "a decimal number from 0",
}


@dataclass(frozen=True)
class Annotated:
    """A document with its gold. `where` is where the gold was read, `tool` what it was made with."""

    gold: Gold
    path: Path
    where: str
    tool: str


def check_draft(draft: Draft) -> tuple[Annotated | None, list[str]]:
    """The gold of one picture, None when anything is wrong; and all that is."""
    faults = list(draft.faults)
    document = None
    if draft.image is not None:
        document, image_faults = _open_picture(draft.image, draft.size)
        faults += image_faults
    elif not faults:
        faults.append(missing_image(draft.name))
    page = None
    if document is not None:
        pixels = document.pages[0]
        page = GoldPage(1, float(pixels.width), float(pixels.height), pixels.dpi)
    tokens = []
    for token in draft.tokens:
        checked, token_faults = _check_token(token, page)
        tokens.append(checked)
        faults += [f"{token.where}: {fault}" for fault in token_faults]
    form = load_forms().get(draft.form or "") or guess_form(token.label for token in tokens)
    cells, cell_faults = _collect_cells(tokens, draft.tokens, form)
    faults += cell_faults
    if faults or document is None or page is None:
        return None, faults
    gold = Gold(
        file=document.path.name,
        sha256=document.sha256,
        kind="image",
        form=form.name,
        organisation=None,
        year=None,
        cells=cells,
        pages=(page,),
        tokens=tuple(tokens),
        origin={"annotator": draft.tool, **draft.origin},
    )
    if fault := _find_broken_text(gold):
        return None, [fault]
    return Annotated(gold, document.path, draft.where, draft.tool), []


def check_gold(gold: Gold, path: Path) -> tuple[Annotated | None, list[str]]:
    """The same for gold that `giar` itself wrote into `path`, with its document beside it."""
    document = path.with_name(path.name.removesuffix(SUFFIX))
    faults = list(_check_document(gold, document))
    pages = {page.number: page for page in gold.pages}
    tokens = []
    for number, token in enumerate(gold.tokens, start=1):
        place, place_fault = _check_place(token.place, pages)
        token = replace(token, place=place)
        found = [place_fault, _check_label(token.label), _check_typed(token), _check_keyed(token)]
        faults += [f"token {number}: {fault}" for fault in found if fault]
        tokens.append(token)
    gold = replace(gold, tokens=tuple(tokens))
    for number, table in enumerate(gold.tables, start=1):
        faults += [f"table {number}: {fault}" for fault in dict.fromkeys(_check_table(table, pages))]
    faults += [*_check_fields(gold), *_check_keys(gold)]
    if form := load_forms().get(gold.form):
        checked = {key: _check_cell(key, cell, gold, form) for key, cell in gold.cells.items()}
        faults += [f"cell {key}: {fault}" for key, (_, found) in checked.items() for fault in found]
        gold = replace(gold, cells={key: cell for key, (cell, _) in checked.items()})
        lawful = {key: _check_figure(figure, key, form) for key, figure in gold.misprints.items()}
        faults += [f"misprint {key}: {fault}" for key, fault in lawful.items() if fault]
    if not faults and (fault := _find_broken_text(gold)):
        faults.append(fault)
    tool = str(gold.origin.get("annotator") or "giar")
    return (None if faults else Annotated(gold, document, str(path), tool)), faults


def guess_form(labels: Iterable[str]) -> Form:
    """The form that prints most of the labels; of several the newest official one."""
    labels = list(labels)
    return max(load_forms().values(), key=lambda form: sum(label in form_labels(form) for label in labels))


def _open_picture(path: Path, size: tuple[float, float] | None) -> tuple[Document | None, list[str]]:
    from giar_ml.load import load

    try:
        document = load(path)
    except InputError as error:
        return None, [f"picture {error}"]
    if document.kind != "image" or len(document.pages) != 1:
        return None, [f"picture {path.name}: not a picture of one page; annotate its pages as pictures"]
    page = document.pages[0]
    if size and (abs(size[0] - page.width) > 1 or abs(size[1] - page.height) > 1):
        return document, [
            f"picture {path.name} has {page.width:g} x {page.height:g} pixels, it was annotated with"
            f" {size[0]:g} x {size[1]:g}; put the same picture there"
        ]
    return document, []


def _check_token(token: DraftToken, page: GoldPage | None) -> tuple[GoldToken, list[str]]:
    poly, box_fault = _check_poly(token.poly, page) if page else (token.poly, None)
    checked = GoldToken(token.text, token.label, Place(1, poly), token.key)
    found = [box_fault, _check_label(token.label), _check_typed(checked), _check_keyed(checked)]
    return checked, [fault for fault in found if fault]


def _check_poly(poly: Poly, page: GoldPage) -> tuple[Poly, str | None]:
    """The box clipped to its page, and what is wrong with it."""
    box = bounds(poly)
    if not all(map(math.isfinite, (*box, page.width, page.height))):
        return poly, "its box or its page has a number that is none"
    beyond = max(-box.left, -box.top, box.right - page.width, box.bottom - page.height)
    numbers = ", ".join(f"{number:g}" for number in (round(number, 1) for number in box))
    if beyond > TOLERANCE_PX:
        return poly, f"its box ({numbers}) is not inside the {page.width:g} x {page.height:g} pixels"
    a, b, c, d = ((min(max(x, 0.0), page.width), min(max(y, 0.0), page.height)) for x, y in poly)
    clipped = (a, b, c, d)
    box = bounds(clipped)
    if min(box.width, box.height) < MIN_SIDE_PX or poly_area(clipped) < MIN_SIDE_PX:
        return poly, f"its box ({numbers}) has no width or no height"
    return clipped, None


def _check_label(label: object) -> str | None:
    if not isinstance(label, str):
        return "its label is not text"
    return _check_name("label", label, label_names())


def _check_name(what: str, name: str, names: Sequence[str]) -> str | None:
    if name in names:
        return None
    nearest = process.extractOne(name, names, scorer=fuzz.ratio, score_cutoff=_MIN_LIKENESS)
    return f"no {what} {name[:60]!r}" + (f"; the nearest is {nearest[0]!r}" if nearest else "")


def _check_typed(token: GoldToken) -> str | None:
    if not isinstance(token.text, str):
        return "its text is not text"
    return "its text was not typed" if token.label != OTHER and not token.text.strip() else None


def _check_keyed(token: GoldToken) -> str | None:
    if token.key is None:
        return None
    if not isinstance(token.key, str):
        return "its key is not text"
    keys = dict.fromkeys(key for form in load_forms().values() for key in form.cells)
    if fault := _check_name("cell", token.key, list(keys)):
        return fault
    return None if token.label == FIGURE else f"it has the key of a cell, and {token.label!r} is no {FIGURE}"


def _check_place(place: Place, pages: Mapping[int, GoldPage]) -> tuple[Place, str | None]:
    """The place clipped to its page, and what is wrong with it."""
    page = pages.get(place.page or 0)
    if page is None:
        if place.page or place.poly:
            return place, f"the gold has no page {place.page}"
        is_line = place.line is None or (_is_whole(place.line) and place.line > 0)
        return place, None if is_line else "its line is no number from 1"
    if not place.poly:
        return place, "it has no box"
    poly, fault = _check_poly(place.poly, page)
    return replace(place, poly=poly), fault


def _check_table(table: GoldTable, pages: Mapping[int, GoldPage]) -> Iterator[str]:
    sides = ("rows", table.n_rows), ("columns", table.n_columns)
    yield from (f"its number of {name} is none" for name, n in sides if not _is_whole(n) or n < 1)
    for cell in table.cells:
        spans = (
            (cell.row_start, cell.row_stop, table.n_rows),
            (cell.column_start, cell.column_stop, table.n_columns),
        )
        if not all(map(_is_whole, (number for span in spans for number in span))):
            yield "a span is no whole numbers"
        elif not all(0 <= start < stop <= n for start, stop, n in spans):
            yield "a cell spans rows or columns that the table has not"
        _, place_fault = _check_place(Place(table.page, cell.poly), pages)
        text_fault = None if isinstance(cell.text, str) else "the text of a cell is not text"
        yield from (fault for fault in (place_fault, _check_label(cell.label), text_fault) if fault)


def _is_whole(number: object) -> TypeGuard[int]:
    return isinstance(number, int) and not isinstance(number, bool)


def _check_fields(gold: Gold) -> Iterator[str]:
    """What is said of the whole document."""
    if gold.kind not in get_args(SourceKind):
        yield f"no kind of document {gold.kind!r}"
    if not (gold.organisation is None or isinstance(gold.organisation, str)):
        yield "its organisation is not text"
    if not (gold.year is None or _is_whole(gold.year)):
        yield f"its year, {gold.year!r}, is no whole number"
    if [page.number for page in gold.pages] != list(range(1, len(gold.pages) + 1)):
        yield "its pages are not numbered from 1 in order"
    for name in ("lost", "contradicted", "faults"):
        if name in gold.origin and _texts(gold.origin[name]) is None:
            yield f"{name} in its origin is no list of texts"


def _texts(found: object) -> list[str] | None:
    """None when it is no list of texts."""
    return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None


def _check_cell(key: str, cell: GoldCell, gold: Gold, form: Form) -> tuple[GoldCell, list[str]]:
    """The cell with its places clipped to their pages, and what is wrong with it: the figure is one of its
    column, and what its text and its tokens say."""
    pages = {page.number: page for page in gold.pages}
    places = [_check_place(place, pages) for place in cell.places]
    faults = [fault for _, fault in places if fault]
    wrong = None if cell.printed is None else _check_figure(cell.printed, key, form)
    faults += [wrong] if wrong else []
    texts = [token.text for token in _in_order([t for t in gold.tokens if t.key == key]) if token.text]
    if not all(isinstance(text, str) for text in (cell.text, *texts)):
        faults.append("its text is not text")
    elif key in form.cells and not wrong:
        column = form.cells[key].column
        for what, found in (("text", [cell.text] if cell.text else []), ("tokens", texts)):
            if found and not _say(found, cell, column):
                said = " ".join(found)[:40]
                faults.append(f"its {what}, {said!r}, and the figure printed, {cell.printed}, differ")
    return replace(cell, places=tuple(place for place, _ in places)), faults


def _check_figure(figure: object, key: str, form: Form) -> str | None:
    if key not in form.cells:
        return None  # which is said of all keys
    cell_type = form.cells[key].column.type
    if isinstance(figure, Decimal):
        fits = cell_type == "amount" and figure.is_finite() and figure >= 0
    else:
        fits = _is_whole(figure) and (figure >= 0 or cell_type == "change")
    return None if fits else f"{str(figure)[:40]!r} is not {_FIGURES[cell_type]}"


def _say(texts: Sequence[str], cell: GoldCell, column: Header) -> bool:
    """Whether texts say the figure of a cell: together, as its pieces, or each, where it is printed again."""
    said = (parse_figure(text, column.type, column.unit) for text in texts)
    whole = parse_figure("".join(texts), column.type, column.unit)
    return whole == cell.printed or all(figure == cell.printed for figure in said)


def _in_order(tokens: Sequence[GoldToken]) -> list[GoldToken]:
    """The pieces of a figure as one reads them, page by page; those of a text as they are."""
    by_page: dict[int, list[GoldToken]] = {}
    for token in tokens:
        by_page.setdefault(token.place.page or 0, []).append(token)
    found: list[GoldToken] = []
    for _, members in sorted(by_page.items()):
        polys = [token.place.poly for token in members if token.place.poly]
        if len(polys) == len(members):
            members = [members[i] for line in _split_pieces(polys) for i, _ in line]
        found += members
    return found


def _split_pieces(polys: Sequence[Poly]) -> list[list[tuple[int, BBox]]]:
    """The pieces of a figure in lines as one reads them: their numbers, and their boxes turned upright."""
    (ax, ay), (bx, by), *_ = polys[0]
    angle = math.atan2(by - ay, bx - ax)
    cos, sin = math.cos(angle), math.sin(angle)
    boxes = [bounds((x * cos + y * sin, y * cos - x * sin) for x, y in poly) for poly in polys]
    return split_into_lines(enumerate(boxes), lambda piece: piece[1])


def _adjoin(lines: Sequence[Sequence[tuple[int, BBox]]]) -> bool:
    """Whether pieces can be of one figure: neighbours on a line, and lines one below the other."""
    boxes = [[box for _, box in line] for line in lines]
    beside = [pair for line in boxes for pair in pairwise(line)]
    below = list(pairwise(union(line) for line in boxes))
    return all(_gap(a, b) <= MAX_GAP * max(a.height, b.height) for a, b in (*beside, *below))


def _gap(a: BBox, b: BBox) -> float:
    """How far two boxes are apart, across or down."""
    across = max(a.left, b.left) - min(a.right, b.right)
    return max(across, max(a.top, b.top) - min(a.bottom, b.bottom))


def _collect_cells(
    tokens: Sequence[GoldToken], drafts: Sequence[DraftToken], form: Form
) -> tuple[dict[str, GoldCell], list[str]]:
    """The cells whose figures say which they are; several tokens of one that adjoin are its pieces."""
    pieces: dict[str, list[int]] = {}
    for i, token in enumerate(tokens):
        if token.key and not _check_keyed(token):
            pieces.setdefault(token.key, []).append(i)
    cells, faults = {}, []
    for key, indices in pieces.items():
        where = drafts[indices[0]].where
        if key not in form.cells:
            faults.append(f"{where}: form {form.name} has no cell {key}")
            continue
        lines = _split_pieces([drafts[i].poly for i in indices])
        indices = [indices[number] for line in lines for number, _ in line]
        if not _adjoin(lines):
            said = ", ".join(repr(tokens[i].text[:20]) for i in indices)
            faults.append(f"{where}: {said} all have the key of cell {key}, and do not adjoin")
            continue
        text = "".join(tokens[i].text for i in indices)
        column = form.cells[key].column
        printed = parse_figure(text, column.type, column.unit)
        if printed is None and not is_empty(text):
            faults.append(f"{where}: {text[:40]!r} is no figure of cell {key}")
            continue
        cells[key] = GoldCell(printed, text, tuple(tokens[i].place for i in indices))
    return cells, faults


def _check_document(gold: Gold, path: Path) -> Iterator[str]:
    from giar_ml.load import load

    if not path.is_file():
        yield f"document {path.name!r} is not there; put it beside its gold"
        return
    if gold.kind != "image":
        import hashlib

        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    else:
        try:
            document = load(path)
        except InputError as error:
            yield f"picture {error}"
            return
        sha256 = document.sha256
        seen = [(page.width, page.height) for page in document.pages]
        said = [(round(page.width), round(page.height)) for page in gold.pages]
        if seen != said:
            yield f"picture {path.name}: pages of {seen} pixels, its gold says {said}"
    if sha256 != gold.sha256:
        yield f"document {path.name} is not the one the gold was made for (sha256 differs)"


def _check_keys(gold: Gold) -> Iterator[str]:
    form = load_forms().get(gold.form)
    if form is None:
        yield f"no form {gold.form!r}; there are {', '.join(load_forms())}"
        return
    known = {key for other in load_forms().values() for key in other.cells}
    keyed = {token.key for token in gold.tokens if token.key in known}  # the others are said of each token
    keyed |= {cell.key for table in gold.tables for cell in table.cells if cell.key}
    origin = {key for name in ("lost", "contradicted") for key in _texts(gold.origin.get(name)) or ()}
    for key in sorted({*gold.cells, *gold.misprints, *keyed, *origin} - set(form.cells)):
        yield f"form {form.name} has no cell {key!r}"


def _find_broken_text(gold: Gold) -> str | None:
    try:
        gold.to_json().encode()
    except UnicodeEncodeError:
        return "some text in it is cut within a character; type it again"
    return None
