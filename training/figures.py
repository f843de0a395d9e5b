"""Lawful fillings of a form, the misprints that offices make of them, and how they print figures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from giar_ml.forms import Form, Sum

ScaleName = Literal["bureau", "county", "city", "province"]
Figure = int | Decimal
Figures = dict[str, Figure]
Printed = Mapping[str, Figure | None]
"""What the paper shows: None is a cell printed blank."""
Mistake = dict[str, Figure | None]
FigureStyle = Literal["plain", "thousands", "full_width"]


@dataclass(frozen=True)
class Scale:
    """The size of an office: `requests`, `reviews` are expected results a year, `decisions` the typical
    order of the large counts of table 2, `density` the share of result rows in use."""

    requests: tuple[float, float]
    reviews: float
    documents: float
    decisions: float
    fees: float
    density: float


# The rows of a busy office weigh about 3 together, see ROW_WEIGHTS.
SCALES: dict[ScaleName, Scale] = {
    "bureau": Scale((0.2, 12), 0.2, 1, 30, 3, 0.15),
    "county": Scale((10, 150), 4, 12, 5_000, 4_000, 0.4),
    "city": Scale((100, 2_500), 60, 40, 80_000, 60_000, 0.7),
    "province": Scale((4_000, 30_000), 800, 150, 900_000, 900_000, 0.95),
}

# Shares seen in published reports, roughly; what is not named gets the default.
ROW_WEIGHTS = {"granted": 1.0, "not_held": 0.7, "partly_granted": 0.3, "petition": 0.2, "carried_out": 0.15}
COLUMN_WEIGHTS = {"natural_person": 1.0, "enterprise": 0.15, "legal_services": 0.05, "upheld": 1.0}
DEFAULT_ROW_WEIGHT = 0.12
DEFAULT_COLUMN_WEIGHT = 0.04
CARRIED_IN_SHARE = (0.0, 0.12)
NONZERO_CARRIED_IN_SHARE = (0.2, 0.45)
COLUMN_EMPTY_CHANCE = 0.4

# A count that cannot be smaller than another of its row: (at least, at most).
ORDERED_COLUMNS = (("issued", "in_force"), ("published", "published_total"))


def sample_figures(
    form: Form, rng: np.random.Generator, scale: ScaleName, nonzero: bool = False
) -> dict[str, Figure]:
    """Fill every cell of the form such that all its sums hold.

    Sums with one cell on the right define that cell; sums with more (the flow of requests) hold
    because their right side is split over their left. With `nonzero` nearly every cell has a figure
    of its own: no two rows or columns of a table are alike and neighbours differ, so that a shifted,
    swapped or lost column shows.
    """
    while True:
        figures = _sample(form, rng, SCALES[scale], nonzero)
        if not nonzero or _all_different(form, figures):
            return figures


def broken_sums(form: Form, figures: Printed) -> list[Sum]:
    """The sums that the figures contradict; a blank counts as 0."""
    return [s for s in form.sums if _total(s.left, figures) != _total(s.right, figures)]


def _total(keys: Iterable[str], figures: Printed) -> Figure:
    return sum((figures[key] or 0 for key in keys), 0)


def complete_figures(
    form: Form, addends: Mapping[str, Figure], rng: np.random.Generator, *, share: tuple[float, float]
) -> dict[str, Figure]:
    """Add the cells that the sums define, for given values of all others (`free_cells`).

    `share` bounds how much of a split amount goes to all but its first cell: requests carried in.
    """
    totals, balances = _defining_sums(form)
    figures = dict(addends)

    def value(key: str) -> Figure:
        if key not in figures and key in totals:
            figures[key] = sum((value(addend) for addend in totals[key].left), 0)
        return figures[key]

    for balance in balances:
        amount = int(sum(value(key) for key in balance.right))
        part = rng.uniform(*share)
        first, *rest = balance.left
        for key in rest:
            figures[key] = int(rng.binomial(amount, part))
            amount -= int(figures[key])
        figures[first] = amount
    for key in totals:
        value(key)
    if broken := broken_sums(form, figures):
        raise ValueError(f"form {form.name}: cannot fill {broken[0].id}: give it one cell on the right")
    return {key: figures[key] for key in form.cells}


def free_cells(form: Form) -> tuple[list[str], list[str]]:
    """The cells that no sum defines, in printed order: those that sums use, and the others."""
    totals, balances = _defining_sums(form)
    split = {key for s in balances for key in s.left}
    used = {key for s in form.sums for key in (*s.left, *s.right)}
    addends = [key for key in form.cells if key in used - totals.keys() - split]
    return addends, [key for key in form.cells if key not in used]


def _defining_sums(form: Form) -> tuple[dict[str, Sum], list[Sum]]:
    """The sum that defines each total, and the sums whose right side is split over their left."""
    totals = {s.right[0]: s for s in reversed(form.sums) if len(s.right) == 1}
    return totals, [s for s in form.sums if len(s.right) > 1 and not set(s.left) & set(totals)]


def _sample(form: Form, rng: np.random.Generator, scale: Scale, nonzero: bool) -> Figures:
    addends, alone = free_cells(form)
    draw = _nonzero_counts(rng) if nonzero else _sparse_counts(addends, rng, scale)
    figures: Figures = {key: draw(key) for key in addends}
    figures |= {key: _sample_alone(form, key, rng, scale, nonzero) for key in alone}
    for low, high in ORDERED_COLUMNS:
        for key in alone:
            row, _, column = key.rpartition(".")
            if column == low and f"{row}.{high}" in figures:
                figures[f"{row}.{high}"] += figures[key]
    share = NONZERO_CARRIED_IN_SHARE if nonzero else CARRIED_IN_SHARE
    return complete_figures(form, figures, rng, share=share)


def _sparse_counts(addends: list[str], rng: np.random.Generator, scale: Scale) -> Callable[[str], int]:
    rows = {key.rpartition(".")[0]: 0.0 for key in addends}
    columns = {key.rpartition(".")[2]: 0.0 for key in addends}
    for row in rows:
        table, _, last = row.rpartition(".")
        weight = 1.0 if table == "reviews" else ROW_WEIGHTS.get(last, DEFAULT_ROW_WEIGHT)
        rows[row] = weight * rng.gamma(1.5) / 1.5 * (rng.random() < scale.density + 0.5 * weight)
    for column in columns:
        weight = COLUMN_WEIGHTS.get(column, DEFAULT_COLUMN_WEIGHT)
        empty = weight < 1 and rng.random() < COLUMN_EMPTY_CHANCE
        columns[column] = 0.0 if empty else weight * rng.uniform(0.3, 1.7)
    low, high = scale.requests
    requests = float(np.exp(rng.uniform(np.log(low), np.log(high)))) / 3
    expected = {"requests": requests, "reviews": scale.reviews * rng.gamma(1.0)}

    def draw(key: str) -> int:
        row, _, column = key.rpartition(".")
        return int(rng.poisson(expected[key.split(".")[0]] * rows[row] * columns[column]))

    return draw


def _nonzero_counts(rng: np.random.Generator) -> Callable[[str], int]:
    used: dict[str, set[int]] = {}

    def draw(key: str) -> int:
        row, _, column = key.rpartition(".")
        taken = used.setdefault(row, set()) | used.setdefault(column, set())
        if rng.random() < 0.04:
            return 0
        while True:
            figure = int(np.exp(rng.uniform(0, np.log(400))))
            if figure not in taken:
                break
        used[row].add(figure)
        # A column has more cells than there are small figures: only its last ones stay taken.
        used[column] = {figure}
        return figure

    return draw


def _sample_alone(form: Form, key: str, rng: np.random.Generator, scale: Scale, nonzero: bool) -> Figure:
    row, column = form.cells[key].row.key, form.cells[key].column
    if column.type == "amount":
        if not nonzero and rng.random() < 0.35:
            return 0
        amount = Decimal(int(100 * scale.fees * rng.gamma(1.0)) + 1) / 100
        return amount.quantize(Decimal(rng.choice(["0.01", "0.01", "0.1"])))
    documents = row in ("regulations", "normative_documents", "procurement", "other_services")
    typical = scale.documents if documents else scale.decisions
    if row == "regulations" and not nonzero and typical < 40:
        return 0  # only cities and provinces make rules
    if nonzero:
        size = int(min(9_999, 1 + np.exp(rng.uniform(0, np.log(9_000)))))
    else:
        size = int(rng.poisson(typical * rng.gamma(0.7)) * (rng.random() < 0.8))
    return -size if column.type == "change" and rng.random() < 0.5 else size


def _all_different(form: Form, figures: Figures) -> bool:
    for section in form.sections:
        table = [
            [figures[section.cell_key(row, column)] for column in section.columns] for row in section.rows
        ]
        columns = list(zip(*table, strict=True))
        neighbours_differ = all(a != b or a == 0 for row in table for a, b in itertools.pairwise(row))
        if len(table) > 2 and not (
            neighbours_differ
            and len(set(columns)) == len(columns)
            and len(set(map(tuple, table))) == len(table)
        ):
            return False
    return True


def misprint(
    figures: Mapping[str, Figure], form: Form, rng: np.random.Generator, n: int
) -> tuple[dict[str, Figure | None], dict[str, Figure]]:
    """Print the figures with `n` mistakes that offices make.

    A total forgotten (0) or left stale, every row total of a table left 0 or blank, a figure off by one,
    two neighbours swapped, two digits transposed. Each contradicts a sum, also beside the others.

    Returns:
        The printed figures, None where blank, and the lawful figure of every cell that was misprinted. A
        total that is lawfully 0 and printed blank with the others is no misprint.

    Raises:
        ValueError: no lawful mistake was found, as when `n` is more than the form has cells for.
    """
    in_sums = {key for s in form.sums for key in (*s.left, *s.right)}
    totals = [s for s in form.sums if len(s.right) == 1]
    kinds = [
        _forget_total,
        _forget_all_totals,
        _leave_stale,
        _miss_by_one,
        _swap_neighbours,
        _transpose_digits,
    ]
    for _ in range(1000):
        printed: dict[str, Figure | None] = dict(figures)
        mistakes: list[Mistake] = []
        for kind in rng.choice(len(kinds), n):
            change = kinds[kind](form, figures, sorted(in_sums), totals, rng)
            # An unused mistake of one kind is replaced by the one that is always possible.
            change = change or _miss_by_one(form, figures, sorted(in_sums), totals, rng)
            mistakes.append(change)
            printed |= change
        changed = [key for change in mistakes for key in change]
        if len(set(changed)) == len(changed) and _each_shows(form, printed, mistakes):
            return printed, {key: figures[key] for key in changed if (printed[key] or 0) != figures[key]}
    raise ValueError(f"no {n} misprints that all contradict a sum were found")


def _each_shows(form: Form, printed: Printed, mistakes: list[Mistake]) -> bool:
    broken = [{*s.left, *s.right} for s in broken_sums(form, printed)]
    return all(any(set(change) & cells for cells in broken) for change in mistakes)


def _forget_total(
    form: Form, figures: Mapping[str, Figure], keys: list[str], totals: list[Sum], rng: np.random.Generator
) -> Mistake:
    known = [s.right[0] for s in totals if figures[s.right[0]]]
    return {known[rng.integers(len(known))]: 0} if known else {}


def _forget_all_totals(
    form: Form, figures: Mapping[str, Figure], keys: list[str], totals: list[Sum], rng: np.random.Generator
) -> Mistake:
    """The total of every row of a table, as when the office filled in the addends only."""
    tables: dict[str, list[str]] = {}
    for s in totals:
        if len({key.rpartition(".")[0] for key in (*s.left, *s.right)}) == 1:
            tables.setdefault(s.right[0].split(".")[0], []).append(s.right[0])
    known = [table for table in tables.values() if any(figures[key] for key in table)]
    if not known:
        return {}
    table = known[rng.integers(len(known))]
    if rng.random() < 0.5:
        return dict.fromkeys(table)
    return {key: 0 for key in table if figures[key]}


def _leave_stale(
    form: Form, figures: Mapping[str, Figure], keys: list[str], totals: list[Sum], rng: np.random.Generator
) -> Mistake:
    """The total from before one of its addends was corrected."""
    known = [(s.right[0], key) for s in totals for key in s.left if figures[key] and len(s.left) > 1]
    if not known:
        return {}
    total, addend = known[rng.integers(len(known))]
    return {total: figures[total] - int(rng.integers(1, int(figures[addend]) + 1))}


def _miss_by_one(
    form: Form, figures: Mapping[str, Figure], keys: list[str], totals: list[Sum], rng: np.random.Generator
) -> Mistake:
    key = keys[rng.integers(len(keys))]
    return {key: figures[key] + (1 if not figures[key] or rng.random() < 0.5 else -1)}


def _swap_neighbours(
    form: Form, figures: Mapping[str, Figure], keys: list[str], totals: list[Sum], rng: np.random.Generator
) -> Mistake:
    pairs = [
        (section.cell_key(row, left), section.cell_key(row, right))
        for section in form.sections
        for row in section.rows
        for left, right in itertools.pairwise(section.columns)
    ]
    pairs = [(a, b) for a, b in pairs if a in keys and b in keys and figures[a] != figures[b]]
    if not pairs:
        return {}
    a, b = pairs[rng.integers(len(pairs))]
    return {a: figures[b], b: figures[a]}


def _transpose_digits(
    form: Form, figures: Mapping[str, Figure], keys: list[str], totals: list[Sum], rng: np.random.Generator
) -> Mistake:
    changes: list[Mistake] = []
    for key in keys:
        digits = str(figures[key])
        for i in range(len(digits) - 1):
            swapped = digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :]
            if swapped != digits and swapped[0] != "0" and swapped.isdecimal():
                changes.append({key: int(swapped)})
    return changes[rng.integers(len(changes))] if changes else {}


BRACKETS = {
    "issued": ("（其中修订{n}件）", "（含修订{n}件）"),
    "in_force": ("（其中修订{n}件）", "（其中本年修订{n}件）"),
    "made": ("（其中修订{n}件）",),
    "published_total": ("（其中修订{n}件）",),
}
"""Notes of table 2 by column; `{n}` is at most the figure that the note stands after."""
UNITS = {
    "issued": ("件",),
    "repealed": ("件",),
    "in_force": ("件",),
    "made": ("件",),
    "published": ("件",),
    "published_total": ("件",),
    "decisions": ("件", "宗"),
    "previous": ("项",),
    "change": ("项",),
    "projects": ("个",),
}
BLANK_TABLE_CHANCE = 0.7


def blank_zeros(printed: Printed, rng: np.random.Generator) -> dict[str, Figure | None]:
    """Leave the zeros of one table or several blank, as offices do that fill in only what they have."""
    tables = sorted({key.split(".")[0] for key in printed})
    blank = {table for table in tables if rng.random() < BLANK_TABLE_CHANCE}
    blank.add(tables[rng.integers(len(tables))])
    return {
        key: None if figure == 0 and key.split(".")[0] in blank else figure for key, figure in printed.items()
    }


def sample_notes(form: Form, figures: Printed, rng: np.random.Generator, rate: float) -> dict[str, str]:
    """What stands after the figure in some cells of table 2: a unit, or a bracket such as （其中修订16件）.

    The figure before it stays the reading of the cell. Blank cells get none, zeros a unit only.

    Args:
        rate: chance of a note in a cell that takes one.
    """
    notes = {}
    for key, cell in form.cells.items():
        figure = figures[key]
        if cell.section.table != "disclosure" or figure is None or rng.random() >= rate:
            continue
        column = cell.column
        units = (column.unit,) if column.unit else UNITS[column.key]
        choices = (*units, *(BRACKETS.get(column.key, ()) if figure else ()))
        note = choices[rng.integers(len(choices))]
        notes[key] = note.format(n=rng.integers(1, int(figure) + 1)) if "{n}" in note else note
    return notes


def print_figure(
    figure: Figure, rng: np.random.Generator, style: FigureStyle, *, signed: bool = False
) -> str:
    """The figure as an office writes it; `giar_ml.figures.parse_figure` reads it back.

    Args:
        style: `plain` 12345, `thousands` 12,345, `full_width` １２３４５.
        signed: say how a change goes in one of the ways seen, 减4, +1036; otherwise only -4 has a sign.
    """
    text = f"{abs(figure):,}" if style == "thousands" else f"{abs(figure)}"
    signs = ("-", "减", "减少") if figure < 0 else ("+", "增", "增加", "")
    if signed and figure:
        text = signs[rng.integers(len(signs))] + text
    elif figure < 0:
        text = "-" + text
    return text.translate(_FULL_WIDTH) if style == "full_width" else text


_FULL_WIDTH = str.maketrans("0123456789.+-", "０１２３４５６７８９．＋－")


def print_figures(
    form: Form, figures: Printed, rng: np.random.Generator, *, notes: float, decorated: bool
) -> dict[str, str]:
    """The text of every cell; "" where blank.

    Args:
        notes: chance of a note in a cell that takes one, see `sample_notes`; a fee may be printed in yuan
            instead, `251000元` for 25.1 in a column of 万元.
        decorated: write all figures with thousands separators, or all in full width.
    """
    style: FigureStyle = ("thousands", "full_width")[rng.integers(2)] if decorated else "plain"
    signed = rng.random() < 0.5
    after = sample_notes(form, figures, rng, notes)
    texts = {}
    for key, cell in form.cells.items():
        figure, note = figures[key], after.get(key, "")
        if figure is None:
            texts[key] = ""
            continue
        if note == "万元" and rng.random() < 0.5:
            figure, note = int(figure * 10_000), "元"
        texts[key] = print_figure(figure, rng, style, signed=signed and cell.column.type == "change") + note
    return texts
