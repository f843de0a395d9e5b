"""Reports whose columns stand in another order than the form's, or that have more of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from giar_ml.document import BBox, Cell, Page, Table, Token
from giar_ml.fields import collect_evidence
from giar_ml.forms import FormTable, load_form, load_forms
from giar_ml.forms.grid import GridCell, form_grid
from giar_ml.label.classifier import load_classifier
from giar_ml.label.pages import label_pages
from giar_ml.verdict import Verdict, decide

FORM = load_form("2021")
DISCLOSURE, REQUESTS, REVIEWS = (table.key for table in FORM.tables)
APPLICANTS = [2, 0, 3, 1, 4, 5, 15]
OUTCOMES = [1, 2, 3, 4, 10]
Change = Callable[[str, Sequence[GridCell]], Sequence[GridCell]]
"""Other cells of a table, by its key."""


def figures() -> dict[str, int]:
    """Those of a lawful report."""
    found = dict.fromkeys(FORM.cells, 0)
    found |= {key: 3 + i for i, key in enumerate(FORM.cells) if key.startswith(DISCLOSURE)}
    columns = [c.key for c in FORM.tables[1].sections[0].columns]
    for row in ("new", "granted", "handled_total"):
        found |= {f"{REQUESTS}.{row}.{c}": n for c, n in zip(columns, APPLICANTS, strict=True)}
    reviews = [key for key in FORM.cells if key.startswith(REVIEWS)]
    return found | dict(zip(reviews, OUTCOMES * 3, strict=True))


def as_printed(table: FormTable, printed: Mapping[str, int], change: Change) -> Table:
    """A table as the form prints it, in squares of 40 px."""
    cells = []
    for c in sorted(change(table.key, form_grid(table).cells), key=lambda c: (c.row_start, c.column_start)):
        bbox = BBox(*(40.0 * edge for edge in (c.column_start, c.row_start, c.column_stop, c.row_stop)))
        text = c.text if c.key is None else str(printed[c.key])
        tokens = (Token(text, bbox),) if text else ()
        cells.append(Cell(c.row_start, c.row_stop, c.column_start, c.column_stop, bbox, tokens))
    n_rows, n_columns = max(c.row_stop for c in cells), max(c.column_stop for c in cells)
    return Table(1, BBox(0, 0, 40.0 * n_columns, 40.0 * n_rows), n_rows, n_columns, tuple(cells))


def verdict_on(printed: Mapping[str, int], change: Change, *, kind: str = "digital") -> Verdict:
    tables = tuple(as_printed(table, printed, change) for table in FORM.tables)
    page = Page(1, kind, 1000, 1000, tables=tables)  # type: ignore[arg-type]
    evidence = collect_evidence(label_pages([page], load_classifier()), load_forms().values())
    return decide(evidence, [], max_risk=0.05)


def swapped(table: str, a: int, b: int, *, width: int = 1) -> Change:
    """The table with as many columns from a on and from b on in each other's place, with their headers."""

    def change(key: str, cells: Sequence[GridCell]) -> Sequence[GridCell]:
        return [moved(c) for c in cells] if key == table else cells

    def moved(cell: GridCell) -> GridCell:
        for start, other in ((a, b), (b, a)):
            if start <= cell.column_start and cell.column_stop <= start + width:
                start, stop = (edge - start + other for edge in (cell.column_start, cell.column_stop))
                return replace(cell, column_start=start, column_stop=stop)
        return cell

    return change


def litigation_first(key: str, cells: Sequence[GridCell]) -> Sequence[GridCell]:
    """行政诉讼 with its ten columns before 行政复议."""
    moves = [10 if cell.column_start < 5 else -5 for cell in cells]
    return [
        replace(cell, column_start=cell.column_start + by, column_stop=cell.column_stop + by)
        if key == REVIEWS
        else cell
        for cell, by in zip(cells, moves, strict=True)
    ]


def renamed(names: Mapping[str, str]) -> Change:
    return lambda _, cells: [replace(c, text=names.get(c.text, c.text)) for c in cells]


@pytest.mark.parametrize("kind", ["digital", "scan"])
@pytest.mark.parametrize(
    ("change", "headers"),
    [
        (swapped(DISCLOSURE, 2, 3), "现行有效件数, 本年废止件数"),
        (swapped(REQUESTS, 6, 7), "法律服务机构, 社会公益组织"),
        (swapped(REQUESTS, 4, 5), "科研机构, 商业企业"),
        (swapped(REVIEWS, 5, 10, width=5), "复议后起诉, 未经复议直接起诉"),
        (litigation_first, "行政复议, 未经复议直接起诉, 复议后起诉"),
        (swapped(REVIEWS, 10, 11), "结果纠正, 结果维持"),
    ],
)
def test_columns_in_another_order_than_that_of_the_form_are_reviewed(
    change: Change, headers: str, kind: str
) -> None:
    # Once the figures were laid out in the order of the form, and accepted where their sums hold in any.
    verdict = verdict_on(figures(), change, kind=kind)
    said = [problem.message for problem in verdict.problems if problem.code == "poor_fit"]
    assert verdict.status == "review"
    assert any(message.endswith(f"below headers that name other columns: {headers}") for message in said)


@pytest.mark.parametrize("kind", ["digital", "scan"])
@pytest.mark.parametrize(
    "names",
    [
        {},
        {"法律服务机构": "法律服务札构", "社会公益组织": "社会公盖细织", "结果维持": "结呆维待"},
        {"商业企业": "", "结果纠正": "结果", "行政复议": ""},
    ],
)
def test_columns_whose_headers_were_misread_or_lost_are_no_others(names: dict[str, str], kind: str) -> None:
    verdict = verdict_on(figures(), renamed(names), kind=kind)
    assert (verdict.problems, verdict.status) == ((), "accepted")


def test_a_header_over_two_columns_may_name_the_blank_one() -> None:
    # The rule between the headers was lost, and the figure of the first column with its ink.
    def change(key: str, cells: Sequence[GridCell]) -> Sequence[GridCell]:
        kept = [c for c in cells if c.label != "column:disclosure.repealed"]
        wide = [replace(c, column_stop=3) if c.label == "column:disclosure.issued" else c for c in kept]
        return [replace(c, key=None) if (c.key or "").endswith("issued") else c for c in wide]

    verdict = verdict_on(figures(), change, kind="scan")
    assert not any("below headers" in problem.message for problem in verdict.problems)


# More columns than the form has

LICENSING = f"{DISCLOSURE}.licensing.decisions"


def beside(header: str, figure: str, *, is_first: bool) -> Change:
    """Another column beside the one of 行政许可."""

    def change(key: str, cells: Sequence[GridCell]) -> Sequence[GridCell]:
        return [part for c in cells for part in (split(c) if key == DISCLOSURE else [c])]

    def split(cell: GridCell) -> list[GridCell]:
        if cell.row_start not in (5, 6) or cell.role not in ("header", "value"):
            return [cell]
        text = header if cell.role == "header" else figure
        left, right = replace(cell, column_stop=2), replace(cell, column_start=2)
        if is_first:
            return [replace(left, text=text, key=None), right]
        return [left, replace(right, text=text, key=None)]

    return change


@pytest.mark.parametrize("header", ["上年处理决定数量", "2022年处理决定数量", "上年数"])
@pytest.mark.parametrize("is_first", [False, True])
@pytest.mark.parametrize(("own", "other"), [(0, "15"), (5, "1500"), (15, "0")])
def test_a_figure_of_last_year_is_none_of_this_one(own: int, other: str, header: str, is_first: bool) -> None:
    # Once the one with more digits won, and was accepted in place of a 0.
    verdict = verdict_on({**figures(), LICENSING: own}, beside(header, other, is_first=is_first))
    assert verdict.cells[LICENSING].value == own
    assert [(p.code, p.cells) for p in verdict.problems] == [("poor_fit", (LICENSING,))]


def test_a_figure_that_a_tool_repeated_over_columns_is_one() -> None:
    verdict = verdict_on({**figures(), LICENSING: 15}, beside("本年处理决定数量", "15", is_first=False))
    assert verdict.cells[LICENSING].value == 15
    assert (verdict.problems, verdict.status) == ((), "accepted")
