"""The solver alone, behind a noisy channel: what it restores, what it passes on, and what nobody could.

python -m eval.simulate [--n 500] [--wrong 0 1 2 4 8 16] [--seed 1] [--misprints 0] [--rivals N] [-o JSON]
python -m eval.simulate --only-accepted --n 20000 --wrong 0 1     # nothing but how many are accepted wrongly
python -m eval.simulate --ablation --n 100 --wrong 4 8            # with and without what helps

Lawful reports are made up, read through `eval.channel` with so many wrong first readings each, and decided as
`giar extract` decides; times are of one core (processor time). The limit is the share of reports whose print
is the cheapest lawful answer, told by `eval.limit` apart from the solver: whatever looks for the most
probable one cannot restore more.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import beta

from eval.channel import Channelled, Printed, pass_through
from eval.limit import Standing, stand_of_print
from eval.rivals import RIVALS, Figures
from giar_ml.fields import Seen, change_cells
from giar_ml.forms import Form, load_form
from giar_ml.prose import Stated
from giar_ml.puzzle import Puzzle
from giar_ml.report import CellResult
from giar_ml.solve import Statement
from giar_ml.verdict import decide
from giar_ml.weigh import build_puzzle
from training.figures import SCALES, ScaleName, blank_zeros, misprint, sample_figures

OPEN = 0.5
"""Confidence of a conflict between figures that are about as likely."""
SHARE_BLANK = 0.3
"""Of reports that leave zeros blank."""


class Case(NamedTuple):
    """A report and what is known of it."""

    printed: Printed
    channelled: Channelled
    stated: Sequence[Stated] = ()
    linked: Sequence[Statement] = ()


@dataclass
class Outcome:
    """Of one report: every cell right and none left open, some cell changed to a wrong figure, accepted, not
    proven in time, seconds."""

    restored: bool
    wrongly_changed: bool
    accepted: bool
    unproven: bool
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, default=500, help="reports for each number of wrong readings")
    parser.add_argument("--wrong", type=int, nargs="+", default=[0, 1, 2, 4, 8, 16])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misprints", type=float, default=0.0, help="share of reports with one")
    parser.add_argument("--max-risk", type=float, default=0.001)
    parser.add_argument(
        "--limit",
        type=int,
        help="first reports whose limit is told, beside what is restored of these; else all",
    )
    parser.add_argument("--rivals", type=int, default=0, help="first reports that others repair, too")
    parser.add_argument("--only-accepted", action="store_true")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    form = load_form("2021")
    found: list[dict[str, float | str]] = []
    of_all: dict[str, list[Outcome]] = {}
    print(_row("wrong", HEADS), "|---|" + "---:|" * len(HEADS), sep="\n")

    def tell(wrong: int | str, rows: Mapping[str, dict[str, float]]) -> None:
        for name, row in rows.items():
            found.append({"wrong": wrong, "by": name, **row})
            print(_row(f"{wrong} {name}".strip(), [say.format(**row) for say in _fill(row)]), flush=True)

    for n_wrong in options.wrong:
        seeds = ((options.seed, n_wrong, i) for i in range(options.n))
        cases = (make_case(form, np.random.default_rng(seed), n_wrong, options.misprints) for seed in seeds)
        decided = partial(decide_case, max_risk=options.max_risk)
        if options.only_accepted:
            outcomes = {"": [decided(case) for case in cases]}
            rows = {"": summarise(outcomes[""])}
        elif options.ablation:
            kept = list(cases)
            outcomes = {name: [decided(change(case)) for case in kept] for name, change in ABLATION.items()}
            rows = {name: summarise(of_these) for name, of_these in outcomes.items()}
        else:
            kept = list(cases)
            outcomes = {"": [decided(case) for case in kept]}
            for name, repair in RIVALS.items() if options.rivals else ():
                outcomes[name] = [repair_case(case, repair) for case in kept[: options.rivals]]
            rows = {name: summarise(of_these) for name, of_these in outcomes.items()}
            rows[""] |= summarise_limit([stand_of_case(case) for case in kept[: options.limit]])
            rows[""]["restored_of_these"] = summarise(outcomes[""][: options.limit])["restored"]
        tell(n_wrong, rows)
        for name, of_these in outcomes.items():
            of_all.setdefault(name, []).extend(of_these)
    if len(options.wrong) > 1:
        tell("all", {name: summarise(of_these) for name, of_these in of_all.items()})
    if options.output:
        options.output.write_text(json.dumps(found, indent=1), encoding="utf-8")


COLUMNS = {
    "n": "{n}",
    "restored": "{restored:.1%}",
    "of the next": "{restored_of_these:.1%}",
    "limit": "{limit:.1%}",
    "ties": "{tied:.1%}",
    "not told": "{unknown:.1%}",
    "changed wrongly": "{wrongly_changed:.1%}",
    "accepted": "{accepted:.1%}",
    "of these wrong": "{accepted_wrong}",
    "at most, of all": "{accepted_wrong_bound:.4%}",
    "no proof in time": "{unproven:.1%}",
    "median": "{median_ms:.0f} ms",
    "99 %": "{p99_ms:.0f} ms",
}
HEADS = list(COLUMNS)


def _row(first: str, rest: Sequence[str]) -> str:
    return f"| {first} | " + " | ".join(rest) + " |"


def _fill(row: Mapping[str, float]) -> list[str]:
    """The columns that the row has figures for; others are empty."""
    names = {head: say[1:].partition(":")[0].partition("}")[0] for head, say in COLUMNS.items()}
    return [COLUMNS[head] if names[head] in row else "" for head in HEADS]


def make_case(form: Form, rng: np.random.Generator, n_wrong: int, misprints: float = 0.0) -> Case:
    """A made-up report, and what is read of it."""
    printed = make_report(form, rng, misprints=misprints)
    return Case(printed, pass_through(form, printed, rng, n_wrong=n_wrong))


def make_report(form: Form, rng: np.random.Generator, *, misprints: float = 0.0) -> Printed:
    """What a made-up office prints."""
    scale: ScaleName = list(SCALES)[int(rng.integers(len(SCALES)))]
    figures = sample_figures(form, rng, scale)
    printed: Printed = dict(figures)
    if rng.random() < misprints:
        printed = misprint(figures, form, rng, 1)[0]
    return blank_zeros(printed, rng) if rng.random() < SHARE_BLANK else printed


def decide_case(case: Case, *, max_risk: float) -> Outcome:
    """What the product makes of the readings."""
    printed, evidence = case.printed, case.channelled.evidence
    start = time.process_time()
    verdict = decide(evidence, case.stated, max_risk=max_risk, linked=case.linked)
    seconds = time.process_time() - start
    summed = evidence.form.summed
    wrong = {key for key in summed if (verdict.cells[key].value or 0) != (printed[key] or 0)}
    left_open = {key for key in summed if _is_open(verdict.cells[key])}
    changed = any(verdict.cells[key].status in ("repaired", "inferred") for key in wrong)
    unproven = any(problem.code in ("not_proven", "solver_timeout") for problem in verdict.problems)
    return Outcome(not wrong | left_open, changed, verdict.status == "accepted", unproven, seconds)


def repair_case(case: Case, repair: Callable[[Puzzle], Figures | None]) -> Outcome:
    """What a rival makes of the readings: it accepts whatever it made lawful."""
    printed, channelled = case.printed, case.channelled
    puzzle = build_puzzle(channelled.evidence, ())
    start = time.process_time()
    figures = repair(puzzle)
    seconds = time.process_time() - start
    if figures is None:
        return Outcome(False, False, False, False, seconds)
    wrong = {key for key, figure in figures.items() if figure != (printed[key] or 0)}
    changed = any(figures[key] != (channelled.first[key] or 0) for key in wrong)
    return Outcome(not wrong, changed, True, False, seconds)


def _is_open(cell: CellResult) -> bool:
    """Whether the answer leaves it to a person what stands in a cell: a misprint is sure, and kept."""
    return cell.status == "missing" or (cell.status == "conflict" and cell.confidence <= OPEN)


def stand_of_case(case: Case) -> Standing:
    """How the print stands among all lawful answers."""
    puzzle = build_puzzle(case.channelled.evidence, case.stated, case.linked)
    return stand_of_print(puzzle, {key: int(case.printed[key] or 0) for key in _summed(case)})


def _summed(case: Case) -> frozenset[str]:
    return case.channelled.evidence.form.summed


def summarise_limit(stands: Sequence[Standing]) -> dict[str, float]:
    """The share of reports whose print is the cheapest answer, of ties, and of those not told in time."""
    shares: dict[str, float] = {stand: count / len(stands) for stand, count in Counter(stands).items()}
    return {
        "limit": shares.get("cheapest", 0.0),
        "tied": shares.get("tied", 0.0),
        "unknown": shares.get("unknown", 0.0),
    }


def summarise(outcomes: list[Outcome]) -> dict[str, float]:
    """Shares and times of many reports."""
    rows = [asdict(outcome) for outcome in outcomes]
    times = np.array([row["seconds"] for row in rows]) * 1000
    shares = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "seconds"}
    accepted_wrong = sum(row["accepted"] and not row["restored"] for row in rows)
    return {
        "n": len(rows),
        **shares,
        "accepted_wrong": accepted_wrong,
        "accepted_wrong_bound": bound_share(accepted_wrong, len(rows)),
        "median_ms": float(np.median(times)),
        "p99_ms": float(np.percentile(times, 99)),
    }


def bound_share(count: int, n: int, *, confidence: float = 0.95) -> float:
    """What a share is at most, when `count` of `n` were found (Clopper and Pearson, one-sided)."""
    return 1.0 if count == n else float(beta.ppf(confidence, count + 1, n - count))


# With and without what helps


def state_all(case: Case) -> Case:
    """The report with true sentences on the cells that prose speaks of, and with what the reports of the
    years before and after say."""
    form = case.channelled.evidence.form
    told = [rule.cells for rule in form.prose if form.summed.issuperset(rule.cells)]
    stated = [Stated(cells, sum(_figure(case, key) for key in cells), "") for cells in told]
    linked = [
        Statement((key,), _figure(case, key))
        for key in form.cells
        if key.startswith(("requests.carried_in.", "requests.carried_out."))
    ]
    return case._replace(stated=stated, linked=linked)


def _figure(case: Case, key: str) -> int:
    return int(case.printed[key] or 0)


def drop_alternatives(case: Case) -> Case:
    """Every cell with its first reading alone: what the others had is left for any figure."""
    return _see_otherwise(case, lambda seen: seen._replace(readings=seen.readings[:1]))


def drop_edits(case: Case) -> Case:
    """No figure but those that were read: they share what was left for others."""

    def share(seen: Seen) -> Seen:
        total = sum(p for _, p in seen.readings)
        return seen._replace(readings=tuple((figure, p / total) for figure, p in seen.readings))

    return _see_otherwise(case, share)


def _see_otherwise(case: Case, change: Callable[[Seen], Seen]) -> Case:
    evidence = change_cells(case.channelled.evidence, lambda _, seen: seen and change(seen))
    return case._replace(channelled=case.channelled._replace(evidence=evidence))


ABLATION: Mapping[str, Callable[[Case], Case]] = {
    "all": state_all,
    "without prose": lambda case: state_all(case)._replace(stated=()),
    "without other years": lambda case: state_all(case)._replace(linked=()),
    "without prose and other years": lambda case: case,
    "without figures not read": lambda case: drop_edits(state_all(case)),
    "without second readings": lambda case: drop_alternatives(state_all(case)),
    "without any": lambda case: drop_edits(drop_alternatives(case)),
}


if __name__ == "__main__":
    main()
