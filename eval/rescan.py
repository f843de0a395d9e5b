"""A digital report, printed and scanned again: is what a scan gives what the file itself gives?

python eval/rescan.py REPORT.pdf [--n 5] [--seed 1] [--severity office ...]

Prints a line per severity, and a line per scan with a cell that differs. The cells of the file itself, which
has a text layer, are taken for the truth.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from giar_ml.annotations.gold import Gold, GoldPage
from giar_ml.pipeline import Extractor
from giar_ml.report import Report
from training.degrade import SEVERITIES, Severity, degrade, finest_dpi, write_scan
from training.printing import render


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--n", type=int, default=5, help="scans per severity")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--severity", choices=SEVERITIES, nargs="+", default=list(SEVERITIES))
    options = parser.parse_args()
    extractor = Extractor()
    truth = extractor.extract(options.report)
    print(
        "| severity | scans | cells | right | scans wholly right | accepted |\n|---|---:|---:|---:|---:|---:|"
    )
    notes = []
    with tempfile.TemporaryDirectory() as folder:
        for severity in options.severity:
            wrong, n_accepted = [], 0
            for seed in range(options.seed, options.seed + options.n):
                path = scan_again(options.report, severity, seed, Path(folder))
                read = extractor.extract(path)
                wrong.append(differing(truth, read))
                n_accepted += read.status == "accepted"
                notes += [f"{severity}, seed {seed}: {line}" for line in wrong[-1]]
            cells = options.n * len(truth.cells)
            right = cells - sum(map(len, wrong))
            whole = sum(not keys for keys in wrong)
            print(f"| {severity} | {options.n} | {cells} | {right} | {whole} | {n_accepted} |")
    print("\n" + "\n".join(notes))


def scan_again(report: Path, severity: Severity, seed: int, folder: Path) -> Path:
    """The report as a device of one severity gives it; the same seed gives the same scan."""
    dpi = finest_dpi(severity)
    pages = render(report, dpi)
    gold = Gold(
        file=report.name,
        sha256="",
        kind="scan",
        form="",
        organisation=None,
        year=None,
        cells={},
        pages=tuple(
            GoldPage(number, float(page.shape[1]), float(page.shape[0]), dpi)
            for number, page in enumerate(pages, start=1)
        ),
    )
    scan, _ = degrade(pages, gold, severity, np.random.default_rng(seed), dpi=dpi)
    return write_scan(scan, folder / f"{severity}-{seed}.pdf")


def differing(truth: Report, read: Report) -> list[str]:
    """The cells that a scan gives otherwise, in words."""
    return [
        f"{key}: {cell.value}, read {read.cells[key].value if key in read.cells else None}"
        for key, cell in truth.cells.items()
        if key not in read.cells or read.cells[key].value != cell.value
    ]


if __name__ == "__main__":
    main()
