"""Channels that differ in gain and are out of step, as after a bad calibration or clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import PADDING_SECONDS, Spectrum, bins, spectrum
from benchbed.perturb.guarded import PreparedClip


class ChannelMismatch(Filtering):
    """The first channel is the reference and stays as it is; `achieved` is the gain error."""

    group = "channel"
    unit = "dB, µs"
    keywords = ("gain", "delay")
    parameters = ((0.5, 31.25), (1.0, 62.5), (2.0, 125.0), (4.0, 250.0), (6.0, 500.0))
    source = (
        "after a common five-severity set: ±0.5…6 dB and ±1…16 samples at 32 kHz, here in µs so that every rate "
        "means the same"
    )

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[Spectrum, np.ndarray]:
        """The spectrum, and for every channel but the first the signs of its gain and delay."""
        signs = 1.0 - 2.0 * rng.integers(2, size=(2, len(waveform)))
        signs[:, 0] = 0
        return spectrum(waveform, round(PADDING_SECONDS * sample_rate)), signs

    def spectrum_of(self, state: PreparedClip) -> Spectrum:
        """The clip's spectrum."""
        return state.data[0]

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """Each channel's gain error in dB and delay in µs, at the bins."""
        clip, (gain, delay) = state.data
        decibel, microseconds = (float(value) for value in parameter)
        late = np.exp(-2e-6j * np.pi * microseconds * bins(clip.size, state.sample_rate)).astype(np.complex64)
        response = np.stack([late.conj() if d < 0 else late if d > 0 else np.ones_like(late) for d in delay])
        response *= (10 ** (decibel * gain / 20)).astype(np.float32)[:, None]
        return response

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with gain errors in dB and delays in µs (fractions of a sample included)."""
        return Applied(self.heard(state, parameter), achieved=float(parameter[0]))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips of one channel."""
        return None if channels >= 2 else f"needs two channels or more, not {channels}"


CORRUPTION = ChannelMismatch()
