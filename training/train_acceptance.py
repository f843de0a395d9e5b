"""How likely a cell that no sum checks was misread, and how sure accepted reports are: reads scans with gold,
and fits the models.

python -m training.train_acceptance read FOLDER... -o training/acceptance/read/NAME.csv.xz
python -m training.train_acceptance fit training/acceptance/read/*.csv.xz -o models/acceptance

The first reads the scans of folders that have gold and keeps how their cells were read; the second fits a
logistic regression (scikit-learn) on what was kept. How strongly its weights are held down is chosen by the
log loss on reports left out, five parts of them in turn; what was said of these draws the curve of risk and
coverage, and how many of those that would be accepted have a misreading that no sum shows is kept beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from math import exp
from pathlib import Path

import numpy as np

from giar_ml.acceptance import SETTINGS, draw_risk_curve
from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cli.console import complain
from giar_ml.errors import GiarError, UsageError
from giar_ml.pipeline import DEFAULT_MAX_RISK, Extractor
from giar_ml.verdict import MARGIN
from training.acceptance.cells import CellRow, cell_rows, read_rows, write_rows

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""C of the regression: the smaller, the more its weights are held down."""
N_PARTS = 5
PROVEN = exp(-MARGIN)


def read(folders: Sequence[Path], output: Path) -> int:
    """Read the documents of folders that have gold and keep how their cells were read; returns how many."""
    return write_rows(_read_all(folders), output)


def _read_all(folders: Sequence[Path]) -> Iterator[CellRow]:
    extractor = Extractor()
    for folder in folders:
        for path in sorted(folder.rglob(f"*{SUFFIX}")):
            gold = Gold.read(path)
            try:
                analysis = extractor.analyse(path.with_name(path.name.removesuffix(SUFFIX)))
            except GiarError as error:
                complain(f"left out: {error}")
                continue
            yield from cell_rows(analysis.evidence, analysis.report, gold)


def fit(rows: Sequence[CellRow]) -> dict:
    """The settings of the model, with what they were fitted on.

    Raises:
        UsageError: what was misread stands in fewer than five reports.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    names = list(rows[0].features) if rows else []
    wrong = np.array([row.wrong for row in rows])
    reports = np.array([row.report for row in rows])
    if len(set(reports[wrong])) < N_PARTS:
        raise UsageError(f"misreadings in fewer than {N_PARTS} reports: read more scans, and worse ones")
    table = np.array([[row.features[name] for name in names] for row in rows])
    found, losses = {}, {}
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=10_000)
        of_left_out = cross_val_predict(
            model, table, wrong, groups=reports, cv=StratifiedGroupKFold(N_PARTS), method="predict_proba"
        )
        found[strength] = of_left_out[:, 1]
        losses[strength] = _log_loss(found[strength], wrong)
    best = min(losses, key=lambda strength: losses[strength])
    model = LogisticRegression(C=best, max_iter=10_000).fit(table, wrong)
    weights = zip(names, model.coef_[0], strict=True)
    risks, has_misread = _tell_reports(rows, found[best])
    curve = draw_risk_curve(risks)
    is_accepted = risks <= curve.limit(DEFAULT_MAX_RISK)
    return {
        "intercept": round(float(model.intercept_[0]), 4),
        "weights": {name: round(float(weight), 4) for name, weight in weights},
        "risk_curve": [[most, round(mean, 6)] for most, mean in curve.points],
        "accepted_of_these": {
            "reports": int(is_accepted.sum()),
            "misread_by_their_risks": round(float(risks[is_accepted].sum()), 2),
            "misread": int(has_misread[is_accepted].sum()),
        },
        "fitted_on": {
            "reports": len(risks),
            "cells": len(rows),
            "misread": int(wrong.sum()),
            "strength": best,
            "log_loss_of_reports_left_out": {str(c): round(loss, 7) for c, loss in losses.items()},
        },
    }


def _tell_reports(rows: Sequence[CellRow], misread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How likely each scan has a misread cell that no sum checks, and whether it has one; both (N,).

    Args:
        misread: (len(rows),) how likely each cell is.
    """
    # Proofs leave a report no more doubt than this.
    sound: dict[tuple[str, str], float] = {(row.kept_in, row.report): 1 - PROVEN for row in rows}
    has_misread = dict.fromkeys(sound, False)
    for row, p in zip(rows, misread.tolist(), strict=True):
        if row.is_lone:
            sound[row.kept_in, row.report] *= 1 - p
            has_misread[row.kept_in, row.report] |= row.wrong
    return 1 - np.array([*sound.values()]), np.array([*has_misread.values()])


def _log_loss(found: np.ndarray, wrong: np.ndarray) -> float:
    """Mean of minus the logarithm of what was said of the truth."""
    told = np.where(wrong, found, 1 - found)
    return float(-np.log(np.maximum(told, 1e-12)).mean())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    reads = commands.add_parser("read", help="read scans with gold")
    reads.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    reads.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    fits = commands.add_parser("fit", help="fit the model")
    fits.add_argument("kept", type=Path, nargs="+", metavar="FILE")
    fits.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    args = parser.parse_args()
    try:
        if args.command == "read":
            print(f"{read(args.folders, args.output):,} cells in {args.output}")
            return 0
        settings = fit([row for path in args.kept for row in read_rows(path)])
    except GiarError as error:
        complain(str(error))
        return error.exit_status
    args.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(settings, indent=1) + "\n"
    (args.output / SETTINGS).write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
