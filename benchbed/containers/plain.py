"""Containers with one header before their samples: Sun's au and the NIST Sphere of speech corpora."""

from __future__ import annotations

import re
import struct

from benchbed.containers.facts import FileFacts, short_of
from benchbed.containers.source import OpenFile

AU_MARKS = (b".snd", b"dns.")
SPHERE_MARK = b"NIST_1A"
_UNKNOWN = 0xFFFFFFFF


def au(source: OpenFile) -> FileFacts:
    """Offset and size of the samples stand in the header; a writer to a pipe leaves all ones."""
    head = source.at(0, 24)
    if len(head) < 24:
        return FileFacts(measured=False)
    offset, size = struct.unpack(("<" if head[:4] == b"dns." else ">") + "4xII", head[:12])
    if size != _UNKNOWN and offset + size > source.size:
        raise short_of(source.path, size, source.size - offset)
    return FileFacts()


def sphere(source: OpenFile) -> FileFacts:
    """The header is text: its own length, then fields of a name, a type and a value."""
    head = source.at(0, 1024)
    length = re.match(rb"NIST_1A\s*\n\s*(\d+)", head)
    fields = {name: int(value) for name, value in re.findall(rb"^(\w+) -i (\d+)", head, re.MULTILINE)}
    # Samples that shorten or wavpack coded have no fixed size.
    if length is None or b"sample_count" not in fields or re.search(rb"embedded|shorten|wavpack", head):
        return FileFacts(measured=False)
    start = int(length[1])
    size = fields[b"sample_count"] * fields.get(b"channel_count", 1) * fields.get(b"sample_n_bytes", 2)
    if start + size > source.size:
        raise short_of(source.path, size, source.size - start)
    return FileFacts()
