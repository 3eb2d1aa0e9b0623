"""What the first bytes of an audio file tell before any decoder: empty, foreign, cut short, or plain 16-bit wav."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from benchbed.errors import AudioError

#: Containers that libsndfile does not read, by a mark at a fixed place in the file: (offset, bytes, name).
_UNREADABLE = (
    (4, b"ftyp", "MPEG-4 audio (m4a, mp4, aac)"),
    (0, b"\xff\xf1", "raw AAC"),
    (0, b"\xff\xf9", "raw AAC"),
    (0, b"\x30\x26\xb2\x75", "Windows Media audio"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM audio"),
    (0, b"#!AMR", "AMR audio"),
)
#: Sizes that writers to a pipe leave in the header because they cannot go back and fill in the truth.
_UNKNOWN_SIZES = (0, 0x7FFFFFFF, 0x7FFFF000, 0x7FFFFFDB, 0x80000000, 0xFFFFFFFF)
#: Advice for a file that nothing can repair.
READ_AGAIN = "get the file again from its source, or take it out of the dataset's list of clips"


@dataclass(frozen=True)
class Pcm16:
    """Where the samples of a plain 16-bit wav lie."""

    start: int
    frames: int
    sample_rate: int
    channels: int


def inspect(path: str | os.PathLike[str]) -> Pcm16 | None:
    """Place of the samples if the file is a plain 16-bit wav, None for anything else; errors for what is broken."""
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(64)
            if size == 0:
                raise AudioError("audio file is empty (0 bytes)", where=str(path), hint=READ_AGAIN)
            for offset, mark, name in _UNREADABLE:
                if head[offset : offset + len(mark)] == mark:
                    stem = Path(path).stem
                    raise AudioError(
                        f"{name} cannot be read",
                        where=str(path),
                        hint=f"convert it once: ffmpeg -i {Path(path).name} {stem}.wav, and list {stem}.wav instead",
                    )
            if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
                return _riff(path, file, size)
            if head[:4] == b"FORM" and struct.unpack(">I", head[4:8])[0] + 8 > size + 1:
                raise truncated(path, f"the header promises {struct.unpack('>I', head[4:8])[0] + 8} bytes, not {size}")
            if head[:4] == b"OggS":
                _ogg(path, file, size)
            return None
    except OSError as error:
        raise unreadable(path, error) from error


def _riff(path: str | os.PathLike[str], file: BinaryIO, size: int) -> Pcm16 | None:
    """Walk the chunks of a wav file up to its samples."""
    position, tag, channels, rate, block, bits = 12, 0, 0, 0, 0, 0
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        body = position + 8
        if name == b"fmt " and length >= 16:
            chunk = file.read(min(length, 40))
            if len(chunk) < 16:
                break
            tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", chunk[:16])
            if tag == 0xFFFE and len(chunk) >= 26:
                tag = struct.unpack("<H", chunk[24:26])[0]
        elif name == b"data":
            # A trailing pad byte may be missing without harm, hence the one byte of slack.
            if body + length > size + 1 and length not in _UNKNOWN_SIZES:
                raise truncated(path, f"the header promises {length} bytes of samples and {size - body} are there")
            if tag != 1 or bits != 16 or channels == 0 or rate == 0 or block != 2 * channels or length == 0:
                return None
            return Pcm16(body, min(length, size - body) // block, rate, channels)
        position = body + length + (length & 1)
    raise truncated(path, "the file ends before its samples")


def _ogg(path: str | os.PathLike[str], file: BinaryIO, size: int) -> None:
    """The last page of an ogg file must be whole; libsndfile reads 0 samples or fewer than there were otherwise."""
    tail = min(size, 1 << 17)
    file.seek(size - tail)
    data = file.read(tail)
    page = data.rfind(b"OggS")
    segments = data[page + 26] if page >= 0 and page + 26 < len(data) else 0
    table = data[page + 27 : page + 27 + segments]
    if page < 0 or page + 27 + segments > len(data) or page + 27 + segments + sum(table) > len(data):
        raise truncated(path, "the last page of the ogg stream is cut")


def truncated(path: str | os.PathLike[str], why: str) -> AudioError:
    return AudioError(f"audio file is truncated or damaged: {why}", where=str(path), hint=READ_AGAIN)


def unreadable(path: str | os.PathLike[str], error: OSError) -> AudioError:
    if isinstance(error, FileNotFoundError):
        return AudioError(
            "audio file is missing", where=str(path), hint="run `benchbed data check` for the list of what is missing"
        )
    return AudioError(f"audio file cannot be opened ({error.strerror})", where=str(path), hint="check its permissions")
