from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image, ImageDraw, ImageFont

from giar_ml.document import BBox
from giar_ml.engines import load_engine
from giar_ml.engines.embedded import LEAST_WEIGHT, embedded_folder, flush_weights
from giar_ml.engines.paddle import PaddleOcr, _figure_columns
from giar_ml.errors import EngineError
from giar_ml.ocr.batches import width_batches
from giar_ml.ocr.engine import FIGURE_ALPHABET
from giar_ml.ocr.lines import Line, to_token

SERIF = Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc")


def test_unknown_engine_raises() -> None:
    with pytest.raises(EngineError, match="tesseract"):
        load_engine("tesseract")


def test_unknown_backend_raises() -> None:
    with pytest.raises(EngineError, match="nonsense"):
        load_engine("paddle", engine="nonsense")


def test_unknown_device_raises() -> None:
    with pytest.raises(EngineError, match="tpu"):
        load_engine("paddle", device="tpu")


def test_missing_cuda_raises() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is a GPU build here")
    with pytest.raises(EngineError, match="cuda:0"):
        load_engine("paddle", device="cuda:0")


def test_incomplete_model_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"inference\.yml"):
        load_engine("paddle", model_folder=tmp_path)


def test_batches_put_crops_of_one_width_together() -> None:
    batches = width_batches([20, 40, 30, 900], step_px=32, batch_px=3072)
    assert batches == [(32, [0, 2]), (64, [1]), (928, [3])]


def test_figure_columns_gather_lookalikes() -> None:
    columns = _figure_columns(["", "0", "1", "O", "总", ""])
    assert columns[0].tolist() == [0]
    assert columns[FIGURE_ALPHABET.index("0")].tolist() == [1, 3]


@pytest.fixture(scope="module")
def engine() -> PaddleOcr:
    return PaddleOcr(device="cpu")


def draw(text: str, *, size: int = 32) -> np.ndarray:
    font = ImageFont.truetype(SERIF, size)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("RGB", (int(right - left) + 12, int(bottom - top) + 12), "white")
    ImageDraw.Draw(image).text((6 - left, 6 - top), text, font=font, fill="black")
    return np.asarray(image)


@pytest.mark.model
@pytest.mark.skipif(not SERIF.is_file(), reason="needs Noto Serif CJK")
def test_embedded_weights_read_figures_and_labels(engine: PaddleOcr) -> None:
    texts = ["0", "1", "11", "550", "7730.28", "12,345", "减4", "22（其中修订16件）", "总计"]
    crops = [draw(text) for text in texts]
    tokens = [
        to_token(r, Line(c, BBox(0, 0, c.shape[1], c.shape[0])))
        for r, c in zip(engine.recognize(crops), crops, strict=True)
    ]
    assert [token.text if token else "" for token in tokens] == texts
    assert [bool(token and token.readings) for token in tokens] == [True] * 7 + [False] * 2


@pytest.mark.model
@pytest.mark.skipif(not SERIF.is_file(), reason="needs Noto Serif CJK")
def test_detection_finds_a_line(engine: PaddleOcr) -> None:
    page = np.full((300, 600, 3), 255, np.uint8)
    line = draw("政府信息公开情况")
    page[100 : 100 + line.shape[0], 50 : 50 + line.shape[1]] = line
    (polygon,) = engine.detect(page)
    assert polygon.mean(axis=0) == pytest.approx((50 + line.shape[1] / 2, 100 + line.shape[0] / 2), abs=8)
    assert engine.device == "cpu"


@pytest.mark.model
def test_embedded_folder_is_made_once(tmp_path: Path) -> None:
    first = embedded_folder(tmp_path, "PP-OCRv6_small_det")
    assert {path.name for path in first.iterdir()} == {"inference.onnx", "inference.yml"}
    assert embedded_folder(tmp_path, "PP-OCRv6_small_det") == first
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_weights_next_to_0_are_0() -> None:
    kept = [LEAST_WEIGHT, -1e-20, 0.0, 0.5]
    values = np.array([1e-40, -1e-31, *kept], np.float32)
    tensors = [
        onnx.numpy_helper.from_array(values, "weights"),
        onnx.numpy_helper.from_array(np.array([1, 0], np.int64), "shape"),
    ]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], tensors))
    assert flush_weights(model) == 2
    weights, shape = map(onnx.numpy_helper.to_array, model.graph.initializer)
    assert weights.tolist() == [0.0, 0.0, *np.float32(kept).tolist()]
    assert shape.tolist() == [1, 0]
    assert flush_weights(model) == 0


@pytest.mark.model
@pytest.mark.parametrize(
    ("name", "size"), [("PP-OCRv6_small_det", (320, 480)), ("PP-OCRv6_small_rec", (48, 320))]
)
def test_they_add_nothing(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).standard_normal((2, 3, *size)).astype(np.float32)
    found = []
    for as_shipped in (True, False):
        folder = embedded_folder(tmp_path, name, as_shipped=as_shipped)
        session = onnxruntime.InferenceSession(folder / "inference.onnx")
        found += session.run(None, {session.get_inputs()[0].name: images})
    np.testing.assert_array_equal(*found)


@pytest.mark.model
def test_damaged_weights_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "PP-OCRv6_det_small.onnx").write_bytes(b"no model")
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    with pytest.raises(EngineError, match=r"damaged: .*Reinstall rapidocr"):
        embedded_folder(tmp_path / "cache", "PP-OCRv6_small_det")
    assert not list((tmp_path / "cache").iterdir())
