"""Labels of tables that are printed just as a form prints them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import pytest

from giar_ml.document import BBox, Cell, Page, Table, Token
from giar_ml.forms import Form, load_form, load_forms
from giar_ml.forms.grid import Grid, GridCell, form_grid
from giar_ml.label.exact import label_printed
from giar_ml.label.pages import page_tokens


def print_table(
    grid: Grid, rows: Sequence[int], *, change: Mapping[str, str] = MappingProxyType({})
) -> Table:
    """Some rows of a form's table, 5 for each figure."""
    cells = []
    for cell in grid.cells:
        kept = [i for i, row in enumerate(rows) if cell.row_start <= row < cell.row_stop]
        if not kept:
            continue
        start, stop = kept[0], kept[-1] + 1
        bbox = BBox(cell.column_start * 50, start * 20, cell.column_stop * 50, stop * 20)
        text = "5" if cell.role == "value" else change.get(cell.text, cell.text)
        tokens = (Token(text, bbox),) if text else ()
        cells.append(Cell(start, stop, cell.column_start, cell.column_stop, bbox, tokens))
    bbox = BBox(0, 0, grid.n_columns * 50, len(rows) * 20)
    return Table(1, bbox, len(rows), grid.n_columns, tuple(cells))


def print_form(form: Form, *, change: Mapping[str, str] = MappingProxyType({})) -> list[Page]:
    """A page for each table, below its title and a sentence."""
    pages = []
    for number, table in enumerate(form.tables, 1):
        grid = form_grid(table)
        tokens = [Token(text, BBox(0, 0, 400, 20)) for text in ("本机关工作总体情况如下。", table.title[0])]
        tables = (print_table(grid, range(grid.n_rows), change=change),)
        pages.append(Page(number, "digital", 800, 1100, tokens=tuple(tokens), tables=tables))
    return pages


def gold_labels(form: Form) -> list[list[str]]:
    return [
        ["other", f"title:{table.key}", *(cell.label for cell in form_grid(table).cells if has_print(cell))]
        for table in form.tables
    ]


def has_print(cell: GridCell) -> bool:
    return cell.role == "value" or bool(cell.text)


@pytest.mark.parametrize("form", load_forms())
def test_the_tokens_of_a_form_as_it_is_printed_are_known(form: str) -> None:
    labelled = label_printed(print_form(load_form(form)))
    assert labelled is not None
    expected = gold_labels(load_form(form))
    for page, labels in zip(labelled, expected, strict=True):
        assert [token.labels for token in page_tokens(page)] == [{label: 1.0} for label in labels]


GROUP = "三、本年度办理结果"


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("pieces", [(GROUP, GROUP), (GROUP, ""), (GROUP[:5], GROUP[5:])])
def test_tables_go_on_on_the_next_page(repeated: bool, pieces: tuple[str, str]) -> None:
    form = load_form("2021")
    pages = print_form(form)
    grid = form_grid(form.tables[1])
    head = range(3) if repeated else ()
    halves = [range(15), [*head, *range(15, grid.n_rows)]]
    pages[1:2] = [
        replace(pages[1], tokens=tokens, tables=(print_table(grid, rows, change={GROUP: piece}),))
        for tokens, rows, piece in zip((pages[1].tokens, ()), halves, pieces, strict=True)
    ]
    labelled = label_printed(pages)
    assert labelled is not None
    found = {label for page in labelled[1:3] for token in page_tokens(page) for label in token.labels}
    assert found >= {"row:requests.refused.administrative_query", "under:（四）无法提供"}


@pytest.mark.parametrize(
    ("form", "caption", "printed", "is_exact"),
    [
        ("2021", "2.其他法律行政法规禁止公开", "2.其他法律行政止公开", True),
        pytest.param("2021", "商业企业", "企业", False, id="too short for a slip"),
        pytest.param("2021", "3.补正后申请内容仍不明确", "补正后申请内容仍不明确", False, id="its number"),
        *(("2021", f"第二十条第（{number}）项", "第二十条第项", False) for number in "一五六八"),
        pytest.param(
            "2021", "本年收费金额（单位：万元）", "本年收费金额（单位：万元）3.5", False, id="a figure"
        ),
        pytest.param("2021", "本年收费金额（单位：万元）", "上年收费金额", False, id="another year"),
        pytest.param("2021", "本年制发件数", "本年新公开数量", False, id="other words"),
        pytest.param("2019", "上一年项目数量", "本年项目数量", False, id="another column"),
    ],
)
def test_a_slip_in_a_caption_is_none_of_its_meaning(form, caption, printed, is_exact) -> None:
    pages = print_form(load_form(form), change={caption: printed})
    assert any(printed == cell.text for page in pages for cell in page.tables[0].cells)
    assert (label_printed(pages) is not None) is is_exact


def test_rows_that_have_changed_places_are_not_those_of_the_form() -> None:
    assert (
        label_printed(print_form(load_form("2021"), change={"行政处罚": "行政强制", "行政强制": "行政处罚"}))
        is None
    )


def drop_table(pages: list[Page]) -> list[Page]:
    return pages[:-1]


def drop_row(pages: list[Page]) -> list[Page]:
    grid = form_grid(load_form("2021").tables[1])
    rows = [row for row in range(grid.n_rows) if row != 10]
    return [pages[0], replace(pages[1], tables=(print_table(grid, rows),)), pages[2]]


def drop_headers(pages: list[Page]) -> list[Page]:
    grid = form_grid(load_form("2021").tables[2])
    return [*pages[:2], replace(pages[2], tables=(print_table(grid, range(3, 4)),))]


def repeat_title(pages: list[Page]) -> list[Page]:
    return [pages[0], replace(pages[1], tokens=pages[0].tokens), pages[2]]


def add_figure(pages: list[Page]) -> list[Page]:
    table = pages[0].tables[0]
    cells = [
        replace(cell, tokens=(*cell.tokens, *cell.tokens)) if cell.text == "5" else cell
        for cell in table.cells
    ]
    return [replace(pages[0], tables=(replace(table, cells=tuple(cells)),)), *pages[1:]]


def drop_title(pages: list[Page]) -> list[Page]:
    return [replace(pages[0], tokens=pages[0].tokens[:1]), *pages[1:]]


def add_words(pages: list[Page]) -> list[Page]:
    table = pages[0].tables[0]
    cells = [
        replace(cell, tokens=(replace(cell.tokens[0], text="见附件"),)) if cell.text == "5" else cell
        for cell in table.cells
    ]
    return [replace(pages[0], tables=(replace(table, cells=tuple(cells)),)), *pages[1:]]


def add_table(pages: list[Page]) -> list[Page]:
    return [*pages, replace(pages[0], number=4)]


def scan(pages: list[Page]) -> list[Page]:
    return [replace(page, kind="scan") for page in pages]


@pytest.mark.parametrize(
    "change",
    [
        drop_table,
        drop_row,
        drop_headers,
        drop_title,
        repeat_title,
        add_words,
        add_figure,
        add_table,
        scan,
    ],
)
def test_whatever_differs_is_left_to_the_labeller(change: Callable[[list[Page]], list[Page]]) -> None:
    assert label_printed(change(print_form(load_form("2021")))) is None
