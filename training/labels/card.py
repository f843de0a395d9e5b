"""What a trained classifier says of itself: its card, and a picture of its confusions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from training.labels.examples import Example


def write_confusion(
    examples: Sequence[Example], log_probs: Sequence[np.ndarray], labels: Sequence[str], path: Path
) -> None:
    """Rows are gold labels, columns predicted ones, each row's shares by colour on a logarithmic scale."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure
    from sklearn.metrics import confusion_matrix

    ids = {label: i for i, label in enumerate(labels)}
    gold = [ids[label] for example in examples for label in example.labels]
    best = np.concatenate([part.argmax(axis=1) for part in log_probs if len(part)])
    counts = confusion_matrix(gold, best, labels=range(len(labels))).astype(float)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    figure = Figure(figsize=(13, 13), dpi=110, layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(np.where(shares > 0, shares, np.nan), norm=LogNorm(1e-4, 1), cmap="viridis_r")
    names = [
        label.split(":", 1)[-1] if label.isascii() else f"{label.split(':')[0]} {i}"
        for i, label in enumerate(labels)
    ]
    axes.set_xticks(range(len(labels)), names, rotation=90, fontsize=5)
    axes.set_yticks(range(len(labels)), names, fontsize=5)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    figure.colorbar(picture, ax=axes, shrink=0.5, label="share of the gold label's tokens")
    figure.savefig(path, metadata={"Software": None})


def write_card(record: dict[str, Any], path: Path) -> None:
    """A Markdown card: data, seeds, scores, limits, licence."""
    config, data = record["config"], record["data"]
    seed, read = config["seed"], [config["data"].get(key) for key in ("scans", "validation_scans")]
    scan_seed = config["data"].get("scan_seed", seed + 2)
    rows = [
        f"| {'scans as OCR reads them' if level == 'read' else level} | {s['n_tokens']:,}"
        f" | {s['accuracy']:.4f} | {s['f1']:.4f} | {s['header_f1']:.4f}"
        f" | {s['ece']:.4f} |"
        for level, s in record["scores"].items()
    ]
    text = _CARD.substitute(
        millions=f"{record['parameters'] / 1e6:.2f}",
        layers=config["model"]["layers"],
        hidden=config["model"]["hidden"],
        licence=_licence(record),
        start=_start(record),
        pages=f"{data['pages']:,}",
        tokens=f"{data['tokens']:,}",
        profile=config["data"]["profile"],
        sources=", ".join(f"{name} {n}" for name, n in data["sources"].items()),
        negatives=f"{config['data']['negatives']:.0%}",
        hash=data["sha256"][:16],
        seed=config["seed"],
        scans=f"; scans, profile `label-scans`, seed {scan_seed}, as OCR reads them" if read[0] else "",
        other_seeds=f"seed {seed + 1}" + (f", scans seed {scan_seed + 1}" if read[1] else ""),
        steps=record["steps"],
        best=record["best_step"],
        batch=config["run"]["batch"],
        minutes=record["minutes"],
        device=record["device"],
        gap=f"{record['onnx_gap']:.0e}",
        temperature=f"{record['temperature']:.2f}",
        rows="\n".join(rows),
    )
    path.write_text(text, encoding="utf-8")


def _licence(record: dict[str, Any]) -> str:
    base = record["config"]["model"].get("pretrained")
    return f"that of {Path(base).name}, whose weights it began with" if base else "Apache-2.0, as the project"


def _start(record: dict[str, Any]) -> str:
    """A successor goes on from a trained model, whatever that one began with."""
    if record["started_from"]:
        return f"the label model {record['started_from']}"
    base = record["config"]["model"].get("pretrained")
    return f"the text model {Path(base).name}" if base else "random weights"


_CARD = Template("""\
# Labels of rows, columns, titles and figures

A token classifier of the LiLT family ($millions million weights, $layers layers of $hidden): for every token
of a page the probability of each label of the statutory forms.

- Licence: $licence. Started from: $start.
- Data: $pages pages, $tokens tokens, the made-up ones as `giar synth` makes them (profile `$profile`,
  seed $seed$scans): $sources. $negatives of the windows are pages that are no such form. Noise of OCR and of
  text tools is put on while training. sha256 of the examples: `$hash…`. No seed or report of eval/fixtures is
  among them.
- Made by `giar train`: $steps steps of $batch windows in $minutes min ($device); the weights of step $best
  are kept, in half precision. ONNX and torch differ by at most $gap.

Scores on validation pages of the same maker ($other_seeds), by level of noise (1 is as bad as faxes, photos
and broken dumps get); tokens, micro-averaged; ECE in 15 bins at temperature $temperature:

| noise | tokens | accuracy | F1 | F1 of headers | ECE |
|---:|---:|---:|---:|---:|---:|
$rows

The scores that count, on what OCR really reads, are in eval/RESULTS.md.

Limits: it knows the wording of the forms of 2019 and 2021 and what offices were seen to make of it. Column
names of an office's own, or a table turned on its side, need `giar retrain` with some annotated reports. It
labels tokens as they were read: one that OCR has lost, or run together with its neighbour, stays so.
""")
