"""Time and memory of a whole report's scan, beside public readers of its pages.

python -m eval.bench_scan [report.pdf] [--pages 2-4] [--dpi 200] [--repeat 5]

The pages are made into a scan without a text layer. Ours is all of `giar extract`: file in, checked cells
out. Of the others stock `PaddleOCR.predict` with the same weights and RapidOCR give lines of text only, from
the same page images, and img2table with RapidOCR the cells of the tables it finds. All take turns in one
process after a run each to warm up; `ratio` is the median of our time over theirs, run by run. Memory is
measured in a process of its own. On a GPU, where there is one, ours and stock PaddleOCR take turns once more.
Then the reader of figures alone, on all crops of the report at once. For whole batches see bench_rates.py.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from eval.page_readers import PAGE_READERS, PaddleLines, say_missing
from giar_ml.errors import EngineError
from giar_ml.ocr.figures import FigureReader, load_figure_reader
from giar_ml.pipeline import Extractor

OURS = "giar"
ReadPages = Callable[[], Any]
PUBLISHED = Path(__file__).parents[2] / "shared" / "real" / "hongze-2023.pdf"
"""洪泽区 2023, where it lies beside the checkout."""
FIXTURE = Path(__file__).parent / "fixtures" / "9000000-00022-digital.pdf"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pdf", nargs="?", type=Path, default=PUBLISHED if PUBLISHED.is_file() else FIXTURE)
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
        result: dict[str, Any] = {
            "file": options.pdf.name,
            "pages": len(images),
            "dpi": options.dpi,
            "peak_rss_mib": round(peak_mib),
        }
        missing = {name: note for name in PAGE_READERS if (note := say_missing(name))}
        readers = {
            name: read_all(make(), images) for name, make in PAGE_READERS.items() if name not in missing
        }
        result |= measure_times(scan, readers, repeat=options.repeat, device="cpu")
        result |= missing
        result["gpu"] = measure_gpu(scan, images, repeat=options.repeat)
        result |= measure_figures(scan, repeat=options.repeat)
    print(json.dumps(result, indent=2))


def rasterise(pdf: Path, first: int, last: int, *, dpi: int, to: Path) -> list[np.ndarray]:
    """Write pages `first` to `last` as a scan, and give their images, (H, W, 3) uint8 BGR."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        pages = [document[n].render(scale=dpi / 72).to_pil().convert("RGB") for n in range(first - 1, last)]
    pages[0].save(to, save_all=True, append_images=pages[1:], resolution=dpi, quality=95)
    return [np.ascontiguousarray(np.asarray(page)[:, :, ::-1]) for page in pages]


def measure_times(
    scan: Path, readers: Mapping[str, ReadPages], *, repeat: int, device: str
) -> dict[str, Any]:
    """Median seconds for all pages, ours first, and the median of the ratios run by run."""
    extractor = Extractor(device=device)
    stages_ms: list[Mapping[str, float]] = []
    turns: dict[str, Callable[[], Any]] = {
        OURS: lambda: stages_ms.append(extractor.extract(scan).timings_ms),
        **readers,
    }
    take_turns(turns, repeat=1)  # to warm up
    stages_ms.clear()
    seconds = take_turns(turns, repeat=repeat)
    return {
        "seconds": {name: round(median(of), 3) for name, of in seconds.items()},
        "stages_ms": {stage: round(median(run[stage] for run in stages_ms)) for stage in stages_ms[0]},
        "reports_per_minute": {name: round(60 / median(of), 1) for name, of in seconds.items()},
        "ratio": {name: round(median_ratio(seconds[OURS], seconds[name]), 3) for name in readers},
    }


def measure_gpu(scan: Path, images: Sequence[np.ndarray], *, repeat: int) -> dict[str, Any] | str:
    """The times of ours and of stock PaddleOCR on a GPU, or why there are none."""
    try:
        stock = read_all(PaddleLines(device="gpu:0"), images)
        return measure_times(scan, {"paddleocr": stock}, repeat=repeat, device="cuda:0")
    except EngineError as error:
        return f"none at hand, so not measured: {error}"


def take_turns(readers: Mapping[str, Callable[[], Any]], *, repeat: int) -> dict[str, list[float]]:
    """Seconds of each, run by run: all once, then all once more."""
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(repeat):
        for name, read in readers.items():
            start = time.perf_counter()
            read()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of ours to theirs, run by run: what else the machine does changes both."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def read_all(read: Callable[[np.ndarray], Any], images: Sequence[np.ndarray]) -> ReadPages:
    return lambda: [read(image) for image in images]


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


def measure_peak(scan: Path) -> float:
    """Peak resident memory in MiB of a process that reads the scan twice."""
    extractor = Extractor(device="cpu")
    for _ in range(2):
        extractor.extract(scan)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
