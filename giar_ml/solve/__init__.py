"""Figures and sums to the most probable reading, with proof. Pure: no files, no pictures.

Every cell of a sum has two values: what the paper shows, and the lawful figure t that makes all sums
hold. The paper shows t unless the office misprinted it, and the reader saw what the paper shows unless
it misread it. The most probable explanation of all readings together is found exactly, as a minimum of
summed costs (negative natural logarithms of probabilities) over integers, in the manner of Fellegi and
Holt (1976): change as little as possible, weighted by how likely each change is.

`changes` and `relax` tell what answers cost at least, `bounds` which changes no answer within a limit can
make; `model` leaves the others to CP-SAT (`program`), and `gaps` tells how sure each changed cell is.
"""

from giar_ml.solve.evidence import DEFAULT_COSTS, SCALE, Costs, Evidence, Statement
from giar_ml.solve.model import Budget, FigureModel, SolverTimeoutError
from giar_ml.solve.problem import Answer

__all__ = [
    "DEFAULT_COSTS",
    "SCALE",
    "Answer",
    "Budget",
    "Costs",
    "Evidence",
    "FigureModel",
    "SolverTimeoutError",
    "Statement",
]
