"""Round trips through real encoders, in memory, with the length and the alignment of the input.

libsndfile (in soundfile) holds GSM 6.10, G.711, several ADPCM coders, and Vorbis, of which `vorbis` has the way back;
its MP3 and Opus are slow, and `lame` and `packets` do those. A codec that cannot carry a clip's channels gets each
channel as a stream of its own.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np

from benchbed.perturb.guarded import CannotApply
from benchbed.perturb.level import to_int16, too_loud

#: Coders that take floating point; the others work on 16-bit samples, and libsndfile lets louder ones wrap round.
_FLOAT_CODERS = ("MPEG_LAYER_III", "VORBIS", "OPUS")


def encode(waveform: np.ndarray, sample_rate: int, container: str, subtype: str, **options: object) -> bytes:
    """Encode `[channel, sample]` in memory.

    Raises
    ------
    CannotApply
        Samples far beyond full scale, or not finite: LAME was seen to end the process over them.
    """
    import soundfile

    if (reason := too_loud(waveform)) is not None:
        raise CannotApply(reason)
    if subtype not in _FLOAT_CODERS:
        waveform = to_int16(waveform)
    file = io.BytesIO()
    soundfile.write(file, waveform.T, sample_rate, format=container, subtype=subtype, **options)
    return file.getvalue()


def decode(content: bytes) -> np.ndarray:
    """Decode to `[channel, sample]`, float32."""
    import soundfile

    return soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0].T


def fitted(decoded: np.ndarray, samples: int, delay: int = 0) -> np.ndarray:
    """Decoded audio with the coder's delay and block padding removed.

    Examples
    --------
    >>> fitted(np.arange(6.0)[None], 3, delay=2).tolist()
    [[2.0, 3.0, 4.0]]
    """
    out = np.zeros((len(decoded), samples), dtype=np.float32)
    piece = decoded[:, delay : delay + samples]
    out[:, : piece.shape[1]] = piece
    return out


def round_trip(
    waveform: np.ndarray, sample_rate: int, container: str, subtype: str, most_channels: int, **options: object
) -> tuple[np.ndarray, int]:
    """Encode and decode, keeping length and alignment.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    sample_rate : int
    container, subtype : str
        libsndfile's names.
    most_channels : int
        What one stream can carry; above it every channel is coded by itself.
    options
        `compression_level` of soundfile.

    Returns
    -------
    tuple of np.ndarray [shape=(channel, sample), float32] and int
        The decoded clip and the number of bytes of all streams.
    """
    channels, samples = waveform.shape
    streams = [waveform] if channels <= most_channels else [waveform[c : c + 1] for c in range(channels)]
    decoded, size = [], 0
    for stream in streams:
        content = encode(stream, sample_rate, container, subtype, **options)
        size += len(content)
        decoded.append(fitted(decode(content), samples))
    return np.concatenate(decoded), size


@lru_cache(maxsize=8)
def mu_law_table(bits: int) -> np.ndarray:
    """G.711 μ-law as a table over all 16-bit samples, with the code shortened to `bits` bits.

    Encoder and decoder are libsndfile's; dropping low bits of the code word (as robbed-bit signalling and embedded
    coders do) leaves groups of codes, each decoded at the mean of its members.

    Returns
    -------
    np.ndarray [shape=(65536,), float32]
        Index 0 is the sample −32768.
    """
    import soundfile

    every = np.arange(-32768, 32768).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, every, 8000, format="RAW", subtype="ULAW")
    codes = np.frombuffer(file.getvalue(), dtype=np.uint8)
    values, _ = soundfile.read(
        io.BytesIO(bytes(range(256))), dtype="float32", format="RAW", subtype="ULAW", samplerate=8000, channels=1
    )
    # μ-law code words are stored inverted; undone, the order is sign, segment, step.
    by_code = values[::-1].reshape(-1, 2 ** (8 - bits)).mean(axis=1)
    table = by_code[(255 - codes.astype(np.int64)) >> (8 - bits)].astype(np.float32)
    table.flags.writeable = False
    return table
