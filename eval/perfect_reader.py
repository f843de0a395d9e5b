"""How many misprints can be told from the page at all: what the sums say of a report that was read perfectly.

python -m eval.perfect_reader FOLDER [FOLDER ...]

FOLDER has gold of documents. Every printed figure and blank of those with misprints is taken to be read, and
read surely; the prose is left out. What is not flagged then no reader can flag: totals that are printed blank
beside a part that is misprinted, or two misprints that make up for each other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from eval.run import find_cases
from giar_ml.annotations.gold import Gold
from giar_ml.cli.console import complain
from giar_ml.document import BBox, Token
from giar_ml.errors import GiarError
from giar_ml.fields import FormEvidence, Layout, RowEvidence, Seen
from giar_ml.forms import Form, load_form
from giar_ml.metrics.cells import Counts, score_report
from giar_ml.pipeline import DEFAULT_MAX_RISK
from giar_ml.report import Report, Source
from giar_ml.verdict import decide

SURE = 0.99999
"""Probability of what was read."""
_PLACE = BBox(0.0, 0.0, 1.0, 1.0)


def read_perfectly(gold: Gold, form: Form) -> FormEvidence:
    """The evidence of a report every cell of which was read as it is printed."""
    rows = []
    for section in form.sections:
        for row in section.rows:
            keys = [section.cell_key(row, column) for column in section.columns]
            layout = Layout(tuple(range(len(keys))), {key: _see(gold, key) for key in keys}, 0.0)
            rows.append(RowEvidence(section, row, (layout,), (section.table, 0, row.key), 0.0))
    return FormEvidence(form, tuple(rows), 0.0)


def _see(gold: Gold, key: str) -> Seen:
    printed = gold.cells[key].printed
    token = None if printed is None else Token(str(printed), _PLACE, SURE)
    return Seen(((printed, SURE),), False, 1, _PLACE, token)


def count(golds: Sequence[Gold]) -> Counts:
    """What becomes of the reports with misprints."""
    total = Counts()
    for gold in golds:
        if not gold.misprints:
            continue
        form = load_form(gold.form)
        verdict = decide(read_perfectly(gold, form), [], max_risk=DEFAULT_MAX_RISK)
        source = Source(gold.file, gold.sha256, gold.kind, 0)
        total += score_report(
            gold,
            Report(
                source, form.name, None, None, verdict.status, verdict.cells, verdict.checks, verdict.problems
            ),
        )
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    folders = parser.parse_args().folders
    try:
        for folder in folders:
            found = count([case.gold for case in find_cases(folder, with_documents=False)])
            print(
                f"{folder}: {found.documents} reports with misprints,"
                f" {found.misprints_flagged} of {found.misprints} misprints flagged,"
                f" {found.repairs_right} of {found.repairs} repairs right, {found.accepted} accepted"
            )
    except GiarError as error:
        complain(str(error))
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
