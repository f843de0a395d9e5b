from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giar_ml.annotations.frame import page_scales, scale_bbox, upright_gold
from giar_ml.annotations.gold import Gold, GoldPage, GoldToken, Place, box_poly
from giar_ml.document import BBox, Page, Token
from giar_ml.geometry import poly_area
from giar_ml.upright.warp import PageWarp
from training.labels.gold_labels import TokenGold, clip_poly, gold_labels, match_tokens

NEW, GRANTED, TOTAL = "row:requests.new", "row:requests.granted", "column:requests.total"
UNDER = "under:行政诉讼"


def make_gold(*tokens, kind="scan"):
    return Gold("a", "", kind, "2021", None, None, {}, pages=(GoldPage(1, 1000, 2000),), tokens=tokens)


def printed(text, label, *box, page=1):
    return GoldToken(text, label, Place(page, box_poly(BBox(*box))))


def read(text, *box, line=None):
    return Token(text, BBox(*box), line=line)


PAGE = make_gold(
    printed("行政诉讼", UNDER, 0, 0, 100, 20),
    printed("新收", NEW, 0, 100, 300, 120),
    printed("12", "figure", 320, 100, 340, 120),
    printed("本机关很好", "other", 0, 200, 600, 220),
    printed("予以公开", GRANTED, 0, 300, 100, 320, page=2),
)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param((1, 1, 99, 19), TokenGold(UNDER, (0,)), id="the same"),
        pytest.param((0, 100, 350, 120), TokenGold(NEW, (1, 2)), id="a row before the figure beside it"),
        pytest.param((-5, 0, 300, 120), TokenGold(NEW, (0, 1)), id="a row before a group"),
        pytest.param((0, 100, 60, 120), TokenGold(NEW, (1,)), id="a piece"),
        pytest.param((0, 100, 600, 225), TokenGold("other", (1, 2, 3)), id="mostly words of no table"),
        pytest.param((700, 700, 720, 720), TokenGold("other"), id="a stray mark"),
        pytest.param((0, 118, 300, 140), TokenGold("other"), id="below a line, touching it"),
        pytest.param((0, 113, 300, 133), TokenGold(None), id="neither on the line nor off it"),
        pytest.param((0, 300, 100, 320), TokenGold("other"), id="printed on another page"),
    ],
)
def test_token_on_a_page(box, expected):
    assert match_tokens([read("字", *box)], 1, PAGE) == [expected]


def test_tokens_are_scaled_to_the_gold():
    assert gold_labels([read("字", 0, 50, 150, 60)], 1, PAGE, scale=(2.0, 2.0)) == [NEW]


def test_a_turned_page_says_nothing():
    pages = [Page(1, "scan", 2000, 1000)]
    scale = page_scales(PAGE, pages)[1]
    assert gold_labels([read("字", 0, 100, 300, 120)], 1, PAGE, scale=scale) == [None]


def test_a_slanted_line_goes_to_the_token_over_it_alone():
    slanted = [GoldToken("字", label, Place(1, ((0, y), (400, y + 40), (400, y + 60), (0, y + 20))))
               for label, y in ((NEW, 0), (GRANTED, 60))]  # fmt: skip
    tokens = [read("字", 0, 0, 400, 60), read("字", 0, 60, 400, 120)]
    assert gold_labels(tokens, 1, make_gold(*slanted)) == [NEW, GRANTED]


def test_no_tokens_no_gold():
    assert gold_labels([], 1, PAGE) == []
    assert gold_labels([read("字", 0, 0, 1, 1)], 1, make_gold()) == ["other"]


numbers = st.floats(-50, 150)


@given(numbers, numbers, numbers, numbers)
def test_a_clipped_box_is_the_shared_box(x, y, width, height):
    box, other = BBox(0, 0, 100, 60), BBox(x, y, x + abs(width) + 1, y + abs(height) + 1)
    shared = max(0, min(100, other.right) - max(0, x)) * max(0, min(60, other.bottom) - max(0, y))
    assert poly_area(clip_poly(box_poly(box), other)) == pytest.approx(shared, abs=1e-6)


def test_page_scales():
    pages = [Page(1, "scan", 500, 500), Page(2, "scan", 1, 1)]
    assert page_scales(PAGE, pages) == {1: (2.0, 4.0)}
    assert scale_bbox(BBox(1, 2, 3, 4), (2.0, 4.0)) == BBox(2, 8, 6, 16)


# Texts

LINES = ("## 二、主动公开", "\t结果", "维持", "| 新收 | 新收 | 12 | 1 |", "商业 企业 总计", "----", "法⼈")
TEXT = make_gold(
    *(
        GoldToken(text, label, Place(line=line))
        for line, text, label in (
            (1, "二、主动公开", "title:disclosure"),
            (2, "结果", "column:reviews.direct_litigation.upheld"),
            (3, "维持", "column:reviews.direct_litigation.upheld"),
            (4, "新收", NEW),
            (4, "新收", NEW),
            (4, "12", "figure"),
            (4, "1", "figure"),
            (5, "商业 企业", "column:requests.enterprise"),
            (5, "总计", TOTAL),
            (7, "法⼈", UNDER),
        )
    ),
    kind="text",
)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param(
            [("## 二、主动公开", 1)], [TokenGold("title:disclosure", (0,))], id="with heading marks"
        ),
        pytest.param(
            [("结果维持", 2)],
            [TokenGold("column:reviews.direct_litigation.upheld", (1, 2))],
            id="of two lines",
        ),
        pytest.param(
            [("新收", 4), ("新收", 4), ("12", 4), ("1", 4)],
            [
                TokenGold(NEW, (3,)),
                TokenGold(NEW, (4,)),
                TokenGold("figure", (5,)),
                TokenGold("figure", (6,)),
            ],
            id="one after another",
        ),
        pytest.param(
            [("商业 企业 总计", 5)], [TokenGold("column:requests.enterprise", (7, 8))], id="two labels in one"
        ),
        pytest.param([("----", 6)], [TokenGold("other")], id="a rule"),
        pytest.param([("法人", 7)], [TokenGold(UNDER, (9,))], id="radicals"),
        pytest.param([("没有", 5), ("总计", 9)], [TokenGold(None), TokenGold(None)], id="not in the source"),
        pytest.param([("维持", 2)], [TokenGold(None)], id="only on the next line"),
    ],
)
def test_tokens_of_a_text(items, expected):
    tokens = [read(text, i, line - 1, i + 1, line, line=line) for i, (text, line) in enumerate(items)]
    assert match_tokens(tokens, 1, TEXT, lines=LINES) == expected


def test_gold_that_is_not_in_its_line_says_nothing_of_what_follows():
    gold = make_gold(GoldToken("别的", NEW, Place(line=1)), kind="text")
    assert gold_labels([read("新收", 0, 0, 1, 1, line=1)], 1, gold, lines=["新收"]) == [None]


@pytest.mark.parametrize("quarters", range(4))
def test_the_gold_of_turned_pages_becomes_upright(quarters):
    gold = replace(PAGE, tokens=PAGE.tokens[:4])
    (page,) = gold.pages
    lying = PageWarp(page.width, page.height, -quarters % 4)
    seen = replace(page, width=page.height, height=page.width) if quarters % 2 else page
    turned = gold.moved([seen], [lying.to_upright])
    upright = upright_gold(turned)
    assert upright.pages == gold.pages
    assert [token.place.bbox for token in upright.tokens] == [token.place.bbox for token in gold.tokens]
    assert (upright is turned) == (quarters == 0)
