"""Tokens of one cell vouch for each other's label."""

import numpy as np
import pytest

from giar_ml.label.cells import pool_cells


def logs(*rows: list[float]) -> np.ndarray:
    return np.log(np.array(rows))


CAPTION = [0.999, 0.0009, 0.0001]
TORN = [0.05, 0.9, 0.05]
FIGURE = [1e-6, 1e-6, 1 - 2e-6]


def test_a_character_on_a_line_of_its_own_follows_the_lines_before_it():
    pooled = np.exp(pool_cells(logs(CAPTION, TORN), [0, 0]))
    assert pooled.argmax(axis=1).tolist() == [0, 0]
    assert 0.6 < pooled[1, 0] < 0.95, "less sure than where both agree"


def test_a_figure_beside_a_caption_stays_one():
    pooled = np.exp(pool_cells(logs(CAPTION, FIGURE), [0, 0]))
    np.testing.assert_allclose(pooled, [CAPTION, FIGURE], atol=0.05)


def test_probabilities_stay_probabilities():
    random = np.random.default_rng(1).dirichlet(np.ones(5), size=12)
    pooled = np.exp(pool_cells(np.log(random), [None, 0, 0, 0, 1, 1, 2, None, 2, 2, 2, 3]))
    np.testing.assert_allclose(pooled.sum(axis=1), 1)


@pytest.mark.parametrize("cells", [[None, None], [0, 1], [None, 0]])
def test_what_shares_no_cell_is_labelled_by_itself(cells):
    found = logs(CAPTION, TORN)
    assert (pool_cells(found, cells) == found).all()


def test_doubt_of_all_is_less_in_sum():
    pooled = np.exp(pool_cells(logs([0.6, 0.2, 0.2], [0.6, 0.2, 0.2]), [4, 4]))
    assert pooled[0, 0] > 0.75


def test_nothing_to_pool():
    assert pool_cells(np.empty((0, 3)), []).shape == (0, 3)


def test_impossible_labels_do_no_harm():
    with np.errstate(divide="ignore"):
        found = logs([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    np.testing.assert_allclose(np.exp(pool_cells(found, [0, 0])), np.exp(found))
