"""Bad input through the real command: one clear line each, the others read, nothing half-written."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import docx
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from test_load import encode, png_that_claims
from test_load_pdf import PdfPage, encrypted_pdf, make_pdf

from giar_ml import cli
from giar_ml.report import Report

SCAN = ROOT / "examples" / "scan.pdf"
TEXT = ROOT / "examples" / "broken.txt"


def half_a_scan() -> bytes:
    data = SCAN.read_bytes()
    return data[: len(data) // 2]


def document_without_tables() -> bytes:
    buffer = BytesIO()
    document = docx.Document()
    document.add_paragraph("今年没有表格。")
    document.save(buffer)
    return buffer.getvalue()


def blank(width: int, height: int) -> bytes:
    return encode(Image.new("L", (width, height), 255), "PNG")


def noise() -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (900, 700, 3), dtype=np.uint8)
    return encode(Image.fromarray(pixels), "JPEG")


PROSE = "今年共收到政府信息公开申请3件，均已按时办结。\n".encode() * 40

# Each file, and the code of what is wrong with it.
QUICK: dict[str, tuple[Callable[[], bytes], str]] = {
    "encrypted.pdf": (lambda: encrypted_pdf(b"secret"), "encrypted"),
    "cut off.pdf": (half_a_scan, "damaged"),
    "nothing.pdf": (bytes, "empty"),
    "no pages.pdf": (lambda: make_pdf([]), "no_pages"),
    "2000 pages.pdf": (lambda: make_pdf([PdfPage(b"")] * 2000), "too_many_pages"),
    "blank page.pdf": (lambda: make_pdf([PdfPage(b"")]), "no_report"),
    "dot.png": (lambda: blank(1, 1), "image_too_small"),
    "huge.png": (lambda: png_that_claims(30_000, 30_000), "image_too_large"),
    "prose.txt": (lambda: PROSE, "no_report"),
    "figures.csv": (lambda: b"a,b,c\n" + b"12,3,15\n" * 300, "no_report"),
    "code.py": (lambda: Path(cli.__file__).read_bytes(), "no_report"),
    "pdf inside.txt": (lambda: encrypted_pdf(b"secret"), "encrypted"),
    "word inside.html": (document_without_tables, "no_report"),
    "text inside.pdf": (lambda: PROSE, "no_report"),
    "no tables.docx": (document_without_tables, "no_report"),
    "no table.html": (lambda: b"<html><body><p>12 3 15</p></body></html>", "no_report"),
}
WITH_OCR: dict[str, tuple[Callable[[], bytes], str]] = {
    "blank.png": (lambda: blank(827, 1169), "no_report"),
    "png inside.pdf": (lambda: blank(400, 600), "no_report"),
    "noise.jpg": (noise, "no_report"),
}


@pytest.mark.parametrize(
    "cases", [pytest.param(QUICK, id="quick"), pytest.param(WITH_OCR, id="OCR", marks=pytest.mark.model)]
)
def test_each_bad_file_costs_one_line_and_the_others_are_read(tmp_path, monkeypatch, capfd, cases):
    monkeypatch.chdir(tmp_path)
    for name, (make, _) in cases.items():
        Path(name).write_bytes(make())
    Path("folder").mkdir()
    inputs = [*cases, "missing.pdf", "folder", str(TEXT)]
    assert cli.main(["extract", *inputs, "-o", "out", "--quiet"]) == 4
    expected = {Path(name).stem: code for name, (_, code) in cases.items()}
    expected |= {"missing": "not_found", "folder": "not_a_file"}
    reports = {path.stem: Report.read(path) for path in Path("out").iterdir()}
    assert reports.pop(TEXT.stem).status == "review"
    assert {stem: [p.code for p in report.problems] for stem, report in reports.items()} == {
        stem: [code] for stem, code in expected.items()
    }
    assert {report.status for report in reports.values()} == {"failed"}
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.split(":")[:2] for line in err.splitlines()] == [
        ["giar", f" {name}"] for name in inputs if name != str(TEXT)
    ]


def test_quiet_says_a_failure_once(tmp_path):
    command = [sys.executable, "-m", "giar_ml", "extract", "none.pdf", "-o", "out", "--quiet"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (4, "")
    assert run.stderr == "giar: none.pdf: no such file; check the path\n"


def test_a_result_that_cannot_be_written_costs_only_itself(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Path("out/broken.json").mkdir(parents=True)
    Path("prose.txt").write_bytes(PROSE)
    assert cli.main(["extract", str(TEXT), "prose.txt", "-o", "out", "--quiet"]) == 4
    assert sorted(path.name for path in Path("out").iterdir()) == ["broken.json", "prose.json"]
    assert "cannot write the result to out (Is a directory); make room" in capfd.readouterr().err


def test_a_terminal_shows_progress_and_the_summary(tmp_path):
    """Under a pseudo-terminal: bar and failures on it, no log lines."""
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "giar_ml", "extract", str(TEXT), "none.pdf", "-o", "out"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal) as run:
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(controller, 65536)
            except OSError:  # how Linux reports that the other end is closed
                break
            if not piece:
                break
            shown += piece
    os.close(controller)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert run.returncode == 4
    assert "0/2" in text
    assert "2/2" in text
    assert text.count("giar: none.pdf: no such file; check the path") == 1
    assert "0 accepted, 1 review, 1 failed; no OCR needed" in text
    assert "WARNING" not in text
