"""Style of another device: level and spread of every frequency band taken from another device's recording.

Freq-MixStyle at test time: per band, the mean and standard deviation over time of the level in dB are exchanged with
those of another clip, mixed by the severity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.devices import STYLE_LIMIT_DB, band_edges, band_level, frames, joined
from benchbed.perturb.files import open_folder
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip
from benchbed.perturb.level import is_silent


class StyleSwap(Guarded):
    """Options: `folder` of recordings of other devices, `ignore` patterns.

    Without a folder the style comes from a clip of another device (`Context.other_devices`), else of another class.
    The whole level of the clip is kept, so that only colour and dynamics change.
    """

    group = "device"
    unit = "share of the other style"
    keywords = ("share",)
    parameters = (0.2, 0.4, 0.6, 0.8, 1.0)
    source = "Freq-MixStyle (Kim et al. 2022) with a fixed mixing weight; weights are equal steps"
    shortest = 0.1
    option_names = ("folder", "ignore")

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the folder, or that the dataset gives other clips."""
        path = self.option("folder", context)
        if path is not None:
            return open_folder(path, self.option("ignore", context, ())).facts()
        if context.other_devices is None and context.others is None:
            raise ConfigError(
                "style_swap needs recordings of other devices, and the dataset gives none",
                hint="set its option 'folder' to recordings of another device",
            )
        return {"style": "other devices" if context.other_devices is not None else "clips of other classes"}

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, np.ndarray]:
        """The clip's short-time spectrum, and the change in dB per frame and band of a full swap."""
        other = self._other(sample_rate, rng, context)
        if is_silent(other):
            raise CannotApply("the clip whose style was drawn is silent")
        spectra = frames(waveform)
        own, theirs = band_level(spectra, sample_rate), band_level(frames(other), sample_rate)
        mean, spread = own.mean(axis=0), own.std(axis=0) + 1e-3
        level = theirs.mean(axis=0) - theirs.mean() + own.mean()
        wanted = (own - mean) / spread * theirs.std(axis=0) + level
        return spectra, np.clip(wanted - own, -STYLE_LIMIT_DB, STYLE_LIMIT_DB)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with a share of the other style."""
        spectra, change = state.data
        gain = (10 ** (float(parameter) * change / 20)).astype(np.float32)
        gain = np.repeat(gain, np.diff(band_edges(state.sample_rate)), axis=1)
        return Applied(joined(spectra * gain, state.waveform.shape[1]), achieved=float(parameter))

    def _other(self, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        path = self.option("folder", context)
        if path is not None:
            folder = open_folder(path, self.option("ignore", context, ()))
            return folder.load(int(rng.integers(len(folder.files))), sample_rate)
        source = context.other_devices or context.others
        if source is None:
            raise ConfigError(
                "style_swap needs recordings of other devices, and the dataset gives none",
                hint="set its option 'folder' to recordings of another device",
            )
        clips = source(rng, 1)
        if not clips:
            raise CannotApply("no clip of another device")
        return np.asarray(clips[0], dtype=np.float32)


CORRUPTION = StyleSwap()
