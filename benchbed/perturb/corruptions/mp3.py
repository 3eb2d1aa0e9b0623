"""MP3 at a constant bit rate (LAME)."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.codec import MP3_RATES, mp3_level, mp3_range, round_trip
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip


class Mp3(Guarded):
    """One or two channels share a stream; more are coded one by one at this rate each."""

    group = "codec"
    unit = "kbit/s"
    keywords = ("kbps",)
    parameters = (112, 96, 64, 48, 32)
    source = (
        "common constant bit rates from good to the lowest of MPEG-1; delay of 1105 samples removed where the "
        "decoder leaves it"
    )

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through MP3 at a nominal rate; `achieved` counts the whole stream, headers included."""
        channels, samples = state.waveform.shape
        streams = 1 if channels <= 2 else channels
        level = mp3_level(parameter, state.sample_rate)
        out, size = round_trip(
            state.waveform,
            state.sample_rate,
            "MP3",
            "MPEG_LAYER_III",
            2,
            compression_level=level,
            bitrate_mode="CONSTANT",
        )
        return Applied(out, achieved=size / streams * 8e-3 * state.sample_rate / samples)

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Sample rates and bit rates outside the MPEG tables."""
        if sample_rate not in MP3_RATES:
            return f"MP3 has no sample rate of {sample_rate} Hz"
        low, high = mp3_range(sample_rate)
        if not low <= parameter <= high:
            return f"MP3 at {sample_rate} Hz runs from {low} to {high} kbit/s"
        return None


CORRUPTION = Mp3()
