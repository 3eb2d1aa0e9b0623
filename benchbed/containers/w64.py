"""Sony Wave64: 64-bit sizes, and a float format that the decoder takes for integers."""

from __future__ import annotations

import struct

from benchbed.containers.facts import FileFacts, FilePart, short_of, truncated
from benchbed.containers.riff import FLOAT, Format
from benchbed.containers.source import OpenFile

MARK = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_GUID = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
#: Sizes from here on are what writers to a pipe leave.
_UNKNOWN = 1 << 62


def inspect(source: OpenFile) -> FileFacts:
    """Walk the chunks up to the samples, and compare what they promise with what is there."""
    position, form, counted = 40, None, 0
    patches: list[tuple[int, bytes]] = []
    while position + 24 <= source.size:
        name, guid, length = struct.unpack("<4s12sQ", source.at(position, 24))
        body = position + 24
        if guid != _GUID or length < 24:
            break
        if name == b"fmt " and length >= 40:
            form = Format.read(source.at(body, min(length - 24, 40)).ljust(16, b"\0"))
            if form.extensible and form.tag == FLOAT:
                # libsndfile takes every extensible format of this container for integers.
                patches.append((body, struct.pack("<H", FLOAT)))
        elif name == b"fact" and length >= 32:
            counted = struct.unpack("<Q", source.at(body, 8).ljust(8, b"\0"))[0]
        elif name == b"data":
            size, there = length - 24, source.size - body
            if size > there and length < _UNKNOWN:
                raise short_of(source.path, size, there)
            if length >= _UNKNOWN:
                size = there
                patches += [(16, struct.pack("<Q", source.size)), (position + 16, struct.pack("<Q", size + 24))]
            frames = None if form is None else _frames(form, counted, size)
            if not patches and frames is None:
                return FileFacts()
            return FileFacts(parts=(FilePart(0, source.size, patches=tuple(patches), frames=frames),))
        position = body + length - 24 + (-length) % 8
    raise truncated(source.path, "the file ends before its samples")


def _frames(form: Format, counted: int, size: int) -> int | None:
    """Samples per channel by the `fact` chunk: some writers count the bytes up to the next chunk as samples."""
    if form.coded:
        return form.frames(counted, size)
    return counted if form.block and 0 < size - counted * form.block < 8 else None
