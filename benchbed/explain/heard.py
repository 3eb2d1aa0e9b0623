"""What a corruption does to a sound that everybody has the same of: spectra and spectrograms at its severities.

The sound is made here: pink noise in bursts, a gliding tone with harmonics, and clicks, so that filters, noise,
clipping, gaps, echoes and warps of time and pitch can all be seen in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed import rng
from benchbed.errors import BenchbedError
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.run.showing.spectrogram import picture

RATE, SECONDS = 32000, 2.5
#: Severities whose spectrograms are drawn.
DRAWN = (1, 3, 5)
#: Third-octave bands, centres in Hz.
BANDS = tuple(round(1000 * 2 ** (step / 3), 1) for step in range(-13, 13))
#: The same in octaves from 1 kHz.
OCTAVES = tuple(round(step / 3, 3) for step in range(-13, 13))


@dataclass(frozen=True)
class HeardCorruption:
    """A corruption on the sound.

    Attributes
    ----------
    pictures : list of (str, bytes)
        Severity, and its spectrogram as PNG; the sound as it is first.
    levels : dict of str to tuple of float
        Severity → level of each band of `BANDS` in dB below full scale.
    reason : str
        Why there is nothing, where there is nothing.
    """

    pictures: list[tuple[str, bytes]]
    levels: dict[str, tuple[float, ...]]
    reason: str = ""


def sound(channels: int = 1) -> np.ndarray:
    """The sound [shape=(channel, sample)], the same on every machine.

    Examples
    --------
    >>> sound().shape, float(np.abs(sound()).max()) <= 1
    ((1, 80000), True)
    """
    count = int(RATE * SECONDS)
    time = np.arange(count) / RATE
    white = rng.stream("manual").normal(size=(channels, count // 2 + 1)) * np.exp(
        2j * np.pi * rng.stream("manual", "phase").random((channels, count // 2 + 1))
    )
    pink = np.fft.irfft(white / np.sqrt(np.maximum(np.arange(count // 2 + 1), 20)), count)
    bursts = pink / np.abs(pink).max() * (0.25 + 0.75 * (np.sin(2 * np.pi * 2 * time) > 0))
    glide = sum(np.sin(2 * np.pi * n * (400 * time + 300 * time**2)) / n for n in range(1, 6))
    since = np.arange(count) % RATE
    click = np.exp(-since / 40.0) * (since < 400)
    # Channels differ in level, so that what exchanges or turns them can be seen.
    mixed = (0.18 * bursts + 0.08 * glide + 0.3 * click) * (0.8 ** np.arange(channels))[:, None]
    return np.ascontiguousarray(np.broadcast_to(mixed, (channels, count)), np.float32)


def heard(name: str) -> HeardCorruption:
    """A registered corruption on the sound: with one channel, or as many as it needs.

    Examples
    --------
    >>> found = heard("low_pass")
    >>> [words for words, _ in found.pictures], found.levels["5"][-1] < found.levels["as it is"][-1] - 20
    (['as it is', '1', '3', '5'], True)
    """
    reason = ""
    for channels in (1, 2, 4):
        try:
            return _heard(name, sound(channels))
        except BenchbedError as error:
            reason = reason or error.what
        except Exception as error:  # a corruption of another package may raise what it likes; the page goes on
            reason = reason or f"{type(error).__name__}: {error}"
    return HeardCorruption([], {}, reason)


def _heard(name: str, audio: np.ndarray) -> HeardCorruption:
    from benchbed.errors import CannotMeasure

    corruption = resolve(name, None, None)
    context = Context(dataset="", options={}, severities=tuple(corruption.parameters))
    corruption.configure(context)
    versions: dict[str, np.ndarray] = {"as it is": audio}
    state = None
    for number, parameter in enumerate(corruption.parameters, 1):
        why = corruption.unavailable(parameter, RATE, audio.shape[0])
        if why is not None:
            raise CannotMeasure(why)
        if state is None:
            state = corruption.prepare(audio, RATE, rng.stream("manual", name), context)
        applied = corruption.apply(state, parameter)
        if applied.skipped is not None:
            raise CannotMeasure(applied.skipped)
        versions[str(number)] = applied.waveform
    # A corruption of arrays may leave the first channel as it is; the one that moved most is drawn.
    hardest = list(versions.values())[-1]
    shared = min(hardest.shape[1], audio.shape[1])
    channel = int(np.argmax(np.abs(hardest[:, :shared] - audio[: hardest.shape[0], :shared]).sum(axis=1)))
    shown = ["as it is", *(str(n) for n in DRAWN if str(n) in versions)]
    pictures = [(label, picture(versions[label][channel], RATE)) for label in shown]
    return HeardCorruption(pictures, {label: band_levels(one[channel]) for label, one in versions.items()})


def band_levels(waveform: np.ndarray) -> tuple[float, ...]:
    """Level of each third-octave band, dB below full scale, of a waveform at `RATE` [shape=(sample,)].

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    >>> levels = band_levels(tone)
    >>> BANDS[int(np.argmax(levels))], round(max(levels), 1)
    (1000.0, -3.0)
    """
    count = len(waveform)
    power = np.abs(np.fft.rfft(np.asarray(waveform, np.float64))) ** 2 / count**2
    power[1:] *= 2
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    levels = []
    for centre in BANDS:
        inside = (hertz >= centre * 2 ** (-1 / 6)) & (hertz < centre * 2 ** (1 / 6))
        levels.append(float(max(10 * np.log10(max(power[inside].sum(), 1e-12)), -100.0)))
    return tuple(levels)
