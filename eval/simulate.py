"""The solver alone, behind a noisy channel: what it restores, what it passes on, and what nobody could.

python -m eval.simulate [--n 500] [--wrong 0 1 2 4 8 16] [--seed 1] [--misprints 0] [--rivals] [-o JSON]

Lawful reports are made up, read through `eval.channel` with so many wrong first readings each, and decided as
`giar extract` decides; times are of one core. The limit is the share of reports whose print is the cheapest
lawful answer that the solver finds in its time: whatever looks for the most probable one cannot restore more.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from eval.channel import Channelled, Printed, pass_through
from eval.rivals import RIVALS, Figures
from giar_ml.decode import Puzzle, decode
from giar_ml.forms import Form, load_form
from giar_ml.report import CellResult
from giar_ml.solve import SolverTimeoutError
from giar_ml.verdict import decide
from giar_ml.weigh import build_puzzle
from training.figures import SCALES, ScaleName, blank_zeros, misprint, sample_figures

OPEN = 0.5
"""Confidence of a conflict between figures that are about as likely."""
SHARE_BLANK = 0.3
"""Of reports that leave zeros blank."""


@dataclass
class Outcome:
    """Of one report: every cell right and none left open, some cell changed to a wrong figure, accepted,
    seconds."""

    restored: bool
    wrongly_changed: bool
    accepted: bool
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, default=500, help="reports for each number of wrong readings")
    parser.add_argument("--wrong", type=int, nargs="+", default=[0, 1, 2, 4, 8, 16])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misprints", type=float, default=0.0, help="share of reports with one")
    parser.add_argument("--max-risk", type=float, default=0.001)
    parser.add_argument("--rivals", action="store_true", help="also what other ways of repair make of them")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    form = load_form("2021")
    found: list[dict[str, float | str]] = []
    print("| wrong | restored | limit | changed wrongly | accepted | of these wrong | median | 99 % |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for n_wrong in options.wrong:
        cases = []
        for i in range(options.n):
            rng = np.random.default_rng((options.seed, n_wrong, i))
            printed = make_report(form, rng, misprints=options.misprints)
            cases.append((printed, pass_through(form, printed, rng, n_wrong=n_wrong)))
        row = summarise([decide_case(*case, max_risk=options.max_risk) for case in cases])
        row["limit"] = sum(is_cheapest(*case) for case in cases) / len(cases)
        found.append({"wrong": n_wrong, **row})
        print(
            f"| {n_wrong} | {row['restored']:.1%} | {row['limit']:.1%} | {row['wrongly_changed']:.1%}"
            f" | {row['accepted']:.1%} | {row['accepted_wrong']} | {row['median_ms']:.0f} ms"
            f" | {row['p99_ms']:.0f} ms |",
            flush=True,
        )
        for name, repair in RIVALS.items() if options.rivals else ():
            row = summarise([repair_case(*case, repair) for case in cases])
            found.append({"wrong": n_wrong, "by": name, **row})
            print(
                f"| {n_wrong}, {name} | {row['restored']:.1%} | | {row['wrongly_changed']:.1%}"
                f" | {row['accepted']:.1%} | {row['accepted_wrong']} | {row['median_ms']:.0f} ms"
                f" | {row['p99_ms']:.0f} ms |",
                flush=True,
            )
    if options.output:
        options.output.write_text(json.dumps(found, indent=1), encoding="utf-8")


def make_report(form: Form, rng: np.random.Generator, *, misprints: float = 0.0) -> Printed:
    """What a made-up office prints."""
    scale: ScaleName = list(SCALES)[int(rng.integers(len(SCALES)))]
    figures = sample_figures(form, rng, scale)
    printed: Printed = dict(figures)
    if rng.random() < misprints:
        printed = misprint(figures, form, rng, 1)[0]
    return blank_zeros(printed, rng) if rng.random() < SHARE_BLANK else printed


def decide_case(printed: Printed, channelled: Channelled, *, max_risk: float) -> Outcome:
    """What the product makes of the readings."""
    start = time.process_time()
    verdict = decide(channelled.evidence, (), max_risk=max_risk)
    seconds = time.process_time() - start
    summed = channelled.evidence.form.summed
    wrong = {key for key in summed if (verdict.cells[key].value or 0) != (printed[key] or 0)}
    left_open = {key for key in summed if _is_open(verdict.cells[key])}
    changed = any(verdict.cells[key].status in ("repaired", "inferred") for key in wrong)
    return Outcome(not wrong | left_open, changed, verdict.status == "accepted", seconds)


def repair_case(
    printed: Printed, channelled: Channelled, repair: Callable[[Puzzle], Figures | None]
) -> Outcome:
    """What a rival makes of the readings: it accepts whatever it made lawful."""
    puzzle = build_puzzle(channelled.evidence, ())
    start = time.process_time()
    figures = repair(puzzle)
    seconds = time.process_time() - start
    if figures is None:
        return Outcome(False, False, False, seconds)
    wrong = {key for key, figure in figures.items() if figure != (printed[key] or 0)}
    changed = any(figures[key] != (channelled.first[key] or 0) for key in wrong)
    return Outcome(not wrong, changed, True, seconds)


def _is_open(cell: CellResult) -> bool:
    """Whether the answer leaves it to a person what stands in a cell: a misprint is sure, and kept."""
    return cell.status == "missing" or (cell.status == "conflict" and cell.confidence <= OPEN)


def is_cheapest(printed: Printed, channelled: Channelled) -> bool:
    """Whether no lawful answer explains the readings better than the print does."""
    try:
        solution = decode(build_puzzle(channelled.evidence, ()))
    except SolverTimeoutError:
        return False
    outputs = {key: d.shown if d.misprint else d.lawful for key, d in solution.decisions.items()}
    return all((figure or 0) == (printed[key] or 0) for key, figure in outputs.items())


def summarise(outcomes: list[Outcome]) -> dict[str, float]:
    """Shares and times of many reports."""
    rows = [asdict(outcome) for outcome in outcomes]
    times = np.array([row["seconds"] for row in rows]) * 1000
    shares = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "seconds"}
    return {
        **shares,
        "accepted_wrong": sum(row["accepted"] and not row["restored"] for row in rows),
        "median_ms": float(np.median(times)),
        "p99_ms": float(np.percentile(times, 99)),
    }


if __name__ == "__main__":
    main()
