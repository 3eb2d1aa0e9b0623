"""Synthetic room response: decaying noise behind a direct path that stays in place, at unit energy."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import Spectrum, spectrum
from benchbed.perturb.guarded import PreparedClip
from benchbed.perturb.rooms import ROOMS, response_spectrum, synthetic_response


class Reverb(Filtering):
    """One of sixteen rooms per clip, the same at every severity; `achieved` is the DRR."""

    group = "room"
    unit = "T60 in s, DRR in dB"
    keywords = ("t60", "drr")
    parameters = ((0.2, 10.0), (0.4, 6.0), (0.7, 3.0), (1.0, 0.0), (1.5, -3.0))
    source = "after a common five-severity set; Polack's model"

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[Spectrum, int]:
        """The clip's spectrum and the room it stands in."""
        return spectrum(waveform, waveform.shape[1]), int(rng.integers(ROOMS))

    def spectrum_of(self, state: PreparedClip) -> Spectrum:
        """The clip's spectrum."""
        return state.data[0]

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The room at a reverberation time and direct-to-reverberant ratio, at the bins."""
        clip, room = state.data
        t60, drr = (float(value) for value in parameter)
        channels, rate = len(state.waveform), state.sample_rate
        return response_spectrum(
            ("synthetic", room, rate, channels, t60, drr),
            lambda: synthetic_response(room, rate, channels, t60, drr),
            clip.size,
            clip.samples,
        )

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip in its room at a reverberation time and direct-to-reverberant ratio."""
        return Applied(self.heard(state, parameter), achieved=float(parameter[1]))


CORRUPTION = Reverb()
