"""Reports of one office in successive years."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from giar_ml.cli import main
from giar_ml.document import BBox, Problem, SourceKind
from giar_ml.forms import load_form
from giar_ml.report import CellResult, Report, Source, Value
from giar_ml.words import name_check
from giar_ml.years import check_link, find_links, office_key, use_links

FORM = load_form("2021")
BOX = BBox(10, 10, 30, 20)


def cell(value: Value, p: float = 0.9999) -> CellResult:
    return CellResult(value, value, "read", p, 2, BOX, candidates=((value, p),))


def make_report(
    year: int,
    figures: dict[str, CellResult] | None = None,
    *,
    office: str = "某县教育局",
    status: str = "accepted",
) -> Report:
    """A report full of zeros but for some cells."""
    cells = {key: cell(0) for key in FORM.cells} | (figures or {})
    source = Source(f"{year}.pdf", "", "scan", 3)
    report = Report(source, FORM.name, office, year, "accepted", cells)
    return replace(report, status=status)  # type: ignore[arg-type]


CARRIED = {
    "requests.new.natural_person": cell(5),
    "requests.new.total": cell(5),
    "requests.granted.natural_person": cell(3),
    "requests.granted.total": cell(3),
    "requests.handled_total.natural_person": cell(3),
    "requests.handled_total.total": cell(3),
    "requests.carried_out.natural_person": cell(2),
    "requests.carried_out.total": cell(2),
}
TAKEN_OVER = {
    "requests.carried_in.natural_person": cell(2),
    "requests.carried_in.total": cell(2),
    "requests.granted.natural_person": cell(2),
    "requests.granted.total": cell(2),
    "requests.handled_total.natural_person": cell(2),
    "requests.handled_total.total": cell(2),
}
OF_SEVEN = {k: cell(c.value + 5) if "carried_out" in k or "new" in k else c for k, c in CARRIED.items()}
# The figure of one person carried in was read as 2 or 7, its total as 2 or 7: their sums allow both.
DOUBT = CellResult(2, 2, "conflict", 0.5, 2, BOX, candidates=((2, 0.5), (7, 0.5)))
OPEN = {key: DOUBT if c.value == 2 else c for key, c in TAKEN_OVER.items()}


@pytest.mark.parametrize("name", ["某县 教育局", "某县教育局关于", "某县教育局　", "《某县教育局》"])
def test_offices_are_told_by_their_names_however_written(name: str) -> None:
    assert office_key(name) == office_key("某县教育局")
    assert office_key("某县（区）教育局") == office_key("某县(区)教育局")
    assert office_key(name) != office_key("某县教育厅")


def test_only_one_report_of_a_year_is_linked() -> None:
    reports = [
        make_report(2022),
        make_report(2023),
        make_report(2021),
        make_report(2023, office="某县财政局"),
    ]
    assert [tuple(link) for link in find_links(reports)] == [(2, 0), (0, 1)]
    assert [tuple(link) for link in find_links([*reports, make_report(2022)])] == []
    assert find_links([make_report(2020), make_report(2022)]) == []
    assert find_links([replace(make_report(2021), organisation=None), make_report(2022)]) == []
    assert find_links([make_report(2021, office="《》"), make_report(2022, office="《》")]) == []
    some = dict(list(make_report(2021).cells.items())[:9])
    assert find_links([replace(make_report(2021), cells=some), make_report(2022)]) == []


def test_what_is_carried_over_and_what_is_in_force() -> None:
    force = {
        "disclosure.regulations.in_force": cell(7),
        "disclosure.regulations.issued": cell(3),
        "disclosure.regulations.repealed": cell(1),
    }
    before = make_report(2021, CARRIED | {"disclosure.regulations.in_force": cell(4)})
    checks = {c.id: c for c in check_link(before, make_report(2022, TAKEN_OVER | force))}
    assert len(checks) == 9
    assert not checks["year:in_force:regulations"].holds
    assert (checks["year:in_force:regulations"].left, checks["year:in_force:regulations"].right) == (7, 6)
    assert all(check.holds for name, check in checks.items() if name != "year:in_force:regulations")
    assert name_check(FORM, "year:in_force:regulations") == (
        "规章 × 现行有效件数 = 上一年度的 规章 × 现行有效件数 + 规章 × 本年制发件数 − 规章 × 本年废止件数"
    )
    assert all(name_check(FORM, name).count(" = 上一年度的 ") == 1 for name in checks)
    assert name_check(FORM, "year:carried:nobody") == "year:carried:nobody"
    missing = CellResult(None, None, "missing", 0.0)
    known = check_link(before, make_report(2022, {"disclosure.regulations.issued": missing}))
    assert [c.id for c in known if c.id.startswith("year:in_force")] == ["year:in_force:normative_documents"]
    amount = make_report(2021, {"disclosure.fees.amount": cell(Decimal("1.5"))})
    assert all(check.holds for check in check_link(amount, make_report(2022)))


def test_a_tie_goes_to_what_the_other_year_says() -> None:
    before, after = make_report(2021, CARRIED), make_report(2022, OPEN, status="review")
    alone = use_links([make_report(2020), after])[1]
    assert alone == after
    for order in ([before, after], [after, before]):
        linked = use_links(order)[order.index(after)]
        assert all((linked.cells[key].value, linked.cells[key].status) == (2, "read") for key in OPEN)
        assert linked.status == "review"  # offices correct themselves: the other year alone is no proof
        assert [problem.code for problem in linked.problems] == ["linked"]
        assert all(check.holds for check in linked.checks)
        assert not any(check.id.startswith("text:") for check in linked.checks)
    assert use_links([make_report(2021, OF_SEVEN), after])[1].cells["requests.carried_in.total"].value == 7


def test_a_clear_figure_is_not_overruled_by_another_year() -> None:
    changed = {k: cell(9) if "carried_out" in k else c for k, c in CARRIED.items()}
    changed |= {"requests.new.natural_person": cell(12), "requests.new.total": cell(12)}
    after = make_report(2022, TAKEN_OVER, status="review")
    linked = use_links([make_report(2021, changed), after])[1]
    assert {key: c.value for key, c in linked.cells.items()} == {
        key: c.value for key, c in after.cells.items()
    }
    assert [c.id for c in linked.checks if not c.holds] == [
        "year:carried:natural_person",
        "year:carried:total",
    ]


def test_clear_figures_are_not_overruled_by_another_year_together() -> None:
    # Each of them is hardly read, but all together are: their sums allow no single one to be another figure.
    columns = (
        "natural_person",
        "enterprise",
        "research_institution",
        "social_organization",
        "legal_services",
    )
    parts = dict.fromkeys(columns, (2, 3)) | {"total": (10, 15)}
    figures = {
        f"requests.{row}.{column}": CellResult(
            read, read, "read", 0.9996, 2, BOX, candidates=((read, 0.657), (other, 0.343))
        )
        for row in ("carried_in", "carried_out")
        for column, (read, other) in parts.items()
    }
    other_year = {
        f"requests.{row}.{column}": cell(other)
        for row in ("new", "carried_out")
        for column, (_, other) in parts.items()
    }
    after = make_report(2022, figures, status="review")
    linked = use_links([make_report(2021, other_year), after])[1]
    assert linked.cells == after.cells
    assert sum(not check.holds for check in linked.checks) == len(parts)


@pytest.mark.parametrize(("was", "value"), [(9, 12), (8, 11), (3, 11)])
def test_what_is_in_force_goes_by_the_year_before(was: int, value: int) -> None:
    # 4 issued, 1 repealed: 12 where 9 were in force. The reading alone says 11.
    key = "disclosure.regulations.in_force"
    figures = {
        key: replace(cell(11, 0.55), candidates=((11, 0.55), (12, 0.45))),
        "disclosure.regulations.issued": cell(4),
        "disclosure.regulations.repealed": cell(1),
    }
    after = make_report(2022, figures, status="review")
    linked = use_links([make_report(2021, {key: cell(was)}), after])[1]
    assert (linked.cells[key].value, linked.status) == (value, "review")
    if value != 11:
        assert linked.cells[key].confidence > 0.7


def test_what_is_in_force_goes_by_the_year_after() -> None:
    key = "disclosure.normative_documents.in_force"
    before = make_report(2021, {key: replace(cell(5, 0.6), candidates=((5, 0.6), (6, 0.4)))}, status="review")
    after = {key: cell(8), "disclosure.normative_documents.issued": cell(2)}
    assert use_links([before, make_report(2022, after)])[0].cells[key].value == 6
    unsure = after | {"disclosure.normative_documents.repealed": cell(0, 0.9)}
    assert use_links([before, make_report(2022, unsure)])[0].cells[key].value == 5


IN_FORCE = "disclosure.regulations.in_force"
IN_FORCE_OPEN = replace(cell(12, 0.6), candidates=((12, 0.6), (17, 0.4)))
NO_READING = CellResult(0, None, "inferred", 0.9, 2, BOX, candidates=((7, 0.3), (1, 0.1)))
MARK = CellResult(0, None, "blank", 0.5, 2, BOX, candidates=((2, 0.45),))
LOST = CellResult(None, None, "missing", 0.0, 2, BOX, candidates=((2, 0.0), (7, 0.0)))


@pytest.mark.parametrize(
    ("was", "figures", "value"),
    [
        (CARRIED, OPEN, {"requests.carried_in.total": 2}),
        (CARRIED, dict.fromkeys(OPEN, LOST), {"requests.carried_in.total": 2}),
        (CARRIED, dict.fromkeys(OPEN, MARK), {"requests.carried_in.total": 2}),
        ({IN_FORCE: cell(17)}, {IN_FORCE: IN_FORCE_OPEN}, {IN_FORCE: 17}),
        ({IN_FORCE: cell(17)}, {IN_FORCE: replace(cell(12, 0.95), candidates=((12, 0.95), (17, 0.05)))}, {}),
    ],
)
def test_to_check_twice_is_to_check_once(
    was: dict[str, CellResult], figures: dict[str, CellResult], value: dict[str, Value]
) -> None:
    doubt = Problem("uncertain", "right with a probability of 50.0% only", tuple(figures))
    after = replace(make_report(2022, figures, status="review"), problems=(doubt,))
    once = use_links([make_report(2021, was), after, make_report(2023, status="review")])
    assert {key: once[1].cells[key].value for key in value} == value
    assert [problem.code for problem in once[1].problems] == ["uncertain", *(["linked"] if value else [])]
    for key in figures:
        assert once[1].cells[key].candidates == figures[key].candidates
    texts = [report.to_json() for report in once]
    again = use_links([Report.from_json(text) for text in texts])
    assert [report.to_json() for report in again] == texts


def test_what_another_year_has_decided_is_not_handed_on() -> None:
    decided = use_links([make_report(2021, CARRIED), make_report(2022, OPEN, status="review")])[1]
    (problem,) = decided.problems
    assert set(problem.cells) == set(OPEN)
    was_open = {"requests.carried_out.natural_person": DOUBT, "requests.carried_out.total": DOUBT}
    was_open |= {"requests.new.natural_person": DOUBT, "requests.new.total": DOUBT}
    sure = {key: replace(c, confidence=0.9999) for key, c in decided.cells.items()}
    before = make_report(2021, was_open, status="review")
    assert use_links([before, replace(decided, cells=sure)])[0] == before
    told = use_links([before, replace(decided, cells=sure, problems=())])[0]
    assert told.cells["requests.carried_out.total"].status == "read"


def test_what_was_decided_goes_with_another_report_of_the_other_year() -> None:
    decided = use_links([make_report(2021, CARRIED), make_report(2022, OPEN, status="review")])[1]
    # As sure as other years make it, and no clear figure of its own for it.
    cells = decided.cells | {key: replace(decided.cells[key], confidence=0.9999) for key in OPEN}
    again = use_links([make_report(2021, OF_SEVEN), replace(decided, cells=cells)])[1]
    assert again.cells["requests.carried_in.total"].value == 7
    assert [problem.code for problem in again.problems] == ["linked"]


def test_all_that_was_decided_is_named_though_some_of_it_later() -> None:
    after = make_report(2022, OPEN | {IN_FORCE: IN_FORCE_OPEN}, status="review")
    for before in (CARRIED | {IN_FORCE: cell(17, 0.9)}, CARRIED | {IN_FORCE: cell(17)}):
        after = use_links([make_report(2021, before), after])[1]
    assert [set(problem.cells) for problem in after.problems] == [{IN_FORCE, *OPEN}]


def test_a_misprint_is_corrected_as_other_years_say() -> None:
    misprint = CellResult(9, 9, "conflict", 0.97, 2, BOX, candidates=((9, 0.9999),), suggestion=2)
    after = make_report(2022, OPEN | {"requests.carried_in.total": misprint}, status="review")
    linked = use_links([make_report(2021, OF_SEVEN), after])[1]
    assert linked.cells["requests.carried_in.natural_person"].value == 7
    assert linked.cells["requests.carried_in.total"] == replace(misprint, suggestion=7)


def test_cells_that_other_years_leave_open_stay_as_they_were() -> None:
    either = CellResult(None, None, "missing", 0.0, 2, BOX, candidates=((2, 0.0), (4, 0.0)))
    rows = ("granted", "partly_granted")
    figures = {f"requests.{row}.{column}": either for row in rows for column in ("enterprise", "total")}
    figures |= {"requests.refused.state_secret.enterprise": NO_READING}
    figures |= {
        f"requests.{row}.{column}": cell(n)
        for row in ("handled_total", "new")
        for column, n in (("enterprise", 6), ("total", 6))
    }
    after = make_report(2022, figures | {IN_FORCE: IN_FORCE_OPEN}, status="review")
    linked = use_links([make_report(2021, {IN_FORCE: cell(17)}), after])[1]
    assert linked.cells[IN_FORCE].value == 17
    assert {key: linked.cells[key] for key in figures} == figures
    assert [problem.cells for problem in linked.problems if problem.code == "linked"] == [(IN_FORCE,)]


@pytest.mark.parametrize("was", [3, 14])
def test_a_cell_that_another_year_does_not_change_is_no_surer(was: int) -> None:
    # It was off the middle of its field, which is not in a result.
    off_middle = replace(cell(14, 0.5), candidates=((14, 0.99995),))
    after = make_report(2022, {IN_FORCE: off_middle}, status="review")
    assert use_links([make_report(2021, {IN_FORCE: cell(was)}), after])[1].cells == after.cells


def test_a_cell_of_which_another_year_says_nothing_stays_as_it_was() -> None:
    # A blot may hide what the sum asks for: that there is one is not in a result.
    figures = {
        REVIEW + "upheld": cell(5),
        REVIEW + "total": CellResult(5, None, "inferred", 0.339, 2, BOX, candidates=((7, 0.97),)),
        "disclosure.licensing.decisions": replace(LOST, candidates=((0, 0.0), (12, 0.0))),
    }
    linked = use_links([make_report(2021, CARRIED), make_report(2022, OPEN | figures, status="review")])[1]
    assert {key: linked.cells[key] for key in figures} == figures
    assert [problem.code for problem in linked.problems] == ["ambiguous", "unconfirmed", "linked"]


def test_a_cell_is_surer_only_beside_what_another_year_says() -> None:
    linked = use_links([make_report(2021, CARRIED), make_report(2022, OPEN, status="review")])[1]
    assert linked.cells["requests.carried_in.total"].confidence > 0.9
    assert linked.cells["requests.granted.total"].confidence == 0.5  # in no sum with one carried in


def test_a_figure_that_is_likelier_than_nothing_is_read_first() -> None:
    mark = CellResult(None, None, "missing", 0.0, 2, BOX, candidates=((2, 0.48), (7, 0.48)))
    after = make_report(2022, dict.fromkeys(OPEN, mark), status="review")
    linked = use_links([make_report(2021, CARRIED), after])[1]
    assert {linked.cells[key].status for key in OPEN} == {"read"}


@pytest.mark.parametrize(("was", "status"), [(12, "read"), (0, "read"), (5, "missing")])
def test_an_open_cell_stays_so_unless_another_year_says_one_of_its_figures(was: int, status: str) -> None:
    after = make_report(2022, {IN_FORCE: replace(LOST, candidates=((0, 0.0), (12, 0.0)))}, status="review")
    linked = use_links([make_report(2021, {IN_FORCE: cell(was)}), after])[1]
    assert linked.cells[IN_FORCE].status == status
    assert linked.cells[IN_FORCE].value == (was if status == "read" else None)


def test_a_figure_of_another_column_that_was_ruled_out_is_no_reading() -> None:
    found = replace(cell(12, 0.98), candidates=((12, 0.9999), (0, 0.0)))
    after = make_report(2022, {IN_FORCE: found}, status="review")
    assert use_links([make_report(2021, {IN_FORCE: cell(0)}), after])[1].cells[IN_FORCE] == found


def test_what_was_doubtful_stays_for_review() -> None:
    # A result holds one way to lay out its rows only: another may have been as good.
    torn = Problem("unplaced_figures", "a line of a table fits no row of the form: 1 2", (), 2)
    unproven = Problem("not_proven", "the time was too short to prove the reading")
    before = make_report(2021, CARRIED)
    after = replace(make_report(2022, TAKEN_OVER, status="review"), problems=(torn, unproven))
    linked = use_links([before, after])[1]
    assert (linked.problems, linked.status) == ((torn, unproven), "review")
    accepted = make_report(2022, TAKEN_OVER)
    assert use_links([before, accepted])[1].cells is accepted.cells


def test_checks_of_links_that_are_gone_go() -> None:
    linked = use_links([make_report(2021, CARRIED), make_report(2022)])[1]
    assert any(check.id.startswith("year:") for check in linked.checks)
    assert not any(check.id.startswith("year:") for check in use_links([linked])[0].checks)


def test_a_figure_of_a_text_that_is_none_is_no_crash() -> None:
    unread = {"requests.new.enterprise": CellResult(None, None, "missing", 0.0, line=3)}
    after = make_report(2022, TAKEN_OVER | unread, status="review")
    after = replace(after, source=replace(after.source, kind="text"))
    assert use_links([make_report(2021, CARRIED), after])[1].status == "review"


REVIEW = "reviews.reconsideration."


@pytest.mark.parametrize("kind", ["scan", "digital"])
def test_a_figure_that_could_not_be_read_is_no_blank(kind: SourceKind) -> None:
    # The link names none of these cells, but the tie of a doubtful one has the report decided anew.
    figures = {
        REVIEW + "upheld": CellResult(5, None, "inferred", 0.996, 2, BOX),
        REVIEW + "total": cell(5),
        REVIEW + "other": CellResult(0, None, "blank", 0.999, 2, BOX),
    }
    after = make_report(2022, OPEN | figures, status="review")
    after = replace(after, source=replace(after.source, kind=kind))
    linked = use_links([make_report(2021, CARRIED), after])[1]
    assert linked.cells["requests.carried_in.total"].value == 2
    assert {key: linked.cells[key] for key in figures} == figures
    assert [problem.code for problem in linked.problems] == ["linked"]


def test_a_total_left_blank_stays_so() -> None:
    blank = CellResult(5, None, "inferred", 0.999, 2, BOX)
    after = make_report(2022, OPEN | {REVIEW + "upheld": cell(5), REVIEW + "total": blank}, status="review")
    after = replace(after, problems=(Problem("left_blank", "", (REVIEW + "total",)),))
    linked = use_links([make_report(2021, CARRIED), after])[1]
    assert linked.cells[REVIEW + "total"] == blank
    assert [problem.code for problem in linked.problems] == ["left_blank", "linked"]


def test_blank_and_lost_cells_stay_what_they_are() -> None:
    figures = {
        "requests.carried_in.enterprise": CellResult(0, None, "blank", 0.99999, 2, BOX),
        "requests.refused.state_secret.enterprise": CellResult(0, None, "inferred", 0.9),
    }
    after = make_report(2022, TAKEN_OVER | figures, status="review")
    linked = use_links([make_report(2021, CARRIED), after])[1]
    assert {key: linked.cells[key].status for key in figures} == {
        "requests.carried_in.enterprise": "blank",
        "requests.refused.state_secret.enterprise": "inferred",
    }


def write(folder: Path, *reports: Report) -> None:
    for report in reports:
        (folder / f"{report.year}.json").write_text(report.to_json(), encoding="utf-8")


def test_check_says_which_links_break(tmp_path, capsys) -> None:
    write(tmp_path, make_report(2021, CARRIED), make_report(2022))
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "part.json").write_text(
        replace(make_report(2023), cells={"requests.new.total": cell(1)}).to_json(), encoding="utf-8"
    )
    out = tmp_path / "out"
    assert main(["check", str(tmp_path), "-o", str(out)]) == 4
    said = capsys.readouterr()
    assert "某县教育局 2021–2022: 7 of 9 hold" in said.out
    carried = "二、上年结转政府信息公开申请数量 × 总计 = 上一年度的 四、结转下年度继续办理 × 总计"
    assert f"{carried}: 0 in 2022, 2 by 2021" in said.out
    counts = "decided anew: 0, for review: 0, failed: 0, not results: 2"
    assert f"2 reports, links between years: 1; {counts}" in said.out
    assert "other.json: not a result" in said.err
    assert "part.json: not a result" in said.err
    checks = Report.read(out / "2022.json").checks
    assert sum(check.id.startswith("year:") for check in checks) == 9
    assert main(["check", str(out)]) == 3
    capsys.readouterr()
    assert main(["show", str(out / "2022.json")]) == 0
    assert carried in "".join(capsys.readouterr().out.split("\n"))


def test_check_may_write_over_what_it_read(tmp_path, capsys) -> None:
    write(tmp_path, make_report(2021, CARRIED), make_report(2022, OPEN, status="review"))
    assert main(["check", str(tmp_path), "-o", str(tmp_path)]) == 3
    assert "decided anew: 1" in capsys.readouterr().out
    once = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["check", str(tmp_path), "-o", str(tmp_path)]) == 3
    assert "decided anew: 0" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == once


def test_check_of_years_that_fit(tmp_path, capsys) -> None:
    write(tmp_path, make_report(2021, CARRIED), make_report(2022, TAKEN_OVER))
    assert main(["check", str(tmp_path)]) == 0
    assert "9 of 9 hold" in capsys.readouterr().out


def test_check_counts_what_failed(tmp_path, capsys) -> None:
    failed = Report(
        Source("a.pdf", "", None, 0), None, None, None, "failed", problems=(Problem("damaged", "cut off"),)
    )
    write(tmp_path, make_report(2021, CARRIED), make_report(2022, OPEN, status="review"), failed)
    assert main(["check", str(tmp_path)]) == 4
    assert (
        "3 reports, links between years: 1; decided anew: 1, for review: 1, failed: 1"
        in capsys.readouterr().out
    )


def test_an_office_is_named_as_it_is(tmp_path, capsys) -> None:
    reports = (make_report(2021, CARRIED), make_report(2022, TAKEN_OVER))
    write(tmp_path, *(replace(report, organisation="[/某局]") for report in reports))
    assert main(["check", str(tmp_path)]) == 0
    assert "[/某局] 2021–2022" in capsys.readouterr().out


def test_check_needs_results(tmp_path, capsys) -> None:
    assert main(["check", str(tmp_path / "none")]) == 2
    assert main(["check", str(tmp_path)]) == 2
    assert "giar extract" in capsys.readouterr().err
