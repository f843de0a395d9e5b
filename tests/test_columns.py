"""The ways to lay the fields of a line into columns, against all ways there are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations

import pytest

from giar_ml.document import BBox, Reading, Token
from giar_ml.fields.columns import Layout, lay_fields
from giar_ml.fields.headers import Headers
from giar_ml.fields.lines import Field, Line
from giar_ml.fields.places import _MARGIN, _MOST_ALTERNATIVES, k_best_places
from giar_ml.fields.torn import join_torn
from giar_ml.figures import parse_figure
from giar_ml.forms import Header, Section, load_form
from giar_ml.verdict import PROOF


def all_ways(
    skip: list[float], lost: list[float], match: list[list[float]]
) -> dict[tuple[int | None, ...], float]:
    ways = {}
    for n in range(min(len(skip), len(lost)) + 1):
        for fields in combinations(range(len(skip)), n):
            for columns in combinations(range(len(lost)), n):
                places: list[int | None] = [None] * len(lost)
                cost = sum(price for k, price in enumerate(skip) if k not in fields)
                cost += sum(price for c, price in enumerate(lost) if c not in columns)
                for k, c in zip(fields, columns, strict=True):
                    places[c] = k
                    cost += match[k][c]
                ways[tuple(places)] = cost
    return ways


@pytest.mark.parametrize("seed", range(60))
def test_the_cheapest_ways_are_found(seed: int) -> None:
    rng = random.Random(seed)
    n, m = rng.randint(0, 6), rng.choice([2, 3, 5])
    price = [0.0, 0.1, 2.5, 4.0, 6.0, 9.0]
    skip, lost = rng.choices(price, k=n), [rng.choice(price) + 0.3 for _ in range(m)]
    match = [rng.choices(price, k=m) for _ in range(n)]
    ways = all_ways(skip, lost, match)
    found = k_best_places(skip, lost, match)
    assert [cost for cost, _ in found] == sorted(cost for cost, _ in found)
    for cost, places in found:
        assert cost == pytest.approx(ways[places])
    assert found[0][0] == pytest.approx(min(ways.values()))
    near = sum(cost <= found[0][0] + _MARGIN - 1e-6 for cost in ways.values())
    assert len(found) >= min(near, _MOST_ALTERNATIVES)


COERCION = next(
    (section, row) for section in load_form("2019").sections for row in section.rows if row.key == "coercion"
)


def field(left: float, right: float, text: str = "", sure: float = 1.0, label: str = "figure") -> Field:
    bbox = BBox(left, 0, right, 10)
    readings = (Reading(text, sure),) if label == "figure" else ()
    token = Token(text, bbox, sure, readings, labels={label: 1.0}) if text else None
    return Field(bbox, (left / 100, right / 100), token)


def lead(line: Line, headers: Sequence[Field], section: Section, row: Header) -> tuple[list[object], float]:
    """The figures of the cheapest layout, and by how much it is ahead of one with others."""

    def figures(layout: Layout) -> list[object]:
        return [seen.readings[0][0] if seen and seen.readings else "-" for seen in layout.cells.values()]

    fields = [(header, header.labels) for header in headers]
    best, *others = lay_fields(line, section, row, Headers(fields, line.table), prints_zeros=False)
    return figures(best), min(o.cost - best.cost for o in others if figures(o) != figures(best))


@pytest.mark.parametrize(("sure", "proven"), [(0.98, True), (0.6, False)])
def test_a_figure_below_its_own_header_is_in_no_other_column(sure: float, proven: bool) -> None:
    # Once 120723 below 本年增/减 was held to be as likely that of the year before.
    names = [(37, 56, "previous"), (62, 75, "change"), (83, 99, "decisions")]
    headers = [field(*at, "名", sure, f"column:disclosure.{key}") for *at, key in names]
    fields = (field(35, 57), field(63, 75, "120723"), field(76, 87), field(88, 95, "14776"))
    figures, ahead = lead(Line(1, 0, True, False, (), fields), headers, *COERCION)
    assert figures == [None, 120723, 14776]
    assert (ahead >= PROOF) is proven


@pytest.mark.parametrize(
    ("text", "at", "mark", "sure", "proven"),
    [
        pytest.param("1.00", 77, "5", 0.7, True, id="figure beside a mark"),
        pytest.param("14701.38", 20, "1", 0.966, True, id="figure beside a stroke below no header"),
        pytest.param("14701.38", 77, "1", 0.966, False, id="figure beside a stroke below its header"),
        pytest.param("7", 77, "5", 0.7, False, id="one digit may be a mark"),
        pytest.param("11", 77, "5", 0.7, False, id="strokes"),
        pytest.param("14701.38", 77, "25", 0.9999, False, id="two figures"),
    ],
)
def test_a_figure_of_several_digits_is_no_mark(
    text: str, at: float, mark: str, sure: float, proven: bool
) -> None:
    form = load_form("2021")
    section, row = next((s, r) for s in form.sections for r in s.rows if r.key == "fees")
    header = field(35, 99, "名", label="column:disclosure.amount")
    fields = sorted((field(60, 70, text, 0.99998), field(at, at + 1, mark, sure)), key=lambda f: f.position)
    figures, ahead = lead(Line(1, 0, True, False, (), tuple(fields)), [header], section, row)
    assert (ahead >= PROOF) is proven
    assert not proven or figures == [parse_figure(text, "amount")]


@pytest.mark.parametrize(
    ("fields", "n_columns", "texts"),
    [
        # Once 43 beside a seal was 4 and 3 of two columns, and the 0 behind it was none.
        pytest.param(
            [(0, "5", 1), (20, "4", 0.99), (32, "3", 1), (60, "0", 1)], 3, ["5", "43", "0"], id="in two"
        ),
        pytest.param([(0, "5", 1), (20, "4", 1), (32, "3", 1)], 3, ["5", "4", "3"], id="a column each"),
        pytest.param([(0, "5", 1), (20, "4", 1), (36, "3", 1)], 2, ["5", "4", "3"], id="far apart"),
        pytest.param([(0, "5", 1), (20, "4", 1), (32, "3", 0.9)], 2, ["5", "4", "3"], id="perhaps a mark"),
        pytest.param([(0, "5.1", 1), (12, "4", 1)], 1, ["5.1", "4"], id="with a point"),
        pytest.param([(0, "4", 1), (12, "3", 1), (24, "7", 1)], 1, ["437"], id="in three"),
        pytest.param(
            [(0, "4", 1), (12, "3", 1), (60, "7", 1), (90, "7", 1)], 2, ["4", "3", "7", "7"], id="and more"
        ),
    ],
)
def test_digits_that_stand_close_are_one_figure_where_columns_lack(
    fields: Sequence[tuple[float, str, float]], n_columns: int, texts: list[str]
) -> None:
    places = tuple(field(left, left + 5, text, sure) for left, text, sure in fields)
    line = join_torn(Line(1, 0, True, False, (), places), n_columns)
    assert [place.token.text for place in line.fields if place.token] == texts
    joined = next((place for place in line.fields if place.token and place.token.text == "43"), None)
    if joined and joined.token:
        assert joined.token.readings == (Reading("43", pytest.approx(0.98 * 0.99)),)
        assert (joined.bbox.left, joined.bbox.right) == (20, 37)


def test_a_lone_figure_beside_its_header_is_as_sure_as_below_it() -> None:
    # Once 8645.91 at the right edge of a wide column was held to be as likely no figure of it.
    form = load_form("2021")
    section, row = next((s, r) for s in form.sections for r in s.rows if r.key == "fees")
    header = field(58, 76, "名", label="column:disclosure.amount")
    line = Line(1, 0, True, False, (), (field(27, 57), field(96, 100, "8645.91", 0.993)))
    figures, ahead = lead(line, [header], section, row)
    assert figures == [Decimal("8645.91")]
    assert ahead >= PROOF


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(field(88, 96, "三(一)", 0.6, "other"), id="words"),
        pytest.param(
            replace(
                field(88, 96),
                token=Token("1", BBox(88, 0, 96, 10), 0.8, (Reading("", 0.8), Reading("1", 0.2))),
            ),
            id="likely nothing",
        ),
    ],
)
def test_a_zero_beside_what_reads_as_no_figure_is_the_figure(mark: Field) -> None:
    # Once words that shine through from the other side were held to be as likely the figure.
    form = load_form("2021")
    section, row = next((s, r) for s in form.sections for r in s.rows if r.key == "licensing")
    header = field(35, 99, "名", label="column:disclosure.decisions")
    figures, ahead = lead(Line(1, 0, True, False, (), (field(60, 62, "0"), mark)), [header], section, row)
    assert figures == [0]
    assert ahead > 5


def test_headers_of_another_page_may_stand_elsewhere() -> None:
    # Once a full row was shifted by a column, and its last figure left out, since all stood below the next.
    form = load_form("2021")
    section, row = next((s, r) for s in form.sections for r in s.rows if r.key == "handled_total")
    keys = [column.key for column in section.columns]
    headers = [field(30 + 9 * c, 38 + 9 * c, "名", label=f"column:requests.{k}") for c, k in enumerate(keys)]
    shown = [(header, header.labels) for header in headers]
    fields = (field(28, 33), *(field(41 + 9 * c, 43 + 9 * c, text) for c, text in enumerate("2000002")))
    line = Line(2, 1, True, False, (), fields)
    layouts = lay_fields(line, section, row, Headers(shown, 0), prints_zeros=True)
    assert [seen and seen.readings[0][0] for seen in layouts[0].cells.values()] == [2, 0, 0, 0, 0, 0, 2]


def test_pieces_of_a_figure_are_no_marks_too_many() -> None:
    # Once 9.62 in full width was taken apart, and 62 accepted with a 9 as dirt beside it.
    form = load_form("2021")
    section, row = next((s, r) for s in form.sections for r in s.rows if r.key == "fees")
    header = field(35, 99, "名", label="column:disclosure.amount")
    pieces = (field(50, 56, "9", 0.999), field(68, 90, "62", 0.9997))
    assert lead(Line(1, 0, True, False, (), pieces), [header], section, row)[1] < 1
    sides = (field(50, 54, "0", 0.9999), field(56, 58, "0", 0.9999))
    best = lay_fields(Line(1, 0, True, False, (), sides), section, row, Headers([], None), prints_zeros=True)[
        0
    ]
    assert best.cost < 9  # and either of the sides is 0
    apart = (pieces[0], field(80, 96, "62", 0.9999))
    assert lead(Line(1, 0, True, False, (), apart), [header], section, row)[1] > 3


def test_a_number_of_which_one_digit_is_in_doubt_is_no_mark_too_many() -> None:
    # Once 185183.10 in full width, with a pale 5, was accepted as 183.10: 185 may be 18, and was left out.
    form = load_form("2021")
    section, row = next((s, r) for s in form.sections for r in s.rows if r.key == "fees")
    header = field(35, 99, "名", label="column:disclosure.amount")
    box = BBox(36, 0, 52, 10)
    either = Token("185", box, 0.5, (Reading("185", 0.4999), Reading("18", 0.4998), Reading("", 0.0003)))
    fields = (replace(field(36, 52), token=either), field(75, 98, "183.10", 0.9997))
    assert lead(Line(1, 0, True, False, (), fields), [header], section, row)[1] < 1


def test_a_row_with_a_figure_for_each_column_wants_no_blank() -> None:
    form = load_form("2021")
    section, row = next((s, r) for s in form.sections for r in s.rows if r.key == "handled_total")
    fields = tuple(field(10 * k, 10 * k + 2, "0" if k % 2 else "") for k in range(15))
    full = lay_fields(Line(1, 0, True, False, (), fields), section, row, Headers([], None), prints_zeros=True)
    assert [seen and seen.readings[0][0] for seen in full[0].cells.values()] == [0] * 7
    assert full[0].cost < 9
