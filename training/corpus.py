"""A corpus of made-up reports with their gold: planned by seed, printed in batches, broken, written.

Document `i` of a corpus depends on the seed, the profile and `i` alone: more documents, other batches or
more workers change nothing in it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from giar_ml.annotations.gold import Gold, gold_path
from giar_ml.document import SourceKind
from giar_ml.errors import UsageError
from giar_ml.forms import load_form
from training.breakage import Sources, break_text, needs, sample_faults
from training.degrade import Severity, degrade, finest_dpi, write_scan
from training.figures import Figures, Printed, ScaleName, blank_zeros, misprint, print_figures, sample_figures
from training.filling import Filling
from training.printing import (
    PrintJob,
    Renderer,
    find_chromium,
    find_office,
    print_reports,
    render,
    scale_gold,
)
from training.profiles import PROFILES, Profile
from training.prose import sample_prose
from training.style import Style, sample_style
from training.web import write_page
from training.word import write_report

FIXTURE_SEEDS = range(9_000_000, 9_001_000)
"""Seeds that only eval/fixtures is made from."""
_TELLING_FIGURES = 12
"""So many figures other than 0 are not the same in two offices by chance."""
BATCH = 16
"""Documents printed together: LibreOffice takes as long to start as to print several."""


@dataclass(frozen=True)
class Plan:
    """All choices for one document but those of the breaking itself, which go on with `rng`."""

    number: int
    seed: int
    output: str
    scale: ScaleName
    filling: Filling
    style: Style
    renderer: Renderer
    faults: tuple[str, ...] | None
    turn: int | None
    rng: np.random.Generator

    @property
    def needs(self) -> frozenset[str]:
        """What must be made first: `pdf`, `docx`, `html`."""
        how, _, what = self.output.partition(":")
        if how == "text":
            return frozenset(needs(what))
        return frozenset({{"word": "docx", "html": "html"}.get(how, "pdf")})


def plan_document(seed: int, number: int, profile: Profile) -> Plan:
    """Draw document `number` of the corpus of `seed`."""
    rng = np.random.default_rng([seed, number])
    output = _draw(profile.outputs, rng)
    # The seed layouts are of the 2021 form.
    form = load_form("2021" if output.startswith("text:seed-") else _draw(profile.forms, rng))
    scale = cast(ScaleName, _draw(cast(Mapping[str, float], profile.scales), rng))
    lawful = sample_figures(form, rng, scale, nonzero=rng.random() < profile.nonzero)
    printed: Printed = lawful
    misprints: Figures = {}
    if rng.random() < profile.misprints:
        printed, misprints = misprint(lawful, form, rng, int(rng.geometric(0.6)))
    shown = blank_zeros(printed, rng) if rng.random() < profile.blanks else printed
    texts = print_figures(
        form, shown, rng, notes=profile.notes, decorated=bool(rng.random() < profile.decorated)
    )
    prose = sample_prose(
        rng,
        stated=lawful if rng.random() < profile.stated else None,
        year=int(rng.integers(2019, 2021)) if form.name == "2019" else None,
    )
    renderer: Renderer = "chromium" if rng.random() < profile.chromium else "libreoffice"
    filling = Filling(form, shown, texts, misprints, prose)
    style = sample_style(rng, form=form)
    return Plan(number, seed, output, scale, filling, style, renderer, profile.faults, profile.turn, rng)


def write_corpus(
    folder: Path,
    *,
    n: int,
    seed: int,
    profile: str,
    workers: int = 1,
    advance: Callable[[str], None] = lambda name: None,
) -> list[Path]:
    """Make documents 0 to n-1 with their gold in `folder`.

    Args:
        profile: a name of `PROFILES`.
        advance: called with the name of each document that is made.

    Raises:
        UsageError: an unknown profile, a seed kept for the fixtures, a folder that is not empty, or a
            program that is not installed.
    """
    if profile not in PROFILES:
        raise UsageError(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    if seed in FIXTURE_SEEDS:
        raise UsageError(f"seed {seed} is kept for the fixtures; choose one below {FIXTURE_SEEDS.start}")
    if seed < 0:
        raise UsageError(f"seed {seed} is below 0; choose another")
    _check_programs(PROFILES[profile])
    plans = [(seed, number, PROFILES[profile]) for number in range(n)]
    return make_documents(plans, folder, workers=workers, advance=advance)


def make_documents(
    plans: Iterable[tuple[int, int, Profile]],
    folder: Path,
    *,
    workers: int = 1,
    advance: Callable[[str], None] = lambda name: None,
) -> list[Path]:
    """Make documents given as (seed, number, profile), in batches; returns their paths in order."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is no empty folder; choose another, or empty it")
    folder.mkdir(parents=True, exist_ok=True)
    todo = list(plans)
    size = min(BATCH, -(-len(todo) // workers))
    batches = [todo[start : start + size] for start in range(0, len(todo), size)]
    written: list[Path] = []
    with _mapper(workers) as mapper:
        for paths in mapper(_make_batch, batches, [folder] * len(batches)):
            written += paths
            for path in paths:
                advance(path.name)
    return written


def _check_programs(profile: Profile) -> None:
    """Before minutes of work: raises UsageError when a program that the profile needs is not installed."""
    outputs = [output.partition(":") for output in profile.outputs]
    sources = {source for how, _, tool in outputs if how == "text" for source in needs(tool)}
    prints = bool(sources & {"pdf"} or {how for how, _, _ in outputs} & {"scan", "image", "digital"})
    office = prints or any(tool == "libreoffice-text" for _, _, tool in outputs)
    wanted = {
        "LibreOffice Writer (libreoffice-writer-nogui)": office and not find_office(),
        "Chromium (chromium)": prints and profile.chromium > 0 and not find_chromium(),
        "pdftotext (poppler-utils)": any(tool.startswith("pdftotext") for _, _, tool in outputs)
        and not shutil.which("pdftotext"),
    }
    if missing := [name for name, is_missing in wanted.items() if is_missing]:
        raise UsageError(f"{', '.join(missing)} not found: install the Debian package in brackets")


@contextmanager
def _mapper(workers: int) -> Iterator[Callable[..., Iterable[list[Path]]]]:
    if workers <= 1:
        yield map
        return
    with ProcessPoolExecutor(workers) as pool:
        yield pool.map


def _make_batch(batch: Sequence[tuple[int, int, Profile]], folder: Path) -> list[Path]:
    plans = [plan_document(*planned) for planned in batch]
    printed = [plan for plan in plans if "pdf" in plan.needs]
    jobs = [PrintJob(plan.filling, plan.style, plan.renderer) for plan in printed]
    pdfs = dict(zip((id(plan) for plan in printed), print_reports(jobs), strict=True))
    return [finish(plan, pdfs.get(id(plan)), folder) for plan in plans]


def finish(plan: Plan, pdf: tuple[bytes, Gold] | None, folder: Path) -> Path:
    """Write one planned document and its gold; `pdf` is its print where the plan needs one."""
    how, _, what = plan.output.partition(":")
    stem = f"{plan.seed}-{plan.number:05d}-{plan.output.replace(':', '-')}"
    gold = Gold("", "", "digital", plan.filling.form.name, None, None, plan.filling.gold_cells())
    faults: tuple[str, ...] = ()
    kind: SourceKind
    if how in ("scan", "image"):
        assert pdf is not None
        severity = cast(Severity, what)
        dpi = finest_dpi(severity)
        scan, gold = degrade(
            render(pdf[0], dpi), scale_gold(pdf[1], dpi), severity, plan.rng, dpi=dpi, turn=plan.turn
        )
        path = write_scan(scan, folder / f"{stem}{'.pdf' if how == 'scan' else '.tif'}")
        faults, kind = scan.faults, "scan" if how == "scan" else "image"
    elif how == "digital":
        assert pdf is not None
        path, gold, kind = folder / f"{stem}.pdf", pdf[1], "digital"
        path.write_bytes(pdf[0])
    elif how == "word":
        path, kind = write_report(folder / f"{stem}.docx", plan.filling, plan.style), "word"
    elif how == "html":
        path, kind = folder / f"{stem}.html", "html"
        path.write_text(write_page(plan.filling, plan.style), encoding="utf-8")
    else:
        drawn = sample_faults(plan.rng, what)
        with tempfile.TemporaryDirectory() as name:
            sources = _sources(plan, pdf, Path(name))
            broken = break_text(sources, what, plan.rng, faults=drawn if plan.faults is None else plan.faults)
        path, gold, faults, kind = folder / f"{stem}{broken.suffix}", broken.gold, broken.faults, "text"
        path.write_text(broken.text, encoding="utf-8", newline="")
    gold = replace(
        gold,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        kind=kind,
        organisation=plan.filling.prose.organisation,
        year=plan.filling.prose.year,
        misprints=plan.filling.misprints,
        origin={**_origin(plan), **gold.origin, "faults": list(faults)},
    )
    gold.write(gold_path(path))
    return path


def _sources(plan: Plan, pdf: tuple[bytes, Gold] | None, folder: Path) -> Sources:
    docx = folder / "report.docx" if "docx" in plan.needs else None
    if docx:
        write_report(docx, plan.filling, plan.style)
    return Sources(
        filling=plan.filling,
        pdf=pdf[0] if pdf else None,
        pdf_gold=pdf[1] if pdf else None,
        docx=docx,
        html=write_page(plan.filling, plan.style) if "html" in plan.needs else None,
    )


def _origin(plan: Plan) -> dict[str, Any]:
    how, _, what = plan.output.partition(":")
    origin: dict[str, Any] = {"seed": plan.seed, "number": plan.number, "scale": plan.scale, "input": how}
    if how in ("scan", "image"):
        origin["severity"] = what
    if how == "text":
        origin["tool"] = what
    if "pdf" in plan.needs:
        origin["renderer"] = plan.renderer
    return origin


def _draw(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    names = list(weights)
    shares = np.array([weights[name] for name in names], dtype=float)
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def fingerprint(gold: Gold) -> str:
    """What two documents of the same report share: its figures; of one that is nearly all zeros, which
    other offices have too, the office and the year as well."""
    figures = {key: cell.printed for key, cell in sorted(gold.cells.items()) if cell.printed}
    office = [] if len(figures) >= _TELLING_FIGURES else [str(gold.organisation), str(gold.year)]
    text = "\n".join([gold.form, *office, *(f"{key}={figure}" for key, figure in figures.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def refuse_fixtures(golds: Iterable[Gold], fixtures: Iterable[Gold]) -> None:
    """Raises UsageError when a document has a seed of the fixtures or is the report of one of them."""
    known = {fingerprint(gold): gold.file for gold in fixtures}
    for gold in golds:
        if gold.origin.get("seed") in FIXTURE_SEEDS:
            raise UsageError(
                f"{gold.file}: made from seed {gold.origin['seed']}, which is kept for the fixtures"
            )
        if fingerprint(gold) in known:
            raise UsageError(
                f"{gold.file}: the same report as fixture {known[fingerprint(gold)]}; leave it out"
            )
