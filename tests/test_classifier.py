"""The trained classifier as reading uses it: backends agree, batches change nothing, faults are named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from giar_ml.document import BBox
from giar_ml.label.classifier import Classifier, _load_torch, load_classifier, load_onnx
from giar_ml.label.encode import Encoder, pad_windows
from giar_ml.label.frame import Placed
from giar_ml.label.names import label_names
from giar_ml.label.pages import place_page
from giar_ml.load import load
from giar_ml.models import HOME_VARIABLE, READER_FILES, ModelError, shipped_model

FIXTURES = ROOT / "eval" / "fixtures"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """The shipped one, whatever the developer has in use."""
    return load_classifier(shipped_model())


@pytest.fixture(scope="module")
def pages() -> list[list[Placed]]:
    """Four pages of a digital report, a text, and an empty page."""
    digital = load(FIXTURES / "9000000-00022-digital.pdf")
    text = load(FIXTURES / "9000000-00041-text-pdfplumber-layout.txt")
    return [place_page(page) for page in (*digital.pages, *text.pages)] + [[]]


def copy_model(folder: Path) -> Path:
    folder.mkdir()
    for name in (*READER_FILES, "config.json", "model.safetensors"):
        shutil.copy(shipped_model() / name, folder)
    return folder


# Labels


def test_the_shipped_model_is_the_one_in_use_by_default(classifier, pages, tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert load_classifier().label_pages(pages[1:2]) == classifier.label_pages(pages[1:2])


def test_its_labels_are_those_of_the_forms(classifier):
    assert classifier.labels == label_names()
    assert classifier.device == "cpu"


def test_probabilities(classifier, pages):
    for page, found in zip(pages, classifier.label_pages(pages), strict=True):
        assert len(found) == len(page)
        for labels in found:
            values = list(labels.values())
            assert values == sorted(values, reverse=True)
            assert all(0 < value <= 1 for value in values)
            assert 0.98 < sum(values) <= 1 + 1e-9
            assert set(labels) <= set(classifier.labels)


def test_it_knows_a_printed_page(classifier, pages):
    found = {}
    for page, labels in zip(pages, classifier.label_pages(pages), strict=True):
        found |= {token.text: next(iter(best)) for token, best in zip(page, labels, strict=True)}
    assert found["规章"] == "row:disclosure.regulations"
    assert found["一、本年新收政府信息公开申请数量"] == "row:requests.new"
    assert found["二、主动公开政府信息情况"] == "title:disclosure"
    assert found["0"] == "figure"


def test_several_pages_are_labelled_as_one_by_one(classifier, pages):
    together = classifier.log_probs(pages)
    alone = [classifier.log_probs([page])[0] for page in pages]
    assert [len(found) for found in together] == [len(page) for page in pages]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(np.exp(one), np.exp(other), atol=1e-4)


def test_windows_run_together_are_labelled_as_one_by_one(classifier, pages):
    batched = replace(classifier, batch=8)
    for one, other in zip(classifier.log_probs(pages), batched.log_probs(pages), strict=True):
        np.testing.assert_allclose(np.exp(one), np.exp(other), atol=1e-4)


def test_no_pages(classifier):
    assert classifier.label_pages([]) == []
    assert classifier.label_pages([[], []]) == [[], []]


@pytest.mark.parametrize("text", ["", " ", "\ufffd", "\U0001f600", "a" * 3000, "\0"])
def test_strange_tokens(classifier, text):
    [[labels]] = classifier.label_pages([[Placed(text, BBox(0, 0, 1000, 4))]])
    assert sum(labels.values()) <= 1 + 1e-9


def test_a_page_of_many_windows(classifier):
    boxes = [
        BBox(100.0 * (i % 10), 8.0 * (i // 10), 100.0 * (i % 10) + 90, 8.0 * (i // 10) + 4)
        for i in range(600)
    ]
    page = [Placed("行政机关", box) for box in boxes]
    [labels] = classifier.label_pages([page])
    assert len(labels) == 600
    assert all(labels)


def test_the_temperature_makes_it_less_sure(classifier, pages):
    sure, unsure = (replace(classifier, temperature=t).log_probs(pages[1:2])[0].max() for t in (0.5, 5.0))
    assert sure > unsure


# Backends


def test_onnx_and_torch_agree(classifier, pages):
    windows = [window for page in pages for window in classifier.encoder.encode(page)]
    torch_run = _load_torch(shipped_model(), "cpu")
    for window in windows:
        batch = pad_windows([window], classifier.encoder.pad)
        np.testing.assert_allclose(classifier.run(*batch), torch_run(*batch), atol=1e-3)


def test_logits_of_padding_are_zero_in_onnx(classifier, pages):
    [window, *_] = classifier.encoder.encode(pages[1])
    n = len(window.ids)
    [padded] = classifier.run(*pad_windows([window], classifier.encoder.pad, multiple=384))
    assert len(padded) > n
    assert padded[:n].any(axis=1).all()
    assert not padded[n:].any()


def test_a_model_with_a_mask_as_before_runs(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    shapes = {"input_ids": [1, "n"], "bbox": [1, "n", 4], "attention_mask": [1, "n"]}
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name, shape in shapes.items()]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "n", 1])
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["seen"]),
        helper.make_node("Cast", ["seen"], ["flat"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["flat", "last"], ["logits"]),
    ]
    last = helper.make_tensor("last", TensorProto.INT64, [1], [2])
    graph = helper.make_graph(nodes, "g", inputs, [output], [last])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(tmp_path / "model.onnx"))
    run = load_onnx(tmp_path / "model.onnx", 1)
    ids, mask = np.array([[3, 4, 5], [6, 7, 7]]), np.array([[1, 1, 1], [1, 0, 0]])
    found = run(ids, np.zeros((2, 3, 4), np.int64), mask)
    np.testing.assert_array_equal(found[:, :, 0], [[3, 4, 5], [6, 0, 0]])


def test_reading_imports_neither_torch_nor_transformers():
    script = f"""
import sys
from pathlib import Path
from giar_ml.document import BBox
from giar_ml.label.classifier import load_classifier
from giar_ml.label.frame import Placed
page = [Placed("规章", BBox(0, 0, 100, 4)), Placed("12", BBox(500, 0, 600, 4))]
[labels] = load_classifier(Path({str(shipped_model())!r})).label_pages([page])
assert len(labels) == 2
print(*sorted({{"torch", "transformers", "training"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


# Faults


@pytest.mark.parametrize("name", READER_FILES)
@pytest.mark.parametrize("content", [None, b"", b"{", bytes(200)], ids=["missing", "empty", "brace", "zeros"])
def test_a_damaged_model_says_what_to_do(tmp_path, name, content):
    folder = copy_model(tmp_path / "model")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match="the model of labels cannot be loaded") as raised:
        load_classifier(folder)
    message = str(raised.value)
    assert message.startswith(f"{folder}: ")
    assert "giar train" in message
    assert "giar models use shipped" in message


@pytest.mark.parametrize("name", ["labels", "window", "temperature"])
def test_settings_that_lack_something(tmp_path, name):
    folder = copy_model(tmp_path / "model")
    settings = json.loads((folder / "label.json").read_text(encoding="utf-8"))
    del settings[name]
    (folder / "label.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(ModelError, match=name):
        load_classifier(folder)


def test_a_model_that_is_cut_short(tmp_path):
    folder = copy_model(tmp_path / "model")
    whole = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="giar train"):
        load_classifier(folder)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match=r"none: the model of labels .* `giar train` makes one"):
        load_classifier(tmp_path / "none")


def test_an_encoder_of_the_model_s_size(classifier, pages):
    size = json.loads((shipped_model() / "label.json").read_text(encoding="utf-8"))["window"]
    encoder = Encoder.load(shipped_model(), size=size)
    windows = [window for page in pages for window in encoder.encode(page)]
    assert max(len(window.ids) for window in windows) <= size
    assert max(window.ids.max() for window in windows) < encoder._tokenizer.get_vocab_size()


def test_without_a_gpu_for_torch_the_processor_labels(classifier, pages):
    with pytest.warns(UserWarning, match="labelled on the processor"):
        found = load_classifier(shipped_model(), device="cuda:99")
    assert found.device == "cpu"
    assert found.label_pages(pages[1:2]) == classifier.label_pages(pages[1:2])


def test_a_model_of_another_encoding_is_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(shipped_model(), folder)
    settings = json.loads((folder / "label.json").read_text()) | {"encoding": 99}
    (folder / "label.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match="tokens written otherwise"):
        load_classifier(folder)


def test_kept_pieces_are_bounded(monkeypatch):
    monkeypatch.setattr("giar_ml.label.encode.MAX_KEPT", 3)
    encoder = load_classifier(shipped_model()).encoder
    page = [Placed(f"{i}号", BBox(0, 4 * i, 100, 4 * i + 4)) for i in range(10)]
    [again], [first] = encoder.encode(page), encoder.encode(page)
    assert (again.ids == first.ids).all()
    assert len(encoder._pieces) <= 3
