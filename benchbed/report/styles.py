"""The style sheet of a page: only the rules that its markup, or its script, can ask for.

Every page carries its own style, so what it never uses is weight: a rule is left out where each of its selectors names
a class, or an attribute of our own, that neither the markup nor the script has. What only packed parts use travels with
them (`beside`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from importlib.resources import files

#: Sheets in their order.
SHEETS = ("page.css", "widths.css", "taken.css")
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
_USED = re.compile(r'class="([^"]*)"')
#: Attributes of our own, and those that the script sets where a table is sorted.
_SET = re.compile(r"\[((?:data|aria)-[\w-]+)")
_HAD = re.compile(r"\s((?:data|aria)-[\w-]+)")
_STRINGS = re.compile(r'"[^"]*"|\([^)]*\)')
_BRACE = re.compile(r"[{}]")


@functools.cache
def sheet() -> str:
    """The whole style sheet, without comments and without space that says nothing."""
    folder = files("benchbed.report") / "templates"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in SHEETS)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"\s*([{};,]|:(?=\s))\s*", r"\1", text).replace(";}", "}").strip()


def needed(page: str, script: str) -> str:
    """The rules that a page can use.

    Examples
    --------
    >>> ".globe" in needed('<p class="hint">', ""), ".hint" in needed('<p class="hint">', "")
    (False, True)
    """
    used = {name for text in {*_USED.findall(page)} for name in text.split()}
    used |= {*_HAD.findall(page)}
    # A thousand pages of models ask for the same.
    return _needed(frozenset(used & _asked_for()) | _written(script))


@functools.lru_cache(maxsize=256)
def _needed(used: frozenset[str]) -> str:
    return _kept(sheet(), used)


@functools.cache
def _asked_for() -> frozenset[str]:
    """Every name that a selector of the sheet may ask for."""

    def names(text: str) -> Iterator[str]:
        for head, body in rules(text):
            if head.startswith("@"):
                yield from names(body)
            else:
                yield from (name for one in head.split(",") for name in _asked(one))

    return frozenset(names(sheet()))


@functools.cache
def _written(script: str) -> frozenset[str]:
    """Names that a script may set; it writes `dataset.more` where the sheet says `[data-more]`."""
    words = re.findall(r"[\w-]+", script)
    return frozenset(name for word in words for name in (word, f"data-{word}")) & _asked_for()


@functools.lru_cache(maxsize=256)
def beside(style: str, had: str) -> str:
    """A style as pieces between those that a page has already, which stand as the places where they begin and end.

    The order of rules stays what it was: of two that fit, the later one holds.

    Parameters
    ----------
    style : str
        All rules.
    had : str
        Rules that the page has: some of them, in the same order.

    Examples
    --------
    >>> beside("a{b:c}d{e:f}g{h:i}", "a{b:c}g{h:i}")
    '\\x010,6;d{e:f}\\x016,12;'
    """
    places: dict[str, int] = {}
    at = 0
    for head, body in rules(had):
        places[rule := f"{head}{{{body}}}"] = at
        at += len(rule)
    pieces: list[str | tuple[int, int]] = []
    for head, body in rules(style):
        rule = f"{head}{{{body}}}"
        start = places.get(rule)
        last = pieces[-1] if pieces else None
        if start is None:
            pieces.append(rule)
        elif isinstance(last, tuple) and last[1] == start:
            pieces[-1] = last[0], start + len(rule)
        else:
            pieces.append((start, start + len(rule)))
    return "".join(piece if isinstance(piece, str) else f"\x01{piece[0]},{piece[1]};" for piece in pieces)


def _kept(text: str, used: frozenset[str]) -> str:
    return "".join(_rule(head, body, used) for head, body in rules(text))


def rules(text: str) -> list[tuple[str, str]]:
    """Selector and body of each rule at this level; a group of rules (`@media`) is one.

    Examples
    --------
    >>> rules("a{b:c}@media print{d{e:f}}")
    [('a', 'b:c'), ('@media print', 'd{e:f}')]
    """
    parts, depth, start, opened = [], 0, 0, 0
    for brace in _BRACE.finditer(text):
        place = brace.start()
        if brace[0] == "{":
            opened = opened if depth else place
            depth += 1
        else:
            depth -= 1
            if not depth:
                parts.append((text[start:opened], text[opened + 1 : place]))
                start = place + 1
    return parts


def _rule(head: str, body: str, used: frozenset[str]) -> str:
    if head.startswith("@"):
        inner = _kept(body, used)
        return f"{head}{{{inner}}}" if inner else ""
    selectors = [one for one in head.split(",") if _asked(one) <= used]
    return f"{','.join(selectors)}{{{body}}}" if selectors else ""


def _asked(selector: str) -> set[str]:
    """Classes and attributes of our own without which a selector fits nothing."""
    return {*_CLASS.findall(_STRINGS.sub("", selector)), *_SET.findall(selector)}
