import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from giar_ml.forms import Sum
from giar_ml.solve import Evidence, FigureModel, Statement
from giar_ml.solve.bounds import FAR, Bounds
from giar_ml.solve.changes import Prices
from giar_ml.solve.program import Program, find_ways

ROW = (Sum("row", ("a", "b"), ("t",)),)


def certain(figure):
    return Evidence(((figure, 0.0),))


def test_the_cheapest_lawful_readings_win():
    cells = {"a": Evidence(((4, 0.1), (1, 2.0))), "b": certain(2), "t": certain(3)}
    answer = FigureModel(cells, ROW).minimize()
    assert answer.output == {"a": 1, "b": 2, "t": 3}
    assert answer.cost == 2000


def test_unread_cell_takes_the_lawful_figure():
    cells = {"a": Evidence((), other_cost=0.0), "b": certain(2), "t": certain(9)}
    answer = FigureModel(cells, ROW).minimize()
    assert (answer.shown["a"], answer.output["a"], answer.cost) == (7, 7, 0)


def test_output_of_a_misprint_is_what_the_paper_shows():
    cells = {"a": certain(1), "b": certain(2), "t": certain(9)}
    answer = FigureModel(cells, ROW).minimize()
    assert answer.misprints == {"t"}
    assert (answer.output["t"], answer.lawful["t"]) == (9, 3)


def test_nothing_is_within_a_limit_below_the_cheapest():
    cells = {"a": certain(1), "b": certain(2), "t": certain(9)}
    assert FigureModel(cells, ROW).minimize(limit=5499) is None
    assert FigureModel(cells, ROW).minimize(limit=5500) is not None


def test_nothing_is_within_a_limit_below_the_cheapest_where_a_figure_was_not_read():
    # Once asking for it ended the program.
    cells = {"a": Evidence((), other_cost=1.0), "b": certain(2), "t": Evidence(((9, 3.0),))}
    assert FigureModel(cells, ROW).minimize(limit=3000) is None
    assert FigureModel(cells, ROW).minimize(limit=4000).output["a"] == 7


def test_different_answer_differs():
    cells = {"a": Evidence(((1, 0.0), (2, 1.0))), "b": certain(2), "t": Evidence(((3, 0.0), (4, 1.0)))}
    model = FigureModel(cells, ROW)
    best = model.minimize()
    other = model.minimize(different_from=best.output)
    assert (best.output["a"], other.output["a"]) == (1, 2)
    assert other.cost - best.cost == 2000


def test_statement_costs_what_it_costs_to_be_wrong():
    cells = {"a": certain(1), "b": certain(2), "t": certain(3)}
    answer = FigureModel(cells, ROW, statements=[Statement(("a", "b"), 4)]).minimize()
    assert answer.output == {"a": 1, "b": 2, "t": 3}
    assert answer.cost == 1500


def test_cell_of_a_sum_that_is_not_given_is_refused():
    with pytest.raises(ValueError, match="no row holds"):
        FigureModel({"a": certain(1)}, ROW)


# What bounds settle


def prices(**cells):
    """first figure and cost of another for each cell."""
    return {key: Prices(first, 0, {None: change}) for key, (first, change) in cells.items()}


def open_cells(bounds, limit):
    return set(bounds.open_figures(limit))


def test_a_change_costs_what_the_sums_want_changed_with_it():
    sums = (Sum("row", ("a", "b"), ("t",)), Sum("column", ("a", "c"), ("u",)))
    bounds = Bounds(prices(a=(1, 10), b=(2, 20), t=(3, 30), c=(4, 40), u=(5, 50)), sums)
    assert bounds.least() == 0
    assert open_cells(bounds, 49) == set()
    assert open_cells(bounds, 69) == {"b", "t"}
    assert open_cells(bounds, 70) == {"a", "b", "t", "c", "u"}  # a, and one more of each of its sums


def test_broken_sums_cost_their_cheapest_cells():
    sums = (Sum("row", ("a", "b"), ("t",)), Sum("other", ("c", "d"), ("u",)))
    broken = {"a": (1, 10), "b": (2, 20), "t": (9, 30), "c": (1, 4), "d": (1, 7), "u": (9, 6)}
    bounds = Bounds(prices(**broken), sums)
    assert bounds.least() == 14
    assert open_cells(bounds, 14) == {"a", "c"}
    assert open_cells(bounds, 17) == {"a", "c", "d", "u"}


def test_a_cell_that_was_not_read_is_open():
    bounds = Bounds(prices(a=(None, 0), b=(2, 20), t=(3, 30)), ROW)
    assert open_cells(bounds, 0) == {"a"}


FIGURE = st.integers(0, 4)
CELL = st.one_of(
    st.none(),
    st.builds(
        lambda figures, costs, other: Evidence(tuple(zip(figures, costs, strict=False)), other),
        st.lists(st.one_of(st.none(), FIGURE), min_size=1, max_size=3, unique=True),
        st.lists(st.floats(0, 8), min_size=3, max_size=3).map(sorted),
        st.one_of(st.none(), st.floats(1, 12)),
    ),
)
TABLE = (
    *(Sum(f"row:{r}", (f"{r}a", f"{r}b"), (f"{r}t",)) for r in "xyz"),
    *(Sum(f"column:{c}", (f"x{c}", f"y{c}"), (f"z{c}",)) for c in "abt"),
)
CELLS = [f"{r}{c}" for r in "xyz" for c in "abt"]


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(CELLS, CELL)), st.floats(0, 10))
@example(
    {
        **dict.fromkeys(CELLS),
        "xa": Evidence(((None, 0.0),)),
        "xb": Evidence(((1, 0.0), (None, 0.0))),
        # Once it was taken to cost 7 that 0 is lawful, which a misprint of 2 explains for 5.5.
        "xt": Evidence(((2, 0.0), (3, 0.0), (None, 7.0))),
        "zb": Evidence(((None, 0.0),)),
    },
    0.0,
)
def test_what_is_settled_costs_no_answer(cells, margin):
    model = FigureModel(cells, TABLE)
    anything = model._bounds.open_figures(FAR)
    whole = Program(model._problem, find_ways(model._problem, anything))
    whole.minimize_cost()
    expected, _ = whole.solve(10.0)
    best = model.minimize()
    assert (best is None) == (expected is None)
    if best is None:
        return
    assert best.cost == expected.cost
    limit = best.cost + round(margin * 1000)
    rival = model.minimize(different_from=best.output, limit=limit, least=best.cost)
    anything = model._bounds.open_figures(FAR)
    whole = Program(model._problem, find_ways(model._problem, anything))
    whole.minimize_cost()
    whole.limit_cost(limit)
    whole.differ(best.output, CELLS)
    expected, _ = whole.solve(10.0)
    assert (rival and rival.cost) == (expected and expected.cost)


@settings(max_examples=30, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(CELLS, CELL)), st.sampled_from(CELLS))
def test_the_bounds_of_another_figure_in_one_cell_cost_no_answer(cells, cell):
    model = FigureModel(cells, TABLE)
    best = model.minimize()
    if best is None:
        return
    limit = best.cost + 7000
    expected = model.minimize(different_from={cell: best.output[cell]}, limit=limit)
    found = model.minimize_with_another(cell, best.output[cell], limit=limit)
    assert (found and found.cost) == (expected and expected.cost)
    if expected is not None:
        assert model.least_with_another(cell, best.output[cell]) <= expected.cost
