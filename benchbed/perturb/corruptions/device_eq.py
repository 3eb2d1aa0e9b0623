"""A device nobody has measured: a random minimum-phase equaliser."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.devices import GRID, equaliser, response_at
from benchbed.perturb.filters import Spectrum, filtered, spectrum
from benchbed.perturb.guarded import Guarded, Prepared

BANDS, TAPS = 12, GRID // 2


class DeviceEq(Guarded):
    """All channels through the same curve; the mean gain over bands is zero."""

    group = "device"
    unit = "dB standard deviation over 12 bands"
    parameters = (2.0, 4.0, 6.0, 9.0, 12.0)
    source = "after a common five-severity set; one draw of gains, scaled by the severity, at unit energy"

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[Spectrum, np.ndarray]:
        """The clip's spectrum and the curve at a standard deviation of 1 dB."""
        gains = rng.standard_normal(BANDS)
        return spectrum(waveform, TAPS), equaliser(gains - gains.mean(), sample_rate)

    def at(self, state: Prepared, parameter: Any) -> Applied:
        """The clip through the equaliser at a standard deviation in dB."""
        clip, curve = state.data
        response = response_at(curve, float(parameter), clip.size)
        return Applied(filtered(clip, response), achieved=float(parameter))


CORRUPTION = DeviceEq()
