"""Circular shift in time, forward or back; what leaves at one end comes back at the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip


class TimeShift(Guarded):
    """The same direction at every severity."""

    group = "time"
    unit = "ms"
    keywords = ("ms",)
    parameters = (10.0, 50.0, 100.0, 250.0, 500.0)
    source = (
        "after a common five-severity set; events move with the audio and may be cut in two; a clip with a rhythm comes"
        " nearer to itself again at some shifts, so the log-mel distance need not be monotone"
    )
    monotone = False
    preserves_time = False
    circular = True

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> int:
        """The direction."""
        return 1 - 2 * int(rng.integers(2))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip shifted by so many ms."""
        shift = round(parameter / 1000 * state.sample_rate)
        if shift >= state.waveform.shape[1]:
            raise CannotApply(f"a shift of {parameter:g} ms is not shorter than the clip")
        return Applied(np.roll(state.waveform, state.data * shift, axis=1), achieved=1000 * shift / state.sample_rate)

    def move_events(self, events: np.ndarray, duration: float, state: PreparedClip, parameter: Any) -> np.ndarray:
        """Shifted onsets within the clip; an offset beyond `duration` means that the event goes on at the start."""
        shift = round(parameter / 1000 * state.sample_rate) / state.sample_rate
        if state.skipped is not None or shift >= state.waveform.shape[1] / state.sample_rate:
            return events
        onsets = np.mod(events[:, 0] + state.data * shift, duration)
        return np.column_stack([onsets, onsets + events[:, 1] - events[:, 0]])


CORRUPTION = TimeShift()
