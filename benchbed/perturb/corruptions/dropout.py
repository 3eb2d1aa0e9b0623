"""One gap of silence with hard edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.time import gap


class Dropout(Guarded):
    """The same in all channels."""

    group = "time"
    unit = "% of the clip"
    keywords = ("percent",)
    parameters = (2.0, 5.0, 10.0, 20.0, 30.0)
    source = "after a common five-severity set; milder gaps lie inside stronger ones"
    shortest = 0.05

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> float:
        """The place of the gap."""
        return float(rng.random())

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with one gap."""
        samples = state.waveform.shape[1]
        start, end = gap(samples, round(parameter / 100 * samples), state.data)
        out = state.waveform.copy()
        out[:, start:end] = 0
        return Applied(out, achieved=100 * (end - start) / samples)


CORRUPTION = Dropout()
