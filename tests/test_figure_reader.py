"""The reader of figures in cells: its crops, its training, the weights that come with the program."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from giar_ml.document import BBox
from giar_ml.errors import EngineError, UsageError
from giar_ml.ocr.ctc import ctc_k_best
from giar_ml.ocr.engine import FIGURE_ALPHABET
from giar_ml.ocr.figures import (
    HEIGHT_PX,
    MARGIN_PX,
    MAX_WIDTH_PX,
    PX_PER_IN,
    SETTINGS,
    figure_crop,
    load_figure_reader,
    shipped_figure_model,
)
from giar_ml.ocr.networks import WEIGHTS
from training.figure_reader.augment import augment, centre
from training.figure_reader.config import TrainConfig
from training.figure_reader.crops import EXTRA_PX, Crop, fold
from training.figure_reader.render import CHINESE, LATIN, font_files, render, sample_text
from training.figure_reader.sampling import is_crossed
from training.figure_reader.sheets import SHARES, SOILED_SHARES, read_sheets
from training.settings import read_settings

DPI = 200.0


def have_fonts() -> bool:
    try:
        return bool(font_files(LATIN) and font_files(CHINESE))
    except UsageError:
        return False


fonts = pytest.mark.skipif(not have_fonts(), reason="fonts of offices are not installed")
shipped = pytest.mark.skipif(
    not (shipped_figure_model() / WEIGHTS).is_file(), reason="no weights come with this checkout"
)


def page_with(box: tuple[int, int, int, int], *, ink: int = 20) -> np.ndarray:
    page = np.full((600, 800), 235, np.uint8)
    left, top, right, bottom = box
    page[top:bottom, left:right] = ink
    return page


def ink_size(crop: np.ndarray) -> tuple[int, int]:
    rows, columns = np.nonzero(crop < 128)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


@pytest.mark.parametrize("dpi", [100.0, 200.0, 300.0])
def test_a_crop_shows_the_same_size_at_any_resolution(dpi: float) -> None:
    n_px = round(0.1 * dpi)
    crop = figure_crop(
        page_with((300, 300, 300 + n_px, 300 + n_px)), BBox(300, 300, 300 + n_px, 300 + n_px), dpi=dpi
    )
    height, width = ink_size(crop)
    assert crop.shape[0] == HEIGHT_PX
    assert abs(height - 0.1 * PX_PER_IN) <= 1.5
    assert abs(width - 0.1 * PX_PER_IN) <= 1.5


def test_a_speck_stays_a_speck() -> None:
    crop = figure_crop(page_with((300, 300, 303, 303)), BBox(300, 300, 303, 303), dpi=DPI)
    assert max(ink_size(crop)) <= 4


def test_a_high_line_is_scaled_down_and_a_long_one_squeezed() -> None:
    high = figure_crop(page_with((300, 200, 330, 300)), BBox(300, 200, 330, 300), dpi=DPI)
    assert ink_size(high)[0] < HEIGHT_PX
    page = np.full((100, 4000), 235, np.uint8)
    assert figure_crop(page, BBox(10, 40, 3990, 60), dpi=DPI).shape == (HEIGHT_PX, MAX_WIDTH_PX)


def test_paper_is_white_and_pale_ink_stays_pale() -> None:
    box = BBox(300, 300, 310, 320)
    dark, pale = (figure_crop(page_with((300, 300, 310, 320), ink=ink), box, dpi=DPI) for ink in (20, 215))
    assert dark[0, 0] == pale[0, 0] == 255
    assert dark.min() == 0
    assert 100 < pale.min() < 200


def test_a_crop_may_reach_beyond_the_page() -> None:
    crop = figure_crop(page_with((0, 0, 8, 14)), BBox(0, 0, 8, 14), dpi=DPI)
    assert crop.shape == (HEIGHT_PX, 2 * MARGIN_PX + round(8 * PX_PER_IN / DPI))


def test_a_kept_crop_has_the_crop_in_its_middle() -> None:
    page = cv2.GaussianBlur(page_with((300, 300, 310, 320)), (0, 0), 1.0)
    box = BBox(300, 300, 310, 320)
    kept = figure_crop(page, box, dpi=DPI, extra_px=EXTRA_PX)
    plain = figure_crop(page, box, dpi=DPI)
    assert centre(kept).shape == plain.shape
    assert np.abs(centre(kept).astype(int) - plain.astype(int)).mean() < 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("１，２３４．５", "1,234.5"),
        ("减4", "减4"),
        ("—", "-"),
        (" O ", "0"),
        ("", ""),
        ("22件", None),
        ("无", None),
    ],
)
def test_printed_text_is_folded_to_the_alphabet_of_figures(text: str, expected: str | None) -> None:
    assert fold(text) == expected


@fonts
def test_rendered_figures_have_the_form_of_crops_and_survive_what_is_done_to_them() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        text = sample_text(rng)
        crop = render(text, rng)
        assert crop.shape[0] == HEIGHT_PX + 2 * EXTRA_PX
        soiled = augment(crop, rng, empty=False, lightly=bool(rng.random() < 0.5))
        assert soiled.shape == (HEIGHT_PX, crop.shape[1] - 2 * EXTRA_PX)
        assert soiled.dtype == np.uint8


@fonts
def test_a_sheet_of_figures_is_the_same_each_time_and_its_crops_show_what_is_printed(tmp_path: Path) -> None:
    crops, again = (read_sheets(1, 5, tmp_path / name) for name in ("a", "b"))
    assert len(crops) > 50
    assert {crop.source for crop in crops} <= {f"sheet, {severity}" for severity in SHARES}
    assert all(
        np.array_equal(a.image, b.image) and a.text == b.text for a, b in zip(crops, again, strict=True)
    )
    with_ink = [crop.text for crop in crops if (centre(crop.image) < 128).any()]
    assert len(with_ink) >= sum(bool(crop.text) for crop in crops)
    # Made once: what lies in the folder is read.
    (tmp_path / "a" / sorted(file.name for file in (tmp_path / "a").iterdir())[0]).write_bytes(b"cut short")
    assert [crop.text for crop in read_sheets(1, 5, tmp_path / "a")] == [crop.text for crop in crops]


@fonts
def test_a_soiled_sheet_has_figures_below_dirt_and_dirt_without_figures(tmp_path: Path) -> None:
    crops = read_sheets(3, 5, tmp_path, soiled=True)
    assert {crop.source for crop in crops} <= {f"soiled, {severity}" for severity in SOILED_SHARES}
    assert sum(bool(crop.text) for crop in crops) > 100
    blank = [centre(crop.image) for crop in crops if not crop.text]
    assert sum((image < 128).mean() > 0.03 for image in blank) > 15
    # Other sheets are not what they are without dirt, and have other names.
    assert len(list(tmp_path.iterdir())) == 3
    assert len(read_sheets(1, 5, tmp_path)) > 50


def test_a_stroke_that_runs_into_a_line_is_told_from_figures_and_rules() -> None:
    image = np.full((44, 60), 255, np.uint8)
    image[12:32, 20:26] = image[12:32, 34:40] = 0  # 11
    image[:, 2:4] = image[40:42] = 0  # rules
    assert not is_crossed(Crop(image, "11", "sheet"))
    cv2.line(image, (10, 0), (28, 43), (60,), 6)
    assert is_crossed(Crop(image, "11", "sheet"))


@fonts
@pytest.mark.parametrize("text", ["0", "1", "47", "2019", "8,305", "36.25", "-12", "减6"])
@shipped
def test_the_shipped_weights_read_figures_of_several_fonts(text: str) -> None:
    reader = load_figure_reader()
    crops = [centre(render(text, np.random.default_rng(seed))) for seed in range(8)]
    right = [_best(log_probs) == text for log_probs in reader.read(crops)]
    assert sum(right) >= 7


@shipped
def test_the_shipped_weights_see_nothing_on_bare_paper_nor_in_a_speck_or_a_rule() -> None:
    paper = np.full((HEIGHT_PX, 30), 255, np.uint8)
    speck, rule = paper.copy(), paper.copy()
    speck[15:17, 14:16] = 60
    rule[:, 2:4] = 0
    assert [_best(log_probs) for log_probs in load_figure_reader().read([paper, speck, rule])] == ["", "", ""]


@shipped
def test_posteriors_have_a_frame_per_four_pixels_whatever_is_read_with_a_crop() -> None:
    reader = load_figure_reader()
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (HEIGHT_PX, width), dtype=np.uint8) for width in (19, 300, 33, 64)]
    read = reader.read(crops)
    assert [log_probs.shape for log_probs in read] == [(5, 16), (75, 16), (9, 16), (16, 16)]
    for log_probs in read:
        np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, atol=1e-4)
    assert reader.read([]) == []


def test_a_missing_or_damaged_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"figures\.json is not in it"):
        load_figure_reader(tmp_path)
    settings = {"alphabet": list(FIGURE_ALPHABET), "height_px": HEIGHT_PX, "px_per_in": round(PX_PER_IN, 3)}
    (tmp_path / SETTINGS).write_text(json.dumps({**settings, "height_px": 48}), encoding="utf-8")
    (tmp_path / WEIGHTS).write_bytes(b"no model")
    with pytest.raises(EngineError, match=r"height_px in figures\.json is 48, not 32"):
        load_figure_reader(tmp_path)
    (tmp_path / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be loaded"):
        load_figure_reader(tmp_path)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("seed = ", "cannot be read as TOML"),
        ("sed = 1", "no setting 'sed'"),
        ("[run]\nsteps = 'many'", "steps = 'many': input should be a valid integer"),
        ("[run]\nsteps = 0", "steps = 0: input should be greater than or equal to 1"),
        ("[data]\nempty = 1.5", "empty = 1.5: input should be less than"),
        ("[data]\nempty = 1", "empty = 1: input should be less than 1"),
        ("[run]\nlearning_rate = 0", "learning_rate = 0: input should be greater than 0"),
        ("[data]\nscans = 0", "go together"),
        ("[data]\nsheets = 8", "sheets and sheets_share go together"),
        ("[data]\nsheets = 8\nsheets_share = 0.7", "add up to 1 at most"),
        ("[run]\nprecision = 'int8'", "precision = 'int8': input should be 'fp32' or 'bf16'"),
    ],
)
def test_a_wrong_config_says_what_is_wrong(tmp_path: Path, toml: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(toml, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_settings(TrainConfig, path)


@fonts
def test_a_short_training_learns_and_its_weights_are_the_same_in_onnx_and_torch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from training.figure_reader.config import DataConfig, ModelConfig, RunConfig
    from training.figure_reader.scoring import predict
    from training.figure_reader.train import Data, load_model, train

    rng = np.random.default_rng(1)
    crops = [Crop(render(text, rng), text, "rendered") for text in 30 * ("0", "1", "4", "70")]
    crops += [Crop(np.full((44, 46), 255, np.uint8), "", "blank")] * 10
    config = TrainConfig(
        3,
        DataConfig(scans=0, validation_scans=0),
        ModelConfig(narrow=8, middle=16, wide=24, frames=48, dropout=0.0),
        RunConfig(steps=160, batch=24, learning_rate=6e-3, evaluate_every=80),
    )
    metrics = train(config, Data([], crops, crops), tmp_path / "model", say=lambda text: None)
    assert metrics["all"].accuracy > 0.7
    course = json.loads((tmp_path / "model" / "training.json").read_text(encoding="utf-8"))["course"]
    assert course[-1]["nll"] < 2
    images = [centre(crop.image) for crop in crops[:5]]
    torch_read = predict(load_model(tmp_path / "model"), images)
    for found, wanted in zip(load_figure_reader(tmp_path / "model").read(images), torch_read, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from training import train_figures

    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    for arguments, message in (
        (["-o", str(tmp_path / "new")], "give a CONFIG.toml"),
        (["--smoke", "-o", str(tmp_path / "full")], "is not empty"),
        (["none.toml", "-o", str(tmp_path / "new")], "none.toml"),
    ):
        assert train_figures.main(arguments) == 2
        assert message in capsys.readouterr().err


def _best(log_probs: np.ndarray) -> str:
    return ctc_k_best(log_probs, FIGURE_ALPHABET, 1)[0][0]
