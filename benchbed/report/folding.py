"""Long parts of a page that are folded away travel packed, so that a page of a hundred conditions stays small.

What is packed is the markup itself, of all parts of a page together (zlib, base 85). The page's script unpacks it as
soon as the page is open, so that searching, printing and sorting find it; `unfolded` does the same for a reader without
a browser. Short parts stand in the page as they are, and a part that is open at first is never packed.
"""

from __future__ import annotations

import re

from markupsafe import Markup

from benchbed.report.island import pack, unpack

#: Characters from which on a folded part is packed, conditions from which on the lower half of a page is, and models
#: from which on the drawings of a board are, and then its table.
LONG, LONG_PAGE, LONG_BOARD, LONG_TABLE = 2500, 60, 25, 200
_START, _QUIET, _END, _BETWEEN = "<!--fold-->", "<!--quiet fold-->", "<!--/fold-->", "\0"
_MARKS = re.compile("(<!--(?:quiet |/)?fold-->)")
_PLACE = re.compile(r'<div class="packed" data-packed="(\d+)">.*?</div>|<i data-packed="(\d+)"></i>', re.DOTALL)
_HELD = re.compile(r'<script type="text/plain" id="folded">([^<]*)</script>')
_SPACE = re.compile(r">\s*\n\s*<")
_NOTE = "This part needs the page's script; the record (result.json) has the same figures."


def folded(body: str, summary: str, *, opened: bool = False, plain: bool = False, light: bool = False) -> Markup:
    """A part of a page that unfolds; `carry` packs it if it is long.

    Parameters
    ----------
    body : str
        Its markup.
    summary : str
        The line that is seen while it is folded; escaped.
    opened : bool
        It is unfolded at first, and stands in the page as it is.
    plain : bool
        It does not fold at all.
    light : bool
        Packed even if it is short: the page is long.

    Examples
    --------
    >>> print(folded("<p>short</p>", "More & more"))
    <details><summary>More &amp; more</summary><p>short</p></details>
    """
    inner = Markup(body)
    if plain:
        return inner
    if (light or len(inner) > LONG) and not opened:
        inner = Markup(_START) + inner + Markup(_END)
    return Markup("<details{}><summary>{}</summary>{}</details>").format(
        Markup(" open") if opened else "", summary, inner
    )


def packed(body: str, long: bool = True, quiet: bool = False) -> Markup:
    """A part of a long page that is seen at once, yet travels packed.

    Parameters
    ----------
    body : str
        Its markup.
    long : bool
        The page is long.
    quiet : bool
        Nothing stands in its place without the page's script: a drawing of figures that stand beside it, or words that
        a title has as well.

    Examples
    --------
    >>> print(packed("<p>a</p>", long=False))
    <p>a</p>
    """
    return Markup(_QUIET if quiet else _START) + Markup(body) + Markup(_END) if long else Markup(body)


def seen_at_once(page: str) -> str:
    """The page without what `carry` packs.

    Examples
    --------
    >>> print(seen_at_once(f"<b>{packed('<p>a</p>')}</b>"))
    <b></b>
    """
    kept, depth = [], 0
    for piece in _MARKS.split(page):
        depth += (piece in (_START, _QUIET)) - (piece == _END)
        if not depth and piece != _END:
            kept.append(piece)
    return "".join(kept)


def carry(page: str, style: str = "") -> str:
    """A page whose long folded parts are packed into one element before its data; inner parts go with their outer one.

    Parameters
    ----------
    page : str
    style : str
        What those parts need of the style beside what the page has (`styles.beside`).

    Returns
    -------
    str
        The page itself if there is nothing to pack.

    Examples
    --------
    >>> long = folded("<p>" + "x" * LONG + "</p>", "s")
    >>> page = f'<body>{long}<script type="application/json" id="data">{{}}</script></body>'
    >>> len(carry(page)) < len(page) / 4
    True
    """
    kept: list[str] = []
    parts: list[list[str]] = []
    depth = 0
    for piece in _MARKS.split(page):
        if piece in (_START, _QUIET):
            if not depth:
                place = f'data-packed="{len(parts)}"'
                kept.append(f"<i {place}></i>" if piece == _QUIET else f'<div class="packed" {place}>{_NOTE}</div>')
                parts.append([])
            depth += 1
        elif piece == _END:
            depth -= 1
        elif depth:
            parts[-1].append(piece)
        else:
            kept.append(piece)
    text = "".join(kept)
    if not parts:
        return page
    packed = pack(_BETWEEN.join((*(_SPACE.sub("><", "".join(part)) for part in parts), style)))
    before, data, after = text.rpartition('<script type="application/json" id="data">')
    return f'{before}<script type="text/plain" id="folded">{packed}</script>\n{data}{after}'


def unfolded(page: str) -> str:
    """A page with every packed part as it is seen in a browser.

    Examples
    --------
    >>> long = folded("<p>" + "x" * LONG + "</p>", "s")
    >>> page = f'<body>{long}<script type="application/json" id="data">{{}}</script></body>'
    >>> unfolded(carry(page)) == page.replace("<!--fold-->", "").replace("<!--/fold-->", "")
    True
    """
    packed = _HELD.search(page)
    if packed is None:
        return page
    parts = unpack(packed[1]).split(_BETWEEN)
    return _PLACE.sub(lambda found: parts[int(found[1] or found[2])], page.replace(packed[0] + "\n", ""))
