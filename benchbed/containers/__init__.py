"""What the bytes of an audio file tell before any decoder: empty, foreign, cut short, plain wav, or in need of help.

libsndfile reads what is there and says nothing of what is not: a file whose second half is missing is a shorter file to
it. Here every common container is walked to its end first. A valid file that libsndfile would read wrongly is given to
it in a form that it reads right (`FilePart`).
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from benchbed.containers import caf, flac, form, mpeg, ogg, plain, riff, w64
from benchbed.containers.facts import FileFacts, FilePart, Pcm16, truncated, unreadable
from benchbed.containers.source import opened, regular
from benchbed.errors import AudioError

__all__ = ["FileFacts", "FilePart", "Pcm16", "inspect", "regular", "truncated", "unreadable"]

#: Containers that libsndfile does not read, by a mark at a fixed place in the file: (offset, bytes, name).
_FOREIGN = (
    (4, b"ftyp", "MPEG-4 audio (m4a, mp4, aac)"),
    (0, b"\xff\xf1", "raw AAC"),
    (0, b"\xff\xf9", "raw AAC"),
    (0, b"\x30\x26\xb2\x75", "Windows Media audio"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM audio"),
    (0, b"#!AMR", "AMR audio"),
    (0, b"wvpk", "WavPack audio"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"TTA1", "True Audio"),
    (0, b"DSD ", "DSD audio"),
    (0, b"\x0b\x77", "AC-3 audio"),
)


def inspect(path: str | os.PathLike[str], *, whole: bool = False) -> FileFacts:
    """Look at a file before it is decoded.

    Parameters
    ----------
    path : path
    whole : bool
        It will be decoded to its end, so that what a decoder finds out there need not be found out here.

    Raises
    ------
    AudioError
        Missing, empty, no regular file, cut short, or of a kind that cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.wav"
    >>> _ = file.write_bytes(b"RIFF\\x24\\0\\0\\0WAVE")
    >>> inspect(file)
    Traceback (most recent call last):
    benchbed.errors.AudioError: ...
    """
    with opened(path) as source:
        head = source.at(0, 64)
        for mark, walk in _QUICK:
            if head.startswith(mark):
                return walk(source)
        for offset, mark, name in _FOREIGN:
            if head[offset : offset + len(mark)] == mark:
                stem = Path(path).stem
                raise AudioError(
                    f"{name} cannot be read",
                    where=str(path),
                    hint=f"convert it once: ffmpeg -i {Path(path).name} {stem}.wav, and list {stem}.wav instead",
                )
        state = os.stat(path)
        return _walked(os.fspath(path), whole, state.st_size, state.st_mtime_ns, state.st_ino)


#: What is read off a few headers, by the mark at the start of the file.
_QUICK = (
    *((mark, riff.inspect) for mark in riff.MARKS),
    (w64.MARK, w64.inspect),
    (form.MARK, form.inspect),
    (caf.MARK, caf.inspect),
    *((mark, plain.au) for mark in plain.AU_MARKS),
    (plain.SPHERE_MARK, plain.sphere),
)


@lru_cache(maxsize=512)
def _walked(path: str, whole: bool, *state: int) -> FileFacts:
    """What takes a walk through the whole file is remembered while the file stays as it is: clips share recordings."""
    with opened(path) as source:
        if source.at(0, 4) == ogg.MARK:
            return ogg.inspect(source)
        # Tags of MP3 players stand before other files, too.
        start = mpeg.behind_tags(source, 0)
        if source.at(start, 4) == flac.MARK:
            return flac.inspect(source, start, whole)
        if start or mpeg.recognised(source):
            return mpeg.inspect(source)
        return FileFacts(measured=False)
