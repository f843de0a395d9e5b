"""The pages of a corpus as pictures: a contact sheet, and exports for tools that annotate pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageSequence

from giar_ml.annotations.export import export_golds
from giar_ml.annotations.gold import Gold, gold_path
from training.contact_sheet import contact_sheet
from training.printing import render, scale_gold

PICTURED = (".pdf", ".tif")
DIGITAL_DPI = 150


def page_pictures(path: Path, gold: Gold) -> list[np.ndarray]:
    """The pages of a PDF or TIFF, (H, W, 3) uint8 RGB, as large as the gold says."""
    if path.suffix == ".tif":
        with Image.open(path) as image:
            return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    dpi = gold.pages[0].dpi or 72
    pages = render(path, max(dpi, 1))
    return [
        cv2.resize(page, (round(g.width), round(g.height)), interpolation=cv2.INTER_AREA)
        if (round(g.width), round(g.height)) != page.shape[1::-1]
        else page
        for page, g in zip(pages, gold.pages, strict=True)
    ]


def write_contact_sheet(paths: Sequence[Path], target: Path, *, n: int) -> bool:
    """One page of each of `n` documents, evenly spread: the page that shows most figures. False when none
    of them has pages, and nothing was written."""
    pictured = [path for path in paths if path.suffix in PICTURED]
    chosen = [pictured[i * len(pictured) // n] for i in range(n)] if len(pictured) > n else pictured
    pictures = []
    for path in chosen:
        gold = Gold.read(gold_path(path))
        if gold.kind == "digital":
            gold = scale_gold(gold, DIGITAL_DPI)
        shown = [place.page for cell in gold.cells.values() for place in cell.places]
        page = max(set(shown), key=shown.count) if shown else 1
        what = gold.origin.get("severity") or gold.kind
        caption = f"{path.stem.split('-')[1]} {what} {gold.form} {gold.origin.get('renderer', '')}"
        pictures.append((caption, page_pictures(path, gold)[(page or 1) - 1]))
    if not pictures:
        return False
    sheet = contact_sheet(pictures)
    Image.fromarray(sheet).save(target, quality=85)
    return True


def export_corpus(paths: Sequence[Path], folder: Path, name: str) -> int:
    """Write the pages of all documents that have pages as pictures, with their gold in another format;
    returns the number of documents. Texts, Word files and web pages have no pages."""
    pictures = folder / "pages"
    pictures.mkdir(parents=True, exist_ok=True)
    golds = []
    for path in paths:
        if path.suffix not in PICTURED:
            continue
        gold = Gold.read(gold_path(path))
        if gold.kind == "digital":
            gold = scale_gold(gold, DIGITAL_DPI)
        files = []
        for number, page in enumerate(page_pictures(path, gold), start=1):
            files.append(pictures / f"{path.stem}-{number}.jpg")
            Image.fromarray(page).save(files[-1], quality=90)
        golds.append((gold, files))
    if golds:
        export_golds(golds, folder, name)
    return len(golds)
