"""Dynamic-range compression, as phones and conference systems apply it."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.level import compress, compressor_state


class Compression(Guarded):
    """One gain for all channels, so that their balance stays."""

    group = "level"
    unit = "ratio"
    keywords = ("ratio",)
    parameters = (1.5, 2.0, 4.0, 8.0, 20.0)
    source = (
        "own choice: gentle to limiting ratios above −20 dB of the active level, 5 ms attack, 100 ms release, "
        "make-up gain to equal RMS"
    )

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, float, int]:
        """The level follower, which no ratio changes."""
        return compressor_state(waveform, sample_rate)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip compressed at a ratio."""
        return Applied(compress(state.waveform, state.data, float(parameter)), achieved=float(parameter))


CORRUPTION = Compression()
