"""A text as pieces that know what they are: labelled runs, and what stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from giar_ml.annotations.gold import Gold, GoldCell, GoldToken, Place
from training.filling import Filling


@dataclass(frozen=True)
class Span:
    """A run of text with its label, or (label "") a gap: spaces, tabs, pipes, line breaks.

    `key` is set for the figure of a cell. The figure of a blank cell is a run without text, where the tool
    keeps its place.
    """

    text: str
    label: str = ""
    key: str | None = None


Line = tuple[Span, ...]


def split_lines(spans: Iterable[Span]) -> list[Line]:
    """The lines of a text; a run that goes over a line break is a run on each line."""
    lines: list[list[Span]] = [[]]
    for span in spans:
        for i, part in enumerate(span.text.split("\n")):
            if i:
                lines.append([])
            if part or (span.key and part == span.text):
                lines[-1].append(replace(span, text=part))
    return [tuple(line) for line in lines]


def join_lines(lines: Sequence[Line]) -> str:
    return "\n".join(line_text(line) for line in lines)


def line_text(line: Iterable[Span]) -> str:
    return "".join(span.text for span in line)


def trim(span: Span) -> list[Span]:
    """The run without the spaces around it, which become gaps; heading marks (`## `) are a gap too."""
    match = re.fullmatch(r"(\s*(?:#+ )?)(.*?)(\s*)", span.text, re.DOTALL)
    if match is None or not match[2]:
        return [Span(span.text)]
    parts = [Span(match[1]), replace(span, text=match[2]), Span(match[3])]
    return [part for part in parts if part.text]


def shown_keys(lines: Iterable[Line]) -> set[str]:
    """The cells whose place the text still has, blank ones too."""
    return {span.key for line in lines for span in line if span.key}


def text_gold(
    lines: Sequence[Line],
    filling: Filling,
    *,
    sha256: str,
    lost: Iterable[str] = (),
    origin: Mapping[str, Any],
) -> Gold:
    """The gold of a text: a cell's places are the lines that its figure stands on, `origin["lost"]` the
    cells that the text does not show any more."""
    places: dict[str, dict[int, Place]] = {}
    texts: dict[str, list[str]] = {}
    tokens = []
    for number, line in enumerate(lines, start=1):
        for span in line:
            if not span.label or not span.text:
                continue
            place = Place(line=number)
            tokens.append(GoldToken(span.text, span.label, place, span.key))
            if span.key and span.label == "figure":
                # A merged cell may be written in each of its places.
                if place.line not in places.setdefault(span.key, {}):
                    texts.setdefault(span.key, []).append(span.text)
                places[span.key][number] = place
    cells = {
        key: GoldCell(
            cell.printed,
            "".join(texts.get(key, ())) or cell.text,
            tuple(places.get(key, {}).values()),
        )
        for key, cell in filling.gold_cells().items()
    }
    return Gold(
        file="",
        sha256=sha256,
        kind="text",
        form=filling.form.name,
        organisation=filling.prose.organisation,
        year=filling.prose.year,
        cells=cells,
        misprints=filling.misprints,
        tokens=tuple(tokens),
        origin={**origin, "lost": sorted(lost)},
    )
