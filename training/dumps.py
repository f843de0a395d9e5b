"""Text dumps of reports, broken the way that extraction tools broke five published ones.

The templates under layouts/ keep every tab and blank line of the dumps that were seen; the figures
are given and the prose is ours. In a template `|` is a tab, `/` a line break inside a cell, and
`{key}` the figures of a row, a group or a cell.

What the five dumps lost, inferred from their header lines and field counts:

`text_000`: rows before the first page tear have six figures. The header line of that page has seven
fields, label + 自然人 商业 科研 社会 "法律  其" + 总计, so one column stands for 法律服务机构 and 其他
together and the last figure is the total. The trailing empty field of some rows is padding: rows
with three label fields have the same nine fields without it. One figure is printed in the squeezed
column; a tool that merges two cells and keeps one text keeps the first, so by default it is 法律服务机构
and 其他 is lost. It might as well be the other one, or (if a person retyped it) the sum.

`text_001`: nothing is lost, but the rows after the tear inside （六） have eight figures: in
11,0,0,0,0,0,1,12 the first, the last but one and the last are 自然人, 其他 and 总计, so a field was
put in after the first figure or among the zeros. It printed 0.

`text_002`, `text_003`: the header names 自然人 商业企业 科研机构 社会公益组织 法律服务机构 总计, and rows
have six figures: 其他 is lost. The table is eight fields wide, so rows with a group label column of
their own ((四), (五), (六)) have room for five figures only; by default the last one, 总计, is cut too.
If the fields stand under their headers, it is 自然人 whose place the label took.

`text_004`: nothing is lost; every cell is a line or two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

import numpy as np

from giar_ml.forms import load_form
from giar_ml.forms.grid import form_grid
from giar_ml.label.names import normalize_label
from training.figures import Figure, Printed
from training.grid import show_figure
from training.prose import Prose, sample_prose
from training.spans import Span, trim

Squeezed = Literal["legal_services", "other_organization", "sum", "total"]
"""What the six figures of the first page of `text_000` are: the squeezed cell shows 法律服务机构, 其他 or
their sum; `total`: no column is squeezed and the total is cut."""
Extra = Literal["zero", "repeat", "blank"]
"""The eighth figure of the last rows of `text_001`."""
Five = Literal["first", "aligned", "without_legal"]
"""The figures of the rows of `text_002` that have five: the first ones, those that stand under their
headers (自然人 is lost), or those without 法律服务机构."""

APPLICANTS = (
    "natural_person",
    "enterprise",
    "research_institution",
    "social_organization",
    "legal_services",
    "other_organization",
)
COLUMNS = (*APPLICANTS, "total")


@dataclass(frozen=True)
class DumpText:
    """A text dump; `lost` are the keys of the cells that it does not print at all."""

    spans: tuple[Span, ...]
    lost: frozenset[str]
    organisation: str
    year: int

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


Layout = Callable[..., DumpText]
RowFields = Callable[[str], list[str]]
"""The figure fields of a row of table 3, each the key of a cell or text in quotes."""


def gold(figures: Printed, dump: DumpText) -> dict[str, Figure | None]:
    """What a perfect reader sees in the dump: the printed figure, None where blank or lost."""
    return {key: None if key in dump.lost else figure for key, figure in figures.items()}


def text_000(
    figures: Printed,
    rng: np.random.Generator,
    *,
    squeezed: Squeezed = "legal_services",
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """Rows before the first page tear have six figures; headers are single characters.

    `stated` are the figures that the prose repeats, none by default.
    """
    keep = {
        "legal_services": [c for c in COLUMNS if c != "other_organization"],
        "other_organization": [c for c in COLUMNS if c != "legal_services"],
        "total": list(APPLICANTS),
    }

    def row_fields(row: str) -> list[str]:
        if row not in ROWS_000_BEFORE_TEAR:
            return _keys(row, COLUMNS)
        if squeezed != "sum":
            return _keys(row, keep[squeezed])
        both = [figures[key] for key in _keys(row, ("legal_services", "other_organization"))]
        shown = None if None in both else sum(figure or 0 for figure in both)
        return [*_keys(row, COLUMNS[:4]), f'"{show_figure(shown)}"', *_keys(row, ("total",))]

    prose = prose or sample_prose(rng, stated=stated)
    (active, requests, manage, platform, oversight) = prose.topics
    return _write(
        figures,
        prose,
        row_fields,
        before=[
            "",
            "",
            f"# {prose.organisation} {prose.year} 年度 信息公开年度报告",
            prose.introduction,
            "## 一、总体情况",
            prose.overall,
            f"### （一）{active[0]}方面",
            f"1、{active[1]}",
            f"## （二）{manage[0]}方面",
            f"1、{manage[1]}",
            f"## （三）{platform[0]}方面",
            f"1、{platform[1]}",
            f"#### （四）{requests[0]}方面",
            f"1、{requests[1]}",
            f"#### （五）{oversight[0]}方面",
            f"1、{oversight[1]}",
        ],
        tables=_read_layout("000"),
        after=[
            "#### 五、存在的主要问题及改进措施：",
            "##### 1、主要问题：",
            prose.problems,
            "## 2、改进措施:",
            prose.improvements,
            "## 六、其他需要报告的事项",
            prose.remark,
            "\n",
        ],
    )


def text_001(
    figures: Printed,
    rng: np.random.Generator,
    *,
    extra: Extra = "zero",
    extra_at: int = 1,
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """Labels torn over pages and an eighth figure at `extra_at` (0..7) in the last rows of table 3."""

    def row_fields(row: str) -> list[str]:
        fields = _keys(row, COLUMNS)
        if row in ROWS_001_AFTER_TEAR:
            repeated = show_figure(figures[fields[max(extra_at - 1, 0)]])
            shown = {"zero": "0", "repeat": repeated, "blank": ""}[extra]
            fields.insert(extra_at, f'"{shown}"')
        return fields

    prose = prose or sample_prose(rng, stated=stated)
    (active, requests, manage, platform, oversight) = prose.topics
    torn_at = len(requests[1]) - int(rng.integers(3, 12))
    return _write(
        figures,
        prose,
        row_fields,
        before=[
            "",
            "",
            f"{prose.organisation} {prose.year} 年政府信息公开 工作年度报告",
            prose.introduction,
            "一、总体情况",
            f"(一) {active[0]}情况",
            prose.overall + active[1],
            f"(二) {requests[0]}情况",
            requests[1][:torn_at],
            requests[1][torn_at:],
            f"（三）{manage[0]}情况",
            manage[1],
            f"（四）{platform[0]}情况",
            platform[1],
            f"（五）{oversight[0]}情况",
            oversight[1],
        ],
        tables=_read_layout("001"),
        after=[
            "五、存在的主要问题及改进情况",
            "(一) 存在的问题",
            prose.problems,
            "(二) 问题改进情况",
            prose.improvements,
            "六、其他需要报告的事项",
            "(一) 政府信息公开信息处理费收取情况",
            prose.remark,
            f"{prose.year + 1}年1月{int(rng.integers(5, 29))}日",
        ],
    )


def text_002(
    figures: Printed,
    rng: np.random.Generator,
    *,
    five: Five = "first",
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """Column 其他 is lost, the label （三）不予公开 too, and some rows have five figures."""
    prose = prose or sample_prose(rng, stated=stated)
    return _write(
        figures,
        prose,
        _fields_of_eight(five),
        before=[
            "",
            "",
            f"# {prose.organisation} {prose.year} 年政府信息公开工作年度报告",
            "## 一、总体情况",
            prose.overall,
            *(
                line
                for number, (heading, text) in zip("一二三四五", prose.topics, strict=True)
                for line in (f"### （{number}）{heading}：", text)
            ),
        ],
        tables=_read_layout("002"),
        after=[
            "#### 五、存在的主要问题及改进情况",
            "##### (一) 存在问题",
            f"- {prose.problems}",
            "##### (二) 改进措施",
            f"- {prose.improvements}",
            "#### 六、其他需要报告的事项",
            prose.remark,
        ],
    )


def text_003(
    figures: Printed,
    rng: np.random.Generator,
    *,
    five: Five = "first",
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """As `text_002`, with plain headings."""
    prose = prose or sample_prose(rng, stated=stated)
    return _write(
        figures,
        prose,
        _fields_of_eight(five),
        before=[
            "",
            "",
            f"{prose.organisation} {prose.year} 年政府信息公开工作年度报告",
            "一、总体情况",
            prose.introduction + prose.overall,
            *(
                line
                for number, (heading, text) in zip("一二三四五", prose.topics, strict=True)
                for line in (f"（{number}）{heading}", text)
            ),
        ],
        tables=[re.sub(r"^#+ ", "", line) for line in _read_layout("002")],
        after=[
            "五、存在的主要问题及改进情况",
            prose.problems,
            prose.improvements,
            "六、其他需要报告的事项",
            prose.remark,
        ],
    )


def text_004(
    figures: Printed,
    rng: np.random.Generator,
    *,
    stated: Printed | None = None,
    prose: Prose | None = None,
) -> DumpText:
    """One cell a line behind a tab, rows between blank lines, paragraphs without any."""
    prose = prose or sample_prose(rng, stated=stated)
    before = [
        f"{prose.organisation}{prose.year}年政府信息公开工作年度报告",
        "",
        prose.introduction,
        "一、总体情况",
        prose.overall,
    ]
    for number, (heading, text) in zip("一二三四五", prose.topics, strict=True):
        before += [f"（{number}）{heading}工作", text]
    after = [
        "五、存在的主要问题及改进情况",
        f"[bookmark: _GoBack]{prose.problems}",
        prose.improvements,
        "六、其他需要报告的事项",
        prose.remark,
        "",
    ]
    tables: list[str] = []
    for line in _read_layout("004"):
        if line.startswith("\t"):
            tables += [f"\t{cell}" for cell in line[1:].split("\t")] + [""]
        else:
            tables += ["", line] if tables else [line]
    return _write(
        figures,
        prose,
        lambda row: _keys(row, COLUMNS),
        before=before,
        tables=[*tables, ""],
        after=after,
        paragraph_gap="\n",
    )


SEED_LAYOUTS: tuple[Layout, ...] = (text_000, text_001, text_002, text_003, text_004)
"""The layouts that were seen, by number."""


def published_figures(number: int) -> dict[str, Figure | None]:
    """The figures printed in the report behind `text_<number>`, its misprints and blanks included."""
    return {key: PUBLISHED[number].get(key, 0) for key in load_form("2021").cells}


def as_published(number: int) -> tuple[str, dict[str, Figure | None]]:
    """The layout with the published figures, and what it prints: None where blank or lost."""
    rng = np.random.default_rng(number)
    figures = published_figures(number)
    prose = sample_prose(rng, year=PUBLISHED_YEARS[number]).with_requests(PUBLISHED_STATEMENTS[number])
    dump = SEED_LAYOUTS[number](figures, rng, prose=prose)
    return dump.text, gold(figures, dump)


def _keys(row: str, columns: tuple[str, ...] | list[str]) -> list[str]:
    return [f"{row}.{column}" for column in columns]


def _fields_of_eight(five: Five) -> RowFields:
    six = [column for column in COLUMNS if column != "other_organization"]
    kept = {
        "first": six[:5],
        "aligned": six[1:],
        "without_legal": [column for column in six if column != "legal_services"],
    }[five]
    grouped = ("unavailable", "not_processed", "other")
    return lambda row: _keys(row, kept if row.split(".")[1] in grouped else six)


def _write(
    figures: Printed,
    prose: Prose,
    row_fields: RowFields,
    *,
    before: list[str],
    tables: list[str],
    after: list[str],
    paragraph_gap: str = "\n\n",
) -> DumpText:
    separator = "\n\t" if paragraph_gap == "\n" else "\t"
    spans: list[Span] = []
    for i, paragraph in enumerate(_unsplit(before, paragraph_gap)):
        spans += [Span(paragraph_gap if i else ""), Span(paragraph, "other")]
    spans.append(Span(paragraph_gap))
    find_label = _label_finder()
    for i, line in enumerate(tables):
        spans.append(Span("\n" if i else ""))
        for j, field in enumerate(line.split("\t")):
            spans.append(Span("\t" if j else ""))
            if match := re.fullmatch(r"\{([\w.]+)\}", field):
                fields = _figure_spans(match[1], figures, row_fields)
                spans += [part for span in fields for part in (Span(separator), span)][1:]
            else:
                spans += find_label(field)
    for paragraph in after:
        spans += [Span(paragraph_gap), Span(paragraph, "other")]
    spans = [part for span in spans for part in (trim(span) if span.text and not span.key else [span])]
    printed = {span.key for span in spans if span.key}
    lost = frozenset(figures.keys() - printed)
    return DumpText(tuple(s for s in spans if s.text or s.key), lost, prose.organisation, prose.year)


def _figure_spans(name: str, figures: Printed, row_fields: RowFields) -> Iterator[Span]:
    """The figures that a template names: of a cell, of table 4 or of a row."""
    if name in figures:
        fields = [name]
    elif name == "reviews":
        fields = [key for key in figures if key.startswith("reviews.")]
    else:
        fields = row_fields(name)
    for field in fields:
        quoted = field.startswith('"')
        text = field[1:-1] if quoted else show_figure(figures[field])
        yield Span(text, "figure", None if quoted else field)


def _label_finder() -> Callable[[str], Iterable[Span]]:
    """Gives the spans of a template's fields, called for one after the other: some labels of table 4 stand
    there several times, in the order of the form."""
    table, labels = "", {}
    titles = {normalize_label(t.title[0]): t for t in load_form("2021").tables}

    def find(field: str) -> list[Span]:
        nonlocal table, labels
        text = normalize_label(field)
        if text in titles:
            table = titles[text].key
            labels = _labels(table)
            return [Span(field, f"title:{table}")]
        if field in TORN:
            first, second = TORN[field][0], TORN[field][-1]
            if first is second:
                return [Span(field, first[1])]
            gap = field[len(first[0]) : len(field) - len(second[0])]
            return [Span(first[0], first[1]), Span(gap), Span(second[0], second[1])]
        found = labels.get(text, [])
        label = found.pop(0) if len(found) > 1 else found[0] if found else "other"
        return [Span(field.replace("/", "\n"), label if field else "")]

    return find


def _labels(table: str) -> dict[str, list[str]]:
    """The names of the labels of a table, by their text, in printed order."""
    found: dict[str, list[str]] = {}
    for form_table in load_form("2021").tables:
        if form_table.key == table:
            for cell in form_grid(form_table).cells:
                if cell.text:
                    found.setdefault(normalize_label(cell.text), []).append(cell.label)
    return found


def _unsplit(lines: list[str], gap: str) -> list[str]:
    """The empty lines at the top are single ones, also where paragraphs stand apart."""
    if gap == "\n\n" and lines[:2] == ["", ""]:
        return [f"\n\n{lines[2]}", *lines[3:]]
    return lines


def _read_layout(name: str) -> list[str]:
    """The lines of a template, with tabs."""
    path = Path(__file__).parent / "layouts" / f"{name}.txt"
    return path.read_text(encoding="utf-8").removesuffix("\n").replace("|", "\t").split("\n")


ROWS_000_BEFORE_TEAR = frozenset(
    f"requests.{row}"
    for row in (
        "new",
        "carried_in",
        "granted",
        "partly_granted",
        "refused.state_secret",
        "refused.prohibited_by_law",
        "refused.security_and_stability",
        "refused.third_party_rights",
    )
)
# Pieces of labels, and labels written otherwise, by the field that they stand in: (text, label) of each.
TORN: Mapping[str, tuple[tuple[str, str], ...]] = {
    "本年度止件数": (("本年度止件数", "column:disclosure.repealed"),),
    "商 业": (("商 业", "column:requests.enterprise"),),
    "企 业": (("企 业", "column:requests.enterprise"),),
    "科 研": (("科 研", "column:requests.research_institution"),),
    "机 构": (("机 构", "column:requests.research_institution"),),
    "社 会": (("社 会", "column:requests.social_organization"),),
    "公 益 组 织": (("公 益 组 织", "column:requests.social_organization"),),
    "法 律  其": (
        ("法 律", "column:requests.legal_services"),
        ("其", "column:requests.other_organization"),
    ),
    "服 务 机 构": (("服 务 机 构", "column:requests.legal_services"),),
    "他": (("他", "column:requests.other_organization"),),
    "2.其他法律法规 禁止公开": (("2.其他法律法规 禁止公开", "row:requests.refused.prohibited_by_law"),),
    "2.其他法律法规禁止公开": (("2.其他法律法规禁止公开", "row:requests.refused.prohibited_by_law"),),
    "三、本 （一）予以公开": (
        ("三、本", "under:三、本年度办理结果"),
        ("（一）予以公开", "row:requests.granted"),
    ),
    "年度办 理结果": (("年度办 理结果", "under:三、本年度办理结果"),),
    "2. 申请人逾期未按收费通知要求缴": (
        ("2. 申请人逾期未按收费通知要求缴", "row:requests.other.fee_unpaid"),
    ),
    "纳费用、行政机关不再处理其政府信息公开申请": (
        ("纳费用、行政机关不再处理其政府信息公开申请", "row:requests.other.fee_unpaid"),
    ),
}
ROWS_001_AFTER_TEAR = frozenset(f"requests.{row}" for row in ("other.other", "handled_total", "carried_out"))

# What is not named was printed 0.
PUBLISHED: tuple[Mapping[str, Figure | None], ...] = (
    {},
    {
        "disclosure.normative_documents.issued": 12,
        "disclosure.normative_documents.repealed": 9,
        "disclosure.normative_documents.in_force": 72,
        "disclosure.licensing.decisions": 424264,
        "disclosure.penalties.decisions": 64941,
        "disclosure.coercion.decisions": 2096,
        "disclosure.fees.amount": Decimal("21643.44"),
        "requests.new.natural_person": 11,
        "requests.new.other_organization": 1,
        "requests.new.total": 12,
        "requests.granted.natural_person": 6,
        "requests.granted.other_organization": 1,
        "requests.granted.total": 7,
        "requests.refused.internal_affairs.natural_person": 2,
        "requests.refused.internal_affairs.total": 2,
        "requests.unavailable.not_held.natural_person": 3,
        "requests.unavailable.not_held.total": 3,
        "requests.handled_total.natural_person": 11,
        "requests.handled_total.other_organization": 1,
        "requests.handled_total.total": 12,
        "reviews.reconsideration.upheld": None,
        "reviews.reconsideration.overturned": None,
        "reviews.reconsideration.other": None,
        "reviews.reconsideration.pending": None,
        "reviews.reconsideration.total": None,
        "reviews.direct_litigation.upheld": 3,
        "reviews.direct_litigation.total": 3,
    },
    {},
    {},
    {
        "disclosure.normative_documents.issued": 11,
        "disclosure.normative_documents.repealed": 6,
        "disclosure.normative_documents.in_force": 5,
        "disclosure.licensing.decisions": 636,
        "disclosure.penalties.decisions": 25,
        "disclosure.coercion.decisions": 4,
        "requests.new.natural_person": 3,
        "requests.new.total": 3,
        "requests.granted.natural_person": 3,
        "requests.granted.total": 3,
        "requests.handled_total.natural_person": 3,
        "requests.handled_total.total": 3,
        "reviews.reconsideration.upheld": 1,
        "reviews.direct_litigation.upheld": 2,
        "reviews.litigation_after_reconsideration.total": 3,
    },
)
PUBLISHED_YEARS = (2025, 2024, 2025, 2025, 2025)
# Our words for what the reports state: those of 001 and 004 contradict table 4.
PUBLISHED_STATEMENTS = (
    "本年度未收到政府信息公开申请。没有发生行政复议和行政诉讼。",
    "本年度新收政府信息公开申请12件，其中予以公开7件。发生行政复议3件，均为结果维持；"
    "发生行政诉讼1件，结果维持。",
    "本年度未收到政府信息公开申请。没有发生行政复议和行政诉讼。",
    "本年度未收到政府信息公开申请。",
    "本年度收到政府信息公开申请3件，已全部答复。没有发生行政复议，发生行政诉讼2件。",
)
