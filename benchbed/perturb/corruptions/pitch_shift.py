"""Higher or lower at the same speed."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.warps import ShortTime, analysed, pitched


class PitchShift(Guarded):
    """The same direction at every severity."""

    group = "time"
    unit = "semitones"
    packages = ("soxr",)
    slow = True
    keywords = ("semitones",)
    parameters = (0.5, 1.0, 2.0, 4.0, 6.0)
    source = "own choice: from a slightly wrong clock to half an octave; phase vocoder"
    version = 4
    shortest = 0.05
    time_slack = 0.005

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[ShortTime, int]:
        """The clip in frames; up or down."""
        return analysed(waveform, sample_rate), 1 - 2 * int(rng.integers(2))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip at another pitch."""
        clip, sign = state.data
        return Applied(pitched(clip, sign * float(parameter)), achieved=float(parameter))


CORRUPTION = PitchShift()
