"""The classifier's tokenizer, its weights from nothing, and around pretrained text models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from giar_ml.document import BBox
from giar_ml.errors import UsageError
from giar_ml.label.classifier import load_classifier
from giar_ml.label.names import label_names
from training.labels.config import DataConfig, ModelConfig, RunConfig, TrainConfig
from training.labels.examples import Example, Item, place_example
from training.labels.model import SPECIAL, character_tokenizer, from_text_model, new_model, text_tokenizer
from training.labels.train import Data, train

LABELS = ("other", "figure", "corner")
TEXTS = {"row:requests.new": "新收", "column:requests.total": "总计", "other": "本年", "figure": "12"}
CHARACTERS = sorted(set("".join(TEXTS.values())))

# Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return character_tokenizer("一二a1(")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("一二", ["一", "二"], id="characters"),
        pytest.param("aA", ["a", "a"], id="capitals"),
        pytest.param("Ａａ１（", ["a", "a", "1", "("], id="width variants"),
        pytest.param("⼀⼆", ["一", "二"], id="radicals"),
        pytest.param(" 一\u3000\t二\n", ["一", "二"], id="spaces"),
        pytest.param("一三二", ["一", "<unk>", "二"], id="unknown"),
        pytest.param("\U00020000一", ["<unk>", "一"], id="beyond the basic plane"),
        pytest.param("<pad>", ["<unk>"] * 2 + ["a", "<unk>", "<unk>"], id="the name of a special piece"),
        pytest.param("", [], id="nothing"),
        pytest.param(" ", [], id="a space"),
    ],
)
def test_character_tokenizer(tokenizer, text, pieces):
    assert tokenizer.encode(text, add_special_tokens=False).tokens == pieces


def test_special_pieces_come_first_and_none_twice():
    tokenizer = character_tokenizer("甲乙甲")
    assert [tokenizer.token_to_id(piece) for piece in SPECIAL] == list(range(len(SPECIAL)))
    assert tokenizer.get_vocab_size() == len(SPECIAL) + 2
    assert tokenizer.token_to_id("乙") == len(SPECIAL) + 1


# From random weights


def random_boxes(*shape: int) -> torch.Tensor:
    corners, sizes = torch.randint(0, 501, (*shape, 2)), torch.randint(0, 501, (*shape, 2))
    return torch.cat([corners, corners + sizes], dim=-1)


def test_a_new_model():
    tokenizer = character_tokenizer(CHARACTERS)
    model = new_model(
        tokenizer, LABELS, hidden=24, layers=2, heads=2, shrink=2, dropout=0.0, window=32
    ).eval()
    ids = torch.randint(5, tokenizer.get_vocab_size(), (2, 64))
    bbox = random_boxes(2, 64)
    with torch.inference_mode():
        logits = model(input_ids=ids, bbox=bbox, attention_mask=torch.ones_like(ids)).logits
    assert logits.shape == (2, 64, len(LABELS))
    assert torch.isfinite(logits).all()
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.pad_token_id == tokenizer.token_to_id("<pad>")


def test_padding_changes_nothing():
    tokenizer = character_tokenizer(CHARACTERS)
    model = new_model(
        tokenizer, LABELS, hidden=24, layers=2, heads=2, shrink=2, dropout=0.0, window=32
    ).eval()
    ids, bbox = torch.tensor([[0, 6, 7, 2]]), random_boxes(1, 4)
    padded = torch.nn.functional.pad(ids, (0, 4), value=1)
    mask = (padded != 1).long()
    with torch.inference_mode():
        alone = model(input_ids=ids, bbox=bbox, attention_mask=torch.ones_like(ids)).logits
        among = model(
            input_ids=padded,
            bbox=torch.nn.functional.pad(bbox, (0, 0, 0, 4)),
            attention_mask=mask,
        ).logits
    torch.testing.assert_close(alone, among[:, :4])


# Around a text model


def bert_tokenizer() -> Tokenizer:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return tokenizer


SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


@pytest.fixture(scope="module")
def text_models(tmp_path_factory) -> Path:
    """A folder of tiny text models: bert, xlm, distilbert, and one of a width that does not fit."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(3)
    bert, xlm = bert_tokenizer(), character_tokenizer(CHARACTERS)
    roberta = XLMRobertaConfig(
        vocab_size=xlm.get_vocab_size(),
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=1,
        **SIZES,
    )
    n = bert.get_vocab_size()
    made = {
        "bert": (bert, BertModel(BertConfig(vocab_size=n, max_position_embeddings=64, **SIZES))),
        "xlm": (xlm, XLMRobertaModel(roberta)),
        "distilbert": (
            bert,
            DistilBertModel(DistilBertConfig(vocab_size=n, dim=24, n_layers=1, n_heads=2, hidden_dim=32)),
        ),
        "wide": (bert, BertModel(BertConfig(vocab_size=n, **(SIZES | {"hidden_size": 32})))),
    }
    for name, (tokenizer, model) in made.items():
        model.save_pretrained(folder / name)
        tokenizer.save(str(folder / name / "tokenizer.json"))
        settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
        (folder / name / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def read_text_model(name: str, text_models: Path) -> dict[str, torch.Tensor]:
    kind = {"bert": BertModel, "xlm": XLMRobertaModel}[name]
    return kind.from_pretrained(text_models / name).state_dict()


@pytest.mark.parametrize("name", ["bert", "xlm"])
def test_the_text_model_s_weights_are_the_text_stream(text_models, name):
    given = read_text_model(name, text_models)
    model = from_text_model(text_models / name, LABELS, shrink=2, window=64)
    taken = model.lilt.state_dict()
    compared = {
        key for key in given if not key.startswith("pooler") and "position" not in key and key in taken
    }
    assert len([key for key in compared if "encoder.layer.1." in key]) == 16
    assert {"embeddings.word_embeddings.weight", "embeddings.LayerNorm.weight"} <= compared
    for key in compared:
        assert torch.equal(taken[key], given[key]), key
    assert model.config.num_labels == len(LABELS)
    assert model.config.pad_token_id == {"bert": 0, "xlm": 1}[name]


@pytest.mark.parametrize(("name", "offset"), [("bert", 1), ("xlm", 0)])
def test_positions_are_counted_from_behind_the_padding_piece(text_models, name, offset):
    key = "embeddings.position_embeddings.weight"
    given = read_text_model(name, text_models)[key]
    taken = from_text_model(text_models / name, LABELS, shrink=2, window=64).lilt.state_dict()[key]
    assert len(taken) == len(given) + offset
    assert torch.equal(taken[offset:], given)


@pytest.mark.parametrize("name", ["bert", "xlm"])
def test_the_first_layer_sees_what_the_text_model_sees(text_models, name):
    """The text embeddings of the same pieces are the same: words, positions and types are in their places."""
    kind = {"bert": BertModel, "xlm": XLMRobertaModel}[name]
    text = kind.from_pretrained(text_models / name).eval()
    model = from_text_model(text_models / name, LABELS, shrink=2, window=64).eval()
    ids = torch.tensor([[2, 6, 7, 8, 3]])
    with torch.inference_mode():
        wanted = text.embeddings(input_ids=ids)
        found, _ = model.lilt.embeddings(input_ids=ids)
    torch.testing.assert_close(found, wanted)


def test_a_window_as_long_as_the_model_has_positions(text_models):
    for name in ("bert", "xlm"):
        model = from_text_model(text_models / name, LABELS, shrink=2, window=64).eval()
        ids = torch.full((1, 64), 6)
        bbox = torch.zeros(1, 64, 4, dtype=torch.long)
        with torch.inference_mode():
            assert model(input_ids=ids, bbox=bbox).logits.shape == (1, 64, 3)


@pytest.mark.parametrize(
    ("name", "shrink", "window", "said"),
    [
        pytest.param(
            "distilbert", 2, 64, "a distilbert model; give a BERT or RoBERTa one", id="another type"
        ),
        pytest.param("wide", 2, 64, "hidden = 32 must be a multiple of 6", id="a width that does not fit"),
        pytest.param("bert", 5, 64, "hidden / shrink = 4.8", id="a shrinkage that does not fit"),
        pytest.param("bert", 2, 65, "window = 65 must be at most 64", id="a window that is too long"),
        pytest.param("xlm", 2, 65, "window = 65 must be at most 64", id="positions of RoBERTa"),
        pytest.param("none", 2, 64, "no text model that transformers can load", id="no folder"),
        pytest.param("", 2, 64, "no text model that transformers can load", id="no model in the folder"),
    ],
)
def test_a_text_model_that_does_not_fit(text_models, name, shrink, window, said):
    with pytest.raises(UsageError, match=said) as raised:
        from_text_model(text_models / name, LABELS, shrink=shrink, window=window)
    assert str(text_models) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"{", bytes(100)])
def test_damaged_weights(text_models, tmp_path, content):
    (tmp_path / "config.json").write_bytes((text_models / "bert" / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UsageError, match="no text model that transformers can load"):
        from_text_model(tmp_path, LABELS, shrink=2, window=64)


def test_the_tokenizer_of_a_text_model(text_models, tmp_path):
    assert text_tokenizer(text_models / "bert").encode("新收", add_special_tokens=False).tokens == [
        "新",
        "收",
    ]
    with pytest.raises(UsageError, match="no tokenizer that transformers can load"):
        text_tokenizer(tmp_path)


def make_page(number: int) -> Example:
    items = [
        Item(text, BBox(100 * column, 30 * line, 100 * column + 60, 30 * line + 20), label)
        for line in range(4)
        for column, (label, text) in enumerate(TEXTS.items())
    ]
    return Example(tuple(items[number:]), True, "made")


@pytest.mark.parametrize("name", ["bert", "xlm"])
def test_a_model_trained_around_a_text_model_can_be_read(text_models, tmp_path, monkeypatch, name):
    monkeypatch.setattr("training.labels.train.write_confusion", lambda *_: None)  # slow
    config = TrainConfig(
        1,
        DataConfig(negatives=0.0),
        ModelConfig(pretrained=text_models / name, shrink=2, window=48),
        RunConfig(steps=2, batch=2, evaluate_every=2, precision="fp32"),
    )
    data = Data([make_page(n) for n in range(3)], [make_page(0)])
    trained = train(config, data, tmp_path / "model", quiet=True, say=lambda text: None)
    classifier = load_classifier(trained.folder)
    assert classifier.labels == label_names()
    [labels] = classifier.label_pages([place_example(make_page(0))])
    assert len(labels) == 16
    record = json.loads((trained.folder / "training.json").read_text())
    assert record["config"]["model"]["pretrained"] == str(text_models / name)
    assert record["onnx_gap"] < 1e-3
