"""Scans as OCR reads them, with the labels of the gold."""

from __future__ import annotations

import lzma
import pickle
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT

from giar_ml.annotations.gold import SUFFIX
from giar_ml.document import BBox, Document, Page
from giar_ml.errors import EngineError, UsageError
from training.corpus import FIXTURE_SEEDS
from training.labels import datasets, read_pages, scans
from training.labels.config import DataConfig, TrainConfig
from training.labels.examples import Example, Item
from training.labels.kept import kept_file, read_kept, write_kept
from training.labels.scans import REMAINING_NOISE, read_scan, scan_examples

SCAN = ROOT / "eval" / "fixtures" / "9000000-00001-scan-clean.pdf"


def put_scan(folder: Path) -> Path:
    for name in (SCAN.name, f"{SCAN.name}{SUFFIX}"):
        shutil.copy(SCAN.with_name(name), folder)
    return folder / SCAN.name


def put_broken(folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    shutil.copy(f"{SCAN}{SUFFIX}", folder / f"broken.pdf{SUFFIX}")


@pytest.mark.model
def test_scans_of_a_folder(tmp_path, capsys):
    path = put_scan(tmp_path)
    put_broken(tmp_path)
    done: list[str] = []
    examples = scan_examples(tmp_path, tmp_path / "read", workers=2, advance=done.append)
    assert done == sorted([SCAN.name, "broken.pdf"])
    assert "giar: broken.pdf: left out: " in capsys.readouterr().err
    assert {example.source for example in examples} == {"scan:clean"}
    assert {example.noise for example in examples} == {REMAINING_NOISE}
    assert all(example.paper for example in examples)
    counts = Counter(label for example in examples for label in example.labels)
    assert counts["figure"] >= 150
    assert counts["row:requests.handled_total"]
    new = {item.text for e in examples for item in e.items if item.label == "row:requests.new"}
    assert "一、本年新收政府信息公开申请数量" in new
    assert any(item.confidence < 1 for example in examples for item in example.items)
    assert len(list((tmp_path / "read").iterdir())) == 1
    assert read_scan(path, tmp_path / "read") == examples


def test_what_was_read_is_not_read_again_unless_it_is_damaged(tmp_path, monkeypatch):
    path = put_scan(tmp_path)
    kept = tmp_path / "read"
    times = []

    def read(path: Path) -> Document:
        times.append(path)
        return Document(path, "", "scan", (Page(1, "scan", 100, 100),))

    monkeypatch.setattr(read_pages, "read_document", read)
    for _ in range(2):
        assert read_scan(path, kept) == []
    assert len(times) == 1
    other = pickle.dumps((read_pages.CACHE_VERSION - 1, Document(path, "", "scan", ())))
    for broken in (b"", b"{", pickle.dumps(1), pickle.dumps((read_pages.CACHE_VERSION, 1)), other):
        next(kept.iterdir()).write_bytes(broken)
        read_scan(path, kept)
        read_scan(path, kept)
    assert len(times) == 6
    assert [path.suffix for path in kept.iterdir()] == [".pickle"]


def test_no_scan_that_can_be_read(tmp_path):
    put_broken(tmp_path)
    with pytest.raises(UsageError, match="none of its scans can be read"):
        scan_examples(tmp_path, tmp_path / "read")


def test_ocr_that_cannot_run_is_no_broken_scan(tmp_path, monkeypatch):
    def fail(path: Path, kept: Path) -> None:
        raise EngineError("no engine")

    monkeypatch.setattr(scans, "read_document_once", fail)
    with pytest.raises(EngineError):
        read_scan(put_scan(tmp_path), tmp_path)


ITEM = Item("一、本年新收", BBox(1.04, 2, 30.26, 14), "row:requests.new", 0.98765)
EXAMPLES = [
    Example((ITEM,), True, "scan:fax", REMAINING_NOISE),
    Example((), True, "scan:clean", REMAINING_NOISE),
]


def test_what_was_read_is_kept_rounded(tmp_path):
    path = kept_file(5, 2, folder=tmp_path / "read")
    write_kept(EXAMPLES, path)
    first, second = read_kept(path)
    assert first == replace(EXAMPLES[0], items=(Item(ITEM.text, BBox(1, 2, 30.3, 14), ITEM.label, 0.988),))
    assert second == EXAMPLES[1]
    write_kept([first, second], kept_file(5, 2, folder=tmp_path / "again"))
    assert kept_file(5, 2, folder=tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("data", [b"no xz", lzma.compress(b"{"), lzma.compress(b'{"items": [[1]]}')])
def test_a_damaged_file_is_named(tmp_path, data):
    path = kept_file(5, 2, folder=tmp_path)
    path.write_bytes(data)
    with pytest.raises(UsageError, match="scans-5-2"):
        read_kept(path)


def test_scans_that_are_kept_are_not_read(tmp_path, monkeypatch):
    """Nor made; others are."""
    made = []
    monkeypatch.setattr(datasets, "kept_file", lambda seed, n: kept_file(seed, n, folder=tmp_path))
    monkeypatch.setattr(datasets, "made_up", lambda *args, **options: [EXAMPLES[1]])
    monkeypatch.setattr(datasets, "read_scans", lambda folder, seed, n, **_: made.append((seed, n)) or [])
    write_kept(EXAMPLES, kept_file(901, 2, folder=tmp_path))
    data = DataConfig(scans=2, validation_scans=1, scan_seed=901)
    found = datasets.make_data(TrainConfig(seed=77, data=data), tmp_path)
    assert [example.source for example in found.train] == ["scan:clean", "scan:fax", "scan:clean"]
    assert made == [(902, 1)]
    fixtures = replace(data, scan_seed=FIXTURE_SEEDS.start)
    with pytest.raises(UsageError, match="kept for the fixtures"):
        datasets.make_data(TrainConfig(seed=77, data=fixtures), tmp_path)
