"""Data carried inside a page: as text that no browser can take for markup, whatever it contains."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
import zlib
from typing import Any

from markupsafe import Markup

from benchbed.report import carried
from benchbed.report.gathered import END, HOLE, gathered, scattered
from benchbed.results.record import Result

#: Characters of data that stand in a page as they are, and packed ones that a page may carry.
PLAIN, CARRIED = 20_000, 25_000
#: What packed data begin with.
PACKED = "deflate;base85,"
#: Digits of packed data: letters that mean nothing to a reader of markup, in which four bytes take five.
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#%()*+-./:;=?@[]^_{|}~"
#: Memory of the compressor, the most that it knows: blocks are longer, and the text shorter.
_MEMORY = 9
_PYTHON = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_WRITTEN, _READ = str.maketrans(_PYTHON, DIGITS), str.maketrans(DIGITS, _PYTHON)

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
    """Any JSON data, safe inside a script element: as text, or packed where that would be long (see `unpack`).

    Examples
    --------
    >>> print(island({"a": "é<"}))
    {"a":"é\\u003c"}
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return escape_json(text) if len(text) <= PLAIN else pack(text)


def record(result: Result) -> tuple[Markup, bool]:
    """The content of a page's data element for a record without its defaults, still valid; and whether it is whole.

    A short record is JSON text. A long one is packed (zlib, base 85); the page's script unpacks it when it is asked to
    save. One that is too long even so goes as its figures, column by column (see `carried`), without groups.
    """
    text = _body(result)
    if len(text) <= PLAIN:
        return escape_json(text), True
    packed = pack(text)
    if len(packed) <= CARRIED:
        return packed, True
    columns = carried.figures(result)
    return pack(json.dumps(columns, ensure_ascii=False, separators=(",", ":"), allow_nan=False)), False


def unpack(content: str) -> str:
    """The JSON text that a data element carries, packed or not.

    Examples
    --------
    >>> unpack('{"a":1}')
    '{"a":1}'
    """
    if not content.startswith(PACKED):
        return content
    text = zlib.decompress(base64.b85decode(content.removeprefix(PACKED).strip().translate(_READ))).decode("utf-8")
    if not text.startswith(END):
        return text
    words, _, numbers = text[1:].partition(END)
    return scattered(words, numbers)


def pack(text: str) -> Markup:
    """Text as zlib's deflate in base 85, behind what tells that it is (see `unpack`); of a long one, numbers go apart.

    Examples
    --------
    >>> unpack(pack("é" * 9))
    'ééééééééé'
    """
    made = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY)
    squeezed = b""
    if len(text) > PLAIN and HOLE not in text and END not in text:
        words, numbers = gathered(text)
        # A block of its own: digits are coded by how often digits occur.
        squeezed = made.compress(f"{END}{words}{END}".encode()) + made.flush(zlib.Z_BLOCK)
        text = numbers
    squeezed += made.compress(text.encode("utf-8")) + made.flush()
    return Markup(PACKED + base64.b85encode(squeezed).decode("ascii").translate(_WRITTEN))


def _body(result: Result) -> str:
    # A record of fifty conditions is mostly defaults; the version is the one default that a reader needs.
    return f'{{"schema_version":{result.schema_version},{result.model_dump_json(exclude_defaults=True)[1:]}'


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
