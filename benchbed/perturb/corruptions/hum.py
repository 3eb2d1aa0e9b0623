"""Mains hum: 50 or 60 Hz and its harmonics, the same in all channels, as from a ground loop."""

from __future__ import annotations

import numpy as np

from benchbed.perturb.contract import Context
from benchbed.perturb.noise import Additive, mains_hum


class Hum(Additive):
    """50 or 60 Hz is drawn per clip, and so are the harmonics' strengths and phases."""

    source = "SNRs as for white noise"

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Hum of the clip's shape."""
        return np.repeat(mains_hum(waveform.shape[1], sample_rate, rng)[None], len(waveform), axis=0)


CORRUPTION = Hum()
