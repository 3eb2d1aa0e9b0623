"""MP3 at a constant bit rate (LAME)."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.lame import RATES, bit_rates, mp3


class Mp3(Guarded):
    """One or two channels share a stream; more are coded one by one at this rate each."""

    group = "codec"
    unit = "kbit/s"
    packages = ("av", "lameenc")
    slow = True
    keywords = ("kbps",)
    parameters = (112, 96, 64, 48, 32)
    version = 4
    source = (
        "common constant bit rates from good to the lowest of MPEG-1; LAME at quality 5, or 7 where that changes "
        "little; its delay of 1105 samples removed"
    )

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through MP3 at a nominal rate; `achieved` counts the whole stream, headers included."""
        channels, samples = state.waveform.shape
        streams = 1 if channels <= 2 else channels
        out, size = mp3(state.waveform, state.sample_rate, parameter)
        return Applied(out, achieved=size / streams * 8e-3 * state.sample_rate / samples)

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Sample rates and bit rates outside the MPEG tables."""
        if sample_rate not in RATES:
            return f"MP3 has no sample rate of {sample_rate} Hz"
        low, high = bit_rates(sample_rate)
        if not low <= parameter <= high:
            return f"MP3 at {sample_rate} Hz runs from {low} to {high} kbit/s"
        return None


CORRUPTION = Mp3()
