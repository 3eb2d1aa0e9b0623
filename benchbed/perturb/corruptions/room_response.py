"""Measured room responses from the user's folder, with the tail scaled to a direct-to-reverberant ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.files import RecordingFolder, conversion, fit_channels, open_folder
from benchbed.perturb.filtering import Filtering
from benchbed.perturb.filters import Spectrum, spectrum
from benchbed.perturb.guarded import PreparedClip
from benchbed.perturb.rooms import align, response_spectrum, with_drr


class RoomResponse(Filtering):
    """Options: `folder` of impulse responses (needed), `ignore` patterns.

    The direct path is moved to sample 0 and the energy set to one. A response with the clip's channel count is used as
    it is; any other is mixed down, which is noted per clip.
    """

    group = "room"
    unit = "dB DRR"
    keywords = ("drr",)
    parameters = (10.0, 6.0, 3.0, 0.0, -3.0)
    source = "DRRs of the synthetic rooms; the decay is the measured one"
    option_names = ("folder", "ignore")

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the folder and every file in it; its digest goes into the protocol id."""
        return self._folder(context).facts()

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[Spectrum, RecordingFolder, int]:
        """The clip's spectrum and the response drawn for it."""
        folder = self._folder(context)
        return spectrum(waveform, waveform.shape[1]), folder, int(rng.integers(len(folder.files)))

    def spectrum_of(self, state: PreparedClip) -> Spectrum:
        """The clip's spectrum."""
        return state.data[0]

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The measured room at a direct-to-reverberant ratio in dB, at the bins."""
        clip, folder, index = state.data
        channels, rate, drr = len(state.waveform), state.sample_rate, float(parameter)

        def made() -> np.ndarray:
            return with_drr(align(fit_channels(folder.load(index, rate), channels)), rate, drr)

        return response_spectrum((folder.digest, index, rate, channels, drr), made, clip.size, clip.samples)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip in the measured room at a direct-to-reverberant ratio in dB."""
        _, folder, index = state.data
        channels, rate = len(state.waveform), state.sample_rate
        converted = conversion(folder.rates[index], folder.channels[index], rate, channels)
        note = "; ".join(f"response {words}" for words in converted) or None
        return Applied(self.heard(state, parameter), achieved=float(parameter), note=note)

    def _folder(self, context: Context) -> RecordingFolder:
        path = self.option("folder", context)
        if path is None:
            raise ConfigError(
                "room_response needs measured impulse responses",
                hint="set its option 'folder', or use 'reverb' for synthetic rooms",
            )
        return open_folder(path, self.option("ignore", context, ()))


CORRUPTION = RoomResponse()
