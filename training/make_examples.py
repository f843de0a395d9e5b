"""Make the example inputs of the demo: `python -m training.make_examples`."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from giar_ml.forms import Form, load_form
from training import marks
from training.dumps import text_002
from training.figures import Figure, broken_sums, complete_figures, free_cells, sample_figures
from training.filling import Filling
from training.grid import show_figure
from training.printing import PrintJob, print_reports, render, scale_gold
from training.prose import sample_prose
from training.style import Style

EXAMPLES = Path(__file__).parents[1] / "examples"
SCAN_SEED = 20_240
BROKEN_SEED = 20_250
SCAN_DPI = 200
FIXED_TIME = time.struct_time((2026, 1, 15, 9, 0, 0, 3, 15, 0))
ORGANISATION, SCAN_YEAR = "栖云县人民政府", 2024

# Figures that an office of this size would publish; the sums fill in the rest.
SCAN_ADDENDS: dict[str, int] = {
    "requests.granted.natural_person": 31,
    "requests.granted.enterprise": 4,
    "requests.granted.other_organization": 1,
    "requests.partly_granted.natural_person": 8,
    "requests.partly_granted.enterprise": 2,
    "requests.refused.third_party_rights.natural_person": 2,
    "requests.refused.internal_affairs.natural_person": 3,
    "requests.refused.process_information.natural_person": 5,
    "requests.refused.process_information.legal_services": 1,
    "requests.refused.enforcement_files.natural_person": 6,
    "requests.refused.administrative_query.natural_person": 1,
    "requests.unavailable.not_held.natural_person": 26,
    "requests.unavailable.not_held.enterprise": 5,
    "requests.unavailable.not_held.social_organization": 2,
    "requests.unavailable.needs_creation.natural_person": 9,
    "requests.unavailable.still_unclear.natural_person": 1,
    "requests.not_processed.petition.natural_person": 7,
    "requests.not_processed.duplicate.natural_person": 2,
    "requests.other.not_corrected_in_time.natural_person": 4,
    "requests.other.other.natural_person": 3,
    "requests.other.other.enterprise": 1,
    "requests.carried_out.natural_person": 5,
    "requests.carried_out.enterprise": 1,
    "reviews.reconsideration.upheld": 6,
    "reviews.reconsideration.overturned": 1,
    "reviews.reconsideration.other": 2,
    "reviews.direct_litigation.upheld": 3,
    "reviews.direct_litigation.pending": 1,
    "reviews.litigation_after_reconsideration.upheld": 4,
    "reviews.litigation_after_reconsideration.other": 1,
}
# What the office printed wrongly: a total never filled in, and one not updated.
SCAN_MISPRINTS: dict[str, int] = {
    "reviews.reconsideration.total": 0,
    "requests.granted.total": 35,
}
# What happened to the paper; the cells that a mark covers.
FLAGGED = "requests.refused.administrative_query.natural_person"
NICKED = "requests.partly_granted.natural_person"
FADED = "requests.unavailable.not_held.enterprise"
BLOTTED = "requests.refused.enforcement_files.natural_person"
STRUCK = ("requests.not_processed.petition.natural_person", "requests.not_processed.petition.enterprise")
SEALED = (
    "reviews.litigation_after_reconsideration.upheld",
    "reviews.litigation_after_reconsideration.overturned",
    "reviews.litigation_after_reconsideration.other",
)
BROKEN_MISPRINTS: dict[str, int] = {"reviews.direct_litigation.total": 0}


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES
    out.mkdir(parents=True, exist_ok=True)
    pdf, scan_gold = make_scan()
    text, broken_gold = make_broken()
    (out / "scan.pdf").write_bytes(pdf)
    (out / "broken.txt").write_text(text, encoding="utf-8")
    for name, gold in (("scan", scan_gold), ("broken", broken_gold)):
        lines = json.dumps(gold, ensure_ascii=False, indent=1, default=_as_string)
        (out / f"{name}.gold.json").write_text(lines + "\n", encoding="utf-8")


def scan_figures(form: Form) -> dict[str, Figure]:
    """The lawful figures of the scanned report."""
    rng = np.random.default_rng(SCAN_SEED)
    addends, _ = free_cells(form)
    figures: dict[str, Figure] = {key: SCAN_ADDENDS.get(key, 0) for key in addends}
    figures |= {
        "disclosure.regulations.issued": 0,
        "disclosure.regulations.repealed": 0,
        "disclosure.regulations.in_force": 0,
        "disclosure.normative_documents.issued": 7,
        "disclosure.normative_documents.repealed": 3,
        "disclosure.normative_documents.in_force": 48,
        "disclosure.licensing.decisions": 18_326,
        "disclosure.penalties.decisions": 2_947,
        "disclosure.coercion.decisions": 113,
        "disclosure.fees.amount": Decimal("6214.75"),
    }
    return complete_figures(form, figures, rng, share=(0.03, 0.06))


def make_scan() -> tuple[bytes, dict[str, Any]]:
    """A three-page scan with misprints and damaged figures, and its gold."""
    form = load_form("2021")
    rng = np.random.default_rng(SCAN_SEED)
    lawful = scan_figures(form)
    printed = {**lawful, **SCAN_MISPRINTS}
    prose = sample_prose(rng, organisation=ORGANISATION, year=SCAN_YEAR, stated=lawful)
    texts = {key: show_figure(figure) for key, figure in printed.items()}
    filling = Filling(form, printed, texts, {key: lawful[key] for key in SCAN_MISPRINTS}, prose)
    [(print_pdf, gold)] = print_reports([PrintJob(filling, Style(), "libreoffice")])
    pages = render(print_pdf, SCAN_DPI)
    cells = {key: cell.places[0] for key, cell in scale_gold(gold, SCAN_DPI).cells.items()}
    sheet = {key: pages[(place.page or 1) - 1] for key, place in cells.items()}
    ink = {key: marks.find_ink(sheet[key], place.bbox) for key, place in cells.items() if place.bbox}
    marks.add_flag(sheet[FLAGGED], ink[FLAGGED])
    marks.nick(sheet[NICKED], ink[NICKED])
    marks.fade(sheet[FADED], ink[FADED])
    marks.blot(sheet[BLOTTED], ink[BLOTTED], rng)
    marks.stroke(sheet[STRUCK[0]], ink[STRUCK[0]], ink[STRUCK[1]], rng)
    x, y = ink[SEALED[1]].center
    marks.seal(sheet[SEALED[1]], (x, y + 60), 120)
    damage = {FLAGGED: "flag", NICKED: "nick", FADED: "faint", BLOTTED: "blot"}
    damage |= dict.fromkeys(STRUCK, "pen stroke") | dict.fromkeys(SEALED, "seal")
    pdf = images_to_pdf([copy_page(page, rng) for page in pages], SCAN_DPI)
    return pdf, _gold("scan.pdf", form, SCAN_YEAR, ORGANISATION, printed, lawful) | {"damaged": damage}


def copy_page(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What an office copier makes of a page: a tiny skew, softness, uneven paper, specks and noise."""
    ink: np.ndarray = page.astype(np.float32)
    height, width = ink.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-0.5, 0.5)), 1.0)
    matrix[:, 2] = matrix[:, 2] + rng.uniform(-4, 4, 2)
    ink = cv2.warpAffine(ink, matrix, (width, height), borderValue=(255, 255, 255))
    ink = cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.5, 0.8)))
    shade = np.linspace(rng.uniform(0.93, 0.98), rng.uniform(0.98, 1.0), width)[None, :, None]
    ink = (255 - (255 - ink) * rng.uniform(0.82, 0.95)) * shade
    for _ in range(int(rng.integers(8, 25))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(ink, centre, int(rng.integers(1, 3)), [float(rng.uniform(60, 180))] * 3, -1)
    noise = rng.normal(0, 4.0, ink.shape[:2])[..., None]
    return np.clip(ink + noise, 0, 255).astype(np.uint8)


def images_to_pdf(pages: list[np.ndarray], dpi: float, *, quality: int = 60) -> bytes:
    """JPEG pages in a PDF without text; pages without colour are stored grey."""
    images = []
    for page in pages:
        colourful = int((page.max(axis=2).astype(int) - page.min(axis=2)).max()) > 40
        image = Image.fromarray(page)
        images.append(image if colourful else image.convert("L"))
    buffer = io.BytesIO()
    # A fixed date: the same seed gives the same file.
    images[0].save(
        buffer,
        "PDF",
        save_all=True,
        append_images=images[1:],
        resolution=dpi,
        quality=quality,
        creationDate=FIXED_TIME,
        modDate=FIXED_TIME,
    )
    return buffer.getvalue()


def make_broken() -> tuple[str, dict[str, Any]]:
    """A text dump that lost column 其他, whose figures the sums still determine, and its gold.

    Rows of five figures lost their total too: 其他 is 0 there, which only the whole column proves.
    """
    form = load_form("2021")
    rng = np.random.default_rng(BROKEN_SEED)
    figures = sample_figures(form, rng, "county", nonzero=True)
    addends, alone = free_cells(form)
    kept = {key: figures[key] for key in (*addends, *alone)}
    for key in kept:
        if key.startswith(("requests.unavailable", "requests.not_processed", "requests.other.")):
            kept[key] = 0 if key.endswith("other_organization") else kept[key]
    lawful = complete_figures(form, kept, rng, share=(0.1, 0.2))
    printed = {**lawful, **BROKEN_MISPRINTS}
    dump = text_002(printed, rng, stated=lawful)
    gold = _gold("broken.txt", form, dump.year, dump.organisation, printed, lawful)
    return dump.text, gold | {"lost": [key for key in form.cells if key in dump.lost]}


def _gold(
    file: str,
    form: Form,
    year: int,
    organisation: str,
    printed: Mapping[str, Figure],
    lawful: Mapping[str, Figure],
) -> dict[str, Any]:
    misprints = {key: figure for key, figure in lawful.items() if printed[key] != figure}
    return {
        "file": file,
        "form": form.name,
        "organisation": organisation,
        "year": year,
        "misprints": misprints,
        "broken_sums": [s.id for s in broken_sums(form, printed)],
        "printed": dict(printed),
        "lawful": dict(lawful),
    }


def _as_string(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value))


if __name__ == "__main__":
    main()
