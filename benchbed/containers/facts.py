"""What a container says about its samples, and what a decoder has to be given so that it reads all of them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from benchbed.errors import AudioError

#: Advice for a file that nothing can repair.
READ_AGAIN = "get the file again from its source, or take it out of the dataset's list of clips"


@dataclass(frozen=True)
class Pcm16:
    """Where the samples of a plain 16-bit wav lie.

    Attributes
    ----------
    start : int
        First byte of the samples.
    frames, sample_rate, channels : int
    """

    start: int
    frames: int
    sample_rate: int
    channels: int


@dataclass(frozen=True)
class FilePart:
    """A file that a decoder reads to its end, made of a stretch of the real one.

    Attributes
    ----------
    start, stop : int
        The stretch in bytes.
    prefix : bytes
        What stands before it: a header that the file lacks.
    patches : tuple of (int, bytes)
        What the stretch says at these offsets, in place of what the file says: sizes that were never filled in.
    frames : int, optional
        Samples per channel, where the container knows better than the decoder, which counts padding.
    skip : int
        Samples at the start that belong to the prefix.
    suffix : bytes
        What stands behind it: the rest of a block that a decoder drops where it is not whole.
    """

    start: int
    stop: int
    prefix: bytes = b""
    patches: tuple[tuple[int, bytes], ...] = ()
    frames: int | None = None
    skip: int = 0
    suffix: bytes = b""

    @property
    def as_it_stands(self) -> bool:
        """The decoder may have the file itself, from its first byte on."""
        return not (self.prefix or self.patches or self.suffix or self.start)


@dataclass(frozen=True)
class FileFacts:
    """What the first look at a file found.

    Attributes
    ----------
    pcm16 : Pcm16, optional
        Place of the samples in a plain 16-bit wav, which needs no decoder.
    parts : tuple of FilePart
        Files for the decoder whose audio follows one another; the whole file as it is where empty.
    measured : bool
        The container was walked to its end, so a file that is cut short has been refused.
    """

    pcm16: Pcm16 | None = None
    parts: tuple[FilePart, ...] = ()
    measured: bool = True


def truncated(path: str | os.PathLike[str], why: str) -> AudioError:
    """The error for a file of which a part is missing or damaged."""
    return AudioError(f"audio file is truncated or damaged: {why}", where=str(path), hint=READ_AGAIN)


def short_of(path: str | os.PathLike[str], promised: int, there: int) -> AudioError:
    """The error for a file whose header promises more bytes of samples than are there."""
    return truncated(path, f"the header promises {promised} bytes of samples and {max(there, 0)} are there")


def unreadable(path: str | os.PathLike[str], error: OSError) -> AudioError:
    """The error for a file that the system does not open."""
    if isinstance(error, FileNotFoundError):
        return AudioError(
            "audio file is missing", where=str(path), hint="run `benchbed data check` for the list of what is missing"
        )
    return AudioError(f"audio file cannot be opened ({error.strerror})", where=str(path), hint="check its permissions")
