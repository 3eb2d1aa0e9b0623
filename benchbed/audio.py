"""Audio files in, float32 arrays `[channel, sample]` out; everything that can be wrong with a file has one clear error.

libsndfile silently shortens a file whose data ends before its header says, and reads 16-bit audio as float four times
slower than numpy scales it. Both are cured here: every file is looked at first (`benchbed.containers`), and plain
16-bit data goes straight from the file into numpy.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbed.containers import FileFacts, FilePart, Pcm16, inspect, told, truncated
from benchbed.containers.facts import READ_AGAIN
from benchbed.containers.source import opened
from benchbed.errors import AudioError

if TYPE_CHECKING:
    import soundfile

#: Most bytes of float32 samples that one clip may take; longer recordings are listed in stretches.
MOST_BYTES = 8 * 2**30
#: Peak from which samples are not in −1…1 any more: far beyond what a coder overshoots or a float recording goes over.
LOUD = 4.0
#: Samples per channel that a byte of a file can hold at most: constant frames of FLAC come to 6,000.
_DENSEST = 8192
#: Samples of MP3 decoded before a stretch: a frame borrows up to 511 bytes of those before it, at 8 kbit/s ten frames.
_LEAD = 16 * 1152
_LIST_STRETCHES = "list the recording as several clips with onset and duration"


@dataclass(frozen=True)
class AudioInfo:
    """What the header of an audio file says.

    Attributes
    ----------
    frames : int
        Samples per channel.
    sample_rate : int
        Samples per second and channel.
    channels : int
        Number of channels.
    seconds : float
        `frames / sample_rate`.
    format, subtype : str
        Container and sample format by libsndfile's names, e.g. `WAV`, `PCM_16`.
    """

    frames: int
    sample_rate: int
    channels: int
    seconds: float
    format: str
    subtype: str


def info(path: str | os.PathLike[str]) -> AudioInfo:
    """Read the header of a file, not its samples.

    Raises
    ------
    AudioError
        Missing, empty, truncated or not audio. A file of 0 samples has a valid header and is reported as such.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.wav"
    >>> write(file, np.zeros((2, 8000), np.float32), 16000)
    >>> found = info(file)
    >>> found.channels, found.seconds, found.subtype
    (2, 0.5, 'PCM_16')
    """
    facts = inspect(path)
    if facts.pcm16 is not None:
        plain = facts.pcm16
        seconds = plain.frames / plain.sample_rate
        return AudioInfo(plain.frames, plain.sample_rate, plain.channels, seconds, "WAV", "PCM_16")
    with _decoders(path, facts) as streams:
        first, frames = streams[0].file, sum(stream.frames for stream in streams)
        seconds = frames / first.samplerate
        return AudioInfo(frames, first.samplerate, first.channels, seconds, first.format, first.subtype)


def read(path: str | os.PathLike[str], onset: float = 0.0, duration: float | None = None) -> tuple[np.ndarray, int]:
    """Read a file, or a stretch of it.

    Parameters
    ----------
    path : path
        Any format that libsndfile reads: wav (also 8, 24, 32 bit, float, ADPCM), flac, ogg, opus, mp3, aiff, …
    onset : float
        Start in seconds, rounded to the nearest sample.
    duration : float, optional
        Length in seconds, rounded to the nearest sample; None or NaN for the rest of the file.

    Returns
    -------
    waveform : np.ndarray [shape=(channel, sample), float32, C-contiguous]
        Integers scaled so that full scale is 1; floats as they are.
    sample_rate : int
        Samples per second, as in the file.

    Raises
    ------
    AudioError
        Missing, empty, 0 samples, truncated, not finite, not audio, larger than `MOST_BYTES`, or the stretch lies
        outside the file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.wav"
    >>> write(file, np.full((1, 8000), 0.5, np.float32), 16000)
    >>> waveform, rate = read(file, onset=0.25, duration=0.1)
    >>> waveform.shape, waveform.dtype.name, rate
    ((1, 1600), 'float32', 16000)
    """
    facts = inspect(path, whole=onset == 0 and (duration is None or math.isnan(duration)))
    if facts.pcm16 is not None:
        plain = facts.pcm16
        start, stop = _stretch(path, plain.frames, plain.sample_rate, onset, duration)
        return _read_pcm16(path, plain, start, stop), plain.sample_rate
    with _decoders(path, facts) as streams:
        rate, channels = streams[0].file.samplerate, streams[0].file.channels
        start, stop = _stretch(path, sum(stream.frames for stream in streams), rate, onset, duration)
        waveform = _room(path, channels, stop - start)
        before = 0
        for stream in streams:
            # The stretch as this stream counts its samples.
            low, high = max(0, start - before), min(stream.frames, stop - before)
            if low < high:
                place = before + low - start
                _decode(path, stream.file, stream.skip + low, waveform[:, place : place + high - low])
            before += stream.frames
        if not streams[0].file.subtype.startswith("PCM"):
            _finite(path, waveform, start, rate)
        return waveform, rate


def write(path: str | os.PathLike[str], waveform: np.ndarray, sample_rate: int, subtype: str = "PCM_16") -> None:
    """Write a float waveform `[channel, sample]`; the format follows the file's suffix, values beyond ±1 clip.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.flac"
    >>> write(file, np.zeros((1, 100), np.float32), 8000)
    >>> info(file).format
    'FLAC'
    """
    import soundfile

    soundfile.write(os.fspath(path), np.asarray(waveform).T, sample_rate, subtype=subtype)


def resample(waveform: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Change the sample rate with soxr at its high quality.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    rate, new_rate : int
        Samples per second before and after.

    Returns
    -------
    np.ndarray [shape=(channel, round(sample * new_rate / rate)), float32]
        Halves round up; at least one sample.

    Examples
    --------
    >>> resample(np.zeros((2, 44100), np.float32), 44100, 32000).shape
    (2, 32000)
    """
    waveform = np.ascontiguousarray(waveform, dtype=np.float32)
    if rate == new_rate:
        return waveform
    import soxr

    length = max(1, (2 * waveform.shape[1] * new_rate + rate) // (2 * rate))
    if 4 * length * len(waveform) > MOST_BYTES:
        raise AudioError(
            f"{waveform.shape[1]:,} samples at {rate} Hz are {length:,} at {new_rate} Hz, too many for one clip",
            hint=f"correct the sample rate in the file, or {_LIST_STRETCHES}",
        )
    channels = [soxr.resample(channel, rate, new_rate, quality="HQ") for channel in waveform]
    changed = channels[0][None] if len(channels) == 1 else np.stack(channels)
    if changed.shape[1] != length:
        changed = fit(changed, length)
    return np.ascontiguousarray(changed, dtype=np.float32)


def to_channels(waveform: np.ndarray, channels: int) -> np.ndarray:
    """Bring a waveform to a number of channels: mixed down to mono by the mean, or mono repeated.

    Raises
    ------
    AudioError
        From several channels to another number above one, where no rule would be right.

    Examples
    --------
    >>> to_channels(np.array([[1.0, 0.0], [0.0, 0.5]], np.float32), 1).tolist()
    [[0.5, 0.25]]
    >>> to_channels(np.ones((1, 3), np.float32), 2).shape
    (2, 3)
    """
    have = waveform.shape[0]
    if have == channels:
        return np.ascontiguousarray(waveform, dtype=np.float32)
    if channels == 1:
        return waveform.mean(axis=0, keepdims=True, dtype=np.float32)
    if have == 1:
        return np.ascontiguousarray(np.repeat(waveform, channels, axis=0), dtype=np.float32)
    raise AudioError(
        f"audio has {have} channels and the model wants {channels}",
        hint="give the model a card with channels=1 (mean of all channels), or audio with as many channels",
    )


def fit(
    waveform: np.ndarray,
    samples: int,
    pad: Literal["zeros", "repeat"] = "zeros",
    crop: Literal["start", "center"] = "start",
) -> np.ndarray:
    """Bring a waveform to a number of samples, by padding at its end or cropping.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    samples : int
        Length to reach.
    pad : {"zeros", "repeat"}
        What follows the end of a short waveform: silence, or itself from its start.
    crop : {"start", "center"}
        Which part of a long waveform stays.

    Examples
    --------
    >>> fit(np.array([[1.0, 2.0]], np.float32), 5, pad="repeat").tolist()
    [[1.0, 2.0, 1.0, 2.0, 1.0]]
    >>> fit(np.array([[1.0, 2.0, 3.0]], np.float32), 1, crop="center").tolist()
    [[2.0]]
    """
    if pad not in ("zeros", "repeat") or crop not in ("start", "center"):
        raise ValueError(f"pad={pad!r}, crop={crop!r}: pad is zeros or repeat, crop is start or center")
    have = waveform.shape[1]
    if have > samples:
        start = (have - samples) // 2 if crop == "center" else 0
        return np.ascontiguousarray(waveform[:, start : start + samples])
    if have == samples:
        return np.ascontiguousarray(waveform)
    if pad == "repeat" and have > 0:
        return np.tile(waveform, (1, -(-samples // have)))[:, :samples].copy()
    padded = np.zeros((waveform.shape[0], samples), waveform.dtype)
    padded[:, :have] = waveform
    return padded


def beyond(peak: float) -> str:
    """A peak beyond full scale in words.

    Examples
    --------
    >>> beyond(12000.0)
    '12,000 (82 dB beyond full scale)'
    """
    size = f"{peak:,.0f}" if peak >= 1000 else f"{peak:.3g}"
    return f"{size} ({20 * math.log10(peak):.0f} dB beyond full scale)"


def digest(path: str | os.PathLike[str]) -> str:
    """Blake2b hash of a file's bytes, as 32 hex characters.

    Raises
    ------
    AudioError
        The file cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = file.write_bytes(b"abc")
    >>> digest(file) == hashlib.blake2b(b"abc", digest_size=16).hexdigest()
    True
    """
    hasher = hashlib.blake2b(digest_size=16)
    with opened(path, empty=True) as source:
        place = 0
        while block := source.at(place, 1 << 20):
            hasher.update(block)
            place += len(block)
    return hasher.hexdigest()


@dataclass(frozen=True)
class _Stream:
    """An open decoder, the samples per channel that it is to give, and those before them that it is not."""

    file: soundfile.SoundFile
    frames: int
    skip: int


@contextmanager
def _decoders(path: str | os.PathLike[str], facts: FileFacts) -> Iterator[Sequence[_Stream]]:
    """The decoders whose audio follows one another, all of one rate and channel count."""
    with ExitStack() as stack:
        streams = [_stream(path, part, facts, stack) for part in facts.parts or (None,)]
        kinds = dict.fromkeys((stream.file.samplerate, stream.file.channels) for stream in streams)
        if len(kinds) > 1:
            said = " and ".join(f"{rate} Hz with {channels} channel(s)" for rate, channels in kinds)
            raise AudioError(
                f"the file holds recordings of different kinds one after another: {said}",
                where=str(path),
                hint="split it into a file for each",
            )
        yield streams


def _stream(path: str | os.PathLike[str], part: FilePart | None, facts: FileFacts, stack: ExitStack) -> _Stream:
    import soundfile

    from benchbed.containers.view import FileView

    own = part is None or part.as_it_stands
    try:
        source = os.fspath(path) if own or part is None else stack.enter_context(FileView(path, part))
        file = stack.enter_context(soundfile.SoundFile(source))
    except soundfile.LibsndfileError as error:
        said = error.error_string.removeprefix("Error : ").rstrip(".") or "no reason given"
        raise AudioError(
            f"not an audio file that can be read ({said})",
            where=str(path),
            hint="readable: wav, flac, ogg, opus, mp3, aiff and more of libsndfile; convert the rest with ffmpeg",
        ) from error
    skip = part.skip if part is not None else 0
    frames = file.frames - skip
    if not facts.measured:
        log = file.extra_info
        if (reason := told.refused(log)) is not None:
            raise AudioError(
                f"{file.format} file cannot be read: {reason}", where=str(path), hint="convert it once with ffmpeg"
            )
        if (reason := told.shortfall(log, frames)) is not None:
            raise truncated(path, reason)
    if part is not None and part.frames is not None:
        if frames < part.frames:
            raise truncated(path, f"{part.frames} samples are promised and {frames} can be read")
        frames = part.frames
    if frames > _DENSEST * (os.path.getsize(path) + 1024):
        raise truncated(path, f"the header promises {frames:,} samples, more than the file can hold")
    return _Stream(file, frames, skip)


def _stretch(
    path: str | os.PathLike[str], frames: int, rate: int, onset: float, duration: float | None
) -> tuple[int, int]:
    """First and last-plus-one sample of the stretch asked for."""
    if frames <= 0:
        raise AudioError("audio file has 0 samples", where=str(path), hint=READ_AGAIN)
    seconds = math.nan if duration is None else duration
    whole = math.isnan(seconds)
    start = round(onset * rate)
    stop = frames if whole else start + round(seconds * rate)
    # One sample of slack, since times in a table are rounded.
    if onset < 0 or start >= frames or stop > frames + 1 or stop <= start:
        asked = f"{onset:g} s to the end" if whole else f"{onset:g} s to {onset + seconds:g} s"
        raise AudioError(
            f"the stretch {asked} lies outside the file, which has {frames / rate:g} s",
            where=str(path),
            hint="correct the onset and duration (or start and end) of this clip in the dataset's table",
        )
    return start, min(stop, frames)


def _read_pcm16(path: str | os.PathLike[str], plain: Pcm16, start: int, stop: int) -> np.ndarray:
    block = 2 * plain.channels
    wanted = (stop - start) * block
    with open(path, "rb", buffering=0) as file:
        file.seek(plain.start + start * block)
        data = file.read(wanted)
        while len(data) < wanted and (more := file.read(wanted - len(data))):
            data += more
    if len(data) < wanted:
        raise truncated(path, f"{wanted} bytes of samples were expected and {len(data)} read")
    samples = np.frombuffer(data, "<i2").reshape(-1, plain.channels)
    waveform = np.empty((plain.channels, len(samples)), np.float32)
    np.multiply(samples.T, np.float32(2**-15), out=waveform)
    return waveform


def _room(path: str | os.PathLike[str], channels: int, samples: int) -> np.ndarray:
    """Memory for a clip, if there may be so much of it."""
    if 4 * channels * samples > MOST_BYTES:
        raise AudioError(
            f"{samples:,} samples in {channels} channel(s) are too many for one clip (at most {MOST_BYTES >> 30} GiB)",
            where=str(path),
            hint=_LIST_STRETCHES,
        )
    return np.empty((channels, samples), np.float32)


def _decode(path: str | os.PathLike[str], file: soundfile.SoundFile, start: int, waveform: np.ndarray) -> None:
    """Fill `waveform` with the samples from `start` on."""
    import soundfile

    # 24-bit integers through numpy: the same values as libsndfile's own scaling, a fifth faster.
    integers = file.subtype == "PCM_24"
    lead = min(start, _LEAD) if file.subtype == "MPEG_LAYER_III" else 0
    wanted = waveform.shape[1]
    try:
        if start - lead:
            file.seek(start - lead)
        # In one call: after each, soundfile seeks, and a decoder that is moved forgets what its next frame builds on.
        # Memory that a header promises and no sample fills is never touched.
        samples = file.read(lead + wanted, dtype="int32" if integers else "float32", always_2d=True)[lead:]
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").rstrip(".") or "the decoder lost its place"
        raise truncated(path, reason) from error
    except Exception as error:  # whatever a damaged file makes of a decoder, it is this file's fault
        raise truncated(path, f"the decoder gave up ({type(error).__name__}: {error})") from error
    if len(samples) < wanted:
        raise truncated(path, f"{start + wanted} samples are promised and {start + len(samples)} are there")
    if integers:
        np.multiply(samples.T, np.float32(2**-31), out=waveform, casting="unsafe")
    else:
        waveform[...] = samples.T


def _finite(path: str | os.PathLike[str], waveform: np.ndarray, start: int, rate: int) -> None:
    if np.isfinite(waveform).all():
        return
    channel, sample = np.argwhere(~np.isfinite(waveform))[0]
    raise AudioError(
        f"audio has NaN or infinite samples, first at {(start + sample) / rate:g} s, channel {channel}",
        where=str(path),
        hint="the file was written by a faulty step; make it again or take it out of the dataset's list of clips",
    )
