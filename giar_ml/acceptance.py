"""How likely a cell that no sum checks was misread, and how sure a report must be to be accepted: models
fitted on scans with gold.

Sums find what was misread in most cells; of the others nothing but the reading itself tells. How often a
reading is wrong follows from its own probability and from how the report was read as a whole, which the
sums show. Who accepts reports cares for the share of these that is wrong, which is far below what the least
sure of them may be: see `RiskCurve`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from giar_ml.fields import FormEvidence, Seen
from giar_ml.models import ModelError, shipped_model
from giar_ml.report import CellResult

SETTINGS = "acceptance.json"
UNSURE = 0.99
"""Cells that were read less surely count as unsure."""
OFF_MIDDLE = 0.5
"""How often what stands at a side of its cell, where others stand in the middle, is a part of a figure. Of
2,795 figures of 15 scans one stood so: the 4 of -14, cut by a rule that was none."""
SUREST = 1e-4
"""No reading is taken to be surer: print that was lost before it was read is beyond what the readers know."""
FINE_PX = 20.0
"""Height of digits from which on more pixels tell no more."""

LIMITS = tuple(round(10 ** (i / 10), 6) for i in range(-40, 1))
"""Probabilities that a report has a wrong cell, at which the risk of those that are as sure is kept."""
MUCH_LESS_SURE = 5.0
"""However sure the others are, no report is accepted that is more than so many times as likely wrong as is
asked of all: who reads none but bad scans has other others. And of 931 reports that were accepted of six
fresh seeds, when it was 10, six were more than 5 times as likely wrong; two of these were, and no other."""


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
        if seen.off_middle:
            return OFF_MIDDLE
        found = features(seen, around)
        odds = self.intercept + sum(weight * found[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-odds))


@dataclass(frozen=True)
class RiskCurve:
    """The risk of accepted reports by that of the least sure of them, in the manner of the curves of risk and
    coverage of El-Yaniv and Wiener (2010).

    Args:
        points: how likely a report may have a wrong cell to be accepted, and how likely those accepted have
            one on average, both growing.
    """

    points: Sequence[tuple[float, float]]

    def limit(self, max_risk: float) -> float:
        """How likely a report may have a wrong cell, so that at most `max_risk` of all accepted ones have."""
        as_asked = max([max_risk, *(most for most, mean in self.points if mean <= max_risk)])
        return min(MUCH_LESS_SURE * max_risk, as_asked)


def draw_risk_curve(risks: Sequence[float] | np.ndarray) -> RiskCurve:
    """The curve of reports, by how likely each has a wrong cell."""
    ordered = np.sort(risks)
    means = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    accepted = [int(np.searchsorted(ordered, most, "right")) for most in LIMITS]
    return RiskCurve([(most, float(means[n - 1])) for most, n in zip(LIMITS, accepted, strict=True) if n])


def shipped_acceptance() -> Path:
    """Where the models are that come with the program; they may be missing."""
    return shipped_model().parent / "acceptance" / SETTINGS


def load_misread_model(folder: Path | None = None) -> MisreadModel:
    """The model in a folder; None for the shipped one.

    Raises:
        ModelError: it is not there, or not such a model.
    """
    return _load(folder)[0]


def load_risk_curve(folder: Path | None = None) -> RiskCurve:
    """As `load_misread_model`."""
    return _load(folder)[1]


@cache
def _load(folder: Path | None) -> tuple[MisreadModel, RiskCurve]:
    path = folder / SETTINGS if folder else shipped_acceptance()
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        model = MisreadModel(float(data["intercept"]), {k: float(v) for k, v in data["weights"].items()})
        return model, RiskCurve([(float(most), float(mean)) for most, mean in data["risk_curve"]])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: no model of misreadings ({error}); install the package again") from error
