"""Wind in the microphone: brown noise in gusts, independent at each capsule under one gust."""

from __future__ import annotations

import numpy as np

from benchbed.perturb.contract import Context
from benchbed.perturb.noise import Additive, coloured, gusts


class Wind(Additive):
    """Turbulence is local to a capsule, the gust is not."""

    source = "1/f^2 spectrum with slow modulation; SNRs as for white noise"

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Wind of the clip's shape."""
        noise = coloured(waveform.shape, sample_rate, 2.0, rng)
        noise *= gusts(waveform.shape[1], sample_rate, rng)
        return noise


CORRUPTION = Wind()
