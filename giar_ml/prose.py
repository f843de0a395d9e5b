"""What the prose says: the office, the year, and figures of the tables stated in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from giar_ml.document import Page, Token
from giar_ml.figures import plain
from giar_ml.forms import Form
from giar_ml.text import normalize_radicals

_TITLE = re.compile(
    r"^(?P<organisation>[^，。；：]*?)(?:关于)?(?:(?P<year>(?:19|20)\d{2})年?|年)(?:度)?(?:的)?"
    r"(?:政府|政务)?信息公开(?:.作)?(?:年度)?(?:.作)?(?:年度)?(?:报告?|总结)(?P<below>(?:19|20)\d{2}(?!\d|年))?"
)
"""A year in digits of another font may stand a little lower, and be a line of its own in an extract."""
_PATH = re.compile(r"当前位置|首页\s*[>›»]|[>›»][^>›»]+[>›»]")
_SITE = re.compile(r"网站|首页|政务公开|信息公开|办事服务|互动交流|年报|[>›»]")
"""What is printed above the title on a site, and in the names of few offices."""
_MARKS = "#*·.、-—"
"""Before a title: of a dump in Markdown, and dirt."""
_HEAD_TOKENS = 15
"""Where a page stands on its site, printed above its title, and among how many first tokens that is."""
_CLEAR = 0.75
"""Confidence of what is read of a title; seals and dirt around it have less, or one or two characters."""
_TITLE_LINES = 8
_NAME = re.compile(r"由(?P<organisation>[^，。；：]{4,40}?)(?:根据|依据|按照|编制|负责编制)")
_PERIOD = re.compile(
    r"(?:(?P<from>20\d{2})年1月1日起?[至到~—-]+(?:20\d{2}年|当年)?|截[至止]到?(?P<until>20\d{2})年)12月31日"
)
_SENTENCE = re.compile(r"[^。；！？]+")


class Stated(NamedTuple):
    """A sentence states that `cells` add up to `figure`."""

    cells: tuple[str, ...]
    figure: int
    text: str


def prose_text(pages: Iterable[Page]) -> str:
    """All text outside the tables in reading order, without spaces and line breaks."""
    return "".join(_clean(token) for page in pages for token in page.tokens)


def read_title(pages: Sequence[Page]) -> tuple[str | None, int | None]:
    """Organisation and year, from the title; else from the sentences that state them."""
    tokens = [token for page in pages[:2] for token in page.tokens]
    head = max((i for i, token in enumerate(tokens[:_HEAD_TOKENS]) if _PATH.search(token.text)), default=-1)
    tokens = tokens[head + 1 :]
    lines = [text for token in tokens if _may_be_title(token, text := _clean(token).lstrip(_MARKS))]
    titles = [
        match
        for start in range(min(_TITLE_LINES, len(lines)))
        for stop in (start + 3, start + 2, start + 1)
        if (match := _TITLE.match("".join(lines[start:stop]))) and _year(match)
    ]
    named = [match for match in titles if match["organisation"]]
    if named:
        title = next((m for m in named if not _SITE.search(m["organisation"])), named[0])
        return title["organisation"], _year(title)
    text = prose_text(pages[:2])
    name = _NAME.search(text)
    year = next(map(_year, (*titles, *_PERIOD.finditer(text))), None)
    return (name["organisation"] if name else None), year


def _year(match: re.Match[str]) -> int | None:
    year = next((y for group, y in match.groupdict().items() if group != "organisation" and y), None)
    return int(year) if year else None


def _may_be_title(token: Token, text: str) -> bool:
    is_print = len(text) > 2 or text in ("报告", "度报")
    return is_print and token.confidence >= _CLEAR


def find_statements(pages: Sequence[Page], form: Form) -> list[Stated]:
    """Every figure of the tables that a sentence states, in order, by the form's rules."""
    text = prose_text(pages)
    found = []
    for sentence in _SENTENCE.findall(text):
        for rule in form.prose:
            stated = [m for pattern in rule.say for m in pattern.finditer(sentence)]
            found += [Stated(rule.cells, int(m["n"]), sentence) for m in stated]
            if not stated and any(pattern.search(sentence) for pattern in rule.none):
                found.append(Stated(rule.cells, 0, sentence))
    return found


def _clean(token: Token) -> str:
    # NFKC would turn full-width punctuation into ASCII; sentences are cut at the full-width marks.
    text = re.sub(r"\s+", "", normalize_radicals(token.text))
    return re.sub(r"[０-９]+", lambda m: plain(m[0]), text)
