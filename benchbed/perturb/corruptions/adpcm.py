"""ADPCM coders in the order of their bits per sample, at the clip's own sample rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.codec import round_trip
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip

#: Container, libsndfile subtype, and bits per sample.
CODERS = {
    "g723-40": ("AU", "G723_40", 5),
    "g721-32": ("AU", "G721_32", 4),
    "ima-4bit": ("WAV", "IMA_ADPCM", 4),
    "g723-24": ("AU", "G723_24", 3),
    "nms-16": ("WAV", "NMS_ADPCM_16", 2),
}
#: The G.72x decoders overshoot, and wrap round at full scale; at half level they do not. Their step sizes adapt.
HEADROOM = np.float32(0.5)


class Adpcm(Guarded):
    """Channels are coded one by one; block padding is cut off. `achieved` is bits per sample."""

    group = "codec"
    unit = "coder (bits per sample)"
    packages = ("soundfile",)
    keywords = ("coder",)
    parameters = tuple(CODERS)
    source = (
        "libsndfile's ITU G.721/G.723, IMA and NMS coders; mildest first by their SNR on noise: 24, 18, 14, 13, 7 dB"
    )

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> None:
        """Nothing to prepare."""
        return None

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through one coder."""
        container, subtype, bits = CODERS[parameter]
        headroom = HEADROOM if container == "AU" else np.float32(1)
        out, _ = round_trip(headroom * np.clip(state.waveform, -1, 1), state.sample_rate, container, subtype, 1)
        return Applied(out / headroom, achieved=float(bits))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Names that are no coder."""
        return None if parameter in CODERS else f"no ADPCM coder {parameter!r}; known: {', '.join(CODERS)}"


CORRUPTION = Adpcm()
