"""Brown noise: −6 dB per octave, as of distant traffic and handling."""

from __future__ import annotations

import numpy as np

from benchbed.perturb.contract import Context
from benchbed.perturb.noise import Additive, coloured


class BrownNoise(Additive):
    """Independent between channels."""

    source = "SNRs as for white noise"

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Noise of the clip's shape."""
        return coloured(waveform.shape, sample_rate, 2.0, rng)


CORRUPTION = BrownNoise()
