"""Whether a regression on whole reports says better which of them are right than the risk in their results.

python -m eval.report_risk FOLDER RESULTS [FOLDER RESULTS ...]

FOLDER has documents with gold, RESULTS what `giar extract` or `giar batch` made of them, <stem>.json. Of the
reports that nothing but their risk or a misprint keeps in review, the log loss of the stated risk stands
beside those of logistic regressions (scikit-learn), each fitted on nine tenths of them and asked about the
last: on that risk alone, and on what else is in the result.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from eval.run import find_cases, read_results
from giar_ml.cli.console import complain
from giar_ml.errors import GiarError, UsageError
from giar_ml.metrics.cells import is_complete, score_report
from giar_ml.reasons import UNCERTAIN
from giar_ml.report import Report

N_PARTS = 10
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""C of the regressions: the smaller, the more the weights are held down."""
UNSURE = 0.99
_LEAST, _MOST = 1e-6, 1 - 1e-6


class Read(NamedTuple):
    """A report: the features of its result, the first of which are the log odds of its risk, and whether a
    cell is wrong."""

    features: tuple[float, ...]
    wrong: bool


FEATURES = ("risk", "gap", "cost", "changed", "unsure", "height", "misprint")


def read_pairs(paths: Sequence[Path]) -> Iterator[Read]:
    """The reports of pairs of a folder with gold and one with results.

    Raises:
        UsageError: a folder is missing, or one of a pair.
        InputError: a file is no gold.
    """
    if len(paths) % 2:
        raise UsageError("give folders in pairs: documents with gold, then their results")
    for folder, results in zip(paths[::2], paths[1::2], strict=True):
        for outcome in read_results(results, find_cases(folder, with_documents=False)):
            report = outcome.report
            if report is None or report.risk is None or report.proof is None:
                continue
            if not is_complete(outcome.case.gold):
                continue
            if not {problem.code for problem in report.problems} - {UNCERTAIN, "misprint"}:
                right = score_report(outcome.case.gold, report).wholly_right
                yield Read(tell_features(report), not right)


def tell_features(report: Report) -> tuple[float, ...]:
    """What a result says of itself, as `FEATURES`: log odds of its risk, what the next answer costs more and
    this one altogether, in nats, cells that are not what was read, cells that are not sure (the last three as
    logarithms), median height of figures in pixels, and whether a misprint was found."""
    assert report.risk is not None
    assert report.proof is not None
    risk = min(max(report.risk, _LEAST), _MOST)
    cells = report.cells.values()
    heights = [c.bbox.height for c in cells if c.bbox is not None and c.value]
    return (
        math.log(risk / (1 - risk)),
        report.proof.gap,
        math.log1p(report.proof.cost),
        math.log1p(sum(cell.status in ("repaired", "inferred") for cell in cells)),
        math.log1p(sum(cell.confidence < UNSURE for cell in cells)),
        math.log(median(heights)) if heights else 0.0,
        float(any(problem.code == "misprint" for problem in report.problems)),
    )


def compare(reports: Sequence[Read], *, seed: int = 1) -> Iterator[tuple[str, float]]:
    """What is told of the reports, and the mean log loss of it.

    Raises:
        UsageError: too few are wrong to learn from.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wrong = np.array([report.wrong for report in reports])
    if wrong.sum() < N_PARTS:
        raise UsageError(
            f"{wrong.sum()} reports are wrong, it takes {N_PARTS}: read more scans, and worse ones"
        )
    table = np.array([report.features for report in reports])
    yield "risk as stated", _log_loss(1 / (1 + np.exp(-table[:, 0])), wrong)
    parts = StratifiedKFold(N_PARTS, shuffle=True, random_state=seed)
    for name, columns in (("regression on the risk", table[:, :1]), ("regression on all", table)):
        for strength in STRENGTHS:
            model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
            found = cross_val_predict(model, columns, wrong, cv=parts, method="predict_proba")
            yield f"{name}, C {strength:g}", _log_loss(found[:, 1], wrong)


def _log_loss(found: np.ndarray, wrong: np.ndarray) -> float:
    told = np.where(wrong, found, 1 - found)
    return float(-np.log(np.maximum(told, _LEAST)).mean())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER RESULTS")
    try:
        reports = list(read_pairs(parser.parse_args().folders))
        expected = sum(1 / (1 + math.exp(-report.features[0])) for report in reports)
        print(
            f"{len(reports)} reports, {sum(r.wrong for r in reports)} of them wrong, expected {expected:.1f}"
        )
        for name, loss in compare(reports):
            print(f"{loss:.5f}  {name}")
    except GiarError as error:
        complain(str(error))
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
