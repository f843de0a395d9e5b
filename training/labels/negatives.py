"""Pages that are none of the forms: prose, other tables, lists, and what looks like a form but is none.

Every token is `other`, but pure figures in a table are `figure`: a labeller that sees a piece of a table
cannot know which table it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from giar_ml.document import BBox
from giar_ml.figures import is_figure
from giar_ml.label.frame import TEXT_COLUMNS
from giar_ml.label.names import FIGURE, OTHER
from giar_ml.text import display_width
from training.labels.examples import Example, Item
from training.labels.words import load_words

_Option = TypeVar("_Option")
_CHINESE = "一二三四五六七八九十"
_BATCH = 256  # words drawn at once

_TOPICS = ("政府信息公开", "信息公开", "申请", "依申请公开", "行政复议", "行政诉讼", "行政许可", "行政处罚",
           "规章", "规范性文件", "公共服务", "办理结果", "收费", "自然人", "法人或其他组织",
           "商业企业", "其他组织", "国家秘密", "第三方", "申请人", "年度报告", "主动公开",
           "工作秘密", "补正", "答复", "公开目录")  # fmt: skip
_ENDINGS = (
    "情况",
    "数量",
    "申请",
    "结果",
    "事项",
    "总数",
    "合计",
    "数",
    "信息",
    "类",
    "机构",
    "组织",
    "公开",
    "方式",
)
_TOTALS = (
    "合计",
    "总计",
    "小计",
    "共计",
    "其他",
    "总数",
    "其中",
    "本年",
    "上年",
    "一、总计",
    "其他情况",
    "备注",
)
_UNITS = ("件", "万元", "人", "个", "元", "%", "次", "户", "公里", "项", "平方米", "年", "天")


@dataclass(frozen=True)
class Grid:
    """A table: rows of cells, "" for an empty one; `widths` are shares of the page's width."""

    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]


Block = str | Grid
"""A paragraph, or a table."""


class Pen:
    """Draws words, sentences and figures."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._words = self._draw_words()

    def _draw_words(self) -> Iterator[str]:
        while True:
            yield from load_words().sample(self.rng, _BATCH)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def count(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        return low + int(self.rng.random() * (high - low + 1))

    def pick(self, options: Sequence[_Option]) -> _Option:
        return options[int(self.rng.random() * len(options))]

    def phrase(self, low: int = 1, high: int = 3) -> str:
        return "".join(islice(self._words, self.count(low, high)))

    def term(self) -> str:
        """Words as in headers, some of them the forms' own, used for something else."""
        draw = self.rng.random()
        if draw < 0.2:
            return self.pick(_TOTALS)
        if draw < 0.3:
            return self.pick(_TOPICS)
        if draw < 0.4:
            return self.pick(_TOPICS) + self.phrase(1, 1)
        return self.phrase(1, 2) + (self.pick(_ENDINGS) if draw < 0.7 else "")

    def figure(self) -> str:
        draw = self.rng.random()
        if draw < 0.25:
            return "0"
        number = int(10 ** (5 * self.rng.random() ** 1.5))
        if draw < 0.75:
            return str(number)
        if draw < 0.85:
            return f"{number:,}"
        return f"{number * self.rng.random():.2f}"

    def number(self) -> str:
        """A number in running text, with what is counted."""
        return self.pick((f"20{self.count(10, 26)}年", f"{self.figure()}{self.pick(_UNITS)}", self.figure()))

    def sentence(self, topics: float = 0.1) -> str:
        """Words with commas and numbers; `topics` is the share of the forms' own words."""
        parts = []
        for _ in range(self.count(1, 4)):
            words = [
                self.pick(_TOPICS) if self.chance(topics) else self.phrase(1, 1)
                for _ in range(self.count(2, 8))
            ]
            if self.chance(0.25):
                words.insert(self.count(0, len(words)), self.number())
            parts.append("".join(words))
        return self.pick(("，", "，", "、", "；")).join(parts) + self.pick(("。", "。", "。", "；", "："))

    def paragraph(self, topics: float = 0.1) -> str:
        return "".join(self.sentence(topics) for _ in range(self.count(1, 5)))

    def numbering(self, level: int) -> str:
        """How the headings of a level are numbered; to be filled with a number or a Chinese one."""
        levels = (
            ("{c}、", "第{c}章", "{c}."),
            ("（{c}）", "({c})", "{c}是"),
            ("{d}.", "{d}、", "（{d}）", "{d}．"),
        )
        return self.pick(levels[min(level, 2)])


def sample_negative(rng: np.random.Generator) -> Example:
    """A page, or a text, of a random kind; some hold two kinds, or a table torn at the top."""
    pen = Pen(rng)
    name = pen.pick(tuple(PAGES))
    blocks = PAGES[name](pen)
    if pen.chance(0.25):
        other = PAGES[pen.pick(tuple(PAGES))](pen)
        blocks = [*blocks[-pen.count(1, 4) :], *other[: pen.count(2, 8)]]
    if pen.chance(0.15):
        blocks = [_torn(block, pen) for block in blocks]
    paper = pen.chance(0.6)
    items = tuple(_print_paper(blocks, pen) if paper else _print_text(blocks, pen))
    return Example(items, paper, f"negative:{name}")


# Pages --------------------------------------------------------------------------------------------------


def article(pen: Pen) -> list[Block]:
    """A title and paragraphs under numbered headings."""
    return [pen.phrase(2, 5), *_chapters(pen, 0.05)]


def disclosure_article(pen: Pen) -> list[Block]:
    """The same about information disclosure, with the forms' words in running text."""
    title = pen.pick(("关于{}的通知", "{}工作制度", "{}指南", "{}工作总结", "{}条例解读", "{}答记者问"))
    return [title.format(pen.pick(_TOPICS)), *_chapters(pen, 0.4)]


def statistics(pen: Pen) -> list[Block]:
    """A table of words and figures."""
    return [*_heading(pen), _figures_table(pen, [pen.phrase(1, 3) for _ in range(pen.count(3, 25))])]


def other_statute(pen: Pen) -> list[Block]:
    """A table of another kind of report that numbers its rows and adds them up as the forms do."""
    labels = []
    for chapter in range(pen.count(1, 4)):
        labels.append(f"{_CHINESE[chapter]}、{pen.term()}")
        for part in range(pen.count(0, 6)):
            labels.append(f"（{_CHINESE[part]}）{pen.term()}")
            labels += [f"{n}.{pen.term()}" for n in range(1, 1 + pen.count(0, 5))]
    labels += [pen.pick(_TOTALS)] * pen.chance(0.5)
    return [*_heading(pen), _figures_table(pen, labels[:32]), *_notes(pen)]


def budget(pen: Pen) -> list[Block]:
    """Amounts by subject, with codes."""
    columns = (
        "科目编码",
        "科目名称",
        "年初预算数",
        "调整预算数",
        "决算数",
        "合计",
        "基本支出",
        "项目支出",
        "其他",
    )
    header = columns[: pen.count(3, len(columns))]
    rows = [
        (
            str(pen.count(201, 229)) + f"{pen.count(1, 99):02}" * pen.count(0, 2),
            pen.phrase(1, 3),
            *(pen.figure() if pen.chance(0.7) else "" for _ in header[2:]),
        )
        for _ in range(pen.count(4, 25))
    ]
    total = ("", "合计", *(pen.figure() for _ in header[2:]))
    return [*_heading(pen), "单位：万元", _grid([header, *rows, total], first=1.2)]


def staff(pen: Pen) -> list[Block]:
    """People with their posts and dates."""
    header = ("序号", "姓名", "性别", "职务", "出生年月", "学历", "备注")
    rows = [
        (str(n), pen.phrase(1, 1)[:3], pen.pick("男女"), pen.phrase(1, 2),
         f"{pen.count(1960, 2002)}.{pen.count(1, 12):02}", pen.pick(("本科", "大专", "研究生", "高中")), "")
        for n in range(1, 2 + pen.count(4, 24))
    ]  # fmt: skip
    return [*_heading(pen), _grid([header, *rows], first=0.6)]


def contents(pen: Pen) -> list[Block]:
    """Headings with the pages that they stand on."""
    blocks: list[Block] = [pen.pick(("目录", "目 录", "目　　录"))]
    page = 1
    for chapter in range(pen.count(3, 8)):
        headings = [pen.numbering(0).format(c=_CHINESE[chapter], d=chapter + 1) + pen.term()]
        headings += [f"（{_CHINESE[part]}）{pen.term()}" for part in range(pen.count(0, 4))]
        for heading in headings:
            page += pen.count(0, 3)
            blocks.append(heading + pen.pick(("…", "·", ".")) * pen.count(6, 30) + str(page))
    return blocks


def telephones(pen: Pen) -> list[Block]:
    """Departments with rooms and numbers."""
    header = ("部门", "负责人", "办公地址", "联系电话")
    rows = [
        (pen.phrase(1, 2) + pen.pick(("科", "局", "办公室", "中心", "委员会")), pen.phrase(1, 1)[:3],
         f"{pen.phrase(1, 1)}路{pen.count(1, 200)}号{pen.count(101, 999)}室",
         pen.pick(("", f"0{pen.count(310, 999)}-")) + str(pen.count(2_000_000, 89_999_999)))
        for _ in range(pen.count(4, 22))
    ]  # fmt: skip
    return [*_heading(pen), _grid([header, *rows], first=1.5)]


def invoice(pen: Pen) -> list[Block]:
    """Goods with prices, and what they come to."""
    header = ("货物或应税劳务名称", "规格型号", "单位", "数量", "单价", "金额", "税率", "税额")
    rows = [
        (pen.phrase(1, 2), pen.pick(("", f"A{pen.count(1, 99)}")), pen.pick(("个", "台", "件", "套")),
         str(pen.count(1, 50)), pen.figure(), pen.figure(), pen.pick(("3%", "6%", "13%")), pen.figure())
        for _ in range(pen.count(1, 8))
    ]  # fmt: skip
    total = ("合计", "", "", "", "", "¥" + pen.figure(), "", "¥" + pen.figure())
    parties = [
        f"{who}：{pen.phrase(2, 3)}有限公司" for who in ("购买方", "销售方", "收款人", "复核", "开票人")
    ]
    return [
        "增值税普通发票", f"No.{pen.count(10**7, 10**8)}", parties[0],
        _grid([header, *rows, total], first=2.0),
        f"价税合计（大写）{pen.phrase(1, 2)}（小写）¥{pen.figure()}", *parties[1:],
    ]  # fmt: skip


def application(pen: Pen) -> list[Block]:
    """A form to fill in, such as that of a request for information."""
    fields = (
        "姓名", "工作单位", "证件名称", "证件号码", "通信地址", "联系电话", "邮政编码", "电子邮箱", "名称",
        "组织机构代码", "营业执照", "法定代表人", "联系人姓名", "所需信息内容描述",
        "所需信息的用途", "是否申请减免费用", "获取方式", "其他",
    )  # fmt: skip
    groups = ("公民", "法人或其他组织", "申请人信息", "申请人情况", "所需信息情况", "备注", pen.term())
    rows = [
        (pen.pick(groups) if pen.chance(0.3) else "", pen.pick(fields),
         pen.pick(("", pen.phrase(1, 4), str(pen.count(1, 10**8)), pen.term())))
        for _ in range(pen.count(6, 20))
    ]  # fmt: skip
    return [pen.phrase(0, 1) + "政府信息公开申请表", _grid(rows, first=1.0), *_notes(pen)]


def requests_list(pen: Pen) -> list[Block]:
    """Single requests, one a row: the forms' words in cells, no counts."""
    header = ("序号", "申请人", "申请时间", "申请内容", "办理结果", "答复时间")
    results = (
        "予以公开",
        "部分公开",
        "不予公开",
        "无法提供",
        "不予处理",
        "其他处理",
        "属于国家秘密",
        "重复申请",
    )
    rows = [
        (str(n), pen.pick(("自然人", "商业企业", "法人", pen.phrase(1, 1)[:3])), _date(pen), pen.phrase(2, 5),
         pen.pick(results), _date(pen))
        for n in range(1, 2 + pen.count(2, 14))
    ]  # fmt: skip
    return [*_heading(pen), _grid([header, *rows], first=0.6), *_notes(pen)]


PAGES: dict[str, Callable[[Pen], list[Block]]] = {
    page.__name__: page
    for page in (
        article, disclosure_article, statistics, other_statute, budget, staff, contents, telephones, invoice,
        application, requests_list,
    )
}  # fmt: skip


def _chapters(pen: Pen, topics: float) -> list[Block]:
    blocks: list[Block] = []
    first, second, third = (pen.numbering(level) for level in range(3))
    for chapter in range(pen.count(1, 5)):
        heading = pen.term() if pen.chance(topics) else pen.phrase(1, 4)
        blocks.append(first.format(c=_CHINESE[chapter], d=chapter + 1) + heading)
        for part in range(pen.count(1, 4)):
            number = second.format(c=_CHINESE[part], d=part + 1) if pen.chance(0.6) else ""
            blocks.append(number + pen.paragraph(topics))
            if pen.chance(0.3):
                blocks += [third.format(d=n) + pen.sentence(topics) for n in range(1, 1 + pen.count(1, 6))]
    return blocks


def _heading(pen: Pen) -> list[Block]:
    heading = pen.phrase(1, 3) + pen.pick(("统计表", "情况表", "一览表", "情况", "明细表", "公开表", ""))
    number = pen.numbering(pen.count(0, 1)).format(c=pen.pick(_CHINESE)) if pen.chance(0.5) else ""
    return [number + heading, *([pen.paragraph(0.2)] if pen.chance(0.3) else [])]


def _notes(pen: Pen) -> list[Block]:
    return [
        pen.pick(("注：", "填表说明：", "备注：", "")) + pen.paragraph(0.2) for _ in range(pen.count(0, 3))
    ]


def _date(pen: Pen) -> str:
    form = pen.pick(("{}-{:02}-{:02}", "{}年{}月{}日", "{}.{}.{}", "{}/{}/{}"))
    return form.format(pen.count(2015, 2026), pen.count(1, 12), pen.count(1, 28))


def _figures_table(pen: Pen, labels: Sequence[str]) -> Grid:
    """Row labels with figures below words, at times below groups of words."""
    n = pen.count(1, 9)
    full, blank = (0.9, "") if pen.chance(0.7) else (0.7, pen.pick(("-", "—", "/", "")))
    rows = [(label, *(pen.figure() if pen.chance(full) else blank for _ in range(n))) for label in labels]
    header = (pen.pick(("项目", "指标", "类别", "名称", "", "信息内容")), *(pen.term() for _ in range(n)))
    if n > 2 and pen.chance(0.3):
        groups = ("", *(pen.term() if at % 3 == 0 else "" for at in range(n)))
        return _grid([groups, header, *rows], first=2.5)
    return _grid([header, *rows], first=2.5)


def _grid(rows: Sequence[tuple[str, ...]], *, first: float) -> Grid:
    """A table whose first column is `first` times as wide as the others."""
    n = len(rows[0])
    total = first + n - 1
    return Grid(tuple(rows), (first / total, *[1 / total] * (n - 1)))


def _torn(block: Block, pen: Pen) -> Block:
    """A table that goes on from the page before: without its header and first rows."""
    if isinstance(block, str) or len(block.rows) < 4:
        return block
    return Grid(block.rows[pen.count(1, len(block.rows) - 2) :], block.widths)


# Printing -----------------------------------------------------------------------------------------------

_SIZE_PX = (14, 44)  # of a character: 100 to 300 dpi
_LINE_CHARACTERS = (26, 50)
_ROW_PITCH = (1.2, 2.6)  # in characters
_TAB_COLUMNS = 8


def _label(text: str) -> str:
    return FIGURE if is_figure(text) else OTHER


def _print_paper(blocks: Sequence[Block], pen: Pen) -> Iterator[Item]:
    """Lines of paragraphs and of cells, in pixels."""
    size = pen.count(*_SIZE_PX)
    line = pen.count(*_LINE_CHARACTERS)
    pitch = size * (_ROW_PITCH[0] + pen.rng.random() * (_ROW_PITCH[1] - _ROW_PITCH[0]))
    left, top = size * (1 + 5 * pen.rng.random(2))
    for number, block in enumerate(blocks):
        if isinstance(block, Grid):
            middle = pen.chance(0.6)
            for row in block.rows:
                yield from _print_row(
                    row, block.widths, BBox(left, top, left + line * size, top + size), middle
                )
                top += pitch + (_row_lines(row, block.widths, line) - 1) * size * 1.15
            continue
        lines = _wrap(block, line)
        for text in lines:
            width = display_width(text) * size / 2
            at = left + (line * size - width) / 2 if number == 0 and len(lines) == 1 else left
            yield Item(text, BBox(at, top, at + width, top + size), OTHER)
            top += pitch


def _print_row(row: Sequence[str], widths: Sequence[float], place: BBox, middle: bool) -> Iterator[Item]:
    """A row's cells, their lines below one another; `place` is that of a row of one line."""
    size = place.height
    n_lines = _row_lines(row, widths, round(place.width / size))
    cell = place.left
    for text, share in zip(row, widths, strict=True):
        lines = _wrap(text, _cell_characters(share, round(place.width / size)))
        top = place.top + (n_lines - len(lines)) / 2 * size * 1.15
        for at, part in enumerate(lines):
            width = display_width(part) * size / 2
            left = cell + max(0.0, (share * place.width - width) / 2) if middle else cell + size * 0.2
            down = top + at * size * 1.15
            yield Item(part, BBox(left, down, left + width, down + size), _label(text))
        cell += share * place.width


def _row_lines(row: Sequence[str], widths: Sequence[float], line: int) -> int:
    return max(1, *(len(_wrap(t, _cell_characters(w, line))) for t, w in zip(row, widths, strict=True)))


def _cell_characters(share: float, line: int) -> int:
    return max(3, int(share * line))


def _wrap(text: str, characters: int) -> list[str]:
    """Lines of at most so many full-width characters; a figure stays whole."""
    if not text or is_figure(text) or display_width(text) <= 2 * characters:
        return [text] if text else []
    pieces = (text[start : start + characters].strip() for start in range(0, len(text), characters))
    return [piece for piece in pieces if piece]


def _print_text(blocks: Sequence[Block], pen: Pen) -> Iterator[Item]:
    """Words of a dump, in columns and lines; or cells without paper, as Word and HTML files have them."""
    way = pen.pick(("tabs", "spaces", "aligned", "lines", "cells"))
    wrapped = pen.count(*_LINE_CHARACTERS) if pen.chance(0.3) else 1000
    blank = pen.chance(0.4)
    number = 0
    for block in blocks:
        if isinstance(block, Grid):
            for row in block.rows:
                found = list(_ROW_PRINTERS[way](row, block.widths, number))
                yield from found
                number = 1 + int(max((item.bbox.top for item in found), default=number))
        else:
            for line in _wrap(block, wrapped):
                yield from _words(line, 0, number, in_table=False)
                number += 1
        number += blank


def _words(text: str, column: int, line: int, *, in_table: bool) -> Iterator[Item]:
    for word in text.split():
        stop = column + display_width(word)
        yield Item(word, BBox(column, line, stop, line + 1), _label(text) if in_table else OTHER)
        column = stop + 1


def _row_of_tabs(row: Sequence[str], widths: Sequence[float], line: int) -> Iterator[Item]:
    column = 0
    for text in row:
        yield from _words(text, column, line, in_table=True)
        column = (column + display_width(text)) // _TAB_COLUMNS * _TAB_COLUMNS + _TAB_COLUMNS


def _row_of_spaces(row: Sequence[str], widths: Sequence[float], line: int) -> Iterator[Item]:
    column = 0
    for text in filter(None, row):
        yield from _words(text, column, line, in_table=True)
        column += display_width(text) + 1


def _aligned_row(row: Sequence[str], widths: Sequence[float], line: int) -> Iterator[Item]:
    column, stop = 0, 0.0
    for text, share in zip(row, widths, strict=True):
        yield from _words(text, column, line, in_table=True)
        stop += share * TEXT_COLUMNS
        column = max(column + display_width(text) + 1, int(stop))


def _row_of_lines(row: Sequence[str], widths: Sequence[float], line: int) -> Iterator[Item]:
    for at, text in enumerate(filter(None, row)):
        yield from _words(text, 0, line + at, in_table=True)


def _row_of_cells(row: Sequence[str], widths: Sequence[float], line: int) -> Iterator[Item]:
    width = TEXT_COLUMNS / len(row)
    for at, text in enumerate(row):
        if text:
            yield Item(text, BBox(at * width, line, (at + 1) * width, line + 1), _label(text))


_ROW_PRINTERS: dict[str, Callable[[Sequence[str], Sequence[float], int], Iterator[Item]]] = {
    "tabs": _row_of_tabs,
    "spaces": _row_of_spaces,
    "aligned": _aligned_row,
    "lines": _row_of_lines,
    "cells": _row_of_cells,
}
