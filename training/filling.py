"""What one invented office prints: figures, the texts of its cells, misprints and prose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from giar_ml.annotations.gold import GoldCell
from giar_ml.forms import Form
from training.figures import Figure, Printed
from training.prose import Prose


@dataclass(frozen=True)
class Filling:
    """One report before it is printed.

    Args:
        printed: what every cell shows; None is left blank.
        texts: the printed text of every cell: the figure as written, with notes and units; "" for a blank.
        misprints: cells whose figure contradicts a sum, with the lawful figure.
    """

    form: Form
    printed: Printed
    texts: Mapping[str, str]
    misprints: Mapping[str, Figure]
    prose: Prose

    def gold_cells(self) -> dict[str, GoldCell]:
        """The gold of the cells, without places."""
        return {key: GoldCell(self.printed[key], self.texts[key]) for key in self.form.cells}
