"""wav and its siblings (RIFF, RIFX, RF64, BW64): sizes that hold, that were never filled in, and that lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from benchbed.containers.facts import FileFacts, FilePart, Pcm16, short_of, truncated
from benchbed.containers.source import OpenFile
from benchbed.errors import AudioError

MARKS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
PCM, FLOAT, EXTENSIBLE, MPEG3 = 0x0001, 0x0003, 0xFFFE, 0x0055
#: Samples in one coded block, of coders whose `fmt ` chunk does not say it: GSM 6.10, NMS, G.721.
_BLOCKS = {0x31: 320, 0x38: 160, 0x40: 120, 0x45: 120}
#: Coders that the `fmt ` chunk gives a number of samples per block: Microsoft and IMA ADPCM.
_SAYS_BLOCK = (0x02, 0x11)
_TAIL = 64


@dataclass(frozen=True)
class Format:
    """The `fmt ` chunk: coder, channels, rate in Hz, bytes per block, bits per sample, samples per block of a coder."""

    tag: int
    extensible: bool
    channels: int
    rate: int
    block: int
    bits: int
    coded: int

    @classmethod
    def read(cls, chunk: bytes, order: str = "<") -> Format:
        """From the first 16 bytes or more of the chunk."""
        tag, channels, rate, _, block, bits = struct.unpack(order + "HHIIHH", chunk[:16])
        extensible = tag == EXTENSIBLE and len(chunk) >= 26
        if extensible:
            tag = struct.unpack(order + "H", chunk[24:26])[0]
        coded = _BLOCKS.get(tag, 0)
        if tag in _SAYS_BLOCK and len(chunk) >= 20:
            coded = struct.unpack(order + "H", chunk[18:20])[0]
        return cls(tag, extensible, channels, rate, block, bits, coded)

    def frames(self, counted: int, size: int) -> int | None:
        """Samples per channel by the `fact` chunk's count, if it is one for so many bytes; coders fill a last block."""
        if not (self.coded and self.block and counted):
            return None
        most = -(-size // self.block) * self.coded
        # GSM is read to the end of the block after an odd last one.
        return counted if most - 2 * self.coded < counted <= most else None

    def last_block(self, size: int) -> int:
        """Samples per channel in a last block of ADPCM that is not whole: its head holds the first, two or one."""
        rest = size % self.block
        if self.tag == 0x02:
            return max(0, 2 + (rest - 7 * self.channels) * 2 // self.channels) if rest > 7 * self.channels else 0
        return 1 + (rest - 4 * self.channels) // (4 * self.channels) * 8 if rest > 4 * self.channels else 0


def unknown(length: int) -> bool:
    """Whether a 32-bit size is what writers to a pipe leave, who cannot go back and fill in the truth.

    Examples
    --------
    >>> [unknown(size) for size in (0, 0x7FFFF000, 0x80000000, 0xFFFFFFDB, 0xFFFFFFFF, 96000)]
    [True, True, True, True, True, False]
    """
    return length == 0 or 0x7FFFF000 <= length <= 0x80000000 or length >= 0xFFFFF000


def inspect(source: OpenFile) -> FileFacts:
    """Walk the chunks up to the samples, and compare what they promise with what is there."""
    head = source.at(0, 12)
    if head[8:12] != b"WAVE":
        return FileFacts(measured=False)
    order = ">" if head[:4] == b"RIFX" else "<"
    position, form, counted, large = 12, None, 0, 0
    patches: list[tuple[int, bytes]] = []
    large_at = None
    while position + 8 <= source.size:
        name, length = struct.unpack(order + "4sI", source.at(position, 8))
        body = position + 8
        if name == b"ds64" and length >= 24:
            large_at = body
            large, counted = struct.unpack("<8xQQ", source.at(body, 24))
        elif name == b"fmt " and length >= 16:
            chunk = source.at(body, min(length, 40))
            if len(chunk) < 16:
                break
            form = Format.read(chunk, order)
        elif name == b"fact" and length >= 4 and not counted:
            counted = struct.unpack(order + "I", source.at(body, 4).ljust(4, b"\0"))[0]
        elif name == b"data":
            there = source.size - body
            if large_at is not None and length == 0xFFFFFFFF and 0 < large < 1 << 62:
                size, known = large, True
            else:
                size, known = _size(source, body, length)
            if size > there:
                raise short_of(source.path, size, there)
            if not known:
                patches += _filled(position, size, order, large_at)
            if head[:4] == b"BW64":
                # The same layout under its broadcasting name, which libsndfile does not know.
                patches.append((0, b"RF64"))
            return _facts(source, form, order, body, size, counted, large_at, tuple(patches))
        position = body + length + (length & 1)
    raise truncated(source.path, "the file ends before its samples")


def _size(source: OpenFile, body: int, length: int) -> tuple[int, bool]:
    """Bytes of samples that follow, and whether the header says so."""
    there = source.size - body
    if length == 0 and (not there or _chunks_follow(source, body)):
        return 0, True
    if unknown(length) and length != there:
        return there, False
    # A recording beyond 4 GiB, whose size the 32 bits of the header could not hold.
    if there - length >= 1 << 32 and (there - length) % (1 << 32) <= _TAIL:
        return there, False
    return length, True


def _chunks_follow(source: OpenFile, position: int) -> bool:
    """Whether what follows is a chain of chunks up to the end of the file, not samples."""
    while position + 8 <= source.size:
        name, length = struct.unpack("<4sI", source.at(position, 8))
        if not all(32 <= letter < 127 for letter in name):
            return False
        position += 8 + length + (length & 1)
    return position in (source.size, source.size + 1)


def _filled(position: int, size: int, order: str, large_at: int | None) -> list[tuple[int, bytes]]:
    """The sizes that a decoder needs, in the place of those that the writer left."""
    if large_at is not None:
        return [(large_at, struct.pack("<QQ", position + size, size)), (position + 4, b"\xff" * 4)]
    filled = struct.pack(order + "I", min(size, 0xFFFFFFFE))
    return [(4, struct.pack(order + "I", min(position + size, 0xFFFFFFFE))), (position + 4, filled)]


def _facts(
    source: OpenFile,
    form: Format | None,
    order: str,
    body: int,
    size: int,
    counted: int,
    large_at: int | None,
    patches: tuple[tuple[int, bytes], ...],
) -> FileFacts:
    if form is None:
        raise truncated(source.path, "there is no format before the samples")
    plain = form.tag == PCM and form.bits == 16 and form.block == 2 * form.channels > 0 and form.rate > 0
    if plain and order == "<":
        return FileFacts(Pcm16(body, size // form.block, form.rate, form.channels))
    if form.tag == MPEG3:
        from benchbed.containers import mpeg

        return FileFacts(parts=mpeg.parts(source, body, body + size))
    if patches and size >= 1 << 32 and source.at(0, 4) in (b"RIFF", b"RIFX"):
        raise AudioError(
            f"the header of a wav file cannot hold its {size:,} bytes of samples",
            where=source.path,
            hint="convert it once to RF64 or FLAC: ffmpeg -i FILE -rf64 auto NEW.wav",
        )
    frames = form.frames(counted, size)
    if form.tag in _SAYS_BLOCK and form.channels and form.block and size % form.block:
        # Writers may leave out the end of the last block, and libsndfile all of a block that lacks its end.
        frames = frames or size // form.block * form.coded + form.last_block(size)
        missing = -size % form.block
        filled = _filled(body - 8, size + missing, order, large_at)
        return FileFacts(parts=(FilePart(0, body + size, patches=tuple(filled), frames=frames, suffix=bytes(missing)),))
    if not patches and frames is None:
        return FileFacts()
    return FileFacts(parts=(FilePart(0, source.size, patches=patches, frames=frames),))
