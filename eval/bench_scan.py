"""Time and memory of a whole report's scan, beside stock PaddleOCR with the same weights.

python eval/bench_scan.py [report.pdf] [--pages 2-4] [--dpi 200] [--repeat 5]

The pages are made into a scan without a text layer. Ours is all of `giar extract`: file in, checked cells
out; stock is `PaddleOCR.predict` on the same page images, which gives lines of text only. Both take turns
in one process after a run each to warm up; memory is measured in a process of its own. Then the reader of
figures alone, on all crops of the report at once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from giar_ml.ocr.figures import FigureReader, load_figure_reader
from giar_ml.pipeline import Extractor

DEFAULT_PDF = Path(__file__).parents[2] / "shared" / "real" / "hongze-2023.pdf"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pdf", nargs="?", type=Path, default=DEFAULT_PDF)
    parser.add_argument("--pages", default="2-4", help="first-last, 1-based")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    if not options.pdf.is_file():
        sys.exit(f"{options.pdf} does not exist: name a PDF")
    first, _, last = options.pages.partition("-")
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.pdf"
        images = rasterise(options.pdf, int(first), int(last or first), dpi=options.dpi, to=scan)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak_mib = pool.apply(measure_peak, (scan,))
        result: dict[str, Any] = {"pages": len(images), "dpi": options.dpi, "peak_rss_mib": round(peak_mib)}
        result |= measure_times(scan, images, repeat=options.repeat)
        result |= measure_figures(scan, repeat=options.repeat)
    print(json.dumps(result, indent=2))


def rasterise(pdf: Path, first: int, last: int, *, dpi: int, to: Path) -> list[np.ndarray]:
    """Write pages `first` to `last` as a scan, and give their images, (H, W, 3) uint8 BGR."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        pages = [document[n].render(scale=dpi / 72).to_pil().convert("RGB") for n in range(first - 1, last)]
    pages[0].save(to, save_all=True, append_images=pages[1:], resolution=dpi, quality=95)
    return [np.ascontiguousarray(np.asarray(page)[:, :, ::-1]) for page in pages]


def measure_times(scan: Path, images: list[np.ndarray], *, repeat: int) -> dict[str, Any]:
    """Median seconds for all pages, and the median of the ratios run by run."""
    extractor = Extractor(device="cpu")
    stock = stock_reader()
    ours_s, stock_s, stages_ms = [], [], []
    for run in range(repeat + 1):
        start = time.perf_counter()
        report = extractor.extract(scan)
        ours = time.perf_counter() - start
        start = time.perf_counter()
        for image in images:
            stock(image)
        if run > 0:
            ours_s.append(ours)
            stock_s.append(time.perf_counter() - start)
            stages_ms.append(report.timings_ms)
    return {
        "ours_s": round(median(ours_s), 3),
        "stages_ms": {stage: round(median(run[stage] for run in stages_ms)) for stage in stages_ms[0]},
        "stock_s": round(median(stock_s), 3),
        "ratio": round(median(o / s for o, s in zip(ours_s, stock_s, strict=True)), 3),
    }


def measure_figures(scan: Path, *, repeat: int) -> dict[str, Any]:
    """How many crops of figures the scan has, and the median milliseconds to read them all at once."""
    crops: list[np.ndarray] = []
    reader = load_figure_reader()

    @dataclass(frozen=True)
    class Recorder(FigureReader):
        def read(self, seen: Sequence[np.ndarray]) -> list[np.ndarray]:
            crops.extend(seen)
            return super().read(seen)

    extractor = Extractor(device="cpu")
    extractor._figure_reader = Recorder(reader.session)
    extractor.extract(scan)
    times_ms = []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        reader.read(crops)
        times_ms.append(1000 * (time.perf_counter() - start))
    return {"figure_crops": len(crops), "figures_ms": round(median(times_ms[1:]), 1)}


def stock_reader() -> Callable[[np.ndarray], Any]:
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

    predict: Callable[[np.ndarray], Any] = pipeline.predict
    return predict


def measure_peak(scan: Path) -> float:
    """Peak resident memory in MiB of a process that reads the scan twice."""
    extractor = Extractor(device="cpu")
    for _ in range(2):
        extractor.extract(scan)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
