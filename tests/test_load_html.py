from __future__ import annotations

import time
from pathlib import Path

import pytest

from giar_ml.document import UNREAD, Document, Page, Table
from giar_ml.errors import InputError
from giar_ml.load import load


def load_source(tmp_path: Path, source: str | bytes) -> Document:
    path = tmp_path / "a.html"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return load(path)


def load_page(tmp_path: Path, source: str | bytes) -> Page:
    (page,) = load_source(tmp_path, source).pages
    return page


def spans(table: Table) -> list[tuple[int, int, int, int, str]]:
    return [(c.row_start, c.row_stop, c.column_start, c.column_stop, c.text) for c in table.cells]


def lines(page: Page) -> list[tuple[int | None, str]]:
    return [(token.line, token.text) for token in page.tokens]


def test_blocks_and_tables_with_their_source_lines(tmp_path):
    document = load_source(
        tmp_path,
        """<!DOCTYPE html>
<html><head><title>某局年度报告</title><style>p {}</style></head><body>
<p>第一段，<b>很</b>
短</p><script>var x = "<table>";</script>
<p style="display: none">看不见</p>
<table>
<tr><th>自然人</th>
<td>12</td></tr>
</table>
后面<br>再后面
</body></html>""",
    )
    (page,) = document.pages
    assert (document.kind, page.kind) == ("html", "text")
    assert lines(page) == [(2, "某局年度报告"), (3, "第一段，很 短"), (10, "后面"), (10, "再后面")]
    (table,) = page.tables
    assert table.gridded
    assert spans(table) == [(0, 1, 0, 1, "自然人"), (0, 1, 1, 2, "12")]
    assert [cell.tokens[0].line for cell in table.cells] == [7, 8]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            "<tr><td rowspan=2>a<td colspan=2>b<tr><td>c<td>d",
            [(0, 2, 0, 1, "a"), (0, 1, 1, 3, "b"), (1, 2, 1, 2, "c"), (1, 2, 2, 3, "d")],
            id="spans",
        ),
        pytest.param(
            "<tr><td rowspan=99>a<td>b<tr><td>c",
            [(0, 2, 0, 1, "a"), (0, 1, 1, 2, "b"), (1, 2, 1, 2, "c")],
            id="rows that are not there",
        ),
        pytest.param(
            "<tr><td rowspan=0>a<td>b<tr><td>c",
            [(0, 2, 0, 1, "a"), (0, 1, 1, 2, "b"), (1, 2, 1, 2, "c")],
            id="all rows left",
        ),
        pytest.param(
            "<tr><td colspan=x rowspan=-1>a<td>b", [(0, 1, 0, 1, "a"), (0, 1, 1, 2, "b")], id="nonsense"
        ),
        pytest.param(
            "<tr><td>a<td rowspan=2>b<tr><td colspan=2>c",
            [(0, 1, 0, 1, "a"), (0, 2, 1, 2, "b"), (1, 2, 0, 1, "c")],
            id="overlap",
        ),
        pytest.param(
            "<td>a<td>b<tr><td>c",
            [(0, 1, 0, 1, "a"), (0, 1, 1, 2, "b"), (1, 2, 0, 1, "c")],
            id="no row",
        ),
        pytest.param(
            "<thead><tr><th>a</thead><tbody><tr><td>b</tbody><tfoot><tr><td>c</tfoot>",
            [(0, 1, 0, 1, "a"), (1, 2, 0, 1, "b"), (2, 3, 0, 1, "c")],
            id="groups",
        ),
        pytest.param(
            "<thead><tr><th rowspan=3>a<th>b</thead><tbody><tr><td rowspan=0>c<td>d<tr><td>e</tbody>"
            "<tr><td>f",
            [
                (0, 1, 0, 1, "a"),
                (0, 1, 1, 2, "b"),
                (1, 3, 0, 1, "c"),
                (1, 2, 1, 2, "d"),
                (2, 3, 1, 2, "e"),
                (3, 4, 0, 1, "f"),
            ],
            id="spans end with their group",
        ),
        pytest.param("<tr><td>a<td hidden>x<tr style='display:none'><td>y", [(0, 1, 0, 1, "a")], id="hidden"),
        pytest.param(
            "<tr><td><p>1</p><p>2</p><td>&nbsp; 3 <td>　",
            [(0, 1, 0, 1, "12"), (0, 1, 1, 2, "3"), (0, 1, 2, 3, "")],
            id="text",
        ),
        pytest.param(
            "<tr><td><input value=4><td><input type=hidden value=5>",
            [(0, 1, 0, 1, "4"), (0, 1, 1, 2, "")],
            id="fields",
        ),
    ],
)
def test_spans(tmp_path, rows, expected):
    (table,) = load_page(tmp_path, f"<table>{rows}</table>").tables
    assert spans(table) == expected


def test_layout_table_does_not_swallow_the_tables_in_it(tmp_path):
    inner = "<table><tr><td>1<td>2<tr><td>3<td>4</table>"
    page = load_page(tmp_path, f"<table><tr><td>导航<td>标题{inner}{inner}</table>")
    assert [(table.n_rows, table.n_columns) for table in page.tables] == [(2, 2), (2, 2)]
    assert [token.text for token in page.tokens] == ["导航", "标题"]


def test_data_table_with_a_table_in_one_cell_keeps_its_cells(tmp_path):
    inner = "<table><tr><td>8<td>9</table>"
    page = load_page(
        tmp_path, f"<table><tr><td>1<td>2<td>3<tr><td>4<td>5<td>6<tr><td>7<td>{inner}<td>0</table>"
    )
    assert [(table.n_rows, table.n_columns) for table in page.tables] == [(3, 3), (1, 2)]
    assert [cell.text for cell in page.tables[0].cells][6:] == ["7", UNREAD, "0"]


@pytest.mark.parametrize(
    "inner",
    [
        "<tr><td>2",
        "<tr><td><td>2<td>",
        "<tr><td><tr><td><table><tr><td><td>2</table>",
    ],
)
def test_table_with_one_text_inside_a_cell_is_this_text(tmp_path, inner):
    (table,) = load_page(tmp_path, f"<table><tr><td>1<td><table>{inner}</table></table>").tables
    assert spans(table) == [(0, 1, 0, 1, "1"), (0, 1, 1, 2, "2")]


def test_caption_is_text_before_the_table(tmp_path):
    page = load_page(tmp_path, "<table><caption>三、收到</caption><tr><td>1</table>")
    assert [token.text for token in page.tokens] == ["三、收到"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("5<sup>1</sup>", "5¹"),
        ("5<sup><a>[1</a>2]</sup>", "5¹²"),
        ("5<sup>1</sup>3", "5¹3"),
        ('5<span style="Vertical-Align: super">1</span>', "5¹"),
        ('<p style="vertical-align: super">5</p>', "5"),
        ("5<sup hidden>1</sup>3", "53"),
        ("<sup><script>1</script></sup>5", "5"),
        ("5<sub>1</sub>", "5¹"),
        ("22<sup>（其中修订16件）</sup>", "22（其中修订¹⁶件）"),
    ],
)
def test_digits_in_superscript_are_marks_of_notes(tmp_path, cell, text):
    (table,) = load_page(tmp_path, f"<table><tr><td>总计<td>{cell}</table>").tables
    assert table.cells[1].text == text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<td><s>3</s>5", "5"),
        ("<td>5<del>3</del>", "5"),
        ("<td><strike><b>3</b></strike><br>5", "5"),
        ('<td><span style="text-decoration: red line-through">3</span>5', "5"),
        ('<td><span style="text-decoration: underline">3</span>5', "35"),
        ('<td style="text-decoration-line:line-through">3', ""),
        ("<td>5<ins>3</ins>", "53"),
        ('<td><del style="text-decoration: none">3</del>5', "35"),
        ('<tr style="text-decoration: line-through"><td>3', ""),
    ],
)
def test_what_is_struck_out_is_not_read(tmp_path, cell, text):
    (table,) = load_page(tmp_path, f"<table><tr><td>总计<tr>{cell}<tr><td>7</table>").tables
    assert [cell.text for cell in table.cells] == ["总计", text, "7"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<img src=7.png>", UNREAD),
        ("7<img src=7.png>", "7" + UNREAD),
        ("7<img src=a.gif height=1>", "7"),
        ("<img src=7.png>本年新收1", "本年新收1"),
        ("<svg><text>7</text></svg>", UNREAD),
        ("<math><mn>7</mn></math>", UNREAD),
        ("<object>7</object>", UNREAD),
        ("<iframe src=7.html></iframe>", UNREAD),
        ("<noscript>7</noscript>", UNREAD),
        ("<canvas>7</canvas>", UNREAD),
        ("<select><option>3<option selected>7</select>", "7"),
        ("<select><option>7<option>3</select>", "7"),
        ("<select multiple><option selected>7</select>", UNREAD),
        ("<input type=tel value=7>", "7"),
        ("<input type='' value=7>", "7"),
        ("<input type='TEXT ' value=7>", "7"),
        ("<input type=digit value=7>", "7"),
        ("<input type=checkbox value=7>", UNREAD),
        ("<textarea>7</textarea>", "7"),
        ("7<script>5</script><template>5</template><!-- 5 -->", "7"),
    ],
)
def test_what_is_shown_in_a_cell_and_not_read_is_no_blank(tmp_path, cell, text):
    (table,) = load_page(tmp_path, f"<table><tr><td>总计<td>{cell}</table>").tables
    assert table.cells[1].text == text


def test_pictures_between_paragraphs_and_in_the_layout_say_nothing(tmp_path):
    inner = "<table><tr><td>1<td>2</table>"
    pictures = "<tr><td><img src=a.png><td><img src=b.png><td><svg></svg>" * 3
    page = load_page(
        tmp_path, f"<p>前<img src=a.png>后</p><table>{pictures}<tr><td><img src=c.png>导航{inner}</table>"
    )
    assert [token.text for token in page.tokens] == ["前后", "导航"]
    assert [[cell.text for cell in table.cells] for table in page.tables] == [["1", "2"]]


@pytest.mark.parametrize(
    ("sheet", "cell", "texts"),
    [
        ("", '<td><span style="-webkit-backface-visibility: hidden">7</span>', ["7"]),
        ("", '<td>7<i style="opacity: 0">5</i>', ["7"]),
        ("", '<td>7<i style="opacity: 0.5">5</i>', ["75"]),
        ("", '<td style="visibility: hidden">7', [""]),
        ("", '<td style="display: none">7', []),
        ("", '<td style="display: none; display: table-cell">7', ["7"]),
        ("", '<td style="visibility: hidden">5<b style="visibility: visible">7</b>', [UNREAD]),
        ("", "<tr style='visibility: hidden'><td>7", [""]),
        ("", "<tr style='visibility: collapse'><td>7", []),
        ("", "<td>7<ruby><rt>5</rt></ruby>", ["7"]),
        ("", "<td><details><summary>7</summary>5<b>5</b>5</details>", ["7"]),
        ("", "<td><details open><summary>7</summary>5</details>", ["75"]),
        (".h {display: none}", "<td>7<i class='a h'>5</i>", ["7"]),
        ("#h {display: none}", "<td>7<i id=h>5</i>", ["7"]),
        ("i {display: none}", "<td>7<i>5</i>", ["7"]),
        ("a, i.h {display: none}", "<td>7<i class=h>5</i>", ["7"]),
        ("b.h {display: none}", "<td>7<i class=h>5</i>", ["75"]),
        ("td .h {display: none}", "<td>7<i class=h>5</i>", ["75"]),
        (".h {text-decoration: line-through}", "<td>7<i class=h>5</i>", ["7"]),
        (".h {vertical-align: super}", "<td>7<i class=h>5</i>", ["7⁵"]),
        (".h {display: none} i {display: inline}", "<td>7<i class=h>5</i>", ["7"]),
        (".h {display: none} .g {display: inline}", "<td>7<i class='h g'>5</i>", ["75"]),
        (".h {display: none !important} .g {display: inline}", "<td>7<i class='h g'>5</i>", ["7"]),
        (".h {display: none}", "<td>7<i class=h style='display: inline'>5</i>", ["75"]),
        ("/* .h {display: none} */ .g {display: none}", "<td>7<i class=h>5</i><i class=g>3</i>", ["75"]),
        ("@media print {.h {display: none}}", "<td>7<i class=h>5</i>", ["75"]),
        ("@media screen {.h {display: none}}", "<td>7<i class=h>5</i>", ["7"]),
        ("@import 'a'; @font-face {src: url('}')} .h {display: none}", "<td>7<i class=h>5</i>", ["7"]),
    ],
)
def test_what_is_hidden_is_not_read(tmp_path, sheet, cell, texts):
    source = f"<style>{sheet}</style><table><tr><td>总计<tr>{cell}<tr><td>9</table>"
    (table,) = load_page(tmp_path, source).tables
    assert [cell.text for cell in table.cells] == ["总计", *texts, "9"]


def test_characters_that_nobody_sees_are_dropped(tmp_path):
    cells = "<td>5&#8203;<td>&#xfeff;1<b>&#x2060;</b>2&lrm;<td>&#8203;<td>6&shy;<td><p>7</p><p>&#8203;</p>"
    page = load_page(tmp_path, f"<p>&#8203;</p><table><tr>{cells}</table>")
    assert page.tokens == ()
    texts = [[token.text for token in cell.tokens] for cell in page.tables[0].cells]
    assert texts == [["5"], ["12"], [], ["6"], ["7"]]


def test_plain_lines_around_a_table_stay_lines(tmp_path):
    page = load_page(tmp_path, "# 标题\n第一行\n<table><tr><td>1</td></tr>\n</table>\n后一行\n最后")
    assert lines(page) == [(1, "# 标题"), (2, "第一行"), (5, "后一行"), (6, "最后")]
    assert len(page.tables) == 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("<html><body>政府信息".encode(), id="utf-8"),
        pytest.param("<html><meta charset='gb2312'><body>政府信息".encode("gb18030"), id="gb2312"),
        pytest.param(
            '<html><meta http-equiv="Content-Type" content="text/html; charset=GBK"><body>政府信息'.encode(
                "gbk"
            ),
            id="GBK",
        ),
        pytest.param("<html><body>政府信息".encode("gbk"), id="GBK unsaid"),
        pytest.param("<html><meta charset='gb2312'><body>政府信息".encode(), id="lies"),
        pytest.param("<html><body>政府信息".encode("utf-16"), id="utf-16"),
        pytest.param('<?xml version="1.0" encoding="UTF-8"?><html><body>政府信息'.encode(), id="XHTML"),
        *(
            pytest.param(
                f"<html><meta charset={charset}><body>政府信息".encode("gb18030"), id=f"GB as {charset}"
            )
            for charset in ("iso-8859-1", "windows-1252", "unicode_escape", "undefined", "utf-7", "hex")
        ),
        pytest.param("<html><meta charset=big5><body>政府信息".encode("big5"), id="Big5"),
        pytest.param("<html><meta charset='nonsense'><body>政府信息".encode(), id="unknown charset"),
    ],
)
def test_charset(tmp_path, data):
    assert [token.text for token in load_page(tmp_path, data).tokens] == ["政府信息"]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        pytest.param("<html><body></body></html>", "empty", id="no text"),
        pytest.param("<html><script>var x = 1</script>", "empty", id="only a script"),
        pytest.param("<html>" + "<div>" * 5000 + "深", "damaged", id="deep"),
        pytest.param("<table><tr><td>" * 500 + "深", "damaged", id="deep tables"),
    ],
)
def test_pages_that_cannot_be_read(tmp_path, source, code):
    with pytest.raises(InputError) as raised:
        load_source(tmp_path, source)
    assert raised.value.code == code


def test_deep_pages_cost_little(tmp_path):
    start = time.process_time()
    page = load_page(tmp_path, "<html>深" + "<b>" * 1900 + "</b>x" * 1900)
    assert time.process_time() - start < 2
    assert lines(page) == [(1, "深" + "x" * 1900)]


def test_lines_after_what_is_left_out(tmp_path):
    page = load_page(
        tmp_path, "<html><p>一<script>\n\n</script><table>\n<tr><td>1\n</table>\n<!--\n-->二</html>"
    )
    assert lines(page) == [(1, "一"), (7, "二")]


def test_absurd_spans_cost_little(tmp_path):
    start = time.process_time()
    (table,) = load_page(
        tmp_path, "<table>" + "<tr><td colspan=99999 rowspan=99999>1" * 5000 + "</table>"
    ).tables
    assert time.process_time() - start < 2
    assert table.n_columns <= 256
