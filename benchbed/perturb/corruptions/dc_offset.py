"""A constant added to the signal, as by a biased converter."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip


class DcOffset(Guarded):
    """One sign per clip, the same offset in all channels."""

    group = "level"
    unit = "share of full scale"
    keywords = ("share",)
    parameters = (0.01, 0.02, 0.05, 0.1, 0.2)
    source = "own choice: 1 % is a poor sound card, 20 % a defect; models whose front end keeps the lowest bins break"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.float32:
        """The sign of the offset."""
        return np.float32(1 - 2 * int(rng.integers(2)))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with an offset."""
        return Applied(state.waveform + state.data * np.float32(parameter), achieved=float(parameter))


CORRUPTION = DcOffset()
