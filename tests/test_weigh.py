"""Readings to prices, and the counts that these rest on."""

import math

import pytest

from giar_ml.document import BBox, Token
from giar_ml.fields import Seen
from giar_ml.weigh import _weigh
from training.count_unread import Unsure, _tell, show

BOX = BBox(0, 0, 1, 1)


def see(*readings, token=True):
    return Seen(readings, False, 1, BOX, Token("", BOX) if token else None)


def test_a_doubtful_mark_may_be_nothing():
    evidence = _weigh(see((70, 0.8), (170, 0.1)))
    assert evidence.first == 70
    figure, cost = evidence.readings[-1]
    assert figure == 0
    assert cost == pytest.approx(-math.log(0.1 * 0.4))
    assert cost < evidence.other_cost


@pytest.mark.parametrize("readings", [((70, 0.9999),), ((70, 0.8), (None, 0.1)), ((0, 0.8), (6, 0.1))])
def test_not_where_it_is_sure_or_nothing_was_among_the_readings(readings):
    assert [figure for figure, _ in _weigh(see(*readings)).readings] == [figure for figure, _ in readings]


def test_a_blot_may_hide_a_figure_that_is_none_of_its_readings():
    # Once 245 under a seal, read as 6: a misprint elsewhere was taken to be likelier than that.
    mark = see((6, 0.6), (26, 0.39))
    blot = _weigh(mark._replace(blotted=True))
    assert blot.readings == _weigh(mark).readings
    assert blot.other_cost == pytest.approx(-math.log(0.06 / 10))
    assert blot.other_cost < _weigh(mark).other_cost
    assert _weigh(see((6, 0.5))._replace(blotted=True)).other_cost == pytest.approx(-math.log(0.5 / 10))


@pytest.mark.parametrize(
    ("printed", "told"),
    [(12, "read"), (0, "nothing"), (2, "edit"), (121, "edit"), (72, "edit"), (345, "other")],
)
def test_what_is_printed_is_told_from_all_readings(printed, told):
    assert _tell({12, 7}, printed) == told


def test_counts_are_shown_by_what_is_left():
    lines = list(show([Unsure(0.1, "nothing"), Unsure(0.3, "read"), Unsure(-1e-9, "other")]))
    assert lines[2] == "| 0 | 1 | 0.00 | 0 | 0 | 1 |"
    assert lines[-1] == "| 0.03 | 2 | 0.40 | 1 | 0 | 0 |"
