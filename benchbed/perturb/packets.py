"""Opus packet by packet, without a container: libopus encodes, FFmpeg's own decoder hears (both in PyAV).

libsndfile's Opus, which stood here before, was built without the processor's vector instructions and encodes at the
highest complexity; this is six times cheaper. One encoder codes one clip: what it remembers of a clip would be heard in
the next one.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from benchbed.perturb.guarded import CannotApply
from benchbed.perturb.level import too_loud

RATES = (8000, 12000, 16000, 24000, 48000)
#: Every decoder of Opus can put out this rate, and FFmpeg's does, whatever the encoder was given.
DECODED_RATE = 48000
#: libopus' scale of 0 to 10. Above 2 each step costs more than it changes; below, 12 kbit/s loses its upper bands.
COMPLEXITY = 2


def opus(waveform: np.ndarray, sample_rate: int, kbits: float) -> tuple[np.ndarray, int]:
    """Encode and decode; two channels share a stream, of more each has one of its own.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    sample_rate : int
        One of `RATES`.
    kbits : float
        Bit rate per channel in kbit/s; the encoder keeps to it on average over longer audio.

    Returns
    -------
    tuple of np.ndarray [shape=(channel, sample), float32] and int
        The audio at `DECODED_RATE`, where it was and at least as long; the bytes of all packets.

    Raises
    ------
    CannotApply
        Samples far beyond full scale, or not finite.

    Examples
    --------
    >>> decoded, size = opus(np.zeros((1, 16000), np.float32), 16000, 32)
    >>> decoded.shape[1] >= 48000, size < 4000
    (True, True)
    """
    if (reason := too_loud(waveform)) is not None:
        raise CannotApply(reason)
    together = len(waveform) if len(waveform) <= 2 else 1
    coded = [_stream(waveform[at : at + together], sample_rate, kbits) for at in range(0, len(waveform), together)]
    return np.concatenate([decoded for decoded, _ in coded]), sum(size for _, size in coded)


def _stream(waveform: np.ndarray, sample_rate: int, kbits: float) -> tuple[np.ndarray, int]:
    import av

    layout = "mono" if len(waveform) == 1 else "stereo"
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = sample_rate, layout, "flt"
    encoder.time_base = Fraction(1, sample_rate)
    encoder.bit_rate = round(1000 * kbits) * len(waveform)
    encoder.options = {"compression_level": str(COMPLEXITY)}
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(waveform.T, np.float32).reshape(1, -1), format="flt", layout=layout
    )
    frame.sample_rate, frame.pts = sample_rate, 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = av.CodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = DECODED_RATE, layout
    heard = [part for packet in packets for part in decoder.decode(packet)] + decoder.decode(None)
    audio = np.concatenate([part.to_ndarray() for part in heard], axis=1)
    # The head of a stream (RFC 7845, section 5.1) says how many samples at 48 kHz the encoder needs to begin.
    late = int.from_bytes((encoder.extradata or b"")[10:12], "little")
    return audio[:, late:], sum(packet.size for packet in packets)
