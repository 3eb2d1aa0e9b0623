"""Coarse quantisation without dither."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.level import quantise
from benchbed.perturb.ondevice import AppliedOnDevice, Moved


class BitDepth(Guarded):
    """Relative to full scale: a quiet clip loses more, as it does in a real converter."""

    group = "level"
    unit = "bits"
    keywords = ("bits",)
    parameters = (12, 10, 8, 6, 4)
    device_tolerance = 0.0
    source = "after a common five-severity set"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip in a uniform quantiser of so many bits over −1…1."""
        return Applied(quantise(state.waveform, int(parameter)), achieved=float(parameter))

    def at_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The same on a device: powers of two and rounding to even."""
        steps = 2.0 ** (int(parameter) - 1)
        out = (moved(state.waveform) * steps).round_().clamp_(-steps, steps - 1).div_(steps)
        return AppliedOnDevice(out, achieved=float(parameter))


CORRUPTION = BitDepth()
