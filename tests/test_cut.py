"""Rows that lie in two lines: cut by a streak, or by the end of a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from giar_ml.document import BBox, Reading, Token
from giar_ml.fields.cut import find_rest, join_pieces
from giar_ml.fields.lines import Field, Line
from giar_ml.fields.row_labels import row_label_costs
from giar_ml.fields.rows import align_rows, form_rows
from giar_ml.forms import load_form

ROWS = form_rows(load_form("2021"))
REQUESTS = [f"{section.table}.{row.key}" for section, row in ROWS if section.table == "requests"]
N_COLUMNS = 7


def piece(shown: str, label: str | None = None, *, page: int = 1, first: int = 0) -> Line:
    """A ruled line: per place from column `first` on a digit, `_` for a blank or `?` for a mark that is
    likely nothing."""
    fields = []
    for c, character in enumerate(shown, start=first):
        box = BBox(40 + 6 * c, 0, 46 + 6 * c, 10)
        odds = (Reading("", 0.9), Reading("7", 0.1)) if character == "?" else (Reading(character, 1.0),)
        token = None if character == "_" else Token(character, box, 0.9999, odds, labels={"figure": 1.0})
        fields.append(Field(box, (0.4 + 0.06 * c, 0.46 + 0.06 * c), token))
    token = Token("标签", BOX, labels={f"row:{label}": 1.0}) if label else None
    labels = (Field(BOX, (0.0, 0.4), token),) if token else ()
    return Line(page, page, True, False, labels, tuple(fields))


BOX = BBox(0, 0, 40, 10)


def caption(line: Line) -> Line:
    token = Token("第二十条第（六）项", BOX, labels={"caption:第二十条第（六）项": 0.9})
    return replace(line, labels=(Field(BOX, (0.0, 0.4), token),))


def shown(line: Line | None) -> str | None:
    if line is None:
        return None
    return "".join("_" if place.token is None else place.token.text for place in line.fields)


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        pytest.param(piece("12_____", "a"), piece("__34567"), "1234567", id="each has a part"),
        pytest.param(piece("_______", "a"), piece("1234567"), "1234567", id="a label above"),
        pytest.param(piece("1234567"), piece("?______", "a"), "1234567", id="a label below, and dirt"),
        pytest.param(piece("____567", "a"), piece("1234"), "1234567", id="the rest has fewer places"),
        pytest.param(piece("123456"), piece("7", first=6), "1234567", id="a place that the other lacks"),
        pytest.param(piece("123____", "a"), piece("__34567"), None, id="two figures in one place"),
        pytest.param(piece("_______", "a"), piece("_______"), None, id="no figures"),
        pytest.param(piece("1234567", "a"), piece("?______"), None, id="nothing but dirt below"),
        pytest.param(piece("1234567", page=1), piece("______?", "a", page=2), "1234567", id="over pages"),
        pytest.param(piece("123____", page=1), piece("___4567", page=2), None, id="figures on both pages"),
        pytest.param(piece("12_____", "a"), caption(piece("__3____")), None, id="a mark in a caption"),
    ],
)
def test_pieces(first: Line, second: Line, joined: str | None) -> None:
    row = join_pieces(first, second)
    assert shown(row) == joined
    assert row is None or row.page == 1
    assert row is None or row.labels == (*first.labels, *second.labels)


def test_the_rest_of_a_row_stands_behind_the_headers_of_the_next_page() -> None:
    header = piece("", page=2)
    lines = [piece("1234567"), header, piece("_______", "a", page=2), piece("1", page=2)]
    assert [find_rest(lines, i) for i in range(len(lines))] == [2, 2, 3, None]
    assert find_rest([lines[0], replace(lines[0], table=9)], 0) is None


@pytest.mark.parametrize(
    ("cut", "page"),
    [
        pytest.param(("12_____", "__34567"), 1, id="streak"),
        pytest.param(("1234567", "___?___"), 2, id="end of a page"),
        pytest.param(("1234567", "___?___"), 3, id="end of a page behind the name of a group"),
    ],
)
def test_a_row_in_pieces_is_one_row(cut: tuple[str, str], page: int) -> None:
    # Once figures of a row without its label, and the label alone, were held to be as likely two rows.
    lines = [piece("0" * N_COLUMNS, name) for name in REQUESTS]
    at = REQUESTS.index("requests.partly_granted")
    label, group = ("requests.partly_granted", "requests.other.all" if page == 3 else None)
    upper, lower = (label, None) if page == 1 else (group, label)
    page = min(page, 2)
    lines[at : at + 1] = [piece(cut[0], upper), piece(cut[1], lower, page=page)]
    lines[at + 2 :] = [replace(line, page=page, table=page) for line in lines[at + 2 :]]
    best, *rivals = align_rows(lines, ROWS, row_label_costs(lines, ROWS))
    (row,) = (j for j, (section, r) in enumerate(ROWS) if f"{section.table}.{r.key}" == label)
    assert shown(best.matches[row].line) == "1234567"
    assert best.matches[row].indices == (at, at + 1)
    assert all(rival.cost - best.cost > 1 for rival in rivals)
