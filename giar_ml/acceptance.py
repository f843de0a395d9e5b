"""How likely a cell that no sum checks was misread: a model fitted on scans with gold.

Sums find what was misread in most cells; of the others nothing but the reading itself tells. How often a
reading is wrong follows from its own probability and from how the report was read as a whole, which the
sums show.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

from giar_ml.fields import FormEvidence, Seen
from giar_ml.models import ModelError, shipped_model
from giar_ml.report import CellResult

SETTINGS = "acceptance.json"
UNSURE = 0.99
"""Cells that were read less surely count as unsure."""
SUREST = 1e-4
"""No reading is taken to be surer: print that was lost before it was read is beyond what the readers know."""
FINE_PX = 20.0
"""Height of digits from which on more pixels tell no more."""


class Around(NamedTuple):
    """Of the cells that sums check: how many were not what was first read, and how many were unsure; and how
    high digits are, in pixels, in their median."""

    n_overruled: int
    n_unsure: int
    digit_px: float = FINE_PX


def look_around(evidence: FormEvidence, cells: Mapping[str, CellResult]) -> Around:
    """How well the cells of a report were read that sums check.

    Args:
        cells: what was decided of them.
    """
    summed = evidence.form.summed
    seen = {key: s for row in evidence.rows for key, s in row.layouts[0].cells.items() if key in summed}
    digits = [s.bbox.height for s in seen.values() if s is not None and s.token is not None]
    return Around(
        sum(is_overruled(cells.get(key)) for key in seen),
        sum(s is not None and probability(s) < UNSURE for s in seen.values()),
        median(digits) if digits else FINE_PX,
    )


def is_overruled(cell: CellResult | None) -> bool:
    """Whether the sums gave another figure than was first read, or none: a misprint is what was read."""
    if cell is None or cell.status in ("repaired", "inferred", "missing"):
        return True
    return cell.status == "conflict" and cell.confidence <= 0.5


def probability(seen: Seen) -> float:
    """Of the first reading, 0..1, as the readers give it; 0 where nothing could be read."""
    if not seen.readings:
        return 0.0
    top = seen.readings[0][1]
    return min(top, 1 - seen.missed) if seen.blank else top


def features(seen: Seen, around: Around) -> dict[str, float]:
    """What the model is told of a cell; all numbers are at least 0 and of the order of 1."""
    return {
        "sureness": -math.log10(max(SUREST, 1 - probability(seen))),
        "dirty_blank": float(seen.blank and not seen.spotless),
        "spotless_blank": float(seen.blank and seen.spotless),
        "mark_read_as_nothing": float(not seen.blank and bool(seen.readings) and seen.readings[0][0] is None),
        "overruled": math.log1p(around.n_overruled),
        "unsure": math.log1p(around.n_unsure),
        "coarse": math.log2(FINE_PX / min(FINE_PX, max(1.0, around.digit_px))),
    }


@dataclass(frozen=True)
class MisreadModel:
    """A logistic regression: log odds are the intercept and the weighted features."""

    intercept: float
    weights: Mapping[str, float]

    def __call__(self, seen: Seen, around: Around) -> float:
        """Probability (0..1) that the cell's first reading is wrong; 0 for what is certain. Of a row that was
        only taken to be blank it is as was said."""
        if seen.certain:
            return 0.0
        if seen.blank and seen.readings[0][1] < 1:
            return 1 - seen.readings[0][1]
        found = features(seen, around)
        odds = self.intercept + sum(weight * found[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-odds))


def shipped_misread_model() -> Path:
    """Where the model is that comes with the program; it may be missing."""
    return shipped_model().parent / "acceptance" / SETTINGS


@cache
def load_misread_model(folder: Path | None = None) -> MisreadModel:
    """The model in a folder; None for the shipped one.

    Raises:
        ModelError: it is not there, or not such a model.
    """
    path = folder / SETTINGS if folder else shipped_misread_model()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return MisreadModel(float(data["intercept"]), {k: float(v) for k, v in data["weights"].items()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: no model of misreadings ({error}); install the package again") from error
