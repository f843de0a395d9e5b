"""From lines of OCR text to the figures of a form, by plain geometry.

What one writes around an OCR engine in a day: labels of rows are found by fuzzy string match, a figure
belongs to the row whose label stands at its height, and to the column whose centre is nearest. No rules of
the page, no sums, no second readings.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from statistics import fmean, median

from rapidfuzz import fuzz

from giar_ml.document import BBox, Page, Token
from giar_ml.figures import is_figure, plain
from giar_ml.forms import Form, Header, Section
from giar_ml.geometry import cluster, overlap, split_into_lines, union
from giar_ml.label.names import normalize_label

MIN_SIMILARITY = 0.6
"""Of a label: less is another label or prose."""
LOST_ROW = 0.5
"""What a row that is not found costs a form, in similarities."""

_MAX_STACKED = 5  # lines of a label in a narrow column
_LOOKALIKES = str.maketrans("OoQD〇○lIi", "000000111")
_COLUMN_GAP = 1.2  # heights of a figure: centres of one column are closer together
_ROW_REACH = 1.2  # heights: how far from its label's middle a figure may stand
_HEADER_SHARE = 0.8  # of a token's characters, which the section's headers have too


@dataclass(frozen=True)
class Figure:
    """A figure as read, at its place; `page` is 1-based."""

    text: str
    confidence: float
    page: int
    bbox: BBox | None = None


@dataclass
class Fit:
    """What was found of a form: figures by cell key; `score` tells forms apart."""

    form: Form
    score: float = 0.0
    figures: dict[str, Figure] = field(default_factory=dict)
    rows: set[tuple[str, str]] = field(default_factory=set)
    """Table and row key of every row that was found."""


def clean_figure(text: str) -> str | None:
    """The figure that a line of text shows, with letters that look like digits read as digits.

    Spaces stay inside: they may be the gaps between columns. None when the text is no figure.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if not is_figure(text):
        text = text.translate(_LOOKALIKES)
    return text if is_figure(text) else None


def best_label(text: str, headers: Sequence[Header]) -> tuple[float, int]:
    """Similarity (0..1) and index of the header whose printed label is most like the text."""
    normalized = normalize_label(text)
    scores = [
        max((fuzz.ratio(normalized, _normalized(label)) / 100 for label in header.labels), default=0.0)
        for header in headers
    ]
    best = max(range(len(scores)), key=scores.__getitem__)
    return scores[best], best


def match_label(text: str, headers: Sequence[Header], other: Sequence[Header]) -> tuple[float, int] | None:
    """As `best_label` of `headers`; None for what is prose, or as much like one of `other`."""
    similarity, index = best_label(text, headers)
    if similarity < MIN_SIMILARITY or best_label(text, other)[0] >= similarity:
        return None
    return similarity, index


_normalized = cache(normalize_label)


def read_lines(pages: Sequence[Page], form: Form) -> Fit:
    """Lay the lines of text on the pages against the rows and columns of a form."""
    fit = Fit(form)
    words = {page.number: [t for t in page.tokens if clean_figure(t.text) is None] for page in pages}
    figures = {
        page.number: [
            Figure(text, token.confidence, page.number, token.bbox)
            for token in page.tokens
            if (text := clean_figure(token.text)) is not None
        ]
        for page in pages
    }
    rows = [(section, row) for section in form.sections for row in section.rows if row.labels]
    columns = [column for section in form.sections for column in section.columns]
    labels = _find_labels(words, [row for _, row in rows], other=columns)
    fit.score = sum(label.similarity for label in labels.values()) - LOST_ROW * len(rows)
    fit.rows = {(rows[i][0].table, rows[i][1].key) for i in labels}
    placed: dict[int, list[Figure]] = {index: [] for index in labels}
    loose: dict[int, list[Figure]] = {}
    for number, found in figures.items():
        on_page = {index: label.bbox for index, label in labels.items() if label.page == number}
        for figure in found:
            index = _nearest_row(figure, on_page)
            (placed[index] if index is not None else loose.setdefault(number, [])).append(figure)
    for section in form.sections:
        if all(row.labels for row in section.rows):
            by_row = {row.key: placed[i] for i in placed for s, row in [rows[i]] if s is section}
            _place_in_columns(fit, section, by_row, words)
        else:
            below = [label for i, label in labels.items() if rows[i][0].table != section.table]
            _read_bare_row(fit, section, loose, words, after=below)
    return fit


# Labels


@dataclass(frozen=True)
class _Label:
    similarity: float
    page: int
    bbox: BBox


def _find_labels(
    words: Mapping[int, Sequence[Token]], headers: Sequence[Header], *, other: Sequence[Header]
) -> dict[int, _Label]:
    """The best place of each header's label, by its index; each place serves one header.

    `other` are those of the other direction: 总计 and 其他 are like a row and a column.
    """
    matches = []
    for page, tokens in words.items():
        for run in _stacks(tokens):
            if match := match_label("".join(tokens[i].text for i in run), headers, other):
                matches.append((*match, page, run))
    matches.sort(key=lambda match: -match[0])
    labels: dict[int, _Label] = {}
    used: set[tuple[int, int]] = set()
    for similarity, index, page, run in matches:
        places = {(page, i) for i in run}
        if index not in labels and not places & used:
            used |= places
            labels[index] = _Label(similarity, page, union(words[page][i].bbox for i in run))
    return labels


def _stacks(tokens: Sequence[Token]) -> Iterator[tuple[int, ...]]:
    """Every token alone, and with the ones right below it that continue its text."""
    order = sorted(range(len(tokens)), key=lambda i: tokens[i].bbox.center[1])
    for start in order:
        run = [start]
        yield (start,)
        while len(run) < _MAX_STACKED:
            last = tokens[run[-1]].bbox
            after = [i for i in order if _continues(last, tokens[i].bbox)]
            if not after:
                break
            run.append(min(after, key=lambda i: tokens[i].bbox.top))
            yield tuple(run)


def _continues(upper: BBox, lower: BBox) -> bool:
    shared = overlap(upper.left, upper.right, lower.left, lower.right)
    height = min(upper.height, lower.height)
    return (
        shared >= 0.5 * min(upper.width, lower.width)
        and lower.center[1] > upper.center[1] + 0.5 * height
        and lower.top - upper.bottom < height
    )


def _nearest_row(figure: Figure, labels: Mapping[int, BBox]) -> int | None:
    assert figure.bbox is not None
    x, y = figure.bbox.center
    near = {
        index: abs(y - bbox.center[1])
        for index, bbox in labels.items()
        if bbox.center[0] < x
        and abs(y - bbox.center[1]) <= _ROW_REACH * max(bbox.height / 2, figure.bbox.height)
    }
    return min(near, key=near.__getitem__, default=None)


# Columns


def _place_in_columns(
    fit: Fit, section: Section, by_row: Mapping[str, Sequence[Figure]], words: Mapping[int, Sequence[Token]]
) -> None:
    """Give every figure of the section's rows to the nearest column of its page."""
    pages = sorted({figure.page for row in by_row.values() for figure in row})
    centers: list[float] | None = None
    # The page with most figures shows the columns best; a table's other page may show two of seven.
    on_page = {page: [f for row in by_row.values() for f in row if f.page == page] for page in pages}
    for page in sorted(pages, key=lambda page: -len(on_page[page])):
        centers = _find_columns(section, on_page[page], words[page], other=centers)
        for row in section.rows:
            found = [figure for figure in by_row.get(row.key, ()) if figure.page == page]
            for column, figure in _fill_cells(found, centers).items():
                fit.figures[section.cell_key(row, section.columns[column])] = figure


def _find_columns(
    section: Section, figures: Sequence[Figure], words: Sequence[Token], *, other: list[float] | None
) -> list[float]:
    """The x centre of each column: from the figures, else the headers, else those of the other page, else
    evenly spread between the outermost."""
    n = len(section.columns)
    bboxes = [figure.bbox for figure in figures if figure.bbox]
    xs = [bbox.center[0] for bbox in bboxes]
    groups = cluster(xs, gap=_COLUMN_GAP * median(bbox.height for bbox in bboxes))
    means = [fmean(xs[i] for i in group) for group in groups]
    if len(means) == n:
        return means
    headers = _find_headers(section, words)
    if headers:
        return headers
    if len(means) > n:
        largest = sorted(range(len(means)), key=lambda i: -len(groups[i]))[:n]
        return [means[i] for i in sorted(largest)]
    if other:
        return other
    return _spread(min(xs), max(xs), n)


def _find_headers(section: Section, words: Sequence[Token]) -> list[float]:
    """The x centres of the section's headers; empty unless each was found, in printed order."""
    labels = _find_labels({0: words}, section.columns, other=section.rows)
    centers = [labels[i].bbox.center[0] for i in range(len(section.columns)) if i in labels]
    complete = len(centers) == len(section.columns) and all(a < b for a, b in pairwise(centers))
    return centers if complete else []


def _spread(first: float, last: float, n: int) -> list[float]:
    return [first + (last - first) * i / max(1, n - 1) for i in range(n)]


def _fill_cells(figures: Sequence[Figure], centers: Sequence[float]) -> dict[int, Figure]:
    """One figure per column: pieces on one line are put together, of several lines the surest counts."""
    pieces: dict[int, list[Figure]] = {}
    for figure in figures:
        for piece in _split_over_columns(figure, centers):
            assert piece.bbox is not None
            x = piece.bbox.center[0]
            column = min(range(len(centers)), key=lambda c: abs(x - centers[c]))
            pieces.setdefault(column, []).append(piece)
    cells = {}
    for column, found in pieces.items():
        lines = [_join(line) for line in split_into_lines(found, _bbox)]
        cells[column] = max(lines, key=lambda figure: figure.confidence)
    return cells


def _split_over_columns(figure: Figure, centers: Sequence[float]) -> list[Figure]:
    """The characters of a line that was read across several columns, each at its place."""
    bbox = _bbox(figure)
    crossed = [x for x in centers if bbox.left < x < bbox.right]
    if len(crossed) < 2:
        return [figure]
    step = bbox.width / len(figure.text)
    return [
        Figure(
            character,
            figure.confidence,
            figure.page,
            bbox._replace(left=bbox.left + i * step, right=bbox.left + (i + 1) * step),
        )
        for i, character in enumerate(figure.text)
        if not character.isspace()
    ]


def _join(figures: Sequence[Figure]) -> Figure:
    text = "".join(plain(figure.text) for figure in figures)
    confidence = min(figure.confidence for figure in figures)
    return Figure(text, confidence, figures[0].page, union(_bbox(figure) for figure in figures))


def _bbox(figure: Figure) -> BBox:
    assert figure.bbox is not None
    return figure.bbox


# The row of table 4, which has no label


def _read_bare_row(
    fit: Fit,
    section: Section,
    loose: Mapping[int, Sequence[Figure]],
    words: Mapping[int, Sequence[Token]],
    *,
    after: Sequence[_Label],
) -> None:
    """Give the line of figures under the section's headers to its only row."""
    (row,) = section.rows
    characters = {c for column in section.columns for text in (*column.under, *column.labels) for c in text}
    best: tuple[list[Figure], list[Token]] = [], []
    for page, figures in loose.items():
        floor = max((label.bbox.bottom for label in after if label.page == page), default=0.0)
        headers = [t for t in words[page] if t.bbox.top > floor and _is_made_of(t.text, characters)]
        if not headers:
            continue
        top = median(t.bbox.top for t in headers)
        below = [figure for figure in figures if _bbox(figure).center[1] > top]
        line = max(split_into_lines(below, _bbox), key=len, default=[])
        if len(line) > len(best[0]):
            best = line, headers
    line, headers = best
    if not line:
        return
    fit.rows.add((section.table, row.key))
    n = len(section.columns)
    # Headers and figures of narrow columns are often read as one line: only its ends are sure.
    ends = [
        (bbox.left + half, bbox.right - half)
        for bbox in [*map(_bbox, line), *(t.bbox for t in headers)]
        for half in [min(bbox.width, bbox.height) / 2]
    ]
    centers = _spread(min(left for left, _ in ends), max(right for _, right in ends), n)
    if len(line) == n:
        centers = [_bbox(figure).center[0] for figure in line]
    for column, figure in _fill_cells(line, centers).items():
        fit.figures[section.cell_key(row, section.columns[column])] = figure


def _is_made_of(text: str, characters: set[str]) -> bool:
    text = normalize_label(text)
    return len(text) > 1 and sum(c in characters for c in text) >= _HEADER_SHARE * len(text)
