"""JSON and YAML from strangers: nothing that nests too deep, refers to itself, or is far larger than it is written.

A YAML file of 262 bytes whose aliases name lists of aliases stands for ten million values; brackets in brackets exhaust
the stack of whoever follows them. Both are refused before they are built.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

#: Lists and mappings inside each other; suites and gates need a dozen.
DEEPEST = 40
#: Values that aliases may stand for, beside those that are written.
ALIASED = 10_000


class Overgrown(ValueError):
    """A document that is deeper, or stands for more, than anything that is meant.

    Attributes
    ----------
    line : int or None
        Where, counted from 1; None in JSON.
    """

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


def json_of(text: str | bytes, pairs: Callable[[list], object] | None = None, *, finite: bool = False) -> Any:
    """What JSON says.

    Parameters
    ----------
    text : str or bytes
        The document.
    pairs : callable, optional
        What is made of the keys and values of each mapping.
    finite : bool
        Refuse NaN and infinity, which are no JSON though Python reads them, and numbers that are too large for one.

    Raises
    ------
    Overgrown
        It nests too deep.
    ValueError
        It is no JSON; `Overgrown` is one, too.

    Examples
    --------
    >>> json_of('{"a": [1, 2]}')
    {'a': [1, 2]}
    >>> json_of("[" * 100_000)
    Traceback (most recent call last):
    benchbed.nesting.Overgrown: lists and mappings are nested too deep
    """
    # A hook for every number is slow, and only an exponent of three digits makes one infinite.
    large = finite and re.search(rb"[eE]\+?[0-9]{3}", text.encode() if isinstance(text, str) else text) is not None
    try:
        return json.loads(
            text,
            object_pairs_hook=pairs,
            parse_constant=_no_number if finite else None,
            parse_float=_number if large else None,
        )
    except RecursionError:
        raise Overgrown("lists and mappings are nested too deep") from None


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _number(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def refuse_overgrown(text: str) -> None:
    """Look through YAML without building what it stands for.

    Raises
    ------
    Overgrown
        Nested too deep, an alias inside of what it names, or aliases that stand for more than `ALIASED` values.
    ruamel.yaml.error.YAMLError
        It is no YAML.

    Examples
    --------
    >>> refuse_overgrown("a: &a [1, 2]\\nb: [*a, *a]")
    >>> refuse_overgrown("a: &a [*a]")
    Traceback (most recent call last):
    benchbed.nesting.Overgrown: the alias *a stands inside of what it names
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent

    #: Anchors and sizes of what is open, outermost first; sizes of what was closed; values by way of aliases.
    still_open: list[tuple[str | None, int]] = []
    sizes: dict[str, int] = {}
    aliased = 0

    def close(anchor: str | None, size: int) -> None:
        if anchor is not None:
            sizes[anchor] = size
        if still_open:
            outer, so_far = still_open[-1]
            still_open[-1] = outer, so_far + size

    for event in YAML(typ="safe", pure=True).parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, CollectionStartEvent):
            still_open.append((event.anchor, 1))
            if len(still_open) > DEEPEST:
                raise Overgrown(f"lists and mappings are nested more than {DEEPEST} deep", line)
        elif isinstance(event, CollectionEndEvent):
            close(*still_open.pop())
        elif isinstance(event, ScalarEvent):
            close(event.anchor, 1)
        elif isinstance(event, AliasEvent):
            if any(anchor == event.anchor for anchor, _ in still_open):
                raise Overgrown(f"the alias *{event.anchor} stands inside of what it names", line)
            size = sizes.get(event.anchor, 1)
            aliased += size
            if aliased > ALIASED:
                raise Overgrown(f"aliases stand for more than {ALIASED:,} values", line)
            close(None, size)
