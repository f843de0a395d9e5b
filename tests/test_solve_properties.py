"""What holds of every answer, whatever was read. `HYPOTHESIS_PROFILE=thorough`: 1,000 examples of each."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eval.limit import stand_of_print
from giar_ml.decode import decode
from giar_ml.document import BBox, Token
from giar_ml.fields import FormEvidence, Layout, RowEvidence, Seen
from giar_ml.forms import Sum, load_form
from giar_ml.puzzle import Puzzle, Row
from giar_ml.solve import DEFAULT_COSTS, Budget, Evidence, Statement
from giar_ml.verdict import decide

FEW = settings(max_examples=settings.default.max_examples // 4)
TABLE = (
    *(Sum(f"row:{r}", (f"{r}a", f"{r}b"), (f"{r}t",)) for r in "xyz"),
    *(Sum(f"column:{c}", (f"x{c}", f"y{c}"), (f"z{c}",)) for c in "abt"),
)
CELLS = [f"{r}{c}" for r in "xyz" for c in "abt"]
FIGURE = st.integers(0, 12)
COST = st.integers(0, 90).map(lambda tenths: tenths / 10)


@st.composite
def lawful(draw):
    """Figures of all cells that add up."""
    found = {key: draw(FIGURE) for key in ("xa", "xb", "ya", "yb")}
    found |= {f"z{c}": found[f"x{c}"] + found[f"y{c}"] for c in "ab"}
    return found | {f"{r}t": found[f"{r}a"] + found[f"{r}b"] for r in "xyz"}


def sort(readings, other_cost):
    return Evidence(tuple(sorted(readings.items(), key=lambda reading: reading[1])), other_cost)


@st.composite
def read(draw, figure, *, rightly=False):
    """What may be seen where a figure stands: it is among the readings, the first one mostly."""
    others = draw(st.dictionaries(st.one_of(st.none(), FIGURE), COST, max_size=2))
    is_first = rightly or draw(st.integers(0, 3)) > 0
    least = min(others.values(), default=0.0)
    cost = draw(st.integers(0, 10)) / 10 if is_first else least + 0.5
    if is_first:
        others = {other: c + cost + 0.1 for other, c in others.items()}
    others = {other: c for other, c in others.items() if (other or 0) != figure}
    return sort({**others, figure: cost}, draw(st.one_of(st.none(), st.just(11.5), st.just(6.0))))


@st.composite
def seen(draw, *, rightly=False):
    """Figures that add up, and what is seen of them."""
    figures = draw(lawful())
    return figures, {key: draw(read(figure, rightly=rightly)) for key, figure in figures.items()}


def puzzle(cells, **options):
    return Puzzle(tuple(Row(key, {(): {key: e}}) for key, e in cells.items()), TABLE, **options)


def outputs(solution):
    return {key: d.shown if d.misprint else d.lawful for key, d in solution.decisions.items()}


@FEW
@given(seen(rightly=True))
def test_a_lawful_reading_is_never_changed(case):
    figures, cells = case
    solution = decode(puzzle(cells))
    assert {key: (d.shown, d.misprint) for key, d in solution.decisions.items()} == {
        key: (figure, False) for key, figure in figures.items()
    }
    assert solution.cost == pytest.approx(sum(e.readings[0][1] for e in cells.values()), abs=0.001)


@FEW
@given(st.fixed_dictionaries({key: FIGURE.flatmap(read) for key in CELLS}))
def test_the_answer_adds_up_and_what_is_printed_otherwise_is_flagged(cells):
    solution = decode(puzzle(cells))
    for s in TABLE:
        left, right = (sum(solution.decisions[key].lawful for key in side) for side in (s.left, s.right))
        assert left == right
    for decision in solution.decisions.values():
        assert decision.misprint or decision.shown in (None, decision.lawful)


@FEW
@given(st.fixed_dictionaries({key: FIGURE.flatmap(read) for key in CELLS}), st.sampled_from(CELLS), FIGURE)
def test_another_program_finds_nothing_cheaper(cells, key, figure):
    problem = puzzle(cells, statements=(Statement((key,), figure),))
    solution = decode(problem, budget=Budget(20.0))
    assert solution.proven
    found = {key: figure or 0 for key, figure in outputs(solution).items()}
    assert stand_of_print(problem, found) == ("cheapest" if solution.gap > 0 else "tied")


@FEW
@given(seen(), st.sampled_from(CELLS), st.floats(0, 1))
def test_true_evidence_never_makes_the_answer_worse(case, key, share):
    figures, cells = case
    before = decode(puzzle(cells))
    assume(outputs(before) == figures and before.gap > 0)
    readings = dict(cells[key].readings)
    readings[figures[key]] = round(readings[figures[key]] * share, 3)
    surer = {**cells, key: sort(readings, cells[key].other_cost)}
    stated = (Statement((key,), figures[key]),)
    for after in (decode(puzzle(surer)), decode(puzzle(cells, statements=stated))):
        assert outputs(after) == figures
        assert after.gap >= before.gap - 0.002


@FEW
@given(seen(), st.permutations(CELLS))
def test_the_order_of_cells_does_not_matter(case, keys):
    _, cells = case
    one, other = decode(puzzle(cells)), decode(puzzle({key: cells[key] for key in keys}))
    assert (one.cost, one.gap) == (other.cost, other.gap)
    if one.gap > 0:
        assert outputs(one) == outputs(other)


@FEW
@given(seen(), st.sampled_from([0.5, 2.0, 3.0]))
def test_the_scale_of_costs_does_not_matter(case, scale):
    _, cells = case
    prices = {name: price * scale for name, price in vars(DEFAULT_COSTS).items()}
    scaled = {
        key: Evidence(tuple((f, c * scale) for f, c in e.readings), e.other_cost and e.other_cost * scale)
        for key, e in cells.items()
    }
    one = decode(puzzle(cells))
    other = decode(puzzle(scaled, costs=replace(DEFAULT_COSTS, **prices)), margin=7.0 * scale)
    assert abs(one.cost * scale - other.cost) < 0.01
    assert abs(one.gap * scale - other.gap) < 0.01
    if one.gap > 0.01:
        assert outputs(one) == outputs(other)


FORM = load_form("2021")
SUMMED = sorted(FORM.summed)


@FEW
@given(st.dictionaries(st.sampled_from(SUMMED), st.tuples(st.integers(0, 30), st.booleans()), max_size=4))
def test_a_sum_that_does_not_hold_is_flagged(changes):
    box = BBox(0, 0, 1, 1)

    def see(key):
        figure, is_sure = changes.get(key, (0, True))
        readings = ((figure, 0.9999),) if is_sure else ((figure, 0.7), (0, 0.25))
        return Seen(readings, False, 1, box, Token(str(figure), box))

    rows = tuple(
        RowEvidence(section, row, (Layout((), {key: see(key) for key in keys}, 0.0),), (row.key,), 0.0)
        for section in FORM.sections
        for row in section.rows
        for keys in [[section.cell_key(row, column) for column in section.columns]]
    )
    verdict = decide(FormEvidence(FORM, rows, 0.0), [], max_risk=0.05)
    flagged = {key for problem in verdict.problems for key in problem.cells}
    for s in FORM.sums:
        cells = [verdict.cells[key] for key in (*s.left, *s.right)]
        (check,) = [check for check in verdict.checks if check.id == s.id]
        assert check.holds or flagged.intersection((*s.left, *s.right)), cells
    assert verdict.status == "review" or all(check.holds for check in verdict.checks)
