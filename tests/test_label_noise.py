"""Noise on pages of tokens: each kind does what it says, and labels stay with their tokens."""

import time
from itertools import pairwise

import numpy as np
import pytest

from giar_ml.document import BBox
from giar_ml.label.names import FIGURE, OTHER
from giar_ml.text import display_width
from training.labels import noise
from training.labels.examples import Example, Item

ROWS = {
    "row:requests.granted": "（一）予以公开",
    "row:requests.refused.state_secret": "1.属于国家秘密",
    "row:requests.carried_out": "四、结转下年度继续办理",
}
COLUMNS = {"column:requests.natural_person": "自然人", "column:requests.total": "总计"}


def make_page(paper: bool, n_rows: int = 12) -> Example:
    """A header and rows of a label and seven figures, each text naming its row and label."""
    items = []

    def put(text: str, label: str, column: int, line: int) -> None:
        width = display_width(text)
        if paper:
            left, top = 100 + column * 12, 200 + line * 40
            items.append(Item(text, BBox(left, top, left + width * 12, top + 24), label))
        else:
            items.append(Item(text, BBox(column, line, column + width, line + 1), label))

    for i, (label, text) in enumerate(COLUMNS.items()):
        put(text, label, 40 + 40 * i, 0)
    for row in range(n_rows):
        label, text = list(ROWS.items())[row % len(ROWS)]
        put(text, label, 0, row + 1)
        for column in range(7):
            put(str(10 * row + column), FIGURE, 40 + 8 * column, row + 1)
    return Example(tuple(items), paper, "test")


def apply(name: str, example: Example, *, seed: int = 0, strength: float = 1.0) -> Example:
    draft = noise.KINDS[name].apply(noise.to_draft(example), np.random.default_rng(seed), strength)
    return noise.to_example(draft, example.source)


def applicable() -> list[tuple[str, bool]]:
    return [
        (name, paper)
        for name, kind in noise.KINDS.items()
        for paper in (True, False)
        if kind.on in ("both", "paper" if paper else "text")
    ]


def texts(example: Example) -> list[str]:
    return [item.text for item in example.items]


def boxes(example: Example) -> np.ndarray:
    return np.array([item.bbox for item in example.items])


def check_sound(example: Example, labels: set[str]) -> None:
    assert example.items
    assert all(text.strip() for text in texts(example))
    assert set(example.labels) <= labels | {OTHER}
    found = boxes(example)
    assert np.isfinite(found).all()
    assert (found[:, 0] <= found[:, 2]).all()
    assert (found[:, 1] <= found[:, 3]).all()
    if not example.paper:
        assert (found == found.round()).all()


@pytest.mark.parametrize(("name", "paper"), applicable())
@pytest.mark.parametrize("n_rows", [0, 12])
def test_each_kind_leaves_a_sound_page_and_its_input_alone(name: str, paper: bool, n_rows: int) -> None:
    page = make_page(paper, n_rows)
    draft = noise.to_draft(page)
    for seed in range(8):
        noisy = noise.KINDS[name].apply(draft, np.random.default_rng(seed), 1.0)
        check_sound(noise.to_example(noisy, "test"), set(page.labels))
    assert noise.to_example(draft, "test") == page


@pytest.mark.parametrize(("name", "paper"), applicable())
def test_each_kind_changes_something(name: str, paper: bool) -> None:
    page = make_page(paper)
    assert any(apply(name, page, seed=seed) != page for seed in range(8))


@pytest.mark.parametrize("paper", [True, False])
def test_noise_is_sound_and_drawn_by_the_seed(paper: bool) -> None:
    page = make_page(paper)
    for seed in range(100):
        noisy = noise.add_noise(page, np.random.default_rng(seed))
        check_sound(noisy, set(page.labels))
        assert noisy == noise.add_noise(page, np.random.default_rng(seed))
        assert noisy.source == page.source


def test_level_zero_and_an_empty_page_stay_as_they_are() -> None:
    page = make_page(True)
    assert noise.add_noise(page, np.random.default_rng(0), level=0) is page
    empty = Example((), True, "test")
    assert noise.add_noise(empty, np.random.default_rng(0)) is empty


def test_one_token_survives() -> None:
    page = Example((Item("1", BBox(0, 0, 1, 1), FIGURE),), False, "test")
    for seed in range(200):
        check_sound(noise.add_noise(page, np.random.default_rng(seed), level=1.5), {FIGURE})


def test_confusions_hold_similar_characters() -> None:
    confusions = noise.load_confusions()
    assert "入" in confusions["人"]
    assert all(key not in value for key, value in confusions.items())
    page = make_page(True)
    noisy = apply("confuse", page)
    assert len(noisy.items) == len(page.items)
    for before, after in zip(texts(page), texts(noisy), strict=True):
        assert all(b == a or a in confusions[b] for b, a in zip(before, after, strict=True))


def test_digits_change_nothing_else() -> None:
    page = make_page(True)
    for before, after in zip(texts(page), texts(apply("misread_digits", page)), strict=True):
        assert all(b == a for b, a in zip(before, after, strict=True) if not b.isdigit())


def test_punctuation_changes_nothing_else() -> None:
    page = make_page(True)
    for before, after in zip(texts(page), texts(apply("vary_punctuation", page)), strict=True):
        assert {c for c in before if "一" <= c <= "龥"} <= set(after)


@pytest.mark.parametrize(
    "name", ["cut_page", "lose_rows", "lose_header", "lose_block", "lose_tokens", "lose_figures"]
)
def test_losses_keep_the_rest_as_it_was(name: str) -> None:
    page = make_page(True)
    left = apply(name, page)
    assert 0 < len(left.items) < len(page.items)
    assert set(left.items) < set(page.items)


def test_a_lost_header_leaves_the_rows() -> None:
    left = apply("lose_header", make_page(True), strength=0.0)
    assert not {label for label in left.labels if label.startswith("column:")}
    assert {label for label in left.labels if label.startswith("row:")} == set(ROWS)


@pytest.mark.parametrize("paper", [True, False])
@pytest.mark.parametrize("name", ["split_tokens", "wrap_tokens"])
def test_both_pieces_keep_the_label(name: str, paper: bool) -> None:
    page = make_page(paper)
    pieces = apply(name, page)
    assert len(pieces.items) > len(page.items)
    assert "".join(texts(pieces)) == "".join(texts(page))
    for label in set(page.labels):
        whole = "".join(item.text for item in page.items if item.label == label)
        assert "".join(item.text for item in pieces.items if item.label == label) == whole


def test_a_split_divides_the_box_in_proportion() -> None:
    page = Example((Item("自然人", BBox(0, 0, 90, 20), "x"),), True, "test")
    halves = next(p for seed in range(99) if len((p := apply("split_tokens", page, seed=seed)).items) == 2)
    first, second = halves.items
    assert first.bbox.right == second.bbox.left == pytest.approx(30 * len(first.text))
    assert (first.bbox.left, second.bbox.right) == (0, 90)


def test_a_merged_header_keeps_its_label() -> None:
    label = "row:requests.granted"
    page = Example(
        (
            Item("予以公开", BBox(0, 0, 80, 20), label),
            Item("123456", BBox(85, 0, 120, 20), FIGURE),
        ),
        True,
        "test",
    )
    merged = [p for seed in range(99) if len((p := apply("merge_tokens", page, seed=seed)).items) == 1]
    assert {item.text for p in merged for item in p.items} == {"予以公开123456", "予以公开 123456"}
    assert all(p.items[0].label == label and p.items[0].bbox == (0, 0, 120, 20) for p in merged)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(("12", FIGURE), ("（其中修订16件）", "note"), FIGURE, id="figure before its note"),
        pytest.param(("12", FIGURE), (".", OTHER), FIGURE, id="longer figure"),
        pytest.param(("共计数量", OTHER), ("1", FIGURE), OTHER, id="longer words"),
        pytest.param(("总计", "column:a"), ("自然人", "column:b"), "column:b", id="longer header"),
        pytest.param((".....", OTHER), ("总计", "column:a"), "column:a", id="header before other"),
    ],
)
def test_label_of_a_merged_token(first: tuple[str, str], second: tuple[str, str], expected: str) -> None:
    assert noise.merged_label(*first, *second) == expected


@pytest.mark.parametrize(
    ("name", "paper"),
    [(n, p) for n, p in applicable() if n.startswith("add_")],
)
def test_what_is_added_is_other(name: str, paper: bool) -> None:
    page = make_page(paper)
    noisy = apply(name, page)
    assert noisy.labels[: len(page.items)] == page.labels
    assert texts(noisy)[: len(page.items)] == texts(page)
    assert set(noisy.labels[len(page.items) :]) == {OTHER}


@pytest.mark.parametrize("name", [n for n, kind in noise.KINDS.items() if kind.on == "paper"])
def test_boxes_on_paper_move_little(name: str) -> None:
    if name.startswith("add_"):
        return
    page = make_page(True)
    noisy = apply(name, page)
    if name != "unread":
        assert texts(noisy) == texts(page)
    assert np.abs(boxes(noisy) - boxes(page)).max() < 200


@pytest.mark.parametrize(
    "name", ["shift_columns", "change_gaps", "insert_blanks", "break_rows", "move_labels"]
)
@pytest.mark.parametrize("seed", range(6))
def test_fields_of_a_text_keep_their_width_and_never_overlap(name: str, seed: int) -> None:
    page = make_page(False)
    noisy = apply(name, page, seed=seed)
    assert texts(noisy) == texts(page)
    found = boxes(noisy)
    assert (found[:, 2] - found[:, 0] == [display_width(text) for text in texts(page)]).all()
    assert (found[:, 0] >= 0).all()
    for top in set(found[:, 1]):
        line = sorted(found[found[:, 1] == top].tolist())
        assert all(a[2] <= b[0] for a, b in pairwise(line))


def test_broken_rows_keep_their_order() -> None:
    page = make_page(False)
    found = boxes(apply("break_rows", page))
    assert (np.diff(found[:, 1]) >= 0).all()
    assert len(set(found[:, 1])) > len(set(boxes(page)[:, 1]))


def test_spaced_out_words_of_a_text_become_several_and_push_what_follows() -> None:
    page = Example((Item("标题", BBox(0, 0, 4, 1), "x"), Item("第三章", BBox(6, 0, 12, 1), "x")), False, "t")
    pages = [apply("space_out", page, seed=seed) for seed in range(99)]
    noisy = next(p for p in pages if texts(p) == ["标", "题", "第三章"] and p.items[1].bbox.left == 3)
    assert [item.bbox[::2] for item in noisy.items] == [(0, 2), (3, 5), (7, 13)]
    assert set(noisy.labels) == {"x"}


def test_spaced_out_cells_stay_one_and_in_place() -> None:
    page = Example((Item("标题", BBox(0, 0, 40, 1), "x"), Item("章", BBox(40, 0, 80, 1), "x")), False, "t")
    noisy = next(p for seed in range(99) if texts(p := apply("space_out", page, seed=seed))[0] == "标 题")
    assert [item.bbox for item in noisy.items] == [item.bbox for item in page.items]


def test_numbering_is_dropped_or_written_in_another_way() -> None:
    page = make_page(True)
    seen = {text for seed in range(30) for text in texts(apply("change_numbering", page, seed=seed))}
    assert {"属于国家秘密", "1、属于国家秘密", "予以公开", "(一)予以公开", "结转下年度继续办理"} <= seen
    assert all(item.text.isdigit() for item in apply("change_numbering", page).items if item.label == FIGURE)


def test_radicals_and_widths_are_variants_of_the_same() -> None:
    page = Example((Item("一人（1）A", BBox(0, 0, 90, 20), "x"),), True, "test")
    assert texts(apply("use_radicals", page)) == ["⼀⼈（1）A"]
    seen = {texts(apply("change_width", page, seed=seed))[0] for seed in range(20)}
    assert seen == {"一人（1）A", "一人（１）A", "一人（１）Ａ", "一人(1)A"}


def test_noise_is_quick() -> None:
    page = make_page(True, 38)  # 306 tokens
    rng = np.random.default_rng(0)
    noise.add_noise(page, rng)
    started = time.process_time()
    for _ in range(20):
        noise.add_noise(page, rng)
    assert (time.process_time() - started) / 20 < 0.03  # ten times what it takes


# Confidences


def confidences(example: Example) -> np.ndarray:
    return np.array([item.confidence for item in example.items])


def noisy_pages(paper: bool) -> list[Example]:
    page = make_page(paper)
    return [noise.add_noise(page, np.random.default_rng(seed)) for seed in range(100)]


def test_what_is_misread_or_strange_is_doubted_more_than_what_is_not() -> None:
    page = make_page(True)
    printed = {(item.text, item.label) for item in page.items}
    items = [item for noisy in noisy_pages(True) for item in noisy.items]
    own = [item.confidence for item in items if (item.text, item.label) in printed]
    others = [item.confidence for item in items if item.label == OTHER]
    assert all(0 <= confidence <= 1 for confidence in [*own, *others])
    assert np.mean(np.array(own) < 0.9) < 0.15
    assert np.mean(np.array(others) < 0.9) > 0.6


def test_texts_are_never_in_doubt() -> None:
    assert all((confidences(noisy) == 1).all() for noisy in noisy_pages(False))


def test_tokens_read_as_one_are_as_sure_as_the_less_sure() -> None:
    page = Example(
        (
            Item("一、本年", BBox(0, 0, 80, 20), "x", 0.9),
            Item("新收", BBox(82, 0, 120, 20), "x", 0.4),
        ),
        True,
        "test",
    )
    merged = [n for seed in range(60) if len((n := apply("merge_tokens", page, seed=seed)).items) == 1]
    assert merged
    assert all(noisy.items[0].confidence == 0.4 for noisy in merged)
