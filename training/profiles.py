"""What a corpus is made of: profiles as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from training.figures import ScaleName

Weights = Mapping[str, float]
"""How often each is drawn; they need not add up to 1."""

FORMS: Weights = {"2021": 0.7, "mixed": 0.15, "2019": 0.15}
LABEL_FORMS: Weights = {"2021": 0.5, "mixed": 0.2, "2019": 0.3}
SCALES: Mapping[ScaleName, float] = {"bureau": 0.4, "county": 0.3, "city": 0.2, "province": 0.1}

SCANS: Weights = {"scan:clean": 1, "scan:office": 1, "scan:fax": 1, "scan:photo": 1}
TEXTS: Weights = {
    "text:pdftotext": 1,
    "text:pdftotext-layout": 1,
    "text:pdfplumber": 0.5,
    "text:pdfplumber-layout": 0.5,
    "text:libreoffice-text": 0.5,
    "text:word-text": 0.5,
    "text:html-stripped": 1,
    "text:markdown": 1,
    "text:seed-000": 0.4,
    "text:seed-001": 0.4,
    "text:seed-002": 0.4,
    "text:seed-003": 0.4,
    "text:seed-004": 0.4,
}
FILES: Weights = {"digital": 2, "word": 1, "html": 1}


@dataclass(frozen=True)
class Profile:
    """Shares of what is drawn for a document.

    `outputs` are `digital`, `word`, `html`, `scan:SEVERITY` (a PDF of pictures), `image:SEVERITY` (a
    multi-page TIFF) and `text:TOOL`. `misprints` is the share of reports with mistakes of the office,
    `blanks` of those that leave zeros blank, `notes` the chance of a note in a cell that takes one, `nonzero`
    the share whose every cell has a figure of its own, `stated` the share whose prose repeats figures,
    `decorated` the share that writes figures with separators or in full width.
    """

    outputs: Weights
    forms: Weights = field(default_factory=lambda: FORMS)
    scales: Mapping[ScaleName, float] = field(default_factory=lambda: SCALES)
    misprints: float = 0.25
    blanks: float = 0.15
    notes: float = 0.03
    nonzero: float = 0.1
    stated: float = 0.6
    decorated: float = 0.1
    chromium: float = 0.3
    """The share of prints that are web pages."""
    faults: tuple[str, ...] | None = None
    """What is done to a text on top of its tool; None: drawn."""
    turn: int | None = None
    """Degrees clockwise by which all pages of a scan are turned; None: drawn, now and then a page."""


MIXED = Profile({**dict.fromkeys(SCANS, 1.5), "image:photo": 0.5, "image:fax": 0.5, **FILES, **TEXTS})

_QUICK_TEXTS = {name: share for name, share in TEXTS.items() if name != "text:libreoffice-text"}
"""Each file of the one left out takes LibreOffice a start of its own."""

PROFILES: Mapping[str, Profile] = {
    "mixed": MIXED,
    "scans": replace(MIXED, outputs=SCANS),
    **{name.removeprefix("scan:"): replace(MIXED, outputs={name: 1.0}) for name in SCANS},
    "digital": replace(MIXED, outputs={"digital": 1.0}),
    "word": replace(MIXED, outputs={"word": 1.0}),
    "html": replace(MIXED, outputs={"html": 1.0}),
    "text": replace(MIXED, outputs=TEXTS),
    # What the token classifier learns from: it sees no pictures, so prints stand for scans of them.
    "labels": replace(MIXED, outputs={"digital": 7, **_QUICK_TEXTS}, nonzero=0.15, forms=LABEL_FORMS),
    # What it learns from besides: scans as the reader reads them.
    "label-scans": replace(
        MIXED,
        outputs={"scan:clean": 1, "scan:office": 3, "scan:fax": 3, "scan:photo": 3},
        nonzero=0.15,
        forms=LABEL_FORMS,
        turn=0,
    ),
}
