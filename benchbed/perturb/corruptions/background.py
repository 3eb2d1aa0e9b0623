"""Recorded background: an excerpt from a folder of the user's noises, or a clip of another class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.files import RecordingFolder, conversion, fit_channels, open_folder
from benchbed.perturb.guarded import CannotApply, PreparedClip
from benchbed.perturb.level import is_silent
from benchbed.perturb.noise import Additive, excerpt
from benchbed.perturb.ondevice import AppliedOnDevice, Moved

#: Excerpts tried before a clip is left alone because all that was drawn is silent.
TRIES = 8


class Background(Additive):
    """Options: `folder` of noises (else clips of other classes), `ignore` patterns, `level`.

    A mono noise is the same in all channels; one with the clip's channel count keeps its image; any other is mixed
    down, which is noted per clip.
    """

    source = "SNRs as for white noise; noise of the user, or in its absence the confusable sounds of the dataset itself"
    option_names = ("folder", "ignore", "level", "measure")

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the folder and every file in it; its digest goes into the protocol id."""
        super().configure(context)
        folder = self._folder(context)
        if folder is None and context.others is None:
            raise ConfigError(
                "background noise needs recordings, and the dataset gives no clips of other classes",
                hint="set the option 'folder' to a folder of noises",
            )
        return folder.facts() if folder is not None else {"noise": "clips of other classes"}

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, float, str | None]:
        """The noise at 0 dB SNR, and what was converted."""
        noise, converted = self._excerpt(waveform, sample_rate, rng, context)
        note = "; ".join(f"noise {words}" for words in converted) or None
        return *self.levelled(noise, waveform, sample_rate, context), note

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with its noise at an SNR in dB."""
        *noisy, note = state.data
        return replace(super().at(replace(state, data=noisy), parameter), note=note)

    def at_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The same on a device."""
        *noisy, note = state.data
        return replace(super().at_on_device(replace(state, data=noisy), parameter, moved), note=note)

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """An excerpt that is not silent."""
        return self._excerpt(waveform, sample_rate, rng, context)[0]

    def _excerpt(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, list[str]]:
        channels, samples = waveform.shape
        for _ in range(TRIES):
            recording, converted = self._recording(sample_rate, channels, rng, context)
            noise = fit_channels(excerpt(recording, samples, rng), channels)
            if not any(is_silent(channel) for channel in noise):
                return noise, converted
        raise CannotApply(f"{TRIES} excerpts of noise drawn for this clip were silent")

    def _folder(self, context: Context) -> RecordingFolder | None:
        path = self.option("folder", context)
        return None if path is None else open_folder(path, self.option("ignore", context, ()))

    def _recording(
        self, sample_rate: int, channels: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, list[str]]:
        folder = self._folder(context)
        if folder is not None:
            index = int(rng.integers(len(folder.files)))
            converted = conversion(folder.rates[index], folder.channels[index], sample_rate, channels)
            return folder.load(index, sample_rate), converted
        if context.others is None:
            raise ConfigError(
                "background noise needs recordings, and the dataset gives no clips of other classes",
                hint="set the option 'folder' to a folder of noises",
            )
        clips = context.others(rng, 1)
        if not clips:
            raise CannotApply("no clip of another class")
        return np.asarray(clips[0], dtype=np.float32), conversion(sample_rate, len(clips[0]), sample_rate, channels)


CORRUPTION = Background()
