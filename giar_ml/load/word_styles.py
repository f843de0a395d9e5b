"""What the styles of a Word document say of its paragraphs and runs."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

Look = Mapping[str, str]
"""Name of a property to its value, empty where it is off."""

_PROPERTIES = ("vanish", "strike", "dstrike", "vertAlign", "position", "color", "highlight")
_OFF = ("0", "false", "off", "none")
_MAX_CHAIN = 50
"""Styles that a style may be based on; Word's own have three or four."""


class WordStyles:
    """The effective properties of text: the document's defaults, then the style of the paragraph, then
    that of the run, each with those it is based on, then the run's own."""

    def __init__(self, root: etree._Element | None) -> None:
        self._styles: dict[str, etree._Element] = {}
        self._looks: dict[str, Look] = {}
        self._default: Look = {}
        if root is None:
            return
        defaults = root.find(f"{W}docDefaults/{W}rPrDefault")
        look = dict(_own_look(defaults)) if defaults is not None else {}
        for style in root.iterfind(f"{W}style"):
            style_id = style.get(f"{W}styleId", "")
            self._styles[style_id] = style
            if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true", "on"):
                look |= _own_look(style)
        self._default = look

    def of_paragraph(self, paragraph: etree._Element) -> Look:
        """The properties of a paragraph's text, its list as `numId`, the colour behind it as `shd`."""
        properties = paragraph.find(f"{W}pPr")
        own = {} if properties is None else _paragraph_look(properties)
        return {**self._default, **self._of_style(_value(paragraph, "pPr", "pStyle")), **own}

    def of_run(self, run: etree._Element, paragraph: Look) -> Look:
        """The properties of a run of a paragraph with those ones."""
        return {**paragraph, **self._of_style(_value(run, "rPr", "rStyle")), **_own_look(run)}

    def _of_style(self, style_id: str | None) -> Look:
        if style_id is None:
            return {}
        if style_id not in self._looks:
            chain: list[etree._Element] = []
            style = self._styles.get(style_id)
            while style is not None and style not in chain and len(chain) < _MAX_CHAIN:
                chain.append(style)
                based_on = style.find(f"{W}basedOn")
                style = None if based_on is None else self._styles.get(based_on.get(f"{W}val", ""))
            look: dict[str, str] = {}
            for style in reversed(chain):
                look |= _own_look(style)
            self._looks[style_id] = look
        return self._looks[style_id]


def ground(properties: etree._Element | None) -> str:
    """The colour behind a cell, paragraph or run with these properties, empty where it is white."""
    shading = None if properties is None else properties.find(f"{W}shd")
    colour = "" if shading is None else shading.get(f"{W}fill", "").lower()
    return "" if colour in ("auto", "ffffff") else colour


def _own_look(element: etree._Element) -> dict[str, str]:
    """What an element says itself: a run, or a style."""
    look: dict[str, str] = {}
    if (paragraph := element.find(f"{W}pPr")) is not None:
        look = _paragraph_look(paragraph)
    if (run := element.find(f"{W}rPr")) is not None:
        for child in run:
            name = str(child.tag).removeprefix(W)
            if name in _PROPERTIES:
                value = child.get(f"{W}val", "1")
                look[name] = "" if value in _OFF else value
        if colour := ground(run):
            look["shd"] = colour
    return look


def _paragraph_look(properties: etree._Element) -> dict[str, str]:
    look = {"shd": ground(properties)}
    if (number := properties.find(f"{W}numPr/{W}numId")) is not None:
        value = number.get(f"{W}val", "")
        look["numId"] = "" if value == "0" else value
    return look


def _value(element: etree._Element, properties: str, name: str) -> str | None:
    found = element.find(f"{W}{properties}/{W}{name}")
    return None if found is None else found.get(f"{W}val")
