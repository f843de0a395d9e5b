"""Labels for the tokens of pages of every kind: each token gets its own, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from conftest import ROOT

from giar_ml.document import BBox, Cell, Labels, Page, Table, Token
from giar_ml.figures import is_figure
from giar_ml.label import best_label
from giar_ml.label.frame import TEXT_COLUMNS, WIDTH, Placed
from giar_ml.label.pages import is_dump, label_pages, page_tokens, place_page
from giar_ml.load import load
from giar_ml.load.text import read_text

FIXTURES = ROOT / "eval" / "fixtures"
PAGE_MARK = re.compile(r"[-—–]\s*\d+\s*[-—–]|第\s*\d+\s*页")


class Fake:
    """Gives each text the label that a function says; keeps what it saw."""

    def __init__(self, label: Callable[[str], str]) -> None:
        self._label = label
        self.seen: list[list[Placed]] = []

    def label_pages(self, pages: Sequence[Sequence[Placed]]) -> list[list[Labels]]:
        self.seen = [list(page) for page in pages]
        return [[{self._label(token.text): 0.9, "note": 0.1} for token in page] for page in pages]


def name_of(text: str) -> str:
    """Every text has a label of its own."""
    return f"row:{text}"


def make_token(text: str, left: float, top: float) -> Token:
    return Token(text, BBox(left, top, left + 50, top + 20))


def make_cell(row: int, column: int, *tokens: Token) -> Cell:
    box = BBox(100 * column, 40 * row, 100 * column + 100, 40 * row + 40)
    return Cell(row, row + 1, column, column + 1, box, tokens)


def make_page(number: int = 1) -> Page:
    """Two tables, cells without a token and with two, tokens around them."""
    first = (
        make_cell(0, 0, make_token("甲", 0, 100), make_token("乙", 0, 120)),
        make_cell(0, 1),
        make_cell(1, 0, make_token("丙", 0, 140)),
    )
    second = (make_cell(0, 0, make_token("丁", 0, 300)),)
    box = BBox(0, 0, 200, 80)
    return Page(
        number,
        "scan",
        600,
        800,
        tokens=(make_token("题", 0, 0), make_token("注", 200, 400)),
        tables=(Table(number, box, 2, 2, first), Table(number, box, 1, 1, second)),
    )


def without_labels(page: Page) -> Page:
    def bare(tokens: Sequence[Token]) -> tuple[Token, ...]:
        return tuple(replace(token, labels={}) for token in tokens)

    tables = tuple(
        replace(table, cells=tuple(replace(cell, tokens=bare(cell.tokens)) for cell in table.cells))
        for table in page.tables
    )
    return replace(page, tokens=bare(page.tokens), tables=tables)


def label_dump(text: str, labels: Mapping[str, str]) -> Page:
    """A text whose figures are known, and the words given."""
    labeller = Fake(lambda word: "figure" if is_figure(word) else labels.get(word, "other"))
    [page] = label_pages([read_text(text)], labeller)
    return page


# Pages with tables


def test_every_token_gets_its_own_label():
    [page] = label_pages([make_page()], Fake(name_of))
    tokens = page_tokens(page)
    assert [token.text for token in tokens] == ["题", "注", "甲", "乙", "丙", "丁"]
    assert all(token.labels == {f"row:{token.text}": 0.9, "note": 0.1} for token in tokens)


def test_nothing_but_labels_changes():
    page = make_page()
    [labelled] = label_pages([page], Fake(name_of))
    assert without_labels(labelled) == page
    assert all(not token.labels for token in page_tokens(page))


def test_pages_are_seen_together_and_keep_their_order():
    labeller = Fake(name_of)
    pages = [make_page(2), Page(3, "digital", 10, 10), make_page(1)]
    labelled = label_pages(pages, labeller)
    assert [page.number for page in labelled] == [2, 3, 1]
    assert [len(page) for page in labeller.seen] == [6, 0, 6]
    assert labelled[1] == pages[1]


def test_no_pages():
    assert label_pages([], Fake(name_of)) == []


def test_boxes_of_a_page_are_those_of_its_tokens():
    """Print is 250 wide and a line 20 high: four to a point across, a fifth down."""
    placed = place_page(make_page())
    assert placed[0] == Placed("题", BBox(0, 0, 200, 4))
    assert placed[1] == Placed("注", BBox(800, 80, 1000, 84))
    assert placed[5] == Placed("丁", BBox(0, 60, 200, 64), cell=3)


# Word and HTML


def test_columns_of_a_file_without_paper_span_the_width():
    cells = tuple(
        Cell(row, row + 1, column, column + 1, BBox(column, 3 + row, column + 1, 4 + row),
             (Token(f"{row}{column}", BBox(column, 3 + row, column + 1, 4 + row)),))
        for row in range(2) for column in range(4)
    )  # fmt: skip
    page = Page(
        1, "text", 40, 5, tokens=(Token("标题", BBox(0, 1, 4, 2)),),
        tables=(Table(1, BBox(0, 3, 4, 5), 2, 4, cells),),
    )  # fmt: skip
    placed = place_page(page)
    assert placed[0].bbox == BBox(0, 0, 4 * WIDTH / TEXT_COLUMNS, 4)
    assert [p.bbox.left for p in placed[1:5]] == [0, 250, 500, 750]
    assert placed[8] == Placed("13", BBox(750, 12, 1000, 16), cell=7)


@pytest.mark.parametrize("name", ["9000000-00027-word.docx", "9000000-00031-html.html"])
def test_word_and_html(name):
    document = load(FIXTURES / name)
    assert not any(map(is_dump, document.pages))
    labelled = label_pages(document.pages, Fake(name_of))
    for before, after in zip(document.pages, labelled, strict=True):
        assert without_labels(after) == before
        assert all(best_label(token.labels) == f"row:{token.text}" for token in page_tokens(after))
    placed = [token for page in labelled for token in place_page(page)]
    assert sum(token.text == "（一）予以公开" for token in placed) == 1
    assert max(token.bbox.right for token in placed) == WIDTH


# Text dumps


def test_a_dump_comes_back_with_its_tables():
    page = label_dump(
        "三、收到和处理情况\n新收    1    0    1\n结转    2    0    2\n\n五、问题\n工作人员少。\n",
        {
            "三、收到和处理情况": "title:requests",
            "新收": "row:requests.new",
            "结转": "row:requests.carried_in",
        },
    )
    [table] = page.tables
    rows = [[cell.text for cell in table.cells if cell.row_start == row] for row in range(table.n_rows)]
    assert rows == [["三、收到和处理情况"], ["新收", "1", "0", "1"], ["结转", "2", "0", "2"]]
    tokens = [token for cell in table.cells for token in cell.tokens]
    assert [best_label(token.labels) for token in tokens] == [
        "title:requests",
        *("row:requests.new", *["figure"] * 3),
        *("row:requests.carried_in", *["figure"] * 3),
    ]
    assert [token.text for token in page.tokens] == ["五、问题", "工作人员少。"]
    assert {best_label(token.labels) for token in page.tokens} == {"other"}


def test_a_field_of_several_words_has_the_mean_of_their_labels():
    """甲 and 乙丙 by their characters: a third and two thirds."""
    page = label_dump("| 甲 乙丙 | 1 |", {"甲": "row:requests.new", "乙丙": "column:requests.total"})
    token = page.tables[0].cells[0].tokens[0]
    assert token.text == "甲 乙丙"
    assert token.labels == pytest.approx({"row:requests.new": 0.3, "column:requests.total": 0.6, "note": 0.1})


def test_words_of_a_dump_are_seen_in_columns():
    labeller = Fake(lambda word: "other")
    label_pages([read_text("\n新收  12|3\n")], labeller)
    assert labeller.seen == [
        [
            Placed("新收", BBox(0, 0, 25, 4)),
            Placed("12", BBox(37.5, 0, 50, 4)),
            Placed("3", BBox(56.25, 0, 62.5, 4)),
        ]
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "前言\n没有表格。", "|||\n---\n"])
def test_a_dump_without_labels_keeps_its_text(text):
    page = label_dump(text, {})
    assert "".join(token.text for token in page_tokens(page)) == text.replace("\n", "").strip("|-")


@pytest.mark.parametrize(
    "path", sorted(FIXTURES.glob("9000000-*-text-*[!n]")), ids=lambda path: path.name[8:24]
)
def test_no_figure_of_a_dump_is_lost(path):
    """In tables or in prose, every figure of the source comes back, but for page numbers."""
    [page] = load(path).pages
    assert is_dump(page)
    labeller = Fake(lambda word: "figure" if is_figure(word) else "row:requests.new")
    [labelled] = label_pages([page], labeller)
    assert all(token.labels for token in page_tokens(labelled) if token.text)
    marks = {line.line for line in page.tokens if PAGE_MARK.fullmatch(line.text.strip())}
    found = figures_of(labelled)
    printed = {
        (line.line, word)
        for line in page.tokens
        for word in re.split(r"[\s|]+", line.text)
        if is_figure(word) and line.line not in marks
    }
    assert found <= printed
    lost = sorted(printed - found)
    assert [word for _, word in lost] == [str(k + 1) for k in range(len(lost))]
    assert len(lost) != 1
    alone = {line.line: line.text.strip() for line in page.tokens}
    assert all(alone[line] == word for line, word in lost)


def figures_of(page: Page) -> set[tuple[int | None, str]]:
    words = ((token.line, word) for token in page_tokens(page) for word in token.text.split())
    return {(line, word) for line, word in words if is_figure(word)}
