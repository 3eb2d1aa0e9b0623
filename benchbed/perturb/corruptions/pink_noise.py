"""Pink noise: equal power in every octave, near the long-term spectrum of many ambiences."""

from __future__ import annotations

import numpy as np

from benchbed.perturb.contract import Context
from benchbed.perturb.noise import Additive, coloured


class PinkNoise(Additive):
    """Independent between channels."""

    source = "SNRs as for white noise"

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Noise of the clip's shape."""
        return coloured(waveform.shape, sample_rate, 1.0, rng)


CORRUPTION = PinkNoise()
