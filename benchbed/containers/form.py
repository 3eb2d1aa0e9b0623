"""AIFF, AIFF-C and 8SVX: big-endian chunks below FORM."""

from __future__ import annotations

import struct

from benchbed.containers.facts import FileFacts, short_of, truncated
from benchbed.containers.riff import unknown
from benchbed.containers.source import OpenFile

MARK = b"FORM"
_SAMPLES = {b"AIFF": b"SSND", b"AIFC": b"SSND", b"8SVX": b"BODY", b"16SV": b"BODY"}


def inspect(source: OpenFile) -> FileFacts:
    """Walk the chunks up to the samples, and compare what they promise with what is there."""
    head = source.at(0, 12)
    wanted = _SAMPLES.get(head[8:12])
    if wanted is None:
        if len(head) < 12:
            raise truncated(source.path, "the file ends before its samples")
        return FileFacts(measured=False)
    position = 12
    while position + 8 <= source.size:
        name, length = struct.unpack(">4sI", source.at(position, 8))
        body = position + 8
        if name == wanted:
            if not unknown(length) and body + length > source.size:
                raise short_of(source.path, length, source.size - body)
            return FileFacts()
        position = body + length + (length & 1)
    raise truncated(source.path, "the file ends before its samples")
