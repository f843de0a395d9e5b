import numpy as np
import pytest

from eval.channel import confuse, pass_through
from eval.simulate import decide_case, is_cheapest, make_report, summarise
from giar_ml.forms import load_form


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
