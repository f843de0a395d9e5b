import itertools
import random
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from giar_ml.annotations.gold import GoldTable, GoldTableCell, box_poly
from giar_ml.document import BBox, Cell, Table, Token
from giar_ml.metrics.alignment import align
from giar_ml.metrics.structure import (
    GridCounts,
    StructCell,
    StructTable,
    TableCounts,
    TreeCounts,
    from_gold,
    from_predicted,
    grits_con,
    grits_loc,
    grits_top,
    match_tables,
    score_tables,
    teds,
)

GRITS = {"top": grits_top, "con": grits_con, "loc": grits_loc}
EMPTY = StructTable()


def make_table(rows, *, page=1, left=0.0):
    """Cells of 10 by 10 pixels from rows of texts; a cell is `"text"` or `("text", n_columns)`."""
    cells = []
    for i, row in enumerate(rows):
        j = 0
        for item in row:
            text, n = item if isinstance(item, tuple) else (item, 1)
            bbox = BBox(left + 10 * j, 10 * i, left + 10 * (j + n), 10 * (i + 1))
            cells.append(StructCell(i, i + 1, j, j + n, bbox, text))
            j += n
    return StructTable(tuple(cells), page)


SQUARE = make_table([["名称", "数"], ["许可", "95"]])
SPANNING = make_table([[("名称", 2)], ["许可", "95"]])
TALL = make_table([["a", "b"], ["c", "d"], ["e", "f"]])


@pytest.mark.parametrize(
    ("gold", "predicted", "top", "con", "loc"),
    [
        pytest.param(SQUARE, SQUARE, 4, 4, 4, id="perfect"),
        pytest.param(
            # 95 and 90 share one character of four: 2 * 1 / 4.
            SQUARE,
            make_table([["名称", "数"], ["许可", "90"]]),
            4,
            3.5,
            4,
            id="a digit misread",
        ),
        pytest.param(
            # Both places of the wide cell overlap one place of two; its text stands in both, 名称 beside 数
            # has nothing in common; its box is twice as large as either.
            SPANNING,
            SQUARE,
            1 / 2 + 1 / 2 + 2,
            1 + 0 + 2,
            1 / 2 + 1 / 2 + 2,
            id="a spanning cell split",
        ),
        pytest.param(TALL, StructTable(TALL.cells[:4]), 4, 4, 4, id="last row lost"),
        pytest.param(
            # By texts rows 1 and 3 are found again; by boxes rows 1 and 2, where the two rows lie.
            TALL,
            make_table([["a", "b"], ["e", "f"]]),
            4,
            4,
            4,
            id="middle row lost",
        ),
        pytest.param(
            # Boxes of 10 shifted by 5 share 5 of 15.
            SQUARE,
            make_table([["名称", "数"], ["许可", "95"]], left=5),
            4,
            4,
            4 / 3,
            id="shifted by half a cell",
        ),
        pytest.param(
            SQUARE, make_table([["x", "y"], ["z", "w"]], left=100), 4, 0, 0, id="nothing but the shape"
        ),
        pytest.param(SQUARE, EMPTY, 0, 0, 0, id="missed"),
        pytest.param(EMPTY, SQUARE, 0, 0, 0, id="invented"),
        pytest.param(EMPTY, EMPTY, 0, 0, 0, id="none"),
    ],
)
def test_grits(gold, predicted, top, con, loc):
    for metric, expected in zip(GRITS.values(), (top, con, loc), strict=True):
        counts = metric(gold, predicted)
        assert counts == GridCounts(pytest.approx(expected), gold.grid.size, predicted.grid.size)


def test_grits_rates():
    counts = grits_con(TALL, StructTable(TALL.cells[:4]))
    assert (counts.precision, counts.recall, counts.f1) == (1, pytest.approx(2 / 3), pytest.approx(0.8))
    assert grits_top(SQUARE, EMPTY).precision is None
    assert grits_top(SQUARE, EMPTY).recall == grits_top(SQUARE, EMPTY).f1 == 0
    assert GridCounts().f1 is None


@pytest.mark.parametrize(
    ("gold", "predicted", "distance", "struct_distance", "nodes"),
    [
        pytest.param(SQUARE, SQUARE, 0, 0, 7, id="perfect"),  # table, 2 tr, 4 td
        pytest.param(SQUARE, make_table([["名称", "数"], ["许可", "90"]]), 0.5, 0, 7, id="one digit of two"),
        pytest.param(TALL, StructTable(TALL.cells[:4]), 3, 3, 10, id="row lost"),  # tr, 2 td
        # One td renamed, one inserted.
        pytest.param(SPANNING, SQUARE, 2, 2, 7, id="a spanning cell split"),
        pytest.param(SQUARE, make_table([["xx", "y"], ["zz", "ww"]]), 4, 0, 7, id="nothing but the shape"),
        pytest.param(SQUARE, EMPTY, 7, 7, 7, id="missed"),
        pytest.param(EMPTY, SQUARE, 7, 7, 7, id="invented"),
        pytest.param(EMPTY, EMPTY, 0, 0, 0, id="none"),
    ],
)
def test_teds(gold, predicted, distance, struct_distance, nodes):
    assert teds(gold, predicted) == TreeCounts(distance, nodes)
    assert teds(gold, predicted, structure_only=True) == TreeCounts(struct_distance, nodes)


def test_teds_of_nothing():
    assert TreeCounts().teds is None
    assert teds(SQUARE, EMPTY).teds == 0
    assert teds(SQUARE, SQUARE).teds == 1


# Properties and references


def random_table(rng):
    """Up to 5 by 5 places with spanning cells and holes."""
    n_rows, n_columns = rng.randint(1, 5), rng.randint(1, 5)
    used, cells = set(), []
    for i in range(n_rows):
        for j in range(n_columns):
            if (i, j) in used or (cells and rng.random() < 0.04):
                continue
            wide = 2 if j + 1 < n_columns and (i, j + 1) not in used and rng.random() < 0.2 else 1
            tall = 2 if wide == 1 and i + 1 < n_rows and rng.random() < 0.2 else 1
            used |= {(i + a, j + b) for a in range(tall) for b in range(wide)}
            x = rng.randint(-8, 8)
            bbox = BBox(50 * j + x, 20 * i, 50 * (j + wide), 20 * (i + tall) + x)
            text = "".join(rng.choice("一二12") for _ in range(rng.randint(0, 4)))
            cells.append(StructCell(i, i + tall, j, j + wide, bbox, text))
    return StructTable(tuple(cells))


def random_pair(rng):
    """Two tables, half of the time alike."""
    gold = random_table(rng)
    if rng.random() < 0.5:
        return gold, random_table(rng)
    cells = [replace(c, text=c.text + "3") if rng.random() < 0.3 else c for c in gold.cells]
    return gold, StructTable(tuple(c for c in cells if rng.random() > 0.1) or gold.cells)


PAIRS = [random_pair(random.Random(seed)) for seed in range(150)]


def test_bounds_and_identity():
    for gold, predicted in PAIRS:
        for metric in GRITS.values():
            assert 0 <= metric(gold, predicted).f1 <= 1 + 1e-9
        assert grits_top(gold, gold).f1 == grits_con(gold, gold).f1 == teds(gold, gold).teds == 1
        assert 0 <= teds(gold, predicted).teds <= teds(gold, predicted, structure_only=True).teds <= 1


def test_teds_is_symmetric():
    for gold, predicted in PAIRS:
        assert teds(gold, predicted).distance == pytest.approx(teds(predicted, gold).distance)


def test_order_of_cells_does_not_count():
    for gold, predicted in PAIRS:
        turned = StructTable(predicted.cells[::-1])
        for metric in (*GRITS.values(), teds):
            assert metric(gold, turned) == metric(gold, predicted)


def test_rows_and_columns_are_alike():
    def transpose(table):
        return StructTable(
            tuple(
                StructCell(
                    c.column_start,
                    c.column_stop,
                    c.row_start,
                    c.row_stop,
                    BBox(c.bbox.top, c.bbox.left, c.bbox.bottom, c.bbox.right),
                    c.text,
                )
                for c in table.cells
            )
        )

    for gold, predicted in PAIRS:
        for metric in GRITS.values():
            turned = metric(transpose(gold), transpose(predicted)).similarity
            assert turned == pytest.approx(metric(gold, predicted).similarity)


def test_grits_equals_what_its_authors_package_gave():
    """Sums over PAIRS by grits-metric 0.7.0, which needs a C++ compiler to install."""
    sums = {name: sum(metric(*pair).similarity for pair in PAIRS) for name, metric in GRITS.items()}
    assert sums == pytest.approx({"top": 992, "con": 770.4611111111111, "loc": 833.7139711019065})


def test_grits_against_its_authors_package():
    grits = pytest.importorskip("grits")

    def cells(table):
        return [
            grits.TableCell(
                row_nums=list(range(c.row_start, c.row_stop)),
                column_nums=list(range(c.column_start, c.column_stop)),
                cell_text=c.text,
                bbox=list(c.bbox),
            )
            for c in table.cells
        ]

    for gold, predicted in PAIRS:
        for name, metric in GRITS.items():
            to_grid = getattr(grits, f"cell_list_to_grid_{name}")
            reference = getattr(grits, f"grits_{name}")(to_grid(cells(gold)), to_grid(cells(predicted)))
            counts = metric(gold, predicted)
            assert (counts.f1, counts.precision, counts.recall) == pytest.approx(reference)


@pytest.mark.parametrize("structure_only", [False, True])
def test_teds_against_its_reference(structure_only):
    reference = pytest.importorskip("table_recognition_metric").TEDS(structure_only=structure_only)

    def html(table):
        rows = []
        for i in range(len(table.grid)):
            row = sorted((c for c in table.cells if c.row_start == i), key=lambda c: c.column_start)
            rows.append(
                "".join(
                    f'<td rowspan="{c.row_stop - i}" colspan="{c.column_stop - c.column_start}">{c.text}</td>'
                    for c in row
                )
            )
        return f"<html><body><table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table></body></html>"

    for gold, predicted in PAIRS:
        counts = teds(gold, predicted, structure_only=structure_only)
        assert counts.teds == pytest.approx(reference(html(predicted), html(gold)))


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=1, max_size=4))
def test_alignment_is_ordered_and_best(rewards):
    rewards = np.array(rewards, dtype=float)
    pairs = align(rewards)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))

    def best(i, j):
        if i == rewards.shape[0] or j == rewards.shape[1]:
            return 0
        return max(rewards[i, j] + best(i + 1, j + 1), best(i + 1, j), best(i, j + 1))

    assert sum(rewards[pair] for pair in pairs) == best(0, 0)


def test_alignment_of_nothing():
    assert align(np.zeros((0, 3))) == align(np.zeros((3, 0))) == []


def test_a_full_table_takes_a_second():
    texts = [[f"第{i}项属于其他情形", *(str((i * j) % 17) for j in range(8))] for i in range(27)]
    gold, predicted = make_table(texts), make_table([*texts[:12], *texts[13:]])
    start = time.process_time()
    score_tables([gold], [predicted])
    assert time.process_time() - start < 5  # 0.7 s where this was written


# Documents


def test_match_by_page_and_overlap():
    first, second = make_table([["a"]]), make_table([["b"]], left=40)
    far, other_page = make_table([["c"]], left=900), make_table([["a"]], page=2)
    near_second = make_table([["b", "x"]], left=38)
    pairs = match_tables([first, second], [far, near_second, other_page])
    assert pairs == [
        (second, near_second),
        (first, EMPTY),
        (EMPTY, far),
        (StructTable(page=2), other_page),
    ]
    assert match_tables([], []) == []


def test_score_tables():
    # A perfect table of 4 places and 7 nodes; one of 6 places and 10 nodes missed; one of 1 place invented,
    # of 3 nodes.
    counts = score_tables([SQUARE, replace(TALL, page=2)], [SQUARE, make_table([["a"]], page=3)])
    grid, tree = GridCounts(4, 10, 5), TreeCounts(13, 20)
    assert counts == TableCounts(2, 2, 1, grid, grid, grid, tree, tree)
    assert counts.top.f1 == pytest.approx(8 / 15)
    assert counts.teds.teds == pytest.approx(7 / 20)
    assert counts + counts == TableCounts(
        4, 4, 2, grid + grid, grid + grid, grid + grid, tree + tree, tree + tree
    )


def test_score_tables_without_teds():
    assert score_tables([SQUARE], [SQUARE], with_teds=False).teds == TreeCounts()
    assert score_tables([], []) == TableCounts()


def test_from_gold_and_predicted():
    bbox = BBox(0, 0, 10, 10)
    gold = GoldTable(3, 1, 2, (GoldTableCell(0, 1, 0, 2, box_poly(bbox), "行政 许可"),))
    tokens = (Token("行政", bbox), Token("许 可", bbox))
    predicted = Table(3, bbox, 1, 2, (Cell(0, 1, 0, 2, bbox, tokens),))
    assert from_gold(gold) == from_predicted(predicted)
    assert from_gold(gold) == StructTable((StructCell(0, 1, 0, 2, bbox, "行政许可"),), 3)
