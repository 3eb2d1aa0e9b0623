"""Coarse quantisation without dither."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.level import quantise


class BitDepth(Guarded):
    """Relative to full scale: a quiet clip loses more, as it does in a real converter."""

    group = "level"
    unit = "bits"
    keywords = ("bits",)
    parameters = (12, 10, 8, 6, 4)
    source = "after a common five-severity set"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip in a uniform quantiser of so many bits over −1…1."""
        return Applied(quantise(state.waveform, int(parameter)), achieved=float(parameter))


CORRUPTION = BitDepth()
