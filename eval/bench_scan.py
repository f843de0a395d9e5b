"""Time and memory of reading a three-page scan, beside stock PaddleOCR with the same weights.

python eval/bench_scan.py [report.pdf] [--pages 2-4] [--dpi 200] [--repeat 5] [--stages-only]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from giar_ml.document import Page
from giar_ml.engines import load_engine
from giar_ml.layout import detect_layout, load_detector
from giar_ml.ocr import read_page
from giar_ml.tables import find_tables

DEFAULT_PDF = Path(__file__).parents[2] / "shared" / "real" / "hongze-2023.pdf"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pdf", nargs="?", type=Path, default=DEFAULT_PDF)
    parser.add_argument("--pages", default="2-4", help="first-last, 1-based")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--stages-only", action="store_true", help="leave stock PaddleOCR out")
    options = parser.parse_args()
    if not options.pdf.is_file():
        sys.exit(f"{options.pdf} does not exist: name a PDF")
    first, _, last = options.pages.partition("-")
    pages = rasterise(options.pdf, int(first), int(last or first), dpi=options.dpi)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        peak_mib = pool.apply(measure_peak, (pages,))
    result: dict[str, Any] = {"pages": len(pages), "dpi": options.dpi, "peak_rss_mib": round(peak_mib)}
    result |= measure_times(pages, repeat=options.repeat, with_stock=not options.stages_only)
    print(json.dumps(result, indent=2))


def rasterise(pdf: Path, first: int, last: int, *, dpi: int) -> list[Page]:
    """Pages `first` to `last` as scans."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    pages = []
    for number in range(first, last + 1):
        image = np.asarray(document[number - 1].render(scale=dpi / 72).to_pil().convert("RGB"))
        pages.append(Page(number, "scan", image.shape[1], image.shape[0], image, float(dpi)))
    return pages


def measure_times(pages: list[Page], *, repeat: int, with_stock: bool) -> dict[str, Any]:
    """Median seconds for all pages, ours and stock taking turns, after one run each to warm up."""
    stages, clock = our_stages()
    stock = stock_reader() if with_stock else None
    ours_s, stock_s = [], []
    stage_s: dict[str, list[float]] = {name: [] for name in clock}
    for run in range(repeat + 1):
        clock.update(dict.fromkeys(clock, 0.0))
        start = time.perf_counter()
        for page in pages:
            stages(page)
        ours = time.perf_counter() - start
        start = time.perf_counter()
        for page in pages if stock else ():
            stock(page)  # type: ignore[misc]
        if run > 0:
            ours_s.append(ours)
            stock_s.append(time.perf_counter() - start)
            for name, seconds in clock.items():
                stage_s[name].append(seconds)
    result: dict[str, Any] = {"ours_s": round(median(ours_s), 3)}
    result["stages_s"] = {name: round(median(values), 3) for name, values in stage_s.items()}
    if stock:
        result["stock_s"] = round(median(stock_s), 3)
        result["ratio"] = round(median(o / s for o, s in zip(ours_s, stock_s, strict=True)), 3)
    return result


def our_stages() -> tuple[Callable[[Page], Page], dict[str, float]]:
    """Layout, tables and OCR of a page, and the clock they add their seconds to."""
    engine, detector = load_engine("paddle", device="cpu"), load_detector()
    clock = {"layout": 0.0, "tables": 0.0, "detection": 0.0, "recognition": 0.0, "ocr": 0.0}
    timed(engine, "detect", "detection", clock)
    timed(engine, "recognize", "recognition", clock)

    def run(page: Page) -> Page:
        start = time.perf_counter()
        page = detect_layout(page, detector)
        laid_out = time.perf_counter()
        page = find_tables(page)
        found = time.perf_counter()
        page = read_page(page, engine)
        clock["layout"] += laid_out - start
        clock["tables"] += found - laid_out
        clock["ocr"] += time.perf_counter() - found
        return page

    return run, clock


def timed(owner: object, method: str, name: str, clock: dict[str, float]) -> None:
    """Let a method of `owner` add its seconds to the clock."""
    original = getattr(owner, method)

    def call(*args: Any) -> Any:
        start = time.perf_counter()
        try:
            return original(*args)
        finally:
            clock[name] += time.perf_counter() - start

    setattr(owner, method, call)


def stock_reader() -> Callable[[Page], Any]:
    """`PaddleOCR.predict` with the same weights and engine, as its manual calls it."""
    from giar_ml.engines import paddle

    paddleocr = paddle._import_paddleocr()
    detection, recognition = paddle._model_folders(None, "onnxruntime")
    pipeline = paddleocr.PaddleOCR(
        engine="onnxruntime",
        device="cpu",
        text_detection_model_name=paddle.DETECTION,
        text_detection_model_dir=str(detection),
        text_recognition_model_name=paddle.RECOGNITION,
        text_recognition_model_dir=str(recognition),
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        use_textline_orientation=False,
    )

    def read(page: Page) -> Any:
        assert page.image is not None
        return pipeline.predict(np.ascontiguousarray(page.image[:, :, ::-1]))

    return read


def measure_peak(pages: list[Page]) -> float:
    """Peak resident memory in MiB of a process that reads the pages twice."""
    stages, _ = our_stages()
    for page in [*pages, *pages]:
        stages(page)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
