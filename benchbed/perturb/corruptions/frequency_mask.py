"""A band of random place is missing, as in SpecAugment but in the waveform."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import PADDING_SECONDS, Spectrum, mel, mel_gap, spectrum
from benchbed.perturb.guarded import PreparedClip


class FrequencyMask(Filtering):
    """One gap per clip, the same in all channels."""

    group = "bandwidth"
    unit = "% of the mel scale"
    keywords = ("percent",)
    parameters = (5.0, 10.0, 20.0, 30.0, 50.0)
    source = "own choice: SpecAugment masks of 6 to 64 of 128 mel bands; milder gaps lie inside stronger ones"

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[Spectrum, float]:
        """The spectrum and the place of the gap."""
        return spectrum(waveform, round(PADDING_SECONDS * sample_rate)), float(rng.random())

    def spectrum_of(self, state: PreparedClip) -> Spectrum:
        """The clip's spectrum."""
        return state.data[0]

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The gap at the bins."""
        clip, place = state.data
        top = float(mel(state.sample_rate / 2))
        width = top * parameter / 100
        low = place * (top - width)
        return mel_gap(clip.size, state.sample_rate, low, low + width, 0.1 * width)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip without a share of the mel scale."""
        return Applied(self.heard(state, parameter), achieved=float(parameter))


CORRUPTION = FrequencyMask()
