"""Another recording device: a measured response from the user's folder (such as MicIRP) and range compression.

This is how the simulated devices of TAU Urban Acoustic Scenes Mobile were made: an impulse response of a device, then
dynamic-range compression. Their settings were not published, so the severities here are our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.devices import GRID, measured, responses_at
from benchbed.perturb.files import RecordingFolder, open_folder
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import Spectrum, spectrum
from benchbed.perturb.guarded import PreparedClip
from benchbed.perturb.level import compress, compressor_state, keep_power


class DeviceResponse(Filtering):
    """Options: `folder` of device responses (needed), `ignore` patterns, `file` to use one of them for every clip.

    A severity is the share of the measured response (in dB over frequency) and the compressor's ratio; at a share of 1
    it is the device itself. Level stays as it was.
    """

    group = "device"
    unit = "share of the response, compression ratio"
    keywords = ("share", "ratio")
    parameters = ((0.25, 1.2), (0.5, 1.5), (0.75, 2.0), (1.0, 3.0), (1.5, 5.0))
    source = "TAU's recipe (response, then compression) with own settings; minimum-phase equivalent, so events stay"
    option_names = ("folder", "ignore", "file")

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the folder and every file in it; its digest goes into the protocol id."""
        folder = self._folder(context)
        self._index(folder, context, None)
        return folder.facts()

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[Spectrum, np.ndarray, str | None]:
        """The clip's spectrum and the device drawn for it."""
        folder = self._folder(context)
        index = self._index(folder, context, rng)
        rate = folder.rates[index]
        note = None if rate == sample_rate else f"response resampled from {rate} Hz"
        return spectrum(waveform, GRID // 2), _curve(folder, index, sample_rate), note

    def spectrum_of(self, state: PreparedClip) -> Spectrum:
        """The clip's spectrum."""
        return state.data[0]

    def responses(self, state: PreparedClip, parameters: Sequence[Any]) -> np.ndarray:
        """Shares of the device's response at the bins."""
        clip, curve, _ = state.data
        return responses_at(curve, [float(share) for share, _ in parameters], clip.size)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip as recorded by the device."""
        share, ratio = (float(value) for value in parameter)
        heard = keep_power(self.heard(state, parameter), state.waveform)
        out = compress(heard, compressor_state(heard, state.sample_rate), ratio)
        return Applied(out, achieved=share, note=state.data[2])

    def _folder(self, context: Context) -> RecordingFolder:
        path = self.option("folder", context)
        if path is None:
            raise ConfigError(
                "device_response needs measured device responses",
                hint="set its option 'folder' (e.g. MicIRP), or use 'device_eq' for random devices",
            )
        return open_folder(path, self.option("ignore", context, ()))

    def _index(self, folder: RecordingFolder, context: Context, rng: np.random.Generator | None) -> int:
        wanted = self.option("file", context)
        if wanted is None:
            return 0 if rng is None else int(rng.integers(len(folder.files)))
        names = [path.relative_to(folder.path).as_posix() for path in folder.files]
        if wanted not in names:
            raise ConfigError(f"no file {wanted!r} in {folder.path}", hint=f"there are: {', '.join(names[:8])}")
        return names.index(wanted)


@lru_cache(maxsize=128)
def _curve(folder: RecordingFolder, index: int, sample_rate: int) -> np.ndarray:
    return measured(folder.load(index, sample_rate).mean(axis=0))


CORRUPTION = DeviceResponse()
