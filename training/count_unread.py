"""What is printed where it is none of the readings: reads scans with gold and counts.

python -m training.count_unread FOLDER...

Prints, by how much the readings of a figure leave to others (0 not being among them): how many figures, what
they leave in all, and of how many the print is none of the readings, by what it is. The shares are the error
model of `giar_ml.weigh`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cli.console import complain
from giar_ml.errors import GiarError
from giar_ml.fields import FormEvidence
from giar_ml.pipeline import Extractor

BANDS = (0.0, 1e-5, 1e-3, 0.03)
"""Least that is left to others, of each line of the table."""
Print = Literal["read", "nothing", "edit", "other"]
"""What is printed: one of the readings, nothing or 0, one digit more, less or another than one of them, or
something else."""


class Unsure(NamedTuple):
    """A figure: what its readings leave to others, and what is printed."""

    left: float
    print: Print


def find_unsure(evidence: FormEvidence, gold: Gold) -> Iterator[Unsure]:
    """All figures that were read with doubt, 0 not being among the readings."""
    for row in evidence.rows:
        for key, seen in row.layouts[0].cells.items():
            if seen is None or seen.certain or seen.blank or key not in gold.cells:
                continue
            figures = {int(figure or 0) for figure, _ in seen.readings}
            if figures and 0 not in figures:
                left = 1.0 - sum(p for _, p in seen.readings)
                yield Unsure(left, _tell(figures, int(gold.cells[key].printed or 0)))


def _tell(figures: set[int], printed: int) -> Print:
    if printed in figures:
        return "read"
    if not printed:
        return "nothing"
    return "edit" if any(_is_edit(str(figure), str(printed)) for figure in figures) else "other"


def _is_edit(one: str, other: str) -> bool:
    """Whether one digit makes the difference."""
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    short, long = sorted((one, other), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def show(found: Sequence[Unsure]) -> Iterator[str]:
    """The lines of the table."""
    heads = ("left at least", "figures", "left in all", "nothing", "edit", "other")
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---:|" * len(heads)
    for least, below in zip(BANDS, (*BANDS[1:], 2.0), strict=True):
        band = [unsure for unsure in found if least <= max(0.0, unsure.left) < below]
        n = Counter(unsure.print for unsure in band)
        left = sum(max(0.0, unsure.left) for unsure in band)
        yield f"| {least:g} | {len(band)} | {left:.2f} | {n['nothing']} | {n['edit']} | {n['other']} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    options = parser.parse_args()
    extractor = Extractor()
    found: list[Unsure] = []
    for folder in options.folders:
        for path in sorted(folder.rglob(f"*{SUFFIX}")):
            try:
                analysis = extractor.analyse(path.with_name(path.name.removesuffix(SUFFIX)))
            except GiarError as error:
                complain(f"left out: {error}")
                continue
            found += find_unsure(analysis.evidence, Gold.read(path))
    print(*show(found), sep="\n")


if __name__ == "__main__":
    main()
