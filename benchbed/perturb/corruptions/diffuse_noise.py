"""Pink noise from everywhere at once, as an array hears it in a room or outdoors: a diffuse field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.perturb.arrays import array_of, mixing, refuse_array, unfit
from benchbed.perturb.contract import Context
from benchbed.perturb.noise import Field, coloured


class DiffuseNoise(Field):
    """Channels hear one field and so are as coherent as the array makes them; one level for all channels.

    Option: `array`, which is `foa` (the default of four channels), `mic` or `stereo` (of two).
    """

    source = (
        "SNRs of a common five-severity set; coherence sin(x)/x between open microphones (Cook et al. 1955), none in "
        "Ambisonics; one channel has no space: white_noise, pink_noise"
    )
    option_names = ("measure", "array")

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the options."""
        refuse_array(self.option("array", context))
        return super().configure(context)

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Noise of the clip's shape."""
        array = array_of(self.option("array", context), len(waveform))
        hertz = np.fft.rfftfreq(waveform.shape[1], 1 / sample_rate)
        weights = mixing(hertz, array).astype(np.float32)
        spectra = np.fft.rfft(coloured((weights.shape[1], waveform.shape[1]), sample_rate, 1.0, rng))
        mixed = [sum(weight * spectrum for weight, spectrum in zip(row, spectra)) for row in weights]
        return np.fft.irfft(np.stack(mixed), waveform.shape[1]).astype(np.float32)

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips that the array did not hear."""
        return unfit(self.options.get("array"), channels)


CORRUPTION = DiffuseNoise()
