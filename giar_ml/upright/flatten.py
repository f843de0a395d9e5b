"""Rules and lines of text that ought to be straight -> the field that makes them so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from giar_ml.tables.traces import find_curves
from giar_ml.upright.lines import Sketch, find_text_lines, find_text_slope
from giar_ml.upright.warp import TERMS, Field, monomials

MIN_RULE_IN = 0.8
EDGE_IN = 0.15
"""Lines so near to the edge of the picture are the scanner's own."""
SAMPLE_IN = 0.2
"""Distance between the points of a curve that are used."""
RULE_ERROR_IN = 0.004
TEXT_ERROR_IN = 0.025
"""How far the points of a straight rule or line of text lie off it: the width of what is fitted to."""
SLOPE_ERROR = 0.004
MAX_OFF_SLOPE = 0.12
"""How much steeper or flatter than the text of its page a rule may be: others are strokes of a pen. Being as
sharp as a rule, one of them would outweigh all the text of a page."""
FREEDOM_IN = (0.0, 0.5, 0.05, 0.04, 0.03)
"""Prior size of the coefficients by degree, at the edge of the page: slopes of a few degrees, little curl."""
KEYSTONE_IN = 0.2
"""The same of x times y, by which rules run together: a camera that is held askew."""
SHEAR_IN = 0.05
"""How far the page's two axes may be from perpendicular, likewise; for pages that show one of them only."""
MIN_SHIFT_IN = 0.006
"""Pages that are straighter stay as they are: 0.1 degrees across A4 are 0.014 in."""
N_ROUNDS = 6


class Curves(NamedTuple):
    """Curves as (N, 2) points in pixels, and how far, in pixels, their points may lie off a straight line.

    `slope` is what the page's text as a whole says: it sinks so much per pixel to the right.
    """

    rows: list[tuple[np.ndarray, float]]
    columns: list[tuple[np.ndarray, float]]
    slope: float | None = None


def find_field(page: Sketch) -> Field | None:
    """The field that makes rules and lines of text straight; None where they are, or too few to tell.

    Args:
        page: lines of text lie across.
    """
    curves, scale = _find_curves(page), page.scale
    if not curves.rows and curves.slope is None:
        return None
    height, width = page.page.shape
    field = fit_field(curves, size=(width * scale, height * scale), dpi=page.dpi)
    field = Field(
        (field.center[0] / scale, field.center[1] / scale),
        field.radius / scale,
        tuple(c / scale for c in field.across),
        tuple(c / scale for c in field.down),
    )
    return field if field.largest(width, height) >= MIN_SHIFT_IN * page.page_dpi else None


def fit_field(curves: Curves, *, size: tuple[float, float], dpi: float) -> Field:
    """The smoothest field under which each curve has one height, or one place across, along its length.

    Where a curve ought to lie is not known, only that its points ought to agree: each counts by its
    difference from the curve's mean, which keeps the problem linear. Functions of y alone move whole rows
    and so cannot be seen; they are left out, as are those of x across. Outliers (an underline by hand, a
    stroke) lose their weight by iteration (Huber, Robust Statistics, 1981).
    """
    width, height = size
    center, radius = (width / 2, height / 2), max(width, height) / 2
    n = len(TERMS)
    blocks = []
    for axis, group in ((1, curves.rows), (0, curves.columns)):
        for points, error in group:
            terms = monomials((points - center) / radius)
            terms = terms - terms.mean(axis=0)
            off = points[:, axis] - points[:, axis].mean()
            row = np.zeros((len(points), 2 * n))
            row[:, axis * n : (axis + 1) * n] = terms
            # A curve of twice the points says more, but its errors hang together.
            blocks.append((row, -off, np.full(len(points), error)))
    matrix = np.concatenate([np.zeros((0, 2 * n)), *(block[0] for block in blocks)])
    target = np.concatenate([np.zeros(0), *(block[1] for block in blocks)])
    errors = np.concatenate([np.ones(0), *(block[2] for block in blocks)])
    prior, prior_target = _prior(dpi)
    if curves.slope is not None:
        sinking = np.zeros((1, 2 * n))
        sinking[0, n + TERMS.index((1, 0))] = 1 / (SLOPE_ERROR * radius)
        prior = np.concatenate([prior, sinking])
        prior_target = np.append(prior_target, -curves.slope / SLOPE_ERROR)
    weights = 1 / errors
    solution = np.zeros(2 * n)
    for _ in range(N_ROUNDS):
        weighted = matrix * (weights**2)[:, None]
        solution = np.linalg.solve(
            weighted.T @ matrix + prior.T @ prior, weighted.T @ target + prior.T @ prior_target
        )
        residuals = np.abs(matrix @ solution - target) / errors
        weights = np.sqrt(np.minimum(1.0, 2.0 / np.maximum(residuals, 1e-9))) / errors
    return Field(center, radius, tuple(solution[:n].tolist()), tuple(solution[n:].tolist()))


def _prior(dpi: float) -> tuple[np.ndarray, np.ndarray]:
    n = len(TERMS)
    rows = []
    for axis in (0, 1):
        for k, powers in enumerate(TERMS):
            row = np.zeros(2 * n)
            # Powers of the own coordinate alone stretch the page: nothing here tells of that.
            is_unseen = powers[1 - axis] == 0
            freedom = KEYSTONE_IN if powers == (1, 1) else FREEDOM_IN[sum(powers)]
            row[axis * n + k] = 1e6 if is_unseen else 1 / (freedom * dpi)
            rows.append(row)
    # A page that lies askew turns both of its axes: y - a x goes with x + a y.
    turned = np.zeros(2 * n)
    turned[TERMS.index((0, 1))] = turned[n + TERMS.index((1, 0))] = 1 / (SHEAR_IN * dpi)
    rows.append(turned)
    return np.stack(rows), np.zeros(len(rows))


def _find_curves(page: Sketch) -> Curves:
    gray, dpi = page.gray, page.dpi
    error = max(0.25, RULE_ERROR_IN * dpi)
    least = MIN_RULE_IN * dpi
    step = max(1, round(SAMPLE_IN * dpi))
    rows, columns = (
        [
            (_sample(curve, 0, step), error)
            for curve in find_curves(image, dpi=dpi, min_length=least)
            if EDGE_IN * dpi < curve[:, 1].mean() < len(image) - EDGE_IN * dpi
        ]
        for image in (gray, np.ascontiguousarray(gray.T))
    )
    columns = [(curve[:, ::-1], error) for curve, error in columns]
    slope = find_text_slope(page.ink)
    if slope is not None:
        rows = [(curve, error) for curve, error in rows if abs(_slope(curve) - slope) <= MAX_OFF_SLOPE]
    rows += [(line.curve, TEXT_ERROR_IN * dpi) for line in find_text_lines(page.ink, dpi=dpi)]
    return Curves(rows, columns, slope)


def _slope(curve: np.ndarray) -> float:
    """By how much a curve sinks per pixel to the right, from end to end."""
    width, fall = curve[-1] - curve[0]
    return float(fall / max(1.0, width))


def _sample(curve: np.ndarray, axis: int, step: int) -> np.ndarray:
    """The curve at every `step` pixels along `axis`, each the mean of those around it."""
    bins = ((curve[:, axis] - curve[0, axis]) // step).astype(int)
    count = np.maximum(np.bincount(bins), 1)[:, None]
    sums = np.stack([np.bincount(bins, weights=curve[:, k]) for k in (0, 1)], axis=1)
    return (sums / count)[np.bincount(bins) > 0]
