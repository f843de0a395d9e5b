"""What the prose says: the office, the year, and figures of the tables stated in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from giar_ml.document import Page, Token
from giar_ml.figures import MAX_FIGURE, plain
from giar_ml.forms import Form, ProseRule
from giar_ml.label import best_label
from giar_ml.text import normalize_radicals

_YEAR = r"(?:19|20)\d{2}|二[〇○零][〇○零一二][〇○零一二三四五六七八九]"
_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_SLIPPED = "\u25a1"
"""In the place of a year in digits of another font, which stand lower and became a line of their own."""
_REPORT = r"(?:政府|政务)?信息公开(?:.作)?(?:年度)?(?:.作)?(?:年度)?(?:报告?|总结)"
"""工 is misread now and then, and the last character may stand in the next line."""
_TITLE = re.compile(
    rf"(?P<organisation>[^，。；：]*?)(?:关于)?(?:(?P<year>{_YEAR})年?|{_SLIPPED}年)(?:年?度)?(?:的)?{_REPORT}"
)
_YEAR_FIRST = re.compile(
    rf"(?:关于)?(?P<year>{_YEAR})年(?:度)?(?!{_REPORT})(?P<organisation>[^，。；：]+?)(?:关于)?{_REPORT}"
)
_SITE = re.compile(
    r"网站$|[>›»]|^(?:网站)?首页$|^政务(?:公开|服务)$|^依申请公开$|^办事服务$|^互动交流$"
    r"|^(?:政府|政务)?(?:信息)?公开(?:年报|年度报告|指南|制度|目录)?$|^年报$"
)
"""Lines above the title of a page on a site: its name, links, and the path of the page or pieces of it."""
_MARKS = "#*·.、-—●•《》"
"""Around a title: of a dump in Markdown, and dirt."""
_PATH = re.compile(r"当前位置|首页\s*[>›»]|[>›»][^>›»]+[>›»]")
"""Where a page stands on its site, printed above its title."""
_HEAD_TOKENS = 15
"""Among so many first tokens of a document that is."""
_CLEAR = 0.75
"""Confidence of what is read of a title; seals and dirt around it have less, or one or two characters."""
_TITLE_LINES, _LONGEST_TITLE = 10, 3
_NAME = re.compile(r"由(?P<organisation>[^，。；：]{4,40}?)(?:根据|依据|按照|编制|负责编制)")
_PERIOD = re.compile(r"(?P<year>20\d{2})年1月1日起?[至到~～—–－-]+(?:(?:20\d{2}|当|本|同)年)?12月31日")
_UNTIL = re.compile(r"截[至止]到?(?P<year>20\d{2})年12月31日")
_SENTENCE = re.compile(r"[^。；！？]+")
_CLAUSE_END = re.compile(r"[，,；;：:]")
_OTHER_YEAR = re.compile(r"(20\d{2})年")
_SINCE = re.compile(r"(?:实施|施行|成立|建立)以来|历年")
_COMPARED = re.compile(r"同比|同期|[比较与](?:上|去|前)一?年|去年|前年|增加|减少|增长|下降|上升")


class Stated(NamedTuple):
    """A sentence states that `cells` add up to `figure`."""

    cells: tuple[str, ...]
    figure: int
    text: str


def prose_text(pages: Iterable[Page]) -> str:
    """All text outside the tables in reading order, without spaces and line breaks."""
    return "".join(_clean(token.text) for page in pages for token in page.tokens)


def read_title(pages: Sequence[Page]) -> tuple[str | None, int | None]:
    """Organisation and year, from the title; else from the sentences that state them."""
    tokens = [token for page in pages[:2] for token in page.tokens]
    head = max((i for i, token in enumerate(tokens[:_HEAD_TOKENS]) if _PATH.search(token.text)), default=-1)
    lines = [text for token in tokens[head + 1 :] if _may_be_title(token, text := _title_line(token))]
    lines = lines[:_TITLE_LINES]
    titles = [title for stop in range(1, len(lines) + 1) if (title := _title_to(lines[:stop]))]
    named = next((title for title in titles if title["organisation"]), None)
    text = prose_text(pages[:2])
    organisation = named or _NAME.search(text)
    told = next((title for title in ([named] if named else titles) if title["year"]), None)
    year = told or _PERIOD.search(text) or _UNTIL.search(text)
    slipped = next((line for line in lines if re.fullmatch(_YEAR, line)), None) if named else None
    return (
        organisation["organisation"] if organisation else None,
        _to_year(year["year"]) if year else _to_year(slipped) if slipped else None,
    )


def _title_to(lines: Sequence[str]) -> re.Match[str] | None:
    """The longest title that ends in the last of the lines."""
    found = None
    for start in range(len(lines) - 1, max(-1, len(lines) - 1 - _LONGEST_TITLE), -1):
        text = "".join(lines[start:])
        title = _TITLE.match(text) or _YEAR_FIRST.match(text)
        if not title or title.end() <= len(text) - len(lines[-1]):
            continue
        ends = accumulate(map(len, lines[start:]))
        named = [
            line for line, end in zip(lines[start:], ends, strict=True) if end <= title.end("organisation")
        ]
        if any(map(_SITE.search, named)):
            break
        found = title
    return found


def _title_line(token: Token) -> str:
    """The text of a line as titles are looked for: without spaces, but a mark where a year is missing."""
    slipped = re.sub(r"(?<=[^\s\d〇○零一二三四五六七八九])\s+(?=年)", _SLIPPED, token.text.strip())
    return _clean(slipped).strip(_MARKS)


def _to_year(text: str) -> int:
    return int(text.translate(_DIGITS))


def _may_be_title(token: Token, text: str) -> bool:
    is_print = len(text) > 2 or text in ("报告", "度报")
    return is_print and token.confidence >= _CLEAR


def find_statements(pages: Sequence[Page], form: Form, *, year: int | None = None) -> list[Stated]:
    """Every figure of the tables that a sentence states, in order, by the form's rules.

    Clauses that compare, name another year, or count from long ago state nothing of the tables. A denial
    counts only where no sentence says a figure of the same cells.

    Args:
        pages: whose tokens may have labels: the title of a table ends a sentence, and is part of none.
        year: that the report is of.
    """
    tokens = [token for page in pages for token in page.tokens]
    text = "".join("。" if _is_title(token) else _clean(token.text) for token in tokens)
    found: list[Stated] = []
    denied: list[Stated] = []
    for sentence in _SENTENCE.findall(text):
        for rule in form.prose:
            stated = list(_matches(rule.say, sentence, rule, year))
            figures = [int(m["n"]) for m in stated]
            found += [Stated(rule.cells, n, sentence) for n in figures if n <= MAX_FIGURE]
            if not stated and any(_matches(rule.none, sentence, rule, year)):
                denied.append(Stated(rule.cells, 0, sentence))
    said = {statement.cells for statement in found}
    return found + [statement for statement in denied if statement.cells not in said]


def _matches(
    patterns: Iterable[re.Pattern[str]], sentence: str, rule: ProseRule, year: int | None
) -> Iterator[re.Match[str]]:
    """The matches of patterns of a rule in a sentence that speak of its cells, in that year."""
    for pattern in patterns:
        for match in pattern.finditer(sentence):
            before = sentence[: match.end()]
            clause = _CLAUSE_END.split(sentence[: match.start()])[-1] + match[0]
            years = {int(found) for found in _OTHER_YEAR.findall(clause)}
            if (
                not _SINCE.search(before)
                and not _COMPARED.search(clause)
                and (year is None or not years or year in years)
                and not (rule.unless and rule.unless.search(clause))
            ):
                yield match


def _is_title(token: Token) -> bool:
    return best_label(token.labels).startswith("title:")


def _clean(text: str) -> str:
    # NFKC would turn full-width punctuation into ASCII; sentences are cut at the full-width marks.
    text = re.sub(r"\s+", "", normalize_radicals(text))
    return re.sub(r"[０-９]+", lambda m: plain(m[0]), text)
