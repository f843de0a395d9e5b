"""Rules of digital pages as their files draw them, and when the picture of the page must tell instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageDraw
from test_load_pdf import A4, PdfPage, chinese, figures, make_pdf

from giar_ml.document import Page
from giar_ml.load.drawn import _may_have_runs, find_drawn_rules
from giar_ml.load.pdf import read_pdf
from giar_ml.load.pictures import find_objects
from giar_ml.load.rendering import DIGITAL_DPI, render
from giar_ml.tables import find_tables
from giar_ml.tables.ruling import Rule, Rules

XS, YS = (100, 200, 300, 400), (700, 670, 640, 610)
"""Of the rules of a table, in points."""
TOP = 842
PX = DIGITAL_DPI / 72
STROKES = b" ".join(
    [b"1 w"]
    + [b"%d %d m %d %d l S" % (XS[0], y, XS[-1], y) for y in YS]
    + [b"%d %d m %d %d l S" % (x, YS[0], x, YS[-1]) for x in XS]
)
AREAS = b" ".join(
    [b"%d %.1f %d 1 re f" % (XS[0], y - 0.5, XS[-1] - XS[0]) for y in YS]
    + [b"%.1f %d 1 %d re f" % (x - 0.5, YS[-1], YS[0] - YS[-1]) for x in XS]
)
CELL_BY_CELL = b" ".join(b"%d %d 100 30 re S" % (x, y) for x in XS[:-1] for y in YS[1:])
PIECES = b" ".join(
    [b"%d %.1f 99.5 0.5 re f" % (x, y) for x in XS[:-1] for y in YS]
    + [b"%.1f %d 0.5 29.5 re f" % (x, y) for x in XS for y in YS[1:]]
)
DOTS = b" ".join(
    [b"%.1f %.1f 1 1 re f" % (x - 0.5, y - 0.5) for x in range(100, 401, 2) for y in YS]
    + [b"%.1f %.1f 1 1 re f" % (x - 0.5, y - 0.5) for x in XS for y in range(610, 701, 2)]
)
SHADING = b"0.8 g 100 670 300 30 re f 0 g "


def rules_of(content: bytes, **options: Any) -> Rules | None:
    with pdfium.PdfDocument(make_pdf([PdfPage(content, **options)])) as pdf:
        page = pdf[0]
        paths, _ = find_objects(page)
        gray, frame = render(page, DIGITAL_DPI, "a.pdf", grayscale=True)
        return find_drawn_rules(paths, frame.to_pixels, gray, dpi=DIGITAL_DPI)


def positions(rules: tuple[Rule, ...]) -> list[float]:
    return sorted(round(rule.position / PX) for rule in rules)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(STROKES, id="strokes"),
        pytest.param(AREAS, id="thin areas"),
        pytest.param(CELL_BY_CELL, id="cell by cell"),
        pytest.param(PIECES, id="pieces"),
        pytest.param(DOTS, id="dots"),
        pytest.param(SHADING + STROKES, id="on shading"),
        pytest.param(b"0.6 G " + STROKES, id="pale"),
        pytest.param(b"q 2 0 0 2 0 0 cm 0.5 w 50 350 m 200 350 l S Q " + STROKES, id="in another scale"),
        pytest.param(b"0.92 G " + STROKES, id="very pale"),
        pytest.param(b"[4 2] 0 d " + STROKES, id="dashed"),
        pytest.param(
            b"0.01 0 0 1 0 0 cm "
            + b" ".join(b"100 w %d 610 m %d 700 l S" % (100 * x, 100 * x) for x in XS)
            + b" 1 w "
            + b" ".join(b"10000 %d m 40000 %d l S" % (y, y) for y in YS),
            id="scaled unevenly",
        ),
        pytest.param(STROKES + b" 450 500 m 451 501 l S 1 0 0 RG 450 480 2 2 re f", id="with specks"),
    ],
)
def test_rules_of_a_table(content):
    rules = rules_of(content)
    assert rules is not None
    assert positions(rules.horizontal) == [TOP - y for y in YS]
    assert positions(rules.vertical) == list(XS)
    for rule in rules.horizontal:
        assert (rule.start / PX, rule.stop / PX) == pytest.approx((XS[0], XS[-1]), abs=1.5)
    for rule in rules.vertical:
        assert (rule.start / PX, rule.stop / PX) == pytest.approx((TOP - YS[0], TOP - YS[-1]), abs=1.5)


THICK = b"20 w 100 700 m 300 700 l S"
BEYOND = b"1 w -50 900 m 700 900 l S 700 100 m 700 800 l S"


@pytest.mark.parametrize("content", [b"1 G " + STROKES, b"1 g " + AREAS, SHADING, THICK, BEYOND])
def test_what_is_not_seen_or_thick_is_no_rule(content):
    assert rules_of(content) == Rules((), ())


def test_rules_end_with_the_page():
    rules = rules_of(b"1 w -50 700 m 900 700 l S")
    assert rules is not None
    [rule] = rules.horizontal
    assert (rule.start, rule.stop / PX) == (0, pytest.approx(595, abs=0.5))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"100 700 m 150 750 200 750 250 700 c S " + STROKES, id="curve"),
        pytest.param(b"100 670 300 30 re f " + STROKES, id="black cell"),
        pytest.param(STROKES + b" 1 g 150 600 100 50 re f", id="painted over"),
        pytest.param(STROKES + b" 1 G 3 w 200 610 m 200 700 l S", id="whitened"),
        pytest.param(b"100 600 110 120 re W n " + STROKES, id="clipped"),
        pytest.param(b"[1 20] 0 d " + STROKES, id="hardly dotted"),
        pytest.param(b"0.8 g 50 550 400 200 re f 0.8 G " + STROKES, id="grey on grey"),
        pytest.param(b"0.5 g 100 650 m 250 700 l 400 650 l 250 600 l f " + STROKES, id="diamond"),
        pytest.param(STROKES + figures("_" * 40, x=100, y=500), id="underscores"),
        pytest.param(b"100 600 300 100 re 102 602 296 96 re f*", id="frame of two areas"),
        pytest.param(b"0.5 g 100 600 m 400 600 l 250 700 l f " + STROKES, id="triangle"),
    ],
)
def test_a_drawing_is_left_to_its_picture(content):
    assert rules_of(content) is None


def test_a_picture_of_rules_is_seen():
    image = Image.new("RGB", (600, 200), "white")
    ImageDraw.Draw(image).rectangle((50, 50, 550, 150), outline="black", width=2)
    assert rules_of(b"q 300 0 0 100 100 300 cm /Im Do Q " + STROKES, image=image) is None


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rules_of_a_turned_page(turn):
    rules = rules_of(STROKES, box=A4 + b"/Rotate %d" % turn)
    assert rules is not None
    assert (len(rules.horizontal), len(rules.vertical)) == (4, 4)
    across = {90: list(XS), 180: list(YS), 270: [595 - x for x in XS]}[turn]
    assert positions(rules.horizontal) == pytest.approx(sorted(across), abs=1)


@pytest.mark.parametrize("content", [STROKES, AREAS, PIECES, SHADING + STROKES])
def test_tables_are_those_of_the_picture(content):
    text = b" ".join(chinese("信息", x=x + 30, y=y + 10) for x in XS[:-1] for y in YS[1:])
    [page] = read_pdf(make_pdf([PdfPage(content + b" " + text)]), "a.pdf", max_pages=1)
    assert page.kind == "digital"
    assert page.rules is not None

    def found(page: Page) -> list[tuple[int, int, str]]:
        [table] = find_tables(page).tables
        return [(cell.row_start, cell.column_start, cell.text) for cell in table.cells]

    assert found(page) == found(replace(page, rules=None))
    assert len(found(page)) == 9


@pytest.mark.parametrize("seed", range(20))
def test_rows_without_long_runs_are_told_from_those_with_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    length, width = int(rng.integers(18, 90)), int(rng.integers(20, 400))
    mask = np.zeros((60, width), np.uint8)
    for row in mask:
        for start in rng.integers(-length, width, rng.integers(0, 4)):
            row[max(start, 0) : max(start + rng.integers(1, 2 * length), 0)] = 1
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    assert not opened[~_may_have_runs(mask > 0, length // 2)].any()


@pytest.mark.parametrize("size", [(5, 5), (3, 300), (300, 3), (7, 200)])
def test_a_page_may_be_smaller_than_what_is_looked_at_around_a_rule(size: tuple[int, int]) -> None:
    # Once such a page lost its whole document.
    width, height = size
    rules = b"0 %.1f %d 1 re f %.1f 0 1 %d re f" % (height / 2, width, width / 2, height)
    content = make_pdf([PdfPage(rules, b"/MediaBox[0 0 %d %d]" % size), PdfPage(b"")])
    _, other = read_pdf(content, "a.pdf", max_pages=9)
    assert other.rules == Rules((), ())
