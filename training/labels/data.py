"""Documents with gold to examples: pages of prints, texts, and tables as Word and HTML files give them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from giar_ml.annotations.frame import Scale, upright_gold
from giar_ml.annotations.gold import SUFFIX, Gold, GoldTable, GoldToken
from giar_ml.document import BBox
from giar_ml.label.frame import TEXT_COLUMNS
from giar_ml.text import display_width
from training.labels.examples import Example, Item
from training.labels.gold_labels import gold_labels
from training.labels.read_pages import ReadPage, read_text_pages


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
    """The examples of one document, its pages upright; only that of a text reads the document itself."""
    if gold.kind == "text":
        for page in read_text_pages(document) if gold.tokens else ():
            if items := read_items(page, gold):
                yield Example(items, False, f"text:{gold.origin.get('tool', '')}")
        return
    gold = upright_gold(gold)
    for number in (page.number for page in gold.pages):
        if items := tuple(_item(token) for token in gold.tokens if token.place.page == number):
            yield Example(items, True, gold.kind)
    if gold.tables:
        yield Example(tuple(_flow_items(gold)), False, "flow")


def _item(token: GoldToken) -> Item:
    bbox = token.place.bbox
    assert bbox is not None, "tokens of pages have boxes"
    return Item(token.text, bbox, token.label)


def is_turned(gold: Gold) -> bool:
    """Whether pages of a made-up scan lie on a side or on their head."""
    return any(str(fault).startswith("rotated") for fault in gold.origin.get("faults") or ())


def read_items(page: ReadPage, gold: Gold, *, scale: Scale = (1.0, 1.0)) -> tuple[Item, ...]:
    """The tokens that were read, with their gold labels; those whose label cannot be said are left out.

    Args:
        scale: gold pixels per pixel of the page, see `giar_ml.annotations.frame.page_scales`.
    """
    labels = gold_labels(page.tokens, page.number, gold, scale=scale, lines=page.lines)
    return tuple(
        Item(token.text, bbox, label, token.confidence)
        for token, bbox, label in zip(page.tokens, page.boxes, labels, strict=True)
        if label is not None
    )


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
