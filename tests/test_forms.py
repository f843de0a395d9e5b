import re

import pytest

from giar_ml.forms import is_printed, load_form, load_forms
from giar_ml.forms.grid import form_grid

FORMS = ("2021", "2019", "mixed")


@pytest.mark.parametrize(
    ("name", "n_cells", "n_sums"), [("2021", 200, 42), ("mixed", 186, 40), ("2019", 198, 40)]
)
def test_every_form_has_its_cells_and_sums(name, n_cells, n_sums):
    form = load_form(name)
    assert len(form.cells) == n_cells
    assert len(form.sums) == n_sums
    assert len({rule.id for rule in form.sums}) == n_sums


@pytest.mark.parametrize("name", FORMS)
def test_sums_and_prose_name_cells_of_the_form(name):
    form = load_form(name)
    for rule in form.sums:
        assert set(rule.left) | set(rule.right) <= set(form.cells), rule.id
    for prose in form.prose:
        assert set(prose.cells) <= set(form.cells)


def test_the_newest_form_comes_first():
    assert list(load_forms()) == ["2021", "mixed", "2019"]


def test_sums_reach_the_cells_they_should():
    sums = {rule.id: rule for rule in load_form("mixed").sums}
    assert sums["row:other.all"].right == ("requests.other.all.total",)
    assert len(sums["handled:total"].left) == 19
    assert sums["flow:enterprise"].left == ("requests.new.enterprise", "requests.carried_in.enterprise")
    assert sums["flow:enterprise"].right == (
        "requests.handled_total.enterprise",
        "requests.carried_out.enterprise",
    )
    assert sums["review:reconsideration"].left[-1] == "reviews.reconsideration.pending"


def test_keys_are_those_that_other_programs_use(shared):
    text = (shared / "form.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_.]+)` \|", text, re.MULTILINE)
    columns = ["natural_person", "enterprise", "research_institution", "social_organization"]
    columns += ["legal_services", "other_organization", "total"]
    keys = [f"requests.{row}.{column}" for row in rows for column in columns]
    for kind in ("regulations", "normative_documents"):
        keys += [f"disclosure.{kind}.{column}" for column in ("issued", "repealed", "in_force")]
    keys += [f"disclosure.{kind}.decisions" for kind in ("licensing", "penalties", "coercion")]
    keys += ["disclosure.fees.amount"]
    for group in ("reconsideration", "direct_litigation", "litigation_after_reconsideration"):
        keys += [f"reviews.{group}.{c}" for c in ("upheld", "overturned", "other", "pending", "total")]
    assert len(rows) == 25
    assert sorted(keys) == sorted(load_form("2021").cells)


def test_cells_are_named_in_the_words_of_the_form():
    cells = load_form("2021").cells
    assert (
        cells["requests.refused.internal_affairs.enterprise"].name
        == "三、本年度办理结果（三）不予公开5.属于三类内部事务信息 × 商业企业"
    )
    assert cells["reviews.direct_litigation.total"].name == "行政诉讼未经复议直接起诉总计"


@pytest.mark.parametrize("name", FORMS)
def test_a_grid_covers_every_place_once_and_holds_every_cell(name):
    form = load_form(name)
    keys = []
    for table in form.tables:
        grid = form_grid(table)
        places = [
            (row, column)
            for cell in grid.cells
            for row in range(cell.row_start, cell.row_stop)
            for column in range(cell.column_start, cell.column_stop)
        ]
        assert sorted(places) == [(r, c) for r in range(grid.n_rows) for c in range(grid.n_columns)]
        keys += [cell.key for cell in grid.cells if cell.key]
    assert keys == list(form.cells)


def test_the_grid_is_that_of_the_official_form(shared):
    """Spans, merges and labels as in the blank form that the State Council's office gave out."""
    docx = pytest.importorskip("docx")
    document = docx.Document(str(shared / "real" / "form-2021-blank.docx"))
    for table, form_table in zip(document.tables, load_form("2021").tables, strict=True):
        grid = form_grid(form_table)
        ours = {
            (row, column): cell
            for cell in grid.cells
            for row in range(cell.row_start, cell.row_stop)
            for column in range(cell.column_start, cell.column_stop)
        }
        assert (len(table.rows), len(table.columns)) == (grid.n_rows, grid.n_columns)
        for row in range(grid.n_rows):
            official = table.row_cells(row)
            for column, cell in enumerate(official):
                assert re.sub(r"\s", "", cell.text) == ours[row, column].text
                if column:
                    same_cell = cell is official[column - 1] or cell._tc is official[column - 1]._tc
                    assert same_cell == (ours[row, column] == ours[row, column - 1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(三) 不予公开", True),
        ("计其他情形)", True),
        ("1．属于国家秘密", True),
        ("2.属于国家秘密", False),
        ("不予", False),
        ("加强组织领导", False),
    ],
)
def test_what_a_form_prints_is_known_whatever_its_marks(text, expected):
    assert is_printed(text) is expected
