"""Labelled scans, turned or made coarser: are they read as well as before?

python -m eval.turn_scans FOLDER OUT [--turn 90] [--dpi 100]

Writes the PDF scans of a folder with their gold into another, as TIFF, so that nothing else is lost, for
`giar evaluate` to read. A page turns as a whole sheet does that was laid on the glass the other way; a
coarser one is what a device with fewer dots to the inch had given.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from giar_ml.annotations.gold import Gold, GoldPage, Warp, gold_path
from giar_ml.load import load
from training import warp
from training.degrade import Scan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--turn", type=int, choices=(0, 90, 180, 270), default=0, help="degrees clockwise")
    parser.add_argument("--dpi", type=float, help="of the scans, where theirs are finer")
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    for path in sorted(options.folder.glob("*.pdf")):
        gold = Gold.read(gold_path(path))
        images = [page.image for page in load(path).pages if page.image is not None]
        if len(images) == len(gold.pages):
            scan, moved = turn_scan(images, gold, degrees=options.turn, dpi=options.dpi)
            moved.write(gold_path(write_tiff(scan, options.out / f"{path.stem}.tif")))


def write_tiff(scan: Scan, path: Path) -> Path:
    """Write a scan without loss."""
    first, *others = [Image.fromarray(page) for page in scan.pages]
    first.save(path, save_all=True, append_images=others, compression="tiff_deflate", dpi=(scan.dpi,) * 2)
    return path


def turn_scan(
    images: list[np.ndarray], gold: Gold, *, degrees: int, dpi: float | None = None
) -> tuple[Scan, Gold]:
    """The pages of a scan turned clockwise, at `dpi` where they are finer, and their gold."""
    own = gold.pages[0].dpi or 0.0
    scale = min(1.0, dpi / own) if dpi and own else 1.0
    scanned: list[np.ndarray] = []
    warps: list[Warp] = []
    for image in images:
        turned, moved = warp.turn(image, degrees=degrees)
        if scale < 1:
            turned, resized = warp.resize(turned, scale=scale)
            moved = warp.chain(moved, resized)
        scanned.append(turned)
        warps.append(moved)
    pages = [
        GoldPage(number, float(image.shape[1]), float(image.shape[0]), own * scale)
        for number, image in enumerate(scanned, start=1)
    ]
    faults = [f"rotated:{degrees}"] * bool(degrees) + ["coarse"] * (scale < 1)
    origin = {**gold.origin, "faults": [*gold.origin.get("faults", ()), *faults]}
    return Scan(tuple(scanned), own * scale, tuple(faults)), replace(gold.moved(pages, warps), origin=origin)


if __name__ == "__main__":
    main()
