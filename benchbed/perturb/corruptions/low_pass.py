"""Low-pass filter: a cheap microphone, an obstacle, a narrow-band channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import PADDING_SECONDS, Spectrum, low_pass, spectrum, too_high
from benchbed.perturb.guarded import PreparedClip
from benchbed.perturb.ondevice import TRANSFORM

ORDER = 8


class LowPass(Filtering):
    """Cut-offs stay in kHz at every sample rate; those a rate cannot show are skipped."""

    group = "bandwidth"
    unit = "kHz"
    keywords = ("khz",)
    parameters = (10.0, 8.0, 4.0, 2.0, 1.0)
    device_tolerance = TRANSFORM
    source = "after a common five-severity set; 8th-order Butterworth magnitude, zero phase"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> Spectrum:
        """The clip's spectrum, shared by all severities."""
        return spectrum(waveform, round(PADDING_SECONDS * sample_rate))

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The magnitude at the bins."""
        return low_pass(state.data.size, state.sample_rate, 1000.0 * parameter, ORDER)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip below a cut-off in kHz."""
        return Applied(self.heard(state, parameter), achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Edges above 0.45 of the sample rate."""
        return too_high(1000.0 * parameter, sample_rate)


CORRUPTION = LowPass()
