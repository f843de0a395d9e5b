"""A form's tables as they are printed: the form's own grid, with the figures in their cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from giar_ml.forms import FormTable
from giar_ml.forms.grid import Grid, GridCell, form_grid
from training.figures import Figure

Show = Callable[[str], str]
"""The printed text of a cell, by its key."""


def show_figure(figure: Figure | None) -> str:
    """As offices print it: nothing for a blank, signed nowhere but below zero."""
    return "" if figure is None else str(figure)


def build_grid(table: FormTable, show: Show) -> Grid:
    """The table with the merges of the official form; a table's sections stand below one another."""
    grid = form_grid(table)
    cells = (replace(cell, text=show(cell.key)) if cell.key else cell for cell in grid.cells)
    return replace(grid, cells=tuple(cells))


__all__ = ["Grid", "GridCell", "build_grid", "show_figure"]
