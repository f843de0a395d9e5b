from dataclasses import replace
from decimal import Decimal

import pytest
from conftest import make_report
from rich.cells import cell_len

from giar_ml.document import Problem
from giar_ml.show import render_report

MARKED = {
    "disclosure.fees.amount": {"value": Decimal("7730.28"), "printed": Decimal("7730.28")},
    "reviews.reconsideration.pending": {"value": 12, "printed": 12, "status": "repaired"},
    "reviews.reconsideration.total": {"status": "conflict", "suggestion": 12},
    "reviews.direct_litigation.upheld": {"value": 5, "printed": None, "status": "inferred"},
    "reviews.direct_litigation.total": {"value": None, "printed": None, "status": "missing"},
    "reviews.litigation_after_reconsideration.total": {"printed": None, "status": "blank"},
}

HEAD = """\
某市某局  2023  form 2021  review
a.pdf (scan, 3 pages)

二、主动公开政府信息情况
┌─────────────────────────────────────────────────────┐
│                 第二十条第（一）项                  │
├──────────────┬────────────┬────────────┬────────────┤
│   信息内容   │本年制发件数│本年废止件数│现行有效件数│
├──────────────┼────────────┼────────────┼────────────┤
│规章          │     0      │     0      │     0      │
│行政规范性文件│     0      │     0      │     0      │
├──────────────┴────────────┴────────────┴────────────┤
"""

TAIL = """\
四、政府信息公开行政复议、行政诉讼情况
┌─────────────────────────┬─────────────────────────────────────────────────┐
│        行政复议         │                    行政诉讼                     │
├────┬────┬────┬────┬─────┼────────────────────────┬────────────────────────┤
│    │    │    │    │     │    未经复议直接起诉    │       复议后起诉       │
│结果│结果│其他│尚未│总计 ├────┬────┬────┬────┬────┼────┬────┬────┬────┬────┤
│维持│纠正│结果│审结│     │结果│结果│其他│尚未│总计│结果│结果│其他│尚未│总计│
│    │    │    │    │     │维持│纠正│结果│审结│    │维持│纠正│结果│审结│    │
├────┼────┼────┼────┼─────┼────┼────┼────┼────┼────┼────┼────┼────┼────┼────┤
│ 0  │ 0  │ 0  │12* │0!→12│(5) │ 0  │ 0  │ 0  │ ?  │ 0  │ 0  │ 0  │ 0  │ -  │
└────┴────┴────┴────┴─────┴────┴────┴────┴────┴────┴────┴────┴────┴────┴────┘

   12*  misread, repaired (1)
   (5)  not legible, follows from the sums (1)
 0!→11  contradicts its sums → what they suggest (1)
     ?  not found (1)
     -  printed blank, taken as 0 (1)

40 of 42 sums hold
  12 ≠ 0  行政复议结果维持 至 行政复议尚未审结（4 项之和） = 行政复议总计  [review:reconsideration]
  5 ≠ ?  行政诉讼未经复议直接起诉结果维持 至 行政诉讼未经复议直接起诉尚未审结（4 项之和） = 行政诉讼未经复议直接起诉总计  [review:direct_litigation]

1 problem
  总计印为0 (page 4)  [conflict]
    行政复议总计
"""  # noqa: E501


def test_a_report_is_shown_as_on_the_form():
    report = make_report(changes=MARKED)
    problem = Problem("conflict", "总计印为0", ("reviews.reconsideration.total",), 4)
    text = render_report(replace(report, problems=(problem,))).plain
    assert text.startswith(HEAD)
    assert text.endswith(TAIL)


def test_cells_that_were_read_are_marked_where_a_problem_names_them():
    keys = ("requests.new.natural_person", "reviews.litigation_after_reconsideration.total")
    changes = {
        keys[1]: {"printed": None, "status": "blank"},
        "requests.new.enterprise": {"status": "repaired"},
    }
    problem = Problem(
        "uncertain", "right with a probability of 51.0% only", (*keys, "requests.new.enterprise")
    )
    report = replace(make_report(changes=changes), problems=(problem,))
    assert report.doubtful == set(keys)
    text = render_report(report)
    assert "0~" in text.plain
    assert "-~" in text.plain
    assert "0*" in text.plain
    assert "read, but a problem below names it (2)" in text.plain
    assert any(text.plain[s.start : s.end].strip() == "0~" and s.style == "yellow" for s in text.spans)


def test_marks_have_colours():
    text = render_report(make_report(changes=MARKED))
    styles = {text.plain[span.start : span.end].strip(): span.style for span in text.spans}
    assert styles["12*"] == "green"
    assert styles["0!→12"] == "bold red"


@pytest.mark.parametrize("name", ["2021", "2019", "mixed"])
@pytest.mark.parametrize("width", [100, 120])
def test_tables_fit_the_terminal(name, width):
    text = render_report(make_report(name), width=width).plain
    lines = [line for line in text.splitlines() if line.startswith(tuple("┌│├└"))]
    assert max(map(cell_len, lines)) <= width
    assert {line[-1] for line in lines} <= set("┐│┤┘")
    assert "（二）部分公开" in text
    assert "1.属于国家秘密" in text


def test_figures_stand_in_the_row_of_their_label():
    changes = {"requests.refused.third_party_rights.total": {"value": 77}}
    shown = render_report(make_report(changes=changes)).plain.split("sums hold")[0]
    [line] = [line for line in shown.splitlines() if "77" in line]
    assert "4.保护第三方合法权益" in line
    assert line.endswith("│ 77 │")


def test_a_failed_report_shows_why_and_no_escape_sequences():
    report = make_report()
    failed = replace(
        report,
        source=replace(report.source, kind=None, pages=0),
        form=None,
        organisation=None,
        year=None,
        status="failed",
        cells={},
        checks=(),
        problems=(Problem("encrypted", "a.pdf: \x1b[31mneeds a password\n"),),
    )
    assert render_report(failed).plain == (
        "(organisation not found)  (year not found)  form (not recognised)  failed\n"
        "a.pdf (unknown kind)\n\n"
        "1 problem\n  a.pdf: [31mneeds a password  [encrypted]\n"
    )
