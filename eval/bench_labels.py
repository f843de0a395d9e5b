"""Time of labelling the tokens of a page, over the pages of the fixtures.

python -m eval.bench_labels [folder] [--model DIR] [--threads 2] [--repeat 3]

Tokens are those of the gold, so that no OCR is timed; Word and HTML files are read. A page's time is the
median of its runs, from placed tokens to probabilities by name, with ONNX Runtime on the processor. Texts,
Word and HTML files have no pages: each is labelled as a whole, and counted by itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.label.classifier import Classifier, load_classifier, load_onnx
from giar_ml.label.frame import Placed
from giar_ml.label.pages import place_page
from giar_ml.load import load
from giar_ml.models import ModelError, current_label_model
from training.labels.data import gold_examples
from training.labels.examples import place_example

FIXTURES = Path(__file__).parent / "fixtures"
TABLE = range(200, 261)
"""Tokens of a page that is full of table."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FIXTURES)
    parser.add_argument("--model", type=Path, help="default: the one in use")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    pages, wholes = read_pages(options.folder)
    if not pages and not wholes:
        sys.exit(f"{options.folder}: no documents with gold; name another folder")
    try:
        folder = options.model or current_label_model()
        start = time.perf_counter()
        classifier = load_classifier(folder)
        load_ms = (time.perf_counter() - start) * 1000
    except ModelError as error:
        sys.exit(str(error))
    classifier = replace(
        classifier, run=load_onnx(folder / "model.onnx", len(classifier.labels), threads=options.threads)
    )
    result: dict[str, Any] = {"threads": options.threads, "load_ms": round(load_ms)}
    for name, group in (("pages", pages), ("whole_documents", wholes)):
        if group:
            result[name] = measure(classifier, group, repeat=options.repeat)
    print(json.dumps(result, indent=2))


def read_pages(folder: Path) -> tuple[list[list[Placed]], list[list[Placed]]]:
    """The pages of scans and PDF files with gold, and the documents that have none."""
    pages: list[list[Placed]] = []
    wholes: list[list[Placed]] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        gold = Gold.read(path)
        document = path.with_name(path.name.removesuffix(SUFFIX))
        if gold.kind in ("word", "html"):
            wholes.extend(map(place_page, load(document).pages))
        else:
            examples = [e for e in gold_examples(gold, document) if e.source != "flow"]
            (wholes if gold.kind == "text" else pages).extend(map(place_example, examples))
    return pages, wholes


def measure(classifier: Classifier, pages: Sequence[Sequence[Placed]], *, repeat: int) -> dict[str, Any]:
    """Milliseconds of one, after a run to warm up."""
    classifier.label_pages(pages[:1])
    runs_ms: list[list[float]] = [[] for _ in pages]
    for _ in range(repeat):
        for page, times in zip(pages, runs_ms, strict=True):
            start = time.perf_counter()
            classifier.label_pages([page])
            times.append((time.perf_counter() - start) * 1000)
    page_ms = [median(times) for times in runs_ms]
    full_ms = [ms for ms, page in zip(page_ms, pages, strict=True) if len(page) in TABLE]
    return {
        "n": len(pages),
        "tokens": median(map(len, pages)),
        "median_ms": round(median(page_ms), 1),
        "p95_ms": round(float(np.percentile(page_ms, 95)), 1),
        "max_ms": round(max(page_ms), 1),
        "tables": {"tokens": f"{TABLE[0]}-{TABLE[-1]}", "pages": len(full_ms)}
        | ({"median_ms": round(median(full_ms), 1)} if full_ms else {}),
    }


if __name__ == "__main__":
    main()
