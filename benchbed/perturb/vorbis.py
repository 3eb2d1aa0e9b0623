"""Vorbis: libvorbis (in libsndfile) codes, FFmpeg's own decoder (in PyAV) hears.

libvorbis' decoder, which stood here before, answers the same to 4e-7 of full scale and takes three times as long, of
which it reads the code books in a third: they are the same for all clips at one quality. Here a decoder that has read
them is kept in each thread and forgets a clip before it hears the next; an encoder cannot, and is made anew for each.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from benchbed.perturb.codec import decode, encode, fitted

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

#: Decoders kept in each thread, one for each quality, rate and number of channels.
KEPT_DECODERS = 16
#: libvorbis' own decoder hears more: FFmpeg puts their channels in the order of its loudspeakers.
_MOST_CHANNELS = 2

_held = threading.local()


def vorbis(waveform: np.ndarray, sample_rate: int, quality: float) -> np.ndarray:
    """Encode and decode; all channels share a stream.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
        Up to 255 channels.
    sample_rate : int
    quality : float
        Of 0…10, with 10 the best.

    Returns
    -------
    np.ndarray [shape=(channel, sample), float32]

    Raises
    ------
    CannotApply
        Samples far beyond full scale, or not finite.

    Examples
    --------
    >>> vorbis(np.zeros((2, 16000), np.float32), 16000, 5).shape
    (2, 16000)
    """
    content = encode(waveform, sample_rate, "OGG", "VORBIS", compression_level=1 - quality / 10)
    channels, samples = waveform.shape
    return fitted(decode(content) if channels > _MOST_CHANNELS else heard(content, channels), samples)


def heard(content: bytes, channels: int) -> np.ndarray:
    """A stream decoded to `[channel, sample]`, with what the last block holds beyond the end of the clip."""
    from av import Packet

    about, comment, books, *audio = packets(content)
    decoder = _decoder(about, comment, books)
    decoder.flush_buffers()
    # A view of a frame's planes costs a fifth of the array that PyAV would make of them.
    parts = [
        [np.frombuffer(memoryview(plane), np.float32, frame.samples) for plane in frame.planes]
        for packet in audio
        for frame in decoder.decode(Packet(packet))
    ]
    return (
        np.stack([np.concatenate(channel) for channel in zip(*parts)]) if parts else np.zeros((channels, 0), np.float32)
    )


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


def _decoder(*heads: bytes) -> AudioCodecContext:
    """A decoder of streams with these first packets, of this thread's own."""
    import av

    kept: dict[tuple[bytes, ...], AudioCodecContext] = _held.__dict__.setdefault("decoders", {})
    if heads not in kept:
        if len(kept) >= KEPT_DECODERS:
            kept.clear()
        decoder = av.CodecContext.create("vorbis", "r")
        # As Xiph laces them: their number less one, the lengths of all but the last, and what they hold.
        sizes = b"".join(b"\xff" * (len(head) // 255) + bytes([len(head) % 255]) for head in heads[:-1])
        decoder.extradata = bytes([len(heads) - 1]) + sizes + b"".join(heads)
        decoder.open()
        kept[heads] = decoder
    return kept[heads]
