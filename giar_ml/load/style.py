"""What the style of a web page says of each element: whether it is shown, struck out, raised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lxml import etree

_READ_PROPERTIES = (
    *("display", "visibility", "opacity", "text-decoration", "vertical-align", "width", "height"),
)
_PROPERTIES = {name: name for name in _READ_PROPERTIES} | {"text-decoration-line": "text-decoration"}
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_BRACE = re.compile(r"[{}]")
_SELECTOR = re.compile(r"(?P<tag>[A-Za-z][\w-]*|\*)?(?P<name>[.#][\w-]+)?")
_ON_SCREEN = {"", "all", "screen", "only screen"}
_GROUPING = ("@media", "@supports", "@layer")
_ZERO = re.compile(r"0*\.?0*%?")
_TINY = re.compile(r"[0-2](?:\.\d*)?(?:px)?")
_STRUCK = {"s", "strike", "del"}
_UNSEEN = {"hidden", "collapse"}
_ROWS = {"tr", "thead", "tbody", "tfoot"}

_Priority = tuple[bool, int, int]  # important, how specific the selector is, order
_Declared = dict[str, tuple[_Priority, str]]


class Styles:
    """The page's own styles: its sheets, of which selectors of one element are understood (p, .note, #top,
    td.note), and the attributes of elements. Queries for anything but a screen of any size are left out."""

    def __init__(self, root: etree._Element) -> None:
        self._rules: dict[tuple[str, str], _Declared] = {}
        self._n_rules = 0
        for sheet in root.iter("style"):
            if _is_on_screen(sheet.get("media", "")):
                for selectors, body in _split_sheet(sheet.text or ""):
                    self._add_rule(selectors, body)

    def of(self, element: etree._Element) -> Mapping[str, str]:
        """The properties declared for an element itself, in lower case; none that it inherits."""
        style = element.get("style")
        if not style and not self._rules:
            return {}
        declared: _Declared = {}
        names = ["", *(f".{name}" for name in set(element.get("class", "").split()))]
        if element_id := element.get("id"):
            names.append(f"#{element_id}")
        for name in names:
            for tag in ("", element.tag):
                _merge(declared, self._rules.get((tag, name), {}))
        if style:
            _merge(declared, _parse_declarations(_STRING.sub("", style), specificity=1000, order=0))
        return {name: value for name, (_, value) in declared.items()}

    def is_gone(self, element: etree._Element) -> bool:
        """Whether an element takes no place at all."""
        style = self.of(element)
        if element.tag in _ROWS and style.get("visibility") == "collapse":
            return True
        return style["display"] == "none" if "display" in style else "hidden" in element.attrib

    def is_blank(self, element: etree._Element) -> bool:
        """Whether the place of an element is empty, or all in it is struck out."""
        style = self.of(element)
        if style.get("visibility") in _UNSEEN or _ZERO.fullmatch(style.get("opacity", "1")):
            return True
        if "text-decoration" in style:
            return "line-through" in style["text-decoration"].split()
        return element.tag in _STRUCK

    def is_invisible(self, element: etree._Element) -> bool:
        """Whether an element is not seen, though elements in it may be."""
        return self.of(element).get("visibility") in _UNSEEN

    def reappears(self, element: etree._Element) -> bool:
        """Whether something in an element that is not seen says that it is seen."""
        return any(
            self.of(inner).get("visibility") == "visible" for inner in element.iter() if inner is not element
        )

    def is_tiny(self, element: etree._Element) -> bool:
        """Whether a picture is too small to show anything: those of 1 x 1 pixels keep places or count
        readers."""
        style = self.of(element)
        sizes = (style.get(name) or element.get(name, "").strip().lower() for name in ("width", "height"))
        return any(_TINY.fullmatch(size) for size in sizes)

    def _add_rule(self, selectors: str, body: str) -> None:
        self._n_rules += 1
        for selector in selectors.split(","):
            match = _SELECTOR.fullmatch(selector.strip())
            if not match:
                continue
            tag, name = (match["tag"] or "").lower().strip("*"), match["name"] or ""
            specificity = bool(tag) + (100 if name.startswith("#") else 10 if name else 0)
            rule = self._rules.setdefault((tag, name), {})
            _merge(rule, _parse_declarations(body, specificity=specificity, order=self._n_rules))


def _is_on_screen(media: str) -> bool:
    return any(query.strip().lower() in _ON_SCREEN for query in media.split(","))


def _split_sheet(sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of each rule for a screen."""
    sheet = _STRING.sub("", _COMMENT.sub(" ", sheet))
    open_blocks: list[tuple[str, bool]] = []  # what stands before the brace, whether its rules count
    start = 0
    for brace in _BRACE.finditer(sheet):
        piece = sheet[start : brace.start()]
        start = brace.end()
        if brace[0] == "{":
            before = piece.rpartition(";")[2].strip()
            parent_counts = not open_blocks or (open_blocks[-1][1] and open_blocks[-1][0].startswith("@"))
            open_blocks.append((before, parent_counts and _counts(before)))
        elif open_blocks:
            before, counts = open_blocks.pop()
            if counts and not before.startswith("@"):
                yield before, piece


def _counts(before: str) -> bool:
    if not before.startswith("@"):
        return True
    name, _, query = before.lower().partition(" ")
    return name in _GROUPING and (name != "@media" or _is_on_screen(query))


def _parse_declarations(text: str, *, specificity: int, order: int) -> _Declared:
    declared: _Declared = {}
    for declaration in _COMMENT.sub(" ", text).split(";"):
        name, _, value = declaration.partition(":")
        known = _PROPERTIES.get(name.strip().lower())
        if known is not None:
            value, bang, _ = value.strip().lower().partition("!")
            _merge(declared, {known: ((bool(bang), specificity, order), value.strip())})
    return declared


def _merge(declared: _Declared, more: _Declared) -> None:
    for name, (priority, value) in more.items():
        if name not in declared or priority >= declared[name][0]:
            declared[name] = (priority, value)
