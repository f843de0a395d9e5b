"""Makes eval/fixtures anew: labelled documents of every severity, form, input kind and fault.

python eval/make_fixtures.py OUT

Their seeds are kept for them alone (`training.corpus.FIXTURE_SEEDS`). LibreOffice, Chromium and the fonts of
another machine may wrap lines elsewhere, so the made documents are what is committed and measured on.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from giar_ml.annotations.gold import Gold, gold_path
from giar_ml.forms import load_form
from training.breakage import TOOLS
from training.corpus import FIXTURE_SEEDS, make_documents
from training.degrade import SEVERITIES
from training.dumps import PUBLISHED_STATEMENTS, PUBLISHED_YEARS, SEED_LAYOUTS, published_figures
from training.faults import FAULTS
from training.figures import Figures, Printed, sample_figures
from training.filling import Filling
from training.grid import show_figure
from training.profiles import PROFILES, Profile
from training.prose import sample_prose
from training.spans import split_lines, text_gold

SEED = FIXTURE_SEEDS.start
FORMS_OF_SCANS = ("2021", "2021", "2021", "mixed", "2019")
# One scan each lies on its side or upside down.
TURNED = 2
TURNS = {"office": 90, "fax": 270, "photo": 180}
# Not every text has what a fault acts on: wide gaps, say.
TOOL_OF_FAULT = {"separators": "pdftotext-layout", "padding": "word-text", "blank-lines": "markdown"}
# Wrong totals of table 4 in the report behind layout 004.
PUBLISHED_MISPRINTS: Figures = {
    "reviews.reconsideration.total": 1,
    "reviews.direct_litigation.total": 2,
    "reviews.litigation_after_reconsideration.total": 0,
}


def fixture_profiles() -> Iterator[Profile]:
    """What each fixture is drawn from, in order; the seed layouts come apart."""
    base = replace(PROFILES["mixed"], misprints=0.3, nonzero=0.2)

    def of(output: str, form: str, *, chromium: float = 0.3, faults: tuple[str, ...] | None = ()) -> Profile:
        return replace(base, outputs={output: 1.0}, forms={form: 1.0}, chromium=chromium, faults=faults)

    for severity in SEVERITIES:
        for i, form in enumerate(FORMS_OF_SCANS):
            profile = of(f"scan:{severity}", form, chromium=float(i == 1))
            yield replace(profile, turn=TURNS.get(severity, 0) if i == TURNED else None)
    for output in ("image:office", "image:fax"):
        yield of(output, "2021")
    for output, forms in {
        "digital": ("2021", "2021", "2021", "mixed", "2019"),
        "word": ("2021", "2021", "mixed", "2019"),
        "html": ("2021", "2021", "mixed", "2019"),
    }.items():
        for i, form in enumerate(forms):
            yield of(output, form, chromium=float(i % 2))
    tools = [tool for tool in TOOLS if not tool.startswith("seed-")]
    for i, tool in enumerate(tools):
        yield of(f"text:{tool}", "2021")
        yield of(f"text:{tool}", ("mixed", "2019")[i % 2], faults=None)
    for fault in FAULTS:
        tool = TOOL_OF_FAULT.get(fault, "html-stripped")
        yield replace(of(f"text:{tool}", "2021", faults=(fault,)), blanks=0.0)


def make_fixtures(folder: Path) -> list[Path]:
    """Write all fixtures into an empty folder, with a list of their hashes."""
    plans = [(SEED, number, profile) for number, profile in enumerate(fixture_profiles())]
    paths = make_documents(plans, folder, workers=2)
    paths += list(_make_seed_layouts(folder))
    write_hashes(folder)
    return paths


def _make_seed_layouts(folder: Path) -> Iterator[Path]:
    """The five broken layouts that were seen, as published and with a figure in nearly every cell."""
    form = load_form("2021")
    for number, layout in enumerate(SEED_LAYOUTS):
        for filled in ("published", "refilled"):
            rng = np.random.default_rng([SEED + 1, number])
            if filled == "published":
                printed: Printed = published_figures(number)
                prose = sample_prose(rng, year=PUBLISHED_YEARS[number])
                prose = prose.with_requests(PUBLISHED_STATEMENTS[number])
            else:
                printed = sample_figures(form, rng, "county", nonzero=True)
                prose = sample_prose(rng, stated=printed)
            texts = {key: show_figure(figure) for key, figure in printed.items()}
            misprints = PUBLISHED_MISPRINTS if (number, filled) == (4, "published") else {}
            filling = Filling(form, printed, texts, misprints, prose)
            dump = layout(printed, rng, prose=prose)
            path = folder / f"{SEED + 1}-{number:05d}-text-seed-{number:03d}-{filled}.txt"
            path.write_text(dump.text, encoding="utf-8", newline="")
            gold = text_gold(
                split_lines(list(dump.spans)),
                filling,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                lost=dump.lost,
                origin={"tool": f"seed-{number:03d}", "faults": [], "filled": filled},
            )
            if (number, filled) == (1, "published"):
                # The prose counts reviews of another scope than table 4.
                contradicted = ["reviews.reconsideration.total", "reviews.direct_litigation.total"]
                gold = replace(gold, origin={**gold.origin, "contradicted": contradicted})
            origin = {**gold.origin, "seed": SEED + 1, "number": number, "input": "text"}
            gold = replace(
                gold,
                file=path.name,
                organisation=prose.organisation,
                year=prose.year,
                misprints=misprints,
                origin=origin,
            )
            gold.write(gold_path(path))
            yield path


HASHES = "SHA256SUMS"


def write_hashes(folder: Path) -> Path:
    """The hash of every document and gold, in the format of sha256sum."""
    files = sorted(path for path in folder.iterdir() if path.name not in (HASHES, "README.md"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]
    target = folder / HASHES
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def read_golds(folder: Path) -> list[Gold]:
    return [Gold.read(path) for path in sorted(folder.glob("*.gold.json"))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("output", type=Path, metavar="OUT", help="an empty folder")
    for made in make_fixtures(parser.parse_args().output):
        print(made)
