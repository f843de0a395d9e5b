"""Limits that formats share."""

from __future__ import annotations

MAX_DOCUMENT_PIXELS = 700_000_000
"""All page images together: 2.1 GB of memory, 80 pages of A4 at 300 dpi."""
