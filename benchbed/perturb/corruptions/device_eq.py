"""A device nobody has measured: a random minimum-phase equaliser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.devices import GRID, equaliser, responses_at
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import Spectrum, spectrum
from benchbed.perturb.guarded import PreparedClip

BANDS, TAPS = 12, GRID // 2


class DeviceEq(Filtering):
    """All channels through the same curve; the mean gain over bands is zero."""

    group = "device"
    unit = "dB standard deviation over 12 bands"
    keywords = ("deviation",)
    parameters = (2.0, 4.0, 6.0, 9.0, 12.0)
    source = "after a common five-severity set; one draw of gains, scaled by the severity, at unit energy"

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[Spectrum, np.ndarray]:
        """The clip's spectrum and the curve at a standard deviation of 1 dB."""
        gains = rng.standard_normal(BANDS)
        return spectrum(waveform, TAPS), equaliser(gains - gains.mean(), sample_rate)

    def spectrum_of(self, state: PreparedClip) -> Spectrum:
        """The clip's spectrum."""
        return state.data[0]

    def responses(self, state: PreparedClip, parameters: Sequence[Any]) -> np.ndarray:
        """The equaliser at standard deviations in dB, at the bins."""
        clip, curve = state.data
        return responses_at(curve, [float(parameter) for parameter in parameters], clip.size)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through the equaliser at a standard deviation in dB."""
        return Applied(self.heard(state, parameter), achieved=float(parameter))


CORRUPTION = DeviceEq()
