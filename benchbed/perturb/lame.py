"""MP3 by LAME (lameenc), decoded by FFmpeg's own decoder (in PyAV).

libsndfile's own LAME was built without the processor's vector instructions and searches longer; this is four times
cheaper. libsndfile's decoder, which stood here before, answers the same to 2e-6 of full scale and takes half as long
again. One encoder codes one clip: what it remembers would be heard in the next one. A decoder is kept in each thread,
and forgets.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from benchbed.containers.mpeg import frame
from benchbed.perturb.codec import fitted
from benchbed.perturb.guarded import CannotApply
from benchbed.perturb.level import to_int16, too_loud

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
#: Of the encoder and a decoder together, in samples; without a tag in the first frame no decoder removes it.
DELAY = 1105
#: On LAME's scale of 0 (slowest) to 9, 5 is the last that shapes its noise and stays near 2 at all bit rates; 7 does
#: not shape it and takes half the time.
SHAPED, UNSHAPED = 5, 7
#: Bits per sample up to which there is too little to shape, and from which there is enough without: at both ends the
#: two qualities are far nearer to each other than either is to the clip, or nearer than 5 is to 2.
SCARCE, AMPLE = 1.5, 3

_held = threading.local()


def bit_rates(sample_rate: int) -> tuple[int, int]:
    """Lowest and highest constant bit rate in kbit/s at this rate (MPEG-1, MPEG-2 and MPEG-2.5 tables)."""
    if sample_rate >= 32000:
        return 32, 320
    return (8, 160) if sample_rate >= 16000 else (8, 64)


def quality(sample_rate: int, channels: int, kbits: float) -> int:
    """LAME's quality for a stream of so many kbit/s.

    Examples
    --------
    >>> [quality(32000, 1, kbits) for kbits in (112, 96, 64, 48, 32)]
    [7, 7, 5, 7, 7]
    """
    bits = 1000 * kbits / (sample_rate * channels)
    return SHAPED if SCARCE < bits < AMPLE else UNSHAPED


def mp3(waveform: np.ndarray, sample_rate: int, kbits: float) -> tuple[np.ndarray, int]:
    """Encode at a constant bit rate and decode; two channels share a stream, of more each has one of its own.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
        Taken as 16 bits, saturating at full scale.
    sample_rate : int
        One of MPEG's.
    kbits : float
        Bit rate of each stream in kbit/s; LAME takes the nearest of its tables.

    Returns
    -------
    tuple of np.ndarray [shape=(channel, sample), float32] and int
        The audio with the length and place of the input; the bytes of all streams.

    Raises
    ------
    CannotApply
        Samples far beyond full scale, or not finite: LAME was seen to end the process over them.

    Examples
    --------
    >>> decoded, size = mp3(np.zeros((1, 16000), np.float32), 16000, 32)
    >>> decoded.shape
    (1, 16000)
    """
    if (reason := too_loud(waveform)) is not None:
        raise CannotApply(reason)
    together = len(waveform) if len(waveform) <= 2 else 1
    coded = [_stream(waveform[at : at + together], sample_rate, kbits) for at in range(0, len(waveform), together)]
    return np.concatenate([decoded for decoded, _ in coded]), sum(size for _, size in coded)


def _stream(waveform: np.ndarray, sample_rate: int, kbits: float) -> tuple[np.ndarray, int]:
    import lameenc

    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(round(kbits))
    encoder.set_in_sample_rate(sample_rate)
    # LAME would choose a lower rate for low bit rates, and say so to nobody.
    encoder.set_out_sample_rate(sample_rate)
    encoder.set_channels(len(waveform))
    encoder.set_quality(quality(sample_rate, len(waveform), kbits))
    content = bytes(encoder.encode(to_int16(waveform).T.tobytes()) + encoder.flush())
    return fitted(heard(content), waveform.shape[1], DELAY), len(content)


def heard(content: bytes) -> np.ndarray:
    """Frames of one stream decoded to `[channel, sample]`, with the delay and what the last one holds after the end."""
    from av import Packet

    decoder = _decoder()
    decoder.flush_buffers()
    # A view of a frame's planes costs a fifth of the array that PyAV would make of them.
    parts = [
        [np.frombuffer(memoryview(plane), np.float32, part.samples) for plane in part.planes]
        for one in _frames(content)
        for part in decoder.decode(Packet(one))
    ]
    return np.stack([np.concatenate(channel) for channel in zip(*parts)])


def _decoder() -> AudioCodecContext:
    """A decoder of this thread's own."""
    import av

    if not hasattr(_held, "decoder"):
        _held.decoder = av.CodecContext.create("mp3float", "r")
        _held.decoder.open()
    decoder: AudioCodecContext = _held.decoder
    return decoder


def _frames(content: bytes) -> Iterator[bytes]:
    at = 0
    while (found := frame(content[at : at + 4])) is not None:
        yield content[at : at + found.size]
        at += found.size
