"""What the doors say in words: cells, sums and untrusted text made fit for one line."""

from __future__ import annotations

from collections.abc import Sequence

from giar_ml.forms import Form, Sum
from giar_ml.report import Report


def one_line(text: object) -> str:
    """Text from a document or a file name without line breaks, control or escape characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def name_check(form: Form, check_id: str) -> str:
    """The sum in the form's own words, or the id itself when the form has no such sum."""
    kind, _, key = check_id.partition(":")
    keys = key.split("+")
    if kind == "text" and all(key in form.cells for key in keys):
        return f"正文所述 = {' + '.join(form.cells[key].name for key in keys)}"
    if kind == "year":
        return _name_link(form, key) or check_id
    for rule in form.sums:
        if rule.id == check_id:
            return _name_sum(form, rule)
    return check_id


def _name_link(form: Form, key: str) -> str | None:
    """What a report takes over from that of the year before; None where the form has no such cells."""
    what, _, name = key.partition(":")
    keys = {
        "carried": [f"requests.{row}.{name}" for row in ("carried_in", "carried_out")],
        "in_force": [f"disclosure.{name}.{c}" for c in ("in_force", "in_force", "issued", "repealed")],
    }.get(what, [])
    if not keys or any(key not in form.cells for key in keys):
        return None
    taken_over, handed_on, *changes = (form.cells[key].name for key in keys)
    changed = " + {} − {}".format(*changes) if changes else ""
    return f"{taken_over} = 上一年度的 {handed_on}{changed}"


def _name_sum(form: Form, rule: Sum) -> str:
    sides = [[form.cells[key] for key in keys] for keys in (rule.left, rule.right)]
    cells = [cell for side in sides for cell in side]
    rows = {cell.row.path for cell in cells}
    columns = {cell.column.path for cell in cells}
    if len(rows) == 1 and rows != {""}:
        names = [[cell.column.labels[0] for cell in side] for side in sides]
        shared = f"{rows.pop()}："
    elif len(columns) == 1:
        names = [[cell.row.path for cell in side] for side in sides]
        shared = f"{cells[0].column.labels[0]}："
    else:
        names = [[cell.name for cell in side] for side in sides]
        shared = ""
    return shared + " = ".join(_join(side) for side in names)


def _join(names: Sequence[str]) -> str:
    if len(names) <= 2:
        return " + ".join(names)
    return f"{names[0]} 至 {names[-1]}（{len(names)} 项之和）"


def say_reason(report: Report) -> str:
    """Why the report is not simply accepted, in one line; empty when it is."""
    if report.problems:
        others = len(report.problems) - 1
        return one_line(report.problems[0].message) + (f" (and {others} more)" if others else "")
    if report.status == "accepted":
        return ""
    broken = [check.id for check in report.checks if not check.holds]
    if broken:
        return f"{len(broken)} sums do not hold: {', '.join(broken[:3])}{', …' if len(broken) > 3 else ''}"
    missing = sum(cell.status == "missing" for cell in report.cells.values())
    return f"{missing} cells not found" if missing else "not certain enough"
