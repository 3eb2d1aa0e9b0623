"""Events that were annotated and are no longer there: taken out in place, with the references moved along.

What a detector still reports where they were, it has from the context or from its memory. Events are taken out one by
one in an order that is drawn once, so that each severity takes out what the milder ones did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip

#: How long the edges of a gap fade, in seconds.
FADE = 0.01


class SilenceEvents(Guarded):
    """Options: `fill` (`silence`, or `background`: the clip's own sound where nothing is annotated), `classes`.

    It needs events with times; clips without any are left alone, and counted.
    """

    group = "event"
    unit = "share of the events"
    keywords = ("share",)
    parameters = (0.2, 0.4, 0.6, 0.8, 1.0)
    source = "own choice: from one event of five to all of them"
    option_names = ("fill", "classes")
    monotone = False
    preserves_time = False
    wants_events = True

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the options."""
        if self.option("fill", context, "silence") not in ("silence", "background"):
            raise ConfigError("option 'fill' must be 'silence' or 'background'")
        return {"fill": self.option("fill", context, "silence")}

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[list[tuple[float, float, str]], np.ndarray, list[tuple[float, float, str]]]:
        """Events in the order in which they are taken out, what fills their place, and all events."""
        classes, seconds = self.option("classes", context), waveform.shape[1] / sample_rate
        every = [(max(0.0, a), min(seconds, b), name) for a, b, name in context.events if b > a and a < seconds]
        mine = [one for one in every if classes is None or one[2] in classes]
        if not mine:
            raise CannotApply("no event with times is annotated here")
        order = [mine[i] for i in rng.permutation(len(mine))]
        filling = np.zeros_like(waveform)
        if self.option("fill", context, "silence") == "background":
            free = np.ones(waveform.shape[1], bool)
            for onset, offset, _ in every:
                free[round(onset * sample_rate) : round(offset * sample_rate)] = False
            if not free.any():
                raise CannotApply("something is annotated at every moment: there is no background to fill with")
            places = np.flatnonzero(free)
            filling = waveform[:, np.resize(places, waveform.shape[1])]
        return order, filling, every

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip without a share of its events."""
        order, filling, every = state.data
        gone = self._gone(state, parameter)
        rate, samples = state.sample_rate, state.waveform.shape[1]
        weight = np.zeros(samples, np.float32)
        fade = max(1, round(FADE * rate))
        for onset, offset in gone:
            first, last = round(onset * rate), max(round(onset * rate) + 1, round(offset * rate))
            weight[first:last] = 1.0
            before, after = max(0, first - fade), min(samples, last + fade)
            rise = np.linspace(0, 1, fade, endpoint=False, dtype=np.float32)
            weight[before:first] = np.maximum(weight[before:first], rise[fade - (first - before) :])
            weight[last:after] = np.maximum(weight[last:after], rise[::-1][: after - last])
        out = (1 - weight) * state.waveform + weight * filling
        left = {name for onset, offset, name in every if _pieces(onset, offset, gone)}
        lost = sorted({name for _, _, name in order} - left)
        return Applied(
            out.astype(np.float32),
            achieved=len(gone) / len(order),
            facts={"event_removed": ",".join(lost), "events_silenced": len(gone)},
        )

    def _gone(self, state: PreparedClip, parameter: Any) -> list[tuple[float, float]]:
        if state.skipped is not None:
            return []
        order = state.data[0]
        count = max(1, round(float(parameter) * len(order)))
        return [(onset, offset) for onset, offset, _ in order[:count]]

    def move_events(self, events: np.ndarray, duration: float, state: Any, parameter: Any) -> np.ndarray:
        """Where they are; what is gone is left out by `place_events`."""
        return events

    def place_events(
        self, events: np.ndarray, duration: float, state: Any, parameter: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """What is left of each event outside the gaps."""
        gone = self._gone(state, parameter)
        pieces: list[tuple[float, float]] = []
        rows: list[int] = []
        for row, (onset, offset) in enumerate(np.asarray(events, dtype=np.float64).reshape(-1, 2).tolist()):
            for piece in _pieces(max(0.0, onset), min(duration, offset), gone):
                pieces.append(piece)
                rows.append(row)
        return np.array(pieces, dtype=np.float64).reshape(-1, 2), np.array(rows, dtype=np.int64)


def _pieces(onset: float, offset: float, gaps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is left of a stretch of time outside of gaps.

    Examples
    --------
    >>> _pieces(0.0, 3.0, [(1.0, 2.0)]), _pieces(1.2, 1.8, [(1.0, 2.0)])
    ([(0.0, 1.0), (2.0, 3.0)], [])
    """
    left = [(onset, offset)]
    for first, last in gaps:
        cut = []
        for a, b in left:
            cut += [(x, y) for x, y in ((a, min(b, first)), (max(a, last), b)) if y - x > 1e-9]
        left = cut
    return left


CORRUPTION = SilenceEvents()
