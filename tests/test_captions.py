"""The reader of what the forms print: what counts of its readings, its training, its weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from giar_ml.document import BBox
from giar_ml.errors import EngineError, UsageError
from giar_ml.ocr.captions import (
    HEIGHT_PX,
    MAX_WIDTH_PX,
    OTHER,
    SETTINGS,
    CaptionReader,
    caption_alphabet,
    caption_crop,
    is_part_of_form,
    load_caption_reader,
    may_be_caption,
    shipped_caption_model,
)
from giar_ml.ocr.lines import Line
from giar_ml.ocr.networks import WEIGHTS
from giar_ml.pipeline import Extractor
from training.captions.config import TrainConfig
from training.captions.lines import CaptionLine, to_target
from training.figure_reader.config import ModelConfig, RunConfig
from training.figure_reader.render import CHINESE, font_files


def have_fonts() -> bool:
    try:
        return bool(font_files(CHINESE))
    except UsageError:
        return False


fonts = pytest.mark.skipif(not have_fonts(), reason="fonts of offices are not installed")
shipped = pytest.mark.skipif(
    not (shipped_caption_model() / WEIGHTS).is_file(), reason="no weights come with this checkout"
)


def draw(text: str, *, size: int = 30, ink: int = 30, paper: int = 245) -> np.ndarray:
    """(h, w) uint8: a line of text as it is cut out of a page."""
    font = ImageFont.truetype(*font_files(CHINESE)[0][:1], size)
    left, top, right, bottom = (round(x) for x in font.getbbox(text))
    image = Image.new("L", (right - left + 8, bottom - top + 8), paper)
    ImageDraw.Draw(image).text((4 - left, 4 - top), text, ink, font)
    return np.asarray(image)


def line(image: np.ndarray, *, faint: bool = False) -> Line:
    height, width = image.shape
    return Line(np.repeat(image[:, :, None], 3, axis=2), BBox(0, 0, width, height), faint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1.属于国家秘密", True, id="a header"),
        pytest.param("1、属于国家秘密", True, id="marks do not count"),
        pytest.param("于国家秘", True, id="a line of one that wraps"),
        pytest.param("第二十条第(五)项", True, id="a caption"),
        pytest.param("二、主动公开政府信息情况", True, id="a title"),
        pytest.param("行政复议、行政诉讼", True, id="a mark within a title"),
        pytest.param("行政复议行政诉讼", False, id="two headers side by side"),
        pytest.param("三、收到和处理", True, id="the mark behind a number"),
        pytest.param("属于国家机密", False, id="another word"),
        pytest.param("属于国家秘密的", False, id="more than is printed"),
        pytest.param(f"属于{OTHER}家秘密", False, id="a strange character"),
        pytest.param("密", False, id="one character"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_what_is_part_of_a_form(text: str, expected: bool) -> None:
    assert is_part_of_form(text) is expected


def test_the_alphabet_has_all_that_the_forms_print_once() -> None:
    alphabet = caption_alphabet()
    assert alphabet[:2] == ("", OTHER)
    assert len(set(alphabet)) == len(alphabet)
    assert set("行政许可第二十条（一）".replace("（", "(").replace("）", ")")) <= set(alphabet)


@pytest.mark.parametrize("height", [20, 40, 80])
def test_crops_are_of_one_height_and_half_as_wide(height: int) -> None:
    image = np.full((height, 5 * height), 230, np.uint8)
    image[height // 4 : height // 2, height:] = 60
    crop = caption_crop(image)
    assert crop.shape == (HEIGHT_PX, 5 * HEIGHT_PX // 2)
    assert crop[0, 0] == 255
    assert crop.min() == 0
    np.testing.assert_array_equal(caption_crop(np.repeat(image[:, :, None], 3, axis=2)), crop)


@pytest.mark.parametrize(
    ("width", "faint", "expected"),
    [(30, False, True), (22, False, False), (300, True, False), (700, False, False)],
)
def test_which_lines_are_asked_about(width: int, faint: bool, expected: bool) -> None:
    assert may_be_caption(line(np.full((20, width), 250, np.uint8), faint=faint)) is expected


class FakeSession:
    """Reads the same text in every crop, each character with the same probability."""

    def __init__(self, text: str, p: float) -> None:
        self.text, self.p = text, p
        self.widths: list[int] = []

    def run(self, names: None, feed: dict[str, np.ndarray]) -> tuple[np.ndarray]:
        n, _, _, width = feed["crops"].shape
        self.widths.append(width)
        alphabet = caption_alphabet()
        posteriors = np.full((n, width // 4, len(alphabet)), 1e-9, np.float32)
        posteriors[:, :, 0] = 1
        for k, character in enumerate(self.text):
            posteriors[:, 2 * k, 0] = 1 - self.p
            posteriors[:, 2 * k, alphabet.index(character)] = self.p
        return (np.log(posteriors),)


@pytest.mark.parametrize(
    ("text", "p", "expected"),
    [
        ("行政许可", 0.999, "行政许可"),
        ("(二)部分公开", 0.9999, "（二）部分公开"),
        ("行政许可", 0.99, None),
        ("行政诉可", 0.9999, None),
    ],
)
def test_a_reading_counts_where_it_is_sure_and_printed(text: str, p: float, expected: str | None) -> None:
    reader = CaptionReader(FakeSession(text, p), caption_alphabet())
    [found] = reader.read([line(np.full((20, 100), 250, np.uint8))])
    assert (found.text if found else None) == expected
    assert found is None or found.score == pytest.approx(p ** len(text), abs=1e-3)


def test_lines_that_are_not_asked_about_have_no_reading() -> None:
    session = FakeSession("行政许可", 0.9999)
    lines = [line(np.full((20, width), 250, np.uint8)) for width in (10, 100, 2000, 110)]
    found = CaptionReader(session, caption_alphabet()).read(lines)
    assert [recognition is not None for recognition in found] == [False, True, False, True]
    assert max(session.widths) <= MAX_WIDTH_PX


@pytest.mark.parametrize(
    ("text", "confidence", "expected"),
    [
        ("（一）予以公开", 0.95, "(一)予以公开"),
        ("霁阳县公开 情况", 0.95, f"{OTHER}公开情况"),
        ("某年的事", 0.5, ""),
        ("予以公开", 0.3, "予以公开"),
    ],
)
def test_what_is_learnt_of_a_line(text: str, confidence: float, expected: str) -> None:
    assert to_target(text, confidence) == expected


@fonts
def test_a_run_learns_and_writes_what_is_loaded(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from training.captions.train import train

    texts = ["行政许可", "行政处罚", "信息内容", "商业企业", "科研机构", "总计"]
    lines = [
        CaptionLine(caption_crop(draw(text, size=size)), text) for text in texts for size in (24, 30, 36)
    ]
    config = TrainConfig(
        seed=3,
        model=ModelConfig(narrow=16, middle=24, wide=32, frames=64, dropout=0.0),
        run=RunConfig(steps=220, batch=9, learning_rate=4e-3, evaluate_every=110),
    )
    out = tmp_path / "model"
    scores = train(config, lines, lines, out, say=lambda text: None)
    record = json.loads((out / "training.json").read_text(encoding="utf-8"))
    assert record["course"][-1]["nll"] < 0.5 * record["course"][0]["nll"]
    assert scores.n == len(lines)
    assert scores.differ == 0
    assert load_caption_reader(out).alphabet == caption_alphabet()


def test_variants_keep_the_height() -> None:
    pytest.importorskip("torch")
    from training.captions.train import vary

    rng = np.random.default_rng(1)
    image = np.full((HEIGHT_PX, 90), 255, np.uint8)
    image[8:20, 10:80] = 0
    for _ in range(20):
        varied = vary(image, rng)
        assert varied.shape[0] == HEIGHT_PX
        assert abs(varied.shape[1] - 90) <= 9
        assert varied.min() < 128


@shipped
@fonts
def test_the_shipped_reader_reads_clear_print() -> None:
    texts = ["行政许可", "1.属于国家秘密", "本年处理决定数量", "法律服务机构", "结果维持", "信息内容"]
    found = load_caption_reader().read([line(draw(text)) for text in texts])
    read = {text: recognition.text for text, recognition in zip(texts, found, strict=True) if recognition}
    assert all(text == wanted for wanted, text in read.items())
    assert len(read) >= 4


@shipped
@fonts
def test_the_shipped_reader_leaves_other_words_to_the_engine() -> None:
    others = ["属于国家机密", "行政检查", "霁阳县人民政府", "没有收取费用", "二〇二三年度"]
    assert load_caption_reader().read([line(draw(text)) for text in others]) == [None] * len(others)


@shipped
@pytest.mark.parametrize(("device", "expected"), [("cpu", True), ("cuda:0", False)])
def test_on_a_gpu_the_engine_reads_all(device: str, expected: bool) -> None:
    class Engine:
        pass

    engine = Engine()
    engine.device = device
    extractor = Extractor()
    extractor._engine = engine
    assert (extractor._load_caption_reader() is not None) is expected


@shipped
def test_the_shipped_alphabet_is_that_of_the_forms() -> None:
    # A form with new characters needs a new reader: `python -m training.train_captions`.
    settings = json.loads((shipped_caption_model() / SETTINGS).read_text(encoding="utf-8"))
    assert tuple(settings["alphabet"]) == caption_alphabet()


@pytest.mark.parametrize("damage", ["missing", "weights", "settings"])
def test_a_damaged_model_is_told(tmp_path: Path, damage: str) -> None:
    if damage != "missing":
        settings = {"alphabet": list(caption_alphabet()), "height_px": HEIGHT_PX, "squeeze": 0.5}
        if damage == "settings":
            settings["height_px"] = 48
        (tmp_path / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
        (tmp_path / WEIGHTS).write_bytes(b"none")
    with pytest.raises(EngineError, match=r"captions"):
        load_caption_reader(tmp_path)


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from training import train_captions

    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    (tmp_path / "none.toml").write_text("seed = 1\n", encoding="utf-8")
    for arguments, message in (
        (["-o", str(tmp_path / "full")], "no empty folder"),
        ([str(tmp_path / "missing.toml"), "-o", str(tmp_path / "new")], "missing.toml"),
        ([str(tmp_path / "none.toml"), "-o", str(tmp_path / "new")], "names no scans"),
    ):
        assert train_captions.main(arguments) == 2
        assert message in capsys.readouterr().err
