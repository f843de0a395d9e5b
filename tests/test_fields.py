"""Tables to evidence: rows found by their labels, fields laid into columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from giar_ml.document import BBox, Cell, Labels, Page, Reading, Table, Token
from giar_ml.fields import (
    FormEvidence,
    Seen,
    _choose_form,
    _fit_form,
    _foreign_label_cost,
    collect_evidence,
)
from giar_ml.fields.columns import lay_fields
from giar_ml.fields.headers import HeaderLines, Headers
from giar_ml.fields.lines import Field, Line, document_lines
from giar_ml.fields.row_labels import row_label_costs
from giar_ml.fields.rows import Match, form_rows
from giar_ml.fields.seen import see
from giar_ml.fields.spare import find_spare
from giar_ml.fields.strays import without_strays
from giar_ml.fields.unplaced import find_repeated, find_unplaced, without_scribbles
from giar_ml.figures import is_figure
from giar_ml.forms import Form, Header, load_form, load_forms
from giar_ml.label import best_label
from giar_ml.label.classifier import load_classifier
from giar_ml.label.pages import label_pages
from giar_ml.load import load
from giar_ml.pipeline import Extractor, label_document
from giar_ml.report import Value
from giar_ml.verdict import decide

EXAMPLES = Path(__file__).parents[1] / "examples"
N_LABELS = 2
REQUESTS = "requests"


def table_of(rows: Sequence[Sequence[str]], *, gridded: bool = True, page: int = 1) -> Table:
    """A table of single squares, 10 px wide and high; an empty text is a blank cell."""
    cells = []
    for i, texts in enumerate(rows):
        for j, text in enumerate(texts):
            bbox = BBox(10.0 * j, 10.0 * i, 10.0 * j + 10, 10.0 * i + 10)
            cells.append(Cell(i, i + 1, j, j + 1, bbox, (Token(text, bbox),) if text else ()))
    n_columns = max(len(texts) for texts in rows)
    return Table(
        page, BBox(0, 0, 10.0 * n_columns, 10.0 * len(rows)), len(rows), n_columns, tuple(cells), gridded
    )


def read(*tables: Table, kind: str = "digital") -> FormEvidence:
    page = Page(1, kind, 1000, 1000, tables=tables)  # type: ignore[arg-type]
    return collect_evidence(label_pages([page], load_classifier()), load_forms().values())


def values(evidence: FormEvidence, row: str) -> list[object]:
    """The first readings of a row of the cheapest layout; "-" where nothing was seen."""
    found = next(r for r in evidence.rows if f"{r.section.table}.{r.row.key}" == row)

    def first(seen: Seen | None) -> object:
        return "-" if seen is None else seen.readings[0][0] if seen.readings else None

    return [first(seen) for seen in found.layouts[0].cells.values()]


def request_rows(form: Form, figures: dict[str, list[str]]) -> list[list[str]]:
    """Table 3 with its header; rows that are not named are printed blank."""
    section = next(s for s in form.sections if s.table == REQUESTS)
    rows = [[section.corner[0], *(c.labels[0] for c in section.columns)]]
    for row in section.rows:
        rows.append([row.labels[0], *figures.get(row.key, [""] * 7)])
    return rows


def test_rows_printed_blank_tell_the_forms_apart() -> None:
    # Once blank rows were cheaper to leave out than to lay, so that a form with fewer rows won.
    form = load_form("2021")
    figures = {
        "new": ["531", "24", "", "32", "", "", "587"],
        "not_processed.duplicate": ["3", "", "", "", "", "", "3"],
        "other.not_corrected_in_time": ["56", "4", "", "3", "", "", "63"],
        "other.fee_unpaid": ["5", "3", "", "", "", "", "8"],
        "handled_total": ["581", "25", "", "35", "", "", "641"],
    }
    evidence = read(table_of(request_rows(form, figures)))
    assert evidence.form.name == "2021"
    assert values(evidence, "requests.not_processed.reconfirmation") == [None] * 7
    assert values(evidence, "requests.other.not_corrected_in_time") == [56, 4, None, 3, None, None, 63]
    assert values(evidence, "requests.other.other") == [None] * 7


@pytest.mark.parametrize(
    ("lefts", "expected"),
    [
        ([45] * 7 + [1], [False] * 7 + [True]),
        ([45] * 7 + [30], [False] * 8),
        ([45] * 7 + [12], [False] * 8),
        # Where all figures stand at the left that is how they were printed.
        ([1] * 8, [False] * 8),
        ([45, 45, 45, 45, 1], [False] * 5),
    ],
)
def test_figures_off_the_middle_of_their_cells(lefts: list[float], expected: list[bool]) -> None:
    cells = []
    for row, left in enumerate(lefts):
        bbox = BBox(left, 20.0 * row + 5, left + 10, 20.0 * row + 15)
        token = Token("4", bbox, 0.99, (Reading("4", 0.99),), labels={"figure": 1.0})
        cells.append(Cell(row, row + 1, 0, 1, BBox(0, 20.0 * row, 100, 20.0 * row + 20), (token,)))
    table = Table(1, BBox(0, 0, 100, 20.0 * len(lefts)), len(lefts), 1, tuple(cells))
    lines = document_lines([Page(1, "scan", 1000, 1000, tables=(table,))])
    assert [field.off_middle for line in lines for field in line.fields] == expected
    column = load_form("2021").sections[0].columns[0]
    assert [see(line, line.fields[0], column).off_middle for line in lines] == expected


def test_what_is_hardly_a_dash_is_no_blank() -> None:
    # Once 44 below the stroke of a pen was read as -, with 0.02, and the report accepted with a blank.
    column = load_form("2021").sections[0].columns[0]

    def see_read_as(*readings: Reading) -> Seen:
        token = Token(readings[0].text, BBox(45, 5, 55, 15), readings[0].probability, readings)
        cells = (Cell(0, 1, 0, 1, BBox(0, 0, 100, 20), (token,)),)
        table = Table(1, BBox(0, 0, 100, 20), 1, 1, cells)
        (line,) = document_lines([Page(1, "scan", 1000, 1000, tables=(table,))])
        return see(line, line.fields[0], column)

    hardly = see_read_as(Reading("-", 0.02), Reading("4", 0.001))
    assert not hardly.blank
    assert hardly.readings[0] == (None, pytest.approx(0.02, abs=0.003))
    assert see_read_as(Reading("-", 0.4), Reading("", 0.2), Reading("1", 0.3)).blank


@pytest.mark.parametrize(
    ("n_others", "height", "p", "expected"),
    [(3, 20, 0.8, True), (3, 15, 0.8, False), (3, 20, 0.999, False), (2, 20, 0.8, False)],
)
def test_a_mark_much_higher_than_figures_is_a_blot(
    n_others: int, height: float, p: float, expected: bool
) -> None:
    cells = []
    for row, (high, sure) in enumerate([(10.0, 0.999)] * n_others + [(height, p)]):
        bbox = BBox(45, 40.0 * row + 5, 55, 40.0 * row + 5 + high)
        token = Token("4", bbox, sure, (Reading("4", sure),), labels={"figure": 1.0})
        cells.append(Cell(row, row + 1, 0, 1, BBox(0, 40.0 * row, 100, 40.0 * row + 40), (token,)))
    table = Table(1, BBox(0, 0, 100, 40.0 * len(cells)), len(cells), 1, tuple(cells))
    lines = document_lines([Page(1, "scan", 1000, 1000, tables=(table,))])
    assert [line.fields[0].blotted for line in lines] == [False] * n_others + [expected]
    column = load_form("2021").sections[0].columns[0]
    assert see(lines[-1], lines[-1].fields[0], column).blotted == expected


def test_a_line_of_figures_without_a_row_is_a_problem() -> None:
    section = next(s for s in load_form("2021").sections if s.table == REQUESTS)
    full = {row.key: ["2", "0", "0", "0", "0", "0", "2"] for row in section.rows}
    header, *rows = request_rows(load_form("2021"), full)
    line = ["附加情况", "8", "7", "6", "5", "4", "3", "33"]
    (problem,) = read(table_of([header, *rows[:2], line, *rows[2:]])).problems
    assert problem.code == "unplaced_figures"
    assert problem.message.endswith("附加情况 8 7 6 5 4 3 33")


def disclosure_rows(form: Form, figures: Sequence[str]) -> list[list[str]]:
    """Table 2 with its headers, the same figures in each row."""
    rows = []
    for section in (s for s in form.sections if s.table == "disclosure"):
        rows.append([section.corner[0], *(c.labels[0] for c in section.columns)])
        rows += [[row.labels[0], *figures[: len(section.columns)]] for row in section.rows]
    return rows


def repeats(*tables: Table) -> list[str]:
    problems = [problem for problem in read(*tables).problems if problem.code == "unplaced_figures"]
    return [problem.message.partition(": ")[2] for problem in problems if "stands twice" in problem.message]


@pytest.mark.parametrize(
    ("figures", "is_problem"),
    [
        pytest.param(["3", "2", "9"], True, id="other figures"),
        pytest.param(["", "", ""], True, id="blanks"),
        pytest.param(["5", "0", "7"], False, id="the same figures"),
        pytest.param(["5件", "", "7"], False, id="the same figures in other words"),
    ],
)
@pytest.mark.parametrize("is_before", [True, False])
def test_a_table_that_stands_twice_with_other_figures_is_a_problem(
    figures: list[str], is_problem: bool, is_before: bool
) -> None:
    # Once the figures of either were taken, and nobody was told.
    form = load_form("2021")
    own, other = (table_of(disclosure_rows(form, texts)) for texts in (["5", "0", "7"], figures))
    full = {row.key: ["2", "0", "0", "0", "0", "0", "2"] for s in form.sections for row in s.rows}
    requests = table_of(request_rows(form, full))
    assert bool(repeats(*([other, own] if is_before else [own, other]), requests)) is is_problem
    assert not repeats(own, requests)


def test_a_second_table_that_only_names_rows_is_no_problem() -> None:
    form = load_form("2021")
    names = [[row.labels[0]] for section in form.sections for row in section.rows if row.labels]
    table = table_of(disclosure_rows(form, ["5", "0", "7"]))
    assert not repeats(table_of(names), table, table_of(names))


@pytest.mark.parametrize("stop", range(2, 11))
@pytest.mark.parametrize("rest", [["", "", ""], ["8"]])
def test_a_row_torn_over_pages_below_headers_printed_anew_does_not_stand_twice(
    stop: int, rest: list[str]
) -> None:
    rows = disclosure_rows(load_form("2021"), ["5", "0", "7"])
    torn = [rows[0], [rows[stop - 1][0], *rest], *rows[stop:]]
    pages = [
        Page(number, "digital", 1000, 1000, tables=(table_of(piece, page=number),))
        for number, piece in enumerate([rows[:stop], torn], 1)
    ]
    evidence = collect_evidence(label_pages(pages, load_classifier()), load_forms().values())
    assert not any("stands twice" in problem.message for problem in evidence.problems)


def test_a_row_of_single_lines_that_stands_twice_is_a_problem() -> None:
    def dumped(row: str, *texts: str) -> list[Line]:
        label = Token("标签", BBox(0, 0, 1, 1), labels={f"row:disclosure.{row}": 1.0})
        place = Field(label.bbox, (0.0, 0.5), label)
        fields = tuple(replace(place, token=Token(text, label.bbox)) for text in texts)
        return [Line(1, 0, False, True, (place,), ()), Line(1, 0, False, True, (), fields)]

    lines = [*dumped("licensing", "5"), *dumped("penalties", "3"), *dumped("licensing", "7")]
    laid = {"row:disclosure.licensing": (1,), "row:disclosure.penalties": (3,)}
    (problem,) = find_repeated(lines, laid)
    assert problem.message.endswith("标签 7")
    assert not list(find_repeated(lines[:4], laid))
    assert not list(find_repeated(lines, laid, spare={4}))


def test_on_a_scan_one_row_that_stands_twice_may_be_a_misread_header() -> None:
    # Once 第二十条第 六 1 项 of a fax was a row with the figure 1, and the report was reviewed.
    def read(row: str, text: str) -> Line:
        box = BBox(0, 0, 1, 1)
        label = Field(box, (0.0, 0.5), Token("标签", box, labels={f"row:disclosure.{row}": 1.0}))
        return Line(1, 0, True, False, (label,), (Field(box, (0.5, 1.0), Token(text, box)),))

    rows = ("licensing", "penalties", "coercion")
    lines = [*(read(row, "5") for row in rows), read("licensing", "7"), read("penalties", "8")]
    laid = {f"row:disclosure.{row}": (i,) for i, row in enumerate(rows)}
    assert not find_repeated(lines[:4], laid)
    assert len(find_repeated(lines, laid)) == 2


@pytest.mark.parametrize(("text", "n"), [("件)", 0), ("）", 0), ("件", 1), ("1)", 1)])
def test_the_end_of_a_note_in_a_line_of_its_own_is_no_figure(text: str, n: int) -> None:
    box = BBox(0, 0, 10, 10)
    token = Token(text, box, 0.99, labels={"figure": 1.0})
    row = Line(1, 0, True, False, (), (Field(box, (0.5, 0.6), token),))
    line = Line(1, 0, True, False, (), (Field(box, (0.5, 0.6), replace(token, text="1")),))
    assert len(list(find_unplaced([line, row], {0}))) == n


@pytest.mark.parametrize(
    ("labels", "n"), [({"figure": 0.9}, 1), ({"other": 0.99, "figure": 0.01}, 0), ({}, 1)]
)
def test_a_mark_that_is_labelled_as_no_figure_is_no_line_of_figures(labels: Labels, n: int) -> None:
    def line(*fields: Token) -> Line:
        places = tuple(Field(token.bbox, (0.0, 1.0), token) for token in fields)
        return Line(1, 0, True, False, (), places)

    header = line(Token("1", BBox(0, 0, 9, 9), labels=labels))
    row = line(Token("2", BBox(0, 10, 9, 19), labels={"figure": 1.0}))
    assert len(list(find_unplaced([header, row], {1}))) == n
    assert not list(find_unplaced([header], set()))


@pytest.mark.parametrize(("top", "certain", "n"), [(240, False, 0), (90, False, 1), (240, True, 1)])
def test_what_is_read_far_from_all_rows_is_no_line_of_figures(top: float, certain: bool, n: int) -> None:
    def line(top: float) -> Line:
        token = Token("8", BBox(0, top, 9, top + 9), labels={"figure": 0.9})
        return Line(1, 0, True, certain, (), (Field(token.bbox, (0.0, 1.0), token),))

    lines = [line(0), line(30), line(60), line(top), replace(line(0), page=2)]
    assert len(list(find_unplaced(lines, {0, 1, 2, 4}))) == n


@pytest.mark.parametrize(
    ("top", "label", "n"), [(400, "figure", 3), (400, "column:x", 4), (120, "figure", 4)]
)
def test_what_a_pen_wrote_far_below_a_table_is_no_line(top: float, label: str, n: int) -> None:
    # Once it was laid into a row printed blank.
    def line(top: float, label: str) -> Line:
        token = Token("8", BBox(0, top, 9, top + 9), labels={label: 0.9})
        return Line(1, 0, True, False, (Field(token.bbox, (0.0, 1.0), token),), ())

    lines = [line(0, "row:x"), line(30, "row:y"), line(60, "row:z"), line(top, label)]
    assert len(without_scribbles(lines)) == n


@pytest.mark.parametrize(("n_figures", "n_rows", "n"), [(15, 3, 4), (2, 3, 3), (2, 2, 3)])
def test_a_row_of_many_figures_is_no_scribble(n_figures: int, n_rows: int, n: int) -> None:
    # Once the headers of a table were torn over two pages: its row stood far below the two lines left.
    def line(top: float, label: str | None, n_figures: int = 1) -> Line:
        places = tuple(
            Field(bbox, (0.0, 1.0), Token("8", bbox, labels={label: 0.9} if label else {}))
            for bbox in (BBox(20 * i, top, 20 * i + 9, top + 9) for i in range(n_figures))
        )
        return Line(1, 0, True, False, places if label else (), () if label else places)

    lines = [*(line(30 * i, "row:x") for i in range(n_rows)), line(400, None, n_figures)]
    assert len(without_scribbles(lines)) == n


@pytest.mark.parametrize(("text", "n"), [("增加12681件", 1), ("按照有关规定", 0)])
def test_words_are_no_figure_without_a_row(text: str, n: int) -> None:
    def line(text: str) -> Line:
        token = Token(text, BBox(0, 0, 99, 9), labels={"figure": 0.6})
        return Line(1, 0, True, False, (), (Field(token.bbox, (0.0, 1.0), token),))

    assert len(list(find_unplaced([line(text), line("2")], {1}))) == n


@pytest.mark.parametrize(("sure", "n"), [(0.13, 1), (0.95, 2)])
def test_strokes_of_a_seal_far_beside_a_figure_are_no_place_of_their_own(sure: float, n: int) -> None:
    table = table_of([["行政处罚", "434955"]])
    (figure,) = table.cells[1].tokens
    seal = replace(figure, text="翠", confidence=sure, bbox=BBox(-60, 0, -50, 10))
    table = replace(table, cells=(table.cells[0], replace(table.cells[1], tokens=(seal, figure))))
    (line,) = document_lines([Page(1, "scan", 1000, 1000, tables=(table,))])
    assert len(line.labels) + len(line.fields) == 1 + n


@pytest.mark.parametrize(("sure", "n"), [(0.07, 7), (0.95, 6)])
def test_a_blot_before_the_figures_is_one_that_could_not_be_read(sure: float, n: int) -> None:
    table = table_of([["7.属于行政执法案卷", "恭", "0", "0", "0", "0", "0", "6"]])
    blot = replace(table.cells[1].tokens[0], confidence=sure)
    table = replace(table, cells=(table.cells[0], replace(table.cells[1], tokens=(blot,)), *table.cells[2:]))
    (line,) = document_lines([Page(1, "scan", 1000, 1000, tables=(table,))])
    assert len(line.fields) == n


def test_a_mark_in_a_shaded_row_beside_its_caption_is_no_line_of_figures() -> None:
    def line(label: str, *texts: str, sure: float = 1.0) -> Line:
        caption = Token("第二十条第（六）项", BBox(0, 0, 90, 9), labels={label: 1.0})
        tokens = [Token(text, BBox(90, 0, 99, 9), sure, labels={"figure": 1.0}) for text in texts]
        place, *fields = (Field(token.bbox, (0.0, 1.0), token) for token in (caption, *tokens))
        return Line(1, 0, True, False, (place,), tuple(fields))

    row = line("row:disclosure.penalties", "4")
    assert not list(find_unplaced([line("caption:第二十条第（六）项", "1"), row], {1}))
    assert not list(find_unplaced([line("caption:第二十条第（六）项", ".", "32", sure=0.6), row], {1}))
    assert list(find_unplaced([line("caption:第二十条第（六）项", "1", "2"), row], {1}))
    assert list(find_unplaced([line("note", "1"), row], {1}))
    # Once a header cell below the star of a seal was read as 0, and the report was passed to review.
    assert not list(find_unplaced([line("column:reviews.total", "0", sure=0.5), row], {1}))
    assert list(find_unplaced([line("column:reviews.total", "0"), row], {1}))


@pytest.mark.parametrize(
    ("text", "values"), [("1193", [1193, Decimal("11.93")]), ("1193.0", [1193]), ("1,193.00万元", [1193])]
)
def test_only_an_amount_read_without_a_point_may_have_lost_it(text: str, values: list[Value]) -> None:
    bbox = BBox(0, 0, 90, 9)
    place = Field(bbox, (0.0, 1.0), Token(text, bbox, 0.95, (Reading(text, 0.95),)))
    line = Line(1, 0, True, False, (), (place,))
    seen = see(line, place, Header("amount", ("采购总金额",), type="amount", unit="万元"))
    assert [value for value, _ in seen.readings] == values


@pytest.mark.parametrize(
    ("column_type", "readings", "least", "most"),
    [
        pytest.param("count", (Reading("9995示", 0.9999),), 0.998, 0.999, id="digits read alone"),
        pytest.param("count", (), 0.89, 0.91, id="with the word"),
        pytest.param("amount", (Reading("9995示", 0.9999),), 0.0, 0.91, id="may be a unit of money"),
    ],
)
def test_a_misread_unit_leaves_a_count_as_sure_as_its_digits(column_type, readings, least, most) -> None:
    token = Token("9995示", BBox(0, 0, 50, 10), 0.9999, readings)
    place = Field(token.bbox, (0, 0.5), token)
    line = Line(1, 0, True, False, (), (place,))
    (first, p), *_ = see(line, place, Header("decisions", ("本年处理决定数量",), type=column_type)).readings
    assert first == 9995
    assert least < p < most


def test_specks_between_the_digits_of_a_count_speak_for_the_count() -> None:
    # Once 18 was as sure as 1.8 left it, though no count can be printed so.
    bbox = BBox(0, 0, 90, 9)
    texts = (Reading("1.8", 0.6), Reading("18", 0.39), Reading("13", 0.01))
    place = Field(bbox, (0.0, 1.0), Token("1.8", bbox, 0.6, texts))
    line = Line(1, 0, True, False, (), (place,))
    (first, p), *_ = see(line, place, Header("decisions", ("本年处理决定数量",))).readings
    assert (first, p) == (18, pytest.approx(0.39 + 0.98 * 0.6))


def test_readings_that_are_no_figures_make_no_other_less_likely() -> None:
    # Once +65 beside a speck was right with 0.93 only: the rest was +6+5 and the like.
    bbox = BBox(0, 0, 90, 9)
    readings = (Reading("+65", 0.93), Reading("+6+5", 0.05), Reading("65-6", 0.01), Reading("-65", 0.01))
    place = Field(bbox, (0.0, 1.0), Token("+65", bbox, 0.93, readings))
    line = Line(1, 0, True, False, (), (place,))
    seen = see(line, place, Header("change", ("本年增/减",), type="change")).readings
    assert dict(seen) == {65: pytest.approx(0.93 / 0.94, abs=1e-3), -65: pytest.approx(0.01 / 0.94, abs=1e-3)}


def test_a_count_has_no_point_even_before_a_0() -> None:
    # Once 4960 in full width, with a speck before the 0, was 496.
    bbox = BBox(0, 0, 90, 9)
    place = Field(
        bbox, (0.0, 1.0), Token("496.0", bbox, 0.95, (Reading("496.0", 0.95), Reading("4960", 0.05)))
    )
    (scan, digital) = (Line(1, 0, True, certain, (), (place,)) for certain in (False, True))
    count, amount = (Header("decisions", ("本年处理决定数量",), type=kind) for kind in ("count", "amount"))
    assert see(scan, place, count).readings == ((4960, pytest.approx(0.05 + 0.98 * 0.95)),)
    assert see(scan, place, amount).readings[0] == (496, 0.95)
    sure = replace(place, token=Token("496.0", bbox))
    assert see(digital, sure, count).readings[0][0] == 496


def test_a_row_without_a_cell_of_its_own_is_no_line_of_figures() -> None:
    # Once a table with a row that all of its cells only span ended the program.
    def label(bbox: BBox) -> Token:
        return Token("行政处罚", bbox, labels={"row:disclosure.penalties": 1.0})

    bbox = BBox(0, 10, 9, 19)
    rows = [
        Line(1, 0, True, False, (Field(b, (0.0, 1.0), label(b)),), (Field(b, (0.0, 1.0), Token("2", b)),))
        for b in (bbox, bbox._replace(top=20, bottom=29), bbox._replace(top=30, bottom=39))
    ]
    empty = Line(1, 0, True, False, (), ())
    assert not list(find_unplaced([empty, *rows], {1, 2, 3}))
    assert without_scribbles([empty, *rows]) == [empty, *rows]


def test_a_mark_that_is_likelier_nothing_is_no_line_of_figures() -> None:
    def line(*readings: Reading) -> Line:
        token = Token("5", BBox(0, 0, 9, 9), readings[0].probability, readings)
        return Line(1, 0, True, False, (), (Field(token.bbox, (0.0, 1.0), token),))

    row, nothing = line(Reading("2", 1.0)), Reading("", 0.46)
    assert not list(find_unplaced([line(nothing, Reading("5", 0.17)), row], {1}))
    assert list(find_unplaced([line(Reading("5", 0.5), nothing), row], {1}))


def test_figures_stacked_in_a_cell_of_a_scan_are_less_sure_than_one() -> None:
    table = table_of([["行政处罚", "5"]])
    bbox = table.cells[1].bbox
    stacked = Cell(0, 1, 1, 2, bbox, (Token("12", bbox, 0.99), Token("3", bbox, 0.99)))
    table = Table(1, table.bbox, 1, 2, (table.cells[0], stacked))
    evidence = read(table, kind="scan")
    row = next(r for r in evidence.rows if r.row.key == "penalties")
    (seen,) = row.layouts[0].cells.values()
    assert seen is not None
    ((value, probability),) = seen.readings
    assert value == 123
    assert probability < 0.95


@pytest.mark.parametrize(
    ("lines", "kind", "expected"),
    [
        (["5", "3"], "text", "5、3"),
        (["5", "300"], "text", "5、300"),
        (["22 16"], "text", "22、16"),
        (["5 1 234"], "text", "5、1、234"),
        (["25.1", "3"], "text", "25.1、3"),
        (["1 234 567"], "text", "1 234 567"),
        (["22", "(其中修订1 6件)"], "text", "22(其中修订1 6件)"),
        (["251000", "元"], "text", "251000元"),
        (["5 3"], "digital", "5 3"),
        (["5", "3"], "digital", "53"),
        (["17", "18"], "digital", "17、18"),
    ],
)
def test_two_figures_typed_into_one_cell_are_none(lines: list[str], kind: str, expected: str) -> None:
    table = table_of([["行政处罚", "5"]])
    bbox = table.cells[1].bbox
    cell = Cell(0, 1, 1, 2, bbox, tuple(Token(text, bbox) for text in lines))
    table = Table(1, table.bbox, 1, 2, (table.cells[0], cell))
    (line,) = document_lines([Page(1, kind, 1000, 1000, tables=(table,))])  # type: ignore[arg-type]
    (place,) = line.fields
    assert place.token is not None
    assert place.token.text == expected
    assert is_figure(place.token.text) == ("、" not in expected)


def test_no_mark_in_a_cell_is_a_stray_where_nothing_was_read_from_pixels():
    # 22,918.98 of which the point and the comma were tokens of their own was accepted as 2291898.
    table = table_of([["行政处罚", "5"]])
    bbox = table.cells[1].bbox
    cell = Cell(0, 1, 1, 2, bbox, tuple(Token(text, bbox) for text in ("22", "918", "98", ",", ".")))
    table = Table(1, table.bbox, 1, 2, (table.cells[0], cell))
    (line,) = document_lines([Page(1, "digital", 1000, 1000, tables=(table,))])
    assert not any(place.token and is_figure(place.token.text) for place in line.fields)


GARBAGE = ("こにこえな", "2.43", "::·ri", "4", "S : 4こ")


def illegible_report(n_rows: int) -> list[Table]:
    """The tables of a fax whose letters were lost: labels read as nonsense, some of them as figures, in two
    columns, the first over all rows; the header of table 4 as figures, too."""
    sure = [[Token(str(10 * i + j), BBox(0, 0, 1, 1), 0.99) for j in range(7)] for i in range(n_rows)]
    header = [Token(text, BBox(0, 0, 1, 1), 0.6) for text in ("4", "42", "1")]
    cells = [Cell(0, 1, 0, 2, BBox(0, 0, 20, 10), (Token("(数据", BBox(0, 0, 20, 10), 0.3),))]
    cells += [
        Cell(0, 1, 4 + j, 5 + j, BBox(40.0 + 10 * j, 0, 50.0 + 10 * j, 10), (token,))
        for j, token in enumerate(header)
    ]
    bottom = 10.0 * n_rows + 10
    cells.append(
        Cell(1, n_rows + 1, 0, 1, BBox(0, 10, 10, bottom), (Token("{}下", BBox(0, 10, 10, bottom), 0.9),))
    )
    for i, tokens in enumerate(sure, 1):
        places = [Token(GARBAGE[i % len(GARBAGE)], BBox(0, 0, 1, 1), 0.4), *tokens]
        for j, token in enumerate(places, 1):
            bbox = BBox(10.0 * j, 10.0 * i, 10.0 * j + 10, 10.0 * i + 10)
            cells.append(Cell(i, i + 1, j, j + 1, bbox, (replace(token, bbox=bbox),)))
    requests = Table(1, BBox(0, 0, 90, bottom), n_rows + 1, 9, tuple(cells))
    reviews = table_of([["0"] * 15, ["0"] * 15])
    unsure = [
        replace(cell, tokens=tuple(replace(token, text="24", confidence=0.5) for token in cell.tokens))
        for cell in reviews.cells[:7]
    ]
    disclosure = [table_of([["0"] * n] * rows) for n, rows in ((3, 2), (1, 1), (1, 2), (1, 1))]
    return [*disclosure, requests, replace(reviews, cells=(*unsure, *reviews.cells[15:]))]


def test_rows_without_a_legible_label_are_told_by_the_shape_of_their_table() -> None:
    evidence = read(*illegible_report(25), kind="scan")
    assert (evidence.form.name, evidence.n_named_rows, evidence.is_report) == ("2021", 0, True)
    found = [values(evidence, f"requests.{r.row.key}") for r in evidence.rows if r.section.table == REQUESTS]
    assert found == [[10 * i + j for j in range(7)] for i in range(25)]
    assert values(evidence, "reviews.") == [0] * 15
    assert evidence.problems[0].code == "unnamed_rows"


@pytest.mark.parametrize("n_rows", [15, 22])
def test_a_table_with_fewer_rows_is_no_report(n_rows: int) -> None:
    assert not read(*illegible_report(n_rows), kind="scan").is_report


def test_labels_of_something_else_speak_against_a_report() -> None:
    *others, requests, reviews = illegible_report(25)
    cells = tuple(
        replace(cell, tokens=(replace(cell.tokens[0], text="初级中学在校学生", confidence=0.98),))
        if cell.column_start == 1
        else cell
        for cell in requests.cells
    )
    assert not read(*others, replace(requests, cells=cells), reviews, kind="scan").is_report


def itemized(form: Form, figures: Sequence[Sequence[str]], labels_at_end: int) -> list[Table]:
    """Table 3 as a dump has it, a table per block: labels, then figures of several rows in one run."""
    section = next(s for s in form.sections if s.table == REQUESTS)
    labels = [row.labels[0] for row in section.rows]
    tables = [table_of([[c.labels[0]] for c in section.columns], gridded=False)]
    keep = len(labels) - labels_at_end
    for label, fields in zip(labels[:keep], figures[:keep], strict=True):
        tables += [table_of([[label]], gridded=False), table_of([fields], gridded=False)]
    tables.append(table_of([[label] for label in labels[keep:]], gridded=False))
    return [*tables, table_of([[f for fields in figures[keep:] for f in fields]], gridded=False)]


def test_run_of_figures_is_the_rows_whose_labels_stand_before_it() -> None:
    form = load_form("2021")
    figures = [[str(10 * i + j) for j in range(7)] for i in range(25)]
    evidence = read(*itemized(form, figures, labels_at_end=4), kind="text")
    assert evidence.form.name == "2021"
    found = [
        values(evidence, f"requests.{row.row.key}") for row in evidence.rows if row.section.table == REQUESTS
    ]
    assert found == [[int(f) for f in fields] for fields in figures]


def test_row_without_label_goes_on_after_headers() -> None:
    # pdftotext writes the groups of table 4 one after the other, each with its headers.
    form = load_form("2021")
    rows = [table_of([["四、政府信息公开行政复议、行政诉讼情况"], ["行政复议"]], gridded=False)]
    for group, first in (("结果维持", 1), ("复议后起诉", 6)):
        rows += [table_of([[group], ["结果纠正"], ["其他结果"], ["总计"]], gridded=False)]
        n = 5 if first == 1 else 10
        rows += [table_of([[str(first + k) for k in range(n)]], gridded=False)]
    evidence = read(*itemized(form, [["0"] * 7] * 25, labels_at_end=1), *rows, kind="text")
    assert values(evidence, "reviews.") == list(range(1, 16))


def test_label_of_three_lines_is_borrowed_whole() -> None:
    form = load_form("2021")
    rows = request_rows(form, {row.key: ["0"] * 7 for row in form.sections[-2].rows})
    i = next(i for i, fields in enumerate(rows) if "2.申请人逾期" in fields[0])
    text, figures = rows[i][0], rows[i][1:]
    rows[i : i + 1] = [[text[:12]], [text[12:24]], [text[24:]], figures]
    evidence = read(table_of(rows, gridded=False), kind="text")
    assert [r.row.key for r in evidence.rows if r.section.table == REQUESTS and r.label_cost > 1] == []


def test_a_line_with_a_label_of_its_own_borrows_none() -> None:
    """Below it stands the label of a row that is printed blank, without a figure."""
    rows = form_rows(load_form("2021"))
    names = [f"row:{section.table}.{row.key}" for section, row in rows]
    granted, secret = (names.index(f"row:requests.{k}") for k in ("partly_granted", "refused.state_secret"))

    def line(label: int, *texts: str) -> Line:
        fields = tuple(Field(BBox(0, 0, 1, 1), (0.5, 0.6), Token(t, BBox(0, 0, 1, 1))) for t in texts)
        token = Token("标签", BBox(0, 0, 1, 1), labels={names[label]: 0.98, "other": 0.02})
        return Line(1, 0, True, False, (Field(BBox(0, 0, 1, 1), (0.0, 0.4), token),), fields)

    with_figures, blank = row_label_costs([line(granted, "23", "31"), line(secret)], rows)
    assert with_figures[granted] < 0.1
    assert with_figures[secret] > 3
    assert blank[secret] < 0.1


def test_label_torn_into_cells_is_one_label() -> None:
    # Once `1.` in a cell of its own counted as the first figure, and a dash before a label broke the line.
    form = load_form("2021")
    rows = request_rows(form, {"refused.state_secret": ["4", "0", "0", "0", "0", "0", "4"]})
    torn = [
        [text[:2], "-", text[2:], *rest] if text.startswith("1.") else [text, "", "", *rest]
        for text, *rest in rows
    ]
    evidence = read(table_of(torn))
    assert values(evidence, "requests.refused.state_secret") == [4, 0, 0, 0, 0, 0, 4]


def test_labels_are_named_by_the_row_they_were_laid_into():
    page = Extractor(device="cpu").analyse(EXAMPLES / "broken.txt")
    names = [label.label for label in page.labels]
    rows = [f"row:requests.{row.key}" for s in load_form("2021").sections[4:5] for row in s.rows]
    assert [name for name in names if name.startswith("row:requests")] == rows
    assert names.count("under:（五）不予处理") == 1
    assert "title:reviews" in names


def make_token(text: str, label: str, left: float, *, p: float = 0.95) -> Token:
    return Token(text, BBox(left, 4, left + 8 * len(text), 16), labels={label: p, "note": 1 - p})


def shown(*tokens: Token) -> list[tuple[str, ...]]:
    """Labels, then fields, of a line that has all tokens in one cell."""
    cell = Cell(0, 1, 0, 1, BBox(0, 0, 600, 20), tokens)
    page = Page(1, "scan", 1000, 1000, tables=(Table(1, cell.bbox, 1, 1, (cell,)),))
    (line,) = document_lines([page])
    return [tuple(place.token.text for place in part if place.token) for part in (line.labels, line.fields)]


def test_figures_far_apart_in_one_cell_stand_in_columns_of_their_own() -> None:
    figures = [make_token(text, "figure", left) for text, left in (("17", 200), ("0", 300), ("24", 400))]
    assert shown(*figures) == [(), ("17", "0", "24")]
    assert shown(make_token("规章", "row:disclosure.regulations", 0), *figures) == [
        ("规章",),
        ("17", "0", "24"),
    ]


def test_what_stands_before_the_first_column_of_figures_is_label() -> None:
    def cell(row: int, column: int, text: str, label: str = "figure") -> Cell:
        bbox = BBox(100 * column, 30 * row, 100 * column + 90, 30 * row + 20)
        return Cell(row, row + 1, column, column + 1, bbox, (Token(text, bbox, labels={label: 1.0}),))

    names = {"自然人": "column:requests.natural_person", "其他": "column:requests.other_organization"}
    for first, n_fields in (("自然人", 2), ("其他", 3)):  # the second header does not say where figures begin
        cells = [cell(0, 1, first, names[first]), cell(0, 2, "总计", "column:requests.total")]
        cells += [cell(1, column, text) for column, text in enumerate(("4313", "5", "5"))]
        table = Table(1, BBox(0, 0, 300, 60), 2, 3, tuple(cells))
        last = document_lines([Page(1, "scan", 400, 400, tables=(table,))])[-1]
        assert (len(last.labels), len(last.fields)) == (3 - n_fields, n_fields)


@pytest.mark.parametrize(("label", "n_fields"), [("other", 2), ("row:requests.new", 0)])
def test_words_behind_the_columns_of_labels_that_name_nothing_are_no_label(label: str, n_fields: int) -> None:
    # Once rests of rules, read as 二二, made all of a row printed blank its label, and the row was lost.
    def cell(row: int, column: int, text: str, label: str = "") -> Cell:
        bbox = BBox(100 * column, 30 * row, 100 * column + 90, 30 * row + 20)
        tokens = (Token(text, bbox, labels={label: 0.7}),) if text else ()
        return Cell(row, row + 1, column, column + 1, bbox, tokens)

    cells = [
        cell(0, 1, "自然人", "column:requests.natural_person"),
        cell(0, 2, "总计", "column:requests.total"),
    ]
    cells += [cell(1, 0, "一、新收", "row:requests.new"), cell(1, 1, ""), cell(1, 2, "二二", label)]
    table = Table(1, BBox(0, 0, 300, 60), 2, 3, tuple(cells))
    *_, line = document_lines([Page(1, "scan", 400, 400, tables=(table,))])
    assert len(line.fields) == n_fields


def test_pieces_of_one_figure_stay_together() -> None:
    assert shown(make_token("12,", "figure", 200), make_token("345", "figure", 228)) == [(), ("12,345",)]


@pytest.mark.parametrize(
    ("note", "below", "least"),
    [
        ("（其中修订28", "件）", 0.998),
        ("（其中修订", "28件）", 0.998),
        ("", "件", 0.985),
        ("（其中修订28", "万元", 0.0),
        ("", "28件", 0.0),
    ],
)
def test_words_below_a_figure_leave_it_as_sure_as_it_is(note: str, below: str, least: float) -> None:
    # Once 31（其中修订28 / 件） was as unsure as its last line: 0.94, and the report was passed to review.
    readings = (Reading(f"31{note}", 0.999), Reading(f"37{note}", 0.001))
    figure = replace(make_token(f"31{note}", "figure", 200), confidence=0.999, readings=readings)
    words = replace(make_token(below, "figure", 200), confidence=0.9)
    table = Table(1, BBox(0, 0, 300, 60), 1, 1, (Cell(0, 1, 0, 1, BBox(0, 0, 300, 60), (figure, words)),))
    ((field,),) = (line.fields for line in document_lines([Page(1, "scan", 400, 400, tables=(table,))]))
    if not least:
        assert not field.token.readings
        assert field.token.confidence <= 0.9
    else:
        texts = [reading.text for reading in field.token.readings]
        assert texts == [f"31{note}{below}", f"37{note}{below}"]
        assert least < field.token.confidence <= 0.999


def test_words_far_apart_are_one_label() -> None:
    words = [
        make_token("规", "row:disclosure.regulations", 0),
        make_token("章", "row:disclosure.regulations", 80),
    ]
    assert shown(*words) == [("规章",), ()]


def test_a_stray_beside_a_figure_is_dropped() -> None:
    figure, stray = make_token("17", "figure", 200), make_token("1", "other", 300)
    assert shown(figure, stray) == [(), ("17",)]
    assert shown(figure, make_token("1", "other", 300, p=0.6)) == [(), ("17", "1")]
    assert shown(stray) == [(), ("1",)]


def kept_in(*cells: Cell) -> tuple[Token, ...]:
    """The tokens of the last of the cells of a row that are its own."""
    table = Table(1, BBox(0, 0, 900, 100), 1, max(cell.column_stop for cell in cells), cells)
    return without_strays(cells, table)[-1].tokens


def test_of_marks_that_are_nothing_the_likeliest_to_be_a_figure_stays() -> None:
    # Once two marks that were nothing with 0.998 each were joined to the figure 12, with 0.898.
    bbox = BBox(0, 0, 9, 9)
    likelier, other = (
        Token("1", bbox, p, (Reading("", p), Reading("1", 1 - p)), labels={"figure": 1.0})
        for p in (0.97, 0.99)
    )
    words = Token("足", bbox, 0.12, labels={"figure": 1.0})
    cell = Cell(0, 1, 0, 1, BBox(0, 0, 90, 20), (other, words, likelier))
    assert kept_in(cell) == (likelier,)


@pytest.mark.parametrize(
    ("stray", "is_dropped"),
    [
        (Token("……", BBox(0, 0, 9, 9), 0.6, labels={"figure": 1.0}), True),
        (Token("件", BBox(0, 0, 9, 9), 0.9, labels={"figure": 1.0}), False),
        (Token("1", BBox(0, 0, 9, 9), 0.7, (Reading("", 0.7), Reading("1", 0.3))), True),
        (Token("1", BBox(0, 0, 9, 9), 0.7, (Reading("1", 0.7), Reading("", 0.3))), False),
    ],
)
def test_marks_that_are_nothing_are_dropped_beside_a_figure(stray: Token, is_dropped: bool) -> None:
    figure = Token("96952件", BBox(20, 0, 80, 20), labels={"figure": 1.0})
    alone, beside = (Cell(0, 1, 0, 1, BBox(0, 0, 90, 20), tokens) for tokens in ((stray,), (stray, figure)))
    assert kept_in(alone) == (stray,)
    assert (kept_in(beside) == (figure,)) is is_dropped


@pytest.mark.parametrize(
    ("bbox", "sure", "is_dropped"),
    [
        (BBox(0, 0, 81, 71), 0.9, True),
        (BBox(0, 0, 142, 17), 0.4, True),
        (BBox(0, 30, 14, 52), 0.9, False),
        (BBox(0, 0, 81, 71), 0.995, False),
        (BBox(140, 56, 146, 66), 0.65, True),
        (BBox(140, 38, 146, 48), 0.65, False),
        (BBox(140, 56, 146, 66), 0.995, False),
        (BBox(140, 56, 154, 74), 0.65, False),
    ],
    ids=[
        "an arc",
        "the foot of a ring",
        "a digit",
        "surely a figure",
        "dirt below",
        "small and beside",
        "small and sure",
        "a figure below",
    ],
)
def test_a_mark_of_another_size_is_no_piece_of_a_figure(bbox: BBox, sure: float, is_dropped: bool) -> None:
    # Once an arc of a seal, read as 7, made 70 of a 0, and dirt below a sure 80 made 804 of it.
    mark = Token("7", bbox, sure, (Reading("7", sure),))
    figure = Token("0", BBox(150, 30, 164, 52), 0.9999, (Reading("0", 0.9999),))
    cell = Cell(0, 1, 0, 1, BBox(0, 0, 300, 73), (mark, figure))
    assert (kept_in(cell) == (figure,)) is is_dropped


def sure(text: str, left: float, top: float, p: float = 1.0) -> Token:
    return Token(text, BBox(left, top, left + 8 * len(text), top + 14), p, (Reading(text, p),))


@pytest.mark.parametrize(("tops", "kept"), [((20, 40), "126"), ((6, 20), "2"), ((20, 21), "1262")])
def test_a_mark_off_the_row_of_figures_is_none_of_a_figure(tops: tuple[float, float], kept: str) -> None:
    # Once what was left of a seal below 126 was read as 2, with 0.986, and made 1262 of it.
    row = [
        Cell(0, 1, c, c + 1, BBox(50.0 * c, 0, 50.0 * c + 50, 60), (sure("3", 50.0 * c + 20, 20),))
        for c in range(3)
    ]
    tokens = sure("126", 160, tops[0], 0.83), sure("2", 190, tops[1], 0.98)
    cell = Cell(0, 1, 3, 4, BBox(150, 0, 220, 60), tokens)
    assert "".join(token.text for token in kept_in(*row, cell)) == kept
    # A figure in two lines, both sure, is one; what is likely nothing tells no height.
    wrapped = replace(cell, tokens=(sure("12", 160, 20), sure("3", 160, 38)))
    assert kept_in(*row, wrapped) == wrapped.tokens
    nothing = Token("1", BBox(0, 48, 8, 58), 0.998, (Reading("", 0.998), Reading("1", 0.002)))
    assert kept_in(*(replace(c, tokens=(nothing,)) for c in row), cell) == tokens
    # Too few figures tell where those of the row stand.
    assert kept_in(*row[:2], cell) == tokens


@pytest.mark.parametrize(("left", "n"), [(97, 2), (80, 3)])
def test_the_rest_of_a_rule_between_two_figures_is_no_1(left: float, n: int) -> None:
    headers = [Cell(0, 1, c, c + 1, BBox(100.0 * c, 0, 100.0 * c + 100, 40)) for c in range(2)]
    tokens = sure("17", 40, 60), sure("1", left, 60), sure("0", 140, 60)
    merged = Cell(1, 2, 0, 2, BBox(0, 40, 200, 100), tokens)
    assert len(kept_in(*headers, merged)) == n
    assert kept_in(*headers, replace(merged, tokens=tokens[:2])) == tokens[:2]


def test_what_was_labelled_as_a_figure_is_none_of_the_labels_before_it() -> None:
    def fields_of(label: str) -> list[str]:
        texts = [("0", "figure"), ("区区", label), ("3", "figure")]
        cells = tuple(
            Cell(0, 1, i, i + 1, BBox(100 * i, 0, 100 * i + 100, 20), (make_token(text, name, 100 * i + 40),))
            for i, (text, name) in enumerate(texts)
        )
        page = Page(1, "scan", 1000, 1000, tables=(Table(1, BBox(0, 0, 300, 20), 1, 3, cells),))
        (line,) = document_lines([page])
        return [place.token.text for place in line.fields if place.token]

    assert fields_of("figure") == ["0", "区区", "3"]
    assert fields_of("row:disclosure.regulations") == ["3"]


def test_a_label_behind_a_mark_read_as_a_figure_is_a_label() -> None:
    """Strokes of a seal covered the beginning of the label."""
    mark = replace(make_token("7", "figure", 0, p=0.6), readings=(Reading("7", 0.5),), confidence=0.5)
    label = make_token("访投诉类申请", "row:requests.not_processed.petition", 10)
    cells = (
        Cell(0, 1, 0, 1, BBox(0, 0, 100, 20), (mark, label)),
        *(
            Cell(0, 1, i, i + 1, BBox(100 * i, 0, 100 * i + 100, 20), (make_token("0", "figure", 100 * i),))
            for i in range(1, 8)
        ),
    )
    page = Page(1, "scan", 1000, 1000, tables=(Table(1, BBox(0, 0, 800, 20), 1, 8, cells),))
    (line,) = document_lines([page])
    assert [place.token.text for place in line.fields if place.token] == ["0"] * 7
    assert [place.token.text for place in line.labels if place.token] == ["7访投诉类申请"]


# Captions with nothing behind them

ROW_NAMES = ("row:disclosure.penalties", "row:disclosure.coercion", "row:disclosure.fees")


def bare_rows(form: Form, figures: dict[str, list[str]]) -> list[list[str]]:
    """Table 3 as a text dump has it: of rows printed blank only the caption is left."""
    header, *rows = request_rows(form, figures)
    return [header, *([fields[0]] if not any(fields[1:]) else fields for fields in rows)]


@pytest.mark.parametrize(
    "mark",
    [
        Token("气", BBox(40, 20, 50, 30), 0.48),
        Token("7", BBox(40, 20, 50, 30), 0.9, (Reading("", 0.9), Reading("7", 0.1))),
    ],
)
def test_a_stroke_of_a_pen_in_the_margin_is_left_out_before_a_figure(mark: Token) -> None:
    # Once the figure of the last column was left out, a 0, which costs less than another.
    header = ["信息内容", "本年制发件数", "本年废止件数", "现行有效件数", ""]
    rows = [["规章", "0", "0", "0", ""], ["行政规范性文件", "3", "0", "0", ""]]
    table = table_of([header, *rows], gridded=False)
    cells = tuple(
        replace(c, tokens=(mark,)) if (c.row_start, c.column_start) == (2, 4) else c for c in table.cells
    )
    evidence = read(replace(table, cells=cells), kind="scan")
    assert values(evidence, "disclosure.normative_documents") == [3, 0, 0]


@pytest.mark.parametrize("mark", [sure("9", 30, 20, 0.9), sure("9", 30, 20, 0.4)])
def test_of_two_figures_for_one_column_the_surer_stays(mark: Token) -> None:
    # Once marks of a seal in a cell, read as 82 with 0.94, were kept and a sure 455 beside them left out.
    header = ["信息内容", "本年处理决定数量", "", ""]
    rows = [["行政处罚", "3", "", ""], ["行政强制", "", "455", ""]]
    table = table_of([header, *rows], gridded=False)
    at = {(2, 1): (mark,), (2, 2): (sure("455", 20, 20),)}
    cells = tuple(replace(c, tokens=at.get((c.row_start, c.column_start), c.tokens)) for c in table.cells)
    assert values(read(replace(table, cells=cells), kind="scan"), "disclosure.coercion") == [455]


@pytest.mark.parametrize(("above", "odds"), [(["5", "70", "5"], 11), (["5", "", "5"], 5)])
def test_a_blank_in_line_with_a_full_row_is_no_spare_place(above: list[str], odds: float) -> None:
    # Once a row of a table whose headers stood on the page before was as well `61, lost, 49`.
    table = table_of([["规章", *above], ["行政规范性文件", "", "61", "49"]])
    evidence = read(table, kind="scan")
    row = next(r for r in evidence.rows if r.row.key == "normative_documents")
    assert [layout.pattern for layout in row.layouts][:1] == [(1, 2)]
    costs = [layout.cost - row.layouts[0].cost for layout in row.layouts[1:]] or [math.inf]
    assert (min(costs) > 9) == (odds > 9)


@pytest.mark.parametrize(("marks", "n_headers"), [(["7"], 3), (["7", "1", "1", "1"], 0)])
def test_marks_beside_headers_leave_them_headers(marks: list[str], n_headers: int) -> None:
    # Once a mark of a fax, read as a figure, made a line of figures of the headers.
    header = ["信息内容", "本年制发件数", "本年废止件数", "现行有效件数", *marks]
    table = table_of([header, ["规章", "0", "0", "0", *[""] * len(marks)]])
    pages = label_pages([Page(1, "scan", 1000, 1000, tables=(table,))], load_classifier())
    lines = document_lines(pages)
    section = next(s for s in load_form("2021").sections if s.table == "disclosure")
    found = HeaderLines(lines, set()).find(1, section)
    assert sum(best_label(labels).startswith("column:") for _, labels in found.fields) == n_headers


def test_pieces_of_a_header_name_no_column() -> None:
    # Once 总计 was cut in two by a rule that ran into its cell, 心 was the header of the next column, and a
    # blank row was rather lost than laid below it.
    form = load_form("2021")
    leaves = ["结果维持", "结果纠正", "其他结果", "尚未审结", "总计"] * 3
    upper, lower = ([*leaves[:4], piece, *leaves[5:]] for piece in ("2", "心"))
    reviews = table_of([["四、行政复议", *[""] * 14], upper, lower, [""] * 15])
    evidence = read(table_of(request_rows(form, {})), reviews, kind="scan")
    assert values(evidence, "reviews.") == [None] * 15
    lines = document_lines(label_pages([Page(1, "scan", 1000, 1000, tables=(reviews,))], load_classifier()))
    section = next(s for s in form.sections if s.table == "reviews")
    texts = [
        place.token.text for place, _ in HeaderLines(lines, set()).find(3, section).fields if place.token
    ]
    assert "心" not in texts
    assert texts.count("结果维持") == 6


def test_a_header_over_two_columns_names_neither() -> None:
    # Once the rule between 尚未审结 and 总计 was lost: the blank row below seemed to lack a column.
    form = load_form("2021")
    leaves = ["结果维持", "结果纠正", "其他结果", "尚未审结", "总计"] * 3
    table = table_of([["四、行政复议", *[""] * 14], leaves, [""] * 15])
    wide = BBox(30, 10, 50, 20)
    merged = Cell(1, 2, 3, 5, wide, (Token("总计", wide),))
    cells = [c for c in table.cells if (c.row_start, c.column_start) not in ((1, 3), (1, 4))]
    reviews = replace(table, cells=(*cells, merged))
    evidence = read(table_of(request_rows(form, {})), reviews)
    assert values(evidence, "reviews.") == [None] * 15


def test_a_blank_row_is_blank_though_rules_between_its_cells_were_lost() -> None:
    form = load_form("2021")
    leaves = ["结果维持", "结果纠正", "其他结果", "尚未审结", "总计"] * 3
    table = table_of([["四、行政复议", *[""] * 14], leaves, [""] * 15])
    cells = [c for c in table.cells if (c.row_start, c.column_start) not in ((2, 6), (2, 7))]
    merged = Cell(2, 3, 6, 8, BBox(60, 20, 80, 30))
    reviews = replace(table, cells=(*cells[:36], merged, *cells[36:]))
    evidence = read(table_of(request_rows(form, {})), reviews)
    assert values(evidence, "reviews.") == [None] * 15
    # Cut off at the right its other cells were not seen.
    cut = replace(table, cells=tuple(c for c in table.cells if c.row_start < 2 or c.column_start < 9))
    evidence = read(table_of(request_rows(form, {})), cut)
    assert "-" in values(evidence, "reviews.")


@pytest.mark.parametrize(
    ("left", "expected"), [(22, [None, 1, None]), (12, [1, None, None]), (18, None), (None, [None] * 3)]
)
def test_a_cell_below_two_headers_parts_where_its_figure_stands_below_one(left, expected) -> None:
    # Once the rule between the first columns was lost in all rows: 1 was as likely the one as the other.
    evidence = read(below_two_headers(left), kind="scan")
    found = values(evidence, "disclosure.regulations")
    assert found == expected if expected else "-" in found


def test_two_headers_in_one_cell_are_headers_of_two_columns() -> None:
    table = below_two_headers(22)
    header = [token for cell in table.cells[1:3] for token in cell.tokens]
    merged = Cell(0, 1, 1, 3, BBox(10, 0, 30, 10), tuple(header))
    evidence = read(replace(table, cells=(table.cells[0], merged, *table.cells[3:])), kind="scan")
    assert values(evidence, "disclosure.regulations") == [None, 1, None]


def below_two_headers(left: float | None) -> Table:
    """Blocks of table 1 where a row has one cell below two headers, with a figure at `left`, or blank."""
    header = ["信息内容", "本年制发件数", "本年废止件数", "现行有效件数"]
    table = table_of([header, ["规章", "", "", ""], ["行政规范性文件", "3", "4", "5"]])
    cells = [c for c in table.cells if (c.row_start, c.column_start) not in ((1, 1), (1, 2))]
    tokens = () if left is None else (sure("1", left, 10),)
    merged = Cell(1, 2, 1, 3, BBox(10, 10, 30, 20), tokens)
    return replace(table, cells=(*cells[:5], merged, *cells[5:]))


def test_a_caption_alone_is_a_blank_row_where_no_zeros_are_printed() -> None:
    form = load_form("2021")
    full = ["3", "1", "2", "4", "5", "6", "21"]
    evidence = read(
        table_of(bare_rows(form, {"new": full, "handled_total": full}), gridded=False), kind="text"
    )
    assert values(evidence, "requests.granted") == [None] * 7
    assert values(evidence, "requests.new") == [3, 1, 2, 4, 5, 6, 21]


def test_a_blank_row_is_where_the_columns_cross_it() -> None:
    form = load_form("2021")
    evidence = read(table_of(bare_rows(form, {}), gridded=False), kind="scan")
    found = next(r for r in evidence.rows if f"{r.section.table}.{r.row.key}" == "requests.carried_in")
    bboxes = [seen.bbox for seen in found.layouts[0].cells.values() if seen]
    assert bboxes == [BBox(x, 20.0, x + 10, 30.0) for x in range(10, 80, 10)]


def test_dirt_beside_a_figure_is_no_part_of_it() -> None:
    form = load_form("2021")
    rows = request_rows(form, {"new": ["0"] * 7})
    table = table_of(rows)
    dirty = {"0.": 0.96, "0": 0.03}, {"-0": 0.9, "0": 0.05}, {"0": 0.8, "-0": 0.2, "0.": 1e-9}
    cells = list(table.cells)
    for column, texts in zip((1, 2, 3), dirty, strict=True):
        i = next(i for i, c in enumerate(cells) if (c.row_start, c.column_start) == (1, column))
        readings = tuple(Reading(text, p) for text, p in texts.items())
        token = replace(cells[i].tokens[0], text=readings[0].text, readings=readings, confidence=0.9)
        cells[i] = replace(cells[i], tokens=(token,))
    evidence = read(replace(table, cells=tuple(cells)), kind="scan")
    found = next(r for r in evidence.rows if f"{r.section.table}.{r.row.key}" == "requests.new")
    first, second, third, *_ = (seen.readings if seen else () for seen in found.layouts[0].cells.values())
    assert first == ((0, pytest.approx(0.99)),)
    assert second == ((0, pytest.approx(0.95)),)
    assert third == ((0, 1.0),)


def test_readings_of_the_same_figure_count_together() -> None:
    form = load_form("2021")
    table = table_of(request_rows(form, {"new": ["7"] * 7}))
    texts = {"1": 0.4, "7": 0.35, "7.": 0.25}
    readings = tuple(Reading(text, p) for text, p in texts.items())
    cells = [
        replace(cell, tokens=(replace(cell.tokens[0], readings=readings),)) if cell.text == "7" else cell
        for cell in table.cells
    ]
    evidence = read(replace(table, cells=tuple(cells)), kind="scan")
    found = next(r for r in evidence.rows if f"{r.section.table}.{r.row.key}" == "requests.new")
    for seen in found.layouts[0].cells.values():
        assert seen is not None
        assert seen.readings == ((7, pytest.approx(0.6)), (1, 0.4))


def test_a_caption_alone_has_lost_its_figures_where_zeros_are_printed() -> None:
    form = load_form("2021")
    full = ["3", "0", "0", "0", "0", "0", "3"]
    evidence = read(
        table_of(bare_rows(form, {"new": full, "handled_total": full}), gridded=False), kind="text"
    )
    assert values(evidence, "requests.granted") == ["-"] * 7


def test_a_caption_alone_that_stands_in_no_sum_is_blank_with_doubt() -> None:
    rows = [["第二十条第（五）项"], ["信息内容", "本年处理决定数量"], ["行政许可"]]
    rows += [["第二十条第（六）项"], ["信息内容", "本年处理决定数量"], ["行政处罚", "24"], ["行政强制", "3"]]
    evidence = read(table_of(rows, gridded=False), kind="text")
    assert values(evidence, "disclosure.licensing") == [None]
    assert values(evidence, "disclosure.penalties") == [24]
    verdict = decide(evidence, [], max_risk=0.05)
    cell = verdict.cells["disclosure.licensing.decisions"]
    assert (cell.status, cell.value, cell.confidence) == ("blank", 0, 0.9)
    assert verdict.status == "review"


def test_a_caption_beside_what_was_not_understood_is_no_blank_row() -> None:
    cells = []
    for i, texts in enumerate((("行政处罚", "24"), ("行政强制", "3"), ("行政事业性收费", "公开指南"))):
        for j, text in enumerate(texts):
            bbox = BBox(100.0 * j, 10.0 * i, 100.0 * j + 90, 10.0 * i + 10)
            label = "figure" if text.isdigit() else "other" if j else ROW_NAMES[i]
            cells.append(Cell(i, i + 1, j, j + 1, bbox, (Token(text, bbox, labels={label: 0.95}),)))
    page = Page(1, "text", 1000, 1000, tables=(Table(1, BBox(0, 0, 200, 30), 3, 2, tuple(cells), False),))
    evidence = collect_evidence([page], [load_form("2021")])
    assert values(evidence, "disclosure.fees") == ["-"]
    assert values(evidence, "disclosure.coercion") == [3]


def test_figures_below_the_headers_of_a_table_are_of_that_table() -> None:
    form = load_form("2021")
    rows = [table_of(bare_rows(form, {}), gridded=False)]
    head = [["四、政府信息公开行政复议、行政诉讼情况"], ["行政复议", "行政诉讼"]]
    head += [["未经复议直接起诉", "复议后起诉"], ["结果维持", "结果纠正", "其他结果", "尚未审结", "总计"] * 3]
    rows += [table_of([*head, ["1", "1"]], gridded=False)]
    evidence = read(*rows, kind="text")
    assert values(evidence, "requests.carried_out") == [None] * 7
    assert [value for value in values(evidence, "reviews.") if value != "-"] == [1, 1]


@pytest.mark.parametrize("index", [0, 4, 9])
def test_the_form_is_that_of_a_full_search(index: int) -> None:
    path = sorted((Path(__file__).parents[1] / "eval" / "fixtures").glob("*seed-*.txt"))[index]
    lines = without_scribbles(document_lines(label_document(load(path), load_classifier()).pages))
    forms = list(load_forms().values())
    full = [_fit_form(lines, form, _foreign_label_cost(lines, form), math.inf) for form in forms]
    form, ways = min(zip(forms, full, strict=True), key=lambda fit: fit[1][0].cost)
    found, kept = _choose_form(lines, forms)
    near = [way for way in ways if way.cost < ways[0].cost + 7]
    assert (found.name, list(kept[: len(near)])) == (form.name, near)


SPARE = load_form("2021")
SPARE_ROWS = {f"{section.table}.{row.key}": j for j, (section, row) in enumerate(form_rows(SPARE))}


def row_at(top: float, *texts: str, label: str | None = None, sure: float = 1.0) -> Line:
    """A line of a scan with its figures at a height of the page, 10 px high; an empty text is a blank."""
    boxes = [BBox(100.0 * i, top, 100.0 * i + 9, top + 10) for i in range(len(texts) + 1)]
    name = Token("名", boxes[0], labels={f"row:{label}": 1.0})
    tokens = [Token(t, b, sure, labels={"figure": 1.0}) for t, b in zip(texts, boxes[1:], strict=True)]
    fields = tuple(Field(t.bbox, (0.5, 0.6), t if t.text else None) for t in tokens)
    return Line(1, 0, True, False, (Field(boxes[0], (0.0, 0.1), name),) if label else (), fields)


def is_spare(line: Line, above: Line, below: Line, *names: str) -> bool:
    """Whether a line is spare between two others that were laid into these rows of the form."""
    lines = [above, line, below]
    matched, layouts = {}, {}
    for i, name in zip((0, 2), names, strict=True):
        j = SPARE_ROWS[name]
        section, row = form_rows(SPARE)[j]
        matched[j] = Match(lines[i], (i,), 0.0)
        layouts[j] = lay_fields(lines[i], section, row, Headers([], None), prints_zeros=True)[0]
    return 1 in find_spare(lines, matched, layouts, SPARE)


PENALTIES, COERCION, FEES = "disclosure.penalties", "disclosure.coercion", "disclosure.fees"
LEVEL = row_at(0, "42", label=PENALTIES)


@pytest.mark.parametrize(
    ("line", "above", "below", "name", "expected"),
    [
        pytest.param(row_at(100, "1"), LEVEL, row_at(200, "7", label=COERCION), COERCION, True, id="page"),
        pytest.param(row_at(100, "1"), LEVEL, row_at(200, "", label=COERCION), COERCION, False, id="blank"),
        pytest.param(row_at(100, "1"), LEVEL, row_at(200, "7", label=FEES), FEES, False, id="row lost"),
        pytest.param(row_at(12, "1"), LEVEL, row_at(200, "7", label=COERCION), COERCION, False, id="near"),
        pytest.param(
            row_at(100, "1", "2", "3"), LEVEL, row_at(200, "7", label=COERCION), COERCION, False, id="many"
        ),
        pytest.param(
            row_at(100, "1", label=FEES), LEVEL, row_at(200, "7", label=COERCION), COERCION, False, id="named"
        ),
        pytest.param(
            row_at(100, "1"), LEVEL, row_at(200, "7", label=COERCION, sure=0.6), COERCION, False, id="unsure"
        ),
        pytest.param(row_at(100, "1"), LEVEL, row_at(200, "7"), COERCION, False, id="no label of its own"),
        pytest.param(
            replace(row_at(100, "1"), certain=True), LEVEL, row_at(200, "7", label=COERCION), COERCION, False,
            id="not from pixels",
        ),
    ],
)  # fmt: skip
def test_a_line_between_rows_that_lack_nothing_is_spare(
    line: Line, above: Line, below: Line, name: str, expected: bool
) -> None:
    # Once the number of a page was a figure without a row, and a report that was read right went to review.
    assert is_spare(line, above, below, PENALTIES, name) is expected


@pytest.mark.parametrize(("width", "expected"), [(1.0, True), (0.6, False)])
def test_a_cell_as_wide_as_its_table_holds_no_figure_of_a_row(width: float, expected: bool) -> None:
    # Once a shaded caption between two rows was read as 第84, and the report went to review.
    caption = row_at(12, "84")
    (place,) = caption.fields
    caption = replace(caption, fields=(replace(place, position=(0.0, width)),))
    blank = row_at(24, "", label=COERCION)
    assert is_spare(caption, LEVEL, blank, PENALTIES, COERCION) is expected
    torn = replace(caption, gridded=False)
    assert not is_spare(torn, LEVEL, blank, PENALTIES, COERCION)


@pytest.mark.parametrize(("total", "expected"), [("8", True), ("9", False)])
def test_a_piece_of_a_row_is_spare_when_its_sum_holds(total: str, expected: bool) -> None:
    duplicate, publication = "requests.not_processed.duplicate", "requests.not_processed.publication"
    above = row_at(0, "5", "", "", "3", "", "", total, label=duplicate)
    below = row_at(30, *"0000000", label=publication)
    torn = row_at(12, "5", "3", "0", "8", label=duplicate)
    assert is_spare(torn, above, below, duplicate, publication) is expected


def test_only_labels_of_other_forms_speak_against_a_form_and_each_of_them_once() -> None:
    box = BBox(0, 0, 10, 10)

    def place(label: str, left: float) -> Field:
        token = Token("标签", box._replace(left=left), 0.99, labels={label: 1.0})
        return Field(token.bbox, (0.0, 0.1), token)

    # Words beside a table, and a cell that spans rows, once cost a report its place among the accepted.
    spanning = place("column:disclosure.made", 0)
    lines = [Line(1, 0, True, False, (spanning, place("other", 20 + i)), ()) for i in range(20)]
    assert _foreign_label_cost(lines, load_form("2019")) == pytest.approx(0.0, abs=1e-6)
    assert _foreign_label_cost(lines, load_form("2021")) == 4.0


@pytest.mark.parametrize(("text", "n_fields"), [("0万元", 1), ("总计", 0)])
def test_a_figure_with_its_unit_is_no_label_whatever_it_was_taken_for(text: str, n_fields: int) -> None:
    def cell(text: str, label: str, column: int, *, readings: tuple[Reading, ...] = ()) -> Cell:
        box = BBox(100 * column, 0, 100 * column + 100, 20)
        token = Token(text, box, 0.9999, readings, labels={label: 1.0})
        return Cell(0, 1, column, column + 1, box, (token,))

    readings = (Reading(text, 0.9999),) if n_fields else ()
    cells = (
        cell("行政事业性收费", "row:disclosure.fees", 0),
        cell(text, "column:disclosure.amount", 1, readings=readings),
    )
    table = Table(1, BBox(0, 0, 200, 20), 1, 2, cells)
    (line,) = document_lines([Page(1, "scan", 200, 20, tables=(table,))])
    assert len(line.fields) == n_fields
