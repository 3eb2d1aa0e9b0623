"""One colour for each family of models, the same on every page and in every chart."""

from __future__ import annotations

import hashlib

from markupsafe import Markup, escape

#: Families with a colour of their own; names and legends say the same, so that none is known by colour alone.
_KNOWN = {
    "cnn": 0,
    "transformer": 1,
    "crnn": 2,
    "raw-cnn": 3,
    "ssm": 4,
    "ssl": 5,
    "other": 6,
    "": 6,
    "cnn_transformer": 7,
}
#: Colours that other families share.
_REST = (3, 4, 5, 7)


def style_of(family: str) -> int:
    """Number of the colour of a family; one that is not known always has the same.

    Examples
    --------
    >>> style_of("cnn"), style_of("transformer"), style_of("liquid") == style_of("liquid")
    (0, 1, True)
    """
    if family in _KNOWN:
        return _KNOWN[family]
    return _REST[hashlib.blake2b(family.encode(), digest_size=2).digest()[0] % len(_REST)]


def family_dot(family: str) -> Markup:
    """A dot in the colour of a family, for rows that are models.

    Examples
    --------
    >>> str(family_dot("cnn"))
    '<span class="fam f0" title="cnn"></span>'
    """
    return Markup('<span class="fam f{}" title="{}"></span>').format(style_of(family), escape(family))
