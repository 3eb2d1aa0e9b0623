"""Alternating occlusion in place: every second block is silent."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip
from benchbed.perturb.time import blocks


class OcclusionInterleaved(Guarded):
    """The first block is kept. With `occlusion_spliced` this separates what is missing from how it is cut."""

    group = "time"
    unit = "s block"
    keywords = ("block",)
    parameters = (2.0, 1.0, 0.5, 0.25, 0.125)
    source = (
        "blocks of the AudioSet occlusion study in AudioSetDoneRight (interleaved .015 against spliced .281 mAP at "
        ".125 s); about half is removed at every block length, so the log-mel distance need not be monotone"
    )
    monotone = False

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with every second block silent."""
        kept = blocks(state.waveform.shape[1], state.sample_rate, parameter)
        if kept.all():
            raise CannotApply(f"not longer than one block of {parameter:g} s")
        return Applied(state.waveform * kept, achieved=float(parameter))


CORRUPTION = OcclusionInterleaved()
