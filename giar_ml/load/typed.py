"""What Word, web pages and text files say of characters, as characters alone."""

from __future__ import annotations

import re

_INVISIBLE = re.compile(
    r"(?<=\d)\u00ad|\u00ad(?!\s*\d)"
    r"|[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
    r"|[\U000e0001\U000e0020-\U000e007f]"
)
"""The characters of Unicode's category Cf without the signs of scripts that no report is in. A soft hyphen
before a number may be a minus: fonts of PDF files that were turned into text have one for it."""
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", "[]［］〔〕【】")


def raised(text: str) -> str:
    """A text in superscript: its digits are the mark of a note, and no part of the figure before them. So is
    [1], whose brackets go."""
    return text.translate(_RAISED)


def visible(text: str) -> str:
    """A text without characters that nobody sees: spaces of no width, marks of the direction of writing."""
    return text if text.isascii() else _INVISIBLE.sub("", text)
