"""Data carried inside a page: as text that no browser can take for markup, whatever it contains."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Any

from markupsafe import Markup

from benchbed.results.record import Result

_DANGEROUS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def escape_json(text: str) -> Markup:
    """JSON text safe inside a script element; the same data to a JSON reader.

    Examples
    --------
    >>> print(escape_json('["</script>"]'))
    ["\\u003c/script\\u003e"]
    """
    for character, escaped in _DANGEROUS.items():
        text = text.replace(character, escaped)
    return Markup(text)


def island(data: Any) -> Markup:
    """Any JSON data, safe inside a script element.

    Examples
    --------
    >>> print(island({"a": "é<"}))
    {"a":"é\\u003c"}
    """
    return escape_json(json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def record(result: Result) -> Markup:
    """A whole record without its defaults, still a valid record, safe inside a script element."""
    # A record of fifty conditions is mostly defaults; the version is the one default that a reader needs.
    body = result.model_dump_json(exclude_defaults=True)
    return escape_json(f'{{"schema_version":{result.schema_version},{body[1:]}')


def slug(text: str, identity: str) -> str:
    """A file name for any text: plain letters, and a digest so that two texts never share one.

    Examples
    --------
    >>> slug("PaSST tiny", "x")
    'passt-tiny-b1ba07e5'
    >>> slug("../../etc/passwd", "y").startswith("etc-passwd-")
    True
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:48].strip("-")
    return f"{words or 'x'}-{digest(identity)}"


def digest(identity: str) -> str:
    """Eight hexadecimal digits of a text.

    Examples
    --------
    >>> len(digest("anything"))
    8
    """
    return hashlib.blake2b(identity.encode("utf-8"), digest_size=4).hexdigest()


def anchor(text: str) -> str:
    """A permanent fragment identifier for a key of the record.

    Examples
    --------
    >>> anchor("scene/test/white_noise@3").startswith("scene-test-white-noise-3-")
    True
    """
    return slug(text, text)
