"""Pages that are none of the forms, and the words that they are made of."""

import numpy as np
import pytest

from giar_ml.figures import is_figure
from giar_ml.label.frame import WIDTH
from giar_ml.label.names import FIGURE, OTHER
from giar_ml.text import display_width
from training.labels import words
from training.labels.examples import Example, place_example
from training.labels.noise import add_noise

try:
    words.load_words()
except ModuleNotFoundError:
    pytest.skip("needs the dictionary that the extra train brings", allow_module_level=True)

from training.labels.negatives import PAGES, Grid, Pen, sample_negative


@pytest.fixture(scope="module")
def pages() -> list[Example]:
    return [sample_negative(np.random.default_rng(seed)) for seed in range(300)]


def test_no_token_is_a_header(pages: list[Example]) -> None:
    assert {label for page in pages for label in page.labels} == {OTHER, FIGURE}


def test_only_figures_are_figures(pages: list[Example]) -> None:
    assert all(is_figure(item.text) for page in pages for item in page.items if item.label == FIGURE)


def test_pages_have_tokens_with_ordered_boxes(pages: list[Example]) -> None:
    for page in pages:
        assert page.items
        for item in page.items:
            assert item.text.strip()
            assert item.bbox.left < item.bbox.right
            assert item.bbox.top < item.bbox.bottom
        assert all(0 <= placed.bbox.left <= placed.bbox.right <= WIDTH for placed in place_example(page))


def test_words_of_texts_are_as_wide_as_printed(pages: list[Example]) -> None:
    widths = [
        (item.bbox.width, display_width(item.text))
        for page in pages
        if not page.paper
        for item in page.items
        if " " not in item.text and item.bbox.left == 0
    ]
    assert sum(width == printed for width, printed in widths) > len(widths) / 2


def test_each_kind_comes_on_paper_and_as_text(pages: list[Example]) -> None:
    assert {(page.source, page.paper) for page in pages} == {
        (f"negative:{name}", paper) for name in PAGES for paper in (True, False)
    }


def test_the_seed_makes_the_page() -> None:
    first, second = (sample_negative(np.random.default_rng(5)) for _ in range(2))
    assert first == second
    assert first != sample_negative(np.random.default_rng(6))


@pytest.mark.parametrize("name", PAGES)
def test_rows_of_a_table_have_all_columns(name: str) -> None:
    for seed in range(10):
        grids = [block for block in PAGES[name](Pen(np.random.default_rng(seed))) if isinstance(block, Grid)]
        for grid in grids:
            assert {len(row) for row in grid.rows} == {len(grid.widths)}
            assert sum(grid.widths) == pytest.approx(1)


def test_noise_takes_them(pages: list[Example]) -> None:
    rng = np.random.default_rng(0)
    for page in pages[:100]:
        noisy = add_noise(page, rng)
        assert set(noisy.labels) <= {OTHER, FIGURE}
        assert all(item.text.strip() for item in noisy.items)


def test_words_are_drawn_by_the_root_of_their_frequency() -> None:
    loaded = words.load_words()
    assert loaded.probabilities.sum() == pytest.approx(1)
    assert len(loaded.texts) > 300_000
    assert loaded.sample(np.random.default_rng(0), 5) == loaded.sample(np.random.default_rng(0), 5)
    assert max(loaded.probabilities) < 0.01


def test_frequent_characters_come_first() -> None:
    chars = words.frequent_characters(3500)
    assert len(set(chars)) == 3500
    assert {"一", "是", "不"} <= set(chars[:20])
