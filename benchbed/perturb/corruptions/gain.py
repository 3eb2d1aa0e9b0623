"""Attenuation followed by 16-bit rounding: a distant or badly levelled recording."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.level import to_int16
from benchbed.perturb.ondevice import AppliedOnDevice, Moved


class Gain(Guarded):
    """Positive gains, if a suite asks for them, saturate at full scale as the file would."""

    group = "level"
    unit = "dB"
    keywords = ("db",)
    parameters = (-6.0, -12.0, -20.0, -30.0, -40.0)
    device_tolerance = 0.0
    source = "after a common five-severity set; rounding makes strong attenuation irreversible"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip at a gain in dB, as a 16-bit file would hold it."""
        scaled = to_int16(state.waveform * np.float32(10 ** (parameter / 20)))
        return Applied(scaled * np.float32(1 / 32768), achieved=float(parameter))

    def at_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The same on a device: one multiplication, rounding to even, a power of two."""
        scaled = moved(state.waveform) * float(np.float32(10 ** (parameter / 20)))
        out = scaled.mul_(32768.0).round_().clamp_(-32768, 32767).mul_(1 / 32768)
        return AppliedOnDevice(out, achieved=float(parameter))


CORRUPTION = Gain()
