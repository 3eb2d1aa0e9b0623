"""Additive noise: synthetic kinds, and the mixing rule that all of them share.

The noise is drawn once per clip and scaled to 0 dB SNR; a severity is then one multiplication and one
addition. Each channel has its own SNR (a channel 40 dB below the other is not drowned), unless `level: clip` asks for
one noise level in all channels, as in a diffuse field around a microphone array.

**Two rules of SNR** are in use, and the unit of a severity says which. `measure: active`, the default, sets active
level against active level (see `level`): pauses do not make the noise softer where something is to be heard.
`measure: whole` sets the energy of the whole clip against that of the noise, as most published figures do and as
budgets of attacks are; in a clip that is half silent its noise is 3 dB weaker at the same number.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from benchbed import rng as streams
from benchbed.errors import ConfigError
from benchbed.perturb.contract import AddedNoise, Applied, Context
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip
from benchbed.perturb.level import active_power, whole_power
from benchbed.perturb.ondevice import ROUNDING, AppliedOnDevice, Moved
from benchbed.perturb.transform import fast_length, irfft, rfft

SNR_DB = (20.0, 15.0, 10.0, 5.0, 0.0)
#: Units of a severity by `measure`.
SNR_UNITS = {"active": "dB SNR, active level", "whole": "dB SNR, whole clip"}
#: Spectra of coloured noise are flat below this frequency in Hz, so that no power is spent below hearing.
LOWEST_HZ = 20.0


class Additive(Guarded):
    """Base of noises: `draw` gives the noise, this class sets its level."""

    group = "noise"
    unit = SNR_UNITS["active"]
    keywords = ("snr",)
    parameters = SNR_DB
    device_tolerance = 2 * ROUNDING
    adds_noise = True
    #: One noise level for each channel, or for the clip, where no option says which.
    level: str = "channel"
    option_names: tuple[str, ...] = ("level", "measure")

    @abstractmethod
    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Noise of the clip's shape, at any level."""

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the options `level` and `measure`."""
        if self.options.get("measure", "active") not in SNR_UNITS:
            raise ConfigError("option 'measure' must be 'active' or 'whole'")
        if self.option("level", context, "channel") not in ("channel", "clip"):
            raise ConfigError("option 'level' must be 'channel' or 'clip'")
        return {}

    def take(self, options: Mapping[str, Any]) -> None:
        """Take the options; `measure` says what an SNR is about."""
        super().take(options)
        self.unit = SNR_UNITS.get(str(self.options.get("measure", "active")), self.unit)

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[Any, ...]:
        """The noise at 0 dB SNR, and its measured distance from 0 dB."""
        return self.levelled(self.draw(waveform, sample_rate, rng, context), waveform, sample_rate, context)

    def levelled(
        self, noise: np.ndarray, waveform: np.ndarray, sample_rate: int, context: Context
    ) -> tuple[np.ndarray, float]:
        """`noise` scaled to 0 dB SNR by the rule of `measure`, and its measured distance from 0 dB."""
        if self.options.get("measure") == "whole":
            signal, level = whole_power(waveform), whole_power(noise)
        else:
            signal, level = active_power(waveform, sample_rate), active_power(noise, sample_rate)
        if self.option("level", context, self.level) == "clip":
            signal, level = signal.mean(keepdims=True), level.mean(keepdims=True)
        if (level <= 0).any():
            raise CannotApply("the noise drawn is silent")
        factor = np.sqrt(signal / level)
        noise = noise * factor[:, None].astype(np.float32)
        sounding = signal > 0
        error = 10 * np.log10(signal[sounding] / (level * factor.astype(np.float32).astype(float) ** 2)[sounding])
        return noise, float(error.mean())

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with its noise at an SNR in dB."""
        noise, error = state.data
        out = noise * np.float32(10 ** (-parameter / 20))
        out += state.waveform
        return Applied(out, achieved=float(parameter) + error)

    def at_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The same on a device; the noise is drawn and levelled on the host."""
        noise, error = state.data
        out = moved(noise) * float(np.float32(10 ** (-parameter / 20)))
        out += moved(state.waveform)
        return AppliedOnDevice(out, achieved=float(parameter) + error)

    def added_noise(self, state: PreparedClip, parameter: Any) -> AddedNoise | str:
        """The noise, and its gain at an SNR in dB."""
        reason = state.skipped or self.unavailable(parameter, state.sample_rate, len(state.waveform))
        if reason is not None:
            return reason
        noise, error, *note = state.data
        gain = float(np.float32(10 ** (-parameter / 20)))
        return AddedNoise(noise, gain, float(parameter) + error, *note)


class Field(Additive):
    """Base of noises that all channels hear from one field: their levels and phases against each other are the field's,
    so that one SNR, over all channels together, is all that can be set."""

    level = "clip"
    unit = f"{SNR_UNITS['active']}, all channels"
    option_names: tuple[str, ...] = ("measure",)

    def take(self, options: Mapping[str, Any]) -> None:
        """Take the options; `measure` says what an SNR is about."""
        super().take(options)
        self.unit = f"{SNR_UNITS.get(str(self.options.get('measure', 'active')), SNR_UNITS['active'])}, all channels"


def coloured(
    shape: tuple[int, int], sample_rate: int, exponent: float, rng: np.random.Generator, lowest: float = LOWEST_HZ
) -> np.ndarray:
    """Gaussian noise with power proportional to f^-exponent, independent between channels.

    Parameters
    ----------
    shape : tuple of int
        Channels and samples.
    sample_rate : int
    exponent : float
        0 white, 1 pink (−3 dB per octave), 2 brown (−6 dB per octave).
    rng : np.random.Generator
    lowest : float
        Flat below this frequency in Hz.

    Returns
    -------
    np.ndarray [shape=(channel, sample), float32]
    """
    channels, samples = shape
    size = fast_length(max(samples, 64), real=True)
    draws = rng.standard_normal((channels, size // 2 + 1, 2), dtype=np.float32).view(np.complex64)[..., 0]
    draws *= _colour(size, sample_rate, exponent, lowest)
    return np.ascontiguousarray(irfft(draws, size)[:, :samples])


@lru_cache(maxsize=16)
def _colour(size: int, sample_rate: int, exponent: float, lowest: float) -> np.ndarray:
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), lowest)
    weight = (frequency / lowest) ** (-exponent / 2)
    weight[0] = 0
    weight *= np.sqrt(size) / 2
    weight = weight.astype(np.float32)
    weight.flags.writeable = False
    return weight


def mains_hum(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """50 or 60 Hz with harmonics up to 1 kHz of random strength and phase; the same wave in all channels.

    Returns
    -------
    np.ndarray [shape=(sample,), float32]
    """
    mains = (50, 60)[int(rng.integers(2))]
    angles = _mains_angles(mains, sample_rate)
    table, count = angles.shape
    strength = rng.uniform(0.3, 1.0, 20)[:count] / np.arange(1, 1 + count)
    phase = rng.uniform(0, 2 * np.pi, 20)[:count]
    waves = angles + phase
    wave = (np.sin(waves, out=waves) @ strength).astype(np.float32)
    start = int(rng.integers(table))
    return np.resize(np.concatenate([wave[start:], wave[:start]]), samples)


@lru_cache(maxsize=4)
def _mains_angles(mains: int, sample_rate: int) -> np.ndarray:
    """Angles in radians of the mains and its harmonics [shape=(sample, harmonic)], over a tenth of a second."""
    # It holds whole periods of both mains frequencies, so one short table repeats without a seam.
    table = max(1, round(sample_rate / 10))
    harmonics = np.arange(1, 1 + min(1000, sample_rate // 2 - 1) // mains)
    angles: np.ndarray = 2 * np.pi * (mains // 10 * np.arange(table)[:, None] * harmonics / table)
    angles.flags.writeable = False
    return angles


def gusts(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A slow positive envelope: log-normal draws ten times a second, smoothed to a correlation of about 0.4 s.

    Returns
    -------
    np.ndarray [shape=(sample,), float32]
    """
    points = samples * 10 // sample_rate + 6
    draws = np.convolve(rng.standard_normal(points + 4), np.hanning(7)[1:-1], mode="valid")
    draws *= 0.9 / np.sqrt((np.hanning(7) ** 2).sum())
    return np.interp(np.arange(samples) * (10 / sample_rate), np.arange(points), np.exp(draws)).astype(np.float32)


BABBLE_SECONDS = 12
BABBLE_TALKERS = 8


@lru_cache(maxsize=4)
def babble_bank(sample_rate: int) -> np.ndarray:
    """Twelve seconds of eight synthetic talkers: pulse trains and hiss through moving formants, in syllables.

    Speech-like in its long-term spectrum (falling above 500 Hz), its pitch (90–240 Hz) and its 3–5 Hz modulation; no
    words. The bank is the same on every machine; a clip takes its excerpt from it.

    Returns
    -------
    np.ndarray [shape=(sample,), float32]
    """
    rng = streams.stream("babble-bank", sample_rate)
    bank = np.sum([_talker(sample_rate, rng) for _ in range(BABBLE_TALKERS)], axis=0)
    bank.flags.writeable = False
    return bank


def _talker(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    samples = BABBLE_SECONDS * sample_rate
    hop = round(sample_rate / 8)
    count = samples // hop
    # Sources: glottal pulses at a wandering pitch for voiced syllables, hiss for the rest.
    pitch = rng.uniform(90, 240) * np.exp(
        0.15 * np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, 40), rng.standard_normal(40))
    )
    pulses = np.diff(np.floor(np.cumsum(pitch) / sample_rate), prepend=0.0).astype(np.float32)
    hiss = 0.015 * rng.standard_normal(samples, dtype=np.float32)
    voiced = rng.random(count) < 0.75
    strength = rng.lognormal(0, 0.8, count) * (rng.random(count) < 0.85)
    size = fast_length(4 * hop, real=True)
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    falling, level = 1 / (1 + (frequency / 500) ** 1.5), np.ones_like(frequency)
    window = np.hanning(2 * hop).astype(np.float32)
    out = np.zeros(samples + size, dtype=np.float32)
    for index in range(count):
        start = index * hop
        source = pulses if voiced[index] else hiss
        piece = source[start : start + 2 * hop]
        piece = piece * window[: len(piece)]
        if voiced[index]:
            formants = rng.uniform((300, 800, 2200), (850, 2200, 3200))
            widths, tilt = (90.0, 120.0, 180.0), falling
        else:
            formants, widths, tilt = (
                rng.uniform((2500, 4000, 5500), (4000, 5500, 7500)),
                (600.0, 800.0, 1000.0),
                level,
            )
        if not strength[index]:
            continue  # a pause
        response = tilt * sum(w * s / np.hypot(frequency - f, w) for f, w, s in zip(formants, widths, (1, 0.5, 0.25)))
        out[start : start + size] += strength[index] * irfft(rfft(piece, size) * response, size)
    out = out[:samples]
    return (out / max(float(np.sqrt(np.mean(out**2))), 1e-9)).astype(np.float32)


def excerpt(bank: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A random excerpt of `bank` `[channel, sample]`; a bank that is too short is repeated.

    Examples
    --------
    >>> excerpt(np.arange(3)[None], 5, np.random.default_rng(0)).shape
    (1, 5)
    """
    length = bank.shape[1]
    if length >= samples:
        start = int(rng.integers(length - samples + 1))
        return bank[:, start : start + samples]
    return np.take(bank, np.arange(samples) + int(rng.integers(length)), axis=1, mode="wrap")
