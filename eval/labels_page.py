"""The labels of the labellers as one page of HTML: styles and plots are inside it, nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval import plots
from eval.words import NOTHING, show_interval, show_number, show_share


def render_labels(summary: Mapping[str, Any]) -> str:
    """The page of what `eval.label_summary.summarise` gives."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": show_share, "interval": show_interval, "number": show_number}
    curves = {
        title: {name: found[key] for name, found in summary["calibration"].items()}
        for title, key in (("All tokens", "reliability"), ("Headers", "header_reliability"))
    }
    return environment.get_template("labels.html").render(
        summary=summary,
        names=list(summary["labellers"]),
        colors=plots.COLORS,
        reliability=Markup(plots.plot_reliability_curves(curves)),
        nothing=NOTHING,
    )
