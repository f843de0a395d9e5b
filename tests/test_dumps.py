"""Text dumps to tables: five ways of writing a row, and what stands between rows."""

from __future__ import annotations

import pytest

from giar_ml.document import Page
from giar_ml.label.classifier import load_classifier
from giar_ml.label.pages import label_pages
from giar_ml.load.text import read_text

OPEN = "二、主动公开政府信息情况\n"


def read(text: str) -> Page:
    [page] = label_pages([read_text(OPEN + text)], load_classifier())
    return page


def rows(text: str) -> list[list[str]]:
    """The fields of all rows, in order."""
    found = []
    for table in read(text).tables:
        for row in range(table.n_rows):
            cells = [c for c in table.cells if c.row_start == row]
            found.append([c.text for c in cells])
    return [fields for fields in found if fields != ["二、主动公开政府信息情况"]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("行政处罚\t12\t0\t3", id="tabs"),
        pytest.param("| 行政处罚 | 12 | 0 | 3 |", id="pipes"),
        pytest.param("   行政处罚      12    0      3", id="gaps"),
        pytest.param("\t行政处罚\n\t12\n\t0\n\t3\n", id="a cell a line behind a tab"),
    ],
)
def test_ways_of_writing_a_row(text: str) -> None:
    assert rows(text)[-1] == ["行政处罚", "12", "0", "3"]


def test_a_figure_a_line_joins_into_a_row() -> None:
    assert rows("行政处罚\n12\n0\n3\n行政强制\n4")[-4:] == [
        ["行政处罚"],
        ["12", "0", "3"],
        ["行政强制"],
        ["4"],
    ]


@pytest.mark.parametrize("mark", ["— 1 —", "第 1 页 共 4 页"])
def test_a_page_mark_does_not_part_the_figures_of_a_row(mark: str) -> None:
    # Once its figures were columns of two rows, and the sums were tried for a minute and a half.
    text = f"规章\n0\n1\n2\n行政处罚\n12\n\n{mark}\n\n0\n3\n行政强制\n4"
    assert rows(text)[-4:] == [["行政处罚"], ["12", "0", "3"], ["行政强制"], ["4"]]


def test_figures_behind_a_page_mark_belong_to_the_headers_before_it() -> None:
    headers = "行政复议  行政诉讼\n结果维持  结果纠正  其他结果  尚未审结  总计"
    text = f"{headers}\n\n   第3页\n 1   0   0   0   1\n\n五、存在的问题\n"
    assert rows(text)[-1] == ["1", "0", "0", "0", "1"]


def test_pipe_row_of_blanks_is_a_row_but_a_rule_is_none() -> None:
    # Once the blank row was taken for a rule, and table 4 was not found.
    assert rows("| 结果维持 | 总计 |\n| --- | --- |\n|  |  |") == [["结果维持", "总计"], ["", ""]]


def test_the_blank_headers_of_a_markdown_table_are_no_row() -> None:
    # Once they were taken for the blank row of table 4, and its figures for none.
    text = "|  |  |  |\n| --- | --- | --- |\n| 结果维持 | 结果纠正 | 其他结果 |\n| 2 | 0 | 1 |\n"
    assert rows(text) == [["结果维持", "结果纠正", "其他结果"], ["2", "0", "1"]]


def test_pipes_between_fields_alone_give_every_row_all_its_places() -> None:
    # As python-docx's cells are joined: once rows with a blank last cell and repeated labels were lost.
    text = "信息内容 | 本年制发件数 | 本年废止件数 | 现行有效件数\n规章 |  |  | \n行政规范性文件 | 1 |  | 4"
    assert rows(text)[-2:] == [["规章", "", "", ""], ["行政规范性文件", "1", "", "4"]]
    assert read(text).tables[-1].gridded


@pytest.mark.parametrize("mark", ["- 2 -", "— 2 —", "第 2 页 共 5 页"])
def test_page_numbers_are_no_rows(mark: str) -> None:
    assert rows(f"| 行政处罚 | 12 |\n\n{mark}\n\n| 行政强制 | 4 |") == [["行政处罚", "12"], ["行政强制", "4"]]


@pytest.mark.parametrize(("first", "second", "n_rows"), [("1", "2", 3), ("1", "7", 5), ("5", "6", 5)])
def test_bare_page_numbers_are_told_by_their_count(first: str, second: str, n_rows: int) -> None:
    text = f"行政许可\t3\n行政处罚\t12\n\n{first}\n\n行政强制\t\n\n{second}\n\n"
    assert len(rows(text)) == n_rows


def test_label_broken_inside_a_cell_goes_on() -> None:
    assert rows("\t2.其他法律行政\n法规禁止公开\n\t0\n\t1\n")[-1] == ["2.其他法律行政法规禁止公开", "0", "1"]


def test_prose_outside_the_tables_stays_prose() -> None:
    page = read("| 行政处罚 | 12 |\n五、存在的主要问题及改进情况\n问题  有  三个\n")
    assert [token.text for token in page.tokens][-2:] == ["五、存在的主要问题及改进情况", "问题  有  三个"]
    assert len(rows("| 行政处罚 | 12 |\n五、存在的主要问题\n12  3")) == 1


def test_tables_of_dumps_count_fields() -> None:
    table = read("行政处罚\t12").tables[-1]
    assert not table.gridded


def figure_rows(text: str) -> list[list[str]]:
    return [fields for fields in rows(text) if fields[0].lstrip("-").isdecimal()]


def test_blocks_between_empty_lines_are_columns_where_rows_lie_close() -> None:
    text = "748\n9\n167\n\n0\n1\n2\n\n748\n10\n169\n\n182\n\n0\n\n182\n"
    assert figure_rows(text) == [
        ["748", "0", "748"],
        ["9", "1", "10"],
        ["167", "2", "169"],
        ["182", "0", "182"],
    ]


def test_empty_lines_are_blank_cells_where_all_rows_have_as_many_lines() -> None:
    # As word processors export cells: once five figures of seven cells were laid into the wrong columns.
    names = ["1.属于国家秘密", "2.其他法律行政法规禁止公开", "3.危及“三安全一稳定”", "4.保护第三方合法权益"]
    text = "\n\n".join(f"{name}\n7\n\n\n1\n\n0\n8" for name in [*names, "5.属于三类内部事务信息"])
    found = [fields for fields in rows(text) if fields[0] == "7"]
    assert found == [["7", "", "", "1", "", "0", "8"]] * 5


def test_the_last_cell_of_a_row_may_be_blank() -> None:
    names = ["1.属于国家秘密", "2.其他法律行政法规禁止公开", "3.危及“三安全一稳定”", "4.保护第三方合法权益"]
    text = "\n\n".join(f"{name}\n7\n\n1\n0\n0\n0\n8" for name in [*names, "5.属于三类内部事务信息"])
    text += "\n\n6.属于四类过程性信息\n5\n\n2\n0\n0\n0\n\n\n7.属于行政执法案卷\n4\n\n0\n0\n0\n0\n4"
    assert [fields for fields in rows(text) if fields[0] == "5"] == [["5", "", "2", "0", "0", "0", ""]]


ALIKE = "\n\n".join(
    f"{name}\n7\n\n1\n0\n0\n0\n8" for name in ["（一）予以公开", "1.重复申请", "2.信访举报投诉类申请"]
)


def test_a_row_of_blank_cells_only() -> None:
    text = f"{ALIKE}\n3.要求提供公开出版物\n" + 8 * "\n" + "4.无正当理由大量反复申请\n1\n0\n0\n0\n0\n0\n1\n"
    text += "（六）其他处理\n1\n0\n0\n0\n0\n0\n1\n"
    assert [""] * 7 in rows(text)


def test_the_row_below_the_headers_has_a_cell_for_each_of_them() -> None:
    names = ["结果维持", "结果纠正", "其他结果", "尚未审结", "总计"]
    headers = "\n".join(["行政复议", "行政诉讼", *names, "未经复议直接起诉", "复议后起诉", *names, *names])
    figures = ["12", "", "", "", "12", "1", "", "", "", "1", "2", "", "1", "", "3"]
    text = f"{ALIKE}\n（七）总计\n7\n\n1\n0\n0\n0\n8\n四、结转下年度继续办理\n7\n\n1\n0\n0\n0\n8\n"
    text += f"\n四、政府信息公开行政复议、行政诉讼情况\n{headers}\n" + "\n".join(figures)
    assert rows(text)[-1] == figures


def test_two_figures_on_a_line_among_single_ones_are_two() -> None:
    assert figure_rows("37109 1977\n\n824\n\n388\n\n0\n") == [["37109", "1977", "824", "388", "0"]]


def test_rows_of_figures_between_gaps_stay_rows() -> None:
    assert figure_rows("1    2    3\n\n4    5    9\n") == [["1", "2", "3"], ["4", "5", "9"]]


def test_signs_belong_to_figures_divided_by_one_space() -> None:
    # Once 22195 -120808 was one field, and no figure.
    assert rows("行政事业性收费 22195 -120808 减4")[-1] == ["行政事业性收费", "22195", "-120808", "减4"]


def test_words_before_a_figure_are_its_sign() -> None:
    # Once 减 was a field of its own, and 1042 had grown.
    assert rows("行政许可     3837       减 1042      3519")[-1] == ["行政许可", "3837", "减 1042", "3519"]


@pytest.mark.parametrize("unit", ["元", "万元", "件"])
def test_a_gap_before_a_unit_divides_nothing(unit: str) -> None:
    # Once the unit was a field of its own, and 73729000 元 were 73729000 万元.
    assert rows(f"行政事业性收费         73729000   {unit}\n")[-1] == ["行政事业性收费", f"73729000   {unit}"]
    assert rows("行政事业性收费    3    元旦\n")[-1][1] == "3"


def spans(text: str) -> list[list[tuple[int, int, str]]]:
    table = read(text).tables[-1]
    return [
        [(c.column_start, c.column_stop, c.text) for c in table.cells if c.row_start == row]
        for row in range(table.n_rows)
    ]


def test_pipes_give_every_row_all_its_places() -> None:
    table = read("| 规章 | 数量 |\n| --- | --- |\n| 12 |  |").tables[-1]
    assert table.gridded
    assert (table.n_rows, table.n_columns) == (2, 2)


def test_pipe_rows_of_unequal_length_only_count_fields() -> None:
    assert not read("| 规章 | 数量 |\n| 12 | 3 | 4 |").tables[-1].gridded


def test_cell_repeated_in_each_of_its_places_is_one() -> None:
    # Once a figure under a header of two places was read twice, and might have been either column.
    found = spans("| 信息内容 | 上一年 | 增/减 | 增/减 |\n| 行政许可 | 607 | 9 | 9 |\n")
    assert found[1] == [(0, 1, "行政许可"), (1, 2, "607"), (2, 4, "9")]


def test_equal_figures_under_headers_of_their_own_are_two() -> None:
    found = spans("| 申请人 | 申请人 |\n| 自然人 | 总计 |\n| 5 | 5 |\n| 7 | 7 |\n")
    assert found == [
        [(0, 2, "申请人")],
        [(0, 1, "自然人"), (1, 2, "总计")],
        [(0, 1, "5"), (1, 2, "5")],
        [(0, 1, "7"), (1, 2, "7")],
    ]


NAMES = ["1.属于国家秘密", "2.其他法律行政法规禁止公开", "3.危及“三安全一稳定”", "4.保护第三方合法权益"]


def laid_out(*rows_: tuple[str, dict[int, str]]) -> str:
    """Lines with figures from given characters on, as pdftotext -layout writes them."""
    lines = []
    for text, figures in rows_:
        for start, figure in figures.items():
            text = f"{text:<{start}}{figure}"
        lines.append(text)
    return "\n\n".join(lines)


def test_figures_among_blank_cells_are_told_by_their_places() -> None:
    # Once 55 2 2 4 of seven columns were laid into the first ones that would do.
    text = laid_out(
        ("", {30: "自然人", 40: "商业企业", 50: "科研机构", 60: "其他", 70: "总计"}),
        (NAMES[0], {31: "55", 51: "2", 71: "57"}),
        (NAMES[1], {31: "3", 71: "3"}),
        (NAMES[2], {51: "18", 61: "1", 71: "19"}),
        (NAMES[3], {31: "7", 61: "12", 71: "19"}),
        ("5.属于三类内部事务信息", {31: "1", 51: "1", 61: "1", 71: "3"}),
    )
    table = read(text).tables[-1]
    assert table.gridded
    found = {
        cell.text: (cell.column_start, [c.text for c in table.cells if c.row_start == cell.row_start][1:])
        for cell in table.cells
        if cell.column_start == 0 and cell.text
    }
    assert found[NAMES[0]][1] == ["55", "", "2", "", "57"]
    assert found[NAMES[2]][1] == ["", "", "18", "1", "19"]


def test_where_hardly_a_cell_is_blank_figures_are_counted() -> None:
    figures = {30: "5", 40: "0", 50: "2", 60: "7"}
    rows_ = [(name, figures) for name in NAMES]
    text = laid_out(
        *rows_, ("5.属于三类内部事务信息", {34: "5", 44: "0", 54: "2", 64: "7"}), ("6.其他", {30: "1"})
    )
    assert not any(table.gridded for table in read(text).tables)


@pytest.mark.parametrize("divided", ["{}\t{}\n", "| {} | {} |\n"])
@pytest.mark.parametrize(("number", "n_rows"), [("\n\n3\n\n", 5), ("\n3\n", 6), ("\n\n3\n", 6)])
def test_a_lone_number_between_empty_lines_is_no_row_of_divided_ones(
    divided: str, number: str, n_rows: int
) -> None:
    figures = [("行政许可", ""), ("行政处罚", "12"), ("行政强制", "4"), ("规章", "1"), ("规章", "2")]
    first, *others = (divided.format(*row) for row in figures)
    assert len(rows("\n" + first.strip("\n") + number + "".join(others))) == n_rows


@pytest.mark.parametrize(
    ("text", "n_rows"),
    [
        ("行政许可\n\n3\n\f行政处罚\n12\n行政强制\n4", 5),
        ("行政许可\n\n3\n\n\n\f行政处罚\n12\n行政强制\n4", 5),
        ("行政许可\n\f3\n\n行政处罚\n12\n行政强制\n4", 5),
        ("行政许可\n\f\n3\n\n行政处罚\n12\n行政强制\n4", 5),
        ("行政许可\n\n3\n\f行政处罚\n\n4\n\f行政强制\n4", 4),
        pytest.param("行政许可\n3\n\f行政处罚\n12\n行政强制\n4", 6, id="below its label"),
        pytest.param("行政许可\n\n3\n\f行政处罚\n\n12\n\f行政强制\n4", 6, id="not counting the pages"),
        pytest.param("规章\n0\n1\n\n2\n\f行政处罚\n12\n行政强制\n4", 7, id="behind other figures"),
    ],
)
def test_a_lone_number_at_the_end_of_a_page_is_no_row(text: str, n_rows: int) -> None:
    # Once the number of a page became the figure of 行政许可, which was blank.
    assert len(rows(text)) == n_rows


@pytest.mark.parametrize("zero", ["-", "/", "无"])
def test_a_dash_a_line_is_a_cell_of_its_row(zero: str) -> None:
    text = f"行政处罚\n12\n{zero}\n3\n行政强制\n{zero}"
    assert rows(text)[-4:] == [["行政处罚"], ["12", zero, "3"], ["行政强制"], [zero]]
