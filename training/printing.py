"""Prints reports as offices do, through LibreOffice or a browser, with the exact gold of each print."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pypdfium2

from giar_ml.annotations.gold import Gold, GoldPage, Point
from training.filling import Filling
from training.print_gold import LostCellError, read_print
from training.style import Style, printed_grids
from training.tints import make_tints, take_out_tints
from training.web import write_page
from training.word import write_report

Renderer = Literal["libreoffice", "chromium"]

_TIMEOUT_S = 60
"""For one document and the start of the program; a batch gets as much for every document."""


@dataclass(frozen=True)
class PrintJob:
    filling: Filling
    style: Style
    renderer: Renderer


def print_reports(jobs: Sequence[PrintJob]) -> list[tuple[bytes, Gold]]:
    """The PDF of each report and its gold: pages in points (dpi 72), origin top left.

    Every cell is printed in a colour of its own, which tells where it stands and is then taken out of the
    PDF again. The gold's `file` is empty, its `kind` digital. The same jobs give the same bytes.

    Raises:
        FileNotFoundError: the program of a renderer is not installed.
        RuntimeError: a program gave no PDF, or a print does not hold what was sent.
    """
    with tempfile.TemporaryDirectory() as name:
        prints = _print_tinted(jobs, Path(name))
        return [
            _read_or_print_again(job, path, Path(name) / f"again-{i}")
            for i, (job, path) in enumerate(zip(jobs, prints, strict=True))
        ]


def _read_or_print_again(job: PrintJob, path: Path, folder: Path) -> tuple[bytes, Gold]:
    """LibreOffice may lose all of a table but its first row where that row ends a page, or the figures of a
    row that it tears, or lay one table over another, or print a label out of order: then the rows are torn
    the other way, and at last a browser prints them."""
    try:
        return _read(path, job)
    except LostCellError:
        other = replace(job, style=replace(job.style, split_rows=not job.style.split_rows))
    try:
        [path] = _print_tinted([other], folder / "torn")
        return _read(path, other)
    except LostCellError:
        if job.renderer == "chromium" or not find_chromium():
            raise
        other = replace(job, renderer="chromium")
    [path] = _print_tinted([other], folder / "browser")
    return _read(path, other)


def _print_tinted(jobs: Sequence[PrintJob], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    prints, documents = [], []
    for i, job in enumerate(jobs):
        tints = make_tints(printed_grids(job.filling, job.style))
        path = folder / f"{i}.pdf"
        if job.renderer == "libreoffice":
            documents.append(write_report(path.with_suffix(".docx"), job.filling, job.style, tints=tints))
        else:
            print_page(write_page(job.filling, job.style, tints=tints), path)
        prints.append(path)
    print_documents(documents)
    return prints


def _read(path: Path, job: PrintJob) -> tuple[bytes, Gold]:
    grids = printed_grids(job.filling, job.style)
    tints = make_tints(grids)
    shades = {(number, i): job.style.fill(grids[number].cells[i]) for number, i in tints}
    pdf, pieces = take_out_tints(path.read_bytes(), tints, shades)
    gold = read_print(pdf, job.filling, job.style, grids, pieces)
    return pdf, replace(gold, origin={**gold.origin, "renderer": job.renderer})


def print_documents(paths: Sequence[Path]) -> None:
    """Print Word documents through LibreOffice, each as a PDF beside it; starts it once for all.

    Raises:
        FileNotFoundError: LibreOffice is not installed.
        RuntimeError: it printed a document neither with the others nor alone.
    """
    if not paths:
        return
    soffice = find_office()
    if soffice is None:
        raise FileNotFoundError("LibreOffice Writer not found: apt-get install libreoffice-writer-nogui")
    for path in paths:
        path.with_suffix(".pdf").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        _run_office(soffice, paths, Path(profile))
        for path in paths:
            if not path.with_suffix(".pdf").exists():
                with tempfile.TemporaryDirectory() as other:
                    _run_office(soffice, [path], Path(other))
            if not path.with_suffix(".pdf").exists():
                raise RuntimeError(f"LibreOffice printed no {path.with_suffix('.pdf')}")


def _run_office(soffice: Path, paths: Sequence[Path], profile: Path) -> None:
    for folder in {path.parent for path in paths}:
        own = [str(path) for path in paths if path.parent == folder]
        options = [f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", "pdf"]
        _run([str(soffice), *options, "--outdir", str(folder), *own], timeout_s=_TIMEOUT_S * (1 + len(own)))


def print_page(page: str, path: Path) -> Path:
    """Print a web page through Chromium.

    Raises:
        FileNotFoundError: Chromium is not installed.
        RuntimeError: it printed nothing, twice.
    """
    chromium = find_chromium()
    if chromium is None:
        raise FileNotFoundError("Chromium not found: apt-get install chromium")
    source = path.with_suffix(".html")
    source.write_text(page, encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-pdf-header-footer",
    ]
    path.unlink(missing_ok=True)
    for _ in range(2):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            own = [f"--user-data-dir={profile}", f"--print-to-pdf={path}", source.as_uri()]
            _run([str(chromium), *options, *own], timeout_s=_TIMEOUT_S)
        if path.exists():
            return path
    raise RuntimeError(f"Chromium printed no {path}")


def _run(command: Sequence[str], *, timeout_s: float) -> None:
    """Whether it did its work shows in its files: these programs do not say it by their exit status."""
    try:
        subprocess.run(command, check=False, capture_output=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return


def find_office() -> Path | None:
    """LibreOffice with Writer, which alone prints Word documents."""
    found = shutil.which("soffice")
    if found is None:
        return None
    soffice = Path(found).resolve()
    return soffice if (soffice.parent / "libswlo.so").exists() else None


def find_chromium() -> Path | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


def render(pdf: bytes | Path, dpi: float) -> list[np.ndarray]:
    """The pages, (H, W, 3) uint8 RGB."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [np.array(page.render(scale=dpi / 72).to_pil().convert("RGB")) for page in document]
    finally:
        document.close()


def scale_gold(gold: Gold, dpi: float) -> Gold:
    """Gold in points, as `print_reports` gives it, in the pixels of pages rendered at `dpi`."""
    pages, warps = [], []
    for page in gold.pages:
        # Pages are rendered in whole pixels.
        width, height = math.ceil(page.width * dpi / 72), math.ceil(page.height * dpi / 72)
        pages.append(GoldPage(page.number, width, height, dpi))
        warps.append(partial(_stretch, width / page.width, height / page.height))
    return gold.moved(pages, warps)


def _stretch(x_scale: float, y_scale: float, points: Sequence[Point]) -> list[Point]:
    return [(x * x_scale, y * y_scale) for x, y in points]
