"""Lines laid into the rows of a form: one order-keeping alignment, and the next best."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from giar_ml.document import BBox, Labels, Reading, Token
from giar_ml.fields.lines import Field, Line
from giar_ml.fields.row_labels import _has_own_label, row_label_costs
from giar_ml.fields.rows import Alignment, align_rows, form_rows
from giar_ml.fields.unplaced import find_unplaced
from giar_ml.forms import load_form

BOX = BBox(0, 0, 1, 1)
ROWS = form_rows(load_form("2021"))
NAMES = [f"{section.table}.{row.key}" for section, row in ROWS]
REQUESTS = [name for name in NAMES if name.startswith("requests.")]


def line(label: str | None, *, p: float = 0.98, figures: int = 7) -> Line:
    """A line of table 3 with a label, or with figures alone."""
    fields = tuple(Field(BOX, (0.5, 0.6), Token(str(k), BOX)) for k in range(figures))
    labels = () if label is None else (Token("标签", BOX, labels={f"row:{label}": p, "other": 1 - p}),)
    return Line(1, 0, True, False, tuple(Field(BOX, (0.0, 0.4), token) for token in labels), fields)


def align(lines: Sequence[Line]) -> list[Alignment]:
    return align_rows(lines, ROWS, row_label_costs(lines, ROWS))


def rows_of(alignment: Alignment) -> dict[str, int]:
    """Per row of the form the line laid into it."""
    return {NAMES[j]: match.indices[0] for j, match in alignment.matches.items()}


def test_all_rows_in_order() -> None:
    found = rows_of(align([line(name) for name in REQUESTS])[0])
    assert found == {name: i for i, name in enumerate(REQUESTS)}


@pytest.mark.parametrize("gone", [0, 4, 11, 24])
def test_a_row_that_is_lost_shifts_no_other(gone: int) -> None:
    names = [name for i, name in enumerate(REQUESTS) if i != gone]
    found = rows_of(align([line(name) for name in names])[0])
    assert found == {name: i for i, name in enumerate(names)}


@pytest.mark.parametrize("again", [0, 4, 24])
def test_a_row_that_is_repeated_is_laid_once(again: int) -> None:
    names = [*REQUESTS[: again + 1], *REQUESTS[again:]]
    found = rows_of(align([*map(line, names), line(None, figures=15)])[0])
    assert found.pop("reviews.") == len(names)
    assert set(found) == set(REQUESTS)
    assert found[REQUESTS[again]] in (again, again + 1)
    assert [found[name] for name in REQUESTS] == sorted(found.values())


def test_a_wrong_label_gives_way_to_the_order() -> None:
    lines = [line(name) for name in REQUESTS]
    lines[5] = line(REQUESTS[20], p=0.6)
    assert rows_of(align(lines)[0]) == {name: i for i, name in enumerate(REQUESTS)}


@pytest.mark.parametrize(
    ("label", "n_places"), [("under:行政复议", 0), ("column:reviews.reconsideration.total", 15)]
)
def test_a_header_is_not_the_row_without_a_label_printed_blank(label: str, n_places: int) -> None:
    # Once the figures of the last table were on a page that was turned, and the row was taken to be blank.
    header = Field(BOX, (0.0, 0.4), Token("行政复议", BOX, labels={label: 0.98}))
    blanks = (Field(BOX, (0.5, 0.6), None),) * n_places
    (found, *_) = align([*map(line, NAMES[:-1]), Line(1, 1, True, False, (header,), blanks)])
    assert not ROWS[-1][1].labels
    assert len(ROWS) - 1 not in found.matches


def test_figures_without_a_label_are_the_row_that_is_missing() -> None:
    lines = [line(name) for name in REQUESTS]
    lines[7] = line(None)
    assert rows_of(align(lines)[0])[REQUESTS[7]] == 7


def test_rows_printed_blank_where_no_rules_are_drawn() -> None:
    """Their labels stand alone, and a dot beside a wrapped label is read as a figure."""
    lines = [line(name, figures=7 if i < 4 or i > 7 else 0) for i, name in enumerate(REQUESTS)]
    blank, marked = Field(BOX, (0.5, 0.6), None), Field(BOX, (0.9, 1), Token("8", BOX, confidence=0.9))
    dot = replace(line(REQUESTS[3]), fields=(*[blank] * 6, marked))
    lines.insert(3, dot)
    found = rows_of(align(lines)[0])
    assert found == {name: i + (i >= 3) for i, name in enumerate(REQUESTS)}


def test_a_line_of_dirt_is_no_row() -> None:
    """Once a dot that was nothing, with 0.9999, was as dear to leave out as a figure, and rows shifted."""
    nothing = Token(".", BOX, 0.9999, (Reading("", 0.9999), Reading("1", 0.0001)))
    lines = [line(name) for name in REQUESTS]
    lines[7], lines[8] = line(REQUESTS[7], figures=0), line(REQUESTS[8], p=0.3)
    lines.insert(9, Line(1, 0, True, False, (), (Field(BOX, (0.5, 0.6), nothing),) * 3))
    found = rows_of(align(lines)[0])
    assert found == {name: i + (i >= 9) for i, name in enumerate(REQUESTS)}


def test_the_next_best_lays_another_line() -> None:
    """Of two neighbouring rows one line is left, without its label."""
    lines = [line(name) for name in REQUESTS]
    lines[7:9] = [line(None)]
    best, rival = align(lines)
    assert rival.cost - best.cost < 1
    assert {rows_of(best).get(name) for name in REQUESTS[7:9]} == {7, None}
    assert {rows_of(rival).get(name) for name in REQUESTS[7:9]} == {7, None}
    assert rows_of(best) != rows_of(rival)


def illegible(text: str, *, confidence: float = 0.4, label: str = "other", p: float = 0.97) -> Line:
    """A line of table 3 whose label was read as nonsense."""
    token = Token(text, BOX, confidence, labels={label: p, "note": 1 - p})
    return replace(line(None), labels=(Field(BOX, (0.0, 0.4), token),))


def unsure(labels: Labels) -> Line:
    """A line of table 3 with a label that may be this or that."""
    return replace(line(None), labels=(Field(BOX, (0.0, 0.4), Token("其他", BOX, labels=labels)),))


def test_labels_that_cannot_be_read_leave_the_order() -> None:
    lines = [line(name) for name in REQUESTS]
    for i in range(4, 20):
        lines[i] = illegible("∴年9元")
    assert rows_of(align(lines)[0]) == {name: i for i, name in enumerate(REQUESTS)}


spanning = illegible("本年度", confidence=0.99)


@pytest.mark.parametrize(
    ("found", "has"),
    [
        (illegible("其他事项", confidence=0.99), True),
        (illegible("∴年9元", confidence=0.5), False),
        (illegible("附注", confidence=0.95, label="row:requests.new", p=0.2), True),
        (illegible("()4", confidence=0.95), False),
        (replace(spanning, labels=(replace(spanning.labels[0], row_span=8),)), False),
        (illegible("不予处理", confidence=0.99, label="under:（五）不予处理"), False),
        (unsure({"row:requests.new": 0.3, "other": 0.3, "note": 0.4}), False),
        (unsure({"row:requests.new": 0.7, "other": 0.3}), True),
        (line(REQUESTS[3]), True),
        (line(None), False),
    ],
)
def test_what_is_a_label_of_its_own(found: Line, has: bool) -> None:
    assert _has_own_label(found) is has


def test_a_bare_number_above_a_row_printed_blank_is_not_its_figure() -> None:
    # Once the number of a page became the one figure of 行政强制, and nobody was told.
    def dumped(label: str | None, *texts: str | None) -> Line:
        fields = tuple(Field(BOX, (0.5, 0.6), Token(text, BOX) if text else None) for text in texts)
        return replace(line(label, figures=0), gridded=False, table=len(texts), fields=fields)

    lines = [
        dumped("disclosure.penalties", "15", None),
        dumped(None, "1"),
        dumped("disclosure.coercion", None, None),
        dumped("disclosure.fees", "6.2", None),
    ]
    found = rows_of(align(lines)[0])
    assert 1 not in found.values()
    assert [problem.code for problem in find_unplaced(lines, set(found.values()))] == ["unplaced_figures"]


@pytest.mark.parametrize("gridded", [False, True])
@pytest.mark.parametrize(("n_blanks", "is_borrowed"), [(0, True), (1, False), (3, False)])
def test_a_bare_number_below_a_label_with_blank_fields_is_not_its_figure(
    n_blanks: int, is_borrowed: bool, gridded: bool
) -> None:
    blank = Field(BOX, (0.5, 0.6), None)
    label = replace(line("disclosure.licensing", figures=0), fields=(blank,) * n_blanks, gridded=gridded)
    number = replace(line(None, figures=1), gridded=False, table=1)
    other = replace(line("disclosure.penalties", figures=1), gridded=gridded, table=2)
    (licensing,) = (j for j, name in enumerate(NAMES) if name == "disclosure.licensing")
    cost = row_label_costs([label, number, other], ROWS)[1][licensing]
    assert (cost < 1) is is_borrowed
    assert (cost > 20) is not is_borrowed
    assert (rows_of(align([label, number, other])[0]).get("disclosure.licensing") == 1) is is_borrowed


@pytest.mark.parametrize("seed", range(30))
def test_ways_below_a_limit_are_those_without_one(seed: int) -> None:
    rng = random.Random(seed)
    names = [name for name in REQUESTS if rng.random() < 0.8]
    lines = [
        line(name if rng.random() < 0.7 else None, p=rng.uniform(0.3, 1), figures=rng.choice([0, 6, 7, 14]))
        for name in names
    ]
    costs = row_label_costs(lines, ROWS)
    ways = align_rows(lines, ROWS, costs)
    for limit in (0.0, ways[0].cost, ways[0].cost + 1e-6, ways[1].cost, ways[1].cost + 1e-6, 1e6):
        found = align_rows(lines, ROWS, costs, limit=limit)
        assert found == [way for way in ways if way.cost < limit]
    for margin in (1e-6, ways[1].cost - ways[0].cost, ways[1].cost - ways[0].cost + 1e-6, 1e6):
        found = align_rows(lines, ROWS, costs, margin=margin)
        assert found == [way for way in ways if way.cost - ways[0].cost < margin]
