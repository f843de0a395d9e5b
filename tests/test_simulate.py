import numpy as np
import pytest

from eval.channel import confuse, pass_through
from eval.rivals import RIVALS, greedy
from eval.simulate import decide_case, is_cheapest, make_report, repair_case, summarise
from giar_ml.decode import Puzzle, Row
from giar_ml.forms import Sum, load_form
from giar_ml.solve import Evidence


@pytest.mark.parametrize("n_wrong", [0, 1, 5])
def test_so_many_first_readings_are_wrong(n_wrong):
    form = load_form("2021")
    rng = np.random.default_rng(n_wrong)
    printed = make_report(form, rng)
    first = pass_through(form, printed, rng, n_wrong=n_wrong).first
    assert sum((first[key] or 0) != (printed[key] or 0) for key in form.summed) == n_wrong
    assert all(first[key] == printed[key] for key in form.cells if key not in form.summed)


def test_confusions_are_other_figures():
    rng = np.random.default_rng(1)
    for figure in (0, 1, 10, 4096):
        found = confuse(figure, rng)
        assert len(found) == 3
        assert figure not in found


def test_a_report_read_rightly_is_accepted():
    form = load_form("2021")
    rng = np.random.default_rng(2)
    printed = make_report(form, rng)
    case = printed, pass_through(form, printed, rng, n_wrong=0)
    outcome = decide_case(*case, max_risk=0.001)
    assert (outcome.restored, outcome.wrongly_changed, outcome.accepted) == (True, False, True)
    assert is_cheapest(*case)
    assert summarise([outcome])["accepted_wrong"] == 0


@pytest.mark.parametrize("n_wrong", [0, 1])
@pytest.mark.parametrize("name", RIVALS)
def test_rivals_repair_what_is_easy(name, n_wrong):
    form = load_form("2021")
    rng = np.random.default_rng(4)
    printed = make_report(form, rng)
    channelled = pass_through(form, printed, rng, n_wrong=n_wrong)
    outcome = repair_case(printed, channelled, RIVALS[name])
    assert (outcome.restored, outcome.wrongly_changed, outcome.accepted) == (True, False, True)


def test_the_greedy_rival_gives_up_where_no_change_helps():
    cells = {"a": Evidence(((1, 0.0),)), "b": Evidence(((2, 0.0),)), "t": Evidence(((9, 0.0),))}
    puzzle = Puzzle((Row("row", {(): cells}),), (Sum("row", ("a", "b"), ("t",)),))
    assert greedy(puzzle) is None
