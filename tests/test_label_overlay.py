from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eval import label_overlay, overlay_pages, overlay_style
from eval.label_overlay import draw_document
from eval.overlay_names import short_names
from eval.overlay_pages import Mark, draw_page
from eval.overlay_style import KINDS, Pens, kind_of
from eval.overlay_texts import draw_text
from giar_ml.document import BBox, Token
from giar_ml.errors import UsageError
from giar_ml.label.names import label_names
from giar_ml.metrics.token_labels import Choice

NEW = "row:requests.new"
RED = (216, 30, 40)


@pytest.fixture(scope="module")
def pens():
    try:
        return Pens()
    except UsageError:
        pytest.skip("no font with Chinese characters")


def colors(picture):
    return {tuple(map(int, color)) for color in np.unique(np.asarray(picture).reshape(-1, 3), axis=0)}


def test_every_label_of_the_forms_has_a_kind_and_a_name():
    names = short_names()
    for label in label_names():
        assert kind_of(label) is KINDS[label.partition(":")[0]]
        if label not in ("other", "figure", "note"):
            assert 1 <= len(names[label]) <= 14


def test_columns_that_are_printed_alike_have_names_of_their_own():
    names = short_names()
    alike = [f"column:reviews.{group}.upheld" for group in ("reconsideration", "direct_litigation")]
    assert [names[label] for label in alike] == ["行政复议·结果维持", "直接起诉·结果维持"]
    assert names[NEW] == "本年新收政府信息公开申请数量"
    assert names["column:requests.natural_person"] == "自然人"


def page_of(*boxes):
    """White paper at the width that is drawn, with a black line of print in each box."""
    picture = Image.new("RGB", (overlay_pages.PAGE_WIDTH_PX, 400), (255, 255, 255))
    for left, top, right, _ in boxes:
        picture.paste((0, 0, 0), (left, top + 10, right, top + 20))
    return picture, [Token("字", BBox(*box)) for box in boxes]


def test_print_stays_legible_and_doubt_is_marked(pens):
    picture, tokens = page_of((100, 100, 300, 130), (100, 200, 300, 230))
    drawn = np.asarray(draw_page(picture, tokens, [Choice(NEW, 0.99), Choice("figure", 0.4)], pens))
    assert tuple(drawn[105, 200]) == KINDS["row"].tint
    assert tuple(drawn[205, 200]) == KINDS["figure"].tint
    assert not drawn[112:118, 110:290].any()
    assert tuple(drawn[198, 200]) == RED
    assert RED not in colors(drawn[90:140, :])


def test_tags_stand_on_free_paper_inside_their_cell(pens):
    picture, tokens = page_of((100, 100, 300, 130), (320, 100, 420, 130))
    picture.paste((0, 0, 0), (0, 60, 1700, 64))
    drawn = np.asarray(draw_page(picture, tokens, [Choice(NEW, 0.99), Choice("figure", 0.99)], pens))
    before = np.asarray(picture)
    assert (drawn[60:64] == before[60:64]).all()
    ink = np.array(KINDS["row"].ink)
    rows = np.flatnonzero((np.abs(drawn.astype(int) - ink).sum(axis=2) < 30).any(axis=1))
    assert rows.min() > 130
    assert rows.max() < 200


def test_a_rule_keeps_tags_out():
    around, beside = BBox(100, 100, 300, 130), BBox(310, 105, 360, 125)
    ink = np.zeros((400, 600), bool)
    assert not overlay_pages._crosses_rule(beside, around, ink)
    ink[50:300, 305] = True
    assert overlay_pages._crosses_rule(beside, around, ink)
    ink[:] = False
    ink[100:130, 298] = True  # a stroke of the last character
    assert not overlay_pages._crosses_rule(beside, around, ink)


def test_lines_of_one_label_have_one_tag():
    def mark(label, top, left=0):
        return Mark("字", BBox(left, top, left + 40, top + 20), Choice(label, 1.0))

    marks = [
        mark(NEW, 0),
        mark(NEW, 25),
        mark(NEW, 100),
        mark(NEW, 0, left=90),
        mark("figure", 200),
        mark("figure", 225),
    ]
    assert [len(group) for group in overlay_pages._join_lines(marks)] == [2, 1, 1, 1, 1]


def test_a_text(pens):
    lines = ["一、本年新收政府信息公开申请数量\t12", "", "", "好" * 300, "0", "0", "\t总计"]
    tokens = [
        Token(lines[0].split("\t")[0], BBox(0, 0, 32, 1), line=1),
        Token("12", BBox(40, 0, 42, 1), line=1),
        Token(lines[3], BBox(0, 3, 600, 4), line=4),
        Token("0", BBox(0, 4, 1, 5), line=5),
        Token("0", BBox(0, 5, 1, 6), line=6),
        Token("总计", BBox(8, 6, 12, 7), line=7),
        Token("别处", BBox(8, 6, 12, 7), line=7),  # not in its line: left out
    ]
    found = [NEW, "figure", "other", "figure", "figure", "column:requests.total", "row:requests.granted"]
    drawn = draw_text(lines, tokens, [Choice(label, 0.5 if label == "other" else 1) for label in found], pens)
    seen = colors(drawn)
    assert {KINDS[kind].tint for kind in ("row", "figure", "other", "column")} <= seen
    assert RED in seen
    # The long line is cut, the empty lines are one, the figures stand side by side.
    assert drawn.height < 6 * 45


def test_a_long_text_has_panels(pens):
    lines = [f"第{i}行" for i in range(300)]
    drawn = draw_text(lines, [], [], pens)
    assert drawn.height < 2500


class Rows:
    def label_pages(self, pages):
        return [[{NEW: 0.95} for _ in page] for page in pages]


def test_a_document(tmp_path, pens):
    path = tmp_path / "a.txt"
    path.write_text("一、本年新收政府信息公开申请数量\t12\n", encoding="utf-8")
    drawn = draw_document(path, Rows(), "rows")
    assert KINDS["row"].tint in colors(drawn)
    with pytest.raises(UsageError, match="no page 2; it has 1"):
        draw_document(path, Rows(), "rows", page=2)


def test_fonts(tmp_path, monkeypatch):
    overlay_style.find_font.cache_clear()
    monkeypatch.setattr(overlay_style, "_FONT_FOLDERS", (str(tmp_path),))
    with pytest.raises(UsageError, match="no font with Chinese characters was found; install one"):
        overlay_style.find_font()
    overlay_style.find_font.cache_clear()
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    with pytest.raises(UsageError, match="not a font"):
        Pens(tmp_path / "bad.ttf")(12)


def test_command(tmp_path, capsys, pens):
    path: Path = tmp_path / "a.txt"
    path.write_text("一、本年新收政府信息公开申请数量\t12\n", encoding="utf-8")
    out = tmp_path / "b" / "a.png"
    assert label_overlay.main([str(path), "-o", str(out), "--labeller", "fuzzy"]) == 0
    assert Image.open(out).width >= 1500
    assert "wrote" in capsys.readouterr().out
    assert label_overlay.main([str(tmp_path / "none.pdf"), "-o", str(out), "--labeller", "fuzzy"]) == 4
    assert label_overlay.main([str(path), "-o", str(tmp_path / "a.nothing"), "--labeller", "fuzzy"]) == 2
    assert "no such file" in capsys.readouterr().err
