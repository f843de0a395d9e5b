"""What is written beside a token: the name of its label, and its confidence where that is low."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from eval.overlay_style import SURE, kind_of
from giar_ml.forms import load_forms
from giar_ml.label.names import OTHER, is_header
from giar_ml.metrics.token_labels import Choice


def tag_texts(choice: Choice) -> list[str]:
    """What may stand beside a token, the longest first: its name if it is a header, its confidence if that
    is low; nothing where there is nothing to say."""
    long, short = (short_names(n).get(choice.label, "") if is_header(choice.label) else "" for n in (14, 8))
    half = -(-len(short) // 2)
    names = [long, long.replace("·", "\n"), short, f"{short[:half]}\n{short[half:]}" if half > 2 else short]
    if choice.confidence >= SURE:
        return [name for name in dict.fromkeys(names) if name]
    if not names[0] and choice.label != OTHER:
        names = [kind_of(choice.label).name.split()[-1]]
    percent = f"{100 * choice.confidence:.0f}%"
    return list(dict.fromkeys([*(f"{name} {percent}".strip() for name in names), percent]))


@cache
def short_names(length: int = 14) -> dict[str, str]:
    """What a label of the forms is called in a few words of theirs: 自然人, 直接起诉·结果维持."""
    names: dict[str, str] = {"corner": "表角"}
    paths: dict[str, tuple[str, ...]] = {}
    for form in load_forms().values():
        for table in form.tables:
            names.setdefault(f"title:{table.key}", _shorten(table.title[0], length))
            for section in table.sections:
                for caption in section.caption[:1]:
                    names.setdefault(f"caption:{caption}", caption.replace("第二十条第", "").strip())
                for kind, headers in (("row", section.rows), ("column", section.columns)):
                    for header in headers:
                        for group in header.under:
                            names.setdefault(f"under:{group}", _shorten(group, length))
                        if header.labels:
                            path = *header.under, header.labels[0]
                            paths.setdefault(f"{kind}:{table.key}.{header.key}", path)
    printed = Counter(path[-1] for path in set(paths.values()))
    for label, path in paths.items():
        # Several rows and columns may be printed alike: then the group says which.
        if printed[path[-1]] > 1 and len(path) > 1:
            names[label] = f"{_shorten(path[-2], 5)}·{_shorten(path[-1], 5)}"
        else:
            names[label] = _shorten(path[-1], length)
    return names


def _shorten(text: str, length: int) -> str:
    """The words of a label without its number and what stands in brackets behind them."""
    text = re.sub(r"^(（.{1,2}）|[一二三四五六七八九十]+、|\d+[.．、])", "", text)
    text = re.sub(r"（.*$", "", text) or text
    text = text.replace("未经复议直接起诉", "直接起诉")
    return text if len(text) <= length else text[: length - 1] + "…"
