"""Higher or lower at the same speed."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.warps import pitched


class PitchShift(Guarded):
    """The same direction at every severity."""

    group = "time"
    unit = "semitones"
    keywords = ("semitones",)
    parameters = (0.5, 1.0, 2.0, 4.0, 6.0)
    source = "own choice: from a slightly wrong clock to half an octave; Signalsmith stretch through audiomentations"
    shortest = 0.05
    time_slack = 0.005

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> int:
        """Up or down."""
        return 1 - 2 * int(rng.integers(2))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip at another pitch."""
        return Applied(
            pitched(state.waveform, state.sample_rate, state.data * float(parameter)), achieved=float(parameter)
        )


CORRUPTION = PitchShift()
