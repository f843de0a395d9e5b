"""How much of a table's structure was recovered: GriTS and TEDS.

GriTS: Smock, Pesala and Abraham, "GriTS: Grid table similarity metric for table structure recognition",
ICDAR 2023. TEDS: Zhong, ShafieiBavani and Jimeno Yepes, "Image-based table recognition: data, model, and
evaluation", ECCV 2020 (PubTabNet).

Over documents, scores are added up cell by cell (GriTS) and node by node (TEDS) and divided at the end, so
a table weighs as much as it has cells, and one that was missed, or seen where there is none, counts with
all of its cells and a score of 0. The papers take the mean over tables, where a table of 2 rows weighs as
much as one of 27.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from giar_ml.annotations.gold import GoldTable, bounds
from giar_ml.document import BBox, Table
from giar_ml.geometry import intersection_area, union
from giar_ml.metrics.alignment import align, alignment_scores
from giar_ml.metrics.counts import add_fields, ratio


@dataclass(frozen=True)
class StructCell:
    """Spans are half open; `bbox` in page pixels, None where not known."""

    row_start: int
    row_stop: int
    column_start: int
    column_stop: int
    bbox: BBox | None = None
    text: str = ""


@dataclass(frozen=True)
class StructTable:
    """A table as both sides are compared; one without cells stands for no table. Where cells overlap, the
    later one counts; a place that no cell covers counts as a blank cell of its own whose box is not known."""

    cells: tuple[StructCell, ...] = ()
    page: int = 1

    @cached_property
    def bbox(self) -> BBox | None:
        bboxes = [cell.bbox for cell in self.cells if cell.bbox]
        return union(bboxes) if bboxes else None

    @cached_property
    def grid(self) -> np.ndarray:
        """(n_rows, n_columns) indices of the cells, -1 where there is none."""
        n_rows = max((cell.row_stop for cell in self.cells), default=0)
        n_columns = max((cell.column_stop for cell in self.cells), default=0)
        grid = np.full((n_rows, n_columns), -1)
        for index, cell in enumerate(self.cells):
            grid[cell.row_start : cell.row_stop, cell.column_start : cell.column_stop] = index
        return grid


def from_gold(table: GoldTable) -> StructTable:
    cells = (
        StructCell(
            c.row_start, c.row_stop, c.column_start, c.column_stop, bounds(c.poly), _without_spaces(c.text)
        )
        for c in table.cells
    )
    return StructTable(tuple(cells), table.page)


def from_predicted(table: Table) -> StructTable:
    cells = (
        StructCell(c.row_start, c.row_stop, c.column_start, c.column_stop, c.bbox, _without_spaces(c.text))
        for c in table.cells
    )
    return StructTable(tuple(cells), table.page)


# GriTS


@dataclass(frozen=True)
class GridCounts:
    """Similarity gained (0 to 1 for each pair of grid places) and the grid places of either side. Rates
    are None where a side is empty."""

    similarity: float = 0.0
    gold: int = 0
    predicted: int = 0

    def __add__(self, other: GridCounts) -> GridCounts:
        return add_fields(self, other)

    @property
    def precision(self) -> float | None:
        return ratio(self.similarity, self.predicted)

    @property
    def recall(self) -> float | None:
        return ratio(self.similarity, self.gold)

    @property
    def f1(self) -> float | None:
        """GriTS itself; None only when both sides are empty."""
        return ratio(2 * self.similarity, self.gold + self.predicted)


def grits_top(gold: StructTable, predicted: StructTable) -> GridCounts:
    """Topology: intersection over union of the spans, in rows and columns from each grid place."""
    return _grits(gold, predicted, _pairwise_iou(_relative_spans(gold), _relative_spans(predicted)))


def grits_con(gold: StructTable, predicted: StructTable) -> GridCounts:
    """Content: twice the longest common subsequence over the length of both texts; 1 for two blanks."""
    texts, other_texts = _texts(gold), _texts(predicted)
    names, index = np.unique(texts, return_inverse=True)
    other_names, other_index = np.unique(other_texts, return_inverse=True)
    similarities = _lcs_similarities([str(name) for name in names], [str(name) for name in other_names])
    return _grits(gold, predicted, similarities[np.ix_(index, other_index)])


def grits_loc(gold: StructTable, predicted: StructTable) -> GridCounts:
    """Location: intersection over union of the cells' boxes."""
    return _grits(gold, predicted, _pairwise_iou(_bboxes(gold), _bboxes(predicted)))


def _grits(gold: StructTable, predicted: StructTable, similarity: np.ndarray) -> GridCounts:
    """Factored 2D-MSS: rows are aligned by their best alignments of cells, columns likewise, and the
    similarity counts where aligned rows and aligned columns meet.

    Args:
        similarity: (N, M) of the gold's grid places, row by row, and the predicted ones.
    """
    counts = GridCounts(0.0, gold.grid.size, predicted.grid.size)
    if not counts.gold or not counts.predicted:
        return counts
    rewards = similarity.reshape(*gold.grid.shape, *predicted.grid.shape)
    rows = align(alignment_scores(rewards))
    columns = align(alignment_scores(rewards.transpose(1, 0, 3, 2)))
    total = sum(float(rewards[r, c, s, d]) for r, s in rows for c, d in columns)
    return GridCounts(total, counts.gold, counts.predicted)


def _relative_spans(table: StructTable) -> np.ndarray:
    """(N, 4) left, top, right, bottom of the cell at each grid place, seen from that place."""
    spans = [(c.column_start, c.row_start, c.column_stop, c.row_stop) for c in table.cells]
    rows, columns = np.indices(table.grid.shape).reshape(2, -1)
    places = np.stack([columns, rows, columns, rows], axis=1)
    index = table.grid.ravel()
    found = _lookup(spans, index) - places
    found[index < 0] = (0, 0, 1, 1)
    return found


def _bboxes(table: StructTable) -> np.ndarray:
    """(N, 4) boxes in pixels at each grid place; empty where not known."""
    return _lookup([cell.bbox or (0, 0, 0, 0) for cell in table.cells], table.grid.ravel())


def _lookup(rows: Sequence[tuple[float, float, float, float]], index: np.ndarray) -> np.ndarray:
    return np.array([*rows, (0, 0, 0, 0)], dtype=np.float64)[index]


def _texts(table: StructTable) -> np.ndarray:
    """(N,) texts at each grid place."""
    return np.array([*(cell.text for cell in table.cells), ""], dtype=object)[table.grid.ravel()].astype(str)


def _pairwise_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) intersection over union of (N, 4) and (M, 4) boxes; 0 for empty ones."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas, other_areas = (np.clip(x[:, 2:] - x[:, :2], 0, None).prod(axis=1) for x in (a, b))
    joined = areas[:, None] + other_areas[None, :] - shared
    return np.divide(shared, joined, out=np.zeros_like(shared), where=joined > 0)


def _lcs_similarities(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """(N, M) twice the longest common subsequence over the length of both; 1 for two empty texts."""
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cdist

    if not texts or not others:
        return np.zeros((len(texts), len(others)))
    shared = np.asarray(cdist(texts, others, scorer=LCSseq.similarity, dtype=np.int32))
    lengths = np.array([[len(text) + len(other) for other in others] for text in texts])
    return np.divide(2 * shared, lengths, out=np.ones(lengths.shape), where=lengths > 0)


# TEDS


@dataclass(frozen=True)
class TreeCounts:
    """Tree edit distance and the nodes of the larger tree."""

    distance: float = 0.0
    nodes: int = 0

    def __add__(self, other: TreeCounts) -> TreeCounts:
        return add_fields(self, other)

    @property
    def teds(self) -> float | None:
        """1 for the same trees; None when both sides are empty."""
        return ratio(self.nodes - self.distance, self.nodes)


@dataclass(eq=False)
class _Node:
    """A node of a table's HTML tree: `kind` is the tag, for td with its spans. `id` counts the nodes of
    both trees."""

    id: int
    kind: tuple[str, int, int]
    text: str = ""
    children: list[_Node] = field(default_factory=list)


class _Costs:
    """What an edit costs, as `apted` asks for it."""

    valuecls = float

    def __init__(self, renaming: list[list[float]]) -> None:
        self.renaming = renaming

    def delete(self, node: _Node) -> float:
        return 1.0

    def insert(self, node: _Node) -> float:
        return 1.0

    def rename(self, node: _Node, other: _Node) -> float:
        return self.renaming[node.id][other.id]

    def children(self, node: _Node) -> list[_Node]:
        return node.children


def teds(gold: StructTable, predicted: StructTable, *, structure_only: bool = False) -> TreeCounts:
    """Tree edit distance of `table` > `tr` > `td` with rowspan and colspan, without thead and tbody.

    Inserting or deleting a node costs 1. Renaming costs 1 when tag or spans differ; else, for td, the edit
    distance of the texts over the length of the longer one. Needs `apted`.

    Args:
        structure_only: TEDS-Struct: texts do not count.
    """
    from apted import APTED

    nodes: list[_Node] = []
    tree = _build_tree(gold, nodes)
    n_gold = len(nodes)
    other = _build_tree(predicted, nodes)
    larger = max(n_gold, len(nodes) - n_gold)
    if tree is None or other is None:
        return TreeCounts(float(larger), larger)
    costs = _Costs(_renaming_costs(nodes, structure_only=structure_only))
    return TreeCounts(float(APTED(tree, other, costs).compute_edit_distance()), larger)


def _build_tree(table: StructTable, nodes: list[_Node]) -> _Node | None:
    """The root of the tree, its nodes appended to `nodes`; None for a table without cells."""

    def add(kind: tuple[str, int, int], text: str = "") -> _Node:
        nodes.append(_Node(len(nodes), kind, text))
        return nodes[-1]

    if not table.cells:
        return None
    root = add(("table", 1, 1))
    root.children = [add(("tr", 1, 1)) for _ in range(len(table.grid))]
    for cell in sorted(table.cells, key=lambda c: (c.row_start, c.column_start)):
        spans = cell.row_stop - cell.row_start, cell.column_stop - cell.column_start
        root.children[cell.row_start].children.append(add(("td", *spans), cell.text))
    return root


def _renaming_costs(nodes: Sequence[_Node], *, structure_only: bool) -> list[list[float]]:
    """What renaming each node to each other costs, by their ids."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    kinds = {kind: i for i, kind in enumerate(dict.fromkeys(node.kind for node in nodes))}
    kind_of = np.array([kinds[node.kind] for node in nodes])
    differ = kind_of[:, None] != kind_of[None, :]
    if structure_only:
        return differ.astype(np.float64).tolist()
    texts = {text: i for i, text in enumerate(dict.fromkeys(node.text for node in nodes))}
    text_of = np.array([texts[node.text] for node in nodes])
    names = list(texts)
    gaps = cdist(names, names, scorer=Levenshtein.normalized_distance, dtype=np.float64)
    return np.where(differ, 1.0, gaps[np.ix_(text_of, text_of)]).tolist()


# Documents


@dataclass(frozen=True)
class TableCounts:
    """All table metrics of some documents."""

    gold_tables: int = 0
    predicted_tables: int = 0
    matched: int = 0
    top: GridCounts = field(default_factory=GridCounts)
    con: GridCounts = field(default_factory=GridCounts)
    loc: GridCounts = field(default_factory=GridCounts)
    teds: TreeCounts = field(default_factory=TreeCounts)
    teds_struct: TreeCounts = field(default_factory=TreeCounts)

    def __add__(self, other: TableCounts) -> TableCounts:
        return add_fields(self, other)


def match_tables(
    gold: Sequence[StructTable], predicted: Sequence[StructTable]
) -> list[tuple[StructTable, StructTable]]:
    """(gold, predicted) pairs: first the matched ones, then each table without a partner beside an empty one.

    On each page the pairs are those whose intersections over union add up to the most; tables that do not
    overlap are no pair.
    """
    from scipy.optimize import linear_sum_assignment

    overlaps = np.array([[_overlap(g, p) for p in predicted] for g in gold]).reshape(
        len(gold), len(predicted)
    )
    rows, columns = linear_sum_assignment(-overlaps)
    matched = [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if overlaps[r, c] > 0]
    missed = sorted({*range(len(gold))} - {r for r, _ in matched})
    invented = sorted({*range(len(predicted))} - {c for _, c in matched})
    return [
        *((gold[r], predicted[c]) for r, c in matched),
        *((gold[r], StructTable(page=gold[r].page)) for r in missed),
        *((StructTable(page=predicted[c].page), predicted[c]) for c in invented),
    ]


def score_tables(
    gold: Sequence[StructTable], predicted: Sequence[StructTable], *, with_teds: bool = True
) -> TableCounts:
    """Match the tables of one document and count.

    Args:
        gold: in the pixels of the analysed pages, as `predicted`: `Gold.moved` brings them there. Text dumps
            have no gold tables: leave such documents out, or all their tables count as invented.
        with_teds: False leaves out TEDS, by far the slowest: a second for a table of 25 by 7 figures.
    """
    total = TableCounts(len(gold), len(predicted))
    for g, p in match_tables(gold, predicted):
        total += TableCounts(
            matched=int(bool(g.cells and p.cells)),
            top=grits_top(g, p),
            con=grits_con(g, p),
            loc=grits_loc(g, p),
            teds=teds(g, p) if with_teds else TreeCounts(),
            teds_struct=teds(g, p, structure_only=True) if with_teds else TreeCounts(),
        )
    return total


def _overlap(a: StructTable, b: StructTable) -> float:
    if a.page != b.page or a.bbox is None or b.bbox is None:
        return 0.0
    shared = intersection_area(a.bbox, b.bbox)
    areas = sum(bbox.width * bbox.height for bbox in (a.bbox, b.bbox))
    return shared / (areas - shared) if shared else 0.0


def _without_spaces(text: str) -> str:
    return "".join(text.split())
