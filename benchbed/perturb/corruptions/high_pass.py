"""High-pass filter: a small loudspeaker, a wind cut, a telephone."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import PADDING_SECONDS, Spectrum, high_pass, spectrum, too_high
from benchbed.perturb.guarded import PreparedClip
from benchbed.perturb.ondevice import TRANSFORM

ORDER = 4


class HighPass(Filtering):
    """Cut-offs stay in Hz at every sample rate."""

    group = "bandwidth"
    unit = "Hz"
    keywords = ("hz",)
    parameters = (100.0, 200.0, 400.0, 800.0, 1600.0)
    device_tolerance = TRANSFORM
    source = "after a common five-severity set; 4th-order Butterworth magnitude, zero phase"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> Spectrum:
        """The clip's spectrum, shared by all severities."""
        return spectrum(waveform, round(PADDING_SECONDS * sample_rate))

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The magnitude at the bins."""
        return high_pass(state.data.size, state.sample_rate, float(parameter), ORDER)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip above a cut-off in Hz."""
        return Applied(self.heard(state, parameter), achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Edges above 0.45 of the sample rate."""
        return too_high(parameter, sample_rate)


CORRUPTION = HighPass()
