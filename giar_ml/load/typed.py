"""What Word, web pages and text files say of characters, as characters alone."""

from __future__ import annotations

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", "[]［］〔〕【】")


def raised(text: str) -> str:
    """A text in superscript: its digits are the mark of a note, and no part of the figure before them. So is
    [1], whose brackets go."""
    return text.translate(_RAISED)
