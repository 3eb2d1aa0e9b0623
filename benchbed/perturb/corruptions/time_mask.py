"""Four gaps with soft edges, silent or filled with the clip's mean spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.level import keep_power
from benchbed.perturb.time import gap

MASKS, EDGE_SECONDS = 4, 0.005


class TimeMask(Guarded):
    """Option `fill`: `zero` (default) or `mean`, noise with the mean spectrum and the power of the clip."""

    group = "time"
    unit = "% of the clip"
    keywords = ("percent",)
    parameters = (5.0, 10.0, 20.0, 30.0, 50.0)
    source = (
        "own choice: from one SpecAugment time mask to half of the clip; 5-ms edges take out the clicks that "
        "dropout has"
    )
    shortest = 0.1
    option_names = ("fill",)

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Places of the gaps, and what fills them."""
        places = rng.random(MASKS)
        if self.option("fill", context, "zero") != "mean":
            return places, None
        size = waveform.shape[1]
        phase = np.exp(2j * np.pi * rng.random(size // 2 + 1))
        fill = np.fft.irfft(np.abs(np.fft.rfft(waveform)) * phase, size).astype(np.float32)
        return places, keep_power(fill, waveform)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with four gaps, one in each quarter."""
        samples = state.waveform.shape[1]
        places, fill = state.data
        edges = _edges(samples)
        edge = max(1, round(EDGE_SECONDS * state.sample_rate))
        out = state.waveform.copy()
        masked = 0
        for first, last, place in zip(edges, edges[1:], places.tolist()):
            start, end = gap(last - first, round(parameter / 100 * (last - first)), place)
            hole = slice(first + start, first + end)
            window = _window(end - start, edge)
            out[:, hole] *= window
            if fill is not None:
                out[:, hole] += fill[:, hole] * np.sqrt(1 - window**2)
            masked += end - start
        return Applied(out, achieved=100 * masked / samples)

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the option `fill`."""
        if self.option("fill", context, "zero") not in ("zero", "mean"):
            raise ConfigError("option 'fill' must be 'zero' or 'mean'")
        return {}


@lru_cache(maxsize=64)
def _edges(samples: int) -> tuple[int, ...]:
    return tuple(np.linspace(0, samples, MASKS + 1).astype(int).tolist())


@lru_cache(maxsize=64)
def _window(length: int, edge: int) -> np.ndarray:
    depth = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)) / (edge + 1)
    return (0.5 + 0.5 * np.cos(np.pi * np.minimum(depth, 1))).astype(np.float32)


CORRUPTION = TimeMask()
