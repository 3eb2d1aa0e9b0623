"""Channels that are recorded by clocks of different rates, and drift apart from the start of a clip to its end."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.filters import PADDING_SECONDS
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.transform import fast_length

#: Terms of a Taylor series between samples: at half a sample what is left out is 90 dB below the highest frequency.
TERMS = 10


@dataclass(frozen=True)
class _Clocks:
    """Which way the clock of each channel is off, and derivatives of the channels `[term, channel, sample]`."""

    signs: np.ndarray
    terms: np.ndarray


class ClockDrift(Guarded):
    """The first channel is the reference and stays; each other one is read too fast or too slow.

    At the end of a clip of `T` seconds a channel is `T` times the parameter in µs out of step: 1 ms after 10 s at 100
    ppm. A constant delay is `channel_mismatch`.
    """

    group = "channel"
    unit = "ppm"
    keywords = ("ppm",)
    parameters = (5.0, 10.0, 20.0, 50.0, 100.0)
    source = (
        "own choice: crystals at their best to those of cheap recorders (±100 ppm); one channel has nothing to be out "
        "of step with. Levels stay, and a short clip's log-mel distance says nothing of the order of microseconds"
    )
    monotone = False
    time_slack = 0.01

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> _Clocks:
        """The clip's derivatives, and the sign of each channel's error."""
        signs = 1.0 - 2.0 * rng.integers(2, size=len(waveform))
        signs[0] = 0.0
        samples = waveform.shape[1]
        size = fast_length(samples + round(PADDING_SECONDS * sample_rate) + 64, real=True)
        spectrum = np.fft.rfft(waveform[1:].astype(np.float64), size)
        slope = 2j * np.pi * np.arange(size // 2 + 1) / size
        terms = [np.fft.irfft(spectrum * slope**term / factorial(term), size) for term in range(TERMS)]
        return _Clocks(signs, np.stack(terms).astype(np.float32))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with clocks that are off by so many parts in a million."""
        held: _Clocks = state.data
        out = state.waveform.copy()
        samples, size = out.shape[1], held.terms.shape[2]
        for channel in range(1, len(out)):
            late = held.signs[channel] * float(parameter) * 1e-6 * np.arange(samples)
            whole = np.rint(late).astype(np.int64)
            between = (late - whole).astype(np.float32)
            # What is read before the start or after the end is silence, which lies behind the clip.
            at = (np.arange(samples) + whole) % size
            made = np.zeros(samples, np.float32)
            for term in held.terms[::-1, channel - 1]:
                made *= between
                made += term[at]
            out[channel] = made
        return Applied(out, achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips of one channel."""
        return None if channels >= 2 else f"needs two channels or more, not {channels}"


CORRUPTION = ClockDrift()
