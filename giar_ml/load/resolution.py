"""At which resolution scans are drawn, and whether what a file says of its own can be true.

All that is looked for on a page has a size in inches.
"""

from __future__ import annotations

SCAN_DPI = (72, 400)
"""A scan in a PDF file is drawn at its own resolution within these."""
SHEET_IN = (8.0, 12.0)
"""Long side of the smallest sheet, A5, and short side of the largest, A3: of a photograph it may show some of
the desk, and a part of a page may be cut out of it."""


def is_sheet(width: float, height: float) -> bool:
    """Whether a page may be as large, in inches: cameras and screens write 72 or 96 dpi whatever they show,
    and many programs put a picture into a PDF with one point to a pixel."""
    smallest, largest = SHEET_IN
    return max(width, height) >= smallest and min(width, height) <= largest
