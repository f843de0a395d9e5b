"""Runs labellers over the tokens of documents with gold, and finds the gold label of each token."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from eval.run import Case, GoldFrame
from giar_ml.annotations.frame import Scale, page_scales, scale_bbox
from giar_ml.annotations.gold import Gold, GoldToken, bounds
from giar_ml.cli.console import complain
from giar_ml.document import BBox, Document, Page
from giar_ml.errors import GiarError, InputError
from giar_ml.figures import plain
from giar_ml.geometry import contains_center, union
from giar_ml.label import PageLabeller
from giar_ml.label.names import OTHER
from giar_ml.metrics.places import PlaceCounts, count_places
from giar_ml.metrics.token_labels import (
    CELL_LABELS,
    Choice,
    TokenCounts,
    choose_label,
    count_tokens,
    is_table_right,
)
from giar_ml.pipeline import understand
from giar_ml.words import one_line
from training.labels.examples import Example, place_example
from training.labels.gold_labels import TokenGold, match_tokens
from training.labels.negatives import sample_negative
from training.labels.read_pages import ReadPage, to_read_pages

N_NEGATIVES = 200
NEGATIVE_SEED = 9_000_002
"""Pages that are none of the forms, made up by `training.labels.negatives`: their kinds are those of the
training, their words are not."""
MISREAD = 0.5
"""Similarity with the printed text below which a token is not legible."""


@dataclass(frozen=True)
class LabelledPage:
    """The tokens of a page that have a gold label, and what each labeller takes them for.

    Args:
        tables: for each token the table it stands in, None outside of tables.
        printed: whether each token stands on print of the gold; else it is a stray mark.
        legible: whether it stands on print of one label alone, and its text is like what is printed there.
        n_gold, n_lost, n_merged: see `giar_ml.metrics.token_labels.TokenCounts`.
        n_unknown: tokens whose gold label cannot be said; they are in no count.
        n_misread: tokens whose text is unlike what is printed there.
    """

    case: Case
    number: int
    texts: tuple[str, ...]
    lines: tuple[int | None, ...]
    gold: tuple[str, ...]
    tables: tuple[str | None, ...]
    printed: tuple[bool, ...]
    legible: tuple[bool, ...]
    n_gold: int
    n_lost: int
    n_merged: int
    n_unknown: int
    n_misread: int
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)

    def labels(self, name: str) -> list[str]:
        return [choice.label for choice in self.choices[name]]

    def count(self, name: str) -> TokenCounts:
        """What the labeller `name` got right."""
        labels = self.labels(name)
        by_table: dict[str, list[int]] = defaultdict(list)
        for i, table in enumerate(self.tables):
            if table is not None:
                by_table[table].append(i)
        judged = [
            is_table_right([self.gold[i] for i in indices], [labels[i] for i in indices])
            for indices in by_table.values()
            if any(self.gold[i].startswith(CELL_LABELS) for i in indices)
        ]
        return replace(
            count_tokens(self.gold, labels),
            gold=self.n_gold,
            lost=self.n_lost,
            merged=self.n_merged,
            tables=len(judged),
            tables_right=sum(judged),
        )

    def count_only(self, name: str, chosen: Sequence[bool]) -> TokenCounts:
        """The same of the tokens that are `chosen`, without tables and losses."""
        labels = self.labels(name)
        indices = [i for i, is_chosen in enumerate(chosen) if is_chosen]
        return count_tokens([self.gold[i] for i in indices], [labels[i] for i in indices])


@dataclass(frozen=True)
class Run:
    """All pages labelled, with what was left out and why.

    Args:
        places: by document and labeller, the cells and tables that are in place once rows and columns follow
            from the labels, in the order of the form, with geometry and sums.
    """

    pages: tuple[LabelledPage, ...]
    places: Mapping[str, Mapping[str, PlaceCounts]]
    ms_per_page: Mapping[str, float]
    failed: Mapping[str, str]
    left_out: tuple[str, ...]


def has_places(gold: Gold) -> bool:
    return any(token.place.poly or token.place.line for token in gold.tokens)


def run_labellers(
    cases: Sequence[Case],
    labellers: Mapping[str, PageLabeller],
    read: Callable[[Path], Document],
    *,
    advance: Callable[[str], None] = lambda name: None,
) -> Run:
    """Read every document and give its tokens to each labeller; a document that cannot be read is named.

    Args:
        advance: called with the name of each document as it begins.
    """
    pages: list[LabelledPage] = []
    places: dict[str, dict[str, PlaceCounts]] = {}
    failed: dict[str, str] = {}
    left_out = [case.name for case in cases if not has_places(case.gold)]
    seconds = dict.fromkeys(labellers, 0.0)
    n_pages = 0
    for case in cases:
        if not has_places(case.gold):
            continue
        advance(case.name)
        try:
            document = read(case.path)
        except GiarError as error:
            failed[case.name] = one_line(error)
            continue
        except Exception as error:  # a bug must not cost the other documents
            failed[case.name] = one_line(f"{type(error).__name__}: {error}")
            continue
        found = to_read_pages(document)
        n_pages += len(found)
        placed = [page.placed() for page in found]
        labelled = {}
        for name, labeller in labellers.items():
            started = time.perf_counter()
            labelled[name] = labeller.label_pages(placed)
            seconds[name] += time.perf_counter() - started
        places[case.name] = {
            name: count_case(case, document, labeller) for name, labeller in labellers.items()
        }
        scales = page_scales(case.gold, [Page(p.number, "scan", p.width, p.height) for p in found])
        for i, page in enumerate(found):
            choices = {name: [choose_label(labels) for labels in got[i]] for name, got in labelled.items()}
            pages.append(label_page(case, page, choices, scale=scales.get(page.number, (1.0, 1.0))))
    ms = {name: 1000 * total / max(n_pages, 1) for name, total in seconds.items()}
    return Run(tuple(pages), places, ms, failed, tuple(left_out))


def count_case(case: Case, document: Document, labeller: PageLabeller) -> PlaceCounts:
    """The cells of a document that are in place when the program takes these labels."""
    try:
        analysis = understand(document, labeller)
    except InputError:  # no row of a form was found
        return count_places(case.gold, {})
    return count_places(case.gold, GoldFrame(case.gold, analysis.pages).find_spots(analysis.report))


def label_page(
    case: Case, page: ReadPage, choices: Mapping[str, Sequence[Choice]], *, scale: Scale = (1.0, 1.0)
) -> LabelledPage:
    """A page with the gold labels of its tokens."""
    matches = match_tokens(page.tokens, page.number, case.gold, scale=scale, lines=page.lines)
    kept = [i for i, match in enumerate(matches) if match.label is not None]
    tables = find_tables(page, case.gold, matches, scale=scale)
    wanted = {
        i: token.label
        for i, token in enumerate(case.gold.tokens)
        if token.label != OTHER and token.text.strip() and (not page.paper or token.place.page == page.number)
    }
    misread = [
        is_misread(token.text, [case.gold.tokens[i] for i in match.covered])
        for token, match in zip(page.tokens, matches, strict=True)
    ]
    covered = {i for match in matches for i in match.covered}
    kept_apart = {i for match in matches for i in match.covered if wanted.get(i) == match.label}
    return LabelledPage(
        case,
        page.number,
        texts=tuple(page.tokens[i].text for i in kept),
        lines=tuple(page.tokens[i].line for i in kept),
        gold=tuple(matches[i].label or OTHER for i in kept),
        tables=tuple(tables[i] for i in kept),
        printed=tuple(bool(matches[i].covered) for i in kept),
        legible=tuple(
            len({case.gold.tokens[k].label for k in matches[i].covered}) == 1 and not misread[i] for i in kept
        ),
        n_gold=len(wanted),
        n_lost=len(wanted.keys() - covered),
        n_merged=len(wanted.keys() & covered - kept_apart),
        n_unknown=len(matches) - len(kept),
        n_misread=sum(misread),
        choices={name: tuple(found[i] for i in kept) for name, found in choices.items()},
    )


def is_misread(text: str, printed: Sequence[GoldToken]) -> bool:
    """Whether a text is unlike all that is printed where it stands; what stands beside the print is not."""
    from rapidfuzz.fuzz import partial_ratio

    read = plain(text)
    return bool(printed) and all(partial_ratio(read, plain(token.text)) < 100 * MISREAD for token in printed)


def find_tables(
    page: ReadPage, gold: Gold, matches: Sequence[TokenGold], *, scale: Scale = (1.0, 1.0)
) -> list[str | None]:
    """The table that each token stands in: on paper a table of the gold or its part on this page, in a text
    the lines between the first and the last label of a statutory table."""
    if page.paper:
        boxes = {
            str(i): union(bounds(cell.poly) for cell in table.cells)
            for i, table in enumerate(gold.tables)
            if table.page == page.number and table.cells
        }
        return [_find_box(boxes, scale_bbox(token.bbox, scale)) for token in page.tokens]
    lines: dict[str, list[int]] = defaultdict(list)
    for token, match in zip(page.tokens, matches, strict=True):
        if match.label and match.label.startswith(CELL_LABELS) and token.line is not None:
            lines[match.label.partition(":")[2].partition(".")[0]].append(token.line)
    ranges = {key: (min(found), max(found)) for key, found in lines.items()}
    return [
        next((key for key, (first, last) in ranges.items() if first <= (token.line or 0) <= last), None)
        for token in page.tokens
    ]


def _find_box(boxes: Mapping[str, BBox], bbox: BBox) -> str | None:
    return next((key for key, box in boxes.items() if contains_center(box, bbox)), None)


@dataclass(frozen=True)
class Negatives:
    """Pages that are none of the forms, and what each labeller takes their tokens for."""

    pages: tuple[Example, ...]
    choices: Mapping[str, tuple[tuple[Choice, ...], ...]]


def label_negatives(
    labellers: Mapping[str, PageLabeller], *, n: int = N_NEGATIVES, seed: int = NEGATIVE_SEED
) -> Negatives | None:
    """Made-up pages, given to each labeller; None where the words that they are made of are not installed."""
    try:
        pages = tuple(sample_negative(np.random.default_rng([seed, i])) for i in range(n))
    except ModuleNotFoundError as error:
        complain(f"pages of no form left out: no module {error.name}, install the extra train")
        return None
    placed = [place_example(page) for page in pages]
    return Negatives(
        pages,
        {
            name: tuple(tuple(map(choose_label, found)) for found in labeller.label_pages(placed))
            for name, labeller in labellers.items()
        },
    )
