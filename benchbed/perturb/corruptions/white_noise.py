"""White Gaussian noise: equal power in every Hz, as of a microphone's own electronics."""

from __future__ import annotations

import numpy as np

from benchbed.perturb.contract import Context
from benchbed.perturb.noise import Additive


class WhiteNoise(Additive):
    """Independent between channels."""

    source = "SNRs of a common five-severity set; floor row for adversarial budgets at equal SNR"

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Noise of the clip's shape."""
        return rng.standard_normal(waveform.shape, dtype=np.float32)


CORRUPTION = WhiteNoise()
