"""Charts and tables of a page as pictures: SVG that any program opens, and PNG.

Programs for drawing know neither a page's style sheet nor its variables, so that every colour, width and size is
written beside what it belongs to. The picture has light colours whatever the screen has.
"""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from html import escape

from benchbed.errors import ConfigError
from benchbed.packages import imported_for
from benchbed.report import styles
from benchbed.report.markup import classes, words
from benchbed.report.pieces import Piece
from benchbed.report.tabled import body

#: Width of a saved chart, and height of a line of text in it.
WIDTH, LINE = 520, 20
#: Points of a PNG for one unit of its drawing.
SHARPNESS = 2.0
FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
#: Properties that a drawing can have.
_DRAWN = (
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-opacity",
    "opacity",
    "font-size",
    "font-weight",
    "text-anchor",
    "paint-order",
)
_ROW, _LETTER, _STRIP = 22.0, 6.9, 220.0


def svg(*pieces: Piece, title: str = "") -> str:
    """Charts, or tables with drawings in them, below each other as one SVG file.

    Raises
    ------
    ConfigError
        A table without a drawing.
    """
    wide, high, parts = 1.0, 0.0, []
    for piece in pieces:
        if not piece.drawn:
            forms = ", ".join(piece.forms)
            raise ConfigError(f"'{piece.name}' is a table, no drawing", hint=f"save it as {forms}")
        draw = _table if piece.element.tag == "table" else _figure
        markup, width, height = draw(piece.element, piece.title)
        parts.append(f'<g transform="translate(0 {high:g})">{"".join(markup)}</g>')
        wide, high = max(wide, width), high + height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" '
        f'height="{high:g}" font-family="{FONT}"><title>{escape(title or pieces[0].title)}</title>'
        f'<rect width="{wide:g}" height="{high:g}" fill="{_variable("paper")}"/>{"".join(parts)}</svg>\n'
    )


def png(drawing: str) -> bytes:
    """An SVG file as a PNG file of twice its size.

    Raises
    ------
    ConfigError
        No resvg on this machine.
    """
    with imported_for("PNG files need resvg", ConfigError, otherwise="save it as .svg"):
        import resvg_py
    return bytes(resvg_py.svg_to_bytes(svg_string=drawing, zoom=SHARPNESS))


def _figure(element: ET.Element, title: str) -> tuple[list[str], float, float]:
    """Caption, drawing and legend below each other."""
    drawing = element if element.tag == "svg" else next(s for s in element.iter("svg") if s.get("role") == "img")
    _, _, wide, high = (float(part) for part in (drawing.get("viewBox") or "0 0 1 1").split())
    height = WIDTH * high / wide
    placed = _inlined(drawing, [])
    placed.attrib |= {"x": "0", "y": f"{LINE + 4}", "width": f"{WIDTH}", "height": f"{height:g}"}
    parts = [_text(title, 4, LINE - 5, "font-weight:600"), ET.tostring(placed, encoding="unicode")]
    below, left = LINE + 4 + height, 4.0
    for item in (part for part in element.iter("li") if part is not element):
        label, mark = words(item), next(item.iter("svg"), None)
        long = (34 if mark is not None else 0) + len(label) * _LETTER + 14
        if left > 4 and left + long > WIDTH:
            left, below = 4.0, below + LINE
        if mark is not None:
            swatch = _inlined(mark, [])
            swatch.attrib |= {"x": f"{left:g}", "y": f"{below + 6:g}", "width": "26", "height": "10"}
            parts.append(ET.tostring(swatch, encoding="unicode"))
        parts.append(_text(label, left + (32 if mark is not None else 0), below + 15))
        left += long
    return parts, WIDTH, below + LINE + 8


def _table(table: ET.Element, title: str) -> tuple[list[str], float, float]:
    """A table with the colours of its cells and the drawings in them."""
    head_row = next((row for part in table.iter("thead") for row in part), None)
    columns = [] if head_row is None else list(head_row)
    rows = body(table)
    heat = "heat" in classes(table)
    drawn = {place for place, cell in enumerate(columns) if "draw" in classes(cell)}
    heads = [" ".join(words(cell).split()) for cell in columns]
    wide = [
        _STRIP
        if place in drawn
        else max([len(words(row[place])) for row in rows if place < len(row)] + [3]) * _LETTER + 16
        for place in range(len(columns))
    ]
    upright = heat and any(len(text) > 4 for text in heads[1:]) and len(heads) > 5
    if not upright:
        wide = [w if p in drawn else max(w, min(len(heads[p]), 26) * _LETTER + 14) for p, w in enumerate(wide)]
    head = max(len(text) for text in heads[1:]) * 6.2 + 10 if upright and len(heads) > 1 else _ROW * 2
    lefts = [4 + sum(wide[:place]) for place in range(len(columns))]
    top = LINE + 6 + head
    parts = [_text(title, 4, LINE - 5, "font-weight:600")]
    for place, text in enumerate(heads):
        parts += _headed(text, lefts[place], wide[place], top, upright and place > 0, columns[place])
    for index, row in enumerate(rows):
        y = top + index * _ROW
        for place, cell in enumerate(row[: len(columns)]):
            parts.append(_cell(cell, lefts[place], y, wide[place], place in drawn, heat))
        if not heat:
            parts.append(f'<path d="M4 {y + _ROW:g}H{4 + sum(wide):g}" stroke="{_variable("hair")}"/>')
    return parts, 8 + sum(wide), top + len(rows) * _ROW + 8


def _headed(text: str, left: float, wide: float, top: float, upright: bool, cell: ET.Element) -> list[str]:
    soft = f"fill:{_variable('soft')};font-size:12px"
    if upright:
        x, y = left + wide / 2 + 4, top - 6
        return [f'<text transform="translate({x:g} {y:g}) rotate(-90)" style="{soft}">{escape(text)}</text>']
    if "draw" in classes(cell):
        ends = [words(part) for part in cell.iter("span") if not len(part)]
        if len(ends) == 2:
            place = f'x="{left + _STRIP - 16:g}" y="{top - 6:g}" text-anchor="end"'
            last = f'<text {place} style="{soft}">{escape(ends[1])}</text>'
            return [_text(ends[0], left, top - 6, soft), last]
        return []
    lines = _wrapped(text, max(6, int(wide / _LETTER)))[-2:]
    return [_text(line, left, top - 6 - (len(lines) - 1 - place) * 15, soft) for place, line in enumerate(lines)]


def _wrapped(text: str, most: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _cell(cell: ET.Element, left: float, top: float, wide: float, drawn: bool, heat: bool) -> str:
    if drawn:
        strip = next((part for part in cell.iter("svg")), None)
        return _strip(strip, left, top) if strip is not None else ""
    text, ink = words(cell), _variable("ink")
    held = _declared("td", classes(cell), []) if heat and cell.tag == "td" else {}
    back = held.get("background")
    parts = []
    if back:
        parts.append(
            f'<rect x="{left + 1:g}" y="{top + 1:g}" width="{wide - 2:g}" height="{_ROW - 2:g}" fill="{back}"/>'
        )
        ink = held.get("color", ink)
    right = heat and cell.tag == "td"
    x = left + wide - 8 if right else left
    anchor = ' text-anchor="end"' if right else ""
    parts.append(f'<text x="{x:g}" y="{top + 15:g}"{anchor} style="font-size:12.5px;fill:{ink}">{escape(text)}</text>')
    return "".join(parts)


def _strip(strip: ET.Element, left: float, top: float) -> str:
    """The drawing of a cell, stretched to its column: dots stay round."""
    scale, parts = (_STRIP - 16) / 100, []
    for part in strip:
        look = _declared(part.tag, classes(part), [{"strip"}])
        colour = look.get("fill") if part.tag == "rect" else look.get("stroke")
        if part.tag == "rect":
            x, wide = (float(part.get(name) or 0) * scale for name in ("x", "width"))
            y, high = float(part.get("y") or 0), float(part.get("height") or 16)
            box = f'x="{left + x:g}" y="{top + 3 + y:g}" width="{wide:g}" height="{high:g}"'
            parts.append(f'<rect {box} fill="{colour}"/>')
            continue
        for move in re.finditer(r"M([\d.]+) ([\d.]+)(?:H([\d.]+)|V([\d.]+)|h0)", part.get("d") or ""):
            x, y = left + float(move[1]) * scale, top + 3 + float(move[2])
            thick = float(look.get("stroke-width", "1"))
            line = f'stroke="{colour}" stroke-width="{thick:g}"'
            if move[3]:
                parts.append(f'<path d="M{x:g} {y:g}H{left + float(move[3]) * scale:g}" {line}/>')
            elif move[4]:
                parts.append(f'<path d="M{x:g} {y:g}V{top + 3 + float(move[4]):g}" {line}/>')
            else:
                parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{thick / 2:g}" fill="{colour}"/>')
    return "".join(parts)


def _text(content: str, x: float, y: float, style: str = "") -> str:
    look = f"font-size:13px;fill:{_variable('ink')};{style}" if "fill:" not in style else style
    return f'<text x="{x:g}" y="{y:g}" style="{look}">{escape(content)}</text>'


def _inlined(element: ET.Element, above: Sequence[set[str]]) -> ET.Element:
    """A drawing whose every part says its own look."""
    mine = classes(element)
    made = ET.Element(
        element.tag, {n: v for n, v in element.attrib.items() if n not in _PAGE and not n.startswith("data-")}
    )
    look = _declared(element.tag, mine, above)
    for name in _DRAWN:
        if name in look:
            made.set(name, look[name])
    made.text, made.tail = element.text, element.tail
    for part in element:
        if part.tag not in ("title", "desc"):
            made.append(_inlined(part, [*above, mine]))
    return made


_PAGE = frozenset({"class", "id", "role", "aria-labelledby", "aria-hidden", "focusable"})


@functools.cache
def _variable(name: str) -> str:
    match = re.search(rf"--{name}:\s*([^;}}]+)", styles.sheet())
    return match[1].strip() if match else "#000000"


@functools.cache
def _sheet() -> list[tuple[list[tuple[str, frozenset[str]]], dict[str, str]]]:
    """Selectors that name elements and classes only, with what they declare, the weaker first."""
    found = []
    for head, inner in styles.rules(styles.sheet()):
        if head.startswith("@"):
            continue
        declared = dict(part.split(":", 1) for part in inner.split(";") if ":" in part)
        for selector in head.split(","):
            steps = [re.fullmatch(r"([a-z]*)((?:\.[\w-]+)*)", step) for step in selector.split()]
            if steps and all(steps):
                found.append(([(s[1], frozenset(s[2].split(".")[1:])) for s in steps if s], declared))
    return sorted(found, key=lambda rule: sum(len(names) for _, names in rule[0]))


def _declared(tag: str, mine: set[str], above: Sequence[set[str]]) -> Mapping[str, str]:
    look: dict[str, str] = {}
    for steps, declared in _sheet():
        name, wanted = steps[-1]
        if (name and name != tag) or not wanted <= mine or not (wanted or name == tag):
            continue
        if all(not n and any(w <= held for held in above) for n, w in steps[:-1]):
            look |= {key: _resolved(value) for key, value in declared.items()}
    return look


def _resolved(value: str) -> str:
    return re.sub(r"var\(--([\w-]+)\)", lambda found: _variable(found[1]), value).replace("px", "").strip()
