"""The statutory forms as data: cell keys, printed labels, sums. A new form is a new YAML file."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any, Literal

import yaml

from giar_ml.text import letters

MIN_PRINTED = 3
"""Fewer characters are part of many headers."""

CellType = Literal["count", "amount", "change"]


@dataclass(frozen=True)
class Header:
    """A row or column of a form table: its key part, the group headers above it (outermost first),
    its printed label and the variants seen (empty for a row that has none)."""

    key: str
    labels: tuple[str, ...]
    under: tuple[str, ...] = ()
    type: CellType = "count"
    unit: str | None = None

    @property
    def path(self) -> str:
        """The label with its group headers, as a clerk would name it."""
        return "".join((*self.under, *self.labels[:1]))


@dataclass(frozen=True)
class Section:
    """A block of a table with columns of its own."""

    table: str
    caption: tuple[str, ...]
    corner: tuple[str, ...]
    columns: tuple[Header, ...]
    rows: tuple[Header, ...]

    def cell_key(self, row: Header, column: Header) -> str:
        return _join_key(self.table, row.key, column.key)


@cache
def _join_key(*parts: str) -> str:
    return ".".join(part for part in parts if part)


@dataclass(frozen=True)
class FormTable:
    key: str
    title: tuple[str, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Sum:
    """The cells of `left` add up to those of `right`."""

    id: str
    left: tuple[str, ...]
    right: tuple[str, ...]


@dataclass(frozen=True)
class ProseRule:
    """Sentences that state the sum of `cells`; each pattern has a group `n`, `none` means zero. A clause with
    what `unless` matches up to there speaks of something else."""

    cells: tuple[str, ...]
    say: tuple[re.Pattern[str], ...]
    none: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None = None


@dataclass(frozen=True)
class FormCell:
    key: str
    section: Section
    row: Header
    column: Header

    @property
    def name(self) -> str:
        """In the form's own words: 三、本年度办理结果（三）不予公开5.属于三类内部事务信息 × 商业企业."""
        column = self.column.path if not self.row.labels else self.column.labels[0]
        return " × ".join(part for part in (self.row.path, column) if part)


@dataclass(frozen=True, eq=False)
class Form:
    """One statutory form. Compared by identity: `load_forms` makes each once."""

    name: str
    first_year: int
    tables: tuple[FormTable, ...]
    sums: tuple[Sum, ...]
    prose: tuple[ProseRule, ...]

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        return tuple(section for table in self.tables for section in table.sections)

    @cached_property
    def cells(self) -> dict[str, FormCell]:
        """Every cell by its key, in printed order."""
        return {
            section.cell_key(row, column): FormCell(section.cell_key(row, column), section, row, column)
            for section in self.sections
            for row in section.rows
            for column in section.columns
        }

    @cached_property
    def summed(self) -> frozenset[str]:
        """Keys of the cells that stand in a sum."""
        return frozenset(key for s in self.sums for key in (*s.left, *s.right))


@cache
def load_forms() -> dict[str, Form]:
    """All forms by name, the newest official one first."""
    folder = resources.files(__package__)
    raw = {
        data["name"]: data
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
        for data in [yaml.load(entry.read_text(encoding="utf-8"), Loader=_LOADER)]
    }
    forms = [_build_form(raw, name) for name in raw]
    forms.sort(key=lambda form: (-form.first_year, form.name))
    return {form.name: form for form in forms}


@cache
def _printed() -> frozenset[str]:
    headers = [
        header
        for form in load_forms().values()
        for section in form.sections
        for header in (*section.rows, *section.columns)
    ]
    return frozenset(letters(label) for header in headers for label in (*header.under, *header.labels))


def is_printed(text: str, *, least: int = MIN_PRINTED) -> bool:
    """Whether a form prints this in a header, or as a line of one, marks and brackets aside; not where it has
    less than so many characters."""
    found = letters(text)
    return len(found) >= least and any(found in label for label in _printed())


@cache
def _titles_and_captions() -> frozenset[str]:
    tables = [table for form in load_forms().values() for table in form.tables]
    sections = [section for table in tables for section in table.sections]
    captions = {text for section in sections for text in (*section.caption, *section.corner)}
    return frozenset(text for table in tables for text in table.title) | captions


@cache
def printed_texts() -> frozenset[str]:
    """All titles and captions of the forms, and their headers without marks."""
    return _printed() | _titles_and_captions()


@cache
def printed_pairs() -> frozenset[str]:
    """Two characters each that stand beside one another in a title, caption or header of a form."""
    return frozenset(a + b for text in printed_texts() for a, b in itertools.pairwise(text))


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_form(name: str) -> Form:
    """The form called `name`; raises KeyError when there is none."""
    return load_forms()[name]


def _build_form(raw: dict[str, Any], name: str) -> Form:
    data = raw[name]
    sets = _inherited_sets(raw, name)
    return Form(
        name=name,
        first_year=data["first_year"],
        tables=tuple(
            FormTable(
                key=key,
                title=tuple(table["title"]),
                sections=tuple(_build_section(key, section) for section in table["sections"]),
            )
            for key in data["tables"]
            for table in [_resolve_table(raw, name, key)]
        ),
        sums=tuple(s for rule in _inherited(raw, name, "sums") for s in _expand_sum(rule, sets)),
        prose=tuple(
            ProseRule(
                cells=tuple(rule["cells"]),
                say=tuple(re.compile(p.replace("{n}", r"(?P<n>\d+)")) for p in rule["say"]),
                none=tuple(re.compile(p) for p in rule.get("none", [])),
                unless=re.compile(rule["unless"]) if "unless" in rule else None,
            )
            for rule in _inherited(raw, name, "prose")
        ),
    )


def _resolve_table(raw: dict[str, Any], form: str, key: str) -> dict[str, Any]:
    table = raw[form]["tables"][key]
    if "use" not in table:
        return table
    base = _resolve_table(raw, table["use"], key)
    for change in table.get("replace_rows", []):
        sections = [{**s, "rows": _replace_rows(s["rows"], change)} for s in base["sections"]]
        base = {**base, "sections": sections}
    return base


def _replace_rows(rows: list[dict[str, Any]], change: dict[str, Any]) -> list[dict[str, Any]]:
    first, *rest = change["replace"]
    out: list[dict[str, Any]] = []
    for row in rows:
        if row["key"] == first:
            out.extend(change["with"])
        elif row["key"] not in rest:
            out.append(row)
    return out


def _inherited(raw: dict[str, Any], name: str, field: str) -> list[Any]:
    data = raw[name]
    return data[field] if field in data else _inherited(raw, data["use"], field)


def _inherited_sets(raw: dict[str, Any], name: str) -> dict[str, list[str]]:
    data = raw[name]
    base = _inherited_sets(raw, data["use"]) if "use" in data else {}
    return {**base, **data.get("sets", {})}


def _build_section(table: str, data: dict[str, Any]) -> Section:
    return Section(
        table=table,
        caption=tuple(data.get("caption", [])),
        corner=tuple(data.get("corner", [])),
        columns=tuple(_build_header(h) for h in data["columns"]),
        rows=tuple(_build_header(h) for h in data["rows"]),
    )


def _build_header(data: dict[str, Any]) -> Header:
    return Header(
        key=data["key"],
        labels=tuple(data["label"]),
        under=tuple(data.get("under", [])),
        type=data.get("type", "count"),
        unit=data.get("unit"),
    )


def _expand_sum(rule: dict[str, Any], sets: dict[str, list[str]]) -> list[Sum]:
    names = list(rule["each"])
    members = [_expand(f"{{{rule['each'][name]}}}", sets) for name in names]
    sums = []
    for combination in itertools.product(*members):
        bound = {name: [member] for name, member in zip(names, combination, strict=True)}
        left, right = (
            tuple(key for pattern in rule[side] for key in _expand(pattern, {**sets, **bound}))
            for side in ("left", "right")
        )
        sums.append(Sum(_expand(rule["id"], bound)[0], left, right))
    return sums


def _expand(pattern: str, sets: dict[str, list[str]]) -> list[str]:
    match = re.search(r"\{(\w+)\}", pattern)
    if not match:
        return [pattern]
    return [
        key
        for member in sets[match[1]]
        for key in _expand(pattern[: match.start()] + member + pattern[match.end() :], sets)
    ]
