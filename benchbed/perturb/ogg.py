"""What is in an Ogg file (RFC 3533)."""

from __future__ import annotations

from collections.abc import Iterator


def packets(content: bytes) -> Iterator[bytes]:
    """Packets of an Ogg file with one stream (RFC 3533, section 6): a piece shorter than 255 bytes ends a packet.

    Examples
    --------
    >>> head = b"OggS" + bytes(22)
    >>> [len(packet) for packet in packets(head + bytes([3, 255, 10, 255]) + bytes(520) + head + b"\\1\\0")]
    [265, 255]
    """
    at, packet = 0, b""
    while at < len(content):
        table = content[at + 27 : at + 27 + content[at + 26]]
        at += 27 + len(table)
        for size in table:
            packet += content[at : at + size]
            at += size
            if size < 255:
                yield packet
                packet = b""
