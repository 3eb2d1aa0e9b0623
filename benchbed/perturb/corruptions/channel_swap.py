"""Two channels that change places, as after a wrong plug or a driver that loses count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip


class ChannelSwap(Guarded):
    """One pair of channels per clip, swapped from some point on to the end; at 100 % all along.

    Option: `channels`, the numbers of two, from 0; drawn for each clip where they are not given.
    """

    group = "channel"
    unit = "% of the clip"
    keywords = ("percent",)
    parameters = (10.0, 25.0, 50.0, 75.0, 100.0)
    source = "own choice: a fault in the last tenth to a wrong wiring; the reference stays. One channel has no other"
    option_names = ("channels",)

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the option `channels`."""
        pair = self.option("channels", context)
        if pair is None:
            return {}
        numbers = list(pair) if isinstance(pair, list | tuple) else []
        fits = len(numbers) == 2 and all(type(number) is int and number >= 0 for number in numbers)
        if not fits or numbers[0] == numbers[1]:
            raise ConfigError(f"option 'channels' must be the numbers of two channels, from 0, not {pair}")
        return {}

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[int, int]:
        """Which two."""
        drawn = rng.choice(len(waveform), 2, replace=False)
        one, other = self.option("channels", context) or drawn.tolist()
        if max(one, other) >= len(waveform):
            raise CannotApply(f"has no channel {max(one, other)}: {len(waveform)} channels, from 0")
        return int(one), int(other)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with its last part swapped."""
        samples = state.waveform.shape[1]
        start = samples - max(1, round(samples * float(parameter) / 100))
        out = state.waveform.copy()
        one, other = state.data
        out[[one, other], start:] = out[[other, one], start:]
        if np.array_equal(out, state.waveform):
            raise CannotApply(f"channels {one} and {other} are the same there")
        return Applied(out, achieved=100 * (samples - start) / samples)

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips of one channel."""
        return None if channels >= 2 else f"needs two channels or more, not {channels}"


CORRUPTION = ChannelSwap()
