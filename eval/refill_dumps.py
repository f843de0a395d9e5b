"""The five broken text layouts, refilled with lawful figures: what is read of them.

python eval/refill_dumps.py [--n 20] [--seed 1]

A row per layout and per guess at what the tool that broke it did with the figures it lost. Cells that the
dump prints count as read when their value is the printed figure; `open` are those given no value.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from giar_ml.forms import load_form
from giar_ml.pipeline import Extractor
from training.dumps import Layout, text_000, text_001, text_002, text_003, text_004
from training.figures import ScaleName, sample_figures

LAYOUTS: list[tuple[str, Layout, dict[str, Any]]] = [
    ("000, 法律 and 其他 squeezed: 法律 kept", text_000, {"squeezed": "legal_services"}),
    ("000, squeezed: 其他 kept", text_000, {"squeezed": "other_organization"}),
    ("000, squeezed: their sum", text_000, {"squeezed": "sum"}),
    ("000, 总计 cut", text_000, {"squeezed": "total"}),
    ("001, an extra 0", text_001, {"extra": "zero"}),
    ("001, a figure twice", text_001, {"extra": "repeat"}),
    ("001, an extra blank", text_001, {"extra": "blank"}),
    ("002, rows of five cut at the end", text_002, {"five": "first"}),
    ("002, rows of five cut at the front", text_002, {"five": "aligned"}),
    ("002, rows of five without 法律", text_002, {"five": "without_legal"}),
    ("003, rows of five cut at the end", text_003, {"five": "first"}),
    ("003, rows of five cut at the front", text_003, {"five": "aligned"}),
    ("003, rows of five without 法律", text_003, {"five": "without_legal"}),
    ("004", text_004, {}),
]
SCALES: tuple[ScaleName, ...] = ("bureau", "county", "city", "province")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, default=20, help="fillings per layout")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    heads = ("printed cells", "read", "wrong", "open", "accepted", "wrong and accepted", "ms")
    print("| layout | " + " | ".join(heads) + " |\n|---|" + "---:|" * len(heads))
    with tempfile.TemporaryDirectory() as folder:
        for name, layout, arguments in LAYOUTS:
            counts, ms = count_refills(layout, arguments, options.n, options.seed, Path(folder) / "dump.txt")
            print(f"| {name} | " + " | ".join(str(counts[head]) for head in heads[:-1]) + f" | {ms:.0f} |")


def count_refills(
    layout: Layout, arguments: dict[str, Any], n: int, seed: int, path: Path
) -> tuple[Counter[str], float]:
    """Counts over n fillings, every other one mostly non-zero, and the median milliseconds of one."""
    form = load_form("2021")
    extractor = Extractor()
    counts: Counter[str] = Counter()
    times = []
    for k in range(n):
        rng = np.random.default_rng((seed, k))
        figures = sample_figures(form, rng, SCALES[k % len(SCALES)], nonzero=k % 2 == 0)
        dump = layout(figures, rng, **arguments)
        path.write_text(dump.text, encoding="utf-8")
        start = time.perf_counter()
        report = extractor.extract(path)
        times.append((time.perf_counter() - start) * 1000)
        wrong = {key for key, c in report.cells.items() if c.value is not None and c.value != figures[key]}
        printed = set(report.cells) - dump.lost
        unknown = {key for key in printed if report.cells[key].value is None}
        counts["printed cells"] += len(printed)
        counts["read"] += len(printed - wrong - unknown)
        counts["wrong"] += len(wrong)
        counts["open"] += len(unknown)
        counts["accepted"] += report.status == "accepted"
        counts["wrong and accepted"] += len(wrong) if report.status == "accepted" else 0
    return counts, median(times)


if __name__ == "__main__":
    main()
