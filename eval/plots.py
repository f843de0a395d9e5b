"""Plots as SVG to stand inside a page: they take its font, and its ink as `currentColor`."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

COLORS = ("#3d78c2", "#d98a36", "#5f9e6e", "#b0668a", "#8a8f98")
"""Of the readers in their order; legible on white and on near black."""
STAGE_COLORS = {
    "load": "#8a8f98",
    "structure": "#5f9e6e",
    "ocr": "#3d78c2",
    "label": "#b0668a",
    "solve": "#d98a36",
}
_LEAST_STATED = 1e-5  # less is drawn there
_INK = "#010203"  # becomes currentColor
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


@matplotlib.rc_context(_STYLE)
def plot_risk_coverage(readers: Sequence[Mapping[str, Any]]) -> str:
    """Share of wrong ones among those accepted, surest first: cells, and whole reports."""
    figure = _figure(7.3, 3.3)
    for place, (what, title) in enumerate((("cells", "Cells"), ("reports", "Whole reports")), start=1):
        axes = figure.add_subplot(1, 2, place)
        highest = 0.0
        for color, reader in zip(_colors(), readers, strict=False):
            curve = reader["calibration"][what]
            if curve["aurc"] is None:
                continue
            coverage, risk = curve["coverage"], curve["risk"]
            axes.step(coverage, risk, where="post", color=color, label=reader["name"], lw=1.7)
            axes.plot(coverage[-1:], risk[-1:], "o", color=color, ms=4)
            highest = max(highest, *risk)
        axes.set_title(title, fontsize=10.5, loc="left", fontweight="bold")
        axes.set_xlim(0, 1.02)
        top = max(1.12 * highest, 0.002)
        axes.set_ylim(-0.03 * top, top)
        axes.set_xlabel("coverage")
        axes.set_ylabel("risk: share wrong")
        axes.xaxis.set_major_formatter(FuncFormatter(_percent))
        axes.yaxis.set_major_formatter(FuncFormatter(_percent))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        _grid(axes)
        if len(readers) > 1 and place == 1:
            axes.legend(loc="upper left")
    return _to_svg(figure, "risk")


@matplotlib.rc_context(_STYLE)
def plot_reliability(reader: Mapping[str, Any], what: Literal["cells", "reports"]) -> str:
    """How often cells, or whole reports, are wrong by how often they should be, on log scales: most
    confidences are near 1."""
    bins = reader["calibration"]["stated_error" if what == "cells" else "stated_error_of_reports"]
    figure = _figure(3.5, 3.3)
    axes = figure.add_subplot()
    lowest = min([1e-4, *(max(b["stated"], _LEAST_STATED) for b in bins), *(b["high"] for b in bins)]) / 1.5
    axes.plot([lowest, 1], [lowest, 1], color=_INK, lw=0.8, ls=(0, (4, 3)), alpha=0.5)
    for b in bins:
        x = max(b["stated"], _LEAST_STATED)
        axes.vlines(x, max(b["low"], lowest), b["high"], color=COLORS[0], lw=1.3, alpha=0.7)
        if b["observed"]:
            axes.plot([x], [b["observed"]], "o", color=COLORS[0], ms=5)
        else:
            axes.plot([x], [b["high"]], "v", color=COLORS[0], ms=5, mfc="none")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(lowest, 1.3)
    axes.set_ylim(lowest, 1.3)
    ticks = [10.0**power for power in range(-5, 1) if 10.0**power >= lowest]
    for side in (axes.xaxis, axes.yaxis):
        side.set_major_locator(FixedLocator(ticks))
        side.set_minor_locator(NullLocator())
        side.set_major_formatter(FuncFormatter(lambda value, place: _percent(value, place).rstrip(" %")))
    axes.set_xlabel("error stated, % (1 − confidence)")
    axes.set_ylabel("error observed, %")
    _grid(axes, "both")
    return _to_svg(figure, f"reliability-{what}")


@matplotlib.rc_context(_STYLE)
def plot_reliability_curves(panels: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> str:
    """Share right by confidence: a panel per title, in it the bins (`confidence`, `accuracy`, `n`) of each
    name; the larger the dot, the more cases."""
    figure = _figure(3.65 * len(panels), 3.3)
    for place, (title, curves) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(1, len(panels), place)
        axes.plot([0, 1], [0, 1], color=_INK, lw=0.8, ls=(0, (4, 3)), alpha=0.5)
        for color, (name, bins) in zip(_colors(), curves.items(), strict=False):
            x, y = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
            total = max(sum(b["n"] for b in bins), 1)
            axes.plot(x, y, color=color, lw=1.4, label=name)
            axes.scatter(x, y, s=[10 + 90 * (b["n"] / total) ** 0.5 for b in bins], color=color, lw=0)
        axes.set_title(title, fontsize=10.5, loc="left", fontweight="bold")
        axes.set_xlim(0, 1.03)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel("confidence")
        axes.set_ylabel("share right")
        for side in (axes.xaxis, axes.yaxis):
            side.set_major_formatter(FuncFormatter(_percent))
        _grid(axes, "both")
        if place == 1:
            axes.legend(loc="upper left")
    return _to_svg(figure, "curves")


@matplotlib.rc_context(_STYLE)
def plot_confusion(confusion: Mapping[str, Any]) -> str:
    """Which digit was read as which; the diagonal is left out of the colour scale."""
    matrix = np.array(confusion["matrix"], dtype=float)
    names = [*confusion["alphabet"], "none"]
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    figure = _figure(5.3, 4.6)
    axes = figure.add_subplot()
    shades = LinearSegmentedColormap.from_list("wrong", ["#c8452f00", "#c8452fd8"])
    axes.imshow(wrong, cmap=shades, vmin=0, vmax=max(wrong.max(), 1))
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            right = row == column
            axes.text(
                column, row, _short(count), ha="center", va="center", fontsize=8, alpha=0.55 if right else 1.0
            )
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.set_xlabel("read")
    axes.set_ylabel("printed")
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(-0.5, len(names)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(names)), minor=True)
    axes.grid(which="minor", color=_INK, alpha=0.12, lw=0.6)
    axes.tick_params(which="minor", length=0)
    return _to_svg(figure, "confusion")


@matplotlib.rc_context(_STYLE)
def plot_groups(readers: Sequence[Mapping[str, Any]], axis: str, metrics: Sequence[tuple[str, str]]) -> str:
    """Metrics (key, title) by group, readers side by side, with their intervals."""
    groups = list(readers[0]["by"][axis])
    figure = _figure(11.3, 3.0)
    for place, (key, title) in enumerate(metrics, start=1):
        axes = figure.add_subplot(1, len(metrics), place)
        width = min(0.8 / len(readers), 0.16)
        lowest = 1.0
        for i, (color, reader) in enumerate(zip(_colors(), readers, strict=False)):
            for x, group in enumerate(groups):
                rate = reader["by"][axis].get(group, {}).get("metrics", {}).get(key)
                if rate is None or rate["value"] is None:
                    continue
                at = x + (i - (len(readers) - 1) / 2) * width
                axes.plot([at], [rate["value"]], "o", color=color, ms=7, label=reader["name"])
                if rate["low"] is not None:
                    axes.vlines(at, rate["low"], rate["high"], color=color, lw=3.0, alpha=0.45)
                lowest = min(lowest, rate["value"] if rate["low"] is None else rate["low"])
        bottom = max(np.floor((lowest - 0.02) * 20) / 20, 0.0) if lowest > 0.6 else 0.0
        axes.set_xlim(-0.5, len(groups) - 0.5)
        axes.set_ylim(bottom - (1 - bottom) * 0.04, 1.0 + (1 - bottom) * 0.05)
        axes.set_xticks(range(len(groups)), groups)
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_major_formatter(FuncFormatter(_percent))
        axes.set_title(title, fontsize=10.5, loc="left", fontweight="bold")
        _grid(axes)
        if len(readers) > 1 and place == 1:
            handles, labels = axes.get_legend_handles_labels()
            unique = dict(zip(labels, handles, strict=True))
            figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=len(unique))
    return _to_svg(figure, f"groups-{axis}")


@matplotlib.rc_context(_STYLE)
def plot_stages(by_input: Mapping[str, Mapping[str, Any]]) -> str:
    """Milliseconds per page of each stage, one bar per kind of input."""
    rows = [
        (name, times["stages_ms_per_page"]) for name, times in by_input.items() if times["stages_ms_per_page"]
    ]
    figure = _figure(11.3, 1.1 + 0.36 * len(rows))
    axes = figure.add_subplot()
    stages = list(dict.fromkeys(stage for _, stages in rows for stage in stages))
    left = np.zeros(len(rows))
    for i, stage in enumerate(stages):
        ms = np.array([stages.get(stage, 0.0) for _, stages in rows])
        color = STAGE_COLORS.get(stage, COLORS[i % len(COLORS)])
        axes.barh(range(len(rows)), ms, 0.62, left=left, color=color, label=stage)
        left += ms
    for row, total in enumerate(left):
        axes.annotate(
            f"{total:,.0f} ms", (total, row), (5, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.13 * max(left.max(initial=0.0), 1.0))
    axes.set_xlabel("milliseconds per page")
    _grid(axes, "x")
    figure.legend(loc="outside upper left", ncols=len(stages))
    return _to_svg(figure, "stages")


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _colors() -> list[str]:
    return list(COLORS) * 4


def _grid(axes: Axes, axis: Any = "y") -> None:
    axes.grid(axis=axis, color=_INK, alpha=0.12, lw=0.6)
    axes.set_axisbelow(True)


def _percent(value: float, _place: int) -> str:
    text = f"{100 * value:.4f}"
    return text.rstrip("0").rstrip(".") + " %"


def _short(count: float) -> str:
    return (
        f"{count:.0f}"
        if count < 1000
        else f"{count / 1000:.0f}k"
        if count >= 10_000
        else f"{count / 1000:.1f}k"
    )


def _to_svg(figure: Figure, name: str) -> str:
    """The <svg> element alone; ids differ from those of plots of other names."""
    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # would hold for the whole page
    svg = re.sub(r"font-family: [^;\"]*;", "", svg)
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    return re.sub(
        r'(\bid="|url\(#|href="#)([^")]+)', lambda m: m[1] + (f"{name}-{m[2]}" if m[2] in ids else m[2]), svg
    )
