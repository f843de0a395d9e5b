"""What OCR read in made-up scans, kept in the repository: a run need not read them, and learns from the same
whatever has become of the reader.

`python -m training.labels.datasets training/labels/labels.toml` reads them anew.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from giar_ml.document import BBox
from giar_ml.errors import UsageError
from training.labels.examples import Example, Item

KEPT = Path(__file__).parent / "read"


def kept_file(seed: int, n: int, *, folder: Path = KEPT) -> Path:
    """Where what was read in the scans of a seed lies, if it is kept."""
    return folder / f"scans-{seed}-{n}.jsonl.xz"


def write_kept(examples: Sequence[Example], path: Path) -> None:
    """A line per example: its tokens, boxes and confidences rounded as far as a labeller tells them apart."""
    lines = []
    for example in examples:
        items = [
            [item.text, [round(x, 1) for x in item.bbox], item.label, round(item.confidence, 3)]
            for item in example.items
        ]
        data = {"source": example.source, "paper": example.paper, "noise": example.noise, "items": items}
        lines.append(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress("".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))


def read_kept(path: Path) -> list[Example]:
    """The examples of a file that `write_kept` wrote.

    Raises:
        UsageError: it is no such file.
    """
    try:
        lines = lzma.decompress(path.read_bytes()).decode().splitlines()
        return [_example(json.loads(line)) for line in lines]
    except (OSError, lzma.LZMAError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); check it out anew, or delete it") from error


def _example(data: dict[str, Any]) -> Example:
    items = tuple(Item(text, BBox(*bbox), label, sure) for text, bbox, label, sure in data["items"])
    return Example(items, data["paper"], data["source"], data["noise"])
