"""One channel of several grows weak and dies."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip


class DeadChannel(Guarded):
    """The same channel at every severity."""

    group = "channel"
    unit = "dB attenuation"
    keywords = ("attenuation",)
    parameters = (6.0, 12.0, 24.0, 48.0, 120.0)
    source = "own choice: a worn contact to a dead capsule (120 dB is below 16 bits)"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> int:
        """Which channel."""
        return int(rng.integers(len(waveform)))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with one channel attenuated."""
        out = state.waveform.copy()
        out[state.data] *= np.float32(10 ** (-parameter / 20))
        return Applied(out, achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips of one channel."""
        return None if channels >= 2 else f"needs two channels or more, not {channels}"


CORRUPTION = DeadChannel()
