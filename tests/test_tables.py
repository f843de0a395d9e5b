from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from giar_ml.document import UNREAD, BBox, Before, Cell, Page, Reading, Table, Token
from giar_ml.tables import (
    add_aligned_tables,
    cells_to_tables,
    fill_cells,
    find_tables,
    lines_to_cells,
    split_stacked_rows,
)
from giar_ml.tables.choosing import keep_meeting
from giar_ml.tables.lost import covers
from giar_ml.tables.rules import find_rules, group_rules, to_gray
from giar_ml.tables.ruling import Rule, Rules
from giar_ml.tables.segments import (
    Segment,
    find_segments,
    fit_line,
    split_hairs,
    without_hairs,
    without_strokes,
)
from giar_ml.tables.traces import Marks, _long_runs

PAPER = 255


def spans(cells: tuple[Cell, ...]) -> list[tuple[int, int, int, int]]:
    return [(c.row_start, c.row_stop, c.column_start, c.column_stop) for c in cells]


def grid_rules(xs: list[float], ys: list[float]) -> tuple[list[Rule], list[Rule]]:
    return [Rule(y, xs[0], xs[-1]) for y in ys], [Rule(x, ys[0], ys[-1]) for x in xs]


def draw_grid(xs: list[int], ys: list[int], *, thickness: int = 2, level: int = 0) -> np.ndarray:
    image = np.full((700, 1000, 3), PAPER, np.uint8)
    for x in xs:
        cv2.line(image, (x, ys[0]), (x, ys[-1]), (level,) * 3, thickness)
    for y in ys:
        cv2.line(image, (xs[0], y), (xs[-1], y), (level,) * 3, thickness)
    return image


def scan(image: np.ndarray, *, dpi: float = 200) -> Page:
    return Page(1, "scan", image.shape[1], image.shape[0], image, dpi)


XS, YS = [100, 400, 500, 600], [100, 180, 260, 340]


def test_plain_grid_has_a_cell_per_square() -> None:
    grid = lines_to_cells(*grid_rules([0, 100, 200], [0, 50, 100, 150]), tolerance=8)
    assert (grid.n_rows, grid.n_columns) == (3, 2)
    assert spans(grid.cells) == [(r, r + 1, c, c + 1) for r in range(3) for c in range(2)]
    assert grid.cells[0].bbox == BBox(0.5, 0.5, 99.5, 49.5)


@pytest.mark.parametrize(
    ("pieces", "is_divided"),
    [
        ([(104, 116), (122, 140)], False),
        ([(104, 146)], True),
        # What is left of a rule that goes on.
        ([(54, 78), (110, 130)], True),
    ],
)
def test_strokes_in_line_with_a_rule_divide_no_cell(pieces, is_divided) -> None:
    # Once -14 in a cell that spans two columns was cut before its 4, where the 1 stands.
    rows = [Rule(y, 0, 200) for y in (0, 50, 100, 150, 200)]
    columns = [Rule(0, 0, 200), Rule(100, 0, 50), Rule(200, 0, 200)]
    left = [Rule(100, *piece) for piece in pieces]
    grid = lines_to_cells(rows, columns, tolerance=4, column_pieces=left)
    assert [c.column_stop - c.column_start for c in grid.cells if c.row_start == 2] == (
        [1, 1] if is_divided else [2]
    )


@pytest.mark.parametrize(("level", "is_rule"), [(150, False), (0, True)])
def test_a_pale_line_thinner_than_rules_is_none(level, is_rule) -> None:
    # Once dirt on a scanner's glass drew one between the digits of 3733, and they were 3 and 733.
    xs, ys = [100, 400, 700, 950], [100, 180, 260, 340, 420]
    image = draw_grid(xs, ys, thickness=4)
    cv2.line(image, (550, 60), (550, 500), (level,) * 3, 1)
    rules = find_rules(image, dpi=200)
    assert any(abs(rule.position - 550) < 3 for rule in rules.vertical) is is_rule
    assert any(abs(rule.position - 550) < 3 for rule in rules.column_streaks) is not is_rule
    assert not is_rule or not any(abs(piece.position - 550) < 3 for piece in rules.column_streaks)
    page = find_tables(scan(image))
    assert page.tables[0].n_columns == (4 if is_rule else 3)
    assert is_rule or (to_gray(page.image)[:, 545:555] == PAPER).mean() > 0.9


def test_hairs_are_told_by_the_rules_of_their_direction() -> None:
    rules = [Segment(0, 500, 100.0 * i, 0.0, 4.0, 200.0) for i in range(4)]
    thin = Segment(0, 500, 450, 0.0, 1.5, 190.0)
    pale = Segment(0, 500, 460, 0.0, 4.0, 90.0)
    short = Segment(0, 40, 470, 0.0, 1.5, 90.0)
    hair = Segment(0, 220, 480, 0.0, 1.5, 90.0)
    in_line, of_a_rule = Segment(400, 470, 481, 0.0, 1.5, 90.0), Segment(0, 80, 520, 0.0, 1.5, 90.0)
    kept = [*rules, thin, pale, short, of_a_rule]
    assert split_hairs([*kept, hair, in_line], [], dpi=200) == (kept, [hair, in_line])
    # From one level rule to another, or broken in a row, it is a rule.
    for ends, is_rule in (((0, 220), True), ((0, 300), True), ((-80, 220), True), ((0, 400), False)):
        level = [Segment(0, 600, y, 0.0, 4.0, 200.0) for y in ends]
        assert (hair in split_hairs([*kept, hair], level, dpi=200)[0]) is is_rule
    assert split_hairs([rules[0], hair], [], dpi=200) == ([rules[0], hair], [])
    dark = np.ones((500, 600), np.uint8)
    marks = without_hairs(Marks(dark, dark, dark), [hair])
    assert np.flatnonzero(marks.dark[480] == 0).tolist() == list(range(440))
    assert (marks.dark == 0).sum() == 5 * 440
    assert without_hairs(marks, []) is marks


@pytest.mark.parametrize(
    ("rows_with_it", "n_columns", "n_rows", "is_divided"),
    [
        ((1,), 4, 5, False),
        ((2, 3), 4, 10, False),
        ((1, 2), 4, 5, True),
        ((1, 3), 4, 10, True),
        ((1,), 3, 5, True),
        ((1,), 4, 4, True),
    ],
)
def test_a_rule_in_few_rows_alone_is_none(rows_with_it, n_columns, n_rows, is_divided) -> None:
    # Once the stroke of a seal in two rows of many alike made a column, and figures beside it another.
    rows = [Rule(50 * i, 0, 100 * n_columns) for i in range(n_rows + 1)]
    columns = [Rule(100 * i, 0, 50 * n_rows) for i in range(n_columns + 1)]
    stroke = [Rule(130, 50 * row, 50 * row + 50) for row in rows_with_it]
    grid = lines_to_cells(rows, [*columns, *stroke], tolerance=4)
    for row in rows_with_it:
        assert sum(c.row_start == row for c in grid.cells) == n_columns + is_divided


def test_a_rule_that_slips_off_its_line_in_few_rows_divides_them() -> None:
    # Once the rule of a bent page stood a little beside itself in the first row, and its cells were one.
    rows = [Rule(50 * i, 0, 500) for i in range(11)]
    columns = [Rule(x, 0, 500) for x in (0, 100, 300, 400, 500)]
    bent = [Rule(210, 0, 50), Rule(200, 50, 500)]
    grid = lines_to_cells(rows, [*columns, *bent], tolerance=4)
    assert [sum(c.row_start == row for c in grid.cells) for row in (0, 1)] == [5, 5]


def test_columns_of_few_rows_stay_where_those_around_have_others() -> None:
    rows = [Rule(50 * i, 0, 400) for i in range(11)]
    columns = [Rule(0, 0, 500), Rule(400, 0, 500), Rule(100, 0, 200), Rule(300, 0, 200)]
    own = [Rule(x, 250, 350) for x in (80, 160, 240, 320)]
    grid = lines_to_cells(rows, [*columns, *own], tolerance=4)
    assert [sum(c.row_start == row for c in grid.cells) for row in (5, 6)] == [5, 5]


def test_a_lost_border_is_where_the_longer_of_two_rules_begins() -> None:
    rows = [Rule(0, 40, 300), Rule(50, 0, 300)]
    columns = [Rule(x, 0, 50) for x in (60, 120, 180, 240, 300)]
    grid = lines_to_cells(rows, columns, tolerance=8)
    assert spans(grid.cells) == [(0, 1, c, c + 1) for c in range(5)]
    assert grid.cells[0].bbox == BBox(0, 0.5, 59.5, 49.5)


def test_missing_rules_merge_cells() -> None:
    horizontal, vertical = grid_rules([0, 100, 200, 300], [0, 50, 100, 150])
    horizontal[1] = Rule(50, 100, 300)
    vertical[2] = Rule(200, 50, 150)
    grid = lines_to_cells(horizontal, vertical, tolerance=8)
    assert (0, 2, 0, 1) in spans(grid.cells)
    assert (0, 1, 1, 3) in spans(grid.cells)
    assert len(grid.cells) == 7


def test_double_lines_and_gaps_make_no_cells() -> None:
    horizontal, vertical = grid_rules([0, 100, 200], [0, 50, 100])
    horizontal[1:2] = [Rule(48, 0, 90), Rule(52, 104, 200)]
    vertical.append(Rule(203, 0, 100))
    grid = lines_to_cells(horizontal, vertical, tolerance=8)
    assert (grid.n_rows, grid.n_columns, len(grid.cells)) == (2, 2, 4)


@pytest.mark.parametrize("missing", [0, -1])
def test_torn_table_is_closed_where_its_rules_end(missing: int) -> None:
    horizontal, vertical = grid_rules([0, 100, 200], [0, 50, 100, 150])
    del horizontal[missing]
    assert lines_to_cells(horizontal, vertical, tolerance=8).n_rows == 3


def test_strokes_above_a_table_do_not_make_a_row() -> None:
    horizontal, vertical = grid_rules([0, 100, 200, 300, 400], [0, 50, 100])
    vertical[1] = vertical[1]._replace(start=-25)
    vertical[2] = vertical[2]._replace(start=-25)
    assert lines_to_cells(horizontal, vertical, tolerance=8).n_rows == 2


@pytest.mark.parametrize(("stop", "n_cells"), [(108, 7), (120, 8)])
def test_a_rule_that_runs_into_a_cell_goes_on(stop: int, n_cells: int) -> None:
    vertical, horizontal = grid_rules([0, 100, 200, 300, 400], [0, 50, 100])
    vertical[1:2] = [Rule(50, 0, stop), Rule(50, 200, 400)]
    assert len(lines_to_cells(horizontal, vertical, tolerance=8).cells) == n_cells


def test_a_level_rule_goes_on_between_two_cells_that_it_divides() -> None:
    # A fax had lost it there: a header and the figure below it were one cell, and what stood before a label.
    horizontal, vertical = grid_rules([0, 100, 200, 300, 400], [0, 50, 100])
    horizontal[1:2] = [Rule(50, 0, 100), Rule(50, 200, 400)]
    assert len(lines_to_cells(horizontal, vertical, tolerance=8).cells) == 8
    horizontal[1:3] = [Rule(50, 0, 100), Rule(50, 300, 400)]
    assert len(lines_to_cells(horizontal, vertical, tolerance=8).cells) == 6


@pytest.mark.parametrize(("stop", "n_cells"), [(250, 9), (230, 8)])
def test_a_rule_that_runs_far_into_the_last_cell_goes_on(stop: int, n_cells: int) -> None:
    # A fax had lost the rest of it, and the figure below was taken for a part of the header above.
    horizontal, vertical = grid_rules([0, 100, 200, 400], [0, 50, 100, 150])
    horizontal[1] = Rule(50, 0, stop)
    assert len(lines_to_cells(horizontal, vertical, tolerance=8).cells) == n_cells


@pytest.mark.parametrize(("apart", "is_kept"), [(60, True), (100, False)])
def test_a_rule_goes_on_behind_a_gap_and_holds_what_ends_on_it(apart: int, is_kept: bool) -> None:
    # A fax had lost a piece of the rule, and behind it those that crossed it broke: 11 and 0 became 1110.
    behind = Rule(100, 600 + apart, 840)
    rows = [Rule(100, 0, 600), behind, Rule(160, 0, 840)]
    columns = [Rule(0, 100, 320), Rule(770, 100, 175)]
    kept_rows, kept_columns = keep_meeting(rows, columns, dpi=200)
    assert (behind in kept_rows, columns[1] in kept_columns) == (is_kept, is_kept)


def test_partly_lost_rule_leaves_rectangles() -> None:
    horizontal, vertical = grid_rules([0, 100, 200], [0, 50, 100])
    horizontal[1] = Rule(50, 100, 200)
    vertical[1] = Rule(100, 50, 100)
    cells = lines_to_cells(horizontal, vertical, tolerance=8).cells
    area = sum((c.row_stop - c.row_start) * (c.column_stop - c.column_start) for c in cells)
    assert area == 4


def test_no_rules_make_no_cells() -> None:
    assert lines_to_cells([], [], tolerance=8).cells == ()
    assert lines_to_cells([Rule(0, 0, 100)], [], tolerance=8).cells == ()


@pytest.mark.parametrize(
    ("thickness", "level"),
    [
        pytest.param(1, 170, id="grey hairline"),
        pytest.param(2, 0, id="black"),
        pytest.param(6, 0, id="thick"),
    ],
)
def test_find_tables_in_an_image(thickness: int, level: int) -> None:
    (table,) = find_tables(scan(draw_grid(XS, YS, thickness=thickness, level=level))).tables
    assert (table.n_rows, table.n_columns, table.gridded) == (3, 3, True)
    assert table.cells[4].bbox == pytest.approx((400, 180, 500, 260), abs=6)


@pytest.mark.parametrize("degrees", [-1.5, -0.5, 0.5, 1.5])
def test_find_tables_in_a_skewed_image(degrees: float) -> None:
    image = draw_grid(XS, YS)
    turn = cv2.getRotationMatrix2D((500, 350), degrees, 1)
    image = cv2.warpAffine(image, turn, (1000, 700), borderValue=(PAPER,) * 3)
    (table,) = find_tables(scan(image)).tables
    assert len(table.cells) == 9
    x, y = turn @ np.array([450, 220, 1])
    assert table.cells[4].bbox.center == pytest.approx((x, y), abs=2)


def test_shaded_cells_have_no_rules_of_their_own() -> None:
    image = draw_grid(XS, YS)
    image[100:180, 100:600][image[100:180, 100:600].min(axis=2) > 0] = (198, 217, 241)
    (table,) = find_tables(scan(image)).tables
    assert len(table.cells) == 9


def test_a_box_is_no_table() -> None:
    assert find_tables(scan(draw_grid([100, 600], [100, 400]))).tables == ()
    assert find_tables(scan(draw_grid([100, 300, 600], [100, 400]))).tables == ()


def test_a_page_without_image_is_left_alone() -> None:
    page = Page(1, "text", 80, 60)
    assert find_tables(page) is page


def test_digital_tokens_move_into_their_cells() -> None:
    image = draw_grid(XS, YS)
    tokens = (
        Token("规章", BBox(110, 130, 150, 150)),
        Token("12", BBox(440, 130, 460, 150)),
        Token("标题", BBox(110, 20, 200, 40)),
        Token("0 3", BBox(440, 210, 560, 230)),
        Token("下", BBox(110, 310, 130, 330)),
        Token("上", BBox(110, 270, 130, 290)),
    )
    page = find_tables(Page(1, "digital", 1000, 700, image, 144, tokens=tokens))
    (table,) = page.tables
    assert [c.text for c in table.cells] == ["规章", "12", "", "", "0", "3", "上下", "", ""]
    assert [t.text for t in page.tokens] == ["标题"]


def unread_cells(draw: Callable[[np.ndarray], object], *tokens: Token) -> list[str]:
    """The texts of the cells from (100, 100) to (570, 250) of a digital page with something drawn on it."""
    image = draw_grid([100, 160, 570], [100, 160, 250])
    draw(image)
    (table,) = find_tables(Page(1, "digital", 1000, 700, image, 144, tokens=tokens)).tables
    return [cell.text for cell in table.cells]


def test_print_without_characters_is_unread_and_no_blank() -> None:
    def draw_seven(image: np.ndarray) -> None:
        cv2.polylines(image, [np.array([[300, 120], [308, 120], [303, 133]])], False, (0, 0, 0), 2)

    assert unread_cells(draw_seven) == ["", UNREAD, "", ""]
    assert unread_cells(draw_seven, Token("7", BBox(300, 120, 308, 133))) == ["", "7", "", ""]


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param([((100, 100), (160, 160))], id="diagonal through a cell"),
        pytest.param([((100, 100), (160, 130)), ((100, 100), (130, 160))], id="two from a corner"),
        pytest.param([((160, 160), (570, 250))], id="through a wide cell"),
        pytest.param([((300, 130), (340, 130))], id="dash"),
        pytest.param([((165, 105), (565, 105))], id="second rule"),
    ],
)
def test_lines_through_a_cell_are_no_print(ends: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    def draw_lines(image: np.ndarray) -> None:
        for start, stop in ends:
            cv2.line(image, start, stop, (0, 0, 0), 2, cv2.LINE_AA)

    assert unread_cells(draw_lines) == ["", "", "", ""]


def test_text_that_reaches_into_a_cell_is_no_print_in_it() -> None:
    def draw_text(image: np.ndarray) -> None:
        image[120:134, 110:200:9] = 0

    assert unread_cells(draw_text, Token("规章规章", BBox(110, 120, 200, 134)))[2:] == ["", ""]


def test_a_token_inside_one_cell_is_not_split() -> None:
    cells = (
        Cell(0, 1, 0, 1, BBox(0, 0, 50, 20)),
        Cell(0, 1, 1, 2, BBox(52, 0, 100, 20)),
    )
    token = Token("1234", BBox(56, 2, 96, 18))
    table, rest = fill_cells(Table(1, BBox(0, 0, 100, 20), 1, 2, cells), [token])
    assert table.cells[1].tokens == (token,)
    assert rest == []


def make_labelled(text: str, label: str, left: float, top: float) -> Token:
    return Token(text, BBox(left, top, left + 8 * len(text), top + 15), labels={label: 0.9, "other": 0.1})


def borderless(n_rows: int, *, top: float = 0) -> list[Token]:
    tokens = [
        make_labelled("自然人", "column:requests.natural_person", 316, top),
        make_labelled("总计", "column:requests.total", 512, top),
    ]
    for row in range(n_rows):
        y = top + 30 + 30 * row
        tokens.append(make_labelled(f"行{row}", f"row:requests.{row}", 0, y))
        tokens += [
            make_labelled(text, "figure", 320 + 100 * column - 4 * len(text), y)
            for column, text in enumerate(("0", "12", "7"))
        ]
    return tokens


def add_tables(*tokens: Token, tables: tuple[Table, ...] = ()) -> Page:
    return add_aligned_tables(Page(2, "scan", 1000, 1000, tokens=tokens, tables=tables))


def test_aligned_rows_and_columns() -> None:
    title = make_labelled("三、申请", "title:requests", 0, 0)
    prose = make_labelled("一、总体情况", "other", 0, 400)
    page = add_tables(title, *borderless(4, top=40), prose)
    (table,) = page.tables
    assert (table.page, table.n_rows, table.n_columns, table.gridded) == (2, 5, 4, True)
    last = [(c.column_start, c.text) for c in table.cells if c.row_start == 4]
    assert last == [(0, "行3"), (1, "0"), (2, "12"), (3, "7")]
    assert [(c.column_start, c.text) for c in table.cells if c.row_start == 0] == [(1, "自然人"), (3, "总计")]
    assert page.tokens == (title, prose)


def test_columns_without_a_figure_are_blank_in_lines_with_figures() -> None:
    tokens = borderless(3)
    gone = next(token for token in tokens if token.text == "12")
    label = next(token for token in tokens if token.text == "行1")
    (table,) = add_tables(*(token for token in tokens if token is not gone and token is not label)).tables
    rows = [
        [(c.column_start, c.text) for c in table.cells if c.row_start == row] for row in range(table.n_rows)
    ]
    assert rows == [
        [(1, "自然人"), (3, "总计")],
        [(0, "行0"), (1, "0"), (2, ""), (3, "7")],
        [(1, "0"), (2, "12"), (3, "7")],
        [(0, "行2"), (1, "0"), (2, "12"), (3, "7")],
    ]
    blank = next(c for c in table.cells if not c.text)
    assert blank.bbox.left < 420 < blank.bbox.right


def test_headers_make_columns_of_which_no_figure_is_printed() -> None:
    names = ("upheld", "overturned", "other", "pending", "total")
    headers = [
        token
        for i, name in enumerate(names)
        for token in (
            make_labelled("结果", f"column:reviews.{name}", 60 * i, 0),
            make_labelled("维持", f"column:reviews.{name}", 60 * i + 2, 20),
        )
    ]
    figures = [make_labelled("1", "figure", 60 * i + 14, 60) for i in (3, 4)]
    (table,) = add_tables(*headers, *figures).tables
    assert table.n_columns == 5
    assert [c.text for c in table.cells if c.row_start == 2] == ["", "", "", "1", "1"]


def test_figures_beside_their_headers_make_no_column_more() -> None:
    headers = [make_labelled("总计", f"column:reviews.{i}", 60 * i, 0) for i in range(4)]
    figures = [make_labelled("1", "figure", 60 * i + 26, 40) for i in (0, 2, 3)]
    (table,) = add_tables(*headers, *figures).tables
    assert [c.text for c in table.cells if c.row_start == 1] == ["1", "", "1", "1"]


def test_one_row_is_a_table_by_its_labels() -> None:
    row = (
        make_labelled("行政许可", "row:disclosure.licensing", 0, 0),
        make_labelled("24", "figure", 300, 0),
    )
    (table,) = add_tables(*row).tables
    assert [c.text for c in table.cells] == ["行政许可", "24"]
    assert add_tables(row[0]).tables == add_tables(row[1]).tables == add_tables().tables == ()


def test_a_scribble_beside_the_number_of_the_page_is_no_table() -> None:
    scribble = make_labelled("后、", "row:requests.carried_out", 0, 0)
    number = make_labelled("3", "figure", 300, 0)
    page = add_tables(scribble, number)
    assert page.tables == ()
    assert page.tokens == (scribble, number)
    apart = [make_labelled(text, "row:requests.handled_total", 40 * i, 0) for i, text in enumerate("总计")]
    (table,) = add_tables(*apart, number).tables
    assert table.cells[-1].tokens == (number,)


def test_headers_and_figures_apart_are_tables() -> None:
    tokens = borderless(1)
    (headers,) = add_tables(*tokens[:2]).tables
    (figures,) = add_tables(*tokens[3:]).tables
    assert [c.text for c in headers.cells] == ["自然人", "总计"]
    assert [c.text for c in figures.cells] == ["0", "12", "7"]


def test_titles_and_prose_part_tables() -> None:
    title = make_labelled("四、复议", "title:reviews", 0, 150)
    prose = [make_labelled("五、问题", "other", 0, 400 + 30 * i) for i in range(3)]
    page = add_tables(*borderless(2), title, *borderless(2, top=200), *prose, *borderless(2, top=600))
    assert [table.n_rows for table in page.tables] == [3, 3, 3]
    assert page.tokens == (title, *prose)


def test_a_line_that_was_not_understood_stays_in_its_table() -> None:
    tokens = borderless(3)
    odd = make_labelled("注", "other", 0, 75)
    (table,) = add_tables(*tokens, odd).tables
    assert table.n_rows == 5
    assert sum(cell.text == "注" for cell in table.cells) == 1


def test_the_number_of_the_page_is_no_row() -> None:
    tokens = borderless(3)
    dirt, number = make_labelled("+", "figure", 520, 150), make_labelled("2", "figure", 520, 175)
    (table,) = (page := add_tables(*tokens, dirt, number)).tables
    assert table.n_rows == 4
    assert page.tokens == (dirt, number)


def test_a_figure_as_near_as_rows_are_is_one() -> None:
    tokens = borderless(3)
    last = make_labelled("0", "figure", 516, 123)
    (table,) = add_tables(*tokens, last).tables
    assert [c.text for c in table.cells if c.row_start == 4] == ["", "", "0"]
    label = make_labelled("总计", "row:requests.total", 0, 200)
    (table,) = add_tables(*tokens, last, label).tables
    assert table.n_rows == 6


def test_tokens_around_ruled_tables_are_aligned_apart() -> None:
    ruled = Table(2, BBox(0, 300, 600, 500), 1, 1, (Cell(0, 1, 0, 1, BBox(0, 300, 600, 500)),))
    page = add_tables(*borderless(2), *borderless(3, top=600), tables=(ruled,))
    assert [table.n_rows for table in page.tables] == [3, 1, 4]
    assert page.tables[1] is ruled


def test_digital_text_has_no_aligned_tables() -> None:
    page = Page(1, "text", 100, 100, tokens=tuple(borderless(3)))
    assert add_aligned_tables(page) is page


def test_strokes_in_low_rows_are_no_rules() -> None:
    # Once the stem of 本, 26 px high in a row of 34, cut the label in two cells.
    image = np.full((240, 600), 255, np.uint8)
    for y in range(20, 200, 34):
        image[y : y + 2, 20:580] = 0
    for x in (20, 300, 440, 578):
        image[20:192, x : x + 2] = 0
    image[27:50, 60:62] = 0
    image[61:84, 120:122] = 0
    (table,) = cells_to_tables(group_rules(find_rules(image, dpi=200), dpi=200), page=1, dpi=200)
    assert (table.n_rows, table.n_columns) == (5, 3)


def find_grid(image: np.ndarray) -> tuple[int, int, int]:
    """Rows, columns and cells of the one table of an image, which may be drawn on afterwards."""
    (table,) = cells_to_tables(group_rules(find_rules(image.copy(), dpi=200), dpi=200), page=1, dpi=200)
    return table.n_rows, table.n_columns, len(table.cells)


def test_a_broken_rule_divides_by_what_is_left_of_it() -> None:
    image = draw_grid(XS, YS)
    image[182:225, 395:406] = PAPER
    assert find_grid(image) == (3, 3, 9)


def test_a_stroke_of_a_figure_in_line_with_a_rule_is_no_piece_of_it() -> None:
    image = draw_grid([100, 400, 600], [100, 150, 200, 250])
    image[203:249, 300:302] = 0  # one row has a rule more
    assert find_grid(image)[2] == 7
    image[114:136, 300:302] = 0
    for x in (285, 310):
        cv2.putText(image, "0", (x, 135), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    assert find_grid(image)[2] == 7


def test_dashes_in_line_with_a_rule_are_pieces_of_it() -> None:
    rows = Rule(100, 100, 600), Rule(150, 100, 600)
    column = Rule(300, 150, 200)
    dashes = tuple(Rule(300, y, y + 7) for y in (110, 122, 134))
    assert without_strokes(dashes, (column,), rows, dpi=200) == dashes
    assert without_strokes(dashes[1:2], (column,), rows, dpi=200) == ()


def test_a_piece_below_a_rule_that_runs_into_its_row_is_a_piece_of_it() -> None:
    image = draw_grid([100, 300, 600], [100, 150, 200, 250])
    image[163:174, 296:305] = PAPER
    image[186:199, 296:305] = PAPER
    image[202:249, 296:305] = PAPER
    for y in (185, 235):
        cv2.putText(image, "2340", (350, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    assert find_grid(image)[2] == 5


def test_a_rule_known_in_one_row_does_not_vouch_for_a_trace_in_another() -> None:
    image = draw_grid([100, 400, 600], [100, 150, 200, 250])
    image[203:249, 300:302] = 0
    image[104:108, 300:302] = 0
    image[142:146, 300:302] = 0
    assert find_grid(image)[2] == 7


def test_a_rule_of_which_only_pieces_are_left() -> None:
    image = draw_grid(XS, YS)
    for y in (115, 145, 205, 225, 285, 315):
        image[y : y + 9, 395:406] = PAPER
    assert find_grid(image) == (3, 3, 9)


def test_ends_that_hang_in_line_are_a_rule() -> None:
    image = draw_grid(XS, YS)
    for top, bottom in ((128, 178), (208, 258), (288, 338)):
        image[top:bottom, 395:406] = PAPER
    assert find_grid(image)[:2] == (3, 3)


@pytest.mark.parametrize(("side", "height", "n"), [("right", 50, 15), ("left", 50, 15), ("right", 36, 13)])
def test_a_row_goes_on_behind_level_rules_that_were_lost(side: str, height: int, n: int) -> None:
    # Once the last two figures of a row that a page end had torn off were outside its table.
    image = np.full((300, 1000, 3), 255, np.uint8)
    image[100:102, 50:780] = image[150:152, 50:720] = 0
    for x in range(50, 51 + 15 * 56, 56):
        bottom = 152 if x < 790 else 102 + height
        image[100 if x < 790 else 152 - height : bottom, x : x + 2] = 0
    image[100:102, 870:892] = 0
    if side == "left":
        image = image[:, ::-1].copy()
    assert find_grid(image)[:2] == (1, n)


def test_a_blank_page_has_no_rules() -> None:
    assert find_rules(np.full((400, 300, 3), 255, np.uint8), dpi=100) == Rules((), ())


def test_pages_looked_at_at_the_same_time_keep_their_own_rules() -> None:
    images = [np.full((400, 400 + 10 * n, 3), 255, np.uint8) for n in range(8)]
    for n, image in enumerate(images):
        cv2.rectangle(image, (50, 50), (350 + 10 * n, 350), (0, 0, 0), 2)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda image: [find_rules(image, dpi=100) for _ in range(3)], images))
    for n, (first, *again) in enumerate(found):
        assert max(rule.position for rule in first.vertical) == pytest.approx(350 + 10 * n, abs=2)
        assert all(rules is first for rules in again)


def test_figures_that_stand_on_their_rules_are_none() -> None:
    # Once the left strokes of zeros, flush right in a column of a fax, cut it in two.
    ys = [100 + 33 * i for i in range(13)]
    image = draw_grid(XS, ys)
    for y in ys[1:]:
        image[y - 21 : y - 1, 579:581] = 0
    (table,) = cells_to_tables(group_rules(find_rules(image, dpi=165), dpi=165), page=1, dpi=165)
    assert (table.n_rows, table.n_columns) == (12, 3)


def test_figures_that_reach_a_broken_rule_are_none() -> None:
    # Rules that dither are thicker: the strokes of zeros above went on a little behind them.
    ys = [100 + 28 * i for i in range(11)]
    image = draw_grid([100, 400, 600], ys, thickness=3)
    for y in ys[1:]:
        image[y - 21 : y + 2, 500:502] = 0
    (table,) = cells_to_tables(group_rules(find_rules(image, dpi=140), dpi=140), page=1, dpi=140)
    assert (table.n_rows, table.n_columns) == (10, 2)


def test_a_rule_whose_pieces_meet_no_other_is_part_of_the_table() -> None:
    rows = tuple(Rule(y, 100, 900) for y in (100, 170, 310))
    broken = Rule(240, 100, 380), Rule(240, 410, 780), Rule(240.5, 800, 900)
    columns = Rule(100, 100, 220), Rule(500, 100, 215), Rule(500, 260, 310), Rule(900, 100, 310)
    pieces = Rule(500, 220, 236), Rule(100, 225, 310)
    rules = Rules((*rows, *broken), columns, column_pieces=pieces)
    (table,) = cells_to_tables(group_rules(rules, dpi=160), page=1, dpi=160)
    assert (table.n_rows, table.n_columns, len(table.cells)) == (3, 2, 6)


@pytest.mark.parametrize(("position", "n_rows"), [(240, 3), (255, 2)])
def test_a_long_piece_in_line_with_a_rule_is_part_of_it_however_far(position: float, n_rows: int) -> None:
    # Once a figure was lost with the row of which it was: what crossed the left piece is broken there.
    rows = tuple(Rule(y, 100, 900) for y in (100, 170, 310))
    broken = Rule(position, 100, 600), Rule(240, 720, 900)
    columns = Rule(100, 100, 200), Rule(100, 280, 310), Rule(700, 100, 310), Rule(900, 100, 310)
    (table,) = cells_to_tables(group_rules(Rules((*rows, *broken), columns), dpi=160), page=1, dpi=160)
    assert len([cell for cell in table.cells if cell.column_start == 0]) == n_rows


def test_shading_as_black_as_the_rules_ends_the_rows_beside_it() -> None:
    # Once the row above a black caption was one with it.
    ys = [100 + 40 * i for i in range(6)]
    image = draw_grid(XS, ys)
    image[ys[2] : ys[3], XS[0] : XS[-1]] = 0
    image[np.random.default_rng(1).random(image.shape) > 0.99] = 255
    (table,) = cells_to_tables(group_rules(find_rules(image, dpi=165), dpi=165), page=1, dpi=165)
    assert table.n_rows == 5


def test_a_merged_cell_stays_whole() -> None:
    image = draw_grid(XS, YS)
    image[102:179, 395:406] = PAPER
    cv2.putText(image, "merged cell", (320, 150), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2)
    assert find_grid(image) == (3, 3, 8)


def test_a_line_to_the_edge_of_the_page_is_dirt() -> None:
    image = draw_grid(XS, YS)
    image[:, 250:252] = 90
    assert find_grid(image) == (3, 3, 9)


@pytest.mark.parametrize("broken", [(), (92,), (92, 392)])
def test_dirt_that_joins_a_rule_to_the_edge_of_the_page_leaves_the_rule(broken: tuple[int, ...]) -> None:
    image = draw_grid(XS, YS)
    for x in broken:  # the rules that it would meet, too
        image[230:290, x : x + 16] = PAPER
        image[259:262, 100:420] = 0
    image[260:262, 600:] = 0
    assert find_grid(image) == (3, 3, 9)


def test_a_low_table_whose_bottom_rule_is_lost_in_part() -> None:
    image = draw_grid(list(range(100, 900, 50)), [100, 150])
    image[149:152, 705:] = PAPER
    assert find_grid(image) == (1, 15, 15)


def test_a_piece_that_goes_far_to_both_sides_of_a_rule_is_a_rule() -> None:
    image = draw_grid([100, 400, 500, 600], [100, 180, 260])
    image[102:142, 395:406] = PAPER
    image[216:258, 395:406] = PAPER
    assert find_grid(image)[:2] == (2, 3)


@pytest.mark.parametrize(("stop", "n_columns"), [(48, 2), (52, 3)])
def test_brackets_below_each_other_are_no_rule(stop: int, n_columns: int) -> None:
    # Once those of （五） in every caption made columns of a clean print, which cut the blank cells of a row.
    ys = [100 + 56 * i for i in range(6)]
    image = draw_grid([100, 400, 700], ys)
    for y in ys[:-1]:
        image[y + 10 : y + stop, 250:252] = 0
        for x in (200, 222, 270, 292):  # print beside them
            image[y + 18 : y + 28, x : x + 14 : 3] = 0
    assert find_grid(image)[1] == n_columns


@pytest.mark.parametrize(("length", "n_lines"), [(600, 2), (300, 1)])
def test_a_long_line_between_another_and_print_is_a_rule(length: int, n_lines: int) -> None:
    # The inner line of a double frame: once the last row of a table was lost with it.
    gray = np.full((300, 1000), PAPER, np.uint8)
    for y in (150, 158):
        gray[y : y + 2, 100 : 100 + length] = 0
    for x in range(100, 100 + length, 18):  # strokes of print
        gray[136:142, x : x + 10] = 0
    segments, _ = find_segments(gray, dpi=200, level=20)
    long = [s for s in segments if s.stop - s.start > 250]
    assert [round(s.offset) for s in long] == [151, 159][-n_lines:]


def test_a_double_frame_that_is_one_line_is_as_dark_as_its_lines() -> None:
    # Once its depth was that of the gap between them: it was paler than the rules, and the last row was lost.
    image = draw_grid([100, 400, 700], [100, 160, 217], thickness=3)
    image[213:220] = PAPER
    for y, level in enumerate((116, 0, 24, 165, 247, 229, 107, 0, 28, 143, 250), 218):
        image[y, 98:703] = level
    rules = find_rules(image, dpi=215)
    assert [round(rule.position, -1) for rule in rules.horizontal] == [100, 160, 220]


@pytest.mark.parametrize("blur", [0.6, 1.2])
def test_a_double_frame_whose_lines_run_together_is_two_rules(blur: float) -> None:
    # Once the frame was too thick for a rule, and a row that no other rule crosses was lost with it.
    image = draw_grid(XS, YS, thickness=4)
    for off in (0, 8):
        cv2.rectangle(image, (XS[0] - off, YS[0] - off), (XS[-1] + off, 420 + off), (0, 0, 0), 5)
    image = cv2.GaussianBlur(image, (0, 0), blur)
    assert find_grid(image) == (4, 3, 10)


def streaked_rules(image: np.ndarray) -> Rules:
    """The rules of an image at 200 dpi, which may be drawn on afterwards."""
    return find_rules(image.copy(), dpi=200)


def test_a_thin_line_that_ends_in_a_cell_divides_no_row() -> None:
    # Once what a fax makes of dirt on its glass cut rows in two, and strokes that cross it became columns.
    image = draw_grid(XS, YS, thickness=4)
    image[215, 180:460] = 0
    assert find_grid(image) == (3, 3, 9)
    assert [round(rule.position) for rule in streaked_rules(image).row_streaks] == [215]
    image[215, 530:594] = 0  # too short to say so itself, but in line with it
    assert find_grid(image) == (3, 3, 9)
    assert len(streaked_rules(image).row_streaks) == 2


def test_the_feet_of_figures_are_no_streak() -> None:
    # Once they were erased, and the point of 162310.2 with them.
    image = draw_grid(XS, YS, thickness=4)
    for i in range(14):
        for x in (160 + 10 * i, 165 + 10 * i):
            image[205:222, x : x + 2] = 0
    image[222, 160:297] = 0
    page = find_tables(scan(image))
    assert np.array_equal(page.image, image)


def test_a_thin_line_from_rule_to_rule_is_one() -> None:
    image = draw_grid(XS, YS, thickness=4)
    image[218:220, 100:600] = 0
    assert find_grid(image) == (4, 3, 12)
    image = draw_grid(XS, YS, thickness=2)
    image[219:221, 102:450] = 0  # no thinner than the others
    assert find_grid(image)[0] == 4


def struck_out(*columns: int, thickness: int = 2) -> np.ndarray:
    """A grid with a line from rule to rule through one row, and an 8 on it in some columns."""
    image = draw_grid(XS, YS, thickness=4)
    for column in columns:
        cv2.putText(image, "8", (XS[column] + 60, 232), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 3)
    image[218 : 218 + thickness, XS[0] : XS[-1]] = 0
    return image


def test_a_thin_line_that_strikes_figures_out_divides_no_row() -> None:
    # Once a scratch across the glass of a fax made two rows of one, its figures halves in each.
    assert find_grid(struck_out(0, 1, 2)) == (3, 3, 9)
    assert len(streaked_rules(struck_out(0, 1, 2)).row_streaks) == 1
    # One may be a word that hangs into its rule, and rules are as thick as rules.
    assert find_grid(struck_out(0))[0] == 4
    assert find_grid(struck_out(0, 1, 2, thickness=4))[0] == 4


def test_a_thin_line_that_ends_where_the_others_end_is_one() -> None:
    image = draw_grid(XS, YS, thickness=4)
    image[:, 80:120] = PAPER  # a table that is open on the left
    image[218:220, 120:600] = 0
    assert find_grid(image)[0] == 4


def test_a_streak_goes_from_the_picture_wherever_it_is_seen() -> None:
    # Once it was followed up to the first label that it runs through.
    image = draw_grid(XS, YS, thickness=4)
    clean = image.copy()
    for picture in (image, clean):
        picture[200:235, 250:340] = 0  # a label
    for x in range(430, 930):
        y = round(214 + 0.006 * (x - 430))
        if x % 9 < 5 or x < 580:
            image[y, x] = 0
    for x in range(20, 430):
        image[round(214 + 0.006 * (x - 430)), x] = 0
    page = find_tables(scan(image))
    assert page.image is not None
    assert find_rules(image, dpi=200).row_streaks
    left = (page.image < 128).any(axis=2) & ~(clean < 128).any(axis=2)
    assert left.sum() <= 0.1 * ((image < 128).any(axis=2) & ~(clean < 128).any(axis=2)).sum()
    assert ((clean < 128) & (page.image >= 128)).sum() <= 0.01 * (clean < 128).sum()
    # What it ran through may be read in the picture before, and in that before seals were taken off.
    assert page.before is not None
    assert np.array_equal(page.before.gray, image[..., 0])
    sealed = Before(np.zeros(image.shape[:2], np.uint8), np.zeros(image.shape[:2], bool))
    assert find_tables(replace(scan(image), before=sealed)).before is sealed
    assert find_tables(scan(draw_grid(XS, YS, thickness=4))).before is None


def broken_column(*left: tuple[int, int], rows: int = 2, baseline: int = 32) -> np.ndarray:
    """Two columns of words; of the rule between, pieces are left in some rows, 50 px high each."""
    ys = [100, 150, 200, 250]
    image = draw_grid([100, 300, 600], ys)
    for y in ys[:rows]:
        for start, stop in left:
            image[y + start : y + stop, 424:426] = 0
    for y in ys[:3]:
        for x in (330, 470):
            cv2.putText(image, "80#", (x, y + baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    return image


def test_digits_in_two_lines_are_no_rule() -> None:
    # Once their strokes were the rest of one: they are above and below the print of the cells beside them.
    image = draw_grid([100, 300, 400], [100, 177, 254, 331], thickness=3)
    for top in (100, 177):
        cv2.putText(image, "80#80#", (120, top + 48), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
        for x in (333, 350, 367):
            image[top + 20 : top + 32, x : x + 2] = 0
        image[top + 57 : top + 71, 350:352] = 0
    assert find_grid(image)[2] == 6
    image[102:330, 350:352] = np.where(np.arange(228)[:, None, None] % 19 < 8, 0, image[102:330, 350:352])
    assert find_grid(image)[2] > 6


def test_a_rule_is_told_by_what_stands_above_and_below_the_print_of_its_rows() -> None:
    # Columns that are not alike: nothing but what is left says that there is a rule.
    assert find_grid(broken_column((2, 10), (39, 47)))[2] == 8
    assert find_grid(broken_column((2, 10), (39, 47), rows=3))[2] == 9
    assert find_grid(broken_column((2, 10), (39, 47), rows=1))[2] == 6  # in one row only
    assert find_grid(broken_column((34, 47)))[2] == 6  # a 1 may stand lower than all else
    # What stands beside the print counts, too: no figure is as high.
    assert find_grid(broken_column((24, 47), baseline=20))[2] == 6
    assert find_grid(broken_column((10, 47), baseline=20))[2] == 8
    image = broken_column((2, 10), (39, 47))
    image[:, 424:426] = np.minimum(image[:, 424:426] + 190, PAPER - 40)
    assert find_grid(image)[2] == 6  # much paler than the rules


def test_a_lost_rule_goes_on_from_the_row_beside_where_nothing_is_printed() -> None:
    image = draw_grid(list(range(100, 601, 50)), [100, 150, 200])
    image[155:196, 296:305] = PAPER
    image[120:146, 299:302] = PAPER  # broken in the other row, too
    assert find_grid(image) == (2, 10, 20)
    cv2.putText(image, "#W#", (272, 182), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    assert find_grid(image) == (2, 10, 19)


def draw_fold() -> tuple[np.ndarray, list[tuple[int, int]]]:
    """A table with a fold through a row of it, and the points of the fold."""
    image = draw_grid(XS, YS)
    points = [(x, round(215 + 0.008 * (x - 30))) for x in range(30, 560)]
    for x, y in points:
        image[y : y + 2, x] = 0
    return image, points


def test_a_line_aslant_to_the_others_is_a_fold() -> None:
    image, _ = draw_fold()
    assert find_grid(image) == (3, 3, 9)


def test_a_fold_goes_from_the_picture_and_print_on_it_stays() -> None:
    image, points = draw_fold()
    image[205:235, 480:486] = 0
    page = find_tables(Page(1, "scan", 1000, 700, image=image, dpi=200))
    assert page.image is not None
    clear = [x for x, _ in points if not 476 <= x <= 490 and all(abs(x - rule) > 8 for rule in XS)]
    left = [page.image[y : y + 2, x].min() < 128 for x, y in points if x in clear]
    assert np.mean(left) < 0.02
    assert (page.image[206:234, 481:485] < 128).all()


@pytest.mark.parametrize(("level", "n_rows"), [(190, 3), (0, 2)])
def test_a_fold_that_goes_on_from_a_rule_leaves_the_rule(level: int, n_rows: int) -> None:
    # Once the two were one line from edge to edge: dirt on the glass, as it is where all of it is as dark.
    image = draw_grid([60, 400, 700, 940], YS)
    for left, right in ((0, 60), (941, 1000)):
        image[YS[1] - 1 : YS[1] + 2, left:right] = level
    assert find_grid(image)[0] == n_rows


def test_without_a_fold_the_picture_is_the_same() -> None:
    page = Page(1, "scan", 1000, 700, image=draw_grid(XS, YS), dpi=200)
    assert find_tables(page).image is page.image


def test_a_line_much_paler_than_the_rules_is_dirt() -> None:
    image = draw_grid(XS, YS)
    image[100:340, 250:252] = 185
    assert find_grid(image) == (3, 3, 9)


def test_a_piece_that_goes_through_a_rule_and_on_to_the_next_is_a_rule() -> None:
    image = draw_grid([100, 400, 500, 600], [100, 180, 230])
    image[102:146, 395:406] = PAPER
    assert find_grid(image) == (2, 3, 6)


def test_two_strokes_on_rules_far_apart_are_no_rule() -> None:
    image = draw_grid([100, 400, 600], list(range(100, 420, 40)))
    for top in (112, 312):
        image[top : top + 27, 220:222] = 0
    assert find_grid(image) == (7, 2, 14)


def test_the_ring_of_a_seal_is_no_rule() -> None:
    image = draw_grid(XS, YS)
    cv2.circle(image, (400, 220), 155, (90, 90, 90), 3)
    assert find_grid(image) == (3, 3, 9)


def test_strokes_of_zeros_in_a_column_are_no_rule() -> None:
    image = draw_grid([100, 400, 600], list(range(100, 420, 36)))
    for y in range(100, 388, 36):
        cv2.ellipse(image, (500, y + 18), (8, 13), 0, 0, 360, (0, 0, 0), 2)
    assert find_grid(image) == (8, 2, 16)


def test_dotted_rules() -> None:
    image = draw_grid(XS, YS)
    for start in range(0, 1000, 6):
        image[:, start : start + 3] = PAPER
    for start in range(0, 700, 6):
        image[start : start + 3] = PAPER
    image = cv2.erode(image, np.ones((2, 2), np.uint8))
    assert find_grid(image) == (3, 3, 9)


def draw_pale(*, dot: int, depth: int) -> np.ndarray:
    """7 x 5 cells between pale rules of dots, `dot` of every 6 px long, in a black frame."""
    image = np.full((620, 700, 3), 250, np.uint8)
    for start in range(100, 600, 6):
        for y in range(160, 500, 60):
            image[y : y + 2, start : start + dot] = 250 - depth
    for start in range(100, 520, 6):
        for x in range(200, 600, 100):
            image[start : start + dot, x : x + 2] = 250 - depth
    image = cv2.GaussianBlur(image, (3, 3), 0)
    for y in range(145, 520, 60):
        cv2.putText(image, "0", (140, y), cv2.FONT_HERSHEY_SIMPLEX, 1, (40, 40, 40), 2)
    cv2.rectangle(image, (100, 100), (601, 521), (0, 0, 0), 4)
    return image


def count_cells(image: np.ndarray) -> tuple[int, int, int]:
    rules = find_rules(image, dpi=200)
    grid = lines_to_cells(rules.horizontal, rules.vertical, tolerance=9)
    return grid.n_rows, grid.n_columns, len(grid.cells)


@pytest.mark.parametrize(("dot", "depth", "expected"), [(3, 40, (7, 5, 35)), (6, 28, (1, 1, 1))])
def test_pale_dotted_rules_in_a_black_frame(dot: int, depth: int, expected: tuple[int, int, int]) -> None:
    # Once half of such rules were seen and half were not: rows ran into each other. What is as pale and not
    # dotted shines through the paper.
    assert count_cells(draw_pale(dot=dot, depth=depth)) == expected


def test_dotted_rules_of_which_a_fax_lost_many_dots() -> None:
    # Once only the rows of 40 dots in which none was lost were seen, and a table of them was none.
    lines = [np.full((700, 1000), PAPER, np.uint8) for _ in range(2)]
    for at in YS:
        lines[0][at : at + 2, XS[0] : XS[-1]] = 0
    for at in XS:
        lines[1][YS[0] : YS[-1], at : at + 2] = 0
    places = np.arange(1000)
    is_dot = (places % 6 < 3) & (places // 6 % 7 > 0)
    lines[0][:, ~is_dot] = PAPER
    lines[1][~is_dot[:700]] = PAPER
    image = np.repeat(np.minimum(*lines)[:, :, None], 3, axis=2)
    assert find_grid(image) == (3, 3, 9)


def test_pale_dots_along_the_foot_of_text_are_no_rule() -> None:
    image = draw_pale(dot=3, depth=40)
    cv2.putText(image, "E E E", (206, 248), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (40, 40, 40), 3)
    for start in range(200, 302, 6):
        image[256:258, start : start + 3] = 220
    assert count_cells(image) == (7, 5, 35)


def test_what_the_ends_of_two_rules_leave_between_them_is_no_rule() -> None:
    image = draw_grid(XS, [100, 180, 240, 340])
    image[183:238, 498:504] = PAPER
    image[183:238, 500:502] = PAPER - 22
    cv2.putText(image, "88", (489, 222), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 2)
    assert find_grid(image) == (3, 3, 8)


@pytest.mark.parametrize(("text", "n_cells"), [("", 9), ("8008", 8)])
def test_a_rule_that_was_lost_in_one_row_goes_through_it(text: str, n_cells: int) -> None:
    image = draw_grid(XS, [100, 180, 300, 400])
    image[183:298, 496:506] = PAPER
    cv2.putText(image, text, (480, 246), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 2)
    assert find_grid(image) == (3, 3, n_cells)


@pytest.mark.parametrize(("left", "n_cells"), [(20, 6), (5, 5)])
def test_a_caption_goes_through_all_columns_unless_something_is_left_of_a_rule(
    left: int, n_cells: int
) -> None:
    image = draw_grid([100, 400, 600], [100, 180, 300, 400])
    image[183:298, 396:406] = PAPER
    image[230 : 230 + left, 400:402] = 0
    assert find_grid(image) == (3, 2, n_cells)


SEVEN = [100, 300, *range(350, 701, 50)]


def test_a_lost_rule_between_columns_alike() -> None:
    image = draw_grid(SEVEN, [100, 150, 200, 250])
    image[103:148, 495:506] = PAPER
    image[153:185, 495:506] = PAPER
    image[203:218, 495:506] = PAPER
    image[232:248, 495:506] = PAPER
    assert find_grid(image)[:2] == (3, 9)


@pytest.mark.parametrize(("left", "n_cells"), [(12, 18), (4, 16)])
def test_lost_rules_go_down_into_the_last_row(left: int, n_cells: int) -> None:
    # Once 258 and 0 of the first two columns of the last row were read as 2580, a misprint.
    image = draw_grid(SEVEN, [100, 150, 200])
    for x in (350, 400):
        image[153:198, x - 5 : x + 6] = PAPER
        image[153 : 153 + left, x - 1 : x + 1] = 0
    for x in (305, 358, 405):
        cv2.putText(image, "80", (x, 182), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 2)
    assert find_grid(image)[2] == n_cells


@pytest.mark.parametrize(("left", "text", "is_found"), [(16, "", True), (6, "", False), (16, "#W#W", False)])
def test_a_lost_rule_beside_figures_goes_down_where_nothing_is_printed(
    left: int, text: str, is_found: bool
) -> None:
    # Once what was left of it in the last row was a 1 in the cell of label and figure.
    image = draw_grid(SEVEN, [100, 150, 200])
    image[153:198, 295:306] = PAPER
    image[170 : 170 + left, 299:301] = 0
    cv2.putText(image, text, (265, 182), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    rules = find_rules(image, dpi=200).vertical
    assert any(abs(r.position - 300) < 3 and r.start < 155 and r.stop > 195 for r in rules) is is_found


@pytest.mark.parametrize(("high", "n_cells"), [(40, 11), (20, 9)])
def test_a_rule_seen_in_most_of_a_blank_row_confirms_another_piece(high: int, n_cells: int) -> None:
    image = half_as_wide(left_in=0, beside=())
    for x in (440, 540):
        cv2.putText(image, "80", (x, 132), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    image[112:128, 499:501] = 0
    image[155 : 155 + high, 499:501] = 0
    assert find_grid(image)[2] == n_cells


def test_rules_that_go_on_behind_a_short_gap_are_those_of_one_table() -> None:
    # Once the rows below were no table, and a strip above them was a row printed blank: a 3 was lost.
    level = (Rule(100, 50, 500), Rule(200, 50, 500), Rule(300, 90, 500))
    upper, lower = Rule(250, 200, 230), Rule(250, 260, 302)
    left = Rule(50, 100, 350)
    assert len(group_rules(Rules(level, (left, upper, lower)), dpi=200)) == 1
    assert len(group_rules(Rules(level, (left, upper, lower._replace(start=290))), dpi=200)) == 2


def test_a_table_ends_where_its_cells_do() -> None:
    # What is printed beyond them was read neither in the table nor outside.
    level = (Rule(100, 50, 500), Rule(200, 50, 500), Rule(300, 50, 500))
    upright = (Rule(50, 100, 600), Rule(250, 100, 300), Rule(500, 100, 300))
    (table,) = cells_to_tables([Rules(level, upright)], page=1, dpi=200)
    assert table.bbox.bottom < 320


def test_a_caption_in_the_last_row_goes_through_all_columns() -> None:
    image = draw_grid(SEVEN, [100, 150, 200])
    for x in SEVEN[1:-1]:
        image[153:198, x - 5 : x + 6] = PAPER
        image[153:165, x - 1 : x + 1] = 0
    assert find_grid(image)[2] == 10


def test_strokes_of_figures_in_low_rows_are_no_rule() -> None:
    # Once the gaps between them and the rules were closed, as those in a worn rule are.
    image = draw_grid([100, 300, 400, 500], [100, 131, 162, 193])
    for y in (100, 131, 162):
        image[y + 6 : y + 28, 349:351] = 0
    assert find_grid(image) == (3, 3, 9)


def test_a_lost_rule_before_the_open_side_of_a_table() -> None:
    # Once 1 and 5 of the last two columns were read as 15, and the figure of one was made up to fit.
    image = draw_grid(SEVEN, [100, 150, 200, 250])
    for x in (SEVEN[0], SEVEN[-1]):
        for y in (100, 150, 200):
            image[y + 3 : y + 48, x - 5 : x + 6] = PAPER
    image[:, SEVEN[-1] + 1 :] = PAPER
    whole = find_grid(image)
    for top, bottom in ((103, 148), (153, 185), (203, 218), (232, 248)):
        image[top:bottom, 645:656] = PAPER
    assert find_grid(image) == whole


@pytest.mark.parametrize("n_lost", [2, 3, 4])
def test_a_rule_goes_through_several_rows_in_which_it_was_lost(n_lost: int) -> None:
    image = draw_grid([100, 300, 390, 460, 540, 620], list(range(100, 501, 50)))
    assert find_grid(image)[2] == 40
    for i in range(n_lost):
        image[153 + 50 * i : 198 + 50 * i, 385:396] = PAPER
    assert find_grid(image)[2] == 40
    for i in range(n_lost):
        cv2.putText(image, "8008", (360, 186 + 50 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    assert find_grid(image)[2] == 40 - n_lost


def test_a_rule_does_not_go_through_rows_with_other_columns() -> None:
    image = draw_grid([100, 300, 390, 460, 540, 620], list(range(100, 501, 50)))
    for x in (300, 390, 460, 540):
        image[203:348, x - 5 : x + 6] = PAPER
    image[203:348, 350:352] = 0
    assert find_grid(image)[2] == 5 * 5 + 3 * 2


def test_an_upright_rule_is_joined_where_the_level_one_that_it_meets_is_broken() -> None:
    # Once the row of 1412 was lost: its upper half of the rule went, and with it the row above it.
    image = draw_grid([100, 576, 900], [100, 172, 244, 316])
    for x in (100, 900):
        image[:, x - 5 : x + 6] = PAPER
    image[152:182, 570:583] = PAPER
    image[170:175, 540:600] = PAPER
    image[171:173, 540:600] = 0
    image[240:248, 565:588] = PAPER
    image[240:250, 575:577] = 0
    assert find_grid(image)[2] == 6


def test_ones_in_the_middle_of_a_column_are_no_rule() -> None:
    image = draw_grid([x for x in SEVEN if x != 500], [100, 150, 200, 250])
    rows, columns, cells = find_grid(image)
    for y in (110, 160, 210):
        image[y : y + 30, 425:427] = 0
        image[y : y + 30, 575:577] = 0
    assert find_grid(image) == (rows, columns, cells) == (3, 8, 24)


@pytest.mark.parametrize(("grey", "n_cells"), [(215, 12), (150, 13)])
def test_a_bit_of_a_fold_between_two_columns_is_no_rule(grey: int, n_cells: int) -> None:
    # Once the shadow of a fold parted a row, and one half of it fitted no row of the form.
    image = draw_grid([100, 300, 400, 500, 600], [100, 150, 200, 250])
    image[174:176, 303:398] = grey
    assert find_grid(image)[2] == n_cells


def half_as_wide(*, left_in: int = 2, beside: tuple[int, ...] = (440, 540)) -> np.ndarray:
    """Two columns of figures; of the rule between nothing is left but in some rows, no more than a 1."""
    image = draw_grid([100, 300, 400, 600], [100, 150, 200, 250])
    for y in (150, 200)[:left_in]:
        image[y + 12 : y + 28, 499:501] = 0
    for y in (100, 150, 200):
        for x in beside:
            cv2.putText(image, "80", (x, y + 32), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    return image


def test_a_lost_rule_beside_one_column_half_as_wide() -> None:
    assert find_grid(half_as_wide())[2] == 11


@pytest.mark.parametrize(("bottom", "figures", "n_columns"), [(150, "90", 10), (139, "90", 9), (150, "9", 9)])
def test_a_lost_rule_at_the_side_of_many_columns_alike(bottom: int, figures: str, n_columns: int) -> None:
    # Once 9 and 0 of the first two columns of the one row were read as 90.
    image = draw_grid([100 + 64 * i for i in range(11) if i != 1], [100, 150])
    for text, x in zip(figures, (106, 208), strict=False):
        cv2.putText(image, text, (x, 132), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    image[bottom - 20 : bottom, 163:166] = 0
    assert find_grid(image)[1] == n_columns


def test_what_is_no_rule_beside_a_column_half_as_wide() -> None:
    assert find_grid(half_as_wide(left_in=1))[2] == 9  # seen in one row only
    assert find_grid(half_as_wide(beside=()))[2] == 9  # nothing beside: ones in the middle of a cell
    image = half_as_wide()
    cv2.putText(image, "#W#W#", (452, 132), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    assert find_grid(image)[2] == 9  # a header lies across
    # Once 195501 and 1451664, one below the other in wide digits, were cut in two.
    image = draw_grid([100, 300, 400, 600], [100, 150, 200, 250])
    for y in (150, 200):
        for i in range(-2, 3):
            cv2.line(image, (500 + 18 * i, y + 15), (500 + 18 * i, y + 36), (0, 0, 0), 3)
            cv2.line(image, (496 + 18 * i, y + 36), (504 + 18 * i, y + 36), (0, 0, 0), 3)
    assert find_grid(image)[2] == 9


def test_narrow_zeros_in_the_middle_of_a_column_are_no_rule() -> None:
    # Once both sides of a zero were print on both sides of a rule, and 23 was read as 3 in half of its cell.
    image = draw_grid([100, 300, 350, 450], [100, 150, 200, 250])
    for y in (125, 175, 225):
        cv2.ellipse(image, (400, y), (3, 13), 0, 0, 360, (0, 0, 0), 2)
    assert find_grid(image)[2] == 9


def test_the_edge_of_a_sheet_is_no_rule() -> None:
    # Once the margin was a column half as wide as the last, in the middle of which stood zeros, and a streak
    # that a fax drew from the table to the edge a rule.
    image = draw_grid([100, 300, 600, 800, 1000], [100, 170, 240, 310, 380])[:, :1000]
    image[:, 990:] = PAPER
    image[60:450, 996:] = 0
    image[202:204, 850:996] = 0
    for y in (100, 170, 240, 310, 380):
        image[y - 2 : y + 3, 802:990] = PAPER
    rules = find_rules(image, dpi=200)
    assert max(rule.position for rule in rules.vertical) < 810
    assert max(rule.stop for rule in rules.horizontal) < 810


def test_a_rule_at_the_edge_of_a_crop_is_one() -> None:
    image = draw_grid(XS, YS)[90:350, 95:605]
    assert find_grid(image) == (3, 3, 9)


def test_a_short_rule_counts_where_another_hangs_in_line_with_it() -> None:
    # Once 1 and 25 were read as 125: of the rule between them a piece was left in either row.
    rows = [Rule(y, 124, 974, 4.2) for y in (221.1, 313.8, 347.9)]
    long = [Rule(x, 124, 348, 4.2) for x in (123, 237, 294)]
    hanging, lower = Rule(180.4, 222.1, 262.1, 4.0), Rule(180.7, 318.1, 346.1, 4.7)
    assert lower in keep_meeting(rows, [*long, hanging, lower], dpi=133)[1]
    for other in (hanging._replace(position=186), hanging._replace(start=232, stop=272)):
        assert lower not in keep_meeting(rows, [*long, other, lower], dpi=133)[1]


def test_a_label_twice_as_wide_is_not_parted() -> None:
    image = draw_grid([200, *range(300, 651, 50)], [100, 150, 200])
    image[110:140, 250:252] = 0
    assert find_grid(image) == (2, 8, 16)


def stacked_table(*columns: tuple[str, ...], apart: float = 40) -> Table:
    """One row between two others; the figures of a column stand one below the other."""
    cells = []
    for row, (top, bottom) in enumerate([(0.0, 40.0), (40.0, 120.0), (120.0, 160.0)]):
        for column, texts in enumerate(columns):
            left = 100.0 * column
            shown = texts if row == 1 else ("9",)
            tokens = tuple(
                Token(text, BBox(left + 40, top + 10 + apart * i, left + 60, top + 24 + apart * i))
                for i, text in enumerate(shown)
            )
            cells.append(Cell(row, row + 1, column, column + 1, BBox(left, top, left + 100, bottom), tokens))
    return Table(1, BBox(0, 0, 100.0 * len(columns), 160), 3, len(columns), tuple(cells))


def split_stacked(table: Table) -> Table:
    return split_stacked_rows(Page(1, "scan", 600, 600, tables=(table,))).tables[0]


def test_rows_part_where_the_rule_between_was_lost() -> None:
    table = split_stacked(stacked_table(("甲", "乙"), ("12", "3"), ("0", "1"), ()))
    assert (table.n_rows, len(table.cells)) == (4, 16)
    texts = [[c.text for c in table.cells if c.row_start == row] for row in range(4)]
    assert texts == [["9"] * 4, ["甲", "12", "0", ""], ["乙", "3", "1", ""], ["9"] * 4]


def test_wrapped_figures_part_no_rows() -> None:
    assert split_stacked(stacked_table(("甲",), ("12", "3"), ("4",))).n_rows == 3
    assert split_stacked(stacked_table(("甲",), ("123", "45"), ("678", "9"), apart=20)).n_rows == 3
    # Once 138 / 0 and 142 / 0 in full width, with 390 in the middle beside them, became two rows.
    table = stacked_table(("甲",), ("138", "0"), ("142", "0"), ("390",), apart=40)
    cells = [
        replace(c, tokens=(replace(c.tokens[0], bbox=BBox(340, 72, 360, 86)),)) if c.text == "390" else c
        for c in table.cells
    ]
    assert split_stacked(table).n_rows == 4
    assert split_stacked(replace(table, cells=tuple(cells))).n_rows == 3


def test_a_cell_that_spans_rows_parts_where_each_has_its_figure() -> None:
    cells = [
        Cell(r, r + 1, c, c + 1, BBox(50.0 * c, 40.0 * r, 50.0 * c + 50, 40.0 * r + 40))
        for r in range(2)
        for c in range(2)
    ]
    tokens = tuple(Token(text, BBox(120, y, 130, y + 14)) for text, y in (("0", 12), ("5", 54)))
    spanning = Cell(0, 2, 2, 3, BBox(100, 0, 150, 80), tokens)
    table = split_stacked(Table(1, BBox(0, 0, 150, 80), 2, 3, (*cells, spanning)))
    assert [(c.row_start, c.row_stop, c.text) for c in table.cells[4:]] == [(0, 1, "0"), (1, 2, "5")]
    lone = replace(spanning, tokens=tokens[1:])
    table = split_stacked(Table(1, BBox(0, 0, 150, 80), 2, 3, (*cells, lone)))
    assert [(c.row_start, c.row_stop, c.text) for c in table.cells[4:]] == [(0, 1, ""), (1, 2, "5")]
    between = Token("7", BBox(120, 33, 130, 47))
    nothing = Token("1", BBox(120, 54, 130, 68), readings=(Reading("", 0.8), Reading("1", 0.2)))
    merged = replace(spanning, tokens=(between,))
    assert len(split_stacked(Table(1, BBox(0, 0, 150, 80), 2, 3, (*cells, merged))).cells) == 5
    doubt = replace(spanning, tokens=(tokens[0], nothing))
    table = split_stacked(Table(1, BBox(0, 0, 150, 80), 2, 3, (*cells, doubt)))
    assert [c.tokens for c in table.cells[4:]] == [(tokens[0],), (nothing,)]


def test_two_rows_that_figures_span_are_one_where_one_of_them_is_blank() -> None:
    # Once a streak through the row of a table of reviews was taken for its upper rule, but for three cells.
    def cell(row: int, column: int, text: str, n_rows: int = 1) -> Cell:
        bbox = BBox(50.0 * column, 40.0 * row, 50.0 * column + 50, 40.0 * (row + n_rows))
        x, y = bbox.left + 20, bbox.bottom - 30
        tokens = (Token(text, BBox(x, y, x + 10, y + 14)),) if text else ()
        return Cell(row, row + n_rows, column, column + 1, bbox, tokens)

    headers = [cell(0, c, "维持") for c in range(4)]
    parted = [cell(1, 0, ""), cell(2, 0, "3"), cell(1, 1, ""), cell(2, 1, "")]
    spanning = [cell(1, 2, "12", 2), cell(1, 3, "15", 2)]
    table = Table(1, BBox(0, 0, 200, 120), 3, 4, (*headers, *parted, *spanning))
    joined = split_stacked(table)
    assert joined.n_rows == 2
    assert [(c.row_start, c.row_stop, c.text) for c in joined.cells[4:]] == [
        (1, 2, text) for text in ("3", "", "12", "15")
    ]
    assert joined.cells[4].bbox == BBox(0, 40, 50, 120)
    # Figures in both rows, or one figure alone that spans them, are no streak.
    for kept in ((cell(1, 0, "9"), *parted[1:], *spanning), (*parted, *spanning[:1], cell(1, 3, "", 2))):
        assert split_stacked(replace(table, cells=(*headers, *kept))).n_rows == 3


def test_a_figure_below_a_header_parts_where_the_rule_between_was_lost() -> None:
    # Once the last two columns of a table of reviews had no rule below their headers: 28 and 616 were lost.
    def cell(row: int, column: int, *texts_at: tuple[str, float], n_rows: int = 1) -> Cell:
        left, top = 50.0 * column, 40.0 * row
        tokens = tuple(Token(text, BBox(left + 20, y, left + 30, y + 14)) for text, y in texts_at)
        bbox = BBox(left, top, left + 50, top + 40 * n_rows)
        return Cell(row, row + n_rows, column, column + 1, bbox, tokens)

    whole = [cell(r, c, (("维持", "12")[r], 40 * r + 12)) for r in range(2) for c in range(3)]
    lost = cell(0, 3, ("总计", 12), ("36", 54), n_rows=2)
    table = Table(1, BBox(0, 0, 200, 80), 2, 4, (*whole, lost))
    parted = split_stacked(table).cells[len(whole) :]
    assert [(c.row_start, c.row_stop, c.text) for c in parted] == [(0, 1, "总计"), (1, 2, "36")]
    for kept in (
        cell(0, 3, ("总计", 12), ("36", 24), n_rows=2),
        cell(0, 3, ("总计", 12), ("合计", 54), n_rows=2),
        cell(0, 3, ("4", 12), ("36", 24), ("5", 54), n_rows=2),
    ):
        assert split_stacked(replace(table, cells=(*whole, kept))).cells[-1] == kept
    words = [cell(r, c, ("维持", 40 * r + 12)) for r in range(2) for c in range(3)]
    assert split_stacked(replace(table, cells=(*words, lost))).cells[-1] == lost


def test_a_cell_that_spans_rows_and_columns_parts_where_each_place_has_its_figure() -> None:
    places = [(r, c) for r in range(3) for c in range(4) if r == 2 or c < 2]
    cells = [
        Cell(r, r + 1, c, c + 1, BBox(50.0 * c, 40.0 * r, 50.0 * c + 50, 40.0 * r + 38)) for r, c in places
    ]
    tokens = tuple(
        Token(str(2 * r + c), BBox(50.0 * c + 20, 40.0 * r + 12, 50.0 * c + 30, 40.0 * r + 26))
        for r in range(2)
        for c in (2, 3)
    )
    mark = Token("-", BBox(110, 15, 118, 17), readings=(Reading("-", 0.8),))
    rest = replace(mark, bbox=BBox(110, 38, 118, 40))
    block = Cell(0, 2, 2, 4, BBox(100, 0, 200, 80), (*tokens, mark, rest))
    parted = split_stacked(Table(1, BBox(0, 0, 200, 120), 3, 4, (*cells, block))).cells[len(cells) :]
    assert [(c.row_start, c.column_start, c.text) for c in parted] == [
        (0, 2, "2-"),
        (0, 3, "3"),
        (1, 2, "4"),
        (1, 3, "5"),
    ]
    blank = replace(block, tokens=tokens[1:])
    parted = split_stacked(Table(1, BBox(0, 0, 200, 120), 3, 4, (*cells, blank))).cells[len(cells) :]
    assert [c.text for c in parted] == ["", "3", "4", "5"]
    # A figure across two columns is in none of them.
    across = replace(block, tokens=(Token("1234", BBox(120, 12, 180, 26)),))
    assert split_stacked(Table(1, BBox(0, 0, 200, 120), 3, 4, (*cells, across))).cells[len(cells) :] == (
        across,
    )
    # What is likely nothing stays a doubt where nothing else stands.
    nothing = replace(mark, readings=(Reading("", 0.8), Reading("1", 0.2)))
    doubt = replace(block, tokens=(*tokens[1:], nothing))
    parted = split_stacked(Table(1, BBox(0, 0, 200, 120), 3, 4, (*cells, doubt))).cells[len(cells) :]
    assert [len(c.tokens) for c in parted] == [1, 1, 1, 1]


def test_a_row_of_two_cells_is_a_table_where_it_is_wide() -> None:
    def tables(right: int) -> list[Table]:
        image = draw_grid([100, 400, right], [100, 160])
        return cells_to_tables(group_rules(find_rules(image, dpi=200), dpi=200), page=1, dpi=200)

    assert [(t.n_rows, t.n_columns) for t in tables(900)] == [(1, 2)]
    assert tables(600) == []


def test_rules_lost_one_after_the_other() -> None:
    image = draw_grid([100, 300, 370, 440, 510, 580, 650, 720, 790, 860, 930], [100, 180, 260])
    for x in (720, 860):
        image[103:178, x - 5 : x + 6] = PAPER
        image[103:140, x - 1 : x + 2] = 0
        image[183:258, x - 5 : x + 6] = PAPER
        image[190:215, x - 1 : x + 2] = 0
    assert find_grid(image)[:2] == (2, 10)


@pytest.mark.parametrize(
    ("outer", "n_rows"),
    [
        ((Rule(300, 102, 400), Rule(301, 420, 898)), 3),  # in two pieces
        ((Rule(300, 102, 600),), 2),  # shorter: it underlines something
        ((Rule(300, 40, 960),), 2),  # longer: it parts the page
        ((Rule(400, 100, 900),), 2),  # too far off
    ],
)
def test_a_rule_as_long_as_the_table_is_its_edge_where_the_others_are_broken(outer, n_rows) -> None:
    rows = tuple(Rule(y, 100, 900) for y in (100, 170, 240))
    columns = tuple(Rule(x, 100, 240) for x in (100, 500, 900))
    (table,) = cells_to_tables(group_rules(Rules((*rows, *outer), columns), dpi=150), page=1, dpi=150)
    assert table.n_rows == n_rows


@pytest.mark.parametrize("slope", [0.0, 0.006])
def test_a_stroke_of_a_pen_that_meets_a_rule_does_not_slant_it(slope: float) -> None:
    # Once the rule was taken for a fold, and erased: two rows became one.
    xs = np.arange(1440)
    ys = 866 + slope * xs + np.random.default_rng(1).normal(0, 0.4, len(xs))
    ys[980:1180] += np.linspace(0, 38, 200)  # the mean of both where the pen lies beside
    assert fit_line(xs, ys) == pytest.approx((slope, 866), abs=0.3)
    assert fit_line(xs, ys)[0] == pytest.approx(slope, abs=0.0005)


@pytest.mark.parametrize("length", [8, 22, 80])
def test_long_runs_are_what_an_opening_leaves(length: int) -> None:
    mask = (np.random.default_rng(2).random((60, 403)) < 0.97).astype(np.uint8)
    mask[:, :length] = mask[:, -length:] = 0  # what lies beyond the picture is told by neither
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    assert 0 < opened.sum() < mask.sum()
    assert np.array_equal(_long_runs(mask, length), opened)


@pytest.mark.parametrize(
    ("start", "stop", "stands"), [(800, 814, False), (795, 816, True), (780, 808, True), (205, 868, True)]
)
def test_a_stroke_of_a_figure_is_no_rule_of_a_low_row(start: float, stop: float, stands: bool) -> None:
    # Once the side of a 0 made a column half as wide, and the 1 of the cell beside it another rule.
    assert covers(Rule(788.9, start, stop), 793.5, 818) is stands


@pytest.mark.parametrize(("start", "stop", "stands"), [(1733, 1759, False), (1733, 1769, True)])
def test_a_figure_that_a_pen_struck_out_holds_no_rule(start: float, stop: float, stands: bool) -> None:
    # Once the sides of three zeros went through the pen's line, and nearly to the rule below.
    rows = [Rule(1721, 559, 1684, 3), Rule(1746, 956, 1284, 4.9), Rule(1769.5, 559, 1684, 3)]
    sides = [Rule(x, 1000, 2100, 3) for x in (559, 956, 1063, 1684)]
    stroke = Rule(1013, start, stop, 1.8)
    assert (stroke in keep_meeting(rows, [*sides, stroke], dpi=212)[1]) is stands


@pytest.mark.parametrize(
    ("stroke", "labels"),
    [
        (Rule(400, 943, 967), [(973, 1003)]),  # in line with one
        (Rule(620, 978, 1004), [(898, 935), (976, 1003)]),  # begins where two begin
        (Rule(620, 943, 966), [(942, 1003)]),  # begins where two begin that go through a rule
    ],
)
def test_strokes_do_not_vouch_for_each_other_in_low_rows(
    stroke: Rule, labels: list[tuple[float, float]]
) -> None:
    # Once strokes of labels that reached the rules above and below made rules of those in line with them,
    # and, as they began like them, of the sides of zeros that stood on their rules.
    rows = [Rule(y, 300, 900, 2.7) for y in (900, 934, 969, 1004)]
    sides = [Rule(side, 900, 1004, 3) for side in (300, 500, 900)]
    strokes = [Rule(x, *label) for x in (400, 480) for label in labels]
    assert stroke not in keep_meeting(rows, [*sides, *strokes, stroke], dpi=185)[1]


PAGE_PX = (1654, 1100)


def framed_page(*, tables: bool = True, band: bool = False) -> np.ndarray:
    """The upper half of a page within a frame with a line beside the binding, at 200 dpi; with a band across,
    too, and with tables of 9 cells and of 2."""
    width, height = PAGE_PX
    image = np.full((height, width, 3), PAPER, np.uint8)
    cv2.rectangle(image, (60, 60), (width - 60, height - 60), (0, 0, 0), 3)
    cv2.line(image, (140, 60), (140, height - 60), (0, 0, 0), 3)
    if band:
        cv2.line(image, (60, 130), (width - 60, 130), (0, 0, 0), 3)
    if tables:
        image[200:900, 300:1300] = draw_grid(XS, YS)
        cv2.rectangle(image, (450, 700), (1250, 760), (0, 0, 0), 2)
        cv2.line(image, (850, 700), (850, 760), (0, 0, 0), 2)
    return image


@pytest.mark.parametrize("band", [False, True])
def test_a_frame_around_a_page_is_no_table(band: bool) -> None:
    # Once the line beside the binding made it one, and what lay in its cells was none: no table was found.
    page = find_tables(scan(framed_page(band=band)))
    assert [(table.n_rows, table.n_columns) for table in page.tables] == [(3, 3), (1, 2)]


def test_a_frame_around_prose_is_no_row_torn_off_a_table() -> None:
    assert find_tables(scan(framed_page(tables=False))).tables == ()


def test_a_box_in_a_cell_is_no_table() -> None:
    image = draw_grid([100, 400, 900], [100, 180, 360])
    for x in (500, 600, 700):
        cv2.line(image, (x, 220), (x, 320), (0, 0, 0), 2)
    for y in (220, 270, 320):
        cv2.line(image, (500, y), (700, y), (0, 0, 0), 2)
    (table,) = find_tables(scan(image)).tables
    assert (table.n_rows, table.n_columns) == (2, 2)
