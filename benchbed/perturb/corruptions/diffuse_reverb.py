"""A synthetic room around an array: the direct sound keeps its direction, the tail comes from everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchbed import rng as streams
from benchbed.perturb.arrays import array_of, mixing, refuse_array, unfit
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.filters import Spectrum, spectrum
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.rooms import DIRECT_SECONDS, ROOMS, response_spectrum


@dataclass(frozen=True)
class _Heard:
    """A clip's spectrum, what an omnidirectional microphone in the centre of its array hears, the array and a room."""

    clip: Spectrum
    omni: np.ndarray
    array: str
    room: int


class DiffuseReverb(Guarded):
    """`reverb` gives every channel a tail of its own; here all tails are of one field, and as coherent as the array.

    The tail is that of the sound at the centre of the array (W of `foa`), so that a source to the side of a figure of
    eight reverberates in it, too. One factor for all channels keeps the energy. Option: `array`, which is `foa` (the
    default of four channels), `mic` or `stereo` (of two).
    """

    group = "room"
    unit = "T60 in s, DRR in dB"
    keywords = ("t60", "drr")
    parameters = ((0.2, 10.0), (0.4, 6.0), (0.7, 3.0), (1.0, 0.0), (1.5, -3.0))
    source = "as `reverb`, after Polack's model, in a diffuse field; one channel has no space: reverb"
    option_names = ("array",)

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the option `array`."""
        refuse_array(self.option("array", context))
        return {}

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> _Heard:
        """The clip's spectrum and the room it stands in."""
        clip, array = spectrum(waveform, waveform.shape[1]), array_of(self.option("array", context), len(waveform))
        omni = {"foa": clip.values[0], "stereo": clip.values.sum(axis=0)}.get(array)
        return _Heard(clip, clip.values.mean(axis=0) if omni is None else omni, array, int(rng.integers(ROOMS)))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip in its room at a reverberation time and direct-to-reverberant ratio."""
        held: _Heard = state.data
        t60, drr = (float(value) for value in parameter)
        rate, clip = state.sample_rate, held.clip
        tail = response_spectrum(
            ("diffuse", held.room, rate, held.array, t60),
            lambda: diffuse_tail(held.room, rate, held.array, t60),
            clip.size,
            clip.samples,
        )
        reverberant = 10 ** (-drr / 10)
        mixed = clip.values + np.float32(np.sqrt(reverberant)) * held.omni * tail
        made = np.fft.irfft(mixed, clip.size)[:, : clip.samples] / np.sqrt(1 + reverberant)
        return Applied(np.ascontiguousarray(made, dtype=np.float32), achieved=drr)

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips that the array did not hear."""
        return unfit(self.options.get("array"), channels)


def diffuse_tail(room: int, sample_rate: int, array: str, t60: float) -> np.ndarray:
    """Tails of a room `[channel, sample]` of energy 1 for an omnidirectional microphone, exponentially decaying.

    Parameters
    ----------
    room : int
        Its number; the same noise decays at every severity.
    sample_rate : int
        Samples per second.
    array : str
        What hears it, of `benchbed.perturb.arrays.ARRAYS`.
    t60 : float
        Time in seconds over which it falls by 60 dB.

    Examples
    --------
    >>> tail = diffuse_tail(0, 16000, "foa", 0.5)
    >>> (tail**2).sum(axis=1).round(1).tolist()
    [1.0, 0.3, 0.3, 0.3]
    """
    samples = max(2, round(t60 * sample_rate))
    weights = mixing(np.fft.rfftfreq(samples, 1 / sample_rate), array)
    drawn = streams.stream("diffuse-room", room, sample_rate).standard_normal((weights.shape[1], samples))
    field = np.fft.irfft(np.einsum("cnf,nf->cf", weights + np.zeros(samples // 2 + 1), np.fft.rfft(drawn)), samples)
    time = np.arange(samples) / sample_rate
    envelope = np.exp(-3 * np.log(10) * time / t60) * (time >= DIRECT_SECONDS)
    tail: np.ndarray = field * envelope / max(float(np.sqrt((envelope**2).sum())), 1e-9)
    return tail


CORRUPTION = DiffuseReverb()
