"""Opus at a bit rate per channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.audio import resample
from benchbed.perturb.codec import fitted
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.packets import RATES, opus


class Opus(Guarded):
    """Opus has five sample rates; clips at others go through 48 kHz, which is noted per clip."""

    group = "codec"
    unit = "kbit/s per channel"
    slow = True
    keywords = ("kbps",)
    parameters = (64, 32, 16, 12, 6)
    version = 3
    source = "own choice: from transparent to the lowest rate of the coder; libopus at complexity 1"

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, int]:
        """The clip at a rate that Opus has."""
        if sample_rate in RATES:
            return waveform, sample_rate
        return resample(waveform, sample_rate, RATES[-1]), RATES[-1]

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through Opus at a nominal rate; `achieved` is the size of its packets per second and channel."""
        clip, rate = state.data
        heard, size = opus(clip, rate, parameter)
        out = resample(heard, rate, state.sample_rate)
        note = None if rate == state.sample_rate else f"resampled to {rate} Hz for Opus and back"
        achieved = size * 8e-3 * rate / clip.size
        return Applied(fitted(out, state.waveform.shape[1]), achieved=achieved, note=note)


CORRUPTION = Opus()
