"""GSM 06.10 full-rate telephone coding at 8 kHz, once or in tandem."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.audio import resample
from benchbed.perturb.codec import fitted, round_trip
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip


class Gsm(Guarded):
    """Channels are coded one by one."""

    group = "codec"
    unit = "codings in tandem"
    packages = ("soundfile", "soxr")
    keywords = ("codings",)
    parameters = (1, 2, 3, 4, 5)
    source = "own choice: a call within one network (1) to one that is decoded and coded again at every hop"

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> list[np.ndarray]:
        """The clip at 8 kHz; each further coding is made once and kept for the severities above it."""
        return [resample(waveform, sample_rate, 8000)]

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip after so many codings."""
        chain = state.data
        while len(chain) <= parameter:
            chain.append(round_trip(chain[-1], 8000, "WAV", "GSM610", 1)[0])
        back = resample(chain[int(parameter)], 8000, state.sample_rate)
        return Applied(fitted(back, state.waveform.shape[1]), achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Rates below that of the coder."""
        return None if sample_rate >= 8000 else f"GSM works at 8000 Hz, above the {sample_rate} Hz sample rate"


CORRUPTION = Gsm()
