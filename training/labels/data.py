"""Documents with gold to examples: pages of prints, texts, and tables as Word and HTML files give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from giar_ml.annotations.gold import SUFFIX, Gold, GoldTable, GoldToken
from giar_ml.document import BBox
from giar_ml.dumps import split_words
from giar_ml.label.frame import TEXT_COLUMNS
from giar_ml.load.text import decode_text, read_text
from giar_ml.text import display_width, normalize_radicals
from training.labels.examples import Example, Item


def load_examples(folder: Path, *, workers: int = 1) -> list[Example]:
    """The examples of all documents with gold in a folder, by name of the document."""
    paths = sorted(folder.rglob(f"*{SUFFIX}"))
    if workers <= 1:
        return [example for path in paths for example in _read_examples(path)]
    with ProcessPoolExecutor(workers) as pool:
        return [example for found in pool.map(_read_examples, paths, chunksize=16) for example in found]


def _read_examples(path: Path) -> list[Example]:
    return list(gold_examples(Gold.read(path), path.with_name(path.name.removesuffix(SUFFIX))))


def gold_examples(gold: Gold, document: Path) -> Iterator[Example]:
    """The examples of one document; only that of a text reads the document itself."""
    if gold.kind == "text":
        words = text_items(document, gold.tokens)
        if words:
            yield Example(words, False, f"text:{gold.origin.get('tool', '')}")
        return
    for page in gold.pages:
        items = [_item(token) for token in gold.tokens if token.place.page == page.number]
        if items:
            yield Example(tuple(items), True, gold.kind)
    if gold.tables:
        yield Example(tuple(_flow_items(gold)), False, "flow")


def _item(token: GoldToken) -> Item:
    bbox = token.place.bbox
    assert bbox is not None, "tokens of pages have boxes"
    return Item(token.text, bbox, token.label)


def text_items(document: Path, tokens: Iterable[GoldToken]) -> tuple[Item, ...]:
    """The words of a text with the labels of the gold tokens that they are part of; () without gold tokens.

    A word that holds several tokens takes the label of the one that names a row or column.
    """
    spans: dict[int, list[tuple[int, int, str]]] = {}
    page = read_text(decode_text(document.read_bytes(), document.name).text)
    lines = [token.text for token in page.tokens]
    cursor: dict[int, int] = {}
    for token in tokens:
        number = token.place.line
        if number is None or number > len(lines):
            continue
        text = normalize_radicals(token.text)  # as the lines are
        start = lines[number - 1].find(text, cursor.get(number, 0))
        if start >= 0:
            cursor[number] = start + len(text)
            spans.setdefault(number, []).append((start, start + len(text), token.label))
    if not spans:
        return ()
    items = []
    for word in split_words(page):
        number = word.token.line or 0
        inside = [s for s in spans.get(number, ()) if s[0] < word.stop and s[1] > word.start]
        label = max(inside, key=lambda s: _weight(s, word.start, word.stop), default=(0, 0, "other"))[2]
        items.append(Item(word.token.text, word.token.bbox, label))
    return tuple(items)


def _weight(span: tuple[int, int, str], start: int, stop: int) -> tuple[bool, int]:
    return span[2].startswith(("row:", "column:")), min(span[1], stop) - max(span[0], start)


def _flow_items(gold: Gold) -> Iterator[Item]:
    """The document as Word and HTML files give it: paragraphs, and tables with rows and columns but no
    paper."""
    line = 0.0
    tables: dict[int, list[GoldTable]] = {}
    for table in gold.tables:
        tables.setdefault(table.page, []).append(table)
    for page in gold.pages:
        parts: list[tuple[float, GoldTable | GoldToken]] = [
            (min(y for cell in table.cells for _, y in cell.poly), table)
            for table in tables.get(page.number, ())
        ]
        boxes = [_bounds(table) for table in tables.get(page.number, ())]
        for token in gold.tokens:
            bbox = token.place.bbox
            if token.place.page == page.number and bbox and not any(_holds(b, bbox) for b in boxes):
                parts.append((bbox.top, token))
        for _, part in sorted(parts, key=lambda part: part[0]):
            if isinstance(part, GoldToken):
                yield Item(part.text, BBox(0, line, display_width(part.text), line + 1), part.label)
                line += 1
                continue
            scale = TEXT_COLUMNS / part.n_columns
            for cell in part.cells:
                if cell.text:
                    box = BBox(
                        cell.column_start * scale,
                        line + cell.row_start,
                        cell.column_stop * scale,
                        line + cell.row_stop,
                    )
                    yield Item(cell.text, box, cell.label)
            line += part.n_rows


def _bounds(table: GoldTable) -> BBox:
    xs = [x for cell in table.cells for x, _ in cell.poly]
    ys = [y for cell in table.cells for _, y in cell.poly]
    return BBox(min(xs), min(ys), max(xs), max(ys))


def _holds(outer: BBox, inner: BBox) -> bool:
    x, y = inner.center
    return outer.left <= x <= outer.right and outer.top <= y <= outer.bottom
