"""Band-stop filter around 1 kHz: a band that a coder, a suppressor or a comb has taken out."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import PADDING_SECONDS, Spectrum, band_stop, spectrum, too_high
from benchbed.perturb.guarded import PreparedClip
from benchbed.perturb.ondevice import TRANSFORM

CENTRE, ORDER = 1000.0, 4


class BandStop(Filtering):
    """The upper edge must lie below 0.45 of the sample rate."""

    group = "bandwidth"
    unit = "octaves around 1 kHz"
    keywords = ("octaves",)
    parameters = (0.5, 1.0, 2.0, 3.0, 4.0)
    device_tolerance = TRANSFORM
    source = "own choice: from a third of the telephone band to all of it; 4th-order Butterworth magnitude, zero phase"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> Spectrum:
        """The clip's spectrum, shared by all severities."""
        return spectrum(waveform, round(PADDING_SECONDS * sample_rate))

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The magnitude at the bins."""
        half = 2 ** (parameter / 2)
        return band_stop(state.data.size, state.sample_rate, CENTRE / half, CENTRE * half, ORDER)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip without a band of so many octaves."""
        return Applied(self.heard(state, parameter), achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Edges above 0.45 of the sample rate."""
        return too_high(CENTRE * 2 ** (parameter / 2), sample_rate)


CORRUPTION = BandStop()
