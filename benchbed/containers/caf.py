"""Apple's Core Audio format: 64-bit chunks, of which the samples may run to the end of the file."""

from __future__ import annotations

import struct

from benchbed.containers.facts import FileFacts, FilePart, short_of, truncated
from benchbed.containers.source import OpenFile

MARK = b"caff"


def inspect(source: OpenFile) -> FileFacts:
    """Walk the chunks up to the samples, and compare what they promise with what is there."""
    position = 8
    while position + 12 <= source.size:
        name, length = struct.unpack(">4sq", source.at(position, 12))
        body = position + 12
        if name == b"data":
            there = source.size - body
            if length == -1:
                # Allowed for the last chunk: its end is the end of the file. libsndfile refuses it.
                patch = (position + 4, struct.pack(">q", there))
                return FileFacts(parts=(FilePart(0, source.size, patches=(patch,)),))
            if length > there:
                raise short_of(source.path, length, there)
            return FileFacts()
        if length < 0:
            break
        position = body + length
    raise truncated(source.path, "the file ends before its samples")
