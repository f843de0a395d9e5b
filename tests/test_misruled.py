"""Tables whose rules mislead are read without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from giar_ml.annotations.gold import Gold, gold_path
from giar_ml.document import BBox, Page, Table, Token
from giar_ml.fields import FormEvidence, Layout, RowEvidence, Seen
from giar_ml.fields.misruled import find_misruled, misfit
from giar_ml.forms import load_form
from giar_ml.load import load
from giar_ml.pipeline import Extractor
from giar_ml.tables.rules import find_rules, group_rules
from giar_ml.tables.ruling import extent

SCAN = ROOT / "eval" / "fixtures" / "9000000-00001-scan-clean.pdf"
FORM = load_form("2021")
BOX = BBox(10, 10, 30, 20)
BLANK = Seen(((None, 1.0),), False, 1, BOX, None)


def evidence_without(*lost: str) -> FormEvidence:
    rows = []
    for section in FORM.sections:
        for row in section.rows:
            keys = [section.cell_key(row, column) for column in section.columns]
            cells = {key: None if key in lost else BLANK for key in keys}
            layout = Layout(tuple(range(len(keys))), cells, 0.0)
            rows.append(RowEvidence(section, row, (layout,), (section.table, 0, row.key), 0.0))
    return FormEvidence(FORM, tuple(rows), 2.0)


def page(number: int, *labels: str, ruled: bool = True) -> Page:
    tokens = tuple(Token("x", BOX, labels={label: 0.9}) for label in labels)
    tables = (Table(number, BOX, 1, 1, ()),) if ruled else ()
    return Page(number, "scan", 100, 100, tokens=tokens, tables=tables)


NEW = [f"requests.new.{column}" for column in ("natural_person", "enterprise", "total")]


@pytest.mark.parametrize(
    ("lost", "pages", "numbers"),
    [
        (NEW, [page(1, "row:requests.new"), page(2, "row:requests.granted", "column:requests.total")], {1}),
        (NEW, [page(1, "title:requests"), page(2, "column:requests.total")], {2}),
        (NEW[:2], [page(1, "row:requests.new")], set()),
        (NEW, [page(1, "row:requests.new", ruled=False)], set()),
        (NEW, [page(1, "other")], set()),
    ],
)
def test_pages_that_name_rows_of_which_much_was_lost(
    lost: list[str], pages: list[Page], numbers: set[int]
) -> None:
    ruled = {page.number for page in pages if page.tables}
    assert find_misruled(evidence_without(*lost), pages, ruled) == numbers


def test_cells_that_are_nowhere_speak_against_a_reading() -> None:
    all_, one, none = (misfit(evidence_without(*lost), []) for lost in (NEW, NEW[:1], ()))
    assert all_ > one > none == 2


def test_rows_that_were_not_found_speak_against_a_reading_where_they_are_named() -> None:
    # Once 20 rows of a table without figures were lost, which had been found: it had been read again without
    # its rules, as cells of another table were nowhere, and was no table then.
    evidence = evidence_without(*(key for key in FORM.cells if key.startswith("requests.new.")))
    rows = tuple(replace(r, group=None) if r.row.key == "new" else r for r in evidence.rows)
    lost = replace(evidence, rows=rows)
    assert misfit(lost, [page(1, "row:requests.new")]) == misfit(evidence, []) > misfit(lost, [page(1)]) == 2


def misrule(image: np.ndarray, *, dpi: float) -> np.ndarray:
    """The page, of its largest table only the frame, a rule below the headers and one between two columns."""
    image = image.copy()
    found = find_rules(image, dpi=dpi)
    rules = max(group_rules(found, dpi=dpi), key=lambda group: len(group.horizontal))
    left, top, right, bottom = (round(x) for x in extent(rules))
    for h in rules.horizontal:
        cv2.line(image, (left - 2, round(h.position)), (right + 2, round(h.position)), (255,) * 3, 7)
    for v in rules.vertical:
        cv2.line(image, (round(v.position), top - 2), (round(v.position), bottom + 2), (255,) * 3, 7)
    cv2.rectangle(image, (left, top), (right, bottom), (0,) * 3, 2)
    level = sorted(h.position for h in rules.horizontal)[4]
    cv2.line(image, (left, round(level)), (right, round(level)), (0,) * 3, 2)
    upright = sorted({round(v.position) for v in rules.vertical})[-2]
    cv2.line(image, (upright, round(level)), (upright, bottom), (0,) * 3, 2)
    return image


@pytest.mark.model
def test_a_table_of_which_most_rules_are_gone(tmp_path: Path) -> None:
    pages = load(SCAN).pages
    dpi = pages[0].dpi or 200
    images = [p.image for p in pages if p.image is not None]
    widest = max(range(len(images)), key=lambda i: len(find_rules(images[i], dpi=dpi).horizontal))
    images[widest] = misrule(images[widest], dpi=dpi)
    first, *rest = map(Image.fromarray, images)
    path = tmp_path / "report.pdf"
    first.save(path, save_all=True, append_images=rest, resolution=dpi)

    analysis = Extractor().analyse(path)

    gold = Gold.read(gold_path(SCAN))
    wrong = {
        key: cell.value
        for key, cell in analysis.report.cells.items()
        if (cell.value or 0) != (gold.cells[key].printed or 0)
    }
    assert not wrong
    assert len(analysis.report.cells) == len(gold.cells)
