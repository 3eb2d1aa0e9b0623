"""Markup of a page as a tree that can be walked, for taking single charts and tables out of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser

#: Elements of HTML that never close.
_VOID = frozenset({"meta", "link", "img", "input", "br", "hr", "source", "wbr"})
#: What HTML's parser writes small although SVG does not.
_CAMEL = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}


def tree(markup: str) -> ET.Element:
    """The elements of a page.

    Examples
    --------
    >>> page = tree("<p>a <b>c</b></p><p>d<br>e</p>")
    >>> [words(part) for part in page.iter("p")]
    ['a c', 'd e']
    """
    parser = _Builder()
    parser.feed(markup)
    parser.close()
    return parser.top


def classes(element: ET.Element) -> set[str]:
    """Classes of an element."""
    return set((element.get("class") or "").split())


def words(element: ET.Element, skip: frozenset[str] = frozenset({"vh", "arrow"})) -> str:
    """The text of an element in one line, without parts of the classes in `skip`.

    Examples
    --------
    >>> words(tree('<th>Clips <span class="vh">of all</span> <span class="arrow">v</span></th>'))
    'Clips'
    >>> top = tree("<table><tr><th>Hum<small>dB</small></th><td>57.3<small>10</small></td></tr></table>")
    >>> [words(part) for part in (*top.iter("th"), *top.iter("td"))]
    ['Hum, dB', '57.3']
    """
    text = "".join(_texts(element, skip)).replace("\n", " ").replace("\t", " ")
    # Narrow spaces between numbers and units are kept.
    return " ".join(part for part in text.split(" ") if part)


def _texts(element: ET.Element, skip: frozenset[str]) -> Iterator[str]:
    if classes(element) & skip or element.tag in ("script", "style", "svg"):
        return
    if element.tag == "small":
        yield ", "
    if element.text:
        yield element.text
    for part in element:
        if part.tag == "br":
            yield " "
        # What stands small under a figure, such as the strength of its condition, is no part of it.
        if not (part.tag == "small" and element.tag == "td"):
            yield from _texts(part, skip)
        if part.tail:
            yield part.tail


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.top = ET.Element("page")
        self._open = [self.top]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = ET.SubElement(self._open[-1], tag, {_CAMEL.get(name, name): value or "" for name, value in attrs})
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        ET.SubElement(self._open[-1], tag, {_CAMEL.get(name, name): value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        parent = self._open[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + data
        else:
            parent.text = (parent.text or "") + data
