"""MP3 and its layers: frames counted one by one, since a decoder guesses the length where no frame notes it.

The guess takes the first frame's size for that of all: a variable bit rate reads a third of the audio, or asks for more
than there is. Where the number of frames is not noted (or one file was hung behind another), a frame that notes it is
put before the first, as LAME would have.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

from benchbed.containers.facts import FileFacts, FilePart, truncated
from benchbed.containers.source import OpenFile

#: kbit/s by (version 1?, layer): index 1 … 14.
_RATES = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
#: Hz of MPEG-1; half of it in MPEG-2, a quarter in MPEG-2.5.
_HERTZ = (44100, 48000, 32000)
#: Samples by which any decoder of layer III is late, which libsndfile's leaves out where the length is noted.
_DECODER_DELAY = 529
_XING = (b"Xing", b"Info")
#: What may stand behind the last frame.
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI", b"TAG+")
#: Index of 64 kbit/s in both versions of layer III is 5 and 8; at 8 a frame of any rate holds more than 190 bytes.
_ROOMY = 8
#: How far behind a frame the next one is sought, if something foreign stands between.
_SEARCH = 1 << 16


@dataclass(frozen=True)
class Frame:
    """What the four bytes of a frame's header say.

    Attributes
    ----------
    size : int
        In bytes, header included.
    samples : int
        Per channel.
    rate, channels : int
    layer : int
    side : int
        Where a noted number of frames would stand: behind the header and what layer III puts there.
    kind : tuple
        What all frames of one stream share.
    """

    size: int
    samples: int
    rate: int
    channels: int
    layer: int
    side: int
    kind: tuple[int, int, int]


@lru_cache(maxsize=256)
def frame(head: bytes) -> Frame | None:
    """The frame that begins with these four bytes, or None if none does, or one of free size.

    Examples
    --------
    >>> frame(bytes.fromhex("fffb90c4"))  # 128 kbit/s at 44.1 kHz: 417 bytes
    Frame(size=417, samples=1152, rate=44100, channels=1, layer=3, side=21, kind=(1, 3, 44100))
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = (head[1] >> 3) & 3, 4 - ((head[1] >> 1) & 3)
    index, hertz, padding = head[2] >> 4, (head[2] >> 2) & 3, (head[2] >> 1) & 1
    if version == 1 or layer == 4 or index in (0, 15) or hertz == 3:
        return None
    first = version == 3
    rate = _HERTZ[hertz] >> {3: 0, 2: 1, 0: 2}[version]
    bits = 1000 * _RATES[first, layer][index - 1]
    channels = 1 if head[3] >> 6 == 3 else 2
    if layer == 1:
        size, samples = (12 * bits // rate + padding) * 4, 384
    else:
        samples = 576 if layer == 3 and not first else 1152
        size = samples // 8 * bits // rate + padding
    side = 4 + ((17 if channels == 1 else 32) if first else (9 if channels == 1 else 17))
    return Frame(size, samples, rate, channels, layer, side, (int(first), layer, rate))


def inspect(source: OpenFile) -> FileFacts:
    """Count the frames of the whole file."""
    return FileFacts(parts=parts(source, 0, source.size))


def recognised(source: OpenFile) -> bool:
    """Whether the file begins with two frames that follow one another."""
    one = frame(source.at(0, 4))
    if one is None:
        return False
    two = frame(source.at(one.size, 4))
    return two is not None and two.kind == one.kind


@dataclass
class _Section:
    """Frames from one that notes a number (or from the first) up to the next such one."""

    start: int
    first: Frame
    noted: int | None
    #: It is noted in the form that the decoder reads.
    readable: bool
    stop: int = 0
    frames: int = 0


def parts(source: OpenFile, start: int, stop: int) -> tuple[FilePart, ...]:
    """The streams of frames between two places of a file, each with its number of frames noted.

    Raises
    ------
    AudioError
        Fewer frames than noted, or a last one that is cut.
    """
    sections: list[_Section] = []
    position, kind = behind_tags(source, start), None
    while position + 4 <= stop:
        head = source.ahead(position, 4)
        header = frame(head)
        if header is None or (kind is not None and header.kind != kind):
            position = _next(source, position, stop, kind)
            if position < 0:
                break
            continue
        kind = header.kind
        # Only layer III notes it, and only in the first frame of a stream.
        noted = _noted(source, position, header)
        if noted is not None or not sections:
            readable = source.ahead(position + header.side, 4) in _XING
            sections.append(_Section(position, header, noted, readable))
        section = sections[-1]
        if position + header.size > stop:
            if section.noted is None or section.frames < section.noted:
                raise truncated(source.path, f"frame {section.frames + 1} is cut")
            break
        if not (noted is not None and position == section.start):
            section.frames += 1
        position += header.size
        section.stop = position
    if not sections or not sections[0].stop:
        return ()
    return tuple(_part(source, section) for section in sections)


def _part(source: OpenFile, section: _Section) -> FilePart:
    first, start, stop = section.first, section.start, section.stop
    if first.layer != 3:
        # Of these layers the decoder's guess cannot be mended, only cut.
        return FilePart(start, stop, frames=section.frames * first.samples)
    if section.noted is not None:
        if section.frames < section.noted:
            said = f"{section.noted} frames are noted and {section.frames} are there"
            raise truncated(source.path, said)
        # Some writers count the frame that notes the number, and some do not.
        if section.frames <= section.noted + 1 and section.readable:
            return FilePart(start, stop)
        start += first.size
    prefix = _noting(source.at(section.start, 4), section.frames + 1)
    return FilePart(start, stop, prefix=prefix, skip=first.samples - _DECODER_DELAY)


def _noting(head: bytes, count: int) -> bytes:
    """A frame that notes how many follow it, and one of silence, at a bit rate that leaves room for the number.

    Where a number is noted, the decoder leaves out its own delay at the start; it is to fall into the silence, so that
    the audio is what every decoder makes of the file as it stands.
    """
    quiet = bytes([head[0], head[1] | 1, _ROOMY << 4 | head[2] & 0x0C, head[3]])
    made = frame(quiet)
    assert made is not None
    noted = quiet.ljust(made.side, b"\0") + b"Xing" + struct.pack(">II", 1, count)
    return noted.ljust(made.size, b"\0") + quiet.ljust(made.size, b"\0")


def _noted(source: OpenFile, position: int, found: Frame) -> int | None:
    """The number of frames that this frame notes: by LAME and Xing, or by Fraunhofer's encoders."""
    if found.layer != 3:
        return None
    body = source.ahead(position, found.side + 16)
    if body[found.side : found.side + 4] in _XING:
        flags, count = struct.unpack(">II", body[found.side + 4 : found.side + 12].ljust(8, b"\0"))
        return count if flags & 1 else None
    if source.ahead(position + 36, 18)[:4] == b"VBRI":
        return int(struct.unpack(">I", source.ahead(position + 36 + 14, 4).ljust(4, b"\0"))[0])
    return None


def behind_tags(source: OpenFile, position: int) -> int:
    """The place behind the tags (ID3, version 2) that stand at a place of a file."""
    while (head := source.at(position, 10))[:3] == b"ID3" and len(head) == 10:
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    return position


def _next(source: OpenFile, position: int, stop: int, kind: tuple[int, int, int] | None) -> int:
    """The next place where two frames of this kind follow one another, or −1 if only a tag or nothing is left."""
    head = source.at(position, 11)
    if head.startswith(_TAGS) and kind is not None and not head.startswith(b"ID3"):
        return -1
    if head.startswith(b"ID3"):
        after = behind_tags(source, position)
        return after if after < stop else -1
    window = source.at(position + 1, min(_SEARCH, stop - position - 1))
    place = window.find(b"\xff")
    while place >= 0:
        at = position + 1 + place
        one = frame(window[place : place + 4])
        if one is not None and (kind is None or one.kind == kind):
            two = frame(source.at(at + one.size, 4))
            if two is not None and two.kind == one.kind:
                return at
        place = window.find(b"\xff", place + 1)
    return -1
