"""In which unit amounts are printed, as the header above them says."""

from __future__ import annotations

import re

from giar_ml.fields.headers import Headers
from giar_ml.figures import plain
from giar_ml.forms import Header, Section
from giar_ml.label import best_label

_UNIT = re.compile(r"(?:单位:?|\()([^()元]?)元")
_UNITS = {"": "元", "万": "万元", "亿": "亿元"}


def printed_unit(headers: Headers, section: Section, column: Header) -> str | None:
    """The unit in the header of a column of amounts; None where it names none, or one that was misread."""
    if column.unit is None:
        return None
    name = f"column:{section.table}.{column.key}"
    words = "".join(
        place.token.text for place, labels in headers.fields if place.token and best_label(labels) == name
    )
    found = _UNIT.search(plain(words))
    return _UNITS.get(found[1]) if found else None
