import json

import numpy as np
import pytest

from eval.channel import confuse, pass_through
from eval.limit import stand_of_print
from eval.rivals import RIVALS, greedy
from eval.simulate import (
    ABLATION,
    bound_share,
    decide_case,
    main,
    make_case,
    make_report,
    repair_case,
    stand_of_case,
    summarise,
)
from giar_ml.forms import Sum, load_form
from giar_ml.puzzle import Puzzle, Row
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
    case = make_case(load_form("2021"), np.random.default_rng(2), 0)
    outcome = decide_case(case, max_risk=0.001)
    assert (outcome.restored, outcome.wrongly_changed, outcome.accepted) == (True, False, True)
    assert stand_of_case(case) == "cheapest"
    assert summarise([outcome])["accepted_wrong"] == 0


@pytest.mark.parametrize("n_wrong", [0, 1, 2])
def test_what_is_the_cheapest_answer_is_restored(n_wrong):
    """A short run of the simulation: the solver reaches the limit that another program tells."""
    for i in range(5):
        case = make_case(load_form("2021"), np.random.default_rng((6, n_wrong, i)), n_wrong)
        outcome = decide_case(case, max_risk=0.001)
        assert not outcome.unproven
        assert outcome.restored == (stand_of_case(case) == "cheapest")


@pytest.mark.parametrize("n_wrong", [0, 1])
@pytest.mark.parametrize("name", RIVALS)
def test_rivals_repair_what_is_easy(name, n_wrong):
    case = make_case(load_form("2021"), np.random.default_rng(4), n_wrong)
    outcome = repair_case(case, RIVALS[name])
    assert (outcome.restored, outcome.wrongly_changed, outcome.accepted) == (True, False, True)


def stand(cells, printed):
    puzzle = Puzzle((Row("row", {(): cells}),), (Sum("row", ("a", "b"), ("t",)),))
    return stand_of_print(puzzle, printed)


def test_the_limit_tells_how_the_print_stands():
    either = Evidence(((1, 0.5), (2, 0.5)))
    cells = {"a": either, "b": either, "t": Evidence(((3, 0.0),))}
    assert stand(cells, {"a": 1, "b": 2, "t": 3}) == "tied"
    assert stand(cells, {"a": 2, "b": 2, "t": 3}) == "dearer"
    assert stand({**cells, "b": Evidence(((2, 0.5), (1, 0.6)))}, {"a": 1, "b": 2, "t": 3}) == "cheapest"


@pytest.mark.parametrize("name", ABLATION)
def test_ablations_leave_first_readings(name):
    case = make_case(load_form("2021"), np.random.default_rng(5), 2)
    rows = ABLATION[name](case).channelled.evidence.rows
    seen = {key: seen for row in rows for key, seen in row.layouts[0].cells.items()}
    assert {key: s.readings[0][0] for key, s in seen.items()} == case.channelled.first


def test_of_none_in_many_the_share_is_at_most_three_in_as_many():
    assert bound_share(0, 30_000) == pytest.approx(1e-4, rel=0.01)
    assert bound_share(5, 5) == 1.0


def test_the_greedy_rival_gives_up_where_no_change_helps():
    cells = {"a": Evidence(((1, 0.0),)), "b": Evidence(((2, 0.0),)), "t": Evidence(((9, 0.0),))}
    puzzle = Puzzle((Row("row", {(): cells}),), (Sum("row", ("a", "b"), ("t",)),))
    assert greedy(puzzle) is None


def test_the_last_row_is_of_all_reports(tmp_path, monkeypatch, capsys):
    output = tmp_path / "found.json"
    arguments = ["--n", "2", "--wrong", "0", "1", "--only-accepted", "-o", str(output)]
    monkeypatch.setattr("sys.argv", ["simulate", *arguments])
    main()
    found = json.loads(output.read_text(encoding="utf-8"))
    assert [(row["wrong"], row["n"]) for row in found] == [(0, 2), (1, 2), ("all", 4)]
    assert capsys.readouterr().out.splitlines()[-1].startswith("| all | 4 | ")
