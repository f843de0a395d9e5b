"""Reports as tools break them into text, with the gold of what is left.

A tool's text is taken apart into labelled runs: by marks that are put into the source and carried
through (Word, HTML), or by the places that the tool gives its words (PDF).
"""

from __future__ import annotations

import copy
import hashlib
import html
import io
import logging
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import docx
import lxml.html
import numpy as np
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

from giar_ml.annotations.gold import Gold
from giar_ml.document import BBox
from giar_ml.forms import Form
from giar_ml.forms.grid import GridCell, form_grid
from giar_ml.label.names import normalize_label
from giar_ml.text import normalize_radicals
from training.dumps import SEED_LAYOUTS
from training.faults import FAULTS
from training.filling import Filling
from training.printing import find_office
from training.spans import Span, join_lines, shown_keys, split_lines, text_gold, trim

PDF, DOCX, HTML = "pdf", "docx", "html"
_TIMEOUT_S = 180
_MAX_FAULTS = 3


@dataclass(frozen=True)
class BrokenText:
    """The content of a `.txt` or `.md` file; places of the gold are its lines. `faults` are those that were
    found something to act on."""

    text: str
    suffix: str
    gold: Gold
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Sources:
    """What a tool may start from; each may be None when not at hand. `pdf_gold` is in points."""

    filling: Filling
    pdf: bytes | None = None
    pdf_gold: Gold | None = None
    docx: Path | None = None
    html: str | None = None


Read = Callable[[Sources, np.random.Generator], list[Span]]
"""The text of a tool as labelled runs."""


@dataclass(frozen=True)
class Tool:
    read: Read
    needs: frozenset[str] = frozenset()
    suffix: str = ".txt"
    unfit: frozenset[str] = frozenset()
    """Faults that the tool's texts already have or cannot have."""


def break_text(
    sources: Sources, tool: str, rng: np.random.Generator, *, faults: Sequence[str] = ()
) -> BrokenText:
    """The report as `tool` gives it, with `faults` on top.

    Raises:
        ValueError: no such tool or fault, or the tool's source is not at hand or does not print the filling.
    """
    if unknown := [name for name in (tool, *faults) if name not in (*TOOLS, *FAULTS)]:
        raise ValueError(f"no tool or fault {unknown[0]!r}; there are {', '.join((*TOOLS, *FAULTS))}")
    if missing := [name for name in sorted(needs(tool)) if getattr(sources, name) is None]:
        raise ValueError(f"{tool} starts from a {missing[0]} file: give one")
    spans = TOOLS[tool].read(sources, rng)
    if not _is_right(spans, sources):
        spans = _label_prose("".join(span.text for span in spans), sources.filling.form)
    lines = split_lines(spans)
    printed = {key for key, text in sources.filling.texts.items() if text}
    applied = []
    for name, fault in FAULTS.items():
        if name in faults:
            changed = fault(lines, rng)
            if changed != lines:
                applied.append(name)
            lines = changed
    text = join_lines(lines)
    is_located = bool(shown_keys(lines))
    gold = text_gold(
        lines,
        sources.filling,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        lost=printed - shown_keys(lines) if is_located else (),
        origin={"tool": tool, "faults": applied},
    )
    if not is_located:
        gold = replace(gold, tokens=())
    return BrokenText(text, TOOLS[tool].suffix, gold, tuple(applied))


def _is_right(spans: Sequence[Span], sources: Sources) -> bool:
    """Whether the figures found are what the cells print; merged cells may stand there several times."""
    found: dict[str, str] = {}
    for span in spans:
        if span.key:
            found[span.key] = found.get(span.key, "") + "".join(span.text.split())
    texts = {key: "".join(text.split()) for key, text in sources.filling.texts.items()}
    # A tool may give the parts of a text in another order: 元6000.
    return all(
        sorted(text) == sorted(texts[key] * (len(text) // max(len(texts[key]), 1)))
        for key, text in ((key, normalize_radicals(text)) for key, text in found.items())
    )


def needs(tool: str) -> set[str]:
    """The sources that a tool starts from: `pdf`, `docx`, `html`."""
    return set(TOOLS[tool].needs)


def sample_faults(rng: np.random.Generator, tool: str) -> tuple[str, ...]:
    """None to three faults that the tool's texts may have, none in two texts of five."""
    fit = [name for name in FAULTS if name not in TOOLS[tool].unfit]
    n = int(rng.choice(_MAX_FAULTS + 1, p=[0.4, 0.3, 0.2, 0.1]))
    chosen = set(rng.choice(fit, n, replace=False).tolist())
    return tuple(name for name in FAULTS if name in chosen)


# Marks: a cell's text between two characters of private use, which tools carry through.

_FIRST_MARK = 0xF0000
_END_MARK = "\U0010fffd"
_MARKED = re.compile("([\U000f0000-\U0010fffc])(.*?)\U0010fffd", re.DOTALL)


def _mark(text: str, number: int) -> str:
    return f"{chr(_FIRST_MARK + number)}{text}{_END_MARK}"


def _unmark(text: str, form: Form) -> list[Span]:
    """The runs of a text whose table cells are marked with their numbers, see `_form_cells`."""
    cells = [cell for _, cells in _form_cells(form) for cell in cells]
    spans: list[Span] = []
    position = 0
    for match in _MARKED.finditer(text):
        spans += _label_prose(text[position : match.start()], form)
        cell = cells[ord(match[1]) - _FIRST_MARK]
        run = Span(match[2], cell.label, cell.key)
        if position == match.start() and spans and (spans[-1].label, spans[-1].key) == (run.label, run.key):
            spans[-1] = replace(run, text=spans[-1].text + run.text)
        else:
            spans += trim(run) if run.text.strip() else [run]
        position = match.end()
    return [*spans, *_label_prose(text[position:], form)]


def _form_cells(form: Form) -> list[tuple[int, tuple[GridCell, ...]]]:
    """Number of the first cell and cells of each table, in printed order."""
    found, first = [], 0
    for table in form.tables:
        cells = form_grid(table).cells
        found.append((first, cells))
        first += len(cells)
    return found


def _label_prose(text: str, form: Form) -> list[Span]:
    """What stands between cells: table titles, other text, and gaps."""
    titles = {_bare_title(t): f"title:{table.key}" for table in form.tables for t in table.title}
    spans = []
    for part in re.split(r"(\n)", text):
        if re.search(r"[^\W_]", part):
            # A run may start with what is left of the row before it.
            spans += trim(Span(part, titles.get(_bare_title(part), "other")))
        elif part:
            spans.append(Span(part))
    return spans


def _bare_title(text: str) -> str:
    """A chapter's heading without its number, which styles write in several ways."""
    return normalize_label(re.sub(r"^[\s#（(]*[一二三四五六][、）)]", "", text))


def _mark_page(source: str, form: Form) -> lxml.html.HtmlElement:
    """The page with marked cells.

    Raises:
        ValueError: its tables are not those of the form.
    """
    root = lxml.html.document_fromstring(source)
    tables = [
        [list(row.iter("td", "th")) for row in table.iter("tr")]
        for table in root.iter("table")
        if table.find(".//table") is None
    ]
    for element, number, cell in _match_cells(tables, form):
        texts = [(node, "text") for node in element.iter()]
        texts += [(node, "tail") for node in element.iterdescendants()]
        filled = [(node, name) for node, name in texts if (getattr(node, name) or "").strip()]
        for node, name in filled:
            setattr(node, name, _mark(getattr(node, name), number))
        if not filled and cell.key:
            element.text = _mark("", number)
    return root


def _match_cells(
    tables: Sequence[Sequence[Sequence[Any]]], form: Form, *, merged: bool = False
) -> Iterator[tuple[Any, int, GridCell]]:
    """The cells of a document's tables, given by rows, with the form's. A table may be cut in two, the second
    part with the headers again or without. `merged`: a cell stands in each row that it goes through."""
    rest = list(tables)
    for form_table, (first, cells) in zip(form.tables, _form_cells(form), strict=True):
        n_rows = form_grid(form_table).n_rows
        parts = [rest.pop(0)] if rest else []
        orders = [list(range(n_rows))]
        if parts and len(parts[0]) < n_rows and rest:
            cut = len(parts[0])
            parts.append(rest.pop(0))
            n_headers = cut + len(parts[1]) - n_rows
            orders = [orders[0][:cut], [*range(n_headers), *orders[0][cut:]]]
        for rows, order in zip(parts, orders, strict=True):
            expected = _cells_by_row(cells, order, merged=merged)
            if list(map(len, rows)) != list(map(len, expected)):
                raise ValueError(f"the tables are not those of form {form.name}")
            for row, numbers in zip(rows, expected, strict=True):
                for element, i in zip(row, numbers, strict=True):
                    yield element, first + i, cells[i]


def _cells_by_row(cells: Sequence[GridCell], rows: Sequence[int], *, merged: bool) -> list[list[int]]:
    """The numbers of the cells in each row of a part of a table."""
    begun: set[int] = set()
    found = []
    for row in rows:
        own = [i for i, cell in enumerate(cells) if cell.row_start <= row < cell.row_stop]
        own.sort(key=lambda i: cells[i].column_start)
        found.append([i for i in own if merged or i not in begun])
        begun.update(own)
    return found


def _mark_document(path: Path, form: Form) -> Any:
    """The Word document with marked cells; raises ValueError when its tables are not those of the form."""
    document = docx.Document(str(path))
    tables = [
        [list(row.iter(qn("w:tc"))) for row in table._tbl.iter(qn("w:tr"))] for table in document.tables
    ]
    for element, number, cell in _match_cells(tables, form, merged=True):
        texts = list(element.iter(qn("w:t")))
        if texts:
            texts[0].text = chr(_FIRST_MARK + number) + (texts[0].text or "")
            texts[-1].text = (texts[-1].text or "") + _END_MARK
        elif cell.key:
            Paragraph(element.find(qn("w:p")), cast(Any, None)).add_run(_mark("", number))
    return document


# Tools that start from Word


def export_texts(paths: Sequence[Path]) -> list[str]:
    """The text that LibreOffice exports of each document, in one run; raises FileNotFoundError without it."""
    soffice = find_office()
    if soffice is None:
        raise FileNotFoundError("LibreOffice Writer not found: apt-get install libreoffice-writer-nogui")
    with tempfile.TemporaryDirectory() as name:
        # The documents may bear one name in several folders.
        files = [Path(name) / f"{i}{path.suffix}" for i, path in enumerate(paths)]
        for file, path in zip(files, paths, strict=True):
            file.write_bytes(path.read_bytes())
        command = [str(soffice), f"-env:UserInstallation=file://{name}/profile", "--headless", "--convert-to"]
        command += ["txt:Text (encoded):UTF8", "--outdir", f"{name}/out", *map(str, files)]
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
        return [(Path(name) / "out" / f"{file.stem}.txt").read_bytes().decode() for file in files]


def _read_libreoffice(sources: Sources, rng: np.random.Generator) -> list[Span]:
    assert sources.docx is not None
    form = sources.filling.form
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "marked.docx"
        _mark_document(sources.docx, form).save(str(path))
        return _unmark(export_texts([path])[0], form)


def _read_word(sources: Sources, rng: np.random.Generator) -> list[Span]:
    """A walk through the document, as scripts do: rows with a merged cell in each of its places, or a cell
    a line."""
    assert sources.docx is not None
    form = sources.filling.form
    how = str(rng.choice(["\t", " | ", "lines"]))
    # Line breaks in a cell, as headers have them, mostly go.
    inner = "\n" if rng.random() < 0.3 else ""
    lines = []
    for block in _mark_document(sources.docx, form).iter_inner_content():
        if not hasattr(block, "rows"):
            lines.append(block.text)
        elif how == "lines":
            lines += [cell.text for row in block.rows for cell in _once(row.cells)]
        else:
            lines += [how.join(cell.text.replace("\n", inner) for cell in row.cells) for row in block.rows]
    return _unmark("\n".join(lines) + "\n", form)


def _once(cells: Iterable[Any]) -> list[Any]:
    """The cells of a row without the repeats of merged ones."""
    return list({id(cell._tc): cell for cell in cells}.values())


# Tools that start from HTML


def _read_stripped(sources: Sources, rng: np.random.Generator) -> list[Span]:
    """The page without its tags: text nodes by line, rows with tabs as browsers copy them, or tags become
    spaces."""
    assert sources.html is not None
    form = sources.filling.form
    root = _mark_page(sources.html, form)
    for element in root.xpath("//script | //style | //head"):
        element.drop_tree()
    hows = ["rows"]
    if all(sources.filling.texts.values()):  # else blank cells would be gone without a trace
        hows += ["lines", "spaces"]
    how = str(rng.choice(hows))
    if how == "lines":
        texts = (text.strip() for text in root.itertext())
        text = "\n".join(text for text in texts if text)
    elif how == "rows":
        text = _copy_text(root)
    else:
        source = lxml.html.tostring(root, encoding="unicode")
        source = html.unescape(re.sub(r"<[^>]*>", " ", source))
        text = re.sub(r"\s*\n\s*", "\n", re.sub(r"[ \t\xa0]+", " ", source)).strip()
    return _unmark(text, form)


_BLOCKS = {"h1", "h2", "h3", "h4", "p", "div", "table", "tr", "li", "br"}


def _copy_text(root: Any) -> str:
    """As browsers copy a page: cells of a row divided by tabs, rows and paragraphs by line breaks."""
    for element in root.iter():
        for name in ("text", "tail"):
            text = re.sub(r"\s+", " ", getattr(element, name) or "")
            setattr(element, name, text if text.strip() else None)
    for cell in root.iter("td", "th"):
        cell.tail = "\t" if cell.getnext() is not None else None
    for element in root.iter(*_BLOCKS):
        if not any(parent.tag in ("td", "th") for parent in element.iterancestors()):
            element.text = f"\n{element.text or ''}" if element.tag != "tr" else element.text
            element.tail = f"\n{element.tail or ''}"
    return re.sub(r"\n{3,}", "\n\n", root.text_content()).strip("\n") + "\n"


def _read_markdown(sources: Sources, rng: np.random.Generator) -> list[Span]:
    """What markdownify makes of the page, or of one whose merged cells were taken apart first: repeated in
    each place, or blank but for the first."""
    from markdownify import markdownify

    assert sources.html is not None
    form = sources.filling.form
    root = _mark_page(sources.html, form)
    for element in root.xpath("//script | //style | //head"):
        element.drop_tree()
    how = str(rng.choice(["merged", "repeated", "blank"]))
    if how != "merged":
        for table in root.iter("table"):
            _take_apart(table, repeat=how == "repeated")
    source = lxml.html.tostring(root, encoding="unicode")
    heading_style = str(rng.choice(["ATX", "UNDERLINED"]))
    text = markdownify(source, heading_style=heading_style, table_infer_header=bool(rng.random() < 0.5))
    return _unmark(text.strip() + "\n", form)


def _take_apart(table: Any, *, repeat: bool) -> None:
    """Give every cell one place of the grid."""
    rows = list(table.iter("tr"))
    places: dict[tuple[int, int], Any] = {}
    for i, row in enumerate(rows):
        column = 0
        for cell in list(row.iter("td", "th")):
            while (i, column) in places:
                column += 1
            height, width = int(cell.get("rowspan", 1)), int(cell.get("colspan", 1))
            for name in ("rowspan", "colspan"):
                cell.attrib.pop(name, None)
            for a in range(height):
                for b in range(width):
                    twin = copy.deepcopy(cell)
                    if (a, b) != (0, 0) and not repeat:
                        twin.clear()
                    places[i + a, column + b] = twin
            column += width
    for i, row in enumerate(rows):
        for child in list(row):
            row.remove(child)
        row.extend(cell for (r, _), cell in sorted(places.items(), key=lambda item: item[0]) if r == i)


# Tools that start from PDF


@dataclass
class _PageTokens:
    """The labelled tokens of a page by place."""

    boxes: list[tuple[BBox, int]] = field(default_factory=list)

    def find(self, x: float, y: float) -> int | None:
        """The number of the token that a point lies on, or near."""
        near = min(((_distance(box, x, y), number) for box, number in self.boxes), default=None)
        return near[1] if near and near[0] <= _NEAR_PT else None


def _distance(box: BBox, x: float, y: float) -> float:
    """From a point to a box; below 0 inside, where boxes overlap it is the nearer to its middle line."""
    outside = max(box.left - x, x - box.right, 0) + max(box.top - y, y - box.bottom, 0)
    return outside or abs(y - box.center[1]) / (box.height + 1) - 1


_NEAR_PT = 4.0
"""Tokens have the boxes of their ink: that of a dash does not reach the middle of its line."""
_Char = tuple[str, int | None]
"""A character of a text and the number of its token."""


def _page_tokens(gold: Gold) -> list[_PageTokens]:
    pages = [_PageTokens() for _ in gold.pages]
    for number, token in enumerate(gold.tokens):
        if token.place.page and token.place.bbox:
            pages[token.place.page - 1].boxes.append((token.place.bbox, number))
    return pages


def _chars_to_spans(chars: Iterable[_Char], gold: Gold) -> list[Span]:
    """Runs of characters of one token; spaces inside a token belong to it."""
    found = list(chars)
    for i, (char, number) in enumerate(found):
        if char.isspace() and char != "\n" and number is None:
            before = found[i - 1][1] if i else None
            after = next((n for c, n in found[i + 1 :] if not c.isspace() or c in "\n\f"), None)
            if before is not None and before == after:
                found[i] = char, before
    spans = []
    for key, group in groupby(found, key=lambda item: (item[1], item[1] is None and item[0].isspace())):
        number, is_gap = key
        text = "".join(char for char, _ in group)
        if number is not None:
            token = gold.tokens[number]
            spans += trim(Span(text, token.label, token.key))
        else:
            spans.append(Span(text, "" if is_gap else "other"))
    return spans


def _located_spans(chars: Sequence[_Char], sources: Sources) -> list[Span]:
    """Without labels where a printed figure was not found."""
    assert sources.pdf_gold is not None
    spans = _chars_to_spans(chars, sources.pdf_gold)
    found = {span.key for span in spans}
    if all(key in found for key, text in sources.filling.texts.items() if text):
        return spans
    return _label_prose("".join(char for char, _ in chars), sources.filling.form)


def _read_plumber(sources: Sources, *, layout: bool) -> list[Span]:
    import pdfplumber

    assert sources.pdf is not None
    assert sources.pdf_gold is not None
    # It warns of every character in a font of Chromium's.
    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    chars: list[_Char] = []
    with pdfplumber.open(io.BytesIO(sources.pdf)) as pdf:
        for page, tokens in zip(pdf.pages, _page_tokens(sources.pdf_gold), strict=True):
            for char, source in page.get_textmap(layout=layout).tuples:
                number = None
                if source and not char.isspace():
                    number = tokens.find(
                        (source["x0"] + source["x1"]) / 2, (source["top"] + source["bottom"]) / 2
                    )
                chars.append((char, number))
            chars.append(("\n", None))
    return _located_spans(chars, sources)


@dataclass(frozen=True)
class _Word:
    text: str
    bbox: BBox


_PAGE_OF_WORDS = re.compile(r"<page .*?</page>", re.DOTALL)
_WORD = re.compile(
    r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)</word>', re.DOTALL
)


def _read_pdftotext(sources: Sources, *, layout: bool) -> list[Span]:
    """Without labels where the words' places do not account for every character."""
    assert sources.pdf is not None
    assert sources.pdf_gold is not None
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "report.pdf"
        path.write_bytes(sources.pdf)
        text = _run_pdftotext(path, ["-layout"] if layout else [])
        boxes = _run_pdftotext(path, ["-bbox"])
    pages = [
        [
            _Word(html.unescape(word), BBox(float(left), float(top), float(right), float(bottom)))
            for left, top, right, bottom, word in _WORD.findall(page)
        ]
        for page in _PAGE_OF_WORDS.findall(boxes)
    ]
    chars: list[_Char] = []
    texts = text.split("\f")
    for page_text, words, tokens in zip(texts, pages, _page_tokens(sources.pdf_gold), strict=False):
        located = _locate_by_lines(page_text, words) if layout else _locate_in_order(page_text, words)
        if located is None:
            return _label_prose(text, sources.filling.form)
        numbers = {id(word): tokens.find(*word.bbox.center) for word in words}
        chars += [(char, numbers[id(word)] if word else None) for char, word in located]
        chars.append(("\f", None))
    return _located_spans(chars, sources)


def _run_pdftotext(path: Path, options: list[str]) -> str:
    command = ["pdftotext", "-enc", "UTF-8", *options, str(path), "-"]
    return subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S).stdout.decode()


_Located = list[tuple[str, _Word | None]]


def _locate_in_order(text: str, words: Sequence[_Word]) -> _Located | None:
    """Each character with its word, the words being in the order of the text."""
    solid = [(char, word) for word in words for char in word.text if not char.isspace()]
    if "".join(char for char, _ in solid) != re.sub(r"\s", "", text):
        return None
    source = iter(solid)
    return [(char, None if char.isspace() else next(source)[1]) for char in text]


def _locate_by_lines(text: str, words: Sequence[_Word]) -> _Located | None:
    """Each character with its word, a line being words beside each other from left to right, and lines
    following each other from top to bottom; None unless every word is used once."""
    left = sorted(words, key=lambda word: (word.bbox.center[1], word.bbox.left))
    found: _Located = []
    for i, line in enumerate(text.split("\n")):
        if i:
            found.append(("\n", None))
        chosen = _words_of_line(line.split(), left)
        if chosen is None:
            return None
        for word in chosen:
            left.remove(word)
        source = iter([word for word in chosen for char in word.text if not char.isspace()])
        found += [(char, None if char.isspace() else next(source)) for char in line]
    return None if left else found


def _words_of_line(parts: Sequence[str], words: Sequence[_Word]) -> list[_Word] | None:
    """The words that make up the parts of a line, the topmost where several do.

    The last word is looked for first: it is a figure in most rows, and a row's figures stand in one line,
    while words before them may reach over two.
    """
    if not parts:
        return []
    for last in words:
        if parts[-1].endswith(last.text):
            middle = last.bbox.center[1]
            beside = [word for word in words if _is_beside(word.bbox, last.bbox)]
            beside.sort(key=lambda word: (abs(word.bbox.center[1] - middle) > _SAME_LINE_PT, word.bbox.left))
            if found := _compose(tuple(parts), beside, last):
                return found
            # Fonts of unlike height: words on one line that the tool gives one after the other.
            texts = Counter(word.text for word in beside)
            if found := _compose(
                tuple(parts), [w for w in beside if texts[w.text] == 1], last, ordered=False
            ):
                return found
    return None


_SAME_LINE_PT = 1.0
"""Words whose middles are closer stand in one line, or one column."""


def _is_beside(a: BBox, b: BBox) -> bool:
    return min(a.bottom, b.bottom) - max(a.top, b.top) > 0.2 * min(a.height, b.height)


def _compose(
    parts: tuple[str, ...], words: Sequence[_Word], last: _Word, *, ordered: bool = True
) -> list[_Word] | None:
    """Words from left to right, or in any order, up to `last` whose texts are the parts."""
    for word in words:
        if not parts[0].startswith(word.text):
            continue
        rest = parts[0][len(word.text) :]
        after = (rest, *parts[1:]) if rest else parts[1:]
        if word is last:
            if not after:
                return [word]
        elif after:
            # Characters of a label that runs downwards may stand beside each other in the text.
            left = word.bbox.left - _SAME_LINE_PT
            others = [w for w in words if w is not word and (not ordered or w.bbox.left >= left)]
            if found := _compose(after, others, last, ordered=ordered):
                return [word, *found]
    return None


# Layouts that were seen

SEED_OPTIONS: Sequence[Mapping[str, Sequence[Any]]] = (
    {"squeezed": ["legal_services", "legal_services", "other_organization", "sum", "total"]},
    {"extra": ["zero", "zero", "repeat", "blank"], "extra_at": [1, 1, 1, 3, 6]},
    {"five": ["first", "first", "aligned", "without_legal"]},
    {"five": ["first", "first", "aligned", "without_legal"]},
    {},
)
"""The guesses at what the tools did, see `training.dumps`."""


def _read_seed(sources: Sources, rng: np.random.Generator, *, number: int) -> list[Span]:
    filling = sources.filling
    options = {name: values[int(rng.integers(len(values)))] for name, values in SEED_OPTIONS[number].items()}
    dump = SEED_LAYOUTS[number](filling.printed, rng, prose=filling.prose, **options)
    return [replace(s, text=filling.texts[s.key]) if s.key else s for s in dump.spans]


def _seed_tool(number: int) -> Tool:
    def read(sources: Sources, rng: np.random.Generator) -> list[Span]:
        return _read_seed(sources, rng, number=number)

    return Tool(read, unfit=_LINE_FAULTS if number == 4 else frozenset())


_LINE_FAULTS = frozenset({"cell-per-line", "repeated-group-labels", "padding", "separators"})

TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        "pdftotext": Tool(
            lambda sources, rng: _read_pdftotext(sources, layout=False), frozenset({PDF}), unfit=_LINE_FAULTS
        ),
        "pdftotext-layout": Tool(
            lambda sources, rng: _read_pdftotext(sources, layout=True), frozenset({PDF})
        ),
        "pdfplumber": Tool(lambda sources, rng: _read_plumber(sources, layout=False), frozenset({PDF})),
        "pdfplumber-layout": Tool(lambda sources, rng: _read_plumber(sources, layout=True), frozenset({PDF})),
        "libreoffice-text": Tool(_read_libreoffice, frozenset({DOCX}), unfit=_LINE_FAULTS),
        "word-text": Tool(_read_word, frozenset({DOCX})),
        "html-stripped": Tool(_read_stripped, frozenset({HTML})),
        "markdown": Tool(_read_markdown, frozenset({HTML}), ".md"),
        **{f"seed-{number:03}": _seed_tool(number) for number in range(len(SEED_LAYOUTS))},
    }
)
"""What makes texts of reports: kept programs and libraries, and the layouts of published dumps."""
