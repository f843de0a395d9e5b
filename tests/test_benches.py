"""What benchmarks make of their clocks, and tiny runs of those that compare readers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from eval import bench_rates
from eval.bench_rates import Item, Lane, compare, make_lanes, render_item, spread
from eval.bench_scan import measure_gpu, measure_times, median_ratio, rasterise, read_all, take_turns
from eval.page_readers import say_missing


def test_readers_take_turns() -> None:
    calls: list[str] = []
    seconds = take_turns({"ours": lambda: calls.append("o"), "theirs": lambda: calls.append("t")}, repeat=2)
    assert calls == ["o", "t", "o", "t"]
    assert {name: len(of) for name, of in seconds.items()} == {"ours": 2, "theirs": 2}


def test_ratios_are_taken_run_by_run() -> None:
    assert median_ratio([1.0, 2.0, 30.0], [2.0, 4.0, 40.0]) == 0.5


def test_ours_has_a_process_per_core_and_others_what_suits_them_better() -> None:
    lanes = make_lanes(["paddleocr", "pdfplumber"], 2)
    assert lanes == [
        Lane("giar", 2, 1),
        Lane("paddleocr", 1, None),
        Lane("paddleocr", 2, 1),
        Lane("pdfplumber", 2, 1),
    ]
    assert [str(lane) for lane in lanes[:2]] == ["giar, 2 processes", "paddleocr, 1 process"]
    assert make_lanes(["paddleocr"], 1) == [Lane("giar", 1, 1), Lane("paddleocr", 1, 1)]


def test_the_faster_of_their_lanes_counts_turn_by_turn() -> None:
    seconds = {
        Lane("giar", 2, 1): [1.0, 2.0, 2.0],
        Lane("paddleocr", 1, None): [3.0, 9.0, 9.0],
        Lane("paddleocr", 2, 1): [4.0, 8.0, 8.0],
        Lane("rapidocr", 2, 1): [0.5, 1.0, 1.0],
    }
    assert compare(seconds) == {"paddleocr": 4.0, "rapidocr": 0.5}


@pytest.mark.parametrize(("n", "names"), [(2, "ac"), (4, "abcd"), (6, "aabccd")])
def test_files_are_spread_over_all(n: int, names: str) -> None:
    assert [path.name for path in spread([Path(name) for name in "abcd"], n)] == list(names)


def test_pages_of_others_are_those_of_the_file(tmp_path: Path) -> None:
    item = render_item(ROOT / "examples" / "scan.pdf", tmp_path)
    pages = [np.load(page) for page in item.pages]
    assert len(pages) == bench_rates.count_pages([item])
    assert all(page.ndim == 3 and page.dtype == np.uint8 for page in pages)


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert say_missing("numpy") is None
    monkeypatch.setitem(sys.modules, "img2table", None)
    assert "pip install img2table" in (say_missing("img2table") or "")


def test_without_a_gpu_it_is_said() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there may be a GPU")
    said = measure_gpu(ROOT / "examples" / "scan.pdf", [], repeat=1)
    assert isinstance(said, str)
    assert said.startswith("none at hand")


def test_rates_of_a_digital_file(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pdfplumber")
    monkeypatch.setattr(bench_rates, "n_cores", lambda: 1)
    item = Item(bench_rates.FIXTURES / "9000000-00022-digital.pdf")
    result = bench_rates.measure([item], ("pdfplumber",), repeat=1)
    assert result["documents"] == 1
    assert result["pages"] > 1
    for lane in ("giar, 1 process", "pdfplumber, 1 process"):
        assert 0 < result[lane]["cpu_s_each"] < 60
        assert result[lane]["per_minute"] > 1
    assert set(result["times"]) == {"pdfplumber"}


def test_pdfplumber_finds_tables() -> None:
    pytest.importorskip("pdfplumber")
    pages = bench_rates.read_pdfplumber(Item(bench_rates.FIXTURES / "9000000-00022-digital.pdf"))
    assert any(row for tables in pages for table in tables for row in table)


@pytest.mark.model
def test_times_of_a_scan(tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    images = rasterise(ROOT / "examples" / "scan.pdf", 2, 2, dpi=150, to=scan)
    seen: list[np.ndarray] = []
    result = measure_times(scan, {"quick": read_all(seen.append, images)}, repeat=1, device="cpu")
    assert len(seen) == 2 * len(images)
    assert result["seconds"]["giar"] > result["seconds"]["quick"]
    assert result["ratio"]["quick"] > 1
    assert set(result["stages_ms"]) >= {"load", "structure", "ocr"}
