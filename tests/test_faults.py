"""Seeded faults: what each does to lines of labelled runs."""

import re

import numpy as np
import pytest

from training.faults import FAULTS
from training.spans import Span, join_lines, shown_keys, split_lines

COLUMNS = (
    "natural_person",
    "enterprise",
    "research_institution",
    "social_organization",
    "legal_services",
    "other_organization",
    "total",
)
HEADERS = ("自然人", "商业企业", "科研机构", "社会公益组织", "法律服务机构", "其他", "总计")
ROWS = (
    ("new", "一、本年新收政府信息公开申请数量", None),
    ("carried_in", "二、上年结转政府信息公开申请数量", None),
    ("refused.state_secret", "1.属于国家秘密", "（三）不予公开"),
    ("refused.prohibited_by_law", "2.其他法律行政法规禁止公开", None),
    ("refused.security_and_stability", "3.危及“三安全一稳定”", None),
    ("handled_total", "（七）总计", None),
)


def table(first="", gap="\t", last="", blank=False):
    """Table 3, short: figures are 100, 101, … in reading order; the labels of rows take two fields."""
    spans = [Span("三、收到和处理政府信息公开申请情况", "title:requests"), Span(f"\n{first}{gap}")]
    for column, header in zip(COLUMNS, HEADERS, strict=True):
        spans += [Span(gap), Span(header, f"column:requests.{column}")]
    for i, (row, label, group) in enumerate(ROWS):
        spans.append(Span(f"{last}\n{first}"))
        if group:
            spans += [Span(group, f"under:{group}"), Span(gap)]
        elif row.startswith("refused."):
            spans.append(Span(gap))
        spans.append(Span(label, f"row:requests.{row}"))
        for j, column in enumerate(COLUMNS):
            text = "" if blank and i == j == 1 else str(100 + 7 * i + j)
            spans += [Span(gap), Span(text, "figure", f"requests.{row}.{column}")]
    return split_lines([*spans, Span(last)])


def apply(name, lines, seed=0):
    return FAULTS[name](lines, np.random.default_rng(seed))


LAYOUTS = [
    pytest.param(table(), id="tabs"),
    pytest.param(table("| ", " | ", " |"), id="pipes"),
    pytest.param(table("  ", "    "), id="gaps"),
    pytest.param(table("", " "), id="spaces"),
]


@pytest.mark.parametrize("lines", LAYOUTS)
@pytest.mark.parametrize("name", FAULTS)
def test_figures_stay_beside_their_keys(name, lines):
    for seed in range(8):
        for line in apply(name, lines, seed):
            for span in line:
                if span.key:
                    row, _, column = span.key.removeprefix("requests.").rpartition(".")
                    number = 7 * [r for r, _, _ in ROWS].index(row) + COLUMNS.index(column)
                    assert int(span.text) == 100 + number


@pytest.mark.parametrize("lines", LAYOUTS)
@pytest.mark.parametrize("name", sorted(FAULTS.keys() - {"lost-column"}))
def test_only_a_lost_column_loses_figures(name, lines):
    for seed in range(8):
        assert shown_keys(apply(name, lines, seed)) == shown_keys(lines)


@pytest.mark.parametrize("lines", LAYOUTS)
def test_a_lost_column_is_one(lines):
    for seed in range(8):
        lost = shown_keys(lines) - shown_keys(apply("lost-column", lines, seed))
        columns = {key.rpartition(".")[2] for key in lost}
        assert len(columns) == 1
        assert "total" not in columns
        assert len(lost) >= 2


@pytest.mark.parametrize("divider", ["\t", "|"])
def test_fields_move_up_into_a_lost_column(divider):
    lines = table("| ", " | ", " |") if divider == "|" else table()
    before = join_lines(lines).split("\n")
    after = join_lines(apply("lost-column", lines, 1)).split("\n")
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert changed
    assert all(b.count(divider) == a.count(divider) - 1 for a, b in changed)


def test_columns_of_spaces_stay_in_their_places():
    lines = table("  ", "    ")
    before = join_lines(lines).split("\n")
    after = join_lines(apply("lost-column", lines, 1)).split("\n")
    assert all(len(a) >= len(b) and a.endswith(b[-20:].strip()) for a, b in zip(before, after, strict=True))
    assert before != after


def test_torn_labels_are_whole_together():
    lines = table()
    torn = apply("torn-labels", lines, 2)
    assert len(torn) > len(lines)
    for label in {span.label for line in lines for span in line if span.label.startswith("row:")}:
        whole, pieces = (
            "".join(span.text for line in version for span in line if span.label == label)
            for version in (lines, torn)
        )
        assert pieces == whole


def test_no_piece_of_a_label_looks_like_a_figure():
    for seed in range(20):
        for line in apply("torn-labels", table(), seed):
            for span in line:
                assert span.key or not re.fullmatch(r"[\d.]*", span.text) or not span.label


def test_repeated_group_labels_fill_their_field():
    line = next(
        text
        for text in join_lines(apply("repeated-group-labels", table())).split("\n")
        if "2.其他法律" in text
    )
    assert line.split("\t")[:3] == ["（三）不予公开", "2.其他法律行政法规禁止公开", "121"]


def test_figures_between_headers_are_not_repeated():
    # Once a text that gives a table by columns had the figures of its headers' columns twice.
    title, headers, *rows = table()
    figures = (rows[0][-1],)
    lines = [title, headers[:6], figures, headers[6:], (rows[0][0],), *rows[1:]]
    for seed in range(5):
        repeated = apply("repeated-headers", lines, seed)
        assert len(repeated) > len(lines)
        assert sum(span.key == figures[0].key for line in repeated for span in line) == 1


def test_blank_cells_keep_the_marks_around_them():
    lines = table(blank=True)
    assert apply("separators", lines) == lines


def test_cells_on_lines_are_one_a_line():
    for line in apply("cell-per-line", table(blank=True)):
        assert sum(bool(span.label) for span in line) <= 1


def test_bare_page_numbers_stand_only_between_rows_of_figures():
    lines = apply("cell-per-line", table())
    for seed in range(20):
        for line in apply("page-numbers", lines, seed):
            assert not any(span.label == "other" and span.text.isdecimal() for span in line)


def test_radicals_look_like_the_characters():
    text = join_lines(apply("radicals", table(), 3))
    assert "⼀" in text or "⼆" in text
    assert "⽉" not in text


def test_the_same_seed_gives_the_same_text():
    for name in FAULTS:
        assert apply(name, table(), 5) == apply(name, table(), 5)
