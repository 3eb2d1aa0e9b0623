"""Pink noise from one direction, as an array hears a fan or a street: a source that nobody annotated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.data.synthesis.spatial import direction
from benchbed.errors import ConfigError
from benchbed.perturb.arrays import array_of, refuse_array, steering, unfit
from benchbed.perturb.contract import Context
from benchbed.perturb.noise import Field, coloured


class DirectionalNoise(Field):
    """One direction per clip, the same at every severity; one level for all channels.

    Options: `array`, which is `foa` (the default of four channels), `mic` or `stereo` (of two); `azimuth` and
    `elevation` in degrees, drawn evenly over the sphere where they are not given.
    """

    source = (
        "SNRs of a common five-severity set; a plane wave; one channel has no direction: white_noise, pink_noise. The "
        "reference stays: a model that reports the noise is wrong"
    )
    option_names = ("measure", "array", "azimuth", "elevation")

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the options."""
        refuse_array(self.option("array", context))
        for name, most in (("azimuth", 180), ("elevation", 90)):
            value = self.option(name, context)
            known = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= most
            if value is not None and not known:
                raise ConfigError(f"option '{name}' must be degrees in −{most}…{most}, not '{value}'")
        return super().configure(context)

    def draw(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> np.ndarray:
        """Noise of the clip's shape."""
        azimuth, elevation = rng.uniform(-180, 180), np.degrees(np.arcsin(rng.uniform(-1, 1)))
        given = self.option("azimuth", context), self.option("elevation", context)
        azimuth, elevation = (drawn if own is None else own for drawn, own in zip((azimuth, elevation), given))
        array = array_of(self.option("array", context), len(waveform))
        samples = waveform.shape[1]
        wave = coloured((1, samples), sample_rate, 1.0, rng)
        vector = direction(float(azimuth), float(elevation))
        if array != "mic":
            return (steering(vector, np.zeros(1), array) * wave).astype(np.float32)
        heard = np.fft.rfft(wave) * steering(vector, np.fft.rfftfreq(samples, 1 / sample_rate), array)
        return np.fft.irfft(heard, samples).astype(np.float32)

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips that the array did not hear."""
        return unfit(self.options.get("array"), channels)


CORRUPTION = DirectionalNoise()
