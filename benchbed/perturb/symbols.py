"""Functions of a shared library that it does not export, found where its table of symbols names them.

Libraries in wheels are seldom stripped of that table, of which debuggers and profilers live. Only ELF with 64 bits in
the order of x86 and ARM is read (TIS ELF 1.2, "Symbol Table"); of any other library nothing is known, and whoever asks
must have another way.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

_MAGIC = b"\x7fELF\x02\x01\x01"
_SYMBOLS, _FUNCTION = 2, 2
# Section: name, type, flags, address, offset, size, link, info, alignment, size of an entry. Symbol: name, kind, other,
# section, value, size.
_SECTION, _SYMBOL = struct.Struct("<IIQQQQIIQQ"), struct.Struct("<IBBHQQ")


def functions(library: Path, names: Collection[str], exported: str) -> dict[str, int] | None:
    """Where functions of a shared library lie in this process; None where it does not tell of them all.

    Parameters
    ----------
    library : Path
        Is loaded, if it is not yet.
    names : collection of str
    exported : str
        A function that the library does export.

    Examples
    --------
    >>> functions(Path(__file__), ["sf_open"], "sf_open") is None
    True
    """
    wanted = {name.encode() for name in (*names, exported)}
    try:
        content = library.read_bytes()
        if not content.startswith(_MAGIC):
            return None
        found = {name.decode(): place for name, place in _table(content) if name in wanted}
        loaded = ctypes.cast(getattr(ctypes.CDLL(str(library)), exported), ctypes.c_void_p).value
    except (OSError, AttributeError, ValueError, struct.error):
        return None
    if loaded is None or len(found) < len(wanted):
        return None
    return {name: loaded + found[name] - found[exported] for name in names}


def _table(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Names and places of all functions."""
    (start,) = struct.unpack_from("<Q", content, 40)
    size, count = struct.unpack_from("<HH", content, 58)
    sections = [_SECTION.unpack_from(content, start + size * index) for index in range(count)]
    for _, kind, _, _, offset, length, link, *_ in sections:
        if kind != _SYMBOLS:
            continue
        texts = sections[link][4]
        for text, about, _, _, place, _ in _SYMBOL.iter_unpack(content[offset : offset + length]):
            if about & 15 == _FUNCTION and place:
                yield content[texts + text : content.index(b"\0", texts + text)], place
