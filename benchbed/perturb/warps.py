"""Time stretching and pitch shifting by a phase vocoder, whose analysis of a clip all severities share.

A frame of the output takes its magnitudes from between two frames of the clip; its phases go on from the frame before
by as much as the clip's own go on there (Flanagan & Golden 1966, in the form of Dolson 1986: one hop for analysis and
synthesis). As long as a sound sets in, phases are the clip's own again, turned by what the energy of the frame has to
move to lie where it should, so that what is sharp stays sharp and in its place (Röbel 2003). Phases are kept as
numbers on the unit circle that are multiplied, so that no angle is ever computed. What Signalsmith's stretch, which
stood here before, makes of the same clips differs; by how much is held by a test. So is what the high quality of soxr
makes of shifted clips, in the place of its medium one today.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchbed.perturb.codec import fitted
from benchbed.perturb.scratch import scratch
from benchbed.perturb.transform import irfft, rfft

#: Length of a frame in seconds, before it is rounded to a power of two samples; frames overlap by three quarters.
FRAME_SECONDS = 0.023
OVERLAP = 4
#: A sound sets in where the power of a frame is more than this many times that of the frame before the last. Noise
#: whose power lies in few low bins rises as much by chance, and is then read in the same way; white noise is not.
ONSET_RISE = 4.0


@dataclass(frozen=True)
class ShortTime:
    """A clip in frames, ready to be read at any speed.

    Attributes
    ----------
    magnitudes : np.ndarray [shape=(channel, frame, bin), float32]
    phases : np.ndarray [shape=(channel, frame, bin), complex64]
        On the unit circle.
    turns : np.ndarray [shape=(channel, frame, bin), complex64]
        By how much the phases of each frame differ from those of the one before; the first has none.
    onsets : np.ndarray [shape=(frame,), bool]
        Frames in which a sound sets in.
    middles : np.ndarray [shape=(frame,), float32]
        Where the energy of each frame lies, in samples after its middle.
    sample_rate, samples : int
        Of the clip.
    size : int
        Samples of a frame.
    """

    magnitudes: np.ndarray
    phases: np.ndarray
    turns: np.ndarray
    onsets: np.ndarray
    middles: np.ndarray
    sample_rate: int
    samples: int
    size: int


def analysed(waveform: np.ndarray, sample_rate: int) -> ShortTime:
    """Frames of a clip, with silence before its start and after its end.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    sample_rate : int

    Examples
    --------
    >>> analysed(np.zeros((2, 16000), np.float32), 16000).magnitudes.shape
    (2, 65, 257)
    """
    size = max(16, 2 ** round(np.log2(FRAME_SECONDS * sample_rate)))
    hop = size // OVERLAP
    padded = np.zeros((len(waveform), waveform.shape[1] + 2 * size), np.float32)
    padded[:, size // 2 : size // 2 + waveform.shape[1]] = waveform
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop] * window(size)
    energy = np.einsum("cfs,cfs->fs", frames, frames)
    middles = energy @ (np.arange(size, dtype=np.float32) - size // 2) / np.maximum(energy.sum(-1), 1e-20)
    spectra = rfft(frames)
    magnitudes = np.abs(spectra)
    # A bin in which nothing sounds has no phase; one that is too faint to divide by has none either.
    heard = magnitudes > 1e-20
    # Times the inverse: numpy divides by real numbers as if they were complex, which takes five times as long.
    spectra *= np.divide(1, magnitudes, out=np.ones_like(magnitudes), where=heard)
    spectra[~heard] = 1
    turns = np.empty_like(spectra)
    turns[:, 0] = 1
    np.conj(spectra[:, :-1], out=turns[:, 1:])
    np.multiply(spectra[:, 1:], turns[:, 1:], out=turns[:, 1:])
    power = np.einsum("cfb,cfb->f", magnitudes, magnitudes)
    rises = np.zeros(len(power), bool)
    rises[2:] = power[2:] > ONSET_RISE * power[:-2]
    return ShortTime(magnitudes, spectra, turns, rises, middles, sample_rate, waveform.shape[1], size)


def stretched(clip: ShortTime, speed: float) -> np.ndarray:
    """Change the speed, not the pitch, and keep the length: what is missing is silence, what is too long is cut off.

    Parameters
    ----------
    clip : ShortTime
    speed : float
        Above 1 is faster.

    Returns
    -------
    np.ndarray [shape=(channel, sample), float32]

    Examples
    --------
    >>> stretched(analysed(np.zeros((2, 16000), np.float32), 16000), 1.25).shape
    (2, 16000)
    """
    return fitted(_read(clip, speed, min(clip.samples, round(clip.samples / speed))), clip.samples)


def pitched(clip: ShortTime, semitones: float) -> np.ndarray:
    """Change the pitch, not the speed: the clip is made longer and played as much faster, or the other way round.

    Parameters
    ----------
    clip : ShortTime
    semitones : float
        Above 0 is higher.

    Returns
    -------
    np.ndarray [shape=(channel, sample), float32]
    """
    import soxr

    factor = 2.0 ** (semitones / 12)
    longer = _read(clip, 1 / factor, round(clip.samples * factor))
    # Half the time of soxr's high quality, most of which is the design of a filter for a ratio that is no fraction.
    played = soxr.resample(longer.T, factor * clip.sample_rate, clip.sample_rate, quality="MQ").T
    return fitted(np.ascontiguousarray(played), clip.samples)


def _read(clip: ShortTime, speed: float, samples: int) -> np.ndarray:
    """The first so many samples of the clip at another speed."""
    size, hop = clip.size, clip.size // OVERLAP
    channels, have, bins = clip.magnitudes.shape
    count = -(-samples // hop) + OVERLAP
    # Every frame of the output lies somewhere between two of the clip; behind the last there is silence.
    at = np.minimum(np.arange(count) * speed, have - 1.001)
    before = at.astype(np.int64)
    share = (at - before).astype(np.float32)[None, :, None]
    spectra = scratch("read", (channels, count, bins), np.complex64)
    spectra[:, 0] = clip.phases[:, 0]
    bend = 2j * np.pi * np.arange(bins) / size
    resets = np.flatnonzero(clip.onsets[before]).tolist()
    for frame in resets:
        now = before[frame]
        # Read from the clip's own frame, what sets in lies where it should once it is moved by so many samples.
        early = (at[frame] - now) * hop / speed - clip.middles[now] * (1 / speed - 1)
        spectra[:, frame] = clip.phases[:, now] * np.exp(bend * early).astype(np.complex64)
    # One product a frame, straight to where it belongs: copies take longer than the arithmetic.
    going_on = sorted(set(range(1, count)) - set(resets))
    steps = [(frame - 1, now + 1, frame) for frame, now in zip(going_on, before[np.array(going_on, int) - 1].tolist())]
    for phases, turns in zip(map(list, spectra), map(list, clip.turns)):
        for last, turn, frame in steps:
            np.multiply(phases[last], turns[turn], phases[frame])
    magnitudes, beyond = clip.magnitudes.take(before, 1), clip.magnitudes.take(before + 1, 1)
    magnitudes *= 1 - share
    beyond *= share
    magnitudes += beyond
    spectra *= magnitudes
    frames = irfft(spectra, size)
    frames *= window(size)
    sums = np.zeros((channels, count + OVERLAP - 1, hop), np.float32)
    parts = frames.reshape(channels, count, OVERLAP, hop)
    for part in range(OVERLAP):
        sums[:, part : part + count] += parts[:, :, part]
    start = size // 2
    # The squares of windows that overlap by three quarters add up to 3/2 wherever there are four of them.
    return sums.reshape(channels, -1)[:, start : start + samples] / _gain(size, count)[start : start + samples]


@lru_cache(maxsize=8)
def window(size: int) -> np.ndarray:
    """The periodic Hann window.

    Examples
    --------
    >>> window(4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    values = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    values.flags.writeable = False
    return values


@lru_cache(maxsize=32)
def _gain(size: int, count: int) -> np.ndarray:
    """What squared windows add up to at each sample of so many frames."""
    hop = size // OVERLAP
    sums = np.zeros((count + OVERLAP - 1, hop), np.float32)
    for part, squares in enumerate((window(size) ** 2).reshape(OVERLAP, hop)):
        sums[part : part + count] += squares
    sums = np.maximum(sums.reshape(-1), 1e-3)
    sums.flags.writeable = False
    return sums
