"""`python -m training.figure_reader.evaluate MODEL --validation DIR --scans DIR`: how well figures are read.

By the OCR engine, by the model, and by both together, on scans with gold; a Markdown table on stdout. How
both are weighed is fitted on the validation scans; measure on scans that no one has learnt from.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from giar_ml.annotations.gold import SUFFIX
from giar_ml.document import UNREAD
from giar_ml.engines import load_engine
from giar_ml.metrics.calibration import ece
from giar_ml.ocr.ctc import ctc_k_best
from giar_ml.ocr.engine import FIGURE_ALPHABET, OcrEngine
from giar_ml.ocr.figures import FigureReader, figure_crop, load_figure_reader
from giar_ml.ocr.lines import to_token
from training.figure_reader.crops import fold, labelled_lines, upright_scans

N_READINGS = 5
ENGINE, MODEL, BOTH = "OCR engine", "this model", "both"

Readings = Mapping[str, float]
"""Figures, or "" for none, with their probabilities."""


@dataclass(frozen=True)
class Case:
    """A line of ink: what it shows, and what is read there."""

    text: str
    severity: str
    engine: Readings
    """As `to_token` gives them."""
    engine_raw: Readings
    """By CTC alone, with the empty text."""
    crop: np.ndarray
    model: Readings = field(default_factory=dict)


@dataclass(frozen=True)
class Weighing:
    """log p(both) = engine * log p(engine) + model * log p(model) + constant; no p below `least`."""

    engine: float
    model: float
    least: float

    def __call__(self, case: Case) -> Readings:
        scores = {
            text: self.engine * math.log(max(self.least, case.engine_raw.get(text, 0)))
            + self.model * math.log(max(self.least, case.model.get(text, 0)))
            for text in {*case.engine_raw, *case.model}
        }
        highest = max(scores.values())
        total = sum(math.exp(score - highest) for score in scores.values())
        return {text: math.exp(score - highest) / total for text, score in scores.items()}


def engine_cases(paths: Iterable[Path], engine: OcrEngine) -> list[Case]:
    """All lines of ink in the figure cells of scans with gold of which it is clear what they show."""
    cases = []
    for path in paths:
        for scan in upright_scans(path, engine):
            lines = labelled_lines(scan)
            crops = [figure_crop(scan.gray, line.bbox, dpi=scan.dpi) for line, _ in lines]
            recognitions = engine.recognize([line.crop for line, _ in lines]) if lines else []
            severity = str(scan.gold.origin.get("severity", "scan"))
            for (line, text), crop, seen in zip(lines, crops, recognitions, strict=True):
                token = to_token(seen, line)
                readings = {r.text: r.probability for r in token.readings}
                if not readings:
                    blank = token.text == UNREAD
                    readings = {"" if blank else fold(token.text) or token.text: token.confidence}
                assert seen.log_probs is not None
                cases.append(Case(text, severity, readings, _k_best(seen.log_probs), crop))
    return cases


def model_cases(cases: Sequence[Case], reader: FigureReader) -> list[Case]:
    """The same with what the model reads."""
    read = reader.read([case.crop for case in cases])
    return [replace(case, model=_k_best(log_probs)) for case, log_probs in zip(cases, read, strict=True)]


def _k_best(log_probs: np.ndarray) -> Readings:
    best = ctc_k_best(log_probs, FIGURE_ALPHABET, N_READINGS)
    return {text: min(1.0, math.exp(log_prob)) for text, log_prob in best}


def fit_weighing(cases: Sequence[Case], *, least: float = 1e-4) -> Weighing:
    """The weights by which what a line shows is told best from all else that was read there: a logistic
    regression (scikit-learn) on what its log probabilities are ahead by, pair by pair."""
    from sklearn.linear_model import LogisticRegression

    ahead = []
    for case in cases:
        texts = {*case.engine_raw, *case.model, case.text}
        scores = {
            text: [math.log(max(least, read.get(text, 0))) for read in (case.engine_raw, case.model)]
            for text in texts
        }
        ahead += [np.subtract(scores[case.text], scores[text]) for text in texts - {case.text}]
    pairs = np.array(ahead)
    is_first = np.arange(2 * len(pairs)) < len(pairs)
    found = LogisticRegression(fit_intercept=False, C=0.1).fit(np.concatenate([pairs, -pairs]), is_first)
    engine, model = (max(0.0, float(weight)) for weight in found.coef_[0])
    return Weighing(engine, model, least)


def best(readings: Readings) -> tuple[str, float]:
    text = max(readings, key=lambda text: readings[text])
    return text, min(1.0, readings[text])


def table(cases: Sequence[Case], weighing: Weighing) -> str:
    """Per severity and reader, the share of figures read exactly and so on, in Markdown."""
    readers: Mapping[str, Callable[[Case], Readings]] = {
        ENGINE: lambda case: case.engine,
        MODEL: lambda case: case.model,
        BOTH: weighing,
    }
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.severity].append(case)
    groups["all"] = list(cases)
    rows = [
        "| scans | lines | blank | reader | figures right | 0 right | others right | figure or none | ECE |",
        "|---|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    for name, group in groups.items():
        n_blank = sum(not case.text for case in group)
        for reader, read in readers.items():
            found = [best(read(case)) for case in group]
            right = [text == case.text for (text, _), case in zip(found, group, strict=True)]
            is_figure = [bool(text) == bool(case.text) for (text, _), case in zip(found, group, strict=True)]
            shares = [
                _share([ok for ok, case in zip(right, group, strict=True) if want(case.text)])
                for want in (bool, lambda text: text == "0", lambda text: text not in ("", "0"))
            ]
            gap = ece([p for _, p in found], right, n_bins=15)
            columns = (
                name,
                f"{len(group):,}",
                str(n_blank),
                reader,
                *shares,
                _share(is_figure),
                f"{gap:.4f}",
            )
            rows.append(f"| {' | '.join(columns)} |")
    return "\n".join(rows)


def _share(flags: Sequence[bool]) -> str:
    return f"{sum(flags)}/{len(flags)} {np.mean(flags):.4f}" if flags else "-"


def write_errors(cases: Sequence[Case], path: Path) -> None:
    """A picture of the lines that one of the two misreads, each with its truth and both readings."""
    wrong = [case for case in cases if {best(case.model)[0], best(case.engine)[0]} != {case.text}]
    columns, width, height = 8, 190, 72
    sheet = np.full((max(1, -(-len(wrong) // columns)) * height, columns * width), 215, np.uint8)
    for i, case in enumerate(wrong):
        y, x = i // columns * height + 2, i % columns * width + 2
        crop = case.crop[:, : width - 6]
        sheet[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
        lines = [f"{case.severity} [{case.text}]"]
        for name, readings in (("m", case.model), ("e", case.engine)):
            text, p = best(readings)
            lines.append(f"{name} [{text}] {p:.2f}".encode("ascii", "replace").decode())
        for k, line in enumerate((lines[0], " ".join(lines[1:]))):
            spot = (x, y + 46 + 14 * k)
            cv2.putText(sheet, line, spot, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0,), 1, cv2.LINE_AA)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), sheet)


def scans_in(folder: Path) -> list[Path]:
    return sorted(path.with_name(path.name.removesuffix(SUFFIX)) for path in folder.glob(f"*{SUFFIX}"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m training.figure_reader.evaluate", description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder of the model")
    parser.add_argument(
        "--scans", type=Path, action="append", required=True, metavar="DIR", help="repeatable"
    )
    parser.add_argument(
        "--validation", type=Path, required=True, metavar="DIR", help="scans to fit weights on"
    )
    parser.add_argument("--n-validation", type=int, default=24, metavar="N", help="of them (default: 24)")
    parser.add_argument("--errors", type=Path, metavar="PNG", help="a picture of the lines misread")
    args = parser.parse_args()
    engine, reader = load_engine("paddle", device="cpu"), load_figure_reader(args.model)
    validation = engine_cases(scans_in(args.validation)[: args.n_validation], engine)
    weighing = fit_weighing(model_cases(validation, reader))
    print(f"weighing: {weighing}", file=sys.stderr)
    paths = (path for folder in args.scans for path in scans_in(folder))
    cases = model_cases(engine_cases(paths, engine), reader)
    print(table(cases, weighing))
    if args.errors:
        write_errors(cases, args.errors)
    return 0


if __name__ == "__main__":
    sys.exit(main())
