import csv
import errno
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import make_report
from openpyxl import load_workbook

from giar_ml import export
from giar_ml.document import Problem
from giar_ml.export import write
from giar_ml.forms import load_form
from giar_ml.report import Report
from giar_ml.workbook import STATUS_FILLS, place_form

MARKED = {
    "disclosure.fees.amount": {"value": Decimal("7730.28"), "printed": Decimal("7730.28")},
    "requests.new.natural_person": {
        "value": 12,
        "printed": 12,
        "status": "repaired",
        "candidates": ((17, 0.6), (12, 0.39)),
    },
    "requests.granted.enterprise": {"value": 5, "printed": None, "status": "inferred", "candidates": ()},
    "requests.partly_granted.total": {
        "value": None,
        "printed": None,
        "status": "missing",
        "candidates": ((6, 0.0), (11, 0.0)),
    },
    "reviews.reconsideration.total": {"status": "conflict", "suggestion": 11},
    "reviews.reconsideration.upheld": {"printed": None, "status": "blank", "candidates": ()},
}


def open_sheet(folder, report, *, sheet="年度报告表"):
    [path] = write(report, folder, "a", ["xlsx"])
    return load_workbook(path)[sheet]


def test_json_is_written_last_and_reads_back(tmp_path):
    report = make_report(changes=MARKED)
    paths = write(report, tmp_path, "a", ["json", "xlsx", "csv", "json"])
    assert [path.name for path in paths] == ["a.csv", "a.xlsx", "a.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json", "a.xlsx"]
    assert Report.read(tmp_path / "a.json") == report


def test_csv_opens_in_chinese_excel_and_has_a_row_per_cell(tmp_path):
    [path] = write(make_report(changes=MARKED), tmp_path, "a", ["csv"])
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig")))}
    assert list(rows) == list(load_form("2021").cells)
    assert rows["requests.new.natural_person"]["名称"] == "一、本年新收政府信息公开申请数量 × 自然人"
    assert rows["disclosure.fees.amount"]["value"] == "7730.28"
    assert rows["requests.partly_granted.total"]["value"] == ""
    assert rows["reviews.reconsideration.total"]["suggestion"] == "11"
    assert rows["requests.new.natural_person"]["status"] == "repaired"


@pytest.mark.parametrize("name", ["2021", "2019", "mixed"])
def test_the_workbook_has_every_figure_in_its_place(tmp_path, name):
    form = load_form(name)
    values = {key: {"value": i, "printed": i} for i, key in enumerate(form.cells)}
    sheet = open_sheet(tmp_path, make_report(name, values))
    places, titles = place_form(form, top=5)
    assert {p.key: sheet.cell(p.row, p.column).value for p in places if p.key} == {
        key: i for i, key in enumerate(form.cells)
    }
    assert [sheet.cell(row, 1).value for row in titles] == [table.title[0] for table in form.tables]


def test_headers_are_merged_as_on_the_form(tmp_path):
    sheet = open_sheet(tmp_path, make_report())
    merged = {sheet.cell(r.min_row, r.min_col).value: r.size for r in sheet.merged_cells.ranges}
    assert merged["第二十条第（八）项"] == {"rows": 1, "columns": 15}
    assert merged["三、本年度办理结果"] == {"rows": 22, "columns": 1}
    assert merged["（三）不予公开"] == {"rows": 8, "columns": 1}
    assert merged["法人或其他组织"] == {"rows": 1, "columns": 5}
    assert merged["申请人情况"] == {"rows": 1, "columns": 7}
    assert merged["行政诉讼"] == {"rows": 1, "columns": 10}
    assert merged["自然人"] == {"rows": 2, "columns": 1}


def test_doubtful_cells_are_filled_and_explained(tmp_path):
    sheet = open_sheet(tmp_path, make_report(changes=MARKED))
    cells = {
        place.key: sheet.cell(place.row, place.column)
        for place in place_form(load_form("2021"), top=5)[0]
        if place.key
    }
    assert cells["disclosure.fees.amount"].value == 7730.28
    assert cells["disclosure.fees.amount"].comment is None
    repaired = cells["requests.new.natural_person"]
    assert repaired.fill.fgColor.rgb.endswith(STATUS_FILLS["repaired"])
    assert "最初识读：17" in repaired.comment.text
    assert "第2页" in repaired.comment.text
    conflict = cells["reviews.reconsideration.total"]
    assert conflict.value == 0
    assert "原件所印：0" in conflict.comment.text
    assert "建议改为：11" in conflict.comment.text
    assert cells["requests.partly_granted.total"].value is None
    missing = cells["requests.partly_granted.total"].comment.text
    assert "未找到" in missing
    assert "最初识读" not in missing
    assert "空白" in cells["reviews.reconsideration.upheld"].comment.text
    assert sum(cell.comment is not None for cell in cells.values()) == 5


def test_cells_that_were_read_are_filled_where_a_problem_names_them(tmp_path):
    key = "requests.new.enterprise"
    problem = Problem("uncertain", "right with a probability of 51.0% only", (key,))
    changes = {key: {"value": 231, "printed": 231, "confidence": 0.506, "page": 2}}
    sheet = open_sheet(tmp_path, replace(make_report(changes=changes), problems=(problem,)))
    place = next(place for place in place_form(load_form("2021"), top=5)[0] if place.key == key)
    cell = sheet.cell(place.row, place.column)
    assert cell.value == 231
    assert cell.fill.fgColor.rgb.endswith(STATUS_FILLS["doubtful"])
    assert cell.comment.text.startswith("已识读，待核实（可信度 50.60%，第2页）")


def test_checks_and_problems_have_their_sheets(tmp_path):
    report = make_report(changes=MARKED)
    report = replace(report, problems=(Problem("conflict", "不符", ("reviews.reconsideration.total",), 4),))
    checks = list(open_sheet(tmp_path, report, sheet="核对").values)
    assert len(checks) == 1 + len(report.checks)
    assert checks[1][:3] == (
        "row:new",
        "一、本年新收政府信息公开申请数量：自然人 至 其他（6 项之和） = 总计",
        "不成立",
    )
    assert checks[1][3:] == (12, 0, 12)
    problems = list(open_sheet(tmp_path, report, sheet="问题").values)
    assert problems[1] == ("conflict", "不符", "行政复议总计", 4)


def test_text_from_documents_is_no_formula_and_has_no_control_characters(tmp_path):
    report = replace(
        make_report(), problems=(Problem("x", '=HYPERLINK("x")\x07\n'),), organisation="=1+1\x00"
    )
    [row] = list(open_sheet(tmp_path, report, sheet="问题").iter_rows(min_row=2))
    assert (row[1].value, row[1].data_type) == ('=HYPERLINK("x")', "s")
    assert open_sheet(tmp_path, report)["A1"].data_type == "s"


def test_a_failed_report_is_written_in_every_format(tmp_path):
    report = replace(make_report(), form=None, status="failed", cells={}, checks=())
    write(report, tmp_path, "a", ["json", "csv", "xlsx"])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").count("\n") == 1
    assert load_workbook(tmp_path / "a.xlsx").sheetnames == ["年度报告表", "核对", "问题"]


def test_a_file_name_that_is_not_utf8_survives(tmp_path):
    report = make_report()
    report = replace(report, source=replace(report.source, file="\udce4\udcb8.pdf"))
    write(report, tmp_path, "a", ["json", "xlsx"])
    assert Report.read(tmp_path / "a.json") == report


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    write(make_report(), tmp_path, "a", ["json", "csv"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    sync = iter([None, OSError(errno.ENOSPC, "No space left on device")])

    def fail_second(_fd):
        if (error := next(sync)) is not None:
            raise error

    monkeypatch.setattr(export.os, "fsync", fail_second)
    with pytest.raises(OSError, match="No space"):
        write(make_report(changes=MARKED), tmp_path, "a", ["json", "csv"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="parquet"):
        write(make_report(), Path(tmp_path), "a", ["parquet"])
