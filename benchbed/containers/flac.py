"""FLAC: the number of samples that a writer to a pipe could not note, and an end that may be missing.

Every frame says which it is, so the last one tells how long the recording is (RFC 9639).
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache

from benchbed.containers.facts import FileFacts, FilePart, truncated
from benchbed.containers.source import OpenFile

MARK = b"fLaC"
#: Bytes at the end of a file in which the last frame is sought; the largest frame that an encoder writes is smaller.
_TAIL = 1 << 21
#: Offset of the block with the sizes in the file, and of the field with channels, bits and length in it.
_INFO, _LENGTH = 8, 10
_SYNC = re.compile(rb"\xff[\xf8\xf9]")


def inspect(source: OpenFile, start: int, whole: bool) -> FileFacts:
    """Find the length where it is not noted; where the file is not decoded whole, look whether its end is there.

    Parameters
    ----------
    source : OpenFile
    start : int
        Where the FLAC file begins, behind a tag of another system.
    whole : bool
        The decoder will see every frame.
    """
    info = source.at(start, _INFO + 34)
    if len(info) < _INFO + 34:
        raise truncated(source.path, "the file ends before its samples")
    noted = _noted(info)
    if noted and whole:
        return FileFacts()  # the decoder counts, and checks every frame
    tail = source.at(max(0, source.size - _TAIL), _TAIL)
    found = length(info, tail)
    if noted:
        if found != noted:
            raise truncated(source.path, f"the last frame of {noted} samples is missing or damaged")
        return FileFacts()
    if found is None:
        raise truncated(source.path, "the last frame is missing or damaged")
    return FileFacts(parts=(FilePart(start, source.size, patches=((_INFO + _LENGTH, _field(info, found)),)),))


def with_length(path: str, content: bytes) -> bytes:
    """A FLAC file in memory with its number of samples noted.

    Raises
    ------
    AudioError
        Its last frame is not whole.
    """
    if _noted(content):
        return content
    found = length(content, content[-_TAIL:])
    if found is None:
        raise truncated(path, "the last frame is missing or damaged")
    place = _INFO + _LENGTH
    return content[:place] + _field(content, found) + content[place + 8 :]


def _noted(info: bytes) -> int:
    """Samples per channel in the header; 0 where nobody knew."""
    return int.from_bytes(info[_INFO + _LENGTH : _INFO + _LENGTH + 8], "big") & ((1 << 36) - 1)


def _field(info: bytes, samples: int) -> bytes:
    old = int.from_bytes(info[_INFO + _LENGTH : _INFO + _LENGTH + 8], "big")
    return ((old & ~((1 << 36) - 1)) | samples).to_bytes(8, "big")


def length(info: bytes, tail: bytes) -> int | None:
    """Samples per channel up to the end of the last frame, or None if no frame ends where the file ends.

    Parameters
    ----------
    info : bytes
        The first 42 bytes of the file.
    tail : bytes
        Its last bytes, with at least the last frame.
    """
    smallest, largest = struct.unpack(">HH", info[_INFO : _INFO + 4])
    end = len(tail)
    if tail[-128:-125] == b"TAG":
        end -= 128
    for found in reversed(list(_SYNC.finditer(tail, 0, end))):
        frame = tail[found.start() : found.start() + 16]
        read = _frame(frame, largest if smallest == largest else 0)
        if read is None:
            continue
        if _crc16(tail[found.start() : end]) == 0:
            return read
    return None


def _frame(head: bytes, fixed: int) -> int | None:
    """Number of the sample after a frame, from the frame's header; None if it is no header."""
    if len(head) < 6 or head[3] & 1 or head[1] & 2:
        return None
    code, rate = head[2] >> 4, head[2] & 15
    if code == 0 or rate == 15 or (head[3] >> 4) > 10:
        return None
    number, place = _number(head)
    if number is None:
        return None
    size = {1: 192}.get(code, 576 << (code - 2) if code <= 5 else 256 << (code - 8) if code >= 8 else 0)
    if code in (6, 7):
        wide = code - 5
        size = int.from_bytes(head[place : place + wide], "big") + 1
        place += wide
    place += {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if place >= len(head) or _crc8(head[:place]) != head[place]:
        return None
    return (number if head[1] & 1 else number * (fixed or size)) + size


def _number(head: bytes) -> tuple[int | None, int]:
    """The frame's or sample's number, coded as UTF-8 codes characters, and the place behind it."""
    first = head[4]
    if first < 0x80:
        return first, 5
    more = 7 - (first ^ 0xFF).bit_length()
    if not 1 <= more <= 6 or 5 + more > len(head):
        return None, 5
    value = first & ((1 << (6 - more)) - 1)
    for byte in head[5 : 5 + more]:
        if byte >> 6 != 2:
            return None, 5
        value = value << 6 | byte & 63
    return value, 5 + more


def _crc8(data: bytes) -> int:
    rest = 0
    for value in data:
        rest = _tables()[0][rest ^ value]
    return rest


def _crc16(data: bytes) -> int:
    """CRC of a frame with its own at the end: 0 if it is whole."""
    table, rest = _tables()[1], 0
    for value in data:
        rest = (rest << 8 & 0xFF00) ^ table[rest >> 8 ^ value]
    return rest


@lru_cache(maxsize=1)
def _tables() -> tuple[list[int], list[int]]:
    """Of the header's CRC-8 (polynomial 0x07) and the frame's CRC-16 (0x8005)."""
    made = []
    for bits, polynomial in ((8, 0x07), (16, 0x8005)):
        top, table = 1 << (bits - 1), []
        for value in range(256):
            rest = value << (bits - 8)
            for _ in range(8):
                rest = rest << 1 ^ (polynomial if rest & top else 0)
            table.append(rest & ((1 << bits) - 1))
        made.append(table)
    return made[0], made[1]
