"""Hard clipping at a threshold relative to the active level, not to percentiles of the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.level import active_power
from benchbed.perturb.ondevice import AppliedOnDevice, Moved


class Clipping(Guarded):
    """One threshold for all channels."""

    group = "level"
    unit = "threshold / active RMS"
    keywords = ("threshold",)
    parameters = (3.0, 2.0, 1.4, 1.0, 0.6)
    device_tolerance = 0.0
    source = (
        "after a common five-severity set; a percentile rule would clip a half-silent clip far harder than a "
        "stationary one"
    )

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[float, float]:
        """RMS of the active frames over all channels, and the peak."""
        level = float(np.sqrt(active_power(waveform, sample_rate).mean()))
        return level, float(np.abs(waveform).max())

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip cut off at a multiple of its active RMS; `achieved` is lower where the peak is."""
        level, peak = state.data
        limit = np.float32(level * parameter)
        return Applied(np.clip(state.waveform, -limit, limit), achieved=min(float(parameter), peak / level))

    def at_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The same on a device; level and peak are the host's."""
        level, peak = state.data
        limit = float(np.float32(level * parameter))
        achieved = min(float(parameter), peak / level)
        return AppliedOnDevice(moved(state.waveform).clamp(-limit, limit), achieved=achieved)


CORRUPTION = Clipping()
