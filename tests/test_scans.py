"""Scans as OCR reads them, with the labels of the gold."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from giar_ml.annotations.gold import SUFFIX
from training.labels import read_pages
from training.labels.scans import READ, REMAINING_NOISE, scan_examples

SCAN = Path(__file__).parents[1] / "eval" / "fixtures" / "9000000-00001-scan-clean.pdf"


def test_scans_of_a_folder(tmp_path):
    for name in (SCAN.name, f"{SCAN.name}{SUFFIX}"):
        shutil.copy(SCAN.with_name(name), tmp_path)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    shutil.copy(f"{SCAN}{SUFFIX}", tmp_path / f"broken.pdf{SUFFIX}")
    done: list[str] = []
    examples = scan_examples(tmp_path, workers=2, advance=done.append)
    assert done == sorted([SCAN.name, "broken.pdf"])
    assert {example.source for example in examples} == {"scan:clean"}
    assert {example.noise for example in examples} == {REMAINING_NOISE}
    assert all(example.paper for example in examples)
    counts = Counter(label for example in examples for label in example.labels)
    assert counts["figure"] >= 150
    assert counts["row:requests.handled_total"]
    assert {item.text for e in examples for item in e.items if item.label == "row:requests.new"} >= {
        "一、本年新收政府信息公开申请数量"
    }
    assert any(item.confidence < 1 for example in examples for item in example.items)
    assert len(list((tmp_path / READ).iterdir())) == 1


def test_what_was_read_is_not_read_again(tmp_path, monkeypatch):
    """In this process: workers of their own would not see what is replaced here."""
    from training.labels import scans

    for name in (SCAN.name, f"{SCAN.name}{SUFFIX}"):
        shutil.copy(SCAN.with_name(name), tmp_path)
    first = scans._read_scan(tmp_path / SCAN.name)
    monkeypatch.setattr(read_pages, "_read", lambda path: [])
    assert scans._read_scan(tmp_path / SCAN.name) == first
