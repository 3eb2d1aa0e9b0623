"""MP3 by LAME (lameenc), decoded by libsndfile.

libsndfile's own LAME was built without the processor's vector instructions and searches longer; this is four times
cheaper. Quality 5 at every bit rate stood here before. One encoder codes one clip: what it remembers would be heard in
the next one.
"""

from __future__ import annotations

import io

import numpy as np

from benchbed.perturb.codec import fitted
from benchbed.perturb.guarded import CannotApply
from benchbed.perturb.level import to_int16, too_loud

RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
#: Of the encoder and a decoder together, in samples; without a tag in the first frame no decoder removes it.
DELAY = 1105
#: On LAME's scale of 0 (slowest) to 9, 5 is the last that shapes its noise and stays near 2 at all bit rates; 7 does
#: not shape it and takes half the time.
SHAPED, UNSHAPED = 5, 7
#: Bits per sample up to which there is too little to shape, and from which there is enough without: at both ends the
#: two qualities are nearer to each other than 5 is to 2 or both to the clip.
SCARCE, AMPLE = 1, 3


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
    [7, 7, 5, 5, 7]
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
    import soundfile

    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(round(kbits))
    encoder.set_in_sample_rate(sample_rate)
    # LAME would choose a lower rate for low bit rates, and say so to nobody.
    encoder.set_out_sample_rate(sample_rate)
    encoder.set_channels(len(waveform))
    encoder.set_quality(quality(sample_rate, len(waveform), kbits))
    content = bytes(encoder.encode(to_int16(waveform).T.tobytes()) + encoder.flush())
    decoded = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0].T
    return fitted(decoded, waveform.shape[1], DELAY), len(content)
