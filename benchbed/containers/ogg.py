"""Ogg: streams that follow one another in one file, a last page that must say that it is the last, pages that lack.

libsndfile reads the first of several chained streams and takes what is left of a cut stream for the whole. It decodes
Opus whose original rate nobody noted (a rate of 0 in its header) at 8 kHz, and refuses FLAC of unknown length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache

from benchbed.containers import flac
from benchbed.containers.facts import FileFacts, FilePart, truncated
from benchbed.containers.source import OpenFile

MARK = b"OggS"
_FIRST, _LAST = 2, 4
#: Rate at which Opus is coded, whatever it was recorded at.
OPUS_RATE = 48000


@dataclass
class _Link:
    """One of the streams that follow one another: its pages from `start` to `stop`."""

    start: int
    stop: int
    #: Serial number of a logical stream → number of its next page; several where streams are interleaved.
    pages: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)


def inspect(source: OpenFile) -> FileFacts:
    """Walk all pages; a stream that does not end, or lacks pages, has been cut or damaged."""
    links: list[_Link] = []
    position, heads = 0, False
    while position < source.size:
        head = source.ahead(position, 27 + 255)
        if head[:4] != MARK:
            if links and len(links[-1].ended) == len(links[-1].pages):
                break  # a tag of another system behind the last stream
            raise truncated(source.path, f"no page of the ogg stream where one must begin, at byte {position}")
        table = head[27 : 27 + head[26]] if len(head) >= 27 else b""
        stop = position + 27 + len(table) + sum(table)
        if len(head) < 27 or len(table) < head[26] or stop > source.size:
            raise truncated(source.path, "the last page of the ogg stream is cut")
        kind, serial, number = head[5], *struct.unpack("<II", head[14:22])
        if kind & _FIRST:
            # The first pages of interleaved streams stand together; one that comes later begins a new file.
            if not heads:
                links.append(_Link(position, stop))
            links[-1].pages[serial] = number
        heads = bool(kind & _FIRST)
        if not links or serial not in links[-1].pages:
            raise truncated(source.path, "a page of the ogg stream belongs to no stream, so its beginning is missing")
        link = links[-1]
        if number != link.pages[serial]:
            lost = f"page {link.pages[serial]} of the ogg stream is missing or damaged, page {number} follows"
            raise truncated(source.path, lost)
        link.pages[serial], link.stop = number + 1, stop
        if kind & _LAST:
            link.ended.add(serial)
        position = stop
    if any(set(link.pages) - link.ended for link in links):
        raise truncated(source.path, "the last page of the ogg stream does not say that it is the last")
    return FileFacts(parts=tuple(_part(source, link) for link in links))


def _part(source: OpenFile, link: _Link) -> FilePart:
    head = source.at(link.start, 27 + 255 + 64)
    body = 27 + head[26]
    packet = head[body:]
    if packet[:5] == b"\x7fFLAC":
        return FilePart(link.stop, link.stop, prefix=_native_flac(source, link))
    if packet[:8] == b"OpusHead" and packet[12:16] == bytes(4):
        length = body + sum(head[27:body])
        page = bytearray(source.at(link.start, length))
        page[body + 12 : body + 16] = struct.pack("<I", OPUS_RATE)
        page[22:26] = bytes(4)
        page[22:26] = struct.pack("<I", checksum(bytes(page)))
        patches = ((22, bytes(page[22:26])), (body + 12, bytes(page[body + 12 : body + 16])))
        return FilePart(link.start, link.stop, patches=patches)
    return FilePart(link.start, link.stop)


def _native_flac(source: OpenFile, link: _Link) -> bytes:
    """The packets of FLAC in ogg as a FLAC file: the same blocks and frames, without the pages."""
    out = bytearray()
    position = link.start
    while position < link.stop:
        head = source.ahead(position, 27 + 255)
        size = sum(head[27 : 27 + head[26]])
        body = source.at(position + 27 + head[26], size)
        # The first packet has a head of its own before the stream's mark.
        out += body[9:] if position == link.start else body
        position += 27 + head[26] + size
    return flac.with_length(source.path, bytes(out))


@lru_cache(maxsize=1)
def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        rest = value << 24
        for _ in range(8):
            rest = (rest << 1) ^ (0x04C11DB7 if rest & 0x80000000 else 0)
        table.append(rest & 0xFFFFFFFF)
    return tuple(table)


def checksum(page: bytes) -> int:
    """The CRC of an ogg page (RFC 3533: polynomial 0x04C11DB7, no reflection), its own field being zero.

    Examples
    --------
    >>> hex(checksum(b"123456789"))
    '0x89a1897f'
    """
    table, rest = _table(), 0
    for value in page:
        rest = ((rest << 8) & 0xFFFFFFFF) ^ table[(rest >> 24) ^ value]
    return rest
