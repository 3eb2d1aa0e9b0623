"""Vorbis: libvorbis (in libsndfile) codes, FFmpeg's own decoder (in PyAV) hears.

libvorbis' decoder, which stood here before, answers the same to 4e-7 of full scale and takes three times as long, of
which it reads the code books in a third: they are the same for all clips at one quality. Here an encoder and a decoder
that have what is the same are kept in each thread, and forget a clip before the next. Where libvorbis cannot be called
like that, soundfile makes an encoder for each clip: the packets are the same, at half as much time again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from benchbed.perturb.codec import decode, encode, fitted
from benchbed.perturb.guarded import CannotApply
from benchbed.perturb.level import too_loud
from benchbed.perturb.libvorbis import VorbisEncoder, vorbis_encoder
from benchbed.perturb.ogg import packets

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

#: Encoders and decoders kept in each thread, one for each quality, rate and number of channels.
KEPT = 16
#: Samples of the longest clip for which they are: an encoder keeps the memory of twice as many, and of what a longer
#: one takes, a new encoder is no large part.
LONGEST_KEPT = 2**19
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
    channels, samples = waveform.shape
    level = 1 - quality / 10  # libsndfile's, which takes it from one again
    if channels <= _MOST_CHANNELS and 0 < samples <= LONGEST_KEPT and 0 <= level <= 1:
        if (reason := too_loud(waveform)) is not None:
            raise CannotApply(reason)
        encoder = _encoder(sample_rate, channels, 1.0 - level)
        if encoder is not None:
            return fitted(heard([*encoder.heads, *encoder.packets(waveform)], channels), samples)
    content = encode(waveform, sample_rate, "OGG", "VORBIS", compression_level=level)
    return fitted(decode(content) if channels > _MOST_CHANNELS else heard(packets(content), channels), samples)


def heard(stream: Iterable[bytes], channels: int) -> np.ndarray:
    """Packets decoded to `[channel, sample]`, with what the last block holds beyond the end of the clip."""
    from av import Packet

    about, comment, books, *audio = stream
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


def _encoder(sample_rate: int, channels: int, quality: float) -> VorbisEncoder | None:
    """An encoder of this thread's own, if there is one."""
    kept: dict[tuple[int, int, float], VorbisEncoder | None] = _held.__dict__.setdefault("encoders", {})
    asked = sample_rate, channels, quality
    if asked not in kept:
        if len(kept) >= KEPT:
            kept.clear()
        kept[asked] = vorbis_encoder(*asked)
    return kept[asked]


def _decoder(*heads: bytes) -> AudioCodecContext:
    """A decoder of streams with these first packets, of this thread's own."""
    import av

    kept: dict[tuple[bytes, ...], AudioCodecContext] = _held.__dict__.setdefault("decoders", {})
    if heads not in kept:
        if len(kept) >= KEPT:
            kept.clear()
        decoder = av.CodecContext.create("vorbis", "r")
        # As Xiph laces them: their number less one, the lengths of all but the last, and what they hold.
        sizes = b"".join(b"\xff" * (len(head) // 255) + bytes([len(head) % 255]) for head in heads[:-1])
        decoder.extradata = bytes([len(heads) - 1]) + sizes + b"".join(heads)
        decoder.open()
        kept[heads] = decoder
    return kept[heads]
