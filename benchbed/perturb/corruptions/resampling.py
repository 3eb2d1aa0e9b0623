"""Down to a lower sample rate and back: the bandwidth of an older or cheaper recorder."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.audio import resample
from benchbed.perturb.codec import fitted
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip


class Resampling(Guarded):
    """Rates that are not below the clip's own are skipped."""

    group = "bandwidth"
    unit = "kHz sample rate"
    packages = ("soxr",)
    keywords = ("khz",)
    parameters = (24.0, 16.0, 12.0, 8.0, 4.0)
    source = "after a common five-severity set; soxr HQ both ways, so pitch and length stay"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through a lower sample rate in kHz."""
        low = round(1000 * parameter)
        back = resample(resample(state.waveform, state.sample_rate, low), low, state.sample_rate)
        return Applied(fitted(back, state.waveform.shape[1]), achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Rates that are not below the clip's."""
        if 1000 * parameter >= sample_rate:
            return f"{parameter:g} kHz is not below the {sample_rate} Hz sample rate"
        return None


CORRUPTION = Resampling()
