import pytest

from giar_ml.forms import Sum
from giar_ml.solve import Evidence, FigureModel, Statement

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
