"""Opus at a bit rate per channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.audio import resample
from benchbed.perturb.codec import fitted
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.packets import DECODED_RATE, RATES, opus


class Opus(Guarded):
    """Opus has five sample rates; clips at others go through 48 kHz, which is noted per clip."""

    group = "codec"
    unit = "kbit/s per channel"
    slow = True
    keywords = ("kbps",)
    parameters = (64, 32, 16, 12, 6)
    version = 2
    source = "own choice: from transparent to the lowest rate of the coder; libopus at complexity 2"

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, int]:
        """The clip at a rate that Opus has."""
        if sample_rate in RATES:
            return waveform, sample_rate
        return resample(waveform, sample_rate, DECODED_RATE), DECODED_RATE

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through Opus at a nominal rate; `achieved` is the size of its packets per second and channel."""
        clip, rate = state.data
        out, size = opus(clip, rate, parameter)
        # No more than the clip's own length is resampled: what follows is the coder's padding.
        out = resample(fitted(out, clip.shape[1] * DECODED_RATE // rate), DECODED_RATE, state.sample_rate)
        note = None if rate == state.sample_rate else f"resampled to {rate} Hz for Opus and back"
        achieved = size * 8e-3 * rate / clip.size
        return Applied(fitted(out, state.waveform.shape[1]), achieved=achieved, note=note)


CORRUPTION = Opus()
