"""Crops of about the same width are run through a network together."""

from __future__ import annotations

from collections.abc import Sequence


def width_batches(widths: Sequence[int], *, step_px: int, batch_px: int) -> list[tuple[int, list[int]]]:
    """The width that the crops of each batch are padded to, a multiple of `step_px`, and their indices.

    The width that a crop is padded to depends on its own alone: what is read with it changes nothing.

    Args:
        widths: of the crops, in pixels.
        batch_px: width of all crops of a batch side by side, at most, unless one alone is wider.
    """
    buckets: dict[int, list[int]] = {}
    for index, width in enumerate(widths):
        buckets.setdefault(-(-width // step_px) * step_px, []).append(index)
    batches = []
    for width, indices in sorted(buckets.items()):
        size = max(1, batch_px // width)
        batches += [(width, indices[i : i + size]) for i in range(0, len(indices), size)]
    return batches
