"""The model card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.figure_reader.scoring import Scores


def write_card(record: Mapping[str, Any], metrics: Mapping[str, Scores], path: Path) -> None:
    config, data = record["config"], record["data"]
    seed = config["seed"]
    rows = "\n".join(
        f"| {name} | {s.n:,} | {s.accuracy:.4f} | {s.empty_accuracy:.4f} | {s.ece:.4f} |"
        for name, s in metrics.items()
    )
    scans = "; ".join(f"{source} {n:,}" for source, n in sorted(data["scans"].items())) or "none"
    run = f"{record['course'][-1]['step']} steps of {config['run']['batch']} crops in"
    run += f" {record['seconds'] / 60:.1f} min ({record['device']})"
    origin = "the weights of an earlier run, see training.json" if record["start_from"] else "random weights"
    where = f"profile `label-scans`, seed {seed}"
    text = f"""# Figures in table cells

A convolutional network with CTC posteriors ({record["weights"] / 1e6:.2f} million weights): for a crop of a
line of ink in a table cell, at 178 pixels per inch, the probability of each figure that it may show, and of
none.

- Licence: Apache-2.0, as the project. Started from: {origin}.
- Data: crops of made-up scans ({where}), {scans},
  {data["empty"]:,} of them without a figure (dirt, rests of rules, bare paper);
  {data["rendered"]:,} figures rendered from fonts. All are shifted, blurred, thresholded, soiled and
  so on while training. sha256 of the crops:
  `{data["sha256"][:16]}…`.
- Made by `python -m training.train_figures`: {run};
  the weights of the best validation are kept. ONNX and torch differ by at most {record["onnx_gap"]:.0e}.

Scores on {data["validation"]:,} crops of validation scans (seed {seed + 1}), by severity; ECE in 15 bins of
the best reading's probability, at temperature {record["temperature"]:g}, which was fitted on the same crops:

| scans | crops | figures right | figure or none right | ECE |
|---|---:|---:|---:|---:|
{rows}

Limits: it knows `0-9 . , - + 减` and nothing else. Words, units and notes in a cell it reads as whatever
digits they look like, or as nothing: whoever asks must know that a figure is expected. Print only, no
handwriting.
"""
    path.write_text(text, encoding="utf-8")
