"""The evaluation as one page of HTML: styles, plots and pictures are inside it, nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval import plots
from eval.crops import crop_cell, quote_line
from eval.run import Case
from eval.words import NOTHING, show_interval, show_number, show_share
from giar_ml.forms import load_forms
from giar_ml.forms.grid import form_grid

MAX_CROPS = 24
MAX_MENDED_CROPS = 9

HEADLINES = (
    "cell_accuracy",
    "wholly_right",
    "silent_errors",
    "straight_through",
    "repair_precision",
    "misprints_flagged",
)
METRIC_GROUPS = {
    "Figures": ("cell_accuracy", "cell_accuracy_before", "figure_cer", "cell_ece"),
    "Reports": (
        "wholly_right",
        "accepted",
        "silent_errors",
        "straight_through",
        "straight_through_right",
        "report_ece",
        "failed",
    ),
    "Repairs and misprints": (
        "repair_precision",
        "repair_recall",
        "misprints_flagged",
        "misprints_located",
        "false_alarms",
    ),
    "Structure": (
        "label_f1",
        "cells_in_place",
        "tables_in_place",
        "grits_top",
        "grits_con",
        "grits_loc",
        "teds",
    ),
    "Heading": ("form", "year", "organisation"),
}
GROUP_METRICS = (
    "cell_accuracy",
    "cell_accuracy_before",
    "wholly_right",
    "accepted",
    "silent_errors",
    "figure_cer",
    "label_f1",
    "tables_in_place",
    "grits_top",
    "grits_con",
    "teds",
    "false_alarms",
)
PAIR_METRICS = (
    "cell_accuracy",
    "cell_accuracy_before",
    "wholly_right",
    "accepted",
    "silent_errors",
    "figure_cer",
)
AXIS_TITLES = {
    "severity": "By severity",
    "input": "By kind of input",
    "form": "By form",
    "tool": "By the tool that broke the text",
    "fault": "By fault",
    "renderer": "By what printed it",
    "scale": "By size of the office",
}


def render_page(summary: Mapping[str, Any], cases: Sequence[Case]) -> str:
    """The page; `cases` are the documents that pictures of cells are cut from."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": show_share, "number": show_number, "interval": show_interval}
    ours = summary["readers"][0]
    known = {case.name: case for case in cases}
    return environment.get_template("page.html").render(
        summary=summary,
        ours=ours,
        readers=summary["readers"],
        colors=plots.COLORS,
        headlines=HEADLINES,
        pair_metrics=PAIR_METRICS,
        metric_groups=METRIC_GROUPS,
        group_metrics=[key for key in GROUP_METRICS if _is_known(ours, key)],
        axes={axis: title for axis, title in AXIS_TITLES.items() if ours["by"].get(axis)},
        plots={name: Markup(svg) for name, svg in _draw_plots(summary).items()},
        forms=[_lay_out_form(name, counts) for name, counts in ours["by_cell"].items()],
        wrong=_with_pictures(ours["wrong_cells"], known, MAX_CROPS),
        mended=_with_pictures(ours["mended_cells"], known, MAX_MENDED_CROPS),
        failed=[f for f in ours["files"] if f["status"] == "failed"],
        silent=[f for f in ours["files"] if f["silent_errors"]],
        at=lambda *path: _at(summary, path),
        nothing=NOTHING,
    )


def _draw_plots(summary: Mapping[str, Any]) -> dict[str, str]:
    readers = summary["readers"]
    ours = readers[0]
    drawn = {
        "risk": plots.plot_risk_coverage(readers),
        "reliability": plots.plot_reliability(ours, "cells"),
        "report_reliability": plots.plot_reliability(ours, "reports"),
        "confusion": plots.plot_confusion(ours["confusion"]),
    }
    for axis in ("severity", "input"):
        if len(ours["by"][axis]) > 1:
            metrics = [(key, summary["metrics"][key]["name"]) for key in ("cell_accuracy", "wholly_right")]
            drawn[axis] = plots.plot_groups(readers, axis, metrics)
    if any(times["stages_ms_per_page"] for times in ours["cost"]["by_input"].values()):
        drawn["stages"] = plots.plot_stages(ours["cost"]["by_input"])
    return drawn


def _is_known(reader: Mapping[str, Any], key: str) -> bool:
    rate = reader["metrics"][key]
    return rate["value"] is not None


def _at(summary: Mapping[str, Any], path: Sequence[Any]) -> Any:
    """What stands at a path of keys and list places."""
    found: Any = summary
    for key in path:
        found = found[key]
    return found


def _lay_out_form(name: str, counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """The form's tables as rows of cells, with how often each figure was right."""
    form = load_forms()[name]
    tables = []
    for table in form.tables:
        grid = form_grid(table)
        rows: list[list[dict[str, Any]]] = [[] for _ in range(grid.n_rows)]
        for cell in grid.cells:
            count = counts.get(cell.key) if cell.key else None
            rows[cell.row_start].append(
                {
                    "text": cell.text,
                    "role": cell.role,
                    "rowspan": cell.row_stop - cell.row_start,
                    "colspan": cell.column_stop - cell.column_start,
                    "count": count,
                    "name": form.cells[cell.key].name if cell.key else "",
                    # A few errors must show beside many: the root lifts them.
                    "shade": (1 - count["right"] / count["n"]) ** 0.5 if count else 0.0,
                }
            )
        tables.append({"title": table.title[0], "key": table.key, "rows": rows})
    n_documents = max((count["n"] for count in counts.values()), default=0)
    return {"name": name, "documents": n_documents, "tables": tables}


def _with_pictures(
    cells: Sequence[Mapping[str, Any]], known: Mapping[str, Case], n: int
) -> list[dict[str, Any]]:
    """The first `n` cells that have something to show; silent errors in any case.

    A document has at most a quarter of them, so that one bad page does not fill the list.
    """
    shown: list[dict[str, Any]] = []
    for cell in cells:
        if len(shown) == n:
            break
        case = known[cell["document"]]
        if sum(s["document"] == cell["document"] for s in shown) >= max(n // 4, 1):
            continue
        places = case.gold.cells[cell["key"]].places
        picture = crop_cell(case, places[0]) if places else None
        line = quote_line(case, places[0].line) if places and places[0].line else None
        if picture or line or cell["silent"]:
            shown.append({**cell, "picture": picture, "quote": line})
    return shown
