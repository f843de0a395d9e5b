"""Why a report is not simply accepted, in words that name cells as the form does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from giar_ml.document import Problem
from giar_ml.fields import FormEvidence, RowEvidence
from giar_ml.fields.headers import find_elsewhere
from giar_ml.forms import Form
from giar_ml.report import CellResult, Check

OF_CELLS = frozenset(
    (
        "ambiguous",
        "broken_sum",
        "left_blank",
        "lost_rows",
        "misprint",
        "missing_cells",
        "no_figures",
        "prose_contradicts",
        "unconfirmed",
    )
)
"""Codes of what is wrong with the figures of cells; other problems are of reading, or of how sure it is."""
POOR_FIT = Problem(
    "poor_fit", "the lines of the tables fit the rows of the form badly: figures may stand in others"
)
UNCERTAIN = "uncertain"
"""Code of the reason when nothing is wrong but the readings are not sure enough."""
_NEARLY = 0.2
"""Share of the doubt of the least sure cell, from which another one is worth a look, too."""
_PROVEN = 0.999
"""Sureness from which sums may say that print is none of what it reads as."""
_MOST_ROW_COST = 9.0
"""Nats that it may take to lay what was read in a row into its columns. Of 919 accepted scans three had a row
in a sum that took more: one had lost a figure to the rules, and one a figure too many."""
_NAMED = 3
"""Longer lists of cells are cut after so many; the problem's `cells` has them all."""


def find_reasons(
    evidence: FormEvidence, cells: Mapping[str, CellResult], checks: Sequence[Check]
) -> list[Problem]:
    """What stands between the report and acceptance; empty when nothing does."""
    form = evidence.form
    problems = [
        *_lost_rows(evidence),
        *_misfits(evidence),
        *_reordered(evidence),
        *_conflicts(form, cells),
        *_open_cells(form, cells),
        *_not_determined(form, cells),
        *_left_blank(evidence, cells),
        *_unconfirmed(evidence, cells, checks),
        *_overruled(form, cells),
        *_contradictions(form, checks),
    ]
    explained = {key for problem in problems for key in problem.cells}
    broken = {check.id: check for check in checks if not check.holds}
    for s in form.sums:
        if s.id in broken and not explained.intersection((*s.left, *s.right)):
            left, right = broken[s.id].left, broken[s.id].right
            problems.append(Problem("broken_sum", f"{s.id}: {left} is not {right}", (*s.left, *s.right)))
    if all(cell.printed is None for cell in cells.values()):
        problems.append(Problem("no_figures", "the tables are empty: not one figure was found in them"))
    return problems


def say_uncertain(form: Form, cells: Mapping[str, CellResult], risk: float) -> Problem:
    """The reason when nothing is wrong but the readings are not sure enough: the least sure cell, and those
    nearly as unsure."""
    keys = sorted(cells, key=lambda key: cells[key].confidence)
    least = cells[keys[0]]
    unsure = tuple(k for k in keys if 1 - cells[k].confidence >= _NEARLY * (1 - least.confidence))
    message = f"right with a probability of {1 - risk:.1%} only; least sure is {form.cells[keys[0]].name}"
    return Problem(UNCERTAIN, message, unsure, least.page)


def _lost_rows(evidence: FormEvidence) -> list[Problem]:
    lost = [row for row in evidence.rows if row.group is None]
    if not lost:
        return []
    names = _name_rows(evidence.form, lost)
    keys = tuple(key for row in lost for key in row.layouts[0].cells)
    return [Problem("lost_rows", f"{_count(lost, 'row')} not found: {names}", keys)]


def _misfits(evidence: FormEvidence) -> list[Problem]:
    """Rows in sums whose places suit the columns badly, as where a figure was taken for a rule; what tools
    broke of a text is weighed as such, and a row without print has nothing in a wrong column."""
    rows = [
        row
        for row in evidence.rows
        if row.layouts[0].cost > _MOST_ROW_COST
        and evidence.form.summed.issuperset(row.layouts[0].cells)
        and row.is_scanned
        and any(seen and seen.token for seen in row.layouts[0].cells.values())
    ]
    if not rows:
        return []
    keys = tuple(key for row in rows for key in row.layouts[0].cells)
    names = _name_rows(evidence.form, rows)
    message = f"what stands in {_count(rows, 'row')} fits the columns badly: {names}"
    return [Problem(POOR_FIT.code, message, keys)]


def _reordered(evidence: FormEvidence) -> list[Problem]:
    """Figures below the headers of other columns: they are laid out in the order of the form, and the report
    may print its columns in another."""
    keys: dict[str, None] = {}
    headers: dict[str, None] = {}
    for row in evidence.rows:
        cells = row.layouts[0].cells
        for header, columns in find_elsewhere(row.headers, row.section, list(cells.values())):
            keys.update((key, None) for c, key in enumerate(cells) if c in columns)
            headers[header.token.text if header.token else ""] = None
    if not keys:
        return []
    names = _shorten(list(headers))
    message = f"{_count(list(keys), 'figure')} below headers that name other columns: {names}"
    return [Problem(POOR_FIT.code, message, tuple(keys))]


def _name_rows(form: Form, rows: Sequence[RowEvidence]) -> str:
    titles = {table.key: table.title[0] for table in form.tables}
    return _shorten([row.row.path or titles[row.section.table] for row in rows])


def _conflicts(form: Form, cells: Mapping[str, CellResult]) -> list[Problem]:
    problems = []
    for key, cell in cells.items():
        if cell.status != "conflict":
            continue
        name = form.cells[key].name
        printed = "blank" if cell.printed is None else cell.printed
        others = [str(value) for value, _ in cell.candidates if value != cell.value]
        if cell.confidence > 0.5 or not others:
            hint = "" if cell.suggestion is None else f"; the sums suggest {cell.suggestion}"
            message = f"{name}: {printed} is printed against its sums{hint}"
            problems.append(Problem("misprint", message, (key,), cell.page))
        else:
            message = f"{name}: {printed} as read, but it may as well be {' or '.join(others)}"
            problems.append(Problem("ambiguous", message, (key,), cell.page))
    return problems


def _open_cells(form: Form, cells: Mapping[str, CellResult]) -> list[Problem]:
    """Cells in which any of several figures may stand."""
    problems = []
    for key, cell in cells.items():
        if _is_open(cell):
            possible = " or ".join(str(value) for value, _ in cell.candidates)
            message = f"{form.cells[key].name}: not determined, it may be {possible}"
            problems.append(Problem("ambiguous", message, (key,), cell.page))
    return problems


def _is_open(cell: CellResult) -> bool:
    return cell.status == "missing" and cell.page is not None and len(cell.candidates) > 1


def _not_determined(form: Form, cells: Mapping[str, CellResult]) -> list[Problem]:
    keys = tuple(key for key, cell in cells.items() if cell.status == "missing" and not _is_open(cell))
    if not keys:
        return []
    names = [form.cells[key].name for key in keys]
    return [Problem("missing_cells", f"{_count(keys, 'cell')} not determined: {_shorten(names)}", keys)]


def _left_blank(evidence: FormEvidence, cells: Mapping[str, CellResult]) -> list[Problem]:
    """Cells that have a figure by the sums, and nothing on the paper, or a mark that is most likely none."""
    blank = {
        key
        for row in evidence.rows
        for key, seen in row.layouts[0].cells.items()
        if seen and (seen.blank or (seen.readings[:1] and seen.readings[0][0] is None))
    }
    keys = tuple(key for key, cell in cells.items() if key in blank and cell.status == "inferred")
    if not keys:
        return []
    names = [evidence.form.cells[key].name for key in keys]
    return [Problem("left_blank", f"{_count(keys, 'cell')} left blank but not 0: {_shorten(names)}", keys)]


def _unconfirmed(
    evidence: FormEvidence, cells: Mapping[str, CellResult], checks: Sequence[Check]
) -> list[Problem]:
    """Cells without a place on the paper that one sum alone gives: a figure read together with its neighbour
    would fit it, too."""
    stated = {key for check in checks if check.holds for key in check.stated}
    n_sums = Counter(key for s in evidence.form.sums for key in (*s.left, *s.right))
    keys = tuple(
        key
        for key, cell in cells.items()
        if cell.status == "inferred" and cell.page is cell.line is None
        if n_sums[key] == 1 and key not in stated
    )
    if not keys:
        return []
    names = _shorten([evidence.form.cells[key].name for key in keys])
    return [Problem("unconfirmed", f"{_count(keys, 'cell')} not found, and given by one sum: {names}", keys)]


def _overruled(form: Form, cells: Mapping[str, CellResult]) -> list[Problem]:
    """Cells in which something is printed that was not read as what they are said to have: the office may
    have misprinted what was misread."""
    keys = tuple(
        key
        for key, cell in cells.items()
        if cell.status == "inferred" and cell.candidates and cell.confidence < _PROVEN
    )
    if not keys:
        return []
    names = _shorten([form.cells[key].name for key in keys])
    return [
        Problem("unconfirmed", f"{_count(keys, 'cell')} printed otherwise than the sums ask: {names}", keys)
    ]


def _contradictions(form: Form, checks: Sequence[Check]) -> list[Problem]:
    problems = []
    for check in checks:
        if check.stated and not check.holds:
            names = " + ".join(form.cells[key].name for key in check.stated)
            message = f"the prose says {check.left}, the table {check.right}: {names}"
            problems.append(Problem("prose_contradicts", message, check.stated))
    return problems


def _count(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _shorten(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
