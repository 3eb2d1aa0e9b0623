"""Opus packet by packet, without a container: libopus codes and hears, called straight in the copy that PyAV brings.

FFmpeg's encoder around the same libopus, which stood here before with FFmpeg's own decoder, cannot name the band that
is coded, so that complexities below 2, which take two thirds of the time, would lose upper bands; and libopus hears at
the rate that was coded. Encoders and decoders are made anew for each clip: what they remember of one would be heard in
the next.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.guarded import CannotApply
from benchbed.perturb.level import too_loud

RATES = (8000, 12000, 16000, 24000, 48000)
#: libopus' scale of 0 to 10. The lowest that looks for onsets, and so codes them without an echo ahead of them.
COMPLEXITY = 1
#: The complexity whose choice of a band is kept: below it libopus gives up bands that the bit rate would carry.
BAND_COMPLEXITY = 2
#: What libopus codes speech's bands at; it codes the others, and music, at any rate.
_BAND_RATES = {1101: 8000, 1102: 12000, 1103: 16000}
#: Of a packet, which holds 20 ms; more bytes do not fit one.
_MOST_BYTES = 1276
# Requests by number, and the kind of signal, as libopus' header has them; the numbers never change.
_AUDIO, _BIT_RATE, _BAND, _VARIABLE, _COMPLEXITY, _CONSTRAINED = 2049, 4002, 4008, 4006, 4010, 4020
_BAND_NOW, _LATE = 4009, 4027


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
        The audio with the length and place of the input; the bytes of all packets.

    Raises
    ------
    CannotApply
        Samples far beyond full scale, or not finite; what libopus refuses.
    ConfigError
        PyAV has no libopus that can be called.

    Examples
    --------
    >>> decoded, size = opus(np.zeros((1, 16000), np.float32), 16000, 32)
    >>> decoded.shape, size < 4000
    ((1, 16000), True)
    """
    if (reason := too_loud(waveform)) is not None:
        raise CannotApply(reason)
    together = len(waveform) if len(waveform) <= 2 else 1
    bits = round(1000 * kbits) * together
    coded = [_stream(waveform[at : at + together], sample_rate, bits) for at in range(0, len(waveform), together)]
    return np.concatenate([decoded for decoded, _ in coded]), sum(size for _, size in coded)


@lru_cache(maxsize=256)
def band_of(sample_rate: int, channels: int, bits: int) -> int:
    """The band that libopus takes of its own accord at `BAND_COMPLEXITY`, by its number: 1101 (4 kHz) to 1105 (20 kHz).

    What is heard has no say in it: libopus listens for music and speech from complexity 7 on.

    Parameters
    ----------
    sample_rate : int
    channels : int
        1 or 2.
    bits : int
        Bit rate of the stream in bit/s.

    Examples
    --------
    >>> band_of(48000, 1, 6000), band_of(48000, 1, 12000), band_of(48000, 1, 16000)
    (1101, 1103, 1105)
    """
    _, _, band = _encoded(np.zeros((sample_rate // 50, channels), np.float32), sample_rate, bits, BAND_COMPLEXITY)
    return band


def rate_of(sample_rate: int, channels: int, kbits: float) -> int:
    """The rate to hand a clip over at, so that none above the band is filtered, coded around and made up again.

    libopus brings what it codes in one of its lower bands to this rate itself, and back, in half of all its time.

    Parameters
    ----------
    sample_rate : int
        One of `RATES`; of the clip, or the highest where it has none of them.
    channels : int
    kbits : float
        Bit rate per channel in kbit/s.

    Examples
    --------
    >>> [rate_of(48000, 1, kbits) for kbits in (6, 12, 16)], rate_of(16000, 1, 16)
    ([8000, 16000, 48000], 16000)
    """
    together = channels if channels <= 2 else 1
    return min(sample_rate, _BAND_RATES.get(band_of(sample_rate, together, round(1000 * kbits) * together), RATES[-1]))


def _stream(waveform: np.ndarray, sample_rate: int, bits: int) -> tuple[np.ndarray, int]:
    """One stream there and back."""
    channels, samples = waveform.shape
    band = band_of(sample_rate, channels, bits)
    packets, late, _ = _encoded(waveform.T, sample_rate, bits, COMPLEXITY, band)
    step = sample_rate // 50
    heard = np.empty((step * len(packets), channels), np.float32)
    native, wrong = _libopus(), ctypes.c_int()
    decoder = native.opus_decoder_create(sample_rate, channels, ctypes.byref(wrong))
    _counted(wrong.value)
    try:
        at = heard.ctypes.data
        for packet in packets:
            _counted(native.opus_decode_float(decoder, packet, len(packet), at, step, 0))
            at += 4 * step * channels
    finally:
        native.opus_decoder_destroy(decoder)
    return np.ascontiguousarray(heard[late : late + samples].T), sum(map(len, packets))


def _encoded(
    audio: np.ndarray, sample_rate: int, bits: int, complexity: int, band: int | None = None
) -> tuple[list[bytes], int, int]:
    """Packets of audio `[sample, channel]`, by how many samples what they say is late, and the band that was coded."""
    native, wrong = _libopus(), ctypes.c_int()
    samples, channels = audio.shape
    encoder = native.opus_encoder_create(sample_rate, channels, _AUDIO, ctypes.byref(wrong))
    _counted(wrong.value)
    try:
        told = {_BIT_RATE: bits, _COMPLEXITY: complexity, _VARIABLE: 1, _CONSTRAINED: 0}
        for request, value in (told if band is None else told | {_BAND: band}).items():
            _counted(native.opus_encoder_ctl(encoder, request, ctypes.c_int(value)))
        late, now = ctypes.c_int(), ctypes.c_int()
        _counted(native.opus_encoder_ctl(encoder, _LATE, ctypes.byref(late)))
        step = sample_rate // 50
        whole = np.zeros((-(-(samples + late.value) // step) * step, channels), np.float32)
        whole[:samples] = audio
        room = ctypes.create_string_buffer(_MOST_BYTES * channels)
        packets: list[bytes] = []
        at = whole.ctypes.data
        for _ in range(len(whole) // step):
            size = _counted(native.opus_encode_float(encoder, at, step, room, len(room)))
            packets.append(ctypes.string_at(room, size))
            at += 4 * step * channels
        _counted(native.opus_encoder_ctl(encoder, _BAND_NOW, ctypes.byref(now)))
    finally:
        native.opus_encoder_destroy(encoder)
    return packets, late.value, now.value


def _counted(outcome: int) -> int:
    """What libopus answered, where it is no error."""
    if outcome < 0:
        raise CannotApply(f"libopus refuses: {_libopus().opus_strerror(outcome).decode()}")
    return outcome


@lru_cache(maxsize=1)
def _libopus() -> ctypes.CDLL:
    """The functions of libopus that are called here; each call lets other threads go on meanwhile."""
    import av

    # Where a library is asked for a function, those that it was linked with answer too; Windows has no such rule.
    beside = Path(av.__file__).parent.with_name("av.libs")
    for place in (Path(av._core.__file__), *sorted(beside.glob("*opus*.dll"))):
        try:
            native = ctypes.CDLL(str(place))
            native.opus_encode_float  # noqa: B018
        except (OSError, AttributeError):
            continue
        return _typed(native)
    raise ConfigError(
        f"PyAV {av.__version__} has no libopus that can be called", hint="install PyAV from its wheel: pip install av"
    )


def _typed(native: ctypes.CDLL) -> ctypes.CDLL:
    whole, place = ctypes.c_int, ctypes.c_void_p
    for name, answer, given in (
        ("opus_encoder_create", place, (whole, whole, whole, place)),
        ("opus_encoder_destroy", None, (place,)),
        # Of a function with an open list of arguments, types are those of the fixed ones.
        ("opus_encoder_ctl", whole, (place, whole)),
        ("opus_encode_float", whole, (place, place, whole, place, whole)),
        ("opus_decoder_create", place, (whole, whole, place)),
        ("opus_decoder_destroy", None, (place,)),
        ("opus_decode_float", whole, (place, ctypes.c_char_p, whole, place, whole, whole)),
        ("opus_strerror", ctypes.c_char_p, (whole,)),
    ):
        function = getattr(native, name)
        function.restype, function.argtypes = answer, given
    return native
