"""Files that say by themselves whether they are as they were written: a digest over every byte, checked when read.

A JSON file opens with its digest, `{"digest":"…",`, and the digest is over all that follows; a parquet file holds it in
its footer. A flipped bit, a file cut short, a pointer of git LFS in its place or an edit by hand is then an error and
never another number. A digest guards against damage and haste, not against somebody who computes it anew.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path
from typing import Any

from benchbed.errors import DamagedError
from benchbed.nesting import json_of

#: Hexadecimal digits of a digest.
DIGITS = 32

_HEAD = re.compile(rb'\{"digest":"([0-9a-f]{32})",')
POINTER = b"version https://git-lfs.github.com/spec/"
#: The entry of a parquet footer as Thrift writes it: the key, a binary field of 40 bytes, the value.
_ENTRY, _KIND = b"benchbed.digest\x18\x28", b"blake2b:"

#: Key and value that hold a parquet file's place for its digest.
PLACE = {_ENTRY[:-2].decode(): _KIND.decode() + "0" * DIGITS}


def digest(data: bytes) -> str:
    """blake2b over bytes, 32 hexadecimal digits.

    Examples
    --------
    >>> digest(b"benchbed")[:8], len(digest(b""))
    ('de94c431', 32)
    """
    return blake2b(data, digest_size=DIGITS // 2).hexdigest()


def seal(text: str) -> str:
    """A JSON object with its digest as first member, and a line end.

    Parameters
    ----------
    text : str
        A JSON object with at least one member, and none called `digest`.

    Examples
    --------
    >>> seal('{"value": 0.5}')[:11], unseal(seal('{"value": 0.5}').encode(), "record")[0]
    ('{"digest":"', {'value': 0.5})
    """
    return seal_bytes(text.strip().encode())[0].decode()


def seal_bytes(data: bytes) -> tuple[bytes, str]:
    """A JSON object, as `seal` makes it, and the digest.

    Parameters
    ----------
    data : bytes
        A JSON object with at least one member, and none called `digest`.

    Examples
    --------
    >>> sealed, made = seal_bytes(b'{"value": 0.5}')
    >>> unsealed(sealed, "record") == (b'{"value": 0.5}\\n', made)
    True
    """
    body = data.strip()[1:] + b"\n"
    made = digest(_lines(body))
    return b"".join((b'{"digest":"', made.encode(), b'",', body)), made


def unseal(data: bytes, where: str | Path, *, again: str | None = None) -> tuple[dict[str, Any], str]:
    """The members of a sealed JSON object without its digest, and the digest.

    Parameters
    ----------
    data : bytes
        The file.
    where : str or Path
        Its place, for errors.
    again : str, optional
        How it is made again, for errors.

    Raises
    ------
    DamagedError
        It is not as it was written.
    """
    body, made = unsealed(data, where, again=again)
    try:
        members: dict[str, Any] = json_of(body, finite=True)
    except ValueError as error:
        # The digest is no secret: whoever writes one by hand may put anything behind it.
        raise DamagedError(f"the file is not as benchbed writes it: {error}", where=str(where), hint=again) from error
    return members, made


def unsealed(data: bytes, where: str | Path, *, again: str | None = None) -> tuple[bytes, str]:
    """The text of a sealed JSON object without its digest, and the digest; parameters as of `unseal`.

    Raises
    ------
    DamagedError
        It is not as it was written.

    Examples
    --------
    >>> unsealed(seal('{"value": 0.5}').encode(), "record")[0]
    b'{"value": 0.5}\\n'
    """
    head = _HEAD.match(data)
    if head is None:
        raise DamagedError(_unlike(data, "it does not open with its digest"), where=str(where), hint=again)
    if digest(_lines(data[head.end() :])) != head[1].decode():
        raise DamagedError(
            "the file is not as it was written: its digest does not fit, so that it was damaged or edited",
            where=str(where),
            hint=again,
        )
    return b"{" + data[head.end() :], head[1].decode()


def seal_parquet(data: bytes) -> bytes:
    """A parquet file whose footer holds `PLACE`, with its digest put there."""
    start = data.rindex(_ENTRY + _KIND) + len(_ENTRY + _KIND)
    made = digest(data[:start] + data[start + DIGITS :])
    return data[:start] + made.encode() + data[start + DIGITS :]


def parquet_digest(data: bytes) -> str | None:
    """The digest of a sealed parquet file, or None where it does not fit or there is none."""
    start = data.rfind(_ENTRY + _KIND) + len(_ENTRY + _KIND)
    if start < len(_ENTRY + _KIND):
        return None
    made = digest(data[:start] + data[start + DIGITS :])
    return made if made.encode() == data[start : start + DIGITS] else None


def check(data: bytes, expected: str, where: str | Path, *, again: str | None = None) -> None:
    """Hold a file against the digest that another file names.

    Raises
    ------
    DamagedError
        It is another file.
    """
    if digest(data) != expected:
        what = "its digest is not the one that the record names, so that it was damaged, edited or replaced"
        raise DamagedError(_unlike(data, what), where=str(where), hint=again)


def _unlike(data: bytes, what: str) -> str:
    if data.startswith(POINTER):
        return "this is a pointer of git LFS and not the file: fetch it with `git lfs pull`"
    return f"the file is not as benchbed wrote it: {what}"


def _lines(data: bytes) -> bytes:
    # A checkout under Windows may end lines in its own way; no other byte may differ.
    return data.replace(b"\r\n", b"\n")
