"""Pages to windows of pieces, and the word on pieces back to tokens."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from giar_ml.document import UNREAD, BBox
from giar_ml.label.encode import (
    DOUBT,
    MAX_COORDINATE,
    Encoder,
    Window,
    log_softmax,
    mark_doubt,
    pad_windows,
    shorten,
    token_log_probs,
)
from giar_ml.label.frame import Placed
from training.labels.model import SPECIAL, character_tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
BEGIN, PAD, END, UNKNOWN = (SPECIAL.index(name) for name in ("<s>", "<pad>", "</s>", "<unk>"))


def make_encoder(size: int = 512) -> Encoder:
    return Encoder(character_tokenizer(LETTERS), size=size)


def ids_of(text: str) -> list[int]:
    return [len(SPECIAL) + LETTERS.index(char) for char in text]


def put(*texts: str) -> list[Placed]:
    """One token a line."""
    return [Placed(text, BBox(0, 8.0 * i, 100, 8.0 * i + 4)) for i, text in enumerate(texts)]


def make_window(*owners: int) -> Window:
    return Window(np.zeros(len(owners), np.int64), np.zeros((len(owners), 4), np.int64), np.array(owners))


# Windows


def test_a_small_page_is_one_window():
    placed = [Placed("cd", BBox(300, 10.4, 1000, 14)), Placed("b", BBox(0, 10, 100.6, 14))]
    [window] = make_encoder().encode(placed)
    assert window.ids.tolist() == [BEGIN, *ids_of("bcd"), END]
    assert window.owners.tolist() == [-1, 1, 0, 0, -1]
    assert window.bbox.tolist() == [[0] * 4, [0, 0, 101, 4], [300, 0, 1000, 4], [300, 0, 1000, 4], [0] * 4]
    assert {window.ids.dtype, window.bbox.dtype, window.owners.dtype} == {np.dtype(np.int64)}


@pytest.mark.parametrize(
    ("text", "confidence", "marks"),
    [
        pytest.param("ab", 1.0, 0, id="sure"),
        pytest.param("ab", 0.9, 0, id="at the limit"),
        pytest.param("ab", 0.89, 1, id="in doubt"),
        pytest.param("ab", 0.2, 2, id="hardly read"),
        pytest.param("x" * 100, 0.2, 2, id="a long text"),
        pytest.param(UNREAD, 0.0, 0, id="not read at all"),
    ],
)
def test_doubtful_texts_are_marked(text, confidence, marks):
    shown = mark_doubt(Placed(text, BBox(0, 0, 1, 1), confidence))
    assert shown == shorten(text) + DOUBT * marks


def test_an_empty_page_has_no_window():
    assert make_encoder().encode([]) == []


texts = st.lists(st.text(LETTERS + "-, ", max_size=40), min_size=1, max_size=60)


@given(texts, st.integers(8, 64))
def test_windows_cover_every_token_whole(page, size):
    windows = make_encoder(size).encode(put(*page))
    [whole] = make_encoder(100_000).encode(put(*page))
    longest = size // 4
    seen = set()
    for window in windows:
        assert len(window.ids) == len(window.bbox) == len(window.owners) <= size
        assert window.ids[0] == BEGIN
        assert window.ids[-1] == END
        assert window.owners[0] == window.owners[-1] == -1
        assert window.bbox.min() >= 0
        assert window.bbox.max() <= MAX_COORDINATE
        for token in set(window.owners[1:-1].tolist()):
            expected = whole.ids[whole.owners == token][:longest]
            assert window.ids[window.owners == token].tolist() == expected.tolist()
            seen.add(token)
    assert seen == set(range(len(page)))


@given(texts, st.integers(12, 64))
def test_windows_follow_each_other_and_overlap(page, size):
    windows = make_encoder(size).encode(put(*page))
    for before, after in pairwise(windows):
        old, new = before.owners[1:-1], after.owners[1:-1]
        assert new[0] > old[0]
        assert new[-1] > old[-1]
        assert new[0] <= old[-1] + 1
        shared = int(np.isin(new, old).sum())
        assert shared <= (size - 2) // 4
        # One more token would have been more than a quarter.
        if (first := new[0] - 1) > old[0]:
            assert shared + int((old == first).sum()) > (size - 2) // 4


def test_the_next_window_begins_with_the_last_quarter():
    """Twelve tokens of two pieces, ten of them fit; five pieces are shared, two tokens."""
    windows = make_encoder(22).encode(put(*["ab"] * 12))
    assert [sorted(set(w.owners.tolist()) - {-1}) for w in windows] == [list(range(10)), [8, 9, 10, 11]]


def test_every_window_begins_at_the_top():
    windows = make_encoder(16).encode(put(*["ab"] * 30))
    assert len(windows) > 3
    assert all(w.bbox[1, 1] == 0 for w in windows)
    assert windows[1].bbox[3, 1] == 8


def test_a_page_longer_than_the_frame_is_clipped():
    [window] = make_encoder(2000).encode(put(*["a"] * 200))
    assert window.bbox[:, 3].max() == MAX_COORDINATE


def test_a_long_token_keeps_a_quarter_of_a_window():
    [window] = make_encoder(40).encode(put("abcdefghijklmnopqrstuvwxyz", "x"))
    assert window.ids[window.owners == 0].tolist() == ids_of("abcdefghij")
    assert window.ids[window.owners == 1].tolist() == ids_of("x")


@pytest.mark.parametrize("text", ["", " ", "\u3000"])
def test_a_token_without_a_piece_is_unknown(text):
    [window] = make_encoder().encode(put("a", text, "b"))
    assert window.ids.tolist() == [BEGIN, *ids_of("a"), UNKNOWN, *ids_of("b"), END]
    assert window.owners.tolist() == [-1, 0, 1, 2, -1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("12", "12", id="a short figure"),
        pytest.param("123456", "12", id="a figure"),
        pytest.param("-1,234.5", "-1", id="a figure with its marks"),
        pytest.param("123件", "123件", id="a figure with a word"),
        pytest.param("字" * 24, "字" * 24, id="as long as may be"),
        pytest.param("甲" * 20 + "乙" * 20, "甲" * 18 + "乙" * 6, id="head and tail"),
        pytest.param("⼀、⾃⼈", "一、自人", id="radicals"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_shorten(text, expected):
    assert shorten(text) == expected


def bert_tokenizer() -> Tokenizer:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b", "c"]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def test_a_tokenizer_of_bert():
    encoder = Encoder(bert_tokenizer(), size=16)
    [window] = encoder.encode(put("abc", "ab", ""))
    assert encoder.pad == 0
    assert window.ids.tolist() == [2, 1, 4, 5, 1, 3]
    assert window.owners.tolist() == [-1, 0, 1, 1, 2, -1]


def test_a_tokenizer_without_special_pieces():
    with pytest.raises(ValueError, match=r"none of <s>, \[CLS\]"):
        Encoder(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))


def test_encoder_of_a_folder(tmp_path):
    character_tokenizer(LETTERS).save(str(tmp_path / "tokenizer.json"))
    [window] = Encoder.load(tmp_path, size=16).encode(put("ab"))
    assert window.ids.tolist() == [BEGIN, *ids_of("ab"), END]


# Batches


@pytest.mark.parametrize(("multiple", "length"), [(1, 5), (4, 8), (5, 5), (64, 64)])
def test_pad_windows(multiple, length):
    encoder = make_encoder()
    windows = [*encoder.encode(put("abc")), *encoder.encode(put("d"))]
    ids, bbox, mask = pad_windows(windows, encoder.pad, multiple=multiple)
    assert ids.shape == mask.shape == (2, length)
    assert bbox.shape == (2, length, 4)
    assert ids[1].tolist() == [BEGIN, *ids_of("d"), END] + [PAD] * (length - 3)
    assert mask.sum(axis=1).tolist() == [5, 3]
    assert bbox[1, 1].tolist() == windows[1].bbox[1].tolist()
    assert not bbox[1, 3:].any()


# Tokens


def to_logits(*probabilities: tuple[float, ...]) -> np.ndarray:
    return np.log(np.array(probabilities))


def test_pieces_of_a_token_are_averaged():
    """Logarithms are: of 0.8 and 0.2 twice, the square roots of 0.8 * 0.2 and 0.2 * 0.8 are alike."""
    logits = to_logits((1, 1), (0.8, 0.2), (0.2, 0.8), (0.9, 0.1), (1, 1))
    found = np.exp(token_log_probs(2, [make_window(-1, 0, 0, 1, -1)], [logits]))
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.9, 0.1]])


def test_a_sure_piece_outweighs_a_doubtful_one():
    logits = to_logits((1, 1), (0.99, 0.01), (0.4, 0.6), (1, 1))
    [found] = np.exp(token_log_probs(1, [make_window(-1, 0, 0, -1)], [logits]))
    sure, other = (0.99 * 0.4) ** 0.5, (0.01 * 0.6) ** 0.5
    np.testing.assert_allclose(found, [sure / (sure + other), other / (sure + other)])


def test_the_window_with_the_token_in_the_middle_counts():
    """Token 2 stands one place from the edge of the first window and two from that of the second."""
    windows = [make_window(-1, 0, 1, 2, -1), make_window(-1, 1, 2, 3, 4, -1)]
    first = to_logits((1, 1), (0.9, 0.1), (0.8, 0.2), (0.7, 0.3), (1, 1))
    second = to_logits((1, 1), (0.1, 0.9), (0.2, 0.8), (0.3, 0.7), (0.4, 0.6), (1, 1))
    found = np.exp(token_log_probs(5, windows, [first, second]))
    np.testing.assert_allclose(found[:, 0], [0.9, 0.8, 0.2, 0.3, 0.4])


def test_padding_says_nothing():
    logits = np.vstack([to_logits((1, 1), (0.9, 0.1), (1, 1)), np.full((4, 2), np.nan)])
    [found] = np.exp(token_log_probs(1, [make_window(-1, 0, -1)], [logits]))
    np.testing.assert_allclose(found, [0.9, 0.1])


def test_large_logits_stay_finite():
    [found] = token_log_probs(1, [make_window(-1, 0, -1)], [np.array([[0, 0], [1e4, -1e4], [0, 0]], "f4")])
    np.testing.assert_allclose(found, [0, -2e4])


def test_no_windows_no_tokens():
    assert token_log_probs(0, [], []).shape == (0, 0)


@given(texts, st.integers(8, 64))
def test_every_token_of_a_page_gets_its_own_word(page, size):
    """A model that gives each piece the number of its token: each token gets it back."""
    windows = make_encoder(size).encode(put(*page))
    logits = [np.eye(len(page) + 1)[w.owners] * 50 for w in windows]
    found = token_log_probs(len(page), windows, logits)
    assert found.argmax(axis=1).tolist() == list(range(len(page)))
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)


def test_log_softmax():
    found = log_softmax(np.array([[0.0, 0.0], [np.log(3), 0.0]]))
    np.testing.assert_allclose(np.exp(found), [[0.5, 0.5], [0.75, 0.25]])
