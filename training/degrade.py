"""What offices' scanners, copiers, fax machines and phones make of a printed report, gold included.

Each severity is a recipe: what was done to the paper, whether it was copied, what the device did, each
step with its chance and its ranges. Every random choice comes from the one generator, so a seed gives
the same pixels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from giar_ml.annotations.gold import Gold, GoldPage, Warp
from training import device, paper, warp

Severity = Literal["clean", "office", "fax", "photo"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

FIXED_TIME = time.struct_time((2026, 1, 15, 9, 0, 0, 3, 15, 0))
# JPEG quality of stored pages: a person sees no loss at 200 dpi, and a corpus stays small.
QUALITY = 74


@dataclass(frozen=True)
class Scan:
    """What a device made of a printed report.

    `pages` are (H, W, 3) or (H, W) uint8; of a fax they hold only 0 and 255. `dpi` is nominal. `faults`
    name what was applied to any page, in order.
    """

    pages: tuple[np.ndarray, ...]
    dpi: float
    faults: tuple[str, ...]


Range = tuple[float, float]


@dataclass(frozen=True)
class Step:
    """An operator of paper.py, device.py or warp.py, its chance and the ranges its arguments come from.

    Chance and arguments are drawn once for the document, or for every page where `each_page`. `takes`
    names what else the operator is told: `text` of the seal, `reverse` side of the sheet.
    """

    apply: Callable[..., Any]
    chance: float = 1.0
    ranges: Mapping[str, Range] = field(default_factory=dict)
    each_page: bool = False
    moves: bool = False
    takes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.apply.__name__

    def draw(self, rng: np.random.Generator) -> dict[str, float]:
        return {name: float(rng.uniform(*limits)) for name, limits in self.ranges.items()}


OneOf = tuple[Step, ...]
"""Exactly one of these happens; the chances are weights."""


@dataclass(frozen=True)
class Recipe:
    dpi: tuple[float, float, float]
    """Least, most common, greatest."""
    device: tuple[Step | OneOf, ...]
    paper: tuple[Step | OneOf, ...] = ()
    copied: float = 0.0
    """Chance that the device saw a copy of the paper."""
    turned: float = 0.0
    """Chance that one page lies turned by quarters."""


def _toner(most_loss: float) -> OneOf:
    return (
        Step(paper.low_toner, 0.3, {"loss": (0.15, most_loss)}),
        Step(paper.bold_toner, 0.2, {"gain": (0.2, 0.7)}),
        Step(paper.low_toner, 0.5, {"loss": (0.02, 0.15)}),
    )


def _seal(chance: float, strength: Range) -> Step:
    ranges = {"diameter_mm": (38.0, 45.0), "strength": strength}
    return Step(paper.seal, chance, ranges, each_page=True, takes=("text",))


PAPER: tuple[Step | OneOf, ...] = (
    _toner(0.5),
    _seal(0.25, (0.6, 0.95)),
    Step(paper.pen_marks, 0.12, {"n_marks": (1, 4)}, each_page=True),
    Step(paper.pen_slip, 0.03, {"length_mm": (15, 70)}, each_page=True),
    Step(paper.fold, 0.1, {"depth": (0.04, 0.14)}),
    Step(paper.staple, 0.25),
    Step(paper.punch_holes, 0.15),
)

COPIER: tuple[Step | OneOf, ...] = (
    Step(warp.skew, 0.7, {"degrees": (-0.6, 0.6), "shift_mm": (0, 1.5)}, each_page=True, moves=True),
    Step(device.grey),
    Step(device.blur, ranges={"sigma_mm": (0.05, 0.09)}),
    Step(device.specks, 0.8, {"n_specks": (5, 60)}, each_page=True),
    Step(device.black_edge, 0.3, {"width_mm": (1, 6)}, each_page=True),
    Step(device.stretch_levels, ranges={"white": (0.88, 0.98)}),
    Step(paper.low_toner, 0.7, {"loss": (0.03, 0.15)}),
)

RECIPES: Mapping[Severity, Recipe] = {
    "clean": Recipe(
        dpi=(200, 200, 200),
        device=(
            Step(device.blur, ranges={"sigma_mm": (0.045, 0.055)}),
            Step(device.noise, ranges={"sigma": (1.2, 2.2)}),
            Step(device.jpeg, ranges={"quality": (80, 92)}),
        ),
    ),
    "office": Recipe(
        dpi=(150, 200, 300),
        paper=(*PAPER, Step(paper.break_rules, 0.25, {"n_breaks": (3, 20)})),
        copied=0.25,
        turned=0.03,
        device=(
            Step(paper.bleed_through, 0.35, {"strength": (0.02, 0.1)}, takes=("reverse",)),
            Step(warp.skew, 0.9, {"degrees": (-1.0, 1.0), "shift_mm": (0, 2)}, each_page=True, moves=True),
            Step(device.black_edge, 0.3, {"width_mm": (1, 6)}, each_page=True),
            Step(device.uneven_light, 0.7, {"depth": (0.01, 0.09)}),
            Step(device.grey, 0.5),
            Step(device.fringe, 0.5, {"shift_px": (-0.4, 0.4)}),
            Step(device.blur, ranges={"sigma_mm": (0.045, 0.085)}),
            Step(device.specks, 0.7, {"n_specks": (2, 50)}, each_page=True),
            Step(device.dust_lines, 0.25, {"n_lines": (1, 3)}),
            Step(device.paper_tone, 0.8, {"depth": (0.0, 0.09)}),
            Step(device.noise, ranges={"sigma": (1.5, 5)}),
            Step(device.stretch_levels, 0.4, {"white": (0.85, 0.97)}),
            Step(device.jpeg, ranges={"quality": (40, 85)}),
        ),
    ),
    "fax": Recipe(
        dpi=(105, 155, 200),
        paper=(
            # A threshold takes thin pale strokes away: a 4 must not become a 1.
            _toner(0.25),
            # Red turns dark on a fax: a full seal would hide what it covers.
            _seal(0.2, (0.2, 0.4)),
            Step(paper.pen_marks, 0.1, {"n_marks": (1, 3)}, each_page=True),
            Step(paper.break_rules, 0.8, {"n_breaks": (10, 90)}),
        ),
        copied=0.2,
        turned=0.03,
        device=(
            Step(warp.skew, 0.95, {"degrees": (-1.2, 1.2), "shift_mm": (0, 2)}, each_page=True, moves=True),
            Step(device.grey),
            Step(device.black_edge, 0.15, {"width_mm": (1, 4)}, each_page=True),
            Step(device.uneven_light, 0.5, {"depth": (0.01, 0.06)}),
            Step(device.specks, 0.7, {"n_specks": (5, 80)}, each_page=True),
            Step(device.sharpen, 0.7, {"gain": (0.3, 1.2)}),
            Step(device.rough_edges, ranges={"sigma": (3, 9)}),
            (
                Step(device.bilevel, 0.5, {"level": (0.69, 0.84)}),
                Step(device.adaptive_bilevel, 0.3, {"drop": (0.08, 0.15)}),
                Step(device.ordered_dither, 0.1, {"contrast": (2.2, 3.5)}),
                Step(device.error_diffusion, 0.1, {"contrast": (2.2, 3.5)}),
            ),
            Step(device.salt_and_pepper, 0.5, {"share": (0.0002, 0.003)}),
            Step(device.streaks, 0.35, {"n_streaks": (1, 6)}, each_page=True),
            Step(warp.slip, 0.12, {"slip_mm": (0.3, 1), "n_slips": (1, 4)}, each_page=True, moves=True),
        ),
    ),
    "photo": Recipe(
        dpi=(150, 190, 250),
        paper=PAPER,
        copied=0.1,
        turned=0.03,
        device=(
            Step(warp.cut_out, moves=True),
            Step(
                warp.curl, 0.8, {"depth_mm": (1.5, 10), "distance_mm": (320, 500)}, each_page=True, moves=True
            ),
            Step(
                warp.perspective,
                ranges={
                    "pitch": (-13, 13),
                    "yaw": (-9, 9),
                    "roll": (-3, 3),
                    "distance_mm": (320, 500),
                    "margin": (0.01, 0.09),
                },
                each_page=True,
                moves=True,
            ),
            Step(device.lay_on_desk),
            Step(device.uneven_light, ranges={"depth": (0.05, 0.35)}, each_page=True),
            Step(device.hand_shadow, 0.4, {"depth": (0.1, 0.4)}, each_page=True),
            Step(device.colour_cast, ranges={"warmth": (-0.08, 0.18)}),
            Step(device.blur, ranges={"sigma_mm": (0.06, 0.12)}, each_page=True),
            Step(device.motion_blur, 0.35, {"length_mm": (0.1, 0.3)}, each_page=True),
            Step(device.noise, ranges={"sigma": (2, 8)}),
            Step(device.jpeg, ranges={"quality": (50, 85)}),
        ),
    ),
}


def degrade(
    pages: Sequence[np.ndarray],
    gold: Gold,
    severity: Severity,
    rng: np.random.Generator,
    *,
    dpi: float,
    turn: int | None = None,
    recipe: Recipe | None = None,
) -> tuple[Scan, Gold]:
    """A report as a device of one severity gives it, and the gold in the pixels of its pages.

    Args:
        pages: (H, W, 3) uint8 RGB, rendered at `dpi`.
        gold: places in the same pixels. Its `origin` gains severity and faults.
        dpi: of `pages`, in which the paper's marks are drawn. The scan is never finer than that.
        turn: degrees clockwise by which all pages lie turned; None leaves it to the severity's chance,
            which turns one page.
        recipe: in place of the severity's own.

    Raises:
        ValueError: `turn` is no quarter, or there are no pages.
    """
    if not pages:
        raise ValueError("no pages to degrade")
    recipe = recipe or RECIPES[severity]
    low, common, high = (min(limit, dpi) for limit in recipe.dpi)
    scan_dpi = float(round(rng.triangular(low, common, high))) if low < high else low
    turns = _draw_turns(recipe, len(pages), turn, rng)
    plans = [_plan(steps, len(pages), rng) for steps in (recipe.paper, COPIER, recipe.device)]
    if rng.random() >= recipe.copied:
        plans[1] = [[] for _ in pages]
    faults: dict[str, None] = dict.fromkeys(f"rotated:{quarter}" for quarter in turns if quarter)
    if any(plans[1]):
        faults["copied"] = None
    text = gold.organisation or "政府信息公开专用章"
    scanned: list[np.ndarray] = []
    warps: list[Warp] = []
    for number, image in enumerate(pages):
        reverse = pages[number ^ 1] if number ^ 1 < len(pages) else None
        told = {"text": text, "reverse": reverse}
        paper_plan, copier_plan, device_plan = (plan[number] for plan in plans)
        moved: Warp = warp.stay
        image, moved = _apply(paper_plan + copier_plan, image, moved, rng, dpi, told, faults)
        image, turned = warp.turn(image, degrees=turns[number])
        image, resized = warp.resize(image, scale=scan_dpi / dpi)
        moved = warp.chain(warp.chain(moved, turned), resized)
        image, moved = _apply(device_plan, image, moved, rng, scan_dpi, told, faults)
        scanned.append(image)
        warps.append(moved)
    gold_pages = [
        GoldPage(number, float(image.shape[1]), float(image.shape[0]), scan_dpi)
        for number, image in enumerate(scanned, start=1)
    ]
    origin = {**gold.origin, "severity": severity, "faults": list(faults)}
    return (
        Scan(tuple(scanned), scan_dpi, tuple(faults)),
        replace(gold.moved(gold_pages, warps), origin=origin),
    )


Plan = list[tuple[Step, dict[str, float]]]


def _plan(steps: Sequence[Step | OneOf], n_pages: int, rng: np.random.Generator) -> list[Plan]:
    """What happens to every page."""
    plans: list[Plan] = [[] for _ in range(n_pages)]
    for entry in steps:
        if isinstance(entry, Step):
            step, happens = entry, rng.random(n_pages) < entry.chance
        else:
            weights = np.array([step.chance for step in entry])
            step, happens = (
                entry[int(rng.choice(len(entry), p=weights / weights.sum()))],
                np.full(n_pages, True),
            )
        shared = step.draw(rng)
        for number, plan in enumerate(plans):
            if happens[number if step.each_page else 0]:
                plan.append((step, step.draw(rng) if step.each_page else shared))
    return plans


def _apply(
    plan: Plan,
    image: np.ndarray,
    moved: Warp,
    rng: np.random.Generator,
    dpi: float,
    told: Mapping[str, Any],
    faults: dict[str, None],
) -> tuple[np.ndarray, Warp]:
    for step, arguments in plan:
        before = image
        image = step.apply(image, rng, dpi=dpi, **arguments, **{name: told[name] for name in step.takes})
        if step.moves:
            image, further = image
            moved = warp.chain(moved, further)
        if image is not before:
            faults[step.name] = None
    return image, moved


def _draw_turns(recipe: Recipe, n_pages: int, turn: int | None, rng: np.random.Generator) -> list[int]:
    if turn is not None:
        return [turn % 360] * n_pages
    turns = [0] * n_pages
    if rng.random() < recipe.turned:
        turns[int(rng.integers(n_pages))] = int(rng.choice([90, 180, 270]))
    return turns


def finest_dpi(severity: Severity) -> float:
    """The highest resolution that `degrade` scans at: what to render its pages at."""
    return RECIPES[severity].dpi[2]


def write_scan(scan: Scan, path: Path) -> Path:
    """Write a scan as the suffix says; the same scan gives the same bytes.

    .pdf has JPEG pages, or CCITT group 4 of bilevel ones; .tif several pages likewise; .jpg and .png
    hold one page.

    Raises:
        ValueError: the suffix is another one, or the file cannot hold as many pages.
        OSError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".pdf", ".jpg", ".png", ".tif"):
        raise ValueError(f"{path}: a scan is written as .pdf, .jpg, .png or .tif")
    # One bit a pixel is for faxes: a blank page of another scan is no reason for it.
    one_bit = all(page.ndim == 2 and not np.any((page != 0) & (page != 255)) for page in scan.pages)
    images = [Image.fromarray(page) for page in scan.pages]
    if one_bit and suffix != ".jpg":
        images = [image.convert("1", dither=Image.Dither.NONE) for image in images]
    quality = {} if one_bit else {"quality": QUALITY}
    if suffix in (".jpg", ".png"):
        if len(images) != 1:
            raise ValueError(f"{path}: holds one page, not {len(images)}: write .pdf or .tif")
        images[0].save(path, quality=QUALITY, dpi=(scan.dpi, scan.dpi))
        return path
    options: dict[str, Any] = {"save_all": True, "append_images": images[1:], **quality}
    if suffix == ".pdf":
        # Else the file's name is the title.
        options |= {"title": "", "resolution": scan.dpi, "creationDate": FIXED_TIME, "modDate": FIXED_TIME}
    else:
        options |= {"dpi": (scan.dpi, scan.dpi), "compression": "group4" if one_bit else "jpeg"}
    images[0].save(path, "PDF" if suffix == ".pdf" else "TIFF", **options)
    return path
