"""Alternating occlusion closed up: the kept blocks in a row, then silence."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip
from benchbed.perturb.time import blocks, kept_before


class OcclusionSpliced(Guarded):
    """The same blocks are kept as in `occlusion_interleaved`; events move with them."""

    group = "time"
    unit = "s block"
    keywords = ("block",)
    parameters = (2.0, 1.0, 0.5, 0.25, 0.125)
    source = (
        "blocks of the AudioSet occlusion study in AudioSetDoneRight (interleaved .015 against spliced .281 mAP at "
        ".125 s); about half is removed at every block length, so the log-mel distance need not be monotone"
    )
    preserves_time = False
    monotone = False

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The kept blocks in a row, and silence to the clip's length."""
        kept = blocks(state.waveform.shape[1], state.sample_rate, parameter)
        if kept.all():
            raise CannotApply(f"not longer than one block of {parameter:g} s")
        out = np.zeros_like(state.waveform)
        out[:, : int(kept.sum())] = state.waveform[:, kept]
        return Applied(out, achieved=float(parameter))

    def move_events(self, events: np.ndarray, duration: float, state: PreparedClip, parameter: Any) -> np.ndarray:
        """Each time becomes the audio kept before it; an event within a removed block has no length left."""
        if state.skipped is not None or duration <= parameter:
            return events
        block = max(1, round(parameter * state.sample_rate)) / state.sample_rate
        return kept_before(events, block)


CORRUPTION = OcclusionSpliced()
