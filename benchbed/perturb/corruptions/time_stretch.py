"""Faster or slower at the same pitch, cut or padded with silence to the clip's length."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.warps import ShortTime, analysed, stretched


class TimeStretch(Guarded):
    """Events move: a time t becomes t divided by the speed, and what falls out of the clip is lost."""

    group = "time"
    unit = "% change of speed"
    slow = True
    keywords = ("percent",)
    parameters = (2.0, 5.0, 10.0, 15.0, 20.0)
    source = "own choice within the rates 0.8–1.2 used for augmentation; phase vocoder"
    version = 3
    preserves_time = False
    shortest = 0.05

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[ShortTime, int]:
        """The clip in frames; faster or slower."""
        return analysed(waveform, sample_rate), 1 - 2 * int(rng.integers(2))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip at a changed speed."""
        clip, sign = state.data
        speed = 1 + sign * parameter / 100
        return Applied(stretched(clip, speed), achieved=100 * abs(speed - 1))

    def move_events(self, events: np.ndarray, duration: float, state: PreparedClip, parameter: Any) -> np.ndarray:
        """Times divided by the speed."""
        if state.skipped is not None:
            return events
        return events / (1 + state.data[1] * parameter / 100)


CORRUPTION = TimeStretch()
