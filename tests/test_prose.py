"""Office, year and figures stated outside the tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from giar_ml.document import BBox, Page, Token
from giar_ml.forms import load_form
from giar_ml.prose import find_statements, prose_text, read_title


def page_of(*lines: str) -> Page:
    tokens = tuple(Token(text, BBox(0, i, 10, i + 1)) for i, text in enumerate(lines))
    return Page(1, "text", 100, 100, tokens=tokens)


def stated(text: str) -> list[tuple[tuple[str, ...], int]]:
    return [(s.cells, s.figure) for s in find_statements([page_of(text)], load_form("2021"))]


@pytest.mark.parametrize(
    ("lines", "organisation", "year"),
    [
        pytest.param(["某县水利局2024年政府信息公开工作年度报告"], "某县水利局", 2024, id="one line"),
        pytest.param(["某县水利局", "2024年政府信息公开工作年度报告"], "某县水利局", 2024, id="two lines"),
        pytest.param(
            ["# 某县 水利局 2024 年度 信息公开年度报告"], "某县水利局", 2024, id="markdown and spaces"
        ),
        pytest.param(["某县水利局２０２４年政府信息公开年度报告"], "某县水利局", 2024, id="full width"),
        pytest.param(["某县水利局关于2020年度政府信息公开工作总结"], "某县水利局", 2020, id="a summary"),
        pytest.param(
            ["", "某县水利局2024年", "政府信息公开", "工作年度报告"], "某县水利局", 2024, id="three lines"
        ),
        pytest.param(["目录", "没有标题"], None, None, id="none"),
        pytest.param(
            [
                "某县门户网站",
                "互动交流",
                "当前位置：首页>信息公开年报",
                "某县水利局",
                "2024年政府信息公开年度报告",
            ],
            "某县水利局",
            2024,
            id="below the path of a site",
        ),
        pytest.param(
            ["某县水利局门户网站", "政务公开", "某县水利局2024年政府信息公开年度报告"],
            "某县水利局",
            2024,
            id="below the name of a site",
        ),
        pytest.param(
            ["政府信息公开", "政府信息公开年报", "某县水利局2024年政府信息公开年度报告"],
            "某县水利局",
            2024,
            id="below a torn path",
        ),
        pytest.param(
            ["某区政务信息公开办公室2024年政府信息公开年度报告"],
            "某区政务信息公开办公室",
            2024,
            id="named so",
        ),
        pytest.param(
            ["某县水利局 年政府信息公开工作年度报告", "2024", "数据期限为2024年。"],
            "某县水利局",
            2024,
            id="lower year",
        ),
        pytest.param(["·某县水利局2024年政府信息公开王作年度报告"], "某县水利局", 2024, id="misread"),
        pytest.param(["1", "某县水利局2024年政府信息公开年度报", "告"], "某县水利局", 2024, id="dirt above"),
        pytest.param(
            ["本报告由某县人民政府编制，数据期限自2023年1月1日至2023年12月31日。"],
            "某县人民政府",
            2023,
            id="from sentences",
        ),
        pytest.param(
            ["本报告由某县人民政府编制，数据期限自2023年1月1", "日", "至2023年12月31日。"],
            "某县人民政府",
            2023,
            id="from sentences that lines break",
        ),
        pytest.param(["数据统计期限为2023年1月1日至12月31日。"], None, 2023, id="a year stated once"),
        pytest.param(["所列数据截至2023年12月", "31日。"], None, 2023, id="the end of the year"),
    ],
)
def test_title_variants(lines: list[str], organisation: str | None, year: int | None) -> None:
    assert read_title([page_of(*lines)]) == (organisation, year)


@pytest.mark.parametrize(
    ("text", "cells", "figure"),
    [
        ("本年度新收政府信息公开申请12件。", "requests.new.total", 12),
        ("本年度未收到政府信息公开申请。", "requests.new.total", 0),
        ("上年结转3件。", "requests.carried_in.total", 3),
        ("其中予以公开7件。", "requests.granted.total", 7),
        ("部分公开2件。", "requests.partly_granted.total", 2),
        ("结转下年度4件。", "requests.carried_out.total", 4),
        ("发生行政复议5件。", "reviews.reconsideration.total", 5),
    ],
)
def test_sentences_state_cells(text: str, cells: str, figure: int) -> None:
    assert stated(text) == [((cells,), figure)]


@pytest.mark.parametrize(
    "text",
    [
        "2024年，没有因政府信息公开申请引发的投诉。",
        "本年度没有结转下年度的政府信息公开申请。",
        "没有不予公开的政府信息公开申请。",
        "收到政府信息公开申请比上年增加5件。",
        "收到政府信息公开申请数量较去年减少3件。",
        "全年受理行政许可申请1500件。",
        "收到政协提案申请公开15件。",
        "自2008年条例实施以来，累计收到政府信息公开申请3456件。",
        "2023年收到政府信息公开申请10件。",
        "收到政府信息公开申请1234567890123456789012件。",
        "行政复议维持3件，纠正1件。",
        "行政诉讼结果维持1件。",
        "主动向社会予以公开信息300件。",
        "依法予以公开的文件2024条。",
    ],
)
def test_sentences_of_something_else_state_nothing(text: str) -> None:
    # Once the first said that no request was received, and a table that the prose contradicts was accepted.
    assert not find_statements([page_of(text)], load_form("2021"), year=2024)


def test_a_denial_counts_only_where_no_sentence_says_a_figure() -> None:
    assert stated("未收到政府信息公开申请。共收到政府信息公开申请5件。") == [(("requests.new.total",), 5)]


def test_a_comparison_leaves_what_is_said_before_it() -> None:
    text = "2024年收到政府信息公开申请12件，同比增加5件；上年结转的申请3件，比上年减少1件。"
    assert dict(stated(text)) == {("requests.new.total",): 12, ("requests.carried_in.total",): 3}


def test_a_denial_runs_on_where_its_full_stop_was_not_read() -> None:
    found = stated("本年度未收到政府信息公开申请发生行政诉讼1件。")
    assert [figure for cells, figure in found if cells == ("requests.new.total",)] == [0]


def test_refusals_do_not_state_what_was_granted() -> None:
    assert not any(cells == ("requests.granted.total",) for cells, _ in stated("不予公开7件。"))


def test_litigation_is_stated_of_both_groups_together() -> None:
    ((cells, figure),) = stated("发生行政诉讼6件。")
    assert cells == ("reviews.direct_litigation.total", "reviews.litigation_after_reconsideration.total")
    assert figure == 6


def test_sentence_may_state_several_cells() -> None:
    found = dict(stated("本年度新收政府信息公开申请9件，上年结转1件，结转下年度继续办理2件。"))
    assert found == {
        ("requests.new.total",): 9,
        ("requests.carried_in.total",): 1,
        ("requests.carried_out.total",): 2,
    }


def test_sentence_broken_over_lines_is_one() -> None:
    page = page_of("本年度新收政府信息", "公开申请1", "2件。")
    assert prose_text([page]) == "本年度新收政府信息公开申请12件。"
    assert [s.figure for s in find_statements([page], load_form("2021"))] == [12]


def test_titles_of_tables_are_in_no_sentence() -> None:
    # Once strokes read as 无 before this title said that there were no lawsuits.
    mark, title = page_of("个无", "四、政府信息公开行政复议、行政诉讼情况").tokens
    form = load_form("2021")
    for labels, n in (({}, 2), ({"title:reviews": 0.99, "other": 0.01}, 0)):
        page = Page(1, "scan", 100, 100, tokens=(mark, replace(title, labels=labels)))
        assert len(find_statements([page], form)) == n


def test_statement_keeps_its_sentence() -> None:
    (statement,) = find_statements([page_of("前言。上年结转3件。后记。")], load_form("2021"))
    assert statement.text == "上年结转3件"


def test_what_was_hardly_read_is_no_part_of_a_title() -> None:
    seal = Token("开公标主", BBox(0, 1, 10, 2), 0.4)
    title = page_of("某县水利局", "2024年政府信息公开年度报告").tokens
    page = Page(1, "scan", 100, 100, tokens=(title[0], seal, title[1]))
    assert read_title([page]) == ("某县水利局", 2024)
