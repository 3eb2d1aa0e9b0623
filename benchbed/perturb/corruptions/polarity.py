"""Phase rotation up to polarity inversion: inaudible, and harmless to a sound model."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip


class Polarity(Guarded):
    """All channels alike."""

    group = "channel"
    unit = "degrees"
    keywords = ("degrees",)
    parameters = (36.0, 72.0, 108.0, 144.0, 180.0)
    source = (
        "own choice: equal steps to inversion; magnitudes stay, so the log-mel distance says nothing and is not "
        "monotone"
    )
    monotone = False

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """The analytic signal."""
        size = waveform.shape[1]
        spectrum = np.fft.rfft(waveform)
        quadrature = np.fft.irfft(-1j * spectrum, size) if size > 1 else np.zeros_like(waveform)
        return quadrature.astype(np.float32)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """Every component rotated by the same angle; 180 degrees is exact inversion."""
        if parameter == 180:
            return Applied(-state.waveform, achieved=180.0)
        angle = np.deg2rad(parameter)
        out = state.waveform * np.float32(np.cos(angle))
        out -= state.data * np.float32(np.sin(angle))
        return Applied(out, achieved=float(parameter))


CORRUPTION = Polarity()
