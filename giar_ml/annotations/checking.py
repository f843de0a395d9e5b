"""Annotations as they stand in a file -> gold that can be trained and measured on, or what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rapidfuzz import fuzz, process

from giar_ml.annotations.drafts import Draft, DraftToken, missing_image
from giar_ml.annotations.gold import SUFFIX, Gold, GoldCell, GoldPage, GoldToken, Place, Poly, bounds
from giar_ml.document import Document
from giar_ml.errors import InputError
from giar_ml.figures import is_empty, parse_figure
from giar_ml.forms import Form, FormCell, load_forms
from giar_ml.geometry import poly_area
from giar_ml.label.names import FIGURE, OTHER, form_labels, label_names

TOLERANCE_PX = 2.0
"""So far a box may reach beyond its picture: tools round, and let the mouse run over the edge."""
MIN_SIDE_PX = 1.0
"""A lower or narrower box is a slip of the mouse."""

_MIN_LIKENESS = 50
"""Of 100; a label less like the one that was written is no helpful hint."""


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
        page, poly = pages.get(token.place.page or 0), token.place.poly
        found = []
        if page and not poly:
            found.append("it has no box")
        elif poly and page is None:
            found.append(f"the gold has no page {token.place.page}")
        elif poly and page:
            poly, box_fault = _check_poly(poly, page)
            found += [box_fault] if box_fault else []
            token = replace(token, place=replace(token.place, poly=poly))
        found += [fault for fault in (_check_label(token.label),) if fault]
        found += [] if isinstance(token.text, str) else ["its text is not text"]
        faults += [f"token {number}: {fault}" for fault in found]
        tokens.append(token)
    for number, table in enumerate(gold.tables, start=1):
        labels = dict.fromkeys(cell.label for cell in table.cells)
        faults += [f"table {number}: {fault}" for fault in map(_check_label, labels) if fault]
    faults += list(_check_keys(gold))
    gold = replace(gold, tokens=tuple(tokens))
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
    faults = [fault for fault in (box_fault, _check_label(token.label)) if fault]
    if token.label != OTHER and not token.text.strip():
        faults.append("its text was not typed")
    key = token.key if token.label == FIGURE and _find_cell(token.key) else None
    return GoldToken(token.text, token.label, Place(1, poly), key), faults


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
    names = label_names()
    if label in names:
        return None
    nearest = process.extractOne(label, names, scorer=fuzz.ratio, score_cutoff=_MIN_LIKENESS)
    return f"no label {label[:60]!r}" + (f"; the nearest is {nearest[0]!r}" if nearest else "")


def _find_cell(key: str | None) -> FormCell | None:
    return next((form.cells[key] for form in load_forms().values() if key in form.cells), None)


def _collect_cells(
    tokens: Sequence[GoldToken], drafts: Sequence[DraftToken], form: Form
) -> tuple[dict[str, GoldCell], list[str]]:
    """The cells whose figures say which they are; several tokens of one are its pieces."""
    pieces: dict[str, list[int]] = {}
    for i, token in enumerate(tokens):
        if token.key:
            pieces.setdefault(token.key, []).append(i)
    cells, faults = {}, []
    for key, indices in pieces.items():
        where = drafts[indices[0]].where
        text = "".join(tokens[i].text for i in indices)
        if key not in form.cells:
            faults.append(f"{where}: form {form.name} has no cell {key}")
            continue
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
    keys = {*gold.cells, *gold.misprints, *(token.key for token in gold.tokens if token.key)}
    for key in sorted(keys - set(form.cells)):
        yield f"form {form.name} has no cell {key!r}"


def _find_broken_text(gold: Gold) -> str | None:
    try:
        gold.to_json().encode()
    except UnicodeEncodeError:
        return "some text in it is cut within a character; type it again"
    return None
