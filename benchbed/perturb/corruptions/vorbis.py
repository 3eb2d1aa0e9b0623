"""Ogg Vorbis at a quality setting."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.vorbis import vorbis


class Vorbis(Guarded):
    """The stream's serial number is random, the decoded audio is not."""

    group = "codec"
    unit = "Vorbis quality (10 best)"
    packages = ("av", "soundfile")
    slow = True
    keywords = ("quality",)
    parameters = (5.0, 3.0, 1.5, 0.5, 0.0)
    version = 2
    source = "after a common five-severity set (71 to 48 kbit/s for mono)"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through Vorbis at a quality of 0…10."""
        return Applied(vorbis(state.waveform, state.sample_rate, parameter), achieved=float(parameter))


CORRUPTION = Vorbis()
