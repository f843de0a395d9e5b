"""Seeded faults of texts: what tools lose, tear and insert on the way from a report to a text.

Each acts on lines of labelled runs, so it stays known where every figure stands. None hides what a person
could still tell: where a cell is blank, the marks that keep its place stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from giar_ml.text import display_width, normalize_radicals
from training.dumps import APPLICANTS
from training.spans import Line, Span, line_text

Fault = Callable[[list[Line], np.random.Generator], list[Line]]
"""Returns the lines as they were where there is nothing to act on."""

_TABLE_LABELS = ("row:", "column:", "under:", "caption:", "corner", "figure")
_ROW_KEYS = 3
"""Figures on a line that make it a row."""
_TORN_LENGTH = 6
"""Shorter labels are seldom torn."""
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_RADICALS = {
    normalize_radicals(chr(code)): chr(code)
    for code in range(0x2E80, 0x2FE0)
    if normalize_radicals(chr(code)) != chr(code)
}


def lose_column(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """An applicant column is gone, from all rows (with its header) or from some that follow each other."""
    rows = list(dict.fromkeys(_row(s) for line in lines for s in line if _column(s)))
    if len(rows) < 2:
        return lines
    # The narrow last column 其他 is what tools were seen to lose.
    weights = np.array([1.0] * (len(APPLICANTS) - 1) + [3.0])
    column = str(rng.choice(APPLICANTS, p=weights / weights.sum()))
    whole = rng.random() < 0.6
    if not whole:
        start = int(rng.integers(0, len(rows) // 2))
        rows = rows[start : start + int(rng.integers(2, len(rows) - start + 1))]

    def is_lost(span: Span) -> bool:
        return (_column(span) == column and _row(span) in rows) or (
            whole and span.label == f"column:requests.{column}"
        )

    return _without(lines, is_lost)


def lose_group_label(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """The label over some rows or columns is gone, as （三）不予公开, and its field too."""
    groups = sorted({s.label for line in lines for s in line if s.label.startswith("under:")})
    if not groups:
        return lines
    lost = groups[int(rng.integers(len(groups)))]
    return _without(lines, lambda span: span.label == lost)


def repeat_headers(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """The headers of table 3 come again between its rows, as on each page of a print."""
    rows = _request_rows(lines)
    first = rows[0] if rows else 0
    headers = [i for i, line in enumerate(lines[:first]) if any(_is_request_header(s) for s in line)]
    if not headers or len(rows) < 4:
        return lines
    # A text in columns has figures between its headers.
    block = [
        line
        for line in lines[headers[0] : headers[-1] + 1]
        if not any(span.label.startswith(("figure", "row:", "under:（")) for span in line)
    ]
    at = sorted(rng.choice(rows[2:], int(rng.integers(1, 3)), replace=False), reverse=True)
    for i in at:
        lines = [*lines[:i], *block, *lines[i:]]
    return lines


def repeat_group_labels(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """A merged label of several rows stands in each of them."""
    groups: dict[str, Span] = {}
    current: Span | None = None
    found = []
    for line in lines:
        for span in line:
            if re.match(r"under:（[三四五六]）", span.label) and len(span.text) > 3:
                current = groups.setdefault(span.label, span)
            elif span.label in _UNGROUPED:
                current = None
        label = next((span for span in line if span.label.startswith("row:requests.")), None)
        has_group = any(span.label.startswith("under:（") for span in line)
        if current and label and not has_group and len(_keys(line)) >= _ROW_KEYS:
            line = _with_group(line, line.index(label), current)
        found.append(line)
    return found


def tear_labels(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Some row labels go over two or three lines: before the figures, behind them, or around them."""
    places = [
        (i, span)
        for i, line in enumerate(lines)
        for span in line
        if span.label.startswith(("row:", "under:")) and len(_cuts(span.text)) > 0
    ]
    if not places:
        return lines
    chosen = rng.choice(len(places), min(len(places), int(rng.integers(2, 7))), replace=False)
    for i, span in sorted((places[k] for k in chosen), key=lambda place: -place[0]):
        line = lines[i]
        if span not in line:  # two labels of one line
            continue
        how = str(rng.choice(["before", "behind", "around"]))
        pieces = _cut(span.text, 3 if how == "around" else 2, rng)
        kept = {"before": len(pieces) - 1, "behind": 0, "around": len(pieces) // 2}[how]
        if [s for s in line if s.label] == [span]:  # a cell a line: it goes on below
            lines = [*lines[:i], *_go_on(line, span, pieces), *lines[i + 1 :]]
            continue
        torn = [_fragment(line, span, piece) for piece in pieces]
        torn[kept] = tuple(replace(s, text=pieces[kept]) if s is span else s for s in line)
        lines = [*lines[:i], *torn, *lines[i + 1 :]]
    return lines


def insert_page_numbers(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Page numbers, and perhaps a running header, stand between the lines of the tables."""
    inside = [i for i, line in enumerate(lines) if i and _is_table(line) and _is_table(lines[i - 1])]
    if not inside:
        return lines
    title = max((s.text for line in lines[:6] for s in line if "年度报告" in s.text), key=len, default="")
    # A bare number is a page number only where rows have several figures.
    bare = sum(len(_keys(line)) >= _ROW_KEYS for line in lines) > 10
    styles = ["- {} -", "— {} —", "第 {} 页", "第{}页 共{}页", *(["{}", "-{}-"] if bare else [])]
    style, header, spaced = str(rng.choice(styles)), rng.random() < 0.4, rng.random() < 0.5
    n = int(rng.integers(1, 5))
    at = sorted(int(i) for i in rng.choice(inside, min(n, len(inside)), replace=False))
    first = int(rng.integers(1, 4))
    for number, i in reversed(list(enumerate(at, first))):
        page = [style.format(number, first + len(at))] + ([title] if header and title else [])
        added: list[Line] = [(Span(text, "other"),) for text in page]
        lines = [*lines[:i], *([()] if spaced else []), *added, *([()] if spaced else []), *lines[i:]]
    return lines


def write_cells_on_lines(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Every cell of the tables is a line of its own, alone or (behind tabs) with empty lines between rows."""
    tabs = rng.random() < 0.4
    if not any(len(_keys(line)) >= _ROW_KEYS for line in lines):
        return lines
    found: list[Line] = []
    for line in lines:
        if not _is_table(line) and not (line and not line_text(line).strip(" |-")):
            found.append(line)
        elif _is_table(line):
            runs = [span for span in line if span.label]
            found += [(Span("\t"), span) if tabs else (span,) for span in runs]
            found += [()] if tabs else []
    return found


def space_characters(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Short labels have spaces between their characters."""
    share = float(rng.uniform(0.4, 1.0))

    def space(span: Span) -> Span:
        short = len(span.text) <= 7 and re.fullmatch(r"[\u4e00-\u9fff]+", span.text)
        if span.key or not span.label or not short or rng.random() > share:
            return span
        return replace(span, text=" ".join(span.text))

    return [tuple(space(span) for span in line) for line in lines]


def write_radicals(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Characters are the radicals that look the same, as fonts of PDF files map them: ⼀⼆⽂."""
    share = float(rng.uniform(0.5, 1.0))
    # A font maps a character one way throughout.
    table = {ord(char): radical for char, radical in _RADICALS.items() if rng.random() < share}
    return [tuple(replace(s, text=s.text.translate(table)) if s.label else s for s in line) for line in lines]


def widen_digits(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Figures are in full width; in labels too, or only in the tables' figures."""
    labels = rng.random() < 0.5
    return [
        tuple(
            replace(s, text=s.text.translate(_FULL_WIDTH))
            if s.key or (labels and s.label.startswith(("row:", "title:")))
            else s
            for s in line
        )
        for line in lines
    ]


def change_gaps(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Tabs become spaces, wide gaps tabs. Rows with blank cells keep theirs."""
    if any(s.key and not s.text for line in lines for s in line):
        return lines
    spaces = " " * int(rng.choice([1, 2, 4, 8]))

    def change(span: Span) -> Span:
        if span.label or "|" in span.text:
            return span
        if "\t" in span.text:
            return replace(span, text=span.text.replace("\t", spaces))
        return replace(span, text=re.sub(r" {2,}", "\t", span.text))

    return [tuple(change(s) for s in line) if _is_table(line) else line for line in lines]


def pad_rows(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Some rows that follow each other end in empty fields."""
    rows = [i for i, line in enumerate(lines) if len(_keys(line)) >= _ROW_KEYS]
    if not rows:
        return lines
    start, stop = sorted(int(i) for i in rng.integers(0, len(rows) + 1, 2))
    n = int(rng.integers(1, 3))
    padded = set(rows[start:stop])
    return [
        (*line, Span({"\t": "\t", "|": "  |"}.get(_mark(line), "   ") * n)) if i in padded else line
        for i, line in enumerate(lines)
    ]


def change_blank_lines(lines: list[Line], rng: np.random.Generator) -> list[Line]:
    """Empty lines are gone, or one follows every line. Those that are blank cells stay."""
    if any(_is_blank_cell(line) for line in lines):
        return lines
    if rng.random() < 0.5:
        # Cells behind tabs are divided into rows by nothing else.
        if any(line and line[0].text == "\t" and len(_keys(line)) == 1 == len(line) - 1 for line in lines):
            return lines
        return [line for line in lines if line_text(line).strip("\r\f ")]
    return [part for line in lines for part in (line, ())]


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "lost-column": lose_column,
        "lost-group-label": lose_group_label,
        "repeated-headers": repeat_headers,
        "repeated-group-labels": repeat_group_labels,
        "torn-labels": tear_labels,
        "padding": pad_rows,
        "cell-per-line": write_cells_on_lines,
        "page-numbers": insert_page_numbers,
        "spaced-characters": space_characters,
        "radicals": write_radicals,
        "full-width-digits": widen_digits,
        "separators": change_gaps,
        "blank-lines": change_blank_lines,
    }
)
"""By name, in the order in which they are applied."""

_UNGROUPED = frozenset(
    f"row:requests.{row}"
    for row in ("new", "carried_in", "granted", "partly_granted", "other.all", "handled_total", "carried_out")
)


def _column(span: Span) -> str | None:
    """The column of a figure of table 3."""
    return span.key.rpartition(".")[2] if span.key and span.key.startswith("requests.") else None


def _row(span: Span) -> str:
    return (span.key or "").rpartition(".")[0]


def _keys(line: Line) -> list[str]:
    return [span.key for span in line if span.key]


def _is_table(line: Line) -> bool:
    return any(span.label.startswith(_TABLE_LABELS) for span in line)


def _is_blank_cell(line: Line) -> bool:
    return bool(_keys(line)) and not line_text(line).strip()


def _is_request_header(span: Span) -> bool:
    return span.label.startswith("column:requests.") or span.label in (
        "under:申请人情况",
        "under:法人或其他组织",
    )


def _request_rows(lines: Sequence[Line]) -> list[int]:
    """The lines on which a row of table 3 begins."""
    return [i for i, line in enumerate(lines) if any(s.label.startswith("row:requests.") for s in line)]


def _mark(line: Line) -> str:
    """What divides the fields of a line: a pipe, a tab or spaces."""
    marks = Counter("|" if "|" in s.text else "\t" if "\t" in s.text else " " for s in line if not s.label)
    return marks.most_common(1)[0][0] if marks else " "


def _without(lines: list[Line], is_lost: Callable[[Span], bool]) -> list[Line]:
    """The lines without some runs and their fields; a line that had nothing else is gone."""
    found = []
    for line in lines:
        if any(is_lost(span) for span in line):
            line = _drop(line, is_lost)
            if not any(span.label for span in line):
                continue
        found.append(line)
    return found


def _drop(line: Line, is_lost: Callable[[Span], bool]) -> Line:
    kept: list[Span] = []
    joined = False
    for i, span in enumerate(line):
        if is_lost(span):
            before = kept.pop().text if kept and not kept[-1].label else ""
            after = line[i + 1].text if i + 1 < len(line) and not line[i + 1].label else ""
            kept.append(Span(_join_gaps(before, after, display_width(span.text))))
            joined = bool(after)
        elif joined:
            joined = False
        else:
            kept.append(span)
    return tuple(span for span in kept if span.text or span.key)


def _join_gaps(before: str, after: str, width: int) -> str:
    """What stands where a field was. Fields between marks move up; where spaces divide them they stay."""
    if "|" in before and "|" in after:
        return before.rstrip(" ") + after[after.index("|") + 1 :]
    if "\t" in before + after:
        return (before + after).replace("\t", "", 1)
    if max(len(before), len(after)) > 1:
        return before + " " * width + after
    return before if before and after else ""


def _with_group(line: Line, at: int, group: Span) -> Line:
    """The line with the group's label in the empty field before place `at`, or in a new one."""
    group = Span(group.text, group.label)
    gap = line[at - 1].text if at and not line[at - 1].label else ""
    if match := re.fullmatch(r"(.*?)(\t|\s*\|\s*)", gap, re.DOTALL):
        if match[1]:
            lead = match[1] if match[1][-1] in "\t " else f"{match[1]} "
            return (*line[: at - 1], Span(lead), group, Span(match[2]), *line[at:])
        if at == 1 and match[2] == "\t":
            return (group, *line)
        return (*line[:at], group, Span("\t" if match[2] == "\t" else " | "), *line[at:])
    divider = Span(" " if all(len(s.text) < 2 for s in line if not s.label) else "  ")
    return (*line[:at], group, divider, *line[at:])


def _cuts(text: str) -> list[int]:
    """Where a label may be torn: each piece has two Chinese characters, so none looks like a figure."""
    if len(text) < _TORN_LENGTH:
        return []
    return [
        i
        for i in range(1, len(text))
        if all(len(re.findall(r"[\u4e00-\u9fff]", part)) >= 2 for part in (text[:i], text[i:]))
    ]


def _cut(text: str, n: int, rng: np.random.Generator) -> list[str]:
    cuts = _cuts(text)
    chosen = sorted(int(i) for i in rng.choice(cuts, min(n - 1, len(cuts)), replace=False))
    if len(chosen) == 2 and len(re.findall(r"[\u4e00-\u9fff]", text[chosen[0] : chosen[1]])) < 2:
        chosen.pop()
    edges = [0, *chosen, len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


def _go_on(line: Line, span: Span, pieces: Sequence[str]) -> list[Line]:
    first = tuple(replace(s, text=pieces[0]) if s is span else s for s in line)
    return [first, *((replace(span, text=piece),) for piece in pieces[1:])]


def _fragment(line: Line, span: Span, piece: str) -> Line:
    """A piece of a label on a line of its own, in the field that the label has."""
    before = line[: line.index(span)]
    mark = _mark(line)
    if mark == " ":
        wide = any("  " in s.text for s in line if not s.label)
        gap = " " * display_width(line_text(before)) if wide else ""
    else:
        gap = "".join(s.text for s in before if not s.label)
    after = "".join(s.text for s in line[len(before) + 1 :] if not s.label) if mark == "|" else ""
    parts = (Span(gap), replace(span, text=piece), Span(after))
    return tuple(part for part in parts if part.text)
