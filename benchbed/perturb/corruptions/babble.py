"""Babble: several talkers at once, from a folder of the user's speech or synthetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.perturb.contract import Context
from benchbed.perturb.files import fit_channels, open_folder
from benchbed.perturb.noise import Additive, babble_bank, excerpt

#: Talkers mixed from a folder; fewer than about four are heard as single voices.
TALKERS = 6


class Babble(Additive):
    """Options: `folder` of speech, `ignore` patterns, `level`. Channels hear different moments."""

    source = "SNRs as for white noise; without a folder, eight synthetic talkers of speech-like spectrum and modulation"
    option_names = ("folder", "ignore", "level", "measure")

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the folder, if one is given."""
        super().configure(context)
        path = self.option("folder", context)
        if path is None:
            return {"noise": "synthetic talkers"}
        return open_folder(path, self.option("ignore", context, ())).facts()

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Babble of the clip's shape."""
        channels, samples = waveform.shape
        path = self.option("folder", context)
        if path is None:
            bank = babble_bank(sample_rate)[None]
            return np.concatenate([excerpt(bank, samples, rng) for _ in range(channels)])
        folder = open_folder(path, self.option("ignore", context, ()))
        noise = np.zeros(waveform.shape, dtype=np.float32)
        for index in rng.integers(len(folder.files), size=TALKERS).tolist():
            voice = fit_channels(excerpt(folder.load(index, sample_rate), samples, rng), channels)
            power = float(np.mean(voice**2))
            if power > 0:
                noise += voice / np.float32(np.sqrt(power))
        return noise


CORRUPTION = Babble()
