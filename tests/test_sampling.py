"""Windows to train on: each drawn by seed and number alone, with a label for each of its pieces."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from giar_ml.document import BBox
from giar_ml.label.encode import Encoder
from giar_ml.label.names import label_names
from training.labels.config import DataConfig
from training.labels.examples import Example, Item, place_example
from training.labels.model import character_tokenizer
from training.labels.sampling import (
    GROUP,
    IGNORED,
    PageSampler,
    Sampler,
    class_counts,
    piece_labels,
    share_weights,
    window_share,
)

LABELS = label_names()
ENCODER = Encoder(character_tokenizer("甲乙丙丁新收总计0123456789"), size=64)
PURE = DataConfig(negatives=0.0, clean=1.0)
NOISY = DataConfig(negatives=0.3, clean=0.0)


def make_page(mark: str, n: int, *, label: str = "row:requests.new") -> Example:
    """`n` tokens of two pieces, the mark first, one a line."""
    items = (Item(f"{mark}新", BBox(0, 40.0 * i, 100, 40.0 * i + 24), label) for i in range(n))
    return Example(tuple(items), True, mark)


PAGES = [make_page("甲", 4), make_page("乙", 30), make_page("丙", 9)]


def make_sampler(pages=PAGES, config=NOISY, *, seed=1, weights=None) -> Sampler:
    return Sampler(PageSampler(pages, config, weights=weights), ENCODER, LABELS, seed=seed)


def same(one, other) -> bool:
    return all(
        np.array_equal(a, b)
        for a, b in zip(
            (one[0].ids, one[0].bbox, one[0].owners, one[1]),
            (other[0].ids, other[0].bbox, other[0].owners, other[1]),
            strict=True,
        )
    )


def count_marks(sampler: Sampler, n: int = 600) -> Counter[str]:
    marks = {ENCODER._encode_text(mark)[0]: mark for mark in "甲乙丙丁"}
    return Counter(marks[int(sampler.draw(i)[0].ids[1])] for i in range(n))


def test_a_window_depends_on_seed_and_number_alone():
    forwards, backwards = make_sampler(), make_sampler()
    one = [forwards[i] for i in range(2 * GROUP)]
    other = [backwards[i] for i in reversed(range(2 * GROUP))][::-1]
    assert all(same(a, b) for a, b in zip(one, other, strict=True))
    assert same(make_sampler()[GROUP + 5], one[GROUP + 5])
    assert same(make_sampler().draw(3), forwards.draw(3))


def test_another_seed_or_number_gives_another_window():
    assert not same(make_sampler(seed=1).draw(0), make_sampler(seed=2).draw(0))
    assert not same(make_sampler().draw(0), make_sampler().draw(1))


def test_a_group_is_sorted_by_length_and_holds_each_draw_once():
    sampler = make_sampler()
    for start in (0, 3 * GROUP):
        group = [sampler[start + k] for k in range(GROUP)]
        lengths = [len(labels) for _, labels in group]
        assert lengths == sorted(lengths)
        drawn = [sampler.draw(start + k) for k in range(GROUP)]
        assert all(sum(same(a, b) for a in group) == sum(same(a, b) for a in drawn) for b in drawn)


def test_pieces_and_labels_are_as_many():
    sampler = make_sampler()
    for i in range(GROUP):
        window, labels = sampler[i]
        assert len(labels) == len(window.ids) <= 64
        assert labels.dtype == np.int64
        assert ((labels == IGNORED) == (window.owners == -1)).all()
        assert labels.max() < len(LABELS)


# How often


def test_pages_are_drawn_alike():
    counts = count_marks(make_sampler(config=PURE))
    assert all(150 <= counts[mark] <= 250 for mark in "甲乙丙")


def test_weights_say_how_often_a_page_is_drawn():
    counts = count_marks(make_sampler(config=PURE, weights=[0.0, 3.0, 1.0]))
    assert counts["甲"] == 0
    assert counts["乙"] / counts["丙"] == pytest.approx(3, rel=0.3)


def test_parts_have_their_shares_of_what_is_drawn():
    parts = [[make_page("甲", 4), make_page("甲", 300)], [make_page("乙", 600), make_page("丙", 4)]]
    weights = share_weights(parts, [0.25, 0.75], PURE)
    counts = count_marks(make_sampler([page for part in parts for page in part], PURE, weights=weights))
    assert counts["甲"] / sum(counts.values()) == pytest.approx(0.25, abs=0.06)
    assert counts["乙"] / counts["丙"] == pytest.approx(4, rel=0.4)


def test_a_page_that_was_read_gets_the_noise_it_still_lacks():
    page = replace(make_page("甲", 30), noise=0.0)
    [window] = ENCODER.encode(place_example(page))
    sampler = make_sampler([page], DataConfig(negatives=0.0, clean=0.0))
    assert all(np.array_equal(sampler.draw(i)[0].ids, window.ids) for i in range(20))


def test_long_pages_are_drawn_more_and_prose_less():
    prose = make_page("丁", 4, label="other")
    assert window_share(make_page("甲", 10), 0.3) == 1
    assert window_share(make_page("甲", 300), 0.3) == 2
    assert window_share(prose, 0.3) == 0.3
    assert window_share(make_page("甲", 300, label="other"), 0.3) == 0.6
    counts = count_marks(make_sampler([make_page("甲", 4), prose], PURE))
    assert counts["甲"] / counts["丁"] == pytest.approx(1 / 0.3, rel=0.3)
    without = replace(PURE, prose=0.0)
    assert count_marks(make_sampler([make_page("甲", 4), prose], without))["丁"] == 0


def test_every_window_of_a_page_is_drawn():
    long = make_page("乙", 100)
    n = len(ENCODER.encode(place_example(long)))
    sampler = make_sampler([long], PURE)
    assert n > 3
    assert len({sampler.draw(i)[0].owners.tobytes() for i in range(100)}) == n


def test_clean_pages_are_as_they_stand():
    [window] = ENCODER.encode(place_example(PAGES[0]))
    sampler = make_sampler(PAGES[:1], PURE)
    assert all(np.array_equal(sampler.draw(i)[0].ids, window.ids) for i in range(20))
    noisy = make_sampler(PAGES[:1], DataConfig(negatives=0.0, clean=0.5))
    clean = sum(np.array_equal(noisy.draw(i)[0].ids, window.ids) for i in range(200))
    assert clean >= 80


def test_the_share_of_pages_that_are_no_form():
    """Nothing but these pages has other labels than that of the made one."""
    allowed = {IGNORED, LABELS.index("row:requests.new")}
    sampler = make_sampler(config=DataConfig(negatives=0.3, clean=1.0))
    foreign = sum(not set(sampler.draw(i)[1].tolist()) <= allowed for i in range(300))
    assert 60 <= foreign <= 120


# Labels


def test_piece_labels():
    page = Example(
        (
            Item("新收", BBox(0, 0, 50, 20), "row:requests.new"),
            Item("12345", BBox(60, 0, 90, 20), "figure"),
            Item("", BBox(95, 0, 99, 20), "other"),
        ),
        True,
        "",
    )
    [window] = ENCODER.encode(place_example(page))
    ids = {"other": 0, "figure": 1, "row:requests.new": 2}
    assert piece_labels(window, page, ids).tolist() == [IGNORED, 2, 2, 1, 1, 0, IGNORED]


def test_class_counts():
    counts = class_counts(("other", "row:requests.new", "figure"), [make_page("甲", 3), make_page("乙", 2)])
    assert counts.tolist() == [0.0, 5.0, 0.0]
