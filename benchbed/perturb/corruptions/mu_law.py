"""G.711 μ-law companding, down to a few bits of the code word."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.codec import mu_law_table
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.level import to_int16


class MuLaw(Guarded):
    """Companding only: the telephone's bandwidth is `resampling` at 8 kHz."""

    group = "codec"
    unit = "bits"
    packages = ("soundfile",)
    keywords = ("bits",)
    parameters = (8, 7, 6, 5, 4)
    source = "8 bits are G.711 (libsndfile); fewer as when low bits are robbed or dropped from the code word"

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """The clip as 16-bit indices into the code table."""
        return to_int16(waveform).astype(np.intp) + 32768

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through a code word of so many bits, at its own sample rate."""
        return Applied(np.take(mu_law_table(int(parameter)), state.data), achieved=float(parameter))


CORRUPTION = MuLaw()
