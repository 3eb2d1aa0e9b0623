"""Opus at a bit rate per channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.audio import resample
from benchbed.perturb.codec import fitted
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.packets import RATES, opus, rate_of


class Opus(Guarded):
    """Opus has five sample rates; clips at others go through one of them, which is noted per clip.

    Where the bit rate carries no more than a lower band, a clip goes through the rate of that band.
    """

    group = "codec"
    unit = "kbit/s per channel"
    packages = ("av", "soxr")
    slow = True
    keywords = ("kbps",)
    parameters = (64, 32, 16, 12, 6)
    version = 4
    source = "own choice: from transparent to the lowest rate of the coder; libopus at complexity 1"

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> dict[int, np.ndarray]:
        """Room for the clip at rates that Opus has."""
        return {sample_rate: waveform}

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through Opus at a nominal rate; `achieved` is the size of its packets per second and channel."""
        own = state.sample_rate
        rate = rate_of(own if own in RATES else RATES[-1], len(state.waveform), parameter)
        if rate not in state.data:
            state.data[rate] = resample(state.waveform, own, rate)
        clip = state.data[rate]
        heard, size = opus(clip, rate, parameter)
        out = resample(heard, rate, own)
        note = None if own in RATES else f"resampled to {rate} Hz for Opus and back"
        achieved = size * 8e-3 * rate / clip.size
        return Applied(fitted(out, state.waveform.shape[1]), achieved=achieved, note=note)


CORRUPTION = Opus()
