"""The names of labels, from the forms' data.

`row:requests.new`, `column:requests.total`, `under:法人或其他组织` (a group header), `title:reviews`,
`caption:第二十条第（五）项`, `corner`, `figure`, `note` (words beside a figure in its cell), `other`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from giar_ml.figures import plain
from giar_ml.forms import Form, load_forms
from giar_ml.text import normalize_radicals

OTHER = "other"
FIGURE = "figure"
_NOT_LABEL = re.compile(r"[^\w]|_")
_PLAIN = (OTHER, FIGURE, "note", "corner")


def is_header(label: str) -> bool:
    """Whether it names a row, a column, a group, a title or a caption, or is the corner between them."""
    return label == "corner" or ":" in label


@cache
def form_labels(form: Form) -> frozenset[str]:
    """The labels that one form prints."""
    labels = set(_PLAIN)
    for table in form.tables:
        labels.add(f"title:{table.key}")
        for section in table.sections:
            labels.update(f"caption:{caption}" for caption in section.caption[:1])
            for kind, headers in (("row", section.rows), ("column", section.columns)):
                for header in headers:
                    if header.labels:
                        labels.add(f"{kind}:{table.key}.{header.key}")
                    labels.update(f"under:{group}" for group in header.under)
    return frozenset(labels)


@cache
def first_columns() -> frozenset[str]:
    """The labels of columns that are the first one of figures wherever a form has them."""
    names = [
        [f"column:{table.key}.{column.key}" for column in section.columns]
        for form in load_forms().values()
        for table in form.tables
        for section in table.sections
    ]
    later = frozenset[str]().union(*(columns[1:] for columns in names))
    return frozenset(columns[0] for columns in names if columns) - later


@cache
def n_columns() -> Mapping[str, int]:
    """How many columns of figures the rows of labels have, and the tables of headers whose only row has no
    label; none for labels of which forms differ."""
    found: dict[str, set[int]] = {}
    for form in load_forms().values():
        for table in form.tables:
            for section in table.sections:
                is_named = any(row.labels for row in section.rows)
                kind, headers = ("row", section.rows) if is_named else ("column", section.columns)
                for header in headers:
                    found.setdefault(f"{kind}:{table.key}.{header.key}", set()).add(len(section.columns))
    return {name: min(numbers) for name, numbers in found.items() if len(numbers) == 1}


@cache
def label_names() -> tuple[str, ...]:
    """The labels of all forms: the plain ones first, the others in alphabetical order."""
    labels = frozenset[str]().union(*(form_labels(form) for form in load_forms().values()))
    return (*_PLAIN, *sorted(labels - set(_PLAIN)))


@lru_cache(maxsize=20_000)
def normalize_label(text: str) -> str:
    """The characters that tell printed labels apart: no spaces, punctuation or width variants."""
    return _NOT_LABEL.sub("", plain(normalize_radicals(text)))
