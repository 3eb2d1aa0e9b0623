"""Files that writers of other programs leave, made of bytes here; what they hold is known sample by sample."""

from __future__ import annotations

import io
import struct

import numpy as np
import soundfile

RATE = 16000
#: The end of every format's number in an extensible header.
_KSDATA = bytes.fromhex("00001000800000aa00389b71")


def noise(frames: int = 20011, channels: int = 1) -> np.ndarray:
    """`[sample, channel]`, a tenth of full scale."""
    return (0.1 * np.random.default_rng(7).standard_normal((frames, channels))).astype(np.float32)


def coded(samples: np.ndarray, container: str, subtype: str, rate: int = RATE, **options: object) -> bytes:
    """A file as libsndfile writes it."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype, **options)
    return file.getvalue()


def decoded(content: bytes) -> np.ndarray:
    """`[channel, sample]`, by libsndfile alone."""
    return soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0].T


def wav(body: bytes, *, tag: int, bits: int, block: int, size: int, riff: int, fact: int | None = None) -> bytes:
    """A mono wav of one format with any sizes in its header."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, 1, RATE, RATE * block, block, bits)
    extra = b"" if fact is None else struct.pack("<4sII", b"fact", 4, fact)
    return struct.pack("<4sI4s", b"RIFF", riff, b"WAVE") + form + extra + struct.pack("<4sI", b"data", size) + body


def rf64(body: bytes, *, size: int, bits: int = 16, order: bytes = b"RF64") -> bytes:
    """A mono RF64 file of integers whose ds64 chunk says `size`."""
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, size, size, 0, 0)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * bits // 8, bits // 8, bits)
    return order + b"\xff" * 4 + b"WAVE" + sizes + form + b"data" + b"\xff" * 4 + body


def w64(body: bytes, *, size: int, tag: int, bits: int, extensible: bool = False, fact: int | None = None) -> bytes:
    """A mono Wave64 file whose data chunk says `size` bytes of samples."""
    guid = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    block = bits // 8
    form = struct.pack("<HHIIHH", 0xFFFE if extensible else tag, 1, RATE, RATE * block, block, bits)
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 4, tag) + bytes(2) + _KSDATA
    chunks = b"fmt " + guid + struct.pack("<Q", 24 + len(form)) + form + bytes(-len(form) % 8)
    if fact is not None:
        chunks += b"fact" + guid + struct.pack("<QQ", 32, fact)
    chunks += b"data" + guid + struct.pack("<Q", 24 + size) + body
    mark = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
    return mark + struct.pack("<Q", 40 + len(chunks)) + b"wave" + guid + chunks


def ogg_pages(content: bytes) -> list[bytes]:
    """The pages of an ogg file."""
    pages, place = [], 0
    while place < len(content):
        table = content[place + 27 : place + 27 + content[place + 26]]
        stop = place + 27 + len(table) + sum(table)
        pages.append(content[place:stop])
        place = stop
    return pages


def ogg_checked(page: bytes) -> bytes:
    """The page with its checksum, bit by bit as RFC 3533 describes it."""
    rest = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        for bit in range(8):
            top = (rest >> 31) ^ (byte >> (7 - bit) & 1)
            rest = (rest << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if top else 0)
    return page[:22] + struct.pack("<I", rest) + page[26:]
